package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func testdata(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(text)
}

func mustParse(t testing.TB, avro string) *Schema {
	t.Helper()
	s, err := Parse(avro)
	require.NoError(t, err)
	return s
}

// record is a record schema of the given fields.
func record(fields string) string {
	return `{"type":"record","name":"r","namespace":"n","fields":[` + fields + `]}`
}

// column is a record schema with one column of the type.
func column(typ string) string { return record(`{"name":"c","type":` + typ + `}`) }

// Every schema that real Hudi wrote is printed as it was written.
func TestPrintAsRealHudi(t *testing.T) {
	files, err := filepath.Glob("testdata/*.avsc")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text := testdata(t, filepath.Base(file))
			typ, err := ParseType(text)
			require.NoError(t, err)
			require.Equal(t, text, typ.String())
		})
	}
}

func TestFromArrowNamesAsRealHudi(t *testing.T) {
	for _, name := range []string{
		"v6_all_types_cow.commit", "v6_all_types_cow.file", "v6_all_types_cow_by_1_2_0.commit",
		"v9_all_types_mor.commit", "v9_all_types_mor.file", "v9_debezium_postgres_mor.file",
		"v6_empty_table_by_1_2_0.create", "v9_evolve_add_promote_mor.after",
	} {
		t.Run(name, func(t *testing.T) {
			text := testdata(t, name+".avsc")
			table, _, _ := strings.Cut(name, ".")
			got, err := FromArrow(table, mustParse(t, text).Arrow())
			require.NoError(t, err)
			require.Equal(t, text, got.Avro())
		})
	}
}

