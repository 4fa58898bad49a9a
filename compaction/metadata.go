package compaction

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// DefaultMetadataDeltaCommits is hoodie.metadata.compact.max.delta.commits.
const DefaultMetadataDeltaCommits = 10

// MetadataDue tells from the metadata table's timeline alone, without a lock, whether a
// compaction of it may be due.
func MetadataDue(ctx context.Context, h *table.Handle, deltaCommits int) (bool, error) {
	tl, err := txn.MetadataTimeline(ctx, h)
	if err != nil {
		return false, err
	}
	for _, i := range tl.Pending() {
		if i.Action == timeline.Compaction || i.Action == timeline.Clean {
			return true, nil
		}
	}
	return Due(ctx, tl, Options{DeltaCommits: deltaCommits})
}

// Metadata compacts a table's metadata table, if there is one and enough delta commits have
// completed since the last time, as one step under the table's lock. A plan that was left
// behind, or that real Hudi made, is executed first. It is put off while the metadata table
// has notes of instants of the table that may be undone.
func Metadata(ctx context.Context, h *table.Handle, deltaCommits int) (compacted bool, err error) {
	err = txn.LockedMetadata(ctx, h, func(tl *timeline.Timeline, m *txn.Metadata) error {
		if !m.Settled(tl) {
			return nil
		}
		for _, i := range m.Timeline.Pending() {
			if i.Action != timeline.Compaction {
				continue
			}
			if err := compactMetadata(ctx, m, i); err != nil {
				return err
			}
			compacted = true
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
		due, err := Due(ctx, m.Timeline, Options{DeltaCommits: deltaCommits})
		if err != nil || !due {
			return err
		}
		plan, err := Plan(ctx, m.Table.View(m.Timeline), Options{})
		if err != nil || plan == nil {
			return err
		}
		plan.Operations = slices.DeleteFunc(plan.Operations, func(op timeline.CompactionOperation) bool { return !inUse(m, op) })
		if len(plan.Operations) == 0 {
			return nil
		}
		if later, err := waits(ctx, m, plan); err != nil || later && deltaCommits > 1 {
			return err
		}
		content, err := plan.Encode(m.Timeline.Layout())
		if err != nil {
			return err
		}
		instant, err := m.ServiceTime(tl, txn.CompactionSuffix)
		if err != nil {
			return err
		}
		if err := m.Timeline.Request(ctx, instant, timeline.Compaction, content); err != nil {
			return err
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
		i, _ := m.Timeline.Find(instant, timeline.Compaction)
		compacted = true
		return compactMetadata(ctx, m, i)
	})
	if err != nil {
		return compacted, fmt.Errorf("compact the metadata table of %s: %w", h.Store.URI(), err)
	}
	return compacted, nil
}

// inUse tells whether an operation is in a partition that counts.
func inUse(m *txn.Metadata, op timeline.CompactionOperation) bool {
	return slices.Contains(m.Of.MetadataPartitions, op.Partition)
}

// A compaction takes in every file group that has logs: real Hudi archives up to the newest one,
// and reads no logs of instants that are archived. Where indexes of keys are large beside their logs
// all wait, for so many delta commits at most; each few inserts would have it written anew else.
const (
	recordCommits = 24
	recordShare   = 8
)

// waits tells whether a compaction is put off for the size of indexes of keys.
func waits(ctx context.Context, m *txn.Metadata, plan *timeline.CompactionPlan) (bool, error) {
	due, err := Due(ctx, m.Timeline, Options{DeltaCommits: recordCommits})
	if err != nil || due {
		return false, err
	}
	var logs, bases float64
	for _, op := range plan.Operations {
		if metadata.OfKeys(op.Partition) {
			logs += op.Metrics[timeline.MetricLogFilesSize]
			bases += op.Metrics[timeline.MetricIOWrite] * mega
		}
	}
	return logs*recordShare < bases, nil
}

// compactMetadata carries a planned compaction of the metadata table out.
func compactMetadata(ctx context.Context, m *txn.Metadata, i timeline.Instant) error {
	if i.State == timeline.Inflight {
		if err := recovery.RevertCompaction(ctx, m.Table, m.Timeline, i.Time); err != nil {
			return err
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
	}
	plan, err := m.Timeline.CompactionPlan(ctx, i.Time)
	if err != nil {
		return err
	}
	if err := m.Timeline.Inflight(ctx, i.Time, timeline.Compaction, nil); err != nil {
		return err
	}
	w := m.Writer(i.Time)
	stats := map[string][]*timeline.WriteStat{}
	for _, op := range plan.Operations {
		if !inUse(m, op) { // dropped since
			continue
		}
		slice, err := sliceOf(op)
		if err != nil {
			return err
		}
		s, err := w.Compact(ctx, slice)
		if err != nil {
			return err
		}
		stats[op.Partition] = append(stats[op.Partition], s)
	}
	return m.Compacted(ctx, w, stats)
}
