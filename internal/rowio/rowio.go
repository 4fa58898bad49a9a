// Package rowio reads rows from files and streams that people and programs hand over (JSON
// lines, CSV, Avro, Parquet, Arrow), and writes rows for them (JSON lines, CSV, a table for
// terminals, Parquet, Arrow). The JSON encoding is docs/contract.md's, byte for byte. It is
// not for the files of tables: these are internal/basefile's and internal/logfile's.
package rowio

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/arrow/util"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Format is an encoding of rows, by the name that the command line gives it.
type Format string

// The formats. Table can only be written, Avro only be read.
const (
	JSONL   Format = "jsonl"
	CSV     Format = "csv"
	Avro    Format = "avro"
	Parquet Format = "parquet"
	Arrow   Format = "arrow"
	Table   Format = "table"
)

// Typed reports whether files of the format say what types their columns have.
func (f Format) Typed() bool { return f == Avro || f == Parquet || f == Arrow }

// FormatOf guesses the format of a file from its name. ok is false when the name says nothing.
func FormatOf(name string) (f Format, ok bool) {
	switch strings.ToLower(path.Ext(name)) {
	case ".jsonl", ".ndjson", ".json":
		return JSONL, true
	case ".csv":
		return CSV, true
	case ".avro":
		return Avro, true
	case ".parquet":
		return Parquet, true
	case ".arrow", ".arrows", ".ipc", ".feather":
		return Arrow, true
	}
	return "", false
}

// The bounds of a batch that Read yields. A single row may be larger.
const (
	maxBatchRows  = 64 << 10
	maxBatchBytes = 16 << 20
)

// ReadOptions say how rows are read.
type ReadOptions struct {
	// Name is the file's name, for errors.
	Name string
	// Schema is what the rows are brought to; nil takes the file's own, which JSON lines and
	// CSV have not: theirs is inferred from the first rows, all columns nullable.
	Schema *schema.Schema
	// Table names the record of a schema that comes from the file.
	Table string
	// IgnoreUnknown drops columns that Schema does not have, which are an error otherwise.
	IgnoreUnknown bool
	// Alloc allocates the batches.
	Alloc memory.Allocator
}

// Read reads rows from r, which for Parquet, and for Arrow files as opposed to Arrow streams,
// must also be an io.ReaderAt and io.Seeker. It returns the schema of the rows and the rows.
//
// The sequence runs once; it holds r and memory until it is run to its end or left. A batch is
// valid until the next step and has at most 64 Ki rows and about 16 MiB. Columns that the rows
// lack are null, which is an error for columns that cannot be.
// Errors name the file and the line or row; those of the content wrap base.ErrInvalid, or
// base.ErrCorrupt for Avro that breaks its format.
func Read(ctx context.Context, r io.Reader, f Format, o ReadOptions) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	var s *schema.Schema
	var rows iter.Seq2[arrow.RecordBatch, error]
	var err error
	switch f {
	case JSONL:
		s, rows, err = readJSON(r, o)
	case CSV:
		s, rows, err = readCSV(r, o)
	case Avro:
		s, rows, err = readAvro(r, o)
	case Parquet:
		s, rows, err = readParquet(ctx, r, o)
	case Arrow:
		s, rows, err = readArrow(r, o)
	default:
		err = fmt.Errorf("rows cannot be read as %q: use jsonl, csv, avro, parquet or arrow: %w", f, base.ErrInvalid)
	}
	if err != nil {
		return nil, nil, o.wrap(err)
	}
	return s, o.run(ctx, rows), nil
}

// wrap puts the name of the file before an error.
func (o ReadOptions) wrap(err error) error {
	if o.Name == "" {
		return fmt.Errorf("rowio: %w", err)
	}
	return fmt.Errorf("rowio: %s: %w", o.Name, err)
}

// run passes rows on in bounded batches until ctx ends, and completes their errors.
func (o ReadOptions) run(ctx context.Context, rows iter.Seq2[arrow.RecordBatch, error]) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for batch, err := range rows {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, o.wrap(err))
				return
			}
			if !split(batch, yield) {
				return
			}
		}
	}
}

// split yields the batch in slices of bounded size, all of one number of rows.
func split(batch arrow.RecordBatch, yield func(arrow.RecordBatch, error) bool) bool {
	n := batch.NumRows()
	parts := max(1, (n+maxBatchRows-1)/maxBatchRows, (util.TotalRecordSize(batch)+maxBatchBytes-1)/maxBatchBytes)
	if parts == 1 || n <= 1 {
		return yield(batch, nil)
	}
	step := max(1, n/parts)
	for from := int64(0); from < n; from += step {
		part := batch.NewSlice(from, min(from+step, n))
		ok := yield(part, nil)
		part.Release()
		if !ok {
			return false
		}
	}
	return true
}

// Writer writes rows in one format. The rows have the Arrow form of the schema given to
// NewWriter. A Writer is not safe for concurrent use.
type Writer interface {
	// Write adds the rows of a batch, which it does not keep.
	Write(batch arrow.RecordBatch) error
	// Close writes what is pending and the end of the format. It does not close the
	// underlying writer. After an error of Write, Close is still to be called.
	Close() error
}

// WriteOptions say how rows are written.
type WriteOptions struct {
	// Width is how many characters wide lines of Table may be; 0 is no limit.
	Width int
	// Alloc allocates what Parquet and Arrow need.
	Alloc memory.Allocator
}

// NewWriter makes a Writer of rows of the schema to w. The schema decides where Arrow alone
// cannot say what a value is. The error for a format that is not written wraps base.ErrInvalid.
func NewWriter(w io.Writer, f Format, s *schema.Schema, o WriteOptions) (Writer, error) {
	switch f {
	case JSONL:
		return newJSONWriter(w, s), nil
	case CSV:
		return newCSVWriter(w, s), nil
	case Table:
		return newTableWriter(w, s, o.Width), nil
	case Parquet:
		return newParquetWriter(w, s, o.Alloc)
	case Arrow:
		return newArrowWriter(w, s, o.Alloc), nil
	}
	return nil, fmt.Errorf("rowio: rows cannot be written as %q: use table, jsonl, csv, parquet or arrow: %w", f, base.ErrInvalid)
}
