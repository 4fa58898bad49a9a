package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

const (
	// leasePath is the file of real Hudi's StorageBasedLockProvider (docs/format/locks.md).
	leasePath = base.MetaFolder + "/.locks/table_lock.json"
	// validity is how long a lease is valid without being renewed. Real Hudi's default is
	// 300 s; this is less than the time for which a writer waits for a lock, so that one that
	// was killed stops no other.
	validity = 30 * time.Second
	// renewal is the time between two renewals. Real Hudi wants a tenth of the validity.
	renewal = validity / 10
	// drift is how far another's clock may be behind ours: a lease is taken over only when
	// it has expired for that long. It is real Hudi's.
	drift = 500 * time.Millisecond
)

// Waits between two looks at another's lease; each costs a request.
const (
	minPoll = 50 * time.Millisecond
	maxPoll = time.Second
)

// releaseTries bounds how often giving back is tried.
const releaseTries = 4

// content is what the lease's file says, in the order of real Hudi.
type content struct {
	Expired    bool   `json:"expired"`
	ValidUntil int64  `json:"validUntil"` // milliseconds since 1970
	Owner      string `json:"owner"`
}

// lease is a lease on its way from being taken to being given back.
type lease struct {
	store storage.Swapper
	uri   string
	clock func() time.Time
	owner string

	mu      sync.Mutex
	version string // of the file as we have written it
	until   int64  // milliseconds since 1970
	lost    bool   // another has taken it
}

// byLease takes the lock of a store that can compare and swap.
func byLease(waiting, ctx context.Context, store storage.Store, clock func() time.Time) (*Held, error) {
	l := &lease{store: store.(storage.Swapper), uri: store.URI(), clock: clock, owner: uuid.NewString()}
	if err := l.take(waiting); err != nil {
		l.abandon(ctx)
		return nil, err
	}
	renewing, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { l.keep(renewing) })
	return newHeld(store, l.valid, func() error {
		stop()
		done.Wait()
		return l.giveBack(ctx)
	}), nil
}

// take waits until the lease is free and writes it.
func (l *lease) take(ctx context.Context) error {
	for poll := minPoll; ; poll = min(2*poll, maxPoll) {
		found, version, err := l.read(ctx)
		if err != nil {
			return err
		}
		if found == nil || found.Expired || l.clock().UnixMilli() > found.ValidUntil+drift.Milliseconds() {
			err := l.write(ctx, version, false)
			if !errors.Is(err, fs.ErrExist) {
				return err
			}
			continue // another was faster
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return &heldError{fmt.Sprintf("the writer %s, whose lease %s/%s is valid until %s", found.Owner, l.uri, leasePath,
				time.UnixMilli(found.ValidUntil).UTC().Format(time.RFC3339)), ctx.Err()}
		}
	}
}

// abandon gives back a lease that may have been taken though the answer said otherwise. If
// this fails too, others have to wait for the lease to expire.
func (l *lease) abandon(ctx context.Context) {
	if found, version, err := l.read(ctx); err == nil && found != nil && found.Owner == l.owner {
		l.until = found.ValidUntil
		_ = l.write(ctx, version, true)
	}
}

// read returns the lease's file, nil if there is none.
func (l *lease) read(ctx context.Context) (*content, string, error) {
	data, version, err := l.store.Get(ctx, leasePath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", nil
	case err != nil:
		return nil, "", err
	}
	var c content
	if err := json.Unmarshal(data, &c); err != nil || c.Owner == "" {
		return nil, "", fmt.Errorf("%s/%s is no lock of Hudi's; delete it when no writer is at work: %w", l.uri, leasePath, base.ErrCorrupt)
	}
	return &c, version, nil
}

// write replaces the lease's file in the given version by ours, valid from now on, or, to
// give it back, expired. A file that is not in that version any more wraps fs.ErrExist. When
// the answer leaves it open what happened, the file is read back.
func (l *lease) write(ctx context.Context, version string, expired bool) error {
	mine := content{Expired: expired, ValidUntil: l.clock().Add(validity).UnixMilli(), Owner: l.owner}
	if expired {
		mine.ValidUntil = l.until
	}
	text, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	next, err := l.store.Swap(ctx, leasePath, text, version)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		found, is, readErr := l.read(ctx)
		switch {
		case readErr != nil || found == nil:
			return err
		case *found == mine:
			next, err = is, nil
		case is != version: // so that our write, should it still be on its way, comes too late
			return fmt.Errorf("the lease was taken by %s: %w", found.Owner, fs.ErrExist)
		}
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version, l.until = next, mine.ValidUntil
	return nil
}

// keep renews the lease until ctx ends or another has taken it. A renewal that fails is
// tried again with the next.
func (l *lease) keep(ctx context.Context) {
	ticks := time.NewTicker(renewal)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if err := l.renew(ctx); errors.Is(err, fs.ErrExist) {
			l.mu.Lock()
			l.lost = true
			l.mu.Unlock()
			return
		}
	}
}

// renew writes the lease again. One that is not ours any more wraps fs.ErrExist.
func (l *lease) renew(ctx context.Context) error { return l.rewrite(ctx, false) }

// giveBack marks the lease as expired, unless another has taken it.
func (l *lease) giveBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, validity)
	defer cancel()
	var err error
	for try := range releaseTries {
		if err = l.rewrite(ctx, true); err == nil || errors.Is(err, fs.ErrExist) {
			return nil
		}
		select {
		case <-time.After(minPoll << try):
		case <-ctx.Done():
		}
	}
	return fmt.Errorf("others have to wait until %s: %w", time.UnixMilli(l.until).UTC().Format(time.RFC3339), err)
}

// rewrite writes the lease in the version that it has as long as it is ours. An earlier
// write of ours may have given it a version that we have not heard of.
func (l *lease) rewrite(ctx context.Context, expired bool) error {
	err := l.write(ctx, l.version, expired)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	found, version, readErr := l.read(ctx)
	switch {
	case readErr != nil:
		return readErr
	case found == nil || found.Owner != l.owner || found.Expired:
		return err
	}
	return l.write(ctx, version, expired)
}

// valid tells whether nobody else can hold the lease before margin has passed.
func (l *lease) valid(margin time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.lost && l.clock().Add(margin).UnixMilli() <= l.until
}
