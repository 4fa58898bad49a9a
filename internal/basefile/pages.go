package basefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	pqtypes "github.com/apache/arrow-go/v18/parquet"
	pq "github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// pageForm says how the values of a column's pages become those of an Arrow array.
type pageForm int

const (
	formFixed   pageForm = iota + 1 // copied
	formText                        // offsets and bytes
	formBoolean                     // bits
	formDecimal                     // integers and big-endian bytes, to 128 bits
)

// formOf returns the form of a flat column with Parquet type c that is read as the Arrow type t,
// and the bytes of a value in the array; 0 for columns that only arrow-go reads.
func formOf(c *pq.Column, t arrow.DataType) (form pageForm, width int) {
	if c.MaxRepetitionLevel() > 0 || c.MaxDefinitionLevel() > 1 {
		return 0, 0
	}
	switch t.ID() {
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INT64, arrow.TIMESTAMP, arrow.TIME64,
		arrow.FLOAT32, arrow.FLOAT64, arrow.FIXED_SIZE_BINARY:
		width = t.(arrow.FixedWidthDataType).Bytes()
		if width == physicalWidth(c) {
			return formFixed, width
		}
	case arrow.DECIMAL128:
		if w := physicalWidth(c); w > 0 && w <= arrow.Decimal128SizeBytes {
			return formDecimal, arrow.Decimal128SizeBytes
		}
	case arrow.STRING, arrow.BINARY:
		if c.PhysicalType() == pqtypes.Types.ByteArray {
			return formText, 0
		}
	case arrow.BOOL:
		if c.PhysicalType() == pqtypes.Types.Boolean {
			return formBoolean, 1
		}
	}
	return 0, 0
}

// physicalWidth is the bytes of a value in a page, 0 where they vary.
func physicalWidth(c *pq.Column) int {
	switch c.PhysicalType() {
	case pqtypes.Types.Int32, pqtypes.Types.Float:
		return 4
	case pqtypes.Types.Int64, pqtypes.Types.Double:
		return 8
	case pqtypes.Types.FixedLenByteArray:
		return c.TypeLength()
	}
	return 0
}

// pageColumn reads one flat column of a row group, page by page. Only values that are not
// null are stored; the levels, where a page has them, say which rows have one.
type pageColumn struct {
	name  string
	form  pageForm
	width int
	pages *parquet.FilePages
	where *pageIndex // of the pages, nil if all of them are read
	row   int64      // the next one of the row group
	turn  int        // the page that is read next, where where is known

	page     parquet.Page // under way, nil before the first
	rows, at int          // of the page, and how many of them were taken
	stored   int          // values of the page that were taken
	levels   []byte       // definition levels, nil if no row is null

	values, dict stored  // of the page and of the dictionary
	index        []int32 // of the page's values in the dictionary, nil without one
	longest      int     // text in the dictionary
	scratch      []byte
}

// stored are values as they lie in an Arrow array: fixed ones in data alone.
type stored struct {
	data    []byte
	offsets []uint32
}

// advance goes to the next page; io.EOF after the last.
func (c *pageColumn) advance() error {
	c.release()
	page, err := c.pages.ReadPage()
	if err != nil {
		return err
	}
	c.page, c.rows, c.at, c.stored = page, int(page.NumValues()), 0, 0
	if c.where != nil {
		if want := c.where.first[c.turn+1] - c.where.first[c.turn]; want != int64(c.rows) {
			return fmt.Errorf("page %d has %d rows, %d by its index", c.turn, c.rows, want)
		}
		c.turn++
	}
	c.levels, c.index = nil, nil
	present := c.rows
	if levels := page.DefinitionLevels(); len(levels) > 0 {
		if nulls := int(page.NumNulls()); nulls > 0 {
			c.levels = levels
			present -= nulls
		}
	}
	data := page.Data()
	if dict := page.Dictionary(); dict != nil {
		if err := c.useDictionary(dict); err != nil {
			return err
		}
		if c.index = data.Int32(); len(c.index) < present {
			return fmt.Errorf("a page of %d values has %d", present, len(c.index))
		}
		return nil
	}
	c.values, c.scratch, err = c.convert(data, c.scratch, present)
	return err
}

