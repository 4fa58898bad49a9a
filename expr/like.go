package expr

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// likePattern is a compiled LIKE pattern: literal runs and single-character wildcards,
// cut at the % signs. "a_c%d" is two parts, the first of three elements.
type likePattern struct {
	parts [][]likeElement
	// prefix is the text that every match begins with; simple says that the pattern is
	// nothing but that prefix and %.
	prefix string
	simple bool
}

// likeElement is a run of text, or any one character when the text is empty.
type likeElement struct{ text string }

// compileLike reads a pattern in which % stands for any text, _ for any one character, and
// escape takes the meaning from the %, _ or escape after it.
func compileLike(pattern string, escape rune) (likePattern, error) {
	p := likePattern{parts: [][]likeElement{nil}}
	var run strings.Builder
	flush := func(extra ...likeElement) {
		last := &p.parts[len(p.parts)-1]
		if run.Len() > 0 {
			*last = append(*last, likeElement{run.String()})
			run.Reset()
		}
		*last = append(*last, extra...)
	}
	for i := 0; i < len(pattern); {
		r, size := utf8.DecodeRuneInString(pattern[i:])
		switch {
		case r == escape:
			i += size
			r, size = utf8.DecodeRuneInString(pattern[i:])
			if i == len(pattern) || r != '%' && r != '_' && r != escape {
				return p, errors.New("the escape character of a LIKE pattern must stand before %, _ or itself: double it")
			}
			run.WriteString(pattern[i : i+size])
		case r == '%':
			flush()
			p.parts = append(p.parts, nil)
		case r == '_':
			flush(likeElement{})
		default:
			run.WriteString(pattern[i : i+size])
		}
		i += size
	}
	flush()
	if first := p.parts[0]; len(first) > 0 {
		p.prefix = first[0].text
	}
	p.simple = len(p.parts) == 2 && len(p.parts[0]) <= 1 && len(p.parts[1]) == 0 && (len(p.parts[0]) == 0 || p.prefix != "")
	return p, nil
}

// literal returns the only text that matches a pattern without wildcards.
func (p likePattern) literal() (string, bool) {
	if len(p.parts) != 1 {
		return "", false
	}
	switch part := p.parts[0]; {
	case len(part) == 0:
		return "", true
	case len(part) == 1 && part[0].text != "":
		return part[0].text, true
	}
	return "", false
}

// match reports whether the whole of s matches.
func (p likePattern) match(s string) bool {
	if !strings.HasPrefix(s, p.prefix) {
		return false
	}
	if p.simple {
		return true
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	rest, ok := matchPart(s, first)
	if !ok {
		return false
	}
	if len(p.parts) == 1 {
		return rest == ""
	}
	for _, part := range p.parts[1 : len(p.parts)-1] {
		if rest, ok = findPart(rest, part); !ok {
			return false
		}
	}
	return endsWithPart(rest, last)
}

// matchPart matches the elements at the beginning of s and returns what follows.
func matchPart(s string, part []likeElement) (rest string, ok bool) {
	for _, e := range part {
		switch {
		case e.text != "":
			if s, ok = strings.CutPrefix(s, e.text); !ok {
				return "", false
			}
		case s == "":
			return "", false
		default:
			_, size := utf8.DecodeRuneInString(s)
			s = s[size:]
		}
	}
	return s, true
}

// findPart matches the elements at the earliest place in s and returns what follows.
// The earliest place leaves most for the parts after it.
func findPart(s string, part []likeElement) (rest string, ok bool) {
	if len(part) == 0 {
		return s, true
	}
	for {
		if text := part[0].text; text != "" {
			at := strings.Index(s, text)
			if at < 0 {
				return "", false
			}
			s = s[at:]
		}
		if rest, ok := matchPart(s, part); ok {
			return rest, true
		}
		if s == "" {
			return "", false
		}
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
}

// endsWithPart matches the elements at the end of s.
func endsWithPart(s string, part []likeElement) bool {
	for i := len(part) - 1; i >= 0; i-- {
		switch e := part[i]; {
		case e.text != "":
			var ok bool
			if s, ok = strings.CutSuffix(s, e.text); !ok {
				return false
			}
		case s == "":
			return false
		default:
			_, size := utf8.DecodeLastRuneInString(s)
			s = s[:len(s)-size]
		}
	}
	return true
}
