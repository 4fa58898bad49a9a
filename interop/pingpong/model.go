package pingpong

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/interop/randomtable"
)

// rules are how versions of a row become one, as far as sequences go (docs/format/merging.md).
type rules struct {
	event bool // the greater ordering value wins, else the later write
	fill  bool // columns of the winner that are null take the loser's value
	// late tells that rows may be older than what the table has, lateDeletes that deletes may; where not, what comes of them depends on
	// the release, or on which files they are in (G3: of several late rows the newest of a log fills a base row, the first of files does).
	late, lateDeletes bool
	// whole tells that rows must have values in all columns, because those of a log do not fill each other.
	whole bool
	// bare tells that rows have no meta fields.
	bare bool
}

func rulesOf(t *randomtable.Table) rules {
	class := t.Option("datasource.write.payload.class")
	class = class[strings.LastIndexByte(class, '.')+1:]
	r := rules{event: t.Option("write.record.merge.mode") == "EVENT_TIME_ORDERING", bare: !t.MetaFields()}
	switch class {
	case "DefaultHoodieRecordPayload", "EventTimeAvroPayload":
		r.event = true
	case "PartialUpdateAvroPayload":
		r.event, r.fill = true, true
	case "OverwriteNonDefaultsWithLatestAvroPayload":
		r.fill = true
	}
	logs6 := t.Version == 6 && t.Kind == mor
	r.late = t.Version == 9 && (!r.fill || t.Kind == cow) || !r.fill && (r.event || !logs6)
	r.lateDeletes = r.late && !logs6 && (t.Version == 9 || class != "EventTimeAvroPayload")
	r.whole = logs6 && class == "OverwriteNonDefaultsWithLatestAvroPayload"
	return r
}

// Instant is a write or a service on the timeline.
type Instant struct{ Requested, Completed string }

// Model is what the table must contain. It keeps what was.
type Model struct {
	Points []*Point

	table *randomtable.Table
	rules rules
	keys  map[Key]*known
	rows  map[Key]*Row
	based int          // what had completed before this point is in base files
	hid   map[Key]bool // rows that the write under way replaces
}

// known is a key that the table has or had.
type known struct {
	columns map[string]any // of the key and the partition
	highest int64          // greatest ordering value that it ever had
}

// Row is a row that the table has or had. It never changes.
type Row struct {
	Values map[string]any
	order  int64
	commit string
}

// Point is a write or a service, with the rows that the table has from then on. Services change no rows.
type Point struct {
	Instant
	Service bool

	rows    map[Key]*Row
	written map[Key][]*Row // rows of the write, also those that have lost
	hid     map[Key]bool   // rows before went with their files
}

func newModel(t *randomtable.Table, r rules) *Model {
	return &Model{table: t, rules: r, keys: map[Key]*known{}, rows: map[Key]*Row{}}
}

// write applies one commit.
func (m *Model) write(at Instant, changes []change) {
	p := &Point{Instant: at, written: map[Key][]*Row{}, hid: m.hid}
	m.hid = nil
	for _, c := range changes {
		row := &Row{c.row, c.order, at.Requested}
		if !c.deleted && !c.unconditional {
			p.written[c.key] = append(p.written[c.key], row)
		}
		m.apply(c, row)
	}
	p.rows = maps.Clone(m.rows)
	m.Points = append(m.Points, p)
}

// remove takes rows away, for a write that replaces them.
func (m *Model) remove(is func(Key) bool) {
	m.hid = map[Key]bool{}
	maps.DeleteFunc(m.rows, func(k Key, _ *Row) bool {
		m.hid[k] = is(k)
		return m.hid[k]
	})
}

func (m *Model) apply(c change, row *Row) {
	if c.from != nil {
		delete(m.rows, *c.from)
	}
	old := m.rows[c.key]
	wins := old == nil || !m.rules.event || c.unconditional || c.order >= old.order
	switch {
	case (c.deleted || c.unconditional) && wins:
		delete(m.rows, c.key)
	case c.deleted || c.unconditional:
	case old == nil || wins && !m.rules.fill:
		m.rows[c.key] = row
	case wins:
		m.rows[c.key] = row.filledFrom(old)
	case m.rules.fill:
		m.rows[c.key] = old.filledFrom(row)
	}
}

func (r *Row) filledFrom(loser *Row) *Row {
	out := &Row{maps.Clone(r.Values), r.order, r.commit}
	for name, value := range loser.Values {
		if out.Values[name] == nil {
			out.Values[name] = value
		}
	}
	return out
}

// undo takes the last write back.
func (m *Model) undo() {
	m.Points = m.Points[:len(m.Points)-1]
	m.rows = map[Key]*Row{}
	for _, p := range slices.Backward(m.Points) {
		if !p.Service { // a compaction has the rows of when it was planned
			m.rows = maps.Clone(p.rows)
			break
		}
	}
}

// Served adds a service that changed no rows.
func (m *Model) Served(at Instant) {
	m.Points = append(m.Points, &Point{Instant: at, Service: true, rows: maps.Clone(m.rows)})
}

// compacted adds a compaction of what was before a point.
func (m *Model) compacted(at Instant, point int) {
	m.Points = append(m.Points, &Point{Instant: at, Service: true, rows: m.Points[point-1].rows})
	m.based = point
}

// lives tells whether a record has a row in some partition.
func (m *Model) lives(record string) bool {
	for key := range m.rows {
		if key.Record == record {
			return true
		}
	}
	return false
}

// sorted are all keys that the table has or had.
func (m *Model) sorted() []Key {
	return slices.SortedFunc(maps.Keys(m.keys), func(a, b Key) int {
		return strings.Compare(a.Partition+"\x00"+a.Record, b.Partition+"\x00"+b.Record)
	})
}

