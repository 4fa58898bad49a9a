package interop_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// evolution is rows of other columns than the table's, and the options under which they are written.
type evolution struct {
	name    string
	columns []string // of the rows: name, Spark's type, Avro's
	options map[string]string
	refused bool
}

var evolutionOf = map[string][2]string{
	"int": {"int", `["null","int"]`}, "long": {"long", `["null","long"]`}, "string": {"string", `["null","string"]`}, "double": {"double", `["null","double"]`},
}

// What real Hudi takes of rows that have other columns than the table, and what the table's columns are then: one table of ours,
// written to by both engines apart.
func TestEvolution(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	const (
		null = "hoodie.write.set.null.for.missing.columns"
		drop = "hoodie.datasource.write.schema.allow.auto.evolution.column.drop"
		mend = "hoodie.datasource.write.reconcile.schema"
		look = "hoodie.avro.schema.validate"
	)
	on := func(names ...string) map[string]string {
		out := map[string]string{}
		for _, name := range names {
			out[name] = "true"
		}
		return out
	}
	spark := interop.SharedSpark(t)
	for _, c := range []evolution{
		{name: "the same", columns: []string{"id long", "v string", "n int", "ts long"}},
		{name: "in another order", columns: []string{"ts long", "n int", "v string", "id long"}},
		{name: "one more", columns: []string{"id long", "v string", "n int", "ts long", "more string"}},
		{name: "one less", columns: []string{"id long", "v string", "ts long"}, refused: true},
		{name: "one less, null", columns: []string{"id long", "v string", "ts long"}, options: on(null)},
		{name: "one less, null, checked", columns: []string{"id long", "v string", "ts long"}, options: on(null, look), refused: true},
		{name: "one less, dropped", columns: []string{"id long", "v string", "ts long"}, options: on(drop)},
		{name: "one less, reconciled", columns: []string{"id long", "v string", "ts long"}, options: on(mend)},
		{name: "another", columns: []string{"id long", "v string", "ts long", "more string"}, refused: true},
		{name: "another, dropped", columns: []string{"id long", "v string", "ts long", "more string"}, options: on(drop)},
		{name: "wider", columns: []string{"id long", "v string", "n long", "ts long"}},
		{name: "narrower", columns: []string{"id long", "v string", "n int", "ts int"}},
		{name: "a fraction", columns: []string{"id long", "v string", "n double", "ts long"}},
		{name: "a number for a text", columns: []string{"id long", "v int", "n int", "ts long"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			dir := t.TempDir()
			first := ours{filepath.Join(dir, "ours"), manual(nil)}
			config := table.NewConfig("evolution")
			config.Keys, config.Ordering = []string{"id"}, []string{"ts"}
			first.create(t, config)
			first.write(t, hudi.Insert, evolutionSchema(t, []string{"id long", "v string", "n int", "ts long"}),
				[]map[string]any{{"id": 1, "v": "a", "n": 1, "ts": 1}, {"id": 2, "v": "b", "n": 2, "ts": 1}})
			second := ours{filepath.Join(dir, "spark"), manual(nil)}
			require.NoError(t, os.CopyFS(second.path, os.DirFS(first.path)))

			row := map[string]any{}
			var ddl []string
			for _, column := range c.columns {
				name, kind, _ := strings.Cut(column, " ")
				row[name] = 2
				if kind == "string" {
					row[name] = "two"
				}
				ddl = append(ddl, name+" "+evolutionOf[kind][0])
			}
			w := interop.Write{
				Path: second.path, Name: "evolution", Op: "upsert", Schema: strings.Join(ddl, ", "), Rows: []map[string]any{row}, Options: maps.Clone(c.options),
			}
			theirs := spark.Call(struct {
				Cmd string `json:"cmd"`
				interop.Write
			}{"write", w}, nil)
			maps.Copy(first.options, c.options)
			mine := first.tryWrite(t, evolutionSchema(t, c.columns), row)
			if c.refused {
				require.Error(t, theirs)
				require.ErrorIs(t, mine, hudi.ErrInvalid)
				return
			}
			require.NoError(t, theirs)
			require.NoError(t, mine)
			// Spark writes a whole number in a column of fractions with ".0".
			whole := func(rows []map[string]any) []string {
				out := lines(rows)
				for i := range out {
					out[i] = strings.ReplaceAll(out[i], ".0,", ",")
				}
				return out
			}
			a, b := spark.Read(t, interop.Read{Path: first.path, Encoding: interop.Contract}), spark.Read(t, interop.Read{Path: second.path, Encoding: interop.Contract})
			require.Equal(t, lines(b.Rows), lines(a.Rows), "Spark reads both alike")
			require.Equal(t, evolvedColumns(t, b), evolvedColumns(t, a))
			require.Equal(t, whole(b.Rows), whole(second.read(t, query.Options{})), "and so do we")
			require.Equal(t, whole(b.Rows), whole(first.read(t, query.Options{})))
		})
	}
}

func (o ours) tryWrite(t *testing.T, s *schema.Schema, row map[string]any) error {
	t.Helper()
	batches, err := rowsOf(t, s, row)
	require.NoError(t, err)
	_, err = o.open(t).Write(t.Context(), hudi.Upsert, hudi.Rows{Schema: s, Batches: batches}, hudi.WriteOptions{})
	return err
}

// evolutionSchema is the Avro schema of columns, each a name and a type.
func evolutionSchema(t *testing.T, columns []string) *schema.Schema {
	t.Helper()
	var fields []string
	for _, column := range columns {
		name, kind, _ := strings.Cut(column, " ")
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%s,"default":null}`, name, evolutionOf[kind][1]))
	}
	s, err := schema.Parse(`{"type":"record","name":"evolution_record","namespace":"hoodie.evolution","fields":[` + strings.Join(fields, ",") + `]}`)
	require.NoError(t, err)
	return s
}

// evolvedColumns are the columns that Spark sees, with their types.
func evolvedColumns(t *testing.T, r interop.Rows) []string {
	t.Helper()
	var s struct {
		Fields []struct {
			Name string `json:"name"`
			Type any    `json:"type"`
		} `json:"fields"`
	}
	require.NoError(t, json.Unmarshal(r.Schema, &s))
	var out []string
	for _, f := range s.Fields {
		out = append(out, fmt.Sprint(f.Name, " ", f.Type))
	}
	return out
}
