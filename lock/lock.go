// Package lock keeps two writers of a table from changing its timeline at the same time.
//
// On a store with file locks a writer holds two things, in this order:
//
//   - the lock of the operating system (flock) on .hoodie/.locks/hudi-go.flock. It excludes
//     other processes of hudi-go, and the system releases it when a process ends, however it
//     does. The file stays, and means nothing by itself;
//   - the file .hoodie/lock, made exclusively and deleted afterwards. It is the lock of real
//     Hudi's FileSystemBasedLockProvider, for which the file's existence is the lock
//     (docs/format/locks.md), so JVM writers that use that provider and hudi-go exclude each other.
//
// The two are different files because a flock needs its file to stay, and a file that stays
// at .hoodie/lock would look to a JVM writer like a lock that is never released.
//
// A killed process leaves .hoodie/lock behind, with a text that says that hudi-go made it.
// Whoever has the flock knows that no hudi-go process holds it any more, and takes it over.
// JVM writers wait for the next hudi-go writer, or for the expiry that they are configured
// with. A .hoodie/lock of another origin is never touched: it may be held, and only a person
// can know that its owner is gone.
//
// On a store that can compare and swap the lock is a lease, the file of real Hudi's
// StorageBasedLockProvider (.hoodie/.locks/table_lock.json): it names its owner and the time
// until which it is valid, the owner renews it, and whoever finds it expired may take it. So
// a killed process blocks others for a while, and a process that was stopped for that long
// has lost the lock without knowing: ask Valid before each step that needs it.
package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// Held is a lock on a table that this process holds until Release, or its own end.
type Held struct {
	valid   func(margin time.Duration) bool
	release func() error
	ended   atomic.Bool
}

func newHeld(store storage.Store, valid func(time.Duration) bool, release func() error) *Held {
	h := &Held{valid: valid}
	h.release = sync.OnceValue(func() error {
		h.ended.Store(true)
		if err := release(); err != nil {
			return fmt.Errorf("lock: release of %s: %w", store.URI(), err)
		}
		return nil
	})
	return h
}

// Acquire takes the lock of the table at the store's root. It tries again until it has the
// lock, the timeout is over (base.ErrLockTimeout, naming the holder where that is known) or
// ctx ends (its error). The clock stamps the lock file, and tells how long a lease is valid;
// waiting is in real time.
//
// A store that can neither lock files nor compare and swap is of the kind base.ErrUnsupported.
func Acquire(ctx context.Context, store storage.Store, clock func() time.Time, timeout time.Duration) (*Held, error) {
	if timeout <= 0 {
		return nil, fmt.Errorf("lock: timeout %v: give a time greater than zero: %w", timeout, base.ErrInvalid)
	}
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The lock is given back even if the work under it was cancelled.
	after := context.WithoutCancel(ctx)
	var held *Held
	var err error
	switch can := store.Capabilities(); {
	case can.FileLock:
		held, err = onDisk(waiting, after, store, clock)
	case can.CompareAndSwap:
		held, err = byLease(waiting, after, store, clock)
	default:
		return nil, fmt.Errorf("lock: %s has neither file locks nor conditional writes, by which writers exclude each other: %w", store.URI(), base.ErrUnsupported)
	}
	if err == nil {
		return held, nil
	}
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lock: %s: %w", store.URI(), err)
	}
	by := "another writer"
	if held, ok := errors.AsType[*heldError](err); ok {
		by = held.by
	}
	return nil, fmt.Errorf("lock: %s is locked for longer than %v by %s; try again when it has finished, or with a longer lock timeout: %w",
		store.URI(), timeout, by, base.ErrLockTimeout)
}

// heldError is the end of a wait for a lock that somebody else holds.
type heldError struct {
	by string
	error
}

func (e *heldError) Unwrap() error { return e.error }

// Valid reports whether the lock is held, and will be for the margin unless it is released.
func (h *Held) Valid(margin time.Duration) bool { return !h.ended.Load() && h.valid(margin) }

// Release gives the lock back. The first call's error is that of all. After an error the
// lock is free for hudi-go: at once on a store with file locks, where .hoodie/lock may have
// been left behind, and elsewhere when the lease expires.
func (h *Held) Release() error { return h.release() }
