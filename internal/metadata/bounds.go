package metadata

import (
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/schema"
)

// What bounds of version 9 stand for (ValueType.Ordinal).
const (
	typeBoolean              = 2
	typeInt                  = 3
	typeLong                 = 4
	typeString               = 7
	typeDecimal              = 10
	typeDate                 = 12
	typeTimestampMillis      = 15
	typeTimestampMicros      = 16
	typeTimestampNanos       = 17
	typeLocalTimestampMillis = 18
	typeLocalTimestampMicros = 19
	typeLocalTimestampNanos  = 20
)

// wrappedScale is the scale of decimals before version 9.
const wrappedScale = 15

// gregorian is 1582-10-15 in days since 1970. Older releases took earlier dates through
// Java's calendar, which is another one there.
const gregorian = -141427

// Range says what the statistics prove of a column that is read as the type t, as
// expr.Stats has it; ok is false if that is nothing.
//
// Bounds of floating point numbers prove nothing: a row group that has NaN has none, and is
// left out of those of its file and partition. So are row groups without statistics, those
// with very long texts or with times of 96 bits, whose rows all count as nulls: bounds of
// such types count where there is no null. Java's order of texts is that of UTF-16, of which
// bounds below the surrogates are bounds in the order of bytes as well (docs/format/metadata-table.md).
func (s *Stats) Range(t *schema.Type) (low, high expr.Value, nulls, rows int64, ok bool) {
	if s.Values == nil || s.Nulls == nil || *s.Nulls < 0 || *s.Values < *s.Nulls {
		return low, high, 0, 0, false
	}
	if *s.Values == 0 {
		return low, high, 0, 0, true
	}
	sure := false
	switch {
	case t.Logical == schema.Date, t.Logical == schema.NoLogical && (t.Kind == schema.Boolean || t.Kind == schema.Int || t.Kind == schema.Long):
		sure = true
	case t.Logical == schema.NoLogical && t.Kind == schema.String:
	case t.Logical == schema.Decimal:
	case t.Logical == schema.TimestampMillis || t.Logical == schema.TimestampMicros:
	case t.Logical == schema.LocalTimestampMillis || t.Logical == schema.LocalTimestampMicros:
	default:
		return low, high, 0, 0, false
	}
	if !sure && *s.Nulls > 0 {
		return low, high, 0, 0, false
	}
	return s.value(s.Min, t), s.value(s.Max, t), *s.Nulls, *s.Values, true
}

// value is a bound as a value of the type t, null if it is none.
func (s *Stats) value(b *Bound, t *schema.Type) expr.Value {
	if b == nil {
		return expr.Null()
	}
	n, kind := b.integer()
	is := func(ordinals ...int32) bool { return s.Type == nil || slices.Contains(ordinals, s.Type.Ordinal) }
	switch {
	case t.Logical == schema.Date:
		if (kind == intKind || kind == dateKind) && is(typeDate) && n >= gregorian {
			return expr.Int(n)
		}
	case t.Logical == schema.Decimal:
		return s.decimal(b)
	case t.Logical != schema.NoLogical:
		return s.timestamp(n, kind, t.Logical)
	case t.Kind == schema.Boolean:
		if b.Boolean != nil && is(typeBoolean) {
			return expr.Bool(b.Boolean.Value)
		}
	case t.Kind == schema.Int, t.Kind == schema.Long:
		if (kind == intKind || kind == longKind) && is(typeInt, typeLong) {
			return expr.Int(n)
		}
	case t.Kind == schema.String:
		if b.String != nil && is(typeString) && !strings.ContainsFunc(b.String.Value, func(r rune) bool { return r >= 0xD800 }) {
			return expr.String(b.String.Value)
		}
	}
	return expr.Null()
}

// timestamp is a bound in the unit of a logical type. Long numbers of older records are taken
// for microseconds, the unit of Spark's writers, where the column has them too.
func (s *Stats) timestamp(n int64, kind integerKind, to schema.Logical) expr.Value {
	local := to == schema.LocalTimestampMillis || to == schema.LocalTimestampMicros
	millis := to == schema.TimestampMillis || to == schema.LocalTimestampMillis
	nanos := int64(0) // of one unit of n
	if s.Type == nil {
		if kind == timestampMicrosKind || kind == longKind && !millis {
			nanos = 1000
		}
	} else if kind == longKind {
		switch s.Type.Ordinal {
		case typeTimestampMillis, typeLocalTimestampMillis:
			nanos = 1000_000
		case typeTimestampMicros, typeLocalTimestampMicros:
			nanos = 1000
		case typeTimestampNanos, typeLocalTimestampNanos:
			nanos = 1
		}
		if local != (s.Type.Ordinal >= typeLocalTimestampMillis) {
			nanos = 0
		}
	}
	unit := int64(1000)
	if millis {
		unit = 1000_000
	}
	switch {
	case nanos == 0:
		return expr.Null()
	case nanos <= unit: // to a coarser unit, rounded down as reading does
		by := unit / nanos
		q := n / by
		if n%by < 0 {
			q--
		}
		return expr.Int(q)
	}
	by := nanos / unit
	if n*by/by != n {
		return expr.Null()
	}
	return expr.Int(n * by)
}

func (s *Stats) decimal(b *Bound) expr.Value {
	var raw []byte
	scale := wrappedScale
	switch {
	case s.Type == nil && b.Decimal != nil:
		raw = b.Decimal.Value
	case s.Type != nil && s.Type.Ordinal == typeDecimal && b.Bytes != nil:
		raw = b.Bytes.Value
		_, text, _ := strings.Cut(s.Type.Info, ",")
		var err error
		if scale, err = strconv.Atoi(text); err != nil || scale < 0 || scale > schema.MaxPrecision {
			return expr.Null()
		}
	default:
		return expr.Null()
	}
	n := twosComplement(raw)
	if n.BitLen() > 127 {
		return expr.Null()
	}
	return expr.Decimal(decimal128.FromBigInt(n), int32(scale))
}
