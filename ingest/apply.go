package ingest

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
)

// apply makes the batch anew with cells filled and rows added.
func (r *resolver) apply(edits map[cdc.Cell]place, puts []put) error {
	added, err := r.added(puts)
	if err != nil {
		return err
	}
	if err := r.edit(edits); err != nil {
		if added != nil {
			added.Release()
		}
		return err
	}
	if added != nil {
		r.batch.Rows = append(r.batch.Rows, added)
	}
	return nil
}

// edit fills cells.
func (r *resolver) edit(edits map[cdc.Cell]place) error {
	type column struct{ batch, column int }
	changed := map[column]map[int]place{}
	for c, from := range edits {
		at := column{c.Batch, c.Column}
		if changed[at] == nil {
			changed[at] = map[int]place{}
		}
		changed[at][c.Row] = from
	}
	if len(changed) == 0 {
		return nil
	}
	filled := map[column]arrow.Array{}
	defer func() {
		for _, a := range filled {
			a.Release()
		}
	}()
	for at, cells := range changed {
		rows := r.batch.Rows[at.batch]
		picks := make([]merge.Pick, rows.NumRows())
		for row := range picks {
			from, ok := cells[row]
			if !ok {
				from = place{at.batch, row}
			}
			picks[row] = pickOf(from)
		}
		a, err := merge.Interleave(r.sink.options.Alloc, rows.Column(at.column).DataType(), r.sources(at.column), picks)
		if err != nil {
			return err
		}
		filled[at] = a
	}
	for i, rows := range r.batch.Rows {
		columns := slices.Clone(rows.Columns())
		for c := range columns {
			if a, ok := filled[column{i, c}]; ok {
				columns[c] = a
			}
		}
		r.batch.Rows[i] = array.NewRecordBatch(rows.Schema(), columns, rows.NumRows())
		rows.Release()
	}
	return nil
}

func pickOf(at place) merge.Pick { return merge.Pick{Source: int32(at.batch), Row: int32(at.row)} }

// sources are a column of the batch's rows and the table's, as places count them.
func (r *resolver) sources(column int) []arrow.Array {
	out := make([]arrow.Array, 0, len(r.batch.Rows)+len(r.stored)+1)
	for _, b := range r.batch.Rows {
		out = append(out, b.Column(column))
	}
	for _, b := range r.stored {
		out = append(out, b.Column(column))
	}
	return out
}

// added makes the rows that are added; nil for none.
func (r *resolver) added(puts []put) (arrow.RecordBatch, error) {
	if len(puts) == 0 {
		return nil, nil
	}
	columns := make([]arrow.Array, 0, len(r.batch.schema.Fields()))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range r.batch.schema.Fields() {
		var column arrow.Array
		var err error
		switch {
		case f.Name == schema.IsDeleted:
			column = array.MakeArrayOfNull(r.sink.options.Alloc, arrow.FixedWidthTypes.Boolean, len(puts))
		case i == r.order:
			column = r.orders(puts)
		default:
			column, err = r.pick(puts, i)
		}
		if err != nil {
			return nil, err
		}
		columns = append(columns, column)
	}
	return array.NewRecordBatch(r.batch.schema.Arrow(), columns, int64(len(puts))), nil
}

func (r *resolver) pick(puts []put, column int) (arrow.Array, error) {
	sources := r.sources(column)
	key := int32(-1)
	if r.batch.OtherKeys != nil {
		if at := r.batch.OtherKeys.Schema().FieldIndices(r.batch.schema.Fields()[column].Name); len(at) > 0 {
			key = int32(len(sources))
			sources = append(sources, r.batch.OtherKeys.Column(at[0]))
		}
	}
	picks := make([]merge.Pick, len(puts))
	for i, p := range puts {
		from, ok := p.cells[column]
		if !ok {
			from = p.row
		}
		picks[i] = pickOf(from)
		if p.moved && key >= 0 {
			picks[i] = merge.Pick{Source: key, Row: int32(p.otherKey)}
		}
	}
	return merge.Interleave(r.sink.options.Alloc, r.batch.schema.Arrow().Field(column).Type, sources, picks)
}

// orders makes the ordering values: a filled row replaces the one it was made of, a moved
// one loses against the new row.
func (r *resolver) orders(puts []put) arrow.Array {
	b := array.NewInt64Builder(r.sink.options.Alloc)
	defer b.Release()
	for _, p := range puts {
		if p.moved {
			b.Append(p.before - 1)
		} else {
			b.Append(r.orderOf(p.row))
		}
	}
	return b.NewArray()
}
