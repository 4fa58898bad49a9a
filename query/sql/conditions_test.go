//go:build cgo && (linux || darwin) && (amd64 || arm64)

package sql

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/query"
)

func openOne(t *testing.T, name, golden string) *DB {
	t.Helper()
	db, err := Open(Options{Memory: 64 << 20, SpillDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	tbl, err := hudi.Open(t.Context(), goldentest.Unpack(t, golden))
	require.NoError(t, err)
	require.NoError(t, db.Add(name, func(ctx context.Context) (*query.Plan, error) { return tbl.Query(ctx, query.Options{}) }))
	return db
}

// What a statement cannot need is not read: conditions over our scans reach them, for all the
// reads of a table in one statement.
func TestConditions(t *testing.T) {
	db := openOne(t, "r", "v9_all_types_mor")
	for statement, want := range map[string]string{
		"SELECT id FROM r WHERE i32 > 5":                                        `(("i32" > 5))`,
		"SELECT id FROM r WHERE 5 >= i32 AND txt = 'it''s'":                     `(("i32" <= 5) AND ("txt" = 'it''s'))`,
		"SELECT id FROM r WHERE day BETWEEN DATE '2020-01-01' AND '2020-02-01'": `(("day" >= DATE '2020-01-01' AND "day" <= DATE '2020-02-01'))`,
		"SELECT id FROM r WHERE d5 < 1.5":                                       `(("d5" < 1.50))`,
		`SELECT id FROM r WHERE "at" = TIMESTAMPTZ '2020-01-01 02:00:00+02'`:    `(("at" = TIMESTAMP '2020-01-01 00:00:00.000000'))`,
		"SELECT id FROM r WHERE f64 > 1":                                        "",
		"SELECT id FROM r WHERE i32 > i8":                                       "",
		"SELECT id FROM r WHERE i32 > 5 OR upper(txt) = 'A'":                    "",
		"SELECT count(*) FROM r":                                                "",
		"SELECT 1 FROM r x, r y WHERE x.i32 = 1 AND y.i64 = 2":                  `(("i32" = 1)) OR (("i64" = 2))`,
		"SELECT 1 FROM r x, r y WHERE x.i32 = 1":                                "",
	} {
		rows, err := db.Query(t.Context(), statement)
		require.NoError(t, err, statement)
		rows.Close()
		got := db.find(db.tables[0].scan).where
		if want == `(("i32" = 1)) OR (("i64" = 2))` && got == `(("i64" = 2)) OR (("i32" = 1))` {
			got = want // in whichever order DuckDB joins them
		}
		require.Equal(t, want, got, statement)
	}
}

// DuckDB reads what it can by itself.
func TestPlain(t *testing.T) {
	for golden, want := range map[string]struct{ plain, streamed bool }{
		"v9_cow_nonpart_crud":       {plain: true},
		"v9_cow_special_partitions": {plain: true},
		"v9_cow_clustering":         {plain: true},
		"v9_mor_avro_logs":          {plain: true, streamed: true}, // some slices have logs
		"v9_mor_inmemory_log_only":  {streamed: true},
		"v9_evolve_rename_drop":     {streamed: true},
	} {
		db := openOne(t, "r", golden)
		require.NoError(t, db.Prepare(t.Context()))
		s := db.find(db.tables[0].scan)
		require.Equal(t, want.plain, len(s.files) > 0, golden)
		require.Equal(t, want.streamed, len(s.plan.Tasks) > 0, golden)
	}
}

// A statement ends with its context, whether it computes or waits.
func TestCancel(t *testing.T) {
	db := openOne(t, "r", "v9_all_types_mor")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := db.Query(ctx, "SELECT a.i FROM range(1000000000) a(i), r")
	require.NoError(t, err)
	n := 0
	for _, err = range rows.Batches(ctx) {
		if n++; n == 3 {
			cancel()
		}
	}
	rows.Close()
	require.ErrorIs(t, err, context.Canceled)
	rows, err = db.Query(t.Context(), "SELECT count(*) FROM r")
	require.NoError(t, err, "the next statement runs")
	rows.Close()
}

func TestSplit(t *testing.T) {
	for text, want := range map[string]struct {
		statements []string
		done       bool
	}{
		"":                                 {nil, true},
		"SELECT 1":                         {[]string{"SELECT 1"}, false},
		"SELECT 1; SELECT ';' ; ":          {[]string{"SELECT 1", "SELECT ';'"}, true},
		"-- a;\nSELECT 1 /* ; */;":         {[]string{"-- a;\nSELECT 1 /* ; */"}, true},
		`SELECT "a;" FROM t; SELECT $$;$$`: {[]string{`SELECT "a;" FROM t`, "SELECT $$;$$"}, false},
		"SELECT 'open;":                    {[]string{"SELECT 'open;"}, false},
		"SELECT $1;":                       {[]string{"SELECT $1"}, true},
	} {
		statements, done := Split(text)
		require.Equal(t, want.statements, statements, text)
		require.Equal(t, want.done, done, text)
	}
}
