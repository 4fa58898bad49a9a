package intercept

import (
	"io/fs"

	"github.com/hudi-go/hudi-go/storage"
)

// file passes reads through a Func.
type file struct {
	storage.File
	path   string
	around Func
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.around(&Call{Op: ReadAt, Path: f.path, Size: int64(len(p))}, func() (err error) {
		n, err = f.File.ReadAt(p, off)
		return err
	})
	return n, err
}

// writer passes a stream through a Func. Like a real one it remembers a failure: what
// follows a write that failed can only fail too, and the file never appears.
type writer struct {
	inner  storage.Writer
	path   string
	around Func
	size   int64
	failed error
	ended  bool
}

func (w *writer) Write(p []byte) (n int, err error) {
	if w.failed != nil {
		return 0, w.failed
	}
	c := &Call{Op: Write, Path: w.path, Data: p, Size: int64(len(p))}
	w.failed = w.around(c, func() (err error) {
		n, err = w.inner.Write(c.Data)
		w.size += int64(n)
		return err
	})
	return n, w.failed
}

func (w *writer) Close() error {
	if w.ended {
		return fs.ErrClosed
	}
	w.ended = true
	closed := false
	err := w.around(&Call{Op: Close, Path: w.path, Size: w.size}, func() error {
		if w.failed != nil {
			return w.failed
		}
		closed = true
		return w.inner.Close()
	})
	if !closed {
		w.inner.Abort()
	}
	return err
}

func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	return w.around(&Call{Op: Abort, Path: w.path, Size: w.size}, w.inner.Abort)
}