// useDictionary reads a chunk's dictionary once.
func (c *pageColumn) useDictionary(dict parquet.Dictionary) (err error) {
	if c.dict.data != nil || c.dict.offsets != nil {
		return nil
	}
	if c.dict, _, err = c.convert(dict.Page().Data(), nil, dict.Len()); err != nil || c.form != formText {
		return err
	}
	c.dict.data = append(c.dict.data[:len(c.dict.data):len(c.dict.data)], make([]byte, shortText)...) // for put
	for i := range dict.Len() {
		c.longest = max(c.longest, int(c.dict.offsets[i+1]-c.dict.offsets[i]))
	}
	return nil
}

// openDictionary reads the dictionary, if there is one, before the first page.
func (c *pageColumn) openDictionary() error {
	dict, err := c.pages.ReadDictionary()
	if err != nil || dict == nil || dict.Len() == 0 {
		return err
	}
	return c.useDictionary(dict)
}

// fit returns how many of the next rows have no more text than a batch may: a value of the
// dictionary takes room as often as it occurs. It ends with the page, but is one at least.
func (c *pageColumn) fit(rows int64) (int64, error) {
	if int64(c.longest)*rows <= maxBatchBytes {
		return rows, nil
	}
	if c.page == nil || c.at == c.rows {
		if err := c.advance(); err != nil {
			return 0, c.failed(err, int(rows))
		}
	}
	if c.index == nil { // its values are stored, so that the size of the chunk bounds them
		return rows, nil
	}
	n, next, bytes := 0, c.stored, 0
	for ; n < min(int(rows), c.rows-c.at); n++ {
		if c.levels != nil && c.levels[c.at+n] == 0 {
			continue
		}
		k := c.index[next]
		next++
		if bytes += int(c.dict.offsets[k+1] - c.dict.offsets[k]); bytes > maxBatchBytes && n > 0 {
			break
		}
	}
	return int64(n), nil
}

// failed is the error of a page of which some rows are still wanted.
func (c *pageColumn) failed(err error, rows int) error {
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the pages end %d rows too early", rows)
	}
	return fmt.Errorf("column %s: %w", c.name, err)
}

func (c *pageColumn) release() {
	if c.page != nil {
		parquet.Release(c.page)
		c.page = nil
	}
}

func (c *pageColumn) close() error {
	c.release()
	return c.pages.Close()
}

// convert brings n values of a page into the form that the array has. What has to be made anew
// goes to scratch, which it returns as grown.
func (c *pageColumn) convert(v encoding.Values, scratch []byte, n int) (stored, []byte, error) {
	short := func(have int) error { return fmt.Errorf("a page of %d values has %d", n, have) }
	data, offsets := v.Data()
	switch c.form {
	case formText:
		if n > 0 && len(offsets) <= n {
			return stored{}, scratch, short(len(offsets) - 1)
		}
		return stored{data: data, offsets: offsets}, scratch, nil
	case formFixed:
		if len(data) < n*c.width {
			return stored{}, scratch, short(len(data) / c.width)
		}
		return stored{data: data}, scratch, nil
	case formBoolean:
		if len(data)*8 < n {
			return stored{}, scratch, short(len(data) * 8)
		}
		scratch = resize(scratch, n)
		for i := range n {
			scratch[i] = data[i/8] >> (i % 8) & 1
		}
		return stored{data: scratch}, scratch, nil
	case formDecimal:
		from := decimalWidth(v, data)
		if len(data) < n*from {
			return stored{}, scratch, short(len(data) / from)
		}
		scratch = resize(scratch, n*arrow.Decimal128SizeBytes)
		wideDecimals(scratch, data, from, v.Kind() == encoding.FixedLenByteArray)
		return stored{data: scratch}, scratch, nil
	}
	return stored{}, scratch, errors.ErrUnsupported
}

