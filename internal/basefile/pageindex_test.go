package basefile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/schema"
)

const pagedSchema = `{"type":"record","name":"r","fields":[
	{"name":"_hoodie_record_key","type":["null","string"],"default":null},
	{"name":"id","type":"long"},
	{"name":"word","type":["null","string"],"default":null},
	{"name":"text","type":"string"},
	{"name":"half","type":["null","double"],"default":null},
	{"name":"odd","type":"boolean"},
	{"name":"cost","type":{"type":"fixed","name":"c","size":6,"logicalType":"decimal","precision":12,"scale":2}}]}`

// pagedFile has rows whose values follow from their ids, which rise from 0, in many pages.
func pagedFile(t testing.TB, rows int) (*schema.Schema, []byte) {
	s := parse(t, pagedSchema)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer b.Release()
	for i := range rows {
		appendPaged(b, int64(i))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	data, _ := writeFile(t, WriterOptions{Schema: s, RowGroupRows: 2000, PageBytes: 1 << 10}, batch)
	return s, data
}

func appendPaged(b *array.RecordBuilder, i int64) {
	b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("k%06d", i))
	b.Field(1).(*array.Int64Builder).Append(i)
	if word := b.Field(2).(*array.StringBuilder); i/500%3 == 1 { // whole pages of nulls
		word.AppendNull()
	} else {
		word.Append(fmt.Sprint("word", i/100%7))
	}
	b.Field(3).(*array.StringBuilder).Append(fmt.Sprintf("%0*d", i%40, i*7919))
	if half := b.Field(4).(*array.Float64Builder); i%3 == 0 {
		half.AppendNull()
	} else {
		half.Append(float64(i) / 2)
	}
	b.Field(5).(*array.BooleanBuilder).Append(i%2 == 1)
	b.Field(6).(*array.Decimal128Builder).Append(decimal128.FromI64(i * 3))
}

// countedFile tells which bytes were read.
type countedFile struct {
	memFile
	reads []span
}

func (f *countedFile) ReadAt(p []byte, off int64) (int, error) {
	f.reads = append(f.reads, span{off, off + int64(len(p))})
	return f.memFile.ReadAt(p, off)
}

// Of the pages that may have wanted rows all rows are read, and of the file these pages,
// dictionaries and indexes alone.
func TestReadPicksPages(t *testing.T) {
	s, data := pagedFile(t, 5000)
	some := 0
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfN(rapid.Int64Range(0, 5500), 0, 4).Draw(t, "ids")
		width := rapid.Int64Range(1, 300).Draw(t, "width")
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"word", "text", "half", "odd", "cost"}), 0, 5, rapid.ID).Draw(t, "columns")
		columns, err := s.Project(append(names, "id", schema.MetaRecordKey))
		require.NoError(t, err)
		may := func(low, high int64) bool {
			return slices.ContainsFunc(wanted, func(id int64) bool { return low < id+width && id <= high })
		}
		o := ReadOptions{
			Schema: columns, PageColumns: []string{schema.MetaRecordKey, "no such column"}, BatchRows: rapid.IntRange(1, 3000).Draw(t, "batch"), Parallel: rapid.IntRange(1, 2).Draw(t, "parallel"),
			Keep: func(s Statistics) bool {
				low, high, rows := idRange(t, s)
				require.Equal(t, high-low+1, rows)
				return may(low, high)
			},
		}
		f := &countedFile{memFile: memFile{Reader: bytes.NewReader(data)}}
		r, err := Open(context.Background(), f, "f.parquet", memory.DefaultAllocator)
		require.NoError(t, err)
		defer r.Close()
		var rows int64
		taken := map[span]int64{} // of row groups of which a part is read
		for _, g := range r.RowGroups() {
			if !o.Keep(&g) {
				continue
			}
			n, bytes, err := g.Selected(t.Context(), o)
			require.NoError(t, err)
			if rows += n; n < g.Rows {
				taken[extent(t, &g)] = bytes
			}
		}
		f.reads = nil
		next, got, found := int64(0), int64(0), int64(0)
		for batch, err := range r.Read(t.Context(), o) {
			require.NoError(t, err)
			got += batch.NumRows()
			ids := batch.Column(len(names)).(*array.Int64)
			for _, id := range ids.Int64Values() {
				require.GreaterOrEqual(t, id, next)
				next = id + 1
				if may(id, id) {
					found++
				}
			}
			requirePaged(t, s, names, batch, ids)
		}
		require.Equal(t, rows, got)
		want := int64(0)
		for id := range int64(5000) {
			if may(id, id) {
				want++
			}
		}
		require.Equal(t, want, found)
		for part, bytes := range taken {
			some++
			for _, s := range f.reads {
				if part.from <= s.from && s.to <= part.to {
					bytes -= s.to - s.from
				}
			}
			require.Zero(t, bytes)
		}
	})
	require.NotZero(t, some)
}

