package blob_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
	_ "github.com/hudi-go/hudi-go/storage/blob"
)

// server answers the S3 requests that the store sends, as Amazon documents them. interop/
// runs the same suite against a real server; this one can be told to misbehave.
type server struct {
	*httptest.Server

	mu      sync.Mutex
	objects map[string]object
	parts   map[string]*multipart // by upload id
	uploads int
	log     []string // methods and keys
	// around, if set, stands around each answer.
	around func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter))
	// careless lets the server ignore conditions.
	careless bool
}

type multipart struct {
	meta  http.Header
	parts [][]byte
}

type object struct {
	data     []byte
	etag     string
	meta     http.Header
	modified time.Time
}

// startServer starts a server and points the environment of the AWS SDK to it.
func startServer(t *testing.T) *server {
	s := &server{objects: map[string]object{}, parts: map[string]*multipart{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.URL, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	return s
}

func open(t *testing.T, uri string) storage.Store {
	t.Helper()
	s, err := storage.Open(t.Context(), uri)
	require.NoError(t, err)
	return s
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	serve := func(w http.ResponseWriter) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.serve(w, r)
	}
	s.mu.Lock()
	around := s.around
	s.mu.Unlock()
	if around != nil {
		around(w, r, serve)
		return
	}
	serve(w)
}

// set changes what stands around the answers.
func (s *server) set(around func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter))) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.around = around
}

// requests returns the log and empties it.
func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log = nil
	return log
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	s.log = append(s.log, strings.TrimSpace(r.Method+" "+key))
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		refuse(w, 400, "IncompleteBody")
	case bucket != "bucket":
		refuse(w, 404, "NoSuchBucket")
	case r.Method == http.MethodGet && key == "":
		s.list(w, q.Get("prefix"), q.Get("delimiter"), q.Get("continuation-token"))
	case r.Method == http.MethodPost && q.Has("delete"):
		var in struct{ Object []struct{ Key string } }
		if xml.Unmarshal(body, &in) != nil {
			refuse(w, 400, "MalformedXML")
			return
		}
		for _, o := range in.Object {
			delete(s.objects, o.Key)
		}
		fmt.Fprint(w, `<DeleteResult></DeleteResult>`)
	case r.Method == http.MethodPost && q.Has("uploads"):
		s.uploads++
		id := strconv.Itoa(s.uploads)
		s.parts[id] = &multipart{meta: metadata(r)}
		fmt.Fprintf(w, `<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>`, id)
	case q.Has("uploadId"):
		s.upload(w, r, key, q.Get("uploadId"), q.Get("partNumber"), body)
	case r.Method == http.MethodPut:
		if s.holds(w, r, key) {
			w.Header().Set("ETag", s.put(key, body, metadata(r)))
		}
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.get(w, r, key)
	}
}

func metadata(r *http.Request) http.Header {
	meta := http.Header{}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			meta[name] = values
		}
	}
	return meta
}

func (s *server) put(key string, data []byte, meta http.Header) string {
	sum := md5.Sum(data)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	s.objects[key] = object{data, etag, meta, time.Now()}
	return etag
}

// holds checks the condition of a write, and answers if it does not hold.
func (s *server) holds(w http.ResponseWriter, r *http.Request, key string) bool {
	o, there := s.objects[key]
	match := r.Header.Get("If-Match")
	switch {
	case s.careless:
	case r.Header.Get("If-None-Match") == "*" && there, match != "" && there && match != o.etag:
		refuse(w, 412, "PreconditionFailed")
		return false
	case match != "" && !there:
		refuse(w, 404, "NoSuchKey")
		return false
	}
	return true
}

func (s *server) get(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := s.objects[key]
	switch {
	case !ok:
		refuse(w, 404, "NoSuchKey")
		return
	case len(o.data) == 0 && r.Header.Get("Range") != "":
		refuse(w, 416, "InvalidRange")
		return
	}
	maps.Copy(w.Header(), o.meta)
	w.Header().Set("ETag", o.etag)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", o.modified, bytes.NewReader(o.data))
}

func (s *server) upload(w http.ResponseWriter, r *http.Request, key, id, part string, body []byte) {
	u, ok := s.parts[id]
	if !ok {
		refuse(w, 404, "NoSuchUpload")
		return
	}
	switch r.Method {
	case http.MethodPut:
		n, _ := strconv.Atoi(part)
		for len(u.parts) < n {
			u.parts = append(u.parts, nil)
		}
		u.parts[n-1] = body
		w.Header().Set("ETag", `"part"`)
		return
	case http.MethodPost:
		s.put(key, slices.Concat(u.parts...), u.meta)
		fmt.Fprint(w, `<CompleteMultipartUploadResult></CompleteMultipartUploadResult>`)
	case http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	}
	delete(s.parts, id)
}

// pageSize is small, so that lists have several pages.
const pageSize = 100

func (s *server) list(w http.ResponseWriter, prefix, delimiter, after string) {
	type content struct {
		Key          string
		Size         int
		LastModified string
	}
	type common struct{ Prefix string }
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []content
		CommonPrefixes        []common
		NextContinuationToken string `xml:",omitempty"`
	}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		below, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after || after != "" && strings.HasSuffix(after, "/") && strings.HasPrefix(key, after) {
			continue
		}
		if len(out.Contents)+len(out.CommonPrefixes) == pageSize {
			out.NextContinuationToken = after
			break
		}
		after = key
		if at := strings.Index(below, delimiter); delimiter != "" && at >= 0 {
			after = key[:len(key)-len(below)+at+1]
			if n := len(out.CommonPrefixes); n == 0 || out.CommonPrefixes[n-1].Prefix != after {
				out.CommonPrefixes = append(out.CommonPrefixes, common{after})
			}
			continue
		}
		o := s.objects[key]
		out.Contents = append(out.Contents, content{key, len(o.data), o.modified.UTC().Format(time.RFC3339)})
	}
	_ = xml.NewEncoder(w).Encode(out)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<Error><Code>%s</Code><Message>because of the test</Message></Error>`, code)
}
