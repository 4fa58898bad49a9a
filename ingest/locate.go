package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
)

// locate finds the partition of the rows that are deleted, in a table that is partitioned by
// other columns than its keys. What the source says of a row that it deletes is made up
// unless the source table has REPLICA IDENTITY FULL, and nothing tells whether it has. So the
// row is looked up, in the batch and then in the table; a delete of a row that is in neither
// is left out. A global index finds the row by itself.
func (s *sink) locate(ctx context.Context, b *batch) error {
	c := b.table.Config()
	keyed := func(name string) bool { return slices.Contains(c.Keys, name) }
	if c.Index.Global() || s.options.Mode != cdc.Upsert || len(b.Rows) == 0 || !slices.ContainsFunc(c.PartitionBy, func(name string) bool { return !keyed(name) }) {
		return nil
	}
	l := &locator{resolver: &resolver{sink: s, batch: b, looked: map[string]place{}, absent: map[string]bool{}, want: map[string]bool{}}}
	defer l.release()
	for _, name := range c.PartitionBy {
		if _, at, ok := b.schema.Field(name); ok && !keyed(name) {
			l.partition = append(l.partition, at)
		}
	}
	if err := l.scan(); err != nil || len(l.deletes) == 0 {
		return err
	}
	if len(l.want) > 0 {
		if err := l.lookUp(ctx, l.partition); err != nil {
			return err
		}
	}
	return l.rewrite()
}

// locator finds the partitions of one batch's deletes.
type locator struct {
	*resolver
	partition []int            // columns
	deletes   map[place]string // keys of the deletes
	from      map[place]place  // where in the batch the row was before
}

// scan finds the deletes, and the row of each that is in the batch.
func (l *locator) scan() error {
	keys, err := keygen.New(l.batch.table.Config(), l.batch.schema)
	if err != nil {
		return err
	}
	_, mark, ok := l.batch.schema.Field(schema.IsDeleted)
	if !ok {
		return fmt.Errorf("ingest: rows lack %s: %w", schema.IsDeleted, base.ErrInvalid)
	}
	l.deletes, l.from = map[place]string{}, map[place]place{}
	all := make([]*array.String, len(l.batch.Rows))
	for i, rows := range l.batch.Rows {
		if all[i], err = keys.Keys(rows, l.sink.options.Alloc); err != nil {
			return err
		}
		defer all[i].Release()
		marks, _ := rows.Column(mark).(*array.Boolean)
		for row := range all[i].Len() {
			if marks != nil && marks.IsValid(row) && marks.Value(row) {
				l.deletes[place{i, row}] = strings.Clone(all[i].Value(row))
			}
		}
	}
	if len(l.deletes) == 0 {
		return nil
	}
	gone, last := map[string]bool{}, map[string]place{}
	for _, key := range l.deletes {
		gone[key] = true
	}
	for i := range l.batch.Rows {
		for row := range all[i].Len() {
			key, at := all[i].Value(row), place{i, row}
			if !gone[key] {
				continue
			}
			if _, deleted := l.deletes[at]; !deleted {
				last[strings.Clone(key)] = at
			} else if before, ok := last[key]; ok {
				l.from[at] = before
			} else {
				l.want[l.deletes[at]] = true
			}
		}
	}
	return nil
}

// rewrite gives the deletes their partitions, and leaves out those of rows that are nowhere.
func (l *locator) rewrite() error {
	out := make([]arrow.RecordBatch, 0, len(l.batch.Rows))
	for i, rows := range l.batch.Rows {
		made, err := l.located(i, rows)
		if err != nil {
			for _, b := range out {
				b.Release()
			}
			return err
		}
		out = append(out, made)
	}
	for _, rows := range l.batch.Rows {
		rows.Release()
	}
	l.batch.Rows = out
	return nil
}

func (l *locator) located(i int, rows arrow.RecordBatch) (arrow.RecordBatch, error) {
	var keep, from []merge.Pick
	for row := range int(rows.NumRows()) {
		at := place{i, row}
		source := at
		if key, deleted := l.deletes[at]; deleted {
			var ok bool
			if source, ok = l.from[at]; !ok {
				if source, ok = l.looked[key]; !ok {
					continue
				}
			}
		}
		keep, from = append(keep, pickOf(place{0, row})), append(from, pickOf(source))
	}
	columns := make([]arrow.Array, 0, rows.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for c, column := range rows.Columns() {
		sources, picks := []arrow.Array{column}, keep
		if slices.Contains(l.partition, c) {
			sources, picks = l.sources(c), from
		}
		made, err := merge.Interleave(l.sink.options.Alloc, column.DataType(), sources, picks)
		if err != nil {
			return nil, err
		}
		columns = append(columns, made)
	}
	return array.NewRecordBatch(rows.Schema(), columns, int64(len(keep))), nil
}
