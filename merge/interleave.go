package merge

import (
	"encoding/binary"
	"fmt"
	"slices"

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

// Selection is the rows that picks name, as runs of neighbouring rows. It is made once for all
// columns that it is applied to.
type Selection struct {
	runs []run
	rows int
	// copies are the runs in an order and a size that suit values of one width: a long stretch
	// is copied as if nothing in it had changed, and what has changed is put over it.
	copies []placed
}

// run is n rows of one source, from row on.
type run struct {
	source, row, n int32
}

// placed is a run and where it goes to.
type placed struct {
	run
	at int32
}

// Select makes the selection of picks.
func Select(picks []Pick) *Selection {
	s := &Selection{}
	for _, p := range picks {
		s.add(p.Source, p.Row, 1)
	}
	s.arrange()
	return s
}

// arrange makes the copies. Runs of a source which are as far from each other as they are in
// the source become one, with the runs between them after it.
func (s *Selection) arrange() {
	s.copies = make([]placed, 0, len(s.runs))
	stretch, at := -1, int32(0) // the copy that may grow; where the next run goes to
	for _, r := range s.runs {
		if stretch >= 0 {
			if c := &s.copies[stretch]; c.source == r.source && r.row-c.row == at-c.at {
				c.n = at + r.n - c.at
				at += r.n
				continue
			}
		}
		if stretch < 0 || r.n > maxPatch {
			stretch = len(s.copies)
		}
		s.copies = append(s.copies, placed{r, at})
		at += r.n
	}
}

// maxPatch is the most rows of a run for which a stretch is not ended.
const maxPatch = 4

func (s *Selection) add(source, row, n int32) {
	s.rows += int(n)
	if last := len(s.runs) - 1; last >= 0 && s.runs[last].source == source && (source < 0 || s.runs[last].row+s.runs[last].n == row) {
		s.runs[last].n += n
		return
	}
	s.runs = append(s.runs, run{source, row, n})
}

// Interleave builds the array whose values are the selected ones. All sources have the type dt
// (nil sources may not be picked). The caller releases the result.
//
// It copies a run at once, for long runs are what merging a few changed rows into a file gives.
func (s *Selection) Interleave(alloc memory.Allocator, dt arrow.DataType, sources []arrow.Array) (arrow.Array, error) {
	data := make([]arrow.ArrayData, len(sources))
	for i, s := range sources {
		if s != nil {
			data[i] = s.Data()
		}
	}
	out, err := s.interleave(alloc, dt, data)
	if err != nil {
		return nil, err
	}
	defer out.Release()
	return array.MakeFromData(out), nil
}

// Interleave builds the array whose i-th value is the one that picks[i] names, as a Selection does.
func Interleave(alloc memory.Allocator, dt arrow.DataType, sources []arrow.Array, picks []Pick) (arrow.Array, error) {
	return Select(picks).Interleave(alloc, dt, sources)
}

// TakeRows makes a batch of the picked rows of one batch (Source 0). The caller releases it.
func TakeRows(alloc memory.Allocator, batch arrow.RecordBatch, picks []Pick) (arrow.RecordBatch, error) {
	return Gather(alloc, batch.Schema(), []arrow.RecordBatch{batch}, picks)
}

// Gather makes a batch of the picked rows of batches of one schema. The caller releases it.
func Gather(alloc memory.Allocator, schema *arrow.Schema, from []arrow.RecordBatch, picks []Pick) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, schema.NumFields())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	rows := Select(picks)
	sources := make([]arrow.Array, len(from))
	for i, f := range schema.Fields() {
		for j, b := range from {
			sources[j] = b.Column(i)
		}
		taken, err := rows.Interleave(alloc, f.Type, sources)
		if err != nil {
			return nil, err
		}
		columns = append(columns, taken)
	}
	return array.NewRecordBatch(schema, columns, int64(rows.rows)), nil
}

func (s *Selection) interleave(alloc memory.Allocator, dt arrow.DataType, sources []arrow.ArrayData) (arrow.ArrayData, error) {
	validity, nulls := s.validity(alloc, sources)
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
		nulls = s.rows
	case *arrow.BooleanType:
		buffers = append(buffers, s.bits(alloc, sources))
	case *arrow.StringType, *arrow.BinaryType:
		offsets, bytes := s.binary(alloc, sources)
		buffers = append(buffers, offsets, bytes)
	case *arrow.StructType:
		for f := range t.Fields() {
			child, err := s.shifted(sources).interleave(alloc, t.Field(f).Type, structChildren(sources, f))
			if err != nil {
				return nil, err
			}
			children = append(children, child)
		}
	case *arrow.ListType, *arrow.MapType:
		offsets, inner := s.elements(alloc, sources)
		buffers = append(buffers, offsets)
		child, err := inner.interleave(alloc, elementType(dt), structChildren(sources, 0))
		if err != nil {
			return nil, err
		}
		children = append(children, child)
	case arrow.FixedWidthDataType:
		buffers = append(buffers, s.fixed(alloc, t.Bytes(), sources))
	default:
		return nil, fmt.Errorf("merge: columns of type %s: %w", dt, base.ErrUnsupported)
	}
	return array.NewData(dt, s.rows, buffers, children, nulls, 0), nil
}

