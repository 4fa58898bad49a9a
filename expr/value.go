package expr

import (
	"cmp"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Kind says which constructor made a Value.
type Kind uint8

// The kinds of values.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindFloat
	KindDecimal
	KindString
	KindBytes
)

// Value is a constant of a column's type: a bound of statistics, a partition value, a
// literal. Dates, times and timestamps are ints, in the unit of the column's Arrow type.
// The zero Value is null. Values are immutable and are passed by value.
type Value struct {
	kind  Kind
	scale int32
	num   decimal128.Num // decimals; ints in the low bits; floats as their bits there; bools as 0 and 1
	str   string         // strings and bytes
}

// Null returns the null value.
func Null() Value { return Value{} }

// Bool returns a boolean.
func Bool(v bool) Value {
	if v {
		return Value{kind: KindBool, num: decimal128.New(0, 1)}
	}
	return Value{kind: KindBool}
}

// Int returns the value of an int or long column, or of a date (days), time or timestamp
// column in the unit of its Arrow type.
func Int(v int64) Value { return Value{kind: KindInt, num: decimal128.New(0, uint64(v))} }

// Float returns the value of a float or double column; a float is widened.
func Float(v float64) Value {
	return Value{kind: KindFloat, num: decimal128.New(0, math.Float64bits(v))}
}

// Decimal returns unscaled × 10^-scale.
func Decimal(unscaled decimal128.Num, scale int32) Value {
	return Value{kind: KindDecimal, scale: scale, num: unscaled}
}

// String returns the value of a string or enum column.
func String(v string) Value { return Value{kind: KindString, str: v} }

// Bytes returns the value of a binary or fixed column. It copies v.
func Bytes(v []byte) Value { return Value{kind: KindBytes, str: string(v)} }

// Kind tells what the value is.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Bool returns a KindBool value.
func (v Value) Bool() bool { return v.num.LowBits() != 0 }

// Int returns a KindInt value.
func (v Value) Int() int64 { return int64(v.num.LowBits()) }

// Float returns a KindFloat value.
func (v Value) Float() float64 { return math.Float64frombits(v.num.LowBits()) }

// Decimal returns a KindDecimal value as it was given.
func (v Value) Decimal() (unscaled decimal128.Num, scale int32) { return v.num, v.scale }

// Text returns the text of a KindString value, the bytes of a KindBytes value.
func (v Value) Text() string { return v.str }

// String shows the value to people.
func (v Value) String() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.Bool())
	case KindInt:
		return strconv.FormatInt(v.Int(), 10)
	case KindFloat:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case KindDecimal:
		return v.num.ToString(v.scale)
	case KindString:
		return quote(v.str, '\'')
	case KindBytes:
		return "X'" + hex.EncodeToString([]byte(v.str)) + "'"
	}
	return "NULL"
}

// Compare orders two values of one kind as Spark does: NaN equals NaN and is above all other
// numbers, -0 equals 0, false is below true, strings and bytes compare byte by byte.
// ok is false for nulls, values of different kinds, and decimals whose scales are too far
// apart to be brought together.
func Compare(a, b Value) (order int, ok bool) {
	if a.kind != b.kind || a.kind == KindNull {
		return 0, false
	}
	switch a.kind {
	case KindFloat:
		return compareFloats(a.Float(), b.Float()), true
	case KindDecimal:
		return compareDecimals(a, b)
	case KindString, KindBytes:
		return cmp.Compare(a.str, b.str), true
	}
	return cmp.Compare(a.Int(), b.Int()), true
}

func compareDecimals(a, b Value) (order int, ok bool) {
	if a.scale == b.scale {
		return a.num.Cmp(b.num), true
	}
	if a.scale > b.scale {
		order, ok = compareDecimals(b, a)
		return -order, ok
	}
	widen := int64(b.scale) - int64(a.scale)
	if widen > 2*decimalDigits {
		return 0, false
	}
	// In 128 bits the wider scale could overflow.
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(widen), nil)
	return factor.Mul(factor, a.num.BigInt()).Cmp(b.num.BigInt()), true
}

// compareFloats is Spark's total order: unlike cmp.Compare's, NaN is the greatest.
func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	return cmp.Compare(truth(math.IsNaN(a)), truth(math.IsNaN(b)))
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// floatKey maps a float to bits that are equal exactly when the floats are equal in Spark.
func floatKey(v float64) int64 {
	switch {
	case v == 0:
		return 0
	case math.IsNaN(v):
		v = math.NaN()
	}
	return int64(math.Float64bits(v))
}

// compareOp is a comparison operator.
type compareOp uint8

const (
	opEQ compareOp = iota
	opNE
	opLT
	opLE
	opGT
	opGE
)

// parseOp reads an operator as the lexer gives it.
func parseOp(s string) (compareOp, bool) {
	switch s {
	case "=", "==":
		return opEQ, true
	case "<>", "!=":
		return opNE, true
	case "<":
		return opLT, true
	case "<=":
		return opLE, true
	case ">":
		return opGT, true
	case ">=":
		return opGE, true
	}
	return 0, false
}

// String gives SQL's sign.
func (o compareOp) String() string { return [...]string{"=", "<>", "<", "<=", ">", ">="}[o] }

// not is the operator that holds exactly when o does not.
func (o compareOp) not() compareOp { return [...]compareOp{opNE, opEQ, opGE, opGT, opLE, opLT}[o] }

// flip is the operator with its sides exchanged.
func (o compareOp) flip() compareOp { return [...]compareOp{opEQ, opNE, opGT, opGE, opLT, opLE}[o] }

// holds reports whether the operator is true of operands that compare as order says.
func (o compareOp) holds(order int) bool {
	switch o {
	case opEQ:
		return order == 0
	case opNE:
		return order != 0
	case opLT:
		return order < 0
	case opLE:
		return order <= 0
	case opGT:
		return order > 0
	default:
		return order >= 0
	}
}
