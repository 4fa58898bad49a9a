package basefile

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// Dictionaries of strings are made here and given to arrow-go, whose own making of them
// takes several times as long and is most of the cost of writing such a column.

// maxDictionary is the most bytes of a dictionary; with more the column has none.
const maxDictionary = 1 << 20

// dictionary is the distinct values of one column chunk of strings or bytes.
type dictionary struct {
	index  map[string]int32
	values []string // by index
	rank   []int32  // place of each value in Parquet's order of bytes
	bytes  int      // as it is stored
}

// newDictionary returns the dictionary of the chunks of a flat column and each chunk's
// indices, with anything where the value is null; nil if the dictionary would be too large.
func newDictionary(chunks []chunk) (*dictionary, [][]int32) {
	d := &dictionary{index: map[string]int32{}}
	indices := make([][]int32, len(chunks))
	for k, c := range chunks {
		indices[k] = make([]int32, c.array.Len())
		if !d.add(c.array.(binaryArray), indices[k]) {
			return nil, nil
		}
	}
	d.order()
	return d, indices
}

func (d *dictionary) add(a binaryArray, out []int32) bool {
	var data, last []byte
	if b := a.Data().Buffers()[2]; b != nil {
		data = b.Bytes()
	}
	lastIndex := int32(-1)
	offsets := a.ValueOffsets()
	nulls := a.NullN() > 0
	for i := range out {
		if nulls && a.IsNull(i) {
			continue
		}
		v := data[offsets[i]:offsets[i+1]]
		if lastIndex < 0 || !bytes.Equal(v, last) {
			n, ok := d.index[string(v)]
			if !ok {
				if n, ok = d.insert(v); !ok {
					return false
				}
			}
			last, lastIndex = v, n
		}
		out[i] = lastIndex
	}
	return true
}

func (d *dictionary) insert(v []byte) (n int32, ok bool) {
	if d.bytes += len(v) + arrow.Uint32SizeBytes; d.bytes > maxDictionary {
		return 0, false
	}
	n = int32(len(d.values))
	s := string(v)
	d.index[s] = n
	d.values = append(d.values, s)
	return n, true
}

func (d *dictionary) order() {
	sorted := make([]int32, len(d.values))
	for i := range sorted {
		sorted[i] = int32(i)
	}
	slices.SortFunc(sorted, func(a, b int32) int { return cmp.Compare(d.values[a], d.values[b]) })
	d.rank = make([]int32, len(sorted))
	for place, i := range sorted {
		d.rank[i] = int32(place)
	}
}

// array is the values in order.
func (d *dictionary) array() arrow.Array {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer b.Release()
	for _, v := range d.values {
		b.AppendString(v)
	}
	return b.NewArray()
}

// dictionaryEncoder is what arrow-go's encoders of dictionary pages have.
type dictionaryEncoder interface {
	PutDictionary(values arrow.Array) error
}

// writeDictionary writes a flat column of strings or bytes with a dictionary. If there is to
// be none, or it turns out too large, nothing is done.
func writeDictionary(w *file.ByteArrayColumnChunkWriter, chunks []chunk, o WriterOptions) (done bool, err error) {
	enc, ok := w.CurrentEncoder().(dictionaryEncoder)
	if !ok {
		return false, nil
	}
	d, indices := newDictionary(chunks)
	if d == nil {
		w.FallbackToPlain()
		return false, nil
	}
	values := d.array()
	defer values.Release()
	if err := enc.PutDictionary(values); err != nil {
		return true, err
	}
	p := dictionaryPages{w: w, d: d, rows: min(pageRows(chunks, o.PageBytes), o.PageRows)}
	for k, c := range chunks {
		if err := p.write(c, indices[k]); err != nil {
			return true, err
		}
	}
	return true, p.flush()
}

// pageRows is how many rows have pageBytes of values.
func pageRows(chunks []chunk, pageBytes int) int {
	rows, size := 0, int64(0)
	for _, c := range chunks {
		rows += c.array.Len()
		size += arrayBytes(c.array)
	}
	return max(1, int(int64(rows)*int64(pageBytes)/max(size, 1)))
}

// dictionaryPages cuts a column into pages of indices.
type dictionaryPages struct {
	w      *file.ByteArrayColumnChunkWriter
	d      *dictionary
	rows   int // of a page
	filled int // rows of the page under way
}

func (p *dictionaryPages) write(c chunk, indices []int32) error {
	for from := 0; from < len(indices); {
		n := min(len(indices)-from, p.rows-p.filled)
		if err := p.part(c, indices[from:from+n], from); err != nil {
			return err
		}
		from += n
		if p.filled += n; p.filled == p.rows {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *dictionaryPages) flush() error {
	if p.filled == 0 {
		return nil
	}
	p.filled = 0
	return p.w.FlushCurrentPage()
}

// part appends the rows of a chunk from one on to the page, with their statistics.
func (p *dictionaryPages) part(c chunk, indices []int32, from int) error {
	var valid *memory.Buffer
	nulls := 0
	if c.array.NullN() > 0 {
		bits := make([]byte, bitutil.BytesForBits(int64(len(indices))))
		bitutil.CopyBitmap(c.array.NullBitmapBytes(), c.array.Data().Offset()+from, len(indices), bits, 0)
		nulls = len(indices) - bitutil.CountSetBits(bits, 0, len(indices))
		valid = memory.NewBufferBytes(bits)
	}
	p.statistics(c, indices, from, nulls)
	values := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(indices))
	data := array.NewData(arrow.PrimitiveTypes.Int32, len(indices), []*memory.Buffer{valid, values}, nil, nulls, 0)
	defer data.Release()
	list := array.NewInt32Data(data)
	defer list.Release()
	var def []int16
	if c.def != nil {
		def = c.def[from : from+len(indices)]
	}
	if err := p.w.WriteDictIndices(list, def, nil); err != nil {
		return fmt.Errorf("dictionary indices: %w", err)
	}
	return nil
}

// statistics adds the part to those of the page. UpdateFromArrow, which arrow-go has for this,
// overlooks empty strings.
func (p *dictionaryPages) statistics(c chunk, indices []int32, from, nulls int) {
	stats := p.w.PageStatistics().(*metadata.ByteArrayStatistics)
	stats.IncNulls(int64(nulls))
	stats.IncNumValues(int64(len(indices) - nulls))
	if nulls == len(indices) {
		return
	}
	low, high := int32(-1), int32(-1)
	for i, n := range indices {
		if c.def != nil && c.def[from+i] == 0 {
			continue
		}
		if low < 0 || p.d.rank[n] < p.d.rank[low] {
			low = n
		}
		if high < 0 || p.d.rank[n] > p.d.rank[high] {
			high = n
		}
	}
	stats.SetMinMax([]byte(p.d.values[low]), []byte(p.d.values[high]))
}
