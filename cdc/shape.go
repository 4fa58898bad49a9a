package cdc

import (
	"bytes"
	"slices"
)

// A shape knows the fields that a reader wants of an object. It remembers the keys of the
// last object in their order: the next object almost always has the same, so that a key costs
// one comparison with the expected bytes. Any other order works too, at the price of a look-up.
// Values that hardly ever change, which is half of a source block, are compared with their key.
type shape struct {
	index   map[string]int
	slots   []slot
	unknown []string // keys seen that are no field
}

// slot is a key as it stands in the text, with quotes and colon, and its field (-1: unknown).
type slot struct {
	key    string
	field  int
	same   []byte // key and value as last seen, of values that are worth the comparison
	flags  textFlags
	misses int // objects that had another value
}

const (
	maxSlots   = 4096 // keys of an object that are remembered
	maxKey     = 256  // bytes of a key that is remembered
	maxSame    = 128  // bytes of a key and value that are remembered
	maxMisses  = 16   // changes after which a value is no longer remembered
	maxUnknown = 64   // names of unknown keys that are kept for the report
)

func newShape(fields ...string) *shape {
	s := &shape{index: make(map[string]int, len(fields))}
	for i, name := range fields {
		s.index[name] = i
	}
	return s
}

// read scans the object at i and puts the places of its fields into out, absent ones zero. Of
// a repeated key the last one counts. It returns a position like skipValue.
func (s *shape) read(b []byte, i, depth int, out []value) int {
	clear(out)
	if depth >= maxDepth {
		return ^i
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for n := 0; ; n++ {
		field, v := s.field(b, i, n, depth)
		if v.end < 0 {
			return v.end
		}
		if field >= 0 {
			out[field] = v
		}
		if i = space(b, v.end); i >= len(b) {
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

// field scans the n-th field of an object, at i. An end below zero is a position like skipValue's.
func (s *shape) field(b []byte, i, n, depth int) (field int, v value) {
	if n < len(s.slots) {
		k := &s.slots[n]
		if len(k.same) > 0 && bytes.HasPrefix(b[i:], k.same) {
			return k.field, value{start: i + len(k.key), end: i + len(k.same), flags: k.flags}
		}
	}
	field, v.start = s.key(b, i, n)
	if v.start < 0 {
		v.end = v.start
		return field, v
	}
	v.end, v.flags = skipValue(b, v.start, depth+1)
	if n < len(s.slots) && s.slots[n].misses < maxMisses && v.end > 0 {
		s.slots[n].remember(b[i:v.end], v.start-i, v.flags)
	}
	return field, v
}

// remember keeps a key and its value, which begins at the given place, for comparison.
// Numbers are not kept: another could begin with the same digits. Containers are seldom equal.
func (k *slot) remember(text []byte, start int, flags textFlags) {
	k.misses++
	first := text[start]
	switch {
	case len(text) > maxSame || k.misses == maxMisses || first-'0' < 10 || first == '-' || first == '{' || first == '[',
		start != len(k.key) || string(text[:start]) != k.key:
		k.same = nil
	default:
		k.same, k.flags = append(k.same[:0], text...), flags
	}
}

// key scans the n-th key of an object, at i, and its colon. It returns the field and the
// position of the value.
func (s *shape) key(b []byte, i, n int) (field, at int) {
	if n < len(s.slots) {
		k := s.slots[n]
		if len(b)-i > len(k.key) && string(b[i:i+len(k.key)]) == k.key {
			return k.field, space(b, i+len(k.key))
		}
	}
	return s.learn(b, i, n)
}

func (s *shape) learn(b []byte, i, n int) (field, at int) {
	if i >= len(b) || b[i] != '"' {
		return 0, ^i
	}
	end, flags := scanString(b, i+1)
	if end < 0 {
		return 0, end
	}
	colon := space(b, end)
	if colon >= len(b) || b[colon] != ':' {
		return 0, ^colon
	}
	var buf []byte
	name, ok := unquote(b, value{start: i, end: end, flags: flags}, &buf)
	if !ok {
		return 0, ^i
	}
	field = s.lookup(name)
	if colon == end && end-i <= maxKey && n <= len(s.slots) && n < maxSlots {
		k := slot{key: string(b[i : end+1]), field: field}
		if n == len(s.slots) {
			s.slots = append(s.slots, k)
		} else {
			s.slots[n] = k
		}
	}
	return field, space(b, colon+1)
}

// lookup finds a field by its name in the source, or by the name that a column has when the
// source's name is no column name.
func (s *shape) lookup(name []byte) int {
	if i, ok := s.index[string(name)]; ok {
		return i
	}
	column := columnName(string(name))
	if i, ok := s.index[column]; ok {
		return i
	}
	if len(s.unknown) < maxUnknown && !slices.Contains(s.unknown, column) {
		s.unknown = append(s.unknown, column)
	}
	return -1
}

// columnName makes a source column's name one that Avro allows: letters, digits and
// underscores, no digit first; anything else becomes an underscore, as with Debezium's own
// field name adjustment.
func columnName(name string) string {
	ok := func(i int, c byte) bool {
		return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || i > 0 && c >= '0' && c <= '9'
	}
	valid := name != ""
	for i := range len(name) {
		valid = valid && ok(i, name[i])
	}
	if valid {
		return name
	}
	var out []byte
	for i, r := range name {
		switch {
		case r < 0x80 && ok(i, byte(r)):
			out = append(out, byte(r))
		case i == 0 && r >= '0' && r <= '9':
			out = append(out, '_', byte(r))
		default:
			out = append(out, '_')
		}
	}
	return string(out)
}
