package hudi

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/writer"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// DeleteWhere removes the rows that meet a condition (expr.Parse), all rows without one, as one commit. It is
// SQL's DELETE: rows are read and removed as they stand when the commit begins, and if another writer
// changes their file groups meanwhile it fails with ErrConflict.
func (t *Table) DeleteWhere(ctx context.Context, where string, o WriteOptions) (Commit, error) {
	s, err := t.Schema(ctx)
	if err == nil {
		err = checkWhere(s, where)
	}
	if err != nil {
		return Commit{}, fmt.Errorf("delete from %s: %w", t.URI(), err)
	}
	// Rows need their keys alone.
	return t.amend(ctx, writer.DeletePrepped, o, query.Options{Where: where, Columns: []string{schema.MetaRecordKey}}, nil)
}

// UpdateWhere gives columns of the rows that meet a condition (expr.Parse), of all rows without one, new
// values (expr.ParseAssignment), as one commit. It is SQL's UPDATE: a row with a smaller ordering value
// than it had loses against what it was, and the key and the partition of a row cannot be set. Rows are
// read as they stand when the commit begins, and if another writer changes their file groups meanwhile
// it fails with ErrConflict.
func (t *Table) UpdateWhere(ctx context.Context, set []string, where string, o WriteOptions) (Commit, error) {
	s, err := t.Schema(ctx)
	if err == nil {
		err = checkWhere(s, where)
	}
	if err == nil {
		_, err = assignments(t.Config(), s, set)
	}
	if err != nil {
		return Commit{}, fmt.Errorf("update %s: %w", t.URI(), err)
	}
	return t.amend(ctx, writer.UpsertPrepped, o, query.Options{Where: where, Meta: true}, set)
}

// checkWhere finds fault with a condition before anything is done.
func checkWhere(s *schema.Schema, where string) error {
	if where == "" {
		return nil
	}
	e, err := expr.Parse(where)
	if err == nil {
		_, err = expr.Bind(e, s.WithMeta())
	}
	return err
}

// assignments binds assignments to the columns of a table, except those that say where a row is.
func assignments(c *table.Config, s *schema.Schema, set []string) (*expr.Setter, error) {
	if len(set) == 0 {
		return nil, fmt.Errorf("no column is set: %w", base.ErrInvalid)
	}
	list := make([]expr.Assignment, len(set))
	for i, text := range set {
		var err error
		if list[i], err = expr.ParseAssignment(text); err != nil {
			return nil, err
		}
	}
	setter, err := expr.BindAssignments(list, s)
	if err != nil {
		return nil, err
	}
	for _, field := range slices.Concat(c.Keys, c.PartitionBy) {
		top, _, _ := strings.Cut(field, ".")
		if slices.Contains(setter.Columns(), top) {
			return nil, fmt.Errorf("column %s is part of the record key or of the partition; delete the row and insert it anew: %w", top, base.ErrInvalid)
		}
	}
	return setter, nil
}

// amend performs a write of rows that a query finds, changed by assignments if there are any.
func (t *Table) amend(ctx context.Context, op writer.Operation, o WriteOptions, q query.Options, set []string) (Commit, error) {
	w, err := t.writerOptions()
	if err != nil {
		return Commit{}, err
	}
	w.Operation = op
	t.writeOptions(ctx, &w, o)
	t.serveMetadata(ctx)
	r, err := writer.Amend(ctx, t.handle, w, func(ctx context.Context, tl *timeline.Timeline) ([]writer.Amended, error) {
		source := t.sourceAt(tl)
		source.Memory /= 2 // the other half is the writer's
		plan, err := query.NewPlan(ctx, source, q)
		if err != nil {
			return nil, err
		}
		var setter *expr.Setter
		if len(set) > 0 {
			if setter, err = assignments(t.Config(), plan.Schema.WithoutMeta(), set); err != nil {
				return nil, err
			}
		}
		found := make([]writer.Amended, len(plan.Tasks))
		for i, task := range plan.Tasks {
			found[i] = writer.Amended{Slice: task.Slice, Rows: t.changed(plan.Task(ctx, task), setter)}
		}
		return found, nil
	})
	if err != nil {
		return Commit{}, err
	}
	t.serve(ctx)
	return Commit(r), nil
}

// changed yields rows with the values that a setter gives them, if there is one.
func (t *Table) changed(rows iter.Seq2[arrow.RecordBatch, error], setter *expr.Setter) iter.Seq2[arrow.RecordBatch, error] {
	if setter == nil {
		return rows
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		for batch, err := range rows {
			if err == nil {
				batch, err = setter.Apply(batch, t.options.alloc)
			}
			if err != nil {
				yield(nil, err)
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
