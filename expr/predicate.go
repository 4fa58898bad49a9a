package expr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// constant is true, or false or unknown, of every row.
type constant bool

func (c constant) eval(_ rows, dst []byte) error {
	fill(dst, bool(c))
	return nil
}

// conjunction is the AND of two or more predicates.
type conjunction []predicate

func (c conjunction) eval(r rows, dst []byte) error {
	if err := c[0].eval(r, dst); err != nil {
		return err
	}
	part := r.scratch()
	for _, p := range c[1:] {
		if bitutil.CountSetBits(dst, 0, r.n) == 0 {
			return nil
		}
		if err := p.eval(r, part); err != nil {
			return err
		}
		for i := range dst {
			dst[i] &= part[i]
		}
	}
	return nil
}

// disjunction is the OR of two or more predicates.
type disjunction []predicate

func (d disjunction) eval(r rows, dst []byte) error {
	if err := d[0].eval(r, dst); err != nil {
		return err
	}
	part := r.scratch()
	for _, p := range d[1:] {
		if bitutil.CountSetBits(dst, 0, r.n) == r.n {
			return nil
		}
		if err := p.eval(r, part); err != nil {
			return err
		}
		for i := range dst {
			dst[i] |= part[i]
		}
	}
	return nil
}

// nullness tests whether the column is null, or is not. It is never unknown.
type nullness struct {
	column column
	null   bool
}

func (p nullness) eval(r rows, dst []byte) error {
	v, err := r.find(p.column)
	if err != nil {
		return err
	}
	fill(dst, true)
	v.clearNulls(dst)
	if p.null {
		invert(dst)
	}
	return nil
}

// comparison compares a column with a value of its type.
type comparison struct {
	column column
	op     compareOp
	value  Value
}

func (p comparison) eval(r rows, dst []byte) error {
	v, err := r.find(p.column)
	if err != nil {
		return err
	}
	// One kernel each for =, < and >; the other three operators are their complements.
	op, complement := p.op, false
	if op == opNE || op == opGE || op == opLE {
		op, complement = op.not(), true
	}
	data := v.Data()
	switch p.column.class() {
	case boolClass:
		compareBools(dst, v.Array.(*array.Boolean), op, p.value.Bool())
	case int32Class:
		compareNumbers(dst, arrow.GetValues[int32](data, 1), op, int32(p.value.Int()))
	case int64Class:
		compareNumbers(dst, arrow.GetValues[int64](data, 1), op, p.value.Int())
	case float32Class:
		compareNumbers(dst, arrow.GetValues[float32](data, 1), op, float32(p.value.Float()))
	case float64Class:
		compareNumbers(dst, arrow.GetValues[float64](data, 1), op, p.value.Float())
	case decimalClass:
		compareDecimalColumn(dst, arrow.GetValues[decimal128.Num](data, 1), op, p.value.num)
	default:
		compareText(dst, v.Array, op, p.value.str)
	}
	if complement {
		invert(dst)
	}
	v.clearNulls(dst)
	return nil
}

// pair compares two columns of one type.
type pair struct {
	left, right column
	op          compareOp
}

func (p pair) eval(r rows, dst []byte) error {
	left, err := r.find(p.left)
	if err != nil {
		return err
	}
	right, err := r.find(p.right)
	if err != nil {
		return err
	}
	a, b := left.Data(), right.Data()
	switch p.left.class() {
	case boolClass:
		l, r := left.Array.(*array.Boolean), right.Array.(*array.Boolean)
		set(dst, l.Len(), func(i int) bool { return p.op.holds(truth(l.Value(i)) - truth(r.Value(i))) })
	case int32Class:
		pairNumbers(dst, arrow.GetValues[int32](a, 1), arrow.GetValues[int32](b, 1), p.op)
	case int64Class:
		pairNumbers(dst, arrow.GetValues[int64](a, 1), arrow.GetValues[int64](b, 1), p.op)
	case float32Class:
		pairNumbers(dst, arrow.GetValues[float32](a, 1), arrow.GetValues[float32](b, 1), p.op)
	case float64Class:
		pairNumbers(dst, arrow.GetValues[float64](a, 1), arrow.GetValues[float64](b, 1), p.op)
	case decimalClass:
		l, r := arrow.GetValues[decimal128.Num](a, 1), arrow.GetValues[decimal128.Num](b, 1)
		set(dst, len(l), func(i int) bool { return p.op.holds(l[i].Cmp(r[i])) })
	default:
		pairText(dst, left.Array, right.Array, p.op)
	}
	left.clearNulls(dst)
	right.clearNulls(dst)
	return nil
}

// membership tests whether the column is one of two or more values of its type, or is not.
type membership struct {
	column column
	sorted []Value
	ints   map[int64]struct{} // bools, ints, and the keys of floats
	nums   map[decimal128.Num]struct{}
	texts  map[string]struct{}
	negate bool
}

func (p membership) eval(r rows, dst []byte) error {
	v, err := r.find(p.column)
	if err != nil {
		return err
	}
	data := v.Data()
	switch p.column.class() {
	case boolClass:
		a := v.Array.(*array.Boolean)
		set(dst, a.Len(), func(i int) bool { return has(p.ints, int64(truth(a.Value(i)))) })
	case int32Class:
		a := arrow.GetValues[int32](data, 1)
		set(dst, len(a), func(i int) bool { return has(p.ints, int64(a[i])) })
	case int64Class:
		a := arrow.GetValues[int64](data, 1)
		set(dst, len(a), func(i int) bool { return has(p.ints, a[i]) })
	case float32Class:
		a := arrow.GetValues[float32](data, 1)
		set(dst, len(a), func(i int) bool { return has(p.ints, floatKey(float64(a[i]))) })
	case float64Class:
		a := arrow.GetValues[float64](data, 1)
		set(dst, len(a), func(i int) bool { return has(p.ints, floatKey(a[i])) })
	case decimalClass:
		a := arrow.GetValues[decimal128.Num](data, 1)
		set(dst, len(a), func(i int) bool { return has(p.nums, a[i]) })
	default:
		text := textOf(v.Array)
		set(dst, v.Len(), func(i int) bool { return has(p.texts, text(i)) })
	}
	if p.negate {
		invert(dst)
	}
	v.clearNulls(dst)
	return nil
}

func has[K comparable](m map[K]struct{}, k K) bool {
	_, ok := m[k]
	return ok
}

// matching tests text against a pattern with wildcards.
type matching struct {
	column  column
	pattern likePattern
	negate  bool
}

func (p matching) eval(r rows, dst []byte) error {
	v, err := r.find(p.column)
	if err != nil {
		return err
	}
	text := textOf(v.Array)
	set(dst, v.Len(), func(i int) bool { return p.pattern.match(text(i)) != p.negate })
	v.clearNulls(dst)
	return nil
}
