package basefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Defaults of WriterOptions.
const (
	DefaultCodec         = "zstd"
	DefaultRowGroupRows  = 64 << 10
	DefaultRowGroupBytes = 32 << 20
	DefaultPageBytes     = 256 << 10
	DefaultPageRows      = 8 << 10
)

// WriterOptions say what a base file is like. Only Schema is needed.
type WriterOptions struct {
	// Schema is that of the batches, with the meta columns if the table has them.
	Schema *schema.Schema
	// Codec is zstd (the default), snappy, gzip, lz4, brotli or uncompressed.
	Codec string
	// RowGroupRows and RowGroupBytes (of rows in memory) limit row groups, and thereby what
	// the writer holds in memory: the rows of one row group (two if Parallel) and the encoded
	// form of one.
	RowGroupRows  int
	RowGroupBytes int64
	// PageBytes is the size at which a data page is finished, PageRows the most rows of one: a
	// look-up of one row decodes a page of each column.
	PageBytes int
	PageRows  int
	// BloomFPP is the false positive rate of the bloom filter of record keys; NoBloom leaves
	// the filter out.
	BloomFPP float64
	NoBloom  bool
	// Known, if not nil, is a filter that has the keys of the rows given to WriteKnown, and that
	// the file's filter goes on with: that of the file that this one replaces (Reader.KeyFilter).
	Known *Bloom
	// Footer is added to the footer's key-value metadata.
	Footer map[string]string
	// Parallel is how many columns are encoded at a time. If more than one, a row group is
	// also encoded while the next is filled.
	Parallel int
	// Alloc is for buffers of encoded data, by default Go's.
	Alloc memory.Allocator
}

func (o WriterOptions) withDefaults() WriterOptions {
	if o.Codec == "" {
		o.Codec = DefaultCodec
	}
	if o.RowGroupRows <= 0 {
		o.RowGroupRows = DefaultRowGroupRows
	}
	if o.RowGroupBytes <= 0 {
		o.RowGroupBytes = DefaultRowGroupBytes
	}
	if o.PageBytes <= 0 {
		o.PageBytes = DefaultPageBytes
	}
	if o.PageRows <= 0 {
		o.PageRows = DefaultPageRows
	}
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	o.Parallel = max(o.Parallel, 1)
	return o
}

const zstdLevel = 1

// prolepticSpark tells Spark that dates are of the calendar that Spark 3 has. Files that name no
// Spark version may have the older one, so that Spark refuses them where they have dates
// before 1582-10-15 or timestamps before 1900.
const prolepticSpark = "3.5.0"

var codecs = map[string]compress.Compression{
	"zstd":         compress.Codecs.Zstd,
	"snappy":       compress.Codecs.Snappy,
	"gzip":         compress.Codecs.Gzip,
	"lz4":          compress.Codecs.Lz4Raw,
	"brotli":       compress.Codecs.Brotli,
	"uncompressed": compress.Codecs.Uncompressed,
}

// Summary describes a finished base file. The keys are empty when it has none.
type Summary struct {
	Rows, Bytes    int64
	MinKey, MaxKey string
	// Footer are the file's last bytes, from its footer on: OpenFooter takes them.
	Footer []byte
}

// Writer writes a base file: Parquet as docs/format/base-files.md has it. It is for one goroutine.
// Close finishes it, Abort gives it up; one of the two must be called.
type Writer struct {
	o      WriterOptions
	layout *layout
	codec  compress.Compression
	sink   *sink
	file   *assembly
	// dictionary says of leaves, by path, whether they have dictionaries. The rows of their first
	// row group decide it.
	dictionary map[string]bool
	keys       keyTracker
	err        error

	pending rowGroup     // being filled
	writing chan written // of the row group that is on its way; nil if none
	handed  int64        // bytes in memory of that row group
	rows    int64        // handed on
	encoded int64        // bytes in memory of the rows written
	out     int64        // bytes of them in the file
}

// rowGroup are the rows of a row group.
type rowGroup struct {
	columns [][]arrow.Array // in pieces, by column of the schema; none of those that are copied
	known   []bool          // by piece: the filter has its keys already
	rows    int64
	bytes   int64 // in memory
	from    *copied
}

