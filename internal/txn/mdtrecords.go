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
	"github.com/hudi-go/hudi-go/internal/recordindex"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// recordBudget bounds the keys of the record index where nobody says how much memory there is.
const recordBudget = 64 << 20

// Records begins to gather what the transaction changes in the table's record index, nil if it
// has none. The writer of the files says what it puts where and what is gone; sorting and
// encoding are done before the lock is taken. Without a call of it that is read from the files,
// under the lock.
func (t *Txn) Records(ctx context.Context, budget *mem.Budget) (*metadata.Records, error) {
	// A plan that is taken up again has its changes read from its files.
	if t.config == nil || !slices.Contains(t.config.MetadataPartitions, metadata.RecordIndex) {
		return nil, nil
	}
	m, err := openMetadata(ctx, t.table, t.config, t.begun)
	if err != nil || m == nil {
		return nil, err
	}
	t.records, err = m.records(ctx, t.table, t.Instant, budget)
	return t.records, err
}

// Metadata opens the table's metadata table as it was when the transaction began: without what
// others have noted since, which may yet be undone. The caller closes it.
func (t *Txn) Metadata(ctx context.Context) (*metadata.Table, error) {
	m, err := metadata.Open(ctx, t.table.Store, t.config, t.begun)
	if err != nil {
		return nil, err
	}
	if err := m.UpTo(t.Instant); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// records begins to gather changes of the record index as it is now.
func (m *Metadata) records(ctx context.Context, h *table.Handle, instant string, budget *mem.Budget) (*metadata.Records, error) {
	partitioned, err := metadata.RecordsPartitioned(ctx, h.Store, m.Of)
	if err != nil {
		return nil, err
	}
	least := int64(0)
	if h.RecordIndex != nil {
		least = h.RecordIndex.Least
	}
	layout, err := m.writer(instant).RecordLayout(ctx, partitioned, metadata.EstimateGroups(0, partitioned, least, 0))
	if err != nil {
		return nil, err
	}
	return metadata.NewRecords(m.Of.Version, m.Timeline.Location(), layout, budget), nil
}

// prepareRecords sorts and encodes the changes that the writer has told, and those of the file
// groups that its commit replaces. The lock is not held.
func (t *Txn) prepareRecords(ctx context.Context, meta *timeline.CommitMetadata) error {
	if t.records == nil {
		return nil
	}
	if len(meta.PartitionToReplaceFileIDs) > 0 {
		from, err := t.recordSource(t.table.Config, t.begun, meta)
		if err != nil {
			return err
		}
		if err := from.Replaced(ctx, meta, t.records); err != nil {
			return err
		}
	}
	return t.records.PrepareLogs(t.Instant, createdAt(t.Instant, t.begun.Location()))
}

// recordSource reads keys of the table, as it is before a commit.
func (t *Txn) recordSource(c *table.Config, tl *timeline.Timeline, meta *timeline.CommitMetadata) (*recordindex.Source, error) {
	rows, err := schema.Parse(meta.ExtraMetadata[timeline.SchemaKey])
	if err != nil {
		return nil, fmt.Errorf("schema of the commit: %w", err)
	}
	budget := t.budget
	if budget == nil {
		budget = mem.NewBudget(recordBudget, "")
	}
	return &recordindex.Source{Store: t.table.Store, Config: c, Timeline: tl, Rows: rows, Budget: budget, Own: t.Instant}, nil
}

// createdAt is the time in the HFiles of an instant, which follows from it, so that a second try
// makes the same bytes.
func createdAt(instant string, zone *time.Location) time.Time {
	at, err := base.ParseInstant(instant, zone)
	if err != nil {
		return time.UnixMilli(0) // that of a partition's beginning
	}
	return at
}

// noteRecords adds the changes of the record index to the update of a commit. Where the writer
// has not told them, because the index was begun meanwhile say, they are read from its files.
func (t *Txn) noteRecords(ctx context.Context, s metadata.Source, u *metadata.Update, meta *timeline.CommitMetadata) error {
	if !slices.Contains(s.Config.MetadataPartitions, metadata.RecordIndex) {
		return nil
	}
	if meta.OperationType == timeline.OpCompact || meta.OperationType == timeline.OpLogCompact {
		return nil // rows stay in their file groups
	}
	if t.records == nil {
		if err := t.readRecords(ctx, s, meta); err != nil {
			return err
		}
	}
	if t.records != nil {
		u.AddRecords(t.records)
	}
	return nil
}

func (t *Txn) readRecords(ctx context.Context, s metadata.Source, meta *timeline.CommitMetadata) error {
	m, err := openMetadata(ctx, t.table, s.Config, s.Timeline)
	if err != nil || m == nil {
		return err
	}
	from, err := t.recordSource(s.Config, s.Timeline, meta)
	if err != nil {
		return err
	}
	if t.records, err = m.records(ctx, t.table, t.Instant, from.Budget); err != nil {
		return err
	}
	if err := from.Commit(ctx, meta, t.records); err != nil {
		return err
	}
	return t.records.PrepareLogs(t.Instant, createdAt(t.Instant, t.begun.Location()))
}

// UndoneRecords prepares what a rollback at time at of the newest completed write changes in the
// record index. The caller closes the result.
func (m *Metadata) UndoneRecords(ctx context.Context, h *table.Handle, tl *timeline.Timeline, at string, target timeline.Instant) (*metadata.Records, error) {
	from, meta, before, err := m.undoing(ctx, h, tl, target)
	if err != nil {
		return nil, err
	}
	records, err := m.records(ctx, h, at, from.Budget)
	if err != nil {
		return nil, err
	}
	err = from.Undo(ctx, meta, before, records)
	if err == nil {
		err = records.PrepareLogs(at, createdAt(at, tl.Location()))
	}
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	return records, nil
}

// undoing reads the table, the newest completed write, and the time of the one before, "" for
// none.
func (m *Metadata) undoing(ctx context.Context, h *table.Handle, tl *timeline.Timeline, target timeline.Instant) (*recordindex.Source, *timeline.CommitMetadata, string, error) {
	meta, err := tl.CommitMetadata(ctx, target)
	if err != nil {
		return nil, nil, "", err
	}
	rows, err := m.Of.RecordSchema(ctx, tl)
	if err != nil {
		return nil, nil, "", err
	}
	before := ""
	for _, i := range tl.CompletedWrites() {
		if i.Time < target.Time {
			before = i.Time
		}
	}
	return &recordindex.Source{Store: h.Store, Config: m.Of, Timeline: tl, Rows: rows, Budget: mem.NewBudget(recordBudget, "")}, meta, before, nil
}

// closeRecords gives up what was gathered.
func (t *Txn) closeRecords() error {
	err := t.secondary.close()
	t.secondary = nil
	if t.records == nil {
		return err
	}
	r := t.records
	t.records = nil
	return errors.Join(err, r.Close())
}

// wantsRecords tells whether the handle wants a record index that the table does not have.
func wantsRecords(h *table.Handle, c *table.Config) bool {
	return h.RecordIndex != nil && !slices.Contains(c.MetadataPartitions, metadata.RecordIndex) && c.MetaFields &&
		h.Metadata != table.MetadataDrop && (h.Metadata == table.MetadataMake || slices.Contains(c.MetadataPartitions, metadata.Files))
}

// newRecords is the record index that a handle may want.
func newRecords(h *table.Handle) *keyIndex[*metadata.Records] {
	return &keyIndex[*metadata.Records]{asked: h.RecordIndex != nil, wanted: wantsRecords, read: func(ctx context.Context, h *table.Handle, from *recordindex.Source) (*metadata.Records, error) {
		return from.All(ctx, recordindex.Shape{Partitioned: h.RecordIndex.Partitioned, Least: h.RecordIndex.Least, Most: h.RecordIndex.Most})
	}}
}

// beginRecords begins the record index if it is wanted.
func beginRecords(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held, index *keyIndex[*metadata.Records], budget *mem.Budget) error {
	if !wantsRecords(h, c) || !slices.Contains(c.MetadataPartitions, metadata.Files) {
		return nil
	}
	if err := index.refresh(ctx, h, c, tl, budget); err != nil {
		return err
	}
	begin := func(w *metadata.Writer) ([]*timeline.WriteStat, error) { return w.BeginRecords(ctx, index.rows) }
	define := func() error {
		return metadata.DefineRecordIndex(ctx, h.Store, c, h.RecordIndex.Partitioned, h.Clock)
	}
	return beginKeys(ctx, h, c, tl, held, metadata.RecordIndex, begin, define)
}

// beginKeys begins an index of keys, whose files begin writes, and which define notes. It counts
// when the table's properties name it, which comes last.
func beginKeys(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held, index string, begin func(*metadata.Writer) ([]*timeline.WriteStat, error), define func() error) error {
	if err := Holding(held); err != nil {
		return err
	}
	m, err := openMetadata(ctx, h, c, tl)
	if err != nil {
		return err
	}
	if err := m.forgetBeginnings(ctx); err != nil {
		return err
	}
	if err := h.Store.DeleteDir(ctx, base.Join(metadata.Folder, index)); err != nil {
		return err
	}
	if err := m.beginWith(ctx, m.nextBeginning(tl), index, begin); err != nil {
		return err
	}
	if err := Holding(held); err != nil {
		return err
	}
	if err := define(); err != nil {
		return err
	}
	return c.SetMetadataPartitions(ctx, h.Store, append(slices.Clone(c.MetadataPartitions), index), h.Clock)
}

// BeginRecordIndex gives a table the record index that its handle wants. One that has one wraps
// base.ErrInvalid; base.ErrConflict says to try again, as in version 6 while an instant is pending
// and there is no metadata table yet.
func BeginRecordIndex(ctx context.Context, h *table.Handle) error {
	c, err := table.LoadConfig(ctx, h.Store)
	switch {
	case err != nil:
		return err
	case slices.Contains(c.MetadataPartitions, metadata.RecordIndex):
		return fmt.Errorf("txn: %s has a record index already; to make it anew, drop it first: %w", h.Store.URI(), base.ErrInvalid)
	case !c.MetaFields:
		return fmt.Errorf("txn: record index of %s: its rows have no keys (hoodie.populate.meta.fields=false): %w", h.Store.URI(), base.ErrUnsupported)
	}
	return prepared(ctx, h, nil, func(c *table.Config, _ *timeline.Timeline, _ *lock.Held) error {
		if !slices.Contains(c.MetadataPartitions, metadata.RecordIndex) {
			return fmt.Errorf("txn: %s has no metadata table yet, as an instant is pending: %w", h.Store.URI(), errPending)
		}
		return nil
	})
}

// DropIndexes drops what the handle does not want of a table's metadata table.
func DropIndexes(ctx context.Context, h *table.Handle) error {
	return Locked(ctx, h, func(*timeline.Timeline, *lock.Held) error { return nil })
}

// MetadataSlices are the newest slices of a partition of a table's metadata table.
func MetadataSlices(ctx context.Context, h *table.Handle, partition string) ([]table.FileSlice, error) {
	tl, err := h.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	m, err := OpenMetadata(ctx, h, tl)
	if err != nil || m == nil {
		return nil, err
	}
	return m.Table.View(m.Timeline).Latest(ctx, partition)
}