// each calls f for each run, with its place in the result and its first row in the source's
// buffers.
func (s *Selection) each(sources []arrow.ArrayData, f func(source int32, at, from, n int)) {
	at := 0
	for _, r := range s.runs {
		from := int(r.row)
		if r.source >= 0 {
			from += sources[r.source].Offset()
		}
		f(r.source, at, from, int(r.n))
		at += int(r.n)
	}
}

func newBuffer(alloc memory.Allocator, n int) *memory.Buffer {
	b := memory.NewResizableBuffer(alloc)
	b.Resize(n)
	return b
}

// validity returns nil when nothing selected is null.
func (s *Selection) validity(alloc memory.Allocator, sources []arrow.ArrayData) (*memory.Buffer, int) {
	mayBeNull := make([]bool, len(sources))
	for i, s := range sources {
		mayBeNull[i] = s != nil && s.NullN() != 0 && len(s.Buffers()) > 0 && s.Buffers()[0] != nil
	}
	if !slices.ContainsFunc(s.runs, func(r run) bool { return r.source < 0 || mayBeNull[r.source] }) {
		return nil, 0
	}
	buf := newBuffer(alloc, int(bitutil.BytesForBits(int64(s.rows))))
	bits := buf.Bytes()
	clear(bits)
	valid := 0
	s.each(sources, func(source int32, at, from, n int) {
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
	if valid == s.rows {
		buf.Release()
		return nil, 0
	}
	return buf, s.rows - valid
}

func (s *Selection) bits(alloc memory.Allocator, sources []arrow.ArrayData) *memory.Buffer {
	buf := newBuffer(alloc, int(bitutil.BytesForBits(int64(s.rows))))
	bits := buf.Bytes()
	clear(bits)
	s.each(sources, func(source int32, at, from, n int) {
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

func (s *Selection) fixed(alloc memory.Allocator, width int, sources []arrow.ArrayData) *memory.Buffer {
	buf := newBuffer(alloc, width*s.rows)
	out := buf.Bytes()
	values := make([][]byte, len(sources))
	for i, s := range sources {
		if s != nil && s.Buffers()[1] != nil {
			values[i] = s.Buffers()[1].Bytes()[s.Offset()*width:]
		}
	}
	for _, c := range s.copies {
		to := out[int(c.at)*width : int(c.at+c.n)*width]
		switch {
		case c.source < 0:
			clear(to)
		case c.n > 1:
			copy(to, values[c.source][int(c.row)*width:])
		case width == 8:
			binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(values[c.source][int(c.row)*8:]))
		case width == 4:
			binary.LittleEndian.PutUint32(to, binary.LittleEndian.Uint32(values[c.source][int(c.row)*4:]))
		default:
			copy(to, values[c.source][int(c.row)*width:])
		}
	}
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

func (s *Selection) binary(alloc memory.Allocator, sources []arrow.ArrayData) (offsets, bytes *memory.Buffer) {
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
	offsets = newBuffer(alloc, arrow.Int32SizeBytes*(s.rows+1))
	out := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	out[0] = 0
	s.each(sources, func(source int32, at, row, n int) {
		end, to := out[at], out[at+1:at+1+n]
		if source < 0 {
			for k := range to {
				to[k] = end
			}
			return
		}
		in := from[source][row : row+n+1]
		shift := end - in[0]
		for k, offset := range in[1:] {
			to[k] = offset + shift
		}
	})
	bytes = memory.NewResizableBuffer(alloc)
	bytes.Reserve(1) // so that empty values are no nil slices
	bytes.ResizeNoShrink(int(out[s.rows]))
	to := bytes.Bytes()
	s.each(sources, func(source int32, at, row, n int) {
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

// shifted adds the offsets of the sources: the children of a sliced struct are not sliced with it.
func (s *Selection) shifted(sources []arrow.ArrayData) *Selection {
	if !slices.ContainsFunc(sources, func(s arrow.ArrayData) bool { return s != nil && s.Offset() != 0 }) {
		return s
	}
	out := &Selection{}
	for _, r := range s.runs {
		if r.source >= 0 {
			r.row += int32(sources[r.source].Offset())
		}
		out.add(r.source, r.row, r.n)
	}
	out.arrange()
	return out
}

func elementType(dt arrow.DataType) arrow.DataType {
	if m, ok := dt.(*arrow.MapType); ok {
		return m.Elem()
	}
	return dt.(*arrow.ListType).Elem()
}

// elements makes the offsets of the selected lists (or maps) and the selection of their elements.
func (s *Selection) elements(alloc memory.Allocator, sources []arrow.ArrayData) (*memory.Buffer, *Selection) {
	buf := newBuffer(alloc, arrow.Int32SizeBytes*(s.rows+1))
	out := arrow.Int32Traits.CastFromBytes(buf.Bytes())
	out[0] = 0
	inner := &Selection{}
	s.each(sources, func(source int32, at, row, n int) {
		if source < 0 {
			for k := range n {
				out[at+k+1] = out[at]
			}
			return
		}
		from := offsetsOf(sources[source])
		shift := out[at] - from[row]
		for k := range n {
			out[at+k+1] = from[row+k+1] + shift
		}
		if n := from[row+n] - from[row]; n > 0 {
			inner.add(source, from[row], n)
		}
	})
	inner.arrange()
	return buf, inner
}
