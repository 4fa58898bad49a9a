package metadata

import (
	"context"
	"fmt"
	"path"
	"slices"

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
}

func (s Source) has(partition string) bool {
	return slices.Contains(s.Config.MetadataPartitions, partition)
}

// Commit returns the update for a commit of any kind.
func (s Source) Commit(ctx context.Context, meta *timeline.CommitMetadata) (*Update, error) {
	u, err := Commit(s.Config.Version, meta)
	if err != nil || !s.has(ColumnStats) {
		return u, err
	}
	columns, err := s.columns(ctx, meta.ExtraMetadata[timeline.SchemaKey])
	if err != nil {
		return nil, err
	}
	for _, partition := range sortedKeys(meta.PartitionToWriteStats) {
		written := make([]*Stats, 0, len(columns))
		files := map[string]bool{}
		for _, w := range meta.PartitionToWriteStats[partition] {
			if w.Path == "" || w.IsLog() {
				continue
			}
			files[w.FileID] = true
			stats, err := fileStats(ctx, s.Store, FileRef{partition, path.Base(w.Path)}, s.Config.Version, columns)
			if err != nil {
				return nil, err
			}
			if err := u.putFileStats(partition, stats); err != nil {
				return nil, err
			}
			written = append(written, stats...)
		}
		if !s.has(PartitionStats) {
			continue
		}
		for _, id := range meta.PartitionToReplaceFileIDs[partition] {
			files[id] = true
		}
		if err := s.partitionStats(ctx, u, partition, columns, written, files); err != nil {
			return nil, err
		}
	}
	return u, s.replacedStats(ctx, u, meta, columns)
}

