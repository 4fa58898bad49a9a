package interop_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// TestReplace has both engines take turns with the operations that hide file groups, and with updates and deletes by
// condition, on one table. After each step both read what they shall, now, as of each earlier write and of the last
// write alone, and Spark's validation of the metadata table finds nothing.
func TestReplace(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	releases := []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015}
	if !interop.Whole() {
		releases = releases[:1]
	}
	for i, release := range releases {
		spark := interop.SparkOf(t, release)
		for k, typ := range []table.Type{table.COW, table.MOR} {
			for j, with := range []bool{true, false} {
				if !interop.Whole() && (k != i%2 || j != 0) {
					continue
				}
				t.Run(fmt.Sprintf("v%d %s metadata=%v", release.TableVersion(), typ, with), func(t *testing.T) {
					m := newReplaceTurns(t, spark, typ, with)
					m.some()
					if interop.Whole() {
						m.more()
					}
				})
			}
		}
	}
}

// replaceTurns is a table that both engines work on, and what it must hold.
type replaceTurns struct {
	t        *testing.T
	spark    *interop.Spark
	ours     ours
	typ      table.Type
	metadata bool
	rows     map[int]replaceRow
	past     []pastRows
	ts       int64
}

type replaceRow struct {
	part, v string
	n, ts   int64
}

// pastRows are the rows after a write, and those that it wrote.
type pastRows struct {
	instant       instant
	rows, written map[int]replaceRow
}

func newReplaceTurns(t *testing.T, spark *interop.Spark, typ table.Type, with bool) *replaceTurns {
	m := &replaceTurns{t: t, spark: spark, typ: typ, metadata: with, rows: map[int]replaceRow{}}
	m.ours = newOurs(t, spark.Release, "replaced", typ, fmt.Sprintf(alternateAvro, ""), map[string]string{
		"hoodie.metadata.enable": fmt.Sprint(with), "hoodie.parquet.small.file.limit": "0", "hoodie.clean.commits.retained": "20",
	}, nil)
	return m
}

// some are turns with each operation of ours.
func (m *replaceTurns) some() {
	m.write(we, "insert", "p1", 0, 6)
	m.write(we, "insert", "p 2", 10, 16)
	m.write(we, "upsert", "p1", 2, 4) // logs, in merge-on-read tables
	m.overwrite(we, "p1", 4, 8)
	m.write(other, "upsert", "p1", 5, 9)
	m.update(we, 3, "id >= 6 AND n IS NOT NULL", func(id int, _ replaceRow) bool { return id >= 6 })
	m.remove(we, "v LIKE 'ours%' AND id < 6", func(id int, r replaceRow) bool { return id < 6 && r.v[:4] == "ours" })
	m.drop(we, "p 2")
	m.overwriteTable(we, "p3", 20, 24)
	m.write(other, "upsert", "p3", 22, 26)
	for _, p := range m.past {
		m.checkPast(p)
	}
}

// more are turns with the same operations of Spark's too, cleans of what was replaced, and a rollback.
func (m *replaceTurns) more() {
	m.overwrite(other, "p 2", 30, 34)
	m.write(we, "upsert", "p 2", 32, 36)
	m.update(other, 5, "part = 'p3'", func(_ int, r replaceRow) bool { return r.part == "p3" })
	m.update(we, 1, "part = 'p3' AND id > 22", func(id int, r replaceRow) bool { return r.part == "p3" && id > 22 })
	m.remove(other, "id IN (20, 35)", func(id int, _ replaceRow) bool { return id == 20 || id == 35 })
	m.remove(we, "part = 'p 2' AND id < 32", func(id int, r replaceRow) bool { return r.part == "p 2" && id < 32 })
	m.drop(other, "p3")
	m.write(we, "insert", "p3", 40, 43)
	m.drop(we, "p*")
	m.write(other, "insert", "p1", 50, 53)
	m.write(we, "upsert", "p1", 52, 54)
	m.overwriteTable(other, "p1", 60, 63)
	m.write(we, "upsert", "p1", 62, 64)
	for _, p := range m.past {
		m.checkPast(p)
	}
	m.ours.options["hoodie.clean.commits.retained"] = "3"
	cleaned, err := m.ours.open(m.t).Clean(m.t.Context())
	require.NoError(m.t, err)
	require.Len(m.t, cleaned, 1)
	require.Positive(m.t, cleaned[0].Files)
	m.check()
	m.write(other, "upsert", "p1", 61, 63)
	m.overwrite(we, "p1", 70, 72)
	m.write(we, "upsert", "p1", 70, 71)
	m.write(we, "upsert", "p1", 71, 72)
	m.write(we, "upsert", "p1", 70, 73)
	m.spark.SQL(m.t, "CALL run_clean(table => 'replaced', retain_commits => 2)", map[string]string{"replaced": m.ours.path}, m.with())
	m.check()
	m.write(we, "upsert", "p1", 70, 71)
	before := maps.Clone(m.rows)
	m.overwriteTable(we, "p1", 80, 82)
	all := timelineOf(m.t, m.ours.path)
	require.NoError(m.t, m.ours.open(m.t).Rollback(m.t.Context(), all[len(all)-1].requested))
	m.rows, m.past = before, m.past[:len(m.past)-1]
	m.check()
	m.write(other, "upsert", "p1", 71, 74)
}

