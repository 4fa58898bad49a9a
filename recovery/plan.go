package recovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// uncleaned makes sure that the files that readers need once a write is gone are still
// there. A clean keeps the state of the earliest commit that it retains and the one before.
func uncleaned(ctx context.Context, h *table.Handle, tl *timeline.Timeline, target timeline.Instant) error {
	for _, i := range tl.Instants() {
		if i.Action != timeline.Clean {
			continue
		}
		earliest := ""
		if i.Done() {
			meta, err := tl.CleanMetadata(ctx, i.Time)
			if err != nil {
				return err
			}
			earliest = meta.EarliestCommitToRetain
		} else {
			plan, err := tl.CleanerPlan(ctx, i.Time)
			if err != nil {
				return err
			}
			if plan.EarliestInstantToRetain != nil {
				earliest = plan.EarliestInstantToRetain.Time
			}
		}
		if target.Time < earliest {
			return fmt.Errorf("the cleaner (%s) keeps what is needed from %s on, and the files that were there before are gone: %w", i.Time, earliest, base.ErrCleaned)
		}
	}
	// Cleans that count versions name no commit.
	meta, err := tl.CommitMetadata(ctx, target)
	if err != nil {
		return err
	}
	lister := table.StorageLister(h.Store)
	partitions := slices.Collect(maps.Keys(meta.PartitionToWriteStats))
	partitions = slices.AppendSeq(partitions, maps.Keys(meta.PartitionToReplaceFileIDs))
	slices.Sort(partitions)
	for _, partition := range slices.Compact(partitions) {
		files, err := lister.Files(ctx, partition)
		if err != nil {
			return err
		}
		there := map[string]bool{} // base files, by file id and instant, and file ids
		for _, f := range files {
			if n, ok := base.ParseBaseFileName(f.Name); ok {
				there[n.FileID+"_"+n.Instant], there[n.FileID] = true, true
			} else if n, ok := base.ParseLogFileName(f.Name); ok {
				there[n.FileID] = true
			}
		}
		for _, id := range meta.PartitionToReplaceFileIDs[partition] {
			if !there[id] {
				return fmt.Errorf("the file group %s in partition %q that it replaced is gone: %w", id, partition, base.ErrCleaned)
			}
		}
		for _, s := range meta.PartitionToWriteStats[partition] {
			if !s.IsLog() && s.PrevCommit != "" && s.PrevCommit != timeline.NoPrevCommit && !there[s.FileID+"_"+s.PrevCommit] {
				return fmt.Errorf("the base file of %s in partition %q that it replaced, of %s, is gone: %w", s.FileID, partition, s.PrevCommit, base.ErrCleaned)
			}
		}
	}
	return nil
}

// filesOf finds the data files of an instant: what a completed one says of itself, else
// the files that its markers or their own names show. Markers alone do not do: they may
// be gone while the files are there. In table version 6 log files that it put on top of
// older slices are among them.
func filesOf(ctx context.Context, h *table.Handle, tl *timeline.Timeline, target timeline.Instant) ([]string, error) {
	seen := map[string]bool{}
	begun, _, err := tl.BegunAs(ctx, target)
	if err != nil {
		return nil, err
	}
	compacts := begun == timeline.Compaction
	shared := sharesTime(tl, target)
	mine := func(f string) bool {
		n, log := base.ParseLogFileName(path.Base(f))
		switch {
		case log && !n.CDC && h.Config.SliceLogs():
			return !compacts // the logs of the slice that it opens are those of delta commits
		case shared && log == compacts:
			return false
		}
		return txn.Writes(storage.Entry{Name: path.Base(f)}, target.Time)
	}
	if target.Done() {
		meta, err := tl.CommitMetadata(ctx, target)
		if err != nil {
			return nil, err
		}
		for _, s := range meta.Stats() {
			if s.Path == "" {
				continue
			}
			for _, file := range append(slices.Sorted(maps.Keys(s.CDCStats)), s.Path) {
				f, err := base.CleanRelative(file)
				if err != nil {
					return nil, err
				}
				seen[f] = mine(f)
			}
		}
	}
	marked, err := txn.Marked(ctx, h.Store, target.Time)
	if err != nil {
		return nil, err
	}
	for _, f := range marked {
		seen[f] = mine(f)
	}
	if !target.Done() {
		lister := table.StorageLister(h.Store)
		partitions, err := lister.Partitions(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range partitions {
			files, err := lister.Files(ctx, p)
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if txn.Writes(f, target.Time) {
					seen[f.Path] = mine(f.Path)
				}
			}
			if err := sweepFolder(ctx, h.Store, p); err != nil {
				return nil, err
			}
		}
		if err := sweepFolder(ctx, h.Store, h.Config.TimelineDir()); err != nil {
			return nil, err
		}
	}
	files := make([]string, 0, len(seen))
	for f, is := range seen {
		if is {
			files = append(files, f)
		}
	}
	slices.Sort(files)
	return files, nil
}

