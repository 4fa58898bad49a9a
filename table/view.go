package table

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hudi-go/hudi-go/timeline"
)

// View says which files of a table are visible: a pure function of the configuration, one
// picture of the timeline and a listing (docs/format/files.md). It reads and keeps each
// partition's listing once. A View is safe for concurrent use; the slices it answers are
// the caller's.
type View struct {
	config   *Config
	timeline *timeline.Timeline
	lister   Lister

	mu         sync.Mutex
	facts      *facts
	partitions []string
	listed     bool
	files      map[string]map[string]*files // by partition and file id
	// archived has the completion times of archived writes, nil until a slice needs them.
	archived atomic.Pointer[map[string]string]
}

// NewView makes a view. Nothing is read before the first question.
func NewView(c *Config, tl *timeline.Timeline, l Lister) *View {
	return &View{config: c, timeline: tl, lister: l, files: make(map[string]map[string]*files)}
}

// Timeline is the picture of the timeline that the view is made of.
func (v *View) Timeline() *timeline.Timeline { return v.timeline }

// Config is the table's configuration.
func (v *View) Config() *Config { return v.config }

// Partitions returns the partition paths, sorted.
func (v *View) Partitions(ctx context.Context) ([]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.listed {
		p, err := v.lister.Partitions(ctx)
		if err != nil {
			return nil, err
		}
		v.partitions, v.listed = p, true
	}
	return slices.Clone(v.partitions), nil
}

// SlicesAt returns what a snapshot reader sees of a partition as of the requested time at,
// "" for now: of every file group that is not replaced the newest slice, where only files
// of writes that are completed, and requested at or before at, count. The slice of a
// pending compaction is merged with the one before. Slices are ordered by file id.
//
// In table version 6 a log file may hold blocks of writes that do not count; its reader
// must check every block's instant with Committed.
func (v *View) SlicesAt(ctx context.Context, partition, at string) ([]FileSlice, error) {
	return v.each(ctx, partition, at, func(f *facts, id GroupID, g *files) (FileSlice, bool) {
		if v.config.Layout() == timeline.Layout2 {
			s := newSlicer(id)
			s.byCompletion(v.visible(f, g, at), "", v.completion)
			return newest(s.newestFirst())
		}
		all := v.byName(f, id, g, at)
		for i, s := range all {
			if f.pending[s.BaseInstant] && i+1 < len(all) {
				all[i+1] = merged(s, all[i+1])
				continue
			}
			return s, !s.Empty()
		}
		return FileSlice{}, false
	})
}

func newest(s []FileSlice) (FileSlice, bool) {
	if len(s) == 0 || s[0].Empty() {
		return FileSlice{}, false
	}
	return s[0], true
}

// BaseFilesAt returns what a read-optimized reader sees: of every file group that is not
// replaced the newest visible base file, as a slice without logs.
func (v *View) BaseFilesAt(ctx context.Context, partition, at string) ([]FileSlice, error) {
	return v.each(ctx, partition, at, func(f *facts, id GroupID, g *files) (FileSlice, bool) {
		bases := v.visible(f, g, at).bases
		if len(bases) == 0 {
			return FileSlice{}, false
		}
		b := bases[len(bases)-1]
		return FileSlice{Partition: id.Partition, FileID: id.FileID, BaseInstant: b.Instant, Base: &b}, true
	})
}

// Latest returns the slices that writers and table services work on: of every file group
// that is not replaced the newest slice, where a pending compaction starts a new one, so
// that a slice may be without files, and files of writes that are not completed are left
// out.
func (v *View) Latest(ctx context.Context, partition string) ([]FileSlice, error) {
	return v.each(ctx, partition, "", func(f *facts, id GroupID, g *files) (FileSlice, bool) {
		s := v.slices(f, id, g)
		if len(s) == 0 {
			return FileSlice{}, false
		}
		return s[0], true
	})
}

// Groups returns all file groups of a partition with their committed slices, replaced
// groups included, ordered by file id: what the cleaner decides upon.
func (v *View) Groups(ctx context.Context, partition string) ([]FileGroup, error) {
	f, groups, err := v.load(ctx, partition)
	if err != nil {
		return nil, err
	}
	var out []FileGroup
	for _, fileID := range slices.Sorted(maps.Keys(groups)) {
		id := GroupID{partition, fileID}
		if s := v.slices(f, id, groups[fileID]); len(s) > 0 {
			out = append(out, FileGroup{GroupID: id, Slices: s, ReplacedAt: f.replaced[id]})
		}
	}
	return out, nil
}

// PendingCompactions returns the file slices that pending compactions are going to merge.
// The caller must not change the map.
func (v *View) PendingCompactions(ctx context.Context) (map[GroupID]PendingCompaction, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f, err := v.learned(ctx)
	if err != nil {
		return nil, err
	}
	return f.compactions, nil
}

// PendingClusterings returns the instants of the clusterings that are going to replace file
// groups.
func (v *View) PendingClusterings(ctx context.Context) (map[GroupID]string, error) {
	out := map[GroupID]string{}
	for _, i := range v.timeline.Pending() {
		plan, err := v.timeline.PendingClustering(ctx, i)
		if err != nil {
			return nil, err
		}
		if plan == nil {
			continue
		}
		for partition, fileID := range plan.Groups {
			out[GroupID{partition, fileID}] = i.Time
		}
	}
	return out, nil
}

