package record_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/local"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/record"
	"github.com/hudi-go/hudi-go/storage/storagetest"
)

func newMem() *mem.Store { return mem.New(func() time.Time { return time.Unix(1, 0) }) }

func TestConformance(t *testing.T) {
	t.Run("mem", func(t *testing.T) {
		storagetest.Run(t, func(*testing.T) storage.Store { return record.Wrap(newMem()) })
	})
	t.Run("local", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storage.Store {
			s, err := local.OpenWith(t.TempDir(), local.Options{NoSync: true})
			require.NoError(t, err)
			return record.Wrap(s)
		})
	})
}

func TestOps(t *testing.T) {
	ctx := t.Context()
	s := record.Wrap(newMem())
	require.NoError(t, s.Put(ctx, "f", []byte("abc")))
	require.ErrorIs(t, s.PutIfAbsent(ctx, "f", []byte("abcd")), fs.ErrExist)
	w, err := s.Create(ctx, "g")
	require.NoError(t, err)
	for range 3 {
		_, err = w.Write([]byte("12"))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	f, err := s.Open(ctx, "g")
	require.NoError(t, err)
	_, err = f.ReadAt(make([]byte, 2), 1)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = s.List(ctx, "")
	require.NoError(t, err)
	release, err := s.Lock(ctx, "l")
	require.NoError(t, err)
	require.NoError(t, release())
	require.NoError(t, s.Delete(ctx, "f"))

	ops := s.Ops()
	require.ErrorIs(t, ops[1].Err, fs.ErrExist)
	ops[1].Err = nil
	require.Equal(t, []record.Op{
		{Kind: intercept.Put, Path: "f", Size: 3},
		{Kind: intercept.PutIfAbsent, Path: "f", Size: 4},
		{Kind: intercept.Create, Path: "g"},
		{Kind: intercept.Close, Path: "g", Size: 6},
		{Kind: intercept.Open, Path: "g", Size: 6},
		{Kind: intercept.ReadAt, Path: "g", Size: 2},
		{Kind: intercept.List},
		{Kind: intercept.Lock, Path: "l"},
		{Kind: intercept.Unlock, Path: "l"},
		{Kind: intercept.Delete, Path: "f"},
	}, ops)
	require.Len(t, s.Mutations(), 5)
	s.Reset()
	require.Empty(t, s.Ops())
}
