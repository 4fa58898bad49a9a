// Package recovery undoes writes: those that died on the way, and on request completed
// ones. Writers call Recover before they begin.
//
// A rollback is an instant of its own. It names what it is about to delete in its plan,
// deletes the data files, then the instant's own files on the timeline, and completes.
// Whoever finds it pending goes on with its plan: every step may be done twice.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Recover finishes rollbacks that others left behind, rolls back the writes of dead
// writers, newest first, and removes what dead writers left besides. It returns the
// instants that it rolled back. A table that nobody left anything in costs its properties
// and four listings. One that must not be changed is refused, also when there is nothing to do.
func Recover(ctx context.Context, h *table.Handle) ([]string, error) {
	if err := txn.Keepable(ctx, h); err != nil {
		return nil, err
	}
	traces, err := txn.Traces(ctx, h.Store)
	if err != nil {
		return nil, fmt.Errorf("recovery of %s: %w", h.Store.URI(), err)
	}
	tl, err := h.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	stray := func(instant string) bool { return !pendingAt(tl, instant) }
	if !slices.ContainsFunc(traces, stray) {
		if some, err := undoable(ctx, tl); err != nil || !some {
			return nil, err
		}
	}
	var done []string
	err = txn.Locked(ctx, h, func(tl *timeline.Timeline, _ *lock.Held) error {
		undone, err := finishRollbacks(ctx, h, tl)
		done = append(done, undone...)
		if err != nil {
			return err
		}
		if tl, err = tl.Reload(ctx); err != nil {
			return err
		}
		pending := tl.Pending()
		slices.Reverse(pending)
		for _, i := range pending {
			ours, err := ingestion(ctx, tl, i)
			if err != nil {
				return err
			}
			if !ours {
				continue
			}
			alive, err := txn.Alive(ctx, h, i.Time, tl.Location())
			if err != nil {
				return err
			}
			if alive {
				continue
			}
			if err := rollback(ctx, h, tl, i); err != nil {
				return err
			}
			done = append(done, i.Time)
			if tl, err = tl.Reload(ctx); err != nil {
				return err
			}
		}
		return sweep(ctx, h, tl, traces)
	})
	if err != nil {
		return done, fmt.Errorf("recovery of %s: %w", h.Store.URI(), err)
	}
	return done, nil
}

// sweep removes heartbeats, locks and markers of writers that are gone and whose instants
// are not pending: they died before they had an instant, or after it was completed or
// undone. traces were listed before tl was, so that an instant that has just begun is on it.
func sweep(ctx context.Context, h *table.Handle, tl *timeline.Timeline, traces []string) error {
	for _, instant := range traces {
		if pendingAt(tl, instant) {
			continue
		}
		alive, err := txn.Beating(ctx, h, instant)
		if err != nil {
			return err
		}
		if alive {
			continue
		}
		if err := forget(ctx, h, tl, instant); err != nil {
			return err
		}
	}
	return nil
}

// forget removes what is left of an instant that is not pending. Files that its markers
// name go too if it was undone, and its writer, which did not know, wrote on.
func forget(ctx context.Context, h *table.Handle, tl *timeline.Timeline, instant string) error {
	if !known(tl, instant) && !tl.BeforeStart(instant) {
		marked, err := txn.Marked(ctx, h.Store, instant)
		if err != nil {
			return err
		}
		for _, f := range marked {
			if !txn.Writes(storage.Entry{Name: path.Base(f)}, instant) {
				continue
			}
			if err := h.Store.Delete(ctx, f); err != nil {
				return fmt.Errorf("recovery: remove %s: %w", f, err)
			}
		}
	}
	if err := txn.RemoveMarkers(ctx, h.Store, instant); err != nil {
		return err
	}
	return txn.RemoveHeartbeat(ctx, h.Store, instant)
}

func pendingAt(tl *timeline.Timeline, instant string) bool {
	return slices.ContainsFunc(tl.Pending(), func(i timeline.Instant) bool { return i.Time == instant })
}

func known(tl *timeline.Timeline, instant string) bool {
	return slices.ContainsFunc(tl.Instants(), func(i timeline.Instant) bool { return i.Time == instant })
}

// undoable tells whether there is a pending instant that Recover looks at.
func undoable(ctx context.Context, tl *timeline.Timeline) (bool, error) {
	for _, i := range tl.Pending() {
		if is, err := ingestion(ctx, tl, i); err != nil || is || i.Action == timeline.Rollback {
			return true, err
		}
	}
	return false, nil
}

// ingestion tells whether a pending instant writes data that a client sent. Compactions and
// clusterings are plans that are kept and tried again.
func ingestion(ctx context.Context, tl *timeline.Timeline, i timeline.Instant) (bool, error) {
	switch i.Action {
	case timeline.Commit, timeline.DeltaCommit:
		return true, nil
	case timeline.ReplaceCommit:
		plan, err := tl.PendingClustering(ctx, i)
		return plan == nil, err
	}
	return false, nil
}

