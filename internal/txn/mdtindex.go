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
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// prepared runs f while it holds the table's lock, after the table has got what its handle wants
// of a metadata table and it did not have: the listing, statistics, indexes of keys. What
// cannot be begun yet is left to the next write.
func prepared(ctx context.Context, h *table.Handle, rows *schema.Schema, f func(c *table.Config, tl *timeline.Timeline, held *lock.Held) error) error {
	budget := mem.NewBudget(recordBudget, "")
	records, secondary := newRecords(h), newSecondary(h)
	defer records.close()
	if err := records.build(ctx, h, budget); err != nil {
		return fmt.Errorf("txn: build the record index of %s: %w", h.Store.URI(), err)
	}
	defer secondary.close()
	if err := secondary.build(ctx, h, budget); err != nil {
		return fmt.Errorf("txn: build a secondary index of %s: %w", h.Store.URI(), err)
	}
	return locked(ctx, h, func(c *table.Config, tl *timeline.Timeline, held *lock.Held) error {
		if err := completeMetadata(ctx, h, c, tl, held, rows); err != nil {
			return err
		}
		if err := beginRecords(ctx, h, c, tl, held, records, budget); err != nil {
			return fmt.Errorf("txn: begin the record index of %s: %w", h.Store.URI(), err)
		}
		if err := beginSecondary(ctx, h, c, tl, held, secondary, budget); err != nil {
			return fmt.Errorf("txn: begin a secondary index of %s: %w", h.Store.URI(), err)
		}
		return f(c, tl, held)
	})
}

// completeMetadata gives a table what its handle wants of a metadata table and it does not
// have: the listing, then indexes. rows is the schema of a table that no commit tells of yet, nil if
// nobody knows it. What cannot be begun yet is left to the next write.
func completeMetadata(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held, rows *schema.Schema) error {
	if !slices.Contains(c.MetadataPartitions, metadata.Files) {
		if h.Metadata != table.MetadataMake {
			return nil
		}
		switch err := makeMetadata(ctx, h, c, tl, held); {
		case errors.Is(err, errPending):
			h.Log.Info("no metadata table yet", "error", err)
			return nil
		case err != nil:
			return err
		}
	}
	switch err := completeIndexes(ctx, h, c, tl, held, rows); {
	case errors.Is(err, errPending):
		h.Log.Info("no indexes yet", "error", err)
		return nil
	default:
		return err
	}
}

// completeIndexes begins the partitions that a table's metadata table is to get and does not have.
func completeIndexes(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held, rows *schema.Schema) error {
	wanted := wantedIndexes(h, c)
	if len(wanted) == 0 {
		return nil
	}
	switch known, err := c.RecordSchema(ctx, tl); {
	case errors.Is(err, table.ErrNoSchema) || err == nil && known == nil:
	case err != nil:
		return err
	default:
		rows = known
	}
	if rows == nil {
		return nil // the table has no columns yet
	}
	if err := beginIndexes(ctx, h, c, tl, held, wanted, rows); err != nil {
		return fmt.Errorf("txn: begin %v of the metadata table of %s: %w", wanted, h.Store.URI(), err)
	}
	return nil
}

// wantedIndexes are the partitions that a table's metadata table is to get.
func wantedIndexes(h *table.Handle, c *table.Config) []string {
	var out []string
	for _, p := range []string{metadata.ColumnStats, metadata.PartitionStats, metadata.BloomFilters} {
		switch {
		case !slices.Contains(h.MetadataWith, p), slices.Contains(h.MetadataWithout, p), slices.Contains(c.MetadataPartitions, p):
		case p == metadata.PartitionStats && (!metadata.HasPartitionStats(c) || !slices.Contains(slices.Concat(out, c.MetadataPartitions), metadata.ColumnStats)):
		default:
			out = append(out, p)
		}
	}
	return out
}

// beginIndexes begins partitions of the metadata table. They count when the table's properties
// name them, which comes last.
func beginIndexes(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held, partitions []string, rows *schema.Schema) error {
	if c.SliceLogs() && len(tl.Pending()) > 0 {
		return fmt.Errorf("the instant %s is pending, whose log files cannot be told from others in version %d: %w", tl.Pending()[0], c.Version, errPending)
	}
	s := metadata.Source{Store: h.Store, Config: c, Timeline: tl}
	columns, err := s.Columns(ctx, rows)
	if err != nil {
		return err
	}
	u, err := s.Index(ctx, rows, columns, partitions)
	if err != nil {
		return err
	}
	if err := Holding(held); err != nil { // reading the files may have outlasted a lease
		return err
	}
	m, err := openMetadata(ctx, h, c, tl)
	if err != nil {
		return err
	}
	if err := m.forgetBeginnings(ctx); err != nil {
		return err
	}
	for _, partition := range partitions {
		if err := h.Store.DeleteDir(ctx, base.Join(metadata.Folder, partition)); err != nil {
			return err
		}
		if err := m.begin(ctx, m.nextBeginning(tl), partition, u); err != nil {
			return err
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
	}
	if err := Holding(held); err != nil {
		return err
	}
	if slices.Contains(partitions, metadata.ColumnStats) {
		if err := metadata.DefineColumnStats(ctx, h.Store, c, columns, h.Clock); err != nil {
			return err
		}
	}
	return c.SetMetadataPartitions(ctx, h.Store, slices.Concat(c.MetadataPartitions, partitions), h.Clock)
}

// nextBeginning is the first time of a beginning that is not taken. tl is the table's timeline.
func (m *Metadata) nextBeginning(tl *timeline.Timeline) string {
	for n := 0; ; n++ {
		at := beginning(m.Of, tl, n)
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
