package timeline

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/mem"
)

var modified = time.Date(2026, 11, 23, 8, 0, 0, 5e6, time.UTC)

// folder makes a timeline folder of empty files and loads it.
func folder(t *testing.T, layout Layout, names ...string) (*Timeline, storage.Store) {
	t.Helper()
	st := mem.New(func() time.Time { return modified })
	for _, n := range names {
		require.NoError(t, st.Put(t.Context(), base.Join(layout.Dir(), n), nil))
	}
	tl, err := Load(t.Context(), st, layout, time.UTC)
	require.NoError(t, err)
	return tl, st
}

func times(instants []Instant) []string {
	var out []string
	for _, i := range instants {
		out = append(out, i.Time+" "+string(i.Action)+" "+i.State.String())
	}
	return out
}

func TestLoadKeepsTheHighestState(t *testing.T) {
	tl, _ := folder(t, Layout2,
		"10.commit.requested", "10.inflight", "10_15.commit",
		"20.compaction.requested", "20.compaction.inflight", "20_45.commit",
		"30.deltacommit.requested", "30.deltacommit.inflight",
		"30.deltacommit.inflight.2f1a", "hoodie.properties",
		"10_50.savepoint", "10.savepoint.inflight",
		"40.clean.requested",
	)
	require.Equal(t, []string{
		"10 commit completed", "10 savepoint completed", "20 commit completed",
		"30 deltacommit inflight", "40 clean requested",
	}, times(tl.Instants()))
	require.Equal(t, []string{"10 commit completed", "20 commit completed", "30 deltacommit inflight"}, times(tl.Writes()))
	require.Equal(t, []string{"10 commit completed", "20 commit completed"}, times(tl.CompletedWrites()))
	require.Equal(t, []string{"30 deltacommit inflight", "40 clean requested"}, times(tl.Pending()))

	found, ok := tl.Find("20", Compaction)
	require.True(t, ok)
	require.Equal(t, Commit, found.Action)
	require.True(t, tl.Has("20", Compaction, Requested))
	require.False(t, tl.Has("10", Compaction, Requested))
	last, ok := tl.LastCompletedWrite()
	require.True(t, ok)
	require.Equal(t, "20", last.Time)
	first, ok := tl.FirstPendingWrite()
	require.True(t, ok)
	require.Equal(t, "30", first.Time)
	require.Equal(t, "50", tl.Last())
	completion, ok := tl.CompletionOf("20")
	require.True(t, ok)
	require.Equal(t, "45", completion)
}

func TestContainsOrBefore(t *testing.T) {
	tl, _ := folder(t, Layout2,
		"10_11.commit", "10_99.savepoint", // savepointed: does not start the timeline
		"20.deltacommit.inflight",
		"30_31.deltacommit",
		"40.compaction.requested",
		"50_51.clean",
	)
	for instant, want := range map[string]bool{
		"05": true,  // archived
		"10": true,  // completed
		"15": true,  // archived beyond the savepoint
		"20": false, // pending, and the start
		"25": false, // nothing: rolled back
		"30": true,
		"40": false,
		"50": false, // no write
		"60": false,
	} {
		require.Equal(t, want, tl.ContainsOrBefore(instant), instant)
	}
	empty, _ := folder(t, Layout2)
	require.False(t, empty.ContainsOrBefore("10"))
	require.Empty(t, empty.Last())
}

func TestLayout1CompletionIsTheModificationTime(t *testing.T) {
	st := mem.New(func() time.Time { return modified })
	require.NoError(t, st.Put(t.Context(), ".hoodie/10.commit", nil))
	tl, err := Load(t.Context(), st, Layout1, time.FixedZone("east", 3600))
	require.NoError(t, err)
	require.Equal(t, "20261123090000005", tl.Instants()[0].Completion)
}

func TestLoadRefusesUnknownLayouts(t *testing.T) {
	_, err := Load(t.Context(), mem.New(time.Now), 0, time.UTC)
	require.ErrorIs(t, err, base.ErrUnsupported)
}

