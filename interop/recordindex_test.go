package interop_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// recordShape is a table with a record index that both engines write to.
type recordShape struct {
	release     interop.Release
	typ         table.Type
	partitioned bool // the index has file groups for each partition
}

func (s recordShape) String() string {
	name := fmt.Sprintf("v%d %s", s.release.TableVersion(), s.typ)
	if s.partitioned {
		name += " by partitions"
	}
	return name
}

func eachRecordShape(t *testing.T, f func(t *testing.T, s recordShape)) {
	interop.Need(t, interop.EngineSpark)
	shapes := []recordShape{{interop.Hudi120, table.MOR, false}}
	if interop.Whole() {
		shapes = append(shapes, recordShape{interop.Hudi120, table.COW, false}, recordShape{interop.Hudi120, table.COW, true}, recordShape{interop.Hudi120, table.MOR, true},
			recordShape{interop.Hudi102, table.COW, false}, recordShape{interop.Hudi102, table.MOR, false},
			recordShape{interop.Hudi015, table.COW, false}, recordShape{interop.Hudi015, table.MOR, false})
	}
	for _, s := range shapes {
		t.Run(s.String(), func(t *testing.T) { f(t, s) })
	}
}

// TestRecordIndex keeps a record index in step with Spark in turns. Spark finds rows by it alone: a key that we had left out
// would come twice, one that we had left in would be lost.
func TestRecordIndex(t *testing.T) {
	eachRecordShape(t, func(t *testing.T, s recordShape) {
		m := newRecordTurns(t, s)
		m.write(we, "insert", 0, 20)
		m.write(other, "upsert", 8, 24)
		m.write(we, "upsert", 5, 30)
		m.write(we, "delete", 3, 6)
		m.write(other, "upsert", 0, 30)
		m.write(other, "delete", 6, 8)
		m.write(we, "upsert", 2, 12)
		m.undone("upsert", 10, 40)
		m.write(other, "upsert", 10, 40)
		m.write(we, "bulk-insert", 50, 60)
		m.write(we, "delete", 52, 54)
		m.write(other, "upsert", 48, 62)
		if s.typ == table.MOR {
			m.write(we, "delete", 10, 12)
			_, err := m.ours.open(t).Compact(t.Context())
			require.NoError(t, err)
			m.check()
			m.write(other, "upsert", 8, 14)
		}
		if !interop.Whole() {
			return
		}
		_, err := m.ours.open(t).Clean(t.Context())
		require.NoError(t, err)
		m.check()
		// Spark compacts the metadata table, then we do.
		m.options = map[string]string{"hoodie.metadata.compact.max.delta.commits": "1"}
		m.write(other, "upsert", 1, 3)
		m.write(other, "insert", 70, 73)
		m.options = nil
		m.write(we, "upsert", 71, 75)
		for i := range 12 {
			m.write(we, "upsert", 80+i, 82+i)
		}
		m.write(we, "delete", 85, 87)
		m.write(other, "upsert", 0, 95)
		m.write(we, "upsert", 2, 3)
		if s.partitioned {
			return
		}
		// Rows move between partitions.
		m.shift = 1
		m.write(we, "upsert", 0, 10)
		m.write(other, "upsert", 8, 12)
		m.shift = 2
		m.write(other, "upsert", 5, 20)
		m.write(we, "upsert", 18, 22)
		m.write(we, "delete", 19, 20)
		m.write(other, "upsert", 0, 30)
	})
}

// TestRecordIndexBegins has each engine begin the record index of a table that has been written to.
func TestRecordIndexBegins(t *testing.T) {
	eachRecordShape(t, func(t *testing.T, s recordShape) {
		for _, who := range []actor{we, other} {
			if who == other && !interop.Whole() {
				continue
			}
			t.Run(string(who), func(t *testing.T) {
				m := newRecordTurns(t, s)
				m.without = true
				m.write(we, "insert", 0, 20)
				m.write(other, "upsert", 8, 24)
				m.write(we, "delete", 3, 6)
				m.without = false
				if who == we {
					require.NoError(t, m.ours.open(t).CreateRecordIndex(t.Context(), hudi.RecordIndexOptions{Partitioned: s.partitioned, FileGroups: 2}))
					m.check()
				} else {
					m.write(other, "upsert", 20, 22)
				}
				m.write(other, "upsert", 0, 26)
				m.write(we, "upsert", 4, 30)
				m.write(other, "delete", 4, 8)
				m.write(other, "upsert", 0, 32)
			})
		}
	})
}

