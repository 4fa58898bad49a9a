// Package cow writes base files: new ones, and new versions of old ones with changes
// merged in. Copy-on-write tables consist of nothing else; merge-on-read tables get their
// base files here too, from inserts and from compaction. It makes no timeline calls: it
// returns write statistics, which the transaction publishes.
package cow

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Writer writes the base files of one instant. It is safe for concurrent use.
type Writer struct {
	Store storage.Store
	// Schema is that of the rows, with the meta columns.
	Schema *schema.Schema
	// Keys finds the record keys of rows.
	Keys  keygen.Stored
	Alloc memory.Allocator
	// Instant is the requested time of the instant that the files belong to.
	Instant string
	// Announce is called before a file is made: it puts the partition's metafile and the
	// file's marker. update says that the file is a new version in an old file group.
	Announce func(ctx context.Context, partition, path string, update bool) error
	// Token returns a write token that no other file of the instant has.
	Token func() string
	// Codec compresses pages: zstd, snappy, gzip or uncompressed.
	Codec string
	// TargetBytes is the size at which Roll starts another file.
	TargetBytes int64
	// Parallel is how many columns of a file may be decoded or encoded at a time.
	Parallel int
	// Records is told where new rows go and which are removed; nil for nobody.
	Records Records
	// RowGroupRows is how many rows a row group has at most, by default
	// basefile.DefaultRowGroupRows.
	RowGroupRows int
	// Changes says how changes are logged; nil if they are not.
	Changes *ChangeLogs
	// Footer, if not nil, is given each file's last bytes, from its footer on, and the file's size:
	// what a metadata table has of it.
	Footer func(ctx context.Context, path string, footer []byte, size int64) error
}

// Records are told the keys of rows, as a record index needs them. They are safe for concurrent
// use.
type Records interface {
	// Put says that an instant has put rows into a file group that did not have them.
	Put(partition, fileID, instant string, keys *array.String) error
	// Delete says that the row with a key is gone.
	Delete(partition, key string) error
}

// FileBytes is about what the writing of one file holds: the rows of two row groups, their
// encoded form, and what is being read of the file that it replaces.
const FileBytes = 96 << 20

// Rows is a stream of batches, each valid until the next step.
type Rows = iter.Seq2[arrow.RecordBatch, error]

// Create writes the first base file of a file group from rows that are all new.
func (w *Writer) Create(ctx context.Context, partition, fileID string, rows Rows) (*timeline.WriteStat, error) {
	f, err := w.open(ctx, partition, fileID, nil, nil)
	if err != nil {
		return nil, err
	}
	defer f.abort()
	if err := f.insertAll(ctx, rows); err != nil {
		return nil, err
	}
	stat, err := f.close(ctx)
	if err != nil {
		return nil, err
	}
	stat.NumInserts = stat.NumWrites
	return stat, nil
}

// Roll writes new rows of a partition to as many new file groups as TargetBytes asks for;
// newFileID names each. Without rows it makes no file.
func (w *Writer) Roll(ctx context.Context, partition string, newFileID func() string, rows Rows) ([]*timeline.WriteStat, error) {
	var stats []*timeline.WriteStat
	var f *file
	defer func() {
		if f != nil {
			f.abort()
		}
	}()
	finish := func() error {
		stat, err := f.close(ctx)
		if err != nil {
			return err
		}
		f = nil
		stat.NumInserts = stat.NumWrites
		stats = append(stats, stat)
		return nil
	}
	for batch, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if batch.NumRows() == 0 {
			continue
		}
		if f == nil {
			if f, err = w.open(ctx, partition, newFileID(), nil, nil); err != nil {
				return nil, err
			}
		}
		if err := f.insert(batch); err != nil {
			return nil, err
		}
		if f.rows.Bytes() >= w.TargetBytes {
			if err := finish(); err != nil {
				return nil, err
			}
		}
	}
	if f != nil {
		if err := finish(); err != nil {
			return nil, err
		}
	}
	return stats, nil
}

