package lock_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/local"
	"github.com/hudi-go/hudi-go/storage/mem"
)

const (
	briefly = 50 * time.Millisecond
	amply   = 30 * time.Second
)

func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func newLocal(t *testing.T, dir string) storage.Store {
	t.Helper()
	s, err := local.Open(dir)
	require.NoError(t, err)
	return s
}

// onBoth runs a test on a disk and in memory.
func onBoth(t *testing.T, test func(t *testing.T, s storage.Store)) {
	t.Run("local", func(t *testing.T) { test(t, newLocal(t, t.TempDir())) })
	t.Run("mem", func(t *testing.T) { test(t, mem.New(clock)) })
}

func acquire(t *testing.T, s storage.Store) *lock.Held {
	t.Helper()
	h, err := lock.Acquire(t.Context(), s, clock, amply)
	require.NoError(t, err)
	return h
}

// jvmLockExists tells what a JVM writer would see.
func jvmLockExists(t *testing.T, s storage.Store) bool {
	t.Helper()
	_, err := s.Stat(t.Context(), ".hoodie/lock")
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return err == nil
}

func TestHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, s storage.Store) {
		h := acquire(t, s)
		require.True(t, h.Valid(time.Hour))
		require.True(t, jvmLockExists(t, s), "JVM writers see it")

		_, err := lock.Acquire(t.Context(), s, clock, briefly)
		require.ErrorIs(t, err, base.ErrLockTimeout)
		require.ErrorContains(t, err, s.URI())
		require.ErrorContains(t, err, "hudi-go, process")
		require.ErrorContains(t, err, "2026-01-02T03:04:05Z")

		require.NoError(t, h.Release())
		require.False(t, h.Valid(0))
		require.False(t, jvmLockExists(t, s))
		again := acquire(t, s)
		require.NoError(t, h.Release(), "a second release does nothing")
		require.True(t, jvmLockExists(t, s))
		require.NoError(t, again.Release())
	})
}

func TestConcurrent(t *testing.T) {
	onBoth(t, func(t *testing.T, s storage.Store) {
		var inside, entered atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for range 5 {
					h, err := lock.Acquire(t.Context(), s, clock, amply)
					if err != nil {
						t.Error(err)
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two holders at once")
					}
					entered.Add(1)
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

// A JVM writer's lock file is waited for and never touched. It usually is empty.
func TestForeignLockFile(t *testing.T) {
	for _, content := range []string{"", "{", `{"lockCreateTime":"2026-01-02 03:04:05.000","lockThreadName":"main"}`, `{"holder":"someone"}`} {
		onBoth(t, func(t *testing.T, s storage.Store) {
			require.NoError(t, s.Put(t.Context(), ".hoodie/lock", []byte(content)))
			_, err := lock.Acquire(t.Context(), s, clock, briefly)
			require.ErrorIs(t, err, base.ErrLockTimeout)
			require.ErrorContains(t, err, "/.hoodie/lock")
			require.ErrorContains(t, err, "delete that file")
			data, err := storage.ReadFile(t.Context(), s, ".hoodie/lock")
			require.NoError(t, err)
			require.Equal(t, content, string(data))

			time.AfterFunc(briefly, func() { s.Delete(context.Background(), ".hoodie/lock") })
			h := acquire(t, s)
			require.NoError(t, h.Release())
		})
	}
}

// A JVM writer with an expiry may take the lock file of a writer that is slow.
func TestLockFileTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, s storage.Store) {
		h := acquire(t, s)
		require.NoError(t, s.Put(t.Context(), ".hoodie/lock", nil))
		require.NoError(t, h.Release())
		require.True(t, jvmLockExists(t, s), "it is not ours to delete")

		require.NoError(t, s.Delete(t.Context(), ".hoodie/lock"))
		h = acquire(t, s)
		require.NoError(t, s.Delete(t.Context(), ".hoodie/lock"))
		require.NoError(t, h.Release())
	})
}

// Whatever operation a writer dies at, the next one gets the lock and leaves nothing.
func TestEveryCrashPoint(t *testing.T) {
	leftovers := 0
	for n := 1; ; n++ {
		disk := mem.New(clock)
		f := fault.Wrap(disk, fault.DieBefore(n))
		if h, err := lock.Acquire(t.Context(), f, clock, amply); err == nil {
			err = h.Release()
			require.False(t, h.Valid(0))
			require.Equal(t, f.Tripped(), err != nil)
		} else {
			require.ErrorIs(t, err, fault.ErrDied)
			require.NotErrorIs(t, err, base.ErrLockTimeout)
		}
		if jvmLockExists(t, disk) {
			leftovers++
		}
		h := acquire(t, disk)
		require.NoError(t, h.Release())
		require.False(t, jvmLockExists(t, disk))
		if !f.Tripped() {
			break
		}
	}
	require.Positive(t, leftovers, "some deaths left the lock file behind")
}

// Whatever operation fails without killing the process, its lock does not stay.
func TestEveryFailure(t *testing.T) {
	for name, fail := range map[string]func(int, error) fault.Rule{"before": fault.FailBefore, "after": fault.FailAfter} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				disk := mem.New(clock)
				f := fault.Wrap(disk, fail(n, nil))
				h, err := lock.Acquire(t.Context(), f, clock, amply)
				if err != nil {
					require.ErrorIs(t, err, fault.ErrInjected)
					require.False(t, jvmLockExists(t, disk), "call %d", n)
				} else {
					_ = h.Release()
				}
				require.NoError(t, acquire(t, disk).Release())
				if !f.Tripped() {
					break
				}
			}
		})
	}
}

