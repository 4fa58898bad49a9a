// Package blob is the store on object stores, through gocloud.dev/blob. Importing it
// registers the schemes s3 and s3a with package storage; both mean the same, and s3a is
// what Spark writes.
//
// An object appears whole or not at all, so nothing needs a temporary name. There are no
// folders: one exists as long as an object lies below it.
//
// A request whose answer is lost is sent again, so that a conditional write may meet its
// own effect and be refused. Every write therefore carries a token in the object's
// metadata, and a refused or doubtful write is looked up: the object has the token, and
// the write is done, or it has another, and somebody else's is.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	gcblob "gocloud.dev/blob"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// cloud is what object stores do differently, beyond what gocloud.dev/blob evens out. Its
// errors are those of the store's own client; kind tells what they mean.
type cloud interface {
	// put writes an object under a condition and returns its version.
	put(ctx context.Context, key string, data []byte, c condition, token string) (version string, err error)
	// remove deletes objects, at most maxRemove. A missing one is no error.
	remove(ctx context.Context, keys []string) error
	// ranged changes a request to read: to the last bytes of the object if tail is greater
	// than zero, and to the object in that very version if version is not empty.
	ranged(tail int64, version string) func(as func(any) bool) error
	// answer tells which version a reader reads, and from which byte on.
	answer(r *gcblob.Reader) (version string, from int64)
	// normal is a version as put and answer give it.
	normal(version string) string
	kind(err error) kind
}

// condition is what must hold for a write: nothing, no object, or the object's version.
type condition struct {
	absent  bool
	version string
}

// maxRemove is how many objects one request deletes.
const maxRemove = 1000

// tokenKey is the metadata key of a write's token.
const tokenKey = "hudi-go-write"

// store is the objects below a prefix of a bucket.
type store struct {
	cloud  cloud
	bucket *gcblob.Bucket
	uri    string // without a slash at the end
	prefix string // "" or with a slash at the end

	probe  sync.Mutex
	probed bool // conditions are known to be honoured
}

var (
	_ storage.Store   = (*store)(nil)
	_ storage.Swapper = (*store)(nil)
)

// location is a parsed URI: scheme://bucket/prefix, taken literally, without escapes.
type location struct{ scheme, bucket, prefix string }

func parse(uri string) (location, error) {
	l := location{scheme: storage.Scheme(uri)}
	l.bucket, l.prefix, _ = strings.Cut(uri[len(l.scheme)+len("://"):], "/")
	l.prefix = strings.TrimRight(l.prefix, "/")
	if l.bucket == "" {
		return l, fmt.Errorf("blob: %q names no bucket: write %s://bucket/path: %w", uri, l.scheme, base.ErrInvalid)
	}
	if err := checkKey(l.prefix, storage.CheckPath); err != nil {
		return l, fmt.Errorf("blob: %q: %w: %w", uri, err, base.ErrInvalid)
	}
	return l, nil
}

func newStore(l location, bucket *gcblob.Bucket, c cloud) *store {
	s := &store{cloud: c, bucket: bucket, uri: l.scheme + "://" + l.bucket}
	if l.prefix != "" {
		s.uri += "/" + l.prefix
		s.prefix = l.prefix + "/"
	}
	return s
}

// checkKey refuses, beyond rule, the names that gocloud.dev/blob would store or list under
// others, where no other engine would find them.
func checkKey(p string, rule func(string) error) error {
	if err := rule(p); err != nil {
		return err
	}
	control := func(r rune) bool { return r < ' ' }
	if strings.ContainsFunc(p, control) || strings.Contains(p, "../") || strings.Contains(p, "__0x") {
		return fmt.Errorf("blob: path %q: object stores are not given names with control characters, with .. at the end, or with __0x: %w", p, fs.ErrInvalid)
	}
	return nil
}

// key checks a path by rule and returns the key of its object.
func (s *store) key(ctx context.Context, p string, rule func(string) error) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := checkKey(p, rule); err != nil {
		return "", err
	}
	return s.prefix + p, nil
}

// URI implements storage.Store.
func (s *store) URI() string { return s.uri }

// Capabilities implements storage.Store.
func (s *store) Capabilities() storage.Capabilities {
	return storage.Capabilities{CompareAndSwap: true}
}

