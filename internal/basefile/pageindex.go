package basefile

import (
	"context"
	"slices"
	"sort"

	pqtypes "github.com/apache/arrow-go/v18/parquet"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/hudi-go/hudi-go/schema"
)

// Statistics say what values the rows of a row group, or of a part of one, can have.
type Statistics interface {
	// Range is what RowGroup.Range tells; nulls is -1 where it is not known.
	Range(column string, t *schema.Type) (low, high any, nulls, rows int64, ok bool)
}

// maxPageIndex bounds the bytes of a row group's page indexes that are read.
const maxPageIndex = 16 << 20

// rowSpan are rows of a row group, from the first up to the one before to.
type rowSpan struct{ from, to int64 }

// selection is what is read of a row group.
type selection struct {
	spans []rowSpan
	pages map[int]*pageIndex // by leaf, nil if all pages are read
}

func (g *RowGroup) whole() *selection { return &selection{spans: []rowSpan{{0, g.Rows}}} }

// rows counts the rows that are read.
func (s *selection) rows() (n int64) {
	for _, r := range s.spans {
		n += r.to - r.from
	}
	return n
}

// pageIndex says where a column's pages are, and may say what is in them.
type pageIndex struct {
	first  []int64 // row of each page, and behind the last the number of rows
	offset []int64
	size   []int64
	values *parquet.FileColumnIndex
}

// pageOf is the page that has a row.
func (x *pageIndex) pageOf(row int64) int {
	return sort.Search(len(x.first), func(i int) bool { return x.first[i] > row }) - 1
}

