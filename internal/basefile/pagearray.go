package basefile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
)

// pageArray is an Arrow array being filled from the pages of a column.
type pageArray struct {
	alloc   memory.Allocator
	rows    int
	nulls   int
	valid   *memory.Buffer // nil as long as no row is null
	values  *memory.Buffer // or the offsets of text
	text    *memory.Buffer
	written int // bytes of text
}

// read returns the column's next n rows as an array of type t.
func (c *pageColumn) read(n int, t arrow.DataType, alloc memory.Allocator) (arrow.Array, error) {
	a := &pageArray{alloc: alloc, rows: n}
	defer a.release()
	a.values = memory.NewResizableBuffer(alloc)
	fill := a.fixed
	switch c.form {
	case formText:
		a.values.Resize((n + 1) * arrow.Int32SizeBytes)
		a.text = memory.NewResizableBuffer(alloc)
		fill = a.strings
		binary.LittleEndian.PutUint32(a.values.Bytes(), 0)
	case formBoolean:
		a.values.Resize(int(bitutil.BytesForBits(int64(n))))
		clear(a.values.Bytes())
		fill = a.booleans
	default:
		a.values.Resize(n * c.width)
	}
	err := c.runs(n, func(r run) error {
		a.mark(r)
		return fill(c, r)
	})
	if err != nil {
		return nil, err
	}
	buffers := []*memory.Buffer{a.valid, a.values}
	if c.form == formText {
		a.text.Resize(a.written)
		buffers = append(buffers, a.text)
	}
	data := array.NewData(t, n, buffers, nil, a.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data), nil
}

func (a *pageArray) release() {
	for _, b := range []*memory.Buffer{a.valid, a.values, a.text} {
		if b != nil {
			b.Release()
		}
	}
}

// mark sets which rows of a run have a value.
func (a *pageArray) mark(r run) {
	if r.levels == nil {
		if a.valid != nil {
			bitutil.SetBitsTo(a.valid.Bytes(), int64(r.row), int64(r.rows), true)
		}
		return
	}
	if a.valid == nil {
		a.valid = memory.NewResizableBuffer(a.alloc)
		a.valid.Resize(int(bitutil.BytesForBits(int64(a.rows))))
		clear(a.valid.Bytes())
		bitutil.SetBitsTo(a.valid.Bytes(), 0, int64(r.row), true)
	}
	bits := a.valid.Bytes()
	for i, level := range r.levels {
		bits[(r.row+i)/8] |= level & 1 << ((r.row + i) % 8)
	}
	a.nulls += r.rows - (r.to - r.from)
}

// fixed copies values of one width. Rows without a value are zero.
func (a *pageArray) fixed(c *pageColumn, r run) error {
	w := c.width
	dst := a.values.Bytes()[r.row*w : (r.row+r.rows)*w]
	if c.index == nil {
		copy(dst, c.values.data[r.from*w:r.to*w])
	} else {
		gather(dst, c.dict.data, c.index[r.from:r.to], w)
	}
	if r.levels != nil {
		spread(dst, w, r.levels, r.to-r.from)
	}
	return nil
}

// gather copies the dictionary's values of some indexes.
func gather(dst, dict []byte, index []int32, width int) {
	switch width {
	case 4:
		for i, k := range index {
			binary.LittleEndian.PutUint32(dst[i*4:], binary.LittleEndian.Uint32(dict[int(k)*4:]))
		}
	case 8:
		for i, k := range index {
			binary.LittleEndian.PutUint64(dst[i*8:], binary.LittleEndian.Uint64(dict[int(k)*8:]))
		}
	default:
		for i, k := range index {
			copy(dst[i*width:(i+1)*width], dict[int(k)*width:(int(k)+1)*width])
		}
	}
}

