package timeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// Timeline is a picture of the active timeline. It is safe for concurrent use.
type Timeline struct {
	store storage.Store
	dir   string
	// archive is the folder of the archived timeline.
	archive string
	layout  Layout
	loc     *time.Location

	instants []Instant                // sorted by time, action, state; the highest state of each
	files    map[string]storage.Entry // every timeline file, by name
	index    map[key]int              // into instants
	start    string                   // see ContainsOrBefore; "" on a timeline without writes
	contents *contents
	times    archivedTimes
}

// key identifies an instant whatever its state: a compaction and the commit that it
// completes as are one.
type key struct {
	time   string
	action Action
}

// Load reads the names of the active timeline in the layout's own folder. loc is the
// zone of the timeline, in which completion times are rendered where they come from
// modification times. A missing folder is an empty timeline.
func Load(ctx context.Context, st storage.Store, layout Layout, loc *time.Location) (*Timeline, error) {
	return LoadDir(ctx, st, layout.Dir(), layout.ArchiveDir(), layout, loc)
}

// LoadDir is Load with the timeline, and its archive, in other folders of the table
// (hoodie.timeline.path, hoodie.timeline.history.path, hoodie.archivelog.folder).
func LoadDir(ctx context.Context, st storage.Store, dir, archive string, layout Layout, loc *time.Location) (*Timeline, error) {
	if layout != Layout1 && layout != Layout2 {
		return nil, fmt.Errorf("timeline: layout version %d; this library knows 1 and 2: %w", layout, base.ErrUnsupported)
	}
	t := &Timeline{store: st, dir: dir, archive: archive, layout: layout, loc: loc, contents: newContents()}
	return t.Reload(ctx)
}

// Reload takes a new picture of the folder. Contents that were read before are kept.
func (t *Timeline) Reload(ctx context.Context) (*Timeline, error) {
	entries, err := t.store.List(ctx, t.dir)
	if err != nil {
		return nil, fmt.Errorf("timeline: list %s of %s: %w", t.dir, t.store.URI(), err)
	}
	n := &Timeline{store: t.store, dir: t.dir, archive: t.archive, layout: t.layout, loc: t.loc, contents: t.contents}
	n.fill(entries)
	return n, nil
}

// fill builds the picture from a listing.
func (t *Timeline) fill(entries []storage.Entry) {
	t.files = make(map[string]storage.Entry, len(entries))
	t.index = make(map[key]int)
	for _, e := range entries {
		if e.Dir {
			continue
		}
		i, ok := t.layout.ParseFileName(e.Name)
		if !ok {
			continue
		}
		if i.Done() && i.Completion == "" {
			i.Completion = base.FormatInstant(e.ModTime, t.loc)
		}
		t.files[e.Name] = e
		k := key{i.Time, i.Action.Completed()}
		at, seen := t.index[k]
		switch {
		case !seen:
			t.index[k] = len(t.instants)
			t.instants = append(t.instants, i)
		case i.State > t.instants[at].State:
			t.instants[at] = i
		}
	}
	slices.SortFunc(t.instants, Instant.compare)
	saved := make(map[string]bool)
	for at, i := range t.instants {
		t.index[key{i.Time, i.Action.Completed()}] = at
		if i.Action == Savepoint {
			saved[i.Time] = true
		}
	}
	for _, i := range t.instants {
		if i.Action.Writes() && !saved[i.Time] {
			t.start = i.Time
			break
		}
	}
}

// Layout is the timeline's layout.
func (t *Timeline) Layout() Layout { return t.layout }

// Location is the zone in which the table's instant times are written.
func (t *Timeline) Location() *time.Location { return t.loc }

// Instants returns every instant in the order of requested times, each once, in its
// highest state. The caller must not change the slice.
func (t *Timeline) Instants() []Instant { return t.instants }

// Select returns the instants that keep accepts, in the order of requested times.
func (t *Timeline) Select(keep func(Instant) bool) []Instant {
	var out []Instant
	for _, i := range t.instants {
		if keep(i) {
			out = append(out, i)
		}
	}
	return out
}

// Completed returns the completed instants in the order of requested times.
func (t *Timeline) Completed() []Instant { return t.Select(Instant.Done) }

// Pending returns the instants that are not completed in the order of requested times.
func (t *Timeline) Pending() []Instant {
	return t.Select(func(i Instant) bool { return !i.Done() })
}

// Writes returns the instants that make data files, in any state.
func (t *Timeline) Writes() []Instant {
	return t.Select(func(i Instant) bool { return i.Action.Writes() })
}

// CompletedWrites returns the completed instants that made data files.
func (t *Timeline) CompletedWrites() []Instant {
	return t.Select(func(i Instant) bool { return i.Done() && i.Action.Writes() })
}

// Find returns the instant of a requested time and an action, in its highest state. A
// compaction is found as Compaction and as Commit, and so on.
func (t *Timeline) Find(time string, action Action) (Instant, bool) {
	at, ok := t.index[key{time, action.Completed()}]
	if !ok {
		return Instant{}, false
	}
	return t.instants[at], true
}

// Has reports whether the file of an instant's state is in the folder: a completed
// compaction still has its compaction.requested, a commit has none. Not for Completed.
func (t *Timeline) Has(time string, action Action, state State) bool {
	_, ok := t.files[t.layout.FileName(time, action, state, "")]
	return ok
}

// findWrite returns the instant of a requested time that makes data files.
func (t *Timeline) findWrite(time string) (Instant, bool) {
	for _, a := range [...]Action{DeltaCommit, Commit, ReplaceCommit} {
		if i, ok := t.Find(time, a); ok {
			return i, true
		}
	}
	return Instant{}, false
}

// CompletionOf returns the completion time of a write that completed on the active
// timeline.
func (t *Timeline) CompletionOf(time string) (string, bool) {
	i, ok := t.findWrite(time)
	if !ok || !i.Done() {
		return "", false
	}
	return i.Completion, true
}

// BeforeStart reports whether a requested time lies before the first write on the active
// timeline that has no savepoint, so that its instant, if there was one, is archived.
func (t *Timeline) BeforeStart(time string) bool { return time < t.start }

// ContainsOrBefore reports whether the write of a requested time is committed: completed
// on the active timeline, or archived, which only completed writes are. A write that is
// pending on the timeline is not.
func (t *Timeline) ContainsOrBefore(time string) bool {
	if i, ok := t.findWrite(time); ok {
		return i.Done()
	}
	return t.BeforeStart(time)
}

// LastCompletedWrite returns the completed write with the greatest requested time.
func (t *Timeline) LastCompletedWrite() (Instant, bool) {
	for _, i := range slices.Backward(t.instants) {
		if i.Done() && i.Action.Writes() {
			return i, true
		}
	}
	return Instant{}, false
}

// FirstPendingWrite returns the write with the least requested time that is not completed.
func (t *Timeline) FirstPendingWrite() (Instant, bool) {
	for _, i := range t.instants {
		if !i.Done() && i.Action.Writes() {
			return i, true
		}
	}
	return Instant{}, false
}

// Last returns the greatest time on the timeline, requested or completion, "" if it is
// empty. A new instant's time must be greater.
func (t *Timeline) Last() string {
	last := ""
	for _, i := range t.instants {
		last = max(last, i.Time, i.Completion)
	}
	return last
}
