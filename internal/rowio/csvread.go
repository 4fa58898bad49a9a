package rowio

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// csvSource reads the records of a CSV file.
type csvSource struct {
	csv   *csv.Reader
	guard *recordGuard
	ahead [][]string // records to be read again
	lines []int      // where they begin
	err   error      // what ended ahead
}

// recordGuard fails when one record takes too much of r: a quote without its partner would
// otherwise gather the rest of the file.
type recordGuard struct {
	r     io.Reader
	taken int
}

func (g *recordGuard) Read(p []byte) (int, error) {
	if g.taken > maxLine {
		return 0, fmt.Errorf("a record is longer than %d MiB, is a quote not closed? %w", maxLine>>20, base.ErrInvalid)
	}
	n, err := g.r.Read(p)
	g.taken += n
	return n, err
}

// next returns the next record and the line where it begins, or io.EOF. The record is valid
// until the next one.
func (c *csvSource) next() (record []string, number int, err error) {
	if len(c.ahead) > 0 {
		record, number = c.ahead[0], c.lines[0]
		c.ahead, c.lines = c.ahead[1:], c.lines[1:]
		return record, number, nil
	}
	if c.err != nil {
		return nil, 0, c.err
	}
	c.guard.taken = 0
	record, err = c.csv.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		if errors.Is(err, csv.ErrFieldCount) {
			err = fmt.Errorf("%d fields, and the header has %d", len(record), c.csv.FieldsPerRecord)
		} else {
			err = broken.Err
		}
		return nil, 0, line{number: broken.Line}.at(err)
	case err != nil:
		return nil, 0, err
	}
	number, _ = c.csv.FieldPos(0)
	return record, number, nil
}

// readCSV reads RFC 4180's form with a header. Empty cells are null.
func readCSV(r io.Reader, o ReadOptions) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	guard := &recordGuard{r: r}
	in := &csvSource{csv: csv.NewReader(guard), guard: guard}
	in.csv.ReuseRecord = true
	header, _, err := in.next()
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("the file is empty: it needs a header with the names of the columns: %w", base.ErrInvalid)
	}
	if err != nil {
		return nil, nil, err
	}
	header = slices.Clone(header)
	header[0] = string(bytes.TrimPrefix([]byte(header[0]), byteOrderMark))
	if o.Schema == nil {
		if o.Schema, err = inferCSV(in, header, o.Table); err != nil {
			return nil, nil, err
		}
	}
	columns, err := o.csvColumns(header)
	if err != nil {
		return nil, nil, line{number: 1}.at(err)
	}
	return o.Schema, func(yield func(arrow.RecordBatch, error) bool) {
		b := newBatches(o)
		defer b.release()
		for {
			record, number, err := in.next()
			if errors.Is(err, io.EOF) {
				b.flush(yield)
				return
			}
			size := 0
			if err == nil {
				size, err = b.addRecord(record, columns)
				if err != nil {
					err = line{number: number}.at(err)
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

// csvColumns finds for each column of the schema the field that has it, or -1.
func (o ReadOptions) csvColumns(header []string) ([]int, error) {
	columns := make([]int, len(o.Schema.Fields()))
	for i := range columns {
		columns[i] = -1
	}
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
func (b *batches) addRecord(record []string, columns []int) (size int, err error) {
	for i, at := range columns {
		d, f := b.fields.decoders[i], b.fields.typ.Fields[i]
		cell := ""
		if at >= 0 {
			cell = record[at]
		}
		size += len(cell)
		switch {
		case cell != "":
			err = d.text(cell)
		case f.Type.Kind == schema.String && !f.Type.Nullable && at >= 0:
			err = d.text("")
		default:
			err = d.null()
		}
		if err != nil {
			return 0, inColumn(f.Name, err)
		}
	}
	return size, nil
}

// inferCSV finds the schema from the first records, which it leaves to be read.
func inferCSV(in *csvSource, header []string, table string) (*schema.Schema, error) {
	root := &shape{names: header, fields: make(map[string]*shape)}
	for _, name := range header {
		root.fields[name] = &shape{}
	}
	var records [][]string
	var numbers []int
	size := 0
	for len(records) < inferRows && size < inferBytes {
		record, number, err := in.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			in.err = err
			break
		}
		records, numbers = append(records, slices.Clone(record)), append(numbers, number)
		for i, cell := range record {
			root.fields[header[i]].observeText(cell)
			size += len(cell)
		}
	}
	in.ahead, in.lines = records, numbers
	return root.schema(table)
}
