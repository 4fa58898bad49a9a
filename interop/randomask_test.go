package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/query/sql"
)

// question is asked of Spark and of us.
type question struct {
	name   string
	ours   query.Options
	theirs interop.Read
	begin  string // of a range
	// atHudi120 is theirs for Hudi 1.2.0
	atHudi120 interop.Read
}

// questions are all that a table is asked.
func (r *randomRun) questions() []question {
	read := interop.Read{Path: r.ours.path, Meta: true, Encoding: interop.Contract}
	read.Options = map[string]string{}
	if r.table.Metadata {
		read.Options["hoodie.metadata.enable"] = "true"
	}
	if r.table.OnRead {
		read.Options["hoodie.schema.on.read.enable"] = "true"
	}
	whole := query.Options{Meta: true}
	out := []question{{name: "snapshot", ours: whole, theirs: read}}
	for _, condition := range r.table.Conditions {
		ours, theirs := whole, read
		ours.Where, theirs.Where = condition, condition
		out = append(out, question{name: "snapshot where " + condition, ours: ours, theirs: theirs})
	}
	if r.table.Kind == interop.MOR {
		out = append(out, question{name: "read optimized", ours: query.Options{Meta: true, View: query.ReadOptimized}, theirs: read.ReadOptimized()})
	}
	for _, i := range r.writes {
		out = append(out, question{name: "as of " + i.requested, ours: query.Options{Meta: true, AsOf: i.requested}, theirs: read.AsOf(i.requested)})
	}
	for _, bounds := range r.ranges() {
		theirs := read.Incremental(bounds[0], bounds[1])
		newer := theirs
		if r.spark.Release == interop.Hudi102 {
			theirs = theirs.FromInclusive()
		}
		ours := query.Options{Meta: true, View: query.Incremental, Begin: bounds[0], End: bounds[1]}
		name := fmt.Sprintf("(%s, %s]", bounds[0], bounds[1])
		if !r.table.Partial { // else 1.2.0 reads foreign memory, and may die
			out = append(out, question{"incremental " + name, ours, theirs, bounds[0], newer})
			if r.table.CDC {
				ours.View, ours.Meta = query.CDC, false
				out = append(out, question{"cdc " + name, ours, theirs.Changes(), bounds[0], newer.Changes()})
			}
		}
	}
	for i, q := range out {
		if q.begin == "" {
			out[i].atHudi120 = q.theirs
		}
	}
	return out
}

// ranges are from each write to the next, from the start to one in the middle, and all.
func (r *randomRun) ranges() [][2]string {
	var bounds []string
	for _, i := range r.completed() {
		bounds = append(bounds, r.bound(i))
	}
	slices.Sort(bounds)
	out := [][2]string{{"000", ""}}
	begin := "000"
	for i, end := range bounds {
		out = append(out, [2]string{begin, end})
		if begin = end; i > 0 && i == len(bounds)/2 {
			out = append(out, [2]string{"000", end})
		}
	}
	return out
}

// ask compares all answers.
func (r *randomRun) ask() {
	r.t.Helper()
	questions := r.questions()
	reads := make([]interop.Read, len(questions))
	for i, q := range questions {
		reads[i] = q.theirs
	}
	differences := 0
	known := map[string]int{}
	for i, answer := range r.spark.Reads(r.t, reads) {
		q := questions[i]
		mine, err := r.ours.tryRead(r.t, q.ours)
		report := r.compare(q, answer, mine, err)
		if report == "" {
			continue
		}
		if why := r.known(q, answer, mine, err); why != "" {
			known[why]++
			continue
		}
		if differences++; differences <= 3 {
			r.t.Errorf("%s:\n%s", q.name, report)
		} else {
			r.t.Errorf("%s: %.150s", q.name, report)
		}
	}
	differences += r.askSQL(known)
	r.t.Logf("%d steps, of which Spark failed at %d; %d questions, %d differences; known: %v",
		len(r.table.Steps), r.failed, len(questions)+len(r.table.Statements), differences, known)
}

// askSQL asks statements of Spark SQL and of our DuckDB, and counts the differences.
func (r *randomRun) askSQL(known map[string]int) int {
	r.t.Helper()
	db, err := sql.Open(sql.Options{Memory: 256 << 20})
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, db.Close()) }()
	require.NoError(r.t, db.Add(r.name(), func(ctx context.Context) (*query.Plan, error) {
		return r.ours.open(r.t).Query(ctx, query.Options{})
	}))
	differences := 0
	for _, statement := range r.table.Statements {
		statement = strings.ReplaceAll(statement, "{table}", r.name())
		theirs, problem := r.sparkSQL(r.spark, statement)
		rows, err := sqlRows(r.t, db, statement)
		mine := r.canonical(rows)
		report := difference("Spark", theirs, "ours", mine)
		if problem != nil || err != nil {
			report = fmt.Sprintf("  Spark: %v\n  we: %v", problem, err)
		}
		if report == "" {
			continue
		}
		if problem != nil && errors.Is(err, sql.ErrStatement) { // a column that no write has brought
			known["refused by both"]++
			continue
		}
		if why := r.knownSQL(statement, problem, mine); why != "" && err == nil {
			known[why]++
			continue
		}
		differences++
		r.t.Errorf("%s:\n%s", statement, first(report, 6))
	}
	return differences
}

