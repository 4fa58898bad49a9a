package writer

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/timeline"
)

// The columns that rows have behind their own while they are sorted: whether they are marked as deleted, and
// what they are sorted by, which is the partition's path, 0, the bucket's eight digits if there are buckets,
// and the record key.
const (
	goneColumn  = "gone"
	orderColumn = "order"
)

// ordered writes the input in the order of partitions and record keys, to new files, and with
// Options.Combine each key of a partition once.
func (w *write) ordered(ctx context.Context) (stats []*timeline.WriteStat, err error) {
	fields := slices.Concat(w.full.Arrow().Fields(), []arrow.Field{
		{Name: goneColumn, Type: arrow.FixedWidthTypes.Boolean}, {Name: orderColumn, Type: arrow.BinaryTypes.String},
	})
	s := &sorter{schema: arrow.NewSchema(fields, nil), budget: mem.NewBudget(w.options.Memory, w.options.SpillDir), alloc: w.options.Alloc}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := w.sortInto(ctx, s); err != nil {
		return nil, err
	}
	next, stop := iter.Pull2(s.rows())
	defer stop()
	c := &cutter{next: next}
	defer c.close()
	for {
		prefix, ok, err := c.target(w.buckets != nil)
		if err != nil || !ok {
			return stats, err
		}
		rows := w.living(c.rows(ctx, prefix))
		if w.options.Combine {
			rows = w.combined(c.rows(ctx, prefix))
		}
		partition, bucket, _ := strings.Cut(prefix, "\x00")
		if bucket != "" {
			n, _ := base.BucketOf(bucket + "-")
			stat, err := w.base.Create(ctx, partition, base.NewBucketFileID(n, w.table.NewUUID()), rows)
			if err != nil {
				return nil, err
			}
			stats = append(stats, stat)
			continue
		}
		rolled, err := w.base.Roll(ctx, partition, w.newFileID, rows)
		if err != nil {
			return nil, err
		}
		stats = append(stats, rolled...)
	}
}

// sortInto puts the input into a sorter.
func (w *write) sortInto(ctx context.Context, s *sorter) error {
	for batch, err := range w.input.Rows {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		err := w.eachPartition(batch, func(partition string, rows arrow.RecordBatch) error {
			gone, err := w.goneMarks(rows)
			if err != nil {
				return err
			}
			defer gone.Release()
			full, err := w.keyedRows(partition, rows)
			if err != nil {
				return err
			}
			defer full.Release()
			order := w.orders(partition, full)
			defer order.Release()
			placed := array.NewRecordBatch(s.schema, slices.Concat(full.Columns(), []arrow.Array{gone, order}), full.NumRows())
			defer placed.Release()
			return s.add(placed)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// goneMarks makes the column that says which rows are marked as deleted.
func (w *write) goneMarks(rows arrow.RecordBatch) (*array.Boolean, error) {
	gone, err := w.gone(rows)
	if err != nil {
		return nil, err
	}
	b := array.NewBooleanBuilder(w.options.Alloc)
	defer b.Release()
	n := int(rows.NumRows())
	b.Reserve(n)
	for row := range n {
		b.UnsafeAppend(gone != nil && gone(row))
	}
	return b.NewBooleanArray(), nil
}

// orders makes the order column of rows.
func (w *write) orders(partition string, full arrow.RecordBatch) arrow.Array {
	keys := keysOf(full)
	b := array.NewStringBuilder(w.options.Alloc)
	defer b.Release()
	b.Reserve(keys.Len())
	text := append([]byte(partition), 0)
	prefix := len(text)
	for row := range keys.Len() {
		text = text[:prefix]
		if w.buckets != nil {
			text = append(text, base.BucketPrefix(w.buckets.Of([]byte(keys.Value(row))))...)
		}
		text = append(text, keys.Value(row)...)
		b.BinaryBuilder.Append(text)
	}
	return b.NewArray()
}

// keysOf are the record keys of rows with meta columns.
func keysOf(full arrow.RecordBatch) *array.String {
	return full.Column(full.Schema().FieldIndices(schema.MetaRecordKey)[0]).(*array.String)
}

// cutter cuts sorted rows where the target changes.
type cutter struct {
	next  func() (arrow.RecordBatch, error, bool)
	batch arrow.RecordBatch // what is left of the current one
}

// target is the prefix of the order of the next row; ok is false at the end.
func (c *cutter) target(buckets bool) (prefix string, ok bool, err error) {
	if c.batch == nil {
		batch, err, more := c.next()
		if !more || err != nil {
			return "", false, err
		}
		batch.Retain()
		c.batch = batch
	}
	order := orderOf(c.batch).Value(0)
	end := strings.IndexByte(order, 0) + 1
	if buckets {
		end += len(base.BucketPrefix(0))
	}
	return strings.Clone(order[:end]), true, nil
}

// rows yields the rows of a target.
func (c *cutter) rows(ctx context.Context, prefix string) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for {
			if c.batch == nil {
				batch, err, more := c.next()
				if err = errors.Join(err, ctx.Err()); err != nil {
					yield(nil, err)
					return
				}
				if !more {
					return
				}
				batch.Retain()
				c.batch = batch
			}
			order := orderOf(c.batch)
			n := sort.Search(order.Len(), func(i int) bool { return !strings.HasPrefix(order.Value(i), prefix) })
			if n == 0 {
				return
			}
			batch, rest := c.batch, arrow.RecordBatch(nil)
			if n < order.Len() {
				rest = batch.NewSlice(int64(n), batch.NumRows())
			}
			part := batch.NewSlice(0, int64(n))
			c.batch = rest
			batch.Release()
			more := yield(part, nil)
			part.Release()
			if !more {
				return
			}
		}
	}
}

func (c *cutter) close() {
	if c.batch != nil {
		c.batch.Release()
	}
}

// plain are sorted rows without the columns that they have while they are sorted.
func (w *write) plain(sorted arrow.RecordBatch) arrow.RecordBatch {
	columns := w.full.Arrow()
	return array.NewRecordBatch(columns, sorted.Columns()[:columns.NumFields()], sorted.NumRows())
}

// goneOf are the delete marks of sorted rows.
func (w *write) goneOf(sorted arrow.RecordBatch) *array.Boolean {
	return sorted.Column(w.full.Arrow().NumFields()).(*array.Boolean)
}

// living yields sorted rows that are not marked as deleted.
func (w *write) living(rows iter.Seq2[arrow.RecordBatch, error]) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for sorted, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			batch := w.plain(sorted)
			alive, err := w.without(batch, w.goneOf(sorted).Value)
			batch.Release()
			if err != nil {
				yield(nil, err)
				return
			}
			more := alive.NumRows() == 0 || yield(alive, nil)
			alive.Release()
			if !more {
				return
			}
		}
	}
}

