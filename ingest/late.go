package ingest

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
)

// fillLate deals with an update of a key whose new row came into the table before its old
// row, which is possible when the keys are in different partitions: the new row stands
// there with placeholders. When the delete of the old key comes by, before the old row is
// gone, its values are given to the new key, as a version that is older by one than the
// new row: it loses against it, and fills its placeholders.
func (s *sink) fillLate(ctx context.Context, b *batch) error {
	moves := map[string]place{} // by new key, the delete of the old one
	r := &resolver{sink: s, batch: b}
	defer r.release()
	if err := r.moves(moves); err != nil || len(moves) == 0 {
		return err
	}
	r.inTable = map[string][]place{}
	var keys []string
	for key := range moves {
		keys = append(keys, key)
	}
	if err := r.lookUp(ctx, "", keys); err != nil {
		return err
	}
	var fills []fill
	var old []string
	for key, gone := range moves {
		if at := r.inTable[key]; len(at) > 0 && r.hasPlaceholder(at[0]) {
			fills = append(fills, fill{new: at[0], gone: gone})
			old = append(old, r.keyOf[gone])
		}
	}
	if len(fills) == 0 {
		return nil
	}
	if err := r.lookUp(ctx, "", old); err != nil {
		return err
	}
	return r.addFills(fills)
}

// fill is a row of a new key that waits in the table, and the delete of its old key.
type fill struct{ new, gone place }

// moves collects the deletes that name a new key, and their own keys.
func (r *resolver) moves(moves map[string]place) error {
	var gone []place
	var others []int
	for _, c := range r.batch.KeyChanges {
		if c.Gone {
			gone = append(gone, place{c.Batch, c.Row})
			others = append(others, c.OtherKey)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if err := r.generator(); err != nil {
		return err
	}
	other, err := r.keys.Keys(r.batch.OtherKeys, r.sink.options.Alloc)
	if err != nil {
		return err
	}
	defer other.Release()
	r.keyOf, r.oldKey, r.versions = map[place]string{}, map[place]string{}, map[string][]version{}
	own := make([]*array.String, len(r.batch.Rows))
	for i, at := range gone {
		if own[at.batch] == nil {
			if own[at.batch], err = r.keys.Keys(r.batch.Rows[at.batch], r.sink.options.Alloc); err != nil {
				return err
			}
			defer own[at.batch].Release()
		}
		r.keyOf[at] = strings.Clone(own[at.batch].Value(at.row))
		r.versions[r.keyOf[at]] = nil
		moves[strings.Clone(other.Value(others[i]))] = at
	}
	return r.index()
}

// hasPlaceholder tells whether a row of the table lacks a value.
func (r *resolver) hasPlaceholder(at place) bool {
	marker := r.sink.options.Placeholder
	for _, c := range r.row(at).Columns() {
		switch a := c.(type) {
		case *array.String:
			if a.IsValid(at.row) && a.Value(at.row) == marker {
				return true
			}
		case *array.Binary:
			if a.IsValid(at.row) && a.ValueString(at.row) == marker {
				return true
			}
		}
	}
	return false
}

func (r *resolver) row(at place) arrow.RecordBatch {
	if at.batch < len(r.batch.Rows) {
		return r.batch.Rows[at.batch]
	}
	return r.stored[at.batch-len(r.batch.Rows)]
}

// addFills appends a batch with the old rows' values under the new keys.
func (r *resolver) addFills(fills []fill) error {
	keyColumns := map[string]bool{}
	for _, k := range r.batch.table.Config().Keys {
		keyColumns[k] = true
	}
	order := r.batch.table.Config().Ordering[0]
	var rows []fill
	var values []place
	for _, f := range fills {
		if v, ok := r.before(r.keyOf[f.gone], f.gone); ok {
			rows, values = append(rows, f), append(values, v.place)
		} else if list := r.inTable[r.keyOf[f.gone]]; len(list) > 0 {
			rows, values = append(rows, f), append(values, list[0])
		}
	}
	if len(rows) == 0 {
		return nil
	}
	columns := make([]arrow.Array, 0, len(r.batch.schema.Fields()))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for c, f := range r.batch.schema.Fields() {
		var column arrow.Array
		var err error
		switch {
		case f.Name == order:
			column, err = r.ordersBefore(rows, c)
		case keyColumns[f.Name]:
			column, err = r.pick(c, func(i int) place { return rows[i].new }, len(rows))
		case f.Name == schema.IsDeleted:
			column = array.MakeArrayOfNull(r.sink.options.Alloc, arrow.FixedWidthTypes.Boolean, len(rows))
		default:
			column, err = r.pick(c, func(i int) place { return values[i] }, len(rows))
		}
		if err != nil {
			return err
		}
		columns = append(columns, column)
	}
	r.batch.Rows = append(r.batch.Rows, array.NewRecordBatch(r.batch.schema.Arrow(), columns, int64(len(rows))))
	return nil
}

// ordersBefore makes the ordering values of the fills: one less than the new row's first.
func (r *resolver) ordersBefore(rows []fill, column int) (arrow.Array, error) {
	b := array.NewInt64Builder(r.sink.options.Alloc)
	defer b.Release()
	for _, f := range rows {
		orders, ok := r.row(f.gone).Column(column).(*array.Int64)
		if !ok {
			return nil, fmt.Errorf("ingest: the ordering column is %s, not long", r.row(f.gone).Column(column).DataType())
		}
		b.Append(orders.Value(f.gone.row) - 1)
	}
	return b.NewArray(), nil
}

func (r *resolver) pick(column int, of func(i int) place, n int) (arrow.Array, error) {
	sources := make([]arrow.Array, 0, len(r.batch.Rows)+len(r.stored))
	for _, b := range r.batch.Rows {
		sources = append(sources, b.Column(column))
	}
	for _, b := range r.stored {
		sources = append(sources, b.Column(column))
	}
	picks := make([]merge.Pick, n)
	for i := range picks {
		at := of(i)
		picks[i] = merge.Pick{Source: int32(at.batch), Row: int32(at.row)}
	}
	return merge.Interleave(r.sink.options.Alloc, r.batch.schema.Arrow().Field(column).Type, sources, picks)
}
