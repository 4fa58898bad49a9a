package interop_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// model is what a table must contain, by the rules of event-time merging alone. It knows no files, but it does know what
// decides about late changes: whether they meet the row itself (copy on write) or a collected log (merge on read), which
// remembers deletes until compaction and is merged with the row in a second step. It keeps everything that ever was, so
// that it answers questions about the past as well.
type model struct {
	mor bool
	// keyless: changes of keys that the table does not have go to logs too, as the bucket index does it
	keyless bool
	// global: a key has one row, and a change that comes with another partition moves it
	global bool
	// touches tells whether a change that loses makes its writer write the old row once more, with a new commit time: Spark
	// does so where it has compared the two, with a global index. elsewhere: the change has another partition.
	touches func(elsewhere, deleted bool) bool
	path    func(part string) string // partition path of a value of the column part
	rows    map[modelKey]*modelState
}

type modelKey struct {
	part string
	id   int64
}

// modelState is one key: what base files have had of it and what logs have, both oldest first.
type modelState struct {
	bases []modelBase
	logs  []modelRow
}

// modelBase is a key in a base file; row is nil when it is not there.
type modelBase struct {
	instant string
	row     *modelRow
}

// modelRow is a row, or its deletion.
type modelRow struct {
	v         string
	n         any // int64 or nil
	ts        int64
	commit    string
	completed string

	deleted       bool
	unconditional bool // a delete without ordering value
}

func newModel(mor, bucket bool, path func(part string) string) *model {
	return &model{mor: mor, keyless: mor && bucket, path: path, rows: map[modelKey]*modelState{}}
}

// modelChange is one row of a write.
type modelChange struct {
	key modelKey
	modelRow
}

// write applies one commit. toBase: rows of new keys become base rows even with the bucket index, as in Spark's first
// write of a bucket.
func (m *model) write(i instant, changes []modelChange, toBase bool) {
	if m.global {
		m.writeGlobal(i, changes)
		return
	}
	reduced := map[modelKey][]modelRow{}
	var order []modelKey
	for _, c := range changes {
		c.commit, c.completed = i.requested, i.completed
		if _, ok := reduced[c.key]; !ok {
			order = append(order, c.key)
		}
		reduced[c.key] = append(reduced[c.key], c.modelRow)
	}
	for _, key := range order {
		c := collapse(reduced[key])
		s := m.rows[key]
		if s == nil {
			s = &modelState{}
			m.rows[key] = s
		}
		base, logs := s.slice(always)
		if m.mor && (base != nil || len(logs) > 0 || m.keyless && !toBase) {
			s.logs = append(s.logs, *c)
		} else {
			s.bases = append(s.bases, modelBase{i.requested, final(base, c)})
		}
	}
}

// writeGlobal is write where a key has one row in all partitions.
func (m *model) writeGlobal(i instant, changes []modelChange) {
	reduced := map[int64]*modelRow{}
	part := map[int64]string{} // of the change that is left
	var order []int64
	for _, c := range changes {
		c.commit, c.completed = i.requested, i.completed
		have := reduced[c.key.id]
		if have == nil {
			order = append(order, c.key.id)
		}
		both := []modelRow{c.modelRow}
		if have != nil {
			both = []modelRow{*have, c.modelRow}
		}
		if now := collapse(both); have == nil || now == &both[1] {
			reduced[c.key.id], part[c.key.id] = now, c.key.part
		}
	}
	for _, id := range order {
		c, key := reduced[id], modelKey{part[id], id}
		home, old := m.home(id)
		switch {
		case old == nil && c.deleted:
		case old == nil:
			m.insert(i, key, c)
		case final(old, c) == old && m.touches(home != key, c.deleted):
			again := *old
			again.commit, again.completed = i.requested, i.completed
			m.change(i, home, &again)
		case c.deleted || home == key:
			m.change(i, home, c)
		case final(old, c) == c:
			m.change(i, home, &modelRow{deleted: true, unconditional: true, commit: i.requested, completed: i.completed})
			m.insert(i, key, c)
		}
	}
}

// home is where the row of a key is, nil for none.
func (m *model) home(id int64) (modelKey, *modelRow) {
	for key, s := range m.rows {
		if key.id == id {
			if row := s.merged(always); row != nil {
				return key, row
			}
		}
	}
	return modelKey{}, nil
}

func (m *model) insert(i instant, key modelKey, c *modelRow) {
	if m.rows[key] == nil {
		m.rows[key] = &modelState{}
	}
	m.rows[key].bases = append(m.rows[key].bases, modelBase{i.requested, c})
}

func (m *model) change(i instant, key modelKey, c *modelRow) {
	s := m.rows[key]
	if m.mor {
		s.logs = append(s.logs, *c)
		return
	}
	base, _ := s.slice(always)
	s.bases = append(s.bases, modelBase{i.requested, final(base, c)})
}

// compact is the compaction that was scheduled at an instant: it merges what had completed by then.
func (m *model) compact(scheduled string) {
	for _, s := range m.rows {
		before := &modelState{}
		for _, b := range s.bases {
			if b.instant < scheduled {
				before.bases = append(before.bases, b)
			}
		}
		for _, c := range s.logs {
			if c.completed < scheduled {
				before.logs = append(before.logs, c)
			}
		}
		s.bases = append(s.bases, modelBase{scheduled, before.merged(always)})
		slices.SortFunc(s.bases, func(a, b modelBase) int { return strings.Compare(a.instant, b.instant) })
	}
}

