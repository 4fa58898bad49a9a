package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// Keys of a condition choose the buckets, whatever the view, if the table says how many there are.
func TestBucketsOfKeys(t *testing.T) {
	s, err := schema.Parse(`{"type":"record","name":"r","fields":[{"name":"a","type":"string"},{"name":"b","type":"long"},{"name":"v","type":["null","string"],"default":null}]}`)
	require.NoError(t, err)
	for _, keys := range [][]string{{"a"}, {"b"}, {"a", "b"}} {
		t.Run(strings.Join(keys, ","), func(t *testing.T) {
			c := table.NewConfig("buckets")
			c.Type, c.Keys = table.MOR, keys
			c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: 8}
			st := mem.New(time.Now)
			tab, err := hudi.CreateStore(t.Context(), st, c)
			require.NoError(t, err)
			for _, value := range []string{"old", "new"} {
				var rows strings.Builder
				for i := range 40 {
					fmt.Fprintf(&rows, `{"a":"k%d","b":%d,"v":"%s"}`+"\n", i, i, value)
				}
				_, batches, err := rowio.Read(t.Context(), strings.NewReader(rows.String()), rowio.JSONL, rowio.ReadOptions{Schema: s, Alloc: memory.DefaultAllocator})
				require.NoError(t, err)
				_, err = tab.Write(t.Context(), hudi.Upsert, hudi.Rows{Schema: s, Batches: batches}, hudi.WriteOptions{})
				require.NoError(t, err)
			}
			writes, err := tab.Timeline(t.Context())
			require.NoError(t, err)
			all, err := tab.Query(t.Context(), query.Options{})
			require.NoError(t, err)
			buckets := len(all.Tasks)
			require.Greater(t, buckets, 1)
			for i := range 41 {
				where := fmt.Sprintf("a = 'k%d' AND b IN (%d, 770)", i, i)
				for _, asOf := range []string{"", writes.CompletedWrites()[0].Time} {
					p, err := tab.Query(t.Context(), query.Options{Where: where, AsOf: asOf})
					require.NoError(t, err)
					require.LessOrEqual(t, len(p.Tasks), 2)
					require.Len(t, p.SkippedSlices, buckets-len(p.Tasks))
					want := []string{fmt.Sprintf(`{"a":"k%d","b":%d,"v":"%s"}`+"\n", i, i, map[bool]string{true: "new", false: "old"}[asOf == ""])}
					if i == 40 {
						want = nil
					}
					require.Equal(t, want, slices.Clip(answer(t, p, memory.DefaultAllocator)))
				}
			}
			p, err := tab.Query(t.Context(), query.Options{Where: "a = 'k1' OR v = 'old'"})
			require.NoError(t, err)
			require.Len(t, p.Tasks, buckets)
		})
	}
}
