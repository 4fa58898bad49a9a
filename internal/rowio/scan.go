package rowio

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// maxJSONDepth bounds the nesting of values, and with it the stack.
const maxJSONDepth = 100

// scanner reads JSON from a buffer, value by value, in the order of the text.
type scanner struct {
	buf     []byte
	pos     int
	depth   int
	scratch []byte // unescaped text
}

// reset begins a new text.
func (s *scanner) reset(buf []byte) { s.buf, s.pos, s.depth = buf, 0, 0 }

// tokenKind is what begins a value.
type tokenKind string

const (
	tokNull   tokenKind = "null"
	tokBool   tokenKind = "a boolean"
	tokNumber tokenKind = "a number"
	tokString tokenKind = "a string"
	tokArray  tokenKind = "an array"
	tokObject tokenKind = "an object"
)

// fault is an error of JSON's grammar at the current position.
func (s *scanner) fault(want string) error {
	if s.pos >= len(s.buf) {
		return fmt.Errorf("broken JSON: expected %s, found the end", want)
	}
	r, _ := utf8.DecodeRune(s.buf[s.pos:])
	return fmt.Errorf("broken JSON: expected %s at byte %d, found %q", want, s.pos+1, r)
}

func (s *scanner) space() {
	for s.pos < len(s.buf) {
		switch s.buf[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// end checks that nothing follows.
func (s *scanner) end() error {
	if s.space(); s.pos < len(s.buf) {
		return s.fault("the end of the line")
	}
	return nil
}

// peek skips white space and tells what value comes.
func (s *scanner) peek() (tokenKind, error) {
	s.space()
	if s.pos < len(s.buf) {
		switch c := s.buf[s.pos]; c {
		case '{':
			return tokObject, nil
		case '[':
			return tokArray, nil
		case '"':
			return tokString, nil
		case 't', 'f':
			return tokBool, nil
		case 'n':
			return tokNull, nil
		default:
			if c == '-' || c >= '0' && c <= '9' {
				return tokNumber, nil
			}
		}
	}
	return "", s.fault("a value")
}

// word takes true, false or null.
func (s *scanner) word() (string, error) {
	for _, w := range []string{"true", "false", "null"} {
		if end := s.pos + len(w); end <= len(s.buf) && string(s.buf[s.pos:end]) == w {
			s.pos = end
			return w, nil
		}
	}
	return "", s.fault("true, false or null")
}

// number takes a number and returns it as written. The text is valid until the buffer changes.
func (s *scanner) number() (string, error) {
	start := s.pos
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++
	} else if !s.digits() {
		return "", s.fault("a digit")
	}
	if s.at('.') {
		if s.pos++; !s.digits() {
			return "", s.fault("a digit")
		}
	}
	if s.at('e') || s.at('E') {
		if s.pos++; s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return "", s.fault("a digit")
		}
	}
	return view(s.buf[start:s.pos]), nil
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.buf) && s.buf[s.pos] == c }

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.buf) && s.buf[s.pos] >= '0' && s.buf[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// str takes a string. The text is valid UTF-8, and valid until the next string.
func (s *scanner) str() (string, error) {
	if !s.at('"') {
		return "", s.fault(`a "`)
	}
	s.pos++
	start, ascii := s.pos, true
	for ; s.pos < len(s.buf); s.pos++ {
		switch c := s.buf[s.pos]; {
		case c == '"':
			text := s.buf[start:s.pos]
			s.pos++
			if ascii || utf8.Valid(text) {
				return view(text), nil
			}
			s.scratch = appendValid(s.scratch[:0], text)
			return view(s.scratch), nil
		case c == '\\':
			s.scratch = appendValid(s.scratch[:0], s.buf[start:s.pos])
			return s.escaped()
		case c < ' ':
			return "", s.fault("no control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", s.fault(`a " that ends the string`)
}

// escaped goes on with a string at its first backslash.
func (s *scanner) escaped() (string, error) {
	for s.pos < len(s.buf) {
		start := s.pos
		for s.pos < len(s.buf) && s.buf[s.pos] != '"' && s.buf[s.pos] != '\\' && s.buf[s.pos] >= ' ' {
			s.pos++
		}
		s.scratch = appendValid(s.scratch, s.buf[start:s.pos])
		switch {
		case s.pos == len(s.buf):
		case s.buf[s.pos] == '"':
			s.pos++
			return view(s.scratch), nil
		case s.buf[s.pos] < ' ':
			return "", s.fault("no control character in a string")
		default:
			s.pos++
			if err := s.escape(); err != nil {
				return "", err
			}
		}
	}
	return "", s.fault(`a " that ends the string`)
}

// escape takes what follows a backslash.
func (s *scanner) escape() error {
	if s.pos == len(s.buf) {
		return s.fault("an escape")
	}
	c := s.buf[s.pos]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		s.pos++
		return s.unicode()
	default:
		return s.fault("an escape")
	}
	s.scratch = append(s.scratch, c)
	s.pos++
	return nil
}

// unicode takes the four digits after \u, and a second such escape that completes a surrogate
// pair. Half a pair becomes U+FFFD.
func (s *scanner) unicode() error {
	r, err := s.hex()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) && s.pos+1 < len(s.buf) && s.buf[s.pos] == '\\' && s.buf[s.pos+1] == 'u' {
		back := s.pos
		s.pos += 2
		low, err := s.hex()
		if err != nil {
			return err
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			s.pos = back // the second is a character of its own
		}
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return nil
}

func (s *scanner) hex() (rune, error) {
	var r rune
	for range 4 {
		if s.pos == len(s.buf) {
			return 0, s.fault("four hexadecimal digits")
		}
		switch c := s.buf[s.pos]; {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, s.fault("four hexadecimal digits")
		}
		s.pos++
	}
	return r, nil
}

// elements runs each at the beginning of every element of the array that comes next; each
// must take the element.
func (s *scanner) elements(each func() error) error {
	return s.sequence('[', ']', "an array", each)
}

// members runs each at the beginning of every value of the object that comes next, with the
// member's name, which is valid only until each takes something; each must take the value.
func (s *scanner) members(each func(name string) error) error {
	return s.sequence('{', '}', "an object", func() error {
		s.space()
		name, err := s.str()
		if err != nil {
			return err
		}
		if s.space(); !s.at(':') {
			return s.fault("a colon")
		}
		s.pos++
		return each(name)
	})
}

func (s *scanner) sequence(open, shut byte, what string, each func() error) error {
	if s.space(); !s.at(open) {
		return s.fault(what)
	}
	if s.depth++; s.depth > maxJSONDepth {
		return fmt.Errorf("nested deeper than %d levels", maxJSONDepth)
	}
	defer func() { s.depth-- }()
	s.pos++
	if s.space(); s.at(shut) {
		s.pos++
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		s.space()
		switch {
		case s.at(shut):
			s.pos++
			return nil
		case !s.at(','):
			return s.fault("a comma or " + string(rune(shut)))
		}
		s.pos++
	}
}

// skip takes any value.
func (s *scanner) skip() error {
	kind, err := s.peek()
	if err != nil {
		return err
	}
	switch kind {
	case tokObject:
		return s.members(func(string) error { return s.skip() })
	case tokArray:
		return s.elements(s.skip)
	case tokString:
		_, err = s.str()
	case tokNumber:
		_, err = s.number()
	default:
		_, err = s.word()
	}
	return err
}

// appendValid appends text with U+FFFD in place of what is not UTF-8.
func appendValid(dst, text []byte) []byte {
	if utf8.Valid(text) {
		return append(dst, text...)
	}
	for _, r := range string(text) {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// view is b as a string, without a copy: it changes when b does.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