// ReplacedAt returns the requested times of the completed replace commits that hide file
// groups. The caller must not change the map.
func (v *View) ReplacedAt(ctx context.Context) (map[GroupID]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f, err := v.learned(ctx)
	if err != nil {
		return nil, err
	}
	return f.replaced, nil
}

// Committed returns a test whether the write of a requested time counts as completed, for
// the blocks of log files and the rows of base files.
func (v *View) Committed(ctx context.Context) (func(instant string) bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f, err := v.learned(ctx)
	if err != nil {
		return nil, err
	}
	return func(instant string) bool { return v.committed(f, instant) }, nil
}

// each calls pick for every file group of a partition that is not replaced as of at, and
// returns the slices that it wants.
func (v *View) each(ctx context.Context, partition, at string, pick func(*facts, GroupID, *files) (FileSlice, bool)) ([]FileSlice, error) {
	f, groups, err := v.load(ctx, partition)
	if err != nil {
		return nil, err
	}
	out := make([]FileSlice, 0, len(groups))
	for _, fileID := range slices.Sorted(maps.Keys(groups)) {
		id := GroupID{partition, fileID}
		if r, ok := f.replaced[id]; ok && before(r, at) {
			continue
		}
		if s, ok := pick(f, id, groups[fileID]); ok {
			out = append(out, s)
		}
	}
	return out, nil
}

// before reports whether an instant is at or before at; "" is the end of time.
func before(instant, at string) bool { return at == "" || instant <= at }

// committed reports whether the files of an instant count. An instant before the start of
// the timeline does (it is archived), unless a rollback says that it was undone.
func (v *View) committed(f *facts, instant string) bool {
	return v.timeline.ContainsOrBefore(instant) && !(f.undone[instant] && v.timeline.BeforeStart(instant))
}

// completion is the completion time of a write. That of an archived one is taken to be its
// requested time where no base file makes a difference (needsArchive), and where the archive
// does not know it.
func (v *View) completion(instant string) (string, bool) {
	if c, ok := v.timeline.CompletionOf(instant); ok {
		return c, true
	}
	if known := v.archived.Load(); known != nil {
		if c, ok := (*known)[instant]; ok {
			return c, true
		}
	}
	return instant, v.timeline.BeforeStart(instant)
}

// needsArchive reports whether the slice of a log depends on the completion time of an
// archived write: a base file lies after the log's requested time, and whether the log came
// before or after it the archive alone can tell.
func (v *View) needsArchive(groups map[string]*files) bool {
	if v.config.Layout() != timeline.Layout2 {
		return false
	}
	for _, g := range groups {
		if len(g.bases) == 0 {
			continue
		}
		last := g.bases[len(g.bases)-1].Instant
		for _, l := range g.logs {
			if l.Name.Time < last && v.timeline.BeforeStart(l.Name.Time) {
				return true
			}
		}
	}
	return false
}

// visible keeps the files of writes that count and were requested at or before at.
func (v *View) visible(f *facts, g *files, at string) *files {
	counts := func(instant string) bool { return before(instant, at) && v.committed(f, instant) }
	out := &files{}
	for _, b := range g.bases {
		if counts(b.Instant) {
			out.bases = append(out.bases, b)
		}
	}
	for _, l := range g.logs {
		if counts(l.Name.Time) {
			out.logs = append(out.logs, l)
		}
	}
	return out
}

// slices returns a group's committed slices, the newest first, the markers of pending
// compactions included.
func (v *View) slices(f *facts, id GroupID, g *files) []FileSlice {
	if v.config.Layout() == timeline.Layout1 {
		return v.byName(f, id, g, "")
	}
	s := newSlicer(id)
	s.byCompletion(v.visible(f, g, ""), f.compactions[id].Time, v.completion)
	return s.newestFirst()
}

// byName returns the slices of a group of table version 6 as of at, the newest first. The
// name of a log only tells its slice, which counts if its instant is committed or that of
// a pending compaction.
func (v *View) byName(f *facts, id GroupID, g *files, at string) []FileSlice {
	counted := &files{logs: g.logs}
	for _, b := range g.bases {
		if v.committed(f, b.Instant) {
			counted.bases = append(counted.bases, b)
		}
	}
	s := newSlicer(id)
	s.byName(counted, f.compactions[id].Time)
	return slices.DeleteFunc(s.newestFirst(), func(s FileSlice) bool {
		return !before(s.BaseInstant, at) || !f.pending[s.BaseInstant] && !v.committed(f, s.BaseInstant)
	})
}

// learned returns the facts. The caller holds mu.
func (v *View) learned(ctx context.Context) (*facts, error) {
	if v.facts == nil {
		f, err := learn(ctx, v.timeline)
		if err != nil {
			return nil, err
		}
		v.facts = f
	}
	return v.facts, nil
}

// load returns the facts and the parsed listing of a partition.
func (v *View) load(ctx context.Context, partition string) (*facts, map[string]*files, error) {
	v.mu.Lock()
	f, err := v.learned(ctx)
	groups, ok := v.files[partition]
	v.mu.Unlock()
	if err != nil || ok {
		return f, groups, err
	}
	entries, err := v.lister.Files(ctx, partition)
	if err != nil {
		return nil, nil, err
	}
	groups = parseFiles(entries, v.config.BaseExt())
	if v.archived.Load() == nil && v.needsArchive(groups) {
		known, err := v.timeline.ArchivedCompletions(ctx)
		if err != nil {
			return nil, nil, err
		}
		v.archived.Store(&known)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.files[partition] = groups
	return f, groups, nil
}
