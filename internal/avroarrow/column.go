package avroarrow

import (
	"errors"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/schema"
)

// column is an Arrow array in the making. Values are written at a row that the caller
// gives, and nothing but the row says where the column ends: a row that was written in
// part is undone by writing the next one over it.
type column struct {
	// What every value needs comes first, close together.
	valid []byte   // one bit per row; nil in columns without nulls
	w32   []uint32 // 4-byte values, or the offsets of storeText and storeList
	w64   []uint64 // 8-byte values, or two words each of storeDecimal
	data  []byte   // bits of storeBit, values of storeFixed, bytes of storeText

	store storage
	width int            // bytes of a value, storeFixed
	dt    arrow.DataType // of what is stored
	// promote is the type of the finished array if dt is not, nil otherwise.
	promote arrow.DataType
	// missing is the reader's field behind a column that the writer does not have.
	missing *schema.Field

	kids     []*column
	nullable bool
	cap      int // rows that fit; the bytes of storeText and the rows of a list's kids grow on their own
	hint     int // bytes of storeText in the last batch
	alloc    memory.Allocator
	buffers  [3]*memory.Buffer // behind valid; w32 or w64; data
}

// storage is the layout of a column's values.
type storage uint8

const (
	storeNone    storage = iota // nothing: values that are skipped, or a missing column
	storeBit                    // boolean
	store32                     // int, date, time-millis, float
	store64                     // long, time-micros, timestamps, double
	storeDecimal                // decimal128
	storeFixed                  // fixed
	storeText                   // string, bytes, enum
	storeList                   // array, map
	storeStruct                 // record
)

const (
	firstCap  = 64 // rows of a new column
	firstData = 1 << 10
)

// The places of the buffers that are not the validity bitmap.
const (
	bufWords = 1
	bufBytes = 2
)

var errTooBig = errors.New("more than 2 GiB in one batch: flush more often")

// resize makes buffer i hold n bytes, the old ones first.
func (c *column) resize(i, n int) []byte {
	if c.buffers[i] == nil {
		c.buffers[i] = memory.NewResizableBuffer(c.alloc)
	}
	c.buffers[i].Resize(n)
	return c.buffers[i].Bytes()
}

// reserve makes room for at least n rows.
func (c *column) reserve(n int) {
	if n <= c.cap {
		return
	}
	n = max(n, 2*c.cap, firstCap)
	c.cap = n
	bits := int(bitutil.BytesForBits(int64(n)))
	if c.nullable {
		c.valid = c.resize(0, bits)
	}
	switch c.store {
	case storeBit:
		c.data = c.resize(bufBytes, bits)
	case store32:
		c.w32 = arrow.Uint32Traits.CastFromBytes(c.resize(bufWords, n*4))
	case store64:
		c.w64 = arrow.Uint64Traits.CastFromBytes(c.resize(bufWords, n*8))
	case storeDecimal:
		c.w64 = arrow.Uint64Traits.CastFromBytes(c.resize(bufWords, n*16))
	case storeFixed:
		c.data = c.resize(bufBytes, n*c.width)
	case storeText, storeList:
		c.w32 = arrow.Uint32Traits.CastFromBytes(c.resize(bufWords, (n+1)*4))
		c.w32[0] = 0
	case storeStruct:
		for _, k := range c.kids {
			k.reserve(n)
		}
	}
}

// reserveData makes room for at least n bytes of storeText.
func (c *column) reserveData(n int) error {
	if n > math.MaxInt32 {
		return errTooBig
	}
	c.data = c.resize(bufBytes, max(n, min(2*len(c.data), math.MaxInt32), c.hint, firstData))
	return nil
}

// setNull makes row null, or in a column without nulls, below a null, any value.
func (c *column) setNull(row int) {
	if c.valid != nil {
		c.valid[row>>3] &^= 1 << (row & 7)
	}
	switch c.store {
	case storeBit:
		c.data[row>>3] &^= 1 << (row & 7)
	case store32:
		c.w32[row] = 0
	case store64:
		c.w64[row] = 0
	case storeDecimal:
		c.w64[2*row], c.w64[2*row+1] = 0, 0
	case storeFixed:
		clear(c.data[row*c.width : (row+1)*c.width])
	case storeText, storeList:
		c.w32[row+1] = c.w32[row]
	case storeStruct:
		for _, k := range c.kids {
			k.setNull(row)
		}
	}
}

