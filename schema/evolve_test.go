package schema

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestEvolveAsRealHudi(t *testing.T) {
	before := mustParse(t, testdata(t, "v9_evolve_add_promote_mor.before.avsc"))
	after := mustParse(t, testdata(t, "v9_evolve_add_promote_mor.after.avsc"))
	got, err := Evolve(before, after)
	require.NoError(t, err)
	require.Equal(t, after.Avro(), got.Avro())

	got, err = Evolve(after, before) // narrower rows
	require.NoError(t, err)
	require.Same(t, after, got)

	got, err = Evolve(before.WithMeta(), after.WithMeta())
	require.NoError(t, err)
	require.Equal(t, after.WithMeta().Avro(), got.Avro())
	got, err = Evolve(before, after.WithMeta())
	require.NoError(t, err)
	require.Equal(t, after.Avro(), got.Avro())
}

func TestEvolveTypes(t *testing.T) {
	decimal := func(p, s string) string {
		return `{"type":"bytes","logicalType":"decimal","precision":` + p + `,"scale":` + s + `}`
	}
	logical := func(kind, l string) string { return `{"type":"` + kind + `","logicalType":"` + l + `"}` }
	fixed := func(n, more string) string { return `{"type":"fixed","name":"f","size":` + n + more + `}` }
	enum := func(s string) string { return `{"type":"enum","name":"e","symbols":[` + s + `]}` }
	list := func(s string) string { return `{"type":"array","items":` + s + `}` }
	nested := func(s string) string { return `{"type":"record","name":"s","fields":[` + s + `]}` }
	const refused = ""
	for _, c := range []struct{ table, incoming, want string }{
		{`"int"`, `"int"`, `"int"`},
		{`"int"`, `"long"`, `"long"`},
		{`"int"`, `"double"`, `"double"`},
		{`"long"`, `"float"`, `"float"`},
		{`"float"`, `"double"`, `"double"`},
		{`"double"`, `"int"`, `"double"`},
		{`"long"`, `"int"`, `"long"`},
		{`["null","int"]`, `"long"`, `["null","long"]`},
		{`["int","null"]`, `["null","long"]`, `["long","null"]`},
		{`"int"`, `["null","int"]`, `"int"`},
		{`"string"`, `"int"`, `"string"`},
		{`"string"`, `"double"`, `"string"`},
		{`"string"`, `"bytes"`, `"string"`},
		{`"bytes"`, `"string"`, `"bytes"`},
		{`"string"`, logical("int", "date"), `"string"`},
		{`"string"`, decimal("5", "2"), `"string"`},
		{`"string"`, enum(`"A"`), `"string"`},
		{`"string"`, logical("string", "uuid"), `"string"`},
		{`"string"`, `"boolean"`, refused},
		{`"string"`, logical("long", "timestamp-micros"), refused},
		{`"int"`, `"string"`, refused},
		{`"int"`, `"boolean"`, refused},
		{`"int"`, logical("int", "date"), refused},
		{logical("int", "date"), `"long"`, refused},
		{logical("int", "date"), `"int"`, refused},
		{logical("int", "date"), logical("int", "date"), logical("int", "date")},
		{logical("long", "timestamp-micros"), logical("long", "timestamp-millis"), logical("long", "timestamp-micros")},
		{logical("long", "timestamp-millis"), logical("long", "timestamp-micros"), refused},
		{logical("long", "timestamp-micros"), logical("long", "local-timestamp-micros"), refused},
		{logical("long", "local-timestamp-micros"), logical("long", "local-timestamp-millis"), logical("long", "local-timestamp-micros")},
		{logical("long", "time-micros"), logical("int", "time-millis"), logical("long", "time-micros")},
		{logical("string", "uuid"), `"string"`, logical("string", "uuid")},
		{fixed("16", `,"logicalType":"uuid"`), fixed("16", ""), fixed("16", `,"logicalType":"uuid"`)},
		{fixed("16", ""), fixed("16", `,"logicalType":"uuid"`), fixed("16", "")},
		{fixed("4", ""), fixed("5", ""), refused},
		{enum(`"A","B"`), enum(`"B"`), enum(`"A","B"`)},
		{enum(`"A","B"`), `"string"`, enum(`"A","B"`)},
		{enum(`"A"`), enum(`"B"`), refused},
		{decimal("10", "2"), decimal("8", "2"), decimal("10", "2")},
		{decimal("10", "2"), fixed("3", `,"logicalType":"decimal","precision":5,"scale":2`), decimal("10", "2")},
		{decimal("10", "2"), decimal("10", "3"), refused},
		{decimal("10", "2"), decimal("11", "2"), refused},
		{decimal("12", "2"), `"int"`, decimal("12", "2")},
		{decimal("11", "2"), `"int"`, refused},
		{decimal("21", "2"), `"long"`, decimal("21", "2")},
		{decimal("21", "2"), `"double"`, refused},
		{list(`"int"`), list(`["null","long"]`), list(`"long"`)},
		{list(`"int"`), `"int"`, refused},
		{list(`"int"`), `{"type":"map","values":"int"}`, refused},
		{`{"type":"map","values":"int"}`, `{"type":"map","values":"double"}`, `{"type":"map","values":"double"}`},
		{nested(`{"name":"x","type":"int"}`), nested(`{"name":"y","type":["null","int"]},{"name":"x","type":"long"}`),
			nested(`{"name":"x","type":"long"},{"name":"y","type":["null","int"]}`)},
		{list(nested(`{"name":"x","type":"int"}`)), list(nested(``)), list(nested(`{"name":"x","type":"int"}`))},
		{list(nested(`{"name":"x","type":"int"}`)), list(nested(`{"name":"x","type":"string"}`)), refused},
	} {
		t.Run(c.table+" "+c.incoming, func(t *testing.T) {
			table := mustParse(t, column(c.table))
			got, err := Evolve(table, mustParse(t, column(c.incoming)))
			if c.want == refused {
				require.ErrorIs(t, err, base.ErrInvalid)
				require.ErrorContains(t, err, "column c")
				return
			}
			require.NoError(t, err)
			require.Equal(t, mustParse(t, column(c.want)).Avro(), got.Avro())
			require.Equal(t, c.table == c.want, table == got)
		})
	}
}

