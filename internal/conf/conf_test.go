package conf

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestUnknown(t *testing.T) {
	for name, near := range map[string]string{
		"hoodie.parquet.max.file.size":            "known",
		"hoodie.cleaner.commits.retained":         "known", // an alias
		"hoodie.metadata.enable":                  "known", // without effect
		"hoodie.table.anything":                   "known",
		"hoodie.parquet.max.filesize":             "hoodie.parquet.max.file.size",
		"hoodie.clean.commits.retaind":            "hoodie.clean.commits.retained",
		"hoodie.cleaner.commits.retaind":          "hoodie.clean.commits.retained", // the newest name
		"hoodie.bucket.index.num.bucket":          "hoodie.bucket.index.num.buckets",
		"hoodie.compact.inline.max.delta.commit":  "hoodie.compact.inline.max.delta.commits",
		"parquet.compression.codec":               "hoodie.parquet.compression.codec",
		"hoodie.upsert.shuffle.paralelism":        "hoodie.upsert.shuffle.parallelism",
		"spark.serializer":                        "",
		"x":                                       "",
		"":                                        "",
		"hoodie.something.that.is.far.from.all.x": "",
	} {
		got := Options{name: "1"}.Unknown()
		switch near {
		case "known":
			require.Empty(t, got, name)
		case "":
			require.Equal(t, []string{"option " + name + " is not known"}, got)
		default:
			require.Equal(t, []string{"option " + name + " is not known; did you mean " + near + "?"}, got)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "ac", 1},
		{"abc", "xabc", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2},
	} {
		require.Equal(t, c.want, distance(c.a, c.b), "%q %q", c.a, c.b)
	}
	word := rapid.StringMatching(`[ab.]{0,8}`)
	rapid.Check(t, func(rt *rapid.T) {
		a, b, c := word.Draw(rt, "a"), word.Draw(rt, "b"), word.Draw(rt, "c")
		require.Equal(rt, distance(a, b), distance(b, a))
		require.Equal(rt, a == b, distance(a, b) == 0)
		require.LessOrEqual(rt, distance(a, c), distance(a, b)+distance(b, c))
	})
}

func TestValues(t *testing.T) {
	n, err := Options{}.Int(CleanCommits)
	require.NoError(t, err)
	require.EqualValues(t, 10, n)
	n, err = Options{"hoodie.cleaner.commits.retained": " 3 "}.Int(CleanCommits)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	n, err = Options{"hoodie.cleaner.commits.retained": "3", "hoodie.clean.commits.retained": "4"}.Int(CleanCommits)
	require.NoError(t, err)
	require.EqualValues(t, 4, n, "the newer name wins")
	for _, text := range []string{"-1", "3.5", "ten", "9223372036854775808"} {
		_, err = Options{"hoodie.clean.commits.retained": text}.Int(CleanCommits)
		require.ErrorIs(t, err, base.ErrInvalid, text)
		require.ErrorContains(t, err, "hoodie.clean.commits.retained")
	}
	n, err = Options{}.Int(BucketCount)
	require.NoError(t, err)
	require.Zero(t, n, "without default")
	on, err := Options{}.Bool(CompactInline)
	require.NoError(t, err)
	require.True(t, on)
	on, err = Options{"hoodie.compact.inline": " FALSE "}.Bool(CompactInline)
	require.NoError(t, err)
	require.False(t, on)
	_, err = Options{"hoodie.compact.inline": "maybe"}.Bool(CompactInline)
	require.ErrorIs(t, err, base.ErrInvalid)
	require.True(t, Options{"hoodie.cleaner.commits.retained": ""}.Has(CleanCommits))
	require.False(t, Options{}.Has(CleanCommits))
}

// TestUnder lets a table's stored options stand in for those that were not given.
func TestUnder(t *testing.T) {
	stored := map[string]string{"hoodie.cleaner.commits.retained": "7", "hoodie.compact.inline": "false", "hoodie.table.name": "t"}
	got := Options{"hoodie.compact.inline": "true"}.Under(func(name string) (string, bool) { v, ok := stored[name]; return v, ok })
	require.Equal(t, "true", got.Get(CompactInline))
	require.Equal(t, "7", got.Get(CleanCommits))
	require.NotContains(t, got, "hoodie.table.name")
	require.Equal(t, "7", Options(nil).Under(func(name string) (string, bool) { v, ok := stored[name]; return v, ok }).Get(CleanCommits))
}

func TestEveryOptionIsKnownOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range effective {
		for _, name := range append([]string{k.key}, k.aliases...) {
			require.False(t, seen[name], name)
			seen[name] = true
		}
	}
	for _, name := range withoutEffect {
		require.False(t, seen[name], name)
		seen[name] = true
	}
}
