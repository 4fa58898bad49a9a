package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/local"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/storagetest"
)

func newMem() *mem.Store { return mem.New(func() time.Time { return time.Unix(1, 0) }) }

func TestConformance(t *testing.T) {
	t.Run("mem", func(t *testing.T) {
		storagetest.Run(t, func(*testing.T) storage.Store { return fault.Wrap(newMem()) })
	})
	t.Run("local", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storage.Store {
			s, err := local.OpenWith(t.TempDir(), local.Options{NoSync: true})
			require.NoError(t, err)
			return fault.Wrap(s)
		})
	})
}

// scenario performs one of each mutating operation, and stops at the first that fails.
func scenario(ctx context.Context, s storage.Store) error {
	if err := s.MakeDir(ctx, "d"); err != nil {
		return err
	}
	if err := s.Put(ctx, "d/put", []byte("1")); err != nil {
		return err
	}
	if err := s.PutIfAbsent(ctx, "d/absent", []byte("2")); err != nil {
		return err
	}
	w, err := s.Create(ctx, "stream")
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte("12")); err != nil {
		return errors.Join(err, w.Abort())
	}
	if _, err := w.Write([]byte("34")); err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.Close(); err != nil {
		return err
	}
	if _, err := storage.ReadFile(ctx, s, "stream"); err != nil {
		return err
	}
	if err := s.Delete(ctx, "d/put"); err != nil {
		return err
	}
	return s.DeleteDir(ctx, "d")
}

// state lists the files there are, with their content.
func state(t *testing.T, s storage.Store) string {
	t.Helper()
	text := ""
	for _, path := range []string{"d/put", "d/absent", "stream"} {
		if data, err := storage.ReadFile(t.Context(), s, path); err == nil {
			text += fmt.Sprintf("%s=%s ", path, data)
		}
	}
	return text
}

// states are what the disk looks like after each mutating operation of the scenario.
var states = []string{
	"", "", "d/put=1 ", "d/put=1 d/absent=2 ", "d/put=1 d/absent=2 ", "d/put=1 d/absent=2 ", "d/put=1 d/absent=2 ",
	"d/put=1 d/absent=2 stream=1234 ", "d/absent=2 stream=1234 ", "stream=1234 ",
}

func TestEveryCrashPoint(t *testing.T) {
	for name, c := range map[string]struct {
		rule    func(int) fault.Rule
		effects int // of the call that dies
	}{"before": {fault.DieBefore, 0}, "after": {fault.DieAfter, 1}} {
		t.Run(name, func(t *testing.T) {
			n := 1
			for ; ; n++ {
				disk := newMem()
				f := fault.Wrap(disk, c.rule(n).Only(fault.Mutating))
				err := scenario(t.Context(), f)
				if !f.Tripped() {
					require.NoError(t, err)
					require.False(t, f.Dead())
					break
				}
				require.ErrorIs(t, err, fault.ErrDied)
				require.True(t, f.Dead())
				require.Equal(t, states[n-1+c.effects], state(t, disk), "call %d", n)
				require.ErrorIs(t, f.Put(t.Context(), "later", nil), fault.ErrDied)
				_, err = f.List(t.Context(), "")
				require.ErrorIs(t, err, fault.ErrDied)
			}
			require.Equal(t, len(states), n, "calls of the scenario, and one run that survives")
		})
	}
}

func TestReadsCountToo(t *testing.T) {
	f := fault.Wrap(newMem())
	require.NoError(t, scenario(t.Context(), f))
	require.Equal(t, len(states)-1+2, f.Calls(), "the mutating calls, Open and ReadAt")
}

func TestFail(t *testing.T) {
	custom := errors.New("503 slow down")
	for _, c := range []struct {
		rule  fault.Rule
		cause error
		after string
	}{
		{fault.FailBefore(2, nil), fault.ErrInjected, "first"},
		{fault.FailBefore(2, custom), custom, "first"},
		{fault.FailAfter(2, nil), fault.ErrInjected, "second"},
	} {
		disk := newMem()
		f := fault.Wrap(disk, c.rule)
		require.NoError(t, f.Put(t.Context(), "d/put", []byte("first")))
		err := f.Put(t.Context(), "d/put", []byte("second"))
		require.ErrorIs(t, err, c.cause)
		require.NotErrorIs(t, err, fs.ErrExist)
		require.True(t, f.Tripped())
		require.Equal(t, "d/put="+c.after+" ", state(t, disk))
		require.NoError(t, f.Put(t.Context(), "d/put", []byte("third")), "one call fails, not more")
	}
}

// A lost acknowledgement of a PutIfAbsent is what the transaction must see through.
func TestLostAcknowledgement(t *testing.T) {
	f := fault.Wrap(newMem(), fault.FailAfter(1, nil).Only(func(c intercept.Call) bool { return c.Op == intercept.PutIfAbsent }))
	require.NoError(t, f.Put(t.Context(), "other", nil))
	require.ErrorIs(t, f.PutIfAbsent(t.Context(), "d/absent", []byte("mine")), fault.ErrInjected)
	require.ErrorIs(t, f.PutIfAbsent(t.Context(), "d/absent", []byte("mine")), fs.ErrExist)
}

