package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	gcblob "gocloud.dev/blob"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

const (
	// partSize is how many bytes of a stream one request carries. A stream has at most
	// 10,000 parts.
	partSize = 8 << 20
	// partsAtOnce bounds what a stream holds in memory: the parts on their way and one that
	// is being filled.
	partsAtOnce = 2

	contentType = "application/octet-stream"
)

// Put implements storage.Store.
func (s *store) Put(ctx context.Context, p string, data []byte) error {
	_, err := s.put(ctx, p, data, condition{})
	return err
}

// PutIfAbsent implements storage.Store.
func (s *store) PutIfAbsent(ctx context.Context, p string, data []byte) error {
	_, err := s.put(ctx, p, data, condition{absent: true})
	return err
}

// Swap implements storage.Swapper. The first one that succeeds makes sure that the store
// honours conditions: one that ignores them, as some servers do, wraps base.ErrUnsupported.
func (s *store) Swap(ctx context.Context, p string, data []byte, version string) (string, error) {
	next, err := s.put(ctx, p, data, condition{absent: version == "", version: version})
	if err == nil {
		err = s.honours(ctx, p, data)
	}
	return next, err
}

// put writes an object under a condition and makes sure what came of it.
func (s *store) put(ctx context.Context, p string, data []byte, c condition) (string, error) {
	key, err := s.key(ctx, p, storage.CheckFile)
	if err != nil {
		return "", err
	}
	token := rand.Text()
	version, err := s.cloud.put(ctx, key, data, c, token)
	if err == nil {
		return version, nil
	}
	return s.settle(ctx, p, key, token, c, err)
}

// repeatedError is the answer to a write that was sent more than once.
type repeatedError struct{ error }

func (e repeatedError) Unwrap() error { return e.error }

// settle finds out what came of a write that was answered with an error. If the object has
// the write's token, the write is done.
func (s *store) settle(ctx context.Context, p, key, token string, c condition, err error) (string, error) {
	kind := s.cloud.kind(err)
	_, repeated := errors.AsType[repeatedError](err)
	if kind == denied || kind == noBucket {
		return "", s.failed(ctx, "put", p, err)
	}
	a, lookErr := s.bucket.Attributes(ctx, key)
	gone := lookErr != nil && s.cloud.kind(lookErr) == missing
	switch {
	case lookErr == nil && a.Metadata[tokenKey] == token:
		return s.cloud.normal(a.ETag), nil
	case lookErr != nil && !gone:
		return "", s.failed(ctx, "put", p, errors.Join(lookErr, err))
	case c.absent && kind == refused, !repeated && (kind == refused || kind == missing && gone && c.version != ""):
		return "", s.failure("put", p, fs.ErrExist)
	}
	// It was not done, but the request may still be on its way; or it was done by an earlier
	// try, and another has replaced the object since.
	return "", s.failed(ctx, "put", p, err)
}

// honours makes sure, once, that the store refuses what it is told to refuse. p is an
// object that has just been written with data.
func (s *store) honours(ctx context.Context, p string, data []byte) error {
	s.probe.Lock()
	defer s.probe.Unlock()
	if s.probed {
		return nil
	}
	for what, c := range map[string]condition{"If-None-Match": {absent: true}, "If-Match": {version: "00000000000000000000000000000000"}} {
		_, err := s.cloud.put(ctx, s.prefix+p, data, c, "probe")
		switch {
		case err == nil:
			return fmt.Errorf("blob: %s ignores the condition %s, so writers cannot exclude each other: use a store that has conditional writes: %w", s.uri, what, base.ErrUnsupported)
		case s.cloud.kind(err) != refused:
			return s.failed(ctx, "probe conditions by", p, err)
		}
	}
	s.probed = true
	return nil
}

// Create implements storage.Store. The object appears at Close, or never.
func (s *store) Create(ctx context.Context, p string) (storage.Writer, error) {
	key, err := s.key(ctx, p, storage.CheckFile)
	if err != nil {
		return nil, err
	}
	w := &writer{store: s, ctx: ctx, path: p, key: key, token: rand.Text(), done: make(chan struct{})}
	content, in := io.Pipe()
	w.in = in
	// An upload that is given up must still tell the server to forget the parts that it has
	// got, so it is not the context that ends it but its content, by an error.
	upload, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.cancel = cancel
	w.ignore = context.AfterFunc(ctx, func() { w.fail(ctx.Err()) })
	go func() {
		err := s.bucket.Upload(upload, key, content, &gcblob.WriterOptions{
			BufferSize: partSize, MaxConcurrency: partsAtOnce, ContentType: contentType,
			Metadata: map[string]string{tokenKey: w.token},
		})
		if err != nil {
			_ = content.CloseWithError(err) // so that the next Write fails
		}
		w.err = err
		close(w.done)
	}()
	return w, nil
}

// lastWords is how long an upload that was given up may take to tell the server so.
const lastWords = 5 * time.Second

// errAborted is the end of the content of an upload that is given up.
var errAborted = errors.New("the upload was given up")

// writer uploads a stream, in parts when it is long.
type writer struct {
	store     *store
	ctx       context.Context
	path, key string
	token     string

	in     *io.PipeWriter     // the content
	done   chan struct{}      // closed at the end of the upload
	err    error              // of the upload, set before
	cancel context.CancelFunc // ends the upload at once
	ignore func() bool        // makes the writer independent of ctx
	failed error              // of the first Write that failed
	ended  bool
}

// fail gives the upload up. It may be called at any time.
func (w *writer) fail(why error) {
	_ = w.in.CloseWithError(why) // it returns nil
	time.AfterFunc(lastWords, w.cancel)
}

func (w *writer) Write(p []byte) (int, error) {
	switch {
	case w.ended:
		return 0, fs.ErrClosed
	case w.failed != nil:
		return 0, w.failed
	}
	err := w.ctx.Err()
	n := 0
	if err == nil {
		n, err = w.in.Write(p)
	}
	if err != nil {
		w.failed = w.store.failed(w.ctx, "write", w.path, err)
	}
	return n, w.failed
}

func (w *writer) Close() error {
	if w.ended {
		return fs.ErrClosed
	}
	if w.failed == nil && w.ctx.Err() != nil {
		w.failed = w.store.failure("write", w.path, w.ctx.Err())
	}
	if w.failed != nil {
		return errors.Join(w.failed, w.Abort())
	}
	w.ended = true
	defer w.cancel()
	_ = w.in.Close() // it returns nil
	<-w.done
	w.ignore()
	if w.err == nil {
		return nil
	}
	_, err := w.store.settle(w.ctx, w.path, w.key, w.token, condition{}, w.err)
	return err
}

// Abort gives the upload up; the server forgets the parts that it has got.
func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	w.ignore()
	w.fail(errAborted)
	<-w.done
	w.cancel()
	return nil
}
