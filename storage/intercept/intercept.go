// Package intercept puts a function around every operation of a store. Faults, recordings
// and other decorators are such functions, so that none of them repeats the whole interface.
package intercept

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// Op names an operation of a store, its open files and its writers.
type Op string

// The operations. ReadAt belongs to a File, Write, Close and Abort to a Writer; closing a
// File is not one. Unlock is the call of the function that Lock returned.
const (
	Open        Op = "open"
	ReadAt      Op = "read-at"
	Stat        Op = "stat"
	List        Op = "list"
	Get         Op = "get"
	Put         Op = "put"
	PutIfAbsent Op = "put-if-absent"
	Create      Op = "create"
	Write       Op = "write"
	Close       Op = "close"
	Abort       Op = "abort"
	Delete      Op = "delete"
	DeleteDir   Op = "delete-dir"
	MakeDir     Op = "make-dir"
	Swap        Op = "swap"
	Lock        Op = "lock"
	Unlock      Op = "unlock"
)

var mutating = []Op{Put, PutIfAbsent, Create, Write, Close, Abort, Delete, DeleteDir, MakeDir, Swap}

// Mutates reports whether the operation can change what is stored. Locks do not count.
func (o Op) Mutates() bool { return slices.Contains(mutating, o) }

// Call is one operation on its way to the store.
type Call struct {
	Op   Op
	Path string
	// Data is what Put, PutIfAbsent, Swap and Write are about to write. A Func may replace
	// it before the call goes on; it never changes the bytes themselves, which are the caller's.
	Data []byte
	// Size is the number of bytes: of Data, of a ReadAt's buffer, of everything written to
	// a Writer so far for Close, of the file for Open (known only after the call went on).
	Size int64
}

// Func stands around an operation. It calls next at most once, to let the operation happen,
// and its error is what the operation's caller gets. Several may run at the same time.
type Func func(c *Call, next func() error) error

// Store passes every operation of another store through a Func. It implements Locker and
// Swapper; where the other store does not, the calls fail with an unsupported error, and
// Capabilities, which is passed on unchanged, says so beforehand.
type Store struct {
	inner  storage.Store
	around Func
}

// Wrap returns a store whose operations on s go through around.
func Wrap(s storage.Store, around Func) *Store { return &Store{inner: s, around: around} }

var (
	_ storage.Store   = (*Store)(nil)
	_ storage.Locker  = (*Store)(nil)
	_ storage.Swapper = (*Store)(nil)
)

// URI is that of the wrapped store.
func (s *Store) URI() string { return s.inner.URI() }

// Capabilities are those of the wrapped store.
func (s *Store) Capabilities() storage.Capabilities { return s.inner.Capabilities() }

// Open implements storage.Store.
func (s *Store) Open(ctx context.Context, path string) (storage.File, error) {
	var f storage.File
	c := &Call{Op: Open, Path: path}
	err := s.around(c, func() (err error) {
		if f, err = s.inner.Open(ctx, path); err == nil {
			c.Size = f.Size()
		}
		return err
	})
	if err != nil {
		if f != nil {
			_ = f.Close() // the call counts as failed
		}
		return nil, err
	}
	return &file{File: f, path: path, around: s.around}, nil
}

// Stat implements storage.Store.
func (s *Store) Stat(ctx context.Context, path string) (e storage.Entry, err error) {
	err = s.around(&Call{Op: Stat, Path: path}, func() (err error) {
		e, err = s.inner.Stat(ctx, path)
		return err
	})
	if err != nil {
		return storage.Entry{}, err
	}
	return e, nil
}

// List implements storage.Store.
func (s *Store) List(ctx context.Context, dir string) (entries []storage.Entry, err error) {
	err = s.around(&Call{Op: List, Path: dir}, func() (err error) {
		entries, err = s.inner.List(ctx, dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Put implements storage.Store.
func (s *Store) Put(ctx context.Context, path string, data []byte) error {
	c := &Call{Op: Put, Path: path, Data: data, Size: int64(len(data))}
	return s.around(c, func() error { return s.inner.Put(ctx, path, c.Data) })
}

// PutIfAbsent implements storage.Store.
func (s *Store) PutIfAbsent(ctx context.Context, path string, data []byte) error {
	c := &Call{Op: PutIfAbsent, Path: path, Data: data, Size: int64(len(data))}
	return s.around(c, func() error { return s.inner.PutIfAbsent(ctx, path, c.Data) })
}

// Create implements storage.Store.
func (s *Store) Create(ctx context.Context, path string) (storage.Writer, error) {
	var w storage.Writer
	err := s.around(&Call{Op: Create, Path: path}, func() (err error) {
		w, err = s.inner.Create(ctx, path)
		return err
	})
	if err != nil {
		if w != nil {
			w.Abort()
		}
		return nil, err
	}
	return &writer{inner: w, path: path, around: s.around}, nil
}

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, path string) error {
	return s.around(&Call{Op: Delete, Path: path}, func() error { return s.inner.Delete(ctx, path) })
}

// DeleteDir implements storage.Store.
func (s *Store) DeleteDir(ctx context.Context, dir string) error {
	return s.around(&Call{Op: DeleteDir, Path: dir}, func() error { return s.inner.DeleteDir(ctx, dir) })
}

// MakeDir implements storage.Store.
func (s *Store) MakeDir(ctx context.Context, dir string) error {
	return s.around(&Call{Op: MakeDir, Path: dir}, func() error { return s.inner.MakeDir(ctx, dir) })
}

// Get implements storage.Swapper.
func (s *Store) Get(ctx context.Context, path string) (data []byte, version string, err error) {
	swapper, ok := s.inner.(storage.Swapper)
	if !ok {
		return nil, "", s.unsupported("compare-and-swap")
	}
	err = s.around(&Call{Op: Get, Path: path}, func() (err error) {
		data, version, err = swapper.Get(ctx, path)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return data, version, nil
}

// Swap implements storage.Swapper.
func (s *Store) Swap(ctx context.Context, path string, data []byte, version string) (next string, err error) {
	swapper, ok := s.inner.(storage.Swapper)
	if !ok {
		return "", s.unsupported("compare-and-swap")
	}
	c := &Call{Op: Swap, Path: path, Data: data, Size: int64(len(data))}
	err = s.around(c, func() (err error) {
		next, err = swapper.Swap(ctx, path, c.Data, version)
		return err
	})
	if err != nil {
		return "", err
	}
	return next, nil
}

// Lock implements storage.Locker.
func (s *Store) Lock(ctx context.Context, path string) (func() error, error) {
	locker, ok := s.inner.(storage.Locker)
	if !ok {
		return nil, s.unsupported("file locks")
	}
	var release func() error
	err := s.around(&Call{Op: Lock, Path: path}, func() (err error) {
		release, err = locker.Lock(ctx, path)
		return err
	})
	if err != nil {
		if release != nil {
			_ = release() // the call counts as failed
		}
		return nil, err
	}
	return func() error { return s.around(&Call{Op: Unlock, Path: path}, release) }, nil
}

func (s *Store) unsupported(what string) error {
	return fmt.Errorf("storage: %s has no %s: %w", s.inner.URI(), what, base.ErrUnsupported)
}
