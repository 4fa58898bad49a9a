package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
)

// Every file of the golden tables that is a table's is shown.
func TestInspectGolden(t *testing.T) {
	shown := map[string]int{}
	for _, name := range goldentest.Cases(t) {
		uri := goldentest.Unpack(t, name)
		require.NoError(t, filepath.WalkDir(uri, func(file string, d fs.DirEntry, err error) error {
			base := d.Name()
			if err != nil || d.IsDir() || strings.HasSuffix(base, ".crc") || strings.Contains(base, ".schemacommit.") { // empty
				return err
			}
			kind := ""
			switch {
			case strings.Contains(base, ".log."), strings.Contains(base, "_.archive."):
				kind = "log"
			case strings.HasSuffix(base, ".parquet"):
				kind = "parquet"
			case strings.HasSuffix(base, ".hfile"):
				kind = "hfile"
			case base == "hoodie.properties", base == ".hoodie_partition_metadata":
				kind = "properties"
			case strings.HasPrefix(base, "manifest_"):
				kind = "manifest"
			case len(base) > 17 && strings.Trim(base[:17], "0123456789") == "":
				kind = "instant"
			default:
				return nil
			}
			shown[kind]++
			require.NotEmpty(t, objects(t, ok(t, "", "inspect", file)), file)
			if kind == "log" || kind == "parquet" || kind == "hfile" {
				ok(t, "", "inspect", "--rows", file)
			}
			return nil
		}))
	}
	for _, kind := range []string{"log", "parquet", "hfile", "properties", "instant"} {
		require.Greater(t, shown[kind], 10, "%v", shown)
	}
}

// The records of a metadata table are shown with all that they have, in base and log files.
func TestInspectMetadata(t *testing.T) {
	dir := filepath.Join(goldentest.Unpack(t, "v9_mdt_full"), ".hoodie", "metadata")
	file := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		return found[0]
	}
	about := objects(t, ok(t, "", "inspect", file("files/*.hfile")))[0]
	require.Equal(t, []any{"gzip", "__all_partitions__"}, []any{about["compression"], about["firstKey"]})
	require.Equal(t, "HoodieMetadataRecord", about["schema"].(map[string]any)["name"])
	require.Equal(t, 1.0, about["info"].(map[string]any)["KEY_VALUE_VERSION"])
	require.NotEmpty(t, about["lastKey"])
	parts := objects(t, ok(t, "", "inspect", "--rows", file("files/.*_20261123085618806.log.*")))[0]
	require.Equal(t, "__all_partitions__", parts["key"])
	require.Contains(t, parts["record"].(map[string]any)["filesystemMetadata"], "region=eu")
	stats, values := file("column_stats/.*_20261123085533356.log.*"), 0
	for _, e := range objects(t, ok(t, "", "inspect", "--rows", stats)) {
		of := e["record"].(map[string]any)["ColumnStatsMetadata"].(map[string]any)
		if value, has := of["minValue"].(map[string]any); has {
			require.Len(t, value, 1, "the kind of value is told")
			values++
		}
	}
	require.NotZero(t, values)
	block := objects(t, ok(t, "", "inspect", stats))[0]
	require.Equal(t, "hfile data", block["type"])
	require.Positive(t, block["records"])
}

func TestInspect(t *testing.T) {
	uri := newTrips(t, "--type", "mor")
	ok(t, oslo+"\n"+rome, "commit", uri, "--op", "insert")
	ok(t, `{"id":1,"city":"Oslo","fare":"3.00","ts":5}`, "commit", uri)
	ok(t, `{"id":1,"city":"Oslo","ts":7}`, "commit", uri, "--op", "delete")
	bases, err := filepath.Glob(filepath.Join(uri, "Oslo", "*.parquet"))
	require.NoError(t, err)
	require.Len(t, bases, 1)
	footer := objects(t, ok(t, "", "inspect", bases[0]))[0]
	require.Equal(t, []any{1.0, "1", "1", "DYNAMIC_V0"}, []any{footer["rows"], footer["minRecordKey"], footer["maxRecordKey"], footer["bloomFilter"]})
	rows := objects(t, ok(t, "", "inspect", "--rows", bases[0]))
	require.Equal(t, "1.50", rows[0]["fare"])
	logs, err := filepath.Glob(filepath.Join(uri, "Oslo", ".*.log.*"))
	require.NoError(t, err)
	require.Len(t, logs, 2)
	block := objects(t, ok(t, "", "inspect", logs[0]))[0]
	require.Equal(t, []any{"avro data", 1.0}, []any{block["type"], block["records"]})
	require.Equal(t, "3.00", objects(t, ok(t, "", "inspect", "--rows", logs[0]))[0]["fare"])
	require.Equal(t, map[string]any{"delete": "1", "ordering": 7.0}, objects(t, ok(t, "", "inspect", "--rows", logs[1]))[0])

	r := hudictl("", "inspect", write(t, "x.txt", "?"))
	require.Equal(t, 8, r.code)
	require.Len(t, linesOf(r.stderr), 1)

	s := objects(t, ok(t, "", "stats", uri, "--rows"))[0]
	require.Equal(t, []any{2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 0.0}, []any{s["partitions"], s["fileGroups"], s["baseFiles"], s["logFiles"], s["baseRows"], s["instants"], s["olderFiles"]})
	require.Contains(t, ok(t, "", "stats", uri, "--output", "table"), "2 files")
}
