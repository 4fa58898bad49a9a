package interop_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// TestMetadataTable keeps the metadata table of one table in step with Spark in turns, over writes, rollbacks, cleans and
// compactions, of the table and of the metadata table. After each step Spark's own validation finds nothing, nor does ours,
// and both read the same rows by it.
func TestMetadataTable(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015} {
		for _, typ := range []table.Type{table.MOR, table.COW} {
			if !interop.Whole() && (release != interop.Hudi015 || typ != table.MOR) {
				continue // TestRecordIndex and others have metadata tables of version 9
			}
			t.Run(fmt.Sprintf("v%d %s", release.TableVersion(), typ), func(t *testing.T) {
				m := newMetadataTurns(t, interop.SparkOf(t, release), typ)
				m.write(we, "insert", 0, 20)
				m.write(we, "upsert", 5, 10)
				m.write(other, "upsert", 8, 24)
				m.write(we, "delete", 3, 6)
				if typ == table.COW { // Hudi 1.0.2 cannot read the log of its own delete in an event-time table
					m.write(other, "delete", 6, 7)
				}
				// We undo our own write, and Spark goes on.
				m.undone("upsert", 0, 12)
				m.write(other, "upsert", 2, 9)
				m.write(we, "upsert", 4, 15)
				if typ == table.MOR {
					_, err := m.ours.open(t).Compact(t.Context())
					require.NoError(t, err)
					m.check()
				}
				_, err := m.ours.open(t).Clean(t.Context())
				require.NoError(t, err)
				m.check()
				// Spark compacts the metadata table.
				m.options = map[string]string{"hoodie.metadata.compact.max.delta.commits": "1"}
				m.write(other, "upsert", 1, 3)
				m.write(other, "upsert", 2, 4)
				m.write(we, "upsert", 12, 20)
				m.write(we, "delete", 19, 20)
				m.write(other, "insert", 30, 33)
				m.options = nil
				for range 12 {
					m.write(we, "upsert", 14, 15)
				}
				m.write(other, "upsert", 2, 5)
				m.write(we, "upsert", 2, 3)
			})
		}
	}
}

// TestColumnStats keeps the statistics of columns and partitions and the filters of keys, which we or Spark have begun, in step
// with Spark in turns. Its queries with data skipping find what they shall.
func TestColumnStats(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	if !interop.Whole() {
		t.Skip("takes three minutes for each kind of table; HUDI_GO_INTEROP=all runs it")
	}
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015} {
		for _, typ := range []table.Type{table.MOR, table.COW} {
			for _, beginner := range []actor{we, other} {
				t.Run(fmt.Sprintf("v%d %s begun by %s", release.TableVersion(), typ, beginner), func(t *testing.T) {
					m := newMetadataTurns(t, interop.SparkOf(t, release), typ)
					m.stats = true
					m.begunBy(beginner)
				})
			}
		}
	}
}

func (m *metadataTurns) begunBy(beginner actor) {
	m.write(beginner, "insert", 0, 20)
	m.write(other, "upsert", 8, 24)
	partitions := []string{"column_stats", "bloom_filters"}
	if m.spark.Release != interop.Hudi015 {
		partitions = append(partitions, "partition_stats")
	}
	for _, p := range partitions {
		require.Contains(m.t, m.ours.open(m.t).Config().MetadataPartitions, p)
	}
	m.write(we, "upsert", 5, 10)
	m.undone("upsert", 0, 12)
	m.write(we, "insert", 40, 50)
	m.write(other, "upsert", 45, 47)
	m.write(we, "delete", 3, 6)
	m.write(other, "upsert", 2, 9)
	if m.typ == table.MOR {
		_, err := m.ours.open(m.t).Compact(m.t.Context())
		require.NoError(m.t, err)
		m.check()
	}
	_, err := m.ours.open(m.t).Clean(m.t.Context())
	require.NoError(m.t, err)
	m.check()
	for range 10 {
		m.write(we, "upsert", 14, 15)
	}
	m.write(other, "upsert", 2, 5)
	m.write(we, "upsert", 2, 3)
}

// indexesOfFiles are the indexes that say something of files, as options name them.
var indexesOfFiles = []string{"column.stats", "partition.stats", "bloom.filter"}

// metadataTurns are turns on a table whose metadata table is looked at.
type metadataTurns struct {
	turns
	stats bool // with statistics of columns and filters of keys
	quiet bool // writes are not checked
}

func newMetadataTurns(t *testing.T, spark *interop.Spark, typ table.Type) *metadataTurns {
	m := &metadataTurns{turns: newTurns(t, spark, typ)}
	m.part = func(id int) string { return fmt.Sprint("p", id%3) }
	m.own = func() map[string]string {
		out := map[string]string{}
		for _, index := range indexesOfFiles {
			out["hoodie.metadata.index."+index+".enable"] = fmt.Sprint(m.stats)
		}
		return out
	}
	m.theirs = func() map[string]string {
		out := m.own()
		out["hoodie.index.type"] = "SIMPLE"
		return out
	}
	m.check = m.same
	return m
}

// same has both engines read by the metadata table, and compare it with the folders.
func (m *metadataTurns) same() {
	m.t.Helper()
	if m.quiet {
		return
	}
	tab := m.ours.open(m.t)
	require.Contains(m.t, tab.Config().MetadataPartitions, "files")
	problems, err := tab.Check(m.t.Context())
	require.NoError(m.t, err)
	require.Empty(m.t, problems)
	seen := map[int]string{}
	for _, row := range m.ours.read(m.t, query.Options{}) {
		seen[idOf(m.t, row["id"])] = row["v"].(string)
	}
	require.Equal(m.t, m.rows, seen, "hudi-go")
	with := map[string]string{"hoodie.metadata.enable": "true"}
	got := map[int]string{}
	for _, row := range m.spark.Read(m.t, interop.Read{Path: m.ours.path, Options: with}).Rows {
		got[idOf(m.t, row["id"])] = row["v"].(string)
	}
	require.Equal(m.t, m.rows, got, "Spark")
	wrong := m.spark.SQL(m.t, "CALL validate_metadata_table_files(table => 'turns', verbose => false)", map[string]string{"turns": m.ours.path}, with)
	require.Empty(m.t, wrong.Rows, "Spark's validation")
	if !m.stats {
		return
	}
	skipping := map[string]string{"hoodie.metadata.enable": "true", "hoodie.enable.data.skipping": "true"}
	for id, v := range map[int]string{4: m.rows[4], 9: m.rows[9], 14: m.rows[14], 46: m.rows[46], 99: ""} {
		for _, where := range []string{fmt.Sprintf("id = %d", id), fmt.Sprintf("v = '%s' AND id = %d", v, id)} {
			found := m.spark.Read(m.t, interop.Read{Path: m.ours.path, Options: skipping, Where: where}).Rows
			ours := m.ours.read(m.t, query.Options{Where: where})
			if v == "" {
				require.Empty(m.t, found, where)
				require.Empty(m.t, ours, where)
				continue
			}
			require.Len(m.t, found, 1, where)
			require.Equal(m.t, v, found[0]["v"], where)
			require.Len(m.t, ours, 1, where)
		}
	}
}

func idOf(t *testing.T, v any) int {
	t.Helper()
	var n int
	_, err := fmt.Sscan(fmt.Sprint(v), &n)
	require.NoError(t, err)
	return n
}