// A failing release still frees the lock of the operating system.
func TestFailingRelease(t *testing.T) {
	disk := mem.New(clock)
	f := fault.Wrap(disk, fault.FailBefore(2, nil).Only(fault.Mutating))
	h, err := lock.Acquire(t.Context(), f, clock, amply)
	require.NoError(t, err)
	require.ErrorIs(t, h.Release(), fault.ErrInjected)
	require.ErrorIs(t, h.Release(), fault.ErrInjected)
	require.False(t, h.Valid(0))
	require.NoError(t, acquire(t, disk).Release())
}

func TestContext(t *testing.T) {
	onBoth(t, func(t *testing.T, s storage.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		h, err := lock.Acquire(ctx, s, clock, amply)
		require.NoError(t, err)
		waiting := make(chan error)
		go func() {
			_, err := lock.Acquire(ctx, s, clock, amply)
			waiting <- err
		}()
		time.Sleep(briefly)
		cancel()
		err = <-waiting
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, base.ErrLockTimeout)
		require.NoError(t, h.Release(), "although its context has ended")
		require.False(t, jvmLockExists(t, s))

		_, err = lock.Acquire(t.Context(), s, clock, 0)
		require.ErrorIs(t, err, base.ErrInvalid)
	})
}

// noLocks is a store like one on an object store.
type noLocks struct{ storage.Store }

func (noLocks) Capabilities() storage.Capabilities { return storage.Capabilities{} }

func TestUnsupported(t *testing.T) {
	_, err := lock.Acquire(t.Context(), noLocks{mem.New(clock)}, clock, amply)
	require.ErrorIs(t, err, base.ErrUnsupported)
}

// TestKilledProcess lets another process take the lock and kills it.
func TestKilledProcess(t *testing.T) {
	const variable = "HUDI_GO_LOCK_TEST_DIR"
	if dir := os.Getenv(variable); dir != "" {
		acquire(t, newLocal(t, dir))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "held"), nil, 0o644))
		select {} // until the kill
	}
	dir := t.TempDir()
	s := newLocal(t, dir)
	child := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$")
	child.Env = append(os.Environ(), variable+"="+dir)
	require.NoError(t, child.Start())
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "held"))
		return err == nil
	}, amply, time.Millisecond)
	_, err := lock.Acquire(t.Context(), s, clock, briefly)
	require.ErrorIs(t, err, base.ErrLockTimeout)
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	require.True(t, jvmLockExists(t, s), "left behind")
	require.NoError(t, acquire(t, s).Release())
	require.False(t, jvmLockExists(t, s))
}
