package merge

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

var (
	eventTime  = Rules{Mode: EventTime, Ordering: []string{"ts"}}
	commitTime = Rules{Mode: CommitTime, Ordering: []string{"ts"}}
)

// fields are the columns of the rows in these tests: a key, two values and an ordering value.
var fields = arrow.NewSchema([]arrow.Field{
	{Name: schema.MetaRecordKey, Type: arrow.BinaryTypes.String},
	{Name: "v", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "w", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: schema.IsDeleted, Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: schema.MetaOperation, Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

const null = math.MinInt64

// version is a row, or an entry of a delete block.
type version struct {
	key   string
	v, w  string // "-" is null
	n, ts int64
	// mark makes the row a delete in a data block: by column, or by operation.
	mark bool
	op   string
	// block makes it an entry of a delete block, with order as its ordering value.
	block bool
	order Value
}

func row(key, v string, ts int64) version { return version{key: key, v: v, w: "-", n: null, ts: ts} }

func tombstone(key string, order Value) version { return version{key: key, block: true, order: order} }

func long(v int64) Value { return IntValue(Long, v) }

// hudiDefault is what real Hudi writes for the ordering value of an unconditional delete.
func hudiDefault() Value { return IntValue(Int, 0) }

func (v version) String() string {
	s := v.key + "=" + v.v
	if v.w != "-" {
		s += "," + v.w
	}
	if v.n != null {
		s += fmt.Sprint(",", v.n)
	}
	if v.ts == null {
		return s + "@-"
	}
	return fmt.Sprint(s, "@", v.ts)
}

func makeBatch(alloc memory.Allocator, list ...version) (arrow.RecordBatch, *array.String) {
	b := array.NewRecordBuilder(alloc, fields)
	defer b.Release()
	str := func(i int, s string) {
		if s == "-" || s == "" && i == 6 {
			b.Field(i).AppendNull()
			return
		}
		b.Field(i).(*array.StringBuilder).Append(s)
	}
	num := func(i int, n int64) {
		if n == null {
			b.Field(i).AppendNull()
			return
		}
		b.Field(i).(*array.Int64Builder).Append(n)
	}
	for _, v := range list {
		str(0, v.key)
		str(1, v.v)
		str(2, v.w)
		num(3, v.n)
		num(4, v.ts)
		b.Field(5).(*array.BooleanBuilder).Append(v.mark)
		str(6, v.op)
	}
	batch := b.NewRecordBatch()
	return batch, batch.Column(0).(*array.String)
}

func texts(batch arrow.RecordBatch) []string {
	var out []string
	str := func(c, row int) string {
		if batch.Column(c).IsNull(row) {
			return "-"
		}
		return batch.Column(c).(*array.String).Value(row)
	}
	num := func(c, row int) int64 {
		if batch.Column(c).IsNull(row) {
			return null
		}
		return batch.Column(c).(*array.Int64).Value(row)
	}
	for i := range int(batch.NumRows()) {
		out = append(out, strings.Clone(version{key: str(0, i), v: str(1, i), w: str(2, i), n: num(3, i), ts: num(4, i)}.String()))
	}
	return out
}

// feed adds versions one at a time, as so many blocks of a log would.
func feed(t require.TestingT, r *Reducer, alloc memory.Allocator, log []version) {
	for _, v := range log {
		if v.block {
			r.AddDelete(v.key, v.order)
			continue
		}
		batch, keys := makeBatch(alloc, v)
		require.NoError(t, r.AddRows(batch, keys))
		batch.Release()
	}
}

// merged is a reader's view: the log by itself, then upon the base rows, then what is new.
func merged(t require.TestingT, rules Rules, alloc memory.Allocator, baseRows, log []version) []string {
	return mergedShards(t, rules, alloc, baseRows, log, 1)
}

func mergedShards(t require.TestingT, rules Rules, alloc memory.Allocator, baseRows, log []version, shards int) []string {
	out := []string{}
	seed := maphash.MakeSeed()
	for shard := range shards {
		r := NewReducer(rules, fields, alloc)
		if shards > 1 {
			r.KeepShard(shard, shards, seed)
		}
		feed(t, r, alloc, log)
		if len(baseRows) > 0 {
			batch, keys := makeBatch(alloc, baseRows...)
			got, _, err := r.MergeBase(batch, keys)
			require.NoError(t, err)
			out = append(out, texts(got)...)
			got.Release()
			batch.Release()
		}
		for batch, err := range r.Rest() {
			require.NoError(t, err)
			out = append(out, texts(batch)...)
		}
		r.Release()
	}
	slices.Sort(out)
	return out
}

// TestRules has a case for each row of the tables in docs/format/merging.md.
func TestRules(t *testing.T) {
	marked := func(v version) version { v.mark = true; return v }
	operation := func(v version, op string) version { v.op = op; return v }
	for _, c := range []struct {
		name  string
		rules Rules
		base  []version
		log   []version
		want  []string
	}{
		// Commit time.
		{"C1 the later row wins", commitTime, []version{row("k", "base", 9)}, []version{row("k", "new", 1)}, []string{"k=new@1"}},
		{"C1 between log blocks too", commitTime, nil, []version{row("k", "old", 9), row("k", "new", 1)}, []string{"k=new@1"}},
		{"C2 a delete removes whatever is older", commitTime, []version{row("k", "base", 9)}, []version{tombstone("k", long(1))}, nil},
		{"C3 a later row comes back", commitTime, []version{row("k", "base", 9)}, []version{tombstone("k", hudiDefault()), row("k", "new", 1)}, []string{"k=new@1"}},

		// Event time: rows.
		{"E1 the greater value wins", eventTime, []version{row("k", "base", 5)}, []version{row("k", "new", 6)}, []string{"k=new@6"}},
		{"E1 the smaller loses", eventTime, []version{row("k", "base", 5)}, []version{row("k", "late", 4)}, []string{"k=base@5"}},
		{"E1 between log blocks too", eventTime, nil, []version{row("k", "new", 6), row("k", "late", 4)}, []string{"k=new@6"}},
		{"E2 a tie goes to the later row", eventTime, []version{row("k", "base", 5)}, []version{row("k", "tie", 5)}, []string{"k=tie@5"}},
		{"E2 between log blocks too", eventTime, nil, []version{row("k", "one", 5), row("k", "two", 5)}, []string{"k=two@5"}},
		{"E3 null is the smallest", eventTime, []version{row("k", "base", -7)}, []version{row("k", "null", null)}, []string{"k=base@-7"}},
		{"E3 and loses to every value", eventTime, []version{row("k", "base", null)}, []version{row("k", "new", -7)}, []string{"k=new@-7"}},
		{"E3 null against null is a tie", eventTime, []version{row("k", "base", null)}, []version{row("k", "new", null)}, []string{"k=new@-"}},

		// Event time: deletes.
		{"D1 an unconditional delete removes", eventTime, []version{row("k", "base", 5)}, []version{tombstone("k", hudiDefault())}, nil},
		{"D1 without value as well", eventTime, []version{row("k", "base", 5)}, []version{tombstone("k", Value{})}, nil},
		{"D2 a delete with a value removes what is not newer", eventTime, []version{row("k", "base", 5)}, []version{tombstone("k", long(5))}, nil},
		{"D2 and not what is newer", eventTime, []version{row("k", "base", 5)}, []version{tombstone("k", long(4))}, []string{"k=base@5"}},
		{"D2 between log blocks too", eventTime, nil, []version{row("k", "new", 5), tombstone("k", long(4))}, []string{"k=new@5"}},
		{"D2 a tie deletes", eventTime, nil, []version{row("k", "new", 5), tombstone("k", long(5))}, nil},
		{"D3 a delete that lost is forgotten", eventTime, nil,
			[]version{row("k", "new", 5), tombstone("k", long(4)), row("k", "again", 5)}, []string{"k=again@5"}},
		{"D4 one that won keeps its value", eventTime, nil, []version{tombstone("k", long(9)), row("k", "late", 5)}, nil},
		{"D4 a greater row comes back", eventTime, nil, []version{tombstone("k", long(9)), row("k", "new", 10)}, []string{"k=new@10"}},
		{"D5 after an unconditional delete any row comes back", eventTime, nil, []version{tombstone("k", hudiDefault()), row("k", "new", -3)}, []string{"k=new@-3"}},
		{"D6 but the base row may win in the end", eventTime, []version{row("k", "base", 5)},
			[]version{tombstone("k", hudiDefault()), row("k", "late", 1)}, []string{"k=base@5"}},
		{"D7 an unconditional delete that is there stays", eventTime, nil,
			[]version{tombstone("k", hudiDefault()), tombstone("k", long(9)), row("k", "new", 5)}, []string{"k=new@5"}},
		{"D8 values of different types let a delete block win", eventTime, nil, []version{row("k", "new", 5), tombstone("k", TextValue(String, "1"))}, nil},
		{"D9 a delete of an unknown key does nothing", eventTime, []version{row("k", "base", 5)}, []version{tombstone("x", long(9))}, []string{"k=base@5"}},
		{"D10 base rows are not looked at for marks", eventTime, []version{marked(row("k", "base", 5))}, nil, []string{"k=base@5"}},

		// What is a delete in a data block.
		{"M1 _hoodie_is_deleted", eventTime, []version{row("k", "base", 5)}, []version{marked(row("k", "", 6))}, nil},
		{"M1 with a smaller value it loses", eventTime, []version{row("k", "base", 5)}, []version{marked(row("k", "", 4))}, []string{"k=base@5"}},
		{"M1 without one it is unconditional", eventTime, []version{row("k", "base", 5)}, []version{marked(row("k", "", null))}, nil},
		{"M2 operation D", eventTime, []version{row("k", "base", 5)}, []version{operation(row("k", "", 6), "D")}, nil},
		{"M2 operation -U", eventTime, []version{row("k", "base", 5)}, []version{operation(row("k", "", 6), "-U")}, nil},
		{"M2 operations I and U are rows", eventTime, nil, []version{operation(row("k", "i", 6), "I"), operation(row("l", "u", 6), "U")}, []string{"k=i@6", "l=u@6"}},
		{"M3 a field of the table's own", withDelete(eventTime), []version{row("k", "base", 5)}, []version{row("k", "gone", 6)}, nil},
		{"M3 matches the whole text", withDelete(eventTime), []version{row("k", "base", 5)}, []version{row("k", "Gone", 6)}, []string{"k=Gone@6"}},
		{"M4 a row marked in the data is compared as a row", eventTime, nil,
			[]version{marked(row("k", "", null)), marked(row("k", "", 9)), row("k", "new", 5)}, nil},

		// Nothing to order by.
		{"O1 no ordering field: the later wins", Rules{Mode: EventTime}, []version{row("k", "base", 9)}, []version{row("k", "new", 1)}, []string{"k=new@1"}},
		{"O2 keys that only the log has are inserts", eventTime, []version{row("k", "base", 5)}, []version{row("l", "new", 1)}, []string{"k=base@5", "l=new@1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer alloc.AssertSize(t, 0)
			want := append([]string{}, c.want...)
			require.Equal(t, want, merged(t, c.rules, alloc, c.base, c.log))
			require.Equal(t, want, mergedShards(t, c.rules, alloc, c.base, c.log, 3), "in three passes")
		})
	}
}

func withDelete(r Rules) Rules {
	r.DeleteField, r.DeleteMarker = "v", "gone"
	return r
}

// TestObserved repeats the experiment of docs/format/merging.md on real Hudi 1.2.0.
func TestObserved(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	var start []version
	for i := range 8 {
		start = append(start, row(fmt.Sprint("t", i), "base", 5))
	}
	steps := [][]version{
		{row("t0", "equal", 5), row("t1", "lower", 4), row("t2", "higher", 6)},
		{row("t2", "equal-log", 6), row("t2b", "new", 6)},
		{tombstone("t4", hudiDefault()), tombstone("t5", hudiDefault()), tombstone("t6", hudiDefault())},
		{row("t6", "after-delete-lower", 1), row("t5", "after-delete-higher", 9)},
	}
	always := []string{"t0=equal@5", "t2=equal-log@6", "t2b=new@6", "t3=base@5", "t5=after-delete-higher@9", "t7=base@5"}
	for _, c := range []struct {
		name   string
		rules  Rules
		onRead bool
		want   []string
	}{
		{"event time, merge on read", eventTime, true, []string{"t1=base@5", "t6=base@5"}},
		{"event time, copy on write", eventTime, false, []string{"t1=base@5", "t6=after-delete-lower@1"}},
		{"commit time, merge on read", commitTime, true, []string{"t1=lower@4", "t6=after-delete-lower@1"}},
		{"commit time, copy on write", commitTime, false, []string{"t1=lower@4", "t6=after-delete-lower@1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := append(slices.Clone(always), c.want...)
			slices.Sort(want)
			if c.onRead {
				require.Equal(t, want, merged(t, c.rules, alloc, start, slices.Concat(steps...)))
				return
			}
			now := start
			for _, step := range steps {
				var next []version
				for _, s := range merged(t, c.rules, alloc, now, step) {
					key, rest, _ := strings.Cut(s, "=")
					v, ts, _ := strings.Cut(rest, "@")
					var n int64
					fmt.Sscan(ts, &n)
					next = append(next, row(key, v, n))
				}
				now = next
			}
			var got []string
			for _, v := range now {
				got = append(got, v.String())
			}
			slices.Sort(got)
			require.Equal(t, want, got)
		})
	}
}

// TestPartial covers rows that are filled from others: which of several versions gives a
// column that the winner lacks.
func TestPartial(t *testing.T) {
	unavailable := eventTime
	unavailable.Partial, unavailable.Unavailable = FillUnavailable, "?"
	nulls := eventTime
	nulls.Partial = FillNulls
	latest := nulls
	latest.Mode = CommitTime
	full := func(v, w string, n, ts int64) version { return version{key: "k", v: v, w: w, n: n, ts: ts} }
	for _, c := range []struct {
		name  string
		rules Rules
		base  []version
		log   []version
		want  string
	}{
		{"F1 the winner's gap takes the loser's value", unavailable, []version{full("base", "w", 1, 5)}, []version{full("?", "new", 2, 6)}, "k=base,new,2@6"},
		{"F1 between log blocks", unavailable, nil, []version{full("old", "w", 1, 5), full("?", "new", 2, 6)}, "k=old,new,2@6"},
		{"F2 a late row fills the gaps of the one that stays", unavailable, []version{full("?", "w", 1, 5)}, []version{full("late", "x", 2, 4)}, "k=late,w,1@5"},
		{"F2 between log blocks", unavailable, nil, []version{full("?", "w", 1, 5), full("late", "x", 2, 4)}, "k=late,w,1@5"},
		{"F3 through three versions", unavailable, nil, []version{full("v1", "w1", 1, 1), full("?", "w2", 2, 2), full("?", "?", 3, 3)}, "k=v1,w2,3@3"},
		{"F3 down to the base row", unavailable, []version{full("v0", "w0", 0, 0)}, []version{full("?", "w1", 1, 1), full("?", "?", 2, 2), full("?", "?", 3, 3)}, "k=v0,w1,3@3"},
		{"F3 the nearest that has a value gives it", unavailable, []version{full("v0", "w0", 0, 0)}, []version{full("v1", "?", 1, 1), full("?", "?", 2, 2)}, "k=v1,w0,2@2"},
		{"F3 late rows come after what was merged before", unavailable, nil, []version{full("?", "w3", 3, 3), full("late", "x", 2, 2), full("later", "y", 1, 1)}, "k=late,w3,3@3"},
		{"F3 late, then a winner with gaps", unavailable, nil, []version{full("?", "w1", 1, 5), full("late", "x", 2, 2), full("?", "?", 3, 6)}, "k=late,w1,3@6"},
		{"F3 the base row wins and is filled by the chain", unavailable, []version{full("?", "?", 9, 9)}, []version{full("v1", "?", 1, 1), full("?", "w2", 2, 2)}, "k=v1,w2,9@9"},
		{"F4 a marker that nobody can fill stays", unavailable, []version{full("?", "w", 1, 5)}, []version{full("?", "x", 2, 6)}, "k=?,x,2@6"},
		{"F5 numbers have no marker", unavailable, []version{full("a", "w", 1, 5)}, []version{full("?", "x", null, 6)}, "k=a,x@6"},
		{"F6 null is a value of its own", unavailable, []version{full("a", "w", 1, 5)}, []version{full("-", "x", 2, 6)}, "k=-,x,2@6"},
		{"F7 a delete between them cuts the chain", unavailable, nil, []version{full("old", "w", 1, 1), tombstone("k", long(2)), full("?", "x", 3, 3)}, "k=?,x,3@3"},
		{"F8 a delete that lost does not", unavailable, nil, []version{full("old", "w", 1, 5), tombstone("k", long(2)), full("?", "x", 6, 6)}, "k=old,x,6@6"},
		{"F9 after a delete in the log the base row still fills", unavailable, []version{full("base", "w", 0, 0)},
			[]version{tombstone("k", long(1)), full("?", "x", 2, 2)}, "k=base,x,2@2"},

		{"G1 null takes the loser's value", nulls, []version{full("base", "w", 1, 5)}, []version{full("-", "new", null, 6)}, "k=base,new,1@6"},
		{"G1 in commit-time mode too", latest, []version{full("base", "w", 1, 9)}, []version{full("-", "new", null, 1)}, "k=base,new,1@1"},
		{"G2 a late row fills", nulls, []version{full("-", "w", null, 5)}, []version{full("late", "x", 2, 4)}, "k=late,w,2@5"},
		{"G3 through three versions", nulls, nil, []version{full("v1", "w1", 1, 1), full("-", "w2", null, 2), full("-", "-", null, 3)}, "k=v1,w2,1@3"},
		{"G3 the ordering value is the winner's own", nulls, []version{full("a", "b", 1, 7)}, []version{full("x", "-", 2, 7)}, "k=x,b,2@7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer alloc.AssertSize(t, 0)
			require.Equal(t, []string{c.want}, merged(t, c.rules, alloc, c.base, c.log))
			require.Equal(t, []string{c.want}, mergedShards(t, c.rules, alloc, c.base, c.log, 2), "in two passes")
		})
	}
}

// TestPartialChainsStayShort makes sure that a key which is updated over and over does not
// keep all its versions.
func TestPartialChainsStayShort(t *testing.T) {
	rules := eventTime
	rules.Partial, rules.Unavailable = FillUnavailable, "?"
	r := NewReducer(rules, fields, memory.DefaultAllocator)
	defer r.Release()
	log := []version{{key: "k", v: "first", w: "w", n: 1, ts: 0}}
	for i := range 1000 {
		log = append(log, version{key: "k", v: "?", w: fmt.Sprint("w", i), n: 1, ts: int64(i)})
	}
	feed(t, r, memory.DefaultAllocator, log)
	links := 0
	for at := r.entries[0].head; at >= 0; at = r.nodes[at].next {
		links++
	}
	require.Equal(t, 2, links)
	batch, err := r.Take([]int32{0})
	require.NoError(t, err)
	defer batch.Release()
	require.Equal(t, []string{"k=first,w999,1@999"}, texts(batch))
}

// TestPartialModel compares chains with merging two rows at a time.
func TestPartialModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := eventTime
		rules.Partial, rules.Unavailable = FillUnavailable, "?"
		if rapid.Bool().Draw(rt, "nulls") {
			rules.Partial = FillNulls
		}
		if rapid.Bool().Draw(rt, "commit time") {
			rules.Mode = CommitTime
		}
		gap := map[Partial]string{FillUnavailable: "?", FillNulls: "-"}[rules.Partial]
		draw := func() version {
			v := version{key: "k", n: 1, ts: rapid.Int64Range(1, 4).Draw(rt, "ts")}
			v.v = rapid.SampledFrom([]string{gap, gap, "a", "b"}).Draw(rt, "v")
			v.w = rapid.SampledFrom([]string{gap, gap, "c", "d"}).Draw(rt, "w")
			return v
		}
		two := func(newer, older *version) *version {
			if older == nil {
				return newer
			}
			win, lose := *newer, *older
			if rules.Mode == EventTime && newer.ts < older.ts {
				win, lose = *older, *newer
			}
			if win.v == gap {
				win.v = lose.v
			}
			if win.w == gap {
				win.w = lose.w
			}
			return &win
		}
		var baseRows, log []version
		var want *version
		for range rapid.IntRange(1, 6).Draw(rt, "log") {
			v := draw()
			log = append(log, v)
			want = two(&v, want)
		}
		if rapid.Bool().Draw(rt, "base") {
			b := draw()
			baseRows = []version{b}
			want = two(want, &b)
		}
		require.Equal(rt, []string{want.String()}, merged(rt, rules, memory.DefaultAllocator, baseRows, log))
	})
}

