package cleaner

import (
	"context"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Metadata cleans a table's metadata table, if there is one, as one step under the table's
// lock. A clean that died is finished first.
func Metadata(ctx context.Context, h *table.Handle, o Options) error {
	err := txn.LockedMetadata(ctx, h, func(tl *timeline.Timeline, m *txn.Metadata) error {
		for _, i := range m.Timeline.Pending() {
			if i.Action != timeline.Clean {
				continue
			}
			if err := cleanMetadata(ctx, m, i.Time); err != nil {
				return err
			}
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
		r, err := Plan(ctx, m.Table.View(m.Timeline), o)
		if err != nil || r == nil {
			return err
		}
		content, err := r.plan(m.Timeline, func(p string) string { return txn.AbsolutePath(m.Table.Store, p) }).Encode()
		if err != nil {
			return err
		}
		instant, err := m.ServiceTime(tl, txn.CleanSuffix)
		if err != nil {
			return err
		}
		if _, done := m.Timeline.Find(instant, timeline.Clean); done {
			return nil // in version 6: nothing was written since
		}
		if err := m.Timeline.Request(ctx, instant, timeline.Clean, content); err != nil {
			return err
		}
		if err := m.Reload(ctx); err != nil {
			return err
		}
		return cleanMetadata(ctx, m, instant)
	})
	if err != nil {
		return fmt.Errorf("clean the metadata table of %s: %w", h.Store.URI(), err)
	}
	return nil
}

// cleanMetadata carries a clean of the metadata table out.
func cleanMetadata(ctx context.Context, m *txn.Metadata, instant string) error {
	plan, err := m.Timeline.CleanerPlan(ctx, instant)
	if err != nil {
		return err
	}
	if !m.Timeline.Has(instant, timeline.Clean, timeline.Inflight) {
		var content []byte
		if i, ok := m.Timeline.Find(instant, timeline.Clean); ok && m.Table.Config.InflightPlans() {
			if content, err = m.Timeline.Content(ctx, i); err != nil {
				return err
			}
		}
		if err := m.Timeline.Inflight(ctx, instant, timeline.Clean, content); err != nil {
			return err
		}
	}
	meta, err := remove(ctx, m.Table, instant, plan)
	if err != nil {
		return err
	}
	content, err := meta.Encode()
	if err != nil {
		return err
	}
	return m.Cleaned(ctx, instant, content)
}
