package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Metadata is a table's metadata table in the hands of whoever holds the table's lock,
// which guards both. Its instants have the times of the table's; they complete before
// those, and count when those are completed (docs/adr/0009-metadata-table-writing.md).
type Metadata struct {
	// Of is the configuration of the table.
	Of *table.Config
	// Table is the metadata table as a table of its own, Timeline its timeline.
	Table    *table.Handle
	Timeline *timeline.Timeline

	held *lock.Held  // while services run
	view *table.View // of Timeline
}

// OpenMetadata opens the metadata table that every change of a table must be noted in, nil
// if there is none. tl is the table's timeline.
func OpenMetadata(ctx context.Context, h *table.Handle, tl *timeline.Timeline) (*Metadata, error) {
	c, err := table.LoadConfig(ctx, h.Store)
	if err != nil {
		return nil, err
	}
	return openMetadata(ctx, h, c, tl)
}

func openMetadata(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline) (*Metadata, error) {
	if !slices.Contains(c.MetadataPartitions, metadata.Files) {
		return nil, nil
	}
	m, err := metadataAt(ctx, h, c, tl)
	if errors.Is(err, base.ErrNotTable) || err == nil && len(m.Timeline.CompletedWrites()) == 0 {
		return nil, fmt.Errorf("txn: the properties of %s name a metadata table, and its folder holds none; hoodie.metadata.enable=false forgets it: %w", h.Store.URI(), base.ErrCorrupt)
	}
	return m, err
}

// metadataAt opens the metadata table in its folder.
func metadataAt(ctx context.Context, h *table.Handle, of *table.Config, tl *timeline.Timeline) (*Metadata, error) {
	st := storage.Sub(h.Store, metadata.Folder)
	c, err := table.LoadConfig(ctx, st)
	if err != nil {
		return nil, fmt.Errorf("txn: metadata table: %w", err)
	}
	if c.Version != of.Version {
		return nil, fmt.Errorf("txn: the metadata table of %s has version %d, and the table %d: drop it with hudictl metadata drop: %w", h.Store.URI(), c.Version, of.Version, base.ErrUnsupported)
	}
	c.UTC = of.UTC // it has no zone of its own
	own := *h
	own.Store, own.Config, own.Zone, own.Metadata = st, c, tl.Location(), table.MetadataKeep
	m := &Metadata{Of: of, Table: &own}
	if m.Timeline, err = own.Timeline(ctx); err != nil {
		return nil, fmt.Errorf("txn: metadata table: %w", err)
	}
	m.view = own.View(m.Timeline)
	return m, nil
}

// overtaken tells whether a write is completed that has begun later.
func overtaken(tl *timeline.Timeline, instant string) bool {
	return slices.ContainsFunc(tl.CompletedWrites(), func(i timeline.Instant) bool { return i.Time > instant })
}

// noteMetadata notes an instant that is about to be completed in the metadata table.
func noteMetadata(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, instant string, note Note) error {
	m, err := openMetadata(ctx, h, c, tl)
	if err != nil || m == nil {
		return err
	}
	late := overtaken(tl, instant)
	u, err := note(metadata.Source{Store: h.Store, Config: c, Timeline: tl, Own: m.view, Instant: instant, Late: late})
	if err != nil {
		return fmt.Errorf("txn: metadata table of instant %s: %w", instant, err)
	}
	if late {
		if err := m.noteOvertaken(ctx, tl, instant, u.Overtaken()); err != nil {
			return err
		}
	}
	return m.Apply(ctx, instant, u)
}

// noteOvertaken notes what an overtaken instant adds to the statistics of partitions, nil for
// nothing, at a time of its own: they are read in the order of times, and those of a later instant
// may stand for all files that there were. They are true already, as they only get wider.
func (m *Metadata) noteOvertaken(ctx context.Context, tl *timeline.Timeline, instant string, u *metadata.Update) error {
	if u == nil {
		return nil
	}
	if i, begun := m.Timeline.Find(instant, timeline.DeltaCommit); begun && i.Done() {
		return nil // noted before
	}
	at, err := m.completion(tl.Last())
	if err != nil {
		return err
	}
	// The table does not know this time, and no writer must be given it, even if this one dies
	// right after it is noted.
	taken, err := base.ParseInstant(at, tl.Location())
	if err != nil {
		return err
	}
	if err := wait(ctx, taken.Sub(m.Table.Clock())+m.Table.Skew+time.Millisecond); err != nil {
		return err
	}
	if err := m.Apply(ctx, at, u); err != nil {
		return err
	}
	return m.Reload(ctx)
}

