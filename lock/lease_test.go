package lock_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/mem"
)

const leasePath = ".hoodie/.locks/table_lock.json"

// java is a lease as real Hudi's StorageBasedLockProvider reads and writes it.
type java struct {
	Expired    bool   `json:"expired"`
	ValidUntil int64  `json:"validUntil"`
	Owner      string `json:"owner"`
}

func leaseOf(t *testing.T, s storage.Store) java {
	t.Helper()
	data, err := storage.ReadFile(t.Context(), s, leasePath)
	require.NoError(t, err)
	var l java
	require.NoError(t, json.Unmarshal(data, &l))
	return l
}

func putLease(t *testing.T, s storage.Store, l java) {
	t.Helper()
	text, err := json.Marshal(l)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), leasePath, text))
}

// inTime runs a test in a time of its own, which passes as soon as everybody waits.
func inTime(t *testing.T, test func(t *testing.T, s *mem.Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, mem.NewObjects(time.Now)) })
}

func lease(t *testing.T, s storage.Store) *lock.Held {
	t.Helper()
	h, err := lock.Acquire(t.Context(), s, time.Now, time.Minute)
	require.NoError(t, err)
	return h
}

func TestLeaseBytes(t *testing.T) {
	inTime(t, func(t *testing.T, s *mem.Store) {
		began := time.Now()
		h := lease(t, s)
		data, err := storage.ReadFile(t.Context(), s, leasePath)
		require.NoError(t, err)
		require.Regexp(t, `^\{"expired":false,"validUntil":\d{12,13},"owner":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"\}$`, string(data))
		taken := leaseOf(t, s)
		require.Equal(t, began.Add(30*time.Second).UnixMilli(), taken.ValidUntil)
		time.Sleep(time.Second)
		require.NoError(t, h.Release())
		taken.Expired = true
		require.Equal(t, taken, leaseOf(t, s), "given back with the time that it had")
		require.False(t, h.Valid(0))
	})
}

// The states in which a lease is found, and whether it is free.
func TestLeaseOfAnother(t *testing.T) {
	for name, c := range map[string]struct {
		left  time.Duration
		given bool
		waits time.Duration // at least, at most a poll longer
	}{
		"valid":            {left: 10 * time.Second, waits: 10500 * time.Millisecond},
		"just expired":     {left: 0, waits: 500 * time.Millisecond},
		"within the drift": {left: -499 * time.Millisecond, waits: 1},
		"expired":          {left: -501 * time.Millisecond},
		"given back":       {left: 10 * time.Second, given: true},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T, s *mem.Store) {
				putLease(t, s, java{Expired: c.given, ValidUntil: time.Now().Add(c.left).UnixMilli(), Owner: "another"})
				began := time.Now()
				h := lease(t, s)
				waited := time.Since(began)
				require.GreaterOrEqual(t, waited, c.waits)
				require.LessOrEqual(t, waited, c.waits+time.Second)
				require.Equal(t, c.waits == 0, waited == 0)
				require.NotEqual(t, "another", leaseOf(t, s).Owner)
				require.NoError(t, h.Release())
			})
		})
	}
	inTime(t, func(t *testing.T, s *mem.Store) {
		putLease(t, s, java{ValidUntil: time.Now().Add(time.Hour).UnixMilli(), Owner: "another"})
		_, err := lock.Acquire(t.Context(), s, time.Now, time.Minute)
		require.ErrorIs(t, err, base.ErrLockTimeout)
		require.ErrorContains(t, err, "the writer another")
		require.ErrorContains(t, err, leasePath)
		require.Equal(t, "another", leaseOf(t, s).Owner)
	})
	inTime(t, func(t *testing.T, s *mem.Store) {
		require.NoError(t, s.Put(t.Context(), leasePath, []byte(`{"owner":"a","validUntil":1,"expired":false,"new":{"field":1}}`)))
		require.NoError(t, lease(t, s).Release(), "fields of later releases")
		require.NoError(t, s.Put(t.Context(), leasePath, []byte(`{`)))
		_, err := lock.Acquire(t.Context(), s, time.Now, time.Minute)
		require.ErrorIs(t, err, base.ErrCorrupt)
	})
}

func TestLeaseRenewal(t *testing.T) {
	inTime(t, func(t *testing.T, s *mem.Store) {
		h := lease(t, s)
		for range 20 {
			time.Sleep(7 * time.Second)
			require.True(t, h.Valid(26*time.Second))
			require.False(t, h.Valid(31*time.Second))
		}
		_, err := lock.Acquire(t.Context(), s, time.Now, 20*time.Second)
		require.ErrorIs(t, err, base.ErrLockTimeout)
		require.NoError(t, h.Release())
		require.NoError(t, lease(t, s).Release())
	})
}