// recordTurns are turns on a table with a record index.
type recordTurns struct {
	turns
	shape   recordShape
	without bool // no record index yet
	shift   int  // to the partitions that rows come with
}

func newRecordTurns(t *testing.T, s recordShape) *recordTurns {
	m := &recordTurns{turns: newTurns(t, interop.SparkOf(t, s.release), s.typ), shape: s}
	m.part = func(id int) string { return fmt.Sprint("p-", (id+m.shift)%3) }
	// We find rows by the index, or by reading as long as none moves.
	m.own = func() map[string]string { return m.indexOptions(m.ts%2 == 0 || m.shift > 0) }
	m.theirs = func() map[string]string {
		out := m.indexOptions(true)
		out["hoodie.metadata.index.column.stats.enable"], out["hoodie.metadata.index.partition.stats.enable"] = "false", "false"
		return out
	}
	m.check = m.compare
	return m
}

// indexOptions are those of writers of either engine; find has Spark locate by the index.
func (m *recordTurns) indexOptions(find bool) map[string]string {
	if m.without {
		return map[string]string{"hoodie.index.type": "SIMPLE"}
	}
	name, kind := "hoodie.metadata.global.record.level.index", "GLOBAL_RECORD_LEVEL_INDEX"
	switch {
	case m.shape.partitioned:
		name, kind = "hoodie.metadata.record.level.index", "RECORD_LEVEL_INDEX"
	case m.shape.release != interop.Hudi120:
		name, kind = "hoodie.metadata.record.index", "RECORD_INDEX"
	}
	o := map[string]string{name + ".enable": "true", name + ".min.filegroup.count": "2", name + ".max.filegroup.count": "2"}
	if find {
		o["hoodie.index.type"], o["hoodie.record.index.update.partition.path"] = kind, "true"
	}
	return o
}

// compare has both engines read the table, whole and by keys, and compares the index with the files.
func (m *recordTurns) compare() {
	m.t.Helper()
	tab := m.ours.open(m.t)
	if !m.without {
		require.Contains(m.t, tab.Config().MetadataPartitions, "record_index")
	}
	problems, err := tab.Check(m.t.Context())
	require.NoError(m.t, err)
	require.Empty(m.t, problems)
	m.same("hudi-go", m.ours.read(m.t, query.Options{}))
	with := map[string]string{"hoodie.metadata.enable": "true", "hoodie.enable.data.skipping": "true"}
	maps.Copy(with, m.indexOptions(false))
	m.same("Spark", m.spark.Read(m.t, interop.Read{Path: m.ours.path, Options: with}).Rows)
	for _, id := range []int{0, 4, 9, 53, 86, 1000} {
		v, there := m.rows[id]
		want := map[string]int{}
		if there {
			want[v] = 1
		}
		where := fmt.Sprintf("id = %d", id)
		require.Equal(m.t, want, values(m.ours.read(m.t, query.Options{Where: where})), "hudi-go, %s", where)
		require.Equal(m.t, want, values(m.spark.Read(m.t, interop.Read{Path: m.ours.path, Options: with, Where: where}).Rows), "Spark, %s", where)
	}
}

// values counts the values of rows.
func values(rows []map[string]any) map[string]int {
	out := map[string]int{}
	for _, row := range rows {
		out[fmt.Sprint(row["v"])]++
	}
	return out
}

func (m *recordTurns) same(who string, rows []map[string]any) {
	m.t.Helper()
	got := map[int]string{}
	for _, row := range rows {
		got[idOf(m.t, row["id"])] = fmt.Sprint(row["v"])
	}
	require.Equal(m.t, m.rows, got, who)
	require.Len(m.t, rows, len(m.rows), "%s: keys come once", who)
}
