// Package compaction merges the log files of merge-on-read tables into new base files:
// first a plan, which stands on the timeline, then its execution, by whoever takes it up.
// Plans of real Hudi are executed as our own are (docs/format/compaction.md).
package compaction

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Options say when to compact and how much.
type Options struct {
	// DeltaCommits is how many delta commits must have completed since the last compaction
	// (hoodie.compact.inline.max.delta.commits). 0 compacts whatever there is.
	DeltaCommits int
	// TargetIO is how many MB a plan may read and write (hoodie.compaction.target.io), 0
	// for no bound. Slices with more in their logs go first.
	TargetIO int64
	// MaxFileBytes is the size that a slice without base file is taken to become.
	MaxFileBytes int64
}

const (
	planVersion = 2 // file names instead of absolute paths
	mega        = 1 << 20
	// DefaultDeltaCommits is hoodie.compact.inline.max.delta.commits.
	DefaultDeltaCommits = 5
	// DefaultTargetIO is hoodie.compaction.target.io.
	DefaultTargetIO = 512_000
)

// Due tells whether enough delta commits have completed since the last compaction was
// requested.
func Due(ctx context.Context, tl *timeline.Timeline, o Options) (bool, error) {
	last := ""
	var deltas []timeline.Instant
	for _, i := range tl.Writes() {
		switch {
		case i.Action == timeline.Compaction, i.Done() && tl.Has(i.Time, timeline.Compaction, timeline.Requested):
			last = i.Time
		case i.Action == timeline.DeltaCommit && i.Done():
			deltas = append(deltas, i)
		}
	}
	n := 0
	for _, i := range deltas {
		if i.Completion > last {
			n++
		}
	}
	return n > 0 && n >= o.DeltaCommits, nil
}

// Plan chooses the slices to compact at an instant, from the view of the table at that
// time: those with log files, of which nobody plans to make something else. A nil plan
// means that there are none.
func Plan(ctx context.Context, v *table.View, o Options) (*timeline.CompactionPlan, error) {
	if v.Config().Type != table.MOR {
		return nil, fmt.Errorf("compaction: table %s is copy-on-write and has no log files", v.Config().Name)
	}
	pending, err := v.PendingCompactions(ctx)
	if err != nil {
		return nil, err
	}
	clustering, err := v.PendingClusterings(ctx)
	if err != nil {
		return nil, err
	}
	partitions, err := v.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	var ops []timeline.CompactionOperation
	for _, p := range partitions {
		latest, err := v.Latest(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, s := range latest {
			id := table.GroupID{Partition: p, FileID: s.FileID}
			_, compacting := pending[id]
			_, clustered := clustering[id]
			if compacting || clustered || len(s.Logs) == 0 {
				continue
			}
			ops = append(ops, operation(s, o))
		}
	}
	if ops = bounded(ops, o.TargetIO); len(ops) == 0 {
		return nil, nil
	}
	return &timeline.CompactionPlan{
		Operations: ops, Version: planVersion,
		ExtraMetadata: map[string]string{}, MissingSchedulePartitions: []string{},
	}, nil
}

func operation(s table.FileSlice, o Options) timeline.CompactionOperation {
	op := timeline.CompactionOperation{BaseInstant: s.BaseInstant, FileID: s.FileID, Partition: s.Partition}
	var logBytes, baseBytes int64
	for _, l := range s.Logs {
		op.DeltaFiles = append(op.DeltaFiles, l.Name.String())
		logBytes += l.Size
	}
	write := o.MaxFileBytes
	if s.Base != nil {
		op.DataFile = s.Base.Name
		baseBytes = s.Base.Size
		write = baseBytes
	}
	read := (logBytes + baseBytes) / mega
	op.Metrics = map[string]float64{
		timeline.MetricLogFiles:     float64(len(s.Logs)),
		timeline.MetricLogFilesSize: float64(logBytes),
		timeline.MetricIORead:       float64(read),
		timeline.MetricIOWrite:      float64(write / mega),
		timeline.MetricIO:           float64(read + write/mega),
	}
	return op
}

// bounded keeps operations, those with the largest logs first, until their I/O is used up.
func bounded(ops []timeline.CompactionOperation, targetIO int64) []timeline.CompactionOperation {
	slices.SortStableFunc(ops, func(a, b timeline.CompactionOperation) int {
		return int(b.Metrics[timeline.MetricLogFilesSize] - a.Metrics[timeline.MetricLogFilesSize])
	})
	if targetIO <= 0 {
		return ops
	}
	left := float64(targetIO)
	for i, op := range ops {
		if left <= 0 {
			return ops[:i]
		}
		left -= op.Metrics[timeline.MetricIO]
	}
	return ops
}
