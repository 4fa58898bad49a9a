package storage_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/storagetest"
)

// A part of a store is a store, and everything in it lies below its folder.
func TestSub(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store { return storage.Sub(mem.New(time.Now), ".hoodie/metadata") })

	whole := mem.New(time.Now)
	require.NoError(t, storage.Sub(whole, "a/b").Put(t.Context(), "c/d", []byte("x")))
	data, err := storage.ReadFile(t.Context(), whole, "a/b/c/d")
	require.NoError(t, err)
	require.Equal(t, "x", string(data))
}
