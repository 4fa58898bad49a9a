package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

func TestScheme(t *testing.T) {
	for uri, want := range map[string]string{
		"/data/t": "", "data/t": "", "": "", ".": "", "C:\\data": "", "c:/data": "", "a:b": "", "://x": "", "1a://x": "", "a b://x": "",
		"file:///data": "file", "file:/data": "file", "file:data": "", "S3://bucket/t": "s3", "s3a://b": "s3a", "x-y+z.1://b": "x-y+z.1",
	} {
		require.Equal(t, want, storage.Scheme(uri), "%q", uri)
	}
}

var errOpened = errors.New("opened")

func init() {
	storage.Register("test-register", func(_ context.Context, uri string) (storage.Store, error) {
		return nil, fmt.Errorf("%w %s", errOpened, uri)
	})
}

func TestRegister(t *testing.T) {
	_, err := storage.Open(t.Context(), "TEST-register://x")
	require.ErrorIs(t, err, errOpened)
	require.ErrorContains(t, err, "TEST-register://x")
	require.Panics(t, func() { storage.Register("test-register", nil) })

	_, err = storage.Open(t.Context(), "gopher://x")
	require.ErrorIs(t, err, base.ErrUnsupported)
	require.ErrorContains(t, err, `"gopher"`)
	require.ErrorContains(t, err, "test-register")
	_, err = storage.Open(t.Context(), "/plain")
	require.ErrorContains(t, err, "storage/local", "the mend when nothing is linked in")
}

func TestCheckPath(t *testing.T) {
	for _, p := range []string{"", "a", "a/b", "a b/%2e%2e", "..a/b..", `a\b`, "日本"} {
		require.NoError(t, storage.CheckPath(p), "%q", p)
	}
	for _, p := range []string{"/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\x00", "\xff"} {
		require.ErrorIs(t, storage.CheckPath(p), fs.ErrInvalid, "%q", p)
		require.ErrorIs(t, storage.CheckFile(p), fs.ErrInvalid, "%q", p)
	}
	require.NoError(t, storage.CheckFile("a/b"))
	require.ErrorIs(t, storage.CheckFile(""), fs.ErrInvalid)
	require.ErrorIs(t, storage.CheckFile("a/"+storage.TempPrefix+"1"), fs.ErrInvalid)
}
