package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Properties is the content of a Java properties file: pairs of key and value in the
// order of the file.
type Properties struct {
	keys   []string
	values map[string]string
}

// NewProperties returns an empty set of properties.
func NewProperties() *Properties { return &Properties{values: make(map[string]string)} }

// Get returns the value of a key, and whether the key is there.
func (p *Properties) Get(key string) (string, bool) {
	v, ok := p.values[key]
	return v, ok
}

// Set gives a key a value. New keys come last.
func (p *Properties) Set(key, value string) {
	if _, ok := p.values[key]; !ok {
		p.keys = append(p.keys, key)
	}
	p.values[key] = value
}

// Delete removes a key.
func (p *Properties) Delete(key string) {
	if _, ok := p.values[key]; ok {
		delete(p.values, key)
		p.keys = slices.DeleteFunc(p.keys, func(k string) bool { return k == key })
	}
}

// Keys returns the keys in order. The caller must not change the slice.
func (p *Properties) Keys() []string { return p.keys }

// Clone returns a copy that can be changed independently.
func (p *Properties) Clone() *Properties {
	c := NewProperties()
	for _, k := range p.keys {
		c.Set(k, p.values[k])
	}
	return c
}

// Bytes renders the properties after the comment lines, which get their # here, in the
// form of java.util.Properties (docs/format/properties.md).
func (p *Properties) Bytes(comments ...string) []byte {
	var b []byte
	for _, c := range comments {
		b = append(append(append(b, '#'), c...), '\n')
	}
	for _, k := range p.keys {
		b = appendEscaped(b, k, true)
		b = append(b, '=')
		b = appendEscaped(b, p.values[k], false)
		b = append(b, '\n')
	}
	return b
}

func appendEscaped(b []byte, s string, key bool) []byte {
	for i, r := range s {
		switch r {
		case ' ':
			if key || i == 0 {
				b = append(b, '\\')
			}
			b = append(b, ' ')
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\f':
			b = append(b, `\f`...)
		case '\\', '=', ':', '#', '!':
			b = append(b, '\\', byte(r))
		default:
			if r >= 0x20 && r < 0x7F {
				b = append(b, byte(r))
				continue
			}
			for _, unit := range utf16.AppendRune(nil, r) {
				b = fmt.Appendf(b, `\u%04X`, unit)
			}
		}
	}
	return b
}

// ParseProperties reads the Java text form, ISO-8859-1 with \uXXXX escapes. Of equal keys
// the last counts. A broken escape wraps base.ErrCorrupt.
func ParseProperties(data []byte) (*Properties, error) {
	p := NewProperties()
	lines := strings.Split(lineEnds.Replace(string(data)), "\n")
	for at := 0; at < len(lines); at++ {
		line := strings.TrimLeft(lines[at], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continues(line) {
			line = line[:len(line)-1]
			if at+1 == len(lines) {
				break
			}
			at++
			line += strings.TrimLeft(lines[at], " \t\f")
		}
		end := keyEnd(line)
		rest := strings.TrimLeft(line[end:], " \t\f")
		if rest != "" && (rest[0] == '=' || rest[0] == ':') {
			rest = strings.TrimLeft(rest[1:], " \t\f")
		}
		key, err := unescape(line[:end])
		if err != nil {
			return nil, err
		}
		value, err := unescape(rest)
		if err != nil {
			return nil, err
		}
		p.Set(key, value)
	}
	return p, nil
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// continues reports whether a line ends with a backslash that is not itself escaped.
func continues(line string) bool {
	n := 0
	for n < len(line) && line[len(line)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// keyEnd is the position of the first separator that is not escaped.
func keyEnd(line string) int {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '=', ':', ' ', '\t', '\f':
			return i
		}
	}
	return len(line)
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			if s[i] != '\\' {
				b.WriteRune(rune(s[i])) // ISO-8859-1
			}
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			r, size, err := unescapeRune(s[i-1:])
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			i += size - 2
		default:
			b.WriteRune(rune(s[i]))
		}
	}
	return b.String(), nil
}

// unescapeRune reads \uXXXX, or two of them that are a surrogate pair.
func unescapeRune(s string) (r rune, size int, err error) {
	const unit = len(`\u0000`)
	hex := func(s string) (rune, bool) {
		if len(s) < unit || s[:2] != `\u` {
			return 0, false
		}
		n, err := strconv.ParseUint(s[2:unit], 16, 16)
		return rune(n), err == nil
	}
	r, ok := hex(s)
	if !ok {
		return 0, 0, fmt.Errorf("table: properties: broken escape %.8q: %w", s, base.ErrCorrupt)
	}
	if !utf16.IsSurrogate(r) {
		return r, unit, nil
	}
	if low, ok := hex(s[unit:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 2 * unit, nil
		}
	}
	return utf8.RuneError, unit, nil
}
