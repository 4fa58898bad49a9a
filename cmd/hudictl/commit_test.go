package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommitAndQuery(t *testing.T) {
	for _, kind := range []string{"cow", "mor"} {
		t.Run(kind, func(t *testing.T) {
			uri := newTrips(t, "--type", kind)
			first := strings.TrimSpace(ok(t, oslo+"\n"+rome+"\n", "commit", uri, "--op", "insert"))
			require.Len(t, first, 17, "the instant is all that commit prints")

			csv := write(t, "more.csv", "ts,id,city,fare\n2,1,Oslo,9\n2,3,Rome,\n")
			done := objects(t, ok(t, "", "commit", uri, csv, "--output", "json"))
			require.Len(t, done, 1)
			require.Greater(t, done[0]["completion"], done[0]["instant"])
			require.Equal(t, []any{1.0, 1.0, 0.0}, []any{done[0]["inserts"], done[0]["updates"], done[0]["deletes"]})

			osloNow := `{"id":1,"city":"Oslo","fare":"9.00","ts":2}`
			rome3 := `{"id":3,"city":"Rome","fare":null,"ts":2}`
			require.Equal(t, []string{osloNow, rome, rome3}, linesOf(ok(t, "", "query", uri)))
			require.Equal(t, []string{oslo, rome}, linesOf(ok(t, "", "query", uri, "--as-of", first)))
			require.Equal(t, []string{osloNow, rome3}, linesOf(ok(t, "", "query", uri, "--view", "incremental")))
			require.Equal(t, []string{osloNow, rome, rome3}, linesOf(ok(t, "", "query", uri, "--view", "incremental", "--begin", "000")))
			require.Equal(t, []string{`{"ts":2,"id":1}`}, linesOf(ok(t, "", "query", uri, "--where", "fare > 2", "--columns", "ts,id")))
			require.Len(t, linesOf(ok(t, "", "query", uri, "--limit", "2")), 2)

			ok(t, `{"id":2,"city":"Rome"}`, "commit", uri, "--op", "delete", "--input", "jsonl", "-")
			ok(t, `{"id":3,"city":"Rome","ts":3,"_hoodie_is_deleted":true}`, "commit", uri)
			require.Equal(t, []string{osloNow}, linesOf(ok(t, "", "query", uri)))
		})
	}
}

// A delete looks at the ordering column when the rows have it, and passes other columns by.
func TestCommitDelete(t *testing.T) {
	uri := newTrips(t)
	ok(t, `{"id":1,"city":"Oslo","ts":5}`, "commit", uri)
	ok(t, `{"id":1,"city":"Oslo","ts":4,"remark":"late"}`, "commit", uri, "--op", "delete")
	require.Len(t, linesOf(ok(t, "", "query", uri)), 1)
	ok(t, "city,id,ts\nOslo,1,6\n", "commit", uri, "--op", "delete", "--input", "csv")
	require.Empty(t, ok(t, "", "query", uri))
}

// Rows with some columns leave the others as they are; without --partial what a line lacks is null, and a file without a column refused.
func TestCommitPartial(t *testing.T) {
	for _, kind := range []string{"cow", "mor"} {
		t.Run(kind, func(t *testing.T) {
			uri := newTrips(t, "--type", kind)
			ok(t, `{"id":1,"city":"Oslo","fare":"2.50","ts":1}`, "commit", uri)
			ok(t, `{"id":1,"city":"Oslo","fare":"9.00","ts":2,"more":1}`, "commit", uri, "--partial", "id,city,fare", "-")
			require.Equal(t, []string{`{"id":1,"city":"Oslo","fare":"9.00","ts":1}`}, linesOf(ok(t, "", "query", uri)))
			some := write(t, "some.parquet", ok(t, "", "query", uri, "--columns", "id,city,ts", "--output", "parquet"))
			r := hudictl("", "commit", uri, some)
			require.NotZero(t, r.code, r.stderr)
			require.Contains(t, r.stderr, "fare")
			ok(t, "", "commit", uri, some, "--option", "hoodie.write.set.null.for.missing.columns=true")
			require.Equal(t, []string{`{"id":1,"city":"Oslo","fare":null,"ts":1}`}, linesOf(ok(t, "", "query", uri)))
			r = hudictl(`{"id":1}`, "commit", uri, "--partial", "id,nothing", "-")
			require.Contains(t, r.stderr, "nothing")
		})
	}
}

