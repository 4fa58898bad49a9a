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
func (w *Writer) RecordLayout(ctx context.Context, partitioned bool, perPartition int) (*RecordLayout, error) {
	groups, err := w.recordGroups(ctx)
	if err != nil {
		return nil, err
	}
	return layoutOf(groups, partitioned, perPartition)
}

// recordGroups are the newest slices of the record index; a partitioned one begins with none.
func (w *Writer) recordGroups(ctx context.Context) ([]table.FileSlice, error) {
	found, err := w.View.Latest(ctx, RecordIndex)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	byNumber(found)
	return found, nil
}

// recordSlices returns the newest slice of each prepared group. Since the changes were routed
// somebody may have dropped the index and begun another.
func (w *Writer) recordSlices(ctx context.Context, r *Records) ([]table.FileSlice, error) {
	found, err := w.recordGroups(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]table.FileSlice, len(found))
	for _, s := range found {
		byID[s.FileID] = s
	}
	same := r.layout.Partitioned || len(found) == len(r.layout.groups)
	for _, g := range r.layout.groups {
		if _, there := byID[g.fileID]; there == g.begun {
			same = false
		}
		if g.begun {
			byID[g.fileID] = table.FileSlice{Partition: RecordIndex, FileID: g.fileID, BaseInstant: w.Instant}
		}
	}
	if !same {
		return nil, fmt.Errorf("metadata: %s: the file groups of the record index are others than when the write began; try again: %w", w.Store.URI(), base.ErrConflict)
	}
	slices := make([]table.FileSlice, len(r.prepared))
	for i, g := range r.prepared {
		slices[i] = byID[g.fileID]
	}
	return slices, nil
}

// planRecords adds the record index to a plan.
func (w *Writer) planRecords(ctx context.Context, u *Update, plan map[string][]*timeline.WriteStat) error {
	if u.records == nil {
		return nil
	}
	slices, err := w.recordSlices(ctx, u.records)
	if err != nil {
		return err
	}
	for i, g := range u.records.prepared {
		plan[RecordIndex] = append(plan[RecordIndex], &timeline.WriteStat{
			FileID: g.fileID, PrevCommit: slices[i].BaseInstant, NumUpdateWrites: g.puts,
		})
	}
	return nil
}

// recordLogs writes the prepared log files of the record index.
func (w *Writer) recordLogs(ctx context.Context, u *Update, stats map[string][]*timeline.WriteStat) error {
	if u.records == nil {
		return nil
	}
	slices, err := w.recordSlices(ctx, u.records)
	if err != nil {
		return err
	}
	for i, g := range u.records.prepared {
		s := w.stat(slices[i], g.number)
		s.NumWrites, s.NumUpdateWrites, s.NumDeletes = g.puts, g.puts, g.deletes
		s.TotalWriteBytes, s.FileSizeInBytes = g.content.Size(), g.content.Size()
		if err := g.store(ctx, w.Store, s.Path); err != nil {
			return err
		}
		stats[RecordIndex] = append(stats[RecordIndex], s)
	}
	return nil
}

// BeginRecords makes the file groups of a new record index, with the base files that were
// prepared for it.
func (w *Writer) BeginRecords(ctx context.Context, r *Records) ([]*timeline.WriteStat, error) {
	for _, g := range r.layout.groups {
		if err := w.beginGroup(ctx, RecordIndex, g.fileID); err != nil {
			return nil, err
		}
	}
	stats := make([]*timeline.WriteStat, 0, len(r.prepared))
	for _, g := range r.prepared {
		name := base.BaseFileName{FileID: g.fileID, Token: base.WriteToken(g.number, 0, 0), Instant: w.Instant, Ext: w.View.Config().BaseExt()}.String()
		s := &timeline.WriteStat{
			FileID: g.fileID, Path: base.Join(RecordIndex, name), PartitionPath: RecordIndex, PrevCommit: timeline.NoPrevCommit,
			NumWrites: g.puts, NumInserts: g.puts, TotalWriteBytes: g.content.Size(), FileSizeInBytes: g.content.Size(),
		}
		if err := g.store(ctx, w.Store, s.Path); err != nil {
			return nil, err
		}
		stats = append(stats, s)
	}
	return stats, nil
}
