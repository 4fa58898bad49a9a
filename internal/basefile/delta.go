package basefile

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/compress"
)

// leafEncoding is how the values of a leaf are encoded. The rows of its first row group decide it.
type leafEncoding int

const (
	plain leafEncoding = iota
	dictionaryPaged
	// packedDeltas is DELTA_BINARY_PACKED, for integers: to pack and unpack bits takes a fraction of the
	// time that a codec takes to find out that the high bytes of numbers are alike.
	packedDeltas
)

// encodingOf chooses the encoding of a leaf, given in pieces; flat says that it is a whole column. Others
// are read by arrow-go, whose decoder of deltas is slow and loses memory.
func (w *Writer) encodingOf(pieces []arrow.Array, flat bool) leafEncoding {
	switch {
	case repeats(pieces):
		return dictionaryPaged
	case flat && w.packs(pieces):
		return packedDeltas
	}
	return plain
}

// Packed deltas come in blocks of so many numbers with a least delta each, and parts of those with
// a number of bits each.
const (
	deltaBlock  = 128
	deltaPart   = 32
	deltaHead   = 8 // bytes of a block that has no deltas, at most
	deltaSample = 4096
)

// packs reports whether integers are packed deltas about as small as their plain form is with the
// codec: numbers that are far apart, some few among many small ones too, are not.
func (w *Writer) packs(pieces []arrow.Array) bool {
	values, width := integers(pieces)
	if len(values) == 0 {
		return false
	}
	raw := make([]byte, 0, len(values)*width)
	deltas := make([]int64, 0, len(values))
	last := values[0]
	for _, v := range values {
		for shift := 0; shift < 8*width; shift += 8 {
			raw = append(raw, byte(v>>shift))
		}
		d := v - last
		if width == arrow.Int32SizeBytes {
			d = int64(int32(d))
		}
		deltas = append(deltas, d)
		last = v
	}
	size := len(raw)
	if w.codec != compress.Codecs.Uncompressed {
		codec, err := compress.GetCodec(w.codec)
		if err != nil {
			return false
		}
		size = len(codec.EncodeLevel(make([]byte, codec.CompressBound(int64(len(raw)))), raw, w.level()))
	}
	return deltaBytes(deltas) <= min(size+size/16, len(raw)-len(raw)/16)
}

// pagesHaveValues reports whether no page of a column of integers will have nulls alone: arrow-go's encoder of
// deltas fails on such pages.
func (w *Writer) pagesHaveValues(column []arrow.Array) bool {
	rows := w.o.PageRows
	if w.o.PageBytes < 2*arrow.Int64SizeBytes*rows { // so small that pages may end before they have so many rows
		rows = 1
	}
	filled, some := 0, false // of the page under way
	for _, a := range column {
		if a.NullN() == 0 {
			filled = (filled + a.Len()) % rows
			some = filled > 0 && (some || a.Len() > 0)
			continue
		}
		for i := range a.Len() {
			some = some || a.IsValid(i)
			if filled++; filled == rows {
				if !some {
					return false
				}
				filled, some = 0, false
			}
		}
	}
	return filled == 0 || some
}

// integers are the first values of a leaf that are not null, and how many bytes each takes; none if it
// has values of another kind.
func integers(pieces []arrow.Array) (values []int64, width int) {
	for _, a := range pieces {
		var at func(i int) int64
		switch a.DataType().ID() {
		case arrow.INT32, arrow.DATE32, arrow.TIME32:
			all := fixedValues[int32](a)
			width, at = arrow.Int32SizeBytes, func(i int) int64 { return int64(all[i]) }
		case arrow.INT64, arrow.TIMESTAMP, arrow.TIME64:
			all := fixedValues[int64](a)
			width, at = arrow.Int64SizeBytes, func(i int) int64 { return all[i] }
		default:
			return nil, 0
		}
		for i := range a.Len() {
			if len(values) == deltaSample {
				return values, width
			}
			if a.IsValid(i) {
				values = append(values, at(i))
			}
		}
	}
	return values, width
}

// deltaBytes is what some deltas take.
func deltaBytes(deltas []int64) (n int) {
	for len(deltas) > 0 {
		block := deltas[:min(len(deltas), deltaBlock)]
		deltas = deltas[len(block):]
		low := block[0]
		for _, d := range block {
			low = min(low, d)
		}
		n += deltaHead
		for len(block) > 0 {
			part := block[:min(len(block), deltaPart)]
			block = block[len(part):]
			var most uint64
			for _, d := range part {
				most = max(most, uint64(d-low))
			}
			n += bits.Len64(most) * deltaPart / 8
		}
	}
	return n
}