// Apply notes an instant of the table that is about to be completed. A delta commit of that
// time that is completed stands: it was made of the same instant. One that is pending is
// made again. After an error the instant must not be completed, and is undone as usual.
func (m *Metadata) Apply(ctx context.Context, instant string, u *metadata.Update) error {
	i, begun := m.Timeline.Find(instant, timeline.DeltaCommit)
	if begun && i.Done() {
		return nil
	}
	err := m.apply(ctx, instant, begun, u)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, base.ErrUnknownOutcome):
		// Whether it is there or not, it does not count: the table's instant will not be completed.
		return fmt.Errorf("txn: metadata table of instant %s: %v", instant, err) //nolint:errorlint // see above
	}
	return fmt.Errorf("txn: metadata table of instant %s: %w", instant, err)
}

func (m *Metadata) apply(ctx context.Context, instant string, begun bool, u *metadata.Update) error {
	if begun {
		if err := m.removeLogs(ctx, instant, u); err != nil {
			return err
		}
	}
	w := m.writer(instant)
	w.Again = begun
	if !begun {
		if err := m.Timeline.Request(ctx, instant, timeline.DeltaCommit, nil); err != nil {
			return err
		}
	}
	if !m.Timeline.Has(instant, timeline.DeltaCommit, timeline.Inflight) {
		plan := map[string][]*timeline.WriteStat{}
		if m.Table.Config.SliceLogs() { // by which the log files of a dead writer are found
			var err error
			if plan, err = w.Plan(ctx, u); err != nil {
				return err
			}
		}
		content, err := (&timeline.CommitMetadata{
			PartitionToWriteStats: plan, ExtraMetadata: map[string]string{}, OperationType: timeline.OpUpsertPrepped,
		}).Encode(m.Timeline.Layout())
		if err != nil {
			return err
		}
		if err := m.Timeline.Inflight(ctx, instant, timeline.DeltaCommit, content); err != nil {
			return err
		}
	}
	stats, err := w.Logs(ctx, u)
	if err != nil {
		return err
	}
	return m.complete(ctx, w, timeline.DeltaCommit, stats, timeline.OpUpsertPrepped)
}

// writer makes files of the metadata table. The time in HFiles follows from the instant, so
// that a second try makes the same bytes.
func (m *Metadata) writer(instant string) *metadata.Writer {
	return &metadata.Writer{Store: m.Table.Store, View: m.view, Instant: instant, Created: createdAt(instant, m.Timeline.Location())}
}

// complete completes a writer's instant.
func (m *Metadata) complete(ctx context.Context, w *metadata.Writer, action timeline.Action, stats map[string][]*timeline.WriteStat, operation string) error {
	meta, err := w.CommitMetadata(stats, operation)
	if err != nil {
		return err
	}
	content, err := meta.Encode(m.Timeline.Layout())
	if err != nil {
		return err
	}
	completion, err := m.completion(w.Instant)
	if err != nil {
		return err
	}
	return m.Timeline.Complete(ctx, w.Instant, action, completion, content)
}

// completion is a time after every instant of the metadata table, and after one that this
// picture of the timeline does not have yet.
func (m *Metadata) completion(instant string) (string, error) {
	t, err := NextTime(m.Table, m.Timeline)
	if err != nil || t > instant {
		return t, err
	}
	at, err := base.ParseInstant(instant, m.Timeline.Location())
	if err != nil {
		return "", err
	}
	return base.FormatInstant(at.Add(time.Millisecond), m.Timeline.Location()), nil
}