// spread moves n values at the beginning of dst to the rows that have one, and makes the
// other rows zero.
func spread(dst []byte, width int, levels []byte, n int) {
	for i := len(levels) - 1; i >= 0; i-- {
		row := dst[i*width : (i+1)*width]
		if levels[i] == 0 {
			clear(row)
			continue
		}
		n--
		copy(row, dst[n*width:(n+1)*width])
	}
}

func (a *pageArray) booleans(c *pageColumn, r run) error {
	bits, next := a.values.Bytes(), r.from
	for i := range r.rows {
		if r.levels != nil && r.levels[i] == 0 {
			continue
		}
		bits[(r.row+i)/8] |= c.values.data[next] << ((r.row + i) % 8)
		next++
	}
	return nil
}

// strings appends text.
func (a *pageArray) strings(c *pageColumn, r run) error {
	offsets := arrow.Int32Traits.CastFromBytes(a.values.Bytes())[r.row+1 : r.row+1+r.rows]
	values := c.values
	size := 0
	switch {
	case r.from == r.to: // such a page may lack even the offset where its first value would begin
		for i := range offsets {
			offsets[i] = int32(a.written)
		}
		return nil
	case c.index == nil:
		size = int(values.offsets[r.to] - values.offsets[r.from])
	default:
		values = c.dict
		for _, k := range c.index[r.from:r.to] {
			size += int(values.offsets[k+1] - values.offsets[k])
		}
	}
	if a.written+size > math.MaxInt32 {
		return fmt.Errorf("a batch of %d rows has more than 2 GiB of text: %w", a.rows, base.ErrUnsupported)
	}
	a.grow(size, r.rows)
	at := a.written
	a.written += size
	text := a.text.Buf()
	if c.index == nil {
		copy(text[at:], values.data[values.offsets[r.from]:values.offsets[r.to]])
	}
	switch {
	case r.levels == nil && c.index == nil:
		shift := uint32(at) - values.offsets[r.from]
		for i, end := range values.offsets[r.from+1 : r.to+1] {
			offsets[i] = int32(end + shift)
		}
	case r.levels == nil && len(values.offsets) == 2: // a dictionary of one value
		repeat(text[at:a.written], values.data[values.offsets[0]:values.offsets[1]])
		length := size / r.rows
		for i := range offsets {
			at += length
			offsets[i] = int32(at)
		}
	case r.levels == nil:
		for i, k := range c.index[r.from:r.to] {
			at += values.put(text[at:], k)
			offsets[i] = int32(at)
		}
	default:
		next := r.from
		for i, level := range r.levels {
			if level != 0 {
				if c.index != nil {
					at += values.put(text[at:], c.index[next])
				} else {
					at += int(values.offsets[next+1] - values.offsets[next])
				}
				next++
			}
			offsets[i] = int32(at)
		}
	}
	return nil
}

// shortText is the length up to which text of a dictionary is copied without asking how long it
// is: what is copied too much is overwritten by the next.
const shortText = 32

// put copies the k-th value to dst and returns its length.
func (s *stored) put(dst []byte, k int32) int {
	from, to := s.offsets[k], s.offsets[k+1]
	if n := to - from; n <= shortText && len(dst) >= shortText && len(s.data)-int(from) >= shortText {
		*(*[shortText]byte)(dst) = *(*[shortText]byte)(s.data[from:])
		return int(n)
	}
	return copy(dst, s.data[from:to])
}

// repeat fills dst with a value.
func repeat(dst, value []byte) {
	for n := copy(dst, value); n > 0 && n < len(dst); {
		n += copy(dst[n:], dst[:n])
	}
}

// grow makes room for the text of some rows: at first for that of all rows, were they alike.
func (a *pageArray) grow(size, rows int) {
	need := a.written + size
	switch {
	case a.text.Cap() == 0:
		a.text.Reserve(max(need, min(size/rows*a.rows+size/8, maxBatchBytes)))
	case need > a.text.Cap():
		a.text.Reserve(max(need, a.text.Cap()*3/2))
	}
}
