package hudi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// metadataTable is a table with a metadata table, opened anew for each step.
type metadataTable struct {
	t     *testing.T
	clock *simClock
	store *mem.Store
	more  []hudi.Option
}

func newMetadataTable(t *testing.T, k kind, more ...hudi.Option) *metadataTable {
	clock := &simClock{}
	m := &metadataTable{t, clock, mem.New(clock.Now), append([]hudi.Option{hudi.WithProperty("hoodie.metadata.enable", "true")}, more...)}
	_, err := hudi.CreateStore(t.Context(), m.store, k.config(), m.options()...)
	require.NoError(t, err)
	return m
}

func (m *metadataTable) options() []hudi.Option {
	return quiet(m.clock, memory.DefaultAllocator, m.more...)
}

func (m *metadataTable) open() *hudi.Table {
	m.t.Helper()
	tab, err := hudi.OpenStore(m.t.Context(), m.store, m.options()...)
	require.NoError(m.t, err)
	return tab
}

func (m *metadataTable) do(o op) {
	m.t.Helper()
	require.NoError(m.t, o.do(m.t.Context(), m.open()))
	m.checks()
}

// undo rolls the last write back.
func (m *metadataTable) undo() {
	m.t.Helper()
	tl, err := m.open().Timeline(m.t.Context())
	require.NoError(m.t, err)
	last, _ := tl.LastCompletedWrite()
	require.NoError(m.t, m.open().Rollback(m.t.Context(), last.Time))
	m.checks()
}

// checks makes sure that the metadata table agrees with the folders.
func (m *metadataTable) checks() {
	m.t.Helper()
	problems, err := m.open().Check(m.t.Context())
	require.NoError(m.t, err)
	require.Empty(m.t, problems)
}

func (m *metadataTable) rows() []string {
	m.t.Helper()
	rows, err := all(m.t.Context(), m.open(), query.Options{})
	require.NoError(m.t, err)
	return rows
}

// files are the names in the partition files of the metadata table that end with suffix.
func (m *metadataTable) files(dir string, keep func(name string) bool) (out []string) {
	m.t.Helper()
	entries, err := m.store.List(m.t.Context(), dir)
	require.NoError(m.t, err)
	for _, e := range entries {
		if keep(e.Name) {
			out = append(out, e.Name)
		}
	}
	return out
}

const metadataFiles = ".hoodie/metadata/files"

func isHFile(name string) bool { return strings.HasSuffix(name, ".hfile") }

func eachMetadataKind(t *testing.T, f func(t *testing.T, k kind)) {
	for _, version := range table.Versions() {
		for _, typ := range []table.Type{table.COW, table.MOR} {
			k := kind{typ: typ, version: version, partitioned: true}
			t.Run(k.String(), func(t *testing.T) { f(t, k) })
		}
	}
}

// TestMetadataServices compacts and cleans the metadata table, undoes what it has compacted,
// and takes a plan up that was left behind.
func TestMetadataServices(t *testing.T) {
	eachMetadataKind(t, func(t *testing.T, k kind) {
		m := newMetadataTable(t, k, hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "3"), hudi.WithProperty("hoodie.clean.commits.retained", "3"))
		for i := range 14 {
			m.do(write(hudi.Upsert, r("a", "x", fmt.Sprint(i), int64(i)), r(fmt.Sprint("k", i), fmt.Sprint("p", i%3), "v", 1)))
		}
		bases := m.files(metadataFiles, isHFile)
		require.Greater(t, len(bases), 1)
		require.Less(t, len(bases), 5, "old ones are cleaned")
		first := ".files-0000-0_00000000000000000"
		require.Empty(t, m.files(metadataFiles, func(name string) bool { return strings.HasPrefix(name, first) }), "the first slice is cleaned")

		// Writes are undone back to one that a compaction has taken in.
		states := [][]string{m.rows()}
		compacted := func() string {
			return slices.Max(m.files(metadataTimeline(k), func(name string) bool { return strings.HasSuffix(name, ".compaction.requested") }))
		}
		for taken, i := compacted(), 0; compacted() == taken || i < 3; i++ {
			m.do(write(hudi.Upsert, r("a", "x", fmt.Sprint("late", i), 100+int64(i)), r("b", fmt.Sprint("new", i), "late", 100)))
			states = append(states, m.rows())
		}
		for i := len(states) - 2; i >= 0; i-- {
			m.undo()
			require.Equal(t, states[i], m.rows())
		}
		m.do(write(hudi.Upsert, r("a", "x", "after", 1000)))
	})
}

