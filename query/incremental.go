package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// planIncremental plans the rows that the writes of a range have written. The range is
// applied before versions are merged: an update that loses against a row of an earlier
// write is part of the answer.
func (p *Plan) planIncremental(ctx context.Context, o Options) error {
	c := p.source.Config
	if o.AsOf != "" {
		return fmt.Errorf("as-of belongs to the snapshot view; an incremental query ends at --end: %w", base.ErrInvalid)
	}
	if !c.MetaFields {
		return fmt.Errorf("incremental queries are not supported when meta fields are disabled: the rows do not say which write they are of: %w", base.ErrInvalid)
	}
	writes, err := p.writesIn(ctx, o.Begin, o.End)
	if err != nil {
		return err
	}
	for _, w := range writes {
		p.Instant = max(p.Instant, w.Time)
	}
	if err := p.shape(ctx, o, false); err != nil || len(writes) == 0 {
		return err
	}
	for _, w := range writes {
		p.asked.writes = append(p.asked.writes, w.Time)
	}
	p.limitTo(p.asked.writes)
	files, done, err := p.list(ctx)
	if err != nil {
		return err
	}
	defer done()
	touched, replaced := touchedBy(writes)
	if c.Type == table.COW {
		return p.planFiles(ctx, files, touched, replaced)
	}
	return p.planSlices(ctx, files, writes, touched, replaced)
}

// limitTo leaves out the rows of other writes.
func (p *Plan) limitTo(writes []string) {
	wanted := map[string]bool{}
	for _, w := range writes {
		wanted[w] = true
	}
	p.inRange = func(instant string) bool { return wanted[instant] }
}

// write is a completed write of a range, with what it did.
type write = timeline.ArchivedWrite

// lookBack is how long a write may take: how far before the begin of a range of completion
// times the requested times of its writes may lie. Real Hudi looks as far.
const lookBack = 24 * time.Hour

// writesIn selects the completed writes of a range, in the order of requested times.
func (p *Plan) writesIn(ctx context.Context, begin, end string) ([]write, error) {
	tl := p.source.Timeline
	var err error
	if begin, err = ParseBound(begin, p.source.Now(), tl.Location()); err != nil {
		return nil, err
	}
	if end, err = ParseBound(end, p.source.Now(), tl.Location()); err != nil {
		return nil, err
	}
	inside := func(i timeline.Instant) bool {
		t := p.when(i)
		return t > begin && (end == "" || t <= end)
	}
	selected := slices.DeleteFunc(tl.CompletedWrites(), func(i timeline.Instant) bool { return !inside(i) })
	if begin == "" && len(selected) > 0 { // without a begin the last write alone
		selected = []timeline.Instant{slices.MaxFunc(selected, func(a, b timeline.Instant) int { return cmp.Compare(p.when(a), p.when(b)) })}
	}
	var out []write
	if begin != "" || len(selected) == 0 {
		if out, err = p.archivedWrites(ctx, begin, inside); err != nil {
			return nil, err
		}
	}
	for _, i := range selected {
		meta, err := tl.CommitMetadata(ctx, i)
		if err != nil {
			return nil, err
		}
		out = append(out, write{Instant: i, Commit: meta})
	}
	if tl.Layout() == timeline.Layout1 && len(out) > 0 {
		for _, i := range tl.Writes() {
			if !i.Done() && i.Action != timeline.Compaction && i.Time > begin && i.Time < out[len(out)-1].Time {
				return nil, fmt.Errorf("write %s in the range is not completed, and writes after it are: end the range before it: %w", i.Time, base.ErrInvalid)
			}
		}
	}
	return out, nil
}

// when is the time of a write that ranges are over.
func (p *Plan) when(i timeline.Instant) string {
	if p.source.Timeline.Layout() == timeline.Layout1 {
		return i.Time
	}
	return i.Completion
}

// archivedWrites selects the writes of a range that have left the active timeline; without a
// begin only the last.
func (p *Plan) archivedWrites(ctx context.Context, begin string, inside func(timeline.Instant) bool) ([]write, error) {
	tl := p.source.Timeline
	from := begin
	if tl.Layout() == timeline.Layout2 {
		from = ""
		if t, err := base.ParseInstant(begin, tl.Location()); err == nil {
			from = base.FormatInstant(t.Add(-lookBack), tl.Location())
		}
	}
	if active := tl.CompletedWrites(); len(active) > 0 && from >= active[0].Time {
		return nil, nil
	}
	all, err := tl.ArchivedWrites(ctx, from)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(w write) bool { return !inside(w.Instant) })
	if begin == "" && len(all) > 0 {
		return []write{slices.MaxFunc(all, func(a, b write) int { return cmp.Compare(p.when(a.Instant), p.when(b.Instant)) })}, nil
	}
	return all, nil
}

