package cdc

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// The range of dates and timestamps that tables keep: years 1 to 9999.
const (
	minDays, maxDays = -719162, 2932896
	microsPerSecond  = 1_000_000
	microsPerDay     = 86_400 * microsPerSecond
	minMicros        = minDays * microsPerDay
	maxMicros        = (maxDays+1)*microsPerDay - 1
)

// dateColumn takes days since 1970 and ISO dates.
type dateColumn struct {
	b   *array.Date32Builder
	buf []byte
}

func (c *dateColumn) append(b []byte, v value) verdict {
	days, verdict := c.read(b, v)
	if verdict == stored && (days < minDays || days > maxDays) {
		verdict = outOfRange
	}
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(arrow.Date32(days))
	return stored
}

func (c *dateColumn) read(b []byte, v value) (int64, verdict) {
	if !v.isString(b) {
		days, ok := parseInt(b[v.start:v.end])
		return days, verdictOf(ok)
	}
	text, ok := unquote(b, v, &c.buf)
	if !ok {
		return 0, mismatch
	}
	if isInfinity(text) {
		return 0, outOfRange
	}
	days, rest, ok := parseDate(text)
	if ok {
		_, rest, ok = parseZone(rest)
	}
	return days, verdictOf(ok && len(rest) == 0)
}

// instantColumn takes numbers in a unit and ISO timestamps; text without a zone is UTC.
type instantColumn struct {
	b      *array.TimestampBuilder
	unit   TimeUnit
	millis bool // of the column; else microseconds
	buf    []byte
}

func (c *instantColumn) append(b []byte, v value) verdict {
	micros, verdict := c.read(b, v)
	if verdict == stored && (micros < minMicros || micros > maxMicros) {
		verdict = outOfRange
	}
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	if c.millis {
		micros = floorDiv(micros, 1000)
	}
	c.b.Append(arrow.Timestamp(micros))
	return stored
}

func (c *instantColumn) read(b []byte, v value) (int64, verdict) {
	if !v.isString(b) {
		return readNumber(b, v, c.unit)
	}
	text, ok := unquote(b, v, &c.buf)
	if !ok {
		return 0, mismatch
	}
	if isInfinity(text) {
		return 0, outOfRange
	}
	return parseInstant(text)
}

// microsColumn stores times of day and beyond as microseconds.
type microsColumn struct {
	b    *array.Int64Builder
	unit TimeUnit
}

func (c microsColumn) append(b []byte, v value) verdict {
	micros, verdict := readNumber(b, v, c.unit)
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(micros)
	return stored
}

type time32Column struct {
	b    *array.Time32Builder
	unit TimeUnit
	buf  []byte
}

func (c *time32Column) append(b []byte, v value) verdict {
	micros, verdict := readTime(b, v, c.unit, &c.buf)
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(arrow.Time32(micros / 1000))
	return stored
}

type time64Column struct {
	b    *array.Time64Builder
	unit TimeUnit
	buf  []byte
}

func (c *time64Column) append(b []byte, v value) verdict {
	micros, verdict := readTime(b, v, c.unit, &c.buf)
	if verdict != stored {
		c.b.AppendNull()
		return verdict
	}
	c.b.Append(arrow.Time64(micros))
	return stored
}

// readTime reads a time of day, as a number in a unit or ISO text, in microseconds.
func readTime(b []byte, v value, unit TimeUnit, buf *[]byte) (micros int64, verdict verdict) {
	if v.isString(b) {
		text, ok := unquote(b, v, buf)
		if !ok {
			return 0, mismatch
		}
		micros, rest, ok := parseTime(text)
		if ok {
			_, rest, ok = parseZone(rest)
		}
		if !ok || len(rest) != 0 {
			return 0, mismatch
		}
		return micros, inDay(micros)
	}
	if micros, verdict = readNumber(b, v, unit); verdict == stored {
		verdict = inDay(micros)
	}
	return micros, verdict
}

func inDay(micros int64) verdict {
	if micros < 0 || micros >= microsPerDay {
		return outOfRange
	}
	return stored
}

func readNumber(b []byte, v value, unit TimeUnit) (int64, verdict) {
	n, ok := parseInt(b[v.start:v.end])
	if !ok {
		return 0, mismatch
	}
	micros, ok := unit.toMicros(n)
	if !ok {
		return 0, outOfRange
	}
	return micros, stored
}

func verdictOf(ok bool) verdict {
	if ok {
		return stored
	}
	return mismatch
}

func isInfinity(s []byte) bool { return string(s) == "infinity" || string(s) == "-infinity" }

