package interop_test

import (
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// The ordering field is an int: release 1.0.2 cannot read its own deletes before a long one.
const indexedDDL = "id string, part string, n int, l bigint, d double, s string, big string, ts timestamp, dt date, " +
	"cost decimal(12,3), flag boolean, o int"

// indexedRow is a row of an indexed table. Its values rise with i, but for what indexes find hard: nulls, NaN, a text that is
// too long for Parquet's statistics, letters that UTF-16 orders otherwise than UTF-8.
func indexedRow(i int, o int) map[string]any {
	row := map[string]any{
		"id": fmt.Sprintf("k%02d", i), "part": fmt.Sprintf("p%d", i%3), "n": i, "l": int64(i) * 10_000_000_000, "d": float64(i) / 4,
		"s": fmt.Sprintf("s%02d", i/2), "big": fmt.Sprintf("b%02d", i), "ts": fmt.Sprintf("2026-01-01T00:%02d:00.000001Z", i%60),
		"dt": fmt.Sprintf("20%02d-03-04", i%100), "cost": fmt.Sprintf("%d.125", i), "flag": i%3 == 0, "o": o,
	}
	switch i {
	case 7:
		row["d"], row["big"] = "NaN", "m"+strings.Repeat("x", 5000)
	case 8:
		row["big"] = "\U0001F600"
	case 9, 10, 11:
		row["big"] = "\uFFFD"
	}
	if i%7 == 0 {
		row["s"], row["dt"], row["n"] = nil, nil, nil
	}
	return row
}

func indexedRows(from, to, o int) (rows []map[string]any) {
	for i := from; i < to; i++ {
		rows = append(rows, indexedRow(i, o))
	}
	return rows
}

var indexedConditions = []string{
	"id = 'k05'", "id IN ('k03', 'k34', 'nobody')", "id = 'k06'", "id = 'k36'", "id = 'nobody'", "id = 'k04' AND n = 4", "id = 'k03' AND n = 3",
	"_hoodie_record_key = 'k33'", "id = 'k05' OR id = 'k50'", "id > 'k50'", "id = 'k05' OR n = 50",
	"n = 3", "n = 1003", "n > 1000", "n < 0", "n < 2", "n = -5", "n IS NULL", "n IS NOT NULL AND n > 55", "n IN (1, 55)", "n <> 3", "n BETWEEN 20 AND 22",
	"n > 5000", "NOT (n < 58)", "l = 250000000000", "l > 580000000000", "l < 0",
	"d = 2.5", "d > 14", "d < 0.3", "d > 1000", "d = 100",
	"s = 's05'", "s = 's28'", "s = 'changed'", "s = 'revived'", "s = 's19'", "s = 's18'", "s IS NULL", "s IS NOT NULL AND s > 's28'", "s = 'none of them'", "s IN ('s02', 's25')", "s LIKE 's0%'", "s > 't'",
	"big LIKE 'mxx%'", "big = '\U0001F600'", "big = '\uFFFD'", "big > 'zzz'", "big < 'a'", "big IS NULL", "big = 'b12'", "big > 'b57'",
	"ts > TIMESTAMP '2026-01-01T00:57:00Z'", "ts = TIMESTAMP '2026-01-01T00:05:00.000001Z'", "ts < TIMESTAMP '2020-01-01T00:00:00Z'",
	"dt = DATE '2005-03-04'", "dt > DATE '2057-01-01'", "dt IS NULL", "dt < DATE '1900-01-01'",
	"cost = 5.125", "cost > 57", "cost < 0", "cost > 4000", "flag", "NOT flag", "flag AND n > 55", "flag IS NULL", "part = 'p1' AND n < 5", "part = 'p1' AND n > 5000",
	"n = 3 AND s = 's01'", "n = 1003 AND s = 's01'", "(n = 3 OR l = 30000000000) AND part <> 'p1'",
}

// TestSkippingSparkTables asks tables that Spark has made with all of Hudi's indexes. We answer as Spark does, with the indexes
// and without, and pass slices over by them.
func TestSkippingSparkTables(t *testing.T) {
	releases := []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015}
	kinds := []string{interop.MOR, interop.COW}
	if !interop.Whole() {
		releases, kinds = releases[:1], kinds[:1]
	}
	for _, release := range releases {
		t.Run(string(release), func(t *testing.T) {
			spark := interop.SparkOf(t, release)
			for _, kind := range kinds {
				t.Run(kind, func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "indexed")
					makeIndexed(t, spark, kind, path)
					askIndexed(t, spark, kind, path)
				})
			}
		})
	}
}

