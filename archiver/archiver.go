// Package archiver moves old instants from a table's active timeline into its archive, so that a
// timeline stays short however long a table is written to (docs/format/timeline.md).
package archiver

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Options say what stays on the active timeline.
type Options struct {
	// When more than Max completed writes are on it, all but the newest Min may go
	// (hoodie.keep.max.commits, hoodie.keep.min.commits).
	Min, Max int
	// Cleaned is how many commits cleans keep readable: they and two more stay.
	Cleaned int
	// Compacted is after how many delta commits a compaction is due. They are counted on the active
	// timeline.
	Compacted int
}

// most is how many writes one step archives at most, which it holds in memory and the lock for.
const most = 100

// spare is how many commits stay besides those that cleans keep readable.
const spare = 2

func (o Options) withCleaned() Options {
	if need := o.Cleaned + spare; o.Min < need {
		o.Min, o.Max = need, need+o.Max-o.Min
	}
	return o
}

// Due tells from a timeline alone, without a lock, whether archiving may be due.
func Due(tl *timeline.Timeline, o Options) bool {
	return tl.Layout() == timeline.Layout2 && len(tl.CompletedWrites()) > o.withCleaned().Max
}

// Run archives what is due of a table's timeline, as one step under the table's lock, and
// returns how many instants are gone. The archive of table version 6 is not written.
func Run(ctx context.Context, h *table.Handle, o Options) (n int, err error) {
	err = txn.Locked(ctx, h, func(tl *timeline.Timeline, held *lock.Held) error {
		m, err := txn.OpenMetadata(ctx, h, tl)
		if err != nil {
			return err
		}
		limits, err := tableLimits(ctx, h, tl, m, o)
		if err != nil {
			return err
		}
		n, err = run(ctx, tl, o, limits, func() error { return txn.Holding(held) })
		return err
	})
	if err != nil {
		return n, fmt.Errorf("archive instants of %s: %w", h.Store.URI(), err)
	}
	return n, nil
}

// Metadata is Run for the timeline of a table's metadata table, of which as much stays as of the
// table's.
func Metadata(ctx context.Context, h *table.Handle, o Options) (n int, err error) {
	err = txn.LockedMetadata(ctx, h, func(tl *timeline.Timeline, m *txn.Metadata) error {
		all := tl.Instants()
		if len(all) == 0 {
			return nil
		}
		limits := append(writeLimits(m.Timeline, o), all[0].Time)
		n, err = run(ctx, m.Timeline, o, limits, m.Holding)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("archive instants of the metadata table of %s: %w", h.Store.URI(), err)
	}
	return n, nil
}

// run archives one step. holds fails when the lock was lost meanwhile.
func run(ctx context.Context, tl *timeline.Timeline, o Options, limits []string, holds func() error) (int, error) {
	old := plan(tl, o, limits)
	if len(old) == 0 {
		return 0, nil
	}
	if err := tl.Archive(ctx, old, holds); err != nil {
		return 0, err
	}
	return len(old), tl.MergeArchive(ctx, holds)
}

// plan chooses the instants to archive: the oldest completed writes before all limits, and the
// cleans and rollbacks before the newest of them.
func plan(tl *timeline.Timeline, o Options, limits []string) []timeline.Instant {
	if !Due(tl, o) {
		return nil
	}
	o = o.withCleaned()
	writes := tl.CompletedWrites()
	writes = writes[:len(writes)-o.Min]
	for _, limit := range limits {
		if at := slices.IndexFunc(writes, func(i timeline.Instant) bool { return i.Time >= limit }); at >= 0 {
			writes = writes[:at]
		}
	}
	writes = writes[:min(len(writes), most)]
	if len(writes) == 0 {
		return nil
	}
	newest := writes[len(writes)-1].Time
	return tl.Select(func(i timeline.Instant) bool {
		switch {
		case !i.Done() || i.Time > newest:
			return false
		case i.Action.Writes():
			return true
		}
		return i.Time < newest && (i.Action == timeline.Clean || i.Action == timeline.Rollback)
	})
}

// writeLimits are times that instants to archive must be before, because of the timeline itself.
func writeLimits(tl *timeline.Timeline, o Options) []string {
	var out []string
	// The commit before the first pending instant tells what was there before it.
	if pending := tl.Pending(); len(pending) > 0 {
		limit := pending[0].Time
		for _, i := range tl.CompletedWrites() {
			if i.Time < pending[0].Time {
				limit = i.Time
			}
		}
		out = append(out, limit)
		// What was completed since it began may conflict with it.
		for _, i := range tl.CompletedWrites() {
			if i.Completion >= pending[0].Time {
				out = append(out, i.Time)
				break
			}
		}
	}
	// A compaction is due by the delta commits since the last.
	var deltas []timeline.Instant
	compacted := ""
	for _, i := range tl.CompletedWrites() {
		switch i.Action {
		case timeline.Commit:
			deltas, compacted = nil, i.Time
		case timeline.DeltaCommit:
			deltas = append(deltas, i)
		}
	}
	switch {
	case len(deltas) == 0: // a copy-on-write table, or nothing since the last
	case len(deltas) > o.Compacted:
		out = append(out, deltas[len(deltas)-o.Compacted].Time)
	case compacted != "":
		out = append(out, compacted)
	default:
		out = append(out, deltas[0].Time)
	}
	return out
}

// tableLimits are those of a table, whose readers and cleans need more of its timeline.
func tableLimits(ctx context.Context, h *table.Handle, tl *timeline.Timeline, m *txn.Metadata, o Options) ([]string, error) {
	out := writeLimits(tl, o)
	// Groups that were replaced would appear again if their files were still there.
	cleaned := ""
	for _, i := range tl.Completed() {
		switch i.Action {
		case timeline.Clean:
			meta, err := tl.CleanMetadata(ctx, i.Time)
			if err != nil {
				return nil, err
			}
			cleaned = meta.EarliestCommitToRetain
		case timeline.Savepoint:
			out = append(out, i.Time)
		}
	}
	for _, i := range tl.CompletedWrites() {
		if i.Action == timeline.ReplaceCommit && i.Time >= cleaned {
			out = append(out, i.Time)
			break
		}
	}
	if m == nil {
		return out, nil
	}
	// What the metadata table has not compacted must be told from what is pending.
	compacted := ""
	for _, i := range m.Timeline.CompletedWrites() {
		if i.Action == timeline.Commit {
			compacted = i.Time
		}
	}
	for _, i := range tl.CompletedWrites() {
		if i.Completion > compacted {
			out = append(out, i.Time)
			break
		}
	}
	return out, nil
}
