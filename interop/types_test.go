package interop_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// typed is a column of one Avro type with its values in the encoding of hudictl's jsonl. Every column is null as well.
type typed struct {
	name   string
	avro   string // without the union with null
	spark  string // Spark's name of the type
	values []any
	// seen is what Spark makes of a value that it cannot represent, nil when it has the type
	seen func(any) any
	// unwritable: Spark refuses to write to a table with such a column
	unwritable bool
}

// megabyte is a long text with letters of one to four bytes.
var megabyte = strings.Repeat("xß水🂡", 1<<20/10)

var typedColumns = []typed{
	column("boolean", `"boolean"`, "boolean", true, false),
	column("int", `"int"`, "int", 0, math.MinInt32, math.MaxInt32, -1),
	column("long", `"long"`, "bigint", 0, int64(math.MinInt64), int64(math.MaxInt64), -1),
	column("float", `"float"`, "float", num("-0.0"), num("3.4028235e38"), num("1e-45"), "NaN", "Infinity", "-Infinity", num("1.1")),
	column("double", `"double"`, "double", num("-0.0"), num("1.7976931348623157e308"), num("5e-324"), "NaN", "Infinity", "-Infinity", num("0.1")),
	column("string", `"string"`, "string", "", "é水🂡\u2028", "a\x00b\x00", megabyte, `"\`, "null"),
	column("bytes", `"bytes"`, "binary", b64(""), b64("\x00\xff\x80"), b64("text")),
	column("fixed", `{"type":"fixed","name":"four","size":4}`, "binary", b64("\x00\x00\x00\x00"), b64("\xff\x00\x7f\x80")).refused(),
	column("enum", `{"type":"enum","name":"suit","symbols":["HEARTS","SPADES"]}`, "string", "HEARTS", "SPADES"),
	column("uuid", `{"type":"string","logicalType":"uuid"}`, "string", "00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6").refused(),
	column("dec5", decimalType("dec5", 5, 2, 3), "decimal(5,2)", "0.00", "-999.99", "999.99", "0.01"),
	column("dec18", decimalType("dec18", 18, 6, 8), "decimal(18,6)", "0.000000", "-999999999999.999999", "999999999999.999999"),
	column("dec38", decimalType("dec38", 38, 10, 16), "decimal(38,10)", "0.0000000000", "-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"),
	column("whole38", decimalType("whole38", 38, 0, 16), "decimal(38,0)", "0", "-99999999999999999999999999999999999999", "99999999999999999999999999999999999999", "-1"),
	column("decbytes", `{"type":"bytes","logicalType":"decimal","precision":20,"scale":4}`, "decimal(20,4)", "0.0000", "-1234567890123456.7891", "9999999999999999.9999"),
	column("date", `{"type":"int","logicalType":"date"}`, "date", "1970-01-01", "0001-01-01", "9999-12-31", "1969-12-31", "1582-10-10"),
	column("timemillis", `{"type":"int","logicalType":"time-millis"}`, "int", "00:00:00.000000", "23:59:59.999000", "12:34:56.789000").as(timeIn(1000)).refused(),
	column("timemicros", `{"type":"long","logicalType":"time-micros"}`, "bigint", "00:00:00.000000", "23:59:59.999999", "12:34:56.789012").as(timeIn(1)).refused(),
	column("tsmillis", `{"type":"long","logicalType":"timestamp-millis"}`, "timestamp", "1970-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.001000Z", "9999-12-31T23:59:59.999000Z", "1969-12-31T23:59:59.999000Z").refused(),
	column("tsmicros", `{"type":"long","logicalType":"timestamp-micros"}`, "timestamp", "1970-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.000001Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
	column("localmillis", `{"type":"long","logicalType":"local-timestamp-millis"}`, "timestamp_ntz", "1970-01-01T00:00:00.000000", "0001-01-01T00:00:00.001000", "9999-12-31T23:59:59.999000").refused(),
	column("localmicros", `{"type":"long","logicalType":"local-timestamp-micros"}`, "timestamp_ntz", "1970-01-01T00:00:00.000000", "0001-01-01T00:00:00.000001", "9999-12-31T23:59:59.999999"),
	column("list", `{"type":"array","items":["null","int"]}`, "array<int>", []any{}, []any{1, nil, 3}, []any{nil}),
	column("lists", `{"type":"array","items":["null",{"type":"array","items":["null","string"]}]}`, "array<array<string>>", []any{[]any{"a", nil}, nil, []any{}}),
	column("map", `{"type":"map","values":["null","long"]}`, "map<string,bigint>", map[string]any{}, map[string]any{"a": 1, "": nil, "é": -1}),
	column("record", `{"type":"record","name":"record","fields":[{"name":"n","type":["null","int"],"default":null},
		{"name":"inner","type":["null",{"type":"record","name":"inner","fields":[
			{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
			{"name":"price","type":["null",`+decimalType("price", 10, 2, 5)+`],"default":null}]}],"default":null}]}`,
		"struct<n:int,inner:struct<at:timestamp,price:decimal(10,2)>>",
		map[string]any{"n": nil, "inner": nil},
		map[string]any{"n": 7, "inner": map[string]any{"at": nil, "price": "-0.01"}},
		map[string]any{"n": nil, "inner": map[string]any{"at": "2026-01-31T10:20:30.123456Z", "price": nil}},
	),
	column("records", `{"type":"array","items":["null",{"type":"record","name":"item","fields":[{"name":"x","type":["null","double"],"default":null},
		{"name":"y","type":["null","string"],"default":null}]}]}`, "array<struct<x:double,y:string>>",
		[]any{map[string]any{"x": num("0.5"), "y": nil}, nil, map[string]any{"x": nil, "y": ""}},
	),
	column("mapped", `{"type":"map","values":["null",{"type":"record","name":"entry","fields":[{"name":"day","type":["null",{"type":"int","logicalType":"date"}],"default":null},
		{"name":"raw","type":["null","bytes"],"default":null}]}]}`, "map<string,struct<day:date,raw:binary>>",
		map[string]any{"k": map[string]any{"day": "2024-02-29", "raw": b64("\x00")}, "n": nil, "e": map[string]any{"day": nil, "raw": nil}},
	),
}

func column(name, avro, spark string, values ...any) typed {
	return typed{name: name, avro: avro, spark: spark, values: values}
}

// as gives the column another form in Spark.
func (c typed) as(seen func(any) any) typed {
	c.seen = seen
	return c
}

func (c typed) refused() typed {
	c.unwritable = true
	return c
}

func num(text string) json.Number { return json.Number(text) }

func b64(raw string) string { return base64.StdEncoding.EncodeToString([]byte(raw)) }

func decimalType(name string, precision, scale, size int) string {
	return fmt.Sprintf(`{"type":"fixed","name":"fixed","namespace":"types.%s","size":%d,"logicalType":"decimal","precision":%d,"scale":%d}`,
		name, size, precision, scale)
}

// timeIn gives a time of day as the number that it is in Avro; unit is in microseconds.
func timeIn(unit int64) func(any) any {
	return func(v any) any {
		var h, m, s, us int64
		if _, err := fmt.Sscanf(v.(string), "%d:%d:%d.%d", &h, &m, &s, &us); err != nil {
			panic(err)
		}
		return num(strconv.FormatInt((((h*60+m)*60+s)*1_000_000+us)/unit, 10))
	}
}

// typesSchema is a table with all columns, of which the last has null as the second branch of its union and no default.
func typesSchema(t testing.TB) *schema.Schema {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"type":"record","name":"types","fields":[{"name":"id","type":"long"},{"name":"ts","type":["null","long"],"default":null}`)
	for _, c := range typedColumns {
		fmt.Fprintf(&b, `,{"name":%q,"type":["null",%s],"default":null}`, c.name, c.avro)
	}
	b.WriteString(`,{"name":"last","type":["int","null"]}]}`)
	s, err := schema.Parse(b.String())
	require.NoError(t, err)
	return s
}

// typesDDL is the table as Spark knows it.
func typesDDL(columns []typed) string {
	names := []string{"id long", "ts long"}
	for _, c := range columns {
		names = append(names, c.name+" "+c.spark)
	}
	return strings.Join(append(names, "last int"), ", ")
}

// typedRows has every value of every column once, and a row of nulls.
func typedRows() []map[string]any {
	n := 1
	for _, c := range typedColumns {
		n = max(n, len(c.values)+1)
	}
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = map[string]any{"id": i, "ts": 1, "last": nil}
		if i%2 == 1 {
			rows[i]["last"] = i
		}
		for _, c := range typedColumns {
			rows[i][c.name] = nil
			if i < len(c.values) {
				rows[i][c.name] = c.values[i]
			}
		}
	}
	return rows
}

