package recovery_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/record"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

const dir = ".hoodie/timeline/"

// world is a table put together by hand: instants of two digits, "10" completing at "101",
// and data files whose content nobody reads. Its clock is years later.
type world struct {
	t     *testing.T
	store *mem.Store
	h     *table.Handle
}

func newWorld(t *testing.T) *world { return newWorldOf(t, table.CurrentVersion) }

func newWorldOf(t *testing.T, version int) *world {
	w := &world{t: t}
	var ms atomic.Int64
	// Instants of tests begin with a 1, so that those of this century are later.
	now := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, int(ms.Add(1))*1e6, time.UTC) }
	w.store = mem.New(now)
	c := table.NewConfig("t")
	c.Keys, c.Type, c.Version = []string{"id"}, table.MOR, version
	require.NoError(t, table.Create(t.Context(), w.store, c, now))
	stored, err := table.LoadConfig(t.Context(), w.store)
	require.NoError(t, err)
	w.h = table.NewHandle(w.store, stored, now, slog.New(slog.DiscardHandler))
	w.h.Zone = time.UTC
	return w
}

func (w *world) put(path string, data []byte) *world {
	require.NoError(w.t, w.store.Put(w.t.Context(), path, data))
	return w
}

func (w *world) has(paths ...string) {
	w.t.Helper()
	for _, p := range paths {
		_, err := w.store.Stat(w.t.Context(), p)
		require.NoError(w.t, err)
	}
}

func (w *world) lacks(paths ...string) {
	w.t.Helper()
	for _, p := range paths {
		_, err := w.store.Stat(w.t.Context(), p)
		require.ErrorIs(w.t, err, fs.ErrNotExist, p)
	}
}

// file is the path of a data file of partition p, made.
func (w *world) file(group, at string) string {
	w.put("p/"+base.PartitionMetafile, nil)
	path := fmt.Sprintf("p/%s_0-0-0_%s.parquet", group, at)
	w.put(path, nil)
	return path
}

func (w *world) log(group, at string) string {
	w.put("p/"+base.PartitionMetafile, nil)
	path := fmt.Sprintf("p/.%s_%s.log.1_0-0-0", group, at)
	w.put(path, nil)
	return path
}

func (w *world) pending(name string) *world { return w.put(dir+name, nil) }

// dead makes a write whose writer has given its lock up.
func (w *world) dead(at string) *world {
	w.put(".hoodie/.locks/hudi-go-"+at+".lock", nil)
	return w.pending(at + ".deltacommit.requested").pending(at + ".deltacommit.inflight")
}

func (w *world) completed(at, action string, stats ...*timeline.WriteStat) *world {
	m := &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{"p": stats}}
	data, err := m.Encode(timeline.Layout2)
	require.NoError(w.t, err)
	w.pending(at + "." + action + ".requested").pending(at + "." + action + ".inflight")
	return w.put(dir+at+"_"+at+"1."+action, data)
}

func (w *world) marker(at, file string) *world {
	return w.put(".hoodie/.temp/"+at+"/"+file+".marker.CREATE", nil)
}

func (w *world) recovered() []string {
	done, err := recovery.Recover(w.t.Context(), w.h)
	require.NoError(w.t, err)
	return done
}

func (w *world) instants() []string {
	tl, err := w.h.Timeline(w.t.Context())
	require.NoError(w.t, err)
	var out []string
	for _, i := range tl.Instants() {
		if i.Action != timeline.Rollback {
			out = append(out, i.String())
			continue
		}
		require.True(w.t, i.Done())
		m, err := tl.RollbackMetadata(w.t.Context(), i.Time)
		require.NoError(w.t, err)
		out = append(out, fmt.Sprint("rolled back ", m.CommitsRollback, " ", m.TotalFilesDeleted))
	}
	return out
}

func TestNothingToDo(t *testing.T) {
	w := newWorld(t)
	w.completed("10", "deltacommit").pending("11.compaction.requested")
	rec := record.Wrap(w.store)
	h := *w.h
	h.Store = rec
	done, err := recovery.Recover(t.Context(), &h)
	require.NoError(t, err)
	require.Empty(t, done)
	require.Empty(t, rec.Mutations())
	require.Len(t, rec.Ops(), 6, "four listings, and the properties, opened and read")
}

