package hudi_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/table"
)

const recordFiles = ".hoodie/metadata/record_index"

// withRecordIndex are the options that give a table a record index.
func withRecordIndex(partitioned bool, groups int) []hudi.Option {
	name := "hoodie.metadata.global.record.level.index."
	if partitioned {
		name = "hoodie.metadata.record.level.index."
	}
	return []hudi.Option{
		hudi.WithProperty(name+"enable", "true"),
		hudi.WithProperty(name+"min.filegroup.count", fmt.Sprint(groups)), hudi.WithProperty(name+"max.filegroup.count", fmt.Sprint(groups)),
	}
}

// eachRecordKind calls f for the layouts that record indexes are kept in step under.
func eachRecordKind(t *testing.T, f func(t *testing.T, k kind, partitioned bool)) {
	for _, version := range table.Versions() {
		for _, typ := range []table.Type{table.COW, table.MOR} {
			for _, k := range []kind{
				{typ: typ, version: version, partitioned: true},
				{typ: typ, version: version, partitioned: true, mode: table.CommitTimeOrdering},
				{typ: typ, version: version, partitioned: true, buckets: 2},
			} {
				t.Run(k.String(), func(t *testing.T) { f(t, k, false) })
				if version >= 9 {
					t.Run(k.String()+" partitioned index", func(t *testing.T) { f(t, k, true) })
				}
			}
		}
	}
}

// TestRecordIndex writes, compacts and cleans at random, and compares the record index with the
// rows after each step. Ordering values go up and down, so that deletes lose too.
func TestRecordIndex(t *testing.T) {
	eachRecordKind(t, func(t *testing.T, k kind, partitioned bool) {
		more := append(withRecordIndex(partitioned, 2), hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "4"),
			hudi.WithProperty("hoodie.clean.commits.retained", "2"))
		m := newMetadataTable(t, k, more...)
		random := rand.New(rand.NewPCG(uint64(k.version), 7))
		fresh := 0
		rows := func(n int, fill func(i int) rec) (out []rec) {
			for i := range n {
				out = append(out, fill(i))
			}
			return out
		}
		old := func(int) rec {
			id := random.IntN(fresh + 3)
			part := fmt.Sprint("p", id%3)
			if partitioned { // a key may be in several partitions
				part = fmt.Sprint("p", random.IntN(3))
			}
			r := r(fmt.Sprint("k", id), part, fmt.Sprint("v", random.IntN(100)), int64(random.IntN(10)))
			if random.IntN(4) == 0 {
				r = r.del()
			}
			return r
		}
		next := func(int) rec {
			fresh++
			return r(fmt.Sprint("k", fresh+2), fmt.Sprint("p", (fresh+2)%3), "new", int64(random.IntN(10)))
		}
		for range 30 {
			switch at := random.IntN(10); {
			case at < 2:
				m.do(write(hudi.Insert, rows(3, next)...))
			case at < 7:
				m.do(write(hudi.Upsert, rows(6, old)...))
			case at < 8:
				m.do(write(hudi.Delete, rows(2, old)...))
			case at < 9 && k.buckets == 0:
				m.do(write(hudi.BulkInsert, rows(2, next)...))
			case k.typ == table.MOR && fresh > 0:
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
		require.Contains(t, m.open().Config().MetadataPartitions, "record_index")
		require.NotEmpty(t, m.files(recordFiles, isHFile), "the index has been compacted")
	})
}

// TestRecordIndexOfOldTables gives a table that has been written to a record index, and takes it
// away again.
func TestRecordIndexOfOldTables(t *testing.T) {
	eachRecordKind(t, func(t *testing.T, k kind, partitioned bool) {
		m := newMetadataTable(t, k, hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "false"))
		for i := range 4 {
			m.do(write(hudi.Upsert, r("a", "x", fmt.Sprint(i), int64(i)), r(fmt.Sprint("k", i), fmt.Sprint("p", i%2), "v", 1)))
		}
		m.do(write(hudi.Delete, r("k1", "p1", "", 5)))
		want := m.rows()
		require.NoError(t, m.open().CreateRecordIndex(t.Context(), hudi.RecordIndexOptions{Partitioned: partitioned, FileGroups: 3}))
		m.checks()
		found, err := m.open().Indexes(t.Context())
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, "record_index", found[0].Name)
		require.Equal(t, partitioned, found[0].Partitioned)
		groups := 3
		if partitioned {
			groups = 3 * 3 // k1 was the only row of p1, which is there still
		}
		require.Equal(t, groups, found[0].FileGroups)
		require.Positive(t, found[0].Bytes)
		require.ErrorIs(t, m.open().CreateRecordIndex(t.Context(), hudi.RecordIndexOptions{}), hudi.ErrInvalid)

		m.do(write(hudi.Upsert, r("a", "x", "b", 9), r("new", "p9", "v", 1)))
		m.do(write(hudi.Delete, r("new", "p9", "", 9), r("k2", "p0", "", 9)))
		require.NoError(t, m.open().DropIndex(t.Context(), "record_index"))
		require.Equal(t, []string{"files"}, m.open().Config().MetadataPartitions)
		require.Empty(t, m.files(recordFiles, func(string) bool { return true }))
		require.ErrorIs(t, m.open().DropIndex(t.Context(), "record_index"), hudi.ErrInvalid)
		require.ErrorIs(t, m.open().DropIndex(t.Context(), "files"), hudi.ErrInvalid)
		require.Len(t, m.rows(), len(want)-1)
		// Writing with the option makes it anew.
		m.more = append(m.more, withRecordIndex(partitioned, 1)...)
		m.do(write(hudi.Upsert, r("c", "y", "1", 1)))
		require.Contains(t, m.open().Config().MetadataPartitions, "record_index")
		// So does making the metadata table anew.
		require.NoError(t, m.open().DropMetadata(t.Context()))
		require.Empty(t, m.open().Config().MetadataPartitions)
		require.NoError(t, m.open().InitMetadata(t.Context()))
		require.Contains(t, m.open().Config().MetadataPartitions, "record_index")
		m.checks()
	})
}

