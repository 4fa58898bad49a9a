package timeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sync"

	"github.com/hudi-go/hudi-go/internal/base"
)

// ArchiveDir is the default folder of the archived timeline, relative to the table.
func (l Layout) ArchiveDir() string {
	if l == Layout1 {
		return base.MetaFolder + "/archived"
	}
	return base.MetaFolder + "/timeline/history"
}

// ArchivedWrite is a write that has left the active timeline, with what it did.
type ArchivedWrite struct {
	Instant
	Commit *CommitMetadata
}

// archived is one entry of the archive. In Layout1 it is one state of an instant, in
// Layout2 the completed instant. Its contents are decoded when they are asked for, and nil
// when the archive has none or the scan left them out.
type archived struct {
	Instant
	result, plan func() (any, error)
}

// archiveScan says what to read of an archive.
type archiveScan struct {
	from     string // least requested time
	contents bool   // results and plans too
}

// scanArchive yields the archive's entries in no promised order. The same entry may come
// twice: archives are merged and cleaned up behind the back of their readers.
func (t *Timeline) scanArchive(ctx context.Context, o archiveScan) iter.Seq2[archived, error] {
	if t.layout == Layout1 {
		return t.archiveLogs(ctx)
	}
	return t.history(ctx, o)
}

// Archived returns the instants that have left the active timeline, in the order of
// requested times, each once, in its highest state. There are none that the picture of the
// active timeline has. A table that has never archived anything has none.
func (t *Timeline) Archived(ctx context.Context) ([]Instant, error) {
	found := map[key]Instant{}
	for a, err := range t.scanArchive(ctx, archiveScan{}) {
		if err != nil {
			return nil, t.inArchive(err)
		}
		k := key{a.Time, a.Action.Completed()}
		if old, seen := found[k]; !seen || a.State > old.State {
			found[k] = a.Instant
		}
	}
	var out []Instant
	for k, i := range found {
		if _, active := t.index[k]; !active {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, Instant.compare)
	return out, nil
}

// ArchivedWrites returns the completed writes that have left the active timeline and were
// requested at or after from ("" for all), in the order of requested times.
func (t *Timeline) ArchivedWrites(ctx context.Context, from string) ([]ArchivedWrite, error) {
	var out []ArchivedWrite
	for w, err := range t.EachArchivedWrite(ctx, from) {
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b ArchivedWrite) int { return a.compare(b.Instant) })
	return out, nil
}

// EachArchivedWrite yields what ArchivedWrites returns, each write once and in no promised
// order, without holding them all.
func (t *Timeline) EachArchivedWrite(ctx context.Context, from string) iter.Seq2[ArchivedWrite, error] {
	return func(yield func(ArchivedWrite, error) bool) {
		found := map[key]bool{}
		for a, err := range t.scanArchive(ctx, archiveScan{from: from, contents: true}) {
			if err != nil {
				yield(ArchivedWrite{}, t.inArchive(err))
				return
			}
			k := key{a.Time, a.Action.Completed()}
			if _, active := t.index[k]; active || found[k] || !a.Done() || !a.Action.Writes() || a.Time < from {
				continue
			}
			v, err := a.result()
			if err != nil {
				yield(ArchivedWrite{}, t.inArchive(err))
				return
			}
			m, ok := v.(*CommitMetadata)
			if !ok || m == nil {
				yield(ArchivedWrite{}, t.inArchive(fmt.Errorf("%s of %s has no commit metadata: %w", a.Instant, a.File, base.ErrCorrupt)))
				return
			}
			if err := m.check(); err != nil {
				yield(ArchivedWrite{}, t.inArchive(fmt.Errorf("%s of %s: %w", a.Instant, a.File, err)))
				return
			}
			found[k] = true
			if !yield(ArchivedWrite{a.Instant, m}, nil) {
				return
			}
		}
	}
}

// ArchivedDocuments returns the contents that the archive keeps of the instants of a
// requested time as Document does: of each what it did, and before that its plan, if it has
// one of its own. There are none when the archive has no such instant.
func (t *Timeline) ArchivedDocuments(ctx context.Context, time string) ([][]byte, error) {
	type content struct {
		key
		state State
	}
	seen := map[content]bool{}
	var out [][]byte
	for a, err := range t.scanArchive(ctx, archiveScan{from: time, contents: true}) {
		if err != nil {
			return nil, t.inArchive(err)
		}
		for state, read := range map[State]func() (any, error){Requested: a.plan, Completed: a.result} {
			c := content{key{a.Time, a.Action.Completed()}, state}
			if a.Time != time || read == nil || seen[c] {
				continue
			}
			v, err := read()
			if err != nil {
				return nil, t.inArchive(err)
			}
			seen[c] = true
			text := encodeJSON(v)
			if state == Requested {
				out = slices.Insert(out, 0, text)
			} else {
				out = append(out, text)
			}
		}
	}
	return out, nil
}

func (t *Timeline) inArchive(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("timeline: archive %s of %s: %w", t.archive, t.store.URI(), err)
}

// archivedTimes are the completion times of archived writes, read once for a picture.
type archivedTimes struct {
	mu    sync.Mutex
	known map[string]string
}

// ArchivedCompletions returns the completion times of the archived writes by requested
// time. The caller must not change the map.
func (t *Timeline) ArchivedCompletions(ctx context.Context) (map[string]string, error) {
	t.times.mu.Lock()
	defer t.times.mu.Unlock()
	if t.times.known != nil {
		return t.times.known, nil
	}
	all, err := t.Archived(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]string, len(all))
	for _, i := range all {
		if i.Done() && i.Action.Writes() {
			known[i.Time] = i.Completion
		}
	}
	t.times.known = known
	return known, nil
}

// archiveTries is how often a scan begins anew because an archive was compacted meanwhile.
const archiveTries = 3

// retried runs a scan of files that a compaction of the archive may remove until it meets
// no such gap. What was yielded before is yielded again.
func retried[T any](scan func(yield func(T, error) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for try := 1; ; try++ {
			err := scan(yield)
			if errors.Is(err, fs.ErrNotExist) && try < archiveTries {
				continue
			}
			if err != nil {
				var none T
				yield(none, err)
			}
			return
		}
	}
}

// compareArchiveFiles orders the numbered files of an archive.
func compareArchiveFiles(a, b archiveFile) int { return cmp.Compare(a.number, b.number) }

// archiveFile is a numbered file of an archive.
type archiveFile struct {
	name   string
	number int64
}
