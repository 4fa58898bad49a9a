package index_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// goldenRing is that of the golden tables v8_ and v9_mor_consistent_hashing_log_only.
const goldenRing = `{
  "version" : 0,
  "partitionPath" : "",
  "instant" : "00000000000000",
  "numBuckets" : 2,
  "seqNo" : 0,
  "nodes" : [ {
    "value" : 1073741824,
    "fileIdPrefix" : "a9ce6eae-46a4-38bf-9258-2a07d0a9b6bb",
    "tag" : "NORMAL"
  }, {
    "value" : 2147483647,
    "fileIdPrefix" : "7615f770-1c61-323c-bfc4-d5a37c3f2e39",
    "tag" : "NORMAL"
  } ]
}`

func TestFirstRing(t *testing.T) {
	r, err := index.NewRing("", 2)
	require.NoError(t, err)
	require.Equal(t, goldenRing, string(r.Encode()))
	_, err = index.NewRing("", 0)
	require.ErrorIs(t, err, base.ErrInvalid)
	r, err = index.NewRing("p", 3)
	require.NoError(t, err)
	require.Equal(t, []uint32{715827883, 1431655766, 2147483647}, []uint32{r.Nodes[0].Value, r.Nodes[1].Value, r.Nodes[2].Value})
}

// TestLocateByRing has the keys of the golden tables, by the file groups that they are in there.
func TestLocateByRing(t *testing.T) {
	golden := map[string]string{
		"7615f770-1c61-323c-bfc4-d5a37c3f2e39-0": "o000 o004 o006 o009",
		"a9ce6eae-46a4-38bf-9258-2a07d0a9b6bb-0": "o001 o002 o003 o005 o007 o008",
	}
	var keys []string
	for _, list := range golden {
		keys = append(keys, strings.Fields(list)...)
	}
	changes := reducer(t, keys...)
	defer changes.Release()
	x, err := index.NewConsistent([]string{"id"}, nil)
	require.NoError(t, err)
	old := table.FileSlice{FileID: "a9ce6eae-46a4-38bf-9258-2a07d0a9b6bb-0"}
	x.Slices = func(context.Context, string) ([]table.FileSlice, error) { return []table.FileSlice{old}, nil }
	x.Ring = func(context.Context, string) (*index.Ring, error) { return index.NewRing("", 2) }
	all, err := x.Locate(t.Context(), []index.Part{{Changes: changes}})
	require.NoError(t, err)
	require.Len(t, all[0].Groups, 2)
	for id, list := range golden {
		for _, key := range strings.Fields(list) {
			g := all[0].Groups[all[0].Of[changes.Find(key)]]
			require.Equal(t, id, g.FileID, key)
			require.Equal(t, id != old.FileID, g.New, key)
		}
	}
}

func TestLoadRing(t *testing.T) {
	st := mem.New(time.Now)
	committed := func(at string) bool { return at == "3" }
	load := func(partition string) (*index.Ring, error) {
		return index.LoadRing(t.Context(), st, partition, committed)
	}
	put := func(path, content string) {
		require.NoError(t, st.Put(t.Context(), path, []byte(content)))
	}
	has, err := index.HasRings(t.Context(), st)
	require.NoError(t, err)
	require.False(t, has)
	r, err := load("p")
	require.NoError(t, err)
	require.Nil(t, r)

	first, err := index.NewRing("p", 2)
	require.NoError(t, err)
	put(index.RingPath("p"), string(first.Encode()))
	r, err = load("p")
	require.NoError(t, err)
	require.Equal(t, first, r)
	has, err = index.HasRings(t.Context(), st)
	require.NoError(t, err)
	require.True(t, has)

	folder := strings.TrimSuffix(index.RingPath("p"), "00000000000000.hashing_meta")
	for _, c := range []struct{ name, wins string }{
		{"4.hashing_meta", "00000000000000"}, // pending
		{"2.hashing_meta", "00000000000000"},
		{"2.commit", "2"},
		{"3.hashing_meta", "3"}, // its clustering is completed
		{"4.commit", "4"},
	} {
		instant, _, _ := strings.Cut(c.name, ".")
		put(folder+c.name, strings.ReplaceAll(goldenRing, "00000000000000", instant))
		r, err = load("p")
		require.NoError(t, err)
		require.Equal(t, c.wins, r.Instant, c.name)
	}
	for _, bad := range []string{"", "{}", `{"nodes":[{"value":1,"fileIdPrefix":""}]}`} {
		put(folder+"4.hashing_meta", bad)
		_, err = load("p")
		require.ErrorIs(t, err, base.ErrCorrupt, bad)
	}
	require.NoError(t, st.Put(t.Context(), ".hoodie/.bucket_index/partition_bucket_index_meta/x", nil))
	_, err = index.HasRings(t.Context(), st)
	require.ErrorIs(t, err, base.ErrUnsupported)
}
