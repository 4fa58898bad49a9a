package table

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/timeline"
)

// facts are what the contents of the timeline say about files.
type facts struct {
	mu sync.Mutex // while learning
	// compactions are the pending ones, by file group, pending their instants.
	compactions map[GroupID]PendingCompaction
	pending     map[string]bool
	// replaced has the requested time of the replace commit that hides a file group; of
	// several the last.
	replaced map[GroupID]string
	// undone are the writes that the completed rollbacks on the timeline undid.
	undone map[string]bool
}

// PendingCompaction is a file slice that a compaction is going to merge.
type PendingCompaction struct {
	// Time is the compaction's instant.
	Time      string
	Operation timeline.CompactionOperation
}

// readers bounds how many timeline files are read at a time.
const readers = 16

// learn reads the timeline files that the facts are in.
func learn(ctx context.Context, tl *timeline.Timeline) (*facts, error) {
	f := &facts{
		compactions: make(map[GroupID]PendingCompaction),
		pending:     make(map[string]bool),
		replaced:    make(map[GroupID]string),
		undone:      make(map[string]bool),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for _, i := range tl.Instants() {
		switch {
		case i.Action == timeline.Compaction: // completed ones show as commits
			g.Go(func() error { return f.compaction(ctx, tl, i) })
		case i.Action == timeline.ReplaceCommit && i.Done():
			g.Go(func() error { return f.replace(ctx, tl, i) })
		case i.Action == timeline.Rollback && i.Done():
			g.Go(func() error { return f.rollback(ctx, tl, i) })
		}
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("table: view: %w", err)
	}
	return f, nil
}

func (f *facts) compaction(ctx context.Context, tl *timeline.Timeline, i timeline.Instant) error {
	plan, err := tl.CompactionPlan(ctx, i.Time)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending[i.Time] = true
	for _, op := range plan.Operations {
		f.compactions[GroupID{op.Partition, op.FileID}] = PendingCompaction{i.Time, op}
	}
	return nil
}

func (f *facts) replace(ctx context.Context, tl *timeline.Timeline, i timeline.Instant) error {
	m, err := tl.CommitMetadata(ctx, i)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for partition, ids := range m.PartitionToReplaceFileIDs {
		for _, fileID := range ids {
			id := GroupID{partition, fileID}
			f.replaced[id] = max(f.replaced[id], i.Time)
		}
	}
	return nil
}

// rollback notes the writes that are gone. Services do not count: a compaction or
// clustering that was rolled back is tried again under its instant.
func (f *facts) rollback(ctx context.Context, tl *timeline.Timeline, i timeline.Instant) error {
	m, err := tl.RollbackMetadata(ctx, i.Time)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, undone := range m.Instants {
		switch timeline.Action(undone.Action) {
		case timeline.Commit, timeline.DeltaCommit:
			f.undone[undone.Time] = true
		}
	}
	return nil
}
