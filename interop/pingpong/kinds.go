package pingpong

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/interop/randomtable"
)

// What a step does, for those who carry it out.
const (
	Write    = "write"    // Rows, with Op
	Amend    = "amend"    // the rows that meet Where: they get the values of Set, or are deleted if there is none
	SQL      = "sql"      // Statement, where {table} is the table's name and {newest} the last write; Rows are the view named rows
	Schedule = "schedule" // a compaction
	Execute  = "execute"  // the compaction of Plan
	Compact  = "compact"  // both
	Clean    = "clean"
	Rollback = "rollback" // of the last write
	Crash    = "crash"    // the last write's completed file vanishes
	Recover  = "recover"  // what died is undone
	Metadata = "metadata" // the metadata table is dropped, and made again
)

// Step is one thing that is done to the table.
type Step struct {
	Kind      string // of the declaration
	Who       Actor
	Do        string // Write and so on
	Op        string // of a write, as Spark names it
	Columns   []randomtable.Column
	Rows      []map[string]any // in the encoding of hudictl's jsonl
	Options   map[string]string
	Statement string
	Plan      string // instant of a compaction
	Set       string
	Where     string

	before []randomtable.Column // of the table
	effect func(Instant)        // on the model
	then   func(*Sequence) Step // what must follow
}

// String is one line.
func (s Step) String() string {
	text := fmt.Sprintf("%s: %s", s.Who, s.Kind)
	switch s.Do {
	case Write:
		return fmt.Sprintf("%s: %s of %d rows (%s) %v", s.Who, s.Op, len(s.Rows), randomtable.DDLOf(s.Columns), s.Options)
	case Amend:
		return fmt.Sprintf("%s: %s WHERE %s SET %s", s.Who, s.Kind, s.Where, s.Set)
	case SQL:
		return fmt.Sprintf("%s: %s %v", s.Who, s.Statement, s.Options)
	case Execute:
		return text + " of " + s.Plan
	}
	return text
}

// kind declares a kind of step: how often it is chosen among the others, who can do it ("" for both), and how it is made; ok is false
// where it cannot be now.
type kind struct {
	name   string
	weight int
	who    Actor
	make   func(s *Sequence, who Actor) (step Step, ok bool)
}

var kinds = []kind{
	{name: "upsert", weight: 30, make: func(s *Sequence, who Actor) (Step, bool) {
		return s.write("upsert", s.changes(1+s.r.IntN(15), who)), true
	}},
	{name: "insert", weight: 8, make: func(s *Sequence, _ Actor) (Step, bool) {
		return s.write("insert", s.fresh(1+s.r.IntN(10))), true
	}},
	{name: "bulk-insert", weight: 6, make: func(s *Sequence, _ Actor) (Step, bool) {
		return s.write("bulk_insert", s.fresh(1+s.r.IntN(10))), !s.bucket()
	}},
	{name: "delete", weight: 8, make: (*Sequence).deletes},
	{name: "delete with order", weight: 8, who: Ours, make: (*Sequence).orderedDeletes},
	{name: "DELETE FROM", weight: 5, make: (*Sequence).deleteFrom},
	{name: "UPDATE", weight: 5, make: (*Sequence).update},
	{name: "MERGE INTO", weight: 4, who: Spark, make: (*Sequence).mergeInto},
	{name: "insert-overwrite", weight: 4, make: func(s *Sequence, _ Actor) (Step, bool) {
		return s.overwrite("insert_overwrite", s.fresh(1+s.r.IntN(6))), s.replaceable()
	}},
	{name: "insert-overwrite-table", weight: 2, make: func(s *Sequence, _ Actor) (Step, bool) {
		return s.overwrite("insert_overwrite_table", s.fresh(5+s.r.IntN(15))), s.replaceable()
	}},
	{name: "delete-partition", weight: 3, make: (*Sequence).deletePartition},
	{name: "evolve", weight: 6, make: (*Sequence).evolve},
	{name: "compact", weight: 6, make: func(s *Sequence, _ Actor) (Step, bool) {
		return s.compaction(Compact), s.compactable()
	}},
	{name: "schedule", weight: 6, make: func(s *Sequence, _ Actor) (Step, bool) {
		return s.compaction(Schedule), s.compactable()
	}},
	{name: "execute", weight: 12, make: func(s *Sequence, _ Actor) (Step, bool) {
		if s.planned == nil {
			return Step{}, false
		}
		return Step{Do: Execute, Plan: s.planned.instant, effect: s.executed}, true
	}},
	{name: "clean", weight: 5, make: func(s *Sequence, who Actor) (Step, bool) {
		if who == Ours {
			return Step{Do: Clean}, true
		}
		return s.cleaning(), true
	}},
	{name: "rollback", weight: 5, make: (*Sequence).rollback},
	{name: "crash", weight: 5, who: Ours, make: (*Sequence).crash},
	{name: "clustering", weight: 3, who: Spark, make: (*Sequence).clustering},
	{name: "metadata anew", weight: 2, who: Ours, make: func(s *Sequence, _ Actor) (Step, bool) {
		return Step{Do: Metadata}, s.Table.Metadata && s.planned == nil
	}},
}

