package merge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Kind is the type of an ordering value, one for each wrapper that a delete block can hold.
type Kind uint8

// The kinds of ordering values. Default is what rows without an ordering value carry: it is
// smaller than every other value, and a delete that carries it is unconditional.
const (
	Default Kind = iota
	Bool
	Int
	Long
	Float
	Double
	Bytes
	String
	Date
	Decimal
	TimeMicros
	TimestampMicros
	Tuple
)

// Value is an ordering value: what decides between two versions of a row in event-time mode.
// The zero Value is Default.
type Value struct {
	kind Kind
	i    int64 // Bool, Int, Long, Date, TimeMicros, TimestampMicros; Float, Double: bits; Decimal: high half
	more *more // what does not fit a number, kept apart because numbers are the rule
}

type more struct {
	lo   uint64 // Decimal: low half
	s    string // Bytes, String, Binlog
	list []Value
}

// IntValue makes the value of an integral kind: Int, Long, Date, TimeMicros or TimestampMicros.
func IntValue(k Kind, v int64) Value { return Value{kind: k, i: v} }

// BoolValue makes a Bool.
func BoolValue(v bool) Value {
	if v {
		return Value{kind: Bool, i: 1}
	}
	return Value{kind: Bool}
}

// FloatValue makes a Float or Double.
func FloatValue(k Kind, v float64) Value {
	return Value{kind: k, i: int64(math.Float64bits(v))}
}

// TextValue makes a String or Bytes.
func TextValue(k Kind, v string) Value { return Value{kind: k, more: &more{s: v}} }

// DecimalValue makes a Decimal of the column's own scale.
func DecimalValue(v decimal128.Num) Value {
	return Value{kind: Decimal, i: v.HighBits(), more: &more{lo: v.LowBits()}}
}

// TupleValue makes the value of several ordering fields.
func TupleValue(v []Value) Value { return Value{kind: Tuple, more: &more{list: v}} }

// Kind tells the kind.
func (v Value) Kind() Kind { return v.kind }

// Int64 is the number of an integral kind (0 or 1 of a Bool).
func (v Value) Int64() int64 { return v.i }

// Float64 is the number of a Float or Double.
func (v Value) Float64() float64 { return math.Float64frombits(uint64(v.i)) }

// Text is the content of a String or Bytes.
func (v Value) Text() string { return v.more.s }

// Decimal128 is the unscaled number of a Decimal.
func (v Value) Decimal128() decimal128.Num { return decimal128.New(v.i, v.more.lo) }

// Values are the parts of a Tuple.
func (v Value) Values() []Value { return v.more.list }

// IsDefault says that the row or delete has no ordering value of its own. Real Hudi writes
// the integer 0 for that, whatever the type of the ordering column, so an Int of 0 counts too.
func (v Value) IsDefault() bool { return v.kind == Default || v.kind == Int && v.i == 0 }

// Unset says that no ordering field has a value.
func (v Value) Unset() bool {
	if v.kind != Tuple {
		return v.IsDefault()
	}
	return !slices.ContainsFunc(v.more.list, func(part Value) bool { return !part.IsDefault() })
}

// class groups the kinds that Java represents by one class and therefore can compare.
func (k Kind) class() Kind {
	switch k {
	case Date:
		return Int
	case TimeMicros, TimestampMicros:
		return Long
	}
	return k
}

// sameClass reports whether real Hudi would compare a and b rather than give up.
func sameClass(a, b Value) bool { return a.kind.class() == b.kind.class() }

// Compare orders two values: Default below all, except that among Ints it is 0, as real
// Hudi has it; numbers by size across their kinds (NaN greatest, as Double.compare has it),
// text by bytes, tuples part by part.
func Compare(a, b Value) int {
	if a.kind == b.kind && a.kind != Float && a.kind != Double {
		return compareSame(a, b)
	}
	ad, bd := a.IsDefault(), b.IsDefault()
	switch {
	case ad && bd:
		return 0
	case ad && b.kind == Int, bd && a.kind == Int:
		return cmp.Compare(a.i, b.i)
	case ad:
		return -1
	case bd:
		return 1
	}
	if sameClass(a, b) && a.kind.class() != Float && a.kind.class() != Double {
		return cmp.Compare(a.i, b.i)
	}
	if af, ok := a.number(); ok {
		if bf, ok := b.number(); ok {
			return compareFloat(af, bf)
		}
	}
	return cmp.Compare(a.kind.class(), b.kind.class())
}

func compareSame(a, b Value) int {
	switch a.kind {
	case Default:
		return 0
	case Bytes, String:
		return strings.Compare(a.more.s, b.more.s)
	case Decimal:
		return cmp.Or(cmp.Compare(a.i, b.i), cmp.Compare(a.more.lo, b.more.lo))
	case Tuple:
		return slices.CompareFunc(a.more.list, b.more.list, Compare)
	}
	return cmp.Compare(a.i, b.i)
}

