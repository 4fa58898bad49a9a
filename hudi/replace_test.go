package hudi_test

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// drop deletes partitions by paths and returns what the commit did.
func drop(t *testing.T, tab *hudi.Table, paths ...string) (hudi.Commit, error) {
	t.Helper()
	return tab.Write(t.Context(), hudi.DeletePartition, hudi.Rows{}, hudi.WriteOptions{Partitions: paths})
}

func TestDeletePartitions(t *testing.T) {
	for _, version := range table.Versions() {
		k := kind{typ: table.MOR, version: version, partitioned: true, hive: true, encode: true, metadata: true}
		s := newShared(t, k)
		s.more = []hudi.Option{hudi.WithProperty("hoodie.metadata.enable", "true")}
		tab := s.handle(t, s.store)
		start := write(hudi.Insert, r("a", "2026/01", "1", 1), r("b", "2026/02", "1", 1), r("c", "50%", "1", 1), r("d", "é=ü", "1", 1), r("e", "2025/12", "1", 1))
		require.NoError(t, start.do(t.Context(), tab))
		_, err := drop(t, tab, "part=2026%2F03")
		require.ErrorIs(t, err, hudi.ErrInvalid)
		require.ErrorContains(t, err, `there is no partition "part=2026%2F03"`)
		done, err := drop(t, tab, "part=50%25", "*ü/")
		require.NoError(t, err)
		require.Equal(t, 2, done.Replaced)
		s.is(t, start, write(hudi.DeletePartition, r("", "50%", "", 0), r("", "é=ü", "", 0)))
		done, err = drop(t, tab, "*2026*0*")
		require.NoError(t, err)
		require.Equal(t, 2, done.Replaced)
		// Rows name partitions as well, and those that are not there make no difference.
		last := write(hudi.DeletePartition, r("", "2025/12", "", 0), r("", "nowhere", "", 0))
		require.NoError(t, last.do(t.Context(), tab))
		require.Empty(t, s.snapshot(t))
		done, err = drop(t, tab, "nothing*")
		require.NoError(t, err)
		require.Zero(t, done.Replaced)
		problems, err := s.handle(t, s.store).Check(t.Context())
		require.NoError(t, err)
		require.Empty(t, problems)
		tl, err := tab.Timeline(t.Context())
		require.NoError(t, err)
		i, _ := tl.LastCompletedWrite()
		require.Equal(t, timeline.ReplaceCommit, i.Action)
		s.tidy(t)
	}
}

func TestDeletePartitionsRefused(t *testing.T) {
	s := newShared(t, kind{typ: table.COW}, write(hudi.Insert, r("a", "x", "1", 1)))
	_, err := drop(t, s.handle(t, s.store), "x")
	require.ErrorContains(t, err, "it has none; insert-overwrite-table without rows empties it")
	_, err = s.handle(t, s.store).Write(t.Context(), hudi.Upsert, input(memory.DefaultAllocator, 1, nil), hudi.WriteOptions{Partitions: []string{"x"}})
	require.ErrorContains(t, err, "partitions are named to delete them")
	s.is(t, write(hudi.Insert, r("a", "x", "1", 1)))
	s.tidy(t)

	s = newShared(t, kind{typ: table.MOR, partitioned: true}, write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1)), write(hudi.Upsert, r("a", "x", "2", 2)), schedule())
	_, err = drop(t, s.handle(t, s.store), "x")
	require.ErrorIs(t, err, hudi.ErrConflict)
	require.ErrorContains(t, err, "carry that out first (hudictl compact)")
	_, err = s.handle(t, s.store).Write(t.Context(), hudi.DeletePartition, input(memory.DefaultAllocator, 1, []rec{r("a", "x", "", 1)}), hudi.WriteOptions{Partitions: []string{"y"}})
	require.ErrorContains(t, err, "paths and rows both name them")
	_, err = drop(t, s.handle(t, s.store), "y")
	require.NoError(t, err)
	// An overwrite may go beside the compaction, which then works on groups that are hidden.
	over := write(hudi.InsertOverwrite, r("z", "x", "3", 3))
	require.NoError(t, over.do(t.Context(), s.handle(t, s.store)))
	s.is(t, over)
	require.NoError(t, execute().do(t.Context(), s.handle(t, s.store)))
	s.is(t, over)
	require.NoError(t, write(hudi.Upsert, r("z", "x", "4", 4)).do(t.Context(), s.handle(t, s.store)))
	s.is(t, over, write(hudi.Upsert, r("z", "x", "4", 4)))
	s.tidy(t)

	s = newShared(t, kind{typ: table.COW, partitioned: true})
	_, err = drop(t, s.handle(t, s.store), "x")
	require.ErrorIs(t, err, hudi.ErrInvalid) // nobody has written, or said what rows look like
}

