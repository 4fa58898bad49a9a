package schema

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// maxExponent bounds the exponents of decimals in texts; no double has a greater one.
const maxExponent = 400

// decimal is unscaled × 10^-scale; scale may be negative.
type decimal struct {
	unscaled *big.Int
	scale    int
}

// parseDecimal reads a number as Java's BigDecimal does: digits with at most one point and an
// exponent.
func parseDecimal(s string) (decimal, error) {
	invalid := fmt.Errorf("%.40q is no decimal number", s)
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > maxExponent || e < -maxExponent {
			return decimal{}, invalid
		}
		mantissa, exponent = s[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole, "+-") + fraction
	if digits == "" || len(digits) > maxExponent || strings.Trim(digits, "0123456789") != "" ||
		len(whole)-len(strings.TrimLeft(whole, "+-")) > 1 {
		return decimal{}, invalid
	}
	n, _ := new(big.Int).SetString(digits, 10)
	if strings.HasPrefix(whole, "-") {
		n.Neg(n)
	}
	return decimal{unscaled: n, scale: len(fraction) - exponent}, nil
}

// rescale returns the unscaled value at another scale. Digits that are lost are rounded half
// away from zero if round is set; otherwise ok is false.
func (d decimal) rescale(scale int, round bool) (n *big.Int, ok bool) {
	ten := big.NewInt(10)
	if scale >= d.scale {
		factor := new(big.Int).Exp(ten, big.NewInt(int64(scale-d.scale)), nil)
		return factor.Mul(factor, d.unscaled), true
	}
	factor := new(big.Int).Exp(ten, big.NewInt(int64(d.scale-scale)), nil)
	q, r := new(big.Int).QuoRem(d.unscaled, factor, new(big.Int))
	if r.Sign() == 0 {
		return q, true
	}
	if round && r.Abs(r).Lsh(r, 1).Cmp(factor) >= 0 {
		q.Add(q, big.NewInt(int64(d.unscaled.Sign())))
	}
	return q, round
}

// toDecimal makes decimals; value returns the one of a row.
func toDecimal(dst *arrow.Decimal128Type, a arrow.Array, value func(i int) (decimal, error), round bool) cast {
	return func(p *promoter) (arrow.Array, error) {
		b := array.NewDecimal128Builder(p.alloc, dst)
		defer b.Release()
		b.Reserve(a.Len())
		for i := range a.Len() {
			if a.IsNull(i) {
				b.UnsafeAppendBoolToBitmap(false)
				continue
			}
			d, err := value(i)
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", i, err)
			}
			n, ok := d.rescale(int(dst.Scale), round)
			if !ok || !fitsDigits(n, int(dst.Precision)) {
				return nil, fmt.Errorf("row %d: %s does not fit %s", i, a.ValueStr(i), dst)
			}
			b.UnsafeAppend(decimal128.FromBigInt(n))
		}
		return b.NewArray(), nil
	}
}

func fitsDigits(n *big.Int, precision int) bool {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	return n.CmpAbs(limit) < 0
}

// fromDecimals converts decimals of any width.
func fromDecimals(dst arrow.DataType, a arrow.Array) cast {
	src, ok := a.DataType().(arrow.DecimalType)
	if !ok {
		return nil
	}
	unscaled := func(i int) *big.Int {
		switch a := a.(type) {
		case *array.Decimal32:
			return big.NewInt(int64(a.Value(i)))
		case *array.Decimal64:
			return big.NewInt(int64(a.Value(i)))
		case *array.Decimal256:
			return a.Value(i).BigInt()
		}
		return a.(*array.Decimal128).Value(i).BigInt()
	}
	scale := src.GetScale()
	switch dst := dst.(type) {
	case *arrow.Decimal128Type:
		if a.DataType().ID() == arrow.DECIMAL128 && dst.Scale == scale && dst.Precision >= src.GetPrecision() {
			return relabel(dst, a)
		}
		return toDecimal(dst, a, func(i int) (decimal, error) {
			return decimal{unscaled: unscaled(i), scale: int(scale)}, nil
		}, false)
	case *arrow.StringType:
		return toText(a, func(b []byte, i int) []byte { return appendDecimal(b, unscaled(i), int(scale)) })
	}
	return nil
}

// appendDecimal appends the number with all digits of its scale.
func appendDecimal(b []byte, n *big.Int, scale int) []byte {
	if n.Sign() < 0 {
		b = append(b, '-')
	}
	digits := new(big.Int).Abs(n).String()
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	b = append(b, digits[:len(digits)-scale]...)
	if scale > 0 {
		b = append(b, '.')
		b = append(b, digits[len(digits)-scale:]...)
	}
	return b
}