func metadataTimeline(k kind) string {
	c := k.config()
	return ".hoodie/metadata/" + c.TimelineDir()
}

// TestMetadataOfOldTables gives a table that has been written to a metadata table, and takes
// it away.
func TestMetadataOfOldTables(t *testing.T) {
	eachMetadataKind(t, func(t *testing.T, k kind) {
		m := newMetadataTable(t, k)
		with := m.more
		m.more = []hudi.Option{hudi.WithProperty("hoodie.metadata.enable", "false")}
		for i := range 3 {
			m.do(write(hudi.Upsert, r("a", "x", fmt.Sprint(i), int64(i)), r(fmt.Sprint("k", i), fmt.Sprint("p", i%3), "v", 1)))
		}
		require.Empty(t, m.open().Config().MetadataPartitions)
		before := m.rows()
		m.more = append(slices.Clone(with), hudi.WithProperty("hoodie.metadata.index.column.stats.enable", fmt.Sprint(k.version >= 8)))
		m.do(write(hudi.Upsert, r("b", "x", "1", 1)))
		want := []string{"files"}
		if k.version >= 8 {
			want = []string{"column_stats", "files", "partition_stats"}
		}
		require.ElementsMatch(t, want, m.open().Config().MetadataPartitions)
		require.Len(t, m.rows(), len(before)+1)

		// A write from before the metadata table is undone.
		for range 2 {
			m.undo()
		}
		m.do(write(hudi.Upsert, r("c", "y", "1", 1)))

		m.more = []hudi.Option{hudi.WithProperty("hoodie.metadata.enable", "false")}
		rows := m.rows()
		m.do(write(hudi.Upsert, r("c", "y", "1", 1)))
		require.Empty(t, m.open().Config().MetadataPartitions)
		require.Empty(t, m.files(metadataFiles, func(string) bool { return true }))
		require.Equal(t, rows, m.rows())
		_, err := storage.ReadFile(t.Context(), m.store, ".hoodie/metadata/.hoodie/hoodie.properties")
		require.Error(t, err)
	})
}

// TestIndexesSwitchedOff drops the indexes of a metadata table of Spark's that are switched
// off, and keeps the listing.
func TestIndexesSwitchedOff(t *testing.T) {
	st := goldentest.Store(t, "v9_mdt_full")
	clock := &simClock{}
	clock.Advance(10 * 365 * 24 * time.Hour)
	open := func(off ...string) *hudi.Table {
		var o []hudi.Option
		for _, name := range off {
			o = append(o, hudi.WithProperty("hoodie.metadata."+name+".enable", "false"))
		}
		tab, err := hudi.OpenStore(t.Context(), st, quiet(clock, memory.DefaultAllocator, o...)...)
		require.NoError(t, err)
		return tab
	}
	_, err := open().Clean(t.Context())
	require.NoError(t, err)
	require.Len(t, open().Config().MetadataPartitions, 5)
	tab := open("index.column.stats", "record.index", "index.bloom.filter")
	tl, err := tab.Timeline(t.Context())
	require.NoError(t, err)
	last, _ := tl.LastCompletedWrite()
	require.NoError(t, tab.Rollback(t.Context(), last.Time))
	require.Equal(t, []string{"files"}, open().Config().MetadataPartitions)
	problems, err := open().Check(t.Context())
	require.NoError(t, err)
	require.Empty(t, problems)
	entries, err := st.List(t.Context(), ".hoodie/metadata")
	require.NoError(t, err)
	require.Len(t, entries, 2) // the listing and its own folder
	text, err := storage.ReadFile(t.Context(), st, ".hoodie/.index_defs/index.json")
	require.NoError(t, err)
	require.JSONEq(t, `{"indexDefinitions":{}}`, string(text))
}

