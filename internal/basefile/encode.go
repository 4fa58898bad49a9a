package basefile

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/hudi-go/hudi-go/internal/base"
)

// writeChunk appends a chunk's values to the column chunk of its leaf.
func writeChunk(w file.ColumnChunkWriter, c chunk) (err error) {
	switch w := w.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(booleans(c), c.def, c.rep)
	case *file.Int32ColumnChunkWriter:
		_, err = w.WriteBatch(pick(fixedValues[int32](c.array), c.at), c.def, c.rep)
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(pick(fixedValues[int64](c.array), c.at), c.def, c.rep)
	case *file.Float32ColumnChunkWriter:
		stats := w.PageStatistics().(*metadata.Float32Statistics)
		err = writeFloats(w, stats, pick(fixedValues[float32](c.array), c.at), c)
	case *file.Float64ColumnChunkWriter:
		stats := w.PageStatistics().(*metadata.Float64Statistics)
		err = writeFloats(w, stats, pick(fixedValues[float64](c.array), c.at), c)
	case *file.ByteArrayColumnChunkWriter:
		err = writeBytes(w, c)
	case *file.FixedLenByteArrayColumnChunkWriter:
		err = writeFixed(w, c)
	}
	return err
}

// values is the number of values that are present.
func (c *chunk) values() int {
	if c.at != nil {
		return len(c.at)
	}
	return c.array.Len()
}

// index is where the i-th present value is in the array.
func (c *chunk) index(i int) int {
	if c.at != nil {
		return int(c.at[i])
	}
	return i
}

func booleans(c chunk) []bool {
	a := c.array.(*array.Boolean)
	out := make([]bool, c.values())
	for i := range out {
		out[i] = a.Value(c.index(i))
	}
	return out
}

// fixedValues is an array's values as T, which has the width of the array's type: dates,
// times and timestamps are the integers they are stored as.
func fixedValues[T int32 | int64 | float32 | float64](a arrow.Array) []T {
	data := a.Data()
	if data.Len() == 0 || data.Buffers()[1] == nil {
		return []T{}
	}
	b := data.Buffers()[1].Bytes()
	all := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(T(0))))
	return all[data.Offset() : data.Offset()+data.Len()]
}

func pick[T any](values []T, at []int32) []T {
	if at == nil {
		return values
	}
	out := make([]T, len(at))
	for i, p := range at {
		out[i] = values[p]
	}
	return out
}

type floatWriter[T float32 | float64] interface {
	file.ColumnChunkWriter
	WriteBatch(values []T, def, rep []int16) (int64, error)
}

type floatStatistics[T float32 | float64] interface{ SetMinMax(low, high T) }

// writeFloats writes numbers. Statistics have no NaN, which for Spark and DuckDB is greater
// than every number; so where there is one they get bounds that prune nothing. Rows go in
// the batches after which arrow-go ends pages, that is, each batch is in one page.
func writeFloats[T float32 | float64](w floatWriter[T], stats floatStatistics[T], values []T, c chunk) error {
	isNaN := func(v T) bool { return v != v }
	if !slices.ContainsFunc(values, isNaN) {
		_, err := w.WriteBatch(values, c.def, c.rep)
		return err
	}
	size := int(w.Properties().WriteBatchSize())
	if w.Descr().MaxRepetitionLevel() > 0 {
		size = len(c.def) // no engine prunes by what is in lists
	}
	inf := T(math.Inf(1))
	levels := max(len(c.def), len(values))
	for from := 0; from < levels; from += size {
		to := min(from+size, levels)
		n := to - from // values
		var def, rep []int16
		if c.def != nil {
			def, n = c.def[from:to], count(c.def[from:to], w.Descr().MaxDefinitionLevel())
		}
		if c.rep != nil {
			rep = c.rep[from:to]
		}
		if slices.ContainsFunc(values[:n], isNaN) {
			stats.SetMinMax(-inf, inf)
		}
		if _, err := w.WriteBatch(values[:n], def, rep); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

func count(levels []int16, level int16) (n int) {
	for _, l := range levels {
		if l == level {
			n++
		}
	}
	return n
}

// binaryArray is what strings and bytes have in common.
type binaryArray interface {
	arrow.Array
	ValueOffset(i int) int
	ValueOffsets() []int32
	ValueLen(i int) int
}

func writeBytes(w *file.ByteArrayColumnChunkWriter, c chunk) error {
	a := c.array.(binaryArray)
	data := []byte{} // arrow-go's statistics take parts of nil for no value
	if b := a.Data().Buffers()[2]; b != nil {
		data = b.Bytes()
	}
	if c.at == nil && w.SupportsArrowOffsets() {
		_, err := w.WriteBatchArrow(data, a.ValueOffsets(), c.def, c.rep)
		return err
	}
	values := make([]parquet.ByteArray, c.values())
	offsets := a.ValueOffsets()
	for i := range values {
		k := c.index(i)
		values[i] = data[offsets[k]:offsets[k+1]]
	}
	_, err := w.WriteBatch(values, c.def, c.rep)
	return err
}

func writeFixed(w *file.FixedLenByteArrayColumnChunkWriter, c chunk) error {
	var data []byte
	size := w.Descr().TypeLength()
	switch a := c.array.(type) {
	case *array.Decimal128:
		var err error
		if data, err = decimalBytes(a, c, size); err != nil {
			return err
		}
	case *array.FixedSizeBinary:
		data = make([]byte, 0, c.values()*size)
		for i := range c.values() {
			data = append(data, a.Value(c.index(i))...)
		}
	}
	if w.SupportsArrowValues() {
		_, err := w.WriteBatchArrow(data, c.def, c.rep)
		return err
	}
	values := make([]parquet.FixedLenByteArray, c.values())
	for i := range values {
		values[i] = data[i*size : (i+1)*size]
	}
	_, err := w.WriteBatch(values, c.def, c.rep)
	return err
}

// decimalBytes is the values in big-endian two's complement of size bytes each.
func decimalBytes(a *array.Decimal128, c chunk, size int) ([]byte, error) {
	out := make([]byte, 0, c.values()*size)
	var b [16]byte
	precision := a.DataType().(*arrow.Decimal128Type).Precision
	for i := range c.values() {
		v := a.Value(c.index(i))
		if v.Abs().Sign() < 0 || !v.FitsInPrecision(precision) { // the least number has no Abs
			return nil, fmt.Errorf("a value has more than %d digits: %w", precision, base.ErrInvalid)
		}
		binary.BigEndian.PutUint64(b[:], uint64(v.HighBits()))
		binary.BigEndian.PutUint64(b[8:], v.LowBits())
		for range size - len(b) {
			out = append(out, byte(v.HighBits()>>63))
		}
		out = append(out, b[max(0, len(b)-size):]...)
	}
	return out, nil
}
