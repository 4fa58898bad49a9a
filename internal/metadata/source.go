package metadata

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Source is a table as it is under its lock, before an instant is completed.
type Source struct {
	Store    storage.Store
	Config   *table.Config
	Timeline *timeline.Timeline
	// Own shows the files of the metadata table, nil where nobody has looked yet.
	Own *table.View
	// Instant is the instant's requested time, and Late says that a write is completed that
	// began later. Statistics of partitions, which are read in the order of times, then only say
	// what the instant adds, and are noted at a time of their own (Update.Overtaken).
	Instant string
	Late    bool
}

func (s Source) has(partition string) bool {
	return slices.Contains(s.Config.MetadataPartitions, partition)
}

// indexed says what the metadata table has of files, given the schema of the table's rows.
func (s Source) indexed(ctx context.Context, rows *schema.Schema) (indexed, error) {
	x := indexed{version: s.Config.Version, rows: rows.WithMeta()}
	if s.has(ColumnStats) {
		names, err := s.columns(ctx, rows)
		if err != nil {
			return x, err
		}
		x = withColumns(rows, names, s.Config.Version)
	}
	x.blooms = s.has(BloomFilters)
	return x, nil
}

// Columns are the names of the columns with statistics: those that the index is defined of, or if
// there is none those that it is to begin with, rows being the table's.
func (s Source) Columns(ctx context.Context, rows *schema.Schema) ([]string, error) {
	if s.has(ColumnStats) {
		return s.columns(ctx, rows)
	}
	return Indexable(s.Config, rows), nil
}

// definedFrom is the table version from which on the table says what its indexes are of.
const definedFrom = 8

// columns are the names of the columns of which statistics are kept.
func (s Source) columns(ctx context.Context, rows *schema.Schema) ([]string, error) {
	if s.Config.Version < definedFrom {
		return Indexable(s.Config, rows), nil
	}
	all, err := Definitions(ctx, s.Store, s.Config)
	if err != nil {
		return nil, err
	}
	d, ok := all[ColumnStats]
	if !ok {
		return nil, unindexed(s.Store.URI())
	}
	return d.Fields, nil
}

