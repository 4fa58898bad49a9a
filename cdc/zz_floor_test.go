package cdc
import "bytes"
// After2 holds views into the input: nothing is allocated
type After2 struct{ f [16][]byte }

// A sketch of what a schema-driven decoder does: one pass, no tree, string values kept as views; key dispatch by position guess.
func parseEvent(b []byte, row *After2) (op byte, lsn int64) {
	i := 1
	for i < len(b) && b[i] != '}' {
		if b[i] == ',' {
			i++
		}
		k, j := zstr(b, i)
		i = j + 1
		switch string(k) {
		case "after", "before":
			if b[i] == '{' {
				i++
				f := 0
				for b[i] != '}' {
					if b[i] == ',' {
						i++
					}
					_, j := zstr(b, i)
					s := j + 1
					i = zskip(b, s)
					row.f[f&15] = b[s:i]
					f++
				}
				i++
			} else {
				i = zskip(b, i)
			}
		case "source":
			i++
			for b[i] != '}' {
				if b[i] == ',' {
					i++
				}
				k, j := zstr(b, i)
				s := j + 1
				i = zskip(b, s)
				if string(k) == "lsn" {
					lsn = 0
					for _, c := range b[s:i] {
						lsn = lsn*10 + int64(c-'0')
					}
				}
			}
			i++
		case "op":
			op = b[i+1]
			i = zskip(b, i)
		default:
			i = zskip(b, i)
		}
	}
	return
}

func zstr(b []byte, i int) ([]byte, int) { // b[i]=='"'; returns content, index after the closing quote
	s := i + 1
	for {
		j := bytes.IndexByte(b[s:], '"')
		e := s + j
		n := 0
		for k := e - 1; b[k] == '\\'; k-- {
			n++
		}
		if n&1 == 0 {
			return b[i+1 : e], e + 1
		}
		s = e + 1
	}
}
func zskip(b []byte, i int) int {
	switch b[i] {
	case '"':
		_, j := zstr(b, i)
		return j
	case '{', '[':
		d := 0
		for ; ; i++ {
			switch b[i] {
			case '{', '[':
				d++
			case '}', ']':
				d--
				if d == 0 {
					return i + 1
				}
			case '"':
				_, j := zstr(b, i)
				i = j - 1
			}
		}
	}
	for b[i] != ',' && b[i] != '}' && b[i] != ']' {
		i++
	}
	return i
}
