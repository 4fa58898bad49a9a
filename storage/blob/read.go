package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	gcblob "gocloud.dev/blob"

	"github.com/hudi-go/hudi-go/storage"
)

const (
	// tailSize is how much of an object's end is read when it is opened: all of a timeline
	// file, marker or small log file, and the footer of a base file. Most files cost one
	// request.
	tailSize = 256 << 10
	// windowSize is the least that a request reads besides: columns of a row group and
	// blocks of a log lie next to each other, and a request costs as much time as 1 MiB.
	windowSize = 1 << 20
	// maxWindows is how many windows a file keeps, for readers that take turns.
	maxWindows = 4
	// readTries bounds how often a read is begun whose bytes stopped coming. That a request
	// is not answered is the client's to repeat.
	readTries = 3
)

// Open implements storage.Store. The file is read in the version that it had when it was
// opened; once it has been replaced, reading what is not held yet fails.
func (s *store) Open(ctx context.Context, p string) (storage.File, error) {
	key, err := s.key(ctx, p, storage.CheckPath)
	if err != nil {
		return nil, err
	}
	if p == "" {
		return nil, s.failure("open (a folder)", p, fs.ErrNotExist)
	}
	f := &file{store: s, path: p, key: key}
	f.ctx, f.cancel = context.WithCancel(ctx)
	if err := f.open(); err != nil {
		f.cancel()
		return nil, s.failed(ctx, "open", p, err)
	}
	return f, nil
}

// Get implements storage.Swapper.
func (s *store) Get(ctx context.Context, p string) (data []byte, version string, err error) {
	opened, err := s.Open(ctx, p)
	if err != nil {
		return nil, "", err
	}
	f := opened.(*file)
	defer f.Close()
	data = make([]byte, f.size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, f.size), data); err != nil {
		return nil, "", err
	}
	return data, f.version, nil
}

// file is an object in one version.
type file struct {
	store  *store
	ctx    context.Context
	cancel context.CancelFunc
	path   string
	key    string

	size    int64
	version string
	tail    window

	mu      sync.Mutex
	windows []window // the most recently used first
}

// window is a piece of a file.
type window struct {
	from int64
	data []byte
}

func (w window) end() int64 { return w.from + int64(len(w.data)) }

// holds tells whether a read, cut at the end of the file, lies within the window.
func (w window) holds(off int64, n int) bool { return off >= w.from && off+int64(n) <= w.end() }

func (f *file) open() error {
	err := f.read(0, -1, f.store.cloud.ranged(tailSize, ""), func(r *gcblob.Reader) (err error) {
		f.size = r.Size()
		f.version, f.tail.from = f.store.cloud.answer(r)
		f.tail.data = make([]byte, min(f.size-f.tail.from, tailSize))
		_, err = io.ReadFull(r, f.tail.data)
		return err
	})
	if err == nil || f.store.cloud.kind(err) != emptyRange {
		return err
	}
	// An empty object has no last bytes.
	a, err := f.store.bucket.Attributes(f.ctx, f.key)
	if err != nil {
		return err
	}
	if a.Size != 0 {
		return fmt.Errorf("the store refuses to read the last bytes of an object of %d", a.Size)
	}
	f.version, f.tail = f.store.cloud.normal(a.ETag), window{}
	return nil
}

// read sends one request to read and lets take have the answer, again if its bytes stop.
func (f *file) read(off, n int64, ranged func(as func(any) bool) error, take func(*gcblob.Reader) error) error {
	for try := 1; ; try++ {
		r, err := f.store.bucket.NewRangeReader(f.ctx, f.key, off, n, &gcblob.ReaderOptions{BeforeRead: ranged})
		if err != nil {
			return err
		}
		err = errors.Join(take(r), r.Close())
		if err == nil || try == readTries || f.ctx.Err() != nil {
			return err
		}
	}
}

// Size is the object's length.
func (f *file) Size() int64 { return f.size }

// Close implements io.Closer.
func (f *file) Close() error {
	if f.ctx.Err() != nil {
		return fs.ErrClosed
	}
	f.cancel()
	return nil
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if f.ctx.Err() != nil {
		return 0, f.store.failure("read", f.path, errors.Join(fs.ErrClosed, f.ctx.Err()))
	}
	if off < 0 {
		return 0, f.store.failure("read", f.path, fs.ErrInvalid)
	}
	end := error(nil)
	if left := max(f.size-off, 0); int64(len(p)) > left {
		p, end = p[:left], io.EOF
	}
	if len(p) == 0 {
		return 0, end
	}
	if w, ok := f.held(off, len(p)); ok {
		return copy(p, w.data[off-w.from:]), end
	}
	if len(p) >= windowSize {
		if err := f.fetch(p, off); err != nil {
			return 0, err
		}
		return len(p), end
	}
	w := window{off, make([]byte, min(windowSize, f.size-off))}
	if err := f.fetch(w.data, off); err != nil {
		return 0, err
	}
	f.keep(w)
	return copy(p, w.data), end
}

// held finds a window that has the bytes.
func (f *file) held(off int64, n int) (window, bool) {
	if f.tail.holds(off, n) {
		return f.tail, true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, w := range f.windows {
		if w.holds(off, n) {
			copy(f.windows[1:i+1], f.windows[:i])
			f.windows[0] = w
			return w, true
		}
	}
	return window{}, false
}

func (f *file) keep(w window) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.windows = slices.Insert(f.windows, 0, w)
	f.windows = f.windows[:min(len(f.windows), maxWindows)]
}

// fetch fills p with the object's bytes from off on.
func (f *file) fetch(p []byte, off int64) error {
	err := f.read(off, int64(len(p)), f.store.cloud.ranged(0, f.version), func(r *gcblob.Reader) error {
		_, err := io.ReadFull(r, p)
		return err
	})
	switch {
	case err == nil:
		return nil
	case f.store.cloud.kind(err) == refused:
		return f.store.failure("read", f.path, errors.New("it was replaced while it was open; begin again"))
	}
	return f.store.failed(f.ctx, "read", f.path, err)
}
