package blob_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/storagetest"
)

func TestConformance(t *testing.T) {
	t.Run("bucket", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storage.Store {
			startServer(t)
			return open(t, "s3://bucket")
		})
	})
	t.Run("prefix", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storage.Store {
			s := startServer(t)
			s.objects["deep/table2/f"] = object{etag: `"x"`}
			return open(t, "s3a://bucket/deep/table/")
		})
	})
}

func TestURI(t *testing.T) {
	startServer(t)
	for uri, want := range map[string]string{
		"s3://bucket": "s3://bucket", "s3://bucket/": "s3://bucket", "s3a://bucket/a b/t//": "s3a://bucket/a b/t", "S3://bucket/t": "s3://bucket/t",
	} {
		require.Equal(t, want, open(t, uri).URI())
	}
	for _, uri := range []string{"s3://", "s3:///t", "s3://bucket/../t", "s3://bucket//t"} {
		_, err := storage.Open(t.Context(), uri)
		require.ErrorIs(t, err, base.ErrInvalid, uri)
	}
}

// drop does what is asked and lets the answer be lost.
func drop(_ http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
	serve(httptest.NewRecorder())
	panic(http.ErrAbortHandler)
}

// sometimes applies a misbehaviour to the first n requests with a method.
func sometimes(n int32, method string, do func(http.ResponseWriter, *http.Request, func(http.ResponseWriter))) func(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) {
	var count atomic.Int32
	return func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if r.Method == method && count.Add(1) <= n {
			do(w, r, serve)
			return
		}
		serve(w)
	}
}

func answer(status int, code string) func(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) {
	return func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) { refuse(w, status, code) }
}

func read(t *testing.T, s storage.Store, p string) string {
	t.Helper()
	data, err := storage.ReadFile(t.Context(), s, p)
	require.NoError(t, err)
	return string(data)
}

// A conditional write whose answer is lost is repeated by the client, and then meets its
// own effect.
func TestLostAnswers(t *testing.T) {
	srv := startServer(t)
	s := open(t, "s3://bucket/t")
	w := s.(storage.Swapper)

	srv.set(sometimes(1, http.MethodPut, drop))
	require.NoError(t, s.PutIfAbsent(t.Context(), "f", []byte("mine")))
	srv.set(nil)
	require.ErrorIs(t, s.PutIfAbsent(t.Context(), "f", []byte("mine")), fs.ErrExist, "the same bytes by another writer")

	v1, err := w.Swap(t.Context(), "lock", []byte("one"), "")
	require.NoError(t, err)
	srv.set(sometimes(1, http.MethodPut, drop))
	v2, err := w.Swap(t.Context(), "lock", []byte("two"), v1)
	require.NoError(t, err)
	srv.set(nil)
	_, err = w.Swap(t.Context(), "lock", []byte("three"), v1)
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = w.Swap(t.Context(), "lock", []byte("three"), v2)
	require.NoError(t, err)
	require.Equal(t, "three", read(t, s, "lock"))

	srv.set(sometimes(1, http.MethodDelete, drop))
	require.NoError(t, s.Delete(t.Context(), "f"))
}

// The answer to the end of a long upload is lost: the repeated request finds no upload.
func TestLostAnswerOfUpload(t *testing.T) {
	srv := startServer(t)
	s := open(t, "s3://bucket/t")
	var ended atomic.Int32
	srv.set(func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") && ended.Add(1) == 1 {
			drop(w, r, serve)
		}
		serve(w)
	})
	out, err := s.Create(t.Context(), "long")
	require.NoError(t, err)
	for range 20 {
		_, err := out.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, out.Close())
	require.Greater(t, ended.Load(), int32(1))
	e, err := s.Stat(t.Context(), "long")
	require.NoError(t, err)
	require.Equal(t, int64(20<<20), e.Size)
}

func TestAbortOfUpload(t *testing.T) {
	srv := startServer(t)
	s := open(t, "s3://bucket/t")
	out, err := s.Create(t.Context(), "long")
	require.NoError(t, err)
	for range 20 {
		_, err := out.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, out.Abort())
	require.Equal(t, 1, srv.uploads)
	require.Empty(t, srv.parts, "the server holds no parts")
	require.Empty(t, srv.objects)
}

