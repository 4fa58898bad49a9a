package metadata

import (
	"context"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// RecordLayout reads how the record index lies in its file groups. perPartition is how many a
// partition of the table gets that has none yet.
func (w *Writer) RecordLayout(ctx context.Context, partitioned bool, perPartition int) (*KeyLayout, error) {
	groups, err := w.keyGroups(ctx, RecordIndex)
	if err != nil {
		return nil, err
	}
	return layoutOf(groups, partitioned, perPartition)
}

// SecondaryLayout reads how a secondary index lies in its file groups.
func (w *Writer) SecondaryLayout(ctx context.Context, d Definition) (*KeyLayout, error) {
	groups, err := w.keyGroups(ctx, d.Name)
	if err != nil {
		return nil, err
	}
	return secondaryLayoutOf(d, groups)
}

// keyGroups are the newest slices of an index; a partitioned record index begins with none.
func (w *Writer) keyGroups(ctx context.Context, index string) ([]table.FileSlice, error) {
	found, err := w.View.Latest(ctx, index)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	byNumber(found)
	return found, nil
}

// sortedSlices returns the newest slice of each prepared group. Since the changes were routed
// somebody may have dropped the index and begun another.
func (w *Writer) sortedSlices(ctx context.Context, x *sortedIndex) ([]table.FileSlice, error) {
	found, err := w.keyGroups(ctx, x.layout.index)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]table.FileSlice, len(found))
	for _, s := range found {
		byID[s.FileID] = s
	}
	same := x.layout.Partitioned || len(found) == len(x.layout.groups)
	for _, g := range x.layout.groups {
		if _, there := byID[g.fileID]; there == g.begun {
			same = false
		}
		if g.begun {
			byID[g.fileID] = table.FileSlice{Partition: x.layout.index, FileID: g.fileID, BaseInstant: w.Instant}
		}
	}
	if !same {
		return nil, fmt.Errorf("metadata: %s: the file groups of %s are others than when the write began; try again: %w", w.Store.URI(), x.layout.index, base.ErrConflict)
	}
	slices := make([]table.FileSlice, len(x.prepared))
	for i, g := range x.prepared {
		slices[i] = byID[g.fileID]
	}
	return slices, nil
}

// planSorted adds the indexes of keys to a plan.
func (w *Writer) planSorted(ctx context.Context, u *Update, plan map[string][]*timeline.WriteStat) error {
	for _, x := range u.sorted {
		slices, err := w.sortedSlices(ctx, x)
		if err != nil {
			return err
		}
		for i, g := range x.prepared {
			plan[x.layout.index] = append(plan[x.layout.index], &timeline.WriteStat{
				FileID: g.fileID, PrevCommit: slices[i].BaseInstant, NumUpdateWrites: g.puts,
			})
		}
	}
	return nil
}

// sortedLogs writes the prepared log files of indexes of keys.
func (w *Writer) sortedLogs(ctx context.Context, u *Update, stats map[string][]*timeline.WriteStat) error {
	for _, x := range u.sorted {
		slices, err := w.sortedSlices(ctx, x)
		if err != nil {
			return err
		}
		for i, g := range x.prepared {
			s := w.stat(slices[i], g.number)
			s.NumWrites, s.NumUpdateWrites, s.NumDeletes = g.puts, g.puts, g.deletes
			s.TotalWriteBytes, s.FileSizeInBytes = g.content.Size(), g.content.Size()
			if err := g.store(ctx, w.Store, s.Path); err != nil {
				return err
			}
			stats[x.layout.index] = append(stats[x.layout.index], s)
		}
	}
	return nil
}

// BeginRecords makes the file groups of a new record index, with the base files that were
// prepared for it.
func (w *Writer) BeginRecords(ctx context.Context, r *Records) ([]*timeline.WriteStat, error) {
	return w.beginSorted(ctx, &r.sortedIndex)
}

// BeginSecondary is BeginRecords for a secondary index.
func (w *Writer) BeginSecondary(ctx context.Context, s *Secondary) ([]*timeline.WriteStat, error) {
	return w.beginSorted(ctx, &s.sortedIndex)
}

func (w *Writer) beginSorted(ctx context.Context, x *sortedIndex) ([]*timeline.WriteStat, error) {
	index := x.layout.index
	for _, g := range x.layout.groups {
		if err := w.beginGroup(ctx, index, g.fileID); err != nil {
			return nil, err
		}
	}
	stats := make([]*timeline.WriteStat, 0, len(x.prepared))
	for _, g := range x.prepared {
		name := base.BaseFileName{FileID: g.fileID, Token: base.WriteToken(g.number, 0, 0), Instant: w.Instant, Ext: w.View.Config().BaseExt()}.String()
		s := &timeline.WriteStat{
			FileID: g.fileID, Path: base.Join(index, name), PartitionPath: index, PrevCommit: timeline.NoPrevCommit,
			NumWrites: g.puts, NumInserts: g.puts, TotalWriteBytes: g.content.Size(), FileSizeInBytes: g.content.Size(),
		}
		if err := g.store(ctx, w.Store, s.Path); err != nil {
			return nil, err
		}
		stats = append(stats, s)
	}
	return stats, nil
}
