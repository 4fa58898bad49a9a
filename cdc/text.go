package cdc

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote returns the text of a string. It is a part of b, or stands in *buf, which is reused;
// the text is valid until the next call with the same buf. ok is false for text that is not
// UTF-8. Half a surrogate pair becomes U+FFFD.
func unquote(b []byte, v value, buf *[]byte) (text []byte, ok bool) {
	text = b[v.start+1 : v.end-1]
	if v.flags&escaped != 0 {
		text = unescape((*buf)[:0], text)
		*buf = text
	}
	return text, v.flags&nonASCII == 0 || utf8.Valid(text)
}

// unescape appends s, the inside of a scanned string, without its escapes.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			i++
			continue
		}
		c := s[i+1]
		i += 2
		switch c {
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
			r, _ := hex4(s, i)
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(utf8.RuneError)
				if i+1 < len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low, _ = hex4(s, i+2)
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// hex4 reads four hexadecimal digits at i.
func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20-'a' < 6:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// parseInt reads a whole number without exponent or fraction.
func parseInt(s []byte) (n int64, ok bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 19 {
		return 0, false
	}
	var u uint64
	for len(s) >= 8 {
		w := binary.LittleEndian.Uint64(s)
		if notDigits(w) != 0 {
			return 0, false
		}
		u, s = u*100_000_000+eightDigits(w), s[8:]
	}
	for _, c := range s {
		if c-'0' > 9 {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative:
		return -int64(u), u <= 1<<63
	default:
		return int64(u), u < 1<<63
	}
}

// decodeBinary reads bytes that stand in a string, into *buf, which is reused.
func decodeBinary(text []byte, form BinaryForm, buf *[]byte) ([]byte, bool) {
	dst := (*buf)[:0]
	var err error
	switch form {
	case BinaryHex:
		dst, err = hex.AppendDecode(dst, text)
	case BinaryBase64URL:
		dst, err = base64.URLEncoding.AppendDecode(dst, text)
	default:
		dst, err = base64.StdEncoding.AppendDecode(dst, text)
	}
	*buf = dst
	return dst, err == nil
}
