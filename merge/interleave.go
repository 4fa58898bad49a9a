package merge

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Pick names one row of one of several arrays. A negative Source is a null.
type Pick struct {
	Source int32
	Row    int32
}

// Interleave builds the array whose i-th value is the one that picks[i] names. All sources
// have the type dt (nil sources may not be picked). The caller releases the result.
//
// It copies runs of neighbouring rows at once, for that is what merging a few changed rows
// into a file gives.
func Interleave(alloc memory.Allocator, dt arrow.DataType, sources []arrow.Array, picks []Pick) (arrow.Array, error) {
	data := make([]arrow.ArrayData, len(sources))
	for i, s := range sources {
		if s != nil {
			data[i] = s.Data()
		}
	}
	out, err := interleave(alloc, dt, data, picks)
	if err != nil {
		return nil, err
	}
	defer out.Release()
	return array.MakeFromData(out), nil
}

// TakeRows makes a batch of the picked rows of one batch (Source 0). The caller releases it.
func TakeRows(alloc memory.Allocator, batch arrow.RecordBatch, picks []Pick) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, batch.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, c := range batch.Columns() {
		taken, err := Interleave(alloc, c.DataType(), []arrow.Array{c}, picks)
		if err != nil {
			return nil, err
		}
		columns = append(columns, taken)
	}
	return array.NewRecordBatch(batch.Schema(), columns, int64(len(picks))), nil
}

func interleave(alloc memory.Allocator, dt arrow.DataType, sources []arrow.ArrayData, picks []Pick) (arrow.ArrayData, error) {
	validity, nulls := interleaveValidity(alloc, sources, picks)
	buffers := []*memory.Buffer{validity}
	var children []arrow.ArrayData
	defer func() {
		for _, b := range buffers {
			if b != nil {
				b.Release()
			}
		}
		for _, c := range children {
			c.Release()
		}
	}()

	switch t := dt.(type) {
	case *arrow.NullType:
		if validity != nil {
			validity.Release()
			buffers[0] = nil
		}
		nulls = len(picks)
	case *arrow.BooleanType:
		buffers = append(buffers, interleaveBits(alloc, sources, picks))
	case *arrow.StringType, *arrow.BinaryType:
		offsets, bytes := interleaveBinary(alloc, sources, picks)
		buffers = append(buffers, offsets, bytes)
	case *arrow.StructType:
		for f := range t.Fields() {
			child, err := interleave(alloc, t.Field(f).Type, structChildren(sources, f), structPicks(sources, picks))
			if err != nil {
				return nil, err
			}
			children = append(children, child)
		}
	case *arrow.ListType, *arrow.MapType:
		offsets, inner, elem := listPicks(alloc, dt, sources, picks)
		buffers = append(buffers, offsets)
		child, err := interleave(alloc, elem, structChildren(sources, 0), inner)
		if err != nil {
			return nil, err
		}
		children = append(children, child)
	case arrow.FixedWidthDataType:
		buffers = append(buffers, interleaveFixed(alloc, t.Bytes(), sources, picks))
	default:
		return nil, fmt.Errorf("merge: columns of type %s: %w", dt, base.ErrUnsupported)
	}
	return array.NewData(dt, len(picks), buffers, children, nulls, 0), nil
}

// runs calls f for each run of picks that are neighbouring rows of one source, with the
// absolute first row in that source's buffers.
func runs(sources []arrow.ArrayData, picks []Pick, f func(source int32, at, from, n int)) {
	for i := 0; i < len(picks); {
		first := picks[i]
		n := 1
		for i+n < len(picks) && picks[i+n].Source == first.Source && (first.Source < 0 || picks[i+n].Row == first.Row+int32(n)) {
			n++
		}
		from := int(first.Row)
		if first.Source >= 0 {
			from += sources[first.Source].Offset()
		}
		f(first.Source, i, from, n)
		i += n
	}
}

func newBuffer(alloc memory.Allocator, n int) *memory.Buffer {
	b := memory.NewResizableBuffer(alloc)
	b.Resize(n)
	return b
}

// interleaveValidity returns nil when nothing picked is null.
func interleaveValidity(alloc memory.Allocator, sources []arrow.ArrayData, picks []Pick) (*memory.Buffer, int) {
	mayBeNull := make([]bool, len(sources))
	for i, s := range sources {
		mayBeNull[i] = s != nil && s.NullN() != 0 && len(s.Buffers()) > 0 && s.Buffers()[0] != nil
	}
	any := false
	for _, p := range picks {
		if p.Source < 0 || mayBeNull[p.Source] {
			any = true
			break
		}
	}
	if !any {
		return nil, 0
	}
	buf := newBuffer(alloc, int(bitutil.BytesForBits(int64(len(picks)))))
	bits := buf.Bytes()
	clear(bits)
	valid := 0
	runs(sources, picks, func(source int32, at, from, n int) {
		switch {
		case source < 0:
		case !mayBeNull[source]:
			bitutil.SetBitsTo(bits, int64(at), int64(n), true)
			valid += n
		default:
			in := sources[source].Buffers()[0].Bytes()
			for k := range n {
				if bitutil.BitIsSet(in, from+k) {
					bitutil.SetBit(bits, at+k)
					valid++
				}
			}
		}
	})
	if valid == len(picks) {
		buf.Release()
		return nil, 0
	}
	return buf, len(picks) - valid
}

