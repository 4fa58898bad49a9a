package cdc

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// compileDecimal is compile for decimal columns. A wider column takes a narrower decimal.
func compileDecimal(w *wire, dst *array.Decimal128Builder, opt Wire) converter {
	t := dst.Type().(*arrow.Decimal128Type)
	c := &decimalColumn{b: dst, prec: t.Precision, scale: t.Scale, from: t.Scale}
	switch w.kind {
	case wireDeclared:
		c.form = opt.Decimal
	case wireVarDecimal:
	case wireUnsigned:
		if t.Precision < unsignedType.Precision || t.Scale != 0 {
			return nil
		}
		return unsignedColumn{dst}
	case wireInt32, wireInt64:
		if t.Precision-t.Scale < wholeDigits(w.kind) {
			return nil
		}
	case wireDecimal:
		if w.scale > int(t.Scale) || w.prec-w.scale > int(t.Precision-t.Scale) {
			return nil
		}
		c.from = int32(w.scale)
	default:
		return nil
	}
	return c
}

// wholeDigits is the number of digits that integers may have.
func wholeDigits(k wireKind) int32 {
	if k == wireInt32 {
		return 10
	}
	return 19
}

// decimalColumn takes base64 of an unscaled value, decimal text, numbers, and
// VariableScaleDecimal objects. Digits that the column has no place for put the value out of range.
type decimalColumn struct {
	b           *array.Decimal128Builder
	prec, scale int32
	from        int32 // scale of base64 values
	form        DecimalForm
	dec         decimalReader
}

func (c *decimalColumn) append(b []byte, v value) verdict {
	n, verdict := c.read(b, v)
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(n)
	return stored
}

func (c *decimalColumn) read(b []byte, v value) (decimal128.Num, verdict) {
	text := b[v.start:v.end]
	switch text[0] {
	case '{':
		unscaled, scale, ok := c.dec.variable(b, v)
		if !ok {
			return decimal128.Num{}, mismatch
		}
		return c.rescale(unscaled, scale)
	case '"':
		if c.form == DecimalPrecise {
			unscaled, ok := c.dec.binary(b, v)
			if !ok {
				return decimal128.Num{}, mismatch
			}
			return c.rescale(unscaled, int64(c.from))
		}
		text, _ = unquote(b, v, &c.dec.text)
	}
	return parseDecimal(text, c.prec, c.scale)
}

// rescale makes the column's value of big-endian two's complement bytes.
func (c *decimalColumn) rescale(unscaled []byte, scale int64) (decimal128.Num, verdict) {
	if n, ok := num128(unscaled); ok && scale == int64(c.scale) {
		if !n.FitsInPrecision(c.prec) {
			return n, outOfRange
		}
		return n, stored
	}
	if len(unscaled) > maxDecimalBytes {
		return decimal128.Num{}, outOfRange
	}
	return shiftDecimal(signed(unscaled), -scale, c.prec, c.scale)
}

// unsignedColumn takes the 64 bits of unsigned integers, which come as those of signed ones.
type unsignedColumn struct{ b *array.Decimal128Builder }

func (c unsignedColumn) append(b []byte, v value) verdict {
	n, ok := parseInt(b[v.start:v.end])
	if !ok {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(decimal128.New(0, uint64(n)))
	return stored
}

const (
	maxDecimalDigits = 100  // of text that may still fit a column after shifting
	maxDecimalBytes  = 64   // likewise
	maxDecimalShift  = 1000 // places; beyond, only zero fits
)

// num128 reads big-endian two's complement of at most 16 bytes.
func num128(b []byte) (decimal128.Num, bool) {
	if len(b) == 0 || len(b) > 16 {
		return decimal128.Num{}, false
	}
	var full [16]byte
	if b[0] >= 0x80 {
		for i := range full[:16-len(b)] {
			full[i] = 0xFF
		}
	}
	copy(full[16-len(b):], b)
	return decimal128.New(int64(binary.BigEndian.Uint64(full[:8])), binary.BigEndian.Uint64(full[8:])), true
}

// signed reads big-endian two's complement of any length.
func signed(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}

// parseDecimal reads decimal text, with or without an exponent.
func parseDecimal(text []byte, prec, scale int32) (decimal128.Num, verdict) {
	s := text
	negative := len(s) > 0 && s[0] == '-'
	if negative || len(s) > 0 && s[0] == '+' {
		s = s[1:]
	}
	var (
		u     uint64
		n     int // digits
		point = -1
		i     int
	)
	for ; i < len(s); i++ {
		if c := s[i]; c-'0' < 10 {
			u = u*10 + uint64(c-'0')
			n++
		} else if c == '.' && point < 0 {
			point = n
		} else {
			break
		}
	}
	frac := 0
	if point >= 0 {
		frac = n - point
	}
	switch {
	case n == 0:
		if isNotNumber(s) {
			return decimal128.Num{}, outOfRange
		}
		return decimal128.Num{}, mismatch
	case i == len(s) && frac <= int(scale) && n+int(scale)-frac <= 18:
		for range int(scale) - frac {
			u *= 10
		}
		v := int64(u)
		if negative {
			v = -v
		}
		d := decimal128.FromI64(v)
		if !d.FitsInPrecision(prec) {
			return d, outOfRange
		}
		return d, stored
	}
	exp := 0
	if i < len(s) {
		if s[i]|0x20 != 'e' {
			return decimal128.Num{}, mismatch
		}
		var err error
		if exp, err = strconv.Atoi(string(s[i+1:])); err != nil {
			return decimal128.Num{}, mismatch
		}
	}
	if n > maxDecimalDigits {
		return decimal128.Num{}, outOfRange
	}
	unscaled, ok := new(big.Int).SetString(string(bytes.Replace(s[:i], []byte("."), nil, 1)), 10)
	if !ok {
		return decimal128.Num{}, mismatch
	}
	if negative {
		unscaled.Neg(unscaled)
	}
	return shiftDecimal(unscaled, int64(exp)-int64(frac), prec, scale)
}

func isNotNumber(s []byte) bool { return string(s) == "NaN" || string(s) == "Infinity" }

// shiftDecimal makes a decimal of unscaled × 10^exp if it has it exactly.
func shiftDecimal(unscaled *big.Int, exp int64, prec, scale int32) (decimal128.Num, verdict) {
	if unscaled.Sign() == 0 {
		return decimal128.Num{}, stored
	}
	shift := exp + int64(scale)
	if shift > maxDecimalShift || shift < -maxDecimalShift {
		return decimal128.Num{}, outOfRange
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(shift, -shift)), nil)
	if shift >= 0 {
		unscaled.Mul(unscaled, power)
	} else if _, rest := unscaled.QuoRem(unscaled, power, power); rest.Sign() != 0 {
		return decimal128.Num{}, outOfRange
	}
	if unscaled.BitLen() > 127 {
		return decimal128.Num{}, outOfRange
	}
	d := decimal128.FromBigInt(unscaled)
	if !d.FitsInPrecision(prec) {
		return d, outOfRange
	}
	return d, stored
}

