package merge

import (
	"cmp"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

func decimal(n int64) Value { return DecimalValue(decimal128.FromI64(n)) }

// TestCompare lists values of one type in ascending order.
func TestCompare(t *testing.T) {
	double := func(v float64) Value { return FloatValue(Double, v) }
	for name, ascending := range map[string][]Value{
		"long":    {{}, long(math.MinInt64), long(-1), long(0), long(1), long(1 << 53), long(1<<53 + 1), long(math.MaxInt64)},
		"int":     {IntValue(Int, math.MinInt32), IntValue(Int, -1), {}, IntValue(Int, 1), IntValue(Int, math.MaxInt32)},
		"double":  {{}, double(math.Inf(-1)), double(-1), double(math.Copysign(0, -1)), double(0), double(5e-324), double(1), double(math.Inf(1)), double(math.NaN())},
		"float":   {{}, FloatValue(Float, -1), FloatValue(Float, 0), FloatValue(Float, math.NaN())},
		"text":    {{}, TextValue(String, ""), TextValue(String, "A"), TextValue(String, "a"), TextValue(String, "aa"), TextValue(String, "é"), TextValue(String, "\U0001F600")},
		"bytes":   {{}, TextValue(Bytes, ""), TextValue(Bytes, "\x00"), TextValue(Bytes, "\x7f"), TextValue(Bytes, "\x80"), TextValue(Bytes, "\xff")},
		"bool":    {{}, BoolValue(false), BoolValue(true)},
		"date":    {{}, IntValue(Date, -1), IntValue(Date, 0), IntValue(Date, 20000)},
		"time":    {{}, IntValue(TimestampMicros, -1), IntValue(TimestampMicros, 0), IntValue(TimestampMicros, 1)},
		"decimal": {{}, DecimalValue(decimal128.New(math.MinInt64, 0)), decimal(-1 << 40), decimal(-2), decimal(-1), decimal(0), decimal(1), DecimalValue(decimal128.New(0, math.MaxUint64)), DecimalValue(decimal128.New(1, 0))},
		"tuple": {
			{}, TupleValue([]Value{{}, {}}), TupleValue([]Value{{}, long(9)}), TupleValue([]Value{long(1), {}}), TupleValue([]Value{long(1), long(-1)}),
			TupleValue([]Value{long(1), long(2)}), TupleValue([]Value{long(2), {}}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i, a := range ascending {
				for j, b := range ascending {
					require.Equal(t, cmp.Compare(i, j), Compare(a, b), "%d %v and %d %v", i, a, j, b)
				}
			}
		})
	}
}

// TestCompareAcrossTypes covers values that a delete block or an older schema wrote with
// another type of number than the rows have.
func TestCompareAcrossTypes(t *testing.T) {
	require.Equal(t, -1, Compare(IntValue(Int, 5), long(6)))
	require.Equal(t, 0, Compare(IntValue(Int, 5), long(5)))
	require.Equal(t, 1, Compare(FloatValue(Double, 5.5), long(5)))
	require.Equal(t, 0, Compare(long(1<<40), IntValue(TimestampMicros, 1<<40)))
	require.Equal(t, 0, Compare(IntValue(Int, 7), IntValue(Date, 7)))
	require.Equal(t, 1, Compare(IntValue(Int, 1<<30), long(1<<30-1)))
	require.Equal(t, 1, Compare(long(1<<53+1), IntValue(TimestampMicros, 1<<53)), "without going through a float")
	require.Equal(t, 0, Compare(hudiDefault(), Value{}))
	require.Equal(t, -1, Compare(hudiDefault(), long(-5)), "the default is below all, whatever its type says")
}

// TestCompareIsAnOrder makes sure that sorting by Compare means something. Int is left out:
// among Ints the default is 0 and not the smallest, which only a column of that type has.
func TestCompareIsAnOrder(t *testing.T) {
	draw := rapid.Custom(func(rt *rapid.T) Value {
		n := rapid.Int64Range(-3, 3).Draw(rt, "n")
		switch rapid.IntRange(0, 9).Draw(rt, "kind") {
		case 0:
			return Value{}
		case 1, 2:
			return long(n)
		case 3:
			return FloatValue(Double, float64(n)/2)
		case 4:
			return FloatValue(Double, math.NaN())
		case 5:
			return IntValue(TimestampMicros, n)
		case 6:
			return TextValue(String, string(rune('a'+n+3)))
		case 7:
			return decimal(n)
		case 8:
			return BoolValue(n > 0)
		}
		return TupleValue([]Value{long(n), {}})
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b, c := draw.Draw(rt, "a"), draw.Draw(rt, "b"), draw.Draw(rt, "c")
		require.Zero(rt, Compare(a, a))
		require.Equal(rt, -Compare(b, a), Compare(a, b), "antisymmetric")
		if Compare(a, b) <= 0 && Compare(b, c) <= 0 {
			require.LessOrEqual(rt, Compare(a, c), 0, "transitive: %v %v %v", a, b, c)
		}
	})
}

func TestOrderingOf(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "b", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(alloc, s)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 0}, []bool{true, false})
	b.Field(1).(*array.Decimal128Builder).AppendValues([]decimal128.Num{decimal128.FromI64(150), decimal128.FromI64(-1)}, nil)
	b.Field(2).AppendNulls(2)
	batch := b.NewRecordBatch()
	defer batch.Release()
	at := func(row int, fields ...string) Value {
		r := Rules{Mode: EventTime, Ordering: fields}
		order, err := r.OrderingOf(batch)
		require.NoError(t, err)
		return order(row)
	}
	require.Equal(t, long(1), at(0, "a"))
	require.True(t, at(1, "a").IsDefault())
	require.Equal(t, decimal(150), at(0, "b"))
	require.Equal(t, 0, Compare(TupleValue([]Value{long(1), decimal(150)}), at(0, "a", "b")))
	require.Equal(t, 0, Compare(TupleValue([]Value{{}, decimal(-1)}), at(1, "a", "b")))
	require.True(t, at(0).IsDefault(), "no fields")
	require.True(t, at(0, "x").IsDefault(), "a field that the rows lack")
	require.True(t, at(0, "x", "y").IsDefault(), "several that they lack: a delete by key alone is unconditional")
	require.False(t, at(0, "a", "y").IsDefault())
	require.True(t, TupleValue([]Value{{}, {}}).Unset())
	require.False(t, TupleValue([]Value{{}, long(0)}).Unset())
	require.False(t, long(0).Unset())
	_, err := (&Rules{Ordering: []string{"l"}}).OrderingOf(batch)
	require.ErrorIs(t, err, base.ErrUnsupported)
}
