// Package workload changes a PostgreSQL or MariaDB database as an application would, at random but reproducibly, and compares what came
// out at the other end of a pipeline with what the database holds.
package workload

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Generator produces transactions. It keeps the keys of the live rows, so that every statement has something to change; the
// database itself is the truth about their content.
type Generator struct {
	// Changes counts the rows changed by what was generated so far, without rolled-back ones; a key change counts as one.
	Changes int

	db        *Database
	rng       *rand.Rand
	customers []int64
	orders    []order
	types     []int64 // keys of all_types
	next      int64   // the next key of any table
	modern    bool    // no times before 1960 or after 2060
}

type order struct{ id, customer, lines int64 }

// New returns a generator; the same seed gives the same transactions.
func New(db *Database, seed uint64) *Generator {
	return &Generator{db: db, rng: rand.New(rand.NewPCG(seed, 0)), next: 1}
}

// Start is the SQL that makes the tables and the rows that a connector's snapshot shall see.
func (g *Generator) Start() string {
	var b strings.Builder
	b.WriteString(g.db.schema)
	b.WriteString("begin;\n")
	g.modern = true // Debezium's snapshot, unlike its streaming, shifts older times
	defer func() { g.modern = false }()
	for range 200 {
		g.insertCustomer(&b)
	}
	for range 300 {
		g.insertOrder(&b)
	}
	for range 50 {
		g.insertTypes(&b)
	}
	b.WriteString("commit;\n")
	return b.String()
}

// Batch is SQL of whole transactions that changes about n rows.
func (g *Generator) Batch(n int) string {
	var b strings.Builder
	b.WriteString(g.db.session)
	for end := g.Changes + n; g.Changes < end; {
		g.transaction(&b)
	}
	return b.String()
}

func (g *Generator) transaction(b *strings.Builder) {
	b.WriteString("begin;\n")
	if g.chance(0.03) { // only what leaves the live keys as they are: this never happened
		before := g.Changes
		g.updateOrder(b)
		g.updateCustomer(b)
		fmt.Fprintf(b, "insert into customers(id, name, created_at) values(%d, 'rolled back', now());\nrollback;\n", g.key())
		g.Changes = before
		return
	}
	for range 1 + g.rng.IntN(4) {
		g.statement(b)
	}
	b.WriteString("commit;\n")
}

// statement writes one change, by weight.
func (g *Generator) statement(b *strings.Builder) {
	changes := []struct {
		weight int
		write  func(*strings.Builder)
	}{
		{6, g.insertCustomer}, {20, g.insertOrder}, {6, g.insertTypes},
		{24, g.updateOrder}, {6, g.updateNote}, {14, g.updateCustomer}, {10, g.updateItem}, {6, g.updateTypes},
		{4, g.rekeyOrder}, {1, g.rekeyCustomer}, {1, g.rekeyTypes},
		{9, g.deleteOrder}, {1, g.deleteCustomer}, {2, g.deleteTypes}, {2, g.replaceOrder},
	}
	total := 0
	for _, c := range changes {
		total += c.weight
	}
	pick := g.rng.IntN(total)
	for _, c := range changes {
		if pick -= c.weight; pick < 0 {
			c.write(b)
			return
		}
	}
}

func (g *Generator) insertCustomer(b *strings.Builder) {
	id := g.key()
	g.customers = append(g.customers, id)
	fmt.Fprintf(b, "insert into shop.customers values(%d, %s, %s, %s, %s, %s, %s, %s);\n", id, g.text(),
		g.maybe(g.text), g.maybe(g.text), g.decimal(12, 2), g.boolean(), g.db.instant(g), g.maybe(g.timestamp))
	g.Changes++
}

func (g *Generator) insertOrder(b *strings.Builder) {
	if len(g.customers) == 0 {
		g.insertCustomer(b)
	}
	o := order{id: g.key(), customer: g.customers[g.rng.IntN(len(g.customers))], lines: 1 + g.rng.Int64N(4)}
	g.orders = append(g.orders, o)
	g.writeOrder(b, o)
}

func (g *Generator) writeOrder(b *strings.Builder, o order) {
	fmt.Fprintf(b, "insert into shop.orders values(%d, %d, 'new', %s, %s, %s, %s);\n",
		o.id, o.customer, g.decimal(14, 2), g.note(), g.date(), g.maybe(g.timestamp))
	for line := range o.lines {
		fmt.Fprintf(b, "insert into shop.items values(%d, %d, 'SKU-%05d', %d, %s);\n",
			o.id, line+1, g.rng.IntN(100000), g.rng.IntN(10), g.decimal(10, 2))
	}
	g.Changes += 1 + int(o.lines)
}

// updateOrder leaves the note alone: a long one is out of line, and its event carries a placeholder instead.
func (g *Generator) updateOrder(b *strings.Builder) {
	if o, _, ok := g.anyOrder(); ok {
		status := []string{"paid", "packed", "shipped", "done"}[g.rng.IntN(4)]
		fmt.Fprintf(b, "update shop.orders set status = '%s', updated_at = %s where id = %d;\n", status, g.timestamp(), o.id)
		g.Changes++
	}
}

func (g *Generator) updateNote(b *strings.Builder) {
	if o, _, ok := g.anyOrder(); ok {
		fmt.Fprintf(b, "update shop.orders set note = %s where id = %d;\n", g.note(), o.id)
		g.Changes++
	}
}