// decimalReader reads the binary forms of decimals. What it returns is valid until the next call.
type decimalReader struct {
	text, buf []byte
	shape     *shape
	vals      [2]value
}

// binary reads base64 of an unscaled value.
func (r *decimalReader) binary(b []byte, v value) ([]byte, bool) {
	data, ok := readBinary(b, v, BinaryBase64, &r.text, &r.buf)
	return data, ok && len(data) > 0
}

// variable reads an object {"scale": 2, "value": "base64"}.
func (r *decimalReader) variable(b []byte, v value) (unscaled []byte, scale int64, ok bool) {
	if r.shape == nil {
		r.shape = newShape("scale", "value")
	}
	if r.shape.read(b, v.start, 0, r.vals[:]) < 0 {
		return nil, 0, false
	}
	scale, ok = parseInt(b[r.vals[0].start:r.vals[0].end])
	if !ok {
		return nil, 0, false
	}
	unscaled, ok = r.binary(b, r.vals[1])
	return unscaled, scale, ok
}

// decimalTextColumn stores decimals as plain text: those without a fixed scale, and those of
// more digits than a decimal column has.
type decimalTextColumn struct {
	b     *array.StringBuilder
	scale int
	form  DecimalForm
	dec   decimalReader
	out   []byte
}

func (c *decimalTextColumn) append(b []byte, v value) verdict {
	unscaled, scale, ok := []byte(nil), int64(c.scale), false
	switch {
	case b[v.start] == '{':
		unscaled, scale, ok = c.dec.variable(b, v)
	case c.form == DecimalPrecise:
		unscaled, ok = c.dec.binary(b, v)
	case v.isString(b):
		var text []byte
		if text, ok = unquote(b, v, &c.dec.text); ok {
			c.b.BinaryBuilder.Append(text)
			return stored
		}
	default:
		c.b.BinaryBuilder.Append(b[v.start:v.end])
		return stored
	}
	if !ok {
		c.b.AppendNull()
		return mismatch
	}
	if scale > maxTextScale || scale < -maxTextScale {
		c.b.AppendNull()
		return outOfRange
	}
	c.out = appendDecimal(c.out[:0], unscaled, int(scale))
	c.b.BinaryBuilder.Append(c.out)
	return stored
}

// maxTextScale is the greatest scale that PostgreSQL's numeric has.
const maxTextScale = 16383

// appendDecimal writes unscaled × 10^-scale without an exponent.
func appendDecimal(dst, unscaled []byte, scale int) []byte {
	n := signed(unscaled)
	if n.Sign() < 0 {
		dst = append(dst, '-')
		n.Neg(n)
	}
	if scale <= 0 {
		dst = n.Append(dst, 10)
		if n.Sign() != 0 {
			dst = append(dst, bytes.Repeat([]byte("0"), -scale)...)
		}
		return dst
	}
	text := n.Append(nil, 10)
	if len(text) <= scale {
		text = append(bytes.Repeat([]byte("0"), scale+1-len(text)), text...)
	}
	dst = append(dst, text[:len(text)-scale]...)
	dst = append(dst, '.')
	return append(dst, text[len(text)-scale:]...)
}
