// Package txn is the only code that completes an instant of a table. It gives out instant
// times, keeps heartbeats and markers, checks for conflicts and publishes; what a crash
// leaves behind is undone by package recovery (docs/format/commit.md).
//
// A transaction has three outcomes: done, not done, unknown. An unknown one wraps
// base.ErrUnknownOutcome, and then nothing has been deleted and nobody may delete until
// the timeline has shown the truth.
package txn

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Keepable reads the table's properties and refuses a table that any change would break,
// whatever it was when it was opened here: with base.ErrUnsupported one whose metadata table
// would fall behind, and with base.ErrConflict one that is another table by now, of another
// version say, whose readers look elsewhere. A write, a service and a rollback ask alike.
func Keepable(ctx context.Context, h *table.Handle) error {
	_, err := keepable(ctx, h)
	return err
}

// keepable returns the properties of a table that is Keepable.
func keepable(ctx context.Context, h *table.Handle) (*table.Config, error) {
	now, err := table.LoadConfig(ctx, h.Store)
	if err != nil {
		return nil, err
	}
	unkept, err := metadata.Unkept(ctx, h.Store, now)
	if err != nil {
		return nil, err
	}
	if h.Metadata == table.MetadataDrop {
		unkept = nil
	}
	unkept = slices.DeleteFunc(unkept, func(what string) bool {
		partition, _, _ := strings.Cut(what, " ")
		return metadata.GoesWith(h.MetadataWithout, partition)
	})
	if len(unkept) > 0 {
		return nil, fmt.Errorf("change table %s: the partitions %v of its metadata table would fall behind; drop these indexes with hudictl index drop, or the metadata table with hoodie.metadata.enable=false: %w",
			now.Name, unkept, base.ErrUnsupported)
	}
	what, err := h.Config.Changed(now)
	if err == nil && what != "" {
		err = fmt.Errorf("table %s of %s was changed since it was opened (%s); open it again: %w", now.Name, h.Store.URI(), what, base.ErrConflict)
	}
	return now, err
}

// Locked runs f while it holds the table's lock, with a fresh timeline, if the table is
// Keepable.
func Locked(ctx context.Context, h *table.Handle, f func(tl *timeline.Timeline, held *lock.Held) error) error {
	return locked(ctx, h, func(_ *table.Config, tl *timeline.Timeline, held *lock.Held) error { return f(tl, held) })
}

// locked is Locked, with the table's properties as they are. A metadata table that is to be
// dropped goes first.
func locked(ctx context.Context, h *table.Handle, f func(c *table.Config, tl *timeline.Timeline, held *lock.Held) error) error {
	held, err := lock.Acquire(ctx, h.Store, h.Clock, h.LockWait)
	if err != nil {
		return err
	}
	defer func() {
		if err := held.Release(); err != nil {
			h.Log.Warn("lock not given back", "error", err)
		}
	}()
	c, err := keepable(ctx, h)
	if err != nil {
		return err
	}
	if err := dropUnwanted(ctx, h, c); err != nil {
		return err
	}
	tl, err := h.Timeline(ctx)
	if err != nil {
		return err
	}
	return f(c, tl, held)
}

// maxAhead is how far the newest instant of a LOCAL timeline may lie ahead of the clock
// before the clocks or zones of the table's writers must be thought to differ.
const maxAhead = 10 * time.Minute

// NextTime returns an instant time greater than every one on the timeline. The caller
// holds the table's lock.
func NextTime(h *table.Handle, tl *timeline.Timeline) (string, error) {
	now, last := h.Clock(), tl.Last()
	t := base.FormatInstant(now, tl.Location())
	if t > last {
		return t, nil
	}
	newest, err := base.ParseInstant(last, tl.Location())
	if err != nil {
		return "", fmt.Errorf("txn: newest instant of %s: %w", h.Store.URI(), err)
	}
	if !h.Config.UTC && newest.Sub(now) > maxAhead {
		return "", fmt.Errorf("txn: the newest instant %s of %s lies %s ahead of this machine's clock, and the table's timeline is in LOCAL time: run with the time zone (TZ) of its other writers: %w",
			last, h.Store.URI(), newest.Sub(now).Round(time.Second), base.ErrInvalid)
	}
	return base.FormatInstant(newest.Add(time.Millisecond), tl.Location()), nil
}

// wait sleeps unless ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
