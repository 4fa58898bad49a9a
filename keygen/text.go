package keygen

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
)

// text renders the values of one field as Java's key generators do.
type text struct {
	nulls []arrow.Array // the column and the structs around it
	write func(dst []byte, row int) []byte
}

// append adds the value of a row; ok is false for null.
func (t text) append(dst []byte, row int) (_ []byte, ok bool) {
	if isNull(t.nulls, row) {
		return dst, false
	}
	return t.write(dst, row), true
}

// isNull tells whether a row of a column is null, or of the structs around it.
func isNull(nulls []arrow.Array, row int) bool {
	return slices.ContainsFunc(nulls, func(a arrow.Array) bool { return a.IsNull(row) })
}

func texts(batch arrow.RecordBatch, names []string) ([]text, error) {
	out := make([]text, len(names))
	for i, name := range names {
		t, err := textOf(batch, name)
		if err != nil {
			return nil, err
		}
		out[i] = t
	}
	return out, nil
}

func textOf(batch arrow.RecordBatch, name string) (text, error) {
	nulls, col, err := columnOf(batch, name)
	if err != nil {
		return text{}, err
	}
	t := text{nulls: nulls}
	if t.write, err = writerOf(col); err != nil {
		return text{}, fmt.Errorf("keygen: field %q: %w", name, err)
	}
	return t, nil
}

// columnOf finds a field, whose name may have dots for the fields of records, and the columns by whose nulls it is null.
func columnOf(batch arrow.RecordBatch, name string) (nulls []arrow.Array, col arrow.Array, err error) {
	steps := strings.Split(name, ".")
	at := batch.Schema().FieldIndices(steps[0])
	if len(at) == 0 {
		return nil, nil, fmt.Errorf("keygen: rows have no field %q: %w", steps[0], base.ErrInvalid)
	}
	col = batch.Column(at[0])
	for _, step := range steps[1:] {
		s, ok := col.(*array.Struct)
		if !ok {
			return nil, nil, fmt.Errorf("keygen: field %q: %s is no record: %w", name, col.DataType(), base.ErrInvalid)
		}
		i, ok := s.DataType().(*arrow.StructType).FieldIdx(step)
		if !ok {
			return nil, nil, fmt.Errorf("keygen: rows have no field %q: %w", name, base.ErrInvalid)
		}
		if s.NullN() > 0 {
			nulls = append(nulls, s)
		}
		col = s.Field(i)
	}
	if col.NullN() > 0 {
		nulls = append(nulls, col)
	}
	return nulls, col, nil
}

func writerOf(col arrow.Array) (func(dst []byte, row int) []byte, error) {
	switch a := col.(type) {
	case *array.String:
		return func(dst []byte, row int) []byte { return append(dst, a.Value(row)...) }, nil
	case *array.Int64:
		v := a.Int64Values()
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, v[row], 10) }, nil
	case *array.Int32:
		v := a.Int32Values()
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(v[row]), 10) }, nil
	case *array.Boolean:
		return func(dst []byte, row int) []byte { return strconv.AppendBool(dst, a.Value(row)) }, nil
	case *array.Date32:
		return func(dst []byte, row int) []byte { return a.Value(row).ToTime().AppendFormat(dst, "2006-01-02") }, nil
	case *array.Timestamp: // the raw number, as with consistent.logical.timestamp off
		v := a.TimestampValues()
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(v[row]), 10) }, nil
	case *array.Time64:
		v := a.Time64Values()
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(v[row]), 10) }, nil
	case *array.Time32:
		v := a.Time32Values()
		return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(v[row]), 10) }, nil
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(dst []byte, row int) []byte { return append(dst, a.Value(row).ToString(scale)...) }, nil
	case *array.Float64:
		return func(dst []byte, row int) []byte { return appendJavaFloat(dst, a.Value(row), 64) }, nil
	case *array.Float32:
		return func(dst []byte, row int) []byte { return appendJavaFloat(dst, float64(a.Value(row)), 32) }, nil
	}
	return nil, fmt.Errorf("type %s in a key or partition: %w", col.DataType(), base.ErrUnsupported)
}

// appendJavaFloat writes a floating-point number as Java's toString does: 1.0, 1.0E10.
func appendJavaFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	if abs := math.Abs(v); v == 0 || abs >= 1e-3 && abs < 1e7 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, v, 'f', -1, bits)
		if !strings.Contains(string(dst[start:]), ".") {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	s := strconv.FormatFloat(v, 'E', -1, bits)
	mantissa, exponent, _ := strings.Cut(s, "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent) // FormatFloat's own exponent
	return strconv.AppendInt(append(append(dst, mantissa...), 'E'), int64(n), 10)
}
