package interop_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/interop"
)

// javaHFile is what a Java reader finds in an HFile (spark/hfiles.py).
type javaHFile struct {
	Entries  int64               `json:"entries"`
	Scan     [][2]any            `json:"scan"` // key, length of the value
	Values   map[string][]byte   `json:"values"`
	Prefixes map[string][]string `json:"prefixes"`
	Meta     map[string][]byte   `json:"meta"`
	Info     map[string][]byte   `json:"info"`
}

// TestHFilesInHudi has the Java readers of Hudi read our HFiles: the native one of 0.15 and 1.2,
// and HBase's, with which 0.15 reads metadata tables.
func TestHFilesInHudi(t *testing.T) {
	numbered := func(n, step int) (keys []string) {
		for i := range n {
			keys = append(keys, fmt.Sprintf("key-%05d", i*step))
		}
		return keys
	}
	long := strings.Repeat("k", 3000)
	files := []struct {
		name  string
		keys  []string
		value func(key string) []byte
		meta  map[string][]byte
	}{
		{name: "empty"},
		{name: "one", keys: []string{"a"}, value: func(string) []byte { return []byte("value") }},
		{name: "empty values", keys: []string{"", "a", "b$c", "é", "日本"}, value: func(string) []byte { return nil }},
		{name: "blocks", keys: numbered(1500, 2), value: func(key string) []byte { return []byte(strings.Repeat(key, 20)) }, // a few blocks
			meta: map[string][]byte{hfile.MetaBloom: []byte(strings.Repeat("filter", 100)), "another": {0, 1, 0xFF}}},
		{name: "large entries", keys: []string{long + "a", long + "b", long + "c"}, value: func(key string) []byte { return []byte(strings.Repeat(key[3000:], 100_000)) }},
	}
	dir := t.TempDir()
	for _, codec := range []hfile.Codec{hfile.GZ, hfile.None} {
		for _, f := range files {
			out, err := os.Create(filepath.Join(dir, f.name+codec.String()))
			require.NoError(t, err)
			w := hfile.NewWriter(out, codec, time.UnixMilli(1))
			w.SetInfo(hfile.InfoSchema, []byte(`"bytes"`))
			for _, key := range f.keys {
				require.NoError(t, w.Add([]byte(key), f.value(key)))
			}
			for name, content := range f.meta {
				w.SetMeta(name, content)
			}
			require.NoError(t, w.Close())
			require.NoError(t, out.Close())
		}
	}
	for _, by := range []struct {
		release interop.Release
		reader  string
	}{{interop.Hudi120, "native"}, {interop.Hudi015, "native"}, {interop.Hudi015, "hbase"}} {
		t.Run(string(by.release)+" "+by.reader, func(t *testing.T) {
			spark := interop.SparkOf(t, by.release)
			for _, codec := range []hfile.Codec{hfile.GZ, hfile.None} {
				for _, f := range files {
					ask := map[string]any{
						"cmd": "hfile", "reader": by.reader, "path": filepath.Join(dir, f.name+codec.String()),
						"meta": slices.Collect(maps.Keys(f.meta)), "info": []string{hfile.InfoSchema},
					}
					some, prefixes := lookUps(f.keys)
					ask["keys"], ask["prefixes"] = some, prefixes
					var got javaHFile
					require.NoError(t, spark.Call(ask, &got), "%s, %s", f.name, codec)
					require.EqualValues(t, len(f.keys), got.Entries)
					require.Len(t, got.Scan, len(f.keys), "%s, %s", f.name, codec)
					for i, key := range f.keys {
						require.Equal(t, [2]any{key, float64(len(f.value(key)))}, got.Scan[i])
					}
					want := map[string][]byte{}
					for _, key := range some {
						if slices.Contains(f.keys, key) {
							want[key] = append([]byte{}, f.value(key)...)
						}
					}
					require.Equal(t, want, got.Values, "%s, %s: look-ups", f.name, codec)
					for _, p := range prefixes {
						keys := []string{}
						for _, key := range f.keys {
							if strings.HasPrefix(key, p) {
								keys = append(keys, key)
							}
						}
						require.Equal(t, keys, got.Prefixes[p], "%s, %s: prefix %q", f.name, codec, p)
					}
					require.Len(t, got.Meta, len(f.meta))
					for name, content := range f.meta {
						require.Equal(t, content, got.Meta[name])
					}
					require.Equal(t, `"bytes"`, string(got.Info[hfile.InfoSchema]))
				}
			}
		})
	}
}

// lookUps are keys to look up, sorted, some of which are not there, and prefixes.
func lookUps(keys []string) (some, prefixes []string) {
	for i, key := range keys {
		if i%37 == 0 || i == len(keys)-1 {
			some = append(some, key, key+"\x01")
		}
	}
	some = append(some, "zzz")
	slices.Sort(some)
	some = slices.Compact(some)
	prefixes = []string{"key-00", "key-0123", "b", "zzz", "0"}
	if len(keys) > 0 {
		prefixes = append(prefixes, keys[len(keys)-1])
	}
	return some, prefixes
}