func (r *randomRun) sparkSQL(spark *interop.Spark, statement string) ([]string, error) {
	options := map[string]string{}
	if r.table.OnRead {
		options["hoodie.schema.on.read.enable"] = "true"
	}
	var rows interop.Rows
	err := spark.Call(map[string]any{"cmd": "sql", "statement": statement, "tables": map[string]string{r.name(): r.ours.path},
		"options": options, "encoding": interop.Contract}, &rows)
	return r.canonical(rows.Rows), err
}

func sqlRows(t testing.TB, db *sql.DB, statement string) ([]map[string]any, error) {
	t.Helper()
	rows, err := db.Query(t.Context(), statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out bytes.Buffer
	w, err := rowio.NewWriter(&out, rowio.JSONL, rows.Schema(), rowio.WriteOptions{Alloc: memory.DefaultAllocator})
	require.NoError(t, err)
	for batch, err := range rows.Batches(t.Context()) {
		if err != nil {
			return nil, err
		}
		require.NoError(t, w.Write(batch))
	}
	require.NoError(t, w.Close())
	return interop.ReadJSONL(&out)
}

// compare tells how our answer differs from Spark's, "" not at all.
func (r *randomRun) compare(q question, theirs interop.Answer, mine []map[string]any, err error) string {
	switch {
	case theirs.Problem != nil:
		return fmt.Sprintf("  Spark: %s\n  we: %d rows, %v\n", theirs.Problem.Text, len(mine), err)
	case err != nil:
		return fmt.Sprintf("  we: %v\n  Spark has %d rows\n", err, len(theirs.Rows.Rows))
	}
	canonical := r.canonical
	if q.ours.View == query.CDC {
		canonical = r.canonicalChanges
	}
	return first(difference("Spark", canonical(theirs.Rows.Rows), "ours", canonical(mine)), 6)
}

// first are the first lines of a text.
func first(text string, n int) string {
	lines := strings.SplitAfterN(text, "\n", n+1)
	if len(lines) <= n {
		return text
	}
	return strings.Join(lines[:n], "") + fmt.Sprintf("  and %d more\n", strings.Count(lines[n], "\n"))
}

// canonical are rows in one form, as sorted lines: numbers that are equal look alike, and values of partition columns are texts without
// escapes, as Spark takes them from folders' names.
func (r *randomRun) canonical(rows []map[string]any) []string { return lines(r.canonicalRows(rows)) }

func (r *randomRun) canonicalRows(rows []map[string]any) []map[string]any {
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		row = maps.Clone(row)
		delete(row, "_hoodie_commit_seqno")
		delete(row, "_hoodie_file_name")
		for name, value := range row {
			row[name] = goldentest.Canonical(value)
		}
		out[i] = r.folders(row)
	}
	return out
}

// folders gives partition columns the form that they have in folders' names; times in them are no values any more.
func (r *randomRun) folders(row map[string]any) map[string]any {
	for _, name := range r.table.PartitionBy {
		if name == "at" {
			delete(row, name)
		} else if _, is := row[name]; is {
			row[name] = folderText(row[name])
		}
	}
	return row
}

// canonicalChanges are rows of the CDC view in one form: Spark's images are texts, some with meta columns and some without the columns that
// are null, and have bytes, decimals and times as Avro has them.
func (r *randomRun) canonicalChanges(rows []map[string]any) []string {
	comparable := map[string]bool{}
	for _, c := range r.table.Columns {
		comparable[c.Name] = slices.Contains([]string{"boolean", "int", "bigint", "string", "double"}, c.Type.DDL)
	}
	image := func(v any) any {
		if text, is := v.(string); is {
			row, err := interop.DecodeRow([]byte(text))
			if err != nil {
				return text
			}
			v = row
		}
		row, _ := v.(map[string]any)
		if row == nil {
			return nil
		}
		out := map[string]any{}
		for name, value := range row {
			if comparable[name] && value != nil {
				out[name] = goldentest.Canonical(value)
			}
		}
		return r.folders(out)
	}
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		at := row["ts"]
		if ms, is := row["ts_ms"]; is {
			at = ms
		}
		out[i] = map[string]any{"op": row["op"], "ts": at, "before": image(row["before"]), "after": image(row["after"])}
	}
	return lines(out)
}

// folderText is the value of a partition column as text; the empty text is null.
func folderText(v any) any {
	if v == nil || v == "" {
		return nil
	}
	folder := fmt.Sprint(v)
	if text, err := url.PathUnescape(folder); err == nil {
		return text
	}
	return folder
}