// Each output format that can be read again gives the same table.
func TestOutputsAreInputs(t *testing.T) {
	uri := newTrips(t)
	ok(t, oslo+"\n"+rome, "commit", uri)
	for _, format := range []string{"jsonl", "csv", "parquet", "arrow"} {
		t.Run(format, func(t *testing.T) {
			copied := newTrips(t, "--type", "mor")
			file := write(t, "rows."+format, ok(t, "", "query", uri, "--output", format))
			ok(t, "", "commit", copied, file, "--op", "bulk-insert")
			require.Equal(t, []string{oslo, rome}, linesOf(ok(t, "", "query", copied)))
		})
	}
	require.Equal(t, "id  city  fare  ts\n──  ────  ────  ──\n 1  Oslo  1.50   1\n(1 row)\n",
		ok(t, "", "query", uri, "--output", "table", "--where", "id = 1"))
}

func TestCommitSeveralFiles(t *testing.T) {
	uri := newTrips(t)
	csv := write(t, "b.csv", "id,city\n2,Rome\n")
	ok(t, `{"id":3,"city":"Rome"}`, "commit", uri, write(t, "a.jsonl", oslo), csv, "-")
	require.Len(t, linesOf(ok(t, "", "query", uri)), 3)
}

// A table without a schema takes that of its first rows.
func TestCommitWithoutSchema(t *testing.T) {
	uri := filepath.Join(t.TempDir(), "t")
	ok(t, "", "create", uri, "--name", "t", "--keys", "id", "--type", "mor", "--index", "bucket:2")
	ok(t, `{"id":"a","n":1,"list":[1.5]}`, "commit", uri, "--index", "bucket:2")
	ok(t, `{"id":"a","n":2}`, "commit", uri)
	require.Equal(t, `{"id":"a","n":2,"list":null}`+"\n", ok(t, "", "query", uri))
	require.Contains(t, ok(t, "", "query", uri, "--meta"), `"_hoodie_record_key":"a"`)
}

func TestCreateStoresOptions(t *testing.T) {
	uri := filepath.Join(t.TempDir(), "t")
	ok(t, "", "create", uri, "--name", "t", "--keys", "id", "--ordering", "ts", "--partition-by", "p", "--hive-style",
		"--option", "hoodie.record.merge.mode=COMMIT_TIME_ORDERING", "--option", "hoodie.table.cdc.enabled=false",
		"--option", "hoodie.record.merge.property.x=y,z")
	properties, err := os.ReadFile(filepath.Join(uri, ".hoodie", "hoodie.properties"))
	require.NoError(t, err)
	for _, line := range []string{
		"hoodie.record.merge.mode=COMMIT_TIME_ORDERING", "hoodie.table.ordering.fields=ts", "hoodie.record.merge.property.x=y,z",
		"hoodie.datasource.write.hive_style_partitioning=true", "hoodie.table.type=COPY_ON_WRITE",
	} {
		require.Contains(t, string(properties), line+"\n")
	}
	ok(t, `{"id":1,"ts":1,"p":"x"}`, "commit", uri)
	require.DirExists(t, filepath.Join(uri, "p=x"))
}

func TestUnknownOptionWarns(t *testing.T) {
	uri := newTrips(t)
	option := []string{"--option", "hoodie.compact.inlin=true"}
	r := hudictl(oslo, append([]string{"commit", uri}, option...)...)
	require.Equal(t, 0, r.code)
	require.Equal(t, "warning: option hoodie.compact.inlin is not known; did you mean hoodie.compact.inline?\n", r.stderr)
	ok(t, oslo, append([]string{"commit", uri, "--quiet"}, option...)...)
}