// Merge writes a new version of a file group: the rows of its base file with the changes
// merged in, then the rows of those of the given entries that the base file did not have.
// Unless apply is set the old rows are copied as they are, and every entry is new, as
// inserting without a look at keys asks for.
func (w *Writer) Merge(ctx context.Context, old table.FileSlice, changes *merge.Reducer, apply bool, entries []int32) (*timeline.WriteStat, error) {
	var r *basefile.Reader
	var filter *basefile.Bloom
	if old.Base != nil {
		in, err := w.Store.Open(ctx, old.Base.Path)
		if err != nil {
			return nil, fmt.Errorf("cow: rewrite %s: %w", old.Base.Path, err)
		}
		if r, err = basefile.Open(ctx, in, old.Base.Path, w.Alloc); err != nil {
			return nil, fmt.Errorf("cow: rewrite %s: %w", old.Base.Path, err)
		}
		defer r.Close()
		filter = r.KeyFilter()
	}
	f, err := w.open(ctx, old.Partition, old.FileID, old.Base, filter)
	if err != nil {
		return nil, err
	}
	defer f.abort()
	var stats merge.Stats
	if r != nil {
		x := &rewrite{w: w, f: f, old: r, changes: changes}
		if apply {
			x.entries = entries
		}
		if stats, err = x.run(ctx); err != nil {
			return nil, fmt.Errorf("cow: rewrite %s: %w", old.Base.Path, err)
		}
	}
	var inserts []int32
	for _, e := range entries {
		if !changes.IsDelete(int(e)) && !(apply && changes.Matched(int(e))) {
			inserts = append(inserts, e)
		}
	}
	if err := f.insertAll(ctx, f.logged(changes.TakeAll(inserts))); err != nil {
		return nil, err
	}
	stat, err := f.close(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.noteRemoved(old.Partition, changes, entries); err != nil {
		return nil, err
	}
	stat.NumUpdateWrites = stats.Updated
	stat.NumDeletes = stats.Deleted
	stat.NumInserts = int64(len(inserts))
	return stat, nil
}

// Compact writes a new version of a file group from rows that have been merged already.
func (w *Writer) Compact(ctx context.Context, old table.FileSlice, rows Rows) (*timeline.WriteStat, error) {
	f, err := w.open(ctx, old.Partition, old.FileID, old.Base, nil)
	if err != nil {
		return nil, err
	}
	defer f.abort()
	for batch, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = f.write(batch, f.rows.Write)
		}
		if err != nil {
			return nil, err
		}
	}
	return f.close(ctx)
}

// noteRemoved tells the record index which rows of the old file are gone.
func (w *Writer) noteRemoved(partition string, changes *merge.Reducer, entries []int32) error {
	if w.Records == nil {
		return nil
	}
	for _, e := range entries {
		if changes.Removed(int(e)) {
			if err := w.Records.Delete(partition, string(changes.Key(int(e)))); err != nil {
				return err
			}
		}
	}
	return nil
}

// file is a base file being written.
type file struct {
	writer *Writer
	stat   *timeline.WriteStat
	sink   storage.Writer
	rows   *basefile.Writer
	name   arrow.Array // the file's name, as often as the largest batch so far has rows
	nameAt int
	log    *changeLog // nil if changes are not logged
	closed bool
}

