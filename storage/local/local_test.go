package local_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/local"
	"github.com/hudi-go/hudi-go/storage/storagetest"
)

func open(t *testing.T, root string) storage.Store {
	t.Helper()
	s, err := local.Open(root)
	require.NoError(t, err)
	return s
}

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t, t.TempDir()) })
}

func TestConformanceNoSync(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		s, err := local.OpenWith(filepath.Join(t.TempDir(), "not there yet"), local.Options{NoSync: true})
		require.NoError(t, err)
		return s
	})
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "a 100%25 table=1")
	for _, uri := range []string{root, "file://" + root, "file:" + root, "FILE://" + root} {
		s, err := storage.Open(t.Context(), uri)
		require.NoError(t, err, uri)
		require.Equal(t, "file://"+filepath.ToSlash(root), s.URI())
		again, err := storage.Open(t.Context(), s.URI())
		require.NoError(t, err)
		require.Equal(t, s.URI(), again.URI())
	}
	_, err := os.Stat(root)
	require.True(t, os.IsNotExist(err), "opening makes nothing")

	t.Chdir(dir)
	require.True(t, strings.HasSuffix(open(t, "x:y/../z").URI(), "/z"))
	for _, uri := range []string{"", "file://host/path", "file://", "s3://bucket"} {
		_, err := local.Open(uri)
		require.ErrorIs(t, err, base.ErrInvalid, uri)
	}
}

// files lists everything on disk below a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if !d.IsDir() {
			list = append(list, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	}))
	return list
}

func TestTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	w, err := s.Create(t.Context(), "p/f")
	require.NoError(t, err)
	found := files(t, dir)
	require.Len(t, found, 1)
	name := filepath.Base(found[0])
	require.Equal(t, filepath.Join("p", name), found[0], "in the folder of the file")
	require.True(t, storage.IsTemp(name))
	_, isBase := base.ParseBaseFileName(name)
	_, isLog := base.ParseLogFileName(name)
	require.False(t, isBase || isLog)

	require.NoError(t, w.Abort())
	require.Empty(t, files(t, dir))

	require.NoError(t, s.PutIfAbsent(t.Context(), "p/f", []byte("1")))
	require.Error(t, s.PutIfAbsent(t.Context(), "p/f", []byte("2")))
	require.NoError(t, s.Put(t.Context(), "p/f", []byte("3")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "p", "folder"), 0o755))
	require.Error(t, s.Put(t.Context(), "p/folder", nil), "a file cannot replace a folder")
	ctx, cancel := context.WithCancel(t.Context())
	w, err = s.Create(ctx, "p/g")
	require.NoError(t, err)
	cancel()
	require.Error(t, w.Close())
	require.Equal(t, []string{"p/f"}, files(t, dir))
}

func TestSweep(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	s, err := local.Open(root)
	require.NoError(t, err)
	w, err := s.Create(ctx, "p/live.parquet")
	require.NoError(t, err)
	_, err = w.Write([]byte("live"))
	require.NoError(t, err)
	dead := filepath.Join(root, "p", storage.TempPrefix+"dead")
	young := filepath.Join(root, "p", storage.TempPrefix+"young")
	require.NoError(t, os.WriteFile(dead, []byte("dead"), 0o666))
	require.NoError(t, os.WriteFile(young, []byte("young"), 0o666))
	long := time.Now().Add(-time.Hour)
	temps, err := filepath.Glob(filepath.Join(root, "p", storage.TempPrefix+"*"))
	require.NoError(t, err)
	require.Len(t, temps, 3)
	for _, temp := range temps {
		if temp != young {
			require.NoError(t, os.Chtimes(temp, long, long))
		}
	}
	require.NoError(t, s.(storage.Sweeper).Sweep(ctx, "p"))
	require.NoFileExists(t, dead)
	require.FileExists(t, young, "its writer may be about to lock it")
	require.NoError(t, w.Close(), "a file that is being written stays")
	require.FileExists(t, filepath.Join(root, "p", "live.parquet"))
	require.NoError(t, s.(storage.Sweeper).Sweep(ctx, "absent"))
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	dir := t.TempDir()
	probe := filepath.Join(dir, "probe")
	require.NoError(t, os.WriteFile(probe, nil, 0o666))
	want, err := os.Stat(probe)
	require.NoError(t, err)
	require.NoError(t, open(t, dir).Put(t.Context(), "f", nil))
	got, err := os.Stat(filepath.Join(dir, "f"))
	require.NoError(t, err)
	require.Equal(t, want.Mode(), got.Mode(), "as the umask has it, so that others can read tables")
}

