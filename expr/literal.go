package expr

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/google/uuid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// ParseValue reads the text of a value of a column: of a CSV cell, a JSON string, a partition
// folder. Numbers are in decimal notation, floats also NaN, Infinity and -Infinity; dates,
// times and timestamps in ISO form (without a zone a timestamp is taken as UTC); binary and
// fixed in base64; uuids in canonical form. The value must be exactly one that the column can
// hold, except that floats are rounded to the nearest. Columns of nested types have no text
// form. Errors wrap base.ErrInvalid; the caller names the column.
func ParseValue(t *schema.Type, text string) (Value, error) {
	v, side, err := parseText(t, text)
	if err == nil && side != 0 {
		err = fmt.Errorf("%q does not fit %s exactly", text, typeName(t))
	}
	if err != nil {
		return Value{}, fmt.Errorf("%w: %w", err, base.ErrInvalid)
	}
	return v, nil
}

// parseText is ParseValue without its strictness: text that lies between two values of the
// type gives one of them, and side tells where the text lies from it. See number.scaled.
func parseText(t *schema.Type, text string) (v Value, side int, err error) {
	switch t.Logical {
	case schema.Decimal:
		return parseDecimal(t, text)
	case schema.Date, schema.TimestampMillis, schema.TimestampMicros, schema.LocalTimestampMillis, schema.LocalTimestampMicros:
		return parseTemporal(t, text)
	case schema.TimeMillis, schema.TimeMicros:
		return parseTime(t, text)
	}
	switch t.Kind {
	case schema.Boolean:
		switch text {
		case "true", "TRUE", "True":
			return Bool(true), 0, nil
		case "false", "FALSE", "False":
			return Bool(false), 0, nil
		}
	case schema.Int, schema.Long:
		if n, ok := parseNumber(text); ok {
			lo, hi := intRange(t.Kind)
			unscaled, side := n.scaled(0, decimal128.FromI64(lo), decimal128.FromI64(hi))
			return Int(int64(unscaled.LowBits())), side, nil
		}
	case schema.Float, schema.Double:
		return parseFloat(t, text)
	case schema.String:
		return String(text), 0, nil
	case schema.Enum:
		if !slices.Contains(t.Symbols, text) {
			return v, 0, fmt.Errorf("%q is not one of the enum's symbols %q", text, t.Symbols)
		}
		return String(text), 0, nil
	case schema.Bytes, schema.Fixed:
		return parseBinary(t, text)
	}
	return v, 0, notA(t, text)
}

// notA says that the text has not the form of the type's values.
func notA(t *schema.Type, text string) error {
	example := ""
	switch {
	case t.Logical == schema.Date:
		example = ", write 2026-01-31"
	case t.Logical == schema.TimeMillis || t.Logical == schema.TimeMicros:
		example = ", write 10:20:30.123456"
	case isTemporal(t):
		example = ", write 2026-01-31T10:20:30.123456Z"
	}
	const shown = 64
	if len(text) > shown {
		text = text[:shown] + "…"
	}
	return fmt.Errorf("%q is not a valid %s%s", text, typeName(t), example)
}