func (v Value) number() (float64, bool) {
	switch v.kind.class() {
	case Float, Double:
		return v.Float64(), true
	case Int, Long:
		return float64(v.i), true
	}
	return 0, false
}

// compareFloat is Java's Double.compare: -0.0 below 0.0, NaN equal to itself and greatest.
func compareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	an, bn := math.IsNaN(a), math.IsNaN(b)
	switch {
	case an && bn:
		return 0
	case an:
		return 1
	case bn:
		return -1
	}
	return cmp.Compare(int64(math.Float64bits(a)), int64(math.Float64bits(b)))
}

// OrderingOf compiles the reading of the ordering value of a batch's rows.
func (r *Rules) OrderingOf(batch arrow.RecordBatch) (func(row int) Value, error) {
	return orderingOf(batch, r.Ordering)
}

// compareBinlog orders texts "file.position" by both as numbers, other values by Compare.
func compareBinlog(a, b Value) int {
	if a.kind != String || b.kind != String {
		return Compare(a, b)
	}
	af, ap, ok := binlog(a.more.s)
	bf, bp, ok2 := binlog(b.more.s)
	if !ok || !ok2 {
		return Compare(a, b)
	}
	return cmp.Or(cmp.Compare(af, bf), cmp.Compare(ap, bp))
}

func binlog(text string) (file, position int64, ok bool) {
	f, p, ok := strings.Cut(text, ".")
	file, err := strconv.ParseInt(f, 10, 64)
	position, err2 := strconv.ParseInt(p, 10, 64)
	return file, position, ok && err == nil && err2 == nil
}

// orderingOf compiles the reading of the ordering value of a batch's rows. A missing field
// or a null counts as Default, and so does the whole when all fields are missing.
func orderingOf(batch arrow.RecordBatch, fields []string) (func(row int) Value, error) {
	var parts []func(int) Value
	found := false
	for _, name := range fields {
		at := batch.Schema().FieldIndices(name)
		if len(at) == 0 {
			parts = append(parts, func(int) Value { return Value{} })
			continue
		}
		found = true
		part, err := columnValue(batch.Column(at[0]))
		if err != nil {
			return nil, fmt.Errorf("merge: ordering field %q: %w", name, err)
		}
		parts = append(parts, part)
	}
	switch {
	case !found: // not a tuple of defaults: a delete by key alone is unconditional
		return func(int) Value { return Value{} }, nil
	case len(parts) == 1:
		return parts[0], nil
	}
	return func(row int) Value {
		list := make([]Value, len(parts))
		for i, part := range parts {
			list[i] = part(row)
		}
		return TupleValue(list)
	}, nil
}

func columnValue(col arrow.Array) (func(row int) Value, error) {
	valid := func(read func(int) Value) func(int) Value {
		if col.NullN() == 0 {
			return read
		}
		return func(row int) Value {
			if col.IsNull(row) {
				return Value{}
			}
			return read(row)
		}
	}
	switch a := col.(type) {
	case *array.Int64:
		v := a.Int64Values()
		return valid(func(row int) Value { return Value{kind: Long, i: v[row]} }), nil
	case *array.Int32:
		v := a.Int32Values()
		return valid(func(row int) Value { return Value{kind: Int, i: int64(v[row])} }), nil
	case *array.Timestamp:
		v := a.TimestampValues()
		return valid(func(row int) Value { return Value{kind: TimestampMicros, i: int64(v[row])} }), nil
	case *array.Time64:
		v := a.Time64Values()
		return valid(func(row int) Value { return Value{kind: TimeMicros, i: int64(v[row])} }), nil
	case *array.Time32:
		v := a.Time32Values()
		return valid(func(row int) Value { return Value{kind: Int, i: int64(v[row])} }), nil
	case *array.Date32:
		v := a.Date32Values()
		return valid(func(row int) Value { return Value{kind: Date, i: int64(v[row])} }), nil
	case *array.Float64:
		v := a.Float64Values()
		return valid(func(row int) Value { return FloatValue(Double, v[row]) }), nil
	case *array.Float32:
		v := a.Float32Values()
		return valid(func(row int) Value { return FloatValue(Float, float64(v[row])) }), nil
	case *array.String:
		return valid(func(row int) Value { return TextValue(String, a.Value(row)) }), nil
	case *array.Binary:
		return valid(func(row int) Value { return TextValue(Bytes, a.ValueString(row)) }), nil
	case *array.FixedSizeBinary:
		return valid(func(row int) Value { return TextValue(Bytes, string(a.Value(row))) }), nil
	case *array.Decimal128:
		v := a.Values()
		return valid(func(row int) Value { return DecimalValue(v[row]) }), nil
	case *array.Boolean:
		return valid(func(row int) Value { return BoolValue(a.Value(row)) }), nil
	}
	return nil, fmt.Errorf("type %s cannot order rows; choose a number, text, date or timestamp column: %w", col.DataType(), base.ErrUnsupported)
}
