package cdc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// row appends the row of a change event. On error nothing was appended.
func (d *Decoder) row(rec *Record, ev *event, position, order int64) error {
	t := d.table
	d.pending = pendingRow{cells: len(d.batch.Unavailable)}
	column, err := 0, error(nil)
	switch {
	case d.opt.Mode == Append:
		column, err = d.logged(rec, ev)
	case ev.op == 'd':
		column, err = d.deleted(rec, ev)
	default:
		column, err = d.changed(rec, ev)
	}
	if err == nil && d.opt.Mode == Upsert {
		err = d.keyChange(rec, ev, position)
	}
	if err != nil {
		d.batch.Unavailable = d.batch.Unavailable[:d.pending.cells]
		if column > 0 {
			t.rows.undo(column)
		}
		return err
	}
	events := t.rows.b.Fields()[len(t.source):]
	if d.opt.Mode == Append {
		appendLogColumns(events, rec, ev, order)
	} else {
		events[0].(*array.Int64Builder).Append(order)
		events[1].(*array.BooleanBuilder).Append(ev.op == 'd')
	}
	t.rows.keep(d.pending.wide)
	d.batch.Counts.OutOfRange += d.pending.outOfRange
	if d.batch.OutOfRange == "" {
		d.batch.OutOfRange = d.pending.example
	}
	return nil
}

func appendLogColumns(events []array.Builder, rec *Record, ev *event, order int64) {
	events[0].(*array.StringBuilder).BinaryBuilder.Append([]byte{ev.op})
	events[1].(*array.Int64Builder).Append(order)
	events[2].(*array.Int64Builder).Append(number(rec.Value, ev.time))
	events[3].(*array.StringBuilder).Append(rec.Topic)
	events[4].(*array.Int32Builder).Append(rec.Partition)
	events[5].(*array.Int64Builder).Append(rec.Offset)
}

// changed appends the after image. Like the functions below it returns the number of columns
// that have a value.
func (d *Decoder) changed(rec *Record, ev *event) (int, error) {
	t := d.table
	for _, k := range t.keys {
		if ev.after[k].null(rec.Value) {
			return 0, fmt.Errorf("key column %q is null: %w", t.source[k].Name, ErrNoKey)
		}
	}
	if len(rec.Key) == 0 && len(d.opt.Keys) == 0 {
		return 0, fmt.Errorf("the record has no message key: %w", ErrNoKey)
	}
	if err := d.stays(rec, ev); err != nil {
		return 0, err
	}
	return d.image(rec, ev.prog, ev.after)
}

// stays makes sure that an update leaves BeforeColumns as they are, as far as the event has
// the row as it was: the row would be in two places.
func (d *Decoder) stays(rec *Record, ev *event) error {
	if len(d.opt.BeforeColumns) == 0 || ev.op != 'u' || ev.before.null(rec.Value) {
		return nil
	}
	t, b := d.table, rec.Value
	for i, v := range d.before(rec, ev) {
		now := ev.after[i]
		if t.before[i] && !d.marks.is(b, now) && string(b[v.start:v.end]) != string(b[now.start:now.end]) {
			return fmt.Errorf("column %q, by which the table is partitioned, changes from %.60s to %.60s: partition by a column that never changes: %w",
				t.source[i].Name, b[v.start:v.end], b[now.start:now.end], ErrMoved)
		}
	}
	return nil
}

// logged appends the image that an event has, after or before, or none.
func (d *Decoder) logged(rec *Record, ev *event) (int, error) {
	vals := ev.after
	if !ev.hasAfter {
		vals = d.before(rec, ev)
	}
	return d.image(rec, ev.prog, vals)
}

// before returns the places of the source columns in the before image, absent ones if there is none.
func (d *Decoder) before(rec *Record, ev *event) []value {
	if cap(d.images) < ev.prog.width() {
		d.images = make([]value, ev.prog.width())
	}
	d.images = d.images[:ev.prog.width()]
	if ev.before.null(rec.Value) {
		clear(d.images)
	} else {
		ev.prog.shape.read(rec.Value, ev.before.start, 0, d.images)
	}
	return d.images
}

// image appends all columns from their places in the record's value.
func (d *Decoder) image(rec *Record, prog *program, vals []value) (int, error) {
	t, b := d.table, rec.Value
	builders := t.rows.b.Fields()
	for i, v := range vals {
		if v.null(b) {
			builders[i].AppendNull()
			continue
		}
		if d.marks.is(b, v) {
			d.unavailable(i)
			continue
		}
		if t.wide[i] {
			d.pending.wide += v.end - v.start
		}
		if verdict := prog.cols[i].append(b, v); verdict != stored {
			if err := d.odd(rec, i, b, v, verdict); err != nil {
				return i + 1, err
			}
		}
	}
	return len(vals), nil
}

