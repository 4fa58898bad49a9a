package timeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
)

// TestArchiveDies cuts the archiving of a table of real Hudi's before each call. The next one
// finishes it, and no instant is lost, there twice, or different.
func TestArchiveDies(t *testing.T) {
	broken := errors.New("broken")
	for n := 1; ; n++ {
		st := goldentest.Store(t, "v9_cow_clustering")
		load := func(st storage.Store) *Timeline {
			tl, err := Load(t.Context(), st, Layout2, time.UTC)
			require.NoError(t, err)
			return tl
		}
		tl := load(st)
		want := described(t.Context(), t, tl)
		f := fault.Wrap(st, fault.FailBefore(n, broken).Only(fault.Mutating))
		dying := load(f)
		err := dying.Archive(t.Context(), dying.Completed()[:2], held)
		if !f.Tripped() {
			require.NoError(t, err)
			require.Greater(t, n, 6)
			return
		}
		require.ErrorIs(t, err, broken)
		require.Equal(t, want, described(t.Context(), t, load(st)), "cut at %d", n)
		again := load(st)
		require.NoError(t, again.Archive(t.Context(), again.Completed()[:2], held))
		require.Equal(t, want, described(t.Context(), t, load(st)), "cut at %d", n)
		require.NoError(t, load(st).MergeArchive(t.Context(), held))
	}
}

// described are the instants of a table with what its writes did, wherever they are.
func described(ctx context.Context, t *testing.T, tl *Timeline) map[string]string {
	out := map[string]string{}
	put := func(i Instant, m *CommitMetadata) {
		key := fmt.Sprint(i.Time, i.Action)
		require.NotContains(t, out, key)
		out[key] = i.Completion
		if m != nil {
			for _, s := range m.Stats() {
				out[key] += " " + s.Path
			}
		}
	}
	writes := map[string]*CommitMetadata{}
	archived, err := tl.ArchivedWrites(ctx, "")
	require.NoError(t, err)
	for _, w := range archived {
		writes[w.Time] = w.Commit
	}
	for _, i := range tl.CompletedWrites() {
		m, err := tl.CommitMetadata(ctx, i)
		require.NoError(t, err)
		writes[i.Time] = m
	}
	old, err := tl.Archived(ctx)
	require.NoError(t, err)
	for _, i := range append(old, tl.Completed()...) {
		var m *CommitMetadata
		if i.Action.Writes() {
			m = writes[i.Time]
		}
		put(i, m)
	}
	return out
}

// held is a lock that is not lost.
func held() error { return nil }
