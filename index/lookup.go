package index

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Lookup locates keys by reading the key column of the latest base files: Hudi's kinds SIMPLE
// and BLOOM, and their global forms (docs/format/indexes.md).
type Lookup struct {
	Store  storage.Store
	Alloc  memory.Allocator
	Slices Slices
	// Table is the schema of the table's rows with the meta columns, and Keys finds their keys.
	Table *schema.Schema
	Keys  keygen.Stored
	// Logs yields columns of the rows of a slice with its logs merged, as far as those were
	// written by instants up to latest, "" for all; nil for a table that has no log files.
	Logs func(ctx context.Context, s table.FileSlice, latest string, columns *schema.Schema) iter.Seq2[arrow.RecordBatch, error]
	// Merged finds the keys of rows that there are, and not of those that logs delete.
	Merged bool
	// Completion is the completion time of a completed write.
	Completion func(instant string) (string, bool)
	// Filters asks the key filters in the footers of base files first, and reads no pages that
	// cannot have a key: the kinds of BLOOM. Config and Timeline are for them alone: of many files
	// the metadata table is asked which are to be opened, if it has statistics.
	Filters  bool
	Config   *table.Config
	Timeline *timeline.Timeline
	// Partitions lists those of the table for a global kind; nil for the others.
	Partitions func(ctx context.Context) ([]string, error)
}

// Global implements Index.
func (x *Lookup) Global() bool { return x.Partitions != nil }

// Assigns implements Index.
func (x *Lookup) Assigns() bool { return false }

