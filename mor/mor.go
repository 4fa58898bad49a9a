// Package mor writes log files: the changes of one instant to one file group of a
// merge-on-read table, in one sequential write and without a look at the base file. It
// makes no timeline calls: it returns write statistics, which the transaction publishes.
package mor

import (
	"cmp"
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
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Writer writes the log files of one instant. It is safe for concurrent use.
type Writer struct {
	Store storage.Store
	// Schema is that of the rows, with the meta columns.
	Schema *schema.Schema
	// Keys finds the record keys of rows.
	Keys  keygen.Stored
	Rules merge.Rules
	Alloc memory.Allocator
	// Instant is the requested time of the delta commit.
	Instant string
	// SliceLogs says that log files are named as table version 6 does.
	SliceLogs bool
	// SliceStats says that statistics name all files of the slice that a log file is put on, by
	// which readers of change data find what was there before. Version 6 always has them.
	SliceStats bool
	// Announce is called before a file is made: it puts the partition's metafile and the
	// file's marker.
	Announce func(ctx context.Context, partition, path string) error
	// Token returns a write token that no other file of the instant has.
	Token func() string
	// BlockBytes is the size at which a data block ends and the next begins.
	BlockBytes int
	// Some is the schema of rows that have some of the columns only, the meta columns among
	// them. Table versions from 8 on have blocks of such rows.
	Some *schema.Schema
	// Rows, if not nil, is called for each file: add is given its rows, and done its path when it
	// is there, for what a metadata table has of it.
	Rows func() (add func(arrow.RecordBatch) error, done func(path string) error)
}

// name names the log file of this instant on top of a slice. From table version 8 on it
// has the instant's time and begins anew with version 1; in version 6 it has the slice's,
// and the version after the last.
func (w *Writer) name(on table.FileSlice) base.LogFileName {
	n := base.LogFileName{FileID: on.FileID, Time: w.Instant, Version: 1, Token: w.Token()}
	if !w.SliceLogs || on.BaseInstant == "" {
		return n
	}
	n.Time = on.BaseInstant
	for _, l := range slices.Concat(on.Logs, on.CDC) {
		n.Version = max(n.Version, l.Name.Version+1)
	}
	return n
}

// Append writes the given entries of the changes to a log file on top of the newest slice
// of a file group, of which a new group has only its id and partition: a data block with
// the rows, then a delete block with the deletes. Of some entries only the columns of
// Writer.Some are written, and readers take the others from the rows below. The statistics
// count every row as an update; a caller that knows better corrects them.
func (w *Writer) Append(ctx context.Context, on table.FileSlice, changes *merge.Reducer, entries, some []int32) (*timeline.WriteStat, error) {
	name := w.name(on)
	path := base.Join(on.Partition, name.String())
	if err := w.Announce(ctx, on.Partition, path); err != nil {
		return nil, err
	}
	sink, err := w.Store.Create(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("mor: create %s: %w", path, err)
	}
	defer sink.Abort()
	f := &file{writer: w, sink: sink, fileID: on.FileID, changes: changes}
	done := func(string) error { return nil }
	if w.Rows != nil {
		f.add, done = w.Rows()
	}
	if err := f.write(ctx, on.Partition, entries, some); err != nil {
		return nil, fmt.Errorf("mor: write %s: %w", path, err)
	}
	if err := sink.Close(); err != nil {
		return nil, fmt.Errorf("mor: finish %s: %w", path, err)
	}
	if err := done(path); err != nil {
		return nil, fmt.Errorf("mor: %s: %w", path, err)
	}
	stat := &timeline.WriteStat{
		FileID: on.FileID, Path: path, PartitionPath: on.Partition,
		PrevCommit:      name.Time,
		NumWrites:       f.rows,
		NumUpdateWrites: f.rows,
		NumDeletes:      f.deletes,
		TotalWriteBytes: f.bytes, FileSizeInBytes: f.bytes,
		LogVersion: int32(name.Version), LogFiles: []string{name.String()},
	}
	if w.SliceLogs || w.SliceStats {
		stat.PrevCommit = cmp.Or(on.BaseInstant, name.Time)
		for _, l := range slices.Backward(on.Logs) {
			stat.LogFiles = append(stat.LogFiles, l.Name.String())
		}
		if on.Base != nil {
			stat.BaseFile = on.Base.Name
		}
	}
	return stat, nil
}

// file is a log file being written.
type file struct {
	writer  *Writer
	sink    storage.Writer
	fileID  string
	changes *merge.Reducer
	add     func(arrow.RecordBatch) error // nil for none

	bytes, rows, deletes int64
}

func (f *file) write(ctx context.Context, partition string, entries, some []int32) error {
	var deleted []logfile.DeleteRecord
	orderings := fileslice.OrderingsOf(f.writer.Schema, f.writer.Rules.Ordering)
	live := func(entries []int32) (rows []int32) {
		for _, e := range entries {
			if !f.changes.IsDelete(int(e)) {
				rows = append(rows, e)
				continue
			}
			deleted = append(deleted, logfile.DeleteRecord{
				Key: string(f.changes.Key(int(e))), Partition: partition, HasPartition: true,
				Ordering: orderings.Ordering(f.changes.Ordering(int(e))),
			})
		}
		return rows
	}
	if err := f.data(ctx, live(entries), f.header(f.writer.Schema), f.writer.Schema); err != nil {
		return err
	}
	if rows := live(some); len(rows) > 0 {
		header := f.header(f.writer.Some)
		header[logfile.HeaderPartial] = "true"
		if err := f.data(ctx, rows, header, f.writer.Some); err != nil {
			return err
		}
	}
	if len(deleted) == 0 {
		return nil
	}
	f.deletes = int64(len(deleted))
	return f.block(logfile.Delete, f.header(f.writer.Schema), logfile.DeleteContent(deleted))
}

// data writes columns of rows as Avro data blocks.
func (f *file) data(ctx context.Context, entries []int32, header map[logfile.HeaderKey]string, columns *schema.Schema) error {
	if len(entries) == 0 {
		return nil
	}
	encoder, err := avroarrow.NewEncoder(columns, f.writer.Schema.Arrow())
	if err != nil {
		return err
	}
	block := logfile.NewDataBlock()
	flush := func() error {
		err := f.block(logfile.AvroData, header, block.Content())
		block.Reset()
		return err
	}
	var record []byte
	for part := range slices.Chunk(entries, merge.BatchRows) {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := f.take(part)
		if err != nil {
			return err
		}
		if f.add != nil {
			err = f.addColumns(batch, columns)
		}
		if err == nil {
			err = encoder.Bind(batch)
		}
		for row := 0; err == nil && row < int(batch.NumRows()); row++ {
			if record, err = encoder.Append(record[:0], row); err == nil {
				block.Add(record)
			}
			if err == nil && block.Size() >= f.writer.BlockBytes {
				err = flush()
			}
		}
		batch.Release()
		if err != nil {
			return err
		}
	}
	f.rows += int64(len(entries))
	if block.Len() == 0 {
		return nil
	}
	return flush()
}

// addColumns tells of rows, of which only some columns are written.
func (f *file) addColumns(batch arrow.RecordBatch, columns *schema.Schema) error {
	if columns == f.writer.Schema {
		return f.add(batch)
	}
	var some []arrow.Array
	for _, name := range columns.Fields() {
		_, at, ok := f.writer.Schema.Field(name.Name)
		if !ok {
			return fmt.Errorf("column %s is not one of the rows: %w", name.Name, base.ErrInvalid)
		}
		some = append(some, batch.Column(at))
	}
	written := array.NewRecordBatch(columns.Arrow(), some, batch.NumRows())
	defer written.Release()
	return f.add(written)
}

// take makes the rows as a log has them: with the file group's id for a file name.
func (f *file) take(entries []int32) (arrow.RecordBatch, error) {
	batch, err := f.changes.Take(entries)
	if err != nil {
		return nil, err
	}
	_, at, ok := f.writer.Schema.Field(schema.MetaFileName)
	if !ok || f.writer.Keys.Made != nil {
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

// header is that of blocks with rows of a schema.
func (f *file) header(s *schema.Schema) map[logfile.HeaderKey]string {
	return map[logfile.HeaderKey]string{logfile.HeaderInstant: f.writer.Instant, logfile.HeaderSchema: s.Avro()}
}

func (f *file) block(t logfile.BlockType, header map[logfile.HeaderKey]string, content []byte) error {
	n, err := logfile.WriteBlock(f.sink, t, header, content)
	f.bytes += n
	return err
}
