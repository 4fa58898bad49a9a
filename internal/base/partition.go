package base

import "strings"

// DefaultPartition is the folder of null and empty partition values.
const DefaultPartition = "__HIVE_DEFAULT_PARTITION__"

const upperHex = "0123456789ABCDEF"

func escapes(c byte) bool {
	return c < 0x20 || c == 0x7F || strings.IndexByte("\"#%'*/:=?\\{[]^", c) >= 0
}

// EscapePartition escapes a partition value for a folder name as Hive and Hudi do:
// control characters and "#%'*/:=?\{[]^ become %XX; spaces and non-ASCII letters stay.
func EscapePartition(v string) string {
	n := 0
	for i := range len(v) {
		if escapes(v[i]) {
			n++
		}
	}
	if n == 0 {
		return v
	}
	b := make([]byte, 0, len(v)+2*n)
	for i := range len(v) {
		if c := v[i]; escapes(c) {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// UnescapePartition undoes EscapePartition; a stray % stays.
func UnescapePartition(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, ok1 := unhex(s[i+1])
			lo, ok2 := unhex(s[i+2])
			if ok1 && ok2 {
				b = append(b, hi<<4|lo)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