// Renewals that fail make the lease shorter, not others wait for ever.
func TestLeaseOutage(t *testing.T) {
	inTime(t, func(t *testing.T, s *mem.Store) {
		isSwap := func(c intercept.Call) bool { return c.Op == intercept.Swap }
		f := fault.Wrap(s, fault.FailBefore(2, nil).Times(3).Only(isSwap), fault.FailBefore(20, nil).Times(1000).Only(isSwap))
		h := lease(t, f)
		time.Sleep(10 * time.Second)
		require.True(t, h.Valid(19*time.Second))
		require.False(t, h.Valid(21*time.Second), "three renewals have failed")
		time.Sleep(10 * time.Second)
		require.True(t, h.Valid(26*time.Second), "they go on")
		time.Sleep(90 * time.Second)
		require.False(t, h.Valid(0))
		other := lease(t, s)
		require.NoError(t, h.Release(), "it is another's, and left alone")
		require.True(t, other.Valid(0))
		require.NoError(t, other.Release())
	})
}

// A process that was stopped for too long finds its lease taken, and leaves it alone.
func TestLeaseTaken(t *testing.T) {
	inTime(t, func(t *testing.T, s *mem.Store) {
		h := lease(t, s)
		putLease(t, s, java{ValidUntil: time.Now().Add(time.Hour).UnixMilli(), Owner: "another"})
		time.Sleep(4 * time.Second) // past a renewal
		require.False(t, h.Valid(0))
		require.NoError(t, h.Release())
		require.Equal(t, "another", leaseOf(t, s).Owner)
		require.False(t, leaseOf(t, s).Expired)
	})
}

// Answers that are lost: whoever has the lease knows it, and gives it back.
func TestLeaseLostAnswers(t *testing.T) {
	for n := 1; ; n++ {
		tripped := false
		inTime(t, func(t *testing.T, s *mem.Store) {
			f := fault.Wrap(s, fault.FailAfter(n, nil).Only(func(c intercept.Call) bool { return c.Op == intercept.Swap }))
			h := lease(t, f)
			time.Sleep(10 * time.Second)
			require.True(t, h.Valid(20*time.Second))
			require.NoError(t, h.Release())
			began := time.Now()
			require.NoError(t, lease(t, s).Release())
			require.Zero(t, time.Since(began), "call %d", n)
			tripped = f.Tripped()
		})
		if !tripped {
			require.Greater(t, n, 4)
			break
		}
	}
}

// Whatever call fails or a process dies at, the next one gets the lease in time.
func TestLeaseEveryFailure(t *testing.T) {
	for name, rule := range map[string]func(int) fault.Rule{
		"before": func(n int) fault.Rule { return fault.FailBefore(n, nil) },
		"after":  func(n int) fault.Rule { return fault.FailAfter(n, nil) },
		"outage": func(n int) fault.Rule { return fault.FailAfter(n, nil).Times(4) },
		"death":  fault.DieBefore, "late death": fault.DieAfter,
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				tripped := false
				inTime(t, func(t *testing.T, s *mem.Store) {
					f := fault.Wrap(s, rule(n))
					if h, err := lock.Acquire(t.Context(), f, time.Now, time.Minute); err == nil {
						_ = h.Release()
						require.False(t, h.Valid(0))
					}
					began := time.Now()
					require.NoError(t, lease(t, s).Release())
					require.Less(t, time.Since(began), 32*time.Second)
					tripped = f.Tripped()
				})
				if !tripped {
					break
				}
			}
		})
	}
}

func TestLeaseConcurrent(t *testing.T) {
	inTime(t, func(t *testing.T, s *mem.Store) {
		var inside, entered atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for range 5 {
					h, err := lock.Acquire(t.Context(), s, time.Now, time.Hour)
					if err != nil {
						t.Error(err)
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two holders at once")
					}
					time.Sleep(time.Duration(entered.Add(1)) * time.Second)
					if !h.Valid(20 * time.Second) {
						t.Error("the lease was not renewed")
					}
					inside.Add(-1)
					if err := h.Release(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.Equal(t, int32(30), entered.Load())
	})
}

func TestLeaseContext(t *testing.T) {
	inTime(t, func(t *testing.T, s *mem.Store) {
		ctx, cancel := context.WithCancelCause(t.Context())
		h, err := lock.Acquire(ctx, s, time.Now, time.Minute)
		require.NoError(t, err)
		time.AfterFunc(5*time.Second, func() { cancel(errors.New("a cause")) })
		_, err = lock.Acquire(ctx, s, time.Now, time.Minute)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, base.ErrLockTimeout)
		time.Sleep(time.Minute)
		require.True(t, h.Valid(20*time.Second), "work under a cancelled context still has the lock")
		require.NoError(t, h.Release())
		require.True(t, leaseOf(t, s).Expired)
	})
}
