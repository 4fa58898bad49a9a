// Package metadata reads a table's metadata table: the table below .hoodie/metadata in
// which writers keep the listing of files and the indexes, so that readers need not list
// folders and open footers (docs/format/metadata-table.md).
package metadata

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Folder is where the metadata table lies in its table.
const Folder = base.MetaFolder + "/metadata"

// The partitions whose names are fixed.
const (
	Files          = "files"
	ColumnStats    = "column_stats"
	PartitionStats = "partition_stats"
	BloomFilters   = "bloom_filters"
	RecordIndex    = "record_index"
)

// What the names of the other partitions begin with.
const (
	SecondaryIndex  = "secondary_index_"
	ExpressionIndex = "expr_index_"
)

// nullsIndexed is the table version from which on secondary indexes have null values.
const nullsIndexed = 9

// ErrNone says that a table has no metadata table that readers may use.
var ErrNone = errors.New("no metadata table")

// ErrDropped says that a part of the metadata table was dropped since the table's properties were
// read. What was read of it may lack files; the table is to be opened again.
var ErrDropped = fmt.Errorf("dropped by another process: %w", base.ErrConflict)

// Table is a metadata table as one picture of its table's timeline shows it. It is safe for
// concurrent use until it is closed.
type Table struct {
	root   storage.Store // of the table
	store  storage.Store
	config *table.Config // of the table
	view   *table.View   // of the metadata table's own files
	valid  func(instant string) bool
	ahead  bool
	// unlocked says that others may drop parts of it.
	unlocked bool
	groups   groups
}

// Open opens the metadata table of the table at a store's root. As in real Hudi there is
// none (ErrNone) as long as the table's properties do not name the partition files as
// complete, or the folder holds no table or no completed instant; readers list folders
// then. Any other failure is an error: what it hides may be files. Everything that is asked of the
// table may wrap ErrDropped.
func Open(ctx context.Context, st storage.Store, c *table.Config, tl *timeline.Timeline) (*Table, error) {
	t, err := OpenLocked(ctx, st, c, tl)
	if err == nil {
		t.unlocked = true
	}
	return t, err
}

