package writer

import (
	"context"
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
)

// stage holds the changes to one partition, one entry for each key.
type stage struct {
	partition string
	changes   *merge.Reducer
}

// stageAll reads the input to its end. The caller releases the stages.
func (w *write) stageAll(ctx context.Context) (stages []*stage, err error) {
	byPath := map[string]*stage{}
	rules := w.rules
	rules.Legacy.FinalDeletes = false // a rule of logs that are read: what is written keeps its value
	defer func() {
		if err != nil {
			releaseAll(stages)
			stages = nil
		}
	}()
	for batch, err := range w.input.Rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return stages, err
		}
		err := w.eachPartition(batch, func(partition string, rows arrow.RecordBatch) error {
			s := byPath[partition]
			if s == nil {
				s = &stage{partition, merge.NewReducer(rules, w.full.Arrow(), w.options.Alloc)}
				if w.options.Operation == Insert && w.bucket == 0 {
					s.changes.KeepDuplicates()
				}
				byPath[partition] = s
				stages = append(stages, s)
			}
			return w.add(s, rows)
		})
		if err != nil {
			return stages, err
		}
		var held int64
		for _, s := range stages {
			held += s.changes.Bytes()
		}
		if held > w.options.Memory {
			return stages, fmt.Errorf("write to table %s: the input needs more than the %d MiB that staging may take: raise --memory, write it in parts, or load it with bulk-insert, which streams: %w",
				w.table.Config.Name, w.options.Memory>>20, base.ErrInvalid)
		}
	}
	return stages, nil
}

func releaseAll(stages []*stage) {
	for _, s := range stages {
		s.changes.Release()
	}
}

// eachPartition calls f with the rows of each partition in a batch.
func (w *write) eachPartition(batch arrow.RecordBatch, f func(partition string, rows arrow.RecordBatch) error) error {
	if batch.NumRows() == 0 {
		return nil
	}
	p, err := w.keys.Partitions(batch)
	if err != nil {
		return err
	}
	if p.Of == nil {
		return f(p.Paths[0], batch)
	}
	picks := make([][]merge.Pick, len(p.Paths))
	for row, of := range p.Of {
		picks[of] = append(picks[of], merge.Pick{Row: int32(row)})
	}
	for of, path := range p.Paths {
		rows, err := merge.TakeRows(w.options.Alloc, batch, picks[of])
		if err != nil {
			return err
		}
		err = f(path, rows)
		rows.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// add puts incoming rows of one partition into its stage.
func (w *write) add(s *stage, rows arrow.RecordBatch) error {
	if w.options.Operation == Delete {
		return w.addDeletes(s, rows)
	}
	keys, err := w.keys.Keys(rows, w.options.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	full, err := w.withMeta(s.partition, rows, keys)
	if err != nil {
		return err
	}
	defer full.Release()
	return s.changes.AddChanges(full, keys, w.marks(rows))
}

// marks finds the delete marks that come beside the rows and are not stored with them.
func (w *write) marks(rows arrow.RecordBatch) *array.Boolean {
	if !w.marked {
		return nil
	}
	if at := rows.Schema().FieldIndices(schema.IsDeleted); len(at) > 0 {
		if marks, ok := rows.Column(at[0]).(*array.Boolean); ok {
			return marks
		}
	}
	return nil
}

// addDeletes takes the keys of rows, and their ordering values if they have any; without
// one a delete is unconditional.
func (w *write) addDeletes(s *stage, rows arrow.RecordBatch) error {
	keys, err := w.keys.Keys(rows, w.options.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	order, err := w.rules.OrderingOf(rows)
	if err != nil {
		return err
	}
	for row := range keys.Len() {
		at := order(row)
		if at.Unset() {
			at = merge.Value{} // unconditional with several ordering fields as with one
		}
		s.changes.AddDelete(keys.Value(row), at)
	}
	return nil
}

// withMeta brings incoming rows to the table's columns, with the meta columns in front.
// The file name is left null: it is known when the file is.
func (w *write) withMeta(partition string, rows arrow.RecordBatch, keys *array.String) (arrow.RecordBatch, error) {
	conformed, err := schema.Conform(rows, w.rows, w.options.Alloc)
	if err != nil {
		return nil, fmt.Errorf("write to table %s: %w", w.table.Config.Name, err)
	}
	defer conformed.Release()
	n := int(rows.NumRows())
	instant := w.constant(w.txn.Instant, n)
	defer instant.Release()
	path := w.constant(partition, n)
	defer path.Release()
	seqnos := w.seqnos(n)
	defer seqnos.Release()
	name := array.MakeArrayOfNull(w.options.Alloc, arrow.BinaryTypes.String, n)
	defer name.Release()
	meta := map[string]arrow.Array{
		schema.MetaCommitTime: instant, schema.MetaCommitSeqno: seqnos, schema.MetaRecordKey: keys,
		schema.MetaPartitionPath: path, schema.MetaFileName: name,
	}
	columns := make([]arrow.Array, 0, len(w.full.Fields()))
	for _, c := range schema.MetaColumns() {
		columns = append(columns, meta[c])
	}
	columns = append(columns, conformed.Columns()...)
	return array.NewRecordBatch(w.full.Arrow(), columns, int64(n)), nil
}

func (w *write) constant(text string, n int) arrow.Array {
	b := array.NewStringBuilder(w.options.Alloc)
	defer b.Release()
	b.Reserve(n)
	b.ReserveData(n * len(text))
	for range n {
		b.Append(text)
	}
	return b.NewArray()
}

// seqnos numbers the rows of the instant: <instant>_<worker>_<n>, with one worker.
func (w *write) seqnos(n int) arrow.Array {
	b := array.NewStringBuilder(w.options.Alloc)
	defer b.Release()
	b.Reserve(n)
	text := append([]byte(w.txn.Instant), "_0_"...)
	prefix := len(text)
	for range n {
		text = strconv.AppendInt(text[:prefix], w.seqno, 10)
		w.seqno++
		b.BinaryBuilder.Append(text)
	}
	return b.NewArray()
}