// A stream of which a write failed must not appear, even if its owner closes it regardless.
func TestFailedStream(t *testing.T) {
	for name, rule := range map[string]fault.Rule{
		"write before": fault.FailBefore(2, nil), "write after": fault.FailAfter(2, nil), "close before": fault.FailBefore(4, nil),
		"torn": fault.Tear(2), "dead": fault.DieBefore(4),
	} {
		t.Run(name, func(t *testing.T) {
			disk := newMem()
			f := fault.Wrap(disk, rule)
			w, err := f.Create(t.Context(), "stream")
			require.NoError(t, err)
			n, err1 := w.Write([]byte("abcd"))
			if name == "write before" {
				require.Zero(t, n)
			}
			_, err2 := w.Write([]byte("efgh"))
			require.Error(t, errors.Join(err1, err2, w.Close()))
			require.Empty(t, state(t, disk))
			require.NoError(t, w.Abort())
		})
	}
	disk := newMem()
	f := fault.Wrap(disk, fault.FailAfter(3, nil))
	w, err := f.Create(t.Context(), "stream")
	require.NoError(t, err)
	_, err = w.Write([]byte("abcd"))
	require.NoError(t, err)
	require.ErrorIs(t, w.Close(), fault.ErrInjected)
	require.Equal(t, "stream=abcd ", state(t, disk), "the acknowledgement of Close was lost")
}

// A Close that fails before it did anything ends the writer all the same.
func TestFailedCloseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	disk, err := local.Open(dir)
	require.NoError(t, err)
	f := fault.Wrap(disk, fault.FailBefore(2, nil))
	w, err := f.Create(t.Context(), "stream")
	require.NoError(t, err)
	require.ErrorIs(t, w.Close(), fault.ErrInjected)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "not even a temporary file")
}

func TestTear(t *testing.T) {
	f := fault.Wrap(newMem(), fault.Tear(2))
	require.NoError(t, f.Put(t.Context(), "f", nil), "only writes to streams count")
	w, err := f.Create(t.Context(), "stream")
	require.NoError(t, err)
	_, err = w.Write([]byte("abcd"))
	require.NoError(t, err)
	n, err := w.Write([]byte("efgh"))
	require.ErrorIs(t, err, fault.ErrDied)
	require.Equal(t, 2, n)
	require.True(t, f.Dead())
}

func TestDeathReleasesLocks(t *testing.T) {
	disk := newMem()
	f := fault.Wrap(disk, fault.DieBefore(1).Only(fault.Mutating))
	release, err := f.Lock(t.Context(), "l")
	require.NoError(t, err)

	waiting := make(chan error)
	foreign, err := disk.Lock(t.Context(), "foreign")
	require.NoError(t, err)
	go func() {
		_, err := f.Lock(context.Background(), "foreign")
		waiting <- err
	}()
	time.Sleep(10 * time.Millisecond)
	require.ErrorIs(t, f.Put(t.Context(), "f", nil), fault.ErrDied)
	require.ErrorIs(t, <-waiting, fault.ErrDied, "a dead process waits for nothing")
	require.NoError(t, foreign())

	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	next, err := disk.Lock(ctx, "l")
	require.NoError(t, err, "the dead process holds no lock")
	require.ErrorIs(t, release(), fault.ErrDied)
	brief, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = disk.Lock(brief, "l")
	require.ErrorIs(t, err, context.DeadlineExceeded, "nor can it release that of its successor")
	require.NoError(t, next())
}

func TestLockFaults(t *testing.T) {
	onLock := func(c intercept.Call) bool { return c.Op == intercept.Lock }
	for name, rule := range map[string]fault.Rule{
		"fail before": fault.FailBefore(1, nil), "fail after": fault.FailAfter(1, nil),
		"die before": fault.DieBefore(1), "die after": fault.DieAfter(1),
	} {
		t.Run(name, func(t *testing.T) {
			disk := newMem()
			f := fault.Wrap(disk, rule.Only(onLock))
			_, err := f.Lock(t.Context(), "l")
			require.Error(t, err)
			require.True(t, f.Tripped())
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = disk.Lock(ctx, "l")
			require.NoError(t, err, "nobody is left holding the lock")
		})
	}
}

func TestRestrictionsAdd(t *testing.T) {
	f := fault.Wrap(newMem(), fault.Tear(1).Only(func(c intercept.Call) bool { return c.Path == "b" }))
	require.NoError(t, f.Put(t.Context(), "b", nil), "not a Write")
	a, err := f.Create(t.Context(), "a")
	require.NoError(t, err)
	_, err = a.Write([]byte("x"))
	require.NoError(t, err, "not b")
	b, err := f.Create(t.Context(), "b")
	require.NoError(t, err)
	_, err = b.Write([]byte("x"))
	require.ErrorIs(t, err, fault.ErrDied)
}

// bare hides what a store can do beyond the interface.
type bare struct{ storage.Store }

func (bare) Capabilities() storage.Capabilities { return storage.Capabilities{} }

func TestBareStore(t *testing.T) {
	f := fault.Wrap(bare{newMem()})
	require.Zero(t, f.Capabilities())
	_, err := f.Lock(t.Context(), "l")
	require.ErrorIs(t, err, base.ErrUnsupported)
	_, _, err = f.Get(t.Context(), "f")
	require.ErrorIs(t, err, base.ErrUnsupported)
	_, err = f.Swap(t.Context(), "f", nil, "")
	require.ErrorIs(t, err, base.ErrUnsupported)
}

func TestKill(t *testing.T) {
	f := fault.Wrap(newMem())
	f.Kill()
	require.True(t, f.Dead())
	require.ErrorIs(t, f.Delete(t.Context(), "f"), fault.ErrDied)
}