// written is what became of a row group.
type written struct {
	bytes int64 // in memory
	out   int64 // that the file then has
	err   error
}

// NewWriter makes a writer of a base file to w, which it does not close. Errors wrap
// base.ErrInvalid, or base.ErrUnsupported for types that Parquet does not have.
func NewWriter(w io.Writer, o WriterOptions) (*Writer, error) {
	o = o.withDefaults()
	codec, ok := codecs[o.Codec]
	if !ok {
		return nil, fmt.Errorf("basefile: codec %q: use one of %v: %w", o.Codec, slices.Sorted(maps.Keys(codecs)), base.ErrInvalid)
	}
	layout, err := newLayout(o.Schema)
	if err != nil {
		return nil, err
	}
	keys, err := newKeyTracker(o)
	if err != nil {
		return nil, err
	}
	out := &sink{w: w}
	return &Writer{
		o: o, layout: layout, codec: codec, sink: out, file: &assembly{out: out},
		dictionary: map[string]bool{}, keys: keys,
	}, nil
}

// sink counts what goes out, and hides a Close that arrow-go would call.
type sink struct {
	w io.Writer
	n int64
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	return n, err
}

// Write adds rows. The batch must have exactly the columns of the writer's schema
// (schema.Conform brings it to that form); it is retained until its row group is written, so
// its buffers must not change. After an error only Abort is left.
func (w *Writer) Write(batch arrow.RecordBatch) error { return w.add(batch, false) }

// WriteKnown is Write for rows whose keys the Known filter has, if there is one.
func (w *Writer) WriteKnown(batch arrow.RecordBatch) error { return w.add(batch, w.o.Known != nil) }

func (w *Writer) add(batch arrow.RecordBatch, known bool) error {
	if w.err == nil {
		w.err = w.write(batch, known)
	}
	return w.err
}

