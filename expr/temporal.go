package expr

import (
	"math"
	"time"
)

const (
	secondsPerDay  = 24 * 60 * 60
	millisPerSec   = 1_000
	microsPerSec   = 1_000_000
	fractionDigits = 9
	// longYear are the digits that a signed year can have: what a timestamp of milliseconds holds.
	longYear = 9
)

// moment is a date, with or without a time of day, as text gives it.
type moment struct {
	seconds int64 // since 1970-01-01T00:00:00 in its own zone, or in UTC when zoned
	nanos   int64 // 0 … 999,999,999
	zoned   bool  // the text named a zone
}

// parseMoment reads date[(T| )time[zone]]: 2026-01-31, 2026-01-31 10:20,
// 2026-01-31T10:20:30.123456Z, …+02:00. Years have four digits, or a sign and up to nine.
func parseMoment(s string) (m moment, ok bool) {
	days, rest, ok := cutDate(s)
	if !ok {
		return m, false
	}
	m.seconds = days * secondsPerDay
	if rest == "" {
		return m, true
	}
	if rest[0] != 'T' && rest[0] != ' ' && rest[0] != 't' {
		return m, false
	}
	seconds, nanos, rest, ok := cutClock(rest[1:])
	if !ok {
		return m, false
	}
	offset := int64(0)
	if offset, m.zoned, ok = parseZone(rest); !ok {
		return m, false
	}
	m.seconds += seconds - offset
	m.nanos = nanos
	return m, true
}

// parseClock reads a time of day, HH:MM[:SS[.fraction]], in nanoseconds.
func parseClock(s string) (nanos int64, ok bool) {
	seconds, nanos, rest, ok := cutClock(s)
	return seconds*int64(time.Second) + nanos, ok && rest == ""
}

// units turns m into units of perSecond, rounding down. side is 1 when something was cut
// off; a moment beyond the range gives the range's end and the sign of the excess.
func (m moment) units(perSecond int64) (v int64, side int) {
	unit := int64(time.Second) / perSecond
	if m.nanos%unit != 0 {
		side = 1
	}
	seconds, part := m.seconds, m.nanos/unit
	if seconds < 0 {
		seconds, part = seconds+1, part-perSecond
	}
	switch v = seconds*perSecond + part; {
	case m.seconds >= 0 && (seconds > math.MaxInt64/perSecond || v < 0):
		return math.MaxInt64, 1
	case m.seconds < 0 && (seconds < math.MinInt64/perSecond || v > 0):
		return math.MinInt64, -1
	}
	return v, side
}

// days turns m into days, rounding down; side is 1 when a time of day was cut off.
func (m moment) days() (v int64, side int) {
	v = m.seconds / secondsPerDay
	rest := m.seconds % secondsPerDay
	if rest < 0 {
		v--
		rest += secondsPerDay
	}
	if rest != 0 || m.nanos != 0 {
		side = 1
	}
	return v, side
}

// cutDate reads [sign]year-month-day at the beginning of s, in days since 1970-01-01.
func cutDate(s string) (days int64, rest string, ok bool) {
	sign, widest := int64(1), 4
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s, widest = s[1:], longYear
	}
	year, n := cutDigits(s, widest)
	if n < 4 || len(s) < n+len("-01-02") || s[n] != '-' || s[n+3] != '-' {
		return 0, "", false
	}
	month, a := cutDigits(s[n+1:n+3], 2)
	day, b := cutDigits(s[n+4:n+6], 2)
	if a != 2 || b != 2 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, "", false
	}
	date := time.Date(int(sign*year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
	if date.Day() != int(day) {
		return 0, "", false
	}
	return date.Unix() / secondsPerDay, s[n+6:], true
}

// cutClock reads HH:MM[:SS[.fraction]] at the beginning of s.
func cutClock(s string) (seconds, nanos int64, rest string, ok bool) {
	hour, ok := twoDigits(s, 0, 23)
	if !ok || len(s) < len("00:00") || s[2] != ':' {
		return 0, 0, "", false
	}
	minute, ok := twoDigits(s, 3, 59)
	if !ok {
		return 0, 0, "", false
	}
	seconds = (hour*60 + minute) * 60
	if s = s[5:]; s == "" || s[0] != ':' {
		return seconds, 0, s, true
	}
	second, ok := twoDigits(s, 1, 59)
	if !ok {
		return 0, 0, "", false
	}
	seconds += second
	if s = s[3:]; s == "" || s[0] != '.' {
		return seconds, 0, s, true
	}
	nanos, n := cutDigits(s[1:], fractionDigits)
	if n == 0 {
		return 0, 0, "", false
	}
	for range fractionDigits - n {
		nanos *= 10
	}
	return seconds, nanos, s[1+n:], true
}

// parseZone reads "", Z or ±HH[[:]MM], in seconds east of Greenwich.
func parseZone(s string) (offset int64, named, ok bool) {
	switch {
	case s == "":
		return 0, false, true
	case s == "Z" || s == "z":
		return 0, true, true
	case s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	hour, ok := twoDigits(s, 1, 18)
	if !ok {
		return 0, false, false
	}
	minute := int64(0)
	if rest := s[3:]; rest != "" {
		if rest[0] == ':' {
			rest = rest[1:]
		}
		if minute, ok = twoDigits(rest, 0, 59); !ok || len(rest) != 2 {
			return 0, false, false
		}
	}
	offset = (hour*60 + minute) * 60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

// twoDigits reads two digits at s[i:] that are at most limit.
func twoDigits(s string, i int, limit int64) (int64, bool) {
	if len(s) < i+2 {
		return 0, false
	}
	v, n := cutDigits(s[i:i+2], 2)
	return v, n == 2 && v <= limit
}

// cutDigits reads at most widest digits at the beginning of s.
func cutDigits(s string, widest int) (v int64, n int) {
	for n < len(s) && n < widest && s[n] >= '0' && s[n] <= '9' {
		v = v*10 + int64(s[n]-'0')
		n++
	}
	return v, n
}
