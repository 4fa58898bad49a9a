package metadata

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/table"
)

// pairs are the changes of a secondary index as text.
func pairs(t *testing.T, s *Secondary) (out []string) {
	for c, err := range s.changes() {
		require.NoError(t, err)
		sign := "+"
		if c.value == nil {
			sign = "-"
		}
		out = append(out, sign+string(c.key))
	}
	return out
}

// What was there before and is there now changes nothing, wherever it lies; nulls are in indexes
// from version 9 on.
func TestSecondaryChanges(t *testing.T) {
	for version, want := range map[int][]string{
		8: {"+1$moved", "-2$gone", "+a\\$\\\\$k\\$1"},
		9: {"+\x00$null", "+1$moved", "-2$gone", "+a\\$\\\\$k\\$1"},
	} {
		d := NewSecondaryDefinition(version, "x", "c")
		s := NewSecondary(version, d, NewSecondaryLayout(d, 1), mem.NewBudget(1<<20, t.TempDir()))
		require.NoError(t, s.Now(keyArray(t, "same", "k$1", "moved"), keyArray(t, "v", `a$\`, "1")))
		require.NoError(t, s.Before(keyArray(t, "same", "gone"), keyArray(t, "v", "2")))
		b := array.NewInt64Builder(memory.DefaultAllocator)
		b.AppendNull()
		null := b.NewArray()
		require.NoError(t, s.Now(keyArray(t, "null"), null))
		null.Release()
		b.Release()
		require.Equal(t, want, pairs(t, s))
		require.NoError(t, s.Close())
	}
}

// Pairs that do not fit into the memory are sorted all the same.
func TestSecondarySpills(t *testing.T) {
	for _, limit := range []int64{1 << 20, 300, 1} {
		d := NewSecondaryDefinition(9, "x", "c")
		s := NewSecondary(9, d, NewSecondaryLayout(d, 3), mem.NewBudget(1<<20, t.TempDir()))
		s.sort.limit = limit
		random := rand.New(rand.NewPCG(1, 2))
		want := map[string]int{}
		for range 1000 {
			key, value := fmt.Sprint(random.IntN(40)), fmt.Sprint(random.IntN(5))
			kind, tell := 1, s.Before
			if random.IntN(2) == 0 {
				kind, tell = 2, s.Now
			}
			want[value+"$"+key] |= kind
			require.NoError(t, tell(keyArray(t, key), keyArray(t, value)))
		}
		seen := map[string]bool{}
		group := map[string]int32{}
		for c, err := range s.changes() {
			require.NoError(t, err)
			seen[string(c.key)] = c.value != nil
			value, _, _ := strings.Cut(string(c.key), "$")
			if g, ok := group[value]; ok {
				require.Equal(t, g, c.group, "the keys of a value lie together")
			}
			group[value] = c.group
		}
		for key, kinds := range want {
			now, changed := seen[key]
			require.Equal(t, kinds != 3, changed, key)
			require.Equal(t, kinds == 2, now, key)
		}
		require.NoError(t, s.Close())
	}
}

func TestSecondaryTypes(t *testing.T) {
	d := NewSecondaryDefinition(9, "x", "c")
	s := NewSecondary(9, d, NewSecondaryLayout(d, 1), mem.NewBudget(1<<20, t.TempDir()))
	b := array.NewDate32Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Append(arrow.Date32(1))
	dates := b.NewArray()
	defer dates.Release()
	require.ErrorIs(t, s.Now(keyArray(t, "k"), dates), base.ErrUnsupported)
	i := array.NewInt32Builder(memory.DefaultAllocator)
	defer i.Release()
	i.Append(-7)
	ints := i.NewArray()
	defer ints.Release()
	require.NoError(t, s.Now(keyArray(t, "k"), ints))
	require.Equal(t, []string{"+-7$k"}, pairs(t, s))
}

// Keys lie in the groups that real Hudi puts them into, and its records are as ours.
func TestSecondaryLayoutOfSparks(t *testing.T) {
	const index = "secondary_index_by_customer"
	for _, name := range []string{"v8_mdt_secondary_cow", "v9_mdt_secondary_cow"} {
		st := goldentest.Store(t, name)
		c, err := table.LoadConfig(t.Context(), st)
		require.NoError(t, err)
		m := open(t, st, c)
		all, err := Definitions(t.Context(), m.root, m.config)
		require.NoError(t, err)
		d := all[index]
		require.Equal(t, NewSecondaryDefinition(m.config.Version, "by_customer", "customer"), d)
		layout, err := m.SecondaryLayout(t.Context(), d)
		require.NoError(t, err)
		groups, err := m.partition(t.Context(), index)
		require.NoError(t, err)
		records := 0
		for n, g := range groups {
			merged, err := m.merging(t.Context(), g)
			require.NoError(t, err)
			for e, err := range merged.records {
				require.NoError(t, err)
				value := strings.Index(strings.ReplaceAll(e.key, `\$`, "__"), "$") + 1
				require.EqualValues(t, n, layout.routeSecondary([]byte(e.key), value), "%q", e.key)
				// Base files of 1.0.2 name the file in front.
				require.True(t, bytes.HasSuffix(e.value, appendSecondary(nil, false)[6:]), "%q", e.key)
				records++
			}
		}
		require.NotZero(t, records)
		require.NoError(t, m.Close())
	}
}
