package hudi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/record"
	"github.com/hudi-go/hudi-go/table"
)

// TestRequests counts what commits and queries ask of an object store, as docs/storage.md
// says: an operation is a request, which costs time and money. The table has two partitions
// with small files and three commits.
func TestRequests(t *testing.T) {
	for _, c := range []struct {
		kind          kind
		commit, query int
	}{
		{kind{typ: table.COW, partitioned: true}, 48, 8},
		{kind{typ: table.MOR, buckets: 2, partitioned: true}, 43, 18},
		{kind{typ: table.COW, partitioned: true, metadata: true}, 59, 15},
		{kind{typ: table.COW, partitioned: true, metadata: true, stats: true}, 68, 15},
		{kind{typ: table.MOR, buckets: 2, partitioned: true, metadata: true, stats: true}, 61, 25},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			clock := &simClock{}
			st := record.Wrap(mem.NewObjects(clock.Now))
			options := quiet(clock, memory.DefaultAllocator, hudi.WithProperty("hoodie.time.generator.max_expected_clock_skew_ms", "0"),
				hudi.WithProperty("hoodie.metadata.enable", fmt.Sprint(c.kind.metadata)), hudi.WithProperty("hoodie.metadata.index.column.stats.enable", fmt.Sprint(c.kind.stats)))
			_, err := hudi.CreateStore(t.Context(), st, c.kind.config(), options...)
			require.NoError(t, err)
			do := func(f func(tab *hudi.Table) error) map[intercept.Op]int {
				st.Reset()
				tab, err := hudi.OpenStore(t.Context(), st, options...)
				require.NoError(t, err)
				require.NoError(t, f(tab))
				return requests(st.Ops())
			}
			var commit map[intercept.Op]int
			for _, o := range []op{first, first, first, second} {
				commit = do(func(tab *hudi.Table) error { return o.do(t.Context(), tab) })
			}
			query := do(func(tab *hudi.Table) error {
				_, err := all(t.Context(), tab, query.Options{})
				return err
			})
			t.Logf("commit: %v, query: %v", commit, query)
			require.InDelta(t, c.commit, total(commit), 1, "two file groups of a partition may both look for its metafile")
			require.Equal(t, c.query, total(query))
		})
	}
}

// A query of a table with a metadata table lists the folders of timelines and of the metadata
// table, and none of the table's own.
func TestQueryListsNoPartitions(t *testing.T) {
	tables := 0
	for _, name := range goldentest.Cases(t) {
		st := record.Wrap(goldentest.Store(t, name))
		tab, err := hudi.OpenStore(t.Context(), st)
		require.NoError(t, err)
		if !slices.Contains(tab.Config().MetadataPartitions, "files") {
			continue
		}
		tables++
		_, err = tab.Query(t.Context(), query.Options{})
		require.NoError(t, err)
		for _, o := range st.Ops() {
			if o.Kind == intercept.List {
				require.True(t, strings.HasPrefix(o.Path, ".hoodie"), "%s: listed %q", name, o.Path)
			}
		}
	}
	require.NotZero(t, tables)
}

// requests counts the requests to S3 behind operations on a store: reads of small files come
// with their opening, a stream is one at its end, and a folder is listed before it is deleted.
func requests(ops []record.Op) map[intercept.Op]int {
	n := map[intercept.Op]int{}
	for _, o := range ops {
		switch o.Kind {
		case intercept.ReadAt, intercept.Create, intercept.MakeDir:
		case intercept.DeleteDir:
			n[o.Kind] += 2
		default:
			n[o.Kind]++
		}
	}
	return n
}

func total(counts map[intercept.Op]int) int {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}
