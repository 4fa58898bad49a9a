package writer

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// partial is a write of rows that have some of the table's columns only. The others keep the
// values that they have; rows whose keys the table does not have get nulls.
type partial struct {
	rows *schema.Schema // the columns that rows have
	// blocks says that log files take such rows as they are. Where they cannot, before table
	// version 8, where the table's own merging fills columns, and where ordering values decide
	// and the rows have none, whole rows are written.
	blocks bool
}

func (p *partial) has(column string) bool {
	_, _, ok := p.rows.Field(column)
	return ok
}

// resolvePartial finds out which columns incoming rows lack. With all of them the write is
// an ordinary one.
func (w *write) resolvePartial(stored, incoming *schema.Schema) error {
	c := w.table.Config
	fail := func(format string, args ...any) error {
		return fmt.Errorf("partial write to table %s: %w", c.Name, fmt.Errorf(format, args...))
	}
	if w.options.Operation != Upsert {
		return fail("only an upsert can be partial, not %s: %w", strings.ToLower(string(w.options.Operation)), base.ErrInvalid)
	}
	if stored == nil {
		return fail("%w", table.ErrNoSchema)
	}
	var err error
	if w.rows, err = schema.Evolve(stored, incoming); err != nil {
		return fail("%w", err)
	}
	if _, err := keygen.New(c, incoming); err != nil {
		return fail("%w", err)
	}
	var names []string
	for _, f := range w.rows.Fields() {
		if _, _, ok := incoming.Field(f.Name); ok {
			names = append(names, f.Name)
		} else if !f.Type.Nullable {
			return fail("the rows lack the column %s, which cannot be null in rows that are new: give it with all rows: %w", f.Name, base.ErrInvalid)
		}
	}
	if len(names) == len(w.rows.Fields()) {
		w.part = nil
		return nil
	}
	rows, err := w.rows.Project(names)
	if err != nil {
		return fail("%w", err)
	}
	w.part = &partial{rows: rows, blocks: c.Version >= 8 && c.PartialUpdate == ""}
	if mode, _ := c.Property("hoodie.record.merge.mode"); mode == table.CustomMerge {
		w.part.blocks = false
	}
	given := 0
	for _, field := range w.rules.Ordering {
		if w.part.has(field) {
			given++
		}
	}
	// Real Hudi cannot compare the integer 0 that such rows have for an ordering value.
	if given == 0 && len(w.rules.Ordering) > 0 && w.rules.Mode == merge.EventTime {
		w.part.blocks = false
	}
	if given > 0 && given < len(w.rules.Ordering) {
		return fail("the rows have some of the ordering fields %s: give all of them or none: %w", strings.Join(w.rules.Ordering, ", "), base.ErrInvalid)
	}
	return nil
}

// widened brings rows to the table's columns, with nulls in those that they lack.
func (w *write) widened(rows arrow.RecordBatch) (arrow.RecordBatch, error) {
	some, err := schema.Conform(rows, w.part.rows, w.options.Alloc)
	if err != nil {
		return nil, err
	}
	defer some.Release()
	columns := make([]arrow.Array, len(w.rows.Fields()))
	for i, f := range w.rows.Fields() {
		if _, at, ok := w.part.rows.Field(f.Name); ok {
			columns[i] = some.Column(at)
			continue
		}
		columns[i] = array.MakeArrayOfNull(w.options.Alloc, w.rows.Arrow().Field(i).Type, int(rows.NumRows()))
		defer columns[i].Release()
	}
	return array.NewRecordBatch(w.rows.Arrow(), columns, rows.NumRows()), nil
}

// logPartial appends partial rows to a log file of a file group that is there.
func (w *write) logPartial(ctx context.Context, j *job) (*timeline.WriteStat, error) {
	if !w.part.blocks {
		return w.logCompleted(ctx, j)
	}
	found, err := w.found(ctx, j)
	if err != nil {
		return nil, err
	}
	var whole, some []int32
	for _, e := range j.updates {
		if found[e] || j.stage.changes.IsDelete(int(e)) {
			some = append(some, e)
		} else { // there is no row to take the other columns from, and they are null
			whole = append(whole, e)
		}
	}
	return w.logs.Append(ctx, j.top, j.stage.changes, whole, some)
}

// found are the entries whose keys the rows of a job's slice have. A key in the base file may
// be deleted in the logs, and one in the logs may be in no base file.
func (w *write) found(ctx context.Context, j *job) (map[int32]bool, error) {
	keys, err := w.full.Project(w.rowKeys.Columns())
	if err != nil {
		return nil, err
	}
	in, err := w.stored(ctx)
	if err != nil {
		return nil, err
	}
	found := map[int32]bool{}
	for batch, err := range in.Read(ctx, fileslice.Request{Slice: j.group.FileSlice, Columns: keys}) {
		if err == nil {
			err = w.eachEntry(batch, j.stage.changes, func(e int32) { found[e] = true })
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// eachEntry tells the entries whose keys rows have.
func (w *write) eachEntry(rows arrow.RecordBatch, changes *merge.Reducer, each func(entry int32)) error {
	keys, err := w.rowKeys.Of(rows, w.options.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	for row := range keys.Len() {
		if e := changes.Find(keys.Value(row)); e >= 0 {
			each(int32(e))
		}
	}
	return nil
}

// logCompleted appends what becomes of partial rows upon those of the slice.
func (w *write) logCompleted(ctx context.Context, j *job) (*timeline.WriteStat, error) {
	in, err := w.stored(ctx)
	if err != nil {
		return nil, err
	}
	out := w.reducer()
	defer out.Release()
	for batch, err := range in.Read(ctx, fileslice.Request{Slice: j.group.FileSlice, Columns: w.full}) {
		if err == nil {
			err = w.addCompleted(batch, j.stage.changes, out)
		}
		if err != nil {
			return nil, err
		}
	}
	var fresh []int32
	for _, e := range j.updates {
		switch {
		case j.stage.changes.IsDelete(int(e)):
			out.AddDelete(string(j.stage.changes.Key(int(e))), j.stage.changes.Ordering(int(e)))
		case !j.stage.changes.Matched(int(e)):
			fresh = append(fresh, e)
		}
	}
	for rows, err := range j.stage.changes.TakeAll(fresh) {
		if err == nil {
			err = w.addStored(rows, out)
		}
		if err != nil {
			return nil, err
		}
	}
	return w.logs.Append(ctx, j.top, out, entriesOf(out), nil)
}

// addCompleted adds what changes make of the rows of a batch.
func (w *write) addCompleted(batch arrow.RecordBatch, changes, to *merge.Reducer) error {
	keys, err := w.rowKeys.Of(batch, w.options.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	var changed []merge.Pick
	merged, _, err := changes.MergeBaseNoting(batch, keys, func(_, after int) {
		if after >= 0 {
			changed = append(changed, merge.Pick{Row: int32(after)})
		}
	})
	if err != nil {
		return err
	}
	defer merged.Release()
	rows, err := merge.TakeRows(w.options.Alloc, merged, changed)
	if err != nil {
		return err
	}
	defer rows.Release()
	return w.addStored(rows, to)
}

// addStored adds rows that have their keys.
func (w *write) addStored(rows arrow.RecordBatch, to *merge.Reducer) error {
	keys, err := w.rowKeys.Of(rows, w.options.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	return to.AddRows(rows, keys)
}
