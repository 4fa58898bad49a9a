package workload

import (
	"fmt"
	"slices"
)

// Kind is how values of a column are compared.
type Kind int

// The kinds. What each source type becomes on the way is in the comment where it is not obvious.
const (
	Bool     Kind = iota
	Int           // also oid, and intervals as microseconds of months of 30.4375 days
	Float         // of 32 or 64 bits
	Decimal       // text with its full scale
	Number        // text of a numeric without a scale; Debezium drops zeros at the end
	Text          // also what has no type of its own in a table: json, xml, ranges, network addresses, times with zone
	Bytes         // base64
	Bits          // bytes, least significant first
	Date          // 2026-01-31
	Time          // microseconds, which may be a whole day
	Local         // timestamp without zone
	Instant       // timestamp with zone
	Point         // an object with x and y, among others
	Interval      // microseconds
)

// Column is a column of a source table.
type Column struct {
	Name  string
	Kind  Kind
	Array bool
	sql   string // how to dump it; empty: by its kind
}

// Table is a source table.
type Table struct {
	Name    string
	Keys    []string
	Columns []Column
}

// Tables are the source tables.
func Tables() []Table {
	types := []Column{{Name: "id", Kind: Int}}
	for _, c := range typeColumns {
		types = append(types, c.column())
	}
	return []Table{
		{"customers", []string{"id"}, []Column{{Name: "id", Kind: Int}, {Name: "name", Kind: Text}, {Name: "email", Kind: Text}, {Name: "city", Kind: Text},
			{Name: "credit", Kind: Decimal}, {Name: "vip", Kind: Bool}, {Name: "created_at", Kind: Instant}, {Name: "updated_at", Kind: Local}}},
		{"orders", []string{"id"}, []Column{{Name: "id", Kind: Int}, {Name: "customer_id", Kind: Int}, {Name: "status", Kind: Text},
			{Name: "total", Kind: Decimal}, {Name: "note", Kind: Text}, {Name: "placed_on", Kind: Date}, {Name: "updated_at", Kind: Local}}},
		{"items", []string{"order_id", "line"}, []Column{{Name: "order_id", Kind: Int}, {Name: "line", Kind: Int}, {Name: "sku", Kind: Text},
			{Name: "qty", Kind: Int}, {Name: "price", Kind: Decimal}}},
		{"all_types", []string{"id"}, types},
	}
}

// TableNamed is the table of that name; it panics when there is none.
func TableNamed(name string) Table {
	all := Tables()
	return all[slices.IndexFunc(all, func(t Table) bool { return t.Name == name })]
}

// typeColumn is a column of all_types and how to make values for it.
type typeColumn struct {
	name   string
	kind   Kind
	array  bool
	random func(*Generator) string
	sql    string
}

func (c typeColumn) column() Column {
	return Column{Name: c.name, Kind: c.kind, Array: c.array, sql: c.sql}
}

func (c typeColumn) value(g *Generator) func() string { return func() string { return c.random(g) } }

func quoted(format string, n int) func(*Generator) string {
	return func(g *Generator) string { return fmt.Sprintf("'"+format+"'", g.rng.IntN(n)) }
}

func arrayOf(elementType string, element func(*Generator) string) func(*Generator) string {
	return func(g *Generator) string { return g.array(elementType, func() string { return element(g) }) }
}

func integer(bits uint) func(*Generator) string {
	return func(g *Generator) string { return fmt.Sprint(int64(g.rng.Uint64()) >> (64 - bits)) }
}

var typeColumns = []typeColumn{
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
