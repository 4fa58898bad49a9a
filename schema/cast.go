package schema

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// cast makes an array of another type; p gives the allocator.
type cast func(p *promoter) (arrow.Array, error)

// castTo returns the promotion of a, whose values are not nested, to dst; nil when Hudi has none.
func castTo(dst arrow.DataType, a arrow.Array) cast {
	switch src := a.(type) {
	case *array.Int8:
		return fromInts(dst, src, src.Int8Values())
	case *array.Int16:
		return fromInts(dst, src, src.Int16Values())
	case *array.Int32:
		return fromInts(dst, src, src.Int32Values())
	case *array.Int64:
		return fromInts(dst, src, src.Int64Values())
	case *array.Uint8:
		return fromInts(dst, src, src.Uint8Values())
	case *array.Uint16:
		return fromInts(dst, src, src.Uint16Values())
	case *array.Uint32:
		return fromInts(dst, src, src.Uint32Values())
	case *array.Float16:
		return fromHalves(dst, src)
	case *array.Float32:
		return fromFloats(dst, src, src.Float32Values(), 32)
	case *array.Float64:
		return fromFloats(dst, src, src.Float64Values(), 64)
	case *array.Date32:
		return fromDays(dst, src)
	case *array.Date64:
		if dst.ID() == arrow.DATE32 {
			return numbers(dst, a, src.Date64Values(), func(v arrow.Date64) int32 { return int32(floorDiv(int64(v), millisPerDay)) })
		}
	case *array.Time32:
		return fromTimes(dst, a, src.Time32Values())
	case *array.Time64:
		return fromTimes(dst, a, src.Time64Values())
	case *array.Timestamp:
		return fromTimes(dst, a, src.TimestampValues())
	}
	if text := textsOf(a); text != nil {
		return fromTexts(dst, a, text)
	}
	return fromDecimals(dst, a)
}

type integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32
}

type number interface{ integer | ~float32 | ~float64 }

// numbers converts every value of values, the null ones too, to a fixed-width type.
func numbers[D int32 | int64 | float32 | float64, S number](dst arrow.DataType, a arrow.Array, values []S, convert func(S) D) cast {
	return func(p *promoter) (arrow.Array, error) {
		size := dst.(arrow.FixedWidthDataType).Bytes()
		data := p.buffer(len(values) * size)
		out := arrow.GetData[D](data.Bytes())
		for i, v := range values {
			out[i] = convert(v)
		}
		return p.fixedWidth(dst, a, data), nil
	}
}

// fixedWidth makes an array of a's length and nulls from a buffer of values, which it takes over.
func (p *promoter) fixedWidth(dst arrow.DataType, a arrow.Array, values *memory.Buffer) arrow.Array {
	valid := p.validity(a)
	data := array.NewData(dst, a.Len(), []*memory.Buffer{valid, values}, nil, a.NullN(), 0)
	defer data.Release()
	release(valid)
	values.Release()
	return array.MakeFromData(data)
}

// relabel gives the values of a another type of the same width, without a copy.
func relabel(dst arrow.DataType, a arrow.Array) cast {
	return func(*promoter) (arrow.Array, error) {
		d := a.Data()
		data := array.NewData(dst, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
		defer data.Release()
		return array.MakeFromData(data), nil
	}
}

func fromInts[S integer](dst arrow.DataType, a arrow.Array, values []S) cast {
	wide := a.DataType().ID() == arrow.INT64
	unsigned := a.DataType().ID() == arrow.UINT32
	switch dst := dst.(type) {
	case *arrow.Int32Type:
		if wide || unsigned {
			return nil
		}
		return numbers(dst, a, values, func(v S) int32 { return int32(v) })
	case *arrow.Int64Type:
		return numbers(dst, a, values, func(v S) int64 { return int64(v) })
	case *arrow.Float32Type:
		return numbers(dst, a, values, func(v S) float32 { return float32(v) })
	case *arrow.Float64Type:
		return numbers(dst, a, values, func(v S) float64 { return float64(v) })
	case *arrow.Date32Type, *arrow.Time32Type:
		if a.DataType().ID() == arrow.INT32 {
			return relabel(dst, a)
		}
	case *arrow.Time64Type, *arrow.TimestampType:
		if wide {
			return relabel(dst, a)
		}
	case *arrow.StringType:
		return toText(a, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(values[i]), 10) })
	case *arrow.Decimal128Type:
		return toDecimal(dst, a, func(i int) (decimal, error) {
			return decimal{unscaled: big.NewInt(int64(values[i]))}, nil
		}, false)
	}
	return nil
}