// Names are those that Spark derives: it does not read a fixed with another name from a log.
const indexedAvro = `{"type":"record","name":"indexed_record","namespace":"hoodie.indexed","fields":[{"name":"id","type":"string"},{"name":"part","type":"string"},
	{"name":"n","type":["null","int"],"default":null},{"name":"l","type":["null","long"],"default":null},{"name":"d","type":["null","double"],"default":null},
	{"name":"s","type":["null","string"],"default":null},{"name":"big","type":["null","string"],"default":null},
	{"name":"ts","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},{"name":"dt","type":["null",{"type":"int","logicalType":"date"}],"default":null},
	{"name":"cost","type":["null",{"type":"fixed","name":"fixed","namespace":"hoodie.indexed.indexed_record.cost","size":6,"logicalType":"decimal","precision":12,"scale":3}],"default":null},
	{"name":"flag","type":["null","boolean"],"default":null},{"name":"o","type":["null","int"],"default":null}]}`

// TestSkippingOurTables asks tables that we have made with our statistics. Spark's skipping by
// them loses no row but those that it loses by its own (docs/compat.md).
func TestSkippingOurTables(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	if !interop.Whole() {
		t.Skip("takes some minutes for each kind of table; HUDI_GO_INTEROP=all runs it")
	}
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015} {
		for _, kind := range []table.Type{table.MOR, table.COW} {
			t.Run(fmt.Sprintf("%s %s", release, kind), func(t *testing.T) {
				spark := interop.SparkOf(t, release)
				options := map[string]string{"hoodie.metadata.enable": "true"}
				for _, index := range indexesOfFiles {
					// By filters of keys Spark looks at base files alone, and loses rows that logs have.
					options["hoodie.metadata.index."+index+".enable"] = fmt.Sprint(index != "bloom.filter" || kind == table.COW)
				}
				o := ours{filepath.Join(t.TempDir(), "indexed"), manual(options)}
				c := table.NewConfig("indexed")
				c.Type, c.Keys, c.Ordering, c.PartitionBy, c.HiveStyle = kind, []string{"id"}, []string{"o"}, []string{"part"}, true
				c.Version = release.TableVersion()
				c.InitialVersion, c.CreateSchema = c.Version, indexedAvro
				if kind == table.MOR {
					c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: 2}
				}
				o.create(t, c)
				s, err := schema.Parse(indexedAvro)
				require.NoError(t, err)
				write := func(op hudi.Operation, rows ...map[string]any) { o.write(t, op, s, rows) }
				changed := func(i, o int, column string, value any) map[string]any {
					row := indexedRow(i, o)
					row[column] = value
					return row
				}
				write(hudi.Upsert, indexedRows(0, 30, 100)...)
				write(hudi.Upsert, indexedRows(30, 60, 100)...)
				write(hudi.Upsert, changed(3, 200, "n", 1003), changed(33, 200, "n", 1033), changed(5, 200, "s", "changed"), changed(40, 200, "s", nil))
				write(hudi.Upsert, changed(4, 50, "n", -5))
				write(hudi.Delete, indexedRow(6, 300), indexedRow(36, 300))
				write(hudi.Upsert, changed(6, 400, "n", 2006), changed(38, 400, "cost", "4001.5"))
				askOurs(t, spark, o)
			})
		}
	}
}