// sharesTime tells whether a delta commit and a compaction have the same time, as they may in a
// metadata table: delta commits have the times of the table's instants. Log files are the one's then,
// and base files the other's.
func sharesTime(tl *timeline.Timeline, target timeline.Instant) bool {
	return slices.ContainsFunc(tl.Writes(), func(i timeline.Instant) bool {
		return i.Time == target.Time && i.Action.Completed() != target.Action.Completed()
	})
}

// sweepFolder removes what unfinished files of dead writers have left in a folder.
func sweepFolder(ctx context.Context, st storage.Store, dir string) error {
	if s, ok := st.(storage.Sweeper); ok {
		if err := s.Sweep(ctx, dir); err != nil {
			return fmt.Errorf("sweep %q: %w", dir, err)
		}
	}
	return nil
}

func partitionOf(file string) string {
	if dir := path.Dir(file); dir != "." {
		return dir
	}
	return ""
}

// requests are the steps of a rollback plan: files to delete, and in table version 6 slices
// that get a rollback block, one for each slice that the write put a log file on top of.
// tops are such slices that no file tells of.
func requests(h *table.Handle, target string, files []string, tops []slice) []timeline.RollbackRequest {
	var out []timeline.RollbackRequest
	for _, f := range files {
		n, log := base.ParseLogFileName(path.Base(f))
		if !log || !h.Config.SliceLogs() || n.Time == target {
			out = append(out, timeline.RollbackRequest{
				Partition:         partitionOf(f),
				FilesToDelete:     []string{txn.AbsolutePath(h.Store, f)},
				LogBlocksToDelete: map[string]int64{},
			})
			continue
		}
		tops = append(tops, slice{partitionOf(f), n.FileID, n.Time})
	}
	slices.SortFunc(tops, slice.compare)
	for _, on := range slices.Compact(tops) {
		out = append(out, timeline.RollbackRequest{
			Partition: on.partition, FileID: on.fileID, LatestBaseInstant: on.instant,
			FilesToDelete:     []string{},
			LogBlocksToDelete: map[string]int64{txn.AbsolutePath(h.Store, on.partition): 1}, // as real Hudi has it
		})
	}
	return out
}

// slice names a file slice.
type slice struct{ partition, fileID, instant string }

func (s slice) compare(o slice) int {
	return slices.Compare([]string{s.partition, s.fileID, s.instant}, []string{o.partition, o.fileID, o.instant})
}

// announced returns the slices that a pending write of table version 6 was going to put log
// files on top of, by what its inflight file says, if its markers, which know better, are
// gone.
func announced(ctx context.Context, h *table.Handle, tl *timeline.Timeline, target timeline.Instant) ([]slice, error) {
	if !h.Config.SliceLogs() || target.Action != timeline.DeltaCommit || target.State != timeline.Inflight {
		return nil, nil
	}
	marked, err := txn.Marked(ctx, h.Store, target.Time)
	if err != nil || len(marked) > 0 {
		return nil, err
	}
	meta, err := tl.CommitMetadata(ctx, target)
	if err != nil {
		return nil, err
	}
	var out []slice
	for partition, stats := range meta.PartitionToWriteStats {
		for _, s := range stats {
			if s.FileID != "" && s.PrevCommit != timeline.NoPrevCommit {
				out = append(out, slice{partition, s.FileID, s.PrevCommit})
			}
		}
	}
	return out, nil
}

