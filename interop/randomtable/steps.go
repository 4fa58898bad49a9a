package randomtable

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// steps chooses what is done.
func (t *Table) steps() {
	t.cleans = t.chance(35)
	t.partials = t.Kind == cow || t.Version == 6 || t.meta && t.chance(40)
	if t.OnRead = !t.CDC && t.chance(12); t.OnRead {
		t.option("schema.on.read.enable", "true")
		t.option("datasource.write.reconcile.schema", "true")
	}
	t.write(pick(t.r, "insert", "upsert", "bulk_insert"), t.fresh(20+t.r.IntN(40)), nil)
	for range 4 + t.r.IntN(5) {
		switch p := t.r.IntN(100); {
		case p < 45:
			t.change()
		case p < 62:
			t.statement()
		case p < 70 || p < 85 && t.OnRead:
			t.evolve()
		default:
			t.service()
		}
	}
	t.conditions()
	t.statements()
}

// change is a write by the datasource.
func (t *Table) change() {
	switch p := t.r.IntN(100); {
	case p < 50:
		t.write("upsert", t.changes(1+t.r.IntN(15)), nil)
	case p < 60:
		t.write("insert", t.fresh(1+t.r.IntN(10)), nil)
	case p < 68:
		t.write("bulk_insert", t.fresh(1+t.r.IntN(10)), nil)
	case p < 84:
		t.write("delete", t.known(1+t.r.IntN(6)), nil)
	case p < 90:
		t.write("insert_overwrite", t.fresh(1+t.r.IntN(5)), nil)
	case p < 94:
		t.write("insert_overwrite_table", t.fresh(5+t.r.IntN(15)), nil)
	default:
		row := t.known(1)
		if folder, plain := t.folder(row[0]); plain {
			t.write("delete_partition", row, with(nil, "datasource.write.partitions.to.delete", folder))
		}
	}
}

func (t *Table) write(op string, rows []map[string]any, options map[string]string) {
	t.Steps = append(t.Steps, Step{Kind: Write, Op: op, Schema: t.DDL(), Rows: rows, Options: options})
}

func (t *Table) sql(statement string, options ...string) {
	t.Steps = append(t.Steps, Step{Kind: SQL, Statement: statement, Options: with(nil, options...)})
}

// statement is a write by SQL.
func (t *Table) statement() {
	row := t.known(1)[0]
	c := t.Columns[t.r.IntN(len(t.Columns))]
	var where []string
	for _, name := range t.Keys {
		where = append(where, name+" = "+literal(t.column(name).Type, row[name]))
	}
	condition := strings.Join(where, " AND ")
	if t.chance(40) && !c.Type.Nested {
		condition = c.Name + " IS NULL"
	}
	switch t.r.IntN(3) {
	case 0:
		if !t.partials {
			return
		}
		set, ok := t.assignment()
		if !ok {
			return
		}
		t.partially()
		t.sql("UPDATE {table} SET " + set + " WHERE " + condition)
	case 1:
		t.sql("DELETE FROM {table} WHERE " + condition)
	default:
		t.merge()
	}
}

// partially notes that logs may have blocks of some columns.
func (t *Table) partially() { t.Partial = t.Kind == mor && t.Version > 6 }

// assignment sets some column that is neither of the key nor of the partition nor of the order.
func (t *Table) assignment() (text string, ok bool) {
	var free []Column
	for _, c := range t.Columns {
		if strings.HasPrefix(c.Name, "c") && !c.Type.Nested {
			free = append(free, c)
		}
	}
	if len(free) == 0 {
		return "", false
	}
	c := pick(t.r, free...)
	return c.Name + " = " + literal(c.Type, orNull(t.r, c.Type)), true
}

