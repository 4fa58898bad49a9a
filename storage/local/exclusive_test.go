package local

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Both ways of giving a file a name that must be free have one winner, who leaves one file.
func TestExclusive(t *testing.T) {
	for name, rename := range map[string]func(from, to string) error{"rename": renameExclusive, "link": linkExclusive} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			to := filepath.Join(dir, "to")
			var winners atomic.Int32
			var wg sync.WaitGroup
			for i := range 8 {
				from := filepath.Join(dir, string(rune('a'+i)))
				require.NoError(t, os.WriteFile(from, []byte(from), 0o644))
				wg.Go(func() {
					err := rename(from, to)
					if err == nil {
						winners.Add(1)
						_, err := os.Stat(from)
						require.ErrorIs(t, err, fs.ErrNotExist)
						return
					}
					require.ErrorIs(t, err, fs.ErrExist)
				})
			}
			wg.Wait()
			require.Equal(t, int32(1), winners.Load())
		})
	}
}
