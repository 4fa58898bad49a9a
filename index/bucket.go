package index

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// Bucket is Hudi's simple bucket index: a hash of the record key names the file group, so
// that locating a row reads nothing. Each partition has one group for each bucket
// (docs/format/indexes.md).
type Bucket struct {
	// Slices and NewUUID are for Locate alone.
	Slices  Slices
	NewUUID func() string

	n      int
	fields hashFields
}

// NewBucket makes the index of a table whose record key has the given fields. The hash
// fields are some of them, all when none are given. Every writer of the table must use
// the same number and fields.
func NewBucket(n int, keyFields, hashed []string) (*Bucket, error) {
	if n < 1 || n >= 100_000_000 {
		return nil, fmt.Errorf("index: %d buckets; the number must lie between 1 and 99999999: %w", n, base.ErrInvalid)
	}
	fields, err := newHashFields(keyFields, hashed)
	if err != nil {
		return nil, err
	}
	return &Bucket{n: n, fields: fields}, nil
}

// Buckets is the number of buckets.
func (b *Bucket) Buckets() int { return b.n }

// Of is the bucket of a record key: the hash code of the list of its hash fields' values,
// as Java computes it, modulo the number of buckets.
func (b *Bucket) Of(key []byte) int {
	h := int32(1)
	b.fields.values(key, func(value []byte) { h = 31*h + valueHash(value) })
	return int(h&0x7fffffff) % b.n
}

// hashFields are the record key fields that enter a hash.
type hashFields map[string]bool

// newHashFields takes some of the key's fields, all when none are given.
func newHashFields(keyFields, hash []string) (hashFields, error) {
	out := hashFields{}
	enter := hash
	if len(enter) == 0 {
		enter = keyFields
	}
	for _, name := range enter {
		out[name] = true
	}
	for _, h := range hash {
		if !slices.Contains(keyFields, h) {
			return nil, fmt.Errorf("index: bucket hash field %q is no record key field (%s): %w", h, strings.Join(keyFields, ","), base.ErrInvalid)
		}
	}
	return out, nil
}

// values calls each with the fields' values in a record key. Real Hudi finds them in the text
// of the key; a key in which it finds none is one value.
func (f hashFields) values(key []byte, each func(value []byte)) {
	found := false
	if bytes.IndexByte(key, ',') >= 0 {
		for rest := key; ; {
			name, tail, ok := bytes.Cut(rest, []byte{':'})
			if !ok {
				break
			}
			var value []byte
			value, rest = cutValue(tail)
			if f[string(name)] {
				found = true
				each(value)
			}
		}
	}
	if !found {
		each(key)
	}
}

// cutValue takes a value off the front of value,field:value,… . The next field's name
// begins behind the last comma before a colon; that its name is one of the key's is not
// asked, so that a value with a comma and a later colon ends early, as in real Hudi.
func cutValue(s []byte) (value, rest []byte) {
	for at := 0; ; {
		colon := bytes.IndexByte(s[at:], ':')
		if colon < 0 {
			return s, nil
		}
		at += colon
		if comma := bytes.LastIndexByte(s[:at], ','); comma >= 0 {
			return s[:comma], s[comma+1:]
		}
		at++
	}
}

// What keys of several fields have for null and for empty text.
const (
	nullValue  = "__null__"
	emptyValue = "__empty__"
)

// valueHash is the hash code of a value in a Java list: 0 for null, and for empty text. A key
// that is one value is never either.
func valueHash(value []byte) int32 {
	switch string(value) {
	case nullValue, emptyValue:
		return 0
	}
	return javaHash(value)
}

// javaHash is String.hashCode of UTF-8 text: over UTF-16 code units.
func javaHash(s []byte) int32 {
	var h int32
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			h = 31*h + int32(c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		i += size
		if r > 0xFFFF {
			hi, lo := utf16.EncodeRune(r)
			h = 31*(31*h+hi) + lo
			continue
		}
		h = 31*h + r
	}
	return h
}

// Global implements Index.
func (b *Bucket) Global() bool { return false }

// Assigns implements Index.
func (b *Bucket) Assigns() bool { return true }

// Locate assigns every entry to the group of its bucket. It makes the groups that are not
// there yet.
func (b *Bucket) Locate(ctx context.Context, parts []Part) ([]*Located, error) {
	out := make([]*Located, len(parts))
	for i, part := range parts {
		slices, err := b.Slices(ctx, part.Partition)
		if err != nil {
			return nil, err
		}
		if out[i], err = b.locate(part, slices); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *Bucket) locate(part Part, slices []table.FileSlice) (*Located, error) {
	partition := part.Partition
	at := make([]int32, b.n)
	for i := range at {
		at[i] = -1
	}
	l := &Located{Of: make([]int32, part.Changes.Len())}
	for _, s := range slices {
		bucket, ok := base.BucketOf(s.FileID)
		if !ok || bucket >= b.n {
			return nil, fmt.Errorf("index: file group %s in partition %q is none of %d buckets; the table was written with another index or number of buckets: %w",
				s.FileID, partition, b.n, base.ErrInvalid)
		}
		if at[bucket] >= 0 {
			return nil, fmt.Errorf("index: partition %q has two file groups for bucket %d, %s and %s: %w",
				partition, bucket, l.Groups[at[bucket]].FileID, s.FileID, base.ErrCorrupt)
		}
		at[bucket] = int32(len(l.Groups))
		l.Groups = append(l.Groups, Group{FileSlice: s})
	}
	for e := range part.Changes.Len() {
		bucket := b.Of(part.Changes.Key(e))
		if at[bucket] < 0 {
			at[bucket] = int32(len(l.Groups))
			l.Groups = append(l.Groups, Group{New: true, FileSlice: table.FileSlice{
				Partition: partition, FileID: base.NewBucketFileID(bucket, b.NewUUID()),
			}})
		}
		l.Of[e] = at[bucket]
	}
	return l, nil
}
