package recovery

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// rollbackSuffix makes the time of a rollback in the metadata table from that of the table's
// rollback if that has a delta commit of its own there, as in version 6 it always has.
const rollbackSuffix = "006"

// restoreSuffix makes the time at which a rollback of version 6 notes what it changes in the
// record index, as real Hudi's restore makes one for what it notes.
const restoreSuffix = "003"

// statsSuffix makes the time at which a rollback notes what it changes in statistics, where what it
// changes in the record index has its own time.
const statsSuffix = "004"

// restoreRecords notes what a rollback, at time at, of a completed write changes in the record
// index and in secondary ones, where the write's delta commit cannot be rolled back: the index has begun with it, or a
// compaction has taken it in. The files of before and after are needed for that, so it is done
// before any is deleted, and as long as the write is completed; it may have been done before.
// From version 8 on it counts when the rollback is completed. The caller holds the lock.
func restoreRecords(ctx context.Context, h *table.Handle, tl *timeline.Timeline, at string, plan *timeline.RollbackPlan) error {
	target, ok := find(tl, plan.Instant.Time)
	if ok != nil || !target.Done() {
		return nil
	}
	m, err := txn.OpenMetadata(ctx, h, tl)
	if err != nil || m == nil || !mixed(m, target) {
		return err
	}
	if !hasKeys(m.Of) {
		return nil
	}
	u := metadata.NewUpdate(h.Config.Version)
	if h.Config.SliceLogs() {
		at += restoreSuffix
	} else {
		gone := map[string][]string{}
		for _, r := range plan.Requests {
			for _, f := range r.FilesToDelete {
				gone[r.Partition] = append(gone[r.Partition], path.Base(f))
			}
		}
		u = metadata.Rollback(h.Config.Version, &timeline.RollbackMetadata{}, gone)
	}
	if slices.Contains(m.Of.MetadataPartitions, metadata.RecordIndex) {
		records, err := m.UndoneRecords(ctx, h, tl, at, target)
		if err != nil {
			return err
		}
		defer records.Close()
		u.AddRecords(records)
	}
	done, err := m.UndoneSecondary(ctx, h, tl, at, target, u)
	if err != nil {
		return err
	}
	return errors.Join(m.Apply(ctx, at, u), done())
}

// hasKeys tells whether a table has indexes of keys: a record index or secondary ones.
func hasKeys(c *table.Config) bool {
	return slices.Contains(c.MetadataPartitions, metadata.RecordIndex) || len(metadata.SecondaryIndexes(c)) > 0
}

