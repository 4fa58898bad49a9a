// Package mor writes log files: the changes of one instant to one file group of a
// merge-on-read table, in one sequential write and without a look at the base file. It
// makes no timeline calls: it returns write statistics, which the transaction publishes.
package mor

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/timeline"
)

// Writer writes the log files of one instant. It is safe for concurrent use.
type Writer struct {
	Store storage.Store
	// Schema is that of the rows, with the meta columns.
	Schema *schema.Schema
	Rules  merge.Rules
	Alloc  memory.Allocator
	// Instant is the requested time of the delta commit.
	Instant string
	// Announce is called before a file is made: it puts the partition's metafile and the
	// file's marker.
	Announce func(ctx context.Context, partition, path string, update bool) error
	// Token returns a write token that no other file of the instant has.
	Token func() string
	// BlockBytes is the size at which a data block ends and the next begins.
	BlockBytes int
}

// firstLogVersion is the version in the name of a log file: from table version 8 on each
// delta commit begins anew.
const firstLogVersion = 1

// Append writes the given entries of the changes to a log file of a file group: a data
// block with the rows, then a delete block with the deletes. The statistics count every
// row as an update; a caller that knows better corrects them.
func (w *Writer) Append(ctx context.Context, partition, fileID string, changes *merge.Reducer, entries []int32) (*timeline.WriteStat, error) {
	name := base.LogFileName{FileID: fileID, Time: w.Instant, Version: firstLogVersion, Token: w.Token()}
	path := base.Join(partition, name.String())
	if err := w.Announce(ctx, partition, path, false); err != nil {
		return nil, err
	}
	sink, err := w.Store.Create(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("mor: create %s: %w", path, err)
	}
	defer sink.Abort()
	f := &file{writer: w, sink: sink, fileID: fileID, changes: changes}
	if err := f.write(ctx, partition, entries); err != nil {
		return nil, fmt.Errorf("mor: write %s: %w", path, err)
	}
	if err := sink.Close(); err != nil {
		return nil, fmt.Errorf("mor: finish %s: %w", path, err)
	}
	return &timeline.WriteStat{
		FileID: fileID, Path: path, PartitionPath: partition,
		PrevCommit:      w.Instant,
		NumWrites:       f.rows,
		NumUpdateWrites: f.rows,
		NumDeletes:      f.deletes,
		TotalWriteBytes: f.bytes, FileSizeInBytes: f.bytes,
		LogVersion: firstLogVersion, LogFiles: []string{name.String()},
	}, nil
}

// file is a log file being written.
type file struct {
	writer  *Writer
	sink    storage.Writer
	fileID  string
	changes *merge.Reducer

	bytes, rows, deletes int64
}

func (f *file) write(ctx context.Context, partition string, entries []int32) error {
	var live []int32
	var deleted []logfile.DeleteRecord
	orderings := fileslice.OrderingsOf(f.writer.Schema, f.writer.Rules.Ordering)
	for _, e := range entries {
		if !f.changes.IsDelete(int(e)) {
			live = append(live, e)
			continue
		}
		deleted = append(deleted, logfile.DeleteRecord{
			Key: string(f.changes.Key(int(e))), Partition: partition, HasPartition: true,
			Ordering: orderings.Ordering(f.changes.Ordering(int(e))),
		})
	}
	if err := f.data(ctx, live); err != nil {
		return err
	}
	if len(deleted) == 0 {
		return nil
	}
	f.deletes = int64(len(deleted))
	return f.block(logfile.Delete, logfile.DeleteContent(deleted))
}

// data writes rows as Avro data blocks.
func (f *file) data(ctx context.Context, entries []int32) error {
	if len(entries) == 0 {
		return nil
	}
	encoder, err := avroarrow.NewEncoder(f.writer.Schema, f.writer.Schema.Arrow())
	if err != nil {
		return err
	}
	block := logfile.NewDataBlock()
	var record []byte
	for part := range slices.Chunk(entries, merge.BatchRows) {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := f.take(part)
		if err != nil {
			return err
		}
		err = encoder.Bind(batch)
		for row := 0; err == nil && row < int(batch.NumRows()); row++ {
			if record, err = encoder.Append(record[:0], row); err == nil {
				block.Add(record)
			}
			if err == nil && block.Size() >= f.writer.BlockBytes {
				err = f.flush(block)
			}
		}
		batch.Release()
		if err != nil {
			return err
		}
	}
	f.rows = int64(len(entries))
	if block.Len() == 0 {
		return nil
	}
	return f.flush(block)
}

// take makes the rows as a log has them: with the file group's id for a file name.
func (f *file) take(entries []int32) (arrow.RecordBatch, error) {
	batch, err := f.changes.Take(entries)
	if err != nil {
		return nil, err
	}
	_, at, ok := f.writer.Schema.Field(schema.MetaFileName)
	if !ok {
		return batch, nil
	}
	defer batch.Release()
	b := array.NewStringBuilder(f.writer.Alloc)
	defer b.Release()
	b.Reserve(len(entries))
	for range entries {
		b.Append(f.fileID)
	}
	names := b.NewArray()
	defer names.Release()
	columns := append([]arrow.Array(nil), batch.Columns()...)
	columns[at] = names
	return array.NewRecordBatch(batch.Schema(), columns, batch.NumRows()), nil
}

func (f *file) flush(block *logfile.DataBlock) error {
	err := f.block(logfile.AvroData, block.Content())
	block.Reset()
	return err
}

func (f *file) block(t logfile.BlockType, content []byte) error {
	n, err := logfile.WriteBlock(f.sink, t, map[logfile.HeaderKey]string{
		logfile.HeaderInstant: f.writer.Instant,
		logfile.HeaderSchema:  f.writer.Schema.Avro(),
	}, content)
	f.bytes += n
	return err
}
