package mem_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/storagetest"
)

func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store { return mem.New(clock) })
}

func TestClock(t *testing.T) {
	now := clock()
	s := mem.New(func() time.Time { return now })
	require.NoError(t, s.Put(t.Context(), "f", nil))
	now = now.Add(time.Hour)
	w, err := s.Create(t.Context(), "g")
	require.NoError(t, err)
	now = now.Add(time.Hour)
	require.NoError(t, w.Close())
	for path, want := range map[string]time.Time{"f": clock(), "g": clock().Add(2 * time.Hour)} {
		e, err := s.Stat(t.Context(), path)
		require.NoError(t, err)
		require.Equal(t, want, e.ModTime)
	}
}

func TestClone(t *testing.T) {
	s := mem.New(clock)
	require.NoError(t, s.Put(t.Context(), "f", []byte("before")))
	_, err := s.Lock(t.Context(), "lock")
	require.NoError(t, err)
	w, err := s.Create(t.Context(), "unfinished")
	require.NoError(t, err)

	c := s.Clone()
	require.NoError(t, s.Put(t.Context(), "f", []byte("after")))
	require.NoError(t, c.Put(t.Context(), "only in the clone", nil))
	require.NoError(t, w.Close())

	data, err := storage.ReadFile(t.Context(), c, "f")
	require.NoError(t, err)
	require.Equal(t, "before", string(data))
	_, err = c.Stat(t.Context(), "unfinished")
	require.Error(t, err)
	_, err = s.Stat(t.Context(), "only in the clone")
	require.Error(t, err)
	release, err := c.Lock(t.Context(), "lock")
	require.NoError(t, err, "a clone holds no locks")
	require.NoError(t, release())
}
