package writer

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/timeline"
)

// bulk streams the input into new files. Only rows that must be brought in order first,
// by partition or bucket, are held, and spill to disk.
func (w *write) bulk(ctx context.Context) ([]*timeline.WriteStat, error) {
	if err := w.chooseIndex(ctx); err != nil {
		return nil, err
	}
	if w.buckets != nil && w.options.Operation == BulkInsert {
		if err := w.refuseFilled(ctx); err != nil {
			return nil, err
		}
	}
	if w.rowKeys.Made != nil && (w.options.Combine || w.options.Sort) {
		return nil, fmt.Errorf("%s into table %s: rows without meta fields are not sorted by their keys: %w", w.options.Operation, w.table.Config.Name, base.ErrUnsupported)
	}
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	if w.options.Combine || w.options.Sort && w.options.Operation == BulkInsert {
		return w.ordered(ctx)
	}
	if w.buckets == nil && len(w.keys.PartitionFields()) == 0 {
		return w.base.Roll(ctx, "", w.newFileID, w.keyed())
	}
	spools, order, err := w.spool(ctx)
	defer func() {
		for _, s := range spools {
			if err := s.Close(); err != nil {
				w.table.Log.Warn("spill file left behind", "error", err)
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	var stats []*timeline.WriteStat
	for _, to := range order {
		if w.buckets != nil {
			stat, err := w.base.Create(ctx, to.partition, base.NewBucketFileID(to.bucket, w.table.NewUUID()), spools[to].All())
			if err != nil {
				return nil, err
			}
			stats = append(stats, stat)
			continue
		}
		rolled, err := w.base.Roll(ctx, to.partition, w.newFileID, spools[to].All())
		if err != nil {
			return nil, err
		}
		stats = append(stats, rolled...)
	}
	return stats, nil
}

// refuseFilled makes sure that a bucketed table is empty: a bucket has one file group, and
// a second one with new rows would break the table.
func (w *write) refuseFilled(ctx context.Context) error {
	partitions, err := w.view.Partitions(ctx)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		slices, err := w.view.Latest(ctx, p)
		if err != nil {
			return err
		}
		if len(slices) > 0 {
			return fmt.Errorf("bulk-insert into table %s: it has a bucket index and holds rows already; use upsert: %w", w.table.Config.Name, base.ErrInvalid)
		}
	}
	return nil
}

// keyed yields the incoming rows with their meta columns, for a table without partitions.
func (w *write) keyed() cow.Rows {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for batch, err := range w.input.Rows {
			if err != nil {
				yield(nil, err)
				return
			}
			full, err := w.complete("", batch)
			if err != nil {
				yield(nil, err)
				return
			}
			more := full.NumRows() == 0 || yield(full, nil)
			full.Release()
			if !more {
				return
			}
		}
	}
}

// complete adds keys and meta columns, and leaves rows out that are marked as deleted. The caller
// releases the result.
func (w *write) complete(partition string, rows arrow.RecordBatch) (arrow.RecordBatch, error) {
	gone, err := w.gone(rows)
	if err != nil {
		return nil, err
	}
	if gone == nil {
		return w.keyedRows(partition, rows)
	}
	alive, err := w.without(rows, gone)
	if err != nil {
		return nil, err
	}
	defer alive.Release()
	return w.keyedRows(partition, alive)
}

// keyedRows adds keys and meta columns. The caller releases the result.
func (w *write) keyedRows(partition string, rows arrow.RecordBatch) (arrow.RecordBatch, error) {
	keys, err := w.recordKeys(rows)
	if err != nil {
		return nil, err
	}
	defer keys.Release()
	path := w.constant(partition, int(rows.NumRows()))
	defer path.Release()
	return w.withMeta(path, rows, keys)
}

// gone tells which incoming rows are marked as deleted; it is nil if none can be. A bulk-insert keeps marks
// that the table has a column for, as that of Spark does.
func (w *write) gone(rows arrow.RecordBatch) (func(row int) bool, error) {
	if _, _, stored := w.rows.Field(schema.IsDeleted); w.options.Operation == BulkInsert && (!w.marked || stored) {
		return nil, nil
	}
	return w.rules.Deletes(rows)
}

// without returns the rows that are not gone. The caller releases the result.
func (w *write) without(rows arrow.RecordBatch, gone func(row int) bool) (arrow.RecordBatch, error) {
	var picks []merge.Pick
	for row := range int(rows.NumRows()) {
		if !gone(row) {
			picks = append(picks, merge.Pick{Row: int32(row)})
		}
	}
	if len(picks) == int(rows.NumRows()) {
		rows.Retain()
		return rows, nil
	}
	return merge.TakeRows(w.options.Alloc, rows, picks)
}

// target is where spooled rows go.
type target struct {
	partition string
	bucket    int
}

// spool sorts the input by target. order lists the targets as they were met.
func (w *write) spool(ctx context.Context) (spools map[target]*mem.Spool, order []target, err error) {
	budget := mem.NewBudget(w.options.Memory, w.options.SpillDir)
	spools = map[target]*mem.Spool{}
	put := func(to target, rows arrow.RecordBatch) error {
		s := spools[to]
		if s == nil {
			s = mem.NewSpool(budget, w.full.Arrow(), w.options.Memory, w.options.Alloc)
			spools[to] = s
			order = append(order, to)
		}
		return s.Append(rows)
	}
	for batch, err := range w.input.Rows {
		err = errors.Join(err, ctx.Err())
		if err != nil {
			return spools, nil, err
		}
		err := w.eachPartition(batch, func(partition string, rows arrow.RecordBatch) error {
			full, err := w.complete(partition, rows)
			if err != nil {
				return err
			}
			defer full.Release()
			if w.buckets == nil {
				return put(target{partition: partition}, full)
			}
			return w.eachBucket(w.buckets, full, func(bucket int, rows arrow.RecordBatch) error {
				return put(target{partition, bucket}, rows)
			})
		})
		if err != nil {
			return spools, nil, err
		}
	}
	return spools, order, nil
}

// eachBucket calls f with the rows of each bucket in a batch that has its keys.
func (w *write) eachBucket(x *index.Bucket, batch arrow.RecordBatch, f func(bucket int, rows arrow.RecordBatch) error) error {
	keys, err := w.rowKeys.Of(batch, w.options.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	picks := make([][]merge.Pick, x.Buckets())
	for row := range keys.Len() {
		b := x.Of([]byte(keys.Value(row)))
		picks[b] = append(picks[b], merge.Pick{Row: int32(row)})
	}
	for b, p := range picks {
		if len(p) == 0 {
			continue
		}
		rows, err := merge.TakeRows(w.options.Alloc, batch, p)
		if err != nil {
			return err
		}
		err = f(b, rows)
		rows.Release()
		if err != nil {
			return err
		}
	}
	return nil
}
