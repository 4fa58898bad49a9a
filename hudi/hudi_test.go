package hudi_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

var people = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
}, nil)

type person struct {
	id   int64
	name string
	ts   int64
}

func rows(t *testing.T, alloc memory.Allocator, list ...person) hudi.Rows {
	s, err := schema.FromArrow("people", people)
	require.NoError(t, err)
	return hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		b := array.NewRecordBuilder(alloc, people)
		defer b.Release()
		for _, p := range list {
			b.Field(0).(*array.Int64Builder).Append(p.id)
			b.Field(1).(*array.StringBuilder).Append(p.name)
			b.Field(2).(*array.Int64Builder).Append(p.ts)
		}
		batch := b.NewRecordBatch()
		defer batch.Release()
		yield(batch, nil)
	}}
}

func read(t *testing.T, tab *hudi.Table, o query.Options) map[string]string {
	plan, err := tab.Query(context.Background(), o)
	require.NoError(t, err)
	out := map[string]string{}
	for batch, err := range plan.Rows(context.Background()) {
		require.NoError(t, err)
		for i := range int(batch.NumRows()) {
			out[fmt.Sprint(batch.Column(0).GetOneForMarshal(i))] = fmt.Sprint(batch.Column(1).GetOneForMarshal(i), "@", batch.Column(2).GetOneForMarshal(i))
		}
	}
	return out
}

func TestWriteAndRead(t *testing.T) {
	for _, kind := range []table.Type{table.COW, table.MOR} {
		for _, ix := range []string{"", "bucket:4"} {
			t.Run(string(kind)+ix, func(t *testing.T) {
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer alloc.AssertSize(t, 0)
				ctx := context.Background()
				c := table.NewConfig("people")
				c.Type = kind
				c.Keys = []string{"id"}
				c.Ordering = []string{"ts"}
				if ix != "" {
					var err error
					c.Index, err = table.ParseIndex(ix, 0, "")
					require.NoError(t, err)
				}
				tab, err := hudi.Create(ctx, t.TempDir(), c, hudi.WithAllocator(alloc), hudi.WithProperty("hoodie.compact.inline", "false"))
				require.NoError(t, err)
				first, err := tab.Write(ctx, hudi.Insert, rows(t, alloc, person{1, "a", 1}, person{2, "b", 1}, person{3, "c", 1}), hudi.WriteOptions{})
				require.NoError(t, err)
				_, err = tab.Write(ctx, hudi.Upsert, rows(t, alloc, person{2, "B", 2}, person{3, "late", 0}, person{4, "d", 1}), hudi.WriteOptions{})
				require.NoError(t, err)
				require.Equal(t, map[string]string{"1": "a@1", "2": "B@2", "3": "c@1", "4": "d@1"}, read(t, tab, query.Options{}))
				_, err = tab.Write(ctx, hudi.Delete, rows(t, alloc, person{1, "", 9}), hudi.WriteOptions{})
				require.NoError(t, err)
				want := map[string]string{"2": "B@2", "3": "c@1", "4": "d@1"}
				require.Equal(t, want, read(t, tab, query.Options{}))
				if kind == table.MOR {
					res, err := tab.Compact(ctx)
					require.NoError(t, err)
					require.Len(t, res, 1)
					require.Equal(t, want, read(t, tab, query.Options{}))
					require.Equal(t, want, read(t, tab, query.Options{View: query.ReadOptimized}))
				}
				require.Equal(t, map[string]string{"1": "a@1", "2": "b@1", "3": "c@1"}, read(t, tab, query.Options{AsOf: first.Instant}))
				inc := read(t, tab, query.Options{View: query.Incremental, Begin: first.Completion})
				require.Equal(t, "B@2", inc["2"])
				require.Equal(t, map[string]string{"2": "B@2"}, read(t, tab, query.Options{Where: "name = 'B'"}))
			})
		}
	}
}

// Options that a table was created with hold for its writers until they say otherwise.
func TestStoredOptions(t *testing.T) {
	ctx := context.Background()
	uri := t.TempDir()
	c := table.NewConfig("people")
	c.Type = table.MOR
	c.Keys = []string{"id"}
	c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: 1}
	c.Extra = map[string]string{"hoodie.compact.inline.max.delta.commits": "1"}
	tab, err := hudi.Create(ctx, uri, c)
	require.NoError(t, err)
	compactions := func(tab *hudi.Table) int {
		tl, err := tab.Timeline(ctx)
		require.NoError(t, err)
		n := 0
		for _, i := range tl.Completed() {
			if i.Action == timeline.Commit {
				n++
			}
		}
		return n
	}
	_, err = tab.Write(ctx, hudi.Upsert, rows(t, memory.DefaultAllocator, person{1, "a", 1}), hudi.WriteOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, compactions(tab))
	tab, err = hudi.Open(ctx, uri, hudi.WithProperty("hoodie.compact.inline.max.delta.commits", "5"))
	require.NoError(t, err)
	_, err = tab.Write(ctx, hudi.Upsert, rows(t, memory.DefaultAllocator, person{1, "b", 1}), hudi.WriteOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, compactions(tab))
}
