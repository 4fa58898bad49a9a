package recovery_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/table"
)

// TestPendingClustering is about a table of version 6 as Hudi 0.15 has it while a clustering
// is at work: its instant has the name of an overwrite, and no heartbeat.
func TestPendingClustering(t *testing.T) {
	const at = ".hoodie/20261123091416595.replacecommit"
	made := "apac/79d45c32-58ee-4882-92c7-0ae554aa893c-0_1-1689-1978_20261123091416595.parquet"
	clustering := func(t *testing.T) *world {
		w := &world{t: t, store: goldentest.Store(t, "v6_cow_clustering")}
		for _, later := range []string{at, ".hoodie/20261123091438453.commit", ".hoodie/20261123091438453.inflight", ".hoodie/20261123091438453.commit.requested"} {
			require.NoError(t, w.store.Delete(t.Context(), later))
		}
		c, err := table.LoadConfig(t.Context(), w.store)
		require.NoError(t, err)
		w.h = table.NewHandle(w.store, c, func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }, slog.New(slog.DiscardHandler))
		w.h.Zone = time.UTC
		return w
	}
	t.Run("is nobody's to undo", func(t *testing.T) {
		w := clustering(t)
		require.Empty(t, w.recovered())
		w.has(made, at+".inflight", at+".requested")
	})
	t.Run("holds what its plan was made of", func(t *testing.T) {
		w := clustering(t)
		err := recovery.Rollback(t.Context(), w.h, "20261123091402077")
		require.ErrorIs(t, err, base.ErrInvalid)
		require.ErrorContains(t, err, "20261123091416595")
	})
	t.Run("goes back to its plan on request", func(t *testing.T) {
		w := clustering(t)
		require.NoError(t, recovery.Rollback(t.Context(), w.h, "20261123091416595"))
		w.lacks(made, at+".inflight")
		w.has(at + ".requested")
		tl, err := w.h.Timeline(t.Context())
		require.NoError(t, err)
		last := tl.Instants()[len(tl.Instants())-1]
		plan, err := tl.RollbackPlan(t.Context(), last.Time)
		require.NoError(t, err)
		require.Equal(t, "replacecommit", plan.Instant.Action, "Hudi 0.15 has no other name for it")
	})
	t.Run("an overwrite that died is undone", func(t *testing.T) {
		w := clustering(t)
		w.put(at+".requested", nil)
		require.Equal(t, []string{"20261123091416595"}, w.recovered())
		w.lacks(made, at+".inflight", at+".requested")
		require.Empty(t, w.recovered())
	})
}