// asSpark is the rows as Spark can represent them.
func asSpark(rows []map[string]any) []map[string]any {
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		out[i] = with(row, nil)
		for _, c := range typedColumns {
			if v := row[c.name]; v != nil && c.seen != nil {
				out[i][c.name] = c.seen(v)
			}
		}
	}
	return out
}

// sameColumns compares rows column by column.
func sameColumns(t testing.TB, who string, want, got []map[string]any, columns ...string) {
	t.Helper()
	require.Len(t, got, len(want), who)
	found := map[string]map[string]any{}
	for _, row := range got {
		found[fmt.Sprint(row["id"])] = row
	}
	for _, row := range want {
		have := found[fmt.Sprint(row["id"])]
		require.NotNil(t, have, "%s has no row %v", who, row["id"])
		for _, c := range columns {
			w, g := plainText(t, row[c]), plainText(t, have[c])
			if w != g { // not require.Equal: values may be a megabyte long
				t.Fatalf("%s: column %s of row %v is %.300s, want %.300s", who, c, row["id"], g, w)
			}
		}
	}
}

// plainText is a value in a form in which equal values have equal text: numbers lose the ways to write them.
func plainText(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	row, err := interop.DecodeRow(append(append([]byte(`{"v":`), text...), '}'))
	require.NoError(t, err)
	text, err = json.Marshal(plainNumbers(row["v"]))
	require.NoError(t, err)
	return string(text)
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil && v != "-0" {
			return v
		}
		f, err := v.Float64()
		if err != nil {
			return v
		}
		return fmt.Sprintf("%x", math.Float64bits(f))
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}

