package basefile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

const copySchema = `
	{"name":"_hoodie_commit_time","type":["null","string"]},
	{"name":"_hoodie_commit_seqno","type":["null","string"]},
	{"name":"_hoodie_record_key","type":["null","string"]},
	{"name":"_hoodie_partition_path","type":["null","string"]},
	{"name":"_hoodie_file_name","type":["null","string"]},
	{"name":"n","type":["null","long"]},
	{"name":"s","type":["null","string"]},
	{"name":"st","type":["null",{"type":"record","name":"st","fields":[{"name":"b","type":["null","boolean"]},{"name":"l","type":["null",{"type":"array","items":["null","int"]}]}]}]},
	{"name":"d","type":["null",{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}]}`

func copyRows(file string, from, to int) (lines []string) {
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf(`{"_hoodie_record_key":"k%06d","_hoodie_file_name":%q,"n":%d,"s":"text %d","st":{"b":%v,"l":[%d,null]},"d":"%d.25"}`,
			i, file, i, i%7, i%2 == 0, i, i))
	}
	return lines
}

// TestCopyGroup copies row groups with some columns made anew, among row groups that are written
// as always, and lets three readers see what came out.
func TestCopyGroup(t *testing.T) {
	alloc := checked(t)
	s := parse(t, recordOf(copySchema))
	const groupRows, rows = 3000, 10500
	old, _ := writeFile(t, WriterOptions{Schema: s, RowGroupRows: groupRows, PageBytes: 500}, rowsOf(t, memory.DefaultAllocator, s, copyRows("old", 0, rows)...))
	r := openBytes(t, old, alloc)
	filter, err := r.Bloom()
	require.NoError(t, err)
	require.NotNil(t, filter)
	groups := r.RowGroups()
	require.Len(t, groups, 4)

	for _, anew := range [][]string{{}, {"_hoodie_file_name"}, {"_hoodie_file_name", "st"}, {"_hoodie_record_key", "n", "s", "d"}, {"_hoodie_record_key", "_hoodie_file_name", "n", "s", "st", "d"}} {
		t.Run(strings.Join(anew, ","), func(t *testing.T) {
			var out bytes.Buffer
			w, err := NewWriter(&out, WriterOptions{Schema: s, RowGroupRows: groupRows, PageBytes: 500, Known: filter, Alloc: alloc, Parallel: 2})
			require.NoError(t, err)
			defer w.Abort()
			require.Equal(t, slices.Repeat([]bool{true}, len(s.Fields())), w.Copies(r))
			for i := range groups {
				from := i * groupRows
				batch := rowsOf(t, alloc, s, copyRows("new", from, min(from+groupRows, rows))...)
				if i == 2 { // a group that is written as always
					require.NoError(t, w.WriteKnown(batch))
				} else {
					columns := make([][]arrow.Array, len(s.Fields()))
					for _, name := range anew {
						_, at, _ := s.Field(name)
						half := batch.Column(at).Len() / 2
						a, b := array.NewSlice(batch.Column(at), 0, int64(half)), array.NewSlice(batch.Column(at), int64(half), batch.NumRows())
						columns[at] = []arrow.Array{a, b}
						defer a.Release()
						defer b.Release()
					}
					require.NoError(t, w.CopyGroup(t.Context(), r, &groups[i], columns))
				}
				batch.Release()
			}
			more := rowsOf(t, alloc, s, copyRows("new", rows, rows+10)...)
			require.NoError(t, w.Write(more))
			more.Release()
			summary, err := w.Close()
			require.NoError(t, err)
			require.Equal(t, int64(rows+10), summary.Rows)
			require.Equal(t, "k000000", summary.MinKey)
			require.Equal(t, fmt.Sprintf("k%06d", rows+9), summary.MaxKey)

			name := "old"
			for _, n := range anew {
				if n == "_hoodie_file_name" {
					name = "new"
				}
			}
			var lines []string
			for i := range 4 {
				file := name
				if i == 2 {
					file = "new"
				}
				lines = append(lines, copyRows(file, i*groupRows, min((i+1)*groupRows, rows))...)
			}
			want := rowsOf(t, alloc, s, append(lines, copyRows("new", rows, rows+10)...)...)
			defer want.Release()

			in := openBytes(t, out.Bytes(), alloc)
			defer in.Close()
			got := readAll(t, in, alloc, ReadOptions{Schema: s})
			defer got.Release()
			require.True(t, array.RecordEqual(want, got))
			bloom, err := in.Bloom()
			require.NoError(t, err)
			for i := range rows + 10 {
				require.True(t, bloom.Contains([]byte(fmt.Sprintf("k%06d", i))))
			}
			low, high, _, _, ok := in.RowGroups()[1].Range("n", s.Fields()[5].Type)
			require.True(t, ok)
			require.Equal(t, []any{int64(groupRows), int64(2*groupRows - 1)}, []any{low, high})
			readByArrow(t, out.Bytes(), rows+10)
			readByPages(t, out.Bytes(), rows+10)
		})
	}
	require.NoError(t, r.Close())
}