// undoMetadata takes the write target out of the metadata table, in the rollback at time at.
// The write is still on the table's timeline and pending, so that its delta commit does not
// count. Each step may have been done before. The caller holds the lock.
func undoMetadata(ctx context.Context, h *table.Handle, tl *timeline.Timeline, at, target string, result *timeline.RollbackMetadata) error {
	tl, err := tl.Reload(ctx)
	if err != nil {
		return err
	}
	m, err := txn.OpenMetadata(ctx, h, tl)
	if err != nil || m == nil {
		return err
	}
	// What the metadata table began with, or has compacted, cannot be rolled back there.
	listed, err := stillListed(ctx, h, m, tl, result)
	if err != nil {
		return err
	}
	gone, noting := listed, at
	if len(m.Of.MetadataPartitions) > 1 && tookIn(m, target) {
		gone = deleted(result)
		if hasKeys(m.Of) && !h.Config.SliceLogs() { // restoreRecords has noted at that time
			noting += statsSuffix
		}
	}
	if h.Config.SliceLogs() || len(gone) > 0 {
		u, err := metadata.Source{Store: h.Store, Config: m.Of, Timeline: tl, Instant: at}.Rollback(ctx, result, listed, gone)
		if err != nil {
			return err
		}
		if err := m.Apply(ctx, noting, u); err != nil {
			return err
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
	}
	if _, taken := m.Timeline.Find(at, timeline.DeltaCommit); taken {
		at += rollbackSuffix
	}
	return rollbackMetadata(ctx, m, at, target)
}

// tookIn tells whether a partition has taken in what a write has noted, by a compaction or because
// it has begun with it.
func tookIn(m *txn.Metadata, target string) bool {
	i, noted := m.Timeline.Find(target, timeline.DeltaCommit)
	return noted && i.Done() && (compacted(m, i) || m.BegunSince(i))
}

// deleted are the names of the files that a rollback has deleted, by partition.
func deleted(result *timeline.RollbackMetadata) map[string][]string {
	out := map[string][]string{}
	for partition, p := range result.Partitions {
		for _, f := range p.Deleted {
			out[partition] = append(out[partition], path.Base(f))
		}
	}
	return out
}

// stillListed returns the files that a rollback has deleted and the metadata table lists, by
// partition.
func stillListed(ctx context.Context, h *table.Handle, m *txn.Metadata, tl *timeline.Timeline, result *timeline.RollbackMetadata) (map[string][]string, error) {
	listed, err := metadata.OpenLocked(ctx, h.Store, m.Of, tl)
	if err != nil {
		return nil, err
	}
	defer listed.Close()
	out := map[string][]string{}
	for partition, p := range result.Partitions {
		if len(p.Deleted) == 0 {
			continue
		}
		files, err := listed.Files(ctx, partition)
		if err != nil {
			return nil, err
		}
		names := map[string]bool{}
		for _, f := range files {
			names[f.Name] = true
		}
		for _, f := range p.Deleted {
			if name := path.Base(f); names[name] {
				out[partition] = append(out[partition], name)
			}
		}
	}
	return out, nil
}

// rollbackMetadata rolls the delta commit of a write back, if there is one.
func rollbackMetadata(ctx context.Context, m *txn.Metadata, at, target string) error {
	if i, begun := m.Timeline.Find(at, timeline.Rollback); begun {
		if i.Done() {
			return nil
		}
		plan, err := m.Timeline.RollbackPlan(ctx, at)
		if err != nil {
			return err
		}
		if plan.Instant == nil {
			return fmt.Errorf("rollback %s of the metadata table names no instant: %w", at, base.ErrCorrupt)
		}
		return execute(ctx, m.Table, m.Timeline, at, plan)
	}
	if i, ok := m.Timeline.Find(target, timeline.DeltaCommit); ok && !compacted(m, i) {
		return rollbackAt(ctx, m.Table, m.Timeline, at, i)
	}
	return nil
}

// forgetMetadata takes a table service that is going to be tried again out of the metadata
// table. The caller holds the lock.
func forgetMetadata(ctx context.Context, h *table.Handle, tl *timeline.Timeline, instant string) error {
	m, err := txn.OpenMetadata(ctx, h, tl)
	if err != nil || m == nil {
		return err
	}
	if _, err := finishRollbacks(ctx, m.Table, m.Timeline); err != nil {
		return err
	}
	if err := m.Reload(ctx); err != nil {
		return err
	}
	if _, ok := m.Timeline.Find(instant, timeline.DeltaCommit); !ok {
		return nil
	}
	at, err := txn.NextTime(m.Table, m.Timeline)
	if err != nil {
		return err
	}
	return rollbackMetadata(ctx, m, at, instant)
}

// compacted tells whether a compaction of the metadata table may have taken a delta commit in, or
// is about to.
func compacted(m *txn.Metadata, i timeline.Instant) bool {
	return i.Done() && takenIn(m, i, func(timeline.Instant) bool { return true })
}

// takenIn tells whether one of some compactions of the metadata table has a completed delta
// commit in its plan.
func takenIn(m *txn.Metadata, i timeline.Instant, by func(compaction timeline.Instant) bool) bool {
	noted := i.Completion
	if m.Table.Config.SliceLogs() {
		noted = i.Time
	}
	return slices.ContainsFunc(m.Timeline.Instants(), func(c timeline.Instant) bool {
		return c.Action.Completed() == timeline.Commit && noted <= c.Time && by(c)
	})
}

// unmixed makes sure that a completed write can be taken out of the metadata table. Out of
// indexes of values nothing can that a compaction has taken in, or that they began with. Out of the
// listing and the indexes of files files can, and rows out of the record index, but not while a compaction is pending, and not a compaction of the table,
// whose plan stays: it would not be noted when it is executed again.
func unmixed(ctx context.Context, h *table.Handle, tl *timeline.Timeline, target timeline.Instant) error {
	m, err := txn.OpenMetadata(ctx, h, tl)
	if err != nil || m == nil {
		return err
	}
	i, noted := m.Timeline.Find(target.Time, timeline.DeltaCommit)
	staysPlanned := h.Config.Type == table.MOR && target.Action == timeline.Commit
	pending := func(c timeline.Instant) bool { return !c.Done() }
	if noted && (takenIn(m, i, pending) || staysPlanned && compacted(m, i)) {
		return fmt.Errorf("a compaction of the metadata table has it in its plan; drop that first with hudictl metadata drop: %w", base.ErrInvalid)
	}
	if !mixed(m, target) {
		return nil
	}
	fixed := slices.DeleteFunc(slices.Clone(m.Of.MetadataPartitions), metadata.Undoable)
	if len(fixed) == 0 {
		return secondaryUndoable(ctx, h, tl, m)
	}
	return fmt.Errorf("the indexes %v of the metadata table have taken it in; drop them first, for example with hoodie.metadata.index.column.stats.enable=false: %w", fixed, base.ErrInvalid)
}

// secondaryUndoable refuses secondary indexes whose keys this library does not make.
func secondaryUndoable(ctx context.Context, h *table.Handle, tl *timeline.Timeline, m *txn.Metadata) error {
	names := metadata.SecondaryIndexes(m.Of)
	if len(names) == 0 {
		return nil
	}
	defined, err := metadata.Definitions(ctx, h.Store, m.Of)
	if err != nil {
		return err
	}
	rows, err := m.Of.RecordSchema(ctx, tl)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := defined[name].Indexable(rows); err != nil {
			return fmt.Errorf("%s has taken it in; drop it first with hudictl index drop: %w", name, err)
		}
	}
	return nil
}

// mixed tells whether indexes of the metadata table have a completed write in them: they have
// begun with it, or a compaction has taken it in.
func mixed(m *txn.Metadata, target timeline.Instant) bool {
	i, noted := m.Timeline.Find(target.Time, timeline.DeltaCommit)
	return !noted || compacted(m, i) || m.BegunSince(i)
}
