// Package expr holds filter conditions: it parses them, gives them the types of a table's
// columns, evaluates them on Arrow batches, and says from statistics or partition values
// whether rows can match at all.
//
// A condition selects the rows for which it is true; false and unknown (null) are the same to
// it. Bind therefore pushes every NOT down to the tests, where SQL's three-valued logic says
// that a negated test of a null is still unknown. What remains are ANDs and ORs of tests, and
// these need to know of a row only whether it surely matches.
package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/schema"
)

// Bound is a condition on the columns of one schema. It is immutable and safe for concurrent use.
type Bound struct {
	root    predicate
	columns []string
	types   map[string]*schema.Type // by the dotted names that Stats is asked for
}

// predicate is a bound condition without negations.
type predicate interface {
	// eval sets the bits of the rows for which the condition is true and clears the others.
	// Bits beyond the last row are undefined.
	eval(r rows, dst []byte) error
	// mayMatch is false when the statistics prove that the condition is true of no row.
	mayMatch(s Stats) bool
}

// Bind resolves the columns of e in s, first by their exact names, then in any case, and
// gives each literal the type of the column it meets. Errors wrap base.ErrInvalid and name
// the position; for an unknown column they propose the nearest.
func Bind(e Expr, s *schema.Schema) (*Bound, error) {
	b := &binder{text: e.text, schema: s, bound: &Bound{types: make(map[string]*schema.Type)}}
	b.bound.root = constant(true)
	if e.root != nil {
		root, err := b.bind(e.root, false)
		if err != nil {
			return nil, err
		}
		b.bound.root = root
	}
	return b.bound, nil
}

// Columns returns the top-level columns that the condition reads, in the order of their first
// use. The caller must not change it.
func (b *Bound) Columns() []string { return b.columns }

type binder struct {
	text   string
	schema *schema.Schema
	bound  *Bound
}

func (b *binder) fault(pos int, format string, args ...any) error {
	return syntaxError(b.text, pos, format, args...)
}

// bind translates a condition, or its negation.
func (b *binder) bind(n node, negate bool) (predicate, error) {
	switch n := n.(type) {
	case notNode:
		return b.bind(n.arg, !negate)
	case logicNode:
		return b.logic(n, negate)
	case compareNode:
		return b.compare(n, negate)
	case inNode:
		return b.in(n, negate != n.negate)
	case likeNode:
		return b.like(n, negate != n.negate)
	case nullNode:
		c, err := b.column(n.column)
		if err != nil {
			return nil, err
		}
		return nullness{column: c, null: negate == n.negate}, nil
	case columnNode:
		return b.condition(n, negate)
	case literalNode:
		switch n.kind {
		case litTrue, litFalse:
			return constant((n.kind == litTrue) != negate), nil
		case litNull:
			return constant(false), nil
		}
	}
	return nil, b.fault(n.position(), "a literal alone is not a condition")
}

// logic joins conditions; the negation of AND is OR of the negations, and the reverse.
func (b *binder) logic(n logicNode, negate bool) (predicate, error) {
	or := n.or != negate
	decided := false
	var args []predicate
	for _, arg := range n.args {
		p, err := b.bind(arg, negate)
		if err != nil {
			return nil, err
		}
		if c, ok := p.(constant); ok {
			decided = decided || bool(c) == or // TRUE decides an OR, FALSE an AND
			continue
		}
		args = append(args, p)
	}
	switch {
	case decided:
		return constant(or), nil
	case len(args) == 0:
		return constant(!or), nil
	case len(args) == 1:
		return args[0], nil
	case or:
		return disjunction(args), nil
	}
	return conjunction(args), nil
}

// condition makes a test of a boolean column that stands alone.
func (b *binder) condition(n columnNode, negate bool) (predicate, error) {
	c, err := b.column(n)
	if err != nil {
		return nil, err
	}
	if c.typ.Kind != schema.Boolean {
		return nil, b.fault(n.pos, "column %s is %s and not boolean: compare it with something", c.name, typeName(c.typ))
	}
	return comparison{column: c, op: opEQ, value: Bool(!negate)}, nil
}

func (b *binder) compare(n compareNode, negate bool) (predicate, error) {
	op := n.op
	if negate {
		op = op.not()
	}
	left, right := n.left, n.right
	if _, ok := left.(literalNode); ok {
		left, right, op = right, left, op.flip()
	}
	c, err := b.scalar(left.(columnNode))
	if err != nil {
		return nil, err
	}
	if other, ok := right.(columnNode); ok {
		return b.compareColumns(c, other, op)
	}
	lit := right.(literalNode)
	if lit.kind == litNull {
		return constant(false), nil
	}
	v, side, err := typed(c.typ, lit)
	if err != nil {
		return nil, b.fault(lit.pos, "column %s: %v", c.name, err)
	}
	return compareNear(c, op, v, side), nil
}

