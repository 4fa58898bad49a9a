package workload

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/interop"
)

//go:embed mariadb.sql
var mariadbSchema string

// MariaDB has types of its own: unsigned numbers, bits, times beyond a day, sets, zero dates.
var MariaDB = &Database{
	Source:   interop.MariaDB,
	schema:   mariadbSchema,
	session:  "flush binary logs;\nuse shop;\nset sql_mode = 'NO_BACKSLASH_ESCAPES';\n",
	boolean:  Int,
	instant:  (*Generator).epoch,
	earliest: 1000,
	types:    mariadbTypes,
	series:   "(select seq as n from shop.seq_1_to_64) s",
	lost: []LostValue{
		{"c_uuid", func(want any) bool { text, ok := want.(string); return ok && strings.HasSuffix(text, "00") },
			"Debezium's streaming loses the zeros that a uuid ends with and puts them in front (its snapshot does not)"},
		{"c_date", is("0000-00-00"), "Debezium sends null for a zero date"},
		{"c_dt", is("0000-00-00T00:00:00"), "Debezium sends null for a zero date"},
		{"c_dt6", is("0000-00-00T00:00:00.000000"), "Debezium sends null for a zero date"},
		{"c_ts", is("0000-00-00T00:00:00+00:00"), "Debezium sends null or 1970 for a zero timestamp"},
		{"c_ts6", is("0000-00-00T00:00:00.000000+00:00"), "Debezium sends null or 1970 for a zero timestamp"},
	},
	dump: dumpMariaDB,
	rows: func(t Table, values []string) string {
		for i, c := range t.Columns {
			values[i] = "'" + c.Name + "', " + values[i]
		}
		return fmt.Sprintf("select json_object(%s) from %s order by %s", strings.Join(values, ", "), qualified(t), strings.Join(t.Keys, ", "))
	},
}

func dumpMariaDB(c Column) string {
	switch c.Kind {
	case Decimal, Date:
		return "cast(" + c.Name + " as char)"
	case Bytes:
		return "replace(to_base64(" + c.Name + "), char(10), '')"
	case Time:
		return "cast(time_to_sec(" + c.Name + ") * 1000000 as signed)"
	case Local:
		return "replace(cast(" + c.Name + " as char), ' ', 'T')"
	case Instant:
		return "concat(replace(cast(" + c.Name + " as char), ' ', 'T'), '+00:00')"
	default:
		return c.Name
	}
}

// The functions here write literals of types that only MariaDB has.

// epoch lies in the range of timestamps.
func (g *Generator) epoch() string {
	return "'" + time.UnixMicro(g.rng.Int64N(int64(1)<<31*1_000_000-1_000_000)+1_000_000).UTC().Format("2006-01-02 15:04:05.000000") + "'"
}

// duration is a time up to 838 hours either way.
func (g *Generator) duration() string {
	sign := ""
	if g.chance(0.3) {
		sign = "-"
	}
	return fmt.Sprintf("'%s%02d:%02d:%02d.%06d'", sign, g.rng.IntN(838), g.rng.IntN(60), g.rng.IntN(60), g.rng.IntN(1_000_000))
}

func unsigned(bits uint) func(*Generator) string {
	return func(g *Generator) string { return fmt.Sprint(g.rng.Uint64() >> (64 - bits)) }
}

func bitText(n int) func(*Generator) string {
	return func(g *Generator) string { return strings.ToLower(g.bits(n)) }
}

func hexText(bytes int) func(*Generator) string {
	return func(g *Generator) string { return "x'" + g.hex(g.rng.IntN(bytes+1)) + "'" }
}

func oneOf(texts ...string) func(*Generator) string {
	return func(g *Generator) string { return "'" + texts[g.rng.IntN(len(texts))] + "'" }
}