// TestDeadWrites are found by their markers or by their names, newest first.
func TestDeadWrites(t *testing.T) {
	w := newWorld(t)
	kept := w.file("a", "10")
	w.completed("10", "deltacommit", &timeline.WriteStat{FileID: "a", Path: kept})
	w.dead("12").pending("13.deltacommit.requested").put(".hoodie/.locks/hudi-go-13.lock", nil)
	unmarked, log := w.file("b", "12"), w.log("a", "12")
	w.marker("12", "p/never_0-0-0_12.parquet").put(".hoodie/.heartbeat/12", nil)
	require.Equal(t, []string{"13", "12"}, w.recovered())
	w.has(kept)
	w.lacks(unmarked, log, ".hoodie/.heartbeat/12", ".hoodie/.temp/12/p/never_0-0-0_12.parquet.marker.CREATE")
	require.Equal(t, []string{"10 deltacommit (completed)", "rolled back [13] 0", "rolled back [12] 3"}, w.instants())
	require.Empty(t, w.recovered(), "once is enough")
}

func TestLivingWriteIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	x, err := txn.Begin(t.Context(), w.h, timeline.DeltaCommit, nil)
	require.NoError(t, err)
	require.NoError(t, x.Start(t.Context(), nil))
	file := w.file("a", x.Instant)
	require.NoError(t, x.Mark(t.Context(), file, txn.MarkCreate))
	require.Empty(t, w.recovered())
	w.has(file)
	require.NoError(t, x.Close(t.Context()))
	require.Equal(t, []string{x.Instant}, w.recovered())
	w.lacks(file)
}

// TestPendingRollback goes on with what another began, at whatever step it died.
func TestPendingRollback(t *testing.T) {
	for step := range 6 {
		t.Run(fmt.Sprint("step ", step), func(t *testing.T) {
			w := newWorld(t)
			w.dead("12")
			file := w.file("b", "12")
			p := &timeline.RollbackPlan{Version: 1, Instant: &timeline.InstantInfo{Time: "12", Action: "deltacommit"},
				Requests: []timeline.RollbackRequest{{Partition: "p", FilesToDelete: []string{"/moved/since/" + file}, LogBlocksToDelete: map[string]int64{}}}}
			data, err := p.Encode()
			require.NoError(t, err)
			w.put(dir+"14.rollback.requested", data)
			steps := []func(){
				func() { w.pending("14.rollback.inflight") },
				func() { require.NoError(t, w.store.Delete(t.Context(), file)) },
				func() { require.NoError(t, w.store.Delete(t.Context(), dir+"12.deltacommit.inflight")) },
				func() { require.NoError(t, w.store.Delete(t.Context(), dir+"12.deltacommit.requested")) },
			}
			for i := range min(step, len(steps)) {
				steps[i]()
			}
			require.Equal(t, []string{"12"}, w.recovered())
			w.lacks(file)
			require.Equal(t, []string{"rolled back [12] 1"}, w.instants())
		})
	}
}

// TestHostileRollbackPlan has plans that name what is not the instant's. Plans are files
// that anybody can write.
func TestHostileRollbackPlan(t *testing.T) {
	for name, r := range map[string]timeline.RollbackRequest{
		"another instant":  {Partition: "p", FilesToDelete: []string{"p/a_0-0-0_10.parquet"}},
		"no data file":     {Partition: "p", FilesToDelete: []string{"p/.hoodie_partition_metadata"}},
		"outside":          {Partition: "../..", FilesToDelete: []string{"x_0-0-0_12.parquet"}},
		"absolute":         {Partition: "/etc", FilesToDelete: []string{"x_0-0-0_12.parquet"}},
		"another scheme":   {Partition: "s3://b", FilesToDelete: []string{"x_0-0-0_12.parquet"}},
		"back and outside": {Partition: "p/../../q", FilesToDelete: []string{"x_0-0-0_12.parquet"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			kept := w.file("a", "10")
			w.completed("10", "deltacommit", &timeline.WriteStat{FileID: "a", Path: kept}).dead("12")
			r.LogBlocksToDelete = map[string]int64{}
			p := &timeline.RollbackPlan{Version: 1, Instant: &timeline.InstantInfo{Time: "12", Action: "deltacommit"}, Requests: []timeline.RollbackRequest{r}}
			data, err := p.Encode()
			require.NoError(t, err)
			w.put(dir+"14.rollback.requested", data)
			_, err = recovery.Recover(t.Context(), w.h)
			require.ErrorIs(t, err, base.ErrCorrupt)
			w.has(kept, "p/.hoodie_partition_metadata")
		})
	}
}