// extent is where the columns of a row group lie.
func extent(t require.TestingT, g *RowGroup) span {
	meta := g.file.file.MetaData()
	var all span
	for i := range meta.Schema.NumColumns() {
		c, err := meta.RowGroup(g.index).ColumnChunk(i)
		require.NoError(t, err)
		from, n := chunkRange(c)
		if i == 0 {
			all.from = from
		}
		all.to = max(all.to, from+n)
	}
	return all
}

// idRange is the range of the ids of rows, by their keys.
func idRange(t require.TestingT, s Statistics) (low, high, rows int64) {
	l, h, _, rows, ok := s.Range(schema.MetaRecordKey, &schema.Type{Kind: schema.String})
	require.True(t, ok)
	id := func(key any) int64 {
		n, err := strconv.ParseInt(key.(string)[1:], 10, 64)
		require.NoError(t, err)
		return n
	}
	return id(l), id(h), rows
}

// requirePaged checks the values of a batch of a paged file.
func requirePaged(t require.TestingT, s *schema.Schema, names []string, batch arrow.RecordBatch, ids *array.Int64) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer b.Release()
	for _, id := range ids.Int64Values() {
		appendPaged(b, id)
	}
	want := b.NewRecordBatch()
	defer want.Release()
	for i, name := range names {
		require.True(t, array.Equal(want.Column(s.Arrow().FieldIndices(name)[0]), batch.Column(i)), name)
	}
}

// Pages of nulls are told from others, and no other count of nulls is believed.
func TestPagesOfNulls(t *testing.T) {
	s, data := pagedFile(t, 2000)
	r := openBytes(t, data, memory.DefaultAllocator)
	parts, nulls := 0, 0
	o := ReadOptions{Schema: s, PageColumns: []string{"word"}, Keep: func(s Statistics) bool {
		low, high, n, rows, ok := s.Range("word", &schema.Type{Kind: schema.String})
		if _, group := s.(*RowGroup); group {
			return true
		}
		require.True(t, ok)
		parts++
		if low == nil {
			require.Nil(t, high)
			require.Equal(t, rows, n)
			nulls++
		} else {
			require.EqualValues(t, -1, n)
		}
		return true
	}}
	rows := int64(0)
	for batch, err := range r.Read(t.Context(), o) {
		require.NoError(t, err)
		rows += batch.NumRows()
	}
	require.EqualValues(t, 2000, rows)
	require.NotZero(t, nulls)
	require.Greater(t, parts, nulls)
}

// An index that contradicts the pages is an error or is not used; nothing is read wrongly.
func TestPageIndexesThatLie(t *testing.T) {
	s, data := pagedFile(t, 1000)
	r := openBytes(t, data, memory.DefaultAllocator)
	file, err := r.pages()
	require.NoError(t, err)
	c := file.Metadata().RowGroups[0].Columns[0]
	o := ReadOptions{Schema: s, PageColumns: []string{schema.MetaRecordKey}, Keep: func(s Statistics) bool {
		low, high, _ := idRange(t, s)
		return low <= 700 && high >= 600
	}}
	for at := c.OffsetIndexOffset; at < c.OffsetIndexOffset+int64(c.OffsetIndexLength); at++ {
		bad := bytes.Clone(data)
		bad[at] ^= 0x15
		r, err := Open(t.Context(), &memFile{Reader: bytes.NewReader(bad)}, "f.parquet", memory.DefaultAllocator)
		require.NoError(t, err)
		for batch, err := range r.Read(t.Context(), o) {
			if err != nil {
				break
			}
			ids := batch.Column(1).(*array.Int64)
			requirePaged(t, s, []string{"_hoodie_record_key", "id", "word"}, batch, ids)
		}
		require.NoError(t, r.Close())
	}
}

var _ io.ReaderAt = (*countedFile)(nil)
