package cow_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

var rules = merge.Rules{Mode: merge.EventTime, Ordering: []string{"ts"}}

type world struct {
	*cow.Writer
	t         *testing.T
	store     *mem.Store
	announced []string
}

func newWorld(t *testing.T, alloc memory.Allocator) *world {
	s, err := schema.FromArrow("t", arrow.NewSchema([]arrow.Field{
		{Name: "v", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil))
	require.NoError(t, err)
	w := &world{t: t, store: mem.New(func() time.Time { return time.Time{} })}
	var tokens atomic.Int64
	w.Writer = &cow.Writer{
		Store: w.store, Schema: s.WithMeta(), Alloc: alloc, Instant: "20260101000000000", Codec: "uncompressed", TargetBytes: 1 << 20, Parallel: 1,
		Token: func() string { return base.WriteToken(int(tokens.Add(1)-1), 0, 0) },
		Announce: func(_ context.Context, partition, path string, update bool) error {
			w.announced = append(w.announced, fmt.Sprint(partition, " ", path, " ", update))
			return nil
		},
	}
	return w
}

// batch makes rows; the file name is left open, as writers do.
func (w *world) batch(v string, ts int64, keys ...string) arrow.RecordBatch {
	b := array.NewRecordBuilder(w.Alloc, w.Schema.Arrow())
	defer b.Release()
	for _, k := range keys {
		b.Field(0).(*array.StringBuilder).Append("20250101000000000")
		b.Field(1).(*array.StringBuilder).Append("20250101000000000_0_0")
		b.Field(2).(*array.StringBuilder).Append(k)
		b.Field(3).(*array.StringBuilder).Append("p")
		b.Field(4).AppendNull()
		b.Field(5).(*array.StringBuilder).Append(v)
		b.Field(6).(*array.Int64Builder).Append(ts)
	}
	return b.NewRecordBatch()
}

func (w *world) rows(batches ...func() arrow.RecordBatch) cow.Rows {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for _, make := range batches {
			b := make()
			more := yield(b, nil)
			b.Release()
			if !more {
				return
			}
		}
	}
}

// read returns a file's rows, after checking that each names the file.
func (w *world) read(stat *timeline.WriteStat) []string {
	f, err := w.store.Open(w.t.Context(), stat.Path)
	require.NoError(w.t, err)
	defer f.Close()
	r, err := basefile.Open(w.t.Context(), f, stat.Path, w.Alloc)
	require.NoError(w.t, err)
	defer r.Close()
	var out []string
	for b, err := range r.Read(w.t.Context(), basefile.ReadOptions{Schema: w.Schema}) {
		require.NoError(w.t, err)
		for i := range int(b.NumRows()) {
			require.Equal(w.t, stat.Path[len("p/"):], b.Column(4).ValueStr(i))
			out = append(out, fmt.Sprint(b.Column(2).ValueStr(i), "=", b.Column(5).ValueStr(i)))
		}
	}
	require.EqualValues(w.t, len(out), stat.NumWrites)
	require.Equal(w.t, f.Size(), stat.FileSizeInBytes)
	return out
}

func (w *world) files() int {
	n := 0
	entries, err := w.store.List(w.t.Context(), "p")
	require.NoError(w.t, err)
	for _, e := range entries {
		if !e.Dir {
			n++
		}
	}
	return n
}

func TestCreateAndMerge(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	w := newWorld(t, alloc)
	old, err := w.Create(t.Context(), "p", "f-0", w.rows(
		func() arrow.RecordBatch { return w.batch("old", 5, "a") },
		func() arrow.RecordBatch { return w.batch("old", 5, "b", "c", "d") }, // larger than the first
		func() arrow.RecordBatch { return w.batch("old", 5) },
	))
	require.NoError(t, err)
	require.Equal(t, []string{"a=old", "b=old", "c=old", "d=old"}, w.read(old))
	require.EqualValues(t, 4, old.NumInserts)
	require.Equal(t, timeline.NoPrevCommit, old.PrevCommit)

	changes := merge.NewReducer(rules, w.Schema.Arrow(), alloc)
	defer changes.Release()
	newer, late := w.batch("new", 6, "b", "x"), w.batch("late", 4, "c")
	for _, b := range []arrow.RecordBatch{newer, late} {
		require.NoError(t, changes.AddRows(b, b.Column(2).(*array.String)))
		b.Release()
	}
	changes.AddDelete("d", merge.Value{})
	changes.AddDelete("y", merge.Value{})
	slice := table.FileSlice{Partition: "p", FileID: "f-0", Base: &table.BaseFile{Path: old.Path, Name: old.Path[len("p/"):], Instant: "20250101000000000"}}
	stat, err := w.Merge(t.Context(), slice, changes, true, []int32{0, 1, 2, 3, 4})
	require.NoError(t, err)
	require.Equal(t, []string{"a=old", "b=new", "c=old", "x=new"}, w.read(stat))
	require.Equal(t, []int64{1, 1, 1}, []int64{stat.NumUpdateWrites, stat.NumDeletes, stat.NumInserts})
	require.Equal(t, "20250101000000000", stat.PrevCommit)
	require.Equal(t, old.Path[len("p/"):], stat.PrevBaseFile)

	// Without a look at keys everything is new.
	stat, err = w.Merge(t.Context(), slice, changes, false, []int32{0, 1})
	require.NoError(t, err)
	require.Equal(t, []string{"a=old", "b=old", "c=old", "d=old", "b=new", "x=new"}, w.read(stat))
	require.Equal(t, []string{
		"p p/f-0_0-0-0_20260101000000000.parquet false",
		"p p/f-0_1-0-0_20260101000000000.parquet true",
		"p p/f-0_2-0-0_20260101000000000.parquet true",
	}, w.announced)
}

func TestEverythingDeleted(t *testing.T) {
	w := newWorld(t, memory.DefaultAllocator)
	old, err := w.Create(t.Context(), "p", "f-0", w.rows(func() arrow.RecordBatch { return w.batch("old", 5, "a") }))
	require.NoError(t, err)
	changes := merge.NewReducer(rules, w.Schema.Arrow(), w.Alloc)
	defer changes.Release()
	changes.AddDelete("a", merge.Value{})
	stat, err := w.Merge(t.Context(), table.FileSlice{Partition: "p", FileID: "f-0", Base: &table.BaseFile{Path: old.Path}}, changes, true, []int32{0})
	require.NoError(t, err)
	require.Empty(t, w.read(stat))
}

func TestRoll(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	w := newWorld(t, alloc)
	w.TargetBytes = 1
	n := 0
	id := func() string { n++; return fmt.Sprint("f-", n) }
	one := func(key string) func() arrow.RecordBatch {
		return func() arrow.RecordBatch { return w.batch("v", 1, key) }
	}
	stats, err := w.Roll(t.Context(), "p", id, w.rows(one("a"), one("b"), func() arrow.RecordBatch { return w.batch("v", 1) }, one("c")))
	require.NoError(t, err)
	require.Len(t, stats, 3)
	for i, want := range []string{"a=v", "b=v", "c=v"} {
		require.Equal(t, []string{want}, w.read(stats[i]))
		require.Equal(t, fmt.Sprint("f-", i+1), stats[i].FileID)
	}
	stats, err = w.Roll(t.Context(), "p", id, w.rows())
	require.NoError(t, err)
	require.Empty(t, stats)
	require.Equal(t, 3, w.files())
}

// TestFailures leave no file and hold no memory. When the store itself fails, arrow-go
// forgets a buffer of the footer's, so that there memory is not counted.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	for n := 1; ; n++ {
		w := newWorld(t, memory.DefaultAllocator)
		f := fault.Wrap(w.store, fault.FailBefore(n, broken))
		w.Store = f
		_, err := w.Create(t.Context(), "p", "f-0", w.rows(func() arrow.RecordBatch { return w.batch("v", 1, "a", "b") }))
		if !f.Tripped() {
			require.NoError(t, err)
			require.Greater(t, n, 3)
			break
		}
		require.ErrorIs(t, err, broken)
		require.Zero(t, w.files())
	}
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	w := newWorld(t, alloc)
	_, err := w.Roll(t.Context(), "p", func() string { return "f-0" }, func(yield func(arrow.RecordBatch, error) bool) {
		b := w.batch("v", 1, "a")
		defer b.Release()
		_ = yield(b, nil) && yield(nil, broken)
	})
	require.ErrorIs(t, err, broken)
	w.Announce = func(context.Context, string, string, bool) error { return broken }
	_, err = w.Create(t.Context(), "p", "f-0", w.rows())
	require.ErrorIs(t, err, broken)
	require.Zero(t, w.files())
}