// finish makes an array of the first rows rows and empties the column.
func (c *column) finish(rows int) (arrow.Array, error) {
	if c.missing != nil {
		return c.fill(rows)
	}
	c.reserve(max(rows, 1)) // a list without elements has not made its kids yet
	defer c.release()
	var kids []arrow.ArrayData
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	n := rows
	if c.store == storeList {
		n = int(c.w32[rows])
	}
	for _, k := range c.kids {
		a, err := k.finish(n)
		if err != nil {
			return nil, err
		}
		a.Data().Retain()
		kids = append(kids, a.Data())
		a.Release()
	}
	if m, ok := c.dt.(*arrow.MapType); ok {
		entries := array.NewData(m.Elem(), n, []*memory.Buffer{nil}, kids, 0, 0)
		for _, k := range kids {
			k.Release()
		}
		kids = []arrow.ArrayData{entries}
	}
	valid, nulls := c.validity(rows)
	data := array.NewData(c.dt, rows, c.layout(valid, rows), kids, nulls, 0)
	defer data.Release()
	a := array.MakeFromData(data)
	if c.promote == nil {
		return a, nil
	}
	defer a.Release()
	return schema.Promote(c.promote, a, c.alloc)
}

// validity returns the bitmap of the first rows rows, nil if none is null, and the number
// of nulls.
func (c *column) validity(rows int) (*memory.Buffer, int) {
	if c.valid == nil {
		return nil, 0
	}
	nulls := rows - bitutil.CountSetBits(c.valid, 0, rows)
	if nulls == 0 {
		return nil, 0
	}
	trimBits(c.valid, rows)
	return c.cut(0, int(bitutil.BytesForBits(int64(rows)))), nulls
}

// layout returns the buffers in the order of the Arrow type.
func (c *column) layout(valid *memory.Buffer, rows int) []*memory.Buffer {
	switch c.store {
	case storeBit:
		trimBits(c.data, rows)
		return []*memory.Buffer{valid, c.cut(bufBytes, int(bitutil.BytesForBits(int64(rows))))}
	case store32:
		return []*memory.Buffer{valid, c.cut(bufWords, rows*4)}
	case store64:
		return []*memory.Buffer{valid, c.cut(bufWords, rows*8)}
	case storeDecimal:
		return []*memory.Buffer{valid, c.cut(bufWords, rows*16)}
	case storeFixed:
		return []*memory.Buffer{valid, c.cut(bufBytes, rows*c.width)}
	case storeText:
		c.hint = int(c.w32[rows])
		return []*memory.Buffer{valid, c.cut(bufWords, (rows+1)*4), c.cut(bufBytes, c.hint)}
	case storeList:
		return []*memory.Buffer{valid, c.cut(bufWords, (rows+1)*4)}
	default:
		return []*memory.Buffer{valid}
	}
}

// cut sets the length of buffer i to n bytes.
func (c *column) cut(i, n int) *memory.Buffer {
	if b := c.buffers[i]; b != nil {
		b.ResizeNoShrink(n)
	}
	return c.buffers[i]
}

// trimBits clears the bits after the first n in the last byte used, which a record that
// failed may have set.
func trimBits(b []byte, n int) {
	if n&7 != 0 {
		b[n>>3] &= 1<<(n&7) - 1
	}
}

// fill makes rows values of a missing column: its default, else null.
func (c *column) fill(rows int) (arrow.Array, error) {
	b := array.NewBuilder(c.alloc, c.dt)
	defer b.Release()
	if err := c.missing.AppendDefault(b); err != nil {
		return nil, err
	}
	a := b.NewArray()
	defer func() { a.Release() }()
	if a.IsNull(0) {
		return array.MakeArrayOfNull(c.alloc, c.dt, rows), nil
	}
	for a.Len() < rows {
		twice, err := array.Concatenate([]arrow.Array{a, a}, c.alloc)
		if err != nil {
			return nil, err
		}
		a.Release()
		a = twice
	}
	return array.NewSlice(a, 0, int64(rows)), nil
}

// release gives up the buffers, here and below. Arrays made of them keep their own reference.
func (c *column) release() {
	for i, b := range c.buffers {
		if b != nil {
			b.Release()
			c.buffers[i] = nil
		}
	}
	c.valid, c.w32, c.w64, c.data, c.cap = nil, nil, nil, nil, 0
	for _, k := range c.kids {
		k.release()
	}
}
