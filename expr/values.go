package expr

import "slices"

// Values returns values of a column, named by its path joined by points, such that the
// condition is true of no row with another value; ok is false when the condition does not
// say so. Without any value it is true of no row.
func (b *Bound) Values(column string) (values []Value, ok bool) { return among(b.root, column) }

func among(p predicate, column string) (values []Value, ok bool) {
	switch p := p.(type) {
	case constant:
		return nil, !bool(p)
	case comparison:
		if p.op == opEQ && p.column.name == column {
			return []Value{p.value}, true
		}
	case membership:
		if !p.negate && p.column.name == column {
			return slices.Clone(p.sorted), true
		}
	case conjunction:
		for _, part := range p {
			if some, one := among(part, column); one && (!ok || len(some) < len(values)) {
				values, ok = some, true
			}
		}
		return values, ok
	case disjunction:
		for _, part := range p {
			some, one := among(part, column)
			if !one {
				return nil, false
			}
			values = append(values, some...)
		}
		return values, true
	}
	return nil, false
}
