package hfile_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/storage"
)

// golden returns the base files of the golden tables' metadata tables, by table and path.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for _, name := range goldentest.Cases(t) {
		if !strings.Contains(name, "_mdt_") {
			continue
		}
		st := goldentest.Store(t, name)
		partitions, err := st.List(t.Context(), ".hoodie/metadata")
		require.NoError(t, err)
		for _, p := range partitions {
			entries, err := st.List(t.Context(), p.Path)
			require.NoError(t, err)
			for _, e := range entries {
				if strings.HasSuffix(e.Name, ".hfile") {
					files[name+"/"+e.Path], err = storage.ReadFile(t.Context(), st, e.Path)
					require.NoError(t, err)
				}
			}
		}
	}
	require.NotEmpty(t, files)
	return files
}

func open(t testing.TB, name string, data []byte) *hfile.Reader {
	t.Helper()
	f, err := hfile.Open(name, bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return f
}

func all(t testing.TB, f *hfile.Reader) []hfile.Entry {
	t.Helper()
	var out []hfile.Entry
	for e, err := range f.All(t.Context()) {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

// Real files of all three releases are read whole and by key, and written again to files
// that hold the same.
func TestGolden(t *testing.T) {
	schemas := 0
	for name, data := range golden(t) {
		f := open(t, name, data)
		require.Equal(t, hfile.GZ, f.Codec(), name)
		entries := all(t, f)
		require.Len(t, entries, int(f.Len()), name)
		require.True(t, slices.IsSortedFunc(entries, func(a, b hfile.Entry) int { return bytes.Compare(a.Key, b.Key) }), name)
		var keys [][]byte
		for _, e := range entries {
			keys = append(keys, e.Key)
			value, ok, err := f.Get(t.Context(), e.Key)
			require.NoError(t, err)
			require.True(t, ok, "%s: %q", name, e.Key)
			require.Equal(t, e.Value, value)
			_, ok, err = f.Get(t.Context(), append(bytes.Clone(e.Key), 0))
			require.NoError(t, err)
			require.False(t, ok)
		}
		var found [][]byte
		for e, err := range f.Lookup(t.Context(), keys) {
			require.NoError(t, err)
			found = append(found, e.Key)
		}
		require.Equal(t, keys, found, name)
		if f.Schema() != "" {
			schemas++
		}

		var out bytes.Buffer
		w := hfile.NewWriter(&out, f.Codec(), time.UnixMilli(0))
		w.SetInfo(hfile.InfoSchema, []byte(f.Schema()))
		for _, e := range entries {
			require.NoError(t, w.Add(e.Key, e.Value))
		}
		meta, hasMeta, err := f.Meta(hfile.MetaBloom)
		require.NoError(t, err)
		if hasMeta {
			w.SetMeta(hfile.MetaBloom, meta)
		}
		require.NoError(t, w.Close())
		again := open(t, "again", out.Bytes())
		require.Equal(t, entries, all(t, again), name)
		require.Equal(t, f.Schema(), again.Schema())
		if native(data) {
			sameLayout(t, name, data, out.Bytes())
			for _, key := range []string{"KEY_VALUE_VERSION", "MAX_MEMSTORE_TS_KEY", "hfile.AVG_KEY_LEN", "hfile.AVG_VALUE_LEN"} {
				want, ok := f.Info(key)
				require.True(t, ok, "%s: %s", name, key)
				got, _ := again.Info(key)
				require.Equal(t, want, got, "%s: %s", name, key)
			}
		}
		content, _, err := again.Meta(hfile.MetaBloom)
		require.NoError(t, err)
		require.Equal(t, meta, content)
	}
	require.NotZero(t, schemas)
}

// native tells files of Hudi 1.2's own writer from HBase's by the minor version.
func native(data []byte) bool { return data[len(data)-4] == 0 }

type rawBlock struct {
	magic   string
	content []byte
}

// blocks takes a file of gzip blocks apart without the help of its index.
func blocks(t *testing.T, data []byte) (out []rawBlock) {
	for rest := data[:len(data)-4096]; len(rest) > 0; {
		z, err := gzip.NewReader(bytes.NewReader(rest[33:binary.BigEndian.Uint32(rest[29:])]))
		require.NoError(t, err)
		content, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Len(t, content, int(binary.BigEndian.Uint32(rest[12:])))
		out = append(out, rawBlock{string(rest[:8]), content})
		rest = rest[33+binary.BigEndian.Uint32(rest[8:]):]
	}
	return out
}

// sameLayout: ours has the blocks that the real file has, in the same order; the content of
// data and meta blocks is the same to the byte. Indexes differ: two gzip compressors do
// not make equal bytes, and ours has whole keys.
func sameLayout(t *testing.T, name string, real, ours []byte) {
	want, got := blocks(t, real), blocks(t, ours)
	require.Len(t, got, len(want), name)
	for i := range want {
		require.Equal(t, want[i].magic, got[i].magic, name)
		switch want[i].magic {
		case "DATABLK*", "METABLKc":
			require.Equal(t, want[i].content, got[i].content, name)
		}
	}
}
