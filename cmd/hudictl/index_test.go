package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t")
	ok(t, "", "create", dir, "--name", "t", "--keys", "id", "--partition-by", "p")
	ok(t, `{"id":1,"p":"a"}`, "commit", dir, "-", "--op", "upsert")
	require.Empty(t, ok(t, "", "index", "list", dir))
	require.Contains(t, ok(t, "", "index", "create", dir, "record-index", "--partitioned", "--file-groups", "2"), "has a record index")
	ok(t, `{"id":2,"p":"b"}`, "commit", dir, "-", "--op", "upsert")
	require.Empty(t, ok(t, "", "check", dir))
	found := objects(t, ok(t, "", "index", "list", dir))
	require.Len(t, found, 1)
	require.Equal(t, "record_index", found[0]["name"])
	require.Equal(t, true, found[0]["partitioned"])
	require.EqualValues(t, 3, found[0]["fileGroups"], "2, and 1 of the partition that came later")
	require.Contains(t, ok(t, "", "index", "list", dir, "--output", "table"), "keys of each partition")
	r := hudictl("", "index", "create", dir, "record_index")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "drop it first")
	require.Equal(t, 2, hudictl("", "index", "create", dir, "nosuch").code)
	require.Equal(t, 1, hudictl("", "index", "drop", dir, "column_stats").code)
	require.Contains(t, ok(t, "", "index", "drop", dir, "record_index"), "has no index")
	require.Empty(t, ok(t, "", "index", "list", dir))
	require.Equal(t, 2, hudictl("", "index", "nosuch").code)
}

func TestSecondaryIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t")
	ok(t, "", "create", dir, "--name", "t", "--keys", "id", "--table-version", "8")
	ok(t, `{"id":1,"s":"a","f":1.5}`+"\n"+`{"id":2,"s":"b","f":2}`, "commit", dir, "-", "--op", "insert")
	require.Contains(t, ok(t, "", "index", "create", dir, "secondary-index", "--columns", "s", "--file-groups", "2"), "has the index secondary_index_s")
	ok(t, "", "index", "create", dir, "secondary_index", "--columns", "id", "--name", "by_id")
	ok(t, `{"id":2,"s":"a","f":2}`, "commit", dir, "-", "--op", "upsert")
	require.Empty(t, ok(t, "", "check", dir))
	require.Len(t, objects(t, ok(t, "", "query", dir, "--where", "s = 'a'")), 2)
	require.Empty(t, ok(t, "", "query", dir, "--where", "s = 'b'"))
	found := objects(t, ok(t, "", "index", "list", dir))
	require.Len(t, found, 3)
	require.Equal(t, "secondary_index_by_id", found[1]["name"])
	require.Equal(t, []any{"s"}, found[2]["columns"])

	r := hudictl("", "index", "create", dir, "secondary_index", "--columns", "f")
	require.Equal(t, 8, r.code)
	require.Contains(t, r.stderr, "column f is no string, int or long")
	require.Equal(t, 1, hudictl("", "index", "create", dir, "secondary_index", "--columns", "s").code)
	require.Equal(t, 1, hudictl("", "index", "create", dir, "secondary_index", "--columns", "nosuch").code)
	require.Equal(t, 2, hudictl("", "index", "create", dir, "secondary_index").code)
	require.Equal(t, 2, hudictl("", "index", "create", dir, "secondary_index", "--columns", "id,s").code)
	require.Equal(t, 2, hudictl("", "index", "create", dir, "record_index", "--columns", "s").code)
	ok(t, "", "index", "drop", dir, "record_index")
	require.Empty(t, ok(t, "", "index", "list", dir), "secondary indexes find nothing without it")
}
