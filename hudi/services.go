package hudi

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/archiver"
	"github.com/hudi-go/hudi-go/cleaner"
	"github.com/hudi-go/hudi-go/compaction"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/conf"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

func unknownOperation(op Operation) error {
	return fmt.Errorf("operation %q: use one of %v: %w", op, slices.Sorted(maps.Keys(operations)), base.ErrInvalid)
}

// serve runs the services that are due after a commit. The commit stands, so what goes
// wrong here is told and tried again after the next one.
func (t *Table) serve(ctx context.Context) {
	if on, err := t.options.props.Bool(conf.CompactInline); err != nil {
		t.handle.Log.Warn("no compaction", "error", err)
	} else if on && t.Config().Type == table.MOR {
		if _, err := t.compactDue(ctx); err != nil {
			t.handle.Log.Warn("compaction failed; it is tried again after the next commit", "table", t.URI(), "error", err)
		}
	}
	if on, err := t.options.props.Bool(conf.CleanAutomatic); err != nil {
		t.handle.Log.Warn("no clean", "error", err)
	} else if on {
		if _, err := t.Clean(ctx); err != nil {
			t.handle.Log.Warn("clean failed; it is tried again after the next commit", "table", t.URI(), "error", err)
		}
	}
	if on, err := t.options.props.Bool(conf.ArchiveAutomatic); err != nil {
		t.handle.Log.Warn("no archiving", "error", err)
	} else if on {
		if _, err := t.archiveDue(ctx); err != nil {
			t.handle.Log.Warn("archiving failed; it is tried again after the next commit", "table", t.URI(), "error", err)
		}
	}
}

// archiveDue moves old instants of the table into its archive if there are enough.
func (t *Table) archiveDue(ctx context.Context) (int, error) {
	o, err := t.archiveOptions(conf.CompactAfter)
	if err != nil {
		return 0, err
	}
	tl, err := t.Timeline(ctx)
	if err != nil || !archiver.Due(tl, o) {
		return 0, err
	}
	return archiver.Run(ctx, t.handle, o)
}

// archiveOptions are those of the table, or of its metadata table; they differ in when they are
// compacted.
func (t *Table) archiveOptions(compact *conf.Option) (archiver.Options, error) {
	var o archiver.Options
	for to, from := range map[*int]*conf.Option{&o.Min: conf.KeepMin, &o.Max: conf.KeepMax, &o.Cleaned: conf.CleanCommits, &o.Compacted: compact} {
		n, err := t.options.props.Int(from)
		if err != nil {
			return o, err
		}
		*to = int(n)
	}
	if o.Min < 1 || o.Max <= o.Min {
		return o, fmt.Errorf("hoodie.keep.max.commits (%d) must be greater than hoodie.keep.min.commits (%d), and that than 0: %w", o.Max, o.Min, base.ErrInvalid)
	}
	return o, nil
}

// serveMetadata runs the services of the metadata table that are due, before a write as in
// real Hudi: the last write can then be rolled back. What goes wrong is told and tried again
// before the next write.
func (t *Table) serveMetadata(ctx context.Context) {
	if t.handle.Metadata == table.MetadataDrop {
		return
	}
	if err := t.compactMetadata(ctx); err != nil && ctx.Err() == nil { // of an interrupted write the write itself tells
		t.handle.Log.Warn("services of the metadata table failed; they are tried again before the next write", "table", t.URI(), "error", err)
	}
}

// compactMetadata compacts and cleans the metadata table when that is due.
func (t *Table) compactMetadata(ctx context.Context) error {
	after, err := t.options.props.Int(conf.MetadataCompact)
	if err != nil {
		return err
	}
	if due, err := compaction.MetadataDue(ctx, t.handle, int(after)); err != nil || !due {
		return err
	}
	if _, err := compaction.Metadata(ctx, t.handle, int(after)); err != nil {
		return err
	}
	o, err := t.cleanOptions()
	if err != nil {
		return err
	}
	o.Commits = max(o.Commits, minMetadataCommits)
	if err := cleaner.Metadata(ctx, t.handle, o); err != nil {
		return err
	}
	return t.archiveMetadata(ctx)
}

// archiveMetadata moves old instants of the metadata table into its archive, which is due at most
// as often as a compaction of it.
func (t *Table) archiveMetadata(ctx context.Context) error {
	on, err := t.options.props.Bool(conf.ArchiveAutomatic)
	if err != nil || !on {
		return err
	}
	o, err := t.archiveOptions(conf.MetadataCompact)
	if err != nil {
		return err
	}
	_, err = archiver.Metadata(ctx, t.handle, o)
	return err
}

// minMetadataCommits is how many instants of the metadata table stay readable at least: readers
// may be at work with the files that they found.
const minMetadataCommits = 3

