package hudi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// TestCombineBeforeInsert has rows with one key become one, in every operation that inserts.
func TestCombineBeforeInsert(t *testing.T) {
	list := []rec{
		r("a", "x", "old", 1), r("b", "x", "1", 1), r("a", "x", "new", 3), r("a", "y", "other", 1), r("a", "x", "late", 2),
		r("gone", "x", "1", 1), r("gone", "x", "", 2).del(), r("back", "x", "", 1).del(), r("back", "x", "2", 2),
	}
	want := []string{"x/a=new@3", "x/b=1@1", "x/back=2@2", "y/a=other@1"}
	allKinds(t, func(t *testing.T, k kind) {
		for _, o := range []hudi.Operation{hudi.Insert, hudi.BulkInsert, hudi.InsertOverwrite, hudi.InsertOverwriteTable} {
			for _, budget := range []int64{1 << 20, 64} {
				if o == hudi.Insert && budget == 64 {
					continue // it is staged
				}
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				s := newShared(t, k)
				tab, err := hudi.OpenStore(t.Context(), s.store, append(quiet(s.clock, alloc, hudi.WithProperty("hoodie.combine.before.insert", "true")), hudi.WithMemory(budget))...)
				require.NoError(t, err)
				for _, batch := range []int{1, 2, len(list)} {
					if o == hudi.Insert || o == hudi.BulkInsert {
						require.NoError(t, write(hudi.InsertOverwriteTable).do(t.Context(), s.handle(t, s.store)))
					}
					done, err := tab.Write(t.Context(), o, input(alloc, batch, list), hudi.WriteOptions{})
					require.NoError(t, err)
					require.EqualValues(t, 4, done.Inserts, o)
					require.Equal(t, want, s.snapshot(t), "%s, batches of %d", o, batch)
				}
				alloc.AssertSize(t, 0)
			}
		}
	})
}

// TestInsertDuplicates has an insert meet keys that are there.
func TestInsertDuplicates(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := []op{write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1)), write(hudi.Upsert, r("c", "x", "2", 2), r("a", "x", "2", 2))}
		rows := []rec{r("a", "x", "dup", 9), r("a", "y", "new", 9), r("c", "x", "dup", 9), r("d", "x", "new", 8), r("d", "x", "newer", 9)}
		s := newShared(t, k, start...)
		before := s.snapshot(t)
		with := func(name, value string) *hudi.Table {
			tab, err := hudi.OpenStore(t.Context(), s.store, append(s.options(), hudi.WithProperty(name, value))...)
			require.NoError(t, err)
			return tab
		}
		_, err := with("hoodie.datasource.write.insert.dup.policy", "fail").Write(t.Context(), hudi.Insert, input(memory.DefaultAllocator, 2, rows), hudi.WriteOptions{})
		require.ErrorIs(t, err, hudi.ErrInvalid)
		require.ErrorContains(t, err, `the key "a" of partition "x" is there already`)
		require.Equal(t, before, s.snapshot(t))
		want := slices.Sorted(slices.Values(append(before, "y/a=new@9", "x/d=newer@9")))
		for _, option := range [][2]string{{"hoodie.datasource.write.insert.drop.duplicates", "true"}, {"hoodie.datasource.write.insert.dup.policy", "drop"}} {
			tab := with(option[0], option[1])
			_, err = tab.Write(t.Context(), hudi.Insert, input(memory.DefaultAllocator, 2, rows), hudi.WriteOptions{})
			require.NoError(t, err)
			require.Equal(t, want, s.snapshot(t))
			_, err = tab.Write(t.Context(), hudi.BulkInsert, input(memory.DefaultAllocator, 2, rows), hudi.WriteOptions{})
			require.ErrorIs(t, err, hudi.ErrUnsupported)
		}
		for name, value := range map[string]string{"hoodie.datasource.write.insert.dup.policy": "maybe", "hoodie.bulkinsert.sort.mode": "RANDOM"} {
			_, err = with(name, value).Write(t.Context(), hudi.Insert, input(memory.DefaultAllocator, 2, rows), hudi.WriteOptions{})
			require.ErrorIs(t, err, hudi.ErrInvalid)
			require.ErrorContains(t, err, name)
		}
		s.tidy(t)
	})
}

// TestInsertDuplicatesInLogs has an insert meet a key that a log alone has, which is there, and one that a
// log deletes, which is not.
func TestInsertDuplicatesInLogs(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		if k.typ != table.MOR {
			t.Skip("there are no logs")
		}
		s := newShared(t, k, write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1)), write(hudi.Upsert, r("a", "x", "2", 2)), compact(),
			write(hudi.Upsert, r("c", "x", "log", 3), r("a", "x", "3", 3)), write(hudi.Delete, r("b", "x", "", 9)))
		before := s.snapshot(t)
		with := func(policy string) *hudi.Table {
			tab, err := hudi.OpenStore(t.Context(), s.store, append(s.options(), hudi.WithProperty("hoodie.datasource.write.insert.dup.policy", policy))...)
			require.NoError(t, err)
			return tab
		}
		_, err := with("fail").Write(t.Context(), hudi.Insert, input(memory.DefaultAllocator, 2, []rec{r("c", "x", "dup", 9)}), hudi.WriteOptions{})
		require.ErrorIs(t, err, hudi.ErrInvalid)
		_, err = with("drop").Write(t.Context(), hudi.Insert, input(memory.DefaultAllocator, 2, []rec{r("c", "x", "dup", 9), r("b", "x", "back", 9)}), hudi.WriteOptions{})
		require.NoError(t, err)
		require.Equal(t, slices.Sorted(slices.Values(append(before, "x/b=back@9"))), s.snapshot(t))
	})
}