// sparkLoses are the conditions by which Spark's own skipping loses rows, of NaN, of texts that it orders otherwise, and of prefixes.
func sparkLoses(where string) bool {
	return strings.HasPrefix(where, "d ") || strings.HasPrefix(where, "big ") || strings.Contains(where, "_hoodie") || strings.Contains(where, "LIKE")
}

func askOurs(t *testing.T, spark *interop.Spark, o ours) {
	name := "asked" + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(o.path))), 16)
	plain := map[string]string{"hoodie.metadata.enable": "false", "hoodie.enable.data.skipping": "false"}
	flags := "SELECT id"
	for i, where := range indexedConditions {
		flags += fmt.Sprintf(", (%s) AS c%d", where, i)
	}
	all := spark.SQL(t, flags+" FROM "+name, map[string]string{name: o.path}, plain).Rows
	ids := func(rows []map[string]any) []string {
		out := []string{}
		for _, row := range rows {
			out = append(out, row["id"].(string))
		}
		slices.Sort(out)
		return out
	}
	reasons := map[string]int{}
	skipping := map[string]string{"hoodie.metadata.enable": "true", "hoodie.enable.data.skipping": "true"}
	for i, where := range indexedConditions {
		var want []map[string]any
		for _, row := range all {
			if row[fmt.Sprintf("c%d", i)] == true {
				want = append(want, row)
			}
		}
		require.Equal(t, ids(want), ids(o.read(t, query.Options{Where: where, Columns: []string{"id"}})), where)
		if !sparkLoses(where) {
			found := spark.Read(t, interop.Read{Path: o.path, Where: where, Columns: []string{"id"}, Options: skipping}).Rows
			require.Equal(t, ids(want), ids(found), "Spark: %s", where)
		}
		plan, err := o.open(t).Query(t.Context(), query.Options{Where: where})
		require.NoError(t, err)
		for _, s := range plan.Skipped {
			reasons[s.Reason]++
		}
		for _, s := range plan.SkippedSlices {
			reasons[s.Reason]++
		}
	}
	problems, err := o.open(t).Check(t.Context())
	require.NoError(t, err)
	require.Empty(t, problems)
	t.Log(reasons)
	if o.open(t).Config().Version >= 8 {
		require.NotZero(t, reasons["partition_stats: no row meets the condition"], "%v", reasons)
		require.NotZero(t, reasons["column_stats: no row meets the condition"], "%v", reasons)
	}
}

func makeIndexed(t *testing.T, spark *interop.Spark, kind, path string) {
	options := map[string]string{
		"hoodie.metadata.enable": "true", "hoodie.metadata.index.column.stats.enable": "true", "hoodie.metadata.index.partition.stats.enable": "true",
		"hoodie.metadata.index.bloom.filter.enable": "true", "hoodie.metadata.record.index.enable": "true",
		"hoodie.metadata.record.index.min.filegroup.count": "2", "hoodie.metadata.record.index.max.filegroup.count": "2",
		"hoodie.metadata.global.record.level.index.enable":              "true",
		"hoodie.metadata.global.record.level.index.min.filegroup.count": "2", "hoodie.metadata.global.record.level.index.max.filegroup.count": "2",
		"hoodie.parquet.small.file.limit": "0", "hoodie.embed.timeline.server": "true",
		"hoodie.write.lock.provider":                      "org.apache.hudi.client.transaction.lock.InProcessLockProvider",
		"hoodie.datasource.write.hive_style_partitioning": "true", "hoodie.metadata.compact.max.delta.commits": "6",
	}
	write := func(op string, rows ...map[string]any) {
		spark.Write(t, interop.Write{Path: path, Name: "indexed", Op: op, Type: kind, Keys: "id", PartitionBy: "part", Ordering: "o",
			Schema: indexedDDL, Rows: rows, Options: options})
	}
	write("insert", indexedRows(0, 30, 100)...)
	write("insert", indexedRows(30, 60, 100)...)
	statements := []string{
		"CREATE INDEX by_s ON indexed (s)",
		"CREATE INDEX by_day ON indexed USING column_stats(l) OPTIONS(expr='from_unixtime', format='yyyy-MM-dd')",
	}
	if spark.Release == interop.Hudi015 { // it has neither
		statements = nil
	}
	for _, statement := range statements {
		spark.SQL(t, statement, map[string]string{"indexed": path}, options)
	}
	changed := func(i, o int, column string, value any) map[string]any {
		row := indexedRow(i, o)
		row[column] = value
		return row
	}
	write("upsert", changed(3, 200, "n", 1003), changed(33, 200, "n", 1033), changed(5, 200, "s", "changed"), changed(40, 200, "s", nil))
	write("upsert", changed(4, 50, "n", -5)) // late: it loses
	write("delete", indexedRow(6, 300), indexedRow(36, 300))
	write("delete", indexedRow(37, 300), indexedRow(38, 300))
	write("upsert", changed(6, 400, "n", 2006), changed(37, 400, "s", "revived"), indexedRow(38, 400))
}