// carryOut does one step of the rollback at time at of a write, and notes what it did.
func carryOut(ctx context.Context, h *table.Handle, at, target string, r timeline.RollbackRequest, result *timeline.RollbackMetadata) error {
	p := result.Partitions[r.Partition]
	p.Partition = r.Partition
	dir, err := base.CleanRelative(r.Partition)
	if err != nil {
		return err
	}
	for _, f := range r.FilesToDelete {
		if !txn.Writes(storage.Entry{Name: path.Base(f)}, target) {
			return fmt.Errorf("rollback %s of %s names %s, which is no file of that instant: %w", at, target, f, base.ErrCorrupt)
		}
		if err := h.Store.Delete(ctx, base.Join(dir, path.Base(f))); err != nil {
			return fmt.Errorf("rollback %s: %w", at, err)
		}
		p.Deleted = append(p.Deleted, f)
		result.TotalFilesDeleted++
	}
	if len(r.LogBlocksToDelete) > 0 {
		file, size, err := rollbackBlock(ctx, h, at, target, slice{dir, r.FileID, r.LatestBaseInstant})
		if err != nil {
			return fmt.Errorf("rollback %s: %w", at, err)
		}
		if p.RollbackLogFiles == nil {
			p.RollbackLogFiles, p.FailedLogFiles = map[string]int64{}, map[string]int64{}
		}
		p.RollbackLogFiles[txn.AbsolutePath(h.Store, file)] = size
		if err := failedLogs(ctx, h, slice{dir, r.FileID, r.LatestBaseInstant}, p.FailedLogFiles); err != nil {
			return fmt.Errorf("rollback %s: %w", at, err)
		}
	}
	result.Partitions[r.Partition] = p
	return nil
}

// failedLogs notes the log files of a slice that lie below a rollback block: among them are
// those of the write that is rolled back, which stay, and which names do not tell.
func failedLogs(ctx context.Context, h *table.Handle, on slice, found map[string]int64) error {
	entries, err := h.Store.List(ctx, on.partition)
	if err != nil {
		return fmt.Errorf("list partition %q: %w", on.partition, err)
	}
	for _, e := range entries {
		if n, ok := base.ParseLogFileName(e.Name); ok && n.FileID == on.fileID && n.Time == on.instant && n.Token != base.RollbackToken {
			found[txn.AbsolutePath(h.Store, e.Path)] = e.Size
		}
	}
	return nil
}

// rollbackTries bounds the search for a version of a log file that nobody takes.
const rollbackTries = 10

// rollbackBlock puts a log file with nothing but a rollback block on top of a slice, after
// which readers pass over what the write put there before. One that is there already, of
// an execution that died, is taken for it.
func rollbackBlock(ctx context.Context, h *table.Handle, at, target string, on slice) (file string, size int64, err error) {
	block := logfile.AppendBlock(nil, logfile.Command, map[logfile.HeaderKey]string{
		logfile.HeaderInstant: at, logfile.HeaderTarget: target, logfile.HeaderCommand: logfile.CommandRollback,
	}, nil)
	name := base.LogFileName{FileID: on.fileID, Time: on.instant, Token: base.RollbackToken}
	if parsed, ok := base.ParseLogFileName(name.String()); !ok || parsed != name {
		return "", 0, fmt.Errorf("the plan names slice %q of file group %q: %w", on.instant, on.fileID, base.ErrCorrupt)
	}
	for range rollbackTries {
		entries, err := h.Store.List(ctx, on.partition)
		if err != nil {
			return "", 0, fmt.Errorf("list partition %q: %w", on.partition, err)
		}
		for _, e := range entries {
			n, ok := base.ParseLogFileName(e.Name)
			if !ok || n.FileID != on.fileID || n.Time != on.instant {
				continue
			}
			name.Version = max(name.Version, n.Version)
			if n.Token != base.RollbackToken || e.Size != int64(len(block)) {
				continue
			}
			if found, err := storage.ReadFile(ctx, h.Store, e.Path); err != nil {
				return "", 0, err
			} else if bytes.Equal(found, block) {
				return e.Path, e.Size, nil
			}
		}
		name.Version++
		file = base.Join(on.partition, name.String())
		switch err := h.Store.PutIfAbsent(ctx, file, block); {
		case err == nil:
			return file, int64(len(block)), nil
		case !errors.Is(err, fs.ErrExist):
			return "", 0, fmt.Errorf("put %s: %w", file, err)
		}
	}
	return "", 0, fmt.Errorf("put %s: others were there first, %d times: %w", file, rollbackTries, base.ErrConflict)
}