// compactDue executes what is scheduled, and schedules and executes what is due.
func (t *Table) compactDue(ctx context.Context) ([]compaction.Result, error) {
	after, err := t.options.props.Int(conf.CompactAfter)
	if err != nil {
		return nil, err
	}
	return t.compact(ctx, int(after))
}

func (t *Table) compactor() *compaction.Runner {
	return &compaction.Runner{Table: t.handle, Alloc: t.options.alloc, Codec: strings.ToLower(t.options.props.Get(conf.Codec)), Memory: t.options.memory / 2}
}

func (t *Table) compact(ctx context.Context, after int) ([]compaction.Result, error) {
	if _, err := t.ScheduleCompaction(ctx, after); err != nil {
		return nil, err
	}
	r := t.compactor()
	pending, err := r.Pending(ctx)
	if err != nil {
		return nil, err
	}
	var out []compaction.Result
	for _, instant := range pending {
		res, err := r.Execute(ctx, instant)
		if err != nil {
			return out, err
		}
		out = append(out, res)
	}
	return out, nil
}

// Compact schedules a compaction of everything that has log files, and executes it and
// every other that is pending, also those that real Hudi scheduled.
func (t *Table) Compact(ctx context.Context) ([]compaction.Result, error) {
	if err := t.mustMergeOnRead(); err != nil {
		return nil, err
	}
	return t.compact(ctx, 0)
}

// ScheduleCompaction puts a compaction on the timeline if at least deltaCommits delta
// commits have completed since the last, and returns its instant, "" if there is none.
func (t *Table) ScheduleCompaction(ctx context.Context, deltaCommits int) (string, error) {
	if err := t.mustMergeOnRead(); err != nil {
		return "", err
	}
	o, err := t.compactionOptions()
	if err != nil {
		return "", err
	}
	o.DeltaCommits = deltaCommits
	return t.compactor().Schedule(ctx, o)
}

func (t *Table) compactionOptions() (compaction.Options, error) {
	io, err := t.options.props.Int(conf.CompactTargetIO)
	if err != nil {
		return compaction.Options{}, err
	}
	size, err := t.options.props.Int(conf.MaxFileSize)
	return compaction.Options{TargetIO: io, MaxFileBytes: size}, err
}

// PlanCompaction says what a compaction would merge, nil for nothing.
func (t *Table) PlanCompaction(ctx context.Context) (*timeline.CompactionPlan, error) {
	if err := t.mustMergeOnRead(); err != nil {
		return nil, err
	}
	v, err := t.View(ctx)
	if err != nil {
		return nil, err
	}
	o, err := t.compactionOptions()
	if err != nil {
		return nil, err
	}
	return compaction.Plan(ctx, v, o)
}

// ExecuteCompaction carries a scheduled compaction out.
func (t *Table) ExecuteCompaction(ctx context.Context, instant string) (compaction.Result, error) {
	return t.compactor().Execute(ctx, instant)
}

func (t *Table) mustMergeOnRead() error {
	if t.Config().Type != table.MOR {
		return fmt.Errorf("compact %s: the table is copy-on-write and has no log files: %w", t.URI(), base.ErrInvalid)
	}
	return nil
}

// PlanClean says what a clean would remove, nil for nothing.
func (t *Table) PlanClean(ctx context.Context) (*cleaner.Removal, error) {
	v, err := t.View(ctx)
	if err != nil {
		return nil, err
	}
	o, err := t.cleanOptions()
	if err != nil {
		return nil, err
	}
	return cleaner.Plan(ctx, v, o)
}

func (t *Table) cleanOptions() (cleaner.Options, error) {
	n, err := t.options.props.Int(conf.CleanCommits)
	return cleaner.Options{Commits: int(n)}, err
}

// ScheduleClean puts a clean on the timeline and returns its instant, "" when there is
// nothing to remove.
func (t *Table) ScheduleClean(ctx context.Context) (string, error) {
	o, err := t.cleanOptions()
	if err != nil {
		return "", err
	}
	return cleaner.Schedule(ctx, t.handle, o)
}

// ExecuteClean carries a scheduled clean out.
func (t *Table) ExecuteClean(ctx context.Context, instant string) (cleaner.Result, error) {
	return cleaner.Execute(ctx, t.handle, instant)
}

// Clean finishes cleans that were left behind and removes the files that the latest
// commits (hoodie.clean.commits.retained) do not need.
func (t *Table) Clean(ctx context.Context) ([]cleaner.Result, error) {
	pending, err := cleaner.Pending(ctx, t.handle)
	if err != nil {
		return nil, err
	}
	if len(pending) == 0 {
		instant, err := t.ScheduleClean(ctx)
		if err != nil || instant == "" {
			return nil, err
		}
		pending = []string{instant}
	}
	var out []cleaner.Result
	for _, instant := range pending {
		r, err := t.ExecuteClean(ctx, instant)
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}
