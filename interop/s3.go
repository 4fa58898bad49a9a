package interop

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
	_ "github.com/hudi-go/hudi-go/storage/blob" // tests open tables on S3 themselves
)

// S3 is a running S3 server (versitygw) on a free port of the loopback, with an empty bucket.
type S3 struct {
	Endpoint string
	// URI is the bucket's.
	URI string
}

// StartS3 starts the server (a second) and stops it at the end of the test, or when the test binary dies. The environment
// of the test is changed so that this process and those that it starts find the server.
func StartS3(t testing.TB) *S3 {
	t.Helper()
	Need(t, EngineS3)
	dir, err := os.MkdirTemp("", "hudi-go-s3-")
	require.NoError(t, err)
	script := func(args ...string) string {
		cmd := exec.Command(filepath.Join(sourceDir(), "lab", "s3.sh"), append(args, dir)...)
		cmd.Env = append(os.Environ(), "S3_PORT="+freePorts(t, 1)[0], "LAB_OWNER="+strconv.Itoa(os.Getpid()))
		out, err := output(cmd)
		require.NoError(t, err)
		return out
	}
	t.Cleanup(func() {
		script("stop")
		if t.Failed() {
			t.Logf("interop: the S3 server's files are in %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	for line := range strings.Lines(script("start")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, os.DevNull)
	}
	return &S3{Endpoint: os.Getenv("AWS_ENDPOINT_URL"), URI: "s3://lab"}
}

// Disturb puts a proxy in front of the server, to which the environment of the test points from then on. For each request
// it asks what is to happen: "" nothing, "lost" the answer is lost, "503" or another status that is answered instead.
func (s *S3) Disturb(t testing.TB, fate func(r *http.Request) string) {
	t.Helper()
	server, err := url.Parse(s.Endpoint)
	require.NoError(t, err)
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = server.Scheme, server.Host }, // and keep Host, which is signed
		// clients that were killed
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch f := fate(r); f {
		case "":
			forward.ServeHTTP(w, r)
		case "lost":
			forward.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			status, err := strconv.Atoi(f)
			if err != nil {
				panic(err)
			}
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(proxy.Close)
	t.Setenv("AWS_ENDPOINT_URL", proxy.URL)
}

// OnDisk is the folder of a table on local disk, or of a copy of a table elsewhere, for engines that do not reach its store.
func OnDisk(t testing.TB, uri string) string {
	t.Helper()
	if storage.Scheme(uri) == "" {
		return uri
	}
	st, err := storage.Open(t.Context(), uri)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, copyDir(t.Context(), st, "", dir))
	return dir
}

func copyDir(ctx context.Context, st storage.Store, from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := st.List(ctx, from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		target := filepath.Join(to, e.Name)
		if e.Dir {
			if err := copyDir(ctx, st, e.Path, target); err != nil {
				return err
			}
			continue
		}
		data, err := storage.ReadFile(ctx, st, e.Path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return err
		}
		// In version 6 it is the completion time. S3 tells whole seconds, by which an instant would end before it began.
		end := e.ModTime.Add(time.Second - time.Millisecond)
		if err := os.Chtimes(target, end, end); err != nil {
			return err
		}
	}
	return nil
}