// TestShards makes sure that merging in several passes gives what one pass gives.
func TestShards(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		defer alloc.AssertSize(rt, 0)
		rules := eventTime
		rules.Partial = rapid.SampledFrom([]Partial{Whole, FillNulls}).Draw(rt, "partial")
		key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
		var baseRows, log []version
		for _, k := range rapid.SliceOfDistinct(key, rapid.ID).Draw(rt, "base") {
			baseRows = append(baseRows, row(k, "base", rapid.Int64Range(0, 4).Draw(rt, "ts")))
		}
		for range rapid.IntRange(0, 20).Draw(rt, "log") {
			k, ts := key.Draw(rt, "key"), rapid.Int64Range(0, 4).Draw(rt, "ts")
			if rapid.Bool().Draw(rt, "delete") {
				log = append(log, tombstone(k, long(ts)))
			} else {
				log = append(log, row(k, rapid.SampledFrom([]string{"x", "-"}).Draw(rt, "v"), ts))
			}
		}
		require.Equal(rt, merged(rt, rules, alloc, baseRows, log), mergedShards(rt, rules, alloc, baseRows, log, rapid.IntRange(2, 5).Draw(rt, "shards")))
	})
}

// TestMergeBaseUntouched makes sure that a batch in which nothing changes is passed on as
// it is, and that counts are right.
func TestMergeBaseUntouched(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	r := NewReducer(eventTime, fields, alloc)
	defer r.Release()
	feed(t, r, alloc, []version{row("a", "late", 1), row("x", "new", 1), row("b", "new", 9), tombstone("c", long(9))})
	same, keys := makeBatch(alloc, row("a", "base", 5), row("q", "base", 5))
	defer same.Release()
	out, stats, err := r.MergeBase(same, keys)
	require.NoError(t, err)
	require.Equal(t, Stats{Stale: 1}, stats)
	require.Same(t, same, out)
	out.Release()
	changed, keys := makeBatch(alloc, row("q", "base", 5), row("b", "base", 5), row("c", "base", 5), row("r", "base", 5))
	defer changed.Release()
	out, stats, err = r.MergeBase(changed, keys)
	require.NoError(t, err)
	require.Equal(t, Stats{Updated: 1, Deleted: 1}, stats)
	require.Equal(t, []string{"q=base@5", "b=new@9", "r=base@5"}, texts(out))
	out.Release()
	require.True(t, r.Matched(r.Find("b")))
	require.False(t, r.Matched(r.Find("x")))
}