var mariadbTypes = []typeColumn{
	{name: "c_ti", kind: Int, random: integer(8)},
	{name: "c_tiu", kind: Int, random: unsigned(8)},
	{name: "c_bool", kind: Int, random: (*Generator).boolean},
	{name: "c_si", kind: Int, random: integer(16)},
	{name: "c_siu", kind: Int, random: unsigned(16)},
	{name: "c_mi", kind: Int, random: integer(24)},
	{name: "c_miu", kind: Int, random: unsigned(24)},
	{name: "c_i", kind: Int, random: integer(32)},
	{name: "c_iu", kind: Int, random: unsigned(32)},
	{name: "c_bi", kind: Int, random: integer(64)},
	{name: "c_biu", kind: Decimal, random: unsigned(64)},
	// Debezium's snapshot, unlike its streaming, reads six digits of a float.
	{name: "c_f", kind: Float, random: func(g *Generator) string { return fmt.Sprintf("%d.25", g.rng.IntN(10_000)) }, sql: "cast(c_f as double)"},
	{name: "c_d", kind: Float, random: func(g *Generator) string { return fmt.Sprintf("%g", g.rng.NormFloat64()*1e12) }},
	{name: "c_dec", kind: Decimal, random: func(g *Generator) string { return g.decimal(10, 2) }},
	{name: "c_decu", kind: Decimal, random: func(g *Generator) string { return strings.TrimPrefix(g.decimal(10, 2), "-") }},
	{name: "c_dec38", kind: Decimal, random: func(g *Generator) string { return g.decimal(38, 10) }},
	{name: "c_dec65", kind: Decimal, random: func(g *Generator) string { return g.decimal(65, 30) }},
	{name: "c_dec0", kind: Decimal, random: integer(33)},
	{name: "c_bit1", kind: Bool, random: bitText(1), sql: "json_compact(case c_bit1 when 1 then 'true' when 0 then 'false' end)"},
	{name: "c_bit10", kind: Bits, random: bitText(10), sql: "lpad(bin(c_bit10 + 0), 10, '0')"},
	{name: "c_bit64", kind: Bits, random: bitText(64), sql: "lpad(bin(c_bit64 + 0), 64, '0')"},
	{name: "c_char", kind: Text, random: quoted("c%d", 1000)},
	{name: "c_vc", kind: Text, random: (*Generator).text},
	{name: "c_latin", kind: Text, random: quoted("Øster %d£", 1000)},
	{name: "c_bin", kind: Bytes, random: hexText(4)},
	{name: "c_vbin", kind: Bytes, random: hexText(100)},
	{name: "c_blob", kind: Bytes, random: hexText(200)},
	{name: "c_text", kind: Text, random: (*Generator).text},
	{name: "c_ltext", kind: Text, random: (*Generator).text},
	{name: "c_date", kind: Date, random: (*Generator).date},
	{name: "c_time", kind: Time, random: (*Generator).duration},
	{name: "c_time3", kind: Time, random: (*Generator).duration},
	{name: "c_time6", kind: Time, random: (*Generator).duration},
	{name: "c_dt", kind: Local, random: (*Generator).timestamp},
	{name: "c_dt3", kind: Local, random: (*Generator).timestamp},
	{name: "c_dt6", kind: Local, random: (*Generator).timestamp},
	{name: "c_ts", kind: Instant, random: (*Generator).epoch},
	{name: "c_ts6", kind: Instant, random: (*Generator).epoch},
	{name: "c_year", kind: Int, random: func(g *Generator) string { return fmt.Sprint(1901 + g.rng.IntN(255)) }, sql: "c_year + 0"},
	{name: "c_enum", kind: Text, random: oneOf("a", "b", "c")},
	{name: "c_set", kind: Text, random: oneOf("", "x", "x,z", "x,y,z")},
	{name: "c_json", kind: Text, random: quoted(`{"k": [%d, null, "\u00e9"]}`, 1000), sql: "concat(c_json, '')"},
	{name: "c_uuid", kind: Text, random: (*Generator).uuid, sql: "cast(c_uuid as char)"},
	{name: "c_pt", kind: Point, random: func(g *Generator) string { return fmt.Sprintf("point(%d.25, -1)", g.rng.IntN(1000)) },
		sql: "json_compact(if(c_pt is null, null, json_object('x', st_x(c_pt), 'y', st_y(c_pt))))"},
}