// compareNear compares a column with a literal that lies on the given side of v, with no
// value of the column's type between the two.
func compareNear(c column, op compareOp, v Value, side int) predicate {
	if side == 0 {
		return comparison{column: c, op: op, value: v}
	}
	switch op {
	case opEQ:
		return constant(false)
	case opNE:
		return nullness{column: c, null: false}
	case opLT, opLE:
		op = opLT
		if side > 0 {
			op = opLE
		}
	default:
		op = opGE
		if side > 0 {
			op = opGT
		}
	}
	return comparison{column: c, op: op, value: v}
}

func (b *binder) compareColumns(left column, n columnNode, op compareOp) (predicate, error) {
	right, err := b.scalar(n)
	if err != nil {
		return nil, err
	}
	l, r := left.typ, right.typ
	same := l.Logical == r.Logical && left.class() == right.class() && l.Scale == r.Scale
	if !same && (!isText(l) || !isText(r)) {
		return nil, b.fault(n.pos, "columns %s (%s) and %s (%s) have different types and cannot be compared", left.name, typeName(l), right.name, typeName(r))
	}
	return pair{left: left, right: right, op: op}, nil
}

func (b *binder) in(n inNode, negate bool) (predicate, error) {
	c, err := b.scalar(n.column)
	if err != nil {
		return nil, err
	}
	hasNull := false
	values := make([]Value, 0, len(n.list))
	for _, lit := range n.list {
		if lit.kind == litNull {
			hasNull = true
			continue
		}
		v, side, err := typed(c.typ, lit)
		if err != nil {
			return nil, b.fault(lit.pos, "column %s: %v", c.name, err)
		}
		if side == 0 { // else no value of the column equals it
			values = append(values, v)
		}
	}
	switch {
	case negate && hasNull: // false or unknown of every row
		return constant(false), nil
	case len(values) == 0 && negate:
		return nullness{column: c, null: false}, nil
	case len(values) == 0:
		return constant(false), nil
	}
	return newMembership(c, values, negate), nil
}

func (b *binder) like(n likeNode, negate bool) (predicate, error) {
	c, err := b.column(n.column)
	if err != nil {
		return nil, err
	}
	if !isText(c.typ) {
		return nil, b.fault(n.column.pos, "column %s is %s: LIKE needs text", c.name, typeName(c.typ))
	}
	p, err := compileLike(n.pattern, n.escape)
	if err != nil {
		return nil, b.fault(n.pos, "%v", err)
	}
	if text, ok := p.literal(); ok {
		op := opEQ
		if negate {
			op = opNE
		}
		return comparison{column: c, op: op, value: String(text)}, nil
	}
	return matching{column: c, pattern: p, negate: negate}, nil
}

// scalar resolves a column whose values can be compared.
func (b *binder) scalar(n columnNode) (column, error) {
	c, err := b.column(n)
	if err == nil && c.class() == nestedClass {
		err = b.fault(n.pos, "column %s is %s: only IS NULL, IS NOT NULL and the fields of a record can be tested", c.name, typeName(c.typ))
	}
	return c, err
}

// column resolves a dotted name and notes its use.
func (b *binder) column(n columnNode) (column, error) {
	t := b.schema.Record()
	c := column{path: make([]string, len(n.path))}
	for i, name := range n.path {
		if t.Kind != schema.Record {
			return c, b.fault(n.pos, "column %s is %s and has no field %q", strings.Join(c.path[:i], "."), typeName(t), name)
		}
		f, err := lookup(t, name)
		if err != nil {
			return c, fmt.Errorf("expr: position %d: %w", position(b.text, n.pos), err)
		}
		c.path[i], t = f.Name, f.Type
	}
	c.typ, c.name = t, strings.Join(c.path, ".")
	if !slices.Contains(b.bound.columns, c.path[0]) {
		b.bound.columns = append(b.bound.columns, c.path[0])
	}
	b.bound.types[c.name] = t
	return c, nil
}

// lookup finds a field by its exact name, else by the only one that differs in case.
func lookup(t *schema.Type, name string) (schema.Field, error) {
	f, _, err := t.Lookup(name)
	if err == nil {
		return f, nil
	}
	found := 0
	for _, candidate := range t.Fields {
		if strings.EqualFold(candidate.Name, name) {
			f = candidate
			found++
		}
	}
	if found == 1 {
		return f, nil
	}
	return schema.Field{}, err
}

func isText(t *schema.Type) bool { return t.Kind == schema.String || t.Kind == schema.Enum }