// Java readers refuse a file beside which another file's checksum lies.
func TestChecksumFiles(t *testing.T) {
	ctx := t.Context()
	for name, act := range map[string]func(storage.Store) error{
		"Put":         func(s storage.Store) error { return s.Put(ctx, "d/f", []byte("new")) },
		"PutIfAbsent": func(s storage.Store) error { return s.PutIfAbsent(ctx, "d/absent", []byte("new")) },
		"Create": func(s storage.Store) error {
			w, err := s.Create(ctx, "d/f")
			if err != nil {
				return err
			}
			return w.Close()
		},
		"Delete":         func(s storage.Store) error { return s.Delete(ctx, "d/f") },
		"Delete missing": func(s storage.Store) error { return s.Delete(ctx, "d/absent") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			require.NoError(t, s.Put(ctx, "d/f", []byte("old")))
			stale := "d/.f.crc"
			if strings.HasSuffix(name, "Absent") || strings.HasSuffix(name, "missing") {
				stale = "d/.absent.crc"
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, stale), []byte("crc"), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "d/.other.crc"), []byte("crc"), 0o644))
			require.NoError(t, act(s))
			require.NotContains(t, files(t, dir), stale)
			require.Contains(t, files(t, dir), "d/.other.crc")
		})
	}
	t.Run("lost PutIfAbsent", func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir)
		require.NoError(t, s.Put(ctx, "f", nil))
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".f.crc"), nil, 0o644))
		require.Error(t, s.PutIfAbsent(ctx, "f", nil))
		require.Contains(t, files(t, dir), ".f.crc", "the checksum of the file that stays is good")
	})
}

func TestSymbolicLinks(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "other"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other/f"), []byte("data"), 0o644))
	if err := os.Symlink("other", filepath.Join(dir, "p")); err != nil {
		t.Skip(err)
	}
	require.NoError(t, os.Symlink(filepath.Join(dir, "other/f"), filepath.Join(dir, "l")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "none"), filepath.Join(dir, "dangling")))
	s := open(t, dir)
	entries, err := s.List(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, entries, 3)
	require.Equal(t, int64(4), entries[0].Size)
	require.True(t, entries[2].Dir)
	_, err = s.Open(t.Context(), "dangling")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, s.DeleteDir(t.Context(), "p"))
	require.Equal(t, []string{"f"}, files(t, filepath.Join(dir, "other")), "a link is not followed to delete")
}

// Links out of the root are refused, whatever is done through them; the root may be one.
func TestSymbolicLinksOut(t *testing.T) {
	top := t.TempDir()
	dir, other := filepath.Join(top, "table"), filepath.Join(top, "other")
	for _, d := range []string{dir, filepath.Join(other, "d")} {
		require.NoError(t, os.MkdirAll(d, 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(other, "f"), []byte("data"), 0o644))
	if err := os.Symlink(other, filepath.Join(dir, "p")); err != nil {
		t.Skip(err)
	}
	require.NoError(t, os.Symlink(filepath.Join(other, "f"), filepath.Join(dir, "l")))
	require.NoError(t, os.Symlink(dir, filepath.Join(top, "name")))
	s := open(t, filepath.Join(top, "name"))
	ctx := t.Context()
	for what, do := range map[string]func() error{
		"open below":    func() error { _, err := s.Open(ctx, "p/f"); return err },
		"open":          func() error { _, err := s.Open(ctx, "l"); return err },
		"stat":          func() error { _, err := s.Stat(ctx, "l"); return err },
		"list":          func() error { _, err := s.List(ctx, "p"); return err },
		"list above":    func() error { _, err := s.List(ctx, ""); return err },
		"put":           func() error { return s.Put(ctx, "p/f", nil) },
		"put if absent": func() error { return s.PutIfAbsent(ctx, "p/g", nil) },
		"create":        func() error { _, err := s.Create(ctx, "p/g"); return err },
		"delete":        func() error { return s.Delete(ctx, "p/f") },
		"delete folder": func() error { return s.DeleteDir(ctx, "p/d") },
		"make folder":   func() error { return s.MakeDir(ctx, "p/e") },
		"lock":          func() error { _, err := s.(storage.Locker).Lock(ctx, "p/f"); return err },
		"lock itself":   func() error { _, err := s.(storage.Locker).Lock(ctx, "l"); return err },
		"sweep":         func() error { return s.(storage.Sweeper).Sweep(ctx, "p") },
	} {
		err := do()
		require.ErrorIs(t, err, fs.ErrInvalid, what)
		require.ErrorIs(t, err, base.ErrCorrupt, what)
	}
	entries, err := os.ReadDir(other)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.NoError(t, s.Put(ctx, "l", []byte("own")), "a link is replaced and not written through")
	require.NoError(t, s.Delete(ctx, "p"))
	data, err := os.ReadFile(filepath.Join(other, "f"))
	require.NoError(t, err)
	require.Equal(t, "data", string(data))

	require.NoError(t, os.Mkdir(filepath.Join(dir, "q"), 0o755))
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "q/up")))
	_, err = s.List(ctx, "q")
	require.ErrorIs(t, err, fs.ErrInvalid, "a walk would not end")
}

func TestLockBetweenHandles(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir).(storage.Locker), open(t, dir).(storage.Locker)
	if !open(t, dir).Capabilities().FileLock {
		t.Skip("no file locks on this system")
	}
	release, err := a.Lock(t.Context(), "l")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = b.Lock(ctx, "l")
	require.ErrorIs(t, err, context.DeadlineExceeded)

	got := make(chan error)
	go func() {
		release, err := b.Lock(context.Background(), "l")
		if err == nil {
			err = release()
		}
		got <- err
	}()
	require.NoError(t, release())
	require.NoError(t, <-got)
}
