package hudi_test

import (
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/record"
	"github.com/hudi-go/hudi-go/table"
)

// TestKeysInSeveralGroups has keys that inserts without a look have repeated: what an
// upsert or a delete does to such a key it does to all its rows, as in real Hudi.
func TestKeysInSeveralGroups(t *testing.T) {
	for _, typ := range []table.Type{table.COW, table.MOR} {
		for _, small := range []string{"0", "104857600"} { // each insert into files of its own, or all into one
			k := kind{typ: typ}
			t.Run(k.String()+" "+small, func(t *testing.T) {
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer alloc.AssertSize(t, 0)
				clock := &simClock{}
				tab, err := hudi.CreateStore(t.Context(), mem.New(clock.Now), k.config(), quiet(clock, alloc, hudi.WithProperty("hoodie.parquet.small.file.limit", small))...)
				require.NoError(t, err)
				do := func(o hudi.Operation, list ...rec) {
					t.Helper()
					_, err := tab.Write(t.Context(), o, input(alloc, 2, list), hudi.WriteOptions{})
					require.NoError(t, err)
				}
				is := func(want ...string) {
					t.Helper()
					seen, err := all(t.Context(), tab, query.Options{})
					require.NoError(t, err)
					require.Equal(t, append([]string{}, want...), seen)
				}
				do(hudi.Insert, r("a", "", "1", 1), r("b", "", "1", 1), r("a", "", "2", 1))
				do(hudi.Insert, r("a", "", "3", 1), r("c", "", "1", 1))
				is("/a=1@1", "/a=2@1", "/a=3@1", "/b=1@1", "/c=1@1")
				do(hudi.Upsert, r("a", "", "new", 2), r("c", "", "new", 2), r("d", "", "new", 2))
				is("/a=new@2", "/a=new@2", "/a=new@2", "/b=1@1", "/c=new@2", "/d=new@2")
				do(hudi.Delete, r("a", "", "", 3), r("x", "", "", 3))
				is("/b=1@1", "/c=new@2", "/d=new@2")
				if typ == table.MOR {
					require.NoError(t, compact().do(t.Context(), tab))
					is("/b=1@1", "/c=new@2", "/d=new@2")
				}
				do(hudi.Upsert, r("a", "", "back", 1))
				is("/a=back@1", "/b=1@1", "/c=new@2", "/d=new@2")
			})
		}
	}
}

// TestKeysThatOnlyLogsHave are written beside a compaction that removes them from the base
// file. An upsert must find them, and not make them a second time.
func TestKeysThatOnlyLogsHave(t *testing.T) {
	start := []op{
		write(hudi.Insert, r("a", "", "1", 1), r("b", "", "1", 1)),
		write(hudi.Delete, r("a", "", "", 2)),
		schedule(),
		write(hudi.Upsert, r("a", "", "back", 3)),
		execute(),
		write(hudi.Upsert, r("a", "", "again", 4), r("c", "", "new", 4)),
	}
	s := newShared(t, kind{typ: table.MOR}, start...)
	s.is(t, start...)
	require.Equal(t, []string{"/a=again@4", "/b=1@1", "/c=new@4"}, s.snapshot(t))
	more := write(hudi.Delete, r("a", "", "", 5))
	require.NoError(t, more.do(t.Context(), s.handle(t, s.store)))
	require.NoError(t, compact().do(t.Context(), s.handle(t, s.store)))
	require.Equal(t, []string{"/b=1@1", "/c=new@4"}, s.snapshot(t))
}

// TestDeleteByKeyAlone deletes without ordering values in a table that has several ordering
// fields: unconditionally, also when the columns are there and null.
func TestDeleteByKeyAlone(t *testing.T) {
	for _, typ := range []table.Type{table.COW, table.MOR} {
		t.Run(string(typ), func(t *testing.T) {
			clock := &simClock{}
			c := kind{typ: typ, buckets: 1}.config()
			c.Ordering = []string{"ts", "val"}
			tab, err := hudi.CreateStore(t.Context(), mem.New(clock.Now), c, quiet(clock, memory.DefaultAllocator)...)
			require.NoError(t, err)
			start := write(hudi.Insert, r("a", "", "1", 1), r("b", "", "1", 1), r("c", "", "1", 1), r("d", "", "1", 1))
			require.NoError(t, start.do(t.Context(), tab))
			keys := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}}, nil)
			ks, err := schema.FromArrow("sim", keys)
			require.NoError(t, err)
			_, err = tab.Write(t.Context(), hudi.Delete, hudi.Rows{Schema: ks, Batches: func(yield func(arrow.RecordBatch, error) bool) {
				b := array.NewRecordBuilder(memory.DefaultAllocator, keys)
				defer b.Release()
				b.Field(0).(*array.StringBuilder).Append("a")
				batch := b.NewRecordBatch()
				defer batch.Release()
				yield(batch, nil)
			}}, hudi.WriteOptions{})
			require.NoError(t, err)
			nulls := arrow.NewSchema([]arrow.Field{
				{Name: "id", Type: arrow.BinaryTypes.String},
				{Name: "val", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
			}, nil)
			ns, err := schema.FromArrow("sim", nulls)
			require.NoError(t, err)
			_, err = tab.Write(t.Context(), hudi.Delete, hudi.Rows{Schema: ns, Batches: func(yield func(arrow.RecordBatch, error) bool) {
				b := array.NewRecordBuilder(memory.DefaultAllocator, nulls)
				defer b.Release()
				for i, id := range []string{"b", "c"} {
					b.Field(0).(*array.StringBuilder).Append(id)
					b.Field(1).AppendNull()
					if i == 0 {
						b.Field(2).AppendNull() // nothing to go by
					} else {
						b.Field(2).(*array.Int64Builder).Append(0) // older
					}
				}
				batch := b.NewRecordBatch()
				defer batch.Release()
				yield(batch, nil)
			}}, hudi.WriteOptions{})
			require.NoError(t, err)
			seen, err := all(t.Context(), tab, query.Options{})
			require.NoError(t, err)
			require.Equal(t, []string{"/c=1@1", "/d=1@1"}, seen)
		})
	}
}

