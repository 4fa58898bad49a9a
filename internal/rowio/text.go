package rowio

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

const (
	secondsPerDay   = 24 * 60 * 60
	microsPerSecond = 1_000_000
	millisPerSecond = 1_000
)

// appendFloat writes the shortest number that reads back to v at its own width, 32 or 64
// bits, in the form of JavaScript; NaN and the infinities by their names.
func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	// Beyond these bounds an exponent is shorter to read.
	const small, large = 1e-6, 1e21
	abs := math.Abs(v)
	if abs == 0 || abs >= small && abs < large {
		return strconv.AppendFloat(dst, v, 'f', -1, bits)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, bits)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' { // e-09 is e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendDecimal writes unscaled × 10^-scale with all digits of the scale.
func appendDecimal(dst []byte, unscaled decimal128.Num, scale int) []byte {
	if unscaled.Sign() < 0 {
		dst = append(dst, '-')
		unscaled = unscaled.Negate()
	}
	start := len(dst)
	if unscaled.HighBits() == 0 {
		dst = strconv.AppendUint(dst, unscaled.LowBits(), 10)
	} else {
		dst = unscaled.BigInt().Append(dst, 10)
	}
	if scale == 0 {
		return dst
	}
	// At least one digit stands before the point.
	for missing := scale + 1 - (len(dst) - start); missing > 0; missing-- {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	point := len(dst) - scale
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// appendDate writes days since 1970-01-01 as 2026-01-31. Years beyond 0000 to 9999 get a sign.
func appendDate(dst []byte, days int64) []byte {
	year, month, day := civil(days)
	switch {
	case year < 0:
		dst = append(dst, '-')
		year = -year
	case year > 9999:
		dst = append(dst, '+')
	}
	dst = appendPadded(dst, year, 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, month, 2)
	dst = append(dst, '-')
	return appendPadded(dst, day, 2)
}

// appendTimestamp writes 2026-01-31T10:20:30.123456 of a count of units since 1970.
func appendTimestamp(dst []byte, v, unitsPerSecond int64) []byte {
	perDay := secondsPerDay * unitsPerSecond
	days, rest := v/perDay, v%perDay
	if rest < 0 {
		days, rest = days-1, rest+perDay
	}
	dst = appendDate(dst, days)
	dst = append(dst, 'T')
	return appendClock(dst, rest, unitsPerSecond)
}

// appendClock writes 10:20:30.123456 of a count of units since midnight.
func appendClock(dst []byte, v, unitsPerSecond int64) []byte {
	if v < 0 { // no time of day, but it must not look like another one
		dst = append(dst, '-')
		v = -v
	}
	seconds, micros := v/unitsPerSecond, v%unitsPerSecond*(microsPerSecond/unitsPerSecond)
	dst = appendPadded(dst, seconds/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds%60, 2)
	dst = append(dst, '.')
	return appendPadded(dst, micros, 6)
}

// appendPadded writes v ≥ 0 with at least width digits, which are at most 6.
func appendPadded(dst []byte, v int64, width int) []byte {
	var digits [6]byte
	rest := v
	for i := width - 1; i >= 0; i-- {
		digits[i] = '0' + byte(rest%10)
		rest /= 10
	}
	if rest > 0 {
		return strconv.AppendInt(dst, v, 10)
	}
	return append(dst, digits[:width]...)
}

// civil turns days since 1970-01-01 into a date of the proleptic Gregorian calendar.
func civil(days int64) (year, month, day int64) {
	const (
		daysPerEra = 146_097 // 400 years
		epochShift = 719_468 // from 0000-03-01, so that a leap day ends a year
	)
	days += epochShift
	era := days / daysPerEra
	if days < 0 {
		era = (days - daysPerEra + 1) / daysPerEra
	}
	d := days - era*daysPerEra
	y := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153
	day = d - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
		y++
	}
	return y + era*400, month, day
}

// appendUUID writes 16 bytes in the canonical form, 00112233-4455-6677-8899-aabbccddeeff.
func appendUUID(dst, id []byte) []byte {
	for i, b := range id {
		switch i {
		case 4, 6, 8, 10:
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