// Stat implements storage.Store.
func (s *store) Stat(ctx context.Context, p string) (storage.Entry, error) {
	key, err := s.key(ctx, p, storage.CheckPath)
	if err != nil {
		return storage.Entry{}, err
	}
	if p == "" {
		return storage.Entry{}, s.failure("stat (a folder)", p, fs.ErrNotExist)
	}
	a, err := s.bucket.Attributes(ctx, key)
	if err != nil {
		return storage.Entry{}, s.failed(ctx, "stat", p, err)
	}
	return storage.Entry{Path: p, Name: path.Base(p), Size: a.Size, ModTime: a.ModTime}, nil
}

// List implements storage.Store.
func (s *store) List(ctx context.Context, dir string) ([]storage.Entry, error) {
	prefix, err := s.folder(ctx, dir, storage.CheckPath)
	if err != nil {
		return nil, err
	}
	var entries []storage.Entry
	err = s.each(ctx, dir, &gcblob.ListOptions{Prefix: prefix, Delimiter: "/"}, func(o *gcblob.ListObject) {
		name := strings.TrimSuffix(strings.TrimPrefix(o.Key, prefix), "/")
		switch {
		case name == "" || storage.IsTemp(name): // "" is the object by which some tools mark a folder
		case o.IsDir:
			entries = append(entries, storage.Entry{Path: path.Join(dir, name), Name: name, Dir: true})
		default:
			entries = append(entries, storage.Entry{Path: path.Join(dir, name), Name: name, Size: o.Size, ModTime: o.ModTime})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b storage.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// folder is the prefix of the keys in a folder.
func (s *store) folder(ctx context.Context, dir string, rule func(string) error) (string, error) {
	prefix, err := s.key(ctx, dir, rule)
	if err == nil && dir != "" {
		prefix += "/"
	}
	return prefix, err
}

// each calls visit for the objects that a listing finds, page after page.
func (s *store) each(ctx context.Context, dir string, o *gcblob.ListOptions, visit func(*gcblob.ListObject)) error {
	for token := gcblob.FirstPageToken; token != nil; {
		page, next, err := s.bucket.ListPage(ctx, token, maxRemove, o)
		if err != nil {
			return s.failed(ctx, "list", dir, err)
		}
		for _, object := range page {
			visit(object)
		}
		token = next
	}
	return nil
}

// Delete implements storage.Store.
func (s *store) Delete(ctx context.Context, p string) error {
	key, err := s.key(ctx, p, storage.CheckFile)
	if err != nil {
		return err
	}
	if err := s.cloud.remove(ctx, []string{key}); err != nil && s.cloud.kind(err) != missing {
		return s.failed(ctx, "delete", p, err)
	}
	return nil
}

// DeleteDir implements storage.Store.
func (s *store) DeleteDir(ctx context.Context, dir string) error {
	prefix, err := s.folder(ctx, dir, storage.CheckFile)
	if err != nil {
		return err
	}
	var keys []string
	if err := s.each(ctx, dir, &gcblob.ListOptions{Prefix: prefix}, func(o *gcblob.ListObject) { keys = append(keys, o.Key) }); err != nil {
		return err
	}
	for some := range slices.Chunk(keys, maxRemove) {
		if err := s.cloud.remove(ctx, some); err != nil {
			return s.failed(ctx, "delete", dir, err)
		}
	}
	return nil
}

// MakeDir implements storage.Store; it only checks the path.
func (s *store) MakeDir(ctx context.Context, dir string) error {
	_, err := s.key(ctx, dir, storage.CheckPath)
	return err
}

// kind is what an error of the store's client means.
type kind int

const (
	other      kind = iota
	missing         // no such object
	noBucket        // no such bucket
	refused         // the condition of a write or read does not hold
	denied          // no permission, or wrong credentials
	emptyRange      // a range of an object that has no such bytes
	silent          // no answer, or a failure of the server's own, after all retries
)

// failed gives an error of the client the meaning that package storage wants.
func (s *store) failed(ctx context.Context, op, p string, err error) error {
	if ctx.Err() != nil {
		return s.failure(op, p, errors.Join(ctx.Err(), err))
	}
	switch s.cloud.kind(err) {
	case missing:
		return s.failure(op, p, fs.ErrNotExist)
	case noBucket:
		return s.failure(op, p, fmt.Errorf("the bucket does not exist; make it, or mend its name: %w: %w", base.ErrInvalid, err))
	case denied:
		return s.failure(op, p, fmt.Errorf("%w: %w", fs.ErrPermission, err))
	case silent:
		return s.failure(op, p, fmt.Errorf("%w: %w", base.ErrUnreachable, err))
	}
	return s.failure(op, p, err)
}

func (s *store) failure(op, p string, err error) error {
	return &fs.PathError{Op: op, Path: strings.TrimSuffix(s.uri+"/"+p, "/"), Err: err}
}
