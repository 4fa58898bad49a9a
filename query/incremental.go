package query

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

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
	if len(writes) > 0 {
		p.Instant = writes[len(writes)-1].Time
	}
	if err := p.shape(ctx, o, false); err != nil || len(writes) == 0 {
		return err
	}
	wanted := map[string]bool{}
	for _, w := range writes {
		wanted[w.Time] = true
	}
	p.inRange = func(instant string) bool { return wanted[instant] }
	touched, replaced, err := p.touched(ctx, writes)
	if err != nil {
		return err
	}
	if c.Type == table.COW {
		return p.planFiles(ctx, touched, replaced)
	}
	return p.planSlices(ctx, writes, touched, replaced)
}

// writesIn selects the completed writes of a range, in the order of requested times.
func (p *Plan) writesIn(ctx context.Context, begin, end string) ([]timeline.Instant, error) {
	tl := p.source.Timeline
	when := func(i timeline.Instant) string {
		if tl.Layout() == timeline.Layout1 {
			return i.Time
		}
		return i.Completion
	}
	var err error
	if begin, err = ParseBound(begin, p.source.Now(), tl.Location()); err != nil {
		return nil, err
	}
	if end, err = ParseBound(end, p.source.Now(), tl.Location()); err != nil {
		return nil, err
	}
	all := tl.CompletedWrites()
	if begin == "" && end == "" {
		var last []timeline.Instant
		for _, i := range all {
			if len(last) == 0 || when(i) > when(last[0]) {
				last = []timeline.Instant{i}
			}
		}
		return last, nil
	}
	archived, err := tl.Archived(ctx)
	if err != nil {
		return nil, err
	}
	if archived && (len(all) == 0 || begin < all[0].Time) {
		return nil, fmt.Errorf("the range begins before the active timeline, and archived instants cannot be read yet; begin later, hudictl timeline lists what there is: %w", base.ErrUnsupported)
	}
	var out []timeline.Instant
	for _, i := range all {
		if t := when(i); t > begin && (end == "" || t <= end) {
			out = append(out, i)
		}
	}
	if begin == "" && len(out) > 0 { // an end alone asks for the last write up to it
		out = out[len(out)-1:]
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

// touched collects, for each file group that the writes have touched, the last base file
// among what they wrote (nil for logs only), and the groups that they replaced.
func (p *Plan) touched(ctx context.Context, writes []timeline.Instant) (files map[table.GroupID]*timeline.WriteStat, replaced map[table.GroupID]bool, err error) {
	files, replaced = map[table.GroupID]*timeline.WriteStat{}, map[table.GroupID]bool{}
	for _, w := range writes {
		meta, err := p.source.Timeline.CommitMetadata(ctx, w)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range meta.Stats() {
			id := table.GroupID{Partition: s.PartitionPath, FileID: s.FileID}
			switch {
			case !s.IsLog():
				files[id] = s
			case files[id] == nil:
				files[id] = nil
			}
		}
		for partition, ids := range meta.PartitionToReplaceFileIDs {
			for _, id := range ids {
				replaced[table.GroupID{Partition: partition, FileID: id}] = true
			}
		}
	}
	return files, replaced, nil
}

// planFiles reads the last base file of each touched group.
func (p *Plan) planFiles(ctx context.Context, touched map[table.GroupID]*timeline.WriteStat, replaced map[table.GroupID]bool) error {
	for id, stat := range touched {
		if stat == nil || replaced[id] || stat.Path == "" {
			continue
		}
		f, err := p.baseFile(ctx, stat)
		if err != nil {
			return err
		}
		if p.partitionMayMatch(id.Partition) {
			p.Tasks = append(p.Tasks, Task{table.FileSlice{Partition: id.Partition, FileID: id.FileID, BaseInstant: f.Instant, Base: f}})
		}
	}
	p.sortTasks()
	return nil
}

// baseFile finds a base file that a write says it made.
func (p *Plan) baseFile(ctx context.Context, stat *timeline.WriteStat) (*table.BaseFile, error) {
	at, err := base.CleanRelative(stat.Path)
	if err != nil {
		return nil, err
	}
	e, err := p.source.Store.Stat(ctx, at)
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
func (p *Plan) planSlices(ctx context.Context, writes []timeline.Instant, touched map[table.GroupID]*timeline.WriteStat, replaced map[table.GroupID]bool) error {
	for id, stat := range touched {
		if stat != nil && !replaced[id] && stat.Path != "" {
			if _, err := p.baseFile(ctx, stat); err != nil {
				return err
			}
		}
	}
	made, err := p.made(ctx, writes)
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
				if _, err := p.source.Store.Stat(ctx, l.Path); errors.Is(err, fs.ErrNotExist) {
					return removed(l.Path)
				}
			}
			p.Tasks = append(p.Tasks, Task{s})
		}
	}
	p.sortTasks()
	return nil
}

// made are the files that writes have made, by partition, as a listing.
func (p *Plan) made(ctx context.Context, writes []timeline.Instant) (listing, error) {
	out := listing{}
	seen := map[string]bool{}
	for _, w := range writes {
		meta, err := p.source.Timeline.CommitMetadata(ctx, w)
		if err != nil {
			return nil, err
		}
		for _, s := range meta.Stats() {
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
	slices.SortFunc(p.Tasks, func(a, b Task) int {
		return slices.Compare([]string{a.Slice.Partition, a.Slice.FileID}, []string{b.Slice.Partition, b.Slice.FileID})
	})
}
