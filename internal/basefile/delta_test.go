package basefile

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestPackedDeltas writes numbers as packed deltas, whichever they are, in pages some of which have nulls only,
// and reads them.
func TestPackedDeltas(t *testing.T) {
	s := parse(t, recordOf(`{"name":"i","type":["null","int"]},{"name":"l","type":["null","long"]}`))
	value := rapid.OneOf(rapid.Int64Range(0, 20), rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, math.MinInt32, math.MaxInt32}))
	packed := map[bool]int{}
	defer func() { require.True(t, packed[true] > 0 && packed[false] > 0, packed) }()
	rapid.Check(t, func(rt *rapid.T) {
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		b := array.NewRecordBuilder(alloc, s.Arrow())
		for range rapid.IntRange(1, 5).Draw(rt, "stretches") {
			null := rapid.Bool().Draw(rt, "null")
			of := rapid.IntRange(1, 300).Draw(rt, "rows")
			values := rapid.SliceOfN(value, 1, 8).Draw(rt, "values")
			for i := range of {
				v := values[i%len(values)]
				b.Field(0).(*array.Int32Builder).AppendValues([]int32{int32(v)}, []bool{!null})
				b.Field(1).(*array.Int64Builder).AppendValues([]int64{v}, []bool{!null || i%50 == 7})
			}
		}
		rows := b.NewRecordBatch()
		b.Release()
		var out bytes.Buffer
		w, err := NewWriter(&out, WriterOptions{Schema: s, PageRows: rapid.IntRange(1, 200).Draw(rt, "page"), PageBytes: rapid.SampledFrom([]int{0, 100, 1000}).Draw(rt, "bytes"), RowGroupRows: rapid.IntRange(100, 900).Draw(rt, "group"), Alloc: alloc})
		require.NoError(rt, err)
		for _, leaf := range w.layout.leaves {
			w.encodings[leaf.path] = packedDeltas
		}
		require.NoError(rt, w.Write(rows))
		_, err = w.Close()
		require.NoError(rt, err)
		r := openBytes(t, out.Bytes(), alloc)
		for i := range r.groups {
			for leaf := range 2 {
				c, err := r.file.MetaData().RowGroup(i).ColumnChunk(leaf)
				require.NoError(rt, err)
				packed[slices.Contains(c.Encodings(), parquet.Encodings.DeltaBinaryPacked)]++
			}
		}
		from := int64(0)
		for got, err := range r.Read(t.Context(), ReadOptions{Schema: s}) {
			require.NoError(rt, err)
			want := rows.NewSlice(from, from+got.NumRows())
			from += got.NumRows()
			require.True(rt, array.RecordEqual(want, got))
			want.Release()
		}
		require.Equal(rt, rows.NumRows(), from)
		rows.Release()
		alloc.AssertSize(t, 0)
	})
}

// TestEncodingOf says for which numbers packed deltas are chosen.
func TestEncodingOf(t *testing.T) {
	longs := func(value func(i int) int64) arrow.Array {
		b := array.NewInt64Builder(memory.DefaultAllocator)
		for i := range 10_000 {
			b.Append(value(i))
		}
		return b.NewArray()
	}
	mixed := func(i int) int64 { // far apart
		n := uint64(i+1) * 0x9e3779b97f4a7c15
		n ^= n >> 29
		return int64(n * 0xbf58476d1ce4e5b9)
	}
	for _, c := range []struct {
		name  string
		value func(i int) int64
		want  leafEncoding
	}{
		{"few", func(i int) int64 { return int64(i % 7) }, dictionaryPaged},
		{"rising", func(i int) int64 { return int64(i) }, packedDeltas},
		{"of 200,000", func(i int) int64 { return int64(uint64(mixed(i)) % 200_000) }, packedDeltas},
		{"microseconds of seven years", func(i int) int64 { return int64(uint64(mixed(i)) % (7 * 365 * 86_400_000_000)) }, packedDeltas},
		{"far apart", mixed, plain},
		{"few that are far among small ones", func(i int) int64 {
			if i%3 == 0 {
				return mixed(i)
			}
			return int64(i % 7)
		}, plain},
	} {
		for _, codec := range []compress.Compression{compress.Codecs.Zstd, compress.Codecs.Snappy} {
			w := &Writer{codec: codec}
			require.Equal(t, c.want, w.encodingOf([]arrow.Array{longs(c.value)}, true), "%s %s", c.name, codec)
		}
	}
}

func TestDeltaBytes(t *testing.T) {
	require.Equal(t, deltaHead, deltaBytes(slices.Repeat([]int64{1}, deltaBlock)))
	require.Equal(t, deltaHead+64*deltaPart/8, deltaBytes([]int64{math.MinInt64, math.MaxInt64}))
	require.Equal(t, deltaHead+4*deltaPart/8+deltaPart/8, deltaBytes(append(slices.Repeat([]int64{0, 15}, deltaPart/2), 1)))
}
