package basefile

import (
	"context"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/base"
)

// copied is the row group that column chunks are copied from.
type copied struct {
	reader    *Reader
	group     int
	low, high string // keys of its file
}

// footerOnce is the metadata of a footer, parsed when it is first needed.
type footerOnce struct {
	once sync.Once
	meta *footerMeta
	err  error
}

func (r *Reader) footerMeta() (*footerMeta, error) {
	r.described.once.Do(func() {
		meta, err := parseFooterMeta(r.f.metadata())
		if err == nil {
			err = meta.check(r)
		}
		r.described.meta, r.described.err = meta, err
	})
	return r.described.meta, r.described.err
}

// check sees that everything that can be copied lies before the footer.
func (m *footerMeta) check(r *Reader) error {
	if len(m.groups) != len(r.groups) {
		return r.corrupt("%d of %d row groups", len(m.groups), len(r.groups))
	}
	for _, g := range m.groups {
		if len(g.chunks) != r.file.MetaData().Schema.NumColumns() {
			return r.corrupt("a row group of %d columns", len(g.chunks))
		}
		for _, c := range g.chunks {
			for _, p := range []place{{c.at, c.bytes}, c.columnIndex, c.offsetIndex} {
				if p.at < 0 || p.length < 0 || p.length > r.f.at || p.at > r.f.at-p.length {
					return r.corrupt("%d bytes at %d, of %d before the footer", p.length, p.at, r.f.at)
				}
			}
		}
	}
	return nil
}

// Copies tells which columns of a file the writer can take over from its row groups as they
// are, by column of the schema: those that the file has in the form that the writer gives them.
// It is nil if nothing can be taken over: the writer has to see the record keys unless its
// filter knows those of the file.
func (w *Writer) Copies(r *Reader) []bool {
	if w.keys.column >= 0 && (w.keys.bloom != nil && w.o.Known == nil) {
		return nil
	}
	if _, _, ok := r.KeyRange(); w.keys.column >= 0 && !ok || r.f.find(legacyDates) != nil || r.f.find(legacyTimes) != nil {
		return nil
	}
	if _, err := r.footerMeta(); err != nil {
		return nil
	}
	out := make([]bool, len(w.layout.columns))
	some := false
	root := r.file.MetaData().Schema.Root()
	for i := range w.layout.columns {
		mine := w.layout.root.Field(i)
		at := root.FieldIndexByName(mine.Name())
		out[i] = at >= 0 && root.Field(at).Equals(mine) && w.sameCodec(r, mine.Name()) && r.once(mine.Name())
		some = some || out[i]
	}
	if !some {
		return nil
	}
	return out
}

// once tells whether one column alone has a name.
func (r *Reader) once(name string) bool {
	root, n := r.file.MetaData().Schema.Root(), 0
	for i := range root.NumFields() {
		if root.Field(i).Name() == name {
			n++
		}
	}
	return n == 1
}

// sameCodec tells whether all chunks of a column are compressed as the writer does it: some
// readers take the codec of a file's first row group for that of all.
func (w *Writer) sameCodec(r *Reader, column string) bool {
	for leaf := range r.file.MetaData().Schema.NumColumns() {
		if r.file.MetaData().Schema.ColumnRoot(leaf).Name() != column {
			continue
		}
		for group := range r.groups {
			if codec, ok := r.codec(group, leaf); !ok || codec != w.codec {
				return false
			}
		}
	}
	return true
}

// legacyTimes is like legacyDates, for timestamps in INT96.
const legacyTimes = "org.apache.spark.legacyINT96"

// CopyGroup writes a row group of a file once more. Columns are given, by column of the
// schema, where they are made anew: in pieces, which are retained until they are written, with
// all rows of the group. The others are copied as they are, without being read: those that
// Copies tells. The reader must not be closed before the writer is.
func (w *Writer) CopyGroup(ctx context.Context, r *Reader, g *RowGroup, columns [][]arrow.Array) error {
	if w.err == nil {
		w.err = w.copyGroup(ctx, r, g, columns)
	}
	return w.err
}

func (w *Writer) copyGroup(ctx context.Context, r *Reader, g *RowGroup, columns [][]arrow.Array) error {
	group := rowGroup{columns: make([][]arrow.Array, len(columns)), rows: g.Rows, from: &copied{reader: r, group: g.index}}
	group.from.low, group.from.high, _ = r.KeyRange()
	for i, pieces := range columns {
		var rows int64
		for _, p := range pieces {
			rows += int64(p.Len())
			group.bytes += arrayBytes(p)
		}
		if f := w.o.Schema.Arrow().Field(i); pieces != nil && rows != g.Rows || len(pieces) > 0 && !arrow.TypeEqual(f.Type, pieces[0].DataType()) {
			return fmt.Errorf("basefile: column %s has %d rows of a row group of %d: %w", f.Name, rows, g.Rows, base.ErrInvalid)
		}
	}
	if w.pending.rows > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	for i, pieces := range columns {
		for _, p := range pieces {
			p.Retain()
		}
		group.columns[i] = pieces
	}
	if w.keys.column >= 0 {
		for range columns[w.keys.column] {
			group.known = append(group.known, true)
		}
	}
	return w.hand(ctx, group)
}

// withCopied puts the copied chunks of a row group between those that were encoded.
func (w *Writer) withCopied(g rowGroup, encoded []chunkSource) []chunkSource {
	meta, _ := g.from.reader.footerMeta() // Copies has seen that it is there
	columns := g.from.reader.file.MetaData().Schema
	var out []chunkSource
	for i, n := range w.layout.columns {
		if g.columns[i] != nil {
			out = append(out, encoded[:len(n.leaves)]...)
			encoded = encoded[len(n.leaves):]
			continue
		}
		name := w.layout.root.Field(i).Name()
		for leaf := range columns.NumColumns() {
			if columns.ColumnRoot(leaf).Name() == name {
				out = append(out, chunkSource{g.from.reader.f, &meta.groups[g.from.group].chunks[leaf]})
			}
		}
	}
	return out
}