// Commit returns the update for a commit of any kind. What was gathered of its files, nil for
// nothing, need not be read.
func (s Source) Commit(ctx context.Context, meta *timeline.CommitMetadata, gathered *Gathered) (*Update, error) {
	u, err := Commit(s.Config.Version, meta)
	if err != nil || !s.has(ColumnStats) && !s.has(BloomFilters) {
		return u, err
	}
	rows, err := schema.Parse(meta.ExtraMetadata[timeline.SchemaKey])
	if err != nil {
		return nil, fmt.Errorf("metadata: schema of a commit: %w", err)
	}
	x, err := s.indexed(ctx, rows)
	if err != nil {
		return nil, err
	}
	touched := slices.Compact(slices.Sorted(slices.Values(slices.Concat(sortedKeys(meta.PartitionToWriteStats), sortedKeys(meta.PartitionToReplaceFileIDs)))))
	for _, partition := range touched {
		var written []*Stats
		for _, w := range meta.PartitionToWriteStats[partition] {
			if w.Path == "" {
				continue
			}
			f := gathered.get(w.Path, &x)
			if f == nil {
				if f, err = s.factsOf(ctx, &x, FileRef{partition, path.Base(w.Path)}); err != nil {
					return nil, err
				}
			}
			if err := u.putFacts(FileRef{partition, path.Base(w.Path)}, s.Instant, f); err != nil {
				return nil, err
			}
			written = append(written, f.stats...)
		}
		if !s.has(PartitionStats) {
			continue
		}
		if err := s.partitionStats(ctx, u, &x, partition, meta, written); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// partitionStats puts the statistics of a partition that a commit has written to. Where files
// are only added, they say what these add; else they are made anew, of the new files and those
// that stay.
func (s Source) partitionStats(ctx context.Context, u *Update, x *indexed, partition string, meta *timeline.CommitMetadata, written []*Stats) error {
	merges := meta.OperationType == timeline.OpCompact || meta.OperationType == timeline.OpCluster || meta.OperationType == timeline.OpLogCompact
	rewritten, gone := replaced(meta, partition)
	switch {
	case s.Late && merges: // its rows are those of files that later statistics have
		return nil
	case s.Late:
		return u.putPartitionStats(x, partition, written, false)
	case len(rewritten)+len(gone) == 0 && !merges:
		return u.putPartitionStats(x, partition, written, false)
	}
	stay, err := s.staying(ctx, partition, rewritten, gone)
	if err != nil {
		return err
	}
	known, err := s.known(ctx, x, stay)
	if err != nil {
		return err
	}
	return u.putPartitionStats(x, partition, append(known, written...), true)
}

// replaced returns the file groups of a partition of which a commit replaces the base file, and
// those that it takes away.
func replaced(meta *timeline.CommitMetadata, partition string) (rewritten, gone map[string]bool) {
	rewritten, gone = map[string]bool{}, map[string]bool{}
	for _, w := range meta.PartitionToWriteStats[partition] {
		switch {
		case w.Path == "":
			gone[w.FileID] = true
		case !w.IsLog() && w.PrevCommit != "" && w.PrevCommit != timeline.NoPrevCommit, meta.Compacted && !w.IsLog():
			rewritten[w.FileID] = true
		}
	}
	for _, id := range meta.PartitionToReplaceFileIDs[partition] {
		gone[id] = true
	}
	return rewritten, gone
}

// staying are the files of a partition that readers go on to see. On top of a base file that is
// replaced those logs stay that are of the next slice.
func (s Source) staying(ctx context.Context, partition string, rewritten, gone map[string]bool) ([]FileRef, error) {
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	seen, err := view.SlicesAt(ctx, partition, "")
	if err != nil {
		return nil, err
	}
	var out []FileRef
	for _, f := range seen {
		if !gone[f.FileID] && !rewritten[f.FileID] {
			out = append(out, filesOf(f)...)
		}
	}
	if len(rewritten) == 0 || s.Config.Type != table.MOR {
		return out, nil
	}
	next, err := view.Latest(ctx, partition)
	if err != nil {
		return nil, err
	}
	for _, f := range next {
		if rewritten[f.FileID] && !gone[f.FileID] {
			f.Base = nil
			out = append(out, filesOf(f)...)
		}
	}
	return out, nil
}

// filesOf are the files of a slice that have statistics.
func filesOf(f table.FileSlice) []FileRef {
	var out []FileRef
	if f.Base != nil {
		out = append(out, FileRef{f.Partition, f.Base.Name})
	}
	for _, l := range f.Logs {
		out = append(out, FileRef{f.Partition, l.Name.String()})
	}
	return out
}

// known returns the statistics of files from the index, or from those of the files themselves
// that it does not know.
func (s Source) known(ctx context.Context, x *indexed, files []FileRef) ([]*Stats, error) {
	if len(files) == 0 {
		return nil, nil
	}
	t, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	found, err := t.ColumnStats(ctx, ColumnStats, files, x.names())
	if err != nil {
		return nil, err
	}
	var out []*Stats
	for i, line := range found {
		if slices.Contains(line, nil) {
			f, err := s.factsOf(ctx, &indexed{version: x.version, rows: x.rows, columns: x.columns, stats: true}, files[i])
			if err != nil {
				return nil, err
			}
			line = f.stats
		}
		out = append(out, line...)
	}
	return out, nil
}

// open opens the metadata table.
func (s Source) open(ctx context.Context) (*Table, error) {
	if s.Own == nil {
		return OpenLocked(ctx, s.Store, s.Config, s.Timeline)
	}
	return openView(ctx, s.Store, s.Config, s.Timeline, s.Own)
}

// Index returns the update that begins partitions with statistics or filters: of the files of all
// completed writes, and of partitions of the newest of them. names are the columns with
// statistics.
func (s Source) Index(ctx context.Context, rows *schema.Schema, names []string, partitions []string) (*Update, error) {
	x := withColumns(rows, names, s.Config.Version)
	x.stats = slices.Contains(partitions, ColumnStats)
	x.blooms = slices.Contains(partitions, BloomFilters)
	if !x.stats {
		x.columns = nil
	}
	all, err := List(ctx, s.Store, s.Config, s.Timeline)
	if err != nil {
		return nil, err
	}
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	u := NewUpdate(s.Config.Version)
	for _, partition := range sortedKeys(all) {
		seen, err := view.SlicesAt(ctx, partition, "")
		if err != nil {
			return nil, err
		}
		newest := map[FileRef]bool{}
		for _, f := range seen {
			for _, ref := range filesOf(f) {
				newest[ref] = true
			}
		}
		found, err := s.allFacts(ctx, &x, partition, sortedKeys(all[partition]))
		if err != nil {
			return nil, err
		}
		var joined []*Stats
		for _, name := range sortedKeys(found) {
			ref := FileRef{partition, name}
			if err := u.putFacts(ref, written(name), found[name]); err != nil {
				return nil, err
			}
			if newest[ref] {
				joined = append(joined, found[name].stats...)
			}
		}
		if !x.stats || !slices.Contains(partitions, PartitionStats) {
			continue
		}
		if err := u.putPartitionStats(&x, partition, joined, true); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// allFacts reads files of a partition side by side.
func (s Source) allFacts(ctx context.Context, x *indexed, partition string, names []string) (map[string]*facts, error) {
	out := map[string]*facts{}
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range names {
		if !hasFacts(s.Config, x, name) {
			continue
		}
		work.Go(func() error {
			f, err := s.factsOf(ctx, x, FileRef{partition, name})
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			out[name] = f
			return nil
		})
	}
	return out, work.Wait()
}

// hasFacts tells whether a file has statistics or a filter: base files, and logs with rows.
func hasFacts(c *table.Config, x *indexed, name string) bool {
	if n, ok := base.ParseBaseFileName(name); ok {
		return n.Ext == c.BaseExt()
	}
	n, ok := base.ParseLogFileName(name)
	return ok && !n.CDC && x.stats
}

// written is the instant of a base file.
func written(name string) string {
	n, _ := base.ParseBaseFileName(name)
	return n.Instant
}

// Clean returns the update for a clean: what there is of files that are gone is marked.
func (s Source) Clean(ctx context.Context, meta *timeline.CleanMetadata) (*Update, error) {
	u := Clean(s.Config.Version, meta)
	var names []string
	if s.has(ColumnStats) {
		var rows *schema.Schema
		var err error
		if s.Config.Version < definedFrom {
			if rows, err = s.Config.RecordSchema(ctx, s.Timeline); err != nil {
				return nil, err
			}
		}
		if names, err = s.columns(ctx, rows); err != nil {
			return nil, err
		}
	}
	x := indexed{stats: s.has(ColumnStats)}
	for _, partition := range sortedKeys(meta.Partitions) {
		for _, f := range meta.Partitions[partition].DeletePatterns {
			if err := s.putGone(u, &x, FileRef{partition, path.Base(f)}, names); err != nil {
				return nil, err
			}
		}
	}
	return u, nil
}

// Rollback returns the update for a rollback, by the names of files by partition: those that are
// to be taken out of the listing, and those that are gone, of which what there is is marked and of
// whose partitions statistics are made anew. The write that is rolled back is pending on the timeline.
func (s Source) Rollback(ctx context.Context, meta *timeline.RollbackMetadata, listed, gone map[string][]string) (*Update, error) {
	u := Rollback(s.Config.Version, meta, listed)
	if len(gone) == 0 || !s.has(ColumnStats) && !s.has(BloomFilters) {
		return u, nil
	}
	rows, err := s.Config.RecordSchema(ctx, s.Timeline)
	if errors.Is(err, table.ErrNoSchema) || err == nil && rows == nil {
		return u, nil // the first write is rolled back; there are no files
	}
	if err != nil {
		return nil, err
	}
	x, err := s.indexed(ctx, rows)
	if err != nil {
		return nil, err
	}
	for _, partition := range sortedKeys(gone) {
		for _, name := range gone[partition] {
			if err := s.putGone(u, &x, FileRef{partition, name}, x.names()); err != nil {
				return nil, err
			}
		}
		if !s.has(PartitionStats) {
			continue
		}
		stay, err := s.staying(ctx, partition, nil, nil)
		if err != nil {
			return nil, err
		}
		known, err := s.known(ctx, &x, stay)
		if err != nil {
			return nil, err
		}
		if err := u.putPartitionStats(&x, partition, known, true); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// putGone marks what there is of a file that is gone.
func (s Source) putGone(u *Update, x *indexed, ref FileRef, columns []string) error {
	if !hasFacts(s.Config, x, ref.Name) {
		return nil
	}
	if _, isBase := base.ParseBaseFileName(ref.Name); isBase && s.has(BloomFilters) {
		u.putBloom(ref, &BloomFilter{Instant: s.Instant, Filter: []byte{}, Deleted: true})
	}
	for _, column := range columns {
		if err := u.putStats(ColumnStats, column, ref, typeColumnStats, goneStats(ref.Name, column, s.Config.Version)); err != nil {
			return err
		}
	}
	return nil
}

// goneStats are the statistics of a file that is gone.
func goneStats(file, column string, version int) *Stats {
	unknown := int64(-1)
	s := &Stats{File: file, Column: column, Values: &unknown, Nulls: &unknown, Size: -1, UncompressedSize: -1, Deleted: true}
	if version >= valueTypes {
		s.Type = &ValueType{Ordinal: typeNull}
	}
	return s
}

// putFacts puts what there is of a file, by the instant that wrote it.
func (u *Update) putFacts(ref FileRef, instant string, f *facts) error {
	for _, c := range f.stats {
		if c == nil {
			continue
		}
		if err := u.putStats(ColumnStats, c.Column, ref, typeColumnStats, c); err != nil {
			return err
		}
	}
	if f.bloom != nil {
		filter := *f.bloom
		filter.Instant = instant
		u.putBloom(ref, &filter)
	}
	return nil
}

// putPartitionStats puts the statistics of a partition, made of those of files; tight says that
// these are all of its files.
func (u *Update) putPartitionStats(x *indexed, partition string, files []*Stats, tight bool) error {
	joined := map[string]*Stats{}
	for _, c := range files {
		if c == nil {
			continue
		}
		if before := joined[c.Column]; before != nil {
			c = joinStats(before, c)
		}
		joined[c.Column] = c
	}
	for i := range x.columns {
		c := &x.columns[i]
		found, ok := joined[c.name]
		switch {
		case !ok && !tight:
			continue
		case !ok: // the partition has no files with the column
			found = goneStats(partition, c.name, x.version)
		}
		of := *found
		of.File, of.Tight = "", tight
		if ok {
			of.File, of.Type = partition, c.stats("", x.version).Type
		}
		if err := u.putStats(PartitionStats, c.name, FileRef{Partition: partition}, typePartitionStats, &of); err != nil {
			return err
		}
	}
	return nil
}

func (u *Update) putStats(partition, column string, ref FileRef, typ int64, s *Stats) error {
	value, err := appendStats(nil, u.version, typ, s)
	if err != nil {
		return fmt.Errorf("metadata: statistics of %s: %w", s.Column, err)
	}
	key := hashName(column) + hashPartition(ref.Partition)
	if ref.Name != "" {
		key += hashFile(ref.Name)
	}
	u.put(partition, key, value)
	return nil
}

func (u *Update) putBloom(ref FileRef, b *BloomFilter) {
	u.put(BloomFilters, hashPartition(ref.Partition)+hashFile(ref.Name), appendBloom(nil, u.version, b))
}

// Overtaken takes the statistics of partitions out of an update whose instant was overtaken by
// later ones: the update to note before it at a time of its own, nil for none.
func (u *Update) Overtaken() *Update {
	p, ok := u.parts[PartitionStats]
	if !ok {
		return nil
	}
	delete(u.parts, PartitionStats)
	return &Update{version: u.version, parts: map[string]*changes{PartitionStats: p}}
}
