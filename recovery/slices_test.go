package recovery_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Tests of table version 6, whose logs are named after their slice: here group a's, of
// instant 10, on which 12 has put a second log.

const dir6 = ".hoodie/"

func newSlice(t *testing.T) *world {
	w := newWorldOf(t, 6)
	w.file("a", "10")
	w.completed6("10", "deltacommit", &timeline.WriteStat{FileID: "a", Path: "p/a_0-0-0_10.parquet", PartitionPath: "p"})
	return w.put("p/.a_10.log.1_0-1-1", nil).completed6("11", "deltacommit", &timeline.WriteStat{FileID: "a", Path: "p/.a_10.log.1_0-1-1", PartitionPath: "p", LogVersion: 1})
}

func (w *world) completed6(at, action string, stats ...*timeline.WriteStat) *world {
	m := &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{"p": stats}}
	data, err := m.Encode(timeline.Layout1)
	require.NoError(w.t, err)
	w.put(dir6+at+"."+action+".requested", nil).put(dir6+at+"."+action+".inflight", nil)
	return w.put(dir6+at+"."+action, data)
}

// rolledBack returns the log files with rollback blocks in partition p, and what they undo.
func (w *world) rolledBack() map[string]string {
	w.t.Helper()
	entries, err := w.store.List(w.t.Context(), "p")
	require.NoError(w.t, err)
	out := map[string]string{}
	for _, e := range entries {
		if n, ok := base.ParseLogFileName(e.Name); !ok || n.Token != base.RollbackToken {
			continue
		}
		f, err := w.store.Open(w.t.Context(), e.Path)
		require.NoError(w.t, err)
		b, err := logfile.NewReader(e.Path, f, f.Size()).Next()
		require.NoError(w.t, err)
		require.NoError(w.t, f.Close())
		require.Equal(w.t, logfile.Command, b.Type)
		require.Equal(w.t, b.Size, e.Size)
		out[e.Name] = b.Header[logfile.HeaderTarget]
	}
	return out
}

func (w *world) lastRollback() *timeline.RollbackMetadata {
	w.t.Helper()
	tl, err := w.h.Timeline(w.t.Context())
	require.NoError(w.t, err)
	last := ""
	for _, i := range tl.Completed() {
		if i.Action == timeline.Rollback {
			last = i.Time
		}
	}
	m, err := tl.RollbackMetadata(w.t.Context(), last)
	require.NoError(w.t, err)
	return m
}

func TestDeadDeltaCommitOfVersion6(t *testing.T) {
	for name, lay := range map[string]func(w *world){
		"by our token": func(w *world) { w.put("p/.a_10.log.2_"+base.InstantToken(0, "12"), nil) },
		"by its marker": func(w *world) {
			w.put("p/.a_10.log.2_0-7-7", nil).put(".hoodie/.temp/12/p/.a_10.log.2_0-7-7.marker.APPEND", nil)
		},
		"by its plan": func(w *world) {
			m := &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{"p": {
				{PrevCommit: timeline.NoPrevCommit, NumInserts: 1}, {FileID: "a", PrevCommit: "10", NumUpdateWrites: 1},
			}}}
			data, err := m.Encode(timeline.Layout1)
			require.NoError(w.t, err)
			w.put("p/.a_10.log.2_0-7-7", nil).put(dir6+"12.deltacommit.inflight", data)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSlice(t)
			w.put(".hoodie/.locks/hudi-go-12.lock", nil).put(dir6+"12.deltacommit.requested", nil).put(dir6+"12.deltacommit.inflight", nil)
			w.file("b", "12") // a new group, and one without a base file
			w.put("p/.c_12.log.1_0-7-7", nil)
			lay(w)
			require.Equal(t, []string{"12"}, w.recovered())
			require.Equal(t, map[string]string{".a_10.log.3_1-0-1": "12"}, w.rolledBack())
			w.lacks("p/b_0-0-0_12.parquet", "p/.c_12.log.1_0-7-7", dir6+"12.deltacommit.requested", dir6+"12.deltacommit.inflight")
			w.has("p/a_0-0-0_10.parquet", "p/.a_10.log.1_0-1-1")
			m := w.lastRollback()
			require.Equal(t, int32(2), m.TotalFilesDeleted)
			require.Equal(t, map[string]int64{"mem:///p/.a_10.log.3_1-0-1": 90}, m.Partitions["p"].RollbackLogFiles)
			require.Empty(t, w.recovered())
		})
	}
}

func TestRollbackOfCompletedDeltaCommitOfVersion6(t *testing.T) {
	w := newSlice(t)
	require.NoError(t, recovery.Rollback(t.Context(), w.h, "11"))
	require.Equal(t, map[string]string{".a_10.log.2_1-0-1": "11"}, w.rolledBack())
	w.has("p/.a_10.log.1_0-1-1", "p/a_0-0-0_10.parquet")
	w.lacks(dir6 + "11.deltacommit")
}

// A plan that another engine left, twice: its block is put once.
func TestRollbackPlanOfVersion6(t *testing.T) {
	w := newSlice(t)
	p := &timeline.RollbackPlan{Version: 1, Instant: &timeline.InstantInfo{Time: "12", Action: "deltacommit"}, Requests: []timeline.RollbackRequest{{
		Partition: "p", FileID: "a", LatestBaseInstant: "10", LogBlocksToDelete: map[string]int64{"/data/t/p": 1},
	}}}
	for range 2 {
		data, err := p.Encode()
		require.NoError(t, err)
		w.put(dir6+"14.rollback.requested", data)
		require.Equal(t, []string{"12"}, w.recovered())
		require.Equal(t, map[string]string{".a_10.log.2_1-0-1": "12"}, w.rolledBack())
		require.NoError(t, w.store.Delete(t.Context(), dir6+"14.rollback"))
	}
	p.Requests[0].FileID = "../a"
	data, err := p.Encode()
	require.NoError(t, err)
	w.put(dir6+"15.rollback.requested", data)
	_, err = recovery.Recover(t.Context(), w.h)
	require.ErrorIs(t, err, base.ErrCorrupt)
}

// The logs on the slice that a compaction is to open are those of delta commits.
func TestCompactionOfVersion6(t *testing.T) {
	w := newSlice(t)
	plan, err := (&timeline.CompactionPlan{Version: 2, Operations: []timeline.CompactionOperation{{FileID: "a", Partition: "p", BaseInstant: "10"}}}).Encode(timeline.Layout1)
	require.NoError(t, err)
	w.put(dir6+"12.compaction.requested", plan).put(dir6+"12.compaction.inflight", nil).file("a", "12")
	const beside = "p/.a_12.log.1_0-9-9"
	w.put(beside, nil)
	tl, err := w.h.Timeline(t.Context())
	require.NoError(t, err)
	require.NoError(t, recovery.RevertCompaction(t.Context(), w.h, tl, "12"))
	w.has(beside, dir6+"12.compaction.requested")
	w.lacks("p/a_0-0-0_12.parquet", dir6+"12.compaction.inflight")

	w.file("a", "12")
	w.put(dir6+"12.compaction.inflight", nil)
	require.NoError(t, recovery.Rollback(t.Context(), w.h, "12"))
	w.has(beside)
	w.lacks("p/a_0-0-0_12.parquet")
	view := w.h.View(tl)
	latest, err := view.Latest(t.Context(), "p")
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(latest[0].Logs, func(l table.LogFile) bool { return l.Path == beside }))
}