// TestMetadataTableAppears has another engine give the table a metadata table with a partition
// that every change would leave behind: Spark would find wrong rows by it. Handles that are
// open know as much as those opened afterwards.
func TestMetadataTableAppears(t *testing.T) {
	s := newShared(t, kind{typ: table.MOR, buckets: 1}, write(hudi.Insert, r("a", "", "1", 1)), write(hudi.Upsert, r("a", "", "2", 2)), compact(),
		write(hudi.Upsert, r("a", "", "3", 3)), compact(), write(hudi.Upsert, r("a", "", "4", 4)))
	s.more = append(s.more, hudi.WithProperty("hoodie.clean.commits.retained", "1"))
	removal, err := s.handle(t, s.store).ScheduleClean(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, removal)
	compaction, err := s.handle(t, s.store).ScheduleCompaction(t.Context(), 0)
	require.NoError(t, err)
	require.NotEmpty(t, compaction)
	require.NoError(t, write(hudi.Upsert, r("a", "", "5", 5)).do(t.Context(), s.handle(t, s.store)))
	tl, err := s.handle(t, s.store).Timeline(t.Context())
	require.NoError(t, err)
	last, _ := tl.LastCompletedWrite()
	rec := record.Wrap(s.store)
	open := s.handle(t, rec)
	c, err := table.LoadConfig(t.Context(), s.store)
	require.NoError(t, err)
	require.NoError(t, c.Update(t.Context(), s.store, map[string]string{"hoodie.table.metadata.partitions": "expr_index_day,files"}, nil, s.clock.Now))
	name := func(partitions string) {
		require.NoError(t, c.Update(t.Context(), s.store, map[string]string{"hoodie.table.metadata.partitions": partitions}, nil, s.clock.Now))
	}
	name("")
	before := s.snapshot(t)
	name("expr_index_day,files")
	for what, change := range map[string]func(ctx context.Context, tab *hudi.Table) error{
		"write":               write(hudi.Upsert, r("a", "", "6", 6)).do,
		"compact":             compact().do,
		"clean":               clean().do,
		"schedule compaction": schedule().do,
		"execute compaction": func(ctx context.Context, tab *hudi.Table) error {
			_, err := tab.ExecuteCompaction(ctx, compaction)
			return err
		},
		"schedule clean": func(ctx context.Context, tab *hudi.Table) error { _, err := tab.ScheduleClean(ctx); return err },
		"execute clean": func(ctx context.Context, tab *hudi.Table) error {
			_, err := tab.ExecuteClean(ctx, removal)
			return err
		},
		"recover":  func(ctx context.Context, tab *hudi.Table) error { _, err := tab.Recover(ctx); return err },
		"rollback": func(ctx context.Context, tab *hudi.Table) error { return tab.Rollback(ctx, last.Time) },
	} {
		for _, tab := range []*hudi.Table{open, s.handle(t, rec)} {
			err := change(t.Context(), tab)
			require.ErrorIs(t, err, hudi.ErrUnsupported, what)
			require.ErrorContains(t, err, "hoodie.metadata.enable=false", what)
		}
	}
	for _, o := range rec.Mutations() {
		require.Contains(t, o.Path, "lock", "nothing is changed but the lock")
	}
	name("")
	require.Equal(t, before, s.snapshot(t))
}

