// Package fault makes a store fail at a chosen call, to prove that its users survive it:
// an operation that never happened, one that happened without the caller hearing of it, a
// stream that tears, a process that dies. A crash at every operation of a scenario is a loop:
//
//	for n := 1; ; n++ {
//		disk := before.Clone()
//		f := fault.Wrap(disk, fault.DieBefore(n).Only(fault.Mutating))
//		scenario(f)
//		check(disk)
//		if !f.Tripped() {
//			break
//		}
//	}
package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/intercept"
)

var (
	// ErrInjected is the failure of a call that a rule without an error of its own lets fail.
	ErrInjected = errors.New("injected fault")
	// ErrDied is the failure of every call from the moment at which the process "died".
	ErrDied = errors.New("the process has died (injected)")
)

type moment int

const (
	before moment = iota
	torn
	after
)

// Rule says which call fails, and how. Each rule counts calls by itself, from 1.
type Rule struct {
	nth   int
	times int // calls that fail, 0 for one
	only  func(intercept.Call) bool
	when  moment
	dies  bool
	cause error
}

// FailBefore lets the n-th call fail without any effect; err nil means ErrInjected.
func FailBefore(n int, err error) Rule { return fail(n, before, err) }

// FailAfter lets the n-th call take effect and then fail: the acknowledgement is lost.
// err nil means ErrInjected.
func FailAfter(n int, err error) Rule { return fail(n, after, err) }

// DieBefore kills the process just before the n-th call takes effect.
func DieBefore(n int) Rule { return Rule{nth: n, when: before, dies: true, cause: ErrDied} }

// DieAfter kills the process just after the n-th call has taken effect; the call fails too.
func DieAfter(n int) Rule { return Rule{nth: n, when: after, dies: true, cause: ErrDied} }

// Tear kills the process in the middle of the n-th Write to a stream: half of its bytes
// reach the store. Calls other than Write are not counted.
func Tear(n int) Rule {
	return Rule{nth: n, when: torn, dies: true, cause: ErrDied,
		only: func(c intercept.Call) bool { return c.Op == intercept.Write }}
}

func fail(n int, when moment, err error) Rule {
	if err == nil {
		err = ErrInjected
	}
	return Rule{nth: n, when: when, cause: err}
}

// Times lets k calls in a row fail, the n-th and those after it: an outage.
func (r Rule) Times(k int) Rule {
	r.times = k
	return r
}

// Only returns the rule restricted to the calls that match; others are not counted. It adds
// to an earlier restriction.
func (r Rule) Only(match func(intercept.Call) bool) Rule {
	if earlier := r.only; earlier != nil {
		r.only = func(c intercept.Call) bool { return earlier(c) && match(c) }
	} else {
		r.only = match
	}
	return r
}

// Mutating is a restriction for Only: operations that can change what is stored.
func Mutating(c intercept.Call) bool { return c.Op.Mutates() }

// Store is a store with faults. Its operations happen one after the other, so that no
// effect arrives once the process has died; only waiting for a lock lets others pass.
type Store struct {
	*intercept.Store
	inner storage.Store

	mu      sync.Mutex
	calls   int
	rules   []Rule // nth counts down
	tripped bool
	locks   map[*lock]struct{} // held through this store
	alive   context.Context    // ends at death
	kill    context.CancelFunc
}

type lock struct{ release func() error }

// Wrap returns s with faults. Several rules are independent of each other; of two that hit
// the same call the first counts.
func Wrap(s storage.Store, rules ...Rule) *Store {
	f := &Store{inner: s, rules: slices.Clone(rules), locks: map[*lock]struct{}{}}
	f.Store = intercept.Wrap(s, f.around)
	f.alive, f.kill = context.WithCancel(context.Background())
	return f
}

// Calls is the number of calls so far, of any kind, not counting those after death.
func (f *Store) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Tripped reports whether any rule has let a call fail.
func (f *Store) Tripped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tripped
}

// Dead reports whether the process has died.
func (f *Store) Dead() bool { return f.alive.Err() != nil }

// Kill lets the process die now, between two calls.
func (f *Store) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.die()
}

// around counts a call and lets it happen, or not.
func (f *Store) around(c *intercept.Call, next func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	rule, err := f.begin(c)
	switch {
	case err != nil:
		return err
	case rule == nil:
		return next()
	}
	// The outcome of a call that is made to fail is not the caller's to know.
	switch rule.when {
	case after:
		_ = next()
	case torn:
		c.Data = c.Data[:len(c.Data)/2]
		_ = next()
	}
	return f.trip(rule, c)
}

// begin counts a call and finds the rule that hits it, if any. It fails after death.
func (f *Store) begin(c *intercept.Call) (*Rule, error) {
	if f.Dead() {
		return nil, failure(c, ErrDied)
	}
	f.calls++
	var hit *Rule
	for i := range f.rules {
		r := &f.rules[i]
		if r.only != nil && !r.only(*c) {
			continue
		}
		if r.nth--; r.nth <= 0 && r.nth > -max(r.times, 1) && hit == nil {
			hit = r
		}
	}
	return hit, nil
}

func (f *Store) trip(r *Rule, c *intercept.Call) error {
	f.tripped = true
	if r.dies {
		f.die()
	}
	return failure(c, r.cause)
}

// die ends the process: the operating system releases its locks and ends its waits.
func (f *Store) die() {
	f.kill()
	for l := range f.locks {
		_ = l.release()
	}
	clear(f.locks)
}

func failure(c *intercept.Call, cause error) error {
	return fmt.Errorf("fault: %s %s: %w", c.Op, c.Path, cause)
}

// Lock implements storage.Locker. While it waits, other calls go on. A release that is made
// to fail frees the lock nevertheless, as closing a file does.
func (f *Store) Lock(ctx context.Context, path string) (func() error, error) {
	locker, ok := f.inner.(storage.Locker)
	if !ok {
		return nil, fmt.Errorf("fault: %s has no file locks: %w", f.URI(), base.ErrUnsupported)
	}
	c := &intercept.Call{Op: intercept.Lock, Path: path}
	rule, err := f.beginLock(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.alive, cancel)()
	release, err := locker.Lock(ctx, path)

	f.mu.Lock()
	defer f.mu.Unlock()
	l := &lock{release: release}
	if release != nil {
		f.locks[l] = struct{}{}
	}
	switch {
	case f.Dead():
		f.die()
		return nil, failure(c, ErrDied)
	case rule != nil:
		_ = f.unlock(l)
		return nil, f.trip(rule, c)
	case err != nil:
		return nil, err
	}
	return func() error {
		err := f.around(&intercept.Call{Op: intercept.Unlock, Path: path}, func() error { return f.unlock(l) })
		f.mu.Lock()
		defer f.mu.Unlock()
		return errors.Join(err, f.unlock(l))
	}, nil
}

// beginLock is begin for Lock: a rule that strikes before the effect has struck on return.
func (f *Store) beginLock(c *intercept.Call) (*Rule, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rule, err := f.begin(c)
	if rule != nil && rule.when != after {
		return nil, f.trip(rule, c)
	}
	return rule, err
}

// unlock releases a lock that is still held.
func (f *Store) unlock(l *lock) error {
	if _, held := f.locks[l]; !held {
		return nil
	}
	delete(f.locks, l)
	return l.release()
}
