package rowio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
)

// seekable is what files are and pipes are not.
type seekable interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// readParquet reads a Parquet file, row group by row group.
func readParquet(ctx context.Context, r io.Reader, o ReadOptions) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	src, ok := r.(seekable)
	if !ok {
		return nil, nil, fmt.Errorf("a Parquet file is read from its end: give a file, not a pipe: %w", base.ErrInvalid)
	}
	var reader *pqarrow.FileReader
	var from *arrow.Schema
	err := guard(func() error {
		pf, err := file.NewParquetReader(src, file.WithReadProps(parquet.NewReaderProperties(o.Alloc)))
		if err != nil {
			return err
		}
		reader, err = pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: batchRows(pf)}, o.Alloc)
		if err != nil {
			return err
		}
		from, err = reader.Schema()
		return err
	})
	if err != nil {
		return nil, nil, invalid(err)
	}
	s, err := o.target(from)
	if err != nil {
		return nil, nil, err
	}
	return s, func(yield func(arrow.RecordBatch, error) bool) {
		var records pqarrow.RecordReader
		err := guard(func() (err error) {
			records, err = reader.GetRecordReader(ctx, nil, nil)
			return err
		})
		if err != nil {
			yield(nil, invalid(err))
			return
		}
		defer records.Release()
		o.conform(s, basefile.Ahead(each(records)), yield)
	}, nil
}

// batchRows is how many rows of the file come near the size of a batch.
func batchRows(pf *file.Reader) int64 {
	var bytes int64
	for i := range pf.NumRowGroups() {
		bytes += pf.MetaData().RowGroup(i).TotalByteSize()
	}
	perRow := bytes/max(1, pf.NumRows()) + 1
	return min(maxBatchRows, max(1, maxBatchBytes/perRow))
}

// arrowMagic begins Arrow files; streams begin with a length.
const arrowMagic = "ARROW1"

// readArrow reads an Arrow IPC stream, or an Arrow IPC file if r can seek. The data must be
// trusted: arrow-go allocates what its metadata declares.
func readArrow(r io.Reader, o ReadOptions) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	var records records
	err := guard(func() (err error) {
		records, err = openArrow(r, o.Alloc)
		return err
	})
	if err != nil {
		return nil, nil, invalid(err)
	}
	s, err := o.target(records.Schema())
	if err != nil {
		records.Release()
		return nil, nil, err
	}
	return s, func(yield func(arrow.RecordBatch, error) bool) {
		defer records.Release()
		o.conform(s, each(records), yield)
	}, nil
}

// records is what the readers of Parquet and Arrow have in common. A record is valid until
// the next step.
type records interface {
	Schema() *arrow.Schema
	Next() bool
	RecordBatch() arrow.RecordBatch
	Err() error
	Release()
}

func openArrow(r io.Reader, alloc memory.Allocator) (records, error) {
	if src, ok := r.(seekable); ok {
		magic := make([]byte, len(arrowMagic))
		if n, _ := src.ReadAt(magic, 0); n == len(magic) && string(magic) == arrowMagic {
			f, err := ipc.NewFileReader(src, ipc.WithAllocator(alloc))
			if err != nil {
				return nil, err
			}
			return &arrowFile{file: f}, nil
		}
	}
	return ipc.NewReader(r, ipc.WithAllocator(alloc))
}

// arrowFile steps through the record batches of an Arrow file.
type arrowFile struct {
	file  *ipc.FileReader
	next  int
	batch arrow.RecordBatch
	err   error
}

func (f *arrowFile) Schema() *arrow.Schema          { return f.file.Schema() }
func (f *arrowFile) RecordBatch() arrow.RecordBatch { return f.batch }
func (f *arrowFile) Err() error                     { return f.err }

func (f *arrowFile) Next() bool {
	f.drop()
	if f.next == f.file.NumRecords() {
		return false
	}
	f.batch, f.err = f.file.RecordBatchAt(f.next)
	f.next++
	return f.err == nil
}

func (f *arrowFile) drop() {
	if f.batch != nil {
		f.batch.Release()
		f.batch = nil
	}
}

