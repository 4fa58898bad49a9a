package rowio

import (
	"bytes"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/schema"
)

// csvWriter writes RFC 4180's form with a header, and lines that end in \n. A null is an
// empty field, an empty string a quoted one (both in a file of one column); nested values are
// JSON.
type csvWriter struct {
	w    io.Writer
	enc  *RowEncoder
	buf  []byte
	cell []byte
}

func newCSVWriter(w io.Writer, s *schema.Schema) *csvWriter {
	c := &csvWriter{w: w, enc: NewRowEncoder(s)}
	for i, f := range s.Fields() {
		c.appendCell(i, []byte(f.Name))
	}
	c.buf = append(c.buf, '\n')
	return c
}

func (c *csvWriter) Write(batch arrow.RecordBatch) error {
	if err := c.enc.Bind(batch); err != nil {
		return err
	}
	for row := range int(batch.NumRows()) {
		for i, f := range c.enc.row.fields {
			if !f.isNull(row) {
				c.cell = f.appendText(c.cell[:0], row)
				c.appendCell(i, c.cell)
			} else if i > 0 {
				c.buf = append(c.buf, ',')
			} else if len(c.enc.row.fields) == 1 { // an empty line is no row
				c.appendCell(i, nil)
			}
		}
		c.buf = append(c.buf, '\n')
		if len(c.buf) >= flushBytes {
			if err := flush(c.w, &c.buf); err != nil {
				return err
			}
		}
	}
	return flush(c.w, &c.buf)
}

// Close writes the header if there were no rows.
func (c *csvWriter) Close() error { return flush(c.w, &c.buf) }

// appendCell adds field i of a line, in quotes where they are needed.
func (c *csvWriter) appendCell(i int, text []byte) {
	if i > 0 {
		c.buf = append(c.buf, ',')
	}
	if len(text) > 0 && !bytes.ContainsAny(text, "\",\r\n") && text[0] != ' ' && text[len(text)-1] != ' ' {
		c.buf = append(c.buf, text...)
		return
	}
	c.buf = append(c.buf, '"')
	for _, b := range text {
		if b == '"' {
			c.buf = append(c.buf, '"')
		}
		c.buf = append(c.buf, b)
	}
	c.buf = append(c.buf, '"')
}