func (m *replaceTurns) with() map[string]string {
	return map[string]string{"hoodie.metadata.enable": fmt.Sprint(m.metadata)}
}

// newRows are rows of one partition, newer than all before.
func (m *replaceTurns) newRows(who actor, part string, first, last int) (list []map[string]any, rows map[int]replaceRow) {
	m.ts++
	rows = map[int]replaceRow{}
	for id := first; id < last; id++ {
		r := replaceRow{part: part, v: fmt.Sprintf("%s%d", who, m.ts), n: int64(id) * 10, ts: m.ts}
		rows[id] = r
		list = append(list, map[string]any{"id": id, "part": r.part, "v": r.v, "n": r.n, "ts": r.ts})
	}
	return list, rows
}

func (m *replaceTurns) perform(who actor, op, sparkOp string, list []map[string]any, options map[string]string) {
	m.t.Helper()
	if who == we {
		s, err := schema.Parse(fmt.Sprintf(alternateAvro, ""))
		require.NoError(m.t, err)
		m.ours.write(m.t, hudi.Operation(op), s, list)
		return
	}
	all := map[string]string{"hoodie.index.type": "SIMPLE", "hoodie.parquet.small.file.limit": "0"}
	if m.spark.Release == interop.Hudi015 {
		all["hoodie.datasource.write.payload.class"] = "org.apache.hudi.common.model.DefaultHoodieRecordPayload"
	}
	maps.Copy(all, m.with())
	maps.Copy(all, options)
	m.spark.Write(m.t, interop.Write{Path: m.ours.path, Name: "replaced", Op: sparkOp, Schema: alternateDDL, Rows: list, Options: all})
}

// write inserts or upserts.
func (m *replaceTurns) write(who actor, op, part string, first, last int) {
	m.t.Helper()
	list, rows := m.newRows(who, part, first, last)
	m.perform(who, op, op, list, nil)
	maps.Copy(m.rows, rows)
	m.done(rows)
}

func (m *replaceTurns) overwrite(who actor, part string, first, last int) {
	m.t.Helper()
	list, rows := m.newRows(who, part, first, last)
	m.perform(who, "insert-overwrite", "insert_overwrite", list, nil)
	maps.DeleteFunc(m.rows, func(_ int, r replaceRow) bool { return r.part == part })
	maps.Copy(m.rows, rows)
	m.done(rows)
}

func (m *replaceTurns) overwriteTable(who actor, part string, first, last int) {
	m.t.Helper()
	list, rows := m.newRows(who, part, first, last)
	m.perform(who, "insert-overwrite-table", "insert_overwrite_table", list, nil)
	m.rows = maps.Clone(rows)
	m.done(rows)
}

// drop deletes a partition: we by its path, Spark by its option.
func (m *replaceTurns) drop(who actor, part string) {
	m.t.Helper()
	if who == we {
		_, err := m.ours.open(m.t).Write(m.t.Context(), hudi.DeletePartition, hudi.Rows{}, hudi.WriteOptions{Partitions: []string{part}})
		require.NoError(m.t, err)
	} else {
		list, _ := m.newRows(who, part, 0, 1)
		m.perform(who, "", "delete_partition", list, map[string]string{"hoodie.datasource.write.partitions.to.delete": part})
	}
	prefix, pattern := strings.CutSuffix(part, "*")
	maps.DeleteFunc(m.rows, func(_ int, r replaceRow) bool { return r.part == part || pattern && strings.HasPrefix(r.part, prefix) })
	m.done(nil)
}

// update adds to n and sets v of the rows that meet a condition.
func (m *replaceTurns) update(who actor, add int64, where string, meets func(id int, r replaceRow) bool) {
	m.t.Helper()
	m.ts++
	v := fmt.Sprintf("%s%d", who, m.ts)
	if who == we {
		done, err := m.ours.open(m.t).UpdateWhere(m.t.Context(), []string{fmt.Sprintf("n = n + %d", add), "v = '" + v + "'"}, where, hudi.WriteOptions{})
		require.NoError(m.t, err)
		require.Positive(m.t, done.Updates)
	} else {
		m.statement(fmt.Sprintf("UPDATE replaced SET n = n + %d, v = '%s' WHERE %s", add, v, where))
	}
	written := map[int]replaceRow{}
	for id, r := range m.rows {
		if meets(id, r) {
			r.n, r.v = r.n+add, v
			m.rows[id], written[id] = r, r
		}
	}
	m.done(written)
}

