package base

import (
	"fmt"
	"time"
)

// Clock tells the time. Nothing in the project reads the wall clock except through one. It
// is an alias so that public signatures need not name this package.
type Clock = func() time.Time

// An instant time is 17 digits, yyyyMMddHHmmssSSS, in the zone of the table's timeline.
// Instant times are compared as strings. 14-digit times of old tables are padded with 999
// when parsed (docs/format/timeline.md).
const (
	instantLayout  = "20060102150405.000"
	instantDigits  = 17
	secondDigits   = 14
	secondPadding  = "999"
	millisecondDot = 14
)

// FormatInstant renders t, cut to milliseconds, in the zone loc.
func FormatInstant(t time.Time, loc *time.Location) string {
	s := t.In(loc).Format(instantLayout)
	return s[:millisecondDot] + s[millisecondDot+1:]
}

// ParseInstant reads an instant time of 14 or 17 digits (longer ones, which old metadata
// tables have, are cut to 17) in the zone loc.
func ParseInstant(s string, loc *time.Location) (time.Time, error) {
	digits := s
	switch {
	case len(digits) == secondDigits:
		digits += secondPadding
	case len(digits) > instantDigits:
		digits = digits[:instantDigits]
	}
	if len(digits) != instantDigits || !IsDigits(digits) {
		return time.Time{}, fmt.Errorf("instant time %q: want 17 digits yyyyMMddHHmmssSSS: %w", s, ErrInvalid)
	}
	t, err := time.ParseInLocation(instantLayout, digits[:millisecondDot]+"."+digits[millisecondDot:], loc)
	if err != nil {
		return time.Time{}, fmt.Errorf("instant time %q: %w", s, ErrInvalid)
	}
	return t, nil
}

// IsDigits reports whether s is one or more ASCII digits.
func IsDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}
