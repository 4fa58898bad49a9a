package compaction

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Runner schedules and executes the compactions of one table.
type Runner struct {
	Table *table.Handle
	Alloc memory.Allocator
	// Codec compresses the new base files.
	Codec string
	// Memory bounds what the log files may take while they are merged.
	Memory int64
}

// Result is what a compaction did.
type Result struct {
	Instant    string `json:"instant"`
	Completion string `json:"completion"`
	Groups     int    `json:"fileGroups"`
	Rows       int64  `json:"rows"`
	Bytes      int64  `json:"bytes"`
}

// Schedule puts a plan on the timeline and returns its instant, "" when no compaction is
// due, there is nothing to compact or, in table version 6, a write is under way.
func (r *Runner) Schedule(ctx context.Context, o Options) (string, error) {
	if r.Table.Config.SliceLogs() { // dead writes are none that are under way
		if _, err := recovery.Recover(ctx, r.Table); err != nil {
			return "", err
		}
	}
	instant, err := txn.Schedule(ctx, r.Table, timeline.Compaction, func(tl *timeline.Timeline) ([]byte, error) {
		due, err := Due(ctx, tl, o)
		if err != nil || !due || r.Table.Config.SliceLogs() && writing(tl) {
			return nil, err
		}
		plan, err := Plan(ctx, r.Table.View(tl), o)
		if err != nil || plan == nil {
			return nil, err
		}
		return plan.Encode(tl.Layout())
	})
	if err != nil {
		return "", fmt.Errorf("schedule compaction of %s: %w", r.Table.Store.URI(), err)
	}
	return instant, nil
}

// writing tells whether a write is under way. In table version 6 its log files are named
// after the slice that a compaction would merge, and would be lost beside its result.
func writing(tl *timeline.Timeline) bool {
	return slices.ContainsFunc(tl.Pending(), func(i timeline.Instant) bool {
		return i.Action == timeline.Commit || i.Action == timeline.DeltaCommit
	})
}

// Pending returns the instants of scheduled compactions, oldest first.
func (r *Runner) Pending(ctx context.Context) ([]string, error) {
	tl, err := r.Table.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, i := range tl.Pending() {
		if i.Action == timeline.Compaction {
			out = append(out, i.Time)
		}
	}
	return out, nil
}

// closeTimeout bounds what is done about a failed compaction when the context has ended.
const closeTimeout = 10 * time.Second

// Execute carries a scheduled compaction out. On an error the plan stays on the timeline
// and can be executed again.
func (r *Runner) Execute(ctx context.Context, instant string) (Result, error) {
	t, err := txn.Resume(ctx, r.Table, timeline.Compaction, instant, func(tl *timeline.Timeline) error {
		return recovery.RevertCompaction(ctx, r.Table, tl, instant)
	})
	if err == nil {
		var res Result
		if res, err = r.execute(ctx, t); err == nil {
			return res, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, t.Close(ctx))
	}
	return Result{}, fmt.Errorf("compaction %s of %s: %w", instant, r.Table.Store.URI(), err)
}

func (r *Runner) execute(ctx context.Context, t *txn.Txn) (Result, error) {
	tl := t.Timeline()
	plan, err := tl.CompactionPlan(ctx, t.Instant)
	if err != nil {
		return Result{}, err
	}
	rows, err := r.Table.Config.RecordSchema(ctx, tl)
	if err != nil {
		return Result{}, err
	}
	history, err := r.Table.Config.History(ctx, r.Table.Store, tl, "")
	if err != nil {
		return Result{}, err
	}
	if err := t.Start(ctx, nil); err != nil {
		return Result{}, err
	}
	stats, err := r.compactAll(ctx, t, plan, rows, history)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", tl.Layout().FileName(t.Instant, timeline.Compaction, timeline.Requested, ""), err)
	}
	meta := &timeline.CommitMetadata{
		PartitionToWriteStats: map[string][]*timeline.WriteStat{}, Compacted: true,
		ExtraMetadata: map[string]string{timeline.SchemaKey: rows.Avro()},
		OperationType: timeline.OpCompact,
	}
	if history != nil { // without it readers would take the columns by name from now on
		meta.ExtraMetadata[timeline.IdentifiedSchemaKey] = history.Now().Text()
	}
	res := Result{Instant: t.Instant, Groups: len(stats)}
	for _, s := range stats {
		meta.PartitionToWriteStats[s.PartitionPath] = append(meta.PartitionToWriteStats[s.PartitionPath], s)
		res.Rows += s.NumWrites
		res.Bytes += s.TotalWriteBytes
	}
	res.Completion, err = t.Commit(ctx, meta)
	return res, err
}