// remove deletes the rows that meet a condition.
func (m *replaceTurns) remove(who actor, where string, meets func(id int, r replaceRow) bool) {
	m.t.Helper()
	if who == we {
		done, err := m.ours.open(m.t).DeleteWhere(m.t.Context(), where, hudi.WriteOptions{})
		require.NoError(m.t, err)
		require.Positive(m.t, done.Deletes)
	} else {
		m.statement("DELETE FROM replaced WHERE " + where)
	}
	maps.DeleteFunc(m.rows, meets)
	m.done(nil)
}

func (m *replaceTurns) statement(text string) {
	m.t.Helper()
	options := m.with()
	options["hoodie.parquet.small.file.limit"] = "0"
	m.spark.SQL(m.t, text, map[string]string{"replaced": m.ours.path}, options)
}

// done notes a write and checks. In copy-on-write tables an update writes whole files, but only its rows are new.
func (m *replaceTurns) done(written map[int]replaceRow) {
	m.t.Helper()
	all := timelineOf(m.t, m.ours.path)
	m.past = append(m.past, pastRows{all[len(all)-1], maps.Clone(m.rows), written})
	m.check()
}

func (m *replaceTurns) seen(list []map[string]any) map[int]replaceRow {
	m.t.Helper()
	out := map[int]replaceRow{}
	for _, row := range list {
		r := replaceRow{part: row["part"].(string), v: row["v"].(string)}
		r.n, r.ts = int64(idOf(m.t, row["n"])), int64(idOf(m.t, row["ts"]))
		id := idOf(m.t, row["id"])
		_, twice := out[id]
		require.False(m.t, twice, "id %d is there twice", id)
		out[id] = r
	}
	return out
}

// check compares what is there now, and what the last write wrote.
func (m *replaceTurns) check() {
	m.t.Helper()
	tab := m.ours.open(m.t)
	require.Equal(m.t, m.metadata, slices.Contains(tab.Config().MetadataPartitions, "files"))
	problems, err := tab.Check(m.t.Context())
	require.NoError(m.t, err)
	require.Empty(m.t, problems)
	require.Equal(m.t, m.rows, m.seen(m.ours.read(m.t, query.Options{})), "hudi-go")
	read := interop.Read{Path: m.ours.path, Options: m.with()}
	require.Equal(m.t, m.rows, m.seen(m.spark.Read(m.t, read).Rows), "Spark")
	if m.metadata {
		wrong := m.spark.SQL(m.t, "CALL validate_metadata_table_files(table => 'replaced', verbose => false)", map[string]string{"replaced": m.ours.path}, m.with())
		require.Empty(m.t, wrong.Rows, "Spark's validation")
	}
	begin, last := "000", m.past[len(m.past)-1]
	if n := len(m.past); n > 1 {
		begin = m.bound(m.past[n-2].instant)
	}
	m.checkRange(begin, m.bound(last.instant), last.written)
}

func (m *replaceTurns) bound(i instant) string {
	if m.spark.Release == interop.Hudi015 {
		return i.requested
	}
	return i.completed
}

func (m *replaceTurns) checkRange(begin, end string, written map[int]replaceRow) {
	m.t.Helper()
	if written == nil {
		written = map[int]replaceRow{}
	}
	require.Equal(m.t, written, m.seen(m.ours.read(m.t, query.Options{View: query.Incremental, Begin: begin, End: end})), "hudi-go, incremental")
	read := interop.Read{Path: m.ours.path, Options: m.with()}.Incremental(begin, end)
	if m.spark.Release == interop.Hudi102 {
		read = read.FromInclusive()
	}
	require.Equal(m.t, written, m.seen(m.spark.Read(m.t, read).Rows), "Spark, incremental")
}

// checkPast compares what was there after a write.
func (m *replaceTurns) checkPast(p pastRows) {
	m.t.Helper()
	at := p.instant.requested
	require.Equal(m.t, p.rows, m.seen(m.ours.read(m.t, query.Options{AsOf: at})), "hudi-go, as of %s", at)
	require.Equal(m.t, p.rows, m.seen(m.spark.Read(m.t, interop.Read{Path: m.ours.path, Options: m.with()}.AsOf(at)).Rows), "Spark, as of %s", at)
}
