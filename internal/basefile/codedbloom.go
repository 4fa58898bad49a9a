package basefile

// coded is base64 text from a byte of what it stands for on.
type coded struct {
	text []byte
	from int
}

// unBase64 has the six bits of a character of base64, and 64 for others.
var unBase64 = func() (t [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = 64
	}
	for i, c := range []byte(alphabet) {
		t[c] = byte(i)
	}
	return t
}()

// byteAt decodes one byte. Where the text is no base64 all bits are set, so that a filter rules
// nothing out.
func (c *coded) byteAt(i int) byte {
	i += c.from
	at := i / 3 * 4
	if at+4 > len(c.text) {
		return 0xff
	}
	q := c.text[at : at+4]
	a, b := unBase64[q[i%3]], unBase64[q[i%3+1]]
	if a|b > 63 {
		return 0xff
	}
	shift := 2 * (i%3 + 1)
	return a<<shift | b>>(6-shift)
}

// decode returns n bytes.
func (c *coded) decode(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = c.byteAt(i)
	}
	return out
}
