package expr

import (
	"math"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Stats describes rows that have not been read: a file, a row group, a partition.
type Stats interface {
	// Range tells what is known of a column, which is named by its path joined by points.
	//
	// No value of the rows is below min or above max, nulls (and NaN) aside. The bounds need
	// not be values of the rows, but a cut-off prefix is no bound from above. They are of the
	// column's type in the schema given to Bind (see Value), or null when unknown: then, and
	// for values of another kind, any value is possible. nulls counts the rows in which the
	// column or a struct around it is null, of rows in all; -1 is unknown. ok is false when
	// nothing is known.
	Range(column string) (min, max Value, nulls, rows int64, ok bool)
}

// MayMatch reports whether the condition can be true of one of the rows that s describes. It
// is false only when the statistics prove that it is of none.
func (b *Bound) MayMatch(s Stats) bool { return b.root.mayMatch(s) }

// MayMatchPartition is MayMatch for the rows of a partition. values gives the partition's
// values by column as folder names have them, unescaped, for those columns that hold the very
// values that name the folder. Columns that are not in values, and values that do not read as
// their column's type, prove nothing.
func (b *Bound) MayMatchPartition(values map[string]string) bool {
	return b.root.mayMatch(partition{types: b.types, values: values})
}

// partition is the statistics of columns that are constant in a partition.
type partition struct {
	types  map[string]*schema.Type
	values map[string]string
}

func (p partition) Range(column string) (low, high Value, nulls, rows int64, ok bool) {
	text, ok := p.values[column]
	t := p.types[column]
	if !ok || t == nil {
		return low, high, 0, 0, false
	}
	if text == base.DefaultPartition || text == "" {
		if isText(t) { // null and the empty string share this folder
			return String(""), String(""), -1, -1, true
		}
		return low, high, 1, 1, true
	}
	switch {
	case t.Logical == schema.Decimal || t.Logical == schema.Date:
	case isTemporal(t) || t.Kind == schema.Bytes || t.Kind == schema.Fixed:
		// Engines write timestamps in zones and forms of their own, and binary in none.
		return low, high, 0, 0, false
	}
	v, err := ParseValue(t, text)
	if err != nil {
		return low, high, 0, 0, false
	}
	return v, v, 0, 1, true
}

// bounds is what the statistics say of a column's values that are not null.
type bounds struct {
	low, high Value // null: unknown
	none      bool  // there are no such values
	nan       bool  // NaN, which is above all bounds, may be among the values
}

func boundsOf(s Stats, c column) (b bounds) {
	low, high, nulls, rows, ok := s.Range(c.name)
	if !ok {
		return b
	}
	b.none = rows >= 0 && nulls >= rows
	b.nan = c.class() == float32Class || c.class() == float64Class
	if !isNaN(low) {
		b.low = low
	}
	if !isNaN(high) {
		b.high = high
	}
	return b
}

func isNaN(v Value) bool { return v.kind == KindFloat && math.IsNaN(v.Float()) }

// proven reports whether a op b holds; of null and of values of different kinds nothing does.
func proven(a Value, op compareOp, b Value) bool {
	order, ok := Compare(a, b)
	return ok && op.holds(order)
}

// excludes reports whether no value equals v.
func (b bounds) excludes(v Value) bool {
	return !isNaN(v) && (proven(v, opLT, b.low) || proven(v, opGT, b.high))
}

// only reports whether every value equals v.
func (b bounds) only(v Value) bool {
	return !b.nan && proven(b.low, opEQ, v) && proven(b.high, opEQ, v)
}

func (c constant) mayMatch(Stats) bool { return bool(c) }

func (c conjunction) mayMatch(s Stats) bool {
	for _, p := range c {
		if !p.mayMatch(s) {
			return false
		}
	}
	return true
}

func (d disjunction) mayMatch(s Stats) bool {
	return slices.ContainsFunc(d, func(p predicate) bool { return p.mayMatch(s) })
}

func (p nullness) mayMatch(s Stats) bool {
	_, _, nulls, rows, ok := s.Range(p.column.name)
	switch {
	case !ok:
		return true
	case p.null:
		return nulls != 0
	}
	return rows < 0 || nulls < rows
}

func (p comparison) mayMatch(s Stats) bool {
	b := boundsOf(s, p.column)
	if b.none {
		return false
	}
	switch p.op {
	case opEQ:
		return !b.excludes(p.value)
	case opNE:
		return !b.only(p.value)
	case opLT, opLE:
		return !proven(b.low, p.op.not(), p.value)
	default:
		return b.nan || !proven(b.high, p.op.not(), p.value)
	}
}

func (p pair) mayMatch(s Stats) bool {
	l, r := boundsOf(s, p.left), boundsOf(s, p.right)
	if l.none || r.none {
		return false
	}
	if l.nan || r.nan {
		return true
	}
	switch p.op {
	case opEQ:
		return !proven(l.low, opGT, r.high) && !proven(l.high, opLT, r.low)
	case opNE:
		return !(l.only(l.low) && r.only(l.low))
	case opLT, opLE:
		return !proven(l.low, p.op.not(), r.high)
	default:
		return !proven(l.high, p.op.not(), r.low)
	}
}

func (p membership) mayMatch(s Stats) bool {
	b := boundsOf(s, p.column)
	switch {
	case b.none:
		return false
	case p.negate:
		return !slices.ContainsFunc(p.sorted, b.only)
	case isNaN(p.sorted[len(p.sorted)-1]):
		return true
	}
	// The least value of the list that is not below the bounds decides.
	i, _ := slices.BinarySearchFunc(p.sorted, b.low, func(v, low Value) int {
		if proven(v, opLT, low) {
			return -1
		}
		return 1
	})
	return i < len(p.sorted) && !b.excludes(p.sorted[i])
}

func (p matching) mayMatch(s Stats) bool {
	b := boundsOf(s, p.column)
	prefix := String(p.pattern.prefix)
	if b.none {
		return false
	}
	if p.negate { // what lies between two texts with the prefix has the prefix
		return !(p.pattern.simple && hasPrefix(b.low, prefix) && hasPrefix(b.high, prefix))
	}
	return !proven(b.high, opLT, prefix) && (!proven(b.low, opGT, prefix) || hasPrefix(b.low, prefix))
}

func hasPrefix(v, prefix Value) bool {
	return v.kind == KindString && strings.HasPrefix(v.str, prefix.str)
}