// parseInstant reads "2024-02-29T12:34:56.123456Z": a date, T or a space, a time, and
// optionally a zone. The result is in microseconds since 1970.
func parseInstant(s []byte) (int64, verdict) {
	days, rest, ok := parseDate(s)
	if !ok || len(rest) == 0 || rest[0] != 'T' && rest[0] != ' ' {
		return 0, mismatch
	}
	micros, rest, ok := parseTime(rest[1:])
	if !ok {
		return 0, mismatch
	}
	zone, rest, ok := parseZone(rest)
	if !ok || len(rest) != 0 {
		return 0, mismatch
	}
	if days < minDays-1 || days > maxDays+1 {
		return 0, outOfRange
	}
	return days*microsPerDay + micros - zone, stored
}

// parseDate reads a year of four digits, or of up to nine after a sign, month and day, and
// returns the days since 1970 and what follows.
func parseDate(s []byte) (days int64, rest []byte, ok bool) {
	negative := len(s) > 0 && s[0] == '-'
	signed := negative || len(s) > 0 && s[0] == '+'
	if signed {
		s = s[1:]
	}
	n := digits(s, 0)
	if n < 4 || n > 9 || n > 4 && !signed || len(s) < n+6 || s[n] != '-' || s[n+3] != '-' {
		return 0, nil, false
	}
	y, ok := parseInt(s[:n])
	m, okM := twoDigits(s[n+1:])
	d, okD := twoDigits(s[n+4:])
	if !ok || !okM || !okD || m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, nil, false
	}
	if negative {
		y = -y
	}
	if d > daysIn(y, m) {
		return 0, nil, false
	}
	return civilDays(y, m, d), s[n+6:], true
}

func daysIn(y, m int64) int64 {
	switch {
	case m == 2 && (y%4 != 0 || y%100 == 0 && y%400 != 0):
		return 28
	case m == 2:
		return 29
	case m == 4 || m == 6 || m == 9 || m == 11:
		return 30
	}
	return 31
}

// civilDays counts the days from 1970-01-01 in the proleptic Gregorian calendar. Years begin
// in March, so that the leap day is their last.
func civilDays(y, m, d int64) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := floorDiv(y, 400)
	yearOfEra := y - era*400
	dayOfYear := (153*(m-3)+2)/5 + d - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

// parseTime reads hours, minutes, and optionally seconds with a fraction, which is cut to
// microseconds, and returns what follows. 24:00:00 is a time.
func parseTime(s []byte) (micros int64, rest []byte, ok bool) {
	h, okH := twoDigits(s)
	if !okH || len(s) < 5 || s[2] != ':' {
		return 0, nil, false
	}
	m, okM := twoDigits(s[3:])
	if !okM || h > 24 || m > 59 {
		return 0, nil, false
	}
	micros, s = (h*60+m)*60*microsPerSecond, s[5:]
	if len(s) >= 3 && s[0] == ':' {
		sec, ok := twoDigits(s[1:])
		if !ok || sec > 59 {
			return 0, nil, false
		}
		micros, s = micros+sec*microsPerSecond, s[3:]
		if len(s) > 0 && s[0] == '.' {
			n := digits(s, 1)
			if n == 1 {
				return 0, nil, false
			}
			unit := int64(microsPerSecond)
			for _, c := range s[1:n] {
				unit /= 10
				micros += int64(c-'0') * unit
			}
			s = s[n:]
		}
	}
	return micros, s, micros <= microsPerDay
}

// parseZone reads an optional zone, Z or ±hh:mm, and returns it in microseconds.
func parseZone(s []byte) (micros int64, rest []byte, ok bool) {
	if len(s) == 0 {
		return 0, s, true
	}
	switch s[0] {
	case 'Z', 'z':
		return 0, s[1:], true
	case '+', '-':
		h, okH := twoDigits(s[1:])
		if !okH {
			return 0, nil, false
		}
		m, rest := int64(0), s[3:]
		if len(rest) > 0 && rest[0] == ':' {
			rest = rest[1:]
		}
		if len(rest) > 0 {
			var ok bool
			if m, ok = twoDigits(rest); !ok {
				return 0, nil, false
			}
			rest = rest[2:]
		}
		micros = (h*60 + m) * 60 * microsPerSecond
		if s[0] == '-' {
			micros = -micros
		}
		return micros, rest, h <= 18 && m <= 59
	}
	return 0, nil, false
}

func twoDigits(s []byte) (int64, bool) {
	if len(s) < 2 || s[0]-'0' > 9 || s[1]-'0' > 9 {
		return 0, false
	}
	return int64(s[0]-'0')*10 + int64(s[1]-'0'), true
}
