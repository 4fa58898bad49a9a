package cdc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// heartbeatPrefix begins the names of Debezium's heartbeat topics.
const heartbeatPrefix = "__debezium-heartbeat"

// Decoder turns the records of the topics of one table into rows. It is not safe for
// concurrent use. Release it when done.
type Decoder struct {
	opt  Options
	keys []string
	conn *connector // of the first change event

	reader   *jsonReader
	programs []*program
	table    *table // nil before the first row, unless Options.Schema
	marks    *placeholders
	key      keyReader
	ev       event
	images   []value // before images

	parts   []*partition
	last    *partition
	batch   Batch // but for its rows
	wider   bool  // SetSchema was called since the last row
	pending pendingRow
}

// pendingRow is what is noted of a row until it is complete.
type pendingRow struct {
	wide       int // bytes
	outOfRange int64
	example    string
	cells      int // len of batch.Unavailable before
}

// NewDecoder makes a decoder. The error wraps base.ErrInvalid for options that do not fit together.
func NewDecoder(opt Options) (*Decoder, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Decoder{opt: opt, keys: opt.Keys, marks: newPlaceholders(opt.Placeholder)}
	d.reader = newJSONReader(d.programFor)
	return d, nil
}

// Release frees what was not flushed.
func (d *Decoder) Release() {
	if d.table != nil {
		d.table.release()
		d.table = nil
	}
}

// Schema is that of the rows: the source columns, then the event columns. It is nil before
// the first row.
func (d *Decoder) Schema() *schema.Schema {
	if d.table == nil {
		return nil
	}
	return d.table.schema
}

// Keys returns the names of the key columns, nil before the first row if Options has none.
func (d *Decoder) Keys() []string { return d.keys }

// OrderColumn returns the name of the ordering column, "" before the first row.
func (d *Decoder) OrderColumn() string {
	if d.conn == nil {
		return ""
	}
	return d.conn.column
}

// Rows returns the number of rows since the last Flush.
func (d *Decoder) Rows() int {
	if d.table == nil {
		return 0
	}
	n := d.table.rows.n
	for _, b := range d.table.rows.sealed {
		n += int(b.NumRows())
	}
	return n
}

// Bytes estimates the memory of the rows since the last Flush.
func (d *Decoder) Bytes() int64 {
	if d.table == nil {
		return 0
	}
	return int64(d.table.rows.size + d.table.rows.sealedSize)
}

// SetSchema makes the given schema the table's, with or without event columns. It is the
// answer to a SchemaChange, after Flush; with rows that were not flushed it fails with
// base.ErrInvalid.
func (d *Decoder) SetSchema(s *schema.Schema) error {
	if d.Rows() > 0 {
		return fmt.Errorf("cdc: SetSchema with %d rows not flushed: %w", d.Rows(), base.ErrInvalid)
	}
	d.opt.Schema = s
	d.wider = true
	if d.conn == nil {
		return nil
	}
	if err := d.setTable(s); err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	return nil
}

// Append decodes one record. It keeps no reference to the record's memory. Errors are
// *SchemaChange, or *RecordError with one of this package's reasons; the record was not
// consumed then, and the decoder can go on.
func (d *Decoder) Append(rec Record) error {
	err := d.append(&rec, d.partition(&rec))
	if err == nil || isSchemaChange(err) {
		return err
	}
	return &RecordError{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Err: err}
}

func isSchemaChange(err error) bool {
	var changed *SchemaChange
	return errors.As(err, &changed)
}

// Skip consumes a record without decoding it, after an error.
func (d *Decoder) Skip(rec Record) {
	d.partition(&rec).took(rec.Offset, 0)
	d.batch.Counts.Skipped++
}