// TestTableChanges has another engine upgrade the table, or set it up anew, while a handle is
// open and while a write is under way: what these wrote nobody would see, or see wrongly.
func TestTableChanges(t *testing.T) {
	for key, c := range map[string]struct {
		version int
		set     map[string]string
	}{
		"hoodie.table.version":     {6, map[string]string{"hoodie.table.version": "9", "hoodie.timeline.layout.version": "2"}},
		"hoodie.table.type":        {9, map[string]string{"hoodie.table.type": "MERGE_ON_READ"}},
		"hoodie.index.type":        {9, map[string]string{"hoodie.index.type": "BUCKET", "hoodie.bucket.index.num.buckets": "2"}},
		"hoodie.record.merge.mode": {9, map[string]string{"hoodie.record.merge.mode": "COMMIT_TIME_ORDERING"}},
	} {
		t.Run(key, func(t *testing.T) {
			fresh := func() (*shared, op) {
				s := newShared(t, kind{typ: table.COW, version: c.version, mode: table.EventTimeOrdering}, write(hudi.Insert, r("a", "", "1", 1)))
				return s, op{name: "change", do: func(ctx context.Context, _ *hudi.Table) error {
					stored, err := table.LoadConfig(ctx, s.store)
					if err != nil {
						return err
					}
					return stored.Update(ctx, s.store, c.set, nil, s.clock.Now)
				}}
			}
			upsert := write(hudi.Upsert, r("a", "", "2", 2))
			s, change := fresh()
			open := s.handle(t, s.store)
			require.NoError(t, change.do(t.Context(), nil))
			err := upsert.do(t.Context(), open)
			require.ErrorIs(t, err, hudi.ErrConflict)
			require.ErrorContains(t, err, key)
			require.ErrorContains(t, err, "open it again")

			for _, at := range []func(*intercept.Call) bool{atData, atEnd()} {
				s, change := fresh()
				err := s.beside(t, upsert, at, change)
				require.ErrorIs(t, err, hudi.ErrConflict)
				require.ErrorContains(t, err, key)
			}
		})
	}
	// Other properties are nobody's concern.
	s := newShared(t, kind{typ: table.COW}, write(hudi.Insert, r("a", "", "1", 1)))
	open := s.handle(t, s.store)
	stored, err := table.LoadConfig(t.Context(), s.store)
	require.NoError(t, err)
	require.NoError(t, stored.Update(t.Context(), s.store, map[string]string{"hoodie.clean.commits.retained": "3"}, nil, s.clock.Now))
	require.NoError(t, write(hudi.Upsert, r("a", "", "2", 2)).do(t.Context(), open))
}

// TestRowsThatWouldBeLost writes to partitions in which nobody looks for rows.
func TestRowsThatWouldBeLost(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x/y", "1", 1))
		s := newShared(t, k, start)
		for _, part := range []string{".hoodie", ".hoodie/timeline", "x", "x/y/z", "/x", "x//y", "..", "."} {
			err := write(hudi.Upsert, r("b", part, "2", 2)).do(t.Context(), s.handle(t, s.store))
			require.ErrorIs(t, err, hudi.ErrInvalid, part)
			s.is(t, start)
			s.tidy(t)
		}
	})
}

// Releases from 1.1 on write the key of a complex generator with one field as field:value in tables of
// versions 6 and 8 too: a writer keeps to what the table has.
func TestKeysAsTheTableHasThem(t *testing.T) {
	for _, named := range []bool{true, false} {
		clock := &simClock{}
		st := mem.New(clock.Now)
		c := kind{typ: table.COW}.config()
		c.PartitionBy = []string{"part", "val"}
		if !named {
			c.Version, c.InitialVersion = 8, 8
		}
		tab, err := hudi.CreateStore(t.Context(), st, c, quiet(clock, memory.DefaultAllocator)...)
		require.NoError(t, err)
		require.NoError(t, write(hudi.Insert, r("a", "x", "v", 1)).do(t.Context(), tab))
		stored, err := table.LoadConfig(t.Context(), st)
		require.NoError(t, err)
		if named {
			require.NoError(t, stored.Update(t.Context(), st, map[string]string{"hoodie.table.version": "8"}, nil, clock.Now))
		}
		tab, err = hudi.OpenStore(t.Context(), st, quiet(clock, memory.DefaultAllocator)...)
		require.NoError(t, err)
		require.NoError(t, write(hudi.Upsert, r("a", "x", "v", 2), r("b", "x", "v", 2)).do(t.Context(), tab))
		seen, err := all(t.Context(), tab, query.Options{})
		require.NoError(t, err)
		require.Equal(t, []string{"x/a=v@2", "x/b=v@2"}, seen)
		for key, want := range map[string]int{"id:a": 1, "id:b": 1, "a": 0, "b": 0} {
			if !named {
				want = 1 - want
			}
			seen, err := all(t.Context(), tab, query.Options{Where: "_hoodie_record_key = '" + key + "'"})
			require.NoError(t, err)
			require.Len(t, seen, want, key)
		}
	}
}
