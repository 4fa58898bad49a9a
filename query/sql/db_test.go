//go:build cgo && (linux || darwin) && (amd64 || arm64)

package sql_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/query/sql"
)

// open opens a DuckDB whose Arrow memory is checked at the end.
func open(t *testing.T) *sql.DB {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	db, err := sql.Open(sql.Options{Memory: 128 << 20, SpillDir: t.TempDir(), Alloc: alloc})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, db.Close())
		alloc.AssertSize(t, 0)
	})
	return db
}

// planner plans snapshots of a table.
func planner(t *hudi.Table, o query.Options) sql.Table {
	return func(ctx context.Context) (*query.Plan, error) { return t.Query(ctx, o) }
}

// answer runs a statement and returns its rows as JSON, sorted.
func answer(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	lines, err := ask(t.Context(), db, statement)
	require.NoError(t, err, statement)
	return lines
}

func ask(ctx context.Context, db *sql.DB, statement string) ([]string, error) {
	rows, err := db.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out bytes.Buffer
	w, err := rowio.NewWriter(&out, rowio.JSONL, rows.Schema(), rowio.WriteOptions{})
	if err != nil {
		return nil, err
	}
	for batch, err := range rows.Batches(ctx) {
		if err != nil {
			return nil, err
		}
		if err := w.Write(batch); err != nil {
			return nil, err
		}
	}
	return sorted(out.String()), w.Close()
}

func sorted(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// direct is what our own readers give, as JSON, sorted.
func direct(t *testing.T, tbl *hudi.Table, o query.Options) ([]string, error) {
	t.Helper()
	plan, err := tbl.Query(t.Context(), o)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := rowio.NewWriter(&out, rowio.JSONL, plan.Schema, rowio.WriteOptions{})
	require.NoError(t, err)
	for batch, err := range plan.Rows(t.Context()) {
		if err != nil {
			return nil, err
		}
		require.NoError(t, w.Write(batch))
	}
	require.NoError(t, w.Close())
	return sorted(out.String()), nil
}

// TestGolden reads every golden table through SQL: the rows are those of our readers, which
// the engine's own answers judge, whether DuckDB reads the files itself or gets them from us.
func TestGolden(t *testing.T) {
	db := open(t)
	for _, name := range goldentest.Cases(t) {
		t.Run(name, func(t *testing.T) {
			local, err := hudi.Open(t.Context(), goldentest.Unpack(t, name))
			require.NoError(t, err)
			streamed, err := hudi.OpenStore(t.Context(), goldentest.Store(t, name))
			require.NoError(t, err)
			for _, o := range []query.Options{{Meta: true}, {View: query.ReadOptimized}} {
				require.NoError(t, db.Add("local", planner(local, o)))
				require.NoError(t, db.Add("streamed", planner(streamed, o)))
				want, err := direct(t, local, o)
				if errors.Is(err, base.ErrUnsupported) {
					_, got := ask(t.Context(), db, "SELECT * FROM local")
					require.Error(t, got)
					return
				}
				require.NoError(t, err)
				require.Equal(t, want, answer(t, db, "SELECT * FROM local"))
				require.Equal(t, want, answer(t, db, "SELECT * FROM streamed"))
			}
		})
	}
}

// openGolden opens the golden tables of the statements of testdata/sql, with meta columns.
func openGolden(t *testing.T) (*sql.DB, []goldentest.Question) {
	t.Helper()
	db := open(t)
	questions, tables := goldentest.Questions(t)
	for name, golden := range tables {
		tbl, err := hudi.Open(t.Context(), goldentest.Unpack(t, golden))
		require.NoError(t, err)
		require.NoError(t, db.Add(name, planner(tbl, query.Options{Meta: true})))
	}
	return db, questions
}

// TestSpark compares the answers with those that Spark SQL gave (interop.TestSQL).
func TestSpark(t *testing.T) {
	db, questions := openGolden(t)
	answers := goldentest.Answers(t)
	for _, q := range questions {
		t.Run(q.Name, func(t *testing.T) {
			want, ok := answers[q.Name]
			require.True(t, ok, "no answer is recorded")
			rows := answer(t, db, q.SQL)
			require.Equal(t, want, goldentest.CanonicalRows(t, strings.Join(rows, "\n")))
		})
	}
}

// Every statement sees the table as it is when it begins.
func TestStatementsSeeCommits(t *testing.T) {
	st := goldentest.Store(t, "v9_cow_nonpart_crud")
	tab, err := hudi.OpenStore(t.Context(), st)
	require.NoError(t, err)
	db := open(t)
	require.NoError(t, db.Add("r", planner(tab, query.Options{})))
	require.NoError(t, db.Prepare(t.Context()))
	_ = answer(t, db, "CREATE VIEW v AS SELECT id FROM r")
	before := answer(t, db, "SELECT id FROM v")
	require.Len(t, answer(t, db, "SELECT * FROM r"), len(before))
	s, err := tab.Schema(t.Context())
	require.NoError(t, err)
	row := `{"id":"new","customer":"c","amount":1,"ts":1,"region":"eu"}`
	_, rows, err := rowio.Read(t.Context(), strings.NewReader(row), rowio.JSONL, rowio.ReadOptions{Schema: s, Alloc: memory.DefaultAllocator})
	require.NoError(t, err)
	_, err = tab.Write(t.Context(), hudi.Insert, hudi.Rows{Schema: s, Batches: rows}, hudi.WriteOptions{})
	require.NoError(t, err)
	require.Len(t, answer(t, db, "SELECT * FROM r"), len(before)+1)
	require.Len(t, answer(t, db, "SELECT id FROM v"), len(before)+1)
}