// TestReplaceNothing has overwrites without rows: that of partitions replaces none.
func TestReplaceNothing(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1))
		s := newShared(t, k, start, write(hudi.InsertOverwrite))
		s.is(t, start)
		marked := write(hudi.InsertOverwrite, r("c", "x", "", 2).del(), r("d", "x", "2", 2))
		require.NoError(t, marked.do(t.Context(), s.handle(t, s.store)))
		s.is(t, start, marked)
		require.NoError(t, write(hudi.InsertOverwriteTable).do(t.Context(), s.handle(t, s.store)))
		require.Empty(t, s.snapshot(t))
		require.NoError(t, start.do(t.Context(), s.handle(t, s.store)))
		s.is(t, start)
		s.tidy(t)
	})
}

// TestReplaceBeside has writers beside an operation that replaces what they write to, or something else.
func TestReplaceBeside(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1))
		update, elsewhere := write(hudi.Upsert, r("a", "x", "u", 2)), write(hudi.Upsert, r("c", "y", "u", 2))
		added := write(hudi.Upsert, r("new", "x", "u", 2))
		for name, replace := range map[string]op{
			"overwrite":  write(hudi.InsertOverwrite, r("a", "x", "o", 3), r("d", "x", "o", 3)),
			"everything": write(hudi.InsertOverwriteTable, r("a", "x", "o", 3), r("d", "x", "o", 3)),
			"partition":  dropPartition("x", r("", "x", "", 0)),
		} {
			conflicts := func(slow op, at func(*intercept.Call) bool, fast op) {
				t.Helper()
				s := newShared(t, k, start)
				require.ErrorIs(t, s.beside(t, slow, at, fast), hudi.ErrConflict, name)
				s.is(t, start, fast)
				s.tidy(t)
				require.NoError(t, slow.do(t.Context(), s.handle(t, s.store)))
				s.is(t, start, fast, slow)
			}
			conflicts(replace, atEnd(), update)
			conflicts(update, atData, replace)
			conflicts(update, atEnd(), replace)
			if name != "partition" {
				conflicts(replace, atData, update)
				conflicts(added, atEnd(), replace)
				conflicts(replace, atEnd(), added)
			}
			if name == "everything" {
				conflicts(replace, atEnd(), elsewhere)
				continue
			}
			s := newShared(t, k, start)
			require.NoError(t, s.beside(t, replace, atEnd(), elsewhere))
			s.is(t, start, elsewhere, replace)
			s.tidy(t)
		}
	})
}

// TestReplaceRolledBack takes replacements back, unless what they hid is gone.
func TestReplaceRolledBack(t *testing.T) {
	for _, version := range table.Versions() {
		k := kind{typ: table.MOR, version: version, partitioned: true, metadata: true}
		start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1))
		over := write(hudi.InsertOverwriteTable, r("c", "x", "2", 2))
		s := newShared(t, k, start)
		s.more = []hudi.Option{hudi.WithProperty("hoodie.metadata.enable", "true"), hudi.WithProperty("hoodie.clean.commits.retained", "1")}
		require.NoError(t, over.do(t.Context(), s.handle(t, s.store)))
		undo := rollbackLast(newModelOf(k))
		require.NoError(t, undo.do(t.Context(), s.handle(t, s.store)))
		s.is(t, start)
		require.NoError(t, over.do(t.Context(), s.handle(t, s.store)))
		later := write(hudi.Upsert, r("c", "x", "3", 3))
		require.NoError(t, later.do(t.Context(), s.handle(t, s.store)))
		require.NoError(t, clean().do(t.Context(), s.handle(t, s.store)))
		s.is(t, over, later)
		require.NoError(t, walkAll(t.Context(), s.store, "y", func(e storage.Entry) error {
			require.True(t, strings.HasPrefix(e.Name, ".hoodie_partition_metadata"), e.Path)
			return nil
		}))
		require.NoError(t, undo.do(t.Context(), s.handle(t, s.store)))
		s.is(t, over)
		require.ErrorIs(t, undo.do(t.Context(), s.handle(t, s.store)), hudi.ErrCleaned)
		problems, err := s.handle(t, s.store).Check(context.Background())
		require.NoError(t, err)
		require.Empty(t, problems)
		s.tidy(t)
	}
}