func fromHalves(dst arrow.DataType, a *array.Float16) cast {
	values := a.Values()
	single := make([]float32, len(values))
	for i, v := range values {
		single[i] = float16.Num.Float32(v)
	}
	if dst.ID() == arrow.FLOAT32 {
		return numbers(dst, a, single, func(v float32) float32 { return v })
	}
	return fromFloats(dst, a, single, 32)
}

func fromFloats[S ~float32 | ~float64](dst arrow.DataType, a arrow.Array, values []S, bits int) cast {
	switch dst := dst.(type) {
	case *arrow.Float64Type:
		return numbers(dst, a, values, func(v S) float64 { return widenFloat(float32(v)) })
	case *arrow.StringType:
		return toText(a, func(b []byte, i int) []byte { return appendFloat(b, float64(values[i]), bits) })
	case *arrow.Decimal128Type:
		return toDecimal(dst, a, func(i int) (decimal, error) {
			return parseDecimal(string(appendFloat(nil, float64(values[i]), bits)))
		}, true)
	}
	return nil
}

func fromDays(dst arrow.DataType, a *array.Date32) cast {
	switch dst.(type) {
	case *arrow.Int32Type:
		return relabel(dst, a)
	case *arrow.StringType:
		return toText(a, func(b []byte, i int) []byte { return appendDate(b, a.Value(i)) })
	}
	return nil
}

// fromTimes converts between units, towards the past where the new one is coarser, and keeps
// the number where only the zone is another or the new type is a plain integer.
func fromTimes[S ~int32 | ~int64](dst arrow.DataType, a arrow.Array, values []S) cast {
	from, to := a.DataType(), dst
	if from.ID() == arrow.TIME32 && to.ID() == arrow.INT32 || from.ID() != arrow.TIME32 && to.ID() == arrow.INT64 {
		return relabel(dst, a)
	}
	target, ok := to.(arrow.TemporalWithUnit)
	if !ok || (from.ID() == arrow.TIMESTAMP) != (to.ID() == arrow.TIMESTAMP) {
		return nil
	}
	mul, div := unitRatio(from.(arrow.TemporalWithUnit).TimeUnit(), target.TimeUnit())
	if mul == div && from.ID() == to.ID() {
		return relabel(dst, a)
	}
	return func(p *promoter) (arrow.Array, error) {
		for i, v := range values {
			if mul > 1 && a.IsValid(i) && (int64(v) > math.MaxInt64/mul || int64(v) < math.MinInt64/mul) {
				return nil, fmt.Errorf("row %d: %d of %s does not fit %s", i, v, from, to)
			}
		}
		if to.ID() == arrow.TIME32 {
			return numbers(dst, a, values, func(v S) int32 { return int32(floorDiv(int64(v)*mul, div)) })(p)
		}
		return numbers(dst, a, values, func(v S) int64 { return floorDiv(int64(v)*mul, div) })(p)
	}
}

// unitRatio returns by what to multiply and then divide to change the unit.
func unitRatio(from, to arrow.TimeUnit) (mul, div int64) {
	f, t := int64(from.Multiplier()), int64(to.Multiplier())
	return max(f/t, 1), max(t/f, 1)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// textsOf returns how to read a row of strings or bytes of any Arrow layout, nil for other
// arrays. The strings live as long as the array.
func textsOf(a arrow.Array) func(i int) string {
	switch a := a.(type) {
	case *array.String:
		return a.Value
	case *array.LargeString:
		return a.Value
	case *array.StringView:
		return a.Value
	case *array.Binary:
		return a.ValueString
	case *array.LargeBinary:
		return a.ValueString
	case *array.BinaryView:
		return a.ValueString
	}
	return nil
}

func isString(a arrow.Array) bool {
	switch a.DataType().ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return true
	}
	return false
}

func fromTexts(dst arrow.DataType, a arrow.Array, text func(i int) string) cast {
	switch dst := dst.(type) {
	case *arrow.StringType, *arrow.BinaryType:
		return textToText(dst, a, text)
	case *arrow.Date32Type:
		if isString(a) {
			return toDate(a, text)
		}
	case *arrow.Decimal128Type:
		if isString(a) {
			return toDecimal(dst, a, func(i int) (decimal, error) { return parseDecimal(text(i)) }, false)
		}
	case *arrow.FixedSizeBinaryType:
		if !isString(a) {
			return toFixed(dst, a, text)
		}
	}
	return nil
}

