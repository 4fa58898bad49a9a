package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Opener opens the store whose root a URI names. It creates nothing there.
type Opener func(ctx context.Context, uri string) (Store, error)

var registry = struct {
	sync.RWMutex
	openers map[string]Opener
}{openers: map[string]Opener{}}

// Register makes Open use an opener for the URIs of a scheme, given in lower case ("s3");
// "" stands for plain paths. Backends call it from init; a scheme that is taken is a
// programming error and panics.
func Register(scheme string, open Opener) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.openers[scheme]; taken {
		panic("storage: Register called twice for scheme " + scheme)
	}
	registry.openers[scheme] = open
}

// Open opens the store that a URI or plain path names, by the backend that is registered
// for its scheme. For a scheme without one the error, which says what is linked in, is of
// the project's kind "not supported" (base.ErrUnsupported).
func Open(ctx context.Context, uri string) (Store, error) {
	scheme := Scheme(uri)
	registry.RLock()
	open, ok := registry.openers[scheme]
	known := slices.Sorted(maps.Keys(registry.openers))
	registry.RUnlock()
	if !ok {
		return nil, fmt.Errorf("storage: cannot open %q: no backend for scheme %q is linked in (there are %q): "+
			"import the package that registers it, such as storage/local: %w", uri, scheme, known, base.ErrUnsupported)
	}
	return open(ctx, uri)
}

// Scheme returns the lower-case scheme of a URI, "" for a plain path. A scheme is followed
// by "://"; the form "file:/path", which Hadoop writes, counts as well. Other colons belong to a path.
func Scheme(uri string) string {
	if scheme, _, ok := strings.Cut(uri, "://"); ok && isScheme(scheme) {
		return strings.ToLower(scheme)
	}
	if strings.HasPrefix(uri, "file:/") {
		return "file"
	}
	return ""
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || strings.IndexByte("0123456789+-.", s[i]) < 0) {
			return false
		}
	}
	return s != ""
}
