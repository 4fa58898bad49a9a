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
package lock

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// Paths below the table's base folder.
const (
	flockPath  = base.MetaFolder + "/.locks/hudi-go.flock"
	holderPath = base.MetaFolder + "/lock"
)

// Waits between two looks at a lock file that another made.
const (
	minWait = 2 * time.Millisecond
	maxWait = 250 * time.Millisecond
)

// Held is a lock on a table that this process holds until Release, or its own end.
type Held struct {
	release func() error
	ended   atomic.Bool
}

// Acquire takes the lock of the table at the store's root. It tries again until it has the
// lock, the timeout is over (base.ErrLockTimeout, naming the holder where that is known) or
// ctx ends (its error). The clock stamps the lock file; waiting is in real time.
//
// A store that cannot lock files is of the kind base.ErrUnsupported.
func Acquire(ctx context.Context, store storage.Store, clock func() time.Time, timeout time.Duration) (*Held, error) {
	if timeout <= 0 {
		return nil, fmt.Errorf("lock: timeout %v: give a time greater than zero: %w", timeout, base.ErrInvalid)
	}
	locker, ok := store.(storage.Locker)
	if !ok || !store.Capabilities().FileLock {
		return nil, fmt.Errorf("lock: %s has no file locks: write to it with a store on local disk: %w", store.URI(), base.ErrUnsupported)
	}
	a := &acquisition{store: store, mine: newHolder(clock())}
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	unlock, err := locker.Lock(waiting, flockPath)
	if err != nil {
		return nil, a.failure(ctx, timeout, err)
	}
	// The lock is given back even if the work under it was cancelled.
	after := context.WithoutCancel(ctx)
	if err := a.take(waiting); err != nil {
		err = a.failure(ctx, timeout, err)
		// The lock file may be there all the same; if this fails too, the next writer takes it over.
		_ = a.giveBack(after)
		return nil, errors.Join(err, unlock())
	}
	h := &Held{}
	h.release = sync.OnceValue(func() error {
		h.ended.Store(true)
		if err := errors.Join(a.giveBack(after), unlock()); err != nil {
			return fmt.Errorf("lock: release of %s: %w", store.URI(), err)
		}
		return nil
	})
	return h, nil
}

// Valid reports whether the lock is held, and will be for the margin unless it is released.
// A lock of the operating system has no end of its own, so here the margin plays no part.
func (h *Held) Valid(margin time.Duration) bool { return !h.ended.Load() }

// Release gives the lock back. The first call's error is that of all. After an error the
// lock is free for hudi-go, but .hoodie/lock may have been left behind.
func (h *Held) Release() error { return h.release() }

// holderName is how a lock file says that hudi-go made it.
const holderName = "hudi-go"

// holder is the content of .hoodie/lock. Real Hudi shows the text in its error messages
// and does not parse it.
type holder struct {
	Holder string `json:"holder"`
	Host   string `json:"host"`
	PID    int    `json:"pid"`
	Since  string `json:"since"`
	ID     string `json:"id"`
}

func newHolder(now time.Time) holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return holder{Holder: holderName, Host: host, PID: os.Getpid(), Since: now.UTC().Format(time.RFC3339), ID: rand.Text()}
}

// acquisition is one attempt to take the lock file, made by whoever has the flock.
type acquisition struct {
	store storage.Store
	mine  holder
}

// take makes .hoodie/lock, waiting as long as it is another's.
func (a *acquisition) take(ctx context.Context) error {
	text, err := json.Marshal(a.mine)
	if err != nil {
		return err
	}
	for wait := minWait; ; wait = min(2*wait, maxWait) {
		err := a.store.PutIfAbsent(ctx, holderPath, text)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		switch h, err := a.holder(ctx); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case h.Holder == holderName:
			// Left by a dead process. A new file also has a new time, by which JVM writers judge expiry.
			return a.store.Put(ctx, holderPath, text)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// giveBack deletes .hoodie/lock, unless a JVM writer thought it expired and took it.
func (a *acquisition) giveBack(ctx context.Context) error {
	h, err := a.holder(ctx)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && h != a.mine) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.store.Delete(ctx, holderPath)
}

// holder reads who made .hoodie/lock; the zero holder stands for anybody but hudi-go.
func (a *acquisition) holder(ctx context.Context) (holder, error) {
	text, err := storage.ReadFile(ctx, a.store, holderPath)
	if err != nil {
		return holder{}, err
	}
	var h holder
	if json.Valid(text) {
		err = json.Unmarshal(text, &h)
	}
	if err != nil || h.Holder != holderName {
		h = holder{} // whatever another wrote there, it is not ours
	}
	return h, nil
}

// failure says why the lock was not obtained, and by whom it is held.
func (a *acquisition) failure(ctx context.Context, timeout time.Duration, err error) error {
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("lock: %s: %w", a.store.URI(), err)
	}
	by := "another writer"
	switch h, err := a.holder(ctx); {
	case err == nil && h.Holder == "":
		by = fmt.Sprintf("a writer that made %s/%s (real Hudi's FileSystemBasedLockProvider); if no such writer runs any more, delete that file",
			a.store.URI(), holderPath)
	case err == nil:
		by = fmt.Sprintf("hudi-go, process %d on %s since %s", h.PID, h.Host, h.Since)
	}
	return fmt.Errorf("lock: %s is locked for longer than %v by %s; try again when it has finished, or with a longer lock timeout: %w",
		a.store.URI(), timeout, by, base.ErrLockTimeout)
}