// touchedBy collects, for each file group that the writes have touched, the last base file
// among what they wrote (nil for logs only), and the groups that they replaced.
func touchedBy(writes []write) (files map[table.GroupID]*timeline.WriteStat, replaced map[table.GroupID]bool) {
	files, replaced = map[table.GroupID]*timeline.WriteStat{}, map[table.GroupID]bool{}
	for _, w := range writes {
		for _, s := range w.Commit.Stats() {
			id := table.GroupID{Partition: s.PartitionPath, FileID: s.FileID}
			switch {
			case !s.IsLog():
				files[id] = s
			case files[id] == nil:
				files[id] = nil
			}
		}
		for partition, ids := range w.Commit.PartitionToReplaceFileIDs {
			for _, id := range ids {
				replaced[table.GroupID{Partition: partition, FileID: id}] = true
			}
		}
	}
	return files, replaced
}

// planFiles reads the last base file of each touched group.
func (p *Plan) planFiles(ctx context.Context, files *listed, touched map[table.GroupID]*timeline.WriteStat, replaced map[table.GroupID]bool) error {
	for id, stat := range touched {
		if stat == nil || replaced[id] || stat.Path == "" {
			continue
		}
		f, err := files.baseFile(ctx, stat)
		if err != nil {
			return err
		}
		if p.partitionMayMatch(id.Partition) {
			p.Tasks = append(p.Tasks, Task{Slice: table.FileSlice{Partition: id.Partition, FileID: id.FileID, BaseInstant: f.Instant, Base: f}})
		}
	}
	p.sortTasks()
	return nil
}

// baseFile finds a base file that a write says it made.
func (l *listed) baseFile(ctx context.Context, stat *timeline.WriteStat) (*table.BaseFile, error) {
	at, err := base.CleanRelative(stat.Path)
	if err != nil {
		return nil, err
	}
	e, err := l.find(ctx, at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, removed(at)
	}
	if err != nil {
		return nil, err
	}
	n, ok := base.ParseBaseFileName(e.Name)
	if !ok {
		return nil, fmt.Errorf("write statistics name %s, which is no base file: %w", at, base.ErrCorrupt)
	}
	return &table.BaseFile{Path: at, Name: e.Name, Instant: n.Instant, Size: e.Size}, nil
}

func removed(path string) error {
	return fmt.Errorf("Path not found during incremental query: %s was removed by the cleaner; begin the range later, or keep more commits: %w", path, base.ErrCleaned)
}

// planSlices reads the slices of the touched groups as the files that the writes of the range have made give them: what
// another write has made of these files, a compaction for instance, is not looked at.
func (p *Plan) planSlices(ctx context.Context, files *listed, writes []write, touched map[table.GroupID]*timeline.WriteStat, replaced map[table.GroupID]bool) error {
	for id, stat := range touched {
		if stat != nil && !replaced[id] && stat.Path != "" {
			if _, err := files.baseFile(ctx, stat); err != nil {
				return err
			}
		}
	}
	made, err := madeBy(writes)
	if err != nil {
		return err
	}
	view := table.NewView(p.source.Config, p.source.Timeline, made)
	if p.reader.Valid, err = view.Committed(ctx); err != nil {
		return err
	}
	for partition := range made {
		if !p.partitionMayMatch(partition) {
			continue
		}
		visible, err := view.SlicesAt(ctx, partition, p.Instant)
		if err != nil {
			return err
		}
		for _, s := range visible {
			if replaced[table.GroupID{Partition: partition, FileID: s.FileID}] {
				continue
			}
			for _, l := range s.Logs {
				_, err := files.find(ctx, l.Path)
				if errors.Is(err, fs.ErrNotExist) {
					return removed(l.Path)
				}
				if err != nil {
					return err
				}
			}
			p.Tasks = append(p.Tasks, Task{Slice: s})
		}
	}
	p.sortTasks()
	return nil
}

// madeBy are the files that writes have made, by partition, as a listing.
func madeBy(writes []write) (listing, error) {
	out := listing{}
	seen := map[string]bool{}
	for _, w := range writes {
		for _, s := range w.Commit.Stats() {
			if s.Path == "" || seen[s.Path] {
				continue
			}
			seen[s.Path] = true
			at, err := base.CleanRelative(s.Path)
			if err != nil {
				return nil, err
			}
			out[s.PartitionPath] = append(out[s.PartitionPath], storage.Entry{Path: at, Name: path.Base(at), Size: s.FileSizeInBytes})
		}
	}
	return out, nil
}

// listing is a table.Lister of known files.
type listing map[string][]storage.Entry

func (l listing) Partitions(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(l)), nil
}

func (l listing) Files(_ context.Context, partition string) ([]storage.Entry, error) {
	return l[partition], nil
}

func (p *Plan) sortTasks() {
	slices.SortFunc(p.Skipped, func(a, b SkippedPartition) int { return strings.Compare(a.Partition, b.Partition) })
	p.Skipped = slices.Compact(p.Skipped)
	slices.SortFunc(p.Tasks, func(a, b Task) int {
		return slices.Compare([]string{a.Slice.Partition, a.Slice.FileID}, []string{b.Slice.Partition, b.Slice.FileID})
	})
}
