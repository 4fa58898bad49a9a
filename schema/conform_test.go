package schema

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

func rows(t *testing.T, alloc memory.Allocator, s *arrow.Schema, text string) arrow.RecordBatch {
	t.Helper()
	b, _, err := array.RecordFromJSON(alloc, s, strings.NewReader(text))
	require.NoError(t, err)
	t.Cleanup(b.Release)
	return b
}

func TestConform(t *testing.T) {
	alloc := checked(t)
	in := mustParse(t, record(`{"name":"a","type":"int"},{"name":"gone","type":"string"},{"name":"s","type":["null","string"]},
		{"name":"r","type":{"type":"record","name":"i","fields":[{"name":"x","type":["null","float"]}]}}`))
	to := mustParse(t, record(`{"name":"s","type":["null","string"]},{"name":"new","type":["null","long"],"default":null},
		{"name":"set","type":"long","default":7},{"name":"a","type":"double"},
		{"name":"r","type":["null",{"type":"record","name":"i","fields":[{"name":"x","type":["double","null"]},{"name":"y","type":"string","default":"z"}]}]}`))
	batch := rows(t, alloc, in.Arrow(), `[{"a": 1, "gone": "x", "s": "y", "r": {"x": 1.1}}, {"a": 2, "gone": "x", "s": null, "r": {"x": null}}]`)
	want := rows(t, alloc, to.Arrow(), `[{"s": "y", "new": null, "set": 7, "a": 1, "r": {"x": 1.1, "y": "z"}}, {"s": null, "new": null, "set": 7, "a": 2, "r": {"x": null, "y": "z"}}]`)

	got, err := Conform(batch, to, alloc)
	require.NoError(t, err)
	defer got.Release()
	require.True(t, got.Schema().Equal(to.Arrow()))
	require.True(t, array.RecordEqual(want, got), "%s", got)
	require.Same(t, batch.Column(2), got.Column(0), "columns that do not change are shared")

	same, err := Conform(got, to, alloc)
	require.NoError(t, err)
	defer same.Release()
	require.Same(t, got, same)

	part := batch.NewSlice(1, 2)
	defer part.Release()
	got2, err := Conform(part, to, alloc)
	require.NoError(t, err)
	defer got2.Release()
	wantPart := want.NewSlice(1, 2)
	defer wantPart.Release()
	require.True(t, array.RecordEqual(wantPart, got2))
}

func TestConformErrors(t *testing.T) {
	for name, c := range map[string]struct{ in, to, rows, message string }{
		"missing":     {``, `{"name":"a","type":"int"}`, `[{}]`, "column a: the column is missing"},
		"null":        {`{"name":"a","type":["null","int"]}`, `{"name":"a","type":"int"}`, `[{"a": 1}, {"a": null}]`, "column a: row 1 has no value"},
		"type":        {`{"name":"a","type":"string"}`, `{"name":"a","type":"int"}`, `[{"a": "1"}]`, "column a: utf8 cannot be read as int32"},
		"bad default": {`{"name":"b","type":"int"}`, `{"name":"a","type":"int","default":"x"}`, `[{"b": 1}]`, "column a: default"},
		"nested": {`{"name":"a","type":{"type":"array","items":["null","int"]}}`, `{"name":"a","type":{"type":"array","items":"int"}}`,
			`[{"a": [1, null]}]`, "column a.element: row 1 has no value"},
	} {
		t.Run(name, func(t *testing.T) {
			alloc := checked(t)
			_, err := Conform(rows(t, alloc, mustParse(t, record(c.in)).Arrow(), c.rows), mustParse(t, record(c.to)), alloc)
			require.ErrorIs(t, err, base.ErrInvalid)
			require.ErrorContains(t, err, c.message)
		})
	}
	alloc := checked(t)
	a := fromJSON(t, alloc, arrow.PrimitiveTypes.Int32, `[1]`)
	f := arrow.Field{Name: "a", Type: a.DataType()}
	twice := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{f, f}, nil), []arrow.Array{a, a}, 1)
	defer twice.Release()
	_, err := Conform(twice, mustParse(t, record(`{"name":"a","type":"int"}`)), alloc)
	require.ErrorIs(t, err, base.ErrInvalid)
}

