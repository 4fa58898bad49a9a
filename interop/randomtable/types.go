package randomtable

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Type is a type of a column, as Spark names it and as Arrow does, and how values of it are made.
type Type struct {
	DDL   string
	Arrow arrow.DataType
	// Nested tells that values have parts.
	Nested bool
	value  func(*rand.Rand) any
}

// texts are strings with what encodings trip over.
var texts = []string{"", "a", "é水🂡", "with space", "a=b", "100%", "x/y", `"quoted\"`, "null", "line\nbreak", "2024-01-01", strings.Repeat("long ", 40)}

// scalarTypes are chosen from with equal chances; each value is in the encoding of hudictl's jsonl.
var scalarTypes = []Type{
	{DDL: "boolean", Arrow: arrow.FixedWidthTypes.Boolean, value: func(r *rand.Rand) any { return r.IntN(2) == 0 }},
	{DDL: "int", Arrow: arrow.PrimitiveTypes.Int32, value: func(r *rand.Rand) any { return edge(r, int64(int32(r.Uint32())), 0, -1, 1<<31-1, -1<<31) }},
	{DDL: "bigint", Arrow: arrow.PrimitiveTypes.Int64, value: func(r *rand.Rand) any { return edge(r, int64(r.Uint64()), 0, -1, 1<<63-1, -1<<63) }},
	{DDL: "float", Arrow: arrow.PrimitiveTypes.Float32, value: func(r *rand.Rand) any { return floating(r, 32) }},
	{DDL: "double", Arrow: arrow.PrimitiveTypes.Float64, value: func(r *rand.Rand) any { return floating(r, 64) }},
	{DDL: "string", Arrow: arrow.BinaryTypes.String, value: text},
	{DDL: "binary", Arrow: arrow.BinaryTypes.Binary, value: func(r *rand.Rand) any {
		raw := make([]byte, r.IntN(6))
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		return base64.StdEncoding.EncodeToString(raw)
	}},
	{DDL: "date", Arrow: arrow.FixedWidthTypes.Date32, value: func(r *rand.Rand) any { return day(r).Format(time.DateOnly) }},
	{DDL: "timestamp", Arrow: arrow.FixedWidthTypes.Timestamp_us, value: func(r *rand.Rand) any {
		return day(r).Add(time.Duration(r.Int64N(86_400_000_000)) * time.Microsecond).Format(micros)
	}},
	decimal(5, 2), decimal(9, 0), decimal(18, 6), decimal(20, 4), decimal(38, 10),
}

const micros = "2006-01-02T15:04:05.000000Z"

func edge(r *rand.Rand, n int64, edges ...int64) int64 {
	if r.IntN(4) == 0 {
		return edges[r.IntN(len(edges))]
	}
	return n
}

func floating(r *rand.Rand, bits int) any {
	switch r.IntN(8) {
	case 0:
		return []any{"NaN", "Infinity", "-Infinity", json.Number("-0.0")}[r.IntN(4)]
	case 1:
		return r.IntN(100)
	}
	return json.Number(strconv.FormatFloat((r.Float64()-0.5)*float64(r.IntN(1_000_000)), 'g', -1, bits))
}

func text(r *rand.Rand) any {
	if r.IntN(2) == 0 {
		return texts[r.IntN(len(texts))]
	}
	return fmt.Sprintf("s%d", r.IntN(10_000))
}

func day(r *rand.Rand) time.Time {
	if r.IntN(5) == 0 {
		return time.Date(1+r.IntN(9998), 3, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(2024, 1, 1+r.IntN(700), 0, 0, 0, 0, time.UTC)
}

func decimal(precision, scale int) Type {
	of := &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}
	return Type{DDL: fmt.Sprintf("decimal(%d,%d)", precision, scale), Arrow: of, value: func(r *rand.Rand) any {
		digits := make([]byte, 1+r.IntN(precision))
		for i := range digits {
			digits[i] = byte('0' + r.IntN(10))
		}
		for len(digits) <= scale {
			digits = append([]byte{'0'}, digits...)
		}
		out := strings.TrimLeft(string(digits[:len(digits)-scale]), "0")
		if out == "" {
			out = "0"
		}
		if scale > 0 {
			out += "." + string(digits[len(digits)-scale:])
		}
		if r.IntN(2) == 0 && strings.Trim(out, "0.") != "" {
			out = "-" + out
		}
		return out
	}}
}

// randomType is a type of at most the depth.
func randomType(r *rand.Rand, depth int) Type {
	if depth == 0 || r.IntN(4) > 0 {
		return scalarTypes[r.IntN(len(scalarTypes))]
	}
	switch r.IntN(3) {
	case 0:
		return arrayOf(randomType(r, depth-1))
	case 1:
		return mapOf(randomType(r, depth-1))
	}
	fields := make([]Column, 1+r.IntN(3))
	for i := range fields {
		// Spark fails to read files in which two fields of one name have named types in Avro
		fields[i] = Column{Name: fmt.Sprintf("f%d_%d", i, r.IntN(100_000)), Type: randomType(r, depth-1)}
	}
	return structOf(fields)
}

func arrayOf(item Type) Type {
	return Type{DDL: "array<" + item.DDL + ">", Arrow: arrow.ListOf(item.Arrow), Nested: true, value: func(r *rand.Rand) any {
		out := make([]any, r.IntN(4))
		for i := range out {
			out[i] = orNull(r, item)
		}
		return out
	}}
}

func mapOf(item Type) Type {
	return Type{DDL: "map<string," + item.DDL + ">", Arrow: arrow.MapOf(arrow.BinaryTypes.String, item.Arrow), Nested: true, value: func(r *rand.Rand) any {
		out := map[string]any{}
		for range r.IntN(4) {
			out[fmt.Sprint(text(r))] = orNull(r, item)
		}
		return out
	}}
}

func structOf(fields []Column) Type {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name + ":" + f.Type.DDL
	}
	return Type{DDL: "struct<" + strings.Join(names, ",") + ">", Arrow: arrow.StructOf(arrowFields(fields)...), Nested: true, value: func(r *rand.Rand) any {
		out := map[string]any{}
		for _, f := range fields {
			out[f.Name] = orNull(r, f.Type)
		}
		return out
	}}
}

// ArrowSchema is that of rows with the columns.
func ArrowSchema(columns []Column) *arrow.Schema { return arrow.NewSchema(arrowFields(columns), nil) }

func arrowFields(columns []Column) []arrow.Field {
	out := make([]arrow.Field, len(columns))
	for i, c := range columns {
		out[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow, Nullable: true}
	}
	return out
}

func orNull(r *rand.Rand, t Type) any {
	if r.IntN(5) == 0 {
		return nil
	}
	return t.value(r)
}

func typeNamed(ddl string) Type {
	return scalarTypes[slices.IndexFunc(scalarTypes, func(t Type) bool { return t.DDL == ddl })]
}

// wider is what columns of a type can become, by the promotions that Avro's resolution knows.
func wider(t Type) (Type, bool) {
	to := map[string]string{"int": "bigint", "float": "double"}[t.DDL]
	if to == "" {
		return t, false
	}
	return typeNamed(to), true
}

// literal is a value in SQL.
func literal(t Type, v any) string {
	if v == nil {
		return "NULL"
	}
	quoted := "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'", "\n", "\\n").Replace(fmt.Sprint(v)) + "'"
	switch t.DDL {
	case "string":
		return quoted
	case "binary":
		return "unbase64(" + quoted + ")"
	}
	return "CAST(" + quoted + " AS " + t.DDL + ")"
}
