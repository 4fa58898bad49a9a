// Package recordindex makes the record index and the secondary indexes of a table out of its file
// slices: of all of them when they begin, or of those that a commit has changed, where its writer has
// not said what it did; and compares them with the slices. Those without logs are read by the
// columns that count alone.
package recordindex

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Source is a table as a timeline shows it.
type Source struct {
	Store    storage.Store
	Config   *table.Config
	Timeline *timeline.Timeline
	// Rows is the schema of its rows, without meta columns; nil for a table that has none yet.
	Rows *schema.Schema
	// Budget bounds keys that are gathered, and logs that are merged.
	Budget *mem.Budget
	// Own is the pending instant of the commit.
	Own string
}

// reader reads slices; blocks of the instant own, if it is not "", count beside those of
// completed writes.
func (s *Source) reader(ctx context.Context, view *table.View, own string) (*fileslice.Reader, error) {
	committed, err := view.Committed(ctx)
	if err != nil {
		return nil, err
	}
	r := &fileslice.Reader{
		Store: s.Store, Alloc: memory.DefaultAllocator, Table: s.Rows.WithMeta(), MetaFields: s.Config.MetaFields,
		LogMemory: s.Budget.Total() / int64(runtime.GOMAXPROCS(0)),
		Valid:     func(instant string) bool { return instant == own && own != "" || committed(instant) },
	}
	if s.Config.DropPartitionColumns {
		r.Folders = s.Config.FolderValues
	}
	if r.Rules, err = merge.RulesOf(s.Config); err != nil {
		r.NoRules = err
	}
	if r.History, err = s.Config.History(ctx, s.Store, s.Timeline, ""); err != nil {
		return nil, err
	}
	return r, nil
}

// keys yields the keys of a slice's rows as of an instant, "" for now; each array is valid until
// the next step.
func keys(ctx context.Context, r *fileslice.Reader, slice table.FileSlice, at string) iter.Seq2[*array.String, error] {
	return func(yield func(*array.String, error) bool) {
		column, err := r.Table.Project([]string{schema.MetaRecordKey})
		if err != nil {
			yield(nil, err)
			return
		}
		for batch, err := range r.Read(ctx, fileslice.Request{Slice: slice, Columns: column, Latest: at}) {
			if err != nil {
				yield(nil, fmt.Errorf("recordindex: %w", err))
				return
			}
			found, ok := batch.Column(0).(*array.String)
			if !ok || found.NullN() > 0 {
				yield(nil, fmt.Errorf("recordindex: file group %s in partition %q has rows without keys: %w", slice.FileID, slice.Partition, base.ErrUnsupported))
				return
			}
			if !yield(found, nil) {
				return
			}
		}
	}
}

// Shape is what a record index is to be like.
type Shape struct {
	Partitioned bool
	Least, Most int64 // file groups; 0 stands for real Hudi's numbers
}

// All gathers the keys of all rows for an index that begins. Nothing is gathered twice but keys
// that several rows have, of which one place counts. The caller closes the result.
func (s *Source) All(ctx context.Context, shape Shape) (*metadata.Records, error) {
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	slices, err := s.slices(ctx, view)
	if err != nil {
		return nil, err
	}
	rows, err := s.count(ctx, slices)
	if err != nil {
		return nil, err
	}
	layout := metadata.NewRecordLayout(shape.Partitioned, metadata.EstimateGroups(0, shape.Partitioned, shape.Least, shape.Most))
	if shape.Partitioned {
		for partition, n := range rows {
			layout.Begin(partition, metadata.EstimateGroups(n, true, shape.Least, shape.Most))
		}
	} else {
		total := int64(0)
		for _, n := range rows {
			total += n
		}
		layout.Begin("", metadata.EstimateGroups(total, false, shape.Least, shape.Most))
	}
	return s.gather(ctx, view, slices, layout)
}

