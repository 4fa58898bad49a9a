package query_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 20, 30, 123456789, time.UTC)
	oslo := time.FixedZone("CET", 3600)
	for text, want := range map[string]string{
		"20260131102030123":         "20260131102030123",
		"20260131102030":            "20260131102030",
		" 2026-01-31 ":              "20260131000000000",
		"2026-01-31 10:20":          "20260131102000000",
		"2026-01-31T10:20:30.5":     "20260131102030500",
		"2026-01-31T10:20:30Z":      "20260131112030000",
		"2026-01-31T10:20:30+02:00": "20260131092030000",
		"-15m":                      "20260131110530123",
		"-1h0.123s":                 "20260131102030000",
	} {
		got, err := query.ParseTime(text, now, oslo)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		bound, err := query.ParseBound(text, now, oslo)
		require.NoError(t, err, text)
		require.Equal(t, want, bound, text)
	}
	for _, text := range []string{"", "yesterday", "15m", "2026-13-01", "20261301000000", "-", "000"} {
		_, err := query.ParseTime(text, now, oslo)
		require.ErrorIs(t, err, hudi.ErrInvalid, text)
	}
	for text, want := range map[string]string{"": "", "000": "000", "earliest": "000", "20261301000000": "20261301000000"} {
		got, err := query.ParseBound(text, now, oslo)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	_, err := query.ParseBound("yesterday", now, oslo)
	require.ErrorIs(t, err, hudi.ErrInvalid)
}
