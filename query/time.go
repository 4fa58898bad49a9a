package query

import (
	"fmt"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
)

// timeForms are the notations of a time, besides instant times and durations. Those
// without a zone are in the table's zone.
var timeForms = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02",
}

// ParseTime resolves a time that a user wrote to an instant time in the zone loc.
func ParseTime(text string, now time.Time, loc *time.Location) (string, error) {
	text = strings.TrimSpace(text)
	if base.IsDigits(text) && (len(text) == 14 || len(text) == 17) {
		if _, err := base.ParseInstant(text, loc); err != nil {
			return "", err
		}
		return text, nil
	}
	if strings.HasPrefix(text, "-") {
		if d, err := time.ParseDuration(text); err == nil {
			return base.FormatInstant(now.Add(d), loc), nil
		}
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, text, loc); err == nil {
			return base.FormatInstant(t, loc), nil
		}
	}
	return "", fmt.Errorf("time %q: write an instant (yyyyMMddHHmmssSSS), a date, 2006-01-02T15:04:05Z, or -15m: %w", text, base.ErrInvalid)
}

// earliest is the begin of an incremental range that has no begin.
const earliest = "000"

// ParseBound resolves the begin or end of an incremental range that a user wrote to an
// instant time, in the zone loc. Digits are an instant, or the first of one, and stay as they
// are, so that "000" is before everything; "earliest" is the same.
func ParseBound(text string, now time.Time, loc *time.Location) (string, error) {
	switch {
	case text == "earliest":
		return earliest, nil
	case text == "", base.IsDigits(text):
		return text, nil
	}
	return ParseTime(text, now, loc)
}
