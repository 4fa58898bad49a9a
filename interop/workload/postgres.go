package workload

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/interop"
)

//go:embed postgres.sql
var postgresSchema string

// PostgreSQL has tables whose keys cascade, and values that are stored out of line.
var PostgreSQL = &Database{
	Source:   interop.PostgreSQL,
	schema:   postgresSchema,
	session:  "set search_path = shop;\n",
	boolean:  Bool,
	instant:  func(g *Generator) string { return g.timestamp() + "::timestamptz" },
	cascades: true,
	earliest: 1,
	types:    postgresTypes,
	series:   "generate_series(1, 64) n",
	lost: []LostValue{
		{"a_2d", func(want any) bool { return want != nil }, "Debezium sends the rows of a two-dimensional array as nulls"},
		{"c_ts", is("infinity"), "Debezium sends a number outside of every reader's range"},
		{"c_tstz", is("-infinity"), "Debezium sends the text -infinity in place of a time"},
		{"c_date", is("infinity"), "Debezium's count of days overflows"},
		{"c_tstz", is("0001-01-01T00:00:00+00:00"), "Debezium's snapshot reads times before 1582 in the Julian calendar (its streaming does not)"},
		{"updated_at", isJulian, "Debezium's snapshot reads times before 1582 in the Julian calendar (its streaming does not)"},
		{"a_ts", hasJulian, "Debezium reads times before 1582 in timestamp[] in the Julian calendar (not in date[] and timestamptz[])"},
		{"a_mood", hasNull, "Debezium sends null for an array of an enum type that has a null element"},
	},
	dump: dumpPostgres,
	rows: func(t Table, values []string) string {
		for i, c := range t.Columns {
			values[i] += ` as "` + c.Name + `"`
		}
		return fmt.Sprintf("select row_to_json(x) from (select %s from %s order by %s) x",
			strings.Join(values, ", "), qualified(t), strings.Join(t.Keys, ", "))
	},
}

func hasNull(want any) bool {
	list, ok := want.([]any)
	return ok && slices.Contains(list, nil)
}

// hasJulian tells whether an array has a time before the Gregorian calendar.
func hasJulian(want any) bool {
	list, ok := want.([]any)
	return ok && slices.ContainsFunc(list, isJulian)
}

func isJulian(want any) bool {
	text, ok := want.(string)
	return ok && text < "1582-10-15"
}

func dumpPostgres(c Column) string {
	switch c.Kind {
	case Decimal, Number:
		if c.Array {
			return c.Name + "::text[]"
		}
		return c.Name + "::text"
	case Bytes:
		return "translate(encode(" + c.Name + ", 'base64'), E'\\n', '')"
	case Time:
		return "(extract(epoch from " + c.Name + ") * 1000000)::bigint"
	case Interval:
		parts := ""
		for _, p := range []struct{ field, days string }{{"year", "365.25"}, {"month", "30.4375"}, {"day", "1"}} {
			parts += fmt.Sprintf("extract(%s from %s) * %s * 86400 + ", p.field, c.Name, p.days)
		}
		for _, p := range []struct{ field, seconds string }{{"hour", "3600"}, {"minute", "60"}, {"second", "1"}} {
			parts += fmt.Sprintf("extract(%s from %s) * %s + ", p.field, c.Name, p.seconds)
		}
		return "((" + strings.TrimSuffix(parts, " + ") + ") * 1000000)::bigint"
	default:
		return c.Name
	}
}

