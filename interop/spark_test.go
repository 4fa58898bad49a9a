package interop_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
)

func TestMain(m *testing.M) { interop.Main(m) }

// The session itself: Spark writes tables of version 9 of both types and reads them back through the server.
func TestSparkWritesAndReads(t *testing.T) {
	const schema = "id long, ts long, amount decimal(38,10), at timestamp, local timestamp_ntz, day date, raw binary, tags map<string,date>, nested struct<a:timestamp,b:array<float>>, ratio double"
	full := map[string]any{
		"id": json.Number("1"), "ts": json.Number("1"), "amount": "0.0000000000",
		"at": "0001-01-01T00:00:00.000001Z", "local": "2026-01-31T10:20:30.123456", "day": "1582-10-10", "raw": "AP8Q",
		"tags":   map[string]any{"k": "2024-02-29"},
		"nested": map[string]any{"a": "1969-12-31T23:59:59.999999Z", "b": []any{json.Number("1.1"), nil}}, "ratio": "NaN",
	}
	empty := map[string]any{"id": json.Number("2"), "ts": json.Number("1")}
	for _, column := range []string{"amount", "at", "local", "day", "raw", "tags", "nested", "ratio"} {
		empty[column] = nil
	}
	for _, tableType := range []string{interop.COW, interop.MOR} {
		t.Run(tableType, func(t *testing.T) {
			spark := interop.SharedSpark(t)
			path := filepath.Join(t.TempDir(), "t")
			read := interop.Read{Path: path, Encoding: interop.Contract}
			write := interop.Write{Path: path, Name: "t", Schema: schema}

			first := write
			first.Op, first.Type, first.Keys, first.Ordering = "insert", tableType, "id", "ts"
			first.Rows = []map[string]any{full, empty}
			spark.Write(t, first)
			require.ElementsMatch(t, []map[string]any{full, empty}, spark.Read(t, read).Rows)

			second := write
			second.Rows = []map[string]any{{"id": 2, "ts": 2, "ratio": 0.1}}
			spark.Write(t, second)
			changed := map[string]any{"ts": json.Number("2"), "ratio": json.Number("0.1")}
			require.ElementsMatch(t, []map[string]any{full, with(empty, changed)}, spark.Read(t, read).Rows)
			instants := timelineOf(t, path)
			require.ElementsMatch(t, []map[string]any{full, empty}, spark.Read(t, read.AsOf(instants[0].requested)).Rows)
			require.ElementsMatch(t, []map[string]any{with(empty, changed)},
				spark.Read(t, read.Incremental(instants[0].completed, instants[1].completed)).Rows)
			before := spark.Checksum(t, read)
			require.Equal(t, int64(2), before.Count)

			if tableType == interop.MOR {
				require.ElementsMatch(t, []map[string]any{full, empty}, spark.Read(t, read.ReadOptimized()).Rows)
				require.Equal(t, int64(1), spark.Compact(t, path, "schedule", nil).Count)
				require.Equal(t, int64(1), spark.Compact(t, path, "run", nil).Count)
				require.Equal(t, before, spark.Checksum(t, read.ReadOptimized()))
			}
			require.Equal(t, before, spark.Checksum(t, read))

			spark.Delete(t, interop.Write{Path: path, Name: "t", Schema: "id long, ts long", Rows: []map[string]any{{"id": 1, "ts": 9}}})
			spark.SQL(t, "UPDATE t SET ratio = 3 WHERE id = 2", map[string]string{"t": path}, nil)
			rows := spark.Read(t, interop.Read{Path: path, Columns: []string{"id", "ratio"}, Where: "ts > 0"}).Rows
			require.Equal(t, []map[string]any{{"id": json.Number("2"), "ratio": json.Number("3.0")}}, rows)

			out := filepath.Join(t.TempDir(), "rows.jsonl")
			require.Equal(t, int64(1), spark.Read(t, interop.Read{Path: path, Out: out, Meta: true}).Count)
			filed, err := interop.ReadJSONLFile(out)
			require.NoError(t, err)
			require.Equal(t, "2", filed[0]["_hoodie_record_key"])

			base, err := filepath.Glob(filepath.Join(path, "*.parquet"))
			require.NoError(t, err)
			require.NotZero(t, spark.ReadParquet(t, base[0], "id long").Count)
		})
	}
}

func TestSparkErrorsAreAnswers(t *testing.T) {
	spark := interop.SharedSpark(t)
	err := spark.Call(map[string]string{"cmd": "read", "path": filepath.Join(t.TempDir(), "none")}, nil)
	var engine *interop.EngineError
	require.ErrorAs(t, err, &engine)
	require.Contains(t, engine.Text, "TableNotFoundException")
	require.NotEmpty(t, engine.Trace)
	require.ErrorContains(t, spark.Call(map[string]string{"cmd": "nonsense"}, nil), "unknown command")
}

func with(row, changes map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range row {
		out[k] = v
	}
	for k, v := range changes {
		out[k] = v
	}
	return out
}
