package pingpong

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop/randomtable"
)

// carried has a sequence carried out by engines that never fail.
func carried(t *testing.T, seed, steps int) (*Sequence, []Step) {
	s := New(seed)
	var done []Step
	for i := range steps {
		step := s.Next()
		at := Instant{fmt.Sprintf("%017d", 2*i+1), fmt.Sprintf("%017d", 2*i+2)}
		switch step.Do {
		case Clean, Recover, Rollback, Crash, Metadata:
			at = Instant{}
		case Schedule:
			at.Completed = ""
		case Execute:
			require.Equal(t, s.planned.instant, step.Plan)
			at.Requested = step.Plan
		}
		s.Done(step, at)
		done = append(done, step)
	}
	return s, done
}

// A seed always gives the same sequence; seeds that follow each other have all versions, types, metadata tables and creators; all kinds of
// steps come up; and rows have the columns that the step names.
func TestSequences(t *testing.T) {
	tables, steps, features := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for seed := 1; seed <= 120; seed++ {
		s, done := carried(t, seed, 30)
		again, repeated := carried(t, seed, 30)
		require.Equal(t, s.String(), again.String())
		require.Equal(t, fmt.Sprint(done), fmt.Sprint(repeated))
		require.Equal(t, s.Model.Snapshot(), again.Model.Snapshot())
		if seed <= 24 {
			tables[s.Name()] = true
		}
		for name, has := range map[string]bool{
			"changes": s.Table.CDC, "bare": !s.Table.MetaFields(), "statistics": s.Table.Option("metadata.index.column.stats.enable") == "true",
			"filters": s.Table.Option("metadata.index.bloom.filter.enable") == "true", "records": s.Table.Option("index.type") == "RECORD_INDEX",
		} {
			features[name] = features[name] || has
			features[fmt.Sprintf("%s %d %s", name, s.Table.Version, s.Table.Kind)] = features[fmt.Sprintf("%s %d %s", name, s.Table.Version, s.Table.Kind)] || has
		}
		for _, step := range done {
			steps[fmt.Sprint(step.Kind, step.Who)] = true
			steps[step.Kind] = true
			for _, row := range step.Rows {
				require.Len(t, row, len(step.Columns), step.String())
				for _, c := range step.Columns {
					require.Contains(t, row, c.Name)
				}
			}
		}
	}
	require.Len(t, tables, 24)
	for name, seen := range features {
		require.Equal(t, !slices.Contains([]string{"bare 6 " + mor, "bare 8 " + mor}, name), seen, name)
	}
	for _, k := range kinds {
		require.Contains(t, steps, k.name)
		if k.who == "" {
			require.Contains(t, steps, k.name+string(Ours))
			require.Contains(t, steps, k.name+string(Spark))
		}
	}
}

// The model, by hand.
func TestModel(t *testing.T) {
	key := Key{"p", "1"}
	row := func(v any, order int64) change {
		return change{key: key, row: map[string]any{"v": v, "w": order}, order: order}
	}
	gone := func(order int64) change { return change{key: key, order: order, deleted: true} }
	blind := change{key: key, unconditional: true}
	for _, c := range []struct {
		name    string
		rules   rules
		changes []change
		want    string
	}{
		{"newer", rules{event: true}, []change{row("a", 5), row("b", 6)}, "b 6 2"},
		{"equal", rules{event: true}, []change{row("a", 5), row("b", 5)}, "b 5 2"},
		{"late", rules{event: true}, []change{row("a", 5), row("b", 4)}, "a 5 1"},
		{"late by commit", rules{}, []change{row("a", 5), row("b", 4)}, "b 4 2"},
		{"delete", rules{event: true}, []change{row("a", 5), gone(5)}, ""},
		{"late delete", rules{event: true}, []change{row("a", 5), gone(4)}, "a 5 1"},
		{"late delete by commit", rules{}, []change{row("a", 5), gone(4)}, ""},
		{"unconditional", rules{event: true}, []change{row("a", 5), blind}, ""},
		{"filled", rules{event: true, fill: true}, []change{row("a", 5), row(nil, 6)}, "a 6 2"},
		{"filled by a late one", rules{event: true, fill: true}, []change{row(nil, 5), row("b", 4)}, "b 5 1"},
		{"after a delete", rules{event: true, fill: true}, []change{row("a", 5), blind, row(nil, 6)}, "<nil> 6 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(&randomtable.Table{Version: 9, Kind: mor}, c.rules)
			m.keys[key] = &known{}
			for i, next := range c.changes {
				m.write(Instant{fmt.Sprint(i + 1), fmt.Sprint(i + 1)}, []change{next})
			}
			got := ""
			for _, r := range m.Snapshot() {
				got = fmt.Sprint(r["v"], " ", r["w"], " ", r["_hoodie_commit_time"])
			}
			require.Equal(t, c.want, got)
			m.undo()
			require.Len(t, m.Points, len(c.changes)-1)
		})
	}
}

