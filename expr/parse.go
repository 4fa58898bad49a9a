package expr

import (
	"cmp"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of parentheses and NOTs, and with it the parser's stack.
const maxDepth = 200

// defaultEscape takes the special meaning from the next character of a LIKE pattern.
const defaultEscape = '\\'

// Parse reads a condition in the manner of SQL's WHERE clause:
//
//	a = 1   <> != < <= > >= ==          comparisons of a column with a literal or a column
//	a [NOT] IN (1, 2)                   a [NOT] BETWEEN 1 AND 2
//	a [NOT] LIKE 'x%_' [ESCAPE '!']     a IS [NOT] NULL
//	AND  OR  NOT  ( )                   a boolean column alone is a condition
//
// Literals are 'text', 1, -1.5e3, TRUE, FALSE, NULL, X'0AFF', DATE '2026-01-31',
// TIMESTAMP '2026-01-31 10:20:30', TIME '10:20:30'. Keywords are in either case. A name that
// is a keyword or has unusual characters stands in "double quotes" or `backticks`; a.b is
// field b of struct a. The error wraps base.ErrInvalid and names the position of the fault.
func Parse(text string) (Expr, error) {
	p := &parser{lexer: lexer{text: text}}
	if err := p.advance(); err != nil {
		return Expr{}, err
	}
	if p.tok.kind == tokEnd {
		return Expr{}, p.fault("the condition is empty")
	}
	root, err := p.or()
	if err != nil {
		return Expr{}, err
	}
	if p.tok.kind != tokEnd {
		return Expr{}, p.fault("expected AND, OR or the end of the text, found %v", p.tok)
	}
	return Expr{root: root, text: text}, nil
}

// parser is a recursive-descent parser with one token of look-ahead.
type parser struct {
	lexer
	tok   token
	depth int
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

// fault is a syntax error at the current token.
func (p *parser) fault(format string, args ...any) error {
	return syntaxError(p.text, p.tok.pos, format, args...)
}

// accept takes the keyword if it is next.
func (p *parser) accept(keyword string) (bool, error) {
	if !p.tok.is(keyword) {
		return false, nil
	}
	return true, p.advance()
}

// symbol takes the symbol if it is next.
func (p *parser) symbol(s string) (bool, error) {
	if p.tok.kind != tokSymbol || p.tok.text != s {
		return false, nil
	}
	return true, p.advance()
}

// expect takes the keyword or fails.
func (p *parser) expect(keyword string) error {
	ok, err := p.accept(keyword)
	if err == nil && !ok {
		return p.fault("expected %s, found %v", keyword, p.tok)
	}
	return err
}

// nest enters a level of nesting; the caller leaves it with p.depth--.
func (p *parser) nest() error {
	if p.depth++; p.depth > maxDepth {
		return p.fault("the condition is nested deeper than %d levels", maxDepth)
	}
	return nil
}

func (p *parser) or() (node, error)  { return p.chain("OR", true, p.and) }
func (p *parser) and() (node, error) { return p.chain("AND", false, p.not) }

// chain reads operands joined by a keyword into one node.
func (p *parser) chain(keyword string, or bool, operand func() (node, error)) (node, error) {
	first, err := operand()
	if err != nil {
		return nil, err
	}
	args := []node{first}
	for {
		ok, err := p.accept(keyword)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		arg, err := operand()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if len(args) == 1 {
		return first, nil
	}
	return logicNode{or: or, args: args}, nil
}

func (p *parser) not() (node, error) {
	pos := p.tok.pos
	ok, err := p.accept("NOT")
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.predicate()
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	arg, err := p.not()
	return notNode{arg: arg, pos: pos}, err
}

// predicate reads an operand and the test that follows it, if one does.
func (p *parser) predicate() (node, error) {
	left, err := p.primary()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == tokSymbol {
		op, ok := parseOp(p.tok.text)
		if !ok {
			return left, nil
		}
		if err := p.operand(left); err != nil {
			return nil, err
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		return p.comparison(op, left)
	}
	negate := false
	if p.tok.is("NOT") {
		negate = true
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	test := strings.ToUpper(p.tok.text)
	if p.tok.kind != tokWord || test != "IN" && test != "LIKE" && test != "BETWEEN" && (test != "IS" || negate) {
		if negate {
			return nil, p.fault("expected IN, LIKE or BETWEEN after NOT, found %v", p.tok)
		}
		return left, nil
	}
	column, ok := left.(columnNode)
	if !ok {
		return nil, syntaxError(p.text, left.position(), "%s needs a column before it", test)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch test {
	case "IN":
		return p.in(column, negate)
	case "LIKE":
		return p.like(column, negate)
	case "BETWEEN":
		return p.between(column, negate)
	default:
		return p.isNull(column)
	}
}

// operand checks that n can stand beside a comparison operator.
func (p *parser) operand(n node) error {
	switch n.(type) {
	case columnNode, literalNode:
		return nil
	}
	return syntaxError(p.text, n.position(), "only columns and literals can be compared, not conditions")
}

func (p *parser) comparison(op compareOp, left node) (node, error) {
	right, err := p.primary()
	if err != nil {
		return nil, err
	}
	if err := p.operand(right); err != nil {
		return nil, err
	}
	_, isLeft := left.(literalNode)
	_, isRight := right.(literalNode)
	if isLeft && isRight {
		return nil, syntaxError(p.text, left.position(), "one side of the comparison must be a column")
	}
	return compareNode{op: op, left: left, right: right}, nil
}

func (p *parser) in(column columnNode, negate bool) (node, error) {
	if ok, err := p.symbol("("); !ok || err != nil {
		return nil, cmp.Or(err, p.fault("expected ( after IN, found %v", p.tok))
	}
	n := inNode{column: column, negate: negate}
	for {
		v, err := p.literal("a literal in the list")
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, v)
		if ok, err := p.symbol(","); err != nil {
			return nil, err
		} else if ok {
			continue
		}
		if ok, err := p.symbol(")"); !ok || err != nil {
			return nil, cmp.Or(err, p.fault("expected , or ) in the list, found %v", p.tok))
		}
		return n, nil
	}
}

func (p *parser) like(column columnNode, negate bool) (node, error) {
	if p.tok.kind != tokString {
		return nil, p.fault("expected a pattern in 'quotes' after LIKE, found %v", p.tok)
	}
	n := likeNode{column: column, pattern: p.tok.text, escape: defaultEscape, negate: negate, pos: p.tok.pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if ok, err := p.accept("ESCAPE"); err != nil {
		return nil, err
	} else if ok {
		r, size := utf8.DecodeRuneInString(p.tok.text)
		if p.tok.kind != tokString || size == 0 || size != len(p.tok.text) || r == utf8.RuneError {
			return nil, p.fault("expected one character in 'quotes' after ESCAPE, found %v", p.tok)
		}
		n.escape = r
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if _, err := compileLike(n.pattern, n.escape); err != nil {
		return nil, syntaxError(p.text, n.pos, "%v", err)
	}
	return n, nil
}

// between reads the two bounds and gives column >= low AND column <= high.
func (p *parser) between(column columnNode, negate bool) (node, error) {
	pos := p.tok.pos
	low, err := p.primary()
	if err != nil {
		return nil, err
	}
	if err := p.operand(low); err != nil {
		return nil, err
	}
	if err := p.expect("AND"); err != nil {
		return nil, err
	}
	high, err := p.primary()
	if err != nil {
		return nil, err
	}
	if err := p.operand(high); err != nil {
		return nil, err
	}
	n := logicNode{args: []node{compareNode{opGE, column, low}, compareNode{opLE, column, high}}}
	if negate {
		return notNode{arg: n, pos: pos}, nil
	}
	return n, nil
}

func (p *parser) isNull(column columnNode) (node, error) {
	negate, err := p.accept("NOT")
	if err != nil {
		return nil, err
	}
	return nullNode{column: column, negate: negate}, p.expect("NULL")
}

// primary reads a column, a literal or a condition in parentheses.
func (p *parser) primary() (node, error) {
	pos := p.tok.pos
	if ok, err := p.symbol("("); err != nil {
		return nil, err
	} else if ok {
		if err := p.nest(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if ok, err := p.symbol(")"); !ok || err != nil {
			return nil, cmp.Or(err, p.fault("expected ) to close the ( at position %d, found %v", position(p.text, pos), p.tok))
		}
		return n, nil
	}
	if p.tok.kind == tokQuoted || p.tok.kind == tokWord && !reserved[strings.ToUpper(p.tok.text)] {
		return p.name()
	}
	return p.literal("a column or a literal")
}

// name reads a column's dotted name, or the literal that DATE, TIMESTAMP, TIME or X introduces.
func (p *parser) name() (node, error) {
	first := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if first.kind == tokWord && p.tok.kind == tokString {
		return p.typed(first)
	}
	n := columnNode{path: []string{first.text}, pos: first.pos}
	for {
		ok, err := p.symbol(".")
		if err != nil || !ok {
			return n, err
		}
		if p.tok.kind != tokWord && p.tok.kind != tokQuoted {
			return nil, p.fault("expected a field name after the point, found %v", p.tok)
		}
		n.path = append(n.path, p.tok.text)
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// typed reads the string after a word that gives it a type.
func (p *parser) typed(word token) (literalNode, error) {
	n := literalNode{text: p.tok.text, pos: word.pos}
	switch {
	case word.is("DATE"):
		n.kind = litDate
	case word.is("TIMESTAMP"):
		n.kind = litTimestamp
	case word.is("TIME"):
		n.kind = litTime
	case word.is("X"):
		raw, err := hex.DecodeString(p.tok.text)
		if err != nil {
			return n, p.fault("X'…' needs pairs of hexadecimal digits")
		}
		n.kind, n.text = litBytes, string(raw)
	default:
		return n, p.fault("expected an operator after the name %s, found %v", word.text, p.tok)
	}
	return n, p.advance()
}

// literal reads a constant; what says what was expected, for the error.
func (p *parser) literal(what string) (literalNode, error) {
	n := literalNode{text: p.tok.text, pos: p.tok.pos}
	switch {
	case p.tok.kind == tokString:
		n.kind = litString
	case p.tok.kind == tokNumber:
		n.kind = litNumber
	case p.tok.kind == tokSymbol && (p.tok.text == "-" || p.tok.text == "+"):
		sign := p.tok.text
		if err := p.advance(); err != nil {
			return n, err
		}
		if p.tok.kind != tokNumber {
			return n, p.fault("expected a number after %s, found %v", sign, p.tok)
		}
		n.kind, n.text = litNumber, strings.TrimPrefix(sign, "+")+p.tok.text
	case p.tok.is("NULL"):
		n.kind, n.text = litNull, ""
	case p.tok.is("TRUE"):
		n.kind, n.text = litTrue, ""
	case p.tok.is("FALSE"):
		n.kind, n.text = litFalse, ""
	case p.tok.kind == tokWord && !reserved[strings.ToUpper(p.tok.text)]:
		word := p.tok
		if err := p.advance(); err != nil {
			return n, err
		}
		if p.tok.kind == tokString {
			return p.typed(word)
		}
		return n, syntaxError(p.text, word.pos, "expected %s, found the name %s (put text in 'single quotes')", what, word.text)
	default:
		return n, p.fault("expected %s, found %v", what, p.tok)
	}
	return n, p.advance()
}
