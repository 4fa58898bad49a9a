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
	lost    []LostValue
}

// Tables are the source tables.
func (d *Database) Tables() []Table {
	types := []Column{{Name: "id", Kind: Int}}
	for _, c := range d.types {
		types = append(types, c.column())
	}
	return []Table{
		{Name: "customers", Keys: []string{"id"}, Columns: []Column{{Name: "id", Kind: Int}, {Name: "name", Kind: Text}, {Name: "email", Kind: Text}, {Name: "city", Kind: Text},
			{Name: "credit", Kind: Decimal}, {Name: "vip", Kind: d.boolean}, {Name: "created_at", Kind: Instant}, {Name: "updated_at", Kind: Local}}, lost: d.lost},
		{Name: "orders", Keys: []string{"id"}, Columns: []Column{{Name: "id", Kind: Int}, {Name: "customer_id", Kind: Int}, {Name: "status", Kind: Text},
			{Name: "total", Kind: Decimal}, {Name: "note", Kind: Text}, {Name: "placed_on", Kind: Date}, {Name: "updated_at", Kind: Local}}, lost: d.lost},
		{Name: "items", Keys: []string{"order_id", "line"}, Columns: []Column{{Name: "order_id", Kind: Int}, {Name: "line", Kind: Int}, {Name: "sku", Kind: Text},
			{Name: "qty", Kind: Int}, {Name: "price", Kind: Decimal}}},
		{Name: "all_types", Keys: []string{"id"}, Columns: types, lost: d.lost},
	}
}

// TableNamed is the table of that name; it panics when there is none.
func (d *Database) TableNamed(name string) Table {
	all := d.Tables()
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
