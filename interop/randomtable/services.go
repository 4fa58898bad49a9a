package randomtable

import (
	"fmt"
	"slices"
	"strings"
)

// service lets a table service run, with a write or alone, or undoes something.
func (t *Table) service() {
	few := func() []map[string]any { return t.changes(1 + t.r.IntN(8)) }
	switch p := t.r.IntN(100); {
	case p < 30 && t.Kind == mor:
		t.compaction(few)
	case p < 30 || p < 45 && !t.bucket:
		t.clustering(few)
	case p < 70 && t.cleans:
		t.cleaning(few)
	case p < 70:
		t.write("upsert", few(), nil)
	case p < 82 && !t.saved:
		t.saved = true
		t.Steps = append(t.Steps, Step{
			Kind: SQL, Statement: "CALL create_savepoint(table => '{table}', commit_time => '{newest}')", Saves: true})
	case p < 82:
		t.saved = false
		t.sql("CALL rollback_to_savepoint(table => '{table}', instant_time => '{saved}')")
	case p < 90:
		t.sql("CALL rollback_to_instant(table => '{table}', instant_time => '{newest}')")
	default:
		t.Steps = append(t.Steps, Step{Kind: Crash})
		// the dead write's markers are gone, so that its files must be looked for
		t.option("rollback.using.markers", "false")
		if t.chance(70) {
			t.write("upsert", few(), nil)
		}
	}
}

// cleaning is a clean that keeps the last commits, sometimes with an archive of the timeline, which Spark does not let be shorter.
func (t *Table) cleaning(few func() []map[string]any) {
	retained := 1 + t.r.IntN(3)
	options := with(nil, "clean.automatic", "true", "clean.commits.retained", fmt.Sprint(retained), "cleaner.commits.retained", fmt.Sprint(retained),
		"keep.min.commits", "20", "keep.max.commits", "30")
	if t.chance(60) {
		options = with(options, "archive.automatic", "true", "keep.min.commits", fmt.Sprint(retained+1), "keep.max.commits", fmt.Sprint(retained+2),
			"commits.archival.batch", "1", "timeline.compaction.batch.size", "3")
	}
	for range 1 + t.r.IntN(3) {
		t.write("upsert", few(), options)
	}
}

func (t *Table) compaction(few func() []map[string]any) {
	switch p := t.r.IntN(100); {
	case p < 35:
		t.write("upsert", few(), with(nil, "compact.inline", "true", "compact.inline.max.delta.commits", "1"))
	case p < 50:
		t.write("upsert", few(), with(nil, "log.compaction.enable", "true", "log.compaction.inline", "true", "log.compaction.blocks.threshold", "1"))
	case t.planned != "compaction":
		t.planned = "compaction"
		t.sql("CALL run_compaction(op => 'schedule', table => '{table}')", "compact.inline.max.delta.commits", "1")
	default:
		t.planned = ""
		t.sql("CALL run_compaction(op => 'execute', table => '{table}')")
	}
}

func (t *Table) clustering(few func() []map[string]any) {
	if t.bucket {
		t.write("upsert", few(), nil)
		return
	}
	sorted := t.Columns[0].Name
	switch p := t.r.IntN(100); {
	case p < 50:
		t.write("insert", t.fresh(1+t.r.IntN(5)), with(nil, "clustering.inline", "true", "clustering.inline.max.commits", "1",
			"clustering.plan.strategy.sort.columns", sorted))
	case t.planned != "clustering":
		t.sql("CALL run_clustering(op => 'schedule', table => '{table}')", "clustering.plan.strategy.sort.columns", sorted)
		t.write("bulk_insert", t.fresh(1+t.r.IntN(5)), nil)
		if t.planned = "clustering"; t.chance(75) { // until then Spark refuses updates of these files
			t.planned = ""
			t.sql("CALL run_clustering(op => 'execute', table => '{table}')")
		}
	default:
		t.planned = ""
		t.sql("CALL run_clustering(op => 'execute', table => '{table}')")
	}
}

// evolve changes columns: by a write that has other columns, or by ALTER TABLE.
func (t *Table) evolve() {
	free := t.columns(func(c Column) bool { return strings.HasPrefix(c.Name, "c") })
	if t.OnRead && len(free) > 2 && t.chance(70) {
		t.alter(pick(t.r, free...))
	} else {
		widened := t.columns(func(c Column) bool {
			_, ok := wider(c.Type)
			return ok && strings.HasPrefix(c.Name, "c")
		})
		if len(widened) > 0 && t.chance(50) {
			t.widen(pick(t.r, widened...))
		} else {
			t.add()
		}
	}
	t.write("upsert", t.changes(1+t.r.IntN(8)), nil)
}

// columns are the places of columns of some kind.
func (t *Table) columns(is func(Column) bool) []int {
	var out []int
	for i, c := range t.Columns {
		if is(c) {
			out = append(out, i)
		}
	}
	return out
}

func (t *Table) widen(i int) {
	t.Columns[i].Type, _ = wider(t.Columns[i].Type)
	t.feature("%s widened", t.Columns[i].Name)
}

func (t *Table) add() Column {
	t.added++
	c := Column{fmt.Sprintf("c_new%d", t.added), t.newType()}
	t.Columns = append(t.Columns, c)
	t.feature("%s added", c.Name)
	return c
}

// alter changes a column as only schema-on-read can.
func (t *Table) alter(i int) {
	c := t.Columns[i]
	switch p := t.r.IntN(4); {
	case p == 0:
		t.added++
		t.Columns[i].Name = fmt.Sprintf("c_named%d", t.added)
		t.sql(fmt.Sprintf("ALTER TABLE {table} RENAME COLUMN %s TO %s", c.Name, t.Columns[i].Name))
	case p == 1:
		t.Columns = slices.Delete(slices.Clone(t.Columns), i, i+1)
		t.sql("ALTER TABLE {table} DROP COLUMN " + c.Name)
	case p == 2 && retyped[c.Type.DDL] != "":
		t.Columns[i].Type = typeNamed(retyped[c.Type.DDL])
		t.sql(fmt.Sprintf("ALTER TABLE {table} ALTER COLUMN %s TYPE %s", c.Name, t.Columns[i].Type.DDL))
	default:
		c := t.add()
		t.sql(fmt.Sprintf("ALTER TABLE {table} ADD COLUMNS (%s %s)", c.Name, c.Type.DDL))
	}
	t.feature("schema on read")
}

// retyped is what ALTER COLUMN can make of a type.
var retyped = map[string]string{"int": "bigint", "bigint": "double", "float": "double", "double": "string", "date": "string", "decimal(5,2)": "decimal(18,6)"}