func (f *arrowFile) Release() {
	f.drop()
	_ = f.file.Close() // it was only read
}

// target is the schema that rows of an Arrow schema are brought to. With a schema given, all
// columns must be known to it, or be ignored.
func (o ReadOptions) target(from *arrow.Schema) (*schema.Schema, error) {
	if o.Schema == nil {
		return schema.FromArrow(o.Table, from)
	}
	for _, f := range from.Fields() {
		if _, _, err := o.Schema.Lookup(f.Name); err != nil && !o.IgnoreUnknown {
			return nil, err
		}
	}
	return o.Schema, nil
}

// each yields the records.
func each(from records) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for {
			more := false
			err := guard(func() error {
				more = from.Next()
				return from.Err()
			})
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, invalid(err))
				return
			}
			if !more || !yield(from.RecordBatch(), nil) {
				return
			}
		}
	}
}

// conform yields the records brought to s.
func (o ReadOptions) conform(s *schema.Schema, from iter.Seq2[arrow.RecordBatch, error], yield func(arrow.RecordBatch, error) bool) {
	row := int64(0)
	for batch, err := range from {
		if err != nil {
			yield(nil, fmt.Errorf("after row %d: %w", row, err))
			return
		}
		rows := batch.NumRows()
		to, err := schema.Conform(batch, s, o.Alloc)
		if err != nil {
			yield(nil, fmt.Errorf("rows %d to %d: %w", row+1, row+rows, err))
			return
		}
		ok := yield(to, nil)
		to.Release()
		if !ok {
			return
		}
		row += rows
	}
}

// guard turns a panic of arrow-go, which trusts what files say of themselves, into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	return f()
}

// invalid marks an error of the content.
func invalid(err error) error { return fmt.Errorf("%w: %w", err, base.ErrInvalid) }

// parquetWriter writes a Parquet file in the form that every engine reads.
type parquetWriter struct {
	schema *arrow.Schema
	file   *pqarrow.FileWriter
}

func newParquetWriter(w io.Writer, s *schema.Schema, alloc memory.Allocator) (*parquetWriter, error) {
	props := parquet.NewWriterProperties(
		parquet.WithAllocator(alloc),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithMaxRowGroupLength(maxBatchRows),
		parquet.WithCreatedBy("hudi-go"),
	)
	// pqarrow closes what it writes to; the caller's writer stays open.
	f, err := pqarrow.NewFileWriter(s.Arrow(), struct{ io.Writer }{w}, props, pqarrow.NewArrowWriterProperties(pqarrow.WithAllocator(alloc)))
	if err != nil {
		return nil, fmt.Errorf("rowio: %w", err)
	}
	return &parquetWriter{schema: s.Arrow(), file: f}, nil
}

func (p *parquetWriter) Write(batch arrow.RecordBatch) error {
	if err := sameColumns(p.schema, batch.Schema()); err != nil {
		return err
	}
	if err := p.file.WriteBuffered(batch); err != nil {
		return fmt.Errorf("rowio: %w", err)
	}
	return nil
}

func (p *parquetWriter) Close() error {
	if err := p.file.Close(); err != nil {
		return fmt.Errorf("rowio: %w", err)
	}
	return nil
}

// arrowWriter writes an Arrow IPC stream.
type arrowWriter struct {
	schema *arrow.Schema
	stream *ipc.Writer
}

func newArrowWriter(w io.Writer, s *schema.Schema, alloc memory.Allocator) *arrowWriter {
	return &arrowWriter{schema: s.Arrow(), stream: ipc.NewWriter(w, ipc.WithSchema(s.Arrow()), ipc.WithAllocator(alloc))}
}

func (a *arrowWriter) Write(batch arrow.RecordBatch) error {
	if err := sameColumns(a.schema, batch.Schema()); err != nil {
		return err
	}
	if err := a.stream.Write(batch); err != nil {
		return fmt.Errorf("rowio: %w", err)
	}
	return nil
}

func (a *arrowWriter) Close() error {
	if err := a.stream.Close(); err != nil {
		return fmt.Errorf("rowio: %w", err)
	}
	return nil
}
