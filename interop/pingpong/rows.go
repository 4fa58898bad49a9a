package pingpong

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/interop/randomtable"
)

// isDeleted is the column that marks deletes.
const isDeleted = "_hoodie_is_deleted"

// Key is what a row is known by.
type Key struct{ Partition, Record string }

// change is one row of a write.
type change struct {
	key           Key
	row           map[string]any
	order         int64 // what the ordering columns are made of
	deleted       bool  // it is a delete with an ordering value
	unconditional bool  // it is a delete without one
	from          *Key  // the row moves from there
}

// keyOf finds the key of a row as Hudi's key generators make it.
func (s *Sequence) keyOf(row map[string]any) Key {
	t := s.Table
	var parts, path []string
	for _, name := range t.Keys {
		text := fmt.Sprint(row[name])
		if len(t.Keys) > 1 || t.KeyGenerator() == "Complex" && t.Version > 8 {
			text = name + ":" + text
		}
		parts = append(parts, text)
	}
	for _, name := range t.PartitionBy {
		text := "__HIVE_DEFAULT_PARTITION__"
		if v := row[name]; v != nil && v != "" {
			if text = fmt.Sprint(v); t.Encoded() {
				text = escaped.Replace(text)
			}
		}
		if t.HiveStyle() {
			text = name + "=" + text
		}
		path = append(path, text)
	}
	return Key{strings.Join(path, "/"), strings.Join(parts, ",")}
}

// escaped is how values of partition columns are escaped, as far as the tables have them.
var escaped = strings.NewReplacer("=", "%3D", "%", "%25", "/", "%2F", ":", "%3A")

// fresh are rows with keys that the table never had.
func (s *Sequence) fresh(n int) []change {
	var out []change
	for _, row := range s.Table.Fresh(n) {
		c := change{key: s.keyOf(row), row: row}
		columns := maps.Clone(row)
		maps.DeleteFunc(columns, func(name string, _ any) bool { return !s.keyed(name) })
		s.Model.keys[c.key] = &known{columns: columns}
		s.live(&c)
		s.timed(&c, 100+s.r.Int64N(10))
		out = append(out, c)
	}
	return out
}

// live takes the mark of a delete off.
func (s *Sequence) live(c *change) {
	if _, is := c.row[isDeleted]; is {
		c.row[isDeleted] = false
	}
}

// timed gives a change its ordering values.
func (s *Sequence) timed(c *change, at int64) {
	c.order = at
	k := s.Model.keys[c.key]
	k.highest = max(k.highest, at)
	for _, name := range s.Table.Ordering {
		c.row[name] = randomtable.OrderingValue(s.Table.Column(name).Type, at)
	}
}

// changes are rows for an upsert: of keys that the table has or had, and of new ones; now and then several of one key.
func (s *Sequence) changes(n int, who Actor) []change {
	var out []change
	for _, key := range s.some(n, false) {
		if s.moving() && s.Model.rows[key] != nil && s.chance(15) {
			if c, ok := s.move(key); ok {
				out = append(out, c)
				continue
			}
		}
		twice := 1
		if s.rules.event && !s.rules.fill && s.chance(10) {
			twice = 2
		}
		for range twice {
			c := change{key: key, row: s.Table.Row(s.Model.keys[key].columns)}
			dead := s.Model.rows[key] == nil
			if c.row[isDeleted] == true && twice == 1 { // a delete and an older row in one write are one delete, in two writes a row
				c.deleted = true
				s.timed(&c, s.deleteTime(key))
			} else {
				s.live(&c)
				at := s.time(key)
				if who == Spark && global(s.Table) { // it writes a row that wins over a late one once more
					at = max(at, s.highest(key))
				}
				s.timed(&c, at)
			}
			if s.rules.fill && (dead || s.rules.whole) {
				s.complete(&c)
			}
			if i := slices.IndexFunc(out, func(o change) bool { return o.key == key }); i >= 0 && out[i].order == c.order {
				break // which of two is the later one in a write is nobody's to say
			}
			out = append(out, c)
		}
	}
	return append(out, s.fresh(s.r.IntN(1+n/3))...)
}

// complete gives all columns values.
func (s *Sequence) complete(c *change) {
	for _, column := range s.Table.Free() {
		for c.row[column.Name] == nil {
			c.row[column.Name] = s.Table.Row(s.Model.keys[c.key].columns)[column.Name]
		}
	}
}

// some chooses keys, each once.
func (s *Sequence) some(n int, alive bool) []Key {
	// A writer with another index than that of buckets, ours as well as Spark, finds a key that was deleted before a compaction was planned
	// in the old base file and puts the new row into its log; then the compaction removes the key, and Spark's next write does not find it.
	alive = alive || s.planned != nil && !s.bucket()
	all := s.Model.sorted()
	all = slices.DeleteFunc(all, func(k Key) bool { return alive && s.Model.rows[k] == nil })
	s.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if global(s.Table) { // one key of each record: where it lives, else any
		all = slices.DeleteFunc(all, func(k Key) bool { return s.Model.rows[k] == nil && s.Model.lives(k.Record) })
		seen := map[string]bool{}
		all = slices.DeleteFunc(all, func(k Key) bool {
			again := seen[k.Record]
			seen[k.Record] = true
			return again
		})
	}
	return all[:min(n, len(all))]
}

// moving tells whether rows can move between partitions now. What a move leaves in a log is a delete without ordering value, which Hudi 1.0.2
// cannot read, and while a compaction waits no row must come back to where it was (some).
func (s *Sequence) moving() bool {
	return global(s.Table) && len(s.Table.PartitionBy) > 0 && s.planned == nil && !s.rules.fill && !(s.Table.Version == 8 && s.Table.Kind == mor && s.rules.event)
}

// move is a newer row of a key in the partition of another one, ok false if that is the same.
func (s *Sequence) move(from Key) (c change, ok bool) {
	columns := maps.Clone(s.Model.keys[from].columns)
	to := s.Model.keys[pick(s.r, s.Model.sorted()...)].columns
	for _, name := range s.Table.PartitionBy {
		columns[name] = to[name]
	}
	key := s.keyOf(columns)
	if key == from {
		return c, false
	}
	at := s.highest(from) + 1 + s.r.Int64N(3)
	if s.Model.keys[key] == nil {
		s.Model.keys[key] = &known{columns: columns}
	}
	c = change{key: key, row: s.Table.Row(columns), from: &from}
	s.live(&c)
	s.timed(&c, at)
	return c, true
}

// highest is the greatest ordering value that a key ever had, wherever it was.
func (s *Sequence) highest(key Key) int64 {
	out := s.Model.keys[key].highest
	if global(s.Table) {
		for k, is := range s.Model.keys {
			if k.Record == key.Record {
				out = max(out, is.highest)
			}
		}
	}
	return out
}

// time is an ordering value for a row of a key.
func (s *Sequence) time(key Key) int64 {
	now, highest := s.Model.rows[key], s.highest(key)
	switch {
	case now == nil: // whether the delete is remembered depends on where it went
		return highest + 1 + s.r.Int64N(3)
	case !s.rules.late:
		return highest + s.r.Int64N(3)
	}
	return now.order + pick[int64](s.r, 0, 0, -1, -2, -3, 1, 1, 2, 3, 4)
}

// deleteTime is an ordering value for a delete of a key.
func (s *Sequence) deleteTime(key Key) int64 {
	if !s.rules.lateDeletes {
		return s.highest(key) + 1 + s.r.Int64N(2)
	}
	return s.time(key)
}