func columnNames() []string {
	names := []string{"ts", "last"}
	for _, c := range typedColumns {
		names = append(names, c.name)
	}
	return names
}

// Every type that we write into base files and into logs, Spark reads with the same values; so do we after Spark has
// compacted the logs.
func TestTypes(t *testing.T) {
	for _, name := range []string{"base", "log"} {
		t.Run(name, func(t *testing.T) {
			spark := interop.SharedSpark(t)
			o := ours{filepath.Join(t.TempDir(), "types"), manual(nil)}
			s, rows := typesSchema(t), typedRows()
			c := table.NewConfig("types")
			c.Keys, c.Ordering = []string{"id"}, []string{"ts"}
			if name == "log" {
				c.Type = table.MOR
				c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: 1}
			}
			o.create(t, c)
			check := func(who string, q query.Options, r interop.Read) {
				t.Helper()
				sameColumns(t, "ours, "+who, rows, o.read(t, q), columnNames()...)
				r.Path, r.Encoding = o.path, interop.Contract
				got := spark.Read(t, r)
				sameColumns(t, "Spark, "+who, asSpark(rows), got.Rows, columnNames()...)
				sparkTypes(t, got)
			}
			optimized := query.Options{View: query.ReadOptimized}

			o.write(t, hudi.Insert, s, rows)
			check("written", query.Options{}, interop.Read{})
			if name == "base" {
				o.write(t, hudi.Upsert, s, []map[string]any{with(rows[1], map[string]any{"ts": 2})})
				rows[1]["ts"] = 2
				check("rewritten", query.Options{}, interop.Read{})
				return
			}
			_, err := o.open(t).Compact(t.Context())
			require.NoError(t, err)
			check("compacted by us", optimized, interop.Read{}.ReadOptimized())

			// every row once more in a log, this time over a base file, and values moved by a row
			for i := range rows {
				rows[i] = with(typedRows()[(i+1)%len(rows)], map[string]any{"id": i, "ts": 2})
			}
			o.write(t, hudi.Upsert, s, rows)
			check("updated", query.Options{}, interop.Read{})
			require.Equal(t, int64(1), spark.Compact(t, o.path, "scheduleAndExecute", nil).Count)
			check("compacted by Spark", optimized, interop.Read{}.ReadOptimized())

			// Spark's frames have no fixed, uuid or time of day and know no milliseconds: it refuses to write what the
			// table would have to become
			err = spark.Call(struct {
				Cmd string `json:"cmd"`
				interop.Write
			}{"write", interop.Write{Path: o.path, Name: "types", Schema: typesDDL(typedColumns), Rows: asSpark(rows)}}, nil)
			require.ErrorContains(t, err, "SchemaBackwardsCompatibilityException")
			for _, c := range typedColumns {
				require.Equal(t, c.unwritable, strings.Contains(err.Error(), "'types."+c.name+"'"), "%s: %v", c.name, err)
			}
		})
	}
}

