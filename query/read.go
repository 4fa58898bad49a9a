package query

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/timeline"
)

// Rows answers the query: batches in no particular order, but changes in that of the writes, each valid until the next step
// (retain one to keep it). Slices are read side by side; what they hold is bounded by the
// source's Memory.
func (p *Plan) Rows(ctx context.Context) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		left := p.limit
		for batch, err := range p.all(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if p.limit > 0 && batch.NumRows() >= left {
				last := batch.NewSlice(0, left)
				yield(last, nil)
				last.Release()
				return
			}
			left -= batch.NumRows()
			if !yield(batch, nil) {
				return
			}
		}
	}
}

// sliceBytes is about what the reading of one slice holds besides its logs: the compressed
// columns of a row group and some batches.
const sliceBytes = 64 << 20

// all reads the tasks, several at a time when there are several.
func (p *Plan) all(ctx context.Context) iter.Seq2[arrow.RecordBatch, error] {
	workers := 1
	if p.image == nil {
		workers = min(p.source.Parallel, mem.Workers(p.source.Memory/2, sliceBytes), len(p.Tasks))
	}
	if workers <= 1 {
		return func(yield func(arrow.RecordBatch, error) bool) {
			for _, t := range p.Tasks {
				for batch, err := range p.Task(ctx, t) {
					if !yield(batch, err) || err != nil {
						return
					}
				}
			}
		}
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		p.parallel(ctx, workers, yield)
	}
}

type result struct {
	batch arrow.RecordBatch // retained for the receiver
	err   error
}

// parallel hands over what its workers read. It returns when all of them have ended.
func (p *Plan) parallel(ctx context.Context, workers int, yield func(arrow.RecordBatch, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tasks := make(chan Task)
	results := make(chan result, workers)
	var running sync.WaitGroup
	running.Go(func() {
		defer close(tasks)
		for _, t := range p.Tasks {
			select {
			case tasks <- t:
			case <-ctx.Done():
				return
			}
		}
	})
	for range workers {
		running.Go(func() {
			for t := range tasks {
				if !p.send(ctx, t, results) {
					return
				}
			}
		})
	}
	go func() {
		running.Wait()
		close(results)
	}()
	open := true
	for r := range results {
		if open {
			open = yield(r.batch, r.err) && r.err == nil
		}
		if r.batch != nil {
			r.batch.Release()
		}
		if !open {
			cancel()
		}
	}
	if open && ctx.Err() != nil { // the caller's context has ended before the tasks did
		yield(nil, ctx.Err())
	}
}

// send reads one task. It returns false when the query is over.
func (p *Plan) send(ctx context.Context, t Task, results chan<- result) bool {
	for batch, err := range p.Task(ctx, t) {
		if batch != nil {
			batch.Retain()
		}
		select {
		case results <- result{batch, err}:
		case <-ctx.Done():
			if batch != nil {
				batch.Release()
			}
			return false
		}
		if err != nil {
			return false
		}
	}
	return true
}

// request says what a task reads of its slice.
func (p *Plan) request(t Task) fileslice.Request {
	request := fileslice.Request{
		Slice: t.Slice, Columns: p.columns, Latest: p.Instant, InRange: p.inRange,
		Parallel:  p.source.Parallel,
		WholeBase: p.source.Timeline.Layout() == timeline.Layout1, // as release 0.15 does it
	}
	if p.where != nil {
		elsewhere := p.elsewhere()
		request.Keep = func(s basefile.Statistics) bool {
			return p.where.MayMatch(rowStats{s, p.reader.Table, elsewhere})
		}
		request.PageColumns = slices.DeleteFunc(slices.Clone(p.where.Columns()), func(name string) bool { return slices.Contains(elsewhere, name) })
	}
	return request
}

// Task reads one task of the plan. Tasks may be read by several workers.
func (p *Plan) Task(ctx context.Context, t Task) iter.Seq2[arrow.RecordBatch, error] {
	var rows iter.Seq2[arrow.RecordBatch, error]
	if t.changes != nil {
		rows = p.readChanges(ctx, t)
	} else {
		rows = p.reader.Read(ctx, p.request(t))
	}
	if p.where == nil && p.columns == p.Schema {
		return rows
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		for batch, err := range rows {
			if err == nil {
				batch, err = p.filter(batch)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			more := batch.NumRows() == 0 || yield(batch, nil)
			batch.Release()
			if !more {
				return
			}
		}
	}
}

// filter keeps the rows that meet the condition, and of those the wanted columns. The
// caller releases the result.
func (p *Plan) filter(batch arrow.RecordBatch) (arrow.RecordBatch, error) {
	kept := batch
	if p.where != nil {
		var err error
		if kept, err = p.where.Filter(batch, p.source.Alloc); err != nil {
			return nil, err
		}
		defer kept.Release()
	}
	columns := make([]arrow.Array, 0, len(p.Schema.Fields()))
	for _, f := range p.Schema.Fields() {
		_, at, _ := p.columns.Field(f.Name)
		columns = append(columns, kept.Column(at))
	}
	return array.NewRecordBatch(p.Schema.Arrow(), columns, kept.NumRows()), nil
}
