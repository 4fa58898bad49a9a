package avroarrow

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Decoder gathers records into Arrow batches. It is not safe for concurrent use; records of
// one block may be spread over several Decoders.
type Decoder struct {
	program []node
	cols    []*column
	arrow   *arrow.Schema
	rows    int
	cap     int
	hint    int   // rows of the last batch
	err     error // of the record being decoded
}

// NewDecoder compiles a decoder for records written with the schema writer. Its batches have
// the columns of reader: found by name at every level of nesting, promoted as Hudi does, and
// filled with the default or null where the writer has none. What reader does not want is
// skipped. The error wraps base.ErrInvalid if a column cannot be read as the reader wants it.
//
// The caller releases the Decoder.
func NewDecoder(writer, reader *schema.Schema, alloc memory.Allocator) (*Decoder, error) {
	c := compiler{alloc: alloc, void: &column{}}
	program, cols, err := c.record(writer.Record(), reader.Record(), "")
	if err != nil {
		return nil, err
	}
	return &Decoder{program: program, cols: cols, arrow: reader.Arrow()}, nil
}

// Append decodes one record, which must be used up to its last byte, into a new row. After an
// error the rows are as before it. The error wraps base.ErrCorrupt; base.ErrInvalid if a value
// is null that the reader does not allow to be, or the batch gets too large.
func (d *Decoder) Append(rec []byte) error {
	if d.rows == d.cap {
		d.grow()
	}
	p := d.fields(d.program, rec, 0, d.rows)
	if p != len(rec) {
		err := d.err
		d.err = nil
		if err == nil {
			err = fmt.Errorf("avroarrow: %d bytes after the end of a record of %d: %w", len(rec)-p, len(rec), base.ErrCorrupt)
		}
		return err
	}
	d.rows++
	return nil
}

// Rows is the number of rows since the last Flush.
func (d *Decoder) Rows() int { return d.rows }

// Flush returns the rows since the last Flush, which the caller releases, and begins a new
// batch. It fails, with base.ErrInvalid, only where a promotion can: a value that does not fit
// the reader's type. The rows are lost then.
func (d *Decoder) Flush() (arrow.RecordBatch, error) {
	rows := d.rows
	d.rows, d.cap, d.hint = 0, 0, rows
	arrays := make([]arrow.Array, 0, len(d.cols))
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	for i, c := range d.cols {
		a, err := c.finish(rows)
		if err != nil {
			d.Release()
			return nil, fmt.Errorf("avroarrow: column %s: %w", d.arrow.Field(i).Name, err)
		}
		arrays = append(arrays, a)
	}
	return array.NewRecordBatch(d.arrow, arrays, int64(rows)), nil
}

// Release frees the rows that were not flushed. The Decoder may be used again.
func (d *Decoder) Release() {
	for _, c := range d.cols {
		c.release()
	}
	d.rows, d.cap = 0, 0
}

// grow makes room for at least one more row.
func (d *Decoder) grow() {
	d.cap = max(2*d.cap, d.hint, firstCap)
	for _, c := range d.cols {
		c.reserve(d.cap)
	}
}