func TestTypeMapping(t *testing.T) {
	for avro, want := range map[string]arrow.DataType{
		`"boolean"`: arrow.FixedWidthTypes.Boolean,
		`"int"`:     arrow.PrimitiveTypes.Int32,
		`"long"`:    arrow.PrimitiveTypes.Int64,
		`"float"`:   arrow.PrimitiveTypes.Float32,
		`"double"`:  arrow.PrimitiveTypes.Float64,
		`"bytes"`:   arrow.BinaryTypes.Binary,
		`"string"`:  arrow.BinaryTypes.String,
		`{"type":"string","avro.java.string":"String"}`:                                         arrow.BinaryTypes.String,
		`{"type":"enum","name":"e","symbols":["A","B"]}`:                                        arrow.BinaryTypes.String,
		`{"type":"fixed","name":"f","size":7}`:                                                  &arrow.FixedSizeBinaryType{ByteWidth: 7},
		`{"type":"fixed","name":"f","size":5,"logicalType":"decimal","precision":10,"scale":2}`: &arrow.Decimal128Type{Precision: 10, Scale: 2},
		`{"type":"bytes","logicalType":"decimal","precision":38}`:                               &arrow.Decimal128Type{Precision: 38},
		`{"type":"int","logicalType":"date"}`:                                                   arrow.FixedWidthTypes.Date32,
		`{"type":"int","logicalType":"time-millis"}`:                                            arrow.FixedWidthTypes.Time32ms,
		`{"type":"long","logicalType":"time-micros"}`:                                           arrow.FixedWidthTypes.Time64us,
		`{"type":"long","logicalType":"timestamp-millis"}`:                                      &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"},
		`{"type":"long","logicalType":"timestamp-micros"}`:                                      &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
		`{"type":"long","logicalType":"local-timestamp-millis"}`:                                &arrow.TimestampType{Unit: arrow.Millisecond},
		`{"type":"long","logicalType":"local-timestamp-micros"}`:                                &arrow.TimestampType{Unit: arrow.Microsecond},
		`{"type":"string","logicalType":"uuid"}`:                                                arrow.BinaryTypes.String,
		`{"type":"fixed","name":"f","size":16,"logicalType":"uuid"}`:                            &arrow.FixedSizeBinaryType{ByteWidth: 16},
		`{"type":"array","items":["null","long"]}`:                                              arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.PrimitiveTypes.Int64, Nullable: true}),
		`{"type":"array","items":"long"}`:                                                       arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.PrimitiveTypes.Int64}),
		`{"type":"map","values":["long","null"]}`:                                               arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64),
		`{"type":"record","name":"s","fields":[{"name":"x","type":["null","int"]}]}`:            arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true}),
		// What Avro does not know as a logical type stays the plain type.
		`{"type":"long","logicalType":"timestamp-nanos"}`:                            arrow.PrimitiveTypes.Int64,
		`{"type":"string","logicalType":"date"}`:                                     arrow.BinaryTypes.String,
		`{"type":"bytes","logicalType":"decimal","precision":2,"scale":3}`:           arrow.BinaryTypes.Binary,
		`{"type":"bytes","logicalType":"decimal"}`:                                   arrow.BinaryTypes.Binary,
		`{"type":"fixed","name":"f","size":2,"logicalType":"decimal","precision":5}`: &arrow.FixedSizeBinaryType{ByteWidth: 2},
	} {
		t.Run(avro, func(t *testing.T) {
			for nullable, text := range map[bool]string{false: avro, true: `["null",` + avro + `]`} {
				s := mustParse(t, column(text))
				f := s.Arrow().Field(0)
				require.True(t, arrow.TypeEqual(want, f.Type), "%s", f.Type)
				require.Equal(t, nullable, f.Nullable)
				require.False(t, f.HasMetadata())
				again := mustParse(t, s.Avro())
				require.Equal(t, s.Record(), again.Record())
				require.Equal(t, s.Avro(), again.Avro())
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	deep := func(n int) string {
		return column(strings.Repeat(`{"type":"array","items":`, n) + `"int"` + strings.Repeat(`}`, n))
	}
	chain := func(n int) string { // each record has two fields of the one before: 2^n columns
		fields := `{"name":"a0","type":{"type":"record","name":"t0","fields":[]}}`
		for i := range n {
			fields += fmt.Sprintf(`,{"name":"a%d","type":{"type":"record","name":"t%d","fields":[{"name":"x","type":"t%d"},{"name":"y","type":"t%d"}]}}`,
				i+1, i+1, i, i)
		}
		return record(fields)
	}
	mustParse(t, deep(maxDepth-2))
	mustParse(t, chain(5))
	for name, c := range map[string]struct {
		avro string
		kind error
	}{
		"empty":               {"", base.ErrInvalid},
		"no JSON":             {"{", base.ErrInvalid},
		"a number":            {"1", base.ErrInvalid},
		"no record":           {`"string"`, base.ErrInvalid},
		"nullable record":     {`["null",` + record("") + `]`, base.ErrInvalid},
		"trailing":            {record("") + "x", base.ErrInvalid},
		"no type":             {`{"name":"r"}`, base.ErrInvalid},
		"no name":             {`{"type":"record","fields":[]}`, base.ErrInvalid},
		"bad name":            {`{"type":"record","name":"1","fields":[]}`, base.ErrInvalid},
		"bad namespace":       {`{"type":"record","name":"r","namespace":1,"fields":[]}`, base.ErrInvalid},
		"primitive name":      {column(`{"type":"fixed","name":".int","size":1}`), base.ErrInvalid},
		"empty namespace":     {column(`{"type":"fixed","name":"a..b","size":1}`), base.ErrInvalid},
		"no fields":           {`{"type":"record","name":"r"}`, base.ErrInvalid},
		"field without name":  {record(`{"type":"int"}`), base.ErrInvalid},
		"field without type":  {record(`{"name":"c"}`), base.ErrInvalid},
		"bad field name":      {record(`{"name":"c-1","type":"int"}`), base.ErrInvalid},
		"two fields":          {record(`{"name":"c","type":"int"},{"name":"c","type":"int"}`), base.ErrInvalid},
		"bad aliases":         {record(`{"name":"c","type":"int","aliases":1}`), base.ErrInvalid},
		"unknown type":        {column(`"x"`), base.ErrInvalid},
		"type of type":        {column(`{"type":{"type":"int"}}`), base.ErrInvalid},
		"type null text":      {column(`"\ud800x`), base.ErrInvalid},
		"bad list":            {column(`[1`), base.ErrInvalid},
		"array without items": {column(`{"type":"array"}`), base.ErrInvalid},
		"map without values":  {column(`{"type":"map"}`), base.ErrInvalid},
		"enum symbols":        {column(`{"type":"enum","name":"e","symbols":["A","A"]}`), base.ErrInvalid},
		"enum no symbols":     {column(`{"type":"enum","name":"e"}`), base.ErrInvalid},
		"fixed size":          {column(`{"type":"fixed","name":"f","size":-1}`), base.ErrInvalid},
		"fixed no size":       {column(`{"type":"fixed","name":"f","size":"1"}`), base.ErrInvalid},
		"union in union":      {column(`["null",["null","int"]]`), base.ErrInvalid},
		"null twice":          {column(`["null","int","null"]`), base.ErrInvalid},
		"defined twice":       {record(`{"name":"a","type":{"type":"fixed","name":"f","size":1}},{"name":"b","type":{"type":"fixed","name":"f","size":2}}`), base.ErrInvalid},
		"defined inside":      {column(`{"type":"record","name":"r","fields":[]}`), base.ErrInvalid},
		"too deep":            {deep(maxDepth + 1), base.ErrInvalid},
		"far too deep":        {deep(3000), base.ErrInvalid},
		"too many":            {chain(20), base.ErrInvalid},
		"too deep by name":    {strings.ReplaceAll(chain(80), `,{"name":"y"`, `,{"name":"z"`), base.ErrInvalid},
		"recursive":           {column(`["null","r"]`), base.ErrUnsupported},
		"null":                {column(`"null"`), base.ErrUnsupported},
		"only null":           {column(`["null"]`), base.ErrUnsupported},
		"one type":            {column(`["int"]`), base.ErrUnsupported},
		"several types":       {column(`["null","int","string"]`), base.ErrUnsupported},
		"null in the middle":  {column(`["int","null","string"]`), base.ErrUnsupported},
		"great decimal":       {column(`{"type":"array","items":{"type":"bytes","logicalType":"decimal","precision":39}}`), base.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.avro)
			require.ErrorIs(t, err, c.kind)
		})
	}
}

func TestNames(t *testing.T) {
	// A reference is looked for in the enclosing namespace, then without one.
	s := mustParse(t, `{"type":"record","name":"a.b.top","fields":[
		{"name":"plain","type":{"type":"fixed","name":"F","namespace":"","size":1}},
		{"name":"again","type":["null","F"]},
		{"name":"other","type":{"type":"enum","name":"x.E","symbols":["A"]}},
		{"name":"e","type":["x.E","null"],"default":"A"},
		{"name":"inner","type":{"type":"record","name":"I","fields":[{"name":"f","type":{"type":"fixed","name":"G","size":2}}]}},
		{"name":"g","type":"G"},
		{"name":"i","type":{"type":"a.b.I"}}]}`)
	require.Equal(t, "a.b.top", s.Record().FullName())
	require.Equal(t, `{"type":"record","name":"top","namespace":"a.b","fields":[`+
		`{"name":"plain","type":{"type":"fixed","name":"F","namespace":"","size":1}},`+
		`{"name":"again","type":["null","F"]},`+
		`{"name":"other","type":{"type":"enum","name":"E","namespace":"x","symbols":["A"]}},`+
		`{"name":"e","type":["x.E","null"],"default":"A"},`+
		`{"name":"inner","type":{"type":"record","name":"I","fields":[{"name":"f","type":{"type":"fixed","name":"G","size":2}}]}},`+
		`{"name":"g","type":"G"},{"name":"i","type":"I"}]}`, s.Avro())
	require.Equal(t, s.Record(), mustParse(t, s.Avro()).Record())

	// Both F and n.F exist: the dot keeps them apart. A type named like a primitive is qualified.
	s = mustParse(t, record(`{"name":"a","type":{"type":"fixed","name":".F","size":1}},`+
		`{"name":"b","type":{"type":"fixed","name":"F","size":2}},{"name":"c","type":".F"},`+
		`{"name":"d","type":{"type":"fixed","name":"long","size":3}},{"name":"e","type":"n.long"}`))
	require.Equal(t, 1, s.Fields()[2].Type.Size)
	require.Contains(t, s.Avro(), `"name":"c","type":".F"`)
	require.Contains(t, s.Avro(), `"name":"e","type":"n.long"`)
	require.Equal(t, s.Record(), mustParse(t, s.Avro()).Record())
}

func TestAttributesAreKept(t *testing.T) {
	text := record(`{"name":"c","type":{"type":"int","logicalType":"odd","x":{"a":[1,"<>"]}},"doc":"d \u00e9","default":7,"aliases":["old"],"order":"ignore"},` +
		`{"name":"d","type":{"type":"enum","name":"E","doc":"e","symbols":["A"],"aliases":["F"],"default":"A"}}`)
	s := mustParse(t, text)
	require.Equal(t, strings.ReplaceAll(text, `\u00e9`, "é"), s.Avro())
	f := s.Fields()[0]
	require.Equal(t, "d é", f.Doc)
	require.Equal(t, []string{"old"}, f.Aliases)
	require.Equal(t, "7", string(f.Default))
}

func TestNewTellsNamesApart(t *testing.T) {
	fixed := func(precision int) *Type {
		return &Type{Kind: Fixed, Name: "fixed", Size: DecimalSize(precision), Logical: Decimal, Precision: precision}
	}
	s, err := New(&Type{Kind: Record, Name: "T_record", Namespace: "hoodie.T", Fields: []Field{
		{Name: "a", Type: fixed(5)},
		{Name: "b", Type: &Type{Kind: Array, Elem: fixed(20)}},
		{Name: "c", Type: fixed(5)},
		{Name: "d", Type: &Type{Kind: Map, Elem: &Type{Kind: Record, Name: "d", Fields: []Field{{Name: "x", Type: fixed(30)}}}}},
	}})
	require.NoError(t, err)
	require.Equal(t, "fixed", s.Fields()[0].Type.FullName())
	require.Equal(t, "hoodie.T.T_record.b.fixed", s.Fields()[1].Type.Elem.FullName())
	require.Equal(t, "fixed", s.Fields()[2].Type.FullName())
	require.Equal(t, "d.x.fixed", s.Fields()[3].Type.Elem.Fields[0].Type.FullName())
	require.Equal(t, s.Record(), mustParse(t, s.Avro()).Record())

	for name, r := range map[string]*Type{
		"nil":        nil,
		"no record":  {Kind: Int},
		"no name":    {Kind: Record},
		"nil type":   {Kind: Record, Name: "r", Fields: []Field{{Name: "a"}}},
		"kind":       {Kind: Record, Name: "r", Fields: []Field{{Name: "a", Type: &Type{Kind: Union + 1}}}},
		"no element": {Kind: Record, Name: "r", Fields: []Field{{Name: "a", Type: &Type{Kind: Array}}}},
		"logical":    {Kind: Record, Name: "r", Fields: []Field{{Name: "a", Type: &Type{Kind: Long, Logical: Date}}}},
		"hopeless": {Kind: Record, Name: "r", Fields: []Field{
			{Name: "a", Type: &Type{Kind: Fixed, Name: "f", Size: 1}},
			{Name: "x", Type: &Type{Kind: Fixed, Name: "f", Namespace: "r.b", Size: 3}},
			{Name: "b", Type: &Type{Kind: Fixed, Name: "f", Size: 2}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(r)
			require.ErrorIs(t, err, base.ErrInvalid)
		})
	}
	loop := &Type{Kind: Array}
	loop.Elem = loop
	_, err = New(&Type{Kind: Record, Name: "r", Fields: []Field{{Name: "a", Type: loop}}})
	require.ErrorIs(t, err, base.ErrInvalid)
}

func TestMetaColumns(t *testing.T) {
	file := mustParse(t, testdata(t, "v9_all_types_mor.file.avsc"))
	commit := mustParse(t, testdata(t, "v9_all_types_mor.commit.avsc"))
	require.True(t, file.HasMeta())
	require.False(t, commit.HasMeta())
	require.Equal(t, file.Avro(), commit.WithMeta().Avro())
	require.Equal(t, commit.Avro(), file.WithoutMeta().Avro())
	require.True(t, file.Arrow().Equal(commit.WithMeta().Arrow()))
	require.Same(t, file, file.WithMeta())
	require.Same(t, commit, commit.WithoutMeta())

	part, err := file.Project([]string{"id", MetaRecordKey, MetaOperation})
	require.ErrorIs(t, err, base.ErrInvalid)
	require.Nil(t, part)
	part, err = file.Project([]string{"id", MetaRecordKey})
	require.NoError(t, err)
	require.Equal(t, []string{"id", MetaRecordKey}, names(part))
	require.False(t, part.HasMeta())
	require.Equal(t, append(MetaColumns(), "id"), names(part.WithMeta()))

	op := mustParse(t, record(`{"name":"_hoodie_operation","type":["null","string"]},{"name":"id","type":"int"}`))
	require.Equal(t, append(MetaColumns(), MetaOperation, "id"), names(op.WithMeta()))
	require.Equal(t, []string{"id"}, names(op.WithMeta().WithoutMeta()))
}

func names(s *Schema) (names []string) {
	for _, f := range s.Fields() {
		names = append(names, f.Name)
	}
	return names
}

func TestProject(t *testing.T) {
	s := mustParse(t, testdata(t, "v9_all_types_mor.commit.avsc"))
	p, err := s.Project([]string{"ts", "st", "d5"})
	require.NoError(t, err)
	require.Equal(t, []string{"ts", "st", "d5"}, names(p))
	require.Equal(t, p.Record(), mustParse(t, p.Avro()).Record())
	f, i, ok := p.Field("d5")
	require.True(t, ok)
	require.Equal(t, 2, i)
	require.Equal(t, Decimal, f.Type.Logical)
	_, _, ok = p.Field("id")
	require.False(t, ok)

	none, err := s.Project(nil)
	require.NoError(t, err)
	require.Empty(t, none.Fields())

	_, err = s.Project([]string{"ts", "ts"})
	require.ErrorIs(t, err, base.ErrInvalid)
	_, err = s.Project([]string{"Txt"})
	require.ErrorContains(t, err, `did you mean "txt"?`)
	_, err = s.Project([]string{"somethingelse"})
	require.ErrorIs(t, err, base.ErrInvalid)
	require.NotContains(t, err.Error(), "did you mean")
}

func TestEqual(t *testing.T) {
	a := record(`{"name":"a","type":["null","int"],"default":null},{"name":"b","type":{"type":"fixed","name":"f","size":4}}`)
	for name, c := range map[string]struct {
		avro string
		want bool
	}{
		"same":     {a, true},
		"doc":      {strings.Replace(a, `"default":null`, `"doc":"x"`, 1), true},
		"name":     {strings.Replace(a, `"name":"f"`, `"name":"g"`, 1), true},
		"null":     {strings.Replace(a, `["null","int"]`, `["int","null"]`, 1), false},
		"required": {strings.Replace(a, `["null","int"],"default":null`, `"int"`, 1), false},
		"type":     {strings.Replace(a, `"int"`, `"long"`, 1), false},
		"logical":  {strings.Replace(a, `"int"`, `{"type":"int","logicalType":"date"}`, 1), false},
		"size":     {strings.Replace(a, `4`, `5`, 1), false},
		"column":   {strings.Replace(a, `"name":"a"`, `"name":"A"`, 1), false},
		"fewer":    {record(`{"name":"a","type":["null","int"],"default":null}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, mustParse(t, a).Equal(mustParse(t, c.avro)))
		})
	}
}

func TestRecordName(t *testing.T) {
	for table, want := range map[string][2]string{
		"orders":   {"orders_record", "hoodie.orders"},
		"my-table": {"my__table_record", "hoodie.my__table"},
		"1st.x":    {"__st__x_record", "hoodie.__st__x"},
		"größe":    {"gr____e_record", "hoodie.gr____e"},
	} {
		name, namespace := RecordName(table)
		require.Equal(t, want, [2]string{name, namespace})
	}
}

func TestFromArrow(t *testing.T) {
	field := func(dt arrow.DataType) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{{Name: "c", Type: dt}}, nil)
	}
	for dt, want := range map[arrow.DataType]string{
		arrow.PrimitiveTypes.Int8:                                `"int"`,
		arrow.PrimitiveTypes.Uint16:                              `"int"`,
		arrow.PrimitiveTypes.Uint32:                              `"long"`,
		arrow.FixedWidthTypes.Float16:                            `"float"`,
		arrow.BinaryTypes.LargeString:                            `"string"`,
		arrow.BinaryTypes.StringView:                             `"string"`,
		arrow.BinaryTypes.LargeBinary:                            `"bytes"`,
		arrow.FixedWidthTypes.Date64:                             `{"type":"int","logicalType":"date"}`,
		arrow.FixedWidthTypes.Time32s:                            `{"type":"int","logicalType":"time-millis"}`,
		arrow.FixedWidthTypes.Time64ns:                           `{"type":"long","logicalType":"time-micros"}`,
		arrow.FixedWidthTypes.Timestamp_s:                        `{"type":"long","logicalType":"timestamp-millis"}`,
		arrow.FixedWidthTypes.Timestamp_ns:                       `{"type":"long","logicalType":"timestamp-micros"}`,
		&arrow.TimestampType{Unit: arrow.Nanosecond}:             `{"type":"long","logicalType":"local-timestamp-micros"}`,
		&arrow.TimestampType{Unit: arrow.Second}:                 `{"type":"long","logicalType":"local-timestamp-millis"}`,
		&arrow.FixedSizeBinaryType{ByteWidth: 3}:                 `{"type":"fixed","name":"fixed","namespace":"hoodie.t.t_record.c","size":3}`,
		&arrow.Decimal256Type{Precision: 38, Scale: 38}:          `{"type":"fixed","name":"fixed","namespace":"hoodie.t.t_record.c","size":16,"logicalType":"decimal","precision":38,"scale":38}`,
		&arrow.Decimal32Type{Precision: 1}:                       `{"type":"fixed","name":"fixed","namespace":"hoodie.t.t_record.c","size":1,"logicalType":"decimal","precision":1,"scale":0}`,
		arrow.LargeListOfNonNullable(arrow.PrimitiveTypes.Int32): `{"type":"array","items":"int"}`,
		arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32):     `{"type":"array","items":["null","int"]}`,
		arrow.MapOf(arrow.BinaryTypes.LargeString, arrow.Null):   "",
		arrow.MapOf(arrow.PrimitiveTypes.Int32, arrow.Null):      "",
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}: `"string"`,
		arrow.Null:                  "",
		arrow.PrimitiveTypes.Uint64: "",
		arrow.ListViewOf(arrow.PrimitiveTypes.Int32):                               "",
		&arrow.Decimal256Type{Precision: 39}:                                       "",
		&arrow.Decimal128Type{Precision: 5, Scale: -1}:                             "",
		arrow.StructOf(arrow.Field{Name: "a b", Type: arrow.PrimitiveTypes.Int32}): "",
	} {
		t.Run(dt.String(), func(t *testing.T) {
			s, err := FromArrow("t", field(dt))
			if want == "" {
				require.ErrorIs(t, err, base.ErrInvalid)
				require.ErrorContains(t, err, "column c")
				return
			}
			require.NoError(t, err)
			require.Equal(t, `{"type":"record","name":"t_record","namespace":"hoodie.t","fields":[{"name":"c","type":`+want+`}]}`, s.Avro())
		})
	}
	_, err := FromArrow("", field(arrow.PrimitiveTypes.Int32))
	require.ErrorIs(t, err, base.ErrInvalid)

	deep := arrow.PrimitiveTypes.Int32
	for range 1000 {
		deep = arrow.ListOf(deep)
	}
	_, err = FromArrow("t", field(deep))
	require.ErrorIs(t, err, base.ErrInvalid)
	for range 1000 {
		deep = arrow.StructOf(arrow.Field{Name: "x", Type: deep})
	}
	_, err = FromArrow("t", field(deep))
	require.ErrorIs(t, err, base.ErrInvalid)
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.avsc")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		typ, err := ParseType(text)
		if err != nil {
			return
		}
		again, err := ParseType(typ.String())
		require.NoError(t, err, typ.String())
		require.Equal(t, typ.String(), again.String())
		require.Equal(t, typ, again)
	})
}