// Snapshot is the rows now.
func (m *Model) Snapshot() []map[string]any { return m.show(m.rows) }

// At is the rows as of a point.
func (m *Model) At(p *Point) []map[string]any { return m.show(p.rows) }

func (m *Model) show(rows map[Key]*Row) []map[string]any {
	var out []map[string]any
	for _, key := range m.sorted() {
		if row := rows[key]; row != nil {
			out = append(out, m.showRow(key, row))
		}
	}
	return out
}

func (m *Model) showRow(key Key, r *Row) map[string]any {
	out := maps.Clone(r.Values)
	if !m.rules.bare {
		out["_hoodie_commit_time"], out["_hoodie_record_key"], out["_hoodie_partition_path"] = r.commit, key.Record, key.Partition
	}
	return out
}

// Bounds are what an answer may be: a choice for each key.
type Bounds []choice

// choice is one of the rows, or perhaps none, or several.
type choice struct {
	rows       []map[string]any
	none, many bool
}

// Exactly are the bounds of an answer that is known.
func Exactly(rows []map[string]any) Bounds {
	var b Bounds
	for _, row := range rows {
		b = append(b, choice{rows: []map[string]any{row}})
	}
	return b
}

// Exact tells whether there is one answer.
func (b Bounds) Exact() bool {
	return !slices.ContainsFunc(b, func(c choice) bool { return c.none || len(c.rows) > 1 })
}

// ReadOptimized bounds the rows of base files: each key has the row, or the lack of one, that it had at some time since the last compaction
// was planned. With a global index a key that a log deletes and that comes again is a new row, beside the old one until a compaction.
func (m *Model) ReadOptimized() Bounds {
	var b Bounds
	from := m.Points[max(m.based-1, 0):]
	for _, key := range m.sorted() {
		c, seen := choice{none: m.based == 0, many: global(m.table)}, map[*Row]bool{}
		for _, p := range from {
			switch row := p.rows[key]; {
			case row == nil:
				c.none = true
			case !seen[row]:
				seen[row] = true
				c.rows = append(c.rows, m.showRow(key, row))
			}
		}
		if len(c.rows) > 0 {
			b = append(b, c)
		}
	}
	return b
}

// Incremental bounds what was written after begin up to end, "" for now: times of completion, or of request in version 6. Engines look at
// the files of the range alone, so that of logs a row is there which has lost against an older one. whole is false where rows are not
// filled from older ones either, so that only keys and commits are known.
func (m *Model) Incremental(begin, end string) (b Bounds, whole bool) {
	rows := map[Key]*Row{}
	last := ""
	in, written := map[string]bool{}, map[Key][]map[string]any{}
	for _, p := range m.Points {
		at := m.Bound(p.Instant)
		if p.Service || end != "" && at > end {
			continue
		}
		if at > last {
			last, rows = at, p.rows
		}
		if at > begin {
			in[p.Requested] = true
			for key, list := range p.written {
				for _, row := range list {
					written[key] = append(written[key], m.showRow(key, row))
				}
			}
		}
	}
	for _, key := range m.sorted() {
		row := rows[key]
		switch {
		case row != nil && in[row.commit]:
			b = append(b, choice{rows: []map[string]any{m.showRow(key, row)}})
		case m.table.Kind == mor && len(written[key]) > 0:
			b = append(b, choice{rows: written[key], none: true})
		}
	}
	return b, m.table.Kind == cow || !m.rules.fill
}

// Changes are the changes that writes after begin up to end made, as the CDC view has them. ok is false where values are filled: whether a row
// that only lost was changed then depends on the release.
func (m *Model) Changes(begin, end string) (changes []map[string]any, ok bool) {
	var before map[Key]*Row
	for _, p := range m.Points {
		if p.Service {
			continue
		}
		if at := m.Bound(p.Instant); at > begin && (end == "" || at <= end) {
			add := func(op string, old, now *Row) {
				change := map[string]any{"op": op, "ts": p.Requested, "before": nil, "after": nil}
				if old != nil {
					change["before"] = old.Values
				}
				if now != nil {
					change["after"] = now.Values
				}
				changes = append(changes, change)
			}
			for _, key := range m.sorted() {
				switch old, now := before[key], p.rows[key]; {
				case old == now:
				case old != nil && now != nil && !p.hid[key]:
					add("u", old, now)
				default:
					if old != nil {
						add("d", old, nil)
					}
					if now != nil {
						add("i", nil, now)
					}
				}
			}
		}
		before = p.rows
	}
	return changes, !m.rules.fill
}

// Bound is the time by which ranges count.
func (m *Model) Bound(at Instant) string {
	if m.table.Version == 6 {
		return at.Requested
	}
	return at.Completed
}

// Check tells what is wrong with rows that an engine has answered, "" for nothing. text gives a row one form.
func (b Bounds) Check(got []string, text func(map[string]any) string) string {
	var out strings.Builder
	count := map[string]int{}
	for _, line := range got {
		count[line]++
	}
	for _, c := range b {
		found := false
		for _, row := range c.rows {
			if line := text(row); count[line] > 0 {
				count[line]--
				if found = true; !c.many {
					break
				}
			}
		}
		if !found && !c.none {
			fmt.Fprintf(&out, "  only in the model (of %d): %.2000s\n", len(c.rows), text(c.rows[0]))
		}
	}
	for _, line := range slices.Sorted(maps.Keys(count)) {
		if count[line] > 0 {
			fmt.Fprintf(&out, "  not in the model: %.2000s\n", line)
		}
	}
	return out.String()
}