// gather gathers the keys of slices.
func (s *Source) gather(ctx context.Context, view *table.View, list []table.FileSlice, layout *metadata.KeyLayout) (*metadata.Records, error) {
	out := metadata.NewRecords(s.Config.Version, s.Timeline.Location(), layout, s.Budget)
	if len(list) == 0 {
		return out, nil
	}
	r, err := s.reader(ctx, view, "")
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, slice := range list {
		work.Go(func() error {
			for found, err := range keys(wctx, r, slice, "") {
				if err == nil {
					err = out.Put(slice.Partition, slice.FileID, slice.BaseInstant, found)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// slices are those that readers see.
func (s *Source) slices(ctx context.Context, view *table.View) ([]table.FileSlice, error) {
	partitions, err := view.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	var out []table.FileSlice
	for _, p := range partitions {
		some, err := view.SlicesAt(ctx, p, "")
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// count counts the rows of base files by partition.
func (s *Source) count(ctx context.Context, slices []table.FileSlice) (map[string]int64, error) {
	found := make([]int64, len(slices))
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, slice := range slices {
		if slice.Base == nil {
			continue
		}
		work.Go(func() error {
			f, err := s.Store.Open(wctx, slice.Base.Path)
			if err != nil {
				return fmt.Errorf("recordindex: open %s: %w", slice.Base.Path, err)
			}
			r, err := basefile.Open(wctx, f, slice.Base.Path, memory.DefaultAllocator)
			if err != nil {
				return err
			}
			found[i] = r.Rows()
			return r.Close()
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	rows := map[string]int64{}
	for i, slice := range slices {
		rows[slice.Partition] += found[i]
	}
	return rows, nil
}

// Commit gathers what a commit that is about to be completed, Own, changes, by reading the file
// groups that it has written to as they were and as they are going to be, one after the other,
// and those that it replaces.
func (s *Source) Commit(ctx context.Context, meta *timeline.CommitMetadata, into *metadata.Records) error {
	w, err := s.writing(ctx)
	if err != nil {
		return err
	}
	all, err := w.written(ctx, meta)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := w.changes(ctx, c.before, c.after, into); err != nil {
			return err
		}
	}
	return w.replaced(ctx, meta, into)
}

// Replaced gathers the keys of the file groups that a commit replaces. They are gone, unless it
// moves their rows to others, as clustering does.
func (s *Source) Replaced(ctx context.Context, meta *timeline.CommitMetadata, into *metadata.Records) error {
	if len(meta.PartitionToReplaceFileIDs) == 0 {
		return nil
	}
	w, err := s.writing(ctx)
	if err != nil {
		return err
	}
	return w.replaced(ctx, meta, into)
}

// writing is a table before a commit that is about to be completed.
type writing struct {
	*Source
	view   *table.View
	r, own *fileslice.Reader // without what the commit has written, and with it
}

func (s *Source) writing(ctx context.Context) (w *writing, err error) {
	w = &writing{Source: s, view: table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))}
	if w.r, err = s.reader(ctx, w.view, ""); err != nil {
		return nil, err
	}
	w.own, err = s.reader(ctx, w.view, s.Own)
	return w, err
}

// changed is a file group that a commit changes: what it was, and what it is going to be.
type changed struct{ before, after table.FileSlice }

// written are the file groups that a commit has written to.
func (w *writing) written(ctx context.Context, meta *timeline.CommitMetadata) ([]changed, error) {
	var out []changed
	for partition, stats := range meta.PartitionToWriteStats {
		before, err := slicesByID(ctx, w.view, partition, "")
		if err != nil {
			return nil, err
		}
		after := map[string]table.FileSlice{}
		for _, stat := range stats {
			slice, known := after[stat.FileID]
			if !known {
				slice = before[stat.FileID]
				slice.Partition, slice.FileID = partition, stat.FileID
			}
			if slice, err = w.with(slice, stat); err != nil {
				return nil, err
			}
			after[stat.FileID] = slice
		}
		for id, slice := range after {
			out = append(out, changed{before[id], slice})
		}
	}
	return out, nil
}

// gone are the file groups that a commit replaces, whose rows it does not move to others.
func (w *writing) gone(ctx context.Context, meta *timeline.CommitMetadata) ([]table.FileSlice, error) {
	if meta.OperationType == timeline.OpCluster {
		return nil, nil
	}
	var out []table.FileSlice
	for partition, ids := range meta.PartitionToReplaceFileIDs {
		before, err := slicesByID(ctx, w.view, partition, "")
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			out = append(out, before[id])
		}
	}
	return out, nil
}

func (w *writing) replaced(ctx context.Context, meta *timeline.CommitMetadata, into *metadata.Records) error {
	gone, err := w.gone(ctx, meta)
	if err != nil {
		return err
	}
	for _, slice := range gone {
		for found, err := range keys(ctx, w.r, slice, "") {
			for i := 0; err == nil && i < found.Len(); i++ {
				err = into.Delete(slice.Partition, found.Value(i))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func slicesByID(ctx context.Context, view *table.View, partition, at string) (map[string]table.FileSlice, error) {
	slices, err := view.SlicesAt(ctx, partition, at)
	if err != nil {
		return nil, err
	}
	out := make(map[string]table.FileSlice, len(slices))
	for _, s := range slices {
		out[s.FileID] = s
	}
	return out, nil
}

// with is a slice after a file has been added to it.
func (s *Source) with(slice table.FileSlice, w *timeline.WriteStat) (table.FileSlice, error) {
	name := path.Base(w.Path)
	switch {
	case w.Path == "": // it has lost all its rows
		slice.Base, slice.Logs = nil, nil
	case w.IsLog():
		n, ok := base.ParseLogFileName(name)
		if !ok {
			return slice, fmt.Errorf("recordindex: %s is not the name of a log file: %w", w.Path, base.ErrCorrupt)
		}
		// In version 6, where names do not tell who wrote a log file, the slice has it already.
		logs := slices.DeleteFunc(slices.Clone(slice.Logs), func(l table.LogFile) bool { return l.Path == w.Path })
		slice.Logs = append(logs, table.LogFile{Path: w.Path, Name: n, Size: w.FileSizeInBytes})
	default:
		slice.Base, slice.Logs = &table.BaseFile{Path: w.Path, Name: name, Instant: s.Own, Size: w.FileSizeInBytes}, nil
	}
	return slice, nil
}

// changes notes which keys a file group gets and loses.
func (w *writing) changes(ctx context.Context, before, after table.FileSlice, into *metadata.Records) error {
	lost, err := keySet(ctx, w.r, before)
	if err != nil {
		return err
	}
	for found, err := range keys(ctx, w.own, after, "") {
		for i := 0; err == nil && i < found.Len(); i++ {
			key := found.Value(i)
			if lost[key] {
				delete(lost, key)
				continue
			}
			err = into.PutKey(after.Partition, after.FileID, w.Own, key)
		}
		if err != nil {
			return err
		}
	}
	for key := range lost {
		if err := into.Delete(after.Partition, key); err != nil {
			return err
		}
	}
	return nil
}

// keySet are the keys of a slice.
func keySet(ctx context.Context, r *fileslice.Reader, slice table.FileSlice) (map[string]bool, error) {
	set := map[string]bool{}
	for found, err := range keys(ctx, r, slice, "") {
		if err != nil {
			return nil, err
		}
		for i := range found.Len() {
			set[strings.Clone(found.Value(i))] = true
		}
	}
	return set, nil
}

// Undo gathers what takes the newest completed write back, given its commit and the time of the
// write before, "" for none: keys that it brought are gone, those that it took away are where they
// were.
func (s *Source) Undo(ctx context.Context, meta *timeline.CommitMetadata, before string, into *metadata.Records) error {
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	r, err := s.reader(ctx, view, "")
	if err != nil {
		return err
	}
	all, err := undone(ctx, view, meta, before)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := takeBack(ctx, r, c.after, c.before, before, into); err != nil {
			return err
		}
	}
	return nil
}

// undone are the file groups that a completed write has touched.
func undone(ctx context.Context, view *table.View, meta *timeline.CommitMetadata, before string) ([]changed, error) {
	touched := map[string]map[string]bool{}
	touch := func(partition, id string) {
		if touched[partition] == nil {
			touched[partition] = map[string]bool{}
		}
		touched[partition][id] = true
	}
	for partition, stats := range meta.PartitionToWriteStats {
		for _, w := range stats {
			touch(partition, w.FileID)
		}
	}
	for partition, ids := range meta.PartitionToReplaceFileIDs {
		for _, id := range ids {
			touch(partition, id)
		}
	}
	var out []changed
	for partition, ids := range touched {
		now, err := slicesByID(ctx, view, partition, "")
		if err != nil {
			return nil, err
		}
		then := map[string]table.FileSlice{}
		if before != "" {
			if then, err = slicesByID(ctx, view, partition, before); err != nil {
				return nil, err
			}
		}
		for id := range ids {
			out = append(out, changed{before: then[id], after: now[id]})
		}
	}
	return out, nil
}

// takeBack notes what makes a file group again what it was.
func takeBack(ctx context.Context, r *fileslice.Reader, now, then table.FileSlice, at string, into *metadata.Records) error {
	came, err := keySet(ctx, r, now)
	if err != nil {
		return err
	}
	for found, err := range keys(ctx, r, then, at) {
		for i := 0; err == nil && i < found.Len(); i++ {
			key := found.Value(i)
			if came[key] {
				delete(came, key)
				continue
			}
			err = into.PutKey(then.Partition, then.FileID, then.BaseInstant, key)
		}
		if err != nil {
			return err
		}
	}
	for key := range came {
		if err := into.Delete(now.Partition, key); err != nil {
			return err
		}
	}
	return nil
}

// Compare compares the record index of the table with its rows, all of whose keys it reads.
func (s *Source) Compare(ctx context.Context) (found []metadata.Difference, err error) {
	t, err := metadata.Open(ctx, s.Store, s.Config, s.Timeline)
	if errors.Is(err, metadata.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer t.Close()
	layout, err := t.RecordLayout(ctx)
	if err != nil {
		return nil, err
	}
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	slices, err := s.slices(ctx, view)
	if err != nil {
		return nil, err
	}
	rows, err := s.gather(ctx, view, slices, layout)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return rows.Compare(ctx, t)
}
