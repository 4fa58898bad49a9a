package mem

import (
	"bytes"
	"context"
	"io/fs"
	"sync/atomic"

	"github.com/hudi-go/hudi-go/storage"
)

// file is an open file: a view of content that never changes.
type file struct {
	*bytes.Reader
	closed atomic.Bool
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if f.closed.Load() {
		return 0, fs.ErrClosed
	}
	return f.Reader.ReadAt(p, off)
}

func (f *file) Close() error {
	if f.closed.Swap(true) {
		return fs.ErrClosed
	}
	return nil
}

// writer gathers a file's content.
type writer struct {
	ctx   context.Context
	store *Store
	path  string
	data  bytes.Buffer
	ended bool
}

// Create implements storage.Store.
func (s *Store) Create(ctx context.Context, p string) (storage.Writer, error) {
	if err := check(ctx, p, storage.CheckFile); err != nil {
		return nil, err
	}
	return &writer{ctx: ctx, store: s, path: p}, nil
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, fs.ErrClosed
	}
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.data.Write(p)
}

func (w *writer) Close() error {
	if w.ended {
		return fs.ErrClosed
	}
	w.ended = true
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.set(w.path, w.data.Bytes())
	return nil
}

func (w *writer) Abort() error {
	w.ended = true
	w.data = bytes.Buffer{}
	return nil
}
