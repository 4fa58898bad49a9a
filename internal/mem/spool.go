package mem

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Spool is a sequence of batches that is written once and read any number of times, in
// order. It keeps batches in memory up to a limit, as far as the budget allows; from the
// first one that does not fit on they go to a temporary file (an Arrow IPC stream with LZ4).
// Appending excludes every other use; readers may run side by side.
type Spool struct {
	budget *Budget
	schema *arrow.Schema
	limit  int64
	alloc  memory.Allocator

	kept     []arrow.RecordBatch
	reserved int64
	rows     int64
	spilled  int // batches in the file
	file     *spillFile
	failed   error
}

// NewSpool returns an empty spool of batches with the given schema that keeps at most limit
// bytes in memory. Batches read back from the file are built with alloc. The caller closes it.
func NewSpool(b *Budget, schema *arrow.Schema, limit int64, alloc memory.Allocator) *Spool {
	return &Spool{budget: b, schema: schema, limit: limit, alloc: alloc}
}

// Append adds a batch, of which the spool takes a reference of its own while it keeps it in
// memory. After an error every further use of the spool fails.
func (s *Spool) Append(batch arrow.RecordBatch) error {
	if s.failed != nil {
		return s.failed
	}
	if !batch.Schema().Equal(s.schema) {
		return fmt.Errorf("mem: batch with schema %v does not fit a spool of %v: %w", batch.Schema(), s.schema, base.ErrInvalid)
	}
	if s.file == nil && s.keep(batch) {
		s.rows += batch.NumRows()
		return nil
	}
	if err := s.spill(batch); err != nil {
		s.failed = err
		return err
	}
	s.rows += batch.NumRows()
	return nil
}

// keep holds a batch in memory if it fits.
func (s *Spool) keep(batch arrow.RecordBatch) bool {
	size := BatchSize(batch)
	if size > s.limit-s.reserved || !s.budget.Reserve(size) {
		return false
	}
	s.reserved += size
	batch.Retain()
	s.kept = append(s.kept, batch)
	return true
}

// BatchSize is the number of bytes that a batch pins in memory: a slice counts with the whole
// of its buffers.
func BatchSize(batch arrow.RecordBatch) int64 {
	var size uint64
	for _, column := range batch.Columns() {
		size += column.Data().SizeInBytes()
	}
	return int64(size)
}

func (s *Spool) spill(batch arrow.RecordBatch) error {
	if s.file == nil {
		f, err := newSpillFile(s.budget.spillDir, s.schema, s.alloc)
		if err != nil {
			return err
		}
		s.file = f
	}
	if err := s.file.write(batch); err != nil {
		return err
	}
	s.spilled++
	return nil
}

// Rows is the number of rows in all batches.
func (s *Spool) Rows() int64 { return s.rows }

// Spilled reports whether part of the spool is on disk.
func (s *Spool) Spilled() bool { return s.file != nil }

// All yields the batches in order; each is valid until the next step. After an error the
// sequence ends.
func (s *Spool) All() iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		if s.failed != nil {
			yield(nil, s.failed)
			return
		}
		for _, batch := range s.kept {
			if !yield(batch, nil) {
				return
			}
		}
		if s.file == nil {
			return
		}
		read := 0
		for batch, err := range s.file.all() {
			if err == nil {
				read++
			}
			if !yield(batch, err) || err != nil {
				return
			}
		}
		if read != s.spilled {
			yield(nil, fmt.Errorf("mem: spill file %s: %d batches of %d are left: %w", s.file.name, read, s.spilled, base.ErrCorrupt))
		}
	}
}

// Close releases the batches, the budget and the file. It may be called more than once; any
// other use of the spool then fails.
func (s *Spool) Close() error {
	for _, batch := range s.kept {
		batch.Release()
	}
	s.kept = nil
	s.budget.Release(s.reserved)
	s.reserved = 0
	var err error
	if s.file != nil {
		err = s.file.close()
		s.file = nil
	}
	s.failed = fmt.Errorf("mem: spool: %w", os.ErrClosed)
	return err
}

// spillFile is a temporary file with a stream of batches.
type spillFile struct {
	*tempFile
	alloc  memory.Allocator
	schema *arrow.Schema
	stream *ipc.Writer

	mu     sync.Mutex // of readers, which flush
	buffer *bufio.Writer
	size   int64 // bytes passed to buffer
}

func newSpillFile(dir string, schema *arrow.Schema, alloc memory.Allocator) (*spillFile, error) {
	f, err := newTempFile(dir, "hudi-go-spill-*.arrows")
	if err != nil {
		return nil, err
	}
	s := &spillFile{tempFile: f, alloc: alloc, schema: schema, buffer: bufio.NewWriterSize(f.file, 1<<18)}
	s.stream = ipc.NewWriter(counter{s}, ipc.WithSchema(schema), ipc.WithAllocator(alloc), ipc.WithLZ4())
	return s, nil
}

// counter is the buffer with a count of the bytes.
type counter struct{ *spillFile }

func (c counter) Write(p []byte) (int, error) {
	n, err := c.buffer.Write(p)
	c.size += int64(n)
	return n, err
}

func (f *spillFile) write(batch arrow.RecordBatch) error {
	if err := f.stream.Write(batch); err != nil {
		return f.error("write", err)
	}
	return nil
}

// all reads the stream as far as it is written.
func (f *spillFile) all() iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		if err := f.flush(); err != nil {
			yield(nil, f.error("write", err))
			return
		}
		section := io.NewSectionReader(f.file, 0, f.size)
		r, err := ipc.NewReader(bufio.NewReaderSize(section, 1<<18),
			ipc.WithSchema(f.schema), ipc.WithAllocator(f.alloc), ipc.WithDelayReadSchema(true))
		if err != nil {
			yield(nil, f.error("read", err))
			return
		}
		defer r.Release()
		for r.Next() {
			if !yield(r.RecordBatch(), nil) {
				return
			}
		}
		if err := r.Err(); err != nil {
			yield(nil, f.error("read", err))
		}
	}
}

func (f *spillFile) flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.buffer.Flush()
}

func (f *spillFile) close() error {
	// The end of the stream is of no interest any more; closing the writer releases what it holds.
	_ = f.stream.Close()
	return f.tempFile.close()
}
