package merge

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

// interleaved are the types of columns that tables can have, and nestings of them.
var interleaved = []arrow.DataType{
	arrow.FixedWidthTypes.Boolean,
	arrow.PrimitiveTypes.Int32,
	arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Float32,
	arrow.PrimitiveTypes.Float64,
	arrow.BinaryTypes.String,
	arrow.BinaryTypes.Binary,
	&arrow.FixedSizeBinaryType{ByteWidth: 3},
	&arrow.Decimal128Type{Precision: 20, Scale: 3},
	arrow.FixedWidthTypes.Date32,
	arrow.FixedWidthTypes.Time32ms,
	arrow.FixedWidthTypes.Time64us,
	arrow.FixedWidthTypes.Timestamp_us,
	&arrow.TimestampType{Unit: arrow.Millisecond},
	arrow.Null,
	arrow.ListOf(arrow.PrimitiveTypes.Int64),
	arrow.ListOf(arrow.BinaryTypes.String),
	arrow.ListOf(arrow.ListOf(arrow.FixedWidthTypes.Boolean)),
	arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64),
	arrow.MapOf(arrow.BinaryTypes.String, arrow.ListOf(arrow.BinaryTypes.String)),
	arrow.StructOf(
		arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		arrow.Field{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
	),
	arrow.StructOf(
		arrow.Field{Name: "l", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "x", Type: arrow.FixedWidthTypes.Boolean, Nullable: true})), Nullable: true},
		arrow.Field{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "y", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true},
	),
	arrow.ListOf(arrow.StructOf(arrow.Field{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.Binary), Nullable: true})),
}

// fill appends a random value, null now and then.
func fill(rt *rapid.T, b array.Builder, nullable bool) {
	if nullable && rapid.IntRange(0, 3).Draw(rt, "null") == 0 {
		b.AppendNull()
		return
	}
	n := rapid.IntRange(0, 200).Draw(rt, "value")
	text := fmt.Sprintf("%03d", n)[:n%4]
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(n%2 == 0)
	case *array.Int32Builder:
		b.Append(int32(n))
	case *array.Int64Builder:
		b.Append(int64(n))
	case *array.Float32Builder:
		b.Append(float32(n))
	case *array.Float64Builder:
		b.Append(float64(n))
	case *array.StringBuilder:
		b.Append(text)
	case *array.FixedSizeBinaryBuilder:
		b.Append(fmt.Appendf(nil, "%03d", n))
	case *array.BinaryBuilder:
		b.Append([]byte(text))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(int64(n)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(n))
	case *array.Time32Builder:
		b.Append(arrow.Time32(n))
	case *array.Time64Builder:
		b.Append(arrow.Time64(n))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(n))
	case *array.NullBuilder:
		b.AppendNull()
	case *array.MapBuilder:
		b.Append(true)
		for i := range n % 3 {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint(i))
			fill(rt, b.ItemBuilder(), true)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range n % 3 {
			fill(rt, b.ValueBuilder(), true)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			fill(rt, b.FieldBuilder(i), true)
		}
	default:
		rt.Fatalf("no values for %T", b)
	}
}

// randomPicks draws runs of rows, or the rows of the first source with some of others in the
// place of a few, as merging makes them.
func randomPicks(rt *rapid.T, sources []arrow.Array) (picks []Pick) {
	if rapid.Bool().Draw(rt, "merge") {
		for row := range sources[0].Len() {
			p := Pick{0, int32(row)}
			if s := rapid.IntRange(-3, len(sources)).Draw(rt, "instead"); s == len(sources) {
				continue
			} else if s == -1 {
				p = Pick{Source: -1}
			} else if s >= 0 && sources[s].Len() > 0 {
				p = Pick{int32(s), int32(rapid.IntRange(0, sources[s].Len()-1).Draw(rt, "at"))}
			}
			picks = append(picks, p)
		}
		return picks
	}
	for range rapid.IntRange(0, 6).Draw(rt, "runs") {
		s := rapid.IntRange(-1, len(sources)-1).Draw(rt, "source")
		if s < 0 {
			picks = append(picks, Pick{Source: -1})
			continue
		}
		if sources[s].Len() == 0 {
			continue
		}
		at := rapid.IntRange(0, sources[s].Len()-1).Draw(rt, "at")
		for i := range rapid.IntRange(1, sources[s].Len()-at).Draw(rt, "length") {
			picks = append(picks, Pick{int32(s), int32(at + i)})
		}
	}
	return picks
}

// TestInterleave compares with taking one row at a time through JSON.
func TestInterleave(t *testing.T) {
	for _, dt := range interleaved {
		t.Run(dt.String(), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer alloc.AssertSize(rt, 0)
				var sources []arrow.Array
				defer func() {
					for _, s := range sources {
						s.Release()
					}
				}()
				nullable := rapid.Bool().Draw(rt, "nullable")
				for range rapid.IntRange(1, 3).Draw(rt, "sources") {
					b := array.NewBuilder(alloc, dt)
					for range rapid.IntRange(0, 24).Draw(rt, "rows") {
						fill(rt, b, nullable)
					}
					whole := b.NewArray()
					b.Release()
					from := rapid.IntRange(0, whole.Len()).Draw(rt, "from")
					to := rapid.IntRange(from, whole.Len()).Draw(rt, "to")
					sources = append(sources, array.NewSlice(whole, int64(from), int64(to)))
					whole.Release()
				}
				picks := randomPicks(rt, sources)
				out, err := Interleave(alloc, dt, sources, picks)
				require.NoError(rt, err)
				defer out.Release()
				require.Equal(rt, len(picks), out.Len())
				if dt == arrow.Null { // has no values to compare
					return
				}
				nulls := 0
				for i, p := range picks {
					if p.Source < 0 || sources[p.Source].IsNull(int(p.Row)) {
						nulls++
						require.True(rt, out.IsNull(i))
						continue
					}
					require.False(rt, out.IsNull(i))
					require.Equal(rt, sources[p.Source].GetOneForMarshal(int(p.Row)), out.GetOneForMarshal(i))
				}
				require.Equal(rt, nulls, out.NullN())
				// What comes out can go in again, sliced.
				if out.Len() > 1 {
					tail := array.NewSlice(out, 1, int64(out.Len()))
					defer tail.Release()
					var again []Pick
					for i := range tail.Len() {
						again = append(again, Pick{0, int32(i)})
					}
					copied, err := Interleave(alloc, dt, []arrow.Array{tail}, again)
					require.NoError(rt, err)
					defer copied.Release()
					require.True(rt, array.Equal(tail, copied))
				}
			})
		})
	}
}

func TestInterleaveUnsupported(t *testing.T) {
	_, err := Interleave(memory.DefaultAllocator, arrow.BinaryTypes.LargeString, nil, nil)
	require.ErrorIs(t, err, base.ErrUnsupported)
}
