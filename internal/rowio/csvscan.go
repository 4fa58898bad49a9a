package rowio

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/hudi-go/hudi-go/internal/base"
)

// csvScanner reads the records of RFC 4180. The standard library's reader would not do: it
// turns \r\n within quotes into \n, does not tell "" from nothing, and has no bound.
type csvScanner struct {
	r     *bufio.Reader
	line  int    // of the next byte
	bytes []byte // the text of the record's cells
	ends  []int  // of the cells in bytes
	quote []bool // cells in quotes
}

// csvRecord is one record. It is valid until the next.
type csvRecord struct {
	line  int // where it begins
	cells []csvCell
}

type csvCell struct {
	text   string
	quoted bool
}

func newCSVScanner(r io.Reader) *csvScanner {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, err := b.Peek(len(byteOrderMark)); err == nil && string(mark) == string(byteOrderMark) {
		_, _ = b.Discard(len(byteOrderMark)) // it was peeked
	}
	return &csvScanner{r: b, line: 1}
}

// next reads a record into rec, or returns io.EOF. Blank lines are no records.
func (c *csvScanner) next(rec *csvRecord) error {
	for {
		c.bytes, c.ends, c.quote = c.bytes[:0], c.ends[:0], c.quote[:0]
		rec.line = c.line
		for more := true; more; {
			var err error
			if more, err = c.cell(); err != nil {
				if errors.Is(err, io.EOF) {
					return err
				}
				return line{number: rec.line}.at(err)
			}
		}
		if len(c.ends) > 1 || c.ends[0] > 0 || c.quote[0] {
			break
		}
	}
	rec.cells = rec.cells[:0]
	from := 0
	for i, end := range c.ends {
		rec.cells = append(rec.cells, csvCell{view(c.bytes[from:end]), c.quote[i]})
		from = end
	}
	return nil
}

// cell reads one cell and tells whether another follows in the record. At the end of the file
// it returns io.EOF if no record has begun.
func (c *csvScanner) cell() (more bool, err error) {
	b, err := c.byte()
	if errors.Is(err, io.EOF) && len(c.ends) == 0 {
		return false, err
	}
	quoted := err == nil && b == '"'
	if quoted {
		b, err = c.quotedText()
	}
	start := len(c.bytes)
	for err == nil && b != ',' && b != '\n' {
		if b == '"' || quoted && b != '\r' {
			return false, fmt.Errorf("cell %d: a quote must enclose the whole cell, and be doubled inside", len(c.ends)+1)
		}
		c.bytes = append(c.bytes, b)
		b, err = c.byte()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if n := len(c.bytes); b != ',' && n > start && c.bytes[n-1] == '\r' {
		c.bytes = c.bytes[:n-1]
	}
	c.ends, c.quote = append(c.ends, len(c.bytes)), append(c.quote, quoted)
	return err == nil && b == ',', nil
}

// quotedText reads to the closing quote and returns the byte after it.
func (c *csvScanner) quotedText() (byte, error) {
	for {
		b, err := c.byte()
		if errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("cell %d: the quote is not closed", len(c.ends)+1)
		}
		if err != nil {
			return 0, err
		}
		if b == '"' {
			if b, err = c.byte(); err != nil || b != '"' {
				return b, err
			}
		}
		c.bytes = append(c.bytes, b)
	}
}

func (c *csvScanner) byte() (byte, error) {
	if len(c.bytes) > maxLine {
		return 0, fmt.Errorf("the record is longer than %d MiB, is a quote not closed? %w", maxLine>>20, base.ErrInvalid)
	}
	b, err := c.r.ReadByte()
	if b == '\n' {
		c.line++
	}
	return b, err
}