func TestEvolveColumns(t *testing.T) {
	a := `{"name":"a","type":"int"}`
	table := mustParse(t, record(a))
	evolve := func(fields string) (*Schema, error) { return Evolve(table, mustParse(t, record(fields))) }

	got, err := evolve(`{"name":"b","type":["null","string"],"default":null},{"name":"c","type":"int","default":3},` + a)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, names(got))
	require.Equal(t, []string{"a"}, names(table))

	got, err = evolve(``)
	require.NoError(t, err)
	require.Same(t, table, got)

	_, err = evolve(`{"name":"b","type":"string"}`)
	require.ErrorIs(t, err, base.ErrInvalid)
	require.ErrorContains(t, err, "column b")
	require.ErrorContains(t, err, "declare it nullable")
	_, err = evolve(`{"name":"A","type":["null","int"]}`)
	require.ErrorContains(t, err, `column "a"`)
	_, err = evolve(`{"name":"a","type":"string"}`)
	require.EqualError(t, err, "schema: column a: the table has int, the rows have string: "+
		"cast the rows to int, or write them to a column of another name: invalid argument")

	// New nested types may have names that the table uses for others.
	f := func(name, size string) string {
		return `{"name":"` + name + `","type":["null",{"type":"fixed","name":"f","size":` + size + `}]}`
	}
	table = mustParse(t, record(f("x", "1")))
	got, err = evolve(f("y", "2"))
	require.NoError(t, err)
	require.Equal(t, "n.r.y.f", got.Fields()[1].Type.FullName())
	require.Equal(t, 1, strings.Count(got.Avro(), `"size":1`))
	require.Equal(t, got.Record(), mustParse(t, got.Avro()).Record())
}

func TestEvolveWithout(t *testing.T) {
	table := mustParse(t, record(`{"name":"a","type":"int"},{"name":"b","type":["null","string"],"default":null},
		{"name":"s","type":{"type":"record","name":"s","fields":[{"name":"x","type":"int"},{"name":"y","type":["null","int"],"default":null}]}}`))
	rows := mustParse(t, record(`{"name":"a","type":"long"},{"name":"c","type":["null","int"],"default":null},
		{"name":"s","type":{"type":"record","name":"s","fields":[{"name":"x","type":"int"}]}}`))
	got, err := EvolveWith(table, rows, KeepMissing)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "s", "c"}, names(got))

	got, err = EvolveWith(table, rows, DropMissing)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "s", "c"}, names(got))
	require.Equal(t, Long, got.Fields()[0].Type.Kind)
	require.Len(t, got.Fields()[1].Type.Fields, 1)
	require.Equal(t, []string{"a", "b", "s"}, names(table))

	_, err = EvolveWith(table, rows, RefuseMissing)
	require.ErrorIs(t, err, base.ErrInvalid)
	require.ErrorContains(t, err, "column s.y")
	_, err = EvolveWith(table, mustParse(t, record(`{"name":"a","type":"int"}`)), RefuseMissing)
	require.ErrorContains(t, err, "column b")
	same, err := EvolveWith(table, table, RefuseMissing)
	require.NoError(t, err)
	require.Same(t, table, same)
}
