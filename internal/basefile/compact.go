package basefile

import (
	"encoding/binary"
	"fmt"
)

// Types of Thrift's compact protocol, in which the footer is written.
const (
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactI16    = 4
	compactI32    = 5
	compactI64    = 6
	compactDouble = 7
	compactBinary = 8
	compactList   = 9
	compactSet    = 10
	compactMap    = 11
	compactStruct = 12

	maxNesting = 32
)

// compact steps through a structure in Thrift's compact protocol. After an error all steps
// do nothing.
type compact struct {
	b   []byte
	at  int
	err error
}

func (c *compact) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("at %d: %s", c.at, fmt.Sprintf(format, args...))
	}
}

func (c *compact) byte() byte {
	if c.err != nil || c.at >= len(c.b) {
		c.fail("the bytes end too early")
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

func (c *compact) varint() uint64 {
	if c.err != nil {
		return 0
	}
	v, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 {
		c.fail("no number")
		return 0
	}
	c.at += n
	return v
}

func (c *compact) bytes(n uint64) []byte {
	if c.err != nil || n > uint64(len(c.b)-c.at) {
		c.fail("%d bytes of %d", n, len(c.b)-c.at)
		return nil
	}
	c.at += int(n)
	return c.b[c.at-int(n) : c.at]
}

// field reads the head of the next field of a struct, given the one before; type 0 ends it.
func (c *compact) field(field *int) (kind byte) {
	head := c.byte()
	if c.err != nil || head == 0 {
		return 0
	}
	if delta := head >> 4; delta > 0 {
		*field += int(delta)
	} else {
		id := c.varint()
		*field = int(id>>1) ^ -int(id&1)
	}
	return head & 0xf
}

// list reads the head of a list of structs.
func (c *compact) list() uint64 {
	n, kind := c.listHead()
	if kind != compactStruct && n > 0 {
		c.fail("a list of type %d", kind)
		return 0
	}
	return n
}

func (c *compact) listHead() (n uint64, kind byte) {
	head := c.byte()
	if n = uint64(head >> 4); n == 15 {
		n = c.varint()
	}
	if n > uint64(len(c.b)-c.at) { // an element takes a byte at least
		c.fail("a list of %d", n)
		return 0, 0
	}
	return n, head & 0xf
}

// skip passes over a value.
func (c *compact) skip(kind byte, depth int) {
	if depth > maxNesting {
		c.fail("structures nest deeper than %d", maxNesting)
	}
	if c.err != nil {
		return
	}
	switch kind {
	case compactTrue, compactFalse: // the type is the value
	case compactByte:
		c.byte()
	case compactI16, compactI32, compactI64:
		c.varint()
	case compactDouble:
		c.bytes(8)
	case compactBinary:
		c.bytes(c.varint())
	case compactList, compactSet:
		n, kind := c.listHead()
		for range n {
			if c.err != nil {
				return
			}
			c.skipElement(kind, depth+1)
		}
	case compactMap:
		n := c.varint()
		if n == 0 {
			return
		}
		kinds := c.byte()
		for range n {
			if c.err != nil {
				return
			}
			c.skipElement(kinds>>4, depth+1)
			c.skipElement(kinds&0xf, depth+1)
		}
	case compactStruct:
		for field := 0; c.err == nil; {
			kind := c.field(&field)
			if kind == 0 {
				return
			}
			c.skip(kind, depth+1)
		}
	default:
		c.fail("a value of type %d", kind)
	}
}

// skipElement passes over an element of a list or map, where a boolean takes a byte.
func (c *compact) skipElement(kind byte, depth int) {
	if kind == compactTrue || kind == compactFalse {
		kind = compactByte
	}
	c.skip(kind, depth)
}

// number reads a signed integer.
func (c *compact) number() int64 {
	v := c.varint()
	return int64(v>>1) ^ -int64(v&1)
}

// each calls f for the fields of a struct, whose end it passes. f reads or skips the value.
func (c *compact) each(f func(field int, kind byte)) {
	for field := 0; c.err == nil; {
		kind := c.field(&field)
		if kind == 0 {
			return
		}
		f(field, kind)
	}
}

// raw passes over a value and returns its bytes.
func (c *compact) raw(kind byte) []byte {
	from := c.at
	c.skip(kind, 0)
	if c.err != nil {
		return nil
	}
	return c.b[from:c.at]
}

// compactStructure is a struct being written in Thrift's compact protocol, field by field in
// ascending order.
type compactStructure struct {
	b    []byte
	last int
}

// field appends a field whose value is encoded already.
func (s *compactStructure) field(id int, kind byte, value []byte) {
	if delta := id - s.last; delta > 0 && delta <= 15 {
		s.b = append(s.b, byte(delta)<<4|kind)
	} else {
		s.b = appendNumber(append(s.b, kind), int64(id))
	}
	s.last = id
	s.b = append(s.b, value...)
}

func (s *compactStructure) number(id int, kind byte, v int64) {
	s.field(id, kind, appendNumber(nil, v))
}

// end returns the whole struct.
func (s *compactStructure) end() []byte { return append(s.b, 0) }

func appendNumber(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63))
}

func appendBinary(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// appendListHead appends the head of a list of n elements.
func appendListHead(b []byte, n int, kind byte) []byte {
	if n < 15 {
		return append(b, byte(n)<<4|kind)
	}
	return binary.AppendUvarint(append(b, 0xf0|kind), uint64(n))
}
