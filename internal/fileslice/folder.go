package fileslice

import (
	"fmt"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowscalar "github.com/apache/arrow-go/v18/arrow/scalar"

	"github.com/hudi-go/hudi-go/internal/base"
)

// withFolders puts the values of a partition's path in the place of the partition columns. Real Hudi does so wherever
// hoodie.datasource.write.drop.partition.columns is set: some of its writers drop the columns, some keep them, and compaction makes
// nulls of them.
func (r *Reader) withFolders(rows iter.Seq2[arrow.RecordBatch, error], partition string) iter.Seq2[arrow.RecordBatch, error] {
	values, ok := r.Folders(partition)
	if !ok {
		return rows
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		for batch, err := range rows {
			if err == nil {
				batch, err = r.placed(batch, values)
			}
			if err != nil {
				yield(nil, fmt.Errorf("partition %q: %w", partition, err))
				return
			}
			more := yield(batch, nil)
			batch.Release()
			if !more {
				return
			}
		}
	}
}

// placed is a batch with the values in their columns. The caller releases it.
func (r *Reader) placed(batch arrow.RecordBatch, values map[string]string) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, batch.NumCols())
	for i, f := range batch.Schema().Fields() {
		columns[i] = batch.Column(i)
		text, is := values[f.Name]
		if !is {
			continue
		}
		value := arrowscalar.MakeNullScalar(f.Type)
		if text != base.DefaultPartition {
			var err error
			if value, err = arrowscalar.ParseScalar(f.Type, text); err != nil {
				return nil, fmt.Errorf("value %q of column %s: %w: %w", text, f.Name, err, base.ErrCorrupt)
			}
		}
		filled, err := arrowscalar.MakeArrayFromScalar(value, int(batch.NumRows()), r.Alloc)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		defer filled.Release()
		columns[i] = filled
	}
	return array.NewRecordBatch(batch.Schema(), columns, batch.NumRows()), nil
}
