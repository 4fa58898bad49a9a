package workload

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/interop"
)

// Schema is the database schema that the tables live in; in MariaDB it is the database.
const Schema = "shop"

// Database is what differs between the source databases: the SQL, the types, and what comes of them on the way.
type Database struct {
	Source interop.Database

	schema   string // SQL that makes the tables, with the extremes of all types
	session  string // SQL ahead of a batch
	boolean  Kind   // of a boolean column
	instant  func(*Generator) string
	cascades bool // changes of keys and deletes reach the rows that refer to them by themselves
	earliest int  // year of dates
	types    []typeColumn
	series   string // SQL of 64 rows, with the column n
	lost     []LostValue

	dump func(Column) string                         // SQL of a value in the encoding of its Kind
	rows func(t Table, values []string) (sql string) // query whose lines are rows as JSON objects
}

// DumpSQL is the query whose lines are a table's rows as JSON objects, in the encodings that Kind names.
func (d *Database) DumpSQL(t Table) string {
	values := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		if values[i] = c.sql; c.sql == "" {
			values[i] = d.dump(c)
		}
	}
	return d.rows(t, values)
}

// Last is SQL that inserts rows into every table, enough to reach every partition. Numbers differ from call to call.
func (d *Database) Last(number int) string {
	return strings.NewReplacer("$", strconv.Itoa(1_000_000_000+1000*number), "SERIES", d.series).Replace(`
		insert into shop.customers(id, name, created_at) select $ + n, 'last', now() from SERIES;
		insert into shop.orders(id, customer_id, status, total, placed_on) select $ + n, $ + n, 'last', 0, now() from SERIES;
		insert into shop.items(order_id, line, sku, qty, price) select $ + n, 1, 'last', 1, 1 from SERIES;
		insert into shop.all_types(id) select $ + n from SERIES;`)
}

// Topics are the topics of the source tables under a connector's prefix.
func (d *Database) Topics(prefix string) []string {
	var topics []string
	for _, table := range d.Tables() {
		topics = append(topics, prefix+"."+Schema+"."+table.Name)
	}
	return topics
}

func qualified(t Table) string { return fmt.Sprintf("%s.%s", Schema, t.Name) }