func TestContentIsReadOnce(t *testing.T) {
	_, st := folder(t, Layout2)
	require.NoError(t, st.Put(t.Context(), ".hoodie/timeline/10_11.commit", []byte(`{"operationType":"INSERT"}`)))
	counted := fault.Wrap(st)
	tl, err := Load(t.Context(), counted, Layout2, time.UTC)
	require.NoError(t, err)
	before := counted.Calls()
	for range 3 {
		m, err := tl.CommitMetadata(t.Context(), tl.Instants()[0])
		require.NoError(t, err)
		require.Equal(t, OpInsert, m.OperationType) // a legacy instant's JSON
	}
	require.LessOrEqual(t, counted.Calls()-before, 3) // open, read, close
	_, err = tl.CompactionPlan(t.Context(), "10")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, st.Delete(t.Context(), ".hoodie/timeline/10_11.commit"))
	fresh, err := LoadDir(t.Context(), st, ".hoodie/timeline", ".hoodie/timeline/history", Layout2, time.UTC)
	require.NoError(t, err)
	require.Empty(t, fresh.Instants())
}

func TestTransitions(t *testing.T) {
	for _, layout := range []Layout{Layout1, Layout2} {
		for _, a := range []Action{Commit, DeltaCommit, Compaction, Clustering, ReplaceCommit, Clean} {
			tl, _ := folder(t, layout)
			ctx := t.Context()
			require.ErrorIs(t, tl.Inflight(ctx, "10", a, nil), base.ErrConflict)
			require.ErrorIs(t, tl.Complete(ctx, "10", a, "20", []byte("x")), base.ErrConflict)
			require.NoError(t, tl.Request(ctx, "10", a, []byte("plan")))
			require.ErrorIs(t, tl.Request(ctx, "10", a, []byte("plan")), base.ErrConflict)
			require.NoError(t, tl.Inflight(ctx, "10", a, nil))
			require.NoError(t, tl.Inflight(ctx, "10", a, nil))
			require.ErrorIs(t, tl.Inflight(ctx, "10", a, []byte("other")), base.ErrConflict)
			require.NoError(t, tl.Complete(ctx, "10", a, "20", []byte("x")))
			require.NoError(t, tl.Complete(ctx, "10", a, "20", []byte("x")))
			require.ErrorIs(t, tl.Complete(ctx, "10", a, "20", []byte("y")), base.ErrConflict)
			if layout == Layout2 {
				require.ErrorIs(t, tl.Complete(ctx, "10", a, "21", []byte("x")), base.ErrConflict)
				require.ErrorIs(t, tl.Complete(ctx, "10", a, "", nil), base.ErrInvalid)
			}
			tl, err := tl.Reload(ctx)
			require.NoError(t, err)
			require.Equal(t, []string{"10 " + string(a.Completed()) + " completed"}, times(tl.Instants()))
			for _, s := range []State{Completed, Inflight, Requested, Requested} {
				require.NoError(t, tl.Remove(ctx, "10", a, s))
			}
			tl, err = tl.Reload(ctx)
			require.NoError(t, err)
			require.Empty(t, tl.Instants())
		}
	}
}

func TestSavepointIsNeverRequested(t *testing.T) {
	tl, _ := folder(t, Layout2)
	require.NoError(t, tl.Inflight(t.Context(), "10", Savepoint, nil))
	require.NoError(t, tl.Complete(t.Context(), "10", Savepoint, "20", []byte("x")))
}

// puts matches the calls that make a file in one step.
func puts(c intercept.Call) bool { return c.Op == intercept.PutIfAbsent }

func TestLostAcknowledgement(t *testing.T) {
	lost := errors.New("connection reset")
	ctx := context.Background()
	_, st := folder(t, Layout2, "10.commit.requested", "10.inflight")

	tl, err := Load(ctx, fault.Wrap(st, fault.FailAfter(1, lost).Only(puts)), Layout2, time.UTC)
	require.NoError(t, err)
	require.NoError(t, tl.Complete(ctx, "10", Commit, "20", []byte("x")), "the file is read back")
	require.NoError(t, tl.Remove(ctx, "10", Commit, Completed))

	_, st = folder(t, Layout2, "10.commit.requested", "10.inflight")
	tl, err = Load(ctx, fault.Wrap(st, fault.FailBefore(1, lost).Only(puts)), Layout2, time.UTC)
	require.NoError(t, err)
	err = tl.Complete(ctx, "10", Commit, "20", []byte("x"))
	require.ErrorIs(t, err, base.ErrUnknownOutcome)
	require.ErrorIs(t, err, lost)
	require.NoError(t, tl.Complete(ctx, "10", Commit, "20", []byte("x")), "the same call again")

	_, st = folder(t, Layout2)
	tl, err = Load(ctx, fault.Wrap(st, fault.FailAfter(1, lost).Only(puts)), Layout2, time.UTC)
	require.NoError(t, err)
	require.ErrorIs(t, tl.Request(ctx, "10", Commit, nil), base.ErrUnknownOutcome)
}