// write is a write of rows with all columns.
func (s *Sequence) write(op string, changes []change) Step {
	step := Step{Do: Write, Op: op, Columns: slices.Clone(s.Table.Columns)}
	for _, c := range changes {
		step.Rows = append(step.Rows, c.row)
	}
	step.effect = func(at Instant) { s.Model.write(at, changes) }
	return step
}

// deletes are unconditional.
func (s *Sequence) deletes(who Actor) (Step, bool) {
	if s.Table.Version == 8 && s.Table.Kind == mor && s.rules.event {
		return Step{}, false // Hudi 1.0.2 cannot read what it writes then
	}
	var list []change
	for _, key := range s.some(1+s.r.IntN(5), false) {
		list = append(list, change{key: key, row: s.Table.Row(s.Model.keys[key].columns), unconditional: true})
		s.timed(&list[len(list)-1], s.highest(key))
	}
	step := s.write("delete", list)
	if who == Ours { // the rows have keys and nothing to compare
		step.Columns = slices.DeleteFunc(step.Columns, func(c randomtable.Column) bool { return !s.keyed(c.Name) })
		for i, row := range step.Rows {
			step.Rows[i] = only(row, step.Columns)
		}
	}
	return step, len(list) > 0
}

// orderedDeletes are deletes with ordering values, which Spark's delete operation does not have.
func (s *Sequence) orderedDeletes(Actor) (Step, bool) {
	if !s.rules.event {
		return Step{}, false
	}
	var list []change
	for _, key := range s.some(1+s.r.IntN(5), false) {
		c := change{key: key, row: s.Table.Row(s.Model.keys[key].columns), deleted: true}
		s.timed(&c, s.deleteTime(key))
		list = append(list, c)
	}
	step := s.write("delete", list)
	step.Columns = slices.DeleteFunc(step.Columns, func(c randomtable.Column) bool {
		return !s.keyed(c.Name) && !slices.Contains(s.Table.Ordering, c.Name)
	})
	for i, row := range step.Rows {
		step.Rows[i] = only(row, step.Columns)
	}
	return step, len(list) > 0
}

// keyed tells whether a column makes the key or the partition.
func (s *Sequence) keyed(name string) bool {
	return slices.Contains(s.Table.Keys, name) || slices.Contains(s.Table.PartitionBy, name)
}

func only(row map[string]any, columns []randomtable.Column) map[string]any {
	out := map[string]any{}
	for _, c := range columns {
		out[c.Name] = row[c.Name]
	}
	return out
}

// sql tells whether Spark's SQL can work on the table.
func (s *Sequence) sql() bool { return len(s.Table.Ordering) < 2 }

// literal is a value in the SQL of who takes it.
func literal(who Actor, of randomtable.Type, v any) string {
	if who == Spark || v == nil {
		return randomtable.Literal(of, v)
	}
	text := fmt.Sprint(v)
	switch of.DDL {
	case "string":
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case "binary":
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			panic(err) // we have made it
		}
		return fmt.Sprintf("X'%x'", raw)
	case "date":
		return "DATE '" + text + "'"
	case "timestamp":
		return "TIMESTAMP '" + text + "'"
	}
	return text
}

