package recordindex

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// pairs tells indexes of the rows of a slice, as of an instant, "" for now: their keys, and the
// values that the indexes are of.
func (s *Source) pairs(ctx context.Context, r *fileslice.Reader, slice table.FileSlice, at string, indexes []*metadata.Secondary, before bool) error {
	names := []string{schema.MetaRecordKey}
	columns := map[string]int{schema.MetaRecordKey: 0}
	for _, x := range indexes {
		name := x.Of().Fields[0]
		if _, known := columns[name]; !known {
			columns[name] = len(names)
			names = append(names, name)
		}
	}
	projected, err := r.Table.Project(names)
	if err != nil {
		return fmt.Errorf("recordindex: secondary index: %w", err)
	}
	for batch, err := range r.Read(ctx, fileslice.Request{Slice: slice, Columns: projected, Latest: at}) {
		if err != nil {
			return fmt.Errorf("recordindex: %w", err)
		}
		keys, ok := batch.Column(0).(*array.String)
		if !ok || keys.NullN() > 0 {
			return fmt.Errorf("recordindex: file group %s in partition %q has rows without keys: %w", slice.FileID, slice.Partition, base.ErrUnsupported)
		}
		for _, x := range indexes {
			tell := x.Now
			if before {
				tell = x.Before
			}
			if err := tell(keys, batch.Column(columns[x.Of().Fields[0]])); err != nil {
				return err
			}
		}
	}
	return nil
}

// side is a slice to be read, and what its rows are.
type side struct {
	r      *fileslice.Reader
	slice  table.FileSlice
	at     string
	before bool
}

func (s *Source) readSides(ctx context.Context, sides []side, indexes []*metadata.Secondary) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, x := range sides {
		work.Go(func() error { return s.pairs(ctx, x.r, x.slice, x.at, indexes, x.before) })
	}
	return work.Wait()
}

// CommitSecondary gathers what a commit that is about to be completed, Own, changes in secondary indexes, by
// reading the file groups that it has written to as they were and as they are going to be, and
// those that it replaces.
func (s *Source) CommitSecondary(ctx context.Context, meta *timeline.CommitMetadata, indexes []*metadata.Secondary) error {
	w, err := s.writing(ctx)
	if err != nil {
		return err
	}
	written, err := w.written(ctx, meta)
	if err != nil {
		return err
	}
	gone, err := w.gone(ctx, meta)
	if err != nil {
		return err
	}
	var sides []side
	for _, c := range written {
		sides = append(sides, side{w.r, c.before, "", true}, side{w.own, c.after, "", false})
	}
	for _, slice := range gone {
		sides = append(sides, side{w.r, slice, "", true})
	}
	return s.readSides(ctx, sides, indexes)
}

// UndoSecondary gathers what takes the newest completed write back in secondary indexes: see Undo.
func (s *Source) UndoSecondary(ctx context.Context, meta *timeline.CommitMetadata, before string, indexes []*metadata.Secondary) error {
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	r, err := s.reader(ctx, view, "")
	if err != nil {
		return err
	}
	all, err := undone(ctx, view, meta, before)
	if err != nil {
		return err
	}
	var sides []side
	for _, c := range all {
		sides = append(sides, side{r, c.after, "", true}, side{r, c.before, before, false})
	}
	return s.readSides(ctx, sides, indexes)
}

// AllSecondary gathers all rows for a secondary index that begins. The caller closes the result.
func (s *Source) AllSecondary(ctx context.Context, of metadata.Definition, shape Shape) (*metadata.Secondary, error) {
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	slices, err := s.slices(ctx, view)
	if err != nil {
		return nil, err
	}
	rows, err := s.count(ctx, slices)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for _, n := range rows {
		total += n
	}
	return s.gatherSecondary(ctx, view, slices, of, metadata.NewSecondaryLayout(of, metadata.EstimateGroups(total, false, shape.Least, shape.Most)))
}

func (s *Source) gatherSecondary(ctx context.Context, view *table.View, list []table.FileSlice, of metadata.Definition, layout *metadata.KeyLayout) (*metadata.Secondary, error) {
	out := metadata.NewSecondary(s.Config.Version, of, layout, s.Budget)
	if len(list) == 0 {
		return out, nil
	}
	r, err := s.reader(ctx, view, "")
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	var sides []side
	for _, slice := range list {
		sides = append(sides, side{r, slice, "", false})
	}
	if err := s.readSides(ctx, sides, []*metadata.Secondary{out}); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// CompareSecondary compares the secondary indexes of the table with its rows, all of which it reads.
func (s *Source) CompareSecondary(ctx context.Context) (found []metadata.Difference, err error) {
	t, err := metadata.Open(ctx, s.Store, s.Config, s.Timeline)
	if errors.Is(err, metadata.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer t.Close()
	defined, err := metadata.Definitions(ctx, s.Store, s.Config)
	if err != nil {
		return nil, err
	}
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	slices, err := s.slices(ctx, view)
	if err != nil {
		return nil, err
	}
	for _, name := range metadata.SecondaryIndexes(s.Config) {
		of, ok := defined[name]
		if !ok || s.Rows == nil || of.Indexable(s.Rows) != nil {
			continue // nobody keeps it in step here
		}
		some, err := s.compareSecondary(ctx, t, view, slices, of)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

func (s *Source) compareSecondary(ctx context.Context, t *metadata.Table, view *table.View, slices []table.FileSlice, of metadata.Definition) (found []metadata.Difference, err error) {
	layout, err := t.SecondaryLayout(ctx, of)
	if err != nil {
		return nil, err
	}
	rows, err := s.gatherSecondary(ctx, view, slices, of, layout)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return rows.Compare(ctx, t)
}
