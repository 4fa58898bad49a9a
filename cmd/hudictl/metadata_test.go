package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
)

func TestMetadata(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t")
	ok(t, "", "create", dir, "--name", "t", "--keys", "id")
	ok(t, `{"id":1,"v":"a"}`, "commit", dir, "-", "--op", "upsert")
	require.NoDirExists(t, filepath.Join(dir, ".hoodie", "metadata"))
	require.Contains(t, ok(t, "", "metadata", "init", dir), "has a metadata table")
	ok(t, `{"id":2,"v":"b"}`, "commit", dir, "-", "--op", "upsert")
	require.Empty(t, ok(t, "", "metadata", "check", dir))
	require.Len(t, objects(t, ok(t, "", "query", dir, "--output", "jsonl")), 2)
	r := hudictl("", "metadata", "init", dir)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "drop it first")
	require.Contains(t, ok(t, "", "metadata", "drop", dir), "has no metadata table")
	require.NoDirExists(t, filepath.Join(dir, ".hoodie", "metadata"))
	require.Len(t, objects(t, ok(t, "", "query", dir, "--output", "jsonl")), 2)
	require.Equal(t, 2, hudictl("", "metadata", "nosuch").code)

	stats := filepath.Join(t.TempDir(), "t")
	ok(t, "", "create", stats, "--name", "t", "--keys", "id", "--option", "hoodie.metadata.enable=true", "--option", "hoodie.metadata.index.column.stats.enable=true")
	ok(t, `{"id":1,"v":"a"}`, "commit", stats, "-", "--op", "upsert")
	require.DirExists(t, filepath.Join(stats, ".hoodie", "metadata", "column_stats"))
	require.Empty(t, ok(t, "", "metadata", "check", stats))
}

// A metadata table of Spark's with all indexes of files and the record index is kept in step, and can be dropped and made anew.
func TestMetadataOfSparks(t *testing.T) {
	dir := goldentest.Unpack(t, "v9_mdt_full")
	ok(t, `{"id":"1001","region":"eu","ts":1}`, "commit", dir, "-", "--op", "upsert")
	require.Empty(t, ok(t, "", "check", dir))
	ok(t, "", "metadata", "drop", dir)
	ok(t, "", "metadata", "init", dir)
	require.Empty(t, ok(t, "", "check", dir))
	ok(t, `{"id":"1000","region":"eu","ts":1}`, "commit", dir, "-", "--op", "upsert")
	require.Empty(t, ok(t, "", "check", dir))

	// One with an index of an expression stops writes. Without it a secondary index of Spark's is kept in step.
	dir = goldentest.Unpack(t, "v9_mdt_secondary_cow")
	r := hudictl(`{"id":"o1000"}`, "commit", dir, "-", "--op", "delete")
	require.Equal(t, 8, r.code, r.stderr)
	require.Contains(t, r.stderr, "expr_index_by_day")
	ok(t, "", "index", "drop", dir, "expr_index_by_day")
	ok(t, `{"id":"o002","region":"apac"}`, "commit", dir, "-", "--op", "delete")
	ok(t, "", "update", dir, "--set", "customer = 'customer-9'", "--where", "id = 'o005'")
	require.Contains(t, ok(t, "", "index", "list", dir), "secondary_index_by_customer")
	require.Empty(t, ok(t, "", "check", dir))
	require.NotContains(t, ok(t, "", "query", dir, "--where", "customer = 'customer-0'"), "o005")
	require.Contains(t, ok(t, "", "query", dir, "--where", "customer = 'customer-9'"), "o005")
	require.NotContains(t, ok(t, "", "query", dir), "o002")
}
