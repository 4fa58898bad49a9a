package expr

import (
	"cmp"
	"slices"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// The kernels fill a bitmap, least significant bit first, with one bit for each value. They
// look at the values under nulls too, which may be anything; the caller clears those bits.

// set gives each of n bits the value of test.
func set(dst []byte, n int, test func(i int) bool) {
	for i := 0; i < n; i += 8 {
		var b byte
		for j := i; j < min(i+8, n); j++ {
			b |= byte(truth(test(j))) << (j - i)
		}
		dst[i/8] = b
	}
}

// compareNumbers compares with lit by opEQ, opLT or opGT in Spark's order of floats.
func compareNumbers[T int32 | int64 | float32 | float64](dst []byte, values []T, op compareOp, lit T) {
	if lit != lit { // NaN, which equals itself and is above the rest
		set(dst, len(values), func(i int) bool {
			nan := values[i] != values[i]
			return op == opEQ && nan || op == opLT && !nan
		})
		return
	}
	for i := 0; len(values) > 0; i++ {
		block := values[:min(8, len(values))]
		values = values[len(block):]
		var b byte
		switch op {
		case opEQ:
			for j, v := range block {
				b |= bit(v == lit) << j
			}
		case opLT:
			for j, v := range block {
				b |= bit(v < lit) << j
			}
		default: // a NaN is greater: it fails v <= lit
			for j, v := range block {
				b |= bit(!(v <= lit)) << j
			}
		}
		dst[i] = b
	}
}

// bit compiles to a flag instruction, without a branch.
func bit(b bool) byte {
	var v byte
	if b {
		v = 1
	}
	return v
}

func compareBools(dst []byte, values *array.Boolean, op compareOp, lit bool) {
	set(dst, values.Len(), func(i int) bool { return op.holds(truth(values.Value(i)) - truth(lit)) })
}

func compareDecimalColumn(dst []byte, values []decimal128.Num, op compareOp, lit decimal128.Num) {
	if op == opEQ {
		set(dst, len(values), func(i int) bool { return values[i] == lit })
		return
	}
	set(dst, len(values), func(i int) bool { return op.holds(values[i].Cmp(lit)) })
}

func compareText(dst []byte, values arrow.Array, op compareOp, lit string) {
	text := textOf(values)
	if op == opEQ {
		set(dst, values.Len(), func(i int) bool { return text(i) == lit })
		return
	}
	set(dst, values.Len(), func(i int) bool { return op.holds(cmp.Compare(text(i), lit)) })
}

// pairNumbers compares two columns row by row in Spark's order of floats.
func pairNumbers[T int32 | int64 | float32 | float64](dst []byte, left, right []T, op compareOp) {
	set(dst, len(left), func(i int) bool {
		a, b := left[i], right[i]
		switch {
		case a < b:
			return op.holds(-1)
		case a > b:
			return op.holds(1)
		case a == b:
			return op.holds(0)
		}
		return op.holds(truth(a != a) - truth(b != b))
	})
}

func pairText(dst []byte, left, right arrow.Array, op compareOp) {
	a, b := textOf(left), textOf(right)
	set(dst, left.Len(), func(i int) bool { return op.holds(cmp.Compare(a(i), b(i))) })
}

// textOf gives access to the bytes of a string, binary or fixed column, without a copy.
func textOf(values arrow.Array) func(i int) string {
	switch a := values.(type) {
	case *array.String:
		return a.Value
	case *array.Binary:
		return a.ValueString
	}
	a := values.(*array.FixedSizeBinary)
	return func(i int) string { return asString(a.Value(i)) }
}

// asString views b as a string; b must not change while the string lives.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// newMembership makes the set that the kernels look values up in.
func newMembership(c column, list []Value, negate bool) membership {
	p := membership{column: c, negate: negate}
	p.sorted = slices.Clone(list)
	slices.SortFunc(p.sorted, func(a, b Value) int {
		order, _ := Compare(a, b)
		return order
	})
	switch c.class() {
	case textClass, fixedClass:
		p.texts = make(map[string]struct{}, len(list))
	case decimalClass:
		p.nums = make(map[decimal128.Num]struct{}, len(list))
	default:
		p.ints = make(map[int64]struct{}, len(list))
	}
	for _, v := range list {
		switch v.kind {
		case KindString, KindBytes:
			p.texts[v.str] = struct{}{}
		case KindDecimal:
			p.nums[v.num] = struct{}{}
		case KindFloat:
			p.ints[floatKey(v.Float())] = struct{}{}
		default:
			p.ints[v.Int()] = struct{}{}
		}
	}
	return p
}