// TestRecordIndexBeside has an index begin while a write is on its way that knows nothing of it:
// what the write changes is read from its files.
func TestRecordIndexBeside(t *testing.T) {
	eachRecordKind(t, func(t *testing.T, k kind, partitioned bool) {
		m := newMetadataTable(t, k)
		m.do(write(hudi.Upsert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1)))
		m.do(write(hudi.Upsert, r("a", "x", "2", 2)))
		rows := input(memory.DefaultAllocator, 2, []rec{r("d", "x", "new", 1), r("b", "x", "", 5).del(), r("a", "x", "3", 3), r("e", "z", "new", 1)})
		batches := rows.Batches
		rows.Batches = func(yield func(arrow.RecordBatch, error) bool) {
			require.NoError(t, m.open().CreateRecordIndex(t.Context(), hudi.RecordIndexOptions{Partitioned: partitioned, FileGroups: 2}))
			m.checks()
			batches(yield)
		}
		_, err := m.open().Write(t.Context(), hudi.Upsert, rows, hudi.WriteOptions{})
		require.NoError(t, err)
		m.checks()
		require.Contains(t, m.open().Config().MetadataPartitions, "record_index")
	})
}

// TestRecordIndexOfSparks goes on with the record index of tables of Spark's, whose other indexes
// are dropped.
func TestRecordIndexOfSparks(t *testing.T) {
	for _, name := range []string{"v6_mdt_full", "v9_mdt_full"} {
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
			tab := open(hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "false"), hudi.WithProperty("hoodie.metadata.index.bloom.filter.enable", "false"))
			tl, err := tab.Timeline(t.Context())
			require.NoError(t, err)
			last, _ := tl.LastCompletedWrite()
			require.NoError(t, tab.Rollback(t.Context(), last.Time))
			require.Equal(t, []string{"files", "record_index"}, open().Config().MetadataPartitions)
			checked()
		})
	}
}

// TestRecordIndexBesideSimple finds a key by the simple index that a log deletes in one file group and
// that was put into another by the record index: there is one row of it still.
func TestRecordIndexBesideSimple(t *testing.T) {
	eachRecordKind(t, func(t *testing.T, k kind, partitioned bool) {
		if k.buckets > 0 {
			t.Skip("the buckets say where a key is")
		}
		m := newMetadataTable(t, k, withRecordIndex(partitioned, 2)...)
		plain := m.more
		kind := table.IndexRecord
		if partitioned {
			kind = table.IndexPartRecord
		}
		m.do(write(hudi.Upsert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "x", "1", 1)))
		m.do(write(hudi.Delete, r("a", "x", "", 2)))
		m.more = append(slices.Clone(plain), hudi.WithProperty("hoodie.index.type", kind))
		m.do(write(hudi.Upsert, r("a", "x", "3", 3), r("b", "x", "3", 3)))
		m.more = plain
		m.do(write(hudi.Upsert, r("a", "x", "4", 4), r("c", "x", "4", 4)))
		require.Len(t, m.rows(), 3)
		m.do(write(hudi.Delete, r("a", "x", "", 5)))
		m.do(write(hudi.Upsert, r("a", "x", "6", 6)))
		require.Len(t, m.rows(), 3)
	})
}

