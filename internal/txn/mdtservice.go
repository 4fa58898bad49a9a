package txn

import (
	"context"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// LockedMetadata runs f with a table's metadata table, if there is one, while it holds the
// table's lock. tl is the table's timeline.
func LockedMetadata(ctx context.Context, h *table.Handle, f func(tl *timeline.Timeline, m *Metadata) error) error {
	return locked(ctx, h, func(c *table.Config, tl *timeline.Timeline, held *lock.Held) error {
		m, err := openMetadata(ctx, h, c, tl)
		if err != nil || m == nil {
			return err
		}
		m.held = held
		return f(tl, m)
	})
}

// The suffixes that make the times of services of a metadata table of version 6.
const (
	CompactionSuffix = "001"
	CleanSuffix      = "002"
)

// ServiceTime is the time of a new service of the metadata table: in version 6 that of the
// newest delta commit with a suffix, from version 8 on a time after every instant of both.
func (m *Metadata) ServiceTime(tl *timeline.Timeline, suffix string) (string, error) {
	if m.Table.Config.SliceLogs() {
		return m.newest() + suffix, nil
	}
	return m.completion(tl.Last())
}

// newest is the time of the newest completed delta commit.
func (m *Metadata) newest() string {
	last := ""
	for _, i := range m.Timeline.CompletedWrites() {
		if i.Action == timeline.DeltaCommit {
			last = i.Time
		}
	}
	return last
}

// Settled tells whether a base file may take in everything that is in the metadata table:
// none of it belongs to an instant of the table that is pending and may be undone. Version
// 6 knows no order of completion, so that there nothing older may be pending either.
func (m *Metadata) Settled(tl *timeline.Timeline) bool {
	for _, i := range m.Timeline.Pending() {
		if i.Action == timeline.LogCompaction { // it is about to replace logs
			return false
		}
	}
	newest := m.newest()
	for _, i := range tl.Pending() {
		if m.Table.Config.SliceLogs() && i.Time <= newest {
			return false
		}
		if _, noted := m.Timeline.Find(i.Time, timeline.DeltaCommit); noted {
			return false
		}
	}
	return true
}

// Reload takes a new picture of the metadata table's timeline.
func (m *Metadata) Reload(ctx context.Context) error {
	tl, err := m.Timeline.Reload(ctx)
	if err == nil {
		m.Timeline, m.view = tl, m.Table.View(tl)
	}
	return err
}

// Writer makes the files of an instant of the metadata table.
func (m *Metadata) Writer(instant string) *metadata.Writer { return m.writer(instant) }

// Compacted completes a compaction of the metadata table.
func (m *Metadata) Compacted(ctx context.Context, w *metadata.Writer, stats map[string][]*timeline.WriteStat) error {
	if err := m.holds(w.Instant); err != nil {
		return err
	}
	return m.complete(ctx, w, timeline.Compaction, stats, timeline.OpCompact)
}

// Cleaned completes a clean of the metadata table.
func (m *Metadata) Cleaned(ctx context.Context, instant string, content []byte) error {
	if err := m.holds(instant); err != nil {
		return err
	}
	completion, err := m.completion(instant)
	if err != nil {
		return err
	}
	return m.Timeline.Complete(ctx, instant, timeline.Clean, completion, content)
}

// holds makes sure that the lock has outlasted the work on an instant.
func (m *Metadata) holds(instant string) error {
	if err := m.Holding(); err != nil {
		return fmt.Errorf("txn: metadata table of %s, %s: %w", m.Of.Name, instant, err)
	}
	return nil
}

// Holding makes sure that the lock of services has outlasted what was done under it.
func (m *Metadata) Holding() error { return Holding(m.held) }

// Holding makes sure that a lock has outlasted what was done under it.
func Holding(held *lock.Held) error {
	if held.Valid(publishMargin) {
		return nil
	}
	return fmt.Errorf("the lock was lost, others may have gone on; try again: %w", base.ErrConflict)
}

// MetadataTimeline loads the timeline of a table's metadata table, an empty one where there is
// none.
func MetadataTimeline(ctx context.Context, h *table.Handle) (*timeline.Timeline, error) {
	return timeline.Load(ctx, storage.Sub(h.Store, metadata.Folder), h.Config.Layout(), h.Config.Location(h.Zone))
}
