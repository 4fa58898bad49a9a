package expr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Assignment gives a column a value, as in SQL's SET. It knows no schema yet.
type Assignment struct {
	column columnNode
	value  node
	text   string
}

// ParseAssignment reads one assignment:
//
//	a = 1        a = NULL        a = b        a = DATE '2026-01-31'
//	a = b + 1    + - * / ( )     numbers
//	a = b || 'x'                 text
//	a = COALESCE(b, 0)           the first that is not null; also CONCAT, UPPER, LOWER, TRIM
//
// Names and literals are those of Parse. The error wraps base.ErrInvalid and names the
// position of the fault.
func ParseAssignment(text string) (Assignment, error) {
	p := &parser{lexer: lexer{text: text}}
	if err := p.advance(); err != nil {
		return Assignment{}, err
	}
	if p.tok.kind != tokQuoted && p.tok.kind != tokWord {
		return Assignment{}, p.fault("expected column = value, found %v", p.tok)
	}
	name, err := p.name()
	if err != nil {
		return Assignment{}, err
	}
	column, ok := name.(columnNode)
	if !ok {
		return Assignment{}, syntaxError(text, name.position(), "expected column = value")
	}
	if ok, err := p.symbol("="); !ok || err != nil {
		return Assignment{}, cmp.Or(err, p.fault("expected = after the column, found %v", p.tok))
	}
	value, err := p.sum()
	if err != nil {
		return Assignment{}, err
	}
	if p.tok.kind != tokEnd {
		return Assignment{}, p.fault("expected an operator or the end of the text, found %v", p.tok)
	}
	return Assignment{column, value, text}, nil
}

// String writes the assignment in a form that ParseAssignment reads back to an equal one.
func (a Assignment) String() string {
	var b strings.Builder
	a.column.format(&b, rankPredicate)
	b.WriteString(" = ")
	a.value.format(&b, rankSum)
	return b.String()
}

// The ranks of arithmetic, which lies within predicates.
const (
	rankSum = rankPredicate + 1 + iota
	rankProduct
	rankFactor
)

// arithNode joins two values by + - * / or ||.
type arithNode struct {
	op          string
	left, right node
}

// callNode is a function of values.
type callNode struct {
	name string
	args []node
	pos  int
}

func (n arithNode) position() int { return n.left.position() }
func (n callNode) position() int  { return n.pos }

func (n arithNode) format(b *strings.Builder, rank int) {
	own := rankSum
	if n.op == "*" || n.op == "/" {
		own = rankProduct
	}
	if rank > own {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	n.left.format(b, own)
	b.WriteString(" " + n.op + " ")
	n.right.format(b, own+1)
}

func (n callNode) format(b *strings.Builder, _ int) {
	b.WriteString(n.name + "(")
	for i, arg := range n.args {
		if i > 0 {
			b.WriteString(", ")
		}
		arg.format(b, rankSum)
	}
	b.WriteByte(')')
}

func (p *parser) sum() (node, error)     { return p.operators(p.product, "+", "-", "||") }
func (p *parser) product() (node, error) { return p.operators(p.factor, "*", "/") }

// operators reads operands that some operators join, from left to right.
func (p *parser) operators(operand func() (node, error), ops ...string) (node, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for p.tok.kind == tokSymbol && slices.Contains(ops, p.tok.text) {
		op := p.tok.text
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = arithNode{op, left, right}
	}
	return left, nil
}

// factor reads a value in parentheses, a literal, a column or a call.
func (p *parser) factor() (node, error) {
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	pos := p.tok.pos
	if ok, err := p.symbol("("); err != nil {
		return nil, err
	} else if ok {
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		if ok, err := p.symbol(")"); !ok || err != nil {
			return nil, cmp.Or(err, p.fault("expected ) to close the ( at position %d, found %v", position(p.text, pos), p.tok))
		}
		return n, nil
	}
	if p.tok.kind != tokQuoted && (p.tok.kind != tokWord || reserved[strings.ToUpper(p.tok.text)]) {
		return p.literal("a value")
	}
	word := p.tok
	n, err := p.name()
	if err != nil || word.kind != tokWord {
		return n, err
	}
	if ok, err := p.symbol("("); !ok || err != nil {
		return n, err
	}
	call := callNode{name: strings.ToUpper(word.text), pos: pos}
	for {
		arg, err := p.sum()
		if err != nil {
			return nil, err
		}
		call.args = append(call.args, arg)
		if ok, err := p.symbol(","); err != nil {
			return nil, err
		} else if ok {
			continue
		}
		if ok, err := p.symbol(")"); !ok || err != nil {
			return nil, cmp.Or(err, p.fault("expected , or ) in the call, found %v", p.tok))
		}
		return call, nil
	}
}

// Setter gives columns of one schema new values. It is immutable and safe for concurrent use.
type Setter struct {
	columns []assigned
}

type assigned struct {
	field schema.Field
	typ   arrow.DataType
	value evaluation
}

// BindAssignments resolves assignments to columns of a schema. Errors wrap base.ErrInvalid
// and name the position.
func BindAssignments(list []Assignment, s *schema.Schema) (*Setter, error) {
	out := &Setter{}
	for _, a := range list {
		b := &binder{text: a.text, schema: s, bound: &Bound{types: make(map[string]*schema.Type)}}
		if len(a.column.path) != 1 {
			return nil, b.fault(a.column.pos, "a field within a column cannot be set by itself")
		}
		f, err := lookup(s.Record(), a.column.path[0])
		if err != nil {
			return nil, fmt.Errorf("expr: position %d: %w", position(a.text, a.column.pos), err)
		}
		if slices.ContainsFunc(out.columns, func(c assigned) bool { return c.field.Name == f.Name }) {
			return nil, b.fault(a.column.pos, "column %s is set twice", f.Name)
		}
		set := assigned{field: f}
		if set.typ, err = f.Type.Arrow(); err != nil {
			return nil, err
		}
		if set.value, err = b.assign(f, set.typ, a.value); err != nil {
			return nil, err
		}
		out.columns = append(out.columns, set)
	}
	return out, nil
}

// Columns are the names of the columns that are set.
func (s *Setter) Columns() []string {
	out := make([]string, len(s.columns))
	for i, c := range s.columns {
		out[i] = c.field.Name
	}
	return out
}

// Apply returns the rows of a batch with the new values, which are all made of the old ones.
// The caller releases the result. A value that its column cannot hold wraps base.ErrInvalid.
func (s *Setter) Apply(batch arrow.RecordBatch, alloc memory.Allocator) (arrow.RecordBatch, error) {
	columns := slices.Clone(batch.Columns())
	var made []arrow.Array
	defer func() {
		for _, a := range made {
			a.Release()
		}
	}()
	for _, c := range s.columns {
		at := batch.Schema().FieldIndices(c.field.Name)
		if len(at) != 1 {
			return nil, fmt.Errorf("expr: the rows have %d columns named %q: %w", len(at), c.field.Name, base.ErrInvalid)
		}
		a, err := c.value(rows{batch, int(batch.NumRows())}, alloc)
		if err != nil {
			return nil, fmt.Errorf("expr: set column %s: %w", c.field.Name, err)
		}
		made = append(made, a)
		if !c.field.Type.Nullable && a.NullN() > 0 {
			return nil, fmt.Errorf("expr: set column %s: the value is null, and the column takes none: %w", c.field.Name, base.ErrInvalid)
		}
		columns[at[0]] = a
	}
	return array.NewRecordBatch(batch.Schema(), columns, batch.NumRows()), nil
}