// TestRecordIndexOfReplaced overwrites and deletes partitions.
func TestRecordIndexOfReplaced(t *testing.T) {
	eachRecordKind(t, func(t *testing.T, k kind, partitioned bool) {
		if k.buckets > 0 {
			t.Skip("the buckets say where a key is")
		}
		m := newMetadataTable(t, k, withRecordIndex(partitioned, 2)...)
		m.do(write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1), r("c", "y", "1", 1), r("d", "z", "1", 1)))
		m.do(write(hudi.Upsert, r("a", "x", "2", 2)))
		m.do(write(hudi.InsertOverwrite, r("b", "x", "3", 3), r("e", "x", "3", 3)))
		_, err := m.open().Write(t.Context(), hudi.DeletePartition, hudi.Rows{}, hudi.WriteOptions{Partitions: []string{"y"}})
		require.NoError(t, err)
		m.checks()
		m.do(write(hudi.Upsert, r("c", "y", "4", 4)))
		m.do(write(hudi.InsertOverwriteTable, r("f", "x", "5", 5), r("c", "z", "5", 5)))
		require.Len(t, m.rows(), 2)
		// Back over the overwritten table.
		for range 2 {
			m.undo()
		}
	})
}

// TestRecordIndexRollback takes writes back that the index has begun with, or that a compaction of
// the metadata table has taken in.
func TestRecordIndexRollback(t *testing.T) {
	eachRecordKind(t, func(t *testing.T, k kind, partitioned bool) {
		for _, begin := range []bool{true, false} {
			more := []hudi.Option{hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "2")}
			if !begin {
				more = append(more, withRecordIndex(partitioned, 2)...)
			}
			m := newMetadataTable(t, k, more...)
			states := [][]string{}
			for i := range 6 {
				n := int64(i)
				m.do(write(hudi.Upsert, r("a", "x", fmt.Sprint(i), n), r(fmt.Sprint("k", i), fmt.Sprint("p", i%2), "v", n)))
				states = append(states, m.rows())
				m.do(write(hudi.Delete, r(fmt.Sprint("k", i-1), fmt.Sprint("p", (i+1)%2), "", n+1)))
				states = append(states, m.rows())
			}
			if begin {
				require.NoError(t, m.open().CreateRecordIndex(t.Context(), hudi.RecordIndexOptions{Partitioned: partitioned, FileGroups: 2}))
				m.checks()
			} else {
				require.NotEmpty(t, m.files(recordFiles, isHFile), "the index has been compacted")
			}
			for i := len(states) - 2; i >= len(states)-6; i-- {
				m.undo()
				require.Equal(t, states[i], m.rows())
			}
			m.do(write(hudi.Upsert, r("a", "x", "after", 100), r("k3", "p1", "after", 100)))
		}
	})
}

// TestRecordIndexCheck finds what is wrong with a record index.
func TestRecordIndexCheck(t *testing.T) {
	k := kind{typ: table.COW, version: 9, partitioned: true}
	m := newMetadataTable(t, k, withRecordIndex(false, 2)...)
	m.do(write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1)))
	// The same key in two partitions, of which the index can name one.
	require.NoError(t, write(hudi.Insert, r("a", "y", "1", 1)).do(t.Context(), m.open()))
	problems, err := m.open().Check(t.Context())
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Problem, `key "a" has several rows`)
	// A log file of the index that is lost.
	lost := m.files(recordFiles, func(name string) bool { return strings.Contains(name, ".log.1_") && !strings.Contains(name, "0-0-0") })
	for _, name := range lost {
		require.NoError(t, m.store.Delete(t.Context(), recordFiles+"/"+name))
	}
	problems, err = m.open().Check(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, problems)
	text := fmt.Sprint(problems)
	require.Contains(t, text, "is not in the record index")
}
