package writer

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
)

// stage holds changes, one entry for each key: those to one partition, or, where keys are found
// in all partitions, those to the table.
type stage struct {
	partition string // of the changes to one
	changes   *merge.Reducer
	// skipped are entries that are not written.
	skipped map[int32]bool
}

func (w *write) newStage(partition string) *stage {
	s := &stage{partition: partition, changes: w.reducer()}
	w.stages = append(w.stages, s)
	return s
}

// reducer takes changes to rows of the table. The caller releases it.
func (w *write) reducer() *merge.Reducer {
	rules := w.rules
	rules.Legacy.FinalDeletes = false // a rule of logs that are read: what is written keeps its value
	return merge.NewReducer(rules, w.full.Arrow(), w.options.Alloc)
}

// releaseStages gives up all stages.
func (w *write) releaseStages() {
	for _, s := range w.stages {
		s.changes.Release()
	}
	for _, rows := range w.kept {
		rows.Release()
	}
	w.stages, w.kept = nil, nil
}

// stageAll reads the input to its end. What needs more memory than staging may take is in w.excess then, and nothing
// is staged.
func (w *write) stageAll(ctx context.Context) error {
	byPath := map[string]*stage{}
	for batch, err := range w.input.Rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		// Batches may differ from each other, and from what was announced, as far as they can be brought to that.
		batch, err := schema.Conform(batch, w.input.Schema, w.options.Alloc)
		if err != nil {
			return fmt.Errorf("write to table %s: %w", w.table.Config.Name, err)
		}
		err = w.stageNext(byPath, batch)
		batch.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *write) stageNext(byPath map[string]*stage, batch arrow.RecordBatch) error {
	var err error
	switch {
	case w.excess != nil:
		w.excessBytes += mem.BatchSize(batch)
		return w.excess.Append(batch)
	case w.global():
		err = w.stageWhole(batch)
	default:
		err = w.stageBatch(byPath, batch, w.addRows)
	}
	if err == nil && w.held() > w.options.Memory {
		err = w.moveOut()
	}
	return err
}

// stageBatch calls add with the rows of each partition in a batch and its stage.
func (w *write) stageBatch(byPath map[string]*stage, batch arrow.RecordBatch, add func(s *stage, rows arrow.RecordBatch) error) error {
	return w.eachPartition(batch, func(partition string, rows arrow.RecordBatch) error {
		s := byPath[partition]
		if s == nil {
			s = w.newStage(partition)
			if w.repeats() {
				s.changes.KeepDuplicates()
			}
			byPath[partition] = s
		}
		return add(s, rows)
	})
}

// repeats tells whether rows that share a key are all written.
func (w *write) repeats() bool {
	return w.options.Operation == Insert && !w.index.Assigns() && !w.options.Combine
}

// addRows puts the rows of a stage's partition into it.
func (w *write) addRows(s *stage, rows arrow.RecordBatch) error {
	path := w.constant(s.partition, int(rows.NumRows()))
	defer path.Release()
	return w.add(s, rows, path)
}

// stageWhole adds a batch to the one stage of a write that looks for keys in all partitions. A
// delete finds its row wherever it is.
func (w *write) stageWhole(batch arrow.RecordBatch) error {
	if batch.NumRows() == 0 {
		return nil
	}
	if len(w.stages) == 0 {
		w.newStage("")
	}
	if w.options.Operation == Delete {
		return w.addDeletes(w.stages[0], batch)
	}
	p, err := w.keys.Partitions(batch)
	if err != nil {
		return err
	}
	b := array.NewStringBuilder(w.options.Alloc)
	defer b.Release()
	for row := range int(batch.NumRows()) {
		of := int32(0)
		if p.Of != nil {
			of = p.Of[row]
		}
		b.Append(p.Paths[of])
	}
	paths := b.NewArray()
	defer paths.Release()
	return w.add(w.stages[0], batch, paths)
}

