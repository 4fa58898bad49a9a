package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
)

// query --explain says what is passed over by partition and by row group, and that logs forbid the latter.
func TestExplain(t *testing.T) {
	uri := t.TempDir() + "/events"
	ok(t, "", "create", uri, "--name", "events", "--type", "mor", "--keys", "id", "--partition-by", "day", "--schema",
		write(t, "s.avsc", `{"type":"record","name":"e","fields":[{"name":"id","type":"long"},{"name":"day","type":"string"},{"name":"n","type":"long"}]}`))
	var rows strings.Builder
	for i := range 20 {
		fmt.Fprintf(&rows, `{"id":%d,"day":"d%d","n":%d}`+"\n", i, i%2, i)
	}
	ok(t, rows.String(), "commit", uri, "--op", "insert", "--input", "jsonl", "-")
	explain := func(where string) []map[string]any {
		return objects(t, ok(t, "", "query", uri, "--explain", "--columns", "id", "--where", where))
	}
	seen := explain("day = 'd1' AND n > 100")
	require.Len(t, seen, 2)
	require.Equal(t, "d0", seen[0]["partition"])
	require.Contains(t, seen[0]["reason"], "partition")
	require.NotContains(t, seen[0], "fileId")
	require.Equal(t, "d1", seen[1]["partition"])
	require.EqualValues(t, 10, seen[1]["rows"])
	require.EqualValues(t, 0, seen[1]["keptRows"])
	require.EqualValues(t, 0, seen[1]["bytes"])

	some := explain("n >= 19")
	require.EqualValues(t, 0, some[0]["keptRowGroups"], "even numbers end at 18")
	require.EqualValues(t, 1, some[1]["keptRowGroups"])
	require.Positive(t, some[1]["bytes"])

	ok(t, `{"id":0,"day":"d0","n":500}`, "commit", uri, "--op", "upsert", "--input", "jsonl", "-")
	logs := explain("n >= 19")
	require.Len(t, logs[0]["logFiles"], 1)
	require.EqualValues(t, 1, logs[0]["keptRowGroups"])
	require.Contains(t, logs[0]["reason"], "log files")
	require.Len(t, objects(t, ok(t, "", "query", uri, "--where", "n >= 19")), 2)

	text := ok(t, "", "query", uri, "--explain", "--output", "table", "--where", "day = 'd1'")
	require.Contains(t, text, "1 file slice, 10 of 10 rows in base files")
	require.Contains(t, text, "1 partition and 0 other slices passed over")
}

// query --explain names the index that has passed a partition or a file slice over.
func TestExplainIndexes(t *testing.T) {
	uri := goldentest.Unpack(t, "v9_mdt_secondary_cow")
	explain := func(where string, more ...string) []map[string]any {
		return objects(t, ok(t, "", append([]string{"query", uri, "--explain", "--where", where}, more...)...))
	}
	seen := explain("id = 'o004'")
	require.Len(t, seen, 3)
	for _, line := range seen[:2] {
		require.Equal(t, true, line["skipped"])
		require.Equal(t, "record_index: has no row of the condition there", line["reason"])
		require.NotContains(t, line, "fileId")
	}
	require.NotContains(t, seen[2], "skipped")
	require.Contains(t, seen[2], "fileId")

	old := explain("ts > 1700000000", "--as-of", "20261123095529852")
	require.Len(t, old, 3)
	for _, line := range old {
		require.Equal(t, true, line["skipped"])
		require.Equal(t, "column_stats: no row meets the condition", line["reason"])
		require.NotEmpty(t, line["fileId"])
	}
	text := ok(t, "", "query", uri, "--explain", "--output", "table", "--where", "customer = 'customer-2'")
	require.Contains(t, text, "secondary_index_by_customer: has no row of the condition there")
}