// What ranges must have and may have.
func TestBounds(t *testing.T) {
	m := newModel(&randomtable.Table{Version: 9, Kind: mor}, rules{event: true, late: true})
	write := func(at int, order int64) {
		key := Key{"p", "1"}
		m.keys[key] = &known{}
		m.write(Instant{fmt.Sprint(at), fmt.Sprint(at)}, []change{{key: key, row: map[string]any{"v": at}, order: order}})
	}
	text := func(row map[string]any) string { return fmt.Sprint(row["v"]) }
	write(1, 5)
	write(2, 6)
	write(3, 4)
	in, exact := m.Incremental("1", "2")
	require.True(t, exact)
	require.Empty(t, in.Check([]string{"2"}, text))
	require.Contains(t, in.Check(nil, text), "only in the model (of 1): 2")
	require.Contains(t, in.Check([]string{"2", "3"}, text), "not in the model: 3")
	late, _ := m.Incremental("2", "")
	require.Empty(t, late.Check(nil, text))
	require.Empty(t, late.Check([]string{"3"}, text), "a log of the range is all that is looked at")
	require.NotEmpty(t, late.Check([]string{"3", "3"}, text))

	ro := m.ReadOptimized()
	for _, v := range []string{"1", "2"} {
		require.Empty(t, ro.Check([]string{v}, text))
	}
	require.NotEmpty(t, ro.Check([]string{"3"}, text))
	require.NotEmpty(t, ro.Check([]string{"1", "2"}, text))
	require.False(t, ro.Exact())
	m.compacted(Instant{"4", "4"}, 3)
	require.Empty(t, m.ReadOptimized().Check([]string{"2"}, text))
	require.NotEmpty(t, m.ReadOptimized().Check(nil, text))
	require.NotEmpty(t, m.ReadOptimized().Check([]string{"1"}, text))
}

// What changes are: of the rows that stay, of those that come and go, and of those whose files were replaced. A row that loses changes nothing.
func TestChanges(t *testing.T) {
	m := newModel(&randomtable.Table{Version: 6, Kind: cow}, rules{event: true, late: true})
	row := func(id string, v any, order int64) change {
		m.keys[Key{"p", id}] = &known{}
		return change{key: Key{"p", id}, row: map[string]any{"v": v}, order: order}
	}
	at := func(n int) Instant { return Instant{fmt.Sprint(n), fmt.Sprint(n)} }
	changes := func(begin, end string) []string {
		list, ok := m.Changes(begin, end)
		require.True(t, ok)
		var out []string
		for _, c := range list {
			image := func(name string) any {
				if c[name] == nil {
					return nil
				}
				return c[name].(map[string]any)["v"]
			}
			out = append(out, fmt.Sprint(c["ts"], c["op"], " ", image("before"), " ", image("after")))
		}
		return out
	}
	m.write(at(1), []change{row("1", "a", 5), row("2", "a", 5)})
	m.write(at(2), []change{row("1", "b", 4), row("2", "c", 6)})
	m.Served(at(3))
	m.write(at(4), []change{{key: Key{"p", "1"}, unconditional: true}})
	m.remove(func(Key) bool { return true })
	m.write(at(5), []change{row("2", "d", 1), row("3", "d", 1)})
	require.Equal(t, []string{"1i <nil> a", "1i <nil> a"}, changes("0", "1"))
	require.Equal(t, []string{"2u a c"}, changes("1", "3"))
	require.Equal(t, []string{"4d a <nil>", "5d c <nil>", "5i <nil> d", "5i <nil> d"}, changes("3", ""))
}

func TestKeys(t *testing.T) {
	s := New(1)
	s.Table = &randomtable.Table{Version: 9, Keys: []string{"a", "b"}, PartitionBy: []string{"p", "q"}}
	require.Equal(t, Key{"x/__HIVE_DEFAULT_PARTITION__", "a:1,b:2"}, s.keyOf(map[string]any{"a": 1, "b": "2", "p": "x", "q": nil}))
	require.Equal(t, "100%25 a%3Db%2F%3A", escaped.Replace("100% a=b/:"))
}
