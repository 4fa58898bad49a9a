package hudi_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

const secondaryFiles = ".hoodie/metadata/secondary_index_val"

// eachSecondaryKind calls f for the layouts that secondary indexes are kept in step under.
func eachSecondaryKind(t *testing.T, f func(t *testing.T, k kind)) {
	eachRecordKind(t, func(t *testing.T, k kind, partitioned bool) {
		if partitioned || k.version < 8 {
			t.Skip("no secondary indexes")
		}
		f(t, k)
	})
}

// hasSecondary gives the table a secondary index of the column val.
func (m *metadataTable) hasSecondary() {
	m.t.Helper()
	name, err := m.open().CreateSecondaryIndex(m.t.Context(), hudi.SecondaryIndexOptions{Column: "val", FileGroups: 2})
	require.NoError(m.t, err)
	require.Equal(m.t, "secondary_index_val", name)
	m.checks()
}

// finds makes sure that a condition on val, which may be answered by the index, has the rows that
// are there.
func (m *metadataTable) finds(values ...string) {
	m.t.Helper()
	for _, v := range values {
		where := fmt.Sprintf("val = '%s'", strings.ReplaceAll(v, "'", "''"))
		tab := m.open()
		found, err := all(m.t.Context(), tab, query.Options{Where: where})
		require.NoError(m.t, err)
		without, err := hudi.OpenStore(m.t.Context(), m.store, quiet(m.clock, memory.DefaultAllocator, hudi.WithProperty("hoodie.metadata.enable", "false"))...)
		require.NoError(m.t, err)
		want, err := all(m.t.Context(), without, query.Options{Where: where})
		require.NoError(m.t, err)
		require.Equal(m.t, want, found, where)
	}
}

// TestSecondaryIndex writes, compacts and cleans at random, and compares the index with the rows
// after each step. Values come again, and some need escapes.
func TestSecondaryIndex(t *testing.T) {
	eachSecondaryKind(t, func(t *testing.T, k kind) {
		m := newMetadataTable(t, k, hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "4"), hudi.WithProperty("hoodie.clean.commits.retained", "2"))
		random := rand.New(rand.NewPCG(uint64(k.version), 11))
		values := []string{"a$b", `back\slash`, "nul\x00", "", "é$", "plain", "😀"}
		fresh := 0
		next := func() rec {
			fresh++
			return r(fmt.Sprint("k$", fresh+2), fmt.Sprint("p", (fresh+2)%3), values[random.IntN(len(values))], int64(random.IntN(10)))
		}
		old := func() rec {
			id := random.IntN(fresh + 3)
			r := r(fmt.Sprint("k$", id), fmt.Sprint("p", id%3), values[random.IntN(len(values))], int64(random.IntN(10)))
			switch random.IntN(6) {
			case 0:
				return r.del()
			case 1:
				r.ts = nil
			}
			return r
		}
		some := func(n int, f func() rec) (out []rec) {
			for range n {
				out = append(out, f())
			}
			return out
		}
		m.do(write(hudi.Insert, some(4, next)...))
		m.hasSecondary()
		_, err := m.open().CreateSecondaryIndex(t.Context(), hudi.SecondaryIndexOptions{Column: "ts", Name: "by_time"})
		require.NoError(t, err)
		for range 24 {
			switch at := random.IntN(10); {
			case at < 2:
				m.do(write(hudi.Insert, some(3, next)...))
			case at < 7:
				m.do(write(hudi.Upsert, some(6, old)...))
			case at < 8:
				m.do(write(hudi.Delete, some(2, old)...))
			case at < 9 && k.buckets == 0:
				m.do(write(hudi.BulkInsert, some(2, next)...))
			case k.typ == table.MOR:
				_, err := m.open().Compact(t.Context())
				require.NoError(t, err)
				m.checks()
			}
			if random.IntN(5) == 0 {
				_, err := m.open().Clean(t.Context())
				require.NoError(t, err)
				m.checks()
			}
		}
		m.finds(values...)
		require.Contains(t, m.open().Config().MetadataPartitions, "secondary_index_val")
		require.NotEmpty(t, m.files(secondaryFiles, func(name string) bool { return isHFile(name) && !strings.Contains(name, "_0000000000000000") }), "the index has been compacted")
	})
}

