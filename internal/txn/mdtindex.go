package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// prepared runs f while it holds the table's lock, after the table has got what its handle wants
// of a metadata table and it did not have: the listing, statistics, the record index. What
// cannot be begun yet is left to the next write.
func prepared(ctx context.Context, h *table.Handle, f func(c *table.Config, tl *timeline.Timeline, held *lock.Held) error) error {
	budget := mem.NewBudget(recordBudget, "")
	built, err := buildRecords(ctx, h, budget)
	if err != nil {
		return fmt.Errorf("txn: build the record index of %s: %w", h.Store.URI(), err)
	}
	defer built.close()
	return locked(ctx, h, func(c *table.Config, tl *timeline.Timeline, held *lock.Held) error {
		if err := completeMetadata(ctx, h, c, tl, held); err != nil {
			return err
		}
		if err := beginRecords(ctx, h, c, tl, held, built, budget); err != nil {
			return fmt.Errorf("txn: begin the record index of %s: %w", h.Store.URI(), err)
		}
		return f(c, tl, held)
	})
}

// completeMetadata gives a table what its handle wants of a metadata table and it does not
// have: the listing, then statistics. What cannot be begun yet is left to the next write.
func completeMetadata(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held) error {
	if h.Metadata == table.MetadataMake && !slices.Contains(c.MetadataPartitions, metadata.Files) {
		switch err := makeMetadata(ctx, h, c, tl, held); {
		case errors.Is(err, errPending):
			h.Log.Info("no metadata table yet", "error", err)
			return nil
		case err != nil:
			return err
		}
	}
	wanted := h.MetadataStats && slices.Contains(c.MetadataPartitions, metadata.Files) && !slices.Contains(c.MetadataPartitions, metadata.ColumnStats)
	if !wanted || !metadata.Keeps(c, metadata.ColumnStats) {
		return nil
	}
	rows, err := c.RecordSchema(ctx, tl)
	if errors.Is(err, table.ErrNoSchema) || err == nil && rows == nil {
		return nil // the table has no columns yet
	}
	if err != nil {
		return err
	}
	columns := metadata.Indexable(rows)
	u, err := metadata.Source{Store: h.Store, Config: c, Timeline: tl}.Index(ctx, rows, columns)
	if err == nil {
		err = beginStats(ctx, h, c, tl, held, columns, u)
	}
	if err != nil {
		return fmt.Errorf("txn: begin the statistics of %s: %w", h.Store.URI(), err)
	}
	return nil
}

// beginStats begins the partitions with statistics. They count when the table's properties
// name them, which comes last.
func beginStats(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held, columns []string, u *metadata.Update) error {
	if err := holding(held); err != nil { // reading the footers may have outlasted a lease
		return err
	}
	m, err := openMetadata(ctx, h, c, tl)
	if err != nil {
		return err
	}
	if err := m.forgetBeginnings(ctx); err != nil {
		return err
	}
	begun := slices.Clone(c.MetadataPartitions)
	for _, partition := range []string{metadata.ColumnStats, metadata.PartitionStats} {
		if partition == metadata.PartitionStats && len(c.PartitionBy) == 0 {
			continue // real Hudi keeps none of tables without partitions
		}
		if err := h.Store.DeleteDir(ctx, base.Join(metadata.Folder, partition)); err != nil {
			return err
		}
		if err := m.begin(ctx, m.nextBeginning(tl), partition, u); err != nil {
			return err
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
		begun = append(begun, partition)
	}
	if err := holding(held); err != nil {
		return err
	}
	if err := metadata.DefineColumnStats(ctx, h.Store, c, columns, h.Clock); err != nil {
		return err
	}
	return c.SetMetadataPartitions(ctx, h.Store, begun, h.Clock)
}

// nextBeginning is the first time of a beginning that is not taken. tl is the table's timeline.
func (m *Metadata) nextBeginning(tl *timeline.Timeline) string {
	time := func(n int) string { return fmt.Sprintf("%0*d", len(firstInstant), n) }
	if m.Table.Config.SliceLogs() {
		last := lastCompleted(tl)
		time = func(n int) string { return fmt.Sprintf("%s%03d", last, firstBeginning+n) }
	}
	for n := 0; ; n++ {
		at := time(n)
		if _, taken := m.Timeline.Find(at, timeline.DeltaCommit); !taken {
			return at
		}
	}
}

// isBeginning tells whether an instant of the metadata table is the beginning of a partition. In
// version 6 such a time has three digits more than that of an instant of the table.
func (m *Metadata) isBeginning(i timeline.Instant) bool {
	if i.Action != timeline.DeltaCommit {
		return false
	}
	if strings.HasPrefix(i.Time, noInstant) {
		return true
	}
	const suffix = 3
	if at := len(i.Time) - suffix; m.Table.Config.SliceLogs() && at >= len(firstInstant) {
		n, err := strconv.Atoi(i.Time[at:])
		return err == nil && n >= firstBeginning
	}
	return false
}

// BegunSince tells whether a partition was begun when a delta commit was completed already.
func (m *Metadata) BegunSince(i timeline.Instant) bool {
	return slices.ContainsFunc(m.Timeline.Instants(), func(b timeline.Instant) bool {
		return m.isBeginning(b) && b.Completion >= i.Completion
	})
}

// forgetBeginnings removes what is left on the metadata table's timeline of partitions whose
// beginning died.
func (m *Metadata) forgetBeginnings(ctx context.Context) error {
	for _, i := range m.Timeline.Pending() {
		if !m.isBeginning(i) {
			continue
		}
		for _, state := range []timeline.State{timeline.Inflight, timeline.Requested} {
			if err := m.Timeline.Remove(ctx, i.Time, i.Action, state); err != nil {
				return err
			}
		}
	}
	return m.Reload(ctx)
}
