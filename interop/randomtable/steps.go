package randomtable

import (
	"fmt"
	"maps"
	"slices"
)

// steps chooses what is done.
func (t *Table) steps() {
	t.write("insert", t.fresh(20+t.r.IntN(40)), nil)
	for range 4 + t.r.IntN(7) {
		t.step()
	}
}

func (t *Table) step() {
	switch p := t.r.IntN(100); {
	case p < 40:
		t.write("upsert", t.changes(1+t.r.IntN(15)), nil)
	case p < 50:
		t.write("insert", t.fresh(1+t.r.IntN(10)), nil)
	case p < 58:
		t.write("bulk_insert", t.fresh(1+t.r.IntN(10)), nil)
	case p < 75:
		t.write("delete", t.known(1+t.r.IntN(6)), nil)
	case p < 80:
		t.write("insert_overwrite", t.fresh(1+t.r.IntN(5)), nil)
	case p < 83:
		t.write("insert_overwrite_table", t.fresh(5+t.r.IntN(15)), nil)
	default:
		t.service()
	}
}

func (t *Table) write(op string, rows []map[string]any, options map[string]string) {
	t.Steps = append(t.Steps, Step{Kind: Write, Op: op, Schema: t.DDL(), Rows: rows, Options: options})
}

func (t *Table) service() {
	if t.Kind == mor {
		t.write("upsert", t.changes(1+t.r.IntN(8)), with(nil, "compact.inline", "true", "compact.inline.max.delta.commits", "1"))
		return
	}
	t.write("upsert", t.changes(1+t.r.IntN(8)), with(nil, "clustering.inline", "true", "clustering.inline.max.commits", "1"))
}

// fresh are rows with new keys.
func (t *Table) fresh(n int) []map[string]any {
	var out []map[string]any
	for range n {
		key := map[string]any{}
		for _, c := range t.Columns {
			switch {
			case slices.Contains(t.Keys, c.Name):
				key[c.Name] = t.key(c)
			case slices.Contains(t.PartitionBy, c.Name):
				key[c.Name] = t.partition(c)
			}
		}
		t.keys = append(t.keys, key)
		out = append(out, t.row(key))
	}
	return out
}

// key is a value that no other row has in the first key column.
func (t *Table) key(c Column) any {
	t.nextID++
	if c.Type.DDL == "string" {
		return fmt.Sprintf("%s%d", pick(t.r, "k", "é", "a b", "x:"), t.nextID)
	}
	return t.nextID
}

func (t *Table) partition(Column) any { return pick(t.r, "p1", "p2", "p 3") }

// row gives a key the rest of a row.
func (t *Table) row(key map[string]any) map[string]any {
	row := maps.Clone(key)
	for _, c := range t.Columns {
		if _, is := row[c.Name]; is {
			continue
		}
		if slices.Contains(t.Ordering, c.Name) {
			row[c.Name] = t.time()
			continue
		}
		row[c.Name] = orNull(t.r, c.Type)
	}
	return row
}

// time is an ordering value: mostly newer than all before, now and then late.
func (t *Table) time() int64 {
	if t.chance(25) {
		return t.clock - 1 - t.r.Int64N(20)
	}
	t.clock += t.r.Int64N(3)
	return t.clock
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
