package txn

import (
	"context"
	"fmt"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Schedule puts the plan of a table service on the timeline, to be executed by whoever
// takes it up. plan is called under the lock; when it returns nil there is nothing to do,
// and the instant returned is "".
func Schedule(ctx context.Context, h *table.Handle, action timeline.Action, plan func(tl *timeline.Timeline) ([]byte, error)) (instant string, err error) {
	err = Locked(ctx, h, func(tl *timeline.Timeline, _ *lock.Held) error {
		content, err := plan(tl)
		if err != nil || content == nil {
			return err
		}
		if instant, err = NextTime(h, tl); err != nil {
			return err
		}
		if err := tl.Request(ctx, instant, action, content); err != nil {
			return fmt.Errorf("txn: schedule %s: %w", action, err)
		}
		return nil
	})
	return instant, err
}

// Resume takes up a scheduled instant. One that another writer is at work on wraps
// base.ErrConflict. revert is called, under the lock, for an instant whose writer died on
// the way, and must bring it back to its plan.
func Resume(ctx context.Context, h *table.Handle, action timeline.Action, instant string, revert func(tl *timeline.Timeline) error) (*Txn, error) {
	t := &Txn{Instant: instant, Action: action, table: h}
	err := locked(ctx, h, func(c *table.Config, tl *timeline.Timeline, _ *lock.Held) error {
		i, ok := tl.Find(instant, action)
		switch {
		case !ok:
			return fmt.Errorf("txn: no %s %s in %s: %w", action, instant, h.Store.URI(), base.ErrInvalid)
		case i.Done():
			return fmt.Errorf("txn: %s %s of %s is completed already: %w", action, instant, h.Store.URI(), base.ErrConflict)
		}
		// Before it is inflight an instant may be in work too: its writer has only just begun.
		alive, err := Beating(ctx, h, instant)
		if err == nil && !alive && i.State == timeline.Inflight {
			alive, err = Alive(ctx, h, instant, tl.Location())
		}
		if err != nil {
			return err
		}
		if alive {
			return fmt.Errorf("txn: another writer is at work on %s %s of %s: %w", action, instant, h.Store.URI(), base.ErrConflict)
		}
		if i.State == timeline.Inflight {
			if err := revert(tl); err != nil {
				return err
			}
			if tl, err = tl.Reload(ctx); err != nil {
				return err
			}
		}
		heart, err := startHeartbeat(ctx, h, instant)
		if err != nil {
			return err
		}
		t.heart, t.begun, t.of = heart, tl, c
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// AbsolutePath is a file's path as plans on the timeline have it: with the table's folder,
// and without a scheme on local disk.
func AbsolutePath(st storage.Store, path string) string {
	return strings.TrimPrefix(st.URI(), "file://") + "/" + path
}