func TestDefaults(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{`"boolean"`, `true`, `true`},
		{`"int"`, `-1`, `-1`},
		{`"long"`, `9223372036854775807`, `9223372036854775807`},
		{`"float"`, `1.5`, `1.5`},
		{`"double"`, `-1.5`, `-1.5`},
		{`"string"`, `"é"`, `"é"`},
		{`["null","string"]`, `null`, `null`},
		{`["string","null"]`, `"x"`, `"x"`},
		{`"bytes"`, `"\u00ff\u0001"`, `"/wE="`},
		{`{"type":"fixed","name":"f","size":2}`, `"ab"`, `"YWI="`},
		{`{"type":"enum","name":"e","symbols":["A"]}`, `"A"`, `"A"`},
		{`{"type":"int","logicalType":"date"}`, `1`, `"1970-01-02"`},
		{`{"type":"int","logicalType":"time-millis"}`, `1000`, `"00:00:01"`},
		{`{"type":"long","logicalType":"time-micros"}`, `1000000`, `"00:00:01"`},
		{`{"type":"long","logicalType":"timestamp-millis"}`, `1000`, `"1970-01-01T00:00:01Z"`},
		{`{"type":"bytes","logicalType":"decimal","precision":3,"scale":1}`, `"\u00ff\u0085"`, `"-12.3"`},
		{`{"type":"array","items":["null","int"]}`, `[1,null]`, `[1,null]`},
		{`{"type":"map","values":"int"}`, `{"b":2,"a":1}`, `[{"key":"a","value":1},{"key":"b","value":2}]`},
		{`{"type":"record","name":"s","fields":[{"name":"x","type":"int"},{"name":"y","type":"int","default":2},{"name":"z","type":["null","int"]}]}`,
			`{"x":1}`, `{"x":1,"y":2,"z":null}`},
	} {
		t.Run(c.typ, func(t *testing.T) {
			alloc := checked(t)
			s := mustParse(t, record(`{"name":"c","type":`+c.typ+`,"default":`+c.value+`}`))
			b := array.NewBuilder(alloc, s.Arrow().Field(0).Type)
			defer b.Release()
			require.NoError(t, s.Fields()[0].AppendDefault(b))
			got := b.NewArray()
			defer got.Release()
			want := fromJSON(t, alloc, got.DataType(), "["+c.want+"]")
			require.True(t, array.Equal(want, got), "%s", got)
		})
	}
	for _, c := range []struct{ typ, value string }{
		{`"boolean"`, `1`}, {`"int"`, `2147483648`}, {`"int"`, `null`}, {`"bytes"`, `"\u0100"`}, {`"bytes"`, `1`},
		{`{"type":"fixed","name":"f","size":2}`, `"abc"`},
		{`{"type":"bytes","logicalType":"decimal","precision":1}`, `"\u0010"`},
		{`{"type":"bytes","logicalType":"decimal","precision":1}`, `0`},
		{`{"type":"array","items":"int"}`, `[null]`}, {`{"type":"array","items":"int"}`, `{}`},
		{`{"type":"map","values":"int"}`, `{"a":"b"}`}, {`{"type":"map","values":"int"}`, `[]`},
		{`{"type":"record","name":"s","fields":[{"name":"x","type":"int"}]}`, `{}`},
		{`{"type":"record","name":"s","fields":[{"name":"x","type":"int"}]}`, `[]`},
	} {
		t.Run(c.typ+c.value, func(t *testing.T) {
			alloc := checked(t)
			s := mustParse(t, record(`{"name":"c","type":`+c.typ+`,"default":`+c.value+`}`))
			b := array.NewBuilder(alloc, s.Arrow().Field(0).Type)
			defer b.Release()
			require.ErrorIs(t, s.Fields()[0].AppendDefault(b), base.ErrInvalid)
		})
	}
	require.ErrorIs(t, Field{Name: "a", Type: &Type{Kind: Int}}.AppendDefault(nil), base.ErrInvalid)
}

// Rows of any schema survive the way into the table made from them and back.
func TestRandomConform(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSchema(rt)
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(t, 0)
		table, err := FromArrow("T", s.Arrow())
		require.NoError(rt, err)

		n := rapid.IntRange(0, 3).Draw(rt, "rows")
		columns := make([]arrow.Array, s.Arrow().NumFields())
		for i, f := range s.Arrow().Fields() {
			b := array.NewBuilder(alloc, f.Type)
			b.AppendEmptyValues(n)
			columns[i] = b.NewArray()
			b.Release()
		}
		batch := array.NewRecordBatch(s.Arrow(), columns, int64(n))
		defer batch.Release()
		for _, c := range columns {
			c.Release()
		}
		got, err := Conform(batch, table, alloc)
		require.NoError(rt, err)
		defer got.Release()
		require.True(rt, array.RecordEqual(batch, got))

		// A table with one more column has it null; back again it is gone.
		wider, err := New(&Type{Kind: Record, Name: "W", Fields: append([]Field{{
			Name: "added", Type: &Type{Kind: Long, Nullable: true}, Default: json.RawMessage("null"),
		}}, s.Fields()...)})
		require.NoError(rt, err)
		more, err := Conform(batch, wider, alloc)
		require.NoError(rt, err)
		defer more.Release()
		require.Equal(rt, n, more.Column(0).NullN())
		back, err := Conform(more, s, alloc)
		require.NoError(rt, err)
		defer back.Release()
		require.True(rt, array.RecordEqual(batch, back))
	})
}
