package writer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/mem"
)

var sortedArrow = arrow.NewSchema([]arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: orderColumn, Type: arrow.BinaryTypes.String},
}, nil)

// TestSorter sorts random rows with budgets that hold all, some and none of them. Equal rows stay in their order.
func TestSorter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		defer alloc.AssertSize(rt, 0)
		budget := mem.NewBudget(rapid.SampledFrom([]int64{1, 2000, 20_000, 1 << 30}).Draw(rt, "budget"), t.TempDir())
		s := &sorter{schema: sortedArrow, budget: budget, alloc: alloc}
		var want []string
		n := int64(0)
		for range rapid.IntRange(0, 12).Draw(rt, "batches") {
			b := array.NewRecordBuilder(alloc, sortedArrow)
			for range rapid.SampledFrom([]int{1, 3, 700, 3000}).Draw(rt, "rows") {
				key := fmt.Sprintf("k%03d", rapid.Uint64().Draw(rt, "key")%500)
				if n%7 == 0 {
					b.Field(0).AppendNull()
				} else {
					b.Field(0).(*array.Int64Builder).Append(n)
				}
				b.Field(1).(*array.StringBuilder).Append(key)
				want = append(want, fmt.Sprintf("%s %d", key, n))
				n++
			}
			batch := b.NewRecordBatch()
			require.NoError(rt, s.add(batch))
			batch.Release()
			b.Release()
		}
		slices.SortStableFunc(want, func(a, b string) int { return strings.Compare(a[:4], b[:4]) })
		at := 0
		for batch, err := range s.rows() {
			require.NoError(rt, err)
			values, order := batch.Column(0).(*array.Int64), batch.Column(1).(*array.String)
			for row := range order.Len() {
				key, number, _ := strings.Cut(want[at], " ")
				require.Equal(rt, key, order.Value(row))
				if values.IsValid(row) {
					require.Equal(rt, number, fmt.Sprint(values.Value(row)))
				}
				at++
			}
		}
		require.Len(rt, want, at)
		if budget.Total() == 1 && len(want) > 0 {
			require.NotEmpty(rt, s.runs)
		}
		require.NoError(rt, s.close())
		require.Zero(rt, budget.Used())
	})
}

// TestSorterEndsEarly gives up in the middle.
func TestSorterEndsEarly(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	s := &sorter{schema: sortedArrow, budget: mem.NewBudget(1, t.TempDir()), alloc: alloc}
	for range 40 {
		b := array.NewRecordBuilder(alloc, sortedArrow)
		for row := range 1000 {
			b.Field(0).(*array.Int64Builder).Append(int64(row))
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprint(row))
		}
		batch := b.NewRecordBatch()
		require.NoError(t, s.add(batch))
		batch.Release()
		b.Release()
	}
	for _, err := range s.rows() {
		require.NoError(t, err)
		break
	}
	require.NoError(t, s.close())
}
