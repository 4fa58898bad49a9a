package metadata

import (
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/hudi-go/hudi-go/internal/avroio"
)

const (
	allPartitions = "__all_partitions__" // the key of the list of partitions
	noPartition   = "."                  // the partition of a table without any
)

// Record is a record of the metadata table. Which part it has depends on the partition.
type Record struct {
	Type      int32                `avro:"type"`
	Files     map[string]FileState `avro:"filesystemMetadata"`
	Bloom     *BloomFilter         `avro:"BloomFilterMetadata"`
	Column    *Stats               `avro:"ColumnStatsMetadata"`
	Location  *Location            `avro:"recordIndexMetadata"`
	Secondary *SecondaryEntry      `avro:"SecondaryIndexMetadata"`
}

// FileState is what the partition files says of a file, or of a partition.
type FileState struct {
	Size    int64 `avro:"size"`
	Deleted bool  `avro:"isDeleted"`
}

// SecondaryEntry is what a secondary index says of a value and a key besides that they
// belong together.
type SecondaryEntry struct {
	Deleted bool `avro:"isDeleted"`
}

// Location is where the record index says that a record lies.
type Location struct {
	Partition string `avro:"partitionName"`
	Instant   int64  `avro:"instantTime"` // of the commit that inserted it, in milliseconds since 1970
	High      int64  `avro:"fileIdHighBits"`
	Low       int64  `avro:"fileIdLowBits"`
	Index     int32  `avro:"fileIndex"`
	Raw       string `avro:"fileId"`
	Encoding  int32  `avro:"fileIdEncoding"`
}

// FileID is the file group of the record.
func (l Location) FileID() string {
	if l.Encoding != 0 {
		return l.Raw
	}
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(l.High))
	binary.BigEndian.PutUint64(id[8:], uint64(l.Low))
	if l.Index < 0 {
		return id.String()
	}
	return fmt.Sprintf("%s-%d", id, l.Index)
}

// BloomFilter is the filter of the record keys of a base file.
type BloomFilter struct {
	Type    string `avro:"type"`
	Instant string `avro:"timestamp"`
	Filter  []byte `avro:"bloomFilter"` // the text of the file's footer
	Deleted bool   `avro:"isDeleted"`
}

func decode(schemaJSON string, value []byte) (*Record, error) {
	rec := &Record{}
	if _, err := avroio.Unmarshal(schemaJSON, value, rec); err != nil {
		return nil, err
	}
	return rec, nil
}

// merge makes one of two versions of a record. Lists of files are differences: a deletion
// removes what is there, and is kept where nothing is. Statistics are joined, everything else
// is replaced.
func merge(older, newer *Record) *Record {
	switch {
	case older == nil:
		return newer
	case older.Column != nil && newer.Column != nil:
		out := *newer
		out.Column = joinStats(older.Column, newer.Column)
		return &out
	case newer.Files == nil:
		return newer
	}
	out := *newer
	out.Files = maps.Clone(older.Files)
	if out.Files == nil {
		out.Files = map[string]FileState{}
	}
	for name, n := range newer.Files {
		o, known := out.Files[name]
		switch {
		case !known:
			out.Files[name] = n
		case !n.Deleted:
			out.Files[name] = FileState{Size: max(o.Size, n.Size)}
		case !o.Deleted:
			delete(out.Files, name)
		}
	}
	return &out
}

// groupOf is the file group, of n, that a key lies in.
func groupOf[K string | []byte](key K, n int) int {
	if n == 1 {
		return 0
	}
	h := javaHash(key)
	if h < 0 {
		h = -h // that of the least number stays negative
	}
	g := h % int32(n)
	return int(max(g, -g))
}

// javaHash is Java's String.hashCode.
func javaHash[K string | []byte](s K) (h int32) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			h = 0
			for _, unit := range utf16.Encode([]rune(string(s))) {
				h = 31*h + int32(unit)
			}
			return h
		}
		h = 31*h + int32(s[i])
	}
	return h
}

// secondaryPrefix is what the keys of a secondary index begin with for a value.
func secondaryPrefix(value *string) string {
	if value == nil {
		return "\x00$"
	}
	return string(append(appendEscaped(nil, *value), '$'))
}

// unescape takes the escapes out of the record key in a key of a secondary index.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