// askIndexed compares the keys of the rows that meet each condition. Spark says of all rows which they meet; that its own
// skipping gives the same is true of some conditions only (docs/compat.md).
func askIndexed(t *testing.T, spark *interop.Spark, kind, path string) {
	// A name of its own for each table: Spark remembers the files of a name.
	name := "asked" + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(path))), 16)
	flags := "SELECT id"
	for i, where := range indexedConditions {
		flags += fmt.Sprintf(", (%s) AS c%d", where, i)
	}
	plain := map[string]string{"hoodie.metadata.enable": "false", "hoodie.enable.data.skipping": "false"}
	all := spark.SQL(t, flags+" FROM "+name, map[string]string{name: path}, plain).Rows
	o, reasons := ours{path, nil}, map[string]int{}
	ask := func(where string) (ids []string) {
		for _, row := range o.read(t, query.Options{Where: where, Columns: []string{"id"}}) {
			ids = append(ids, row["id"].(string))
		}
		plan, err := o.open(t).Query(t.Context(), query.Options{Where: where})
		require.NoError(t, err)
		for _, s := range plan.Skipped {
			reasons[s.Reason]++
		}
		for _, s := range plan.SkippedSlices {
			reasons[s.Reason]++
		}
		slices.Sort(ids)
		return ids
	}
	for i, where := range indexedConditions {
		var want []string
		for _, row := range all {
			if row[fmt.Sprintf("c%d", i)] == true {
				want = append(want, row["id"].(string))
			}
		}
		slices.Sort(want)
		require.Equal(t, want, ask(where), where)
	}
	for i := range 60 {
		id := fmt.Sprintf("k%02d", i)
		there := slices.ContainsFunc(all, func(row map[string]any) bool { return row["id"] == id })
		require.Equal(t, there, len(ask("id = '"+id+"'")) == 1, id)
	}
	for _, where := range []string{"id = 'k05'", "n = 1003", "s = 's05'", "ts > TIMESTAMP '2026-01-01T00:57:00Z'", "part = 'p1' AND n < 5"} {
		skipping := spark.Read(t, interop.Read{Path: path, Where: where, Encoding: interop.Contract,
			Options: map[string]string{"hoodie.metadata.enable": "true", "hoodie.enable.data.skipping": "true"}}).Rows
		rows := func(list []map[string]any) []string {
			return goldentest.CanonicalRows(t, strings.Join(lines(list), "\n"))
		}
		require.Equal(t, rows(skipping), rows(o.read(t, query.Options{Where: where})), where)
	}
	indexes := []string{"record_index: has no row of the condition there"}
	if kind == interop.COW || spark.Release != interop.Hudi015 { // whose log files grow
		indexes = append(indexes, "column_stats: no row meets the condition")
	}
	if spark.Release != interop.Hudi015 {
		indexes = append(indexes, "partition_stats: no row meets the condition", "secondary_index_by_s: has no row of the condition there")
	}
	for _, reason := range indexes {
		require.NotZero(t, reasons[reason], "%s of %v", reason, reasons)
	}
}