// TestBulkInsertSorted has the rows of each file in the order of their keys, also when they do not fit into memory.
func TestBulkInsertSorted(t *testing.T) {
	for _, k := range []kind{{typ: table.COW}, {typ: table.COW, partitioned: true}, {typ: table.MOR, buckets: 2, partitioned: true}} {
		for _, budget := range []int64{1 << 20, 64} {
			var list []rec
			var want []string
			for n := range 300 {
				row := r(fmt.Sprintf("k%03d", n*7%300), []string{"x", "y"}[n%2], "v", int64(n))
				list = append(list, row)
				want = append(want, row.String())
			}
			slices.Sort(want)
			s := newShared(t, k)
			alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
			tab, err := hudi.OpenStore(t.Context(), s.store, append(quiet(s.clock, alloc, hudi.WithProperty("hoodie.bulkinsert.sort.mode", "GLOBAL_SORT")), hudi.WithMemory(budget))...)
			require.NoError(t, err)
			_, err = tab.Write(t.Context(), hudi.BulkInsert, input(alloc, 50, list), hudi.WriteOptions{})
			require.NoError(t, err)
			alloc.AssertSize(t, 0)
			require.Equal(t, want, s.snapshot(t))
			plan, err := s.handle(t, s.store).Query(t.Context(), query.Options{Columns: []string{"id"}})
			require.NoError(t, err)
			require.NotEmpty(t, plan.Tasks)
			for _, task := range plan.Tasks {
				last := ""
				for batch, err := range plan.Task(t.Context(), task) {
					require.NoError(t, err)
					for row := range int(batch.NumRows()) {
						id := batch.Column(0).(*array.String).Value(row)
						require.Less(t, last, id)
						last = strings.Clone(id)
					}
				}
			}
			s.tidy(t)
		}
	}
}

// TestGeneratedKeys has a table whose rows have no keys of their own: equal rows stay two, and conditions find them.
func TestGeneratedKeys(t *testing.T) {
	for _, k := range []kind{{typ: table.COW, partitioned: true}, {typ: table.MOR}, {typ: table.COW, version: 6}, {typ: table.MOR, version: 8, partitioned: true}} {
		clock := &simClock{}
		store := mem.New(clock.Now)
		c := k.config()
		c.Keys, c.Ordering = nil, nil
		tab, err := hudi.CreateStore(t.Context(), store, c, quiet(clock, memory.DefaultAllocator)...)
		require.NoError(t, err)
		_, there := tab.Config().Property("hoodie.table.recordkey.fields")
		require.False(t, there)
		do := func(o op) { t.Helper(); require.NoError(t, o.do(t.Context(), tab), o.name) }
		seen := func() []string {
			t.Helper()
			rows, err := all(t.Context(), tab, query.Options{})
			require.NoError(t, err)
			return rows
		}
		do(write(hudi.Insert, r("a", "x", "1", 1), r("a", "x", "1", 1), r("b", "y", "1", 1)))
		do(write(hudi.BulkInsert, r("a", "x", "1", 1), r("c", "y", "1", 1)))
		require.Equal(t, []string{"x/a=1@1", "x/a=1@1", "x/a=1@1", "y/b=1@1", "y/c=1@1"}, seen())
		do(updateWhere("val = 'u'", "id = 'c'"))
		do(deleteWhere("id = 'b'"))
		require.Equal(t, []string{"x/a=1@1", "x/a=1@1", "x/a=1@1", "y/c=u@1"}, seen())
		keys := map[string]bool{}
		plan, err := tab.Query(t.Context(), query.Options{Columns: []string{"_hoodie_record_key"}})
		require.NoError(t, err)
		for batch, err := range plan.Rows(t.Context()) {
			require.NoError(t, err)
			for row := range int(batch.NumRows()) {
				keys[strings.Clone(batch.Column(0).(*array.String).Value(row))] = true
			}
		}
		require.Len(t, keys, 4)
		for _, o := range []hudi.Operation{hudi.Upsert, hudi.Delete} {
			require.ErrorIs(t, write(o, r("a", "x", "1", 1)).do(t.Context(), tab), hudi.ErrInvalid)
		}
		do(write(hudi.InsertOverwriteTable, r("a", "x", "1", 1), r("a", "x", "1", 1)))
		require.Equal(t, []string{"x/a=1@1", "x/a=1@1"}, seen())
		require.NoError(t, tidy(t.Context(), store, tab))
	}
}