// Tables that Spark makes: we read every type, continue them, and Spark continues after us.
func TestTypesOfSpark(t *testing.T) {
	for _, kind := range []string{interop.COW, interop.MOR} {
		t.Run(kind, func(t *testing.T) {
			spark := interop.SharedSpark(t)
			o := ours{filepath.Join(t.TempDir(), "types"), manual(nil)}
			var columns []typed
			names := []string{"ts", "last"}
			for _, c := range typedColumns {
				if !c.unwritable {
					columns = append(columns, c)
					names = append(names, c.name)
				}
			}
			rows := typedRows()
			write := func(ts int) interop.Write {
				for i := range rows {
					for _, c := range typedColumns {
						if c.unwritable {
							delete(rows[i], c.name)
						}
					}
					rows[i]["ts"] = ts
				}
				return interop.Write{Path: o.path, Name: "types", Schema: typesDDL(columns), Rows: rows}
			}
			check := func(who string) {
				t.Helper()
				sameColumns(t, "ours, "+who, rows, o.read(t, query.Options{}), names...)
				sameColumns(t, "Spark, "+who, rows, spark.Read(t, interop.Read{Path: o.path, Encoding: interop.Contract}).Rows, names...)
			}

			w := write(1)
			w.Op, w.Type, w.Keys, w.Ordering = "insert", kind, "id", "ts"
			spark.Write(t, w)
			check("written by Spark")

			rows = typedRows()
			write(2)
			s, err := o.open(t).Schema(t.Context())
			require.NoError(t, err)
			o.write(t, hudi.Upsert, s, rows)
			check("updated by us")

			for i := range rows {
				rows[i] = with(typedRows()[(i+1)%len(rows)], map[string]any{"id": i})
			}
			spark.Write(t, write(3))
			check("updated by Spark")
			if kind == interop.MOR {
				_, err := o.open(t).Compact(t.Context())
				require.NoError(t, err)
				check("compacted by us")
			}
		})
	}
}

// sparkTypes compares the types that Spark sees.
func sparkTypes(t testing.TB, got interop.Rows) {
	t.Helper()
	var described struct {
		Fields []struct {
			Name string
			Type json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(got.Schema, &described))
	types := map[string]string{}
	for _, f := range described.Fields {
		types[f.Name] = sparkType(t, f.Type)
	}
	for _, c := range typedColumns {
		require.Equal(t, c.spark, types[c.name], "Spark's type of %s", c.name)
	}
}

// sparkType is the DDL of a type in Spark's JSON form.
func sparkType(t testing.TB, raw json.RawMessage) string {
	t.Helper()
	var name string
	if json.Unmarshal(raw, &name) == nil {
		switch name {
		case "integer":
			return "int"
		case "long":
			return "bigint"
		}
		return name
	}
	var nested struct {
		Type        string
		ElementType json.RawMessage
		ValueType   json.RawMessage
		Fields      []struct {
			Name string
			Type json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(raw, &nested))
	switch nested.Type {
	case "array":
		return "array<" + sparkType(t, nested.ElementType) + ">"
	case "map":
		return "map<string," + sparkType(t, nested.ValueType) + ">"
	}
	var fields []string
	for _, f := range nested.Fields {
		fields = append(fields, f.Name+":"+sparkType(t, f.Type))
	}
	return "struct<" + strings.Join(fields, ",") + ">"
}
