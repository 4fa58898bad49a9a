package expr

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// number is a decimal number as written: ±mantissa × 10^exp, without rounding.
type number struct {
	neg   bool
	small uint64   // the mantissa, when large is nil
	large *big.Int // a mantissa that does not fit 64 bits
	exp   int
}

// The bounds of what parseNumber reads. Nothing beyond the exponent fits any column type, and
// longer digits would only cost time.
const (
	maxExponent = 1_000_000
	maxDigits   = 4096
)

var powersOfTen = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// parseNumber reads [sign]digits[.digits][e[sign]digits]. ok is false for anything else, and
// for more than maxDigits digits.
func parseNumber(s string) (n number, ok bool) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		n.neg = s[i] == '-'
		i++
	}
	start, digits, fraction, point := i, 0, 0, false
	fits := true
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		digits++
		if point {
			fraction++
		}
		if fits {
			hi, lo := bits.Mul64(n.small, 10)
			sum, carry := bits.Add64(lo, uint64(c-'0'), 0)
			if fits = hi == 0 && carry == 0; fits {
				n.small = sum
			}
		}
	}
	if digits == 0 || digits > maxDigits {
		return n, false
	}
	if !fits {
		n.large = largeMantissa(s[start:i], digits)
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if n.exp, ok = parseExponent(s[i+1:]); !ok {
			return n, false
		}
		i = len(s)
	}
	n.exp -= fraction
	return n, i == len(s)
}

func largeMantissa(s string, digits int) *big.Int {
	text := make([]byte, 0, digits)
	for i := range len(s) {
		if s[i] != '.' {
			text = append(text, s[i])
		}
	}
	m, _ := new(big.Int).SetString(string(text), 10)
	return m
}

func parseExponent(s string) (int, bool) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	e := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		e = min(e*10+int(s[i]-'0'), maxExponent)
	}
	if neg {
		e = -e
	}
	return e, s != ""
}

// scaled brings n to an integer of 10^-scale units within [lo, hi]. The result is the
// nearest such integer towards zero, or the limit that n is beyond; side is the sign of
// n - result, so that no other representable value lies between the two.
func (n number) scaled(scale int, lo, hi decimal128.Num) (result decimal128.Num, side int) {
	away := 1
	if n.neg {
		away = -1
	}
	shift := n.exp + scale
	if n.large == nil && shift > -len(powersOfTen) && shift < len(powersOfTen) {
		var rest uint64
		var overflow, quotient uint64
		if shift >= 0 {
			overflow, quotient = bits.Mul64(n.small, powersOfTen[shift])
		} else {
			quotient, rest = n.small/powersOfTen[-shift], n.small%powersOfTen[-shift]
		}
		if overflow == 0 {
			result = decimal128.New(0, quotient)
			if n.neg {
				result = result.Negate()
			}
			if rest != 0 {
				side = away
			}
			return clamp(result, side, lo, hi)
		}
	}
	return n.scaledLarge(shift, away, lo, hi)
}

// scaledLarge is scaled for mantissas and shifts beyond 64 bits.
func (n number) scaledLarge(shift, away int, lo, hi decimal128.Num) (decimal128.Num, int) {
	m := n.large
	if m == nil {
		m = new(big.Int).SetUint64(n.small)
	}
	if m.Sign() == 0 {
		return clamp(decimal128.Num{}, 0, lo, hi)
	}
	// The mantissa has digits ≈ bits·log10(2). Beyond these bounds the answer needs no arithmetic.
	digits := int(float64(m.BitLen())*math.Log10(2)) + 1
	side := 0
	switch {
	case shift+digits < -1:
		return clamp(decimal128.Num{}, away, lo, hi)
	case shift+digits > decimalDigits+2:
		return limit(away, lo, hi)
	case shift >= 0:
		m = new(big.Int).Mul(m, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil))
	default:
		rest := new(big.Int)
		m, rest = new(big.Int).QuoRem(m, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-shift)), nil), rest)
		side = away * rest.Sign()
	}
	if m.BitLen() > 127 {
		return limit(away, lo, hi)
	}
	result := decimal128.FromBigInt(m)
	if n.neg {
		result = result.Negate()
	}
	return clamp(result, side, lo, hi)
}

func limit(away int, lo, hi decimal128.Num) (decimal128.Num, int) {
	if away < 0 {
		return lo, -1
	}
	return hi, 1
}

func clamp(v decimal128.Num, side int, lo, hi decimal128.Num) (decimal128.Num, int) {
	switch {
	case v.Less(lo):
		return lo, -1
	case v.Greater(hi):
		return hi, 1
	}
	return v, side
}

// decimalDigits is the widest precision of a decimal128.
const decimalDigits = 38