func TestRollbackOfCompleted(t *testing.T) {
	w := newWorld(t)
	old, log := w.file("a", "10"), w.log("a", "11")
	w.completed("10", "deltacommit", &timeline.WriteStat{FileID: "a", Path: old})
	w.completed("11", "deltacommit", &timeline.WriteStat{FileID: "a", Path: log, LogVersion: 1}, &timeline.WriteStat{FileID: "a", Path: old})
	require.ErrorIs(t, recovery.Rollback(t.Context(), w.h, "10"), base.ErrInvalid, "a later write stands upon it")
	require.ErrorIs(t, recovery.Rollback(t.Context(), w.h, "99"), base.ErrInvalid)
	require.NoError(t, recovery.Rollback(t.Context(), w.h, "11"))
	w.lacks(log)
	w.has(old)
	require.Equal(t, []string{"10 deltacommit (completed)", "rolled back [11] 1"}, w.instants())
	require.ErrorIs(t, recovery.Rollback(t.Context(), w.h, "11"), base.ErrInvalid, "it is gone")
}

func TestRollbackRefused(t *testing.T) {
	saved, err := (&timeline.SavepointMetadata{Partitions: map[string]timeline.SavepointPartition{}}).Encode()
	require.NoError(t, err)
	plan, err := (&timeline.CompactionPlan{Version: 2}).Encode(timeline.Layout2)
	require.NoError(t, err)
	clean, err := (&timeline.CleanMetadata{EarliestCommitToRetain: "12", Partitions: map[string]timeline.CleanPartition{}, Bootstrap: map[string]timeline.CleanPartition{}}).Encode()
	require.NoError(t, err)
	planned, err := (&timeline.CleanerPlan{EarliestInstantToRetain: &timeline.ActionInstant{Time: "12"}, LegacyFiles: map[string][]string{}, Files: map[string][]timeline.CleanFile{}}).Encode()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		file string
		data []byte
		kind error
	}{
		"savepoint":             {"11_12.savepoint", saved, base.ErrInvalid},
		"pending compaction":    {"12.compaction.requested", plan, base.ErrInvalid},
		"clean took the rest":   {"13_14.clean", clean, base.ErrCleaned},
		"clean will take it":    {"13.clean.requested", planned, base.ErrCleaned},
		"its old base is gone":  {"13_14.clean.unrelated", nil, base.ErrCleaned},
		"nothing is in the way": {"13_14.unrelated", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := w.file("a", "11")
			stat := &timeline.WriteStat{FileID: "a", Path: file, PartitionPath: "p", PrevCommit: "10"}
			if name != "its old base is gone" {
				w.file("a", "10")
			}
			w.completed("11", "deltacommit", stat).put(dir+c.file, c.data)
			err := recovery.Rollback(t.Context(), w.h, "11")
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
				w.has(file, dir+"11_111.deltacommit")
				return
			}
			require.NoError(t, err)
			w.lacks(file)
		})
	}
}

// TestRollbackOfCompaction makes a plan of it again, that may be executed again.
func TestRollbackOfCompaction(t *testing.T) {
	w := newWorld(t)
	plan, err := (&timeline.CompactionPlan{Version: 2}).Encode(timeline.Layout2)
	require.NoError(t, err)
	file := w.file("a", "12")
	m := &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{"p": {{FileID: "a", Path: file}}}, Compacted: true}
	data, err := m.Encode(timeline.Layout2)
	require.NoError(t, err)
	w.put(dir+"12.compaction.requested", plan).pending("12.compaction.inflight").put(dir+"12_121.commit", data)
	require.NoError(t, recovery.Rollback(t.Context(), w.h, "12"))
	w.lacks(file, dir+"12_121.commit", dir+"12.compaction.inflight")
	w.has(dir + "12.compaction.requested")
	tl, err := w.h.Timeline(t.Context())
	require.NoError(t, err)
	for _, i := range tl.Completed() {
		m, err := tl.RollbackMetadata(t.Context(), i.Time)
		require.NoError(t, err)
		require.Equal(t, "compaction", m.Instants[0].Action, "so that views do not count it as undone for ever")
	}
}

