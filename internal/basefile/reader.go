package basefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

const (
	maxBatchRows  = 64 << 10
	maxBatchBytes = 16 << 20
	minParquet    = 12 // two magic numbers and a footer length
)

// Reader reads a base file that any engine wrote. Its methods may be called from several
// goroutines, and several Reads may be under way at once.
type Reader struct {
	name      string
	f         *footerFile
	alloc     memory.Allocator
	file      *file.Reader
	arrow     *pqarrow.FileReader // its manifest ignores Arrow schemas in the footer
	groups    []RowGroup
	paged     pageFile
	described footerOnce
}

// Open reads the footer of an open file; name is for messages. The reader takes the file over:
// Close closes it, and so does Open when it fails. An error wraps base.ErrCorrupt when the
// bytes are no Parquet file.
func Open(ctx context.Context, f storage.File, name string, alloc memory.Allocator) (*Reader, error) {
	r := &Reader{name: name, alloc: alloc}
	err := ctx.Err()
	if err == nil {
		err = r.guard(func() error { return r.open(f) })
	}
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return r, nil
}

// OpenBytes is Open of a file in memory: Parquet in a log block.
func OpenBytes(ctx context.Context, data []byte, name string, alloc memory.Allocator) (*Reader, error) {
	return Open(ctx, bytesFile{bytes.NewReader(data)}, name, alloc)
}

type bytesFile struct{ *bytes.Reader }

func (bytesFile) Close() error { return nil }

// Close closes the file.
func (r *Reader) Close() error { return r.f.Close() }

// guard runs a step of reading. Parquet code panics on some corrupt files.
func (r *Reader) guard(step func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = r.failed(p)
		default:
			err = r.corrupt("%v", p)
		}
	}()
	return step()
}

func (r *Reader) corrupt(format string, args ...any) error {
	return fmt.Errorf("basefile: %s: %s: %w", r.name, fmt.Sprintf(format, args...), base.ErrCorrupt)
}

func (r *Reader) open(f storage.File) error {
	var err error
	if r.f, err = openFooter(f); err != nil {
		return r.failed(err)
	}
	src := io.NewSectionReader(r.f, 0, r.f.Size())
	// Page buffers, which arrow-go does not give back after errors, are the garbage collector's.
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	if r.file, err = file.NewParquetReader(src, file.WithReadProps(props)); err != nil {
		return r.failed(err)
	}
	if err := r.loadGroups(r.f.at); err != nil {
		return err
	}
	if r.arrow, err = pqarrow.NewFileReader(r.file, pqarrow.ArrowReadProperties{}, r.alloc); err != nil {
		return r.corrupt("%v", err)
	}
	if r.arrow.Manifest, err = newManifest(r.file.MetaData().Schema); err != nil {
		return r.corrupt("%v", err)
	}
	return nil
}

// source is a file whose errors can be told from those of the bytes in it.
type source struct{ storage.File }

// storeError is an error of the store.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

func (s source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.File.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = storeError{err}
	}
	return n, err
}

// failed is the error of a Parquet function: the store's, or of bytes that are wrong.
func (r *Reader) failed(err error) error {
	if _, ok := errors.AsType[storeError](err); ok {
		return fmt.Errorf("basefile: %s: %w", r.name, err)
	}
	return r.corrupt("%v", err)
}

// loadGroups checks that the footer's row groups lie within the bytes before it and add up.
func (r *Reader) loadGroups(size int64) error {
	meta := r.file.MetaData()
	var rows int64
	for i := range meta.NumRowGroups() {
		g := meta.RowGroup(i)
		if g.NumRows() < 0 || g.NumColumns() != meta.Schema.NumColumns() {
			return r.corrupt("row group %d has %d rows and %d columns of %d", i, g.NumRows(), g.NumColumns(), meta.Schema.NumColumns())
		}
		group := RowGroup{First: rows, Rows: g.NumRows(), index: i, file: r}
		for c := range g.NumColumns() {
			chunk, err := g.ColumnChunk(c)
			if err != nil {
				return r.corrupt("row group %d column %d: %v", i, c, err)
			}
			from, n := chunkRange(chunk)
			if from < 0 || n < 0 || from > size || n > size-from || chunk.NumValues() < group.Rows {
				return r.corrupt("row group %d column %d has %d values at %d, %d bytes, of %d before the footer",
					i, c, chunk.NumValues(), from, n, size)
			}
			group.Bytes += n
		}
		r.groups = append(r.groups, group)
		rows += g.NumRows()
	}
	if rows != meta.NumRows {
		return r.corrupt("the row groups have %d rows and the footer says %d", rows, meta.NumRows)
	}
	return nil
}

// codec is how a column chunk is compressed.
func (r *Reader) codec(group, leaf int) (c compress.Compression, ok bool) {
	chunk, err := r.file.MetaData().RowGroup(group).ColumnChunk(leaf)
	if err != nil {
		return 0, false
	}
	return chunk.Compression(), true
}

// chunkRange is where a column chunk lies.
func chunkRange(c *metadata.ColumnChunkMetaData) (from, bytes int64) {
	from = c.DataPageOffset()
	if c.HasDictionaryPage() && c.DictionaryPageOffset() > 0 {
		from = min(from, c.DictionaryPageOffset())
	}
	return from, c.TotalCompressedSize()
}