// TestSecondaryIndexOfOldTables begins an index, drops it, and drops it with the record index.
func TestSecondaryIndexOfOldTables(t *testing.T) {
	eachSecondaryKind(t, func(t *testing.T, k kind) {
		m := newMetadataTable(t, k, hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "false"))
		m.do(write(hudi.Upsert, r("a", "x", "1", 1), r("b", "x", "2", 1), r("c", "y", "1", 1)))
		m.do(write(hudi.Delete, r("b", "x", "", 5)))
		_, err := m.open().CreateSecondaryIndex(t.Context(), hudi.SecondaryIndexOptions{Column: "nosuch"})
		require.ErrorIs(t, err, hudi.ErrInvalid)
		_, err = m.open().CreateSecondaryIndex(t.Context(), hudi.SecondaryIndexOptions{Column: "val", Name: "a/b"})
		require.ErrorIs(t, err, hudi.ErrInvalid)
		m.hasSecondary()
		_, err = m.open().CreateSecondaryIndex(t.Context(), hudi.SecondaryIndexOptions{Column: "val"})
		require.ErrorIs(t, err, hudi.ErrInvalid)
		found, err := m.open().Indexes(t.Context())
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Equal(t, []string{"val"}, found[1].Of)
		require.Equal(t, 2, found[1].FileGroups)
		m.do(write(hudi.Upsert, r("a", "x", "3", 9), r("d", "y", "1", 1)))
		m.finds("1", "2", "3")
		// A second one beside it.
		_, err = m.open().CreateSecondaryIndex(t.Context(), hudi.SecondaryIndexOptions{Column: "ts", Name: "by_time"})
		require.NoError(t, err)
		m.do(write(hudi.Upsert, r("a", "x", "4", 10), r("c", "y", "5", 10)))
		require.NoError(t, m.open().DropIndex(t.Context(), "secondary_index_val"))
		require.Empty(t, m.files(secondaryFiles, func(string) bool { return true }))
		m.do(write(hudi.Delete, r("d", "y", "", 11)))
		require.NoError(t, m.open().DropIndex(t.Context(), "record_index"))
		require.Equal(t, []string{"files"}, m.open().Config().MetadataPartitions)
		m.do(write(hudi.Upsert, r("d", "y", "6", 12)))
		m.hasSecondary()
	})
}

// TestSecondaryIndexBeside has an index begin while a write is on its way that knows nothing of it,
// and another take its place.
func TestSecondaryIndexBeside(t *testing.T) {
	eachSecondaryKind(t, func(t *testing.T, k kind) {
		m := newMetadataTable(t, k)
		m.do(write(hudi.Upsert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1)))
		m.do(write(hudi.Upsert, r("a", "x", "2", 2)))
		beside := func(rows []rec, f func()) {
			in := input(memory.DefaultAllocator, 2, rows)
			batches := in.Batches
			in.Batches = func(yield func(arrow.RecordBatch, error) bool) {
				f()
				m.checks()
				batches(yield)
			}
			_, err := m.open().Write(t.Context(), hudi.Upsert, in, hudi.WriteOptions{})
			require.NoError(t, err)
			m.checks()
		}
		beside([]rec{r("d", "x", "new", 1), r("b", "x", "", 5).del(), r("a", "x", "3", 3), r("e", "z", "new", 1)}, m.hasSecondary)
		beside([]rec{r("d", "x", "newer", 2), r("a", "x", "", 5).del(), r("f", "z", "new", 1)}, func() {
			require.NoError(t, m.open().DropIndex(t.Context(), "secondary_index_val"))
			_, err := m.open().CreateSecondaryIndex(t.Context(), hudi.SecondaryIndexOptions{Column: "ts", Name: "val", FileGroups: 2})
			require.NoError(t, err)
		})
		beside([]rec{r("d", "x", "newest", 3)}, func() {
			require.NoError(t, m.open().DropIndex(t.Context(), "secondary_index_val"))
		})
		require.Equal(t, []string{"files", "record_index"}, m.open().Config().MetadataPartitions)
	})
}

// TestSecondaryIndexOfReplaced overwrites and deletes partitions, and takes that back.
func TestSecondaryIndexOfReplaced(t *testing.T) {
	eachSecondaryKind(t, func(t *testing.T, k kind) {
		if k.buckets > 0 {
			t.Skip("the buckets say where a key is")
		}
		m := newMetadataTable(t, k)
		m.do(write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1), r("d", "z", "1", 1)))
		m.hasSecondary()
		m.do(write(hudi.Upsert, r("a", "x", "2", 2)))
		m.do(write(hudi.InsertOverwrite, r("b", "x", "1", 3), r("e", "x", "3", 3)))
		_, err := m.open().Write(t.Context(), hudi.DeletePartition, hudi.Rows{}, hudi.WriteOptions{Partitions: []string{"y"}})
		require.NoError(t, err)
		m.checks()
		m.do(write(hudi.Upsert, r("c", "y", "4", 4)))
		m.do(write(hudi.InsertOverwriteTable, r("f", "x", "5", 5), r("c", "z", "4", 5)))
		require.Len(t, m.rows(), 2)
		m.finds("1", "2", "3", "4", "5")
		for range 2 {
			m.undo()
		}
		m.finds("1", "2", "3", "4", "5")
	})
}

