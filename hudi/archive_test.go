package hudi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// TestTimelinesStayShort writes often: the timelines of the table and of its metadata table stay
// short, what left them is in the archive once, and the table is as if it were there.
func TestTimelinesStayShort(t *testing.T) {
	for _, k := range []kind{
		{typ: table.MOR, buckets: 2, partitioned: true, metadata: true, stats: true}, {typ: table.COW, partitioned: true, metadata: true, stats: true},
		{typ: table.COW, version: 8}, {typ: table.COW, version: 6, metadata: true},
	} {
		t.Run(k.String(), func(t *testing.T) {
			clock := &simClock{}
			st := mem.New(clock.Now)
			options := quiet(clock, memory.DefaultAllocator,
				hudi.WithProperty("hoodie.metadata.enable", fmt.Sprint(k.metadata)), hudi.WithProperty("hoodie.metadata.index.column.stats.enable", fmt.Sprint(k.stats)),
				hudi.WithProperty("hoodie.archive.automatic", "true"),
				hudi.WithProperty("hoodie.compact.inline", "true"), hudi.WithProperty("hoodie.clean.automatic", "true"), hudi.WithProperty("hoodie.clean.commits.retained", "2"),
				hudi.WithProperty("hoodie.keep.min.commits", "4"), hudi.WithProperty("hoodie.keep.max.commits", "6"), hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "4"))
			_, err := hudi.CreateStore(t.Context(), st, k.config(), options...)
			require.NoError(t, err)
			open := func() *hudi.Table {
				tab, err := hudi.OpenStore(t.Context(), st, options...)
				require.NoError(t, err)
				return tab
			}
			c := k.config()
			files := func(dir string) int {
				entries, err := st.List(t.Context(), dir)
				require.NoError(t, err)
				n := 0
				for _, e := range entries {
					if !e.Dir {
						n++
					}
				}
				return n
			}
			m, most, mostOwn := newModelOf(k), 0, 0
			var instants []string
			for i := range 160 {
				o := write(hudi.Upsert, r("a", "x", fmt.Sprint("a", i), int64(i)), r(fmt.Sprint("k", i%7), "y", fmt.Sprint("k", i), int64(i)))
				tab := open()
				require.NoError(t, o.do(t.Context(), tab))
				o.model(m)
				tl, err := tab.Timeline(t.Context())
				require.NoError(t, err)
				last, _ := tl.LastCompletedWrite()
				instants = append(instants, last.Time)
				if i > 60 {
					most, mostOwn = max(most, files(c.TimelineDir())), max(mostOwn, files(".hoodie/metadata/"+c.TimelineDir()))
				}
			}
			require.Equal(t, k.stats, slices.Contains(open().Config().MetadataPartitions, "column_stats"))
			require.NoError(t, same(t.Context(), open(), m, "at the end"))
			problems, err := open().Check(t.Context())
			require.NoError(t, err)
			require.Empty(t, problems)
			tl, err := open().Timeline(t.Context())
			require.NoError(t, err)
			archived, err := tl.Archived(t.Context())
			require.NoError(t, err)
			if k.version == 6 { // whose archive is not written
				require.Empty(t, archived)
				return
			}
			require.Less(t, most, 90, "files of the timeline")
			if k.metadata {
				require.Less(t, mostOwn, 120, "files of the metadata table's timeline")
			}
			seen := map[string]int{}
			for _, i := range archived {
				seen[i.Time]++
			}
			for _, i := range tl.Completed() {
				seen[i.Time]++
			}
			for _, i := range instants {
				require.Equal(t, 1, seen[i], i)
			}
			writes, err := tl.ArchivedWrites(t.Context(), "")
			require.NoError(t, err)
			require.NotEmpty(t, writes)
			require.NotEmpty(t, writes[0].Commit.Stats())
			// The archive is merged.
			history, err := st.List(t.Context(), c.ArchiveDir())
			require.NoError(t, err)
			levels := map[string]int{}
			for _, e := range history {
				if at := strings.LastIndexByte(e.Name, '_'); strings.HasSuffix(e.Name, ".parquet") {
					levels[e.Name[at:]]++
				}
			}
			require.NotZero(t, levels["_1.parquet"], "%v", levels)
			require.Less(t, levels["_0.parquet"], 25, "%v", levels)
			rows, err := all(t.Context(), open(), query.Options{View: query.Incremental, Begin: "earliest"})
			require.NoError(t, err)
			require.NotEmpty(t, rows)
		})
	}
}
