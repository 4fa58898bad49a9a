package lock

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// onDisk takes the lock of a store with file locks.
func onDisk(waiting, ctx context.Context, store storage.Store, clock func() time.Time) (*Held, error) {
	a := &acquisition{store: store, mine: newHolder(clock())}
	unlock, err := store.(storage.Locker).Lock(waiting, flockPath)
	if err != nil {
		return nil, a.blame(ctx, err)
	}
	if err := a.take(waiting); err != nil {
		err = a.blame(ctx, err)
		// The lock file may be there all the same; if this fails too, the next writer takes it over.
		_ = a.giveBack(ctx)
		return nil, errors.Join(err, unlock())
	}
	// A lock of the operating system has no end of its own.
	return newHeld(store, func(time.Duration) bool { return true }, func() error { return errors.Join(a.giveBack(ctx), unlock()) }), nil
}

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

// blame adds to the error of a wait that was too long who holds the lock.
func (a *acquisition) blame(ctx context.Context, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	h, lookErr := a.holder(ctx)
	if lookErr != nil {
		return err
	}
	by := fmt.Sprintf("hudi-go, process %d on %s since %s", h.PID, h.Host, h.Since)
	if h.Holder == "" {
		by = fmt.Sprintf("a writer that made %s/%s (real Hudi's FileSystemBasedLockProvider); if no such writer runs any more, delete that file",
			a.store.URI(), holderPath)
	}
	return &heldError{by, err}
}