// TestSecondaryIndexRollback takes writes back that the index has begun with, or that a compaction of
// the metadata table has taken in.
func TestSecondaryIndexRollback(t *testing.T) {
	eachSecondaryKind(t, func(t *testing.T, k kind) {
		for _, begin := range []bool{true, false} {
			m := newMetadataTable(t, k, hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "2"))
			states := [][]string{}
			for i := range 6 {
				n := int64(i)
				m.do(write(hudi.Upsert, r("a", "x", fmt.Sprint(i), n), r(fmt.Sprint("k", i), fmt.Sprint("p", i%2), "v", n)))
				states = append(states, m.rows())
				if i == 0 && !begin {
					m.hasSecondary()
				}
				m.do(write(hudi.Delete, r(fmt.Sprint("k", i-1), fmt.Sprint("p", (i+1)%2), "", n+1)))
				states = append(states, m.rows())
			}
			if begin {
				m.hasSecondary()
			}
			for i := len(states) - 2; i >= len(states)-6; i-- {
				m.undo()
				require.Equal(t, states[i], m.rows())
			}
			m.finds("v", "3", "4", "5")
			m.do(write(hudi.Upsert, r("a", "x", "after", 100), r("k3", "p1", "after", 100)))
		}
	})
}

// TestSecondaryIndexMoves moves rows between partitions, with new values and without.
func TestSecondaryIndexMoves(t *testing.T) {
	eachSecondaryKind(t, func(t *testing.T, k kind) {
		if k.buckets > 0 {
			t.Skip("the buckets say where a key is")
		}
		m := newMetadataTable(t, k, append(withRecordIndex(false, 2), hudi.WithProperty("hoodie.index.type", table.IndexRecord),
			hudi.WithProperty("hoodie.record.index.update.partition.path", "true"))...)
		m.do(write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1)))
		m.hasSecondary()
		m.do(write(hudi.Upsert, r("a", "y", "1", 2), r("b", "y", "2", 2)))
		require.Len(t, m.rows(), 2)
		m.do(write(hudi.Upsert, r("a", "x", "3", 3), r("b", "z", "2", 3)))
		require.Len(t, m.rows(), 2)
		m.finds("1", "2", "3")
		m.do(write(hudi.Delete, r("a", "x", "", 4)))
	})
}

// TestSecondaryIndexOfSparks goes on with the secondary index of tables of Spark's, whose other
// indexes are dropped.
func TestSecondaryIndexOfSparks(t *testing.T) {
	for _, name := range []string{"v8_mdt_secondary_cow", "v9_mdt_secondary_cow"} {
		t.Run(name, func(t *testing.T) {
			st := goldentest.Store(t, name)
			clock := &simClock{}
			clock.Advance(10 * 365 * 24 * time.Hour)
			open := func(more ...hudi.Option) *hudi.Table {
				tab, err := hudi.OpenStore(t.Context(), st, quiet(clock, memory.DefaultAllocator, more...)...)
				require.NoError(t, err)
				return tab
			}
			checked := func() {
				problems, err := open().Check(t.Context())
				require.NoError(t, err)
				require.Empty(t, problems)
			}
			checked()
			require.NoError(t, open().DropIndex(t.Context(), "expr_index_by_day"))
			require.NoError(t, open().DropIndex(t.Context(), "column_stats"))
			require.Contains(t, open().Config().MetadataPartitions, "secondary_index_by_customer")
			checked()
			tl, err := open().Timeline(t.Context())
			require.NoError(t, err)
			last, _ := tl.LastCompletedWrite()
			require.NoError(t, open().Rollback(t.Context(), last.Time))
			checked()
		})
	}
}

// TestSecondaryIndexCheck finds what is wrong with a secondary index.
func TestSecondaryIndexCheck(t *testing.T) {
	m := newMetadataTable(t, kind{typ: table.COW, version: 9, partitioned: true})
	m.do(write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "2", 1)))
	m.hasSecondary()
	m.do(write(hudi.Upsert, r("a", "x", "3", 2)))
	for _, name := range m.files(secondaryFiles, func(name string) bool { return strings.Contains(name, ".log.1_") && !strings.Contains(name, "0-0-0") }) {
		require.NoError(t, m.store.Delete(t.Context(), secondaryFiles+"/"+name))
	}
	problems, err := m.open().Check(t.Context())
	require.NoError(t, err)
	text := fmt.Sprint(problems)
	require.Contains(t, text, `"3$a"`)
	require.Contains(t, text, "is not in the index")
	require.Contains(t, text, `"1$a" is in the index, and no row`)
}
