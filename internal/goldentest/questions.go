package goldentest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Question is a statement of SQL over golden tables.
type Question struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
	// InSpark is the statement for Spark SQL, where that is not SQL with names in backticks.
	InSpark string `json:"spark"`
}

// Spark is the statement in Spark's dialect.
func (q Question) Spark() string {
	if q.InSpark != "" {
		return q.InSpark
	}
	return strings.ReplaceAll(q.SQL, `"`, "`")
}

// Questions returns the statements of testdata/sql, and the golden tables by the names that
// they have there.
func Questions(t testing.TB) (list []Question, tables map[string]string) {
	t.Helper()
	var file struct {
		Tables  map[string]string `json:"tables"`
		Queries []Question        `json:"queries"`
	}
	data, err := os.ReadFile(filepath.Join(sqlDir(), "queries.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	return file.Queries, file.Tables
}

// sqlDir is the folder of the statements and of Spark's answers.
func sqlDir() string { return filepath.Join(Dir(), "..", "sql") }

// AnswersFile has Spark's answers: an object of the rows, one JSON object a line, by the
// question's name.
func AnswersFile() string { return filepath.Join(sqlDir(), "answers.json") }

// Answers are Spark's, as CanonicalRows has them.
func Answers(t testing.TB) map[string][]string {
	t.Helper()
	var out map[string][]string
	data, err := os.ReadFile(AnswersFile())
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

// CanonicalRows brings rows in jsonl to one form, sorted: numbers of equal value are written
// alike, the keys of objects are in order.
func CanonicalRows(t testing.TB, lines string) []string {
	t.Helper()
	out := []string{}
	d := json.NewDecoder(strings.NewReader(lines))
	d.UseNumber()
	for d.More() {
		var row any
		require.NoError(t, d.Decode(&row))
		text, err := json.Marshal(Canonical(row))
		require.NoError(t, err)
		out = append(out, string(text))
	}
	slices.Sort(out)
	return out
}

// Canonical brings a decoded value to one form in its place: numbers of equal value are written alike.
func Canonical(v any) any {
	switch v := v.(type) {
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return v
		}
		if f, err := v.Float64(); err == nil {
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	case []any:
		for i := range v {
			v[i] = Canonical(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = Canonical(v[k])
		}
	}
	return v
}
