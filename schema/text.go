package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

const millisPerDay = 24 * 60 * 60 * 1000

// appendFloat appends the number as Java prints it: at least one digit after the point, and
// an exponent outside 10^-3 to 10^7.
func appendFloat(b []byte, v float64, bits int) []byte {
	switch abs := math.Abs(v); {
	case math.IsNaN(v):
		return append(b, "NaN"...)
	case math.IsInf(v, 1):
		return append(b, "Infinity"...)
	case math.IsInf(v, -1):
		return append(b, "-Infinity"...)
	case abs == 0 || 1e-3 <= abs && abs < 1e7:
		start := len(b)
		b = strconv.AppendFloat(b, v, 'f', -1, bits)
		if !strings.Contains(string(b[start:]), ".") {
			b = append(b, ".0"...)
		}
		return b
	}
	text := strconv.FormatFloat(v, 'e', -1, bits)
	mantissa, exponent, _ := strings.Cut(text, "e")
	if !strings.Contains(mantissa, ".") {
		// Java takes the nearest of two digits where one would do: 4.9E-324, not 5.0E-324.
		mantissa, exponent, _ = strings.Cut(strconv.FormatFloat(v, 'e', 1, bits), "e")
	}
	b = append(b, mantissa...)
	b = append(b, 'E')
	if strings.HasPrefix(exponent, "-") {
		b = append(b, '-')
	}
	return append(b, strings.TrimLeft(exponent, "+-0")...)
}

// widenFloat converts by way of the decimal text, as Hudi does: 1.1f becomes 1.1.
func widenFloat(v float32) float64 {
	var buf [32]byte
	d, err := strconv.ParseFloat(string(appendFloat(buf[:0], float64(v), 32)), 64)
	if err != nil {
		return float64(v)
	}
	return d
}

// appendDate appends yyyy-mm-dd.
func appendDate(b []byte, day arrow.Date32) []byte {
	return day.ToTime().AppendFormat(b, time.DateOnly)
}

// parseDate reads yyyy-mm-dd, with or without leading zeros of month and day.
func parseDate(s string) (arrow.Date32, error) {
	t, err := time.Parse("2006-1-2", strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("%q is no date yyyy-mm-dd", s)
	}
	return arrow.Date32FromTime(t), nil
}
