package workload

import (
	"fmt"
	"strings"
	"time"
)

// The functions here write random SQL literals.

func (g *Generator) chance(p float64) bool { return g.rng.Float64() < p }

// maybe is NULL now and then.
func (g *Generator) maybe(value func() string) string {
	if g.chance(0.15) {
		return "null"
	}
	return value()
}

func (g *Generator) boolean() string { return fmt.Sprint(g.chance(0.5)) }

// text has what escaping gets wrong.
func (g *Generator) text() string {
	words := []string{"", "plain", "O'Hara", `back\slash`, "new\nline", `"quoted"`, "tab\t", "Åse Østergård", "漢字", "😀", "a/b=c%20", " spaces "}
	text := words[g.rng.IntN(len(words))] + fmt.Sprint(g.rng.IntN(1000))
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// note is long enough to be stored out of line now and then (2 kB would do; 8 kB and more is certain).
func (g *Generator) note() string {
	switch {
	case g.chance(0.3):
		return "null"
	case g.chance(0.2):
		return fmt.Sprintf("repeat('%016x ', %d)", g.rng.Uint64(), 500+g.rng.IntN(700))
	}
	return g.text()
}

// decimal has up to precision digits, of which scale are behind the point.
func (g *Generator) decimal(precision, scale int) string {
	digits := make([]byte, scale+g.rng.IntN(precision-scale)+1)
	for i := range digits {
		digits[i] = byte('0' + g.rng.IntN(10))
	}
	sign := ""
	if g.chance(0.3) {
		sign = "-"
	}
	return sign + string(digits[:len(digits)-scale]) + "." + string(digits[len(digits)-scale:])
}

func (g *Generator) date() string { return "'" + g.moment().Format(time.DateOnly) + "'" }

func (g *Generator) timestamp() string {
	return "'" + g.moment().Format("2006-01-02 15:04:05.000000") + "'"
}

// moment lies in the range of the database's dates, mostly in this age.
func (g *Generator) moment() time.Time {
	from, to := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
	if !g.modern && g.chance(0.05) {
		from, to = time.Date(g.db.earliest, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	return time.UnixMicro(from.UnixMicro() + g.rng.Int64N(to.UnixMicro()-from.UnixMicro())).UTC()
}

func (g *Generator) timeOfDay(format string) string {
	return "'" + time.UnixMicro(g.rng.Int64N(86_400_000_000)).UTC().Format(format) + "'"
}

func (g *Generator) float(bits int) string {
	if g.chance(0.1) {
		return []string{"'NaN'", "'Infinity'", "'-Infinity'", "'-0'"}[g.rng.IntN(4)]
	}
	if bits == 32 {
		return fmt.Sprintf("%g", float32(g.rng.NormFloat64()*1e6))
	}
	return fmt.Sprintf("%g", g.rng.NormFloat64()*1e12)
}

func (g *Generator) hex(bytes int) string {
	var b strings.Builder
	for range bytes {
		fmt.Fprintf(&b, "%02x", g.rng.IntN(256))
	}
	return b.String()
}

func (g *Generator) uuid() string {
	h := g.hex(16)
	return fmt.Sprintf("'%s-%s-%s-%s-%s'", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

func (g *Generator) bits(n int) string {
	return "B'" + fmt.Sprintf("%0*b", n, g.rng.Uint64())[:n] + "'"
}

func (g *Generator) mood() string { return []string{"'sad'", "'ok'", "'happy'"}[g.rng.IntN(3)] }

// array is an array constructor with a null element now and then.
func (g *Generator) array(elementType string, element func() string) string {
	elements := make([]string, g.rng.IntN(4))
	for i := range elements {
		elements[i] = g.maybe(element)
	}
	return "array[" + strings.Join(elements, ", ") + "]::" + elementType + "[]"
}