// TestSweep removes what writers left that have no pending instant, and nothing else.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	archived, done := w.file("a", "10"), w.file("a", "13")
	w.completed("13", "deltacommit", &timeline.WriteStat{FileID: "a", Path: done})
	w.pending("15.compaction.requested").pending("15.compaction.inflight")
	compacting := w.file("a", "15")
	undone := w.file("a", "14")
	w.marker("10", archived).marker("13", done).marker("14", undone).marker("15", compacting)
	for _, at := range []string{"10", "13", "14", "15"} {
		w.put(".hoodie/.heartbeat/"+at, nil).put(".hoodie/.locks/hudi-go-"+at+".lock", nil)
	}
	w.put(".hoodie/.locks/table_lock.json", nil).put(".hoodie/.temp/notes.txt", nil)
	require.Empty(t, w.recovered())
	for _, at := range []string{"10", "13", "14"} {
		w.lacks(".hoodie/.heartbeat/"+at, ".hoodie/.locks/hudi-go-"+at+".lock")
	}
	w.has(archived, done, compacting, ".hoodie/.heartbeat/15", ".hoodie/.temp/15/"+compacting+".marker.CREATE")
	w.lacks(undone, ".hoodie/.temp/10/"+archived+".marker.CREATE", ".hoodie/.temp/14/"+undone+".marker.CREATE")
	w.has(".hoodie/.locks/table_lock.json", ".hoodie/.temp/notes.txt")
}

// TestSweepLeavesTheLiving has a writer that has its heartbeat and not yet its instant.
func TestSweepLeavesTheLiving(t *testing.T) {
	w := newWorld(t)
	release, err := w.store.Lock(t.Context(), ".hoodie/.locks/hudi-go-14.lock")
	require.NoError(t, err)
	w.put(".hoodie/.heartbeat/14", nil)
	w.completed("13", "deltacommit").put(".hoodie/.heartbeat/13", nil) // an old one, so that there is something to sweep
	require.Empty(t, w.recovered())
	w.has(".hoodie/.heartbeat/14")
	require.NoError(t, release())
	require.Empty(t, w.recovered())
	w.lacks(".hoodie/.heartbeat/14")
}

func TestUndo(t *testing.T) {
	t.Run("its own pending instant", func(t *testing.T) {
		w := newWorld(t)
		w.dead("12")
		file := w.file("b", "12")
		require.NoError(t, recovery.Undo(t.Context(), w.h, "12"))
		w.lacks(file)
	})
	t.Run("one that another has undone: what was written since", func(t *testing.T) {
		w := newWorld(t)
		w.completed("10", "deltacommit")
		file := w.file("b", "12")
		other := w.file("b", "13")
		require.NoError(t, recovery.Undo(t.Context(), w.h, "12"))
		w.lacks(file)
		w.has(other)
	})
	t.Run("never one that is completed", func(t *testing.T) {
		w := newWorld(t)
		file := w.file("b", "12")
		w.completed("12", "deltacommit", &timeline.WriteStat{FileID: "b", Path: file})
		require.ErrorIs(t, recovery.Undo(t.Context(), w.h, "12"), base.ErrConflict)
		w.has(file, dir+"12_121.deltacommit")
	})
	t.Run("nor one that may be archived", func(t *testing.T) {
		w := newWorld(t)
		file := w.file("b", "12")
		w.completed("13", "deltacommit")
		require.Error(t, recovery.Undo(t.Context(), w.h, "12"))
		w.has(file)
	})
}

func TestRevertCompaction(t *testing.T) {
	w := newWorld(t)
	w.pending("12.compaction.requested").pending("12.compaction.inflight")
	made, log := w.file("a", "12"), w.log("a", "12")
	w.marker("12", made)
	tl, err := w.h.Timeline(t.Context())
	require.NoError(t, err)
	require.NoError(t, recovery.RevertCompaction(t.Context(), w.h, tl, "12"))
	w.lacks(made, dir+"12.compaction.inflight", ".hoodie/.temp/12/"+made+".marker.CREATE")
	w.has(log, dir+"12.compaction.requested")
	require.ErrorIs(t, recovery.RevertCompaction(t.Context(), w.h, tl, "99"), base.ErrConflict)
}

func TestCancelled(t *testing.T) {
	w := newWorld(t)
	w.dead("12")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := recovery.Recover(ctx, w.h)
	require.ErrorIs(t, err, context.Canceled)
}
