package interop

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
)

// TestSQL asks Spark SQL and hudictl the statements of testdata/sql over the same golden
// tables. HUDI_GO_RECORD=1 puts Spark's answers into testdata/sql, for the tests
// without Java.
func TestSQL(t *testing.T) {
	spark := SharedSpark(t)
	questions, tables := goldentest.Questions(t)
	paths := map[string]string{}
	args := []string{"sql", "--meta", "--output", "jsonl"}
	for name, golden := range tables {
		paths[name] = goldentest.Unpack(t, golden)
		args = append(args, "-t", name+"="+paths[name])
	}
	answers := goldentest.Answers(t)
	for _, q := range questions {
		t.Run(q.Name, func(t *testing.T) {
			named := map[string]string{}
			for name, path := range paths {
				if regexp.MustCompile(`(FROM|JOIN) ` + name + `\b`).MatchString(q.SQL) {
					named[name] = path
				}
			}
			var rows struct {
				Rows []json.RawMessage `json:"rows"`
			}
			require.NoError(t, spark.Call(map[string]any{
				"cmd": "sql", "statement": q.Spark(), "tables": named, "options": map[string]string{}, "encoding": Contract,
			}, &rows))
			lines := ""
			for _, row := range rows.Rows {
				lines += string(row) + "\n"
			}
			want := goldentest.CanonicalRows(t, lines)
			answers[q.Name] = want
			got := RunHudictl(t, append(args, q.SQL)...)
			require.Equal(t, want, goldentest.CanonicalRows(t, got))
		})
	}
	if os.Getenv("HUDI_GO_RECORD") != "" {
		data, err := json.MarshalIndent(answers, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(goldentest.AnswersFile(), append(data, '\n'), 0o644))
	}
}
