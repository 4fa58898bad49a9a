package expr

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// Expr is a parsed filter that knows no schema yet; Bind gives it one. It is immutable.
// The zero Expr is TRUE.
type Expr struct {
	root node
	text string // what was parsed, for the positions in errors
}

// String writes the expression in a form that Parse reads back to an equal one.
func (e Expr) String() string {
	if e.root == nil {
		return "TRUE"
	}
	var b strings.Builder
	e.root.format(&b, rankOr)
	return b.String()
}

// The ranks of operators, loosest first. A node in the place of a tighter one needs parentheses.
const (
	rankOr = iota
	rankAnd
	rankNot
	rankPredicate
)

// node is an element of the syntax tree.
type node interface {
	// position is the byte offset of the node in the text, for errors.
	position() int
	// format writes the node where an operator of the rank stands around it.
	format(b *strings.Builder, rank int)
}

// logicNode joins two or more conditions by AND or OR.
type logicNode struct {
	or   bool
	args []node
}

// notNode negates a condition.
type notNode struct {
	arg node
	pos int
}

// compareNode compares a column with a literal or another column.
type compareNode struct {
	op          compareOp
	left, right node
}

// inNode tests whether a column's value is among literals.
type inNode struct {
	column columnNode
	list   []literalNode
	negate bool
}

// likeNode matches a text column with a pattern.
type likeNode struct {
	column  columnNode
	pattern string
	escape  rune
	negate  bool
	pos     int // of the pattern
}

// nullNode tests a column for null.
type nullNode struct {
	column columnNode
	negate bool
}

// columnNode names a column, or a field inside a struct column.
type columnNode struct {
	path []string
	pos  int
}

// literalKind is the syntactic kind of a literal. Its type comes from the column it meets.
type literalKind uint8

const (
	litNull literalKind = iota
	litTrue
	litFalse
	litNumber
	litString
	litBytes
	litDate
	litTimestamp
	litTime
)

// literalNode is a constant: the number as written, the string or the bytes themselves.
type literalNode struct {
	kind literalKind
	text string
	pos  int
}

func (n logicNode) position() int   { return n.args[0].position() }
func (n notNode) position() int     { return n.pos }
func (n compareNode) position() int { return n.left.position() }
func (n inNode) position() int      { return n.column.pos }
func (n likeNode) position() int    { return n.column.pos }
func (n nullNode) position() int    { return n.column.pos }
func (n columnNode) position() int  { return n.pos }
func (n literalNode) position() int { return n.pos }

func (n logicNode) format(b *strings.Builder, rank int) {
	own, word := rankAnd, " AND "
	if n.or {
		own, word = rankOr, " OR "
	}
	if rank > own {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, arg := range n.args {
		if i > 0 {
			b.WriteString(word)
		}
		arg.format(b, own+1)
	}
}

func (n notNode) format(b *strings.Builder, _ int) {
	b.WriteString("NOT ")
	n.arg.format(b, rankNot)
}

func (n compareNode) format(b *strings.Builder, _ int) {
	n.left.format(b, rankPredicate)
	b.WriteString(" " + n.op.String() + " ")
	n.right.format(b, rankPredicate)
}

func (n inNode) format(b *strings.Builder, _ int) {
	n.column.format(b, rankPredicate)
	b.WriteString(negated(n.negate, " IN ("))
	for i, v := range n.list {
		if i > 0 {
			b.WriteString(", ")
		}
		v.format(b, rankPredicate)
	}
	b.WriteByte(')')
}

func (n likeNode) format(b *strings.Builder, _ int) {
	n.column.format(b, rankPredicate)
	b.WriteString(negated(n.negate, " LIKE "))
	b.WriteString(quote(n.pattern, '\''))
	if n.escape != defaultEscape {
		b.WriteString(" ESCAPE " + quote(string(n.escape), '\''))
	}
}

func (n nullNode) format(b *strings.Builder, _ int) {
	n.column.format(b, rankPredicate)
	if n.negate {
		b.WriteString(" IS NOT NULL")
	} else {
		b.WriteString(" IS NULL")
	}
}

func (n columnNode) format(b *strings.Builder, _ int) {
	for i, name := range n.path {
		if i > 0 {
			b.WriteByte('.')
		}
		if plainName(name) {
			b.WriteString(name)
		} else {
			b.WriteString(quote(name, '"'))
		}
	}
}

func (n literalNode) format(b *strings.Builder, _ int) {
	switch n.kind {
	case litNull:
		b.WriteString("NULL")
	case litTrue:
		b.WriteString("TRUE")
	case litFalse:
		b.WriteString("FALSE")
	case litNumber:
		b.WriteString(n.text)
	case litString:
		b.WriteString(quote(n.text, '\''))
	case litBytes:
		b.WriteString("X'" + strings.ToUpper(hex.EncodeToString([]byte(n.text))) + "'")
	case litDate:
		b.WriteString("DATE " + quote(n.text, '\''))
	case litTimestamp:
		b.WriteString("TIMESTAMP " + quote(n.text, '\''))
	case litTime:
		b.WriteString("TIME " + quote(n.text, '\''))
	}
}

// literalText is a literal as the user would write it.
func literalText(n literalNode) string {
	var b strings.Builder
	n.format(&b, rankPredicate)
	return b.String()
}

func negated(negate bool, word string) string {
	if negate {
		return " NOT" + word
	}
	return word
}

// reserved are the words that cannot name a column without quotes.
var reserved = map[string]bool{
	"AND": true, "OR": true, "NOT": true, "IN": true, "BETWEEN": true, "LIKE": true,
	"ESCAPE": true, "IS": true, "NULL": true, "TRUE": true, "FALSE": true,
}

// plainName reports whether the lexer reads name, unquoted, as one name.
func plainName(name string) bool {
	if reserved[strings.ToUpper(name)] {
		return false
	}
	for i, r := range name {
		if r == utf8.RuneError || !isNameStart(r) && (i == 0 || !isDigit(r)) {
			return false
		}
	}
	return name != ""
}
