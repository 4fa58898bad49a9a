package mor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/mor"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

const instant = "20260101000000000"

var rules = merge.Rules{Mode: merge.EventTime, Ordering: []string{"ts"}}

func newWriter(t *testing.T, alloc memory.Allocator) (*mor.Writer, *mem.Store) {
	s, err := schema.FromArrow("t", arrow.NewSchema([]arrow.Field{{Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil))
	require.NoError(t, err)
	st := mem.New(func() time.Time { return time.Time{} })
	return &mor.Writer{
		Store: st, Schema: s.WithMeta(), Rules: rules, Alloc: alloc, Instant: instant, BlockBytes: 1 << 20,
		Token:    func() string { return "1-2-3" },
		Announce: func(context.Context, string, string) error { return nil },
	}, st
}

// changes are rows of the given keys, with their numbers for ordering values, and deletes.
func changes(t *testing.T, w *mor.Writer, rows int, deletes ...merge.Value) (*merge.Reducer, []int32) {
	r := merge.NewReducer(rules, w.Schema.Arrow(), w.Alloc)
	b := array.NewRecordBuilder(w.Alloc, w.Schema.Arrow())
	defer b.Release()
	var entries []int32
	for i := range rows {
		for c, v := range []string{instant, instant + "_0_0", fmt.Sprint("k", i), "p"} {
			b.Field(c).(*array.StringBuilder).Append(v)
		}
		b.Field(4).AppendNull()
		b.Field(5).(*array.Int64Builder).Append(int64(i))
		entries = append(entries, int32(i))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	require.NoError(t, r.AddRows(batch, batch.Column(2).(*array.String)))
	for i, d := range deletes {
		entries = append(entries, int32(r.Len()))
		r.AddDelete(fmt.Sprint("d", i), d)
	}
	return r, entries
}

// blocks reads a log file back: the number of records of each data block, and the deletes.
func blocks(t *testing.T, w *mor.Writer, st *mem.Store, stat *timeline.WriteStat) (records []int, deletes []logfile.DeleteRecord) {
	f, err := st.Open(t.Context(), stat.Path)
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, f.Size(), stat.FileSizeInBytes)
	r := logfile.NewReader(stat.Path, f, f.Size())
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records, deletes
		}
		require.NoError(t, err)
		require.Equal(t, instant, b.Instant())
		content, err := b.Content(t.Context())
		require.NoError(t, err)
		if b.Type == logfile.Delete {
			deletes, err = logfile.Deletes(content)
			require.NoError(t, err)
			continue
		}
		written, err := schema.Parse(b.Schema())
		require.NoError(t, err)
		d, err := avroarrow.NewDecoder(written, w.Schema, w.Alloc)
		require.NoError(t, err)
		recs, err := logfile.Records(content)
		require.NoError(t, err)
		for rec, err := range recs {
			require.NoError(t, err)
			require.NoError(t, d.Append(rec))
		}
		batch, err := d.Flush()
		require.NoError(t, err)
		for i := range int(batch.NumRows()) {
			require.Equal(t, stat.FileID, batch.Column(4).ValueStr(i), "the file name of a log's rows is the id of their group")
		}
		records = append(records, int(batch.NumRows()))
		batch.Release()
		d.Release()
	}
}

func TestAppend(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	w, st := newWriter(t, alloc)
	r, entries := changes(t, w, 3, merge.Value{}, merge.IntValue(merge.Long, 7))
	defer r.Release()
	stat, err := w.Append(t.Context(), table.FileSlice{Partition: "p", FileID: "g-0"}, r, entries, nil)
	require.NoError(t, err)
	require.Equal(t, "p/.g-0_"+instant+".log.1_1-2-3", stat.Path)
	require.Equal(t, []int64{3, 3, 2}, []int64{stat.NumWrites, stat.NumUpdateWrites, stat.NumDeletes})
	require.True(t, stat.IsLog())
	records, deletes := blocks(t, w, st, stat)
	require.Equal(t, []int{3}, records)
	require.Len(t, deletes, 2)
	require.Equal(t, logfile.DeleteRecord{Key: "d0", Partition: "p", HasPartition: true, Ordering: logfile.Ordering{Kind: logfile.OrderingInt}}, deletes[0])
	require.Equal(t, logfile.Ordering{Kind: logfile.OrderingLong, Int: 7}, deletes[1].Ordering)
}

