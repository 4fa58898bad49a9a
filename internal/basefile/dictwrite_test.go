package basefile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/schema"
)

// texts makes a batch of one column of strings; "null" is null.
func texts(alloc memory.Allocator, values []string) arrow.RecordBatch {
	b := array.NewStringBuilder(alloc)
	defer b.Release()
	for _, v := range values {
		if v == "null" {
			b.AppendNull()
		} else {
			b.Append(v)
		}
	}
	column := b.NewArray()
	defer column.Release()
	s := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	return array.NewRecordBatch(s, []arrow.Array{column}, int64(len(values)))
}

// TestDictionaryPages writes strings of few values and checks the rows and what the page
// index says of every page.
func TestDictionaryPages(t *testing.T) {
	checkPages(t, rapid.SampledFrom([]string{"null", "", "a", "ab", "é", "😀", "zz"}))
}

// TestPlainPages does the same with values that get no dictionary.
func TestPlainPages(t *testing.T) {
	checkPages(t, rapid.OneOf(rapid.SampledFrom([]string{"null", "", "a"}), rapid.StringN(0, 8, -1)))
}

func checkPages(t *testing.T, value *rapid.Generator[string]) {
	s := parse(t, recordOf(`{"name":"s","type":["null","string"]}`))
	rapid.Check(t, func(r *rapid.T) {
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		var all []string
		var batches []arrow.RecordBatch
		for range rapid.IntRange(1, 4).Draw(r, "batches") {
			values := rapid.SliceOfN(value, 1, 40).Draw(r, "values")
			whole := texts(alloc, values)
			from := rapid.IntRange(0, len(values)-1).Draw(r, "from")
			batches = append(batches, whole.NewSlice(int64(from), int64(len(values))))
			all = append(all, values[from:]...)
			whole.Release()
		}
		data, _ := writeFile(t, WriterOptions{Schema: s, PageBytes: rapid.IntRange(1, 60).Draw(r, "page"), Alloc: alloc}, batches...)
		for _, b := range batches {
			b.Release()
		}
		file, err := Open(t.Context(), &memFile{Reader: bytes.NewReader(data)}, "f", alloc)
		require.NoError(r, err)
		for b, err := range file.Read(t.Context(), ReadOptions{Schema: s}) {
			require.NoError(r, err)
			want := texts(alloc, all)
			require.True(r, array.Equal(want.Column(0), b.Column(0)))
			want.Release()
		}
		requirePageIndex(r, file, all)
		requireRange(r, file, all)
		alloc.AssertSize(t, 0)
	})
}

// requirePageIndex compares the page index of the only column with its values.
func requirePageIndex(r *rapid.T, f *Reader, all []string) {
	index, err := f.file.GetPageIndexReader().RowGroup(0)
	require.NoError(r, err)
	columns, err := index.GetColumnIndex(0)
	require.NoError(r, err)
	offsets, err := index.GetOffsetIndex(0)
	require.NoError(r, err)
	pages := offsets.GetPageLocations()
	for i, p := range pages {
		end := len(all)
		if i+1 < len(pages) {
			end = int(pages[i+1].FirstRowIndex)
		}
		nulls, low, high := int64(0), "", ""
		for k, v := range all[p.FirstRowIndex:end] {
			switch {
			case v == "null":
				nulls++
			case k == int(nulls) || v < low:
				low = v
			}
			if v != "null" && v > high {
				high = v
			}
		}
		require.Equal(r, nulls, columns.GetNullCounts()[i])
		require.Equal(r, int(nulls) == end-int(p.FirstRowIndex), columns.GetNullPages()[i])
		require.Equal(r, low, string(columns.GetMinValues()[i]))
		require.Equal(r, high, string(columns.GetMaxValues()[i]))
	}
}

// requireRange compares the row group's statistics of the only column with its values.
func requireRange(r *rapid.T, f *Reader, all []string) {
	values := slices.DeleteFunc(slices.Clone(all), func(v string) bool { return v == "null" })
	low, high, nulls, _, ok := f.RowGroups()[0].Range("s", &schema.Type{Kind: schema.String})
	require.True(r, ok)
	require.EqualValues(r, len(all)-len(values), nulls)
	if len(values) > 0 {
		require.Equal(r, []any{slices.Min(values), slices.Max(values)}, []any{low, high})
	}
}

func TestLargeDictionaryIsGivenUp(t *testing.T) {
	alloc := checked(t)
	s := parse(t, recordOf(`{"name":"s","type":["null","string"]}`))
	values := make([]string, 20_000)
	for i := range values {
		values[i] = "often"
		if i%5 == 0 { // rare enough for the sample
			values[i] = fmt.Sprintf("%d %s", i, strings.Repeat("x", 400))
		}
	}
	rows := texts(alloc, values)
	t.Cleanup(rows.Release)
	data, _ := writeFile(t, WriterOptions{Schema: s}, rows)
	r := openBytes(t, data, alloc)
	c, err := r.file.MetaData().RowGroup(0).ColumnChunk(0)
	require.NoError(t, err)
	require.False(t, c.HasDictionaryPage())
	require.True(t, array.RecordEqual(rows, readAll(t, r, alloc, ReadOptions{Schema: s})))
}
