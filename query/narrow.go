package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
)

// Narrow is the plan for some columns of the answer, and for the rows that also meet a
// condition ("" for all), at the same instant and of the same files. The plan itself, which
// must have no condition and no limit, stays as it is. Errors of the arguments wrap base.ErrInvalid.
func (p *Plan) Narrow(ctx context.Context, columns []string, where string) (*Plan, error) {
	n := *p
	var err error
	if n.Schema, err = p.Schema.Project(columns); err != nil {
		return nil, err
	}
	if p.image == nil { // changes are made whole
		n.columns = n.Schema
	}
	if where == "" {
		return &n, nil
	}
	e, err := expr.Parse(where)
	if err != nil {
		return nil, err
	}
	if n.where, err = expr.Bind(e, p.Schema); err != nil {
		return nil, err
	}
	if p.image != nil {
		return &n, nil
	}
	if n.columns, err = withColumns(p.Schema, n.Schema, n.where.Columns()); err != nil {
		return nil, err
	}
	n.Skipped, n.SkippedSlices, n.Tasks = slices.Clone(p.Skipped), slices.Clone(p.SkippedSlices), slices.Clone(p.Tasks)
	if err := n.skip(ctx); err != nil {
		return nil, fmt.Errorf("query %s: %w", p.source.Store.URI(), err)
	}
	return &n, nil
}

// skip leaves out the tasks of partitions and slices without a row that meets the condition.
func (p *Plan) skip(ctx context.Context) error {
	files, done, err := p.list(ctx)
	if err != nil {
		return err
	}
	defer done()
	meta := files.meta
	if p.inRange != nil { // of versions of rows, not of rows
		meta = nil
	}
	s, err := p.newSkipper(ctx, meta)
	if err != nil {
		return err
	}
	var paths []string
	for _, t := range p.Tasks {
		paths = append(paths, t.Slice.Partition)
	}
	slices.Sort(paths)
	if paths, err = s.partitions(ctx, slices.Compact(paths)); err != nil {
		return err
	}
	p.Tasks = slices.DeleteFunc(p.Tasks, func(t Task) bool {
		_, kept := slices.BinarySearch(paths, t.Slice.Partition)
		return !kept
	})
	p.Tasks, err = s.tasks(ctx, p.Tasks)
	return err
}

// patterns are characters by which readers of files take a path for a pattern.
const patterns = "*?[]{}"

// SplitPlain separates the tasks whose rows any reader of Parquet gets from their base files:
// slices without logs whose files have the columns of the plan, in the types that they have
// now. It returns the paths of these files below the table's folder, and the plan of all
// other tasks. It looks into the footers of the files, several at a time.
func (p *Plan) SplitPlain(ctx context.Context) (files []string, rest *Plan, err error) {
	plain := make([]bool, len(p.Tasks))
	if p.reader.History == nil && p.reader.Folders == nil && p.inRange == nil && p.image == nil && p.where == nil {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(1, p.source.Parallel))
		for i, t := range p.Tasks {
			if t.Slice.Base == nil || len(t.Slice.Logs) > 0 || strings.ContainsAny(p.Root()+t.Slice.Base.Path, patterns) {
				continue
			}
			g.Go(func() (err error) {
				plain[i], err = p.isPlain(ctx, t.Slice.Base.Path)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return nil, nil, err
		}
	}
	n := *p
	n.Tasks = nil
	for i, t := range p.Tasks {
		if plain[i] {
			files = append(files, t.Slice.Base.Path)
		} else {
			n.Tasks = append(n.Tasks, t)
		}
	}
	return files, &n, nil
}

// isPlain looks into the footer of a base file. What is wrong with one that cannot be
// understood, the read of its task will tell.
func (p *Plan) isPlain(ctx context.Context, path string) (bool, error) {
	f, err := p.source.Store.Open(ctx, path)
	if err != nil {
		return false, err
	}
	b, err := basefile.Open(ctx, f, path, p.source.Alloc)
	if errors.Is(err, base.ErrCorrupt) || errors.Is(err, base.ErrUnsupported) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer b.Close()
	return b.Plain(p.Schema), nil
}

// Root names the folder of the table.
func (p *Plan) Root() string { return p.source.Store.URI() }
