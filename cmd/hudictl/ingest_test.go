package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/recorded"
)

// play starts a broker inside the process that has the recorded topics of some tables.
func play(t *testing.T, tables ...string) string {
	t.Helper()
	broker, err := recorded.Broker(3, tables...)
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	records, err := recorded.Records(tables...)
	require.NoError(t, err)
	require.NoError(t, recorded.Produce(context.Background(), broker.ListenAddrs(), records))
	return broker.ListenAddrs()[0]
}

func TestIngest(t *testing.T) {
	broker := play(t, "orders")
	uri := filepath.Join(t.TempDir(), "orders")
	args := []string{"ingest", uri, "--brokers", broker, "--topic", recorded.Prefix + "orders", "--once", "--output", "json"}
	first := objects(t, ok(t, "", args...))[0]
	require.EqualValues(t, 10, first["Events"])
	require.EqualValues(t, 0, first["Lag"])
	require.EqualValues(t, 1, first["Commits"])
	want := []string{"AP 1", "EU 1", "US 2"}
	require.Equal(t, want, keysOf(t, uri, "region", "order_no"))
	second := objects(t, ok(t, "", args...))[0]
	require.EqualValues(t, 0, second["Commits"], "a second run has nothing to do")
	require.Equal(t, want, keysOf(t, uri, "region", "order_no"))
}

func TestIngestAppend(t *testing.T) {
	broker := play(t, "orders")
	uri := filepath.Join(t.TempDir(), "events")
	ok(t, "", "ingest", uri, "--brokers", broker, "--topic", recorded.Prefix+"orders", "--op", "append", "--once")
	require.Len(t, keysOf(t, uri, "_kafka_partition", "_kafka_offset"), 8, "an event is a row, a tombstone is none")
}

func TestIngestPipeline(t *testing.T) {
	broker := play(t, "orders", "customers")
	dir := t.TempDir()
	file := write(t, "pipeline.yaml", fmt.Sprintf(`
brokers: %s
type: cow
tables:
  - table: %[2]s/orders
    topic: %[3]sorders
    index: bucket:2
  - table: %[2]s/customers
    topic: [%[3]scustomers]
    type: mor
  - table: %[2]s/nothing
    topic: %[3]snothing
`, broker, dir, recorded.Prefix))
	r := hudictl("", "ingest", "-f", file, "--once")
	require.Equal(t, 3, r.code, r.stderr)
	require.Contains(t, r.stderr, `topic "pgjs.inventory.nothing" does not exist`)
	require.Contains(t, r.stderr, "1 of 3 tables failed")
	require.Len(t, keysOf(t, dir+"/orders", "region", "order_no"), 3)
	require.Len(t, keysOf(t, dir+"/customers", "id"), 7)
}

func TestIngestRefuses(t *testing.T) {
	broker := play(t, "orders")
	for want, args := range map[string][]string{
		"give --brokers and --topic":       {"t"},
		"must be Debezium JSON":            {"t", "--brokers", broker, "--topic", "x", "--format", "avro"},
		`topic "x" does not exist`:         {"t", "--brokers", broker, "--topic", "x"},
		"do not answer":                    {"t", "--brokers", "127.0.0.1:1", "--topic", "x"},
		"it has no tables":                 {"-f", write(t, "empty.yaml", "type: cow\n")},
		`"colour" is no option of a table`: {"-f", write(t, "odd.yaml", "tables:\n- table: t\n  colour: red\n")},
		"it does not say which table":      {"-f", write(t, "none.yaml", "tables:\n- topic: red\n")},
		"want a value or a list of values": {"-f", write(t, "deep.yaml", "tables:\n- topic: {a: b}\n")},
	} {
		r := hudictl("", append([]string{"ingest"}, args...)...)
		require.NotZero(t, r.code, want)
		require.Contains(t, r.stderr, want)
		require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
	}
}

func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	out := ok(t, "", "demo", dir)
	require.Contains(t, out, "hudictl compact")
	require.Contains(t, out, "Østergård-漢字")
	require.Equal(t, 2, hudictl("", "demo", dir).code, "a folder that is not empty is left alone")
}

// keysOf reads columns of a table's rows.
func keysOf(t *testing.T, uri string, columns ...string) []string {
	t.Helper()
	var out []string
	for _, row := range objects(t, ok(t, "", "query", uri, "--columns", strings.Join(columns, ","), "--output", "jsonl")) {
		var key []string
		for _, c := range columns {
			key = append(key, fmt.Sprint(row[c]))
		}
		out = append(out, strings.Join(key, " "))
	}
	return linesOf(strings.Join(out, "\n"))
}