// deleted appends the row of a delete: the key columns from the message key, those of
// BeforeColumns, and without message key also the key columns, from the before image.
func (d *Decoder) deleted(rec *Record, ev *event) (int, error) {
	t := d.table
	if err := d.key.read(rec.Key); err != nil {
		return 0, err
	}
	before := d.before(rec, ev)
	for k, i := range t.keys {
		fromBefore := t.before[i] || len(rec.Key) == 0
		if ev.prog.cols[i] == nil || d.key.vals[k].null(rec.Key) && !(fromBefore && !before[i].null(rec.Value)) {
			return 0, fmt.Errorf("the delete's message key has no %q: %w", t.source[i].Name, ErrNoKey)
		}
	}
	for i, builder := range t.rows.b.Fields()[:len(t.source)] {
		b, v := d.deletedValue(rec, before, i)
		if v.null(b) {
			builder.AppendNull()
			continue
		}
		if t.wide[i] {
			d.pending.wide += v.end - v.start
		}
		if verdict := ev.prog.cols[i].append(b, v); verdict != stored {
			if err := d.odd(rec, i, b, v, verdict); err != nil {
				return i + 1, err
			}
		}
	}
	return len(t.source), nil
}

// deletedValue finds the value of a delete's column i, and the text that it is in.
func (d *Decoder) deletedValue(rec *Record, before []value, i int) ([]byte, value) {
	t := d.table
	for k, at := range t.keys {
		if at != i {
			continue
		}
		if v := d.key.vals[k]; !v.null(rec.Key) {
			return rec.Key, v
		}
		return rec.Value, before[i]
	}
	if t.before[i] {
		return rec.Value, before[i]
	}
	return nil, value{}
}

// odd deals with a value that was not stored: it counts one out of range, and makes an error
// of one of the wrong form. A key cannot be out of range.
func (d *Decoder) odd(rec *Record, column int, b []byte, v value, verdict verdict) error {
	t := d.table
	f := t.source[column]
	text := b[v.start:v.end]
	if verdict == mismatch || !f.Type.Nullable {
		return fmt.Errorf("column %q (%s) cannot hold %.60s: %w", f.Name, t.schema.Arrow().Field(column).Type, text, ErrType)
	}
	d.pending.outOfRange++
	if d.batch.OutOfRange == "" && d.pending.example == "" {
		d.pending.example = fmt.Sprintf("column %q (%s) cannot hold %.60s (%s, partition %d, offset %d)",
			f.Name, t.schema.Arrow().Field(column).Type, text, rec.Topic, rec.Partition, rec.Offset)
	}
	return nil
}

// unavailable appends the stand-in of a value that was not sent.
func (d *Decoder) unavailable(column int) {
	r := &d.table.rows
	switch b := r.b.Field(column).(type) {
	case *array.StringBuilder:
		b.BinaryBuilder.Append(d.marks.marker)
		d.pending.wide += len(d.marks.marker)
	case *array.BinaryBuilder:
		b.Append(d.marks.marker)
		d.pending.wide += len(d.marks.marker)
	default:
		b.AppendNull()
	}
	d.batch.Unavailable = append(d.batch.Unavailable, Cell{Batch: len(r.sealed), Row: r.n, Column: column})
}

// keyChange notes the other key of a row whose key changed: of the new row that before, of
// the old one's delete that afterwards.
func (d *Decoder) keyChange(rec *Record, ev *event, position int64) error {
	name := oldKeyHeader
	switch ev.op {
	case 'c':
	case 'd':
		name = newKeyHeader
	default:
		return nil
	}
	var other []byte
	for _, h := range rec.Headers {
		if h.Key == name {
			other = h.Value
		}
	}
	if len(other) == 0 {
		return nil
	}
	if err := d.key.read(other); err != nil {
		return fmt.Errorf("header %s: %w", name, err)
	}
	t := d.table
	var bad error
	for k, i := range t.keys {
		v := d.key.vals[k]
		switch {
		case v.null(other) || ev.prog.keys[k] == nil:
			t.otherKeys.Field(k).AppendNull()
			bad = fmt.Errorf("header %s has no %q: %w", name, t.source[i].Name, ErrNoKey)
		case ev.prog.keys[k].append(other, v) != stored:
			bad = fmt.Errorf("header %s: column %q cannot hold %.60s: %w", name, t.source[i].Name, other[v.start:v.end], ErrType)
		}
	}
	t.otherRows++
	if bad != nil {
		return bad // The row of otherKeys stays; nothing refers to it.
	}
	d.batch.KeyChanges = append(d.batch.KeyChanges, KeyChange{
		Batch: len(t.rows.sealed), Row: t.rows.n, OtherKey: t.otherRows - 1, Position: position, Gone: ev.op == 'd',
		Unavailable: len(d.batch.Unavailable) > d.pending.cells,
	})
	return nil
}
