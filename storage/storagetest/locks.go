package storagetest

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
)

// briefly is how long a test waits to see that nothing happens.
const briefly = 30 * time.Millisecond

func hasLocks(c storage.Capabilities) bool { return c.FileLock }

var locks = []testCase{
	{name: "Lock/excludes", needs: hasLocks, run: func(t *testing.T, s storage.Store) {
		l := s.(storage.Locker)
		release, err := l.Lock(t.Context(), "locks/l")
		require.NoError(t, err)
		_, err = s.Stat(t.Context(), "locks/l")
		require.NoError(t, err, "the lock's file is made if absent")

		ctx, cancel := context.WithTimeoutCause(t.Context(), briefly, errors.New("a cause"))
		defer cancel()
		_, err = l.Lock(ctx, "locks/l")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		other, err := l.Lock(t.Context(), "locks/other")
		require.NoError(t, err, "another file")
		require.NoError(t, other())

		require.NoError(t, release())
		again, err := l.Lock(t.Context(), "locks/l")
		require.NoError(t, err)
		require.NoError(t, release(), "a second release does nothing")
		ctx, cancel = context.WithTimeout(t.Context(), briefly)
		defer cancel()
		_, err = l.Lock(ctx, "locks/l")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, again())
	}},
	{name: "Lock/ended context", needs: hasLocks, run: func(t *testing.T, s storage.Store) {
		l := s.(storage.Locker)
		_, err := l.Lock(ended(t), "l")
		require.ErrorIs(t, err, context.Canceled)

		release, err := l.Lock(t.Context(), "l")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan error)
		go func() {
			_, err := l.Lock(ctx, "l")
			waiting <- err
		}()
		time.Sleep(briefly)
		cancel()
		require.ErrorIs(t, <-waiting, context.Canceled)
		require.NoError(t, release())
		release, err = l.Lock(t.Context(), "l")
		require.NoError(t, err, "a waiter that gave up does not hold the lock")
		require.NoError(t, release())
	}},
	{name: "Lock/keeps content", needs: hasLocks, run: func(t *testing.T, s storage.Store) {
		put(t, s, "l", "content")
		release, err := s.(storage.Locker).Lock(t.Context(), "l")
		require.NoError(t, err)
		requireContent(t, s, "l", "content")
		require.NoError(t, release())
		requireContent(t, s, "l", "content")
	}},
	{name: "Lock/concurrent", needs: hasLocks, run: func(t *testing.T, s storage.Store) {
		var inside, entered atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					release, err := s.(storage.Locker).Lock(t.Context(), "l")
					if err != nil {
						t.Error(err)
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two holders at once")
					}
					entered.Add(1)
					inside.Add(-1)
					if err := release(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.Equal(t, int32(40), entered.Load())
	}},
}

func hasSwap(c storage.Capabilities) bool { return c.CompareAndSwap }

var swaps = []testCase{
	{name: "Swap", needs: hasSwap, run: func(t *testing.T, s storage.Store) {
		w := s.(storage.Swapper)
		_, _, err := w.Get(t.Context(), "f")
		require.ErrorIs(t, err, fs.ErrNotExist)
		_, err = w.Swap(t.Context(), "f", []byte("x"), "no such version")
		require.ErrorIs(t, err, fs.ErrExist, "a missing file has no version")

		v1, err := w.Swap(t.Context(), "f", []byte("one"), "")
		require.NoError(t, err)
		_, err = w.Swap(t.Context(), "f", []byte("x"), "")
		require.ErrorIs(t, err, fs.ErrExist)
		data, version, err := w.Get(t.Context(), "f")
		require.NoError(t, err)
		require.Equal(t, "one", string(data))
		require.Equal(t, v1, version)

		v2, err := w.Swap(t.Context(), "f", []byte("two"), v1)
		require.NoError(t, err)
		require.NotEqual(t, v1, v2)
		_, err = w.Swap(t.Context(), "f", []byte("x"), v1)
		require.ErrorIs(t, err, fs.ErrExist)
		put(t, s, "f", "by Put")
		_, err = w.Swap(t.Context(), "f", []byte("x"), v2)
		require.ErrorIs(t, err, fs.ErrExist)
		requireContent(t, s, "f", "by Put")
	}},
	{name: "Swap/race", needs: hasSwap, run: func(t *testing.T, s storage.Store) {
		w := s.(storage.Swapper)
		put(t, s, "n", "0")
		var wg sync.WaitGroup
		var added, unsure atomic.Int32
		for range 8 {
			wg.Go(func() {
				for range 20 {
					data, version, err := w.Get(t.Context(), "n")
					if err != nil {
						t.Error(err)
						return
					}
					n, _ := strconv.Atoi(string(data))
					switch _, err := w.Swap(t.Context(), "n", []byte(strconv.Itoa(n+1)), version); {
					case err == nil:
						added.Add(1)
					case !errors.Is(err, fs.ErrExist):
						unsure.Add(1)
					}
				}
			})
		}
		wg.Wait()
		data, err := storage.ReadFile(t.Context(), s, "n")
		require.NoError(t, err)
		n, err := strconv.Atoi(string(data))
		require.NoError(t, err)
		require.Positive(t, added.Load())
		require.GreaterOrEqual(t, n, int(added.Load()))
		require.LessOrEqual(t, n, int(added.Load()+unsure.Load()))
	}},
}
