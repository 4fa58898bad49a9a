package hudi_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/compaction"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// during makes rows for a write, and does something when the write has begun.
func during(list []rec, do func()) hudi.Rows {
	rows := input(memory.DefaultAllocator, 2, list)
	batches := rows.Batches
	rows.Batches = func(yield func(arrow.RecordBatch, error) bool) {
		do()
		batches(yield)
	}
	return rows
}

// A log of table version 6 is named after the slice that it goes on top of, and would be lost
// if that slice came into the plan of a compaction meanwhile: we make no such plan, and a
// write beside one that another engine has made is refused. From version 8 on writes go on.
func TestPlanBesideAWrite(t *testing.T) {
	for _, version := range table.Versions() {
		for _, foreign := range []bool{false, true} {
			k := kind{typ: table.MOR, version: version, buckets: 1}
			clock := &simClock{}
			st := mem.New(clock.Now)
			tab, err := hudi.CreateStore(t.Context(), st, k.config(), quiet(clock, memory.DefaultAllocator)...)
			require.NoError(t, err)
			m := newModelOf(k)
			for _, o := range []op{first, second} {
				require.NoError(t, o.do(t.Context(), tab))
				o.model(m)
			}
			planned := ""
			_, err = tab.Write(t.Context(), hudi.Upsert, during([]rec{r("a", "x", "beside", 7)}, func() {
				if !foreign {
					planned, err = tab.ScheduleCompaction(t.Context(), 0)
					require.NoError(t, err)
					return
				}
				view, err := tab.View(t.Context())
				require.NoError(t, err)
				plan, err := compaction.Plan(t.Context(), view, compaction.Options{})
				require.NoError(t, err)
				content, err := plan.Encode(tab.Config().Layout())
				require.NoError(t, err)
				planned = base.FormatInstant(clock.Now(), view.Timeline().Location())
				require.NoError(t, view.Timeline().Request(t.Context(), planned, timeline.Compaction, content))
			}), hudi.WriteOptions{})
			switch {
			case version == 6 && foreign:
				require.ErrorIs(t, err, hudi.ErrConflict)
			default:
				require.NoError(t, err)
				write(hudi.Upsert, r("a", "x", "beside", 7)).model(m)
			}
			require.Equal(t, version == 6 && !foreign, planned == "", "version %d", version)
			require.NoError(t, same(t.Context(), tab, m, "before"))
			require.NoError(t, execute().do(t.Context(), tab))
			require.NoError(t, same(t.Context(), tab, m, "after"))
			require.NoError(t, tidy(t.Context(), st, tab))
		}
	}
}

// Files of every version, as the release of the version names them.
func TestFilesOfVersions(t *testing.T) {
	for version, want := range map[int]struct{ dir, completed, content string }{
		6: {".hoodie", ".deltacommit", "{\n  \"partitionToWriteStats\" : {"},
		8: {".hoodie/timeline", "_", "Obj\x01"},
		9: {".hoodie/timeline", "_", "Obj\x01"},
	} {
		k := kind{typ: table.MOR, version: version, buckets: 1}
		clock := &simClock{}
		st := mem.New(clock.Now)
		tab, err := hudi.CreateStore(t.Context(), st, k.config(), quiet(clock, memory.DefaultAllocator)...)
		require.NoError(t, err)
		for _, o := range []op{first, second, third} {
			require.NoError(t, o.do(t.Context(), tab))
		}
		tl, err := tab.Timeline(t.Context())
		require.NoError(t, err)
		writes := tl.CompletedWrites()
		require.Len(t, writes, 3)
		for i, w := range writes {
			require.Contains(t, w.File, w.Time+want.completed)
			_, err := st.Stat(t.Context(), want.dir+"/"+w.File)
			require.NoError(t, err)
			content, err := tl.Content(t.Context(), w)
			require.NoError(t, err)
			require.Equal(t, want.content, string(content[:len(want.content)]))
			meta, err := tl.CommitMetadata(t.Context(), w)
			require.NoError(t, err)
			s := meta.Stats()[0]
			n, ok := base.ParseLogFileName(s.LogFiles[0])
			require.True(t, ok)
			require.True(t, n.WrittenBy(w.Time))
			if version == 6 {
				require.Equal(t, []any{writes[0].Time, i + 1, int32(i + 1), i + 1, writes[0].Time}, []any{n.Time, n.Version, s.LogVersion, len(s.LogFiles), s.PrevCommit})
			} else {
				require.Equal(t, []any{w.Time, 1, 1, w.Time}, []any{n.Time, n.Version, len(s.LogFiles), s.PrevCommit})
			}
		}
		seen, err := all(t.Context(), tab, query.Options{AsOf: writes[1].Time})
		require.NoError(t, err)
		require.NotEmpty(t, seen)
	}
}
