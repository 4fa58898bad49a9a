package query

import (
	"context"
	"path"
	"slices"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// SkippedSlice is a file slice without a row that meets the condition.
type SkippedSlice struct {
	Partition, FileID string
	Reason            string
}

// The reasons of what indexes pass over; those of the record index and of secondary indexes
// are in keys.go.
const (
	byPath           = "the partition's value does not meet the condition"
	byPartitionStats = "partition_stats: no row meets the condition"
	byColumnStats    = "column_stats: no row meets the condition"
	byBucket         = "bucket index: the condition's keys are in other buckets"
	byBloom          = "bloom_filters: has none of the condition's keys"
)

// skipper passes over partitions and file slices without a row that meets the plan's condition,
// as far as indexes prove it (docs/format/queries.md, pruning).
type skipper struct {
	plan *Plan
	meta *metadata.Table // nil if the table has none
	// keys are those that rows which meet the condition can have, if keyed.
	keys  []wantedKey
	keyed bool
	// found are the file groups that can have such rows, and by what that is known; nil for all.
	found map[table.GroupID]bool
	by    string
}

// newSkipper looks the condition's keys up. meta is nil without a metadata table.
func (p *Plan) newSkipper(ctx context.Context, meta *metadata.Table) (*skipper, error) {
	s := &skipper{plan: p}
	// Names of columns differ from file to file in tables with renamed columns.
	if p.where == nil || p.reader.History != nil || p.source.Unindexed {
		return s, nil
	}
	s.meta = meta
	s.keys, s.keyed = p.keysWanted()
	return s, s.locate(ctx)
}

// current tells whether the table has an index of the rows as they are, and the plan is for these:
// for all versions of all rows.
func (s *skipper) current(index string) bool {
	o := s.plan.asked.options
	now := o.AsOf == "" && (o.View == Snapshot || o.View == "" || o.View == ReadOptimized && s.plan.source.Config.Type == table.COW)
	return now && s.has(index) && !s.meta.Ahead()
}

// partitions leaves out partitions, before their files are listed.
func (s *skipper) partitions(ctx context.Context, paths []string) ([]string, error) {
	paths = slices.DeleteFunc(paths, func(path string) bool { return !s.plan.partitionMayMatch(path) })
	if s.found != nil {
		with := map[string]bool{}
		for id := range s.found {
			with[id.Partition] = true
		}
		paths = slices.DeleteFunc(paths, func(path string) bool { return !with[path] && s.plan.skipPartition(path, s.by) })
	}
	if !s.current(metadata.PartitionStats) || len(paths) == 0 {
		return paths, nil
	}
	columns := s.columns()
	stats, err := s.meta.PartitionStats(ctx, paths, columns)
	if err != nil {
		return nil, err
	}
	kept := paths[:0]
	for i, path := range paths {
		if s.mayMatch(columns, stats[i:i+1], true) || !s.plan.skipPartition(path, byPartitionStats) {
			kept = append(kept, path)
		}
	}
	return kept, nil
}

// skipPartition notes a partition that is passed over.
func (p *Plan) skipPartition(path, reason string) bool {
	p.Skipped = append(p.Skipped, SkippedPartition{path, reason})
	return true
}

// skipSlice notes a file slice that is passed over.
func (p *Plan) skipSlice(s table.FileSlice, reason string) bool {
	p.SkippedSlices = append(p.SkippedSlices, SkippedSlice{s.Partition, s.FileID, reason})
	return true
}

// tasks leaves out file slices.
func (s *skipper) tasks(ctx context.Context, tasks []Task) ([]Task, error) {
	if s.found != nil {
		tasks = slices.DeleteFunc(tasks, func(t Task) bool {
			return !s.found[table.GroupID{Partition: t.Slice.Partition, FileID: t.Slice.FileID}] && s.plan.skipSlice(t.Slice, s.by)
		})
	}
	if buckets := s.buckets(); buckets != nil {
		tasks = slices.DeleteFunc(tasks, func(t Task) bool { return !buckets(t.Slice.FileID) && s.plan.skipSlice(t.Slice, byBucket) })
	}
	tasks, err := s.byStats(ctx, tasks)
	if err != nil {
		return nil, err
	}
	return s.byBlooms(ctx, tasks)
}

func (s *skipper) has(index string) bool { return s.meta != nil && s.meta.Has(index) }

// columns are those of the condition, and the record key first, which says how many rows there are.
func (s *skipper) columns() []string {
	columns := []string{schema.MetaRecordKey}
	for _, c := range s.plan.where.Columns() {
		if c != schema.MetaRecordKey {
			columns = append(columns, c)
		}
	}
	return columns
}

// byStats leaves out slices by the statistics of their files. In version 6 a log file grows,
// and what its statistics cover is not known.
func (s *skipper) byStats(ctx context.Context, tasks []Task) ([]Task, error) {
	if !s.has(metadata.ColumnStats) || len(tasks) == 0 {
		return tasks, nil
	}
	known := func(t Task) bool { return len(t.Slice.Logs) == 0 || !s.plan.source.Config.SliceLogs() }
	var files []metadata.FileRef
	for _, t := range tasks {
		if known(t) {
			files = append(files, filesOf(t.Slice)...)
		}
	}
	columns := s.columns()
	stats, err := s.meta.ColumnStats(ctx, metadata.ColumnStats, files, columns)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(tasks, func(t Task) bool {
		if !known(t) {
			return false
		}
		n := len(filesOf(t.Slice))
		of := stats[:n]
		stats = stats[n:]
		return !s.mayMatch(columns, of, false) && s.plan.skipSlice(t.Slice, byColumnStats)
	}), nil
}

func filesOf(s table.FileSlice) []metadata.FileRef {
	var files []metadata.FileRef
	if s.Base != nil {
		files = append(files, metadata.FileRef{Partition: s.Partition, Name: s.Base.Name})
	}
	for _, l := range s.Logs {
		files = append(files, metadata.FileRef{Partition: s.Partition, Name: path.Base(l.Path)})
	}
	return files
}

func (s *skipper) mayMatch(columns []string, files [][]*metadata.Stats, whole bool) bool {
	return s.plan.where.MayMatch(&fileStats{
		table: s.plan.reader.Table, columns: columns, elsewhere: s.plan.elsewhere(), files: files, whole: whole,
	})
}

// fileStats shows a condition the statistics of the files of a slice, or those of a partition,
// as if the versions of rows in all of them were the rows. A row that is merged of several
// versions may have a value of each, so the files are not looked at one by one.
type fileStats struct {
	table     *schema.Schema
	columns   []string            // the first is the record key
	elsewhere []string            // see Plan.elsewhere
	files     [][]*metadata.Stats // a line for each file
	whole     bool                // of a partition: the record key must be known
}

func (f *fileStats) Range(column string) (low, high expr.Value, nulls, rows int64, ok bool) {
	at := slices.Index(f.columns, column)
	field, _, found := f.table.Field(column)
	switch {
	case at < 0 || !found || slices.Contains(f.elsewhere, column):
		return low, high, 0, 0, false
	case column == schema.MetaCommitSeqno || column == schema.MetaPartitionPath || column == schema.MetaFileName:
		return low, high, 0, 0, false // rows of logs have others than those that were written
	}
	openLow, openHigh := false, false
	for _, line := range f.files {
		if line[at] == nil {
			return expr.Null(), expr.Null(), 0, 0, false
		}
		lo, hi, n, r, ok := line[at].Range(field.Type)
		if !ok || !f.covers(line[0], r) {
			return expr.Null(), expr.Null(), 0, 0, false
		}
		nulls, rows = nulls+n, rows+r
		if n == r {
			continue // no value has bounds
		}
		low, openLow = outer(low, lo, -1, openLow)
		high, openHigh = outer(high, hi, 1, openHigh)
	}
	return low, high, nulls, rows, true
}

// covers tells whether statistics of so many rows are of all rows: a file that lacks the column,
// or statistics of it, is left out of those of its partition.
func (f *fileStats) covers(key *metadata.Stats, rows int64) bool {
	if key == nil || key.Values == nil {
		return !f.whole && rows > 0
	}
	return *key.Values == rows
}

// outer is the bound that lies further to a side; open says that there is none.
func outer(a, b expr.Value, side int, open bool) (expr.Value, bool) {
	if open || b.IsNull() {
		return expr.Null(), true
	}
	if a.IsNull() {
		return b, false
	}
	order, ok := expr.Compare(a, b)
	switch {
	case !ok:
		return expr.Null(), true
	case order*side >= 0:
		return a, false
	}
	return b, false
}