// merge is a MERGE INTO of all columns or of some.
func (t *Table) merge() {
	rows := t.changes(1 + t.r.IntN(8))
	var on, set []string
	for _, name := range t.Keys {
		on = append(on, fmt.Sprintf("t.%s = s.%s", name, name))
	}
	update := "UPDATE SET *"
	if t.partials && t.chance(50) {
		for _, c := range t.Columns {
			if slices.Contains(t.Ordering, c.Name) || strings.HasPrefix(c.Name, "c") && t.chance(50) {
				set = append(set, fmt.Sprintf("%s = s.%s", c.Name, c.Name))
			}
		}
		if len(set) > 0 {
			t.partially()
			update = "UPDATE SET " + strings.Join(set, ", ")
		}
	}
	if t.chance(20) {
		update = "DELETE"
	}
	options := map[string]string(nil)
	if !t.partials {
		options = with(nil, "spark.sql.merge.into.partial.updates", "false")
	}
	text := "MERGE INTO {table} t USING rows s ON " + strings.Join(on, " AND ") + " WHEN MATCHED THEN " + update
	if t.chance(60) {
		text += " WHEN NOT MATCHED THEN INSERT *"
	}
	t.Steps = append(t.Steps, Step{Kind: SQL, Statement: text, Schema: t.DDL(), Rows: rows, Options: options})
}

func (t *Table) column(name string) Column {
	return t.Columns[slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })]
}

// row gives a key the rest of a row.
func (t *Table) row(key map[string]any) map[string]any {
	row := maps.Clone(key)
	for _, c := range t.Columns {
		if _, is := row[c.Name]; is {
			continue
		}
		switch {
		case slices.Contains(t.Ordering, c.Name):
			row[c.Name] = t.time(c.Type)
		case c.Name == "_hoodie_is_deleted":
			row[c.Name] = t.chance(10)
		default:
			row[c.Name] = orNull(t.r, c.Type)
		}
	}
	return row
}

// time is an ordering value: mostly newer than all before, now and then late.
func (t *Table) time(of Type) any {
	at := t.clock - 1 - t.r.Int64N(20)
	if !t.chance(25) {
		t.clock += t.r.Int64N(3)
		at = t.clock
	}
	return OrderingValue(of, at)
}

// OrderingValue is a value of a type of ordering columns. Values are in the order of the numbers that they are made of, which are not negative.
func OrderingValue(of Type, at int64) any {
	switch of.DDL {
	case "string":
		return fmt.Sprintf("%08d", at)
	case "timestamp":
		return time.Unix(at, 500).UTC().Format(micros)
	case "double":
		return float64(at) + 0.5
	}
	return at
}

// known are rows of keys that were written before, each once.
func (t *Table) known(n int) []map[string]any {
	var out []map[string]any
	for _, i := range t.r.Perm(len(t.keys))[:min(n, len(t.keys))] {
		out = append(out, t.row(t.keys[i]))
	}
	return out
}

// changes are rows of known keys and some of new ones.
func (t *Table) changes(n int) []map[string]any {
	return append(t.known(n), t.fresh(t.r.IntN(1+n/3))...)
}

// conditions are what snapshots are asked with.
func (t *Table) conditions() {
	row := t.known(1)[0]
	t.Conditions = append(t.Conditions, "id = "+plainLiteral(row["id"]))
	if _, is := row["part"].(string); is && t.column("part").Type.DDL == "string" {
		t.Conditions = append(t.Conditions, "part = "+plainLiteral(row["part"]))
	}
	for _, c := range t.Columns {
		if slices.Contains([]string{"int", "bigint"}, c.Type.DDL) && strings.HasPrefix(c.Name, "c") {
			t.Conditions = append(t.Conditions, c.Name+" > 0")
			break
		}
	}
}

// statements are SQL that Spark and DuckDB understand alike.
func (t *Table) statements() {
	scalars := t.columns(func(c Column) bool {
		return !c.Type.Nested && c.Type.DDL != "binary" && !slices.Contains(t.PartitionBy, c.Name)
	})
	c := t.Columns[pick(t.r, scalars...)].Name
	t.Statements = append(t.Statements, fmt.Sprintf("SELECT count(*) AS n, count(%s) AS k, min(%s) AS least, max(%s) AS most FROM {table}", c, c, c))
	d := t.Columns[pick(t.r, scalars...)].Name
	t.Statements = append(t.Statements, fmt.Sprintf("SELECT id, %s AS d FROM {table} WHERE %s IS NOT NULL", d, c))
}

func plainLiteral(v any) string {
	if text, is := v.(string); is {
		return "'" + text + "'"
	}
	return fmt.Sprint(v)
}
