package merge

import (
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
)

// TestColumns covers log blocks whose rows have some of the columns only. A version gives the
// columns of "has"; "" is a block with all of them.
func TestColumns(t *testing.T) {
	type change struct {
		has string
		version
	}
	full := func(v string, w string, ts int64) version {
		return version{key: "k", v: v, w: w, n: 1, ts: ts}
	}
	for _, c := range []struct {
		name  string
		rules Rules
		base  []version
		log   []change
		want  []string
	}{
		{"the columns that are there win", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("new", "", 6)}}, []string{"k=new,x,1@6"}},
		{"a tie goes to the change", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("tie", "", 5)}}, []string{"k=tie,x,1@5"}},
		{"a late change is lost", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("late", "", 4)}}, []string{"k=base,x,1@5"}},
		{"changes add up", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("one", "", 6)}, {"w ts", full("", "two", 7)}}, []string{"k=one,two,1@7"}},
		{"also when the second is late for the first", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("one", "", 8)}, {"w ts", full("", "two", 7)}}, []string{"k=one,two,1@8"}},
		{"but not over what the first has", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("one", "", 8)}, {"v w ts", full("two", "two", 7)}}, []string{"k=one,two,1@8"}},
		{"a whole row before", eventTime, []version{full("base", "x", 5)}, []change{{"", full("row", "y", 6)}, {"v ts", full("new", "", 7)}}, []string{"k=new,y,1@7"}},
		{"a whole row after", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("new", "", 7)}, {"", full("row", "y", 8)}}, []string{"k=row,y,1@8"}},
		{"in commit time", commitTime, []version{full("base", "x", 5)}, []change{{"v ts", full("new", "", 1)}}, []string{"k=new,x,1@1"}},
		{"without ordering field it wins, and the value stays", eventTime, []version{full("base", "x", 5)}, []change{{"v", full("new", "", null)}}, []string{"k=new,x,1@5"}},
		{"over a row of the log as well", eventTime, nil, []change{{"", full("row", "y", 6)}, {"v", full("new", "", null)}, {"v ts", full("late", "", 5)}}, []string{"k=new,y,1@6"}},
		{"a delete removes it", eventTime, []version{full("base", "x", 5)}, []change{{"v ts", full("new", "", 7)}, {"", tombstone("k", long(8))}}, nil},
		{"after a delete it has what it brings", eventTime, nil, []change{{"", tombstone("k", hudiDefault())}, {"v ts", full("new", "", 7)}}, []string{"k=new@7"}},
		{"nobody else has the columns", eventTime, nil, []change{{"v ts", full("new", "", 7)}}, []string{"k=new@7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for shards := range 3 {
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				var got []string
				seed := maphash.MakeSeed()
				for shard := range shards + 1 {
					r := NewReducer(c.rules, fields, alloc)
					if shards > 0 {
						r.KeepShard(shard, shards+1, seed)
					}
					for _, v := range c.log {
						if v.block {
							r.AddDelete(v.key, v.order)
							continue
						}
						columns := strings.Fields(v.has)
						if v.has != "" { // what is not there is decoded as null
							if !slices.Contains(columns, "v") {
								v.v = "-"
							}
							if !slices.Contains(columns, "w") {
								v.w = "-"
							}
							v.n = null
						}
						batch, keys := makeBatch(alloc, v.version)
						if v.has == "" {
							require.NoError(t, r.AddRows(batch, keys))
						} else {
							require.NoError(t, r.AddPartial(batch, keys, func(column string) bool { return slices.Contains(columns, column) }))
						}
						batch.Release()
					}
					if len(c.base) > 0 {
						batch, keys := makeBatch(alloc, c.base...)
						out, _, err := r.MergeBase(batch, keys)
						require.NoError(t, err)
						got = append(got, texts(out)...)
						out.Release()
						batch.Release()
					}
					for batch, err := range r.Rest() {
						require.NoError(t, err)
						got = append(got, texts(batch)...)
					}
					r.Release()
				}
				require.Equal(t, c.want, got)
				alloc.AssertSize(t, 0)
			}
		})
	}
}
