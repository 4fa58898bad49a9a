package txn

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

func baseName(p string) string { return path.Base(p) }

// Writes tells whether a data file carries the instant in its name, so that undoing the
// instant may remove it. Log files of table version 6 do if the instant opened their slice
// or, ours, by their token.
func Writes(e storage.Entry, instant string) bool {
	if n, ok := base.ParseBaseFileName(e.Name); ok {
		return n.Instant == instant
	}
	n, ok := base.ParseLogFileName(e.Name)
	return ok && n.WrittenBy(instant)
}

// group names a file group, or a bucket of a table with a bucket index: two writers that
// open a bucket at the same time give it different file ids.
type group struct{ partition, fileID string }

func (t *Txn) group(partition, fileID string) group {
	if t.table.Config.Index.Kind == table.IndexBucket {
		if bucket, ok := base.BucketOf(fileID); ok {
			fileID = base.BucketPrefix(bucket)
		}
	}
	return group{partition, fileID}
}

// conflicts compares what this transaction wrote with what others have done since it
// began: writes to one file group cannot both stand. Real Hudi calls this rule
// SimpleConcurrentFileWritesConflictResolutionStrategy.
//
// Beyond that rule, two upserts that both bring new keys to one partition (to the table, if its
// index is global) cannot both stand where keys are located by reading, for neither could see
// the other's: the keys may be the same. An overwrite counts as an upsert there. And none that saw the table with other columns than it now has, for what it rewrote
// would lack them.
func (t *Txn) conflicts(ctx context.Context, now *timeline.Timeline, meta *timeline.CommitMetadata) error {
	if err := t.foundation(ctx, now); err != nil {
		return err
	}
	if t.Action == timeline.Compaction {
		// Log files that complete after the plan was made belong to the next slice, and a
		// base file that would be lost is its writer's to notice: see below.
		return nil
	}
	touched, rewritten := map[group]bool{}, map[group]bool{}
	for partition, stats := range meta.PartitionToWriteStats {
		for _, s := range stats {
			g := t.group(partition, s.FileID)
			touched[g] = true
			if !s.IsLog() {
				rewritten[g] = true
			}
		}
	}
	for partition, ids := range meta.PartitionToReplaceFileIDs {
		for _, id := range ids {
			touched[t.group(partition, id)] = true
			rewritten[t.group(partition, id)] = true
		}
	}
	for _, i := range now.Writes() {
		if i.Time == t.Instant {
			continue
		}
		if before, ok := t.begun.Find(i.Time, i.Action); ok && before.Done() {
			continue
		}
		groups, clash, err := t.rival(ctx, now, i)
		if err != nil {
			return err
		}
		mine := touched
		if clash == rewrites {
			mine = rewritten
		}
		for _, g := range groups {
			if mine[g] && clash == plans {
				return Clustered(t.table, g.partition, g.fileID, i.Time)
			}
			if mine[g] {
				return fmt.Errorf("txn: commit %s of %s: file group %s in partition %q was changed by %s since this write began; try again: %w",
					t.Instant, t.table.Store.URI(), g.fileID, g.partition, i, base.ErrConflict)
			}
		}
		if err := t.sameKeys(ctx, now, i, meta); err != nil {
			return err
		}
	}
	return t.sameColumns(ctx, now, meta)
}

// foundation makes sure that what this transaction was built on still stands: every write
// that was completed when it began is on the timeline yet, or archived. Nobody who rolls one
// back knows what others have read of it, and what they wrote would bring it back.
func (t *Txn) foundation(ctx context.Context, now *timeline.Timeline) error {
	for _, i := range t.begun.CompletedWrites() {
		if i.Time > t.Instant {
			continue // later than the plan that is being executed
		}
		is, there := now.Find(i.Time, i.Action)
		if is.Done() {
			continue
		}
		if !there {
			archived, err := now.ArchivedCompletions(ctx)
			if err != nil {
				return err
			}
			if _, ok := archived[i.Time]; ok {
				continue
			}
		}
		return fmt.Errorf("txn: commit %s of %s: %s, which was there when this write began, was rolled back; try again: %w",
			t.Instant, t.table.Store.URI(), i, base.ErrConflict)
	}
	return nil
}

