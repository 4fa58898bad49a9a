package merge

import (
	"fmt"
	"reflect"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestUnchanged compares with taking one row at a time through JSON.
func TestUnchanged(t *testing.T) {
	for _, dt := range interleaved {
		t.Run(dt.String(), func(t *testing.T) {
			both := map[bool]int{}
			rapid.Check(t, func(rt *rapid.T) {
				alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer alloc.AssertSize(rt, 0)
				nullable := rapid.Bool().Draw(rt, "nullable")
				rows := rapid.IntRange(1, 12).Draw(rt, "rows")
				column := randomArray(rt, alloc, dt, nullable, rows)
				defer column.Release()
				other := randomArray(rt, alloc, dt, nullable, rows)
				defer other.Release()
				// A copy of the rows among other ones, with some of others now and then.
				mixed := make([]Pick, rows)
				picks := make([]Pick, rows)
				some := rapid.Bool().Draw(rt, "some")
				for i := range picks {
					mixed[i], picks[i] = Pick{0, int32(i)}, Pick{1, int32(i)}
					if some && rapid.IntRange(0, rows).Draw(rt, "other") == 0 {
						mixed[i].Source = 1
					}
					switch rapid.IntRange(0, 8).Draw(rt, "pick") {
					case 0:
						picks[i] = Pick{0, int32(i)} // its own
					case 1:
						if some {
							picks[i] = Pick{Source: -1}
						}
					}
				}
				changed, err := Interleave(alloc, dt, []arrow.Array{column, other}, mixed)
				require.NoError(rt, err)
				defer changed.Release()
				sources := []arrow.Array{column, changed}
				want := true
				for i, p := range picks {
					if p.Source < 0 {
						want = want && column.IsNull(i)
						continue
					}
					want = want && reflect.DeepEqual(column.GetOneForMarshal(i), sources[p.Source].GetOneForMarshal(int(p.Row)))
				}
				require.Equal(rt, want, unchanged(column, sources, picks, moved(0, picks)))
				both[want]++
			})
			if dt != arrow.Null {
				require.True(t, both[true] > 0 && both[false] > 0, both)
			}
		})
	}
}

// randomArray makes an array of some rows that is a slice of a longer one.
func randomArray(rt *rapid.T, alloc memory.Allocator, dt arrow.DataType, nullable bool, rows int) arrow.Array {
	b := array.NewBuilder(alloc, dt)
	defer b.Release()
	before := rapid.IntRange(0, 3).Draw(rt, "before")
	for range before + rows {
		fill(rt, b, nullable)
	}
	whole := b.NewArray()
	defer whole.Release()
	return array.NewSlice(whole, int64(before), int64(before+rows))
}

// BenchmarkMergeBase merges rows of a log, of which a tenth of the base rows are, with base rows:
// columns of numbers and of text that the log changes and that it leaves as they are.
func BenchmarkMergeBase(b *testing.B) {
	var fields []arrow.Field
	for i := range 6 {
		fields = append(fields, arrow.Field{Name: fmt.Sprint("n", i), Type: arrow.PrimitiveTypes.Int64}, arrow.Field{Name: fmt.Sprint("t", i), Type: arrow.BinaryTypes.String})
	}
	s := arrow.NewSchema(fields, nil)
	rows := func(step, version int) (arrow.RecordBatch, *array.String) {
		rb := array.NewRecordBuilder(memory.DefaultAllocator, s)
		defer rb.Release()
		keys := array.NewStringBuilder(memory.DefaultAllocator)
		defer keys.Release()
		for row := 0; row < BatchRows; row += step {
			keys.Append("id:" + strconv.Itoa(row*7919%BatchRows))
			for i := range fields {
				v := row * 7919 % BatchRows * (1 + i)
				if i%4 < 2 {
					v += version
				}
				switch f := rb.Field(i).(type) {
				case *array.Int64Builder:
					f.Append(int64(v))
				case *array.StringBuilder:
					f.Append("text " + strconv.Itoa(v))
				}
			}
		}
		return rb.NewRecordBatch(), keys.NewStringArray()
	}
	batch, keys := rows(1, 0)
	r := NewReducer(Rules{}, s, memory.DefaultAllocator)
	defer r.Release()
	require.NoError(b, r.AddRows(rows(10, 1)))
	b.ReportAllocs()
	for range b.N {
		out, stats, err := r.MergeBase(batch, keys)
		require.NoError(b, err)
		require.EqualValues(b, BatchRows/10+1, stats.Updated)
		out.Release()
	}
}