func TestAppendParts(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	w, st := newWriter(t, alloc)
	t.Run("deletes alone", func(t *testing.T) {
		r, entries := changes(t, w, 0, merge.Value{})
		defer r.Release()
		stat, err := w.Append(t.Context(), table.FileSlice{Partition: "p", FileID: "d-0"}, r, entries, nil)
		require.NoError(t, err)
		records, deletes := blocks(t, w, st, stat)
		require.Empty(t, records)
		require.Len(t, deletes, 1)
	})
	t.Run("some of the entries", func(t *testing.T) {
		r, _ := changes(t, w, 5, merge.Value{}, merge.Value{})
		defer r.Release()
		stat, err := w.Append(t.Context(), table.FileSlice{Partition: "p", FileID: "s-0"}, r, []int32{4, 1, 6}, nil)
		require.NoError(t, err)
		records, deletes := blocks(t, w, st, stat)
		require.Equal(t, []int{2}, records)
		require.Len(t, deletes, 1)
		require.Equal(t, "d1", deletes[0].Key)
	})
	t.Run("several blocks", func(t *testing.T) {
		w.BlockBytes = 100
		r, entries := changes(t, w, 7)
		defer r.Release()
		stat, err := w.Append(t.Context(), table.FileSlice{Partition: "p", FileID: "b-0"}, r, entries, nil)
		require.NoError(t, err)
		records, _ := blocks(t, w, st, stat)
		require.Greater(t, len(records), 2)
		sum := 0
		for _, n := range records {
			sum += n
		}
		require.Equal(t, 7, sum)
	})
}

// TestFailures leave no file and hold no memory.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	for n := 1; ; n++ {
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		w, st := newWriter(t, alloc)
		f := fault.Wrap(st, fault.FailBefore(n, broken))
		w.Store = f
		r, entries := changes(t, w, 3, merge.Value{})
		_, err := w.Append(t.Context(), table.FileSlice{Partition: "p", FileID: "g-0"}, r, entries, nil)
		r.Release()
		alloc.AssertSize(t, 0)
		if !f.Tripped() {
			require.NoError(t, err)
			require.Greater(t, n, 3)
			return
		}
		require.ErrorIs(t, err, broken)
		found, err := st.List(t.Context(), "p")
		require.NoError(t, err)
		require.Empty(t, found)
	}
}

// In version 6 a log is named after the slice that it goes on top of, with the version after
// the last, and its statistics name the whole slice.
func TestAppendToSlice(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	w, _ := newWriter(t, alloc)
	w.SliceLogs = true
	w.Token = func() string { return base.InstantToken(4, w.Instant) }
	r, entries := changes(t, w, 1)
	defer r.Release()
	on := table.FileSlice{Partition: "p", FileID: "g-0"}
	stat, err := w.Append(t.Context(), on, r, entries, nil)
	require.NoError(t, err)
	n, ok := base.ParseLogFileName(path.Base(stat.Path))
	require.True(t, ok)
	require.Equal(t, []any{instant, 1, true}, []any{n.Time, n.Version, n.WrittenBy(instant)})
	require.Empty(t, stat.BaseFile)

	on.BaseInstant, on.Base = "20251231000000000", &table.BaseFile{Name: "g-0_0-0-0_20251231000000000.parquet"}
	for _, name := range []string{".g-0_20251231000000000.log.1_0-5-7", ".g-0_20251231000000000.log.3_1-0-1"} {
		l, ok := base.ParseLogFileName(name)
		require.True(t, ok)
		require.False(t, l.WrittenBy(instant))
		on.Logs = append(on.Logs, table.LogFile{Name: l})
	}
	stat, err = w.Append(t.Context(), on, r, entries, nil)
	require.NoError(t, err)
	n, ok = base.ParseLogFileName(path.Base(stat.Path))
	require.True(t, ok)
	require.Equal(t, []any{on.BaseInstant, 4, true}, []any{n.Time, n.Version, n.WrittenBy(instant)})
	require.Equal(t, on.BaseInstant, stat.PrevCommit)
	require.Equal(t, on.Base.Name, stat.BaseFile)
	require.Equal(t, []string{n.String(), on.Logs[1].Name.String(), on.Logs[0].Name.String()}, stat.LogFiles)
	require.Equal(t, int32(4), stat.LogVersion)
}

func TestName(t *testing.T) {
	n, ok := base.ParseLogFileName(".g-0_" + instant + ".log.1_1-2-3")
	require.True(t, ok)
	require.Equal(t, instant, n.Time)
}