// Undo rolls back a pending instant of the caller's own, whose transaction it has closed.
// When another writer has taken the caller for dead and undone the instant already, Undo
// removes the files that the caller has written since. It never touches a completed write.
func Undo(ctx context.Context, h *table.Handle, instant string) error {
	err := txn.Locked(ctx, h, func(tl *timeline.Timeline, _ *lock.Held) error {
		if _, err := finishRollbacks(ctx, h, tl); err != nil {
			return err
		}
		tl, err := tl.Reload(ctx)
		if err != nil {
			return err
		}
		target, err := find(tl, instant)
		switch {
		case err != nil && !known(tl, instant) && !tl.BeforeStart(instant):
			return removeStray(ctx, h, tl, instant)
		case err != nil:
			return err
		case target.Done():
			return fmt.Errorf("it is completed: %w", base.ErrConflict)
		}
		return rollback(ctx, h, tl, target)
	})
	if err != nil {
		return fmt.Errorf("undo %s of %s: %w", instant, h.Store.URI(), err)
	}
	return nil
}

// removeStray deletes the files of an instant that is no more.
func removeStray(ctx context.Context, h *table.Handle, tl *timeline.Timeline, instant string) error {
	files, err := filesOf(ctx, h, tl, timeline.Instant{Time: instant, State: timeline.Inflight})
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := h.Store.Delete(ctx, f); err != nil {
			return fmt.Errorf("recovery: remove %s: %w", f, err)
		}
	}
	return forget(ctx, h, tl, instant)
}

// Rollback rolls back one instant, pending or completed. A completed write can only go
// when no later write has completed, and when no savepoint holds it; otherwise the error
// wraps base.ErrInvalid, or base.ErrCleaned when the files of the state before are gone. The caller answers for it that the instant's writer is not at
// work.
func Rollback(ctx context.Context, h *table.Handle, instant string) error {
	err := txn.Locked(ctx, h, func(tl *timeline.Timeline, _ *lock.Held) error {
		if _, err := finishRollbacks(ctx, h, tl); err != nil {
			return err
		}
		tl, err := tl.Reload(ctx)
		if err != nil {
			return err
		}
		target, err := find(tl, instant)
		if err != nil {
			return err
		}
		if target.Done() {
			if err := mayUndo(ctx, h, tl, target); err != nil {
				return err
			}
		}
		return rollback(ctx, h, tl, target)
	})
	if err != nil {
		return fmt.Errorf("roll back %s of %s: %w", instant, h.Store.URI(), err)
	}
	return nil
}

func find(tl *timeline.Timeline, instant string) (timeline.Instant, error) {
	for _, i := range tl.Writes() {
		if i.Time == instant {
			return i, nil
		}
	}
	return timeline.Instant{}, fmt.Errorf("no write with that time is on the active timeline: %w", base.ErrInvalid)
}

func mayUndo(ctx context.Context, h *table.Handle, tl *timeline.Timeline, target timeline.Instant) error {
	if _, saved := tl.Find(target.Time, timeline.Savepoint); saved {
		return fmt.Errorf("a savepoint holds it; delete the savepoint first: %w", base.ErrInvalid)
	}
	for _, i := range tl.CompletedWrites() {
		if i.Time > target.Time {
			return fmt.Errorf("the later write %s has completed; roll back the latest writes first: %w", i.Time, base.ErrInvalid)
		}
	}
	for _, i := range tl.Pending() {
		clustering, err := tl.PendingClustering(ctx, i)
		if err != nil {
			return err
		}
		if (i.Action == timeline.Compaction || clustering != nil) && i.Time > target.Time {
			return fmt.Errorf("the pending %s may have its files in its plan; run it first: %w", i, base.ErrInvalid)
		}
	}
	if err := unmixed(ctx, h, tl, target); err != nil {
		return err
	}
	return uncleaned(ctx, h, tl, target)
}

// rollback plans and executes. The caller holds the lock.
func rollback(ctx context.Context, h *table.Handle, tl *timeline.Timeline, target timeline.Instant) error {
	at, err := txn.NextTime(h, tl)
	if err != nil {
		return err
	}
	return rollbackAt(ctx, h, tl, at, target)
}

// rollbackAt is rollback at a time of the caller's.
func rollbackAt(ctx context.Context, h *table.Handle, tl *timeline.Timeline, at string, target timeline.Instant) error {
	files, err := filesOf(ctx, h, tl, target)
	if err != nil {
		return err
	}
	tops, err := announced(ctx, h, tl, target)
	if err != nil {
		return err
	}
	action, _, err := tl.BegunAs(ctx, target)
	if err != nil {
		return err
	}
	plan := &timeline.RollbackPlan{
		Instant: &timeline.InstantInfo{Time: target.Time, Action: string(action)}, Version: 1,
		Requests: requests(h, target.Time, files, tops),
	}
	content, err := plan.Encode()
	if err != nil {
		return err
	}
	if err := tl.Request(ctx, at, timeline.Rollback, content); err != nil {
		return err
	}
	if tl, err = tl.Reload(ctx); err != nil {
		return err
	}
	return execute(ctx, h, tl, at, plan)
}

