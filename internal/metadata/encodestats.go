package metadata

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/hudi-go/hudi-go/internal/base"
)

// The types of records that have statistics.
const (
	typeColumnStats    = 3
	typePartitionStats = 6
)

// appendStats appends a record with statistics.
func appendStats(dst []byte, version int, typ int64, s *Stats) ([]byte, error) {
	dst = append(appendHead(dst, "", typ), null, null, branch) // no files, no bloom filter
	dst = appendText(append(dst, branch), s.File)
	dst = appendText(append(dst, branch), s.Column)
	var err error
	for _, b := range []*Bound{s.Min, s.Max} {
		if dst, err = appendBound(dst, b); err != nil {
			return nil, err
		}
	}
	for _, n := range []*int64{s.Values, s.Nulls, &s.Size, &s.UncompressedSize} {
		if n == nil {
			dst = append(dst, null)
		} else {
			dst = binary.AppendVarint(append(dst, branch), *n)
		}
	}
	dst = appendBool(dst, s.Deleted)
	if version >= 8 {
		dst = appendBool(dst, s.Tight)
	}
	if version >= 9 {
		dst = appendValueType(dst, s.Type)
	}
	return append(dst, make([]byte, fieldsAfterFiles(version)-2)...), nil // without those of bloom filters and statistics
}

func appendValueType(dst []byte, t *ValueType) []byte {
	if t == nil {
		return append(dst, null)
	}
	dst = binary.AppendVarint(append(dst, branch), int64(t.Ordinal))
	if t.Info == "" {
		return append(dst, null)
	}
	return appendText(append(dst, branch), t.Info)
}

// appendBound appends a bound as a union of wrappers, whose order is that of Bound's fields.
func appendBound(dst []byte, b *Bound) ([]byte, error) {
	wrapper := func(n int64) []byte { return binary.AppendVarint(dst, n) }
	switch {
	case b == nil:
		return append(dst, null), nil
	case b.Boolean != nil:
		return appendBool(wrapper(1), b.Boolean.Value), nil
	case b.Int != nil:
		return binary.AppendVarint(wrapper(2), int64(b.Int.Value)), nil
	case b.Long != nil:
		return binary.AppendVarint(wrapper(3), b.Long.Value), nil
	case b.Float != nil:
		return binary.LittleEndian.AppendUint32(wrapper(4), math.Float32bits(b.Float.Value)), nil
	case b.Double != nil:
		return binary.LittleEndian.AppendUint64(wrapper(5), math.Float64bits(b.Double.Value)), nil
	case b.Bytes != nil:
		return appendText(wrapper(6), string(b.Bytes.Value)), nil
	case b.String != nil:
		return appendText(wrapper(7), b.String.Value), nil
	case b.Date != nil:
		return binary.AppendVarint(wrapper(8), int64(b.Date.Value)), nil
	case b.Decimal != nil:
		return appendText(wrapper(9), string(b.Decimal.Value)), nil
	case b.TimeMicros != nil:
		return binary.AppendVarint(wrapper(10), b.TimeMicros.Value), nil
	case b.TimestampMicros != nil:
		return binary.AppendVarint(wrapper(11), b.TimestampMicros.Value), nil
	case b.LocalDate != nil:
		return binary.AppendVarint(wrapper(12), int64(b.LocalDate.Value)), nil
	}
	return nil, fmt.Errorf("a bound of an unknown type: %w", base.ErrUnsupported)
}

// typeBloomFilter is the type of records that have filters of keys.
const typeBloomFilter = 4

// appendBloom appends a record with a filter of keys.
func appendBloom(dst []byte, version int, b *BloomFilter) []byte {
	dst = append(appendHead(dst, "", typeBloomFilter), null, branch) // no files
	dst = appendText(appendText(dst, b.Type), b.Instant)
	dst = appendBool(appendText(dst, string(b.Filter)), b.Deleted)
	return append(dst, make([]byte, fieldsAfterFiles(version)-1)...)
}
