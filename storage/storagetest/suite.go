// Package storagetest holds every store to the contract of package storage. A backend's
// test is one call of Run.
package storagetest

import (
	"context"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
)

// Run runs the suite as subtests of t. Each asks open for a store of its own that holds
// nothing; open cleans up after itself with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, group := range [][]testCase{reading, writing, streams, folders, paths, locks, swaps} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				s := open(t)
				if c.needs != nil && !c.needs(s.Capabilities()) {
					t.Skip("the store declares that it cannot do this")
				}
				c.run(t, s)
			})
		}
	}
	t.Run("Capabilities", func(t *testing.T) { capabilities(t, open(t)) })
}

type testCase struct {
	name  string
	run   func(t *testing.T, s storage.Store)
	needs func(storage.Capabilities) bool
}

// capabilities checks that what a store declares, it implements.
func capabilities(t *testing.T, s storage.Store) {
	require.NotEmpty(t, s.URI())
	if s.Capabilities().FileLock {
		require.Implements(t, (*storage.Locker)(nil), s)
	}
	if s.Capabilities().CompareAndSwap {
		require.Implements(t, (*storage.Swapper)(nil), s)
	}
}

// put writes a file that must succeed.
func put(t *testing.T, s storage.Store, path, content string) {
	t.Helper()
	require.NoError(t, s.Put(t.Context(), path, []byte(content)))
}

// requireContent checks a file's content and that Stat agrees with it.
func requireContent(t *testing.T, s storage.Store, path, want string) {
	t.Helper()
	got, err := storage.ReadFile(t.Context(), s, path)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	e, err := s.Stat(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, int64(len(want)), e.Size)
}

// requireAbsent checks that no file has the path.
func requireAbsent(t *testing.T, s storage.Store, path string) {
	t.Helper()
	_, err := s.Stat(t.Context(), path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = s.Open(t.Context(), path)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// requireUnsure checks that an error does not claim to know that nothing happened.
func requireUnsure(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	for _, sure := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrInvalid} {
		require.NotErrorIs(t, err, sure)
	}
}

// names lists a folder; folders get a slash at the end.
func names(t *testing.T, s storage.Store, dir string) []string {
	t.Helper()
	entries, err := s.List(t.Context(), dir)
	require.NoError(t, err)
	list := []string{}
	for _, e := range entries {
		if e.Dir {
			list = append(list, e.Name+"/")
		} else {
			list = append(list, e.Name)
		}
	}
	return list
}

// ended is a context that has ended.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