// sameKeys refuses a commit when it and another that was completed meanwhile may both have
// inserted one key: in one partition, or, where a key has one row in the table, in any.
func (t *Txn) sameKeys(ctx context.Context, now *timeline.Timeline, i timeline.Instant, meta *timeline.CommitMetadata) error {
	if !i.Done() || !unique(meta) || t.table.Config.Index.Kind == table.IndexBucket {
		return nil
	}
	other, err := now.CommitMetadata(ctx, i)
	if err != nil {
		return err
	}
	if !unique(other) {
		return nil // an insert does not ask whether its keys are there
	}
	theirs := inserted(other)
	anywhere := t.table.Config.Index.Global() && len(theirs) > 0
	for p := range inserted(meta) {
		if theirs[p] || anywhere {
			return fmt.Errorf("txn: commit %s of %s: %s brought new keys to partition %q since this write began, which may be those of this one; try again: %w",
				t.Instant, t.table.Store.URI(), i, p, base.ErrConflict)
		}
	}
	return nil
}

// unique tells whether a commit's keys are not to be there twice.
func unique(m *timeline.CommitMetadata) bool {
	switch m.OperationType {
	case timeline.OpUpsert, timeline.OpInsertOverwrite, timeline.OpInsertOverwriteTable:
		return true
	}
	return false
}

// inserted are the partitions to which a commit brought new keys.
func inserted(m *timeline.CommitMetadata) map[string]bool {
	out := map[string]bool{}
	for partition, stats := range m.PartitionToWriteStats {
		for _, s := range stats {
			if s.NumInserts > 0 {
				out[partition] = true
			}
		}
	}
	return out
}

// sameColumns refuses a commit when the table's schema has changed since it began.
func (t *Txn) sameColumns(ctx context.Context, now *timeline.Timeline, meta *timeline.CommitMetadata) error {
	is, err := t.table.Config.RecordSchema(ctx, now)
	if errors.Is(err, table.ErrNoSchema) {
		return nil
	}
	if err != nil {
		return err
	}
	then, err := t.table.Config.RecordSchema(ctx, t.begun)
	if errors.Is(err, table.ErrNoSchema) { // of two first writes the second must agree with the first
		then, err = schema.Parse(meta.ExtraMetadata[timeline.SchemaKey])
	}
	if err != nil {
		return err
	}
	if !is.Equal(then) {
		return fmt.Errorf("txn: commit %s of %s: another writer has changed the table's columns since this write began; try again: %w",
			t.Instant, t.table.Store.URI(), base.ErrConflict)
	}
	return nil
}

// clash says which of this transaction's writes another instant cannot stand beside.
type clash int

const (
	writes   clash = iota // any write to the same file group
	rewrites              // a base file, but not a log file
	plans                 // any write to a file group that a clustering has in its plan
)

// Clustered is the error that says that a write cannot go into a file group as long as a clustering has it
// in its plan: the clustering would complete with the rows from before the write.
func Clustered(h *table.Handle, partition, fileID, clustering string) error {
	return fmt.Errorf("write to %s: file group %s in partition %q is in the plan of the pending clustering %s; have Spark carry it out first (CALL run_clustering with op => 'execute'): %w",
		h.Store.URI(), fileID, partition, clustering, base.ErrConflict)
}

// rival returns the file groups of another instant that count against this transaction.
func (t *Txn) rival(ctx context.Context, now *timeline.Timeline, i timeline.Instant) ([]group, clash, error) {
	var out []group
	switch {
	case i.Done() && now.Has(i.Time, timeline.Compaction, timeline.Requested), i.Action == timeline.Compaction:
		// Logs go on beside a compaction; a base file under it would be hidden by it, and so
		// would a log that is named after the slice before it. A plan that was there when this
		// transaction began was taken into account.
		hides := rewrites
		if t.table.Config.SliceLogs() {
			hides = writes
		}
		if t.begun.Has(i.Time, timeline.Compaction, timeline.Requested) {
			return nil, hides, nil
		}
		plan, err := now.CompactionPlan(ctx, i.Time)
		if err != nil {
			return nil, hides, err
		}
		for _, op := range plan.Operations {
			out = append(out, t.group(op.Partition, op.FileID))
		}
		return out, hides, nil
	case !i.Done():
		// A pending write of another writer has still to pass this check itself.
		plan, err := now.PendingClustering(ctx, i)
		if err != nil || plan == nil {
			return nil, writes, err
		}
		for partition, fileID := range plan.Groups {
			out = append(out, t.group(partition, fileID))
		}
		return out, plans, nil
	default:
		meta, err := now.CommitMetadata(ctx, i)
		if err != nil {
			return nil, writes, err
		}
		for partition, stats := range meta.PartitionToWriteStats {
			for _, s := range stats {
				out = append(out, t.group(partition, s.FileID))
			}
		}
		for partition, ids := range meta.PartitionToReplaceFileIDs {
			for _, id := range ids {
				out = append(out, t.group(partition, id))
			}
		}
	}
	return out, writes, nil
}