// selectRows asks o.Keep of the parts into which the pages of o.PageColumns cut a row group. A file
// without page indexes, and columns that are no simple ones, are read whole.
func (r *Reader) selectRows(ctx context.Context, g *RowGroup, p projection, o ReadOptions) (*selection, error) {
	columns := r.file.MetaData().Schema
	asked := map[int]bool{}
	for _, name := range o.PageColumns {
		if leaf := columns.ColumnIndexByName(name); leaf >= 0 {
			asked[leaf] = true
		}
	}
	if o.Keep == nil || len(asked) == 0 || !r.flat(g, p) {
		return g.whole(), nil
	}
	pages, err := r.pageIndexes(ctx, g, p.leaves, asked)
	if err != nil || pages == nil {
		return g.whole(), err
	}
	cuts := []int64{0, g.Rows}
	for leaf, x := range pages {
		if asked[leaf] && x.values != nil {
			cuts = append(cuts, x.first...)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	s := &selection{pages: pages}
	for i, from := range cuts[:len(cuts)-1] {
		part := rowSpan{from, cuts[i+1]}
		if !o.Keep(&pageStats{group: g, pages: pages, rows: part}) {
			continue
		}
		if n := len(s.spans); n > 0 && s.spans[n-1].to == part.from {
			s.spans[n-1].to = part.to
		} else {
			s.spans = append(s.spans, part)
		}
	}
	if s.rows() == g.Rows {
		return g.whole(), nil
	}
	return s, nil
}

// flat tells whether all columns of a row group are read by pages.
func (r *Reader) flat(g *RowGroup, p projection) bool {
	columns := r.file.MetaData().Schema
	for _, leaf := range p.leaves {
		root := columns.Root().FieldIndexByField(columns.ColumnRoot(leaf))
		field := r.arrow.Manifest.Fields[root]
		if form, _ := formOf(columns.Column(leaf), field.Field.Type); !field.IsLeaf() || form == 0 || !r.alike(g.index, leaf) {
			return false
		}
	}
	return true
}

// pageIndexes reads the indexes of some columns; nil if the file lacks one, or one does not
// fit the row group.
func (r *Reader) pageIndexes(ctx context.Context, g *RowGroup, leaves []int, asked map[int]bool) (map[int]*pageIndex, error) {
	file, err := r.pages()
	if err != nil {
		return nil, err
	}
	meta := file.Metadata().RowGroups[g.index].Columns
	var spans []span
	for _, leaf := range leaves {
		c := meta[leaf]
		spans = append(spans, span{c.OffsetIndexOffset, c.OffsetIndexOffset + int64(c.OffsetIndexLength)})
		if asked[leaf] && c.ColumnIndexOffset > 0 {
			spans = append(spans, span{c.ColumnIndexOffset, c.ColumnIndexOffset + int64(c.ColumnIndexLength)})
		}
	}
	total := int64(0)
	for _, s := range spans {
		if s.from <= 0 || s.to <= s.from || s.to > r.f.at {
			return nil, nil
		}
		if total += s.to - s.from; total > maxPageIndex {
			return nil, nil
		}
	}
	data, err := r.read(ctx, spans, fetchGap)
	if err != nil {
		return nil, err
	}
	chunks := file.RowGroups()[g.index].ColumnChunks()
	out := map[int]*pageIndex{}
	for _, leaf := range leaves {
		chunk := chunks[leaf].(*parquet.FileColumnChunk)
		offsets, err := chunk.OffsetIndexFrom(data)
		if err != nil {
			return nil, r.failed(err)
		}
		x := &pageIndex{}
		if !x.locate(offsets, g.Rows, meta[leaf]) {
			return nil, nil
		}
		if asked[leaf] && meta[leaf].ColumnIndexOffset > 0 {
			if x.values, err = chunk.ColumnIndexFrom(data); err != nil {
				return nil, r.failed(err)
			}
			if x.values.NumPages() != offsets.NumPages() {
				return nil, nil
			}
		}
		out[leaf] = x
	}
	return out, nil
}

// locate takes over where the pages are, and reports whether that can be.
func (x *pageIndex) locate(offsets *parquet.FileOffsetIndex, rows int64, c format.ColumnChunk) bool {
	n := offsets.NumPages()
	from := c.MetaData.DataPageOffset
	if d := c.MetaData.DictionaryPageOffset; d > 0 {
		from = min(from, d)
	} else if n > 0 && offsets.Offset(0) != from {
		return false // a dictionary that is only found by reading on
	}
	end := from + c.MetaData.TotalCompressedSize
	for i := range n {
		at, size, first := offsets.Offset(i), offsets.CompressedPageSize(i), offsets.FirstRowIndex(i)
		if at < from || size <= 0 || at > end-size || first >= rows || i == 0 && first != 0 || i > 0 && first <= x.first[i-1] {
			return false
		}
		x.first, x.offset, x.size = append(x.first, first), append(x.offset, at), append(x.size, size)
		from = at + size
	}
	x.first = append(x.first, rows)
	return n > 0
}

// pageStats are those of rows that lie in one page of each column that has statistics.
type pageStats struct {
	group *RowGroup
	pages map[int]*pageIndex
	rows  rowSpan
}

// Range implements Statistics.
func (s *pageStats) Range(column string, t *schema.Type) (low, high any, nulls, rows int64, ok bool) {
	err := s.group.file.guard(func() error {
		low, high, nulls, ok = s.bounds(column, t)
		return nil
	})
	if err != nil || !ok {
		return nil, nil, 0, 0, false
	}
	return low, high, nulls, s.rows.to - s.rows.from, true
}

func (s *pageStats) bounds(column string, t *schema.Type) (low, high any, nulls int64, ok bool) {
	columns := s.group.file.file.MetaData().Schema
	leaf := columns.ColumnIndexByName(column)
	x := s.pages[leaf]
	if leaf < 0 || x == nil || x.values == nil {
		return nil, nil, 0, false
	}
	page := x.pageOf(s.rows.from)
	if x.values.NullPage(page) {
		return nil, nil, s.rows.to - s.rows.from, true
	}
	c := columns.Column(leaf)
	low = statValue(indexValue(x.values.MinValue(page), c.PhysicalType()), c, t)
	high = statValue(indexValue(x.values.MaxValue(page), c.PhysicalType()), c, t)
	return low, high, -1, low != nil && high != nil // the counts of nulls may be missing
}

// indexValue is a bound as bool, int64, float32, float64 or bytes; nil for other types.
func indexValue(v parquet.Value, t pqtypes.Type) any {
	switch t {
	case pqtypes.Types.Boolean:
		return v.Boolean()
	case pqtypes.Types.Int32:
		return int64(v.Int32())
	case pqtypes.Types.Int64:
		return v.Int64()
	case pqtypes.Types.Float:
		return v.Float()
	case pqtypes.Types.Double:
		return v.Double()
	case pqtypes.Types.ByteArray, pqtypes.Types.FixedLenByteArray:
		return v.ByteArray()
	}
	return nil
}

// spansOf are the bytes of a column that a selection reads: its dictionary, and pages.
func (s *selection) spansOf(leaf int, from, bytes int64) []span {
	x := s.pages[leaf]
	if x == nil {
		return []span{{from, from + bytes}}
	}
	var out []span
	if len(s.spans) > 0 && x.offset[0] > from {
		out = append(out, span{from, x.offset[0]})
	}
	next := 0
	for _, rows := range s.spans {
		for page := max(next, x.pageOf(rows.from)); page < len(x.offset) && x.first[page] < rows.to; page++ {
			out = append(out, span{x.offset[page], x.offset[page] + x.size[page]})
			next = page + 1
		}
	}
	return out
}

// Selected is what a read of some columns takes of a row group that is kept: rows, and
// compressed bytes of pages and dictionaries.
func (g *RowGroup) Selected(ctx context.Context, o ReadOptions) (rows, bytes int64, err error) {
	r := g.file
	p := r.project(o.Schema)
	err = r.guard(func() error {
		s, err := r.selectRows(ctx, g, p, o)
		if err != nil {
			return err
		}
		rows = s.rows()
		meta := r.file.MetaData().RowGroup(g.index)
		for _, leaf := range p.leaves {
			c, err := meta.ColumnChunk(leaf)
			if err != nil {
				return r.failed(err)
			}
			from, n := chunkRange(c)
			for _, part := range s.spansOf(leaf, from, n) {
				bytes += part.to - part.from
			}
		}
		return nil
	})
	return rows, bytes, err
}

// span is a stretch of a file.
type span struct{ from, to int64 }
