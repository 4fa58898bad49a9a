package hudi_test

import (
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// deleteWhere deletes by a condition; list are the rows that meet it in the model.
func deleteWhere(where string, list ...rec) op {
	return op{
		name: "delete where " + where,
		do: func(ctx context.Context, tab *hudi.Table) error {
			_, err := tab.DeleteWhere(ctx, where, hudi.WriteOptions{})
			return err
		},
		model: func(m *model) {
			for i := range list {
				list[i].ts = nil
			}
			m.write(list, true)
		},
	}
}

// updateWhere sets columns; list are the rows that come of it.
func updateWhere(set, where string, list ...rec) op {
	return op{
		name: "update where " + where,
		do: func(ctx context.Context, tab *hudi.Table) error {
			_, err := tab.UpdateWhere(ctx, []string{set}, where, hudi.WriteOptions{})
			return err
		},
		model: func(m *model) { m.write(list, false) },
	}
}

// TestAmend changes rows by conditions, in every kind of table, before and after a compaction and with one that is planned.
func TestAmend(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		for _, k.version = range table.Versions() {
			ops := []op{
				write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1), r("d", "y", "1", 1)),
				updateWhere("val = val || '!'", "part = 'x'", r("a", "x", "1!", 1), r("b", "x", "1!", 1)),
				write(hudi.Upsert, r("a", "x", "2", 2), r("d", "y", "2", 2), r("e", "y", "2", 2)),
				updateWhere("ts = ts + 5", "val = '2' AND part = 'y'", r("d", "y", "2", 7), r("e", "y", "2", 7)),
				deleteWhere("id IN ('a', 'c', 'zz')", r("a", "x", "", 0), r("c", "y", "", 0)),
			}
			if k.typ == table.MOR {
				ops = append(ops, schedule(), updateWhere("val = 'late'", "id = 'b'", r("b", "x", "late", 1)), execute(), deleteWhere("id = 'd'", r("d", "y", "", 0)), compact())
			}
			ops = append(ops, updateWhere("val = UPPER('done')", "", r("b", "x", "DONE", 1), r("e", "y", "DONE", 7)))
			if k.typ == table.COW {
				ops[len(ops)-1] = updateWhere("val = UPPER('done')", "", r("b", "x", "DONE", 1), r("d", "y", "DONE", 7), r("e", "y", "DONE", 7))
			}
			s := newShared(t, k)
			for i, o := range ops {
				require.NoError(t, o.do(t.Context(), s.handle(t, s.store)), o.name)
				s.is(t, ops[:i+1]...)
			}
			s.tidy(t)
		}
	})
}

func TestAmendCounts(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	s := newShared(t, kind{typ: table.COW, partitioned: true}, write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1)))
	tab, err := hudi.OpenStore(t.Context(), s.store, quiet(s.clock, alloc)...)
	require.NoError(t, err)
	done, err := tab.UpdateWhere(t.Context(), []string{"val = 'u'"}, "id <> 'b'", hudi.WriteOptions{Extra: map[string]string{"mine": "yes"}})
	require.NoError(t, err)
	require.EqualValues(t, 2, done.Updates)
	require.Equal(t, 2, done.Files)
	meta := commitOf(t, tab, done.Instant)
	require.Equal(t, timeline.OpUpsertPrepped, meta.OperationType)
	require.Equal(t, "yes", meta.ExtraMetadata["mine"])
	done, err = tab.DeleteWhere(t.Context(), "val = 'u' AND part = 'x'", hudi.WriteOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 1, done.Deletes)
	require.Equal(t, 1, done.Files)
	require.Equal(t, timeline.OpDeletePrepped, commitOf(t, tab, done.Instant).OperationType)
	done, err = tab.DeleteWhere(t.Context(), "id = 'nobody'", hudi.WriteOptions{})
	require.NoError(t, err)
	require.Zero(t, done.Files)
	require.Equal(t, []string{"x/b=1@1", "y/c=u@1"}, s.snapshot(t))
	s.tidy(t)
}

