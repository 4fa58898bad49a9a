package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/hudi-go/hudi-go/storage"
)

// Delete implements storage.Store. A deletion is synced like a write: recovery relies on
// the order of both.
func (s *store) Delete(ctx context.Context, p string) error {
	name, err := s.ownName(ctx, p)
	if err != nil {
		return err
	}
	info, err := os.Lstat(name)
	if err == nil && info.IsDir() {
		return nil // no file has this name
	}
	if err != nil && !errors.Is(absent(err), fs.ErrNotExist) {
		return err
	}
	if err := removeFile(checksumOf(name)); err != nil {
		return err
	}
	if err := removeFile(name); err != nil {
		return err
	}
	return s.syncDir(filepath.Dir(name))
}

// DeleteDir implements storage.Store.
func (s *store) DeleteDir(ctx context.Context, dir string) error {
	name, err := s.ownName(ctx, dir)
	if err != nil {
		return err
	}
	info, err := os.Lstat(name)
	if err != nil {
		if errors.Is(absent(err), fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if !info.IsDir() {
		return nil // no folder has this name
	}
	if err := os.RemoveAll(name); err != nil {
		return err
	}
	return s.syncDir(filepath.Dir(name))
}

// MakeDir implements storage.Store.
func (s *store) MakeDir(ctx context.Context, dir string) error {
	name, err := s.name(ctx, dir, storage.CheckPath)
	if err != nil {
		return err
	}
	return s.makeDir(name)
}

// makeDir makes a folder and those above it, and syncs every folder that gained one.
func (s *store) makeDir(name string) error {
	var grown []string
	for d := name; d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		grown = append(grown, filepath.Dir(d))
	}
	if len(grown) == 0 {
		return nil
	}
	if err := os.MkdirAll(name, dirMode); err != nil {
		return err
	}
	for _, d := range grown {
		if err := s.syncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// syncDir brings a folder's names to the disk. A folder that is gone has none, and some
// systems and file systems cannot sync folders.
func (s *store) syncDir(name string) error {
	if s.opts.NoSync || runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		if errors.Is(absent(err), fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// checksumOf is the name of the side file with which Hadoop guards a file.
func checksumOf(name string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".crc")
}

// removeFile deletes a file that may be missing.
func removeFile(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(absent(err), fs.ErrNotExist) {
		return err
	}
	return nil
}
