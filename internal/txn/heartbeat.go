package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

const (
	heartbeatDir = base.MetaFolder + "/.heartbeat"
	locksDir     = base.MetaFolder + "/.locks"
)

func heartbeatPath(instant string) string { return heartbeatDir + "/" + instant }

// writerLock is the file that a writer of ours keeps locked as long as it lives, on stores
// with file locks. The heartbeat file itself cannot be: it is rewritten with each beat.
func writerLock(instant string) string { return locksDir + "/" + lockPrefix + instant + lockSuffix }

const (
	lockPrefix = "hudi-go-"
	lockSuffix = ".lock"
)

// heartbeat shows other writers that an instant's writer lives: an empty file that is
// rewritten at each beat, as real Hudi does, and on stores with file locks a lock, which
// the operating system gives up at once when the process dies.
type heartbeat struct {
	table   *table.Handle
	instant string
	release func() error
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu     sync.Mutex
	last   time.Time // of the last beat that was written
	lapsed bool      // a beat came so late that another may have taken the instant over
}

func startHeartbeat(ctx context.Context, t *table.Handle, instant string) (*heartbeat, error) {
	h := &heartbeat{table: t, instant: instant}
	if locker, ok := t.Store.(storage.Locker); ok && t.Store.Capabilities().FileLock {
		release, err := locker.Lock(ctx, writerLock(instant))
		if err != nil {
			return nil, fmt.Errorf("txn: lock of writer %s: %w", instant, err)
		}
		h.release = release
	}
	if err := h.beat(ctx); err != nil {
		h.unlock()
		return nil, err
	}
	beats, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	h.done.Go(func() {
		for wait(beats, t.Beat) == nil {
			if err := h.beat(beats); err != nil && beats.Err() == nil {
				t.Log.Warn("heartbeat not written; another writer may take this one for dead", "instant", instant, "error", err)
			}
		}
	})
	return h, nil
}

func (h *heartbeat) beat(ctx context.Context) error {
	now := h.table.Clock()
	if err := h.table.Store.Put(ctx, heartbeatPath(h.instant), nil); err != nil {
		return fmt.Errorf("txn: heartbeat of %s: %w", h.instant, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	// A writer that was stopped and goes on must not look alive again: meanwhile another may
	// have undone its instant, or taken a plan up under the same name.
	h.lapsed = h.lapsed || !h.last.IsZero() && !now.Before(h.last.Add(missedBeats*h.table.Beat))
	h.last = now
	return nil
}

// valid tells whether no other writer can hold this one for dead before margin has passed.
func (h *heartbeat) valid(margin time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.lapsed && h.table.Clock().Add(margin).Before(h.last.Add(missedBeats*h.table.Beat))
}

func (h *heartbeat) unlock() {
	if h.release != nil {
		_ = h.release() // the file is advisory; closing it cannot fail in a way that matters
	}
}

// stop ends the beats and, unless the instant is left behind for others to undo, removes
// the files.
func (h *heartbeat) stop(ctx context.Context, remove bool) error {
	h.cancel()
	h.done.Wait()
	var err error
	if remove {
		err = RemoveHeartbeat(ctx, h.table.Store, h.instant)
	}
	h.unlock()
	return err
}

// RemoveHeartbeat deletes what showed that an instant's writer lives.
func RemoveHeartbeat(ctx context.Context, st storage.Store, instant string) error {
	paths := []string{heartbeatPath(instant)}
	if st.Capabilities().FileLock {
		paths = append(paths, writerLock(instant))
	}
	for _, path := range paths {
		if err := st.Delete(ctx, path); err != nil {
			return fmt.Errorf("txn: remove heartbeat of %s: %w", instant, err)
		}
	}
	return nil
}

// missedBeats is how many beats may be missing before a writer is held for dead.
const missedBeats = 2

// lockProbe is how long a test of a writer's lock may take.
const lockProbe = 100 * time.Millisecond

// Alive tells whether the writer of a pending instant may still be at work: it is beating,
// or it wrote no heartbeat, as Spark with eager cleaning does not, and its instant's own
// time is no further back than missedBeats.
func Alive(ctx context.Context, t *table.Handle, instant string, loc *time.Location) (bool, error) {
	alive, known, err := beating(ctx, t, instant)
	if err != nil || known {
		return alive, err
	}
	began, err := base.ParseInstant(instant, loc)
	if err != nil {
		return false, err
	}
	return fresh(t, began), nil
}

// Beating tells whether somebody shows that he is at work on an instant. A writer with a
// file lock lives as long as it holds it; others until missedBeats after their last beat.
func Beating(ctx context.Context, t *table.Handle, instant string) (bool, error) {
	alive, _, err := beating(ctx, t, instant)
	return alive, err
}

// beating is Beating; known is false when there is no sign of a writer at all.
func beating(ctx context.Context, t *table.Handle, instant string) (alive, known bool, err error) {
	if locker, ok := t.Store.(storage.Locker); ok && t.Store.Capabilities().FileLock {
		_, err := t.Store.Stat(ctx, writerLock(instant))
		if err == nil {
			probe, cancel := context.WithTimeout(ctx, lockProbe)
			defer cancel()
			release, err := locker.Lock(probe, writerLock(instant))
			switch {
			case err == nil:
				return false, true, release()
			case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
				return true, true, nil
			}
			return false, false, fmt.Errorf("txn: lock of writer %s: %w", instant, err)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, false, fmt.Errorf("txn: lock of writer %s: %w", instant, err)
		}
	}
	entry, err := t.Store.Stat(ctx, heartbeatPath(instant))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, false, nil
	case err != nil:
		return false, false, fmt.Errorf("txn: heartbeat of %s: %w", instant, err)
	}
	return fresh(t, entry.ModTime), true, nil
}

// fresh tells whether a writer that was alive at a time may still be.
func fresh(t *table.Handle, last time.Time) bool {
	return t.Clock().Before(last.Add(missedBeats*t.Beat + t.Skew))
}

// Traces lists the instants of which writers have left something: a heartbeat, a lock, or
// markers.
func Traces(ctx context.Context, st storage.Store) ([]string, error) {
	seen := map[string]bool{}
	dirs := []string{heartbeatDir, tempDir}
	if st.Capabilities().FileLock {
		dirs = append(dirs, locksDir)
	}
	for _, dir := range dirs {
		entries, err := st.List(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("txn: list %s: %w", dir, err)
		}
		for _, e := range entries {
			instant := e.Name
			if dir == locksDir {
				instant = strings.TrimSuffix(strings.TrimPrefix(e.Name, lockPrefix), lockSuffix)
			}
			if base.IsDigits(instant) {
				seen[instant] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}
