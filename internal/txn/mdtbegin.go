package txn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/recordindex"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// sortedRows are the rows of a table, sorted for an index of keys.
type sortedRows interface {
	PrepareBases(created time.Time) error
	Close() error
}

// keyIndex is an index of keys that a handle may want and the table not have. It is built before the
// lock is taken, as that may take long.
type keyIndex[T sortedRows] struct {
	asked  bool // the handle names it
	wanted func(h *table.Handle, c *table.Config) bool
	read   func(ctx context.Context, h *table.Handle, from *recordindex.Source) (T, error)

	of    []timeline.Instant // the table's completed writes when it was built
	rows  T
	built bool
}

// build makes the base files of the index for the table as it is, if it is wanted.
func (b *keyIndex[T]) build(ctx context.Context, h *table.Handle, budget *mem.Budget) error {
	if !b.asked {
		return nil
	}
	c, err := table.LoadConfig(ctx, h.Store)
	if err != nil || !b.wanted(h, c) {
		return err
	}
	tl, err := h.Timeline(ctx)
	if err != nil {
		return err
	}
	return b.buildAt(ctx, h, c, tl, budget)
}

func (b *keyIndex[T]) buildAt(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, budget *mem.Budget) error {
	rows, err := c.RecordSchema(ctx, tl)
	if err != nil && !errors.Is(err, table.ErrNoSchema) {
		return err
	}
	sorted, err := b.read(ctx, h, &recordindex.Source{Store: h.Store, Config: c, Timeline: tl, Rows: rows, Budget: budget})
	if err != nil {
		return err
	}
	b.of, b.rows, b.built = tl.CompletedWrites(), sorted, true
	return sorted.PrepareBases(time.UnixMilli(0))
}

// refresh builds the index again, under the lock, if the table has changed since, or it has not been built.
func (b *keyIndex[T]) refresh(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, budget *mem.Budget) error {
	if b.built && sameInstants(b.of, tl.CompletedWrites()) {
		return nil
	}
	if err := b.close(); err != nil {
		return err
	}
	return b.buildAt(ctx, h, c, tl, budget)
}

func (b *keyIndex[T]) close() error {
	if !b.built {
		return nil
	}
	b.built = false
	return b.rows.Close()
}

func sameInstants(a, b []timeline.Instant) bool {
	return slices.EqualFunc(a, b, func(a, b timeline.Instant) bool {
		return a.Time == b.Time && a.Action == b.Action && a.Completion == b.Completion
	})
}