// combined makes rows that share a key one, of rows that come in the order of their keys.
func (w *write) combined(rows iter.Seq2[arrow.RecordBatch, error]) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		c := &combiner{w: w, yield: yield}
		defer c.close()
		for sorted, err := range rows {
			if err == nil {
				err = c.add(sorted)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if c.ended {
				return
			}
		}
		c.flush()
	}
}

// combiner reduces rows that come in the order of their keys. It holds those of a batch, and of the key
// with which the batches before ended.
type combiner struct {
	w     *write
	yield func(arrow.RecordBatch, error) bool
	rows  *merge.Reducer
	ended bool // nobody wants more
}

func (c *combiner) add(sorted arrow.RecordBatch) error {
	batch := c.w.plain(sorted)
	defer batch.Release()
	keys := keysOf(batch)
	last := keys.Len() - 1 // its key may go on in the next batch
	for last > 0 && keys.Value(last-1) == keys.Value(last) {
		last--
	}
	if last == 0 && c.rows != nil && string(c.rows.Key(0)) != keys.Value(0) {
		c.flush()
	}
	if last > 0 {
		if err := c.put(batch, sorted, 0, last); err != nil {
			return err
		}
		c.flush()
	}
	if c.ended {
		return nil
	}
	return c.put(batch, sorted, last, keys.Len())
}

// put reduces some of the rows.
func (c *combiner) put(batch, sorted arrow.RecordBatch, from, to int) error {
	if c.rows == nil {
		c.rows = c.w.reducer()
	}
	part := batch.NewSlice(int64(from), int64(to))
	defer part.Release()
	gone := array.NewSlice(c.w.goneOf(sorted), int64(from), int64(to)).(*array.Boolean)
	defer gone.Release()
	return c.rows.AddChanges(part, keysOf(part), gone, nil)
}

func (c *combiner) flush() {
	if c.rows == nil {
		return
	}
	var alive []int32
	for e := range c.rows.Len() {
		if !c.rows.IsDelete(e) {
			alive = append(alive, int32(e))
		}
	}
	for batch, err := range c.rows.TakeAll(alive) {
		if !c.yield(batch, err) || err != nil {
			c.ended = true
			break
		}
	}
	c.close()
}

func (c *combiner) close() {
	if c.rows != nil {
		c.rows.Release()
		c.rows = nil
	}
}
