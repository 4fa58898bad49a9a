package storagetest

import (
	"io/fs"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
)

var folders = []testCase{
	{name: "List", run: func(t *testing.T, s storage.Store) {
		for _, p := range []string{"d/b", "d/a", "d/B", "d/a-1", "d/a.x", "d/sub/deep/f", "d/sub/g", "e/f", "top"} {
			put(t, s, p, p)
		}
		require.Equal(t, []string{"d/", "e/", "top"}, names(t, s, ""))
		require.Equal(t, []string{"B", "a", "a-1", "a.x", "b", "sub/"}, names(t, s, "d"))
		require.Equal(t, []string{"deep/", "g"}, names(t, s, "d/sub"))
		entries, err := s.List(t.Context(), "d")
		require.NoError(t, err)
		for _, e := range entries {
			require.Equal(t, "d/"+e.Name, e.Path)
			if e.Dir {
				require.Equal(t, storage.Entry{Path: e.Path, Name: e.Name, Dir: true}, e)
				continue
			}
			require.Equal(t, int64(len(e.Path)), e.Size)
			stat, err := s.Stat(t.Context(), e.Path)
			require.NoError(t, err)
			require.True(t, e.ModTime.Equal(stat.ModTime))
		}
	}},
	{name: "List/missing", run: func(t *testing.T, s storage.Store) {
		require.Empty(t, names(t, s, ""))
		require.Empty(t, names(t, s, "none"))
		require.Empty(t, names(t, s, "none/below"))
		put(t, s, "d/f", "x")
		require.Empty(t, names(t, s, "d/f"), "a file")
		require.Empty(t, names(t, s, "d/f/below"))
		put(t, s, "dd/f", "x")
		require.Equal(t, []string{"f"}, names(t, s, "d"), "a name that begins alike")
	}},
	{name: "List/many", run: func(t *testing.T, s storage.Store) {
		var want []string
		for i := range 300 {
			name := string(rune('a'+i%26)) + string(rune('a'+i/26))
			want = append(want, name)
			require.NoError(t, s.PutIfAbsent(t.Context(), "d/"+name, nil))
		}
		slices.Sort(want)
		require.Equal(t, want, names(t, s, "d"))
	}},
	{name: "MakeDir", run: func(t *testing.T, s storage.Store) {
		require.NoError(t, s.MakeDir(t.Context(), "a/b"))
		require.NoError(t, s.MakeDir(t.Context(), "a/b"), "twice")
		require.NoError(t, s.MakeDir(t.Context(), ""), "the root")
		require.Empty(t, names(t, s, "a/b"))
		requireAbsent(t, s, "a/b")
		put(t, s, "a/b/f", "x")
		requireContent(t, s, "a/b/f", "x")
	}},
	{name: "DeleteDir", run: func(t *testing.T, s storage.Store) {
		for _, p := range []string{"d/f", "d/sub/g", "d/.hidden", "dd/f", "f"} {
			put(t, s, p, "x")
		}
		w, err := s.Create(t.Context(), "d/unfinished")
		require.NoError(t, err)
		require.NoError(t, s.DeleteDir(t.Context(), "d"))
		requireAbsent(t, s, "d/f")
		requireAbsent(t, s, "d/sub/g")
		require.Equal(t, []string{"dd/", "f"}, names(t, s, ""))
		require.NoError(t, s.DeleteDir(t.Context(), "d"), "a missing folder")
		require.NoError(t, s.DeleteDir(t.Context(), "f"), "a file is no folder")
		requireContent(t, s, "f", "x")
		_ = w.Abort() // its folder is gone
		require.Equal(t, []string{"dd/", "f"}, names(t, s, ""))
	}},
}

var paths = []testCase{
	{name: "paths/refused", run: func(t *testing.T, s storage.Store) {
		put(t, s, "d/f", "x")
		for _, p := range []string{
			"/", "/d/f", "..", "../f", "d/../f", "d/..", ".", "./d", "d/.", "d//f", "d/f/", "d/", "//", "d\x00f", "d/\xff",
		} {
			refuses(t, s, p, true)
		}
		refuses(t, s, "", false)
		refuses(t, s, storage.TempPrefix+"x", false)
		refuses(t, s, "d/"+storage.TempPrefix+"x", false)
		requireContent(t, s, "d/f", "x")
	}},
	{name: "paths/unusual names", run: func(t *testing.T, s storage.Store) {
		for _, p := range []string{
			"day=2024-05-01/f", "a b/c d ", "100%/%2F%20", "Grüße/日本語/😀", "e\u0301/\u00e9", "a+b&c;d#e", "...", "d/..f", "f..", "-", "~",
			".hoodie/.aux/.bootstrap", ".f_2024.log.1_0-1-2", "(a)[b]{c}!$'", "__HIVE_DEFAULT_PARTITION__/x",
		} {
			put(t, s, p, p)
			requireContent(t, s, p, p)
			dir := path.Dir(p)
			if dir == "." {
				dir = ""
			}
			require.Contains(t, names(t, s, dir), path.Base(p))
			require.ErrorIs(t, s.PutIfAbsent(t.Context(), p, nil), fs.ErrExist)
			require.NoError(t, s.Delete(t.Context(), p))
			requireAbsent(t, s, p)
		}
	}},
}

// refuses checks that every operation that can write refuses a path, and, for a path that
// is wrong in itself, every one that reads.
func refuses(t *testing.T, s storage.Store, p string, reads bool) {
	t.Helper()
	ctx := t.Context()
	require.ErrorIs(t, s.Put(ctx, p, nil), fs.ErrInvalid, "%q", p)
	require.ErrorIs(t, s.PutIfAbsent(ctx, p, nil), fs.ErrInvalid, "%q", p)
	require.ErrorIs(t, s.Delete(ctx, p), fs.ErrInvalid, "%q", p)
	require.ErrorIs(t, s.DeleteDir(ctx, p), fs.ErrInvalid, "%q", p)
	w, err := s.Create(ctx, p)
	require.ErrorIs(t, err, fs.ErrInvalid, "%q", p)
	require.Nil(t, w)
	if s.Capabilities().FileLock {
		_, err = s.(storage.Locker).Lock(ctx, p)
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", p)
	}
	if s.Capabilities().CompareAndSwap {
		_, err = s.(storage.Swapper).Swap(ctx, p, nil, "")
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", p)
	}
	if !reads {
		return
	}
	_, err = s.Open(ctx, p)
	require.ErrorIs(t, err, fs.ErrInvalid, "%q", p)
	_, err = s.Stat(ctx, p)
	require.ErrorIs(t, err, fs.ErrInvalid, "%q", p)
	_, err = s.List(ctx, p)
	require.ErrorIs(t, err, fs.ErrInvalid, "%q", p)
	require.ErrorIs(t, s.MakeDir(ctx, p), fs.ErrInvalid, "%q", p)
}
