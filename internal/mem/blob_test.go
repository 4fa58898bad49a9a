package mem_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/mem"
)

func TestBlob(t *testing.T) {
	for name, limit := range map[string]int64{"memory": 1 << 20, "file": 0, "both": 1000} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			budget := mem.NewBudget(1<<20, dir)
			b := mem.NewBlob(budget, limit)
			var want []byte
			for i := range 300 {
				p := bytes.Repeat([]byte{byte(i)}, i)
				n, err := b.Write(p)
				require.NoError(t, err)
				require.Equal(t, i, n)
				want = append(want, p...)
			}
			require.EqualValues(t, len(want), b.Size())
			for range 2 {
				r, err := b.Reader()
				require.NoError(t, err)
				got, err := io.ReadAll(r)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			if limit < int64(len(want)) {
				require.Zero(t, budget.Used())
			}
			require.NoError(t, b.Close())
			require.NoError(t, b.Close())
			require.Zero(t, budget.Used())
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// A budget that is used up sends the bytes to a file.
func TestBlobWithoutBudget(t *testing.T) {
	budget := mem.NewBudget(10_000, t.TempDir())
	require.True(t, budget.Reserve(9_000))
	b := mem.NewBlob(budget, 1<<20)
	_, err := b.Write(make([]byte, 5_000))
	require.NoError(t, err)
	require.EqualValues(t, 9_000, budget.Used())
	r, err := b.Reader()
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Len(t, got, 5_000)
	require.NoError(t, b.Close())
}
