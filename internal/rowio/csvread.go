package rowio

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// csvSource yields the records after the header, of which some may have been looked at.
type csvSource struct {
	scan    *csvScanner
	columns int
	ahead   []csvRecord // records to be read again
}

// next reads a record into rec, or returns io.EOF.
func (c *csvSource) next(rec *csvRecord) error {
	if len(c.ahead) > 0 {
		*rec, c.ahead = c.ahead[0], c.ahead[1:]
		return nil
	}
	if err := c.scan.next(rec); err != nil {
		return err
	}
	if len(rec.cells) != c.columns {
		return line{number: rec.line}.at(fmt.Errorf("%d cells, and the header has %d", len(rec.cells), c.columns))
	}
	return nil
}

// readCSV reads RFC 4180's form with a header. Empty cells are null; in quotes they are empty
// strings, or binary without bytes, where the column holds these.
func readCSV(r io.Reader, o ReadOptions) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	in := &csvSource{scan: newCSVScanner(r)}
	var rec csvRecord
	if err := in.scan.next(&rec); errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("the file is empty: it needs a header with the names of the columns: %w", base.ErrInvalid)
	} else if err != nil {
		return nil, nil, err
	}
	header := make([]string, len(rec.cells))
	for i, c := range rec.cells {
		header[i] = strings.Clone(c.text)
	}
	in.columns = len(header)
	if o.Schema == nil {
		s, err := inferCSV(in, header, o.Table)
		if err != nil {
			return nil, nil, err
		}
		o.Schema = s
	}
	columns, err := o.csvColumns(header)
	if err != nil {
		return nil, nil, line{number: rec.line}.at(err)
	}
	return o.Schema, func(yield func(arrow.RecordBatch, error) bool) {
		b := newBatches(o)
		defer b.release()
		for {
			err := in.next(&rec)
			if errors.Is(err, io.EOF) {
				b.flush(yield)
				return
			}
			size := 0
			if err == nil {
				if size, err = b.addRecord(rec.cells, columns); err != nil {
					err = line{number: rec.line}.at(err)
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !b.added(size, yield) {
				return
			}
		}
	}, nil
}

// csvColumns finds for each column of the schema the cell that has it, or -1.
func (o ReadOptions) csvColumns(header []string) ([]int, error) {
	columns := slices.Repeat([]int{-1}, len(o.Schema.Fields()))
	for i, name := range header {
		_, at, err := o.Schema.Lookup(name)
		switch {
		case err != nil && o.IgnoreUnknown:
		case err != nil:
			return nil, err
		case columns[at] >= 0:
			return nil, fmt.Errorf("the header has column %q twice", name)
		default:
			columns[at] = i
		}
	}
	return columns, nil
}

// addRecord appends a record and returns the size of its text.
func (b *batches) addRecord(cells []csvCell, columns []int) (size int, err error) {
	for i, at := range columns {
		d, f := b.fields.decoders[i], b.fields.typ.Fields[i]
		var cell csvCell
		if at >= 0 {
			cell = cells[at]
		}
		size += len(cell.text)
		// Where there is no null, an empty value needs no quotes.
		empty := at >= 0 && hasEmpty(f.Type) && (cell.quoted || !f.Type.Nullable)
		if cell.text != "" || empty {
			err = d.text(cell.text)
		} else {
			err = d.null()
		}
		if err != nil {
			return 0, inColumn(f.Name, err)
		}
	}
	return size, nil
}

// hasEmpty reports whether no text at all is a value of the type.
func hasEmpty(t *schema.Type) bool {
	return t.Kind == schema.String || t.Kind == schema.Bytes && t.Logical == schema.NoLogical
}

// inferCSV finds the schema from the first records, which it leaves to be read.
func inferCSV(in *csvSource, header []string, table string) (*schema.Schema, error) {
	root := &shape{names: header, fields: make(map[string]*shape)}
	for _, name := range header {
		root.fields[name] = &shape{}
	}
	var seen []csvRecord
	for size := 0; len(seen) < inferRows && size < inferBytes; {
		var rec csvRecord
		if err := in.next(&rec); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		for i := range rec.cells {
			text := strings.Clone(rec.cells[i].text)
			rec.cells[i].text = text
			root.fields[header[i]].observeText(text)
			size += len(text)
		}
		seen = append(seen, rec)
	}
	in.ahead = seen
	return root.schema(table)
}
