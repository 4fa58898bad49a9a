package local

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hudi-go/hudi-go/storage"
)

// Modes of what the store makes, cut by the process's umask, so that other users' engines
// can read a table where the umask lets them.
const (
	fileMode = 0o666
	dirMode  = 0o777
)

// Put implements storage.Store.
func (s *store) Put(ctx context.Context, p string, data []byte) error {
	return s.write(ctx, p, data, os.Rename)
}

// PutIfAbsent implements storage.Store.
func (s *store) PutIfAbsent(ctx context.Context, p string, data []byte) error {
	name, err := s.ownName(ctx, p)
	if err != nil {
		return err
	}
	// The write below would find this out too, but only after it has deleted the file's checksum.
	if _, err := os.Lstat(name); err == nil {
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	return s.write(ctx, p, data, renameExclusive)
}

func (s *store) write(ctx context.Context, p string, data []byte, rename func(from, to string) error) error {
	w, err := s.create(ctx, p, rename)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Close()
}

// Create implements storage.Store. When ctx ends before Close, the writer fails.
func (s *store) Create(ctx context.Context, p string) (storage.Writer, error) {
	w, err := s.create(ctx, p, os.Rename)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// writer fills a temporary file.
type writer struct {
	ctx    context.Context
	store  *store
	temp   *os.File
	name   string
	rename func(from, to string) error
	failed error // of the first Write that failed
	ended  bool
}

func (s *store) create(ctx context.Context, p string, rename func(from, to string) error) (*writer, error) {
	name, err := s.ownName(ctx, p)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(name)
	if err := s.makeDir(dir); err != nil {
		return nil, err
	}
	temp, err := os.OpenFile(filepath.Join(dir, storage.TempPrefix+rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, err
	}
	// The lock shows Sweep that the writer lives. Where there are none nothing is swept.
	if _, err := flock(temp); err != nil {
		return nil, errors.Join(err, temp.Close(), os.Remove(temp.Name()))
	}
	return &writer{ctx: ctx, store: s, temp: temp, name: name, rename: rename}, nil
}

func (w *writer) Write(p []byte) (int, error) {
	if w.failed == nil {
		w.failed = w.ctx.Err()
	}
	if w.failed != nil {
		return 0, w.failed
	}
	n, err := w.temp.Write(p)
	w.failed = err
	return n, err
}

func (w *writer) Close() error {
	if w.ended {
		return fs.ErrClosed
	}
	w.ended = true
	err := w.finish()
	if err == nil {
		err = w.publish()
	}
	if err != nil {
		os.Remove(w.temp.Name())
	}
	// Last of all, for Sweep takes an unlocked temporary file for a dead writer's. What can
	// fail has failed before: the content is synced.
	_ = w.temp.Close()
	return err
}

// finish brings the content to the disk. A sync that failed is final: the kernel may have
// dropped the pages, and a second sync would report success.
func (w *writer) finish() error {
	err := w.failed
	if err == nil {
		err = w.ctx.Err()
	}
	if err == nil && !w.store.opts.NoSync {
		err = w.temp.Sync()
	}
	return err
}

// publish gives the file its name. Its old checksum goes first: between the two steps a
// reader finds a file without one, which it accepts.
func (w *writer) publish() error {
	err := removeFile(checksumOf(w.name))
	if err == nil {
		err = w.rename(w.temp.Name(), w.name)
	}
	if err != nil {
		return err
	}
	return w.store.syncDir(filepath.Dir(w.name))
}

func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	return errors.Join(w.temp.Close(), os.Remove(w.temp.Name()))
}

// linkExclusive is a rename that fails, wrapping fs.ErrExist, if the new name is taken.
func linkExclusive(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	// The file has its name; a temporary name that stays is hidden and harmless.
	os.Remove(from)
	return nil
}
