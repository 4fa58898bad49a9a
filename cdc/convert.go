package cdc

import (
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A converter stores JSON values in a builder. The value is never null, and has been scanned:
// it is well formed. Every call adds exactly one entry to the builder, null unless the verdict
// is stored.
type converter interface {
	append(b []byte, v value) verdict
}

type verdict uint8

const (
	stored     verdict = iota
	outOfRange         // the type cannot hold the value: null
	mismatch           // the value does not have the column's form: an error
)

// compile returns the converter of values in the form w to the type of the builder, nil if
// that column cannot take them. opt rules for wireDeclared.
func compile(w *wire, dst array.Builder, opt Wire) converter {
	declared := w.kind == wireDeclared
	is := func(kinds ...wireKind) bool {
		for _, k := range kinds {
			if w.kind == k {
				return true
			}
		}
		return declared
	}
	unit := w.unit
	if declared {
		unit = opt.Time
	}
	switch dst := dst.(type) {
	case *array.BooleanBuilder:
		if is(wireBool) {
			return boolColumn{dst}
		}
	case *array.Int32Builder:
		if is(wireInt32) {
			return int32Column{dst}
		}
	case *array.Int64Builder:
		switch {
		case w.kind == wireTime:
			return microsColumn{dst, unit}
		case is(wireInt32, wireInt64):
			return int64Column{dst}
		}
	case *array.Float32Builder:
		if is(wireFloat32, wireInt32, wireInt64) {
			return &float32Column{b: dst}
		}
	case *array.Float64Builder:
		if is(wireFloat32, wireFloat64, wireInt32, wireInt64) {
			return &float64Column{b: dst}
		}
	case *array.StringBuilder:
		switch {
		case w.kind == wireDecimal:
			return &decimalTextColumn{b: dst, scale: w.scale, form: DecimalPrecise}
		case w.kind == wireVarDecimal:
			return &decimalTextColumn{b: dst, form: DecimalText}
		case w.kind == wireBytes:
			return &bytesAsText{b: dst}
		case w.kind == wireDate:
			return &dateAsText{b: dst}
		case is(wireString, wireBool, wireInt32, wireInt64, wireFloat32, wireFloat64, wireZoned):
			return &stringColumn{b: dst}
		}
	case *array.BinaryBuilder:
		if w.kind == wireString {
			return &textAsBytes{b: dst}
		}
		if is(wireBytes) {
			return &bytesColumn{b: dst, form: opt.binary(declared)}
		}
	case *array.FixedSizeBinaryBuilder:
		if declared {
			return &fixedColumn{b: dst, size: dst.Type().(*arrow.FixedSizeBinaryType).ByteWidth, form: opt.Binary}
		}
	case *array.Decimal128Builder:
		return compileDecimal(w, dst, opt)
	case *array.Date32Builder:
		if is(wireDate) {
			return &dateColumn{b: dst}
		}
	case *array.Time32Builder:
		if is(wireTimeOfDay) && !(w.kind == wireTimeOfDay && unit != TimeMillis) {
			return &time32Column{b: dst, unit: unit.or(TimeMillis)}
		}
	case *array.Time64Builder:
		if is(wireTimeOfDay, wireTime) {
			return &time64Column{b: dst, unit: unit.or(TimeMicros)}
		}
	case *array.TimestampBuilder:
		millis := dst.Type().(*arrow.TimestampType).Unit == arrow.Millisecond
		own := TimeMicros
		if millis {
			own = TimeMillis
		}
		if is(wireTimestamp, wireZoned) && (declared || !millis || unit == TimeMillis) {
			return &instantColumn{b: dst, unit: unit.or(own), millis: millis}
		}
	case *array.ListBuilder, *array.MapBuilder, *array.StructBuilder:
		return compileNested(w, dst, opt)
	}
	return nil
}

// binary is the form of bytes: that of schemas is always base64.
func (w Wire) binary(declared bool) BinaryForm {
	if declared {
		return w.Binary
	}
	return BinaryBase64
}

// or is the unit, or the given one if it is that of the declared type.
func (u TimeUnit) or(declared TimeUnit) TimeUnit {
	if u == TimeDeclared {
		return declared
	}
	return u
}

type boolColumn struct{ b *array.BooleanBuilder }

func (c boolColumn) append(b []byte, v value) verdict {
	switch b[v.start] {
	case 't':
		c.b.Append(true)
	case 'f':
		c.b.Append(false)
	default:
		c.b.AppendNull()
		return mismatch
	}
	return stored
}

type int32Column struct{ b *array.Int32Builder }

func (c int32Column) append(b []byte, v value) verdict {
	n, ok := parseInt(b[v.start:v.end])
	if !ok || n != int64(int32(n)) {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(int32(n))
	return stored
}

type int64Column struct{ b *array.Int64Builder }

func (c int64Column) append(b []byte, v value) verdict {
	n, ok := parseInt(b[v.start:v.end])
	if !ok {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(n)
	return stored
}

// parseFloat reads a number, or the names that JSON has no number for. ok is false for other
// text, and infinite results of finite numbers are out of range.
func parseFloat(b []byte, v value, bits int) (float64, verdict) {
	text := b[v.start:v.end]
	if text[0] == '"' {
		switch string(text) {
		case `"NaN"`, `"Infinity"`, `"-Infinity"`:
			text = text[1 : len(text)-1]
		default:
			return 0, mismatch
		}
	} else if text[0] != '-' && text[0]-'0' > 9 {
		return 0, mismatch
	}
	if f, ok := shortFloat(text); ok && bits == 64 {
		return f, stored
	}
	f, err := strconv.ParseFloat(unsafe.String(&text[0], len(text)), bits)
	if err != nil {
		return 0, outOfRange
	}
	return f, stored
}

// shortFloat reads numbers of at most 15 digits, or 16 without a point, that have no exponent.
// Their digits and the power of ten are exact, so that one conversion or division rounds right.
func shortFloat(s []byte) (f float64, ok bool) {
	i := 0
	if s[0] == '-' {
		i = 1
	}
	if len(s)-i > 16 {
		return 0, false
	}
	var m uint64
	point := len(s) - 1
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c-'0' < 10:
			m = m*10 + uint64(c-'0')
		case c == '.':
			point = i
		default:
			return 0, false
		}
	}
	f = float64(m) / powersOfTen[len(s)-1-point]
	if s[0] == '-' {
		f = -f
	}
	return f, true
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

type float32Column struct{ b *array.Float32Builder }

func (c *float32Column) append(b []byte, v value) verdict {
	f, verdict := parseFloat(b, v, 32)
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(float32(f))
	return stored
}

type float64Column struct{ b *array.Float64Builder }

func (c *float64Column) append(b []byte, v value) verdict {
	f, verdict := parseFloat(b, v, 64)
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(f)
	return stored
}

// stringColumn keeps strings, and the JSON text of anything else.
type stringColumn struct {
	b   *array.StringBuilder
	buf []byte
}

func (c *stringColumn) append(b []byte, v value) verdict {
	text, ok := b[v.start:v.end], true
	if text[0] == '"' {
		text, ok = unquote(b, v, &c.buf)
	}
	if !ok {
		c.b.AppendNull()
		return mismatch
	}
	c.b.BinaryBuilder.Append(text)
	return stored
}

type bytesColumn struct {
	b         *array.BinaryBuilder
	form      BinaryForm
	text, buf []byte
}

func (c *bytesColumn) append(b []byte, v value) verdict {
	data, ok := readBinary(b, v, c.form, &c.text, &c.buf)
	if !ok {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(data)
	return stored
}

type fixedColumn struct {
	b         *array.FixedSizeBinaryBuilder
	size      int
	form      BinaryForm
	text, buf []byte
}

func (c *fixedColumn) append(b []byte, v value) verdict {
	data, ok := readBinary(b, v, c.form, &c.text, &c.buf)
	if !ok || len(data) != c.size {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(data)
	return stored
}

func readBinary(b []byte, v value, form BinaryForm, text, buf *[]byte) ([]byte, bool) {
	if !v.isString(b) {
		return nil, false
	}
	t, ok := unquote(b, v, text)
	if !ok {
		return nil, false
	}
	return decodeBinary(t, form, buf)
}

// textAsBytes stores strings in a column of bytes.
type textAsBytes struct {
	b   *array.BinaryBuilder
	buf []byte
}

func (c *textAsBytes) append(b []byte, v value) verdict {
	text, ok := unquote(b, v, &c.buf)
	if !ok {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(text)
	return stored
}

// bytesAsText stores bytes that are UTF-8 in a column of strings.
type bytesAsText struct {
	b         *array.StringBuilder
	text, buf []byte
}

func (c *bytesAsText) append(b []byte, v value) verdict {
	data, ok := readBinary(b, v, BinaryBase64, &c.text, &c.buf)
	if !ok || !utf8.Valid(data) {
		c.b.AppendNull()
		return mismatch
	}
	c.b.BinaryBuilder.Append(data)
	return stored
}

// dateAsText stores dates in a column of strings.
type dateAsText struct {
	b    *array.StringBuilder
	date dateColumn
}

func (c *dateAsText) append(b []byte, v value) verdict {
	days, verdict := c.date.read(b, v)
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(time.Unix(days*86_400, 0).UTC().Format(time.DateOnly))
	return stored
}
