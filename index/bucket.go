package index

import (
	"fmt"
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
	fields []hashField
}

// hashField is a record key field that enters the hash, by its place in the key.
type hashField struct {
	name string
	hash bool
}

// NewBucket makes the index of a table whose record key has the given fields. The hash
// fields are some of them, all when none are given. Every writer of the table must use
// the same number and fields.
func NewBucket(n int, keyFields, hashFields []string) (*Bucket, error) {
	if n < 1 || n >= 100_000_000 {
		return nil, fmt.Errorf("index: %d buckets; the number must lie between 1 and 99999999: %w", n, base.ErrInvalid)
	}
	b := &Bucket{n: n}
	for _, key := range keyFields {
		f := hashField{name: key, hash: len(hashFields) == 0}
		for _, h := range hashFields {
			f.hash = f.hash || h == key
		}
		b.fields = append(b.fields, f)
	}
	for _, h := range hashFields {
		if !strings.Contains(","+strings.Join(keyFields, ",")+",", ","+h+",") {
			return nil, fmt.Errorf("index: bucket hash field %q is no record key field (%s): %w", h, strings.Join(keyFields, ","), base.ErrInvalid)
		}
	}
	return b, nil
}

// Buckets is the number of buckets.
func (b *Bucket) Buckets() int { return b.n }

// Of is the bucket of a record key: the hash code of the list of its hash fields' values,
// as Java computes it, modulo the number of buckets. Real Hudi takes a key that lacks a
// comma or a colon as one value.
func (b *Bucket) Of(key []byte) int {
	h := int32(1)
	if strings.IndexByte(string(key), ',') < 0 || strings.IndexByte(string(key), ':') < 0 {
		h = 31*h + javaHash(key)
	} else {
		for i, value := range b.split(string(key)) {
			if i < len(b.fields) && b.fields[i].hash {
				h = 31*h + javaHash([]byte(value))
			}
		}
	}
	return int(h&0x7fffffff) % b.n
}

// split takes a key field:value,field:value apart into its values. A comma belongs to a
// value unless the next field's name and a colon follow it.
func (b *Bucket) split(key string) []string {
	var values []string
	for i := range b.fields {
		rest, ok := strings.CutPrefix(key, b.fields[i].name+":")
		if !ok {
			return []string{key}
		}
		end := len(rest)
		if i+1 < len(b.fields) {
			if at := strings.Index(rest, ","+b.fields[i+1].name+":"); at >= 0 {
				end = at
			}
		}
		value := rest[:end]
		switch value {
		case "__null__":
			value = "null"
		case "__empty__":
			value = ""
		}
		values = append(values, value)
		key = strings.TrimPrefix(rest[end:], ",")
	}
	return values
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
