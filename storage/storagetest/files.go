package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
)

var reading = []testCase{
	{name: "Open/missing", run: func(t *testing.T, s storage.Store) {
		requireAbsent(t, s, "absent")
		requireAbsent(t, s, "no/such/folder/absent")
		put(t, s, "file", "x")
		requireAbsent(t, s, "file/below")
	}},
	{name: "Open/folder", run: func(t *testing.T, s storage.Store) {
		put(t, s, "folder/file", "x")
		requireAbsent(t, s, "folder")
		requireAbsent(t, s, "")
	}},
	{name: "Stat", run: func(t *testing.T, s storage.Store) {
		put(t, s, "a/b", "four")
		e, err := s.Stat(t.Context(), "a/b")
		require.NoError(t, err)
		require.Equal(t, storage.Entry{Path: "a/b", Name: "b", Size: 4, ModTime: e.ModTime}, e)
		require.False(t, e.ModTime.IsZero())
	}},
	{name: "ReadAt", run: readAt},
	{name: "ReadAt/concurrent", run: readConcurrently},
	{name: "Open/replaced file", run: func(t *testing.T, s storage.Store) {
		put(t, s, "f", "first")
		f, err := s.Open(t.Context(), "f")
		require.NoError(t, err)
		defer f.Close()
		put(t, s, "f", "the second")
		require.Equal(t, int64(5), f.Size(), "the length when it was opened")
	}},
	{name: "ended context", run: func(t *testing.T, s storage.Store) {
		put(t, s, "f", "x")
		ctx := ended(t)
		_, err := s.Open(ctx, "f")
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.List(ctx, "")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Put(ctx, "g", nil), context.Canceled)
		require.ErrorIs(t, s.Delete(ctx, "f"), context.Canceled)
		requireContent(t, s, "f", "x")
		requireAbsent(t, s, "g")
	}},
}

func readAt(t *testing.T, s storage.Store) {
	put(t, s, "f", "0123456789")
	f, err := s.Open(t.Context(), "f")
	require.NoError(t, err)
	require.Equal(t, int64(10), f.Size())
	for _, c := range []struct {
		off  int64
		size int
		want string
		end  bool
	}{
		{0, 4, "0123", false},
		{6, 3, "678", false},
		{6, 10, "6789", true},
		{10, 1, "", true},
		{99, 1, "", true},
	} {
		p := make([]byte, c.size)
		n, err := f.ReadAt(p, c.off)
		require.Equal(t, c.want, string(p[:n]))
		if c.end {
			require.ErrorIs(t, err, io.EOF)
		} else {
			require.NoError(t, err)
		}
	}
	require.NoError(t, f.Close())
	_, err = f.ReadAt(make([]byte, 1), 0)
	require.Error(t, err, "a closed file")
}

func readConcurrently(t *testing.T, s storage.Store) {
	content := pattern(1 << 20)
	require.NoError(t, s.Put(t.Context(), "f", content))
	f, err := s.Open(t.Context(), "f")
	require.NoError(t, err)
	defer f.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				off := rand.IntN(len(content) - 1000)
				p := make([]byte, 1000)
				if _, err := f.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, content[off:off+1000]) {
					t.Errorf("at %d: wrong bytes, or %v", off, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// pattern is n bytes that do not repeat soon.
func pattern(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p) // it never fails
	return p
}

var writing = []testCase{
	{name: "Put", run: func(t *testing.T, s storage.Store) {
		put(t, s, "new/folders/f", "first")
		requireContent(t, s, "new/folders/f", "first")
		put(t, s, "new/folders/f", "2nd")
		requireContent(t, s, "new/folders/f", "2nd")
		put(t, s, "new/folders/f", "")
		requireContent(t, s, "new/folders/f", "")
		require.Equal(t, []string{"f"}, names(t, s, "new/folders"))
	}},
	{name: "Put/the caller keeps its bytes", run: func(t *testing.T, s storage.Store) {
		data := []byte("before")
		require.NoError(t, s.Put(t.Context(), "f", data))
		require.NoError(t, s.PutIfAbsent(t.Context(), "g", data))
		copy(data, "AFTER!")
		requireContent(t, s, "f", "before")
		requireContent(t, s, "g", "before")
	}},
	{name: "Put/one step", run: replaceInOneStep},
	{name: "PutIfAbsent", run: func(t *testing.T, s storage.Store) {
		require.NoError(t, s.PutIfAbsent(t.Context(), "new/f", []byte("first")))
		require.ErrorIs(t, s.PutIfAbsent(t.Context(), "new/f", []byte("second")), fs.ErrExist)
		requireContent(t, s, "new/f", "first")
		require.Equal(t, []string{"f"}, names(t, s, "new"))
		require.NoError(t, s.PutIfAbsent(t.Context(), "empty", nil))
		require.ErrorIs(t, s.PutIfAbsent(t.Context(), "empty", []byte("x")), fs.ErrExist)
		require.NoError(t, s.Delete(t.Context(), "empty"))
		require.NoError(t, s.PutIfAbsent(t.Context(), "empty", []byte("x")))
		requireContent(t, s, "empty", "x")
	}},
	{name: "PutIfAbsent/race", run: race},
	{name: "Delete", run: func(t *testing.T, s storage.Store) {
		put(t, s, "a/f", "x")
		put(t, s, "a/g", "y")
		require.NoError(t, s.Delete(t.Context(), "a/f"))
		requireAbsent(t, s, "a/f")
		require.NoError(t, s.Delete(t.Context(), "a/f"), "a missing file")
		require.NoError(t, s.Delete(t.Context(), "none/f"), "in a missing folder")
		require.NoError(t, s.Delete(t.Context(), "a"), "a folder is no file")
		requireContent(t, s, "a/g", "y")
	}},
	{name: "large file", run: func(t *testing.T, s storage.Store) {
		content := pattern(24 << 20)
		w, err := s.Create(t.Context(), "large")
		require.NoError(t, err)
		_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(content)}, make([]byte, 1<<20))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		got, err := storage.ReadFile(t.Context(), s, "large")
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, got))
		require.NoError(t, s.Put(t.Context(), "large2", content))
		e, err := s.Stat(t.Context(), "large2")
		require.NoError(t, err)
		require.Equal(t, int64(len(content)), e.Size)
	}},
}

