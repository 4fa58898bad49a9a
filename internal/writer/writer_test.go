package writer_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/writer"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

var columns = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
}, nil)

func handle(t *testing.T, typ table.Type, uuids ...string) (*table.Handle, *mem.Store) {
	var ms atomic.Int64
	now := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, int(ms.Add(1))*1e6, time.UTC) }
	st := mem.New(now)
	c := table.NewConfig("t")
	c.Type, c.Keys, c.Ordering = typ, []string{"id"}, []string{"ts"}
	require.NoError(t, table.Create(t.Context(), st, c, now))
	stored, err := table.LoadConfig(t.Context(), st)
	require.NoError(t, err)
	h := table.NewHandle(st, stored, now, slog.New(slog.DiscardHandler))
	h.Zone = time.UTC
	if len(uuids) > 0 {
		next := 0
		h.NewUUID = func() string { next++; return uuids[(next-1)%len(uuids)] }
	}
	return h, st
}

func rows(t *testing.T, alloc memory.Allocator, keys ...any) writer.Input {
	s, err := schema.FromArrow("t", columns)
	require.NoError(t, err)
	return writer.Input{Schema: s, Rows: func(yield func(arrow.RecordBatch, error) bool) {
		b := array.NewRecordBuilder(alloc, columns)
		defer b.Release()
		for _, k := range keys {
			if err, failed := k.(error); failed {
				yield(nil, err)
				return
			}
			if k == nil {
				b.Field(0).AppendNull()
			} else {
				b.Field(0).(*array.Int64Builder).Append(int64(k.(int)))
			}
			b.Field(1).(*array.Int64Builder).Append(1)
			batch := b.NewRecordBatch()
			more := yield(batch, nil)
			batch.Release()
			if !more {
				return
			}
		}
	}}
}

func fileIDs(t *testing.T, st storage.Store) []string {
	entries, err := st.List(t.Context(), "")
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		if n, ok := base.ParseBaseFileName(e.Name); ok {
			out = append(out, n.FileID)
		}
	}
	return out
}

// TestIDsThatLookLikeBuckets has random ids that begin with eight digits, as one in 44 does.
func TestIDsThatLookLikeBuckets(t *testing.T) {
	const digits = "12345678-90ab-4cde-8f01-234567890abc"
	for _, o := range []writer.Operation{writer.Insert, writer.BulkInsert, writer.Upsert} {
		h, st := handle(t, table.COW, digits)
		for range 2 {
			_, err := writer.Write(t.Context(), h, writer.Options{Operation: o}, rows(t, memory.DefaultAllocator, 1, 2))
			require.NoError(t, err)
		}
		for _, id := range fileIDs(t, st) {
			require.Equal(t, "a2345678-90ab-4cde-8f01-234567890abc-0", id)
		}
	}
	// A table of other writers, who take ids as they come.
	h, st := handle(t, table.COW, "98765432-90ab-4cde-8f01-234567890abc")
	write := func() error {
		_, err := writer.Write(t.Context(), h, writer.Options{Operation: writer.Upsert}, rows(t, memory.DefaultAllocator, 1, 2))
		return err
	}
	require.NoError(t, write())
	rename := func(to string) {
		for _, id := range fileIDs(t, st) {
			entries, err := st.List(t.Context(), "")
			require.NoError(t, err)
			for _, e := range entries {
				if n, ok := base.ParseBaseFileName(e.Name); ok && n.FileID == id {
					data, err := storage.ReadFile(t.Context(), st, e.Path)
					require.NoError(t, err)
					n.FileID = to
					require.NoError(t, st.Put(t.Context(), n.String(), data))
					require.NoError(t, st.Delete(t.Context(), e.Path))
				}
			}
		}
	}
	rename("98765432-90ab-4cde-8f01-234567890abc-0")
	require.NoError(t, write(), "no table has that many buckets")
	rename("00000003-90ab-4cde-8f01-234567890abc-0")
	require.ErrorIs(t, write(), base.ErrInvalid, "a bucket index of unknown number")
}

// TestFailedWrites undo themselves, release what they hold, and say what was wrong.
func TestFailedWrites(t *testing.T) {
	broken := errors.New("the source broke")
	for _, typ := range []table.Type{table.COW, table.MOR} {
		for name, c := range map[string]struct {
			o    writer.Options
			keys []any
			kind error
		}{
			"input fails":          {writer.Options{Operation: writer.Upsert}, []any{1, broken}, broken},
			"input fails, bulk":    {writer.Options{Operation: writer.BulkInsert}, []any{1, broken}, broken},
			"row without key":      {writer.Options{Operation: writer.Upsert}, []any{1, nil}, base.ErrInvalid},
			"row without key, del": {writer.Options{Operation: writer.Delete}, []any{nil}, base.ErrInvalid},
			"too much for memory":  {writer.Options{Operation: writer.Insert, Memory: 10}, []any{1, 2, 3}, base.ErrInvalid},
		} {
			t.Run(fmt.Sprint(typ, " ", name), func(t *testing.T) {
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer alloc.AssertSize(t, 0)
				h, st := handle(t, typ)
				_, err := writer.Write(t.Context(), h, writer.Options{Operation: writer.Insert, Alloc: alloc}, rows(t, alloc, 1))
				require.NoError(t, err)
				before := fileIDs(t, st)
				c.o.Alloc = alloc
				_, err = writer.Write(t.Context(), h, c.o, rows(t, alloc, c.keys...))
				require.ErrorIs(t, err, c.kind)
				require.Equal(t, before, fileIDs(t, st))
				tl, err := h.Timeline(t.Context())
				require.NoError(t, err)
				require.Empty(t, tl.Pending())
				_, err = st.Stat(t.Context(), ".hoodie/lock")
				require.ErrorIs(t, err, fs.ErrNotExist)
			})
		}
	}
}

// TestRefusedBeforeItBegins leaves no trace of writes that cannot be.
func TestRefusedBeforeItBegins(t *testing.T) {
	h, st := handle(t, table.COW)
	other := arrow.NewSchema([]arrow.Field{{Name: "name", Type: arrow.BinaryTypes.String}}, nil)
	s, err := schema.FromArrow("t", other)
	require.NoError(t, err)
	_, err = writer.Write(t.Context(), h, writer.Options{Operation: writer.Upsert}, writer.Input{Schema: s})
	require.ErrorIs(t, err, base.ErrInvalid)
	entries, err := st.List(t.Context(), ".hoodie/timeline")
	require.NoError(t, err)
	require.Empty(t, entries)
}
