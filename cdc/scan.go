package cdc

import (
	"encoding/binary"
	"math/bits"
)

// The scanner is a set of functions over a JSON text and a position in it. They check the
// text strictly (RFC 8259) and make nothing of it: no tree, no copies. A position returned
// is that after the scanned part; a negative one, the complement of a position, says that the
// text is malformed there.

// maxDepth bounds the nesting of objects and arrays. Debezium's events need about ten levels.
const maxDepth = 64

// value is the place of a JSON value in its text. The zero value is an absent one.
type value struct {
	start, end int
	flags      textFlags
}

// textFlags tell what a string has to be looked at for.
type textFlags uint8

const (
	escaped  textFlags = 1 << iota // has backslashes
	nonASCII                       // has bytes above 0x7F, which need not be UTF-8
)

// null reports whether the value is absent or null.
func (v value) null(b []byte) bool { return v.end == 0 || b[v.start] == 'n' }

// isString reports whether the value is a string.
func (v value) isString(b []byte) bool { return v.end != 0 && b[v.start] == '"' }

// spaces has the bits of JSON's white space.
const spaces = 1<<' ' | 1<<'\t' | 1<<'\n' | 1<<'\r'

// space returns the position of the next byte that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && spaces>>b[i]&1 != 0 {
		i++
	}
	return i
}

// skipValue scans the value that starts at i.
func skipValue(b []byte, i, depth int) (end int, flags textFlags) {
	if i >= len(b) {
		return ^i, 0
	}
	switch c := b[i]; c {
	case '"':
		return scanString(b, i+1)
	case '{':
		return skipObject(b, i, depth), 0
	case '[':
		return skipArray(b, i, depth), 0
	case 't':
		return literal(b, i, "true"), 0
	case 'f':
		return literal(b, i, "false"), 0
	case 'n':
		return literal(b, i, "null"), 0
	default:
		return scanNumber(b, i), 0
	}
}

func literal(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return ^i
	}
	return i + len(word)
}

func skipObject(b []byte, i, depth int) int {
	if depth >= maxDepth {
		return ^i
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return ^i
		}
		if i, _ = scanString(b, i+1); i < 0 {
			return i
		}
		if i = space(b, i); i >= len(b) || b[i] != ':' {
			return ^i
		}
		if i, _ = skipValue(b, space(b, i+1), depth+1); i < 0 {
			return i
		}
		if i = space(b, i); i >= len(b) {
			return ^i
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return i + 1
		default:
			return ^i
		}
	}
}

func skipArray(b []byte, i, depth int) int {
	if depth >= maxDepth {
		return ^i
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i, _ = skipValue(b, i, depth+1); i < 0 {
			return i
		}
		if i = space(b, i); i >= len(b) {
			return ^i
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case ']':
			return i + 1
		default:
			return ^i
		}
	}
}

const (
	lanes = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanString scans a string from the byte after its opening quote, eight bytes a step: a step
// looks for a quote, a backslash or a control character. In each of the three sums the lowest
// marked byte is a true one.
func scanString(b []byte, i int) (int, textFlags) {
	var flags textFlags
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			q, e := w^(lanes*'"'), w^(lanes*'\\')
			special := ((q-lanes)&^q | (e-lanes)&^e | (w-lanes*0x20)&^w) & highs
			if special != 0 {
				n := bits.TrailingZeros64(special) &^ 7
				if w&highs&(1<<n-1) != 0 {
					flags |= nonASCII
				}
				i += n >> 3
				break
			}
			if w&highs != 0 {
				flags |= nonASCII
			}
			i += 8
		}
		for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
			if b[i] >= 0x80 {
				flags |= nonASCII
			}
			i++
		}
		if i >= len(b) {
			return ^i, 0
		}
		switch b[i] {
		case '"':
			return i + 1, flags
		case '\\':
			flags |= escaped
			if i = scanEscape(b, i); i < 0 {
				return i, 0
			}
		default:
			return ^i, 0
		}
	}
}

// scanEscape scans the escape whose backslash is at i.
func scanEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return ^i
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if _, ok := hex4(b, i+2); ok {
			return i + 6
		}
	}
	return ^i
}

func scanNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && b[i]-'1' < 9:
		i = digits(b, i)
	default:
		return ^i
	}
	if i < len(b) && b[i] == '.' {
		frac := i + 1
		if i = digits(b, frac); i == frac {
			return ^i
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		exp := i + 1
		if exp < len(b) && (b[exp] == '+' || b[exp] == '-') {
			exp++
		}
		if i = digits(b, exp); i == exp {
			return ^i
		}
	}
	return i
}

// digits returns the position of the next byte that is no digit.
func digits(b []byte, i int) int {
	for i+8 <= len(b) {
		if other := notDigits(binary.LittleEndian.Uint64(b[i:])); other != 0 {
			return i + bits.TrailingZeros64(other)>>3
		}
		i += 8
	}
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}

// notDigits marks the bytes of w that are no digits.
func notDigits(w uint64) uint64 {
	x := w ^ lanes*'0'
	return (x&^highs + lanes*(0x80-10) | x) & highs
}

// eightDigits is the number that eight digits make, the first in the lowest byte.
func eightDigits(w uint64) uint64 {
	const pairs = 0x000000FF000000FF
	w = w&(lanes*0x0F)*10 + w&(lanes*0x0F)>>8
	return (w&pairs*(100+1_000_000<<32) + w>>16&pairs*(1+10_000<<32)) >> 32
}
