package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hudi-go/hudi-go/internal/base"
)

// tokenKind says what a token is. Keywords are words; the parser compares their text.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // an unquoted name or keyword, text as written
	tokQuoted           // a "quoted" or `quoted` name, text without its quotes
	tokString           // a 'string', text without its quotes
	tokNumber           // digits with optional point and exponent, unsigned
	tokSymbol           // an operator or punctuation mark
)

// token is one lexical element and the byte offset where it begins.
type token struct {
	kind tokenKind
	text string
	pos  int
}

// String describes the token for an error message.
func (t token) String() string {
	switch t.kind {
	case tokEnd:
		return "the end of the text"
	case tokString:
		return "the string " + quote(t.text, '\'')
	case tokQuoted:
		return "the name " + quote(t.text, '"')
	}
	return "'" + t.text + "'"
}

// is reports whether t is the unquoted keyword (given in upper case).
func (t token) is(keyword string) bool {
	return t.kind == tokWord && strings.EqualFold(t.text, keyword)
}

// syntaxError reports what is wrong at a byte offset of the expression's text,
// which it shows to the user as a position that counts characters from 1.
func syntaxError(text string, pos int, format string, args ...any) error {
	return fmt.Errorf("expr: position %d: %s: %w", position(text, pos), fmt.Sprintf(format, args...), base.ErrInvalid)
}

// position counts characters up to a byte offset, from 1.
func position(text string, pos int) int { return utf8.RuneCountInString(text[:pos]) + 1 }

// lexer cuts an expression into tokens.
type lexer struct {
	text string
	pos  int
}

// next returns the next token, tokEnd for ever after the last one.
func (l *lexer) next() (token, error) {
	l.skipSpace()
	start := l.pos
	if start == len(l.text) {
		return token{kind: tokEnd, pos: start}, nil
	}
	r, size := utf8.DecodeRuneInString(l.text[start:])
	switch {
	case r == '\'':
		text, err := l.quoted('\'', "string")
		return token{tokString, text, start}, err
	case r == '"' || r == '`':
		text, err := l.quoted(byte(r), "quoted name")
		if err == nil && text == "" {
			err = syntaxError(l.text, start, "a quoted name is empty")
		}
		return token{tokQuoted, text, start}, err
	case isDigit(r), r == '.' && start+1 < len(l.text) && isDigit(rune(l.text[start+1])):
		if err := l.number(); err != nil {
			return token{}, err
		}
		return token{tokNumber, l.text[start:l.pos], start}, nil
	case isNameStart(r):
		for l.pos < len(l.text) {
			r, size := utf8.DecodeRuneInString(l.text[l.pos:])
			if !isNameStart(r) && !isDigit(r) {
				break
			}
			l.pos += size
		}
		return token{tokWord, l.text[start:l.pos], start}, nil
	}
	for _, op := range []string{"<=", ">=", "<>", "!=", "==", "||"} {
		if strings.HasPrefix(l.text[start:], op) {
			l.pos += len(op)
			return token{tokSymbol, op, start}, nil
		}
	}
	if strings.ContainsRune("()=<>,.+-*/", r) {
		l.pos += size
		return token{tokSymbol, l.text[start:l.pos], start}, nil
	}
	return token{}, syntaxError(l.text, start, "unexpected character %q", r)
}

func (l *lexer) skipSpace() {
	for l.pos < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		l.pos += size
	}
}

// quoted reads text between marks; a doubled mark stands for one.
func (l *lexer) quoted(mark byte, what string) (string, error) {
	start := l.pos
	var b strings.Builder
	for rest := l.text[start+1:]; ; {
		end := strings.IndexByte(rest, mark)
		if end < 0 {
			return "", syntaxError(l.text, start, "the %s is not closed with %c", what, mark)
		}
		b.WriteString(rest[:end])
		rest = rest[end+1:]
		if rest == "" || rest[0] != mark {
			l.pos = len(l.text) - len(rest)
			return b.String(), nil
		}
		b.WriteByte(mark)
		rest = rest[1:]
	}
}

// number reads digits[.digits][e[+-]digits], of which the lexer has seen the first character.
func (l *lexer) number() error {
	start := l.pos
	l.digits()
	if l.at(".") {
		l.pos++
		l.digits()
	}
	if l.at("eE") {
		l.pos++
		if l.at("+-") {
			l.pos++
		}
		if !l.at("0123456789") {
			return syntaxError(l.text, start, "the number %s has no digits in its exponent", l.text[start:l.pos])
		}
		l.digits()
	}
	if r, _ := utf8.DecodeRuneInString(l.text[l.pos:]); l.pos < len(l.text) && isNameStart(r) {
		return syntaxError(l.text, start, "the number %s runs into %q: put a space between them, or quote a name as \"…\"", l.text[start:l.pos], r)
	}
	return nil
}

func (l *lexer) digits() {
	for l.at("0123456789") {
		l.pos++
	}
}

// at reports whether the next byte is one of set.
func (l *lexer) at(set string) bool {
	return l.pos < len(l.text) && strings.IndexByte(set, l.text[l.pos]) >= 0
}

func isDigit(r rune) bool     { return r >= '0' && r <= '9' }
func isNameStart(r rune) bool { return r == '_' || r == '$' || r == '@' || unicode.IsLetter(r) }

// quote writes s between marks, doubling those inside.
func quote(s string, mark byte) string {
	m := string(mark)
	return m + strings.ReplaceAll(s, m, m+m) + m
}