// replaceInOneStep reads a file over and over while it is replaced: every read must find
// one of the contents whole.
func replaceInOneStep(t *testing.T, s storage.Store) {
	contents := [][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 100_000)}
	require.NoError(t, s.Put(t.Context(), "f", contents[0]))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := storage.ReadFile(t.Context(), s, "f")
				if err != nil || (!bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1])) {
					t.Errorf("%d bytes that were never written, or %v", len(got), err)
					return
				}
			}
		})
	}
	for i := range 50 {
		if err := s.Put(t.Context(), "f", contents[i%2]); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
}

// race lets callers put the same files: each file has exactly one winner, whose content it is.
func race(t *testing.T, s storage.Store) {
	const callers, files = 8, 20
	var mu sync.Mutex
	winners := map[string][]string{}
	start := make(chan struct{})
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			<-start
			for i := range files {
				path, mine := fmt.Sprintf("race/%d", i), fmt.Sprintf("caller %d", c)
				switch err := s.PutIfAbsent(t.Context(), path, []byte(mine)); {
				case err == nil:
					mu.Lock()
					winners[path] = append(winners[path], mine)
					mu.Unlock()
				case !errors.Is(err, fs.ErrExist):
					t.Error(err)
				}
			}
		})
	}
	close(start)
	wg.Wait()
	require.Len(t, winners, files)
	for path, w := range winners {
		require.Len(t, w, 1, path)
		requireContent(t, s, path, w[0])
	}
	require.Len(t, names(t, s, "race"), files)
}

var streams = []testCase{
	{name: "Create/invisible until Close", run: func(t *testing.T, s storage.Store) {
		w, err := s.Create(t.Context(), "new/f")
		require.NoError(t, err)
		n, err := w.Write([]byte("hello, "))
		require.NoError(t, err)
		require.Equal(t, 7, n)
		requireAbsent(t, s, "new/f")
		require.Empty(t, names(t, s, "new"))
		_, err = w.Write([]byte("world"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		requireContent(t, s, "new/f", "hello, world")
		require.NoError(t, w.Abort(), "Abort after Close does nothing")
		requireContent(t, s, "new/f", "hello, world")
		require.Error(t, w.Close(), "a second Close")
		_, err = w.Write([]byte("!"))
		require.Error(t, err, "after Close")
		requireContent(t, s, "new/f", "hello, world")
	}},
	{name: "Create/replaces at Close", run: func(t *testing.T, s storage.Store) {
		put(t, s, "f", "old")
		w, err := s.Create(t.Context(), "f")
		require.NoError(t, err)
		_, err = w.Write([]byte("new content"))
		require.NoError(t, err)
		requireContent(t, s, "f", "old")
		require.NoError(t, w.Close())
		requireContent(t, s, "f", "new content")
	}},
	{name: "Create/empty", run: func(t *testing.T, s storage.Store) {
		w, err := s.Create(t.Context(), "f")
		require.NoError(t, err)
		require.NoError(t, w.Close())
		requireContent(t, s, "f", "")
	}},
	{name: "Create/the caller keeps its bytes", run: func(t *testing.T, s storage.Store) {
		w, err := s.Create(t.Context(), "f")
		require.NoError(t, err)
		data := []byte("before")
		_, err = w.Write(data)
		require.NoError(t, err)
		copy(data, "AFTER!")
		require.NoError(t, w.Close())
		requireContent(t, s, "f", "before")
	}},
	{name: "Abort", run: func(t *testing.T, s storage.Store) {
		put(t, s, "d/f", "old")
		for _, path := range []string{"d/f", "d/g"} {
			w, err := s.Create(t.Context(), path)
			require.NoError(t, err)
			_, err = w.Write([]byte("unwanted"))
			require.NoError(t, err)
			require.NoError(t, w.Abort())
			require.NoError(t, w.Abort(), "twice")
			require.Error(t, w.Close(), "Close after Abort")
		}
		requireContent(t, s, "d/f", "old")
		require.Equal(t, []string{"f"}, names(t, s, "d"))
	}},
	{name: "Create/two writers", run: func(t *testing.T, s storage.Store) {
		a, err := s.Create(t.Context(), "f")
		require.NoError(t, err)
		b, err := s.Create(t.Context(), "f")
		require.NoError(t, err)
		_, err = a.Write([]byte("from a"))
		require.NoError(t, err)
		_, err = b.Write([]byte("from b"))
		require.NoError(t, err)
		require.NoError(t, b.Close())
		requireContent(t, s, "f", "from b")
		require.NoError(t, a.Close())
		requireContent(t, s, "f", "from a")
	}},
	{name: "Create/ended context", run: func(t *testing.T, s storage.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		w, err := s.Create(ctx, "d/f")
		require.NoError(t, err)
		_, err = w.Write([]byte("x"))
		require.NoError(t, err)
		cancel()
		_, err = w.Write([]byte("y"))
		require.ErrorIs(t, err, context.Canceled)
		requireUnsure(t, w.Close())
		requireAbsent(t, s, "d/f")
		require.Empty(t, names(t, s, "d"))
	}},
}
