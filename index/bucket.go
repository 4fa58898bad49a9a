package index

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/table"
)

// Bucket is Hudi's simple bucket index: a hash of the record key names the file group, so
// that locating a row reads nothing. Each partition has one group for each bucket
// (docs/format/indexes.md).
type Bucket struct {
	n      int
	fields map[string]bool // the record key fields that enter the hash
}

// NewBucket makes the index of a table whose record key has the given fields. The hash
// fields are some of them, all when none are given. Every writer of the table must use
// the same number and fields.
func NewBucket(n int, keyFields, hashFields []string) (*Bucket, error) {
	if n < 1 || n >= 100_000_000 {
		return nil, fmt.Errorf("index: %d buckets; the number must lie between 1 and 99999999: %w", n, base.ErrInvalid)
	}
	b := &Bucket{n: n, fields: map[string]bool{}}
	enter := hashFields
	if len(enter) == 0 {
		enter = keyFields
	}
	for _, name := range enter {
		b.fields[name] = true
	}
	for _, h := range hashFields {
		if !slices.Contains(keyFields, h) {
			return nil, fmt.Errorf("index: bucket hash field %q is no record key field (%s): %w", h, strings.Join(keyFields, ","), base.ErrInvalid)
		}
	}
	return b, nil
}

// Buckets is the number of buckets.
func (b *Bucket) Buckets() int { return b.n }

// Of is the bucket of a record key: the hash code of the list of its hash fields' values,
// as Java computes it, modulo the number of buckets. Real Hudi finds the values in the text
// of the key; a key in which it finds none is one value.
func (b *Bucket) Of(key []byte) int {
	h, found := int32(1), false
	if bytes.IndexByte(key, ',') >= 0 {
		for rest := key; ; {
			name, tail, ok := bytes.Cut(rest, []byte{':'})
			if !ok {
				break
			}
			var value []byte
			value, rest = cutValue(tail)
			if b.fields[string(name)] {
				h, found = 31*h+valueHash(value), true
			}
		}
	}
	if !found {
		h = 31 + javaHash(key)
	}
	return int(h&0x7fffffff) % b.n
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

// valueHash is the hash code of a value in a Java list: 0 for null, and for empty text.
func valueHash(value []byte) int32 {
	switch string(value) {
	case "__null__", "__empty__":
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

// Locate assigns every entry to the group of its bucket. It makes the groups that are not
// there yet, with ids from uuid.
func (b *Bucket) Locate(partition string, slices []table.FileSlice, changes *merge.Reducer, uuid func() string) (*Located, error) {
	at := make([]int32, b.n)
	for i := range at {
		at[i] = -1
	}
	l := &Located{Of: make([]int32, changes.Len())}
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
	for e := range changes.Len() {
		bucket := b.Of(changes.Key(e))
		if at[bucket] < 0 {
			at[bucket] = int32(len(l.Groups))
			l.Groups = append(l.Groups, Group{New: true, FileSlice: table.FileSlice{
				Partition: partition, FileID: base.NewBucketFileID(bucket, uuid()),
			}})
		}
		l.Of[e] = at[bucket]
	}
	return l, nil
}