// Rows is the number of rows in the file.
func (r *Reader) Rows() int64 { return r.file.NumRows() }

// RowGroups are the file's row groups, in order. The caller must not change them.
func (r *Reader) RowGroups() []RowGroup { return r.groups }

// Footer returns the footer's key-value metadata; of repeated keys the last.
func (r *Reader) Footer() map[string]string {
	m := make(map[string]string, len(r.f.pairs))
	for _, p := range r.f.pairs {
		m[string(p.key)] = string(p.value)
	}
	return m
}

// KeyRange returns the least and the greatest record key in Java's order of strings; ok is
// false when the footer does not say.
func (r *Reader) KeyRange() (low, high string, ok bool) {
	minKey, maxKey := r.f.find(footerMinKey), r.f.find(footerMaxKey)
	if minKey == nil || maxKey == nil {
		return "", "", false
	}
	return *minKey, *maxKey, true
}

// Bloom returns the bloom filter of the record keys, nil if the file has none.
func (r *Reader) Bloom() (*Bloom, error) {
	text, code, ok := r.BloomText()
	if !ok {
		return nil, nil
	}
	b, err := ParseBloom(text, code)
	if err != nil {
		return nil, fmt.Errorf("basefile: %s: %w", r.name, err)
	}
	return b, nil
}

// BloomText returns the bloom filter of the record keys as the footer has it, and the code of its
// type; ok is false if the file has none.
func (r *Reader) BloomText() (text, code string, ok bool) {
	found := r.f.find(footerBloom)
	if found == nil {
		found = r.f.find(footerBloomOld)
	}
	if found == nil {
		return "", "", false
	}
	if c := r.f.find(footerBloomType); c != nil {
		code = *c
	}
	return *found, code, true
}

// KeyFilter is the filter of record keys for the next version of the file to go on with: see
// WriterOptions.Known. It is nil if a new one is better.
func (r *Reader) KeyFilter() *Bloom {
	b, err := r.Bloom()
	if err != nil || b == nil || !b.fits(r.Rows()) {
		return nil // whatever is wrong with a filter ends with the file
	}
	return b
}

// Schema is the schema of the file's rows: the Avro schema in the footer, or one made from
// the Parquet schema. Errors wrap base.ErrCorrupt or base.ErrUnsupported.
func (r *Reader) Schema() (*schema.Schema, error) {
	if text := r.f.find(footerAvroSchema); text != nil {
		s, err := schema.Parse(*text)
		if err != nil {
			return nil, fmt.Errorf("basefile: %s: Avro schema in the footer: %w", r.name, err)
		}
		return s, nil
	}
	fields := make([]arrow.Field, len(r.arrow.Manifest.Fields))
	for i, f := range r.arrow.Manifest.Fields {
		fields[i] = *f.Field
	}
	s, err := schema.FromArrow(anonymousTable, arrow.NewSchema(fields, nil))
	if err != nil {
		return nil, fmt.Errorf("basefile: %s: %w", r.name, err)
	}
	return s, nil
}

// anonymousTable names the records of files that do not say whose they are.
const anonymousTable = "table"

// ReadOptions say what to read.
type ReadOptions struct {
	// Schema has the columns wanted. They are resolved by name, promoted (schema.Conform),
	// and are null or have their default where the file lacks them.
	Schema *schema.Schema
	// Keep says which row groups to read, nil for all. It is given a *RowGroup.
	// With PageColumns it is also asked of the parts of row groups that lie in one page of each
	// of these columns, which must be among those of Schema; rows of other parts are left out.
	Keep        func(Statistics) bool
	PageColumns []string
	// BatchRows is the most rows of a batch, at most and by default 65536. Batches of wide
	// rows have fewer.
	BatchRows int
	// Parallel is how many columns are decoded at a time. If more than one, a batch is made
	// while the one before is in use.
	Parallel int
}

// Read returns the rows of the row groups kept, in order. A batch lies within one row group.
// Memory holds the compressed columns of one row group and one batch, or two if Parallel. Errors
// wrap base.ErrCorrupt, base.ErrInvalid when a column cannot be promoted, or the store's error.
func (r *Reader) Read(ctx context.Context, o ReadOptions) iter.Seq2[arrow.RecordBatch, error] {
	if o.Parallel > 1 {
		return Ahead(r.rows(ctx, o))
	}
	return r.rows(ctx, o)
}

func (r *Reader) rows(ctx context.Context, o ReadOptions) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		p := r.project(o.Schema)
		for i := range r.groups {
			g := &r.groups[i]
			if g.Rows == 0 || o.Keep != nil && !o.Keep(g) {
				continue
			}
			if !r.readGroup(ctx, g, p, o, yield) {
				return
			}
		}
	}
}

// readGroup yields a row group's batches and reports whether to go on.
func (r *Reader) readGroup(ctx context.Context, g *RowGroup, p projection, o ReadOptions, yield func(arrow.RecordBatch, error) bool) bool {
	scan, err := r.newGroupScan(ctx, g, p, o)
	if err != nil {
		yield(nil, err)
		return false
	}
	defer scan.close()
	for {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return false
		}
		batch, err := scan.next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		more := yield(batch, nil)
		batch.Release()
		if !more {
			return false
		}
	}
}
