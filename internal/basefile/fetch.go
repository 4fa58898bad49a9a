package basefile

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/parquet-go/parquet-go"
)

// fetchGap is how many bytes that nobody wants are read to save a request.
const fetchGap = 128 << 10

// ranges are stretches of a file in memory, in order.
type ranges []stretch

type stretch struct {
	from int64
	data []byte
}

// ReadAt serves what has been fetched.
func (r ranges) ReadAt(p []byte, off int64) (int, error) {
	i, found := slices.BinarySearchFunc(r, off, func(s stretch, off int64) int { return cmp.Compare(s.from, off) })
	if !found {
		i--
	}
	if i < 0 || off-r[i].from >= int64(len(r[i].data)) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, r[i].data[off-r[i].from:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fetch reads what a selection takes of some columns, neighbours at once. Of whole columns it
// reads over gaps, of pages nothing that is not wanted.
func (r *Reader) fetch(ctx context.Context, g *RowGroup, leaves []int, s *selection) (ranges, error) {
	meta := r.file.MetaData().RowGroup(g.index)
	var spans []span
	for _, leaf := range leaves {
		c, err := meta.ColumnChunk(leaf)
		if err != nil {
			return nil, r.corrupt("row group %d column %d: %v", g.index, leaf, err)
		}
		from, n := chunkRange(c)
		spans = append(spans, s.spansOf(leaf, from, n)...)
	}
	if s.pages != nil {
		return r.read(ctx, spans, 0)
	}
	return r.read(ctx, spans, fetchGap)
}

// read reads spans of the file, those at once that lie no further apart than gap.
func (r *Reader) read(ctx context.Context, spans []span, gap int64) (ranges, error) {
	var all ranges
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for i := 0; i < len(spans); {
		s := spans[i]
		for i++; i < len(spans) && spans[i].from <= s.to+gap; i++ {
			s.to = max(s.to, spans[i].to)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data := make([]byte, s.to-s.from)
		if n, err := r.f.ReadAt(data, s.from); n < len(data) {
			return nil, fmt.Errorf("basefile: %s: read %d bytes at %d: %w", r.name, len(data), s.from, err)
		}
		all = append(all, stretch{s.from, data})
	}
	return all, nil
}

// pageBuffer is from what page headers are parsed; larger pages are copied past it.
const pageBuffer = 4 << 10

// pageFile is a base file as parquet-go sees it.
type pageFile struct {
	once sync.Once
	file *parquet.File
	err  error
}

// pages opens the file for reading by pages.
func (r *Reader) pages() (*parquet.File, error) {
	r.paged.once.Do(func() {
		size := r.f.Size()
		src := io.NewSectionReader(r.f, 0, size)
		r.paged.file, r.paged.err = parquet.OpenFile(src, size, parquet.SkipPageIndex(true),
			parquet.SkipBloomFilters(true), parquet.SkipMagicBytes(true), parquet.ReadBufferSize(pageBuffer))
	})
	if r.paged.err != nil {
		return nil, r.failed(r.paged.err)
	}
	return r.paged.file, nil
}
