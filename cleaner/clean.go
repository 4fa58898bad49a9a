package cleaner

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Result is what a clean did.
type Result struct {
	Instant    string `json:"instant"`
	Completion string `json:"completion"`
	Files      int    `json:"files"`
	Earliest   string `json:"earliestCommitToRetain"`
}

// Schedule plans a clean and puts it on the timeline. It returns "" when there is nothing
// to remove.
func Schedule(ctx context.Context, h *table.Handle, o Options) (string, error) {
	instant, err := txn.Schedule(ctx, h, timeline.Clean, func(tl *timeline.Timeline) ([]byte, error) {
		r, err := Plan(ctx, h.View(tl), o)
		if err != nil || r == nil {
			return nil, err
		}
		return r.plan(tl, func(p string) string { return txn.AbsolutePath(h.Store, p) }).Encode()
	})
	if err != nil {
		return "", fmt.Errorf("schedule clean of %s: %w", h.Store.URI(), err)
	}
	return instant, nil
}

// Pending returns the instants of cleans that were scheduled and not finished, oldest first.
func Pending(ctx context.Context, h *table.Handle) ([]string, error) {
	tl, err := h.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, i := range tl.Pending() {
		if i.Action == timeline.Clean {
			out = append(out, i.Time)
		}
	}
	return out, nil
}

// closeTimeout bounds what is done about a failed clean when the context has ended.
const closeTimeout = 10 * time.Second

// Execute removes what the plan of a scheduled clean names. Files that are gone already
// count as removed, so a clean that died can be executed again.
func Execute(ctx context.Context, h *table.Handle, instant string) (Result, error) {
	t, err := txn.Resume(ctx, h, timeline.Clean, instant, func(*timeline.Timeline) error { return nil })
	if err == nil {
		var r Result
		if r, err = execute(ctx, h, t); err == nil {
			return r, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, t.Close(ctx))
	}
	return Result{}, fmt.Errorf("clean %s of %s: %w", instant, h.Store.URI(), err)
}

func execute(ctx context.Context, h *table.Handle, t *txn.Txn) (Result, error) {
	plan, err := t.Timeline().CleanerPlan(ctx, t.Instant)
	if err != nil {
		return Result{}, err
	}
	if err := start(ctx, h, t); err != nil {
		return Result{}, err
	}
	meta, err := remove(ctx, h, t.Instant, plan)
	if err != nil {
		return Result{}, err
	}
	content, err := meta.Encode()
	if err != nil {
		return Result{}, err
	}
	completion, err := t.Complete(ctx, content, func(s metadata.Source) (*metadata.Update, error) { return s.Clean(ctx, meta) })
	if err != nil {
		return Result{}, err
	}
	return Result{Instant: t.Instant, Completion: completion, Files: int(meta.TotalFilesDeleted), Earliest: meta.EarliestCommitToRetain}, nil
}

// remove deletes what a plan names, and says so.
func remove(ctx context.Context, h *table.Handle, instant string, plan *timeline.CleanerPlan) (*timeline.CleanMetadata, error) {
	began := h.Clock()
	meta := &timeline.CleanMetadata{
		StartTime: instant, LastCompletedCommit: plan.LastCompletedCommit, Version: planVersion,
		Partitions: map[string]timeline.CleanPartition{}, Bootstrap: map[string]timeline.CleanPartition{},
	}
	if plan.EarliestInstantToRetain != nil {
		meta.EarliestCommitToRetain = plan.EarliestInstantToRetain.Time
	}
	for partition, files := range plan.Files {
		p := timeline.CleanPartition{Partition: partition, Policy: plan.Policy, DeletePatterns: []string{}, Deleted: []string{}, Failed: []string{}}
		for _, f := range files {
			name := path.Base(f.Path)
			if err := removeFile(ctx, h.Store, partition, name); err != nil {
				return nil, fmt.Errorf("%s: %w", h.Config.Layout().FileName(instant, timeline.Clean, timeline.Requested, ""), err)
			}
			p.DeletePatterns = append(p.DeletePatterns, name)
			p.Deleted = append(p.Deleted, name)
			meta.TotalFilesDeleted++
		}
		meta.Partitions[partition] = p
	}
	meta.TimeTakenMillis = h.Clock().Sub(began).Milliseconds()
	return meta, nil
}

// start puts the inflight file, unless whoever took the clean up before has.
func start(ctx context.Context, h *table.Handle, t *txn.Txn) error {
	i, ok := t.Timeline().Find(t.Instant, timeline.Clean)
	if ok && i.State == timeline.Inflight {
		return nil
	}
	var plan []byte
	if ok && h.Config.InflightPlans() {
		var err error
		if plan, err = t.Timeline().Content(ctx, i); err != nil {
			return err
		}
	}
	return t.Start(ctx, plan)
}

// removeFile deletes one data file. What is no data file is left alone, whatever a plan says.
func removeFile(ctx context.Context, st storage.Store, partition, name string) error {
	_, isBase := base.ParseBaseFileName(name)
	_, isLog := base.ParseLogFileName(name)
	if !isBase && !isLog {
		return fmt.Errorf("the plan names %q, which is no data file: %w", name, base.ErrCorrupt)
	}
	dir, err := base.CleanRelative(partition)
	if err != nil {
		return err
	}
	return st.Delete(ctx, base.Join(dir, name))
}
