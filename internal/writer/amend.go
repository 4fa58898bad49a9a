package writer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Amended are rows of one file slice as they were read from the table, to be deleted or in their new
// form, with the meta column of the record key.
type Amended struct {
	Slice table.FileSlice
	Rows  iter.Seq2[arrow.RecordBatch, error]
}

// Amend performs an operation on rows that are in the table already (UpsertPrepped or DeletePrepped) as one
// instant. Once the instant has begun find is asked for the rows, as of the timeline at that time, so that
// whatever others change of their file groups from then on is a conflict. Rows go back where they came
// from: no key is looked up.
func Amend(ctx context.Context, h *table.Handle, o Options, find func(ctx context.Context, tl *timeline.Timeline) ([]Amended, error)) (Result, error) {
	return perform(ctx, h, o, Input{}, func(ctx context.Context, w *write) ([]*timeline.WriteStat, error) {
		found, err := find(ctx, w.txn.Timeline())
		if err != nil {
			return nil, err
		}
		return w.amend(ctx, found)
	})
}

// amend works on file groups side by side; of each the rows are staged, merged and written before the
// next is begun.
func (w *write) amend(ctx context.Context, found []Amended) ([]*timeline.WriteStat, error) {
	if w.rowKeys.Made != nil {
		return nil, fmt.Errorf("%s in table %s: its rows have no meta fields, by which they are found again: %w", w.options.Operation, w.table.Config.Name, base.ErrUnsupported)
	}
	if err := w.chooseIndex(ctx); err != nil {
		return nil, err
	}
	clustering, err := w.view.PendingClusterings(ctx)
	if err != nil {
		return nil, err
	}
	jobs := make([]*job, len(found))
	for i, a := range found {
		if jobs[i], err = w.amending(ctx, a); err != nil {
			return nil, err
		}
	}
	if err := w.onTop(ctx, jobs); err != nil {
		return nil, err
	}
	if err := w.start(ctx, jobs); err != nil {
		return nil, err
	}
	workers := mem.Workers(w.options.Memory, cow.FileBytes)
	var mu sync.Mutex
	var stats []*timeline.WriteStat
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(workers)
	for i, j := range jobs {
		work.Go(func() error {
			defer j.stage.changes.Release()
			if err := w.take(ctx, j, found[i].Rows, w.options.Memory/int64(workers)); err != nil || len(j.updates) == 0 {
				return err
			}
			if at, ok := clustering[j.id()]; ok {
				return txn.Clustered(w.table, j.group.Partition, j.group.FileID, at)
			}
			done, err := w.do(ctx, j)
			mu.Lock()
			defer mu.Unlock()
			stats = append(stats, done...)
			return err
		})
	}
	return stats, work.Wait()
}

// amending is the job on a file group, as yet without rows.
func (w *write) amending(ctx context.Context, a Amended) (*job, error) {
	slice := a.Slice
	visible, err := w.view.SlicesAt(ctx, slice.Partition, "")
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(visible, func(s table.FileSlice) bool { return s.FileID == slice.FileID })
	if at < 0 {
		return nil, fmt.Errorf("write to table %s: file group %s in partition %q, from which rows were read, is gone: %w", w.table.Config.Name, slice.FileID, slice.Partition, base.ErrConflict)
	}
	j := &job{
		stage: &stage{partition: slice.Partition, changes: w.reducer()},
		group: index.Group{FileSlice: visible[at]},
		top:   table.FileSlice{Partition: slice.Partition, FileID: slice.FileID},
	}
	return j, nil
}

// take stages the rows of a job.
func (w *write) take(ctx context.Context, j *job, rows iter.Seq2[arrow.RecordBatch, error], limit int64) error {
	for batch, err := range rows {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := w.restage(j.stage, batch); err != nil {
			return err
		}
		if j.stage.changes.Bytes() > limit {
			return fmt.Errorf("write to table %s: the rows to change in one file group need more than %d MiB: raise --memory, or change them in parts: %w", w.table.Config.Name, limit>>20, base.ErrInvalid)
		}
	}
	j.updates = entriesOf(j.stage.changes)
	return nil
}

// restage puts stored rows into a stage. A delete is unconditional: it is the row as it stands that goes.
func (w *write) restage(s *stage, batch arrow.RecordBatch) error {
	keys, err := w.rowKeys.Of(batch, w.options.Alloc)
	if err != nil {
		return fmt.Errorf("write to table %s: %w", w.table.Config.Name, err)
	}
	defer keys.Release()
	if w.options.Operation == DeletePrepped {
		for row := range keys.Len() {
			s.changes.AddDelete(keys.Value(row), merge.Value{})
		}
		return nil
	}
	path := w.constant(s.partition, keys.Len())
	defer path.Release()
	full, err := w.withMeta(path, batch, keys)
	if err != nil {
		return err
	}
	defer full.Release()
	return s.changes.AddRows(full, keys)
}