// TestStatisticsOfLongTexts asks for texts beside ones that are too long for a footer's
// statistics, in one file and in others.
func TestStatisticsOfLongTexts(t *testing.T) {
	m := newMetadataTable(t, kind{typ: table.COW, version: 9, partitioned: true}, hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "true"))
	long := strings.Repeat("z", 5000)
	m.do(write(hudi.Upsert, r("a", "x", "m", 1), r("b", "x", long, 1)))
	m.do(write(hudi.Upsert, r("c", "y", "b", 1)))
	m.do(write(hudi.Upsert, r("d", "x", "n", 1)))
	require.Contains(t, m.open().Config().MetadataPartitions, "column_stats")
	for _, wanted := range []string{"m", "n", "b", long} {
		rows, err := all(t.Context(), m.open(), query.Options{Where: "val = '" + wanted + "'"})
		require.NoError(t, err)
		require.Len(t, rows, 1, "%.5s", wanted)
	}
	rows, err := all(t.Context(), m.open(), query.Options{Where: "val > 'n'"})
	require.NoError(t, err)
	require.Len(t, rows, 1)
}

// TestMetadataNotKept refuses changes of tables whose metadata table another writer is building
// a part of, has a part of that does not stand alone, or is of another version.
func TestMetadataNotKept(t *testing.T) {
	for name, change := range map[string]struct{ file, from, to string }{
		"building":      {".hoodie/hoodie.properties", "hoodie.table.metadata.partitions.inflight=", "hoodie.table.metadata.partitions.inflight=column_stats"},
		"half":          {".hoodie/hoodie.properties", "hoodie.table.metadata.partitions=column_stats,", "hoodie.table.metadata.partitions="},
		"other version": {".hoodie/metadata/.hoodie/hoodie.properties", "hoodie.table.version=9", "hoodie.table.version=8"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMetadataTable(t, kind{typ: table.COW, version: 9, partitioned: true}, hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "true"))
			m.do(write(hudi.Upsert, r("a", "x", "m", 1)))
			f, err := m.store.Open(t.Context(), change.file)
			require.NoError(t, err)
			content := make([]byte, f.Size())
			_, err = f.ReadAt(content, 0)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.Contains(t, string(content), change.from)
			changed := strings.Replace(string(content), change.from, change.to, 1)
			lines := slices.DeleteFunc(strings.Split(changed, "\n"), func(l string) bool { return strings.HasPrefix(l, "hoodie.table.checksum") })
			require.NoError(t, m.store.Delete(t.Context(), change.file))
			w, err := m.store.Create(t.Context(), change.file)
			require.NoError(t, err)
			_, err = w.Write([]byte(strings.Join(lines, "\n")))
			require.NoError(t, err)
			require.NoError(t, w.Close())
			tab, err := hudi.OpenStore(t.Context(), m.store, m.options()...)
			if err == nil {
				err = write(hudi.Upsert, r("b", "x", "n", 1)).do(t.Context(), tab)
			}
			require.ErrorIs(t, err, hudi.ErrUnsupported)
		})
	}
}

// TestStatisticsBeside has a write complete while an older instant is on its way. A partition's
// statistics are read in the order of times, and have the rows of both.
func TestStatisticsBeside(t *testing.T) {
	m := newMetadataTable(t, kind{typ: table.COW, version: 9, partitioned: true},
		hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "true"), hudi.WithProperty("hoodie.clean.commits.retained", "1"),
		hudi.WithProperty("hoodie.clean.automatic", "false"))
	for i := range 5 {
		m.do(write(hudi.Upsert, r("a", "x", fmt.Sprint(i), int64(i))))
	}
	require.Contains(t, m.open().Config().MetadataPartitions, "partition_stats")

	clean, err := m.open().ScheduleClean(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, clean)
	m.do(write(hudi.Upsert, r("b", "x", "later", 1)))
	done, err := m.open().ExecuteClean(t.Context(), clean)
	require.NoError(t, err)
	require.Positive(t, done.Files)
	m.checks()

	rows := input(memory.DefaultAllocator, 2, []rec{r("c", "x", "older", 1)})
	batches := rows.Batches
	rows.Batches = func(yield func(arrow.RecordBatch, error) bool) {
		m.do(write(hudi.Upsert, r("d", "x", "newer", 1)))
		batches(yield)
	}
	_, err = m.open().Write(t.Context(), hudi.BulkInsert, rows, hudi.WriteOptions{})
	require.NoError(t, err)
	m.checks()
	for val, n := range map[string]int{"older": 1, "newer": 1, "later": 1} {
		found, err := all(t.Context(), m.open(), query.Options{Where: "val = '" + val + "'"})
		require.NoError(t, err)
		require.Len(t, found, n, val)
	}
}