// open announces and opens a base file. old is the file that it replaces, nil for the
// first of its group, and filter its filter of keys if that is to be gone on with.
func (w *Writer) open(ctx context.Context, partition, fileID string, old *table.BaseFile, filter *basefile.Bloom) (*file, error) {
	token := w.Token()
	name := base.BaseFileName{FileID: fileID, Token: token, Instant: w.Instant, Ext: base.ParquetExt}.String()
	path := base.Join(partition, name)
	stat := &timeline.WriteStat{FileID: fileID, Path: path, PartitionPath: partition, PrevCommit: timeline.NoPrevCommit}
	if old != nil {
		stat.PrevCommit, stat.PrevBaseFile = old.Instant, old.Name
	}
	if err := w.Announce(ctx, partition, path, old != nil); err != nil {
		return nil, err
	}
	sink, err := w.Store.Create(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("cow: create %s: %w", path, err)
	}
	rows, err := basefile.NewWriter(sink, basefile.WriterOptions{
		Schema: w.Schema, Codec: w.Codec, Alloc: w.Alloc, Parallel: w.Parallel, RowGroupRows: w.RowGroupRows, Known: filter,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cow: %s: %w", path, err), sink.Abort())
	}
	f := &file{writer: w, stat: stat, sink: sink, rows: rows, nameAt: -1}
	if _, at, ok := w.Schema.Field(schema.MetaFileName); ok && w.Keys.Made == nil {
		f.nameAt = at
		f.name = repeat(w.Alloc, name, 1)
	}
	if old != nil && w.Changes != nil {
		if f.log, err = w.openChanges(ctx, partition, fileID, token); err != nil {
			f.abort()
			return nil, err
		}
	}
	return f, nil
}

// logged notes rows as new ones in the change log, if there is one.
func (f *file) logged(rows Rows) Rows {
	if f.log == nil {
		return rows
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		for batch, err := range rows {
			if err == nil {
				err = f.logInserts(batch)
			}
			if !yield(batch, err) || err != nil {
				return
			}
		}
	}
}

func (f *file) logInserts(batch arrow.RecordBatch) error {
	keys, err := f.writer.Keys.Of(batch, f.writer.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	if err := f.log.inserted(batch, keys); err != nil {
		return fmt.Errorf("cow: write %s: %w", f.log.path, err)
	}
	return nil
}

// insertAll adds rows that are new to the table.
func (f *file) insertAll(ctx context.Context, rows Rows) error {
	for batch, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = f.insert(batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *file) insert(batch arrow.RecordBatch) error {
	if err := f.write(batch, f.rows.Write); err != nil || f.writer.Records == nil || batch.NumRows() == 0 {
		return err
	}
	keys, err := f.writer.Keys.Of(batch, f.writer.Alloc)
	if err != nil {
		return fmt.Errorf("cow: write %s: %w", f.stat.Path, err)
	}
	defer keys.Release()
	return f.writer.Records.Put(f.stat.PartitionPath, f.stat.FileID, f.writer.Instant, keys)
}

// write adds rows, with the file's own name in the column for it, by one of the ways that the
// base file's writer has.
func (f *file) write(batch arrow.RecordBatch, add func(arrow.RecordBatch) error) error {
	n := batch.NumRows()
	if n == 0 {
		return nil
	}
	if f.nameAt >= 0 {
		columns := append([]arrow.Array(nil), batch.Columns()...)
		name := f.names(n)
		defer name.Release()
		columns[f.nameAt] = name
		named := array.NewRecordBatch(f.writer.Schema.Arrow(), columns, n)
		defer named.Release()
		batch = named
	}
	if err := add(batch); err != nil {
		return fmt.Errorf("cow: write %s: %w", f.stat.Path, err)
	}
	return nil
}

// names is the file's name n times. The caller releases it.
func (f *file) names(n int64) arrow.Array {
	if n > int64(f.name.Len()) {
		name := f.name.(*array.String).Value(0)
		f.name.Release()
		f.name = repeat(f.writer.Alloc, name, int(n))
	}
	return array.NewSlice(f.name, 0, n)
}

// close makes the file visible and returns its statistics.
func (f *file) close(ctx context.Context) (*timeline.WriteStat, error) {
	if f.log != nil {
		if err := f.log.close(); err != nil {
			return nil, err
		}
		f.stat.CDCStats = map[string]int64{f.log.path: f.log.bytes}
	}
	summary, err := f.rows.Close()
	if err == nil {
		err = f.sink.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("cow: finish %s: %w", f.stat.Path, err)
	}
	f.closed = true
	f.release()
	if f.writer.Footer != nil {
		if err := f.writer.Footer(ctx, f.stat.Path, summary.Footer, summary.Bytes); err != nil {
			return nil, fmt.Errorf("cow: statistics of %s: %w", f.stat.Path, err)
		}
	}
	f.stat.NumWrites = summary.Rows
	f.stat.TotalWriteBytes, f.stat.FileSizeInBytes = summary.Bytes, summary.Bytes
	return f.stat, nil
}

// abort gives the file up unless it was closed.
func (f *file) abort() {
	if !f.closed {
		f.closed = true
		f.release()
		f.rows.Abort()
		f.log.abort()
		_ = f.sink.Abort() // the error that led here is the one to tell
	}
}

func (f *file) release() {
	if f.name != nil {
		f.name.Release()
		f.name = nil
	}
}

// repeat makes a column of n times the same text.
func repeat(alloc memory.Allocator, text string, n int) arrow.Array {
	b := array.NewStringBuilder(alloc)
	defer b.Release()
	b.Reserve(n)
	b.ReserveData(n * len(text))
	for range n {
		b.Append(text)
	}
	return b.NewArray()
}