func interleaveBits(alloc memory.Allocator, sources []arrow.ArrayData, picks []Pick) *memory.Buffer {
	buf := newBuffer(alloc, int(bitutil.BytesForBits(int64(len(picks)))))
	bits := buf.Bytes()
	clear(bits)
	runs(sources, picks, func(source int32, at, from, n int) {
		if source < 0 {
			return
		}
		in := sources[source].Buffers()[1].Bytes()
		for k := range n {
			if bitutil.BitIsSet(in, from+k) {
				bitutil.SetBit(bits, at+k)
			}
		}
	})
	return buf
}

func interleaveFixed(alloc memory.Allocator, width int, sources []arrow.ArrayData, picks []Pick) *memory.Buffer {
	buf := newBuffer(alloc, width*len(picks))
	out := buf.Bytes()
	runs(sources, picks, func(source int32, at, from, n int) {
		to := out[at*width : (at+n)*width]
		if source < 0 {
			clear(to)
			return
		}
		copy(to, sources[source].Buffers()[1].Bytes()[from*width:])
	})
	return buf
}

// offsetsOf returns a variable-length array's offsets for its whole buffers; an empty array
// may have none.
func offsetsOf(d arrow.ArrayData) []int32 {
	b := d.Buffers()[1]
	if b == nil || b.Len() == 0 {
		return nil
	}
	return arrow.Int32Traits.CastFromBytes(b.Bytes())
}

func interleaveBinary(alloc memory.Allocator, sources []arrow.ArrayData, picks []Pick) (offsets, bytes *memory.Buffer) {
	from := make([][]int32, len(sources))
	content := make([][]byte, len(sources))
	for i, s := range sources {
		if s != nil {
			from[i] = offsetsOf(s)
			if b := s.Buffers()[2]; b != nil {
				content[i] = b.Bytes()
			}
		}
	}
	offsets = newBuffer(alloc, arrow.Int32SizeBytes*(len(picks)+1))
	out := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	out[0] = 0
	runs(sources, picks, func(source int32, at, row, n int) {
		end := out[at]
		for k := range n {
			if source >= 0 {
				end += from[source][row+k+1] - from[source][row+k]
			}
			out[at+k+1] = end
		}
	})
	bytes = memory.NewResizableBuffer(alloc)
	bytes.Reserve(1) // so that empty values are no nil slices
	bytes.ResizeNoShrink(int(out[len(picks)]))
	to := bytes.Bytes()
	runs(sources, picks, func(source int32, at, row, n int) {
		if source >= 0 {
			copy(to[out[at]:out[at+n]], content[source][from[source][row]:])
		}
	})
	return offsets, bytes
}

// structChildren collects the f-th child of every source.
func structChildren(sources []arrow.ArrayData, f int) []arrow.ArrayData {
	children := make([]arrow.ArrayData, len(sources))
	for i, s := range sources {
		if s != nil {
			children[i] = s.Children()[f]
		}
	}
	return children
}

// structPicks shifts picks by the offsets of their sources: the children of a sliced struct
// are not sliced with it.
func structPicks(sources []arrow.ArrayData, picks []Pick) []Pick {
	shifted := false
	for _, s := range sources {
		shifted = shifted || s != nil && s.Offset() != 0
	}
	if !shifted {
		return picks
	}
	out := make([]Pick, len(picks))
	for i, p := range picks {
		out[i] = p
		if p.Source >= 0 {
			out[i].Row += int32(sources[p.Source].Offset())
		}
	}
	return out
}

// listPicks makes the offsets of the picked lists (or maps) and the picks of their elements.
func listPicks(alloc memory.Allocator, dt arrow.DataType, sources []arrow.ArrayData, picks []Pick) (*memory.Buffer, []Pick, arrow.DataType) {
	var elem arrow.DataType
	switch t := dt.(type) {
	case *arrow.ListType:
		elem = t.Elem()
	case *arrow.MapType:
		elem = t.Elem()
	}
	from := make([][]int32, len(sources))
	for i, s := range sources {
		if s != nil {
			from[i] = offsetsOf(s)
		}
	}
	buf := newBuffer(alloc, arrow.Int32SizeBytes*(len(picks)+1))
	out := arrow.Int32Traits.CastFromBytes(buf.Bytes())
	out[0] = 0
	var inner []Pick
	for i, p := range picks {
		if p.Source >= 0 {
			row := int(p.Row) + sources[p.Source].Offset()
			for at := from[p.Source][row]; at < from[p.Source][row+1]; at++ {
				inner = append(inner, Pick{p.Source, at})
			}
		}
		out[i+1] = int32(len(inner))
	}
	return buf, inner, elem
}