// where is the condition of one row.
func (s *Sequence) where(who Actor, key Key) string {
	var out []string
	for name, value := range s.Model.keys[key].columns {
		if slices.Contains(s.Table.Keys, name) {
			out = append(out, name+" = "+literal(who, s.Table.Column(name).Type, value))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " AND ")
}

func (s *Sequence) deleteFrom(who Actor) (Step, bool) {
	keys := s.some(1, true)
	if len(keys) == 0 || s.rules.bare || who == Spark && !s.sql() || s.Table.Version == 8 && s.Table.Kind == mor && s.rules.event {
		return Step{}, false
	}
	list := []change{{key: keys[0], unconditional: true}}
	return Step{Do: Amend, Where: s.where(who, keys[0]), effect: func(at Instant) { s.Model.write(at, list) }}, true
}

// update sets one column. In logs of versions 8 and 9 such blocks have some columns only.
func (s *Sequence) update(who Actor) (Step, bool) {
	keys := s.some(1, true)
	free := slices.DeleteFunc(s.Table.Free(), func(c randomtable.Column) bool { return c.Type.Nested })
	if len(keys) == 0 || len(free) == 0 || s.rules.bare || s.rules.fill || who == Spark && (!s.sql() || s.Table.Kind == mor && s.Table.Version > 6) {
		return Step{}, false
	}
	c, now := pick(s.r, free...), s.Model.rows[keys[0]]
	row := map[string]any{}
	for name, value := range now.Values {
		row[name] = value
	}
	row[c.Name] = s.Table.Row(s.Model.keys[keys[0]].columns)[c.Name]
	if _, text := row[c.Name].(string); text && (c.Type.DDL == "float" || c.Type.DDL == "double") {
		row[c.Name] = nil // our SQL has no literals of NaN and infinities
	}
	list := []change{{key: keys[0], row: row, order: now.order}}
	return Step{
		Do: Amend, Set: c.Name + " = " + literal(who, c.Type, row[c.Name]), Where: s.where(who, keys[0]),
		effect: func(at Instant) { s.Model.write(at, list) },
	}, true
}

// mergeInto writes rows of known keys, newer than all before, and of new ones.
func (s *Sequence) mergeInto(Actor) (Step, bool) {
	if !s.sql() || s.rules.fill {
		return Step{}, false
	}
	list := s.fresh(s.r.IntN(4))
	for _, key := range s.some(1+s.r.IntN(6), false) {
		c := change{key: key, row: s.Table.Row(s.Model.keys[key].columns)}
		s.live(&c)
		s.timed(&c, s.highest(key)+1+s.r.Int64N(3))
		list = append(list, c)
	}
	var on []string
	for _, name := range s.Table.Keys {
		on = append(on, fmt.Sprintf("t.%s = s.%s", name, name))
	}
	step := s.write("", list)
	step.Do, step.Statement = SQL, "MERGE INTO {table} t USING rows s ON "+strings.Join(on, " AND ")+
		" WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
	step.Options = map[string]string{"hoodie.spark.sql.merge.into.partial.updates": "false"}
	return step, len(list) > 0
}

// replaceable tells whether file groups can be replaced: none is about to be compacted, and a bucket has no second one.
func (s *Sequence) replaceable() bool { return s.planned == nil && !s.bucket() }

// overwrite replaces the partitions that the rows are in, or the table.
func (s *Sequence) overwrite(op string, changes []change) Step {
	step := s.write(op, changes)
	in := map[string]bool{}
	for _, c := range changes {
		in[c.key.Partition] = true
	}
	step.effect = func(at Instant) {
		s.Model.remove(func(k Key) bool { return op == "insert_overwrite_table" || in[k.Partition] })
		s.Model.write(at, changes)
	}
	return step
}

// deletePartition takes a whole partition away, one whose folder Spark and we write alike in options.
func (s *Sequence) deletePartition(Actor) (Step, bool) {
	keys := s.some(1, true)
	if len(keys) == 0 || !s.replaceable() || keys[0].Partition == "" || strings.ContainsAny(keys[0].Partition, ",%*") {
		return Step{}, false
	}
	partition := keys[0].Partition
	step := s.write("delete_partition", []change{{key: keys[0], row: s.Model.rows[keys[0]].Values}})
	step.Options = map[string]string{"hoodie.datasource.write.partitions.to.delete": partition}
	for _, c := range step.Columns { // the row counts for nothing, but must be whole
		if _, is := step.Rows[0][c.Name]; !is {
			return Step{}, false
		}
	}
	step.effect = func(at Instant) {
		s.Model.remove(func(k Key) bool { return k.Partition == partition })
		s.Model.write(at, nil)
	}
	return step, true
}

// evolve is an upsert that brings a new column, or a wider one.
func (s *Sequence) evolve(who Actor) (Step, bool) {
	if len(s.Table.Columns) > 20 {
		return Step{}, false
	}
	if !s.chance(40) || !s.Table.Widen("int") {
		s.Table.Add()
	}
	return s.write("upsert", s.changes(1+s.r.IntN(8), who)), true
}

func (s *Sequence) compactable() bool {
	return s.Table.Kind == mor && s.planned == nil
}

// compaction schedules, and perhaps carries out.
func (s *Sequence) compaction(do string) Step {
	return Step{Do: do, effect: func(at Instant) {
		if at.Requested == "" {
			return // there was nothing to compact
		}
		s.planned = &plan{at.Requested, len(s.Model.Points)}
		if do == Compact {
			s.executed(at)
		}
	}}
}

func (s *Sequence) executed(at Instant) {
	s.Model.compacted(at, s.planned.point)
	s.planned = nil
}

// cleaning is a write by Spark that cleans, and perhaps archives.
func (s *Sequence) cleaning() Step {
	step := s.write("upsert", s.changes(1+s.r.IntN(5), Spark))
	retained := 2 + s.r.IntN(3)
	step.Options = map[string]string{
		"hoodie.clean.automatic": "true", "hoodie.clean.commits.retained": fmt.Sprint(retained), "hoodie.cleaner.commits.retained": fmt.Sprint(retained),
		"hoodie.keep.min.commits": "20", "hoodie.keep.max.commits": "30",
	}
	if s.chance(50) {
		for name, value := range map[string]string{
			"archive.automatic": "true", "keep.min.commits": fmt.Sprint(retained + 1), "keep.max.commits": fmt.Sprint(retained + 2),
			"commits.archival.batch": "1", "timeline.compaction.batch.size": "3",
		} {
			step.Options["hoodie."+name] = value
		}
	}
	return step
}

// undoable tells whether the last step was a plain write of rows.
func (s *Sequence) undoable() bool {
	return s.last.Do == Write && s.last.Options == nil && s.planned == nil && s.steps > 1
}

// undo takes the last write back, and the columns that it had brought.
func (s *Sequence) undo() {
	s.Model.undo()
	s.Table.Columns = s.last.before
}

func (s *Sequence) rollback(who Actor) (Step, bool) {
	if !s.undoable() || who == Spark && s.Table.Version == 6 && s.Table.Kind == mor { // 0.15.0 passes over what follows its own in a log
		return Step{}, false
	}
	step := Step{Do: Rollback, effect: func(Instant) { s.undo() }}
	if who == Spark {
		step.Do, step.Statement = SQL, "CALL rollback_to_instant(table => '{table}', instant_time => '{newest}')"
	}
	return step, true
}

// crash lets the last write have died, and has either undo it: we by itself, Spark with its next write.
func (s *Sequence) crash(Actor) (Step, bool) {
	if !s.undoable() {
		return Step{}, false
	}
	by := pick(s.r, Ours, Spark)
	if s.alone || s.Table.Version == 6 && s.Table.Kind == mor || s.Table.Version > 6 && strings.HasPrefix(s.last.Op, "insert_overwrite") {
		by = Ours // 1.2.0 cannot undo what replaces without markers (docs/compat.md)
	}
	return Step{Do: Crash, effect: func(Instant) { s.undo() }, then: func(s *Sequence) Step {
		if by == Ours {
			return Step{Kind: "recover", Who: Ours, Do: Recover}
		}
		step := s.write("upsert", s.changes(1+s.r.IntN(8), Spark))
		step.Kind, step.Who = "upsert after a crash", Spark
		step.Options = map[string]string{"hoodie.rollback.using.markers": "false"} // the dead write's are gone
		return step
	}}, true
}

// clustering is an insert that clusters.
func (s *Sequence) clustering(Actor) (Step, bool) {
	if s.bucket() || s.planned != nil {
		return Step{}, false
	}
	step := s.write("insert", s.fresh(1+s.r.IntN(5)))
	step.Options = map[string]string{
		"hoodie.clustering.inline": "true", "hoodie.clustering.inline.max.commits": "1", "hoodie.clustering.plan.strategy.sort.columns": s.Table.Columns[0].Name,
	}
	return step, true
}
