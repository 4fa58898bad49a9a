package interop_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// model is what a table must contain, by the rules of event-time merging alone. It knows no files, but it does know what
// decides about late changes: whether they meet the row itself (copy on write) or a collected log (merge on read), which
// remembers deletes until compaction and is merged with the row in a second step.
type model struct {
	mor bool
	// keyless: changes of keys that the table does not have go to logs too, as the bucket index does it
	keyless bool
	path    func(part string) string // partition path of a value of the column part
	rows    map[modelKey]*modelState
	planned bool // a compaction is on the timeline
}

type modelKey struct {
	part string
	id   int64
}

// modelState is one key: the row of the base file and what logs have for it, oldest first.
type modelState struct {
	base    *modelRow
	logs    []modelRow
	planned int // how many of logs the pending compaction takes
}

// modelRow is a row, or its deletion.
type modelRow struct {
	v      string
	n      any // int64 or nil
	ts     int64
	commit string

	deleted       bool
	unconditional bool // a delete without ordering value
}

func newModel(mor, bucket bool, path func(part string) string) *model {
	return &model{mor: mor, keyless: mor && bucket, path: path, rows: map[modelKey]*modelState{}}
}

// clone copies the model, which history keeps.
func (m *model) clone() *model {
	out := *m
	out.rows = make(map[modelKey]*modelState, len(m.rows))
	for k, s := range m.rows {
		c := *s
		c.logs = slices.Clone(s.logs)
		out.rows[k] = &c
	}
	return &out
}

// modelChange is one row of a write.
type modelChange struct {
	key modelKey
	modelRow
}

// write applies one commit. toBase: rows of new keys become base rows even with the bucket index, as in Spark's first
// write of a bucket.
func (m *model) write(commit string, changes []modelChange, toBase bool) {
	reduced := map[modelKey][]modelRow{}
	var order []modelKey
	for _, c := range changes {
		c.commit = commit
		if _, ok := reduced[c.key]; !ok {
			order = append(order, c.key)
		}
		reduced[c.key] = append(reduced[c.key], c.modelRow)
	}
	for _, key := range order {
		c := *collapse(reduced[key])
		s := m.rows[key]
		if s == nil {
			s = &modelState{}
			m.rows[key] = s
		}
		switch {
		case m.mor && (s.base != nil || len(s.logs) > 0 || m.keyless && !toBase):
			s.logs = append(s.logs, c)
		default:
			s.base = final(s.base, &c)
		}
		m.forget(key)
	}
}

func (m *model) forget(key modelKey) {
	if s := m.rows[key]; s.base == nil && len(s.logs) == 0 {
		delete(m.rows, key)
	}
}

// schedule plans a compaction of all that logs have now.
func (m *model) schedule() {
	m.planned = true
	for _, s := range m.rows {
		s.planned = len(s.logs)
	}
}

// compact executes the plan.
func (m *model) compact() {
	m.planned = false
	for _, key := range slices.Collect(maps.Keys(m.rows)) {
		s := m.rows[key]
		s.base = final(s.base, collapse(s.logs[:s.planned]))
		s.logs, s.planned = s.logs[s.planned:], 0
		m.forget(key)
	}
}

// due tells whether there is anything to compact.
func (m *model) due() bool {
	for _, s := range m.rows {
		if len(s.logs) > 0 {
			return true
		}
	}
	return false
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

func (m *model) get(key modelKey) *modelRow {
	s := m.rows[key]
	if s == nil {
		return nil
	}
	return final(s.base, collapse(s.logs))
}

// snapshot is the rows as lines.
func (m *model) snapshot() []string {
	return m.lines(func(s *modelState) *modelRow { return final(s.base, collapse(s.logs)) })
}

func (m *model) readOptimized() []string {
	return m.lines(func(s *modelState) *modelRow { return s.base })
}

// incremental is what the wanted commits have written. Both engines apply the range before they merge, so that a change
// that loses against an older row is there.
func (m *model) incremental(wanted func(commit string) bool) []string {
	return m.lines(func(s *modelState) *modelRow {
		base := s.base
		if base != nil && !wanted(base.commit) {
			base = nil
		}
		var logs []modelRow
		for _, c := range s.logs {
			if wanted(c.commit) {
				logs = append(logs, c)
			}
		}
		return final(base, collapse(logs))
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
				m.write("1", []modelChange{{key, row("base", 5)}}, false)
				for _, r := range c.changes {
					m.write("2", []modelChange{{key, r}}, false)
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
