package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hudi-go/hudi-go/storage"
)

// Sweep implements storage.Sweeper: it removes temporary files whose lock nobody holds.
func (s *store) Sweep(ctx context.Context, dir string) error {
	if !canLock {
		return nil
	}
	name, err := s.name(ctx, dir, storage.CheckPath)
	if err != nil {
		return err
	}
	found, err := os.ReadDir(name)
	if err != nil && !errors.Is(absent(err), fs.ErrNotExist) {
		return err
	}
	for _, e := range found {
		if !storage.IsTemp(e.Name()) {
			continue
		}
		if err := removeDead(filepath.Join(name, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweepGrace is how long a writer may take between making a temporary file and locking it.
const sweepGrace = 100 * time.Millisecond

// removeDead removes a temporary file unless its writer is at work.
func removeDead(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || time.Since(info.ModTime()) < sweepGrace {
		return err
	}
	held, err := flock(f)
	if err != nil || held {
		return err
	}
	return os.Remove(name)
}
