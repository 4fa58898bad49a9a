package cdc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Batches of rows are sealed at these sizes.
const (
	maxRows  = 64 << 10
	maxBytes = 16 << 20
)

// table is the table's schema with the builders of its rows.
type table struct {
	schema *schema.Schema
	source []schema.Field // the columns before the event columns
	keys   []int          // positions of the key columns in source
	before []bool         // by source column: deletes take it from the before image
	wide   []bool         // by source column: its size depends on the value

	rows      rows
	otherKeys *array.RecordBuilder // rows of key columns
	otherRows int
}

// setTable makes rows of the given schema from now on. There must be no rows.
func (d *Decoder) setTable(s *schema.Schema) error {
	full, err := d.rowSchema(s)
	if err != nil {
		return fmt.Errorf("the table's schema: %w", err)
	}
	t := &table{schema: full, source: sourceFieldsOf(full.Record())}
	t.wide, t.before = make([]bool, len(t.source)), make([]bool, len(t.source))
	for i := range t.source {
		_, fixed := full.Arrow().Field(i).Type.(arrow.FixedWidthDataType)
		t.wide[i] = !fixed
	}
	if d.opt.Mode == Upsert {
		for _, name := range d.keys {
			i, err := t.column(name)
			if err != nil {
				return err
			}
			t.keys = append(t.keys, i)
		}
		for _, name := range d.opt.BeforeColumns {
			i, err := t.column(name)
			if err != nil {
				return err
			}
			t.before[i] = true
		}
	}
	keyFields := make([]arrow.Field, len(t.keys))
	for k, i := range t.keys {
		keyFields[k] = full.Arrow().Field(i)
	}
	if d.table != nil {
		d.table.release()
	}
	t.rows = newRows(d.opt.Alloc, full.Arrow())
	t.otherKeys = array.NewRecordBuilder(d.opt.Alloc, arrow.NewSchema(keyFields, nil))
	d.table, d.programs, d.reader.current = t, nil, nil
	return nil
}

func (t *table) column(name string) (int, error) {
	_, i, err := t.schema.Lookup(name)
	if err == nil && i >= len(t.source) {
		err = fmt.Errorf("%q is an event column: %w", name, base.ErrInvalid)
	}
	return i, err
}

func (t *table) release() {
	t.rows.release()
	t.otherKeys.Release()
}

// rows builds batches of rows. A row is appended column by column, then kept or undone.
type rows struct {
	b     *array.RecordBuilder
	n     int // rows of the open batch
	width int // bytes of a row's fixed part
	size  int // bytes of the open batch

	sealed     []arrow.RecordBatch
	sealedSize int
}

func newRows(alloc memory.Allocator, s *arrow.Schema) rows {
	r := rows{b: array.NewRecordBuilder(alloc, s)}
	for _, f := range s.Fields() {
		bits := 32 // an offset
		if t, ok := f.Type.(arrow.FixedWidthDataType); ok {
			bits = t.BitWidth()
		}
		r.width += bits + 1
	}
	r.width = r.width/8 + 1
	return r
}

// keep ends a row whose values of variable size have the given sizes together.
func (r *rows) keep(wide int) {
	r.n++
	if r.size += r.width + wide; r.n == maxRows || r.size >= maxBytes {
		r.seal()
	}
}

// undo removes the row that was begun: columns before the given one have a value already.
// The builders cannot shrink, so the row is completed, and cut off the sealed batch.
func (r *rows) undo(column int) {
	for _, b := range r.b.Fields()[column:] {
		b.AppendNull()
	}
	whole := r.b.NewRecordBatch()
	defer whole.Release()
	if r.n > 0 {
		r.add(whole.NewSlice(0, int64(r.n)))
	}
}

func (r *rows) seal() {
	if r.n > 0 {
		r.add(r.b.NewRecordBatch())
	}
}

func (r *rows) add(batch arrow.RecordBatch) {
	r.sealed = append(r.sealed, batch)
	r.sealedSize += r.size
	r.n, r.size = 0, 0
}

// take returns the batches; the caller releases them.
func (r *rows) take() []arrow.RecordBatch {
	r.seal()
	batches := r.sealed
	r.sealed, r.sealedSize = nil, 0
	return batches
}

func (r *rows) release() {
	for _, batch := range r.take() {
		batch.Release()
	}
	r.b.Release()
}