func commitOf(t *testing.T, tab *hudi.Table, instant string) *timeline.CommitMetadata {
	t.Helper()
	tl, err := tab.Timeline(t.Context())
	require.NoError(t, err)
	i, ok := tl.LastCompletedWrite()
	require.True(t, ok)
	require.Equal(t, instant, i.Time)
	meta, err := tl.CommitMetadata(t.Context(), i)
	require.NoError(t, err)
	return meta
}

// TestAmendBeside has others write while rows are read and changed.
func TestAmendBeside(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1))
		same, elsewhere := write(hudi.Upsert, r("a", "x", "u", 2)), write(hudi.Upsert, r("c", "y", "u", 2))
		for name, slow := range map[string]op{
			"delete": deleteWhere("part = 'x' AND id = 'a'", r("a", "x", "", 0)),
			"update": updateWhere("val = val || 's'", "part = 'x' AND id = 'a'", r("a", "x", "1s", 1)),
		} {
			s := newShared(t, k, start)
			require.ErrorIs(t, s.beside(t, slow, atEnd(), same), hudi.ErrConflict, name)
			s.is(t, start, same)
			s.tidy(t)
			require.NoError(t, slow.do(t.Context(), s.handle(t, s.store)), name)
			again := map[string]op{"delete": slow, "update": write(hudi.Upsert, r("a", "x", "us", 2))}
			s.is(t, start, same, again[name])

			s = newShared(t, k, start)
			require.ErrorIs(t, s.beside(t, slow, atData, write(hudi.InsertOverwrite, r("n", "x", "o", 1))), hudi.ErrConflict, name)
			s.is(t, write(hudi.InsertOverwrite, r("c", "y", "1", 1), r("n", "x", "o", 1)))

			s = newShared(t, k, start)
			require.NoError(t, s.beside(t, slow, atEnd(), elsewhere), name)
			s.is(t, start, elsewhere, slow)
			s.tidy(t)
		}
	})
}

func TestAmendRefused(t *testing.T) {
	s := newShared(t, kind{typ: table.COW, partitioned: true}, write(hudi.Insert, r("a", "x", "1", 1)))
	tab := s.handle(t, s.store)
	for where, want := range map[string]string{"id =": "expected a column or a literal", "nope = 1": `no column "nope"`} {
		_, err := tab.DeleteWhere(t.Context(), where, hudi.WriteOptions{})
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, hudi.ErrInvalid)
		_, err = tab.UpdateWhere(t.Context(), []string{"val = 'x'"}, where, hudi.WriteOptions{})
		require.ErrorContains(t, err, want)
	}
	for set, want := range map[string]string{
		"id = 'b'": "column id is part of the record key", "part = 'y'": "column part is part of the record key or of the partition",
		"_hoodie_record_key = 'x'": "no column", "ts = 'x'": "cannot be", "val": "expected =",
	} {
		_, err := tab.UpdateWhere(t.Context(), []string{set}, "", hudi.WriteOptions{})
		require.ErrorContains(t, err, want, set)
		require.ErrorIs(t, err, hudi.ErrInvalid)
	}
	_, err := tab.UpdateWhere(t.Context(), nil, "", hudi.WriteOptions{})
	require.ErrorContains(t, err, "no column is set")
	tl, err := tab.Timeline(t.Context())
	require.NoError(t, err)
	require.Len(t, tl.Instants(), 1)
	// Much more than there is room for.
	small, err := hudi.OpenStore(t.Context(), s.store, append(s.options(), hudi.WithMemory(100))...)
	require.NoError(t, err)
	_, err = small.UpdateWhere(t.Context(), []string{"val = 'x'"}, "", hudi.WriteOptions{})
	require.ErrorContains(t, err, "raise --memory")
	s.is(t, write(hudi.Insert, r("a", "x", "1", 1)))
	s.tidy(t)
}