// due tells whether there is anything to compact.
func (m *model) due() bool {
	for _, s := range m.rows {
		if _, logs := s.slice(always); len(logs) > 0 {
			return true
		}
	}
	return false
}

func always(string) bool { return true }

// slice is the row of the newest base file, nil for none, and the logs on top of it, among the files of the instants
// that count.
func (s *modelState) slice(counts func(instant string) bool) (base *modelRow, logs []modelRow) {
	from := ""
	for _, b := range s.bases {
		if counts(b.instant) {
			from, base = b.instant, b.row
		}
	}
	for _, c := range s.logs {
		if counts(c.commit) && c.completed >= from {
			logs = append(logs, c)
		}
	}
	return base, logs
}

func (s *modelState) merged(counts func(instant string) bool) *modelRow {
	base, logs := s.slice(counts)
	return final(base, collapse(logs))
}

// collapse merges changes with each other, the first step of merging on read.
func collapse(changes []modelRow) *modelRow {
	var have *modelRow
	for i := range changes {
		c := &changes[i]
		switch {
		case have == nil:
			have = c
		case c.deleted && have.deleted && have.unconditional:
		case c.deleted && !c.unconditional && have.ts > c.ts:
		case !c.deleted && !(have.deleted && have.unconditional) && have.ts > c.ts:
		default:
			have = c
		}
	}
	return have
}

// final merges the collected change with the row, the second step; nil is no row.
func final(base, c *modelRow) *modelRow {
	if c == nil {
		return base
	}
	wins := base == nil || c.deleted && c.unconditional || c.ts >= base.ts
	switch {
	case !wins:
		return base
	case c.deleted:
		return nil
	}
	return c
}

// get is the row of a key, nil for none.
func (m *model) get(key modelKey) *modelRow {
	if s := m.rows[key]; s != nil {
		return s.merged(always)
	}
	return nil
}

// snapshot is the rows as lines.
func (m *model) snapshot() []string {
	return m.lines(func(s *modelState) *modelRow { return s.merged(always) })
}

func (m *model) asOf(at string) []string {
	return m.lines(func(s *modelState) *modelRow {
		return s.merged(func(instant string) bool { return instant <= at })
	})
}

func (m *model) readOptimized() []string {
	return m.lines(func(s *modelState) *modelRow {
		base, _ := s.slice(always)
		return base
	})
}

// incremental is what the wanted instants have written. Both engines look at their files alone, and apply the range
// before they merge, so that a change that loses against an older row is there.
func (m *model) incremental(wanted func(instant string) bool) []string {
	return m.lines(func(s *modelState) *modelRow {
		base, logs := s.slice(wanted)
		if base != nil && !wanted(base.commit) {
			base = nil
		}
		return final(base, collapse(logs))
	})
}

// incrementalWhole is incremental by an engine that merges with every row of the base file.
func (m *model) incrementalWhole(wanted func(instant string) bool) []string {
	return m.lines(func(s *modelState) *modelRow {
		base, logs := s.slice(wanted)
		if r := final(base, collapse(logs)); r != nil && wanted(r.commit) {
			return r
		}
		return nil
	})
}

// alternateColumns are what is compared: all data columns, and the meta columns that are the same in every engine.
var alternateColumns = []string{"_hoodie_commit_time", "_hoodie_record_key", "_hoodie_partition_path", "id", "part", "v", "n", "ts"}

func (m *model) lines(of func(*modelState) *modelRow) []string {
	var rows []map[string]any
	for key, s := range m.rows {
		r := of(s)
		if r == nil {
			continue
		}
		rows = append(rows, map[string]any{
			"_hoodie_commit_time": r.commit, "_hoodie_record_key": fmt.Sprint(key.id), "_hoodie_partition_path": m.path(key.part),
			"id": key.id, "part": key.part, "v": r.v, "n": r.n, "ts": r.ts,
		})
	}
	return lines(rows)
}

// The model itself, against the table of merge results that Spark gave (format notes §2.11).
func TestModelMergesAsSparkDoes(t *testing.T) {
	row := func(v string, ts int64) modelRow { return modelRow{v: v, ts: ts} }
	gone := modelRow{deleted: true, unconditional: true}
	for _, c := range []struct {
		name     string
		changes  []modelRow // after base@5
		cow, mor string
	}{
		{"equal", []modelRow{row("equal", 5)}, "equal", "equal"},
		{"lower", []modelRow{row("lower", 4)}, "base", "base"},
		{"higher, equal", []modelRow{row("higher", 6), row("equal", 6)}, "equal", "equal"},
		{"delete", []modelRow{gone}, "", ""},
		{"delete, higher", []modelRow{gone, row("higher", 9)}, "higher", "higher"},
		{"delete, lower", []modelRow{gone, row("lower", 1)}, "lower", "base"},
		{"late delete", []modelRow{{ts: 4, deleted: true}}, "base", "base"},
		{"delete with order, lower", []modelRow{{ts: 6, deleted: true}, row("lower", 1)}, "lower", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for mor, want := range map[bool]string{false: c.cow, true: c.mor} {
				m := newModel(mor, false, strings.Clone)
				key := modelKey{id: 1}
				m.write(instant{requested: "10", completed: "11"}, []modelChange{{key, row("base", 5)}}, false)
				for i, r := range c.changes {
					m.write(instant{requested: fmt.Sprint(20 + 2*i), completed: fmt.Sprint(21 + 2*i)}, []modelChange{{key, r}}, false)
				}
				got := ""
				if r := m.get(key); r != nil {
					got = r.v
				}
				require.Equal(t, want, got, "mor=%v", mor)
			}
		})
	}
}
