//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hudi-go/hudi-go/storage"
)

const canLock = true

// Waits between two tries for a lock.
const (
	minWait = time.Millisecond
	maxWait = 50 * time.Millisecond
)

// Lock implements storage.Locker with flock(2). The kernel releases it when the process
// ends, however that happens; the file stays.
func (s *store) Lock(ctx context.Context, p string) (func() error, error) {
	name, err := s.name(ctx, p, storage.CheckFile)
	if err != nil {
		return nil, err
	}
	for wait := minWait; ; wait = min(2*wait, maxWait) {
		f, err := s.tryLock(name)
		if err != nil {
			return nil, err
		}
		if f != nil {
			return sync.OnceValue(f.Close), nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, fmt.Errorf("local: lock %s: %w", name, ctx.Err())
		}
	}
}

// tryLock opens and locks a file, made if absent. It returns nil if another holds the lock.
func (s *store) tryLock(name string) (*os.File, error) {
	if err := s.makeDir(filepath.Dir(name)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	switch held, err := flock(f); {
	case err != nil:
		_ = f.Close() // the error that led here is the one to tell
		return nil, &fs.PathError{Op: "flock", Path: name, Err: err}
	case held || !isNow(f, name):
		_ = f.Close() // nothing was written to it
		return nil, nil
	}
	return f, nil
}

// flock locks an open file without waiting; held means that another has the lock.
func flock(f *os.File) (held bool, err error) {
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// isNow reports whether name still is the open file. If it was deleted in between, the next
// to come makes and locks another file, and a lock on this one would exclude nobody.
func isNow(f *os.File, name string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(name)
	return err == nil && os.SameFile(open, now)
}