func (w *Writer) write(batch arrow.RecordBatch, known bool) error {
	if err := w.check(batch); err != nil {
		return err
	}
	for from := int64(0); from < batch.NumRows(); {
		part, size, full := w.take(batch, from)
		from += part.NumRows()
		w.pending.add(part, known, size)
		if full {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// take slices off a batch what the row group has room for, one row at least.
func (w *Writer) take(batch arrow.RecordBatch, from int64) (part arrow.RecordBatch, size int64, full bool) {
	n := min(batch.NumRows()-from, int64(w.o.RowGroupRows)-w.pending.rows)
	room := w.o.RowGroupBytes - w.pending.bytes
	part = batch.NewSlice(from, from+n)
	if size = batchBytes(part); size > room && n > 1 {
		part.Release()
		n = max(1, n*room/size)
		part = batch.NewSlice(from, from+n)
		return part, batchBytes(part), true
	}
	return part, size, size >= room || w.pending.rows+n == int64(w.o.RowGroupRows)
}

// add takes the part over.
func (g *rowGroup) add(part arrow.RecordBatch, known bool, size int64) {
	if g.columns == nil {
		g.columns = make([][]arrow.Array, part.NumCols())
	}
	for i, c := range part.Columns() {
		c.Retain()
		g.columns[i] = append(g.columns[i], c)
	}
	g.known = append(g.known, known)
	g.rows += part.NumRows()
	g.bytes += size
	part.Release()
}

func (w *Writer) check(batch arrow.RecordBatch) error {
	want := w.o.Schema.Arrow()
	if int(batch.NumCols()) != want.NumFields() {
		return fmt.Errorf("basefile: a batch of %d columns for a file of %d: %w", batch.NumCols(), want.NumFields(), base.ErrInvalid)
	}
	for i, f := range want.Fields() {
		if got := batch.Column(i).DataType(); batch.ColumnName(i) != f.Name || !arrow.TypeEqual(got, f.Type) {
			return fmt.Errorf("basefile: column %d of the batch is %s %s and not %s %s: %w",
				i, batch.ColumnName(i), got, f.Name, f.Type, base.ErrInvalid)
		}
	}
	return nil
}

// Rows is the number of rows written.
func (w *Writer) Rows() int64 { return w.rows + w.pending.rows }

// Bytes is the size that the file would have if it were closed now, without its footer: what
// has gone out and an estimate, from the compression so far, of what is still in memory.
func (w *Writer) Bytes() int64 {
	inMemory := w.pending.bytes
	if w.writing != nil {
		inMemory += w.handed
	}
	if w.encoded == 0 {
		return w.out + inMemory
	}
	return w.out + int64(float64(w.out)/float64(w.encoded)*float64(inMemory))
}

// flush hands the pending rows on to be written as a row group, once the one before is.
func (w *Writer) flush() error {
	g := w.pending
	w.pending = rowGroup{}
	return w.hand(context.Background(), g)
}

func (w *Writer) hand(ctx context.Context, g rowGroup) error {
	if err := w.wait(); err != nil {
		g.release()
		return err
	}
	w.rows += g.rows
	w.handed = g.bytes
	w.writing = make(chan written, 1)
	write := func() {
		err := w.writeGroup(ctx, g)
		g.release()
		w.writing <- written{bytes: g.bytes, out: w.sink.n, err: err}
	}
	if w.o.Parallel > 1 {
		go write()
		return nil
	}
	write()
	return w.wait()
}

// wait waits for the row group that is being written.
func (w *Writer) wait() error {
	if w.writing == nil {
		return nil
	}
	done := <-w.writing
	w.writing = nil
	w.encoded += done.bytes
	w.out = done.out
	return done.err
}

// writeGroup encodes the columns of a row group that are not copied, and appends it.
func (w *Writer) writeGroup(ctx context.Context, g rowGroup) error {
	chunks, err := w.encodeGroup(g)
	if err != nil {
		return err
	}
	if g.from != nil {
		chunks = w.withCopied(g, chunks)
	}
	if err := w.file.append(ctx, g.rows, chunks); err != nil {
		return fmt.Errorf("basefile: %w", err)
	}
	return nil
}

// encodedFile is a Parquet file in memory.
type encodedFile []byte

func (f encodedFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f).ReadAt(p, off)
}

func (f encodedFile) metadata() []byte {
	end := len(f) - trailer
	return f[end-int(binary.LittleEndian.Uint32(f[end:])) : end]
}

// encodeGroup encodes the columns that have pieces, and returns the chunks of their leaves in
// order. It does so as a file of its own.
func (w *Writer) encodeGroup(g rowGroup) ([]chunkSource, error) {
	l, pieces := w.layout, g.columns
	if g.from != nil {
		l = w.layout.of(func(i int) bool { return g.columns[i] != nil })
		pieces = slices.DeleteFunc(slices.Clone(pieces), func(p []arrow.Array) bool { return p == nil })
	}
	var columns errgroup.Group
	columns.SetLimit(w.o.Parallel)
	columns.Go(func() error { w.keys.add(g); return nil })
	if len(pieces) == 0 {
		return nil, columns.Wait()
	}
	var out bytes.Buffer
	file, err := w.newFile(&out, l, pieces)
	if err != nil {
		_ = columns.Wait() // the pieces are given up after this; err is the one to tell
		return nil, err
	}
	group, err := file.AppendBufferedRowGroupChecked()
	if err != nil {
		_ = columns.Wait()
		return nil, fmt.Errorf("basefile: %w", err)
	}
	for i := range pieces {
		columns.Go(func() error { return w.encode(group, l, i, pieces[i]) })
	}
	if err := columns.Wait(); err != nil {
		return nil, err
	}
	if err := group.Close(); err != nil {
		return nil, fmt.Errorf("basefile: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("basefile: %w", err)
	}
	encoded := encodedFile(out.Bytes())
	meta, err := parseFooterMeta(encoded.metadata())
	if err != nil {
		return nil, fmt.Errorf("basefile: encoded row group: %w", err)
	}
	chunks := make([]chunkSource, len(meta.groups[0].chunks))
	for i := range chunks {
		chunks[i] = chunkSource{encoded, &meta.groups[0].chunks[i]}
	}
	return chunks, nil
}

func (g rowGroup) release() {
	for _, pieces := range g.columns {
		for _, p := range pieces {
			p.Release()
		}
	}
}

// flushPage finishes a column's page under way, if it has values or nulls, so that it is
// compressed here, where columns run in parallel, and not when the row group is closed. The
// methods used are those that arrow-go's interfaces leave out; without them the page is finished
// later.
func flushPage(w file.ColumnChunkWriter) error {
	pages, ok := w.(interface {
		PageStatistics() metadata.TypedStatistics
		FlushCurrentPage() error
		FlushBufferedDataPages() error
	})
	if !ok {
		return nil
	}
	if page := pages.PageStatistics(); page.NumValues()+page.NullCount() == 0 {
		return nil
	}
	if _, ok := w.CurrentEncoder().(dictionaryEncoder); ok {
		return pages.FlushCurrentPage() // the pages wait for the dictionary
	}
	return pages.FlushBufferedDataPages()
}

// encode writes the pieces of the i-th column into the row group's buffers.
func (w *Writer) encode(group file.BufferedRowGroupWriter, l *layout, i int, column []arrow.Array) error {
	n := l.columns[i]
	pages := pagesOf(column, w.o.PageRows)
	defer pages.release()
	chunks := make([][]chunk, len(n.leaves)) // by leaf, one for each part
	for _, part := range pages.parts {
		cs, err := shred(n, part)
		if err != nil {
			return err
		}
		for k, c := range cs {
			chunks[k] = append(chunks[k], c)
		}
	}
	for k, leaf := range n.leaves {
		out, err := group.Column(leaf)
		if err == nil {
			err = w.encodeLeaf(out, chunks[k], pages.ends, len(n.children) == 0)
		}
		if err != nil {
			return fmt.Errorf("basefile: column %s: %w", l.leaves[leaf].path, err)
		}
	}
	return nil
}

// encodeLeaf writes one leaf; flat says that it is a whole column, ends after which chunks a
// page ends.
func (w *Writer) encodeLeaf(out file.ColumnChunkWriter, chunks []chunk, ends []bool, flat bool) error {
	if text, ok := out.(*file.ByteArrayColumnChunkWriter); ok && flat {
		if done, err := writeDictionary(text, chunks, w.o); done || err != nil {
			return err
		}
	}
	for k, c := range chunks {
		if err := writeChunk(out, c); err != nil {
			return err
		}
		if ends[k] {
			if err := flushPage(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// paged is a column in parts none of which goes over the end of a page.
type paged struct {
	parts []arrow.Array
	ends  []bool // for each part, whether a page ends with it
}

// pagesOf cuts a column's pieces where pages of so many rows end, the last with the column.
func pagesOf(pieces []arrow.Array, rows int) (p paged) {
	filled := 0
	for _, piece := range pieces {
		for from := 0; from < piece.Len(); {
			n := min(piece.Len()-from, rows-filled)
			p.parts = append(p.parts, array.NewSlice(piece, int64(from), int64(from+n)))
			from += n
			filled = (filled + n) % rows
			p.ends = append(p.ends, filled == 0)
		}
	}
	if len(p.ends) > 0 {
		p.ends[len(p.ends)-1] = true
	}
	return p
}

func (p paged) release() {
	for _, a := range p.parts {
		a.Release()
	}
}

// newFile starts a file. Pieces, which may be none, are the rows of its columns.
func (w *Writer) newFile(out io.Writer, l *layout, pieces [][]arrow.Array) (*file.Writer, error) {
	props := []parquet.WriterProperty{
		parquet.WithAllocator(w.o.Alloc),
		parquet.WithVersion(parquet.V1_0),
		parquet.WithDataPageVersion(parquet.DataPageV1),
		parquet.WithDataPageSize(int64(w.o.PageBytes)),
		parquet.WithCompression(w.codec),
		parquet.WithCompressionLevel(w.level()),
		parquet.WithPageIndexEnabled(true),
		parquet.WithStats(true),
		parquet.WithRootName(w.o.Schema.Record().FullName()),
	}
	for i, column := range pieces {
		n := l.columns[i]
		arrays := make([][]arrow.Array, len(n.leaves))
		for _, piece := range column {
			for k, a := range n.appendLeaves(nil, piece) {
				arrays[k] = append(arrays[k], a)
			}
		}
		for k, leaf := range n.leaves {
			path := l.leaves[leaf].path
			if _, decided := w.dictionary[path]; !decided {
				w.dictionary[path] = repeats(arrays[k])
			}
			props = append(props, parquet.WithDictionaryFor(path, w.dictionary[path]))
		}
	}
	made, err := file.NewParquetWriterWithError(out, l.root, file.WithWriterProps(parquet.NewWriterProperties(props...)))
	if err != nil {
		return nil, fmt.Errorf("basefile: %w", err)
	}
	return made, nil
}

// level is the codec's level: zstd's fastest is the best bargain, others have their default.
func (w *Writer) level() int {
	if w.codec == compress.Codecs.Zstd {
		return zstdLevel
	}
	return compress.DefaultCompressionLevel
}

// Close writes the rest of the file and its footer.
func (w *Writer) Close() (Summary, error) {
	defer w.Abort()
	if w.err != nil {
		return Summary{}, w.err
	}
	if w.err = w.finish(); w.err != nil {
		return Summary{}, w.err
	}
	s := Summary{Rows: w.rows, Bytes: w.sink.n, MinKey: string(w.keys.min), MaxKey: string(w.keys.max), Footer: w.file.end}
	w.err = fmt.Errorf("basefile: the writer is closed: %w", base.ErrInvalid)
	return s, nil
}

func (w *Writer) finish() error {
	if w.pending.rows > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if err := w.wait(); err != nil {
		return err
	}
	var out bytes.Buffer
	empty, err := w.newFile(&out, w.layout, nil)
	if err == nil {
		err = empty.Close()
	}
	if err != nil {
		return fmt.Errorf("basefile: %w", err)
	}
	template, err := parseFooterMeta(encodedFile(out.Bytes()).metadata())
	if err != nil {
		return fmt.Errorf("basefile: %w", err)
	}
	footer := map[string]string{
		footerAvroSchema:  w.o.Schema.Avro(),
		footerWriterModel: writerModelAvro,
		footerSpark:       prolepticSpark,
	}
	w.keys.footer(footer)
	maps.Copy(footer, w.o.Footer)
	if err := w.file.finish(template, footer); err != nil {
		return fmt.Errorf("basefile: %w", err)
	}
	return nil
}

// Abort drops the rows in memory. What has gone out is no Parquet file. After Close it does
// nothing.
func (w *Writer) Abort() {
	_ = w.wait() // what it says matters no more
	w.pending.release()
	w.pending = rowGroup{}
	if w.err == nil {
		w.err = fmt.Errorf("basefile: the writer was aborted: %w", context.Canceled)
	}
}

// batchBytes is the memory that a batch's rows take.
func batchBytes(b arrow.RecordBatch) (n int64) {
	for _, c := range b.Columns() {
		n += arrayBytes(c)
	}
	return n
}

func arrayBytes(a arrow.Array) (n int64) {
	switch a := a.(type) {
	case binaryArray:
		if a.Len() > 0 {
			n = int64(a.ValueOffset(a.Len()-1) + a.ValueLen(a.Len()-1) - a.ValueOffset(0))
		}
		return n + 4*int64(a.Len())
	case *array.Struct:
		for i := range a.NumField() {
			n += arrayBytes(a.Field(i))
		}
		return n
	case array.ListLike:
		if a.Len() == 0 {
			return 0
		}
		from, _ := a.ValueOffsets(0)
		_, to := a.ValueOffsets(a.Len() - 1)
		values := array.NewSlice(a.ListValues(), from, to)
		defer values.Release()
		return arrayBytes(values) + 4*int64(a.Len())
	}
	if t, ok := a.DataType().(arrow.FixedWidthDataType); ok {
		return int64(a.Len()) * int64(t.BitWidth()) / 8
	}
	return 0
}
