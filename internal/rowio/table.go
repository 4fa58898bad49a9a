package rowio

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/schema"
)

const (
	// tableSample is how many rows decide the widths of the columns.
	tableSample = 1000
	// maxCellWidth bounds a column, minCellWidth is what a narrow terminal leaves it.
	maxCellWidth = 80
	minCellWidth = 6
	columnGap    = "  "
	nullText     = "NULL"
)

// tableWriter writes aligned text for people: a header, a rule, the rows, their number. The
// widths of the columns come from the first rows; longer cells are cut with an ellipsis.
type tableWriter struct {
	w       io.Writer
	enc     *RowEncoder
	limit   int // of a line, 0 for none
	names   []string
	numbers []bool // columns that stand at the right
	sample  [][]string
	widths  []int // nil until the sample is complete
	rows    int
	buf     []byte
	cell    []byte
}

func newTableWriter(w io.Writer, s *schema.Schema, width int) *tableWriter {
	t := &tableWriter{w: w, enc: NewRowEncoder(s), limit: width}
	for _, f := range s.Fields() {
		t.names = append(t.names, printable(f.Name))
		t.numbers = append(t.numbers, isNumber(f.Type))
	}
	return t
}

func isNumber(t *schema.Type) bool {
	switch t.Kind {
	case schema.Int, schema.Long, schema.Float, schema.Double:
		return t.Logical == schema.NoLogical
	}
	return t.Logical == schema.Decimal
}

func (t *tableWriter) Write(batch arrow.RecordBatch) error {
	if err := t.enc.Bind(batch); err != nil {
		return err
	}
	for row := range int(batch.NumRows()) {
		cells := t.cells(row)
		t.rows++
		if t.widths == nil {
			if t.sample = append(t.sample, cells); len(t.sample) == tableSample {
				t.begin()
			}
		} else {
			t.line(cells)
		}
		if len(t.buf) >= flushBytes {
			if err := flush(t.w, &t.buf); err != nil {
				return err
			}
		}
	}
	return flush(t.w, &t.buf)
}

// Close writes what is left and the number of rows.
func (t *tableWriter) Close() error {
	if t.widths == nil {
		t.begin()
	}
	unit := "rows"
	if t.rows == 1 {
		unit = "row"
	}
	t.buf = fmt.Appendf(t.buf, "(%d %s)\n", t.rows, unit)
	return flush(t.w, &t.buf)
}

// cells renders a row, no cell longer than will be shown.
func (t *tableWriter) cells(row int) []string {
	cells := make([]string, len(t.names))
	for i, f := range t.enc.row.fields {
		if f.isNull(row) {
			cells[i] = nullText
			continue
		}
		t.cell = f.appendText(t.cell[:0], row)
		cells[i] = cut(printable(string(t.cell)), maxCellWidth)
	}
	return cells
}

// begin fixes the widths and writes the header and the sample.
func (t *tableWriter) begin() {
	t.widths = make([]int, len(t.names))
	for i, name := range t.names {
		t.widths[i] = min(maxCellWidth, utf8.RuneCountInString(name))
		for _, cells := range t.sample {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i]))
		}
	}
	t.fit()
	t.line(t.names)
	for i, w := range t.widths {
		if i > 0 {
			t.buf = append(t.buf, columnGap...)
		}
		t.buf = append(t.buf, strings.Repeat("─", w)...)
	}
	t.buf = append(t.buf, '\n')
	for _, cells := range t.sample {
		t.line(cells)
	}
	t.sample = nil
}

// fit narrows the widest columns until a line is within the limit, or nothing more can give.
func (t *tableWriter) fit() {
	if t.limit <= 0 || len(t.widths) == 0 {
		return
	}
	excess := len(columnGap)*(len(t.widths)-1) - t.limit
	for _, w := range t.widths {
		excess += w
	}
	for excess > 0 {
		widest := slices.Index(t.widths, slices.Max(t.widths))
		if t.widths[widest] <= minCellWidth {
			return
		}
		t.widths[widest]--
		excess--
	}
}

func (t *tableWriter) line(cells []string) {
	for i, cell := range cells {
		if i > 0 {
			t.buf = append(t.buf, columnGap...)
		}
		cell = cut(cell, t.widths[i])
		pad := t.widths[i] - utf8.RuneCountInString(cell)
		if t.numbers[i] {
			t.pad(pad)
		}
		t.buf = append(t.buf, cell...)
		if !t.numbers[i] && i < len(cells)-1 {
			t.pad(pad)
		}
	}
	t.buf = append(t.buf, '\n')
}

func (t *tableWriter) pad(n int) {
	for range n {
		t.buf = append(t.buf, ' ')
	}
}

// cut shortens s to width characters, the last of which is then an ellipsis.
func cut(s string, width int) string {
	if len(s) <= width || utf8.RuneCountInString(s) <= width {
		return s
	}
	runes := 0
	for i := range s {
		if runes++; runes == width {
			return s[:i] + "…"
		}
	}
	return s
}

// printable replaces what would break a line, or take over a terminal.
func printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unprintable(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