// finishRollbacks goes on with rollbacks that are pending.
func finishRollbacks(ctx context.Context, h *table.Handle, tl *timeline.Timeline) (undone []string, err error) {
	for _, i := range tl.Pending() {
		if i.Action != timeline.Rollback {
			continue
		}
		plan, err := tl.RollbackPlan(ctx, i.Time)
		if err != nil {
			return undone, err
		}
		if plan.Instant == nil {
			return undone, fmt.Errorf("rollback %s names no instant: %w", i.Time, base.ErrCorrupt)
		}
		if err := execute(ctx, h, tl, i.Time, plan); err != nil {
			return undone, fmt.Errorf("%s: %w", tl.Layout().FileName(i.Time, timeline.Rollback, timeline.Requested, ""), err)
		}
		undone = append(undone, plan.Instant.Time)
		if tl, err = tl.Reload(ctx); err != nil {
			return undone, err
		}
	}
	return undone, nil
}

// execute carries out the plan of the rollback at time at. Each step may have been done
// before.
func execute(ctx context.Context, h *table.Handle, tl *timeline.Timeline, at string, plan *timeline.RollbackPlan) error {
	began := h.Clock()
	target, action := plan.Instant.Time, timeline.Action(plan.Instant.Action)
	if err := tl.Inflight(ctx, at, timeline.Rollback, nil); err != nil {
		return err
	}
	if err := restoreRecords(ctx, h, tl, at, plan); err != nil {
		return err
	}
	// Undone from here on: readers must not see the write while its files go.
	if err := tl.Remove(ctx, target, action, timeline.Completed); err != nil {
		return err
	}
	result := &timeline.RollbackMetadata{
		StartTime: at, CommitsRollback: []string{target}, Version: 1,
		Partitions: map[string]timeline.RollbackPartition{},
		Instants:   []timeline.InstantInfo{*plan.Instant},
	}
	for _, r := range plan.Requests {
		if err := carryOut(ctx, h, at, target, r, result); err != nil {
			return err
		}
	}
	if err := undoMetadata(ctx, h, tl, at, target, result); err != nil {
		return err
	}
	_, keepPlan, err := tl.BegunAs(ctx, timeline.Instant{Time: target, Action: action})
	if err != nil {
		return err
	}
	if err := tl.Remove(ctx, target, action, timeline.Inflight); err != nil {
		return err
	}
	if !keepPlan {
		if err := tl.Remove(ctx, target, action, timeline.Requested); err != nil {
			return err
		}
	}
	result.TimeTakenMillis = h.Clock().Sub(began).Milliseconds()
	content, err := result.Encode()
	if err != nil {
		return err
	}
	completion, err := txn.NextTime(h, tl)
	if err != nil {
		return err
	}
	if err := tl.Complete(ctx, at, timeline.Rollback, completion, content); err != nil {
		return err
	}
	if err := txn.RemoveMarkers(ctx, h.Store, target); err != nil {
		return err
	}
	return txn.RemoveHeartbeat(ctx, h.Store, target)
}

// RevertCompaction takes a compaction whose writer died back to its plan: the files that
// it made are deleted, then its inflight file. The caller holds the lock and has made sure
// that the writer is dead.
func RevertCompaction(ctx context.Context, h *table.Handle, tl *timeline.Timeline, instant string) error {
	i, ok := tl.Find(instant, timeline.Compaction)
	if !ok || i.Done() {
		return fmt.Errorf("recovery: no pending compaction %s: %w", instant, base.ErrConflict)
	}
	files, err := filesOf(ctx, h, tl, i)
	if err != nil {
		return err
	}
	for _, f := range files {
		// In a change log's slice are the logs of writes that came after the plan, which stay.
		n, isBase := base.ParseBaseFileName(path.Base(f))
		l, _ := base.ParseLogFileName(path.Base(f))
		if isBase && n.Instant == instant || l.CDC && l.Time == instant {
			err = errors.Join(err, h.Store.Delete(ctx, f))
		}
	}
	if err == nil {
		err = forgetMetadata(ctx, h, tl, instant)
	}
	if err != nil {
		return fmt.Errorf("recovery: revert compaction %s: %w", instant, err)
	}
	if err := tl.Remove(ctx, instant, timeline.Compaction, timeline.Inflight); err != nil {
		return err
	}
	return txn.RemoveMarkers(ctx, h.Store, instant)
}