func (d *Decoder) append(rec *Record, p *partition) error {
	ev, counts := &d.ev, &d.batch.Counts
	if strings.HasPrefix(rec.Topic, heartbeatPrefix) {
		return d.ignore(&counts.Other, rec, p)
	}
	if len(rec.Value) == 0 {
		return d.ignore(&counts.Tombstones, rec, p)
	}
	if d.conn == nil {
		if err := d.start(rec); err != nil {
			return err
		}
	}
	if err := d.reader.read(rec.Value, ev); err != nil {
		return err
	}
	switch {
	case ev.kind == tombstone:
		return d.ignore(&counts.Tombstones, rec, p)
	case ev.kind == message:
		return d.ignore(&counts.Messages, rec, p)
	case ev.kind == unrelated:
		return d.ignore(&counts.Other, rec, p)
	case ev.op == 't' && d.opt.Mode == Upsert:
		if d.opt.Truncate == TruncateError {
			return ErrTruncate
		}
		return d.ignore(&counts.Truncates, rec, p)
	}
	if err := d.ready(ev); err != nil {
		return err
	}
	position, positioned, err := d.conn.position(rec.Value, &ev.source)
	if err != nil {
		return err
	}
	anew := positioned && position < p.Order && ev.op != 'r' && p.origin.outrun(rec.Value, &ev.source)
	settles := ev.op == 'r' || anew
	order := p.order(position, positioned, settles)
	if err := d.row(rec, ev, position, order); err != nil {
		return err
	}
	d.wider = false
	p.took(rec.Offset, number(rec.Value, ev.source[srcTime]))
	if anew && p.floor < p.Order {
		counts.Logs++
	}
	if p.tookRow(order, settles); ev.op != 'r' && order == p.Order {
		p.origin.note(rec.Value, &ev.source)
	}
	switch ev.op {
	case 'r':
		counts.Snapshots++
	case 'c':
		counts.Creates++
	case 'u':
		counts.Updates++
	case 'd':
		counts.Deletes++
	case 't':
		counts.Truncates++
	}
	return nil
}

func (d *Decoder) ignore(count *int64, rec *Record, p *partition) error {
	*count++
	p.took(rec.Offset, 0)
	return nil
}

// start learns from the first change event of which connector it is, and the key columns.
func (d *Decoder) start(rec *Record) error {
	if err := d.reader.read(rec.Value, &d.ev); err != nil {
		return err
	}
	if d.ev.kind != change || d.ev.op == 't' && d.opt.Mode == Upsert {
		return nil
	}
	conn, err := connectorOf(rec.Value, &d.ev.source)
	if err != nil {
		return err
	}
	if d.opt.Mode == Upsert && len(d.keys) == 0 {
		keys, err := KeyFields(*rec)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return fmt.Errorf("the record has no message key: name the key columns with Options.Keys, or append: %w", ErrNoKey)
		}
		d.keys = keys
	}
	d.conn, d.key = conn, newKeyReader(d.keys)
	if s := d.opt.Schema; s != nil {
		if err = conn.feeds(s); err == nil {
			err = d.setTable(s)
		}
		if err != nil {
			d.conn = nil
			return err
		}
	}
	return nil
}

// ready checks that the rows can take the event.
func (d *Decoder) ready(ev *event) error {
	switch p := ev.prog; {
	case p == nil:
		return fmt.Errorf("the events carry no schema: declare the columns with Options.Schema: %w", ErrNoSchema)
	case p.fits():
		return nil
	case p.incoming == nil:
		return fmt.Errorf("the embedded schema is not that of a change event: %w", ErrMalformed)
	case d.wider:
		return fmt.Errorf("the schema given to SetSchema still cannot take the column %q: %w", p.misfit, ErrType)
	default:
		return &SchemaChange{Schema: p.incoming, Column: p.misfit}
	}
}

// partition returns the state of a record's partition.
func (d *Decoder) partition(rec *Record) *partition {
	if p := d.last; p != nil && p.Partition == rec.Partition && p.Topic == rec.Topic {
		return p
	}
	for _, p := range d.parts {
		if p.Partition == rec.Partition && p.Topic == rec.Topic {
			d.last = p
			return p
		}
	}
	seed := d.opt.Seed[rec.Topic][rec.Partition]
	p := &partition{Range: Range{Topic: strings.Clone(rec.Topic), Partition: rec.Partition, First: -1, Order: seed}, floor: seed}
	d.parts = append(d.parts, p)
	d.last = p
	return p
}

// Flush returns what was made of the records since the last Flush; the caller releases it.
// Without any record the batch is empty.
func (d *Decoder) Flush() *Batch {
	b := d.batch
	d.batch = Batch{}
	if t := d.table; t != nil {
		b.Rows = t.rows.take()
		if t.otherRows > 0 {
			b.OtherKeys = t.otherKeys.NewRecordBatch()
			t.otherRows = 0
		}
	}
	for _, p := range d.parts {
		if p.First >= 0 {
			b.Ranges = append(b.Ranges, p.Range)
			p.First, p.Time = -1, 0
		}
	}
	for _, p := range d.programs {
		if p.text == nil && p.fits() {
			b.Unknown = append(b.Unknown, p.shape.unknown...)
		}
	}
	return &b
}