// Files in which the row groups of a column are compressed in different ways are read, not made.
func TestMixedCodecs(t *testing.T) {
	alloc := checked(t)
	s := parse(t, recordOf(copySchema))
	old, _ := writeFile(t, WriterOptions{Schema: s}, rowsOf(t, memory.DefaultAllocator, s, copyRows("f", 0, 100)...))
	r := openBytes(t, old, alloc)
	defer r.Close()
	filter, err := r.Bloom()
	require.NoError(t, err)
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterOptions{Schema: s, Codec: "snappy", Known: filter, Alloc: alloc})
	require.NoError(t, err)
	defer w.Abort()
	require.Nil(t, w.Copies(r))
	require.NoError(t, w.CopyGroup(t.Context(), r, &r.RowGroups()[0], make([][]arrow.Array, len(s.Fields()))))
	more := rowsOf(t, alloc, s, copyRows("f", 100, 200)...)
	require.NoError(t, w.Write(more))
	more.Release()
	_, err = w.Close()
	require.NoError(t, err)
	in := openBytes(t, out.Bytes(), alloc)
	defer in.Close()
	got := readAll(t, in, alloc, ReadOptions{Schema: s})
	defer got.Release()
	want := rowsOf(t, alloc, s, copyRows("f", 0, 200)...)
	defer want.Release()
	require.True(t, array.RecordEqual(want, got))
}

// readByArrow reads the numbers in column n with arrow-go.
func readByArrow(t *testing.T, data []byte, rows int) {
	p, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	fr, err := pqarrow.NewFileReader(p, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	require.NoError(t, err)
	table, err := fr.ReadTable(t.Context())
	require.NoError(t, err)
	defer table.Release()
	i := int64(0)
	for _, c := range table.Column(5).Data().Chunks() {
		for _, v := range c.(*array.Int64).Int64Values() {
			require.Equal(t, i, v)
			i++
		}
	}
	require.Equal(t, int64(rows), i)
}

// readByPages finds keys with parquet-go, by the page indexes.
func readByPages(t *testing.T, data []byte, rows int) {
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Equal(t, int64(rows), f.NumRows())
	leaf, ok := f.Schema().Lookup("_hoodie_record_key")
	require.True(t, ok)
	from := int64(0)
	for _, g := range f.RowGroups() {
		chunk := g.ColumnChunks()[leaf.ColumnIndex]
		index, err := chunk.ColumnIndex()
		require.NoError(t, err)
		offsets, err := chunk.OffsetIndex()
		require.NoError(t, err)
		require.Equal(t, index.NumPages(), offsets.NumPages())
		if g.NumRows() == 3000 {
			require.Greater(t, index.NumPages(), 1)
		}
		for page := range index.NumPages() {
			require.Equal(t, fmt.Sprintf("k%06d", from+offsets.FirstRowIndex(page)), index.MinValue(page).String())
		}
		pages := chunk.Pages()
		for range 5 {
			row := rand.Int64N(g.NumRows())
			require.NoError(t, pages.SeekToRow(row))
			p, err := pages.ReadPage()
			require.NoError(t, err)
			values := make([]parquet.Value, 1)
			_, _ = p.Values().ReadValues(values)
			require.Equal(t, fmt.Sprintf("k%06d", from+row), values[0].String())
			parquet.Release(p)
		}
		require.NoError(t, pages.Close())
		from += g.NumRows()
	}
}
