package randomtable

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// This file is for those who choose a table's steps themselves.

// Lay makes up a table without steps, of a version and type, one that fits.
func Lay(seed, version int, kind string, fits func(*Table) bool) *Table {
	for try := uint64(0); ; try++ {
		t := &Table{
			Seed: seed, Version: version, Kind: kind, r: rand.New(rand.NewPCG(uint64(seed), 0x6c61_7930+try)),
			Options: map[string]string{}, meta: true, clock: 1000,
		}
		t.layout()
		t.merging()
		t.storage()
		if fits(t) {
			return t
		}
	}
}

// Fresh are rows with keys that the table never had.
func (t *Table) Fresh(n int) []map[string]any { return t.fresh(n) }

// Row gives a key, with its partition columns, the rest of a row.
func (t *Table) Row(key map[string]any) map[string]any { return t.row(key) }

// Column is the column of a name.
func (t *Table) Column(name string) Column { return t.column(name) }

// Free are the columns that are neither of the key nor of the partition nor of the order.
func (t *Table) Free() []Column {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return !strings.HasPrefix(c.Name, "c") })
}

// Add adds a column.
func (t *Table) Add() { t.add() }

// Widen widens one of the columns whose type is among those given, if there is one.
func (t *Table) Widen(types ...string) bool {
	at := t.columns(func(c Column) bool {
		_, ok := wider(c.Type)
		return ok && strings.HasPrefix(c.Name, "c") && slices.Contains(types, c.Type.DDL)
	})
	if len(at) == 0 {
		return false
	}
	t.widen(pick(t.r, at...))
	return true
}

// KeyGenerator is the kind of the generator of keys: Simple, Complex, Nonpartitioned, TimestampBased or Custom.
func (t *Table) KeyGenerator() string { return t.generator }

// MetaFields tells whether rows have meta columns.
func (t *Table) MetaFields() bool { return t.meta }

// HiveStyle tells whether the folders of partitions name their column.
func (t *Table) HiveStyle() bool { return t.hive }

// Encoded tells whether the names of folders are escaped.
func (t *Table) Encoded() bool { return t.encoded }

// Option is an option of every write, by its name without hoodie.
func (t *Table) Option(name string) string { return t.Options["hoodie."+name] }

// Literal is a value in SQL.
func Literal(of Type, v any) string { return literal(of, v) }

// DDLOf are columns as Spark's DDL.
func DDLOf(columns []Column) string { return ddl(columns) }