func (g *Generator) updateCustomer(b *strings.Builder) {
	if len(g.customers) > 0 {
		fmt.Fprintf(b, "update shop.customers set credit = %s, email = %s, updated_at = %s where id = %d;\n",
			g.decimal(12, 2), g.maybe(g.text), g.maybe(g.timestamp), g.customers[g.rng.IntN(len(g.customers))])
		g.Changes++
	}
}

func (g *Generator) updateItem(b *strings.Builder) {
	if o, _, ok := g.anyOrder(); ok {
		fmt.Fprintf(b, "update shop.items set qty = qty + 1, price = %s where order_id = %d and line = %d;\n",
			g.decimal(10, 2), o.id, 1+g.rng.Int64N(o.lines))
		g.Changes++
	}
}

// rekeyOrder changes a primary key: the order's items follow, and the note, when out of line, is only under the old key.
func (g *Generator) rekeyOrder(b *strings.Builder) {
	if o, at, ok := g.anyOrder(); ok {
		g.orders[at].id = g.key()
		fmt.Fprintf(b, "update shop.orders set id = %d where id = %d;\n", g.orders[at].id, o.id)
		if !g.db.cascades {
			fmt.Fprintf(b, "update shop.items set order_id = %d where order_id = %d;\n", g.orders[at].id, o.id)
		}
		g.Changes += 1 + int(o.lines)
	}
}

func (g *Generator) rekeyCustomer(b *strings.Builder) {
	if len(g.customers) == 0 {
		return
	}
	at := g.rng.IntN(len(g.customers))
	old, id := g.customers[at], g.key()
	g.customers[at] = id
	fmt.Fprintf(b, "update shop.customers set id = %d where id = %d;\n", id, old)
	if !g.db.cascades {
		fmt.Fprintf(b, "update shop.orders set customer_id = %d where customer_id = %d;\n", id, old)
	}
	g.Changes++
	for i := range g.orders {
		if g.orders[i].customer == old {
			g.orders[i].customer = id
			g.Changes++
		}
	}
}

func (g *Generator) deleteOrder(b *strings.Builder) {
	if o, at, ok := g.anyOrder(); ok {
		g.orders = append(g.orders[:at], g.orders[at+1:]...)
		g.dropOrder(b, o)
	}
}

func (g *Generator) dropOrder(b *strings.Builder, o order) {
	fmt.Fprintf(b, "delete from shop.orders where id = %d;\n", o.id)
	if !g.db.cascades {
		fmt.Fprintf(b, "delete from shop.items where order_id = %d;\n", o.id)
	}
	g.Changes += 1 + int(o.lines)
}

func (g *Generator) deleteCustomer(b *strings.Builder) {
	if len(g.customers) == 0 {
		return
	}
	at := g.rng.IntN(len(g.customers))
	id := g.customers[at]
	g.customers = append(g.customers[:at], g.customers[at+1:]...)
	fmt.Fprintf(b, "delete from shop.customers where id = %d;\n", id)
	g.Changes++
	kept := g.orders[:0]
	for _, o := range g.orders {
		if o.customer == id {
			if g.db.cascades {
				g.Changes += 1 + int(o.lines)
			} else {
				g.dropOrder(b, o)
			}
			continue
		}
		kept = append(kept, o)
	}
	g.orders = kept
}

// replaceOrder deletes a row and inserts another under its key, in one transaction.
func (g *Generator) replaceOrder(b *strings.Builder) {
	if o, _, ok := g.anyOrder(); ok {
		g.dropOrder(b, o)
		g.writeOrder(b, o)
	}
}

func (g *Generator) insertTypes(b *strings.Builder) {
	id := g.key()
	g.types = append(g.types, id)
	values := make([]string, len(g.db.types))
	for i, c := range g.db.types {
		values[i] = g.maybe(c.value(g))
	}
	fmt.Fprintf(b, "insert into shop.all_types values(%d, %s);\n", id, strings.Join(values, ", "))
	g.Changes++
}

func (g *Generator) updateTypes(b *strings.Builder) {
	if len(g.types) == 0 {
		return
	}
	first, second := g.db.types[g.rng.IntN(len(g.db.types)/2)], g.db.types[len(g.db.types)/2+g.rng.IntN(len(g.db.types)/2)]
	fmt.Fprintf(b, "update shop.all_types set %s = %s, %s = %s where id = %d;\n", first.name, g.maybe(first.value(g)),
		second.name, g.maybe(second.value(g)), g.types[g.rng.IntN(len(g.types))])
	g.Changes++
}

func (g *Generator) rekeyTypes(b *strings.Builder) {
	if len(g.types) > 0 {
		at := g.rng.IntN(len(g.types))
		old := g.types[at]
		g.types[at] = g.key()
		fmt.Fprintf(b, "update shop.all_types set id = %d where id = %d;\n", g.types[at], old)
		g.Changes++
	}
}

func (g *Generator) deleteTypes(b *strings.Builder) {
	if len(g.types) > 0 {
		at := g.rng.IntN(len(g.types))
		fmt.Fprintf(b, "delete from shop.all_types where id = %d;\n", g.types[at])
		g.types = append(g.types[:at], g.types[at+1:]...)
		g.Changes++
	}
}

func (g *Generator) anyOrder() (o order, at int, ok bool) {
	if len(g.orders) == 0 {
		return order{}, 0, false
	}
	at = g.rng.IntN(len(g.orders))
	return g.orders[at], at, true
}

func (g *Generator) key() int64 {
	g.next++
	return g.next - 1
}
