package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/query/sql"
)

// needSQL skips in builds without cgo, where the answer is always the same error.
func needSQL(t *testing.T) {
	t.Helper()
	if !sql.Available {
		r := hudictl("", "sql", "SELECT 1")
		require.Equal(t, 8, r.code)
		require.Contains(t, r.stderr, "built without cgo")
		t.Skip("built without cgo")
	}
}

func TestSQL(t *testing.T) {
	needSQL(t)
	uri := newTrips(t, "--type", "mor")
	ok(t, oslo+"\n"+rome+"\n", "commit", uri, "--input", "jsonl")
	ok(t, `{"id":1,"city":"Oslo","fare":"7.50","ts":2}`, "commit", uri, "--input", "jsonl")

	require.Equal(t, `{"city":"Oslo","sum(fare)":"7.50"}`+"\n",
		ok(t, "", "query", uri, "--sql", "SELECT city, sum(fare) FROM t WHERE id = 1 GROUP BY ALL"))
	require.Equal(t, `{"n":2}`+"\n", ok(t, "", "query", uri, "--sql", "SELECT count(*) n FROM trips"))
	require.Equal(t, `{"fare":"1.50"}`+"\n",
		ok(t, "", "query", uri, "--view", "read-optimized", "--sql", "SELECT fare FROM t WHERE city = 'Oslo'"))
	require.Equal(t, `{"k":"2"}`+"\n", ok(t, "", "query", uri, "--meta", "--sql", "SELECT _hoodie_record_key k FROM t WHERE id = 2"))

	require.Equal(t, "now,base\n7.50,1.50\n2.00,2.00\n",
		ok(t, "", "sql", "-t", "a="+uri, "-t", "b="+uri+"?view=read-optimized", "--output", "csv",
			"SELECT a.fare AS now, b.fare AS base FROM a JOIN b USING (id) ORDER BY id"))
	require.Equal(t, `{"x":1}`+"\n"+`{"n":2}`+"\n", ok(t, "SELECT 1 x; -- first;\nSELECT count(*) n FROM a", "sql", "-t", "a="+uri))

	r := hudictl("", "sql", "-t", "a="+uri, "SELECT fair FROM a")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, `Referenced column "fair" not found in FROM clause!; Candidate bindings: "fare"`)
	require.Equal(t, 2, hudictl("", "sql", "-t", "a="+uri).code)
}

// Tab completes what DuckDB knows of the tables, also in a statement of several lines.
func TestComplete(t *testing.T) {
	needSQL(t)
	uri := newTrips(t)
	a := &app{}
	newRoot(a)
	s, err := a.openSQL(1)
	require.NoError(t, err)
	defer s.close()
	require.NoError(t, s.addNamed(t.Context(), "trips="+uri, false))
	require.NoError(t, s.db.Prepare(t.Context()))
	head, words, tail := s.complete("", "SELECT * FROM tri", ";")
	require.Equal(t, "SELECT * FROM ", head)
	require.Contains(t, words, "trips")
	require.Equal(t, ";", tail)
	_, words, _ = s.complete("SELECT *\nFROM trips\n", "WHERE fa", "")
	require.Contains(t, words, "fare")
}
