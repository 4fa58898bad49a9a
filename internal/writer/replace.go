package writer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// replaces tells whether an operation hides file groups. Its instant is then a replace commit, in both
// table types.
func (o Operation) replaces() bool {
	switch o {
	case InsertOverwrite, InsertOverwriteTable, DeletePartition:
		return true
	}
	return false
}

// action is the timeline's action of an operation, and the content of its requested file.
func action(c *table.Config, o Operation) (timeline.Action, []byte, error) {
	switch {
	case o.replaces():
		// Its requested file tells it from a clustering, which has a plan there.
		r := timeline.RequestedReplace{}
		if o == DeletePartition && c.Version >= 9 {
			r = timeline.RequestedReplace{OperationType: timeline.OpDeletePartition, ExtraMetadata: map[string]string{}, Version: 1}
		}
		content, err := r.Encode()
		return timeline.ReplaceCommit, content, err
	case c.Type == table.MOR:
		return timeline.DeltaCommit, nil, nil
	}
	return timeline.Commit, nil, nil
}

// replace performs the operations that hide file groups. New rows go to new groups.
func (w *write) replace(ctx context.Context) ([]*timeline.WriteStat, error) {
	w.replaced = map[string][]string{}
	switch w.options.Operation {
	case DeletePartition:
		if err := w.keepsGroups(ctx); err != nil {
			return nil, err
		}
		partitions, err := w.doomed(ctx)
		if err == nil {
			err = w.unplanned(ctx, partitions)
		}
		if err == nil {
			err = w.hide(ctx, partitions)
		}
		if err == nil {
			err = w.begin(ctx)
		}
		return nil, err
	case InsertOverwriteTable:
		partitions, err := w.view.Partitions(ctx)
		if err == nil {
			err = w.hide(ctx, partitions)
		}
		if err != nil {
			return nil, err
		}
		return w.bulk(ctx)
	}
	stats, err := w.bulk(ctx)
	if err != nil {
		return nil, err
	}
	written := map[string]bool{}
	for _, s := range stats {
		written[s.PartitionPath] = true
	}
	return stats, w.hide(ctx, slices.Sorted(maps.Keys(written)))
}

// hide notes the file groups that partitions have. Those that others make meanwhile stay: they are of
// writes that this one did not see.
func (w *write) hide(ctx context.Context, partitions []string) error {
	clustering, err := w.view.PendingClusterings(ctx)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		slices, err := w.view.Latest(ctx, p)
		if err != nil {
			return err
		}
		ids := make([]string, 0, len(slices))
		for _, s := range slices {
			if at, ok := clustering[table.GroupID{Partition: p, FileID: s.FileID}]; ok {
				return txn.Clustered(w.table, p, s.FileID, at)
			}
			ids = append(ids, s.FileID)
		}
		w.replaced[p] = ids
	}
	return nil
}

// begin puts the inflight file, which says which operation a replace commit is.
func (w *write) begin(ctx context.Context) error {
	if !w.options.Operation.replaces() {
		return w.txn.Start(ctx, nil)
	}
	content, err := (&timeline.CommitMetadata{
		PartitionToWriteStats: map[string][]*timeline.WriteStat{}, ExtraMetadata: map[string]string{}, OperationType: string(w.options.Operation),
	}).Encode(w.txn.Timeline().Layout())
	if err != nil {
		return err
	}
	return w.txn.Start(ctx, content)
}

// doomed returns the partitions that delete-partition is about: those named by paths, or those of the
// incoming rows, of which the ones that the table does not have make no difference.
func (w *write) doomed(ctx context.Context) ([]string, error) {
	if len(w.keys.PartitionFields()) == 0 {
		return nil, fmt.Errorf("delete partitions of table %s: it has none; insert-overwrite-table without rows empties it: %w", w.table.Config.Name, base.ErrInvalid)
	}
	all, err := w.view.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	if len(w.options.Partitions) > 0 {
		return matching(w.table.Config.Name, all, w.options.Partitions)
	}
	named := map[string]bool{}
	for batch, err := range w.input.Rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if batch.NumRows() == 0 {
			continue
		}
		p, err := w.keys.Partitions(batch)
		if err != nil {
			return nil, err
		}
		for _, path := range p.Paths {
			named[path] = true
		}
	}
	return slices.DeleteFunc(all, func(p string) bool { return !named[p] }), nil
}

// matching returns the partitions that paths name, in which * stands for any text, as in
// hoodie.datasource.write.partitions.to.delete. A path without one must be a partition.
func matching(name string, all, paths []string) ([]string, error) {
	wanted := map[string]bool{}
	for _, path := range paths {
		path = strings.Trim(path, "/")
		found := slices.Contains(all, path)
		for _, p := range all {
			if p == path || strings.Contains(path, "*") && wildcard(path, p) {
				wanted[p] = true
			}
		}
		if !found && !strings.Contains(path, "*") {
			return nil, fmt.Errorf("delete partitions of table %s: there is no partition %q; a path is written as its folder is, and * stands for any text: %w", name, path, base.ErrInvalid)
		}
	}
	return slices.Sorted(maps.Keys(wanted)), nil
}

// wildcard tells whether a text is a pattern's, in which * stands for any text.
func wildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(text) < len(parts[last]) || !strings.HasSuffix(text, parts[last]) {
		return false
	}
	text = strings.TrimSuffix(text, parts[last])
	for _, part := range parts[1:last] {
		_, rest, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// unplanned refuses to delete partitions that a pending compaction has in its plan, as real Hudi does.
func (w *write) unplanned(ctx context.Context, partitions []string) error {
	pending, err := w.view.PendingCompactions(ctx)
	if err != nil {
		return err
	}
	for group, compaction := range pending {
		if slices.Contains(partitions, group.Partition) {
			return fmt.Errorf("delete partition %q of table %s: the pending compaction %s is going to work on it; carry that out first (hudictl compact): %w",
				group.Partition, w.table.Config.Name, compaction.Time, base.ErrConflict)
		}
	}
	return nil
}