// held is the memory of the stages.
func (w *write) held() (bytes int64) {
	for _, s := range w.stages {
		bytes += s.changes.Bytes()
	}
	if w.options.Operation == Delete { // else the stages have the same columns
		for _, rows := range w.kept {
			bytes += mem.BatchSize(rows)
		}
	}
	return bytes
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

// add puts incoming rows, whose partitions are given, into a stage.
func (w *write) add(s *stage, rows arrow.RecordBatch, partitions arrow.Array) error {
	if w.divides() {
		rows.Retain()
		w.kept = append(w.kept, rows)
	}
	if w.options.Operation == Delete {
		return w.addDeletes(s, rows)
	}
	keys, err := w.recordKeys(rows)
	if err != nil {
		return err
	}
	defer keys.Release()
	full, err := w.withMeta(partitions, rows, keys)
	if err != nil {
		return err
	}
	defer full.Release()
	if w.part != nil {
		return s.changes.AddChanges(full, keys, w.marks(rows), w.part.has)
	}
	return s.changes.AddChanges(full, keys, w.marks(rows), nil)
}

// recordKeys makes the keys of rows. Generated ones have the form of sequence numbers, as in real Hudi.
func (w *write) recordKeys(rows arrow.RecordBatch) (*array.String, error) {
	if w.keys.Generated() {
		return w.seqnos(int(rows.NumRows())), nil
	}
	return w.keys.Keys(rows, w.options.Alloc)
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
// The file name is left null: it is known when the file is. In tables without meta fields
// all are null.
func (w *write) withMeta(partitions arrow.Array, rows arrow.RecordBatch, keys *array.String) (arrow.RecordBatch, error) {
	conformed, err := w.conform(rows)
	if err != nil {
		return nil, fmt.Errorf("write to table %s: %w", w.table.Config.Name, err)
	}
	defer conformed.Release()
	n := int(rows.NumRows())
	if w.rowKeys.Made != nil {
		none := array.MakeArrayOfNull(w.options.Alloc, arrow.BinaryTypes.String, n)
		defer none.Release()
		return w.behind(slices.Repeat([]arrow.Array{none}, len(schema.MetaColumns())), conformed), nil
	}
	instant := w.constant(w.txn.Instant, n)
	defer instant.Release()
	seqnos := w.seqnos(n)
	defer seqnos.Release()
	name := array.MakeArrayOfNull(w.options.Alloc, arrow.BinaryTypes.String, n)
	defer name.Release()
	meta := map[string]arrow.Array{
		schema.MetaCommitTime: instant, schema.MetaCommitSeqno: seqnos, schema.MetaRecordKey: keys,
		schema.MetaPartitionPath: partitions, schema.MetaFileName: name,
	}
	columns := make([]arrow.Array, 0, len(w.full.Fields()))
	for _, c := range schema.MetaColumns() {
		columns = append(columns, meta[c])
	}
	return w.behind(columns, conformed), nil
}

// conform brings incoming rows to the table's columns.
func (w *write) conform(rows arrow.RecordBatch) (arrow.RecordBatch, error) {
	if w.part != nil {
		return w.widened(rows)
	}
	return schema.Conform(rows, w.rows, w.options.Alloc)
}

// behind puts rows behind meta columns.
func (w *write) behind(meta []arrow.Array, rows arrow.RecordBatch) arrow.RecordBatch {
	return array.NewRecordBatch(w.full.Arrow(), append(meta, rows.Columns()...), rows.NumRows())
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
func (w *write) seqnos(n int) *array.String {
	b := array.NewStringBuilder(w.options.Alloc)
	defer b.Release()
	b.Reserve(n)
	text := append([]byte(w.txn.Instant), "_0_"...)
	prefix := len(text)
	next := w.seqno.Add(int64(n)) - int64(n)
	for i := range int64(n) {
		text = strconv.AppendInt(text[:prefix], next+i, 10)
		b.BinaryBuilder.Append(text)
	}
	return b.NewStringArray()
}