func intRange(k schema.Kind) (lo, hi int64) {
	if k == schema.Int {
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

func parseDecimal(t *schema.Type, text string) (Value, int, error) {
	n, ok := parseNumber(text)
	if !ok {
		return Value{}, 0, notA(t, text)
	}
	hi := decimal128.GetMaxValue(int32(t.Precision))
	unscaled, side := n.scaled(t.Scale, hi.Negate(), hi)
	return Decimal(unscaled, int32(t.Scale)), side, nil
}

func parseFloat(t *schema.Type, text string) (Value, int, error) {
	switch text {
	case "NaN":
		return Float(math.NaN()), 0, nil
	case "Infinity":
		return Float(math.Inf(1)), 0, nil
	case "-Infinity":
		return Float(math.Inf(-1)), 0, nil
	}
	if _, ok := parseNumber(text); !ok {
		return Value{}, 0, notA(t, text)
	}
	size := 64
	if t.Kind == schema.Float {
		size = 32
	}
	f, err := strconv.ParseFloat(text, size)
	side := 0
	if errors.Is(err, strconv.ErrRange) { // f is an infinity, and the number lies before it
		side = 1
		if f > 0 {
			side = -1
		}
	}
	return Float(f), side, nil
}

func parseBinary(t *schema.Type, text string) (Value, int, error) {
	if t.Logical == schema.UUID {
		id, err := uuid.Parse(text)
		if err != nil || len(text) != len("00000000-0000-0000-0000-000000000000") {
			return Value{}, 0, notA(t, text)
		}
		return Bytes(id[:]), 0, nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Value{}, 0, fmt.Errorf("the text is not base64 (standard alphabet, padded)")
	}
	if t.Kind == schema.Fixed && len(raw) != t.Size {
		return Value{}, 0, fmt.Errorf("%d bytes given, the column has %d", len(raw), t.Size)
	}
	return Bytes(raw), 0, nil
}

// parseTemporal reads dates and timestamps.
func parseTemporal(t *schema.Type, text string) (Value, int, error) {
	m, ok := parseMoment(text)
	if !ok {
		return Value{}, 0, notA(t, text)
	}
	var v int64
	var side int
	switch t.Logical {
	case schema.Date:
		if v, side = m.days(); v != int64(int32(v)) {
			return Value{}, 0, fmt.Errorf("%q is beyond the range of dates", text)
		}
	case schema.TimestampMillis, schema.LocalTimestampMillis:
		v, side = m.units(millisPerSec)
	default:
		v, side = m.units(microsPerSec)
	}
	if m.zoned && (t.Logical == schema.LocalTimestampMillis || t.Logical == schema.LocalTimestampMicros) {
		return Value{}, 0, fmt.Errorf("%q names a zone, and the column holds local timestamps: leave the zone out", text)
	}
	return Int(v), side, nil
}

// parseTime reads times of day.
func parseTime(t *schema.Type, text string) (Value, int, error) {
	nanos, ok := parseClock(text)
	if !ok {
		return Value{}, 0, notA(t, text)
	}
	unit := int64(time.Microsecond)
	if t.Logical == schema.TimeMillis {
		unit = int64(time.Millisecond)
	}
	return Int(nanos / unit), truth(nanos%unit != 0), nil
}

// typed gives a literal the type of the column that it is compared with; see parseText for side.
func typed(t *schema.Type, n literalNode) (v Value, side int, err error) {
	switch {
	case n.kind == litTrue || n.kind == litFalse:
		if t.Kind == schema.Boolean {
			return Bool(n.kind == litTrue), 0, nil
		}
	case n.kind == litBytes:
		if (t.Kind == schema.Bytes || t.Kind == schema.Fixed) && t.Logical != schema.Decimal {
			return Value{kind: KindBytes, str: n.text}, 0, nil
		}
	case n.kind == litNumber:
		if isNumeric(t) {
			return parseText(t, n.text)
		}
	case n.kind == litDate || n.kind == litTimestamp:
		if isTemporal(t) {
			return parseText(t, n.text)
		}
	case n.kind == litTime:
		if t.Logical == schema.TimeMillis || t.Logical == schema.TimeMicros {
			return parseText(t, n.text)
		}
	case n.kind == litString:
		switch {
		case t.Kind == schema.String || t.Kind == schema.Enum:
			return String(n.text), 0, nil
		case t.Logical == schema.UUID, isTemporal(t), t.Logical == schema.TimeMillis, t.Logical == schema.TimeMicros:
			return parseText(t, n.text)
		case n.text == "NaN" || n.text == "Infinity" || n.text == "-Infinity":
			if t.Kind == schema.Float || t.Kind == schema.Double {
				return parseText(t, n.text)
			}
		}
	}
	return v, 0, fmt.Errorf("%s cannot be compared with a column of type %s%s", literalText(n), typeName(t), advice(t))
}

// advice says how literals of a type are written.
func advice(t *schema.Type) string {
	switch {
	case isNumeric(t):
		return ": write a number without quotes"
	case isTemporal(t) || t.Kind == schema.String || t.Kind == schema.Enum:
		return ": write it in 'single quotes'"
	case t.Kind == schema.Boolean:
		return ": write TRUE or FALSE"
	case t.Kind == schema.Bytes || t.Kind == schema.Fixed:
		return ": write the bytes as X'0AFF'"
	}
	return ""
}

func isNumeric(t *schema.Type) bool {
	switch t.Kind {
	case schema.Int, schema.Long, schema.Float, schema.Double:
		return t.Logical == schema.NoLogical
	}
	return t.Logical == schema.Decimal
}

// isTemporal reports whether values of the type are dates or timestamps.
func isTemporal(t *schema.Type) bool {
	switch t.Logical {
	case schema.Date, schema.TimestampMillis, schema.TimestampMicros, schema.LocalTimestampMillis, schema.LocalTimestampMicros:
		return true
	}
	return false
}

// typeName is the type as messages call it.
func typeName(t *schema.Type) string {
	switch t.Logical {
	case schema.NoLogical:
		return t.Kind.String()
	case schema.Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return t.Logical.String()
}
