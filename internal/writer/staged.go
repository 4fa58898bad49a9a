package writer

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// job is the work on one file group: which entries of a stage go into it.
type job struct {
	stage *stage
	group index.Group
	// top is what log files go on top of: in table version 6 the group's newest slice, else
	// and for a new group just the group's id.
	top table.FileSlice
	// updates are entries whose keys the group may have; inserts are new to it.
	updates, inserts []int32
	// further are entries, updates and inserts, that are not in the stage: those of a write in parts.
	further [2]int64
}

// counts are the numbers of the job's entries.
func (j *job) counts() (updates, inserts int64) {
	return int64(len(j.updates)) + j.further[0], int64(len(j.inserts)) + j.further[1]
}

func (j *job) id() table.GroupID {
	return table.GroupID{Partition: j.group.Partition, FileID: j.group.FileID}
}

// staged performs the operations that look at keys: the input is staged, located, and
// written one file group at a time.
func (w *write) staged(ctx context.Context) ([]*timeline.WriteStat, error) {
	if err := w.chooseIndex(ctx); err != nil {
		return nil, err
	}
	defer w.releaseStages()
	if err := w.stageAll(ctx); err != nil {
		if w.excess != nil {
			err = errors.Join(err, w.excess.Close())
		}
		return nil, err
	}
	if w.excess != nil {
		return w.inParts(ctx)
	}
	jobs, err := w.planned(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.start(ctx, jobs); err != nil {
		return nil, err
	}
	return w.perform(ctx, jobs)
}

// planned plans the write, and refuses one that a reader would not see.
func (w *write) planned(ctx context.Context) ([]*job, error) {
	clustering, err := w.view.PendingClusterings(ctx)
	if err != nil {
		return nil, err
	}
	jobs, err := w.plan(ctx, clustering)
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if at, ok := clustering[j.id()]; ok {
			return nil, txn.Clustered(w.table, j.group.Partition, j.group.FileID, at)
		}
	}
	return jobs, w.visible(ctx, jobs)
}

// start says what the write is about to do.
func (w *write) start(ctx context.Context, jobs []*job) error {
	content, err := w.profile(jobs).Encode(w.txn.Timeline().Layout())
	if err != nil {
		return err
	}
	return w.txn.Start(ctx, content)
}

// profile is the content of the inflight file.
func (w *write) profile(jobs []*job) *timeline.CommitMetadata {
	m := w.metadata(nil)
	for _, j := range jobs {
		updates, inserts := j.counts()
		stat := &timeline.WriteStat{PrevCommit: timeline.NoPrevCommit, NumInserts: inserts, PartitionPath: j.group.Partition}
		if !j.group.New {
			stat.FileID, stat.PrevCommit, stat.NumUpdateWrites = j.group.FileID, cmp.Or(j.top.BaseInstant, j.group.BaseInstant), updates
		}
		m.PartitionToWriteStats[j.group.Partition] = append(m.PartitionToWriteStats[j.group.Partition], stat)
	}
	return m
}

// perform writes the files of all jobs, several at a time.
func (w *write) perform(ctx context.Context, jobs []*job) ([]*timeline.WriteStat, error) {
	var mu sync.Mutex
	var stats []*timeline.WriteStat
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(mem.Workers(w.options.Memory, cow.FileBytes))
	for _, j := range jobs {
		work.Go(func() error {
			done, err := w.do(ctx, j)
			mu.Lock()
			defer mu.Unlock()
			stats = append(stats, done...)
			return err
		})
	}
	return stats, work.Wait()
}

// do writes one job's files.
func (w *write) do(ctx context.Context, j *job) ([]*timeline.WriteStat, error) {
	// Readers of change data compare logs with a base file: where changes are logged, buckets begin with one.
	opens := j.group.New && w.table.Config.CDC
	if w.table.Config.Type == table.MOR && (w.index.Assigns() || len(j.updates) > 0) && !opens {
		return w.doLog(ctx, j)
	}
	rows := j.stage.changes.TakeAll(j.inserts)
	switch {
	case j.group.New && !w.index.Assigns(): // more files than one if rows are larger than estimated
		id := j.group.FileID
		return w.base.Roll(ctx, j.group.Partition, func() (next string) { next, id = id, w.newFileID(); return next }, rows)
	case j.group.New:
		stat, err := w.base.Create(ctx, j.group.Partition, j.group.FileID, rows)
		if err != nil {
			return nil, err
		}
		return []*timeline.WriteStat{stat}, nil
	}
	stat, err := w.base.Merge(ctx, j.group.FileSlice, j.stage.changes, len(j.updates) > 0, append(j.updates, j.inserts...))
	if err != nil {
		return nil, err
	}
	return []*timeline.WriteStat{stat}, nil
}

// doLog appends the job's changes to a log file.
func (w *write) doLog(ctx context.Context, j *job) ([]*timeline.WriteStat, error) {
	entries := j.updates
	if j.group.New {
		entries = j.inserts
	}
	var stat *timeline.WriteStat
	var err error
	if w.part != nil && !j.group.New {
		stat, err = w.logPartial(ctx, j)
	} else {
		stat, err = w.logs.Append(ctx, j.top, j.stage.changes, entries, nil)
	}
	if err != nil {
		return nil, err
	}
	if j.group.New {
		stat.NumInserts, stat.NumUpdateWrites = stat.NumWrites, 0
	}
	return []*timeline.WriteStat{stat}, w.noteLog(ctx, j, entries, stat)
}