func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

func decimalWidth(v encoding.Values, data []byte) int {
	switch v.Kind() {
	case encoding.Int32:
		return 4
	case encoding.Int64:
		return 8
	}
	_, size := v.FixedLenByteArray()
	return max(size, 1)
}

// wideDecimals fills dst with 128-bit decimals from values of the given width: little-endian
// integers, or big-endian bytes in two's complement.
func wideDecimals(dst, src []byte, width int, bigEndian bool) {
	n := len(dst) / arrow.Decimal128SizeBytes
	switch {
	case bigEndian && width > 8:
		for i := range n {
			var low, high uint64
			v := src[i*width : (i+1)*width]
			if v[0] >= 0x80 {
				low, high = ^uint64(0), ^uint64(0)
			}
			for _, b := range v {
				high = high<<8 | low>>56
				low = low<<8 | uint64(b)
			}
			putDecimal(dst, i, low, high)
		}
	case bigEndian:
		unused := 64 - 8*width
		for i := range n {
			var v uint64
			if at := i * width; at+8 <= len(src) {
				v = binary.BigEndian.Uint64(src[at:])
			} else {
				var last [8]byte
				copy(last[:], src[at:])
				v = binary.BigEndian.Uint64(last[:])
			}
			putDecimal(dst, i, uint64(int64(v)>>unused), uint64(int64(v)>>63))
		}
	case width == 4:
		for i := range n {
			v := int64(int32(binary.LittleEndian.Uint32(src[i*4:])))
			putDecimal(dst, i, uint64(v), uint64(v>>63))
		}
	default:
		for i := range n {
			v := binary.LittleEndian.Uint64(src[i*8:])
			putDecimal(dst, i, v, uint64(int64(v)>>63))
		}
	}
}

func putDecimal(dst []byte, i int, low, high uint64) {
	out := dst[i*arrow.Decimal128SizeBytes:][:arrow.Decimal128SizeBytes]
	binary.LittleEndian.PutUint64(out, low)
	binary.LittleEndian.PutUint64(out[8:], high)
}

// run is a stretch of rows of one page.
type run struct {
	row, rows int    // in the batch
	levels    []byte // of its rows, nil if none is null
	from, to  int    // its values among those that the page stores
}

// runs goes through the next n rows.
func (c *pageColumn) runs(n int, each func(run) error) error {
	for got := 0; got < n; {
		if c.page == nil || c.at == c.rows {
			if err := c.advance(); err != nil {
				return c.failed(err, n-got)
			}
			continue
		}
		r := run{row: got, rows: min(n-got, c.rows-c.at), from: c.stored}
		r.to = r.from + r.rows
		if c.levels != nil {
			r.levels = c.levels[c.at : c.at+r.rows]
			if present := countOnes(r.levels); present < r.rows {
				r.to = r.from + present
			} else {
				r.levels = nil
			}
		}
		if err := each(r); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
		got += r.rows
		c.row += int64(r.rows)
		c.at += r.rows
		c.stored = r.to
	}
	return nil
}

// seek goes to a row, which is not before the next one.
func (c *pageColumn) seek(row int64) error {
	if ahead := row - c.row; c.where != nil && (c.page == nil || ahead > int64(c.rows-c.at)) {
		c.turn = c.where.pageOf(row)
		c.release()
		c.rows, c.at, c.row = 0, 0, c.where.first[c.turn]
		if err := c.pages.SeekToRow(c.row); err != nil {
			return fmt.Errorf("column %s: page %d: %w", c.name, c.turn, err)
		}
	}
	if row == c.row {
		return nil
	}
	return c.runs(int(row-c.row), func(run) error { return nil })
}

// countOnes counts the rows with a value: those of level 1.
func countOnes(levels []byte) (n int) {
	for _, l := range levels {
		n += int(l & 1)
	}
	return n
}