// compactAll merges the plan's slices, several at a time.
func (r *Runner) compactAll(ctx context.Context, t *txn.Txn, plan *timeline.CompactionPlan, rows *schema.Schema, history *schema.History) ([]*timeline.WriteStat, error) {
	rules, err := merge.RulesOf(r.Table.Config)
	if err != nil {
		return nil, err
	}
	workers := max(1, min(mem.Workers(r.Memory, cow.FileBytes), len(plan.Operations)))
	full := rows.WithMeta()
	valid, err := r.Table.View(t.Timeline()).Committed(ctx)
	if err != nil {
		return nil, err
	}
	var keys keygen.Stored
	if !r.Table.Config.MetaFields {
		if keys.Made, err = keygen.NewKeys(r.Table.Config, rows); err != nil {
			return nil, err
		}
	}
	in := &fileslice.Reader{
		Store: r.Table.Store, Rules: rules, Alloc: r.Alloc, Table: full,
		MetaFields: r.Table.Config.MetaFields, Keys: keys.Made, History: history, LogMemory: r.Memory / int64(workers), Valid: valid,
	}
	gathered, err := t.Gather(ctx, rows)
	if err != nil {
		return nil, err
	}
	var tokens atomic.Int64
	out := &cow.Writer{
		Store: r.Table.Store, Schema: full, Keys: keys, Alloc: r.Alloc, Instant: t.Instant, Codec: r.Codec,
		Token:    func() string { return base.WriteToken(int(tokens.Add(1)-1), 0, 0) },
		Parallel: max(1, runtime.GOMAXPROCS(0)/workers), Footer: gathered.Footer,
		Announce: func(ctx context.Context, partition, path string, update bool) error {
			kind := txn.MarkCreate
			if update {
				kind = txn.MarkMerge
			}
			return errors.Join(t.Partition(ctx, partition), t.Mark(ctx, path, kind))
		},
	}
	var mu sync.Mutex
	var stats []*timeline.WriteStat
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(workers)
	for _, op := range plan.Operations {
		work.Go(func() error {
			s, err := compactOne(ctx, in, out, op, full)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			stats = append(stats, s)
			return nil
		})
	}
	return stats, work.Wait()
}

// compactOne merges one slice, exactly the files that the plan names.
func compactOne(ctx context.Context, in *fileslice.Reader, out *cow.Writer, op timeline.CompactionOperation, full *schema.Schema) (*timeline.WriteStat, error) {
	slice, err := sliceOf(op)
	if err != nil {
		return nil, err
	}
	var logBytes int64
	for i := range slice.Logs {
		e, err := in.Store.Stat(ctx, slice.Logs[i].Path)
		if err != nil {
			return nil, fmt.Errorf("log file of the plan: %w", err)
		}
		slice.Logs[i].Size = e.Size
		logBytes += e.Size
	}
	stat, err := out.Compact(ctx, slice, in.Read(ctx, fileslice.Request{Slice: slice, Columns: full, Parallel: out.Parallel}))
	if err != nil {
		return nil, err
	}
	if slice.Base == nil {
		stat.NumInserts = stat.NumWrites
	}
	stat.TotalLogFilesCompacted = int64(len(slice.Logs))
	stat.TotalLogSizeCompacted = logBytes
	return stat, nil
}

// sliceOf reads an operation back into a file slice.
func sliceOf(op timeline.CompactionOperation) (table.FileSlice, error) {
	s := table.FileSlice{Partition: op.Partition, FileID: op.FileID, BaseInstant: op.BaseInstant}
	dir, err := base.CleanRelative(op.Partition)
	if err != nil {
		return s, err
	}
	if op.DataFile != "" {
		name := path.Base(op.DataFile)
		n, ok := base.ParseBaseFileName(name)
		if !ok {
			return s, fmt.Errorf("plan names %q for a base file: %w", op.DataFile, base.ErrCorrupt)
		}
		s.Base = &table.BaseFile{Path: base.Join(dir, name), Name: name, Instant: n.Instant}
	}
	for _, f := range op.DeltaFiles {
		name := path.Base(f)
		n, ok := base.ParseLogFileName(name)
		if !ok {
			return s, fmt.Errorf("plan names %q for a log file: %w", f, base.ErrCorrupt)
		}
		s.Logs = append(s.Logs, table.LogFile{Path: base.Join(dir, name), Name: n})
	}
	return s, nil
}
