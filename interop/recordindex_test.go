package interop_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
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
		m.more = map[string]string{"hoodie.metadata.compact.max.delta.commits": "1"}
		m.write(other, "upsert", 1, 3)
		m.write(other, "insert", 70, 73)
		m.more = nil
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

// recordTurns is a table with a record index, and the rows that it must have.
type recordTurns struct {
	t       *testing.T
	spark   *interop.Spark
	shape   recordShape
	ours    ours
	without bool              // no record index yet
	more    map[string]string // further options of Spark's writes
	shift   int               // to the partitions that rows come with
	rows    map[int]string
	ts      int64
}

func newRecordTurns(t *testing.T, s recordShape) *recordTurns {
	m := &recordTurns{t: t, spark: interop.SparkOf(t, s.release), shape: s, rows: map[int]string{}}
	m.ours.path = filepath.Join(t.TempDir(), "turns")
	m.ours.options = manual(map[string]string{
		"hoodie.metadata.enable": "true", "hoodie.parquet.small.file.limit": "0", "hoodie.clean.commits.retained": "2",
	})
	c := table.NewConfig("turns")
	c.Type, c.Keys, c.Ordering, c.PartitionBy = s.typ, []string{"id"}, []string{"ts"}, []string{"part"}
	c.Version = s.release.TableVersion()
	c.InitialVersion = c.Version
	c.CreateSchema = fmt.Sprintf(alternateAvro, "")
	m.ours.create(t, c)
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

func (m *recordTurns) undone(op string, first, last int) {
	m.t.Helper()
	before := maps.Clone(m.rows)
	m.write(we, op, first, last)
	all := timelineOf(m.t, m.ours.path)
	require.NoError(m.t, m.ours.open(m.t).Rollback(m.t.Context(), all[len(all)-1].requested))
	m.rows = before
	m.check()
}

// write writes or deletes the rows with ids from the first up to the last, and checks.
func (m *recordTurns) write(who actor, op string, first, last int) {
	m.t.Helper()
	m.ts++
	var rows []map[string]any
	for id := first; id < last; id++ {
		v := fmt.Sprintf("%s%d", who, m.ts)
		rows = append(rows, map[string]any{"id": id, "part": fmt.Sprint("p-", (id+m.shift)%3), "v": v, "n": 1, "ts": m.ts})
		if op == "delete" {
			delete(m.rows, id)
		} else {
			m.rows[id] = v
		}
	}
	if who == we {
		s, err := schema.Parse(fmt.Sprintf(alternateAvro, ""))
		require.NoError(m.t, err)
		o := m.ours
		o.options = maps.Clone(o.options)
		// We find rows by the index, or by reading as long as none moves.
		maps.Copy(o.options, m.indexOptions(m.ts%2 == 0 || m.shift > 0))
		o.write(m.t, hudi.Operation(op), s, rows)
	} else {
		options := map[string]string{"hoodie.parquet.small.file.limit": "0", "hoodie.metadata.enable": "true",
			"hoodie.metadata.index.column.stats.enable": "false", "hoodie.metadata.index.partition.stats.enable": "false"}
		if m.shape.release == interop.Hudi015 {
			options["hoodie.datasource.write.payload.class"] = "org.apache.hudi.common.model.DefaultHoodieRecordPayload"
		}
		maps.Copy(options, m.indexOptions(true))
		maps.Copy(options, m.more)
		m.spark.Write(m.t, interop.Write{Path: m.ours.path, Name: "turns", Op: op, Schema: alternateDDL, Rows: rows, Options: options})
	}
	m.check()
}

// check has both engines read the table, whole and by keys, and compares the index with the files.
func (m *recordTurns) check() {
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