// What the server says it cannot do now is asked again.
func TestBusy(t *testing.T) {
	srv := startServer(t)
	s := open(t, "s3://bucket/t")
	for code, status := range map[string]int{"SlowDown": 503, "InternalError": 500, "ConditionalRequestConflict": 409, "TooManyRequests": 429} {
		srv.set(sometimes(1, http.MethodPut, answer(status, code)))
		require.NoError(t, s.PutIfAbsent(t.Context(), code, []byte("x")), code)
	}
	srv.set(sometimes(1, http.MethodGet, answer(503, "SlowDown")))
	require.Equal(t, "x", read(t, s, "SlowDown"))
}

func TestErrors(t *testing.T) {
	srv := startServer(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "2")
	s := open(t, "s3://bucket/t")
	require.NoError(t, s.Put(t.Context(), "f", []byte("x")))

	srv.set(answer(503, "SlowDown"))
	err := s.PutIfAbsent(t.Context(), "g", nil)
	require.ErrorIs(t, err, base.ErrUnreachable)
	require.NotErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "s3://bucket/t/g")
	_, err = s.List(t.Context(), "")
	require.ErrorIs(t, err, base.ErrUnreachable)

	srv.set(answer(403, "AccessDenied"))
	_, err = s.Open(t.Context(), "f")
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorIs(t, s.Put(t.Context(), "f", nil), fs.ErrPermission)

	// It was refused, and nobody can tell whose object is there.
	srv.set(sometimes(9, http.MethodHead, answer(500, "InternalError")))
	err = s.PutIfAbsent(t.Context(), "f", []byte("x"))
	require.ErrorIs(t, err, base.ErrUnreachable)
	require.NotErrorIs(t, err, fs.ErrExist)
	srv.set(nil)

	_, err = open(t, "s3://nobucket/t").List(t.Context(), "")
	require.ErrorIs(t, err, base.ErrInvalid)
	require.ErrorContains(t, err, "the bucket does not exist")

	srv.Close()
	_, err = s.Open(t.Context(), "f")
	require.ErrorIs(t, err, base.ErrUnreachable)
}

func TestCarelessStore(t *testing.T) {
	srv := startServer(t)
	srv.careless = true
	_, err := open(t, "s3://bucket/t").(storage.Swapper).Swap(t.Context(), "lock", []byte("one"), "")
	require.ErrorIs(t, err, base.ErrUnsupported)
	require.ErrorContains(t, err, "ignores the condition")
}

// TestReads counts requests: small files cost one, and small reads side by side too.
func TestReads(t *testing.T) {
	srv := startServer(t)
	s := open(t, "s3://bucket/t")
	content := strings.Repeat("0123456789", 300<<10) // 3 MB
	require.NoError(t, s.Put(t.Context(), "small", []byte("x")))
	require.NoError(t, s.Put(t.Context(), "large", []byte(content)))
	srv.requests()

	require.Equal(t, "x", read(t, s, "small"))
	require.Len(t, srv.requests(), 1)

	f, err := s.Open(t.Context(), "large")
	require.NoError(t, err)
	defer f.Close()
	buf := make([]byte, 1000)
	for _, off := range []int64{f.Size() - 1000, 0, 5000, 900_000, 1_500_000, 100, 1_600_000} {
		n, err := f.ReadAt(buf, off)
		require.NoError(t, err)
		require.Equal(t, content[off:off+1000], string(buf[:n]))
	}
	require.Len(t, srv.requests(), 3, "the end with the opening, and two windows")
	whole := make([]byte, len(content))
	_, err = f.ReadAt(whole, 0)
	require.NoError(t, err)
	require.Equal(t, content, string(whole))

	require.NoError(t, s.Put(t.Context(), "large", []byte(content+"more")))
	_, err = f.ReadAt(buf, 2_600_000)
	require.ErrorContains(t, err, "replaced while it was open")
}

// An answer whose bytes stop coming is asked for again.
func TestTornAnswer(t *testing.T) {
	srv := startServer(t)
	s := open(t, "s3://bucket/t")
	require.NoError(t, s.Put(t.Context(), "f", make([]byte, 100_000)))
	srv.set(sometimes(2, http.MethodGet, func(w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
		whole := httptest.NewRecorder()
		serve(whole)
		for name, values := range whole.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(whole.Code)
		_, _ = io.CopyN(w, whole.Body, 1000)
		panic(http.ErrAbortHandler)
	}))
	require.Len(t, read(t, s, "f"), 100_000)
}

func TestDeadline(t *testing.T) {
	srv := startServer(t)
	s := open(t, "s3://bucket/t")
	hang := make(chan struct{})
	defer close(hang)
	srv.set(func(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) { <-hang })
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50_000_000, errors.New("a cause"))
	defer cancel()
	err := s.PutIfAbsent(ctx, "f", nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, fs.ErrExist)
}