// Locate implements Index. A global kind finds the rows that there are; another also those
// that only the logs delete, as real Hudi does, so that a key is in one group of its partition.
func (x *Lookup) Locate(ctx context.Context, parts []Part) ([]*Located, error) {
	columns, err := x.Table.Project(x.Keys.Columns())
	if err != nil {
		return nil, err
	}
	out := make([]*Located, len(parts))
	hits := make([][][]int32, len(parts))
	wanted := make([]*keys, len(parts))
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, part := range parts {
		slices, err := x.slices(ctx, part)
		if err != nil {
			return nil, errors.Join(err, work.Wait())
		}
		out[i], hits[i] = newLocated(part.Changes.Len(), slices), make([][]int32, len(slices))
		keys := newKeys(part.Changes, len(slices))
		wanted[i] = keys
		without, err := x.without(ctx, keys, slices)
		if err != nil {
			return nil, errors.Join(err, work.Wait())
		}
		for g, s := range slices {
			if without[g] && len(s.Logs) == 0 {
				continue
			}
			work.Go(func() (err error) {
				hits[i][g], err = x.find(wctx, s, without[g], columns, keys)
				return err
			})
		}
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	for i, l := range out {
		if !x.Global() && slices.ContainsFunc(l.Groups, func(g Group) bool { return len(g.Logs) > 0 }) {
			if err := x.settle(ctx, l.Groups, hits[i], columns, wanted[i]); err != nil {
				return nil, err
			}
		}
		l.add(hits[i])
	}
	return out, nil
}

// settle leaves out groups in which logs delete a key that others have too: a writer that finds
// keys by the record index has put the row elsewhere since. Without that the change would bring
// the deleted row back. One group stays in any case.
func (x *Lookup) settle(ctx context.Context, groups []Group, hits [][]int32, column *schema.Schema, keys *keys) error {
	found := map[int32]int{} // in how many groups
	several := map[int32]bool{}
	for _, entries := range hits {
		for _, e := range slices.Compact(slices.Sorted(slices.Values(entries))) {
			if found[e]++; found[e] > 1 {
				several[e] = true
			}
		}
	}
	for g := range groups {
		open := func(e int32) bool { return several[e] && found[e] > 1 }
		if len(groups[g].Logs) == 0 || !slices.ContainsFunc(hits[g], open) {
			continue
		}
		there, err := x.inLogs(ctx, groups[g].FileSlice, "", column, keys, nil)
		if err != nil {
			return err
		}
		alive := make(map[int32]bool, len(there))
		for _, e := range there {
			alive[e] = true
		}
		gone := map[int32]bool{}
		hits[g] = slices.DeleteFunc(hits[g], func(e int32) bool {
			if !gone[e] && (alive[e] || !open(e)) {
				return false
			}
			if !gone[e] {
				gone[e] = true
				found[e]--
			}
			return true
		})
	}
	return nil
}

// slices are those that may have keys of a part.
func (x *Lookup) slices(ctx context.Context, part Part) ([]table.FileSlice, error) {
	if !x.Global() {
		return x.Slices(ctx, part.Partition)
	}
	partitions, err := x.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	var out []table.FileSlice
	for _, p := range partitions {
		some, err := x.Slices(ctx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// newLocated is the answer before anything is found.
func newLocated(entries int, slices []table.FileSlice) *Located {
	l := &Located{Of: make([]int32, entries)}
	for i := range l.Of {
		l.Of[i] = -1
	}
	for _, s := range slices {
		l.Groups = append(l.Groups, Group{FileSlice: s})
	}
	return l
}

// add notes the entries that each group has.
func (l *Located) add(hits [][]int32) {
	also := map[Place]bool{}
	for i, entries := range hits {
		for _, e := range entries {
			at := Place{e, int32(i)}
			switch {
			case l.Of[e] < 0:
				l.Of[e] = at.Group
			case l.Of[e] != at.Group && !also[at]:
				also[at] = true
				l.Also = append(l.Also, at)
			}
		}
	}
}

// find returns the entries whose keys a slice has. without says that its base file has none.
func (x *Lookup) find(ctx context.Context, s table.FileSlice, without bool, columns *schema.Schema, keys *keys) ([]int32, error) {
	if (x.Merged || x.Global() && !x.Filters) && len(s.Logs) > 0 {
		return x.inLogs(ctx, s, "", columns, keys, nil)
	}
	var hits []int32
	if s.Base != nil && !without {
		var err error
		if hits, err = x.inBase(ctx, s.Base, columns, keys); err != nil {
			return nil, fmt.Errorf("index: keys of %s: %w", s.Base.Path, err)
		}
	}
	if len(s.Logs) == 0 {
		return hits, nil
	}
	own := s
	var latest string
	if own.Logs, latest = x.ownKeys(s); len(own.Logs) > 0 {
		own.Base = nil
		var err error
		if hits, err = x.inLogs(ctx, own, latest, columns, keys, hits); err != nil {
			return nil, err
		}
	}
	if !x.Global() || len(hits) == 0 {
		return hits, nil
	}
	return x.inLogs(ctx, s, "", columns, keys, hits[:0])
}

// inLogs adds the entries whose keys a slice with logs has.
func (x *Lookup) inLogs(ctx context.Context, s table.FileSlice, latest string, columns *schema.Schema, keys *keys, hits []int32) ([]int32, error) {
	for batch, err := range x.Logs(ctx, s, latest, columns) {
		if err == nil {
			hits, err = x.hits(batch, keys, hits)
		}
		if err != nil {
			return nil, fmt.Errorf("index: keys in the logs of file group %s: %w", s.FileID, err)
		}
	}
	return hits, nil
}

// ownKeys are the logs of a slice that may have keys which its base file lacks, and the
// latest instant that may have written such a key. Logs only
// hold keys that their writer found in the base file; but one that wrote beside a
// compaction found them in the base file before it, and the compaction may have removed
// them. Slices without a base file are other engines' work. The names of logs of table
// version 6 do not tell who wrote them, and all have to be asked.
func (x *Lookup) ownKeys(s table.FileSlice) (logs []table.LogFile, latest string) {
	if x.Logs == nil || s.Base == nil {
		return s.Logs, ""
	}
	done, ok := x.Completion(s.Base.Instant)
	if !ok {
		return nil, "" // archived, and so are all that wrote beside it
	}
	for _, f := range s.Logs {
		if f.Name.Time < done {
			logs = append(logs, f)
		}
	}
	return logs, done
}

// inBase returns the entries whose keys a base file has.
func (x *Lookup) inBase(ctx context.Context, f *table.BaseFile, columns *schema.Schema, keys *keys) ([]int32, error) {
	file, err := x.Store.Open(ctx, f.Path)
	if err != nil {
		return nil, err
	}
	r, err := basefile.Open(ctx, file, f.Path, x.Alloc)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	o := basefile.ReadOptions{Schema: columns}
	if x.Keys.Made == nil { // made keys have no statistics
		o.Keep = keys.mayBeIn
	}
	if x.Filters && r.Rows() >= rowsForFilter && keys.few(r.Rows()*keys.files) {
		some := r.Candidates(keys.sorted())
		if len(some) == 0 {
			return nil, nil
		}
		o.Keep, o.PageColumns = some.MayBeIn, []string{schema.MetaRecordKey}
	}
	var hits []int32
	for batch, err := range r.Read(ctx, o) {
		if err == nil {
			hits, err = x.hits(batch, keys, hits)
		}
		if err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// hits adds the entries whose keys the rows of a batch have.
func (x *Lookup) hits(batch arrow.RecordBatch, keys *keys, hits []int32) ([]int32, error) {
	column, err := x.Keys.Of(batch, x.Alloc)
	if err != nil {
		return nil, err
	}
	defer column.Release()
	return keys.in(column, hits)
}