// OpenLocked is Open for whoever holds the table's lock, so that nothing is dropped meanwhile.
func OpenLocked(ctx context.Context, st storage.Store, c *table.Config, tl *timeline.Timeline) (*Table, error) {
	if !slices.Contains(c.MetadataPartitions, Files) {
		return nil, fmt.Errorf("metadata: %s: %w", st.URI(), ErrNone)
	}
	mdt := storage.Sub(st, Folder)
	own, err := table.LoadConfig(ctx, mdt)
	if errors.Is(err, base.ErrNotTable) {
		return nil, fmt.Errorf("metadata: %w: %w", err, ErrNone)
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	mine, err := own.Timeline(ctx, mdt, tl.Location())
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if len(mine.CompletedWrites()) == 0 {
		return nil, fmt.Errorf("metadata: %s has no completed instant: %w", mdt.URI(), ErrNone)
	}
	return openView(ctx, st, c, tl, table.NewView(own, mine, table.StorageLister(mdt)))
}

// openView opens the metadata table of the table at a store's root whose files a view shows.
func openView(ctx context.Context, st storage.Store, c *table.Config, tl *timeline.Timeline, view *table.View) (*Table, error) {
	t := &Table{root: st, store: storage.Sub(st, Folder), config: c, view: view}
	mine := view.Timeline()
	committed, err := t.view.Committed(ctx)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	// A write's instant completes here before it does in the table. In between it may still
	// be undone, and does not count. A savepoint has the time of the write that it saves.
	pending := map[string]bool{}
	for _, i := range tl.Pending() {
		pending[i.Time] = true
	}
	for _, i := range tl.Completed() {
		delete(pending, i.Time)
	}
	t.valid = func(instant string) bool { return !pending[instant] && committed(instant) }
	t.ahead = isAhead(mine.CompletedWrites(), tl.Last(), pending)
	return t, nil
}

// isAhead looks for writes after the last time of the table's timeline, and for compactions
// that have taken in what is pending there.
func isAhead(mine []timeline.Instant, last string, pending map[string]bool) bool {
	taken := false
	for _, i := range mine {
		switch {
		case i.Action != timeline.DeltaCommit:
			if taken {
				return true
			}
		// In version 6 what begins a partition has the time of a write and three digits more.
		case i.Time[:min(len(i.Time), len(last))] > last:
			return true
		case pending[i.Time]:
			taken = true
		}
	}
	return false
}

// UpTo leaves out what instants have noted here that are later than a time of the table's, also
// those that are pending there and unknown to the picture of its timeline. It wraps
// base.ErrConflict where a base file may have taken such a one in. Nothing may have been read yet.
func (t *Table) UpTo(last string) error {
	later := func(time string) bool { return time[:min(len(time), len(last))] > last }
	first := "" // delta commit that is later
	for _, i := range t.view.Timeline().CompletedWrites() {
		switch {
		case i.Action != timeline.DeltaCommit:
			if first != "" && first <= i.Time {
				return fmt.Errorf("metadata: a compaction of %s has taken in what was noted since this write began; try again: %w", t.store.URI(), base.ErrConflict)
			}
		case first == "" && later(i.Time):
			first = i.Time
		}
	}
	valid := t.valid
	t.valid = func(instant string) bool { return !later(instant) && valid(instant) }
	return nil
}

// Ahead reports whether the metadata table has more than what the picture of its table's
// timeline has completed. The record index, secondary indexes and statistics of partitions
// then tell of rows that are not visible yet.
func (t *Table) Ahead() bool { return t.ahead }

// Lister returns the metadata table, or where there is none a lister of folders, and a
// function that closes it.
func Lister(ctx context.Context, st storage.Store, c *table.Config, tl *timeline.Timeline) (l table.Lister, done func(), err error) {
	t, err := Open(ctx, st, c, tl)
	if errors.Is(err, ErrNone) {
		return table.StorageLister(st), func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	// The files were only read, and no failure of closing them changes what they said.
	return t, func() { _ = t.Close() }, nil
}

// Has reports whether a partition of the metadata table is complete.
func (t *Table) Has(partition string) bool {
	return slices.Contains(t.config.MetadataPartitions, partition)
}

// stands makes sure that a partition was not dropped before its files were listed: a drop takes
// the name out of the table's properties first.
func (t *Table) stands(ctx context.Context, partition string) error {
	if !t.unlocked {
		return nil
	}
	now, err := table.LoadConfig(ctx, t.root)
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	if !slices.Contains(now.MetadataPartitions, partition) {
		return fmt.Errorf("metadata: partition %s of %s: %w", partition, t.store.URI(), ErrDropped)
	}
	return nil
}

// Close closes the files that were read.
func (t *Table) Close() error { return t.groups.close() }

// Partitions implements table.Lister.
func (t *Table) Partitions(ctx context.Context) ([]string, error) {
	rec, err := t.get(ctx, Files, allPartitions)
	if err != nil || rec == nil {
		return nil, err
	}
	var out []string
	for name, f := range rec.Files {
		if f.Deleted {
			continue
		}
		if name == noPartition {
			name = ""
		}
		if err := storage.CheckPath(name); err != nil {
			return nil, fmt.Errorf("metadata: %s: %w: %w", t.store.URI(), err, base.ErrCorrupt)
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out, nil
}

// Files implements table.Lister.
func (t *Table) Files(ctx context.Context, partition string) ([]storage.Entry, error) {
	key := partition
	if key == "" {
		key = noPartition
	}
	rec, err := t.get(ctx, Files, key)
	if err != nil || rec == nil {
		return nil, err
	}
	out := make([]storage.Entry, 0, len(rec.Files))
	for name, f := range rec.Files {
		if f.Deleted {
			continue
		}
		p := path.Join(partition, name)
		if path.Base(name) != name || storage.CheckPath(p) != nil || f.Size <= 0 {
			return nil, fmt.Errorf("metadata: %s: partition %q has the file %q of %d bytes: %w", t.store.URI(), partition, name, f.Size, base.ErrCorrupt)
		}
		out = append(out, storage.Entry{Path: p, Name: name, Size: f.Size})
	}
	slices.SortFunc(out, func(a, b storage.Entry) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// ErrMany says that an index has more for a value than was asked for.
var ErrMany = errors.New("too many records")

// KeysOf returns the keys of the records that a secondary index, named by its partition,
// has for a value, sorted; nil stands for null, which indexes before version 9 leave out. More
// than limit wrap ErrMany.
func (t *Table) KeysOf(ctx context.Context, index string, value *string, limit int) ([]string, error) {
	if value == nil && t.config.Version < nullsIndexed {
		return nil, fmt.Errorf("metadata: %s: %s of a table of version %d does not have nulls: %w", t.store.URI(), index, t.config.Version, base.ErrUnsupported)
	}
	prefix := secondaryPrefix(value)
	recs, err := t.prefix(ctx, index, prefix, limit)
	if err != nil {
		return nil, err
	}
	var keys []string
	for key, rec := range recs {
		if rec.Secondary == nil || !rec.Secondary.Deleted {
			keys = append(keys, unescape(key[len(prefix):]))
		}
	}
	slices.Sort(keys)
	return keys, nil
}
