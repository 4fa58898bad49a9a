//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A lock on a file that was deleted after it was opened would not exclude the holder of its successor.
func TestIsNow(t *testing.T) {
	name := filepath.Join(t.TempDir(), "l")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	require.True(t, isNow(f, name))
	require.NoError(t, os.Remove(name))
	require.False(t, isNow(f, name))
	require.NoError(t, os.WriteFile(name, nil, 0o644))
	require.False(t, isNow(f, name))
}