// removeLogs removes log files that an earlier try has left, of whatever writer. In version 6
// names do not tell the instant; our own are replaced, and another's have the same records.
func (m *Metadata) removeLogs(ctx context.Context, instant string, u *metadata.Update) error {
	if m.Table.Config.SliceLogs() {
		return nil
	}
	for _, partition := range u.Partitions() {
		entries, err := m.Table.Store.List(ctx, partition)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if _, isLog := base.ParseLogFileName(e.Name); !isLog || !Writes(e, instant) {
				continue // a base file of that time is a compaction's
			}
			if err := m.Table.Store.Delete(ctx, e.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// The times at which the partitions of a new metadata table begin.
const (
	firstInstant   = "00000000000000000" // from version 8 on
	noInstant      = "00000000000000"    // version 6, for a table without instants
	firstBeginning = 10                  // version 6, three digits after the newest instant; others follow
)

// errPending refuses a metadata table for now.
var errPending = fmt.Errorf("try again when it has finished: %w", base.ErrConflict)

// InitMetadata gives a table a metadata table. One that has one already wraps
// base.ErrInvalid, and in version 6 a pending instant base.ErrConflict.
func InitMetadata(ctx context.Context, h *table.Handle) error {
	making := *h
	making.Metadata = table.MetadataMake
	budget := mem.NewBudget(recordBudget, "")
	records := newRecords(&making)
	defer records.close()
	if err := records.build(ctx, &making, budget); err != nil {
		return fmt.Errorf("txn: build the record index of %s: %w", h.Store.URI(), err)
	}
	return locked(ctx, h, func(c *table.Config, tl *timeline.Timeline, held *lock.Held) error {
		if slices.Contains(c.MetadataPartitions, metadata.Files) {
			return fmt.Errorf("txn: %s has a metadata table already; to make it anew, drop it first: %w", h.Store.URI(), base.ErrInvalid)
		}
		if err := makeMetadata(ctx, h, c, tl, held); err != nil {
			return err
		}
		if err := completeIndexes(ctx, h, c, tl, held, nil); err != nil {
			return err
		}
		if err := beginRecords(ctx, &making, c, tl, held, records, budget); err != nil {
			return fmt.Errorf("txn: begin the record index of %s: %w", h.Store.URI(), err)
		}
		return nil
	})
}

// DropMetadata takes a table's metadata table away. Writers list folders from then on.
func DropMetadata(ctx context.Context, h *table.Handle) error {
	dropping := *h
	dropping.Metadata = table.MetadataDrop
	return Locked(ctx, &dropping, func(*timeline.Timeline, *lock.Held) error { return nil })
}

// makeMetadata gives a table a metadata table: what is there, in the partition files. As long
// as the table's properties do not name it, which comes last, nobody looks at it. Listing a large
// table may outlast a lease, and what others have done meanwhile must stay. In
// version 6, where log files do not tell who wrote them, errPending says that an instant is
// pending.
func makeMetadata(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held) error {
	fail := func(err error) error { return fmt.Errorf("txn: make the metadata table of %s: %w", h.Store.URI(), err) }
	if c.SliceLogs() && len(tl.Pending()) > 0 {
		return fail(fmt.Errorf("the instant %s is pending, whose log files cannot be told from others in version %d: %w", tl.Pending()[0], c.Version, errPending))
	}
	files, err := metadata.List(ctx, h.Store, c, tl)
	if err != nil {
		return fail(err)
	}
	if err := Holding(held); err != nil {
		return fail(err)
	}
	if err := h.Store.DeleteDir(ctx, metadata.Folder); err != nil {
		return fail(err)
	}
	if err := table.CreateMetadata(ctx, storage.Sub(h.Store, metadata.Folder), c.Name, c.Version, h.Clock); err != nil {
		return fail(err)
	}
	m, err := metadataAt(ctx, h, c, tl)
	if err != nil {
		return fail(err)
	}
	if err := m.begin(ctx, beginning(c, tl, 0), metadata.Files, metadata.Listing(c.Version, files)); err != nil {
		return fail(err)
	}
	if err := Holding(held); err != nil {
		return fail(err)
	}
	if err := c.SetMetadataPartitions(ctx, h.Store, []string{metadata.Files}, h.Clock); err != nil {
		return fail(err)
	}
	return nil
}

// beginning is the n-th time, from 0, at which a partition of the metadata table may begin.
func beginning(c *table.Config, tl *timeline.Timeline, n int) string {
	if !c.SliceLogs() {
		return fmt.Sprintf("%0*d", len(firstInstant), n)
	}
	return fmt.Sprintf("%s%03d", lastCompleted(tl), firstBeginning+n)
}

// lastCompleted is the time of the newest completed instant.
func lastCompleted(tl *timeline.Timeline) string {
	last := noInstant
	for _, i := range tl.Completed() {
		last = i.Time
	}
	return last
}

// begin makes the file groups of a partition as an instant of the metadata table.
func (m *Metadata) begin(ctx context.Context, instant, partition string, u *metadata.Update) error {
	return m.beginWith(ctx, instant, partition, func(w *metadata.Writer) ([]*timeline.WriteStat, error) { return w.Begin(ctx, partition, u) })
}

// beginWith makes the file groups of a partition as an instant of the metadata table; files
// writes them.
func (m *Metadata) beginWith(ctx context.Context, instant, partition string, files func(*metadata.Writer) ([]*timeline.WriteStat, error)) error {
	if err := m.Timeline.Request(ctx, instant, timeline.DeltaCommit, nil); err != nil {
		return err
	}
	if err := m.Timeline.Inflight(ctx, instant, timeline.DeltaCommit, nil); err != nil {
		return err
	}
	t := Txn{Instant: instant, table: m.Table}
	if err := t.Partition(ctx, partition); err != nil {
		return err
	}
	w := m.writer(instant)
	stats, err := files(w)
	if err != nil {
		return err
	}
	return m.complete(ctx, w, timeline.DeltaCommit, map[string][]*timeline.WriteStat{partition: stats}, timeline.OpBulkInsert)
}