func TestRulesOf(t *testing.T) {
	c := table.NewConfig("t")
	c.MergeMode = table.EventTimeOrdering
	c.Ordering = []string{"ts"}
	r, err := RulesOf(&c)
	require.NoError(t, err)
	require.Equal(t, Rules{Mode: EventTime, Ordering: []string{"ts"}}, r)
	c.PartialUpdate = table.FillUnavailable
	r, err = RulesOf(&c)
	require.NoError(t, err)
	require.Equal(t, "__debezium_unavailable_value", r.Unavailable)
	c.MergeProps = map[string]string{table.UnavailableValue: "?", table.DeleteField: "op", table.DeleteMarker: "d"}
	r, err = RulesOf(&c)
	require.NoError(t, err)
	require.Equal(t, Rules{Mode: EventTime, Ordering: []string{"ts"}, Partial: FillUnavailable, Unavailable: "?", DeleteField: "op", DeleteMarker: "d"}, r)
	delete(c.MergeProps, table.DeleteMarker)
	_, err = RulesOf(&c)
	require.ErrorIs(t, err, base.ErrInvalid)
	c.MergeMode = table.CustomMerge
	_, err = RulesOf(&c)
	require.ErrorIs(t, err, base.ErrUnsupported)
}

func TestNullKeyAndWrongDeleteField(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	batch, keys := makeBatch(alloc, row("-", "v", 1))
	defer batch.Release()
	r := NewReducer(eventTime, fields, alloc)
	defer r.Release()
	require.ErrorIs(t, r.AddRows(batch, keys), base.ErrInvalid)
	wrong := eventTime
	wrong.DeleteField, wrong.DeleteMarker = "n", "1"
	r = NewReducer(wrong, fields, alloc)
	defer r.Release()
	require.ErrorIs(t, r.AddRows(batch, keys), base.ErrUnsupported)
}