// replacedStats puts the statistics of partitions that a replace commit took file groups from and wrote
// nothing to: those of the groups that stay or, as real Hudi does, that there are none.
func (s Source) replacedStats(ctx context.Context, u *Update, meta *timeline.CommitMetadata, columns []statColumn) error {
	if !s.has(PartitionStats) {
		return nil
	}
	for _, partition := range sortedKeys(meta.PartitionToReplaceFileIDs) {
		if _, written := meta.PartitionToWriteStats[partition]; written {
			continue
		}
		gone := map[string]bool{}
		for _, id := range meta.PartitionToReplaceFileIDs[partition] {
			gone[id] = true
		}
		others, err := s.untouched(ctx, partition, gone)
		switch {
		case err != nil:
			return err
		case len(others) > 0:
			err = s.partitionStats(ctx, u, partition, columns, nil, gone)
		default:
			for _, c := range columns {
				if err = u.putStats(PartitionStats, hashName(c.name)+hashPartition(partition), typePartitionStats, s.stub("", c.name)); err != nil {
					break
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stub marks the statistics of a column as gone.
func (s Source) stub(file, column string) *Stats {
	unknown := int64(-1)
	gone := &Stats{File: file, Column: column, Values: &unknown, Nulls: &unknown, Size: -1, UncompressedSize: -1, Deleted: true}
	if s.Config.Version >= 9 {
		gone.Type = &ValueType{Ordinal: typeNull}
	}
	return gone
}

// Index returns the update that begins the statistics of columns and of partitions: of the
// base files of all completed writes, and of the newest of them. The definition of the index
// names the columns.
func (s Source) Index(ctx context.Context, rows *schema.Schema, names []string) (*Update, error) {
	columns, err := statColumns(rows.WithMeta(), names)
	if err != nil {
		return nil, err
	}
	all, err := List(ctx, s.Store, s.Config, s.Timeline)
	if err != nil {
		return nil, err
	}
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	u := NewUpdate(s.Config.Version)
	for _, partition := range sortedKeys(all) {
		latest, err := view.Latest(ctx, partition)
		if err != nil {
			return nil, err
		}
		newest := map[string]bool{}
		for _, f := range latest {
			if f.Base != nil {
				newest[f.Base.Name] = true
			}
		}
		var joined []*Stats
		for _, name := range sortedKeys(all[partition]) {
			if _, isBase := base.ParseBaseFileName(name); !isBase {
				continue
			}
			stats, err := fileStats(ctx, s.Store, FileRef{partition, name}, s.Config.Version, columns)
			if err != nil {
				return nil, err
			}
			if err := u.putFileStats(partition, stats); err != nil {
				return nil, err
			}
			if newest[name] {
				joined = append(joined, stats...)
			}
		}
		if err := u.putPartitionStats(partition, joined); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// maxColumns is hoodie.metadata.index.column.stats.max.columns.to.index.
const maxColumns = 32

// Indexable returns the columns of which statistics are kept in a table that does not say:
// three meta columns, and the first of its own whose types have statistics.
func Indexable(rows *schema.Schema) []string {
	names := []string{schema.MetaCommitTime, schema.MetaPartitionPath, schema.MetaRecordKey}
	for _, f := range rows.WithoutMeta().Fields() {
		if _, ok := ordinalOf(f.Type); ok && len(names) < maxColumns+3 {
			names = append(names, f.Name)
		}
	}
	return names
}

// Clean returns the update for a clean: statistics of files that are gone are marked.
func (s Source) Clean(ctx context.Context, meta *timeline.CleanMetadata) (*Update, error) {
	u := Clean(s.Config.Version, meta)
	if !s.has(ColumnStats) {
		return u, nil
	}
	names, err := s.indexed(ctx)
	if err != nil {
		return nil, err
	}
	for _, partition := range sortedKeys(meta.Partitions) {
		for _, f := range meta.Partitions[partition].DeletePatterns {
			name := path.Base(f)
			if n, ok := base.ParseBaseFileName(name); !ok || n.Ext != s.Config.BaseExt() {
				continue
			}
			for _, column := range names {
				if err := u.putStats(ColumnStats, hashName(column)+hashPartition(partition)+hashFile(name), typeColumnStats, s.stub(name, column)); err != nil {
					return nil, err
				}
			}
		}
	}
	return u, nil
}

func (u *Update) putStats(partition, key string, typ int64, s *Stats) error {
	value, err := appendStats(nil, u.version, typ, s)
	if err != nil {
		return fmt.Errorf("metadata: statistics of %s: %w", s.Column, err)
	}
	u.put(partition, key, value)
	return nil
}

// indexed are the names of the columns of which statistics are kept.
func (s Source) indexed(ctx context.Context) ([]string, error) {
	all, err := Definitions(ctx, s.Store, s.Config)
	if err != nil {
		return nil, err
	}
	d, ok := all[ColumnStats]
	if !ok {
		return nil, fmt.Errorf("metadata: %s: no index definition says of which columns statistics are kept: %w", s.Store.URI(), base.ErrUnsupported)
	}
	return d.Fields, nil
}

func (s Source) columns(ctx context.Context, avro string) ([]statColumn, error) {
	names, err := s.indexed(ctx)
	if err != nil {
		return nil, err
	}
	of, err := schema.Parse(avro)
	if err != nil {
		return nil, fmt.Errorf("metadata: schema of a commit: %w", err)
	}
	return statColumns(of.WithMeta(), names)
}

// partitionStats puts the statistics of a partition: of the files just written and those of
// the file groups that were not touched.
func (s Source) partitionStats(ctx context.Context, u *Update, partition string, columns []statColumn, written []*Stats, touched map[string]bool) error {
	others, err := s.untouched(ctx, partition, touched)
	if err != nil {
		return err
	}
	known, err := s.known(ctx, others, columns)
	if err != nil {
		return err
	}
	return u.putPartitionStats(partition, append(known, written...))
}

// untouched returns the newest base files of the file groups that are not touched.
func (s Source) untouched(ctx context.Context, partition string, touched map[string]bool) ([]FileRef, error) {
	latest, err := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store)).Latest(ctx, partition)
	if err != nil {
		return nil, err
	}
	var others []FileRef
	for _, f := range latest {
		if f.Base != nil && !touched[f.FileID] {
			others = append(others, FileRef{partition, f.Base.Name})
		}
	}
	return others, nil
}

// putFileStats puts the statistics of a file's columns, nil for those that it lacks.
func (u *Update) putFileStats(partition string, stats []*Stats) error {
	for _, c := range stats {
		if c == nil {
			continue
		}
		if err := u.putStats(ColumnStats, hashName(c.Column)+hashPartition(partition)+hashFile(c.File), typeColumnStats, c); err != nil {
			return err
		}
	}
	return nil
}

// putPartitionStats puts the statistics of a partition, made of those of its files.
func (u *Update) putPartitionStats(partition string, files []*Stats) error {
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
	for _, column := range sortedKeys(joined) {
		of := *joined[column]
		of.File, of.Tight = partition, true
		if err := u.putStats(PartitionStats, hashName(column)+hashPartition(partition), typePartitionStats, &of); err != nil {
			return err
		}
	}
	return nil
}

// known returns the statistics of files from the index, or from the footers of those that it
// does not know.
func (s Source) known(ctx context.Context, files []FileRef, columns []statColumn) ([]*Stats, error) {
	if len(files) == 0 {
		return nil, nil
	}
	t, err := Open(ctx, s.Store, s.Config, s.Timeline)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	found, err := t.ColumnStats(ctx, ColumnStats, files, names)
	if err != nil {
		return nil, err
	}
	var out []*Stats
	for i, line := range found {
		if slices.Contains(line, nil) {
			if line, err = fileStats(ctx, s.Store, files[i], s.Config.Version, columns); err != nil {
				return nil, err
			}
		}
		out = append(out, line...)
	}
	return out, nil
}
