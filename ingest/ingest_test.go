package ingest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/internal/recorded"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// snapshot reads a table as JSON lines.
func snapshot(t *testing.T, uri string) []string {
	ctx := context.Background()
	tab, err := hudi.Open(ctx, uri)
	require.NoError(t, err)
	plan, err := tab.Query(ctx, query.Options{})
	require.NoError(t, err)
	var out strings.Builder
	w, err := rowio.NewWriter(&out, "jsonl", plan.Schema, rowio.WriteOptions{})
	require.NoError(t, err)
	for batch, err := range plan.Rows(ctx) {
		require.NoError(t, err)
		require.NoError(t, w.Write(batch))
	}
	require.NoError(t, w.Close())
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

func TestRecordedTopics(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, kind := range []table.Type{table.MOR, table.COW} {
		for i, name := range []string{"customers", "orders", "docs"} {
			version := table.Versions()[i]
			t.Run(fmt.Sprint(kind, name, version), func(t *testing.T) {
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer alloc.AssertSize(t, 0)
				cluster, err := recorded.Broker(3, name)
				require.NoError(t, err)
				defer cluster.Close()
				records, err := recorded.Records(name)
				require.NoError(t, err)
				uri := t.TempDir() + "/" + name
				half := len(records) / 2
				for _, part := range [][2]int{{0, half}, {half, len(records)}} {
					require.NoError(t, recorded.Produce(ctx, cluster.ListenAddrs(), records[part[0]:part[1]]))
					sum, err := ingest.Run(ctx, ingest.Options{
						Brokers: cluster.ListenAddrs(), Topics: []string{recorded.Prefix + name}, Table: uri, Type: kind, Version: version, Once: true, Alloc: alloc,
					})
					require.NoError(t, err)
					require.Equal(t, int64(0), sum.Lag)
					t.Logf("%+v", sum)
				}
				for _, line := range snapshot(t, uri) {
					t.Log(line[:min(len(line), 200)])
				}
			})
		}
	}
}