var postgresTypes = []typeColumn{
	{name: "c_bool", kind: Bool, random: (*Generator).boolean},
	{name: "c_i2", kind: Int, random: integer(16)},
	{name: "c_i4", kind: Int, random: integer(32)},
	{name: "c_i8", kind: Int, random: integer(63)},
	{name: "c_f4", kind: Float, random: func(g *Generator) string { return g.float(32) }},
	{name: "c_f8", kind: Float, random: func(g *Generator) string { return g.float(64) }},
	{name: "c_num", kind: Number, random: func(g *Generator) string { return g.decimal(30, 1+g.rng.IntN(9)) }},
	{name: "c_num_5_2", kind: Decimal, random: func(g *Generator) string { return g.decimal(5, 2) }},
	{name: "c_num_38_10", kind: Decimal, random: func(g *Generator) string { return g.decimal(38, 10) }},
	{name: "c_num_10_0", kind: Decimal, random: integer(33)},
	{name: "c_money", kind: Decimal, random: func(g *Generator) string { return "(" + g.decimal(14, 2) + ")::numeric::money" }, sql: "c_money::numeric(19,2)::text"},
	{name: "c_char", kind: Text, random: quoted("c%d", 1000)},
	{name: "c_varchar", kind: Text, random: (*Generator).text},
	{name: "c_text", kind: Text, random: (*Generator).text},
	{name: "c_bytea", kind: Bytes, random: func(g *Generator) string { return `'\x` + g.hex(g.rng.IntN(100)) + "'" }},
	{name: "c_uuid", kind: Text, random: (*Generator).uuid},
	{name: "c_json", kind: Text, random: quoted(`{"k": [%d, null, "\u00e9"]}`, 1000), sql: "c_json::text"},
	{name: "c_jsonb", kind: Text, random: quoted(`{"b": %d, "a": 1.50}`, 1000), sql: "c_jsonb::text"},
	{name: "c_xml", kind: Text, random: quoted("<a><b>%d</b></a>", 1000), sql: "c_xml::text"},
	{name: "c_date", kind: Date, random: (*Generator).date},
	{name: "c_time", kind: Time, random: func(g *Generator) string { return g.timeOfDay("15:04:05.000000") }},
	{name: "c_time3", kind: Time, random: func(g *Generator) string { return g.timeOfDay("15:04:05.000") }},
	{name: "c_timetz", kind: Text, random: quoted("12:34:56.%06d+02", 1000000), sql: "replace((c_timetz at time zone 'UTC')::text, '+00', 'Z')"},
	{name: "c_ts", kind: Local, random: (*Generator).timestamp},
	{name: "c_ts3", kind: Local, random: (*Generator).timestamp},
	{name: "c_ts0", kind: Local, random: (*Generator).timestamp},
	{name: "c_tstz", kind: Instant, random: func(g *Generator) string { return g.timestamp() + "::timestamptz" }},
	{name: "c_interval", kind: Interval, random: quoted("%d hours 30 seconds", 1000)},
	{name: "c_bit1", kind: Bool, random: func(g *Generator) string { return g.bits(1) }, sql: "c_bit1 = B'1'"},
	{name: "c_bit8", kind: Bits, random: func(g *Generator) string { return g.bits(8) }},
	{name: "c_varbit", kind: Bits, random: func(g *Generator) string { return g.bits(1 + g.rng.IntN(60)) }},
	{name: "c_enum", kind: Text, random: (*Generator).mood},
	{name: "c_dom", kind: Int, random: func(g *Generator) string { return fmt.Sprint(1 + g.rng.IntN(1000)) }},
	{name: "c_inet", kind: Text, random: quoted("10.1.2.%d/24", 256)},
	{name: "c_cidr", kind: Text, random: quoted("10.%d.0.0/16", 256)},
	{name: "c_mac", kind: Text, random: quoted("08:00:2b:01:02:%02x", 256)},
	{name: "c_point", kind: Point, random: quoted("(%d.25,-1)", 1000), sql: "case when c_point is not null then json_build_object('x', c_point[0], 'y', c_point[1]) end"},
	{name: "c_oid", kind: Int, random: func(g *Generator) string { return fmt.Sprint(g.rng.Uint32()) }, sql: "c_oid::bigint"},
	{name: "c_i4range", kind: Text, random: quoted("[%d,2000)", 1000)},
	{name: "c_tsrange", kind: Text, random: quoted("[2024-01-01 00:00,2024-01-02 00:00:%02d)", 60)},
	{name: "c_tsv", kind: Text, random: quoted("fat cat%d", 1000)},
	{name: "a_i4", kind: Int, array: true, random: arrayOf("int", integer(32))},
	{name: "a_text", kind: Text, array: true, random: arrayOf("text", (*Generator).text)},
	{name: "a_num", kind: Decimal, array: true, random: arrayOf("numeric(10,2)", func(g *Generator) string { return g.decimal(10, 2) })},
	{name: "a_uuid", kind: Text, array: true, random: arrayOf("uuid", (*Generator).uuid)},
	{name: "a_ts", kind: Local, array: true, random: arrayOf("timestamp", (*Generator).timestamp)},
	{name: "a_tstz", kind: Instant, array: true, random: arrayOf("timestamptz", (*Generator).timestamp)},
	{name: "a_bool", kind: Bool, array: true, random: arrayOf("boolean", (*Generator).boolean)},
	{name: "a_date", kind: Date, array: true, random: arrayOf("date", (*Generator).date)},
	{name: "a_mood", kind: Text, array: true, random: arrayOf("shop.mood", (*Generator).mood)},
	{name: "a_2d", kind: Int, array: true, random: func(*Generator) string { return "'{{1,2},{3,4}}'" }},
}