// toFixed takes bytes that all have the size wanted: Spark knows no fixed type and writes such columns as plain bytes.
func toFixed(dst *arrow.FixedSizeBinaryType, a arrow.Array, text func(i int) string) cast {
	return func(p *promoter) (arrow.Array, error) {
		data := p.buffer(a.Len() * dst.ByteWidth)
		out := data.Bytes()
		clear(out)
		for i := range a.Len() {
			if a.IsNull(i) {
				continue
			}
			v := text(i)
			if len(v) != dst.ByteWidth {
				data.Release()
				return nil, fmt.Errorf("row %d: %d bytes, and the column has %d", i, len(v), dst.ByteWidth)
			}
			copy(out[i*dst.ByteWidth:], v)
		}
		return p.fixedWidth(dst, a, data), nil
	}
}

// textToText changes between strings and bytes and between layouts. Bytes that are no UTF-8
// become U+FFFD in strings, as in Java. Buffers are shared where layout and content allow.
func textToText(dst arrow.DataType, a arrow.Array, text func(i int) string) cast {
	id := a.DataType().ID()
	check := dst.ID() == arrow.STRING && !isString(a)
	if (id == arrow.STRING || id == arrow.BINARY) && (!check || allUTF8(a, text)) {
		return relabel(dst, a)
	}
	return func(p *promoter) (arrow.Array, error) {
		b, add := p.texts(dst.ID() == arrow.STRING)
		defer b.Release()
		b.Reserve(a.Len())
		size := 0
		for i := range a.Len() {
			if a.IsNull(i) {
				b.AppendNull()
				continue
			}
			v := text(i)
			if check {
				v = strings.ToValidUTF8(v, "\uFFFD")
			}
			if size += len(v); size > maxOffset {
				return nil, errors.New("more than 2 GiB of text in one batch: read fewer rows at a time")
			}
			add(v)
		}
		return b.NewArray(), nil
	}
}

// texts returns a builder of strings or bytes and how to append to it.
func (p *promoter) texts(str bool) (b array.Builder, add func(string)) {
	if str {
		b := array.NewStringBuilder(p.alloc)
		return b, b.Append
	}
	bin := array.NewBinaryBuilder(p.alloc, arrow.BinaryTypes.Binary)
	return bin, bin.AppendString
}

func allUTF8(a arrow.Array, text func(i int) string) bool {
	for i := range a.Len() {
		if a.IsValid(i) && !utf8.ValidString(text(i)) {
			return false
		}
	}
	return true
}

// toText makes strings; text appends the one of a row.
func toText(a arrow.Array, text func(b []byte, i int) []byte) cast {
	return func(p *promoter) (arrow.Array, error) {
		b := array.NewStringBuilder(p.alloc)
		defer b.Release()
		b.Reserve(a.Len())
		var buf []byte
		for i := range a.Len() {
			if a.IsNull(i) {
				b.AppendNull()
				continue
			}
			buf = text(buf[:0], i)
			b.BinaryBuilder.Append(buf)
		}
		return b.NewArray(), nil
	}
}

func toDate(a arrow.Array, text func(i int) string) cast {
	return func(p *promoter) (arrow.Array, error) {
		b := array.NewDate32Builder(p.alloc)
		defer b.Release()
		b.Reserve(a.Len())
		for i := range a.Len() {
			if a.IsNull(i) {
				b.UnsafeAppendBoolToBitmap(false)
				continue
			}
			day, err := parseDate(text(i))
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", i, err)
			}
			b.UnsafeAppend(day)
		}
		return b.NewArray(), nil
	}
}

// plain resolves a dictionary of strings or bytes.
func (p *promoter) plain(a *array.Dictionary, path string) (arrow.Array, error) {
	text := textsOf(a.Dictionary())
	if text == nil {
		return nil, p.errorf(path, "dictionaries of %s are not read: cast the column to its values' type", a.Dictionary().DataType())
	}
	b, add := p.texts(isString(a.Dictionary()))
	defer b.Release()
	b.Reserve(a.Len())
	for i := range a.Len() {
		if a.IsNull(i) || a.Dictionary().IsNull(a.GetValueIndex(i)) {
			b.AppendNull()
			continue
		}
		add(text(a.GetValueIndex(i)))
	}
	return b.NewArray(), nil
}
