// Package fileslice reads one file slice as the rows that it stands for: the rows of its
// base file, with what its log files say merged on top. Queries, compaction and writers
// that need stored rows all read through it.
package fileslice

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// Reader reads the slices of one table. It is safe for concurrent use.
type Reader struct {
	Store storage.Store
	Rules merge.Rules
	// NoRules says why logs cannot be merged, nil when Rules say how.
	NoRules error
	Alloc   memory.Allocator
	// Table is the schema of the table's rows with the meta columns.
	Table *schema.Schema
	// MetaFields is false for tables whose rows carry no keys; Keys makes them then. It may be
	// nil, and logs cannot be merged.
	MetaFields bool
	Keys       *keygen.Generator
	// History has the names of the columns in older files, nil when they have always had
	// those of Table.
	History *schema.History
	// Folders gives the values that a partition's path has, as text by column, where the path is what counts; nil where the
	// files have them.
	Folders func(partition string) (values map[string]string, ok bool)
	// LogMemory bounds what the log side of one merge may take. Slices with more in their
	// logs are merged in several passes.
	LogMemory int64
	// Valid tells whether a log block's instant is committed; needed by version 6 only.
	Valid func(instant string) bool
}

// Request says what to read of a slice.
type Request struct {
	Slice table.FileSlice
	// Columns are the columns wanted, in order.
	Columns *schema.Schema
	// Latest is the newest instant whose log blocks count, "" for all.
	Latest string
	// InRange, if set, restricts the read to the versions of rows that these instants wrote:
	// what an incremental query sees. Others are left out before anything is merged, except
	// that with WholeBase all rows of the base file are merged.
	InRange   func(instant string) bool
	WholeBase bool
	// Keep leaves out row groups of a base file, and parts of them, that need not be read: see
	// basefile.ReadOptions. It is asked for slices without logs only, as a row in the logs may
	// lie anywhere.
	Keep        func(basefile.Statistics) bool
	PageColumns []string
	// Parallel is how many columns of the base file may be decoded at a time.
	Parallel int
}

// baseOnly tells whether nothing is merged.
func (q *Request) baseOnly() bool { return len(q.Slice.Logs) == 0 && q.InRange == nil }

// Prunes tells whether a read asks q.Keep which row groups to leave out.
func (r *Reader) Prunes(q Request) (bool, error) {
	if q.Keep == nil || q.Slice.Base == nil || !q.baseOnly() {
		return false, nil
	}
	written, err := r.asWritten(q.Columns, q.Slice.Base.Instant)
	return written == q.Columns, err
}

// Reads returns the columns that a read takes of the slice's base file, as they are named
// there: the wanted ones, and where versions are merged those that merging looks at.
func (r *Reader) Reads(q Request) (*schema.Schema, error) {
	columns := q.Columns
	if !q.baseOnly() {
		var err error
		if columns, err = r.needed(q); err != nil {
			return nil, err
		}
	}
	if q.Slice.Base == nil {
		return columns, nil
	}
	return r.asWritten(columns, q.Slice.Base.Instant)
}

// Read yields the rows of a slice. A batch is valid until the next step.
func (r *Reader) Read(ctx context.Context, q Request) iter.Seq2[arrow.RecordBatch, error] {
	if r.Folders != nil {
		return r.withFolders(r.read(ctx, q), q.Slice.Partition)
	}
	return r.read(ctx, q)
}

func (r *Reader) read(ctx context.Context, q Request) iter.Seq2[arrow.RecordBatch, error] {
	if q.baseOnly() {
		return r.baseRows(ctx, q.Slice.Base, basefile.ReadOptions{Schema: q.Columns, Keep: q.Keep, PageColumns: q.PageColumns, Parallel: q.Parallel})
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		if err := r.merged(ctx, q, yield); err != nil {
			yield(nil, fmt.Errorf("read file group %s in partition %q: %w", q.Slice.FileID, q.Slice.Partition, err))
		}
	}
}

// baseRows yields the rows of a base file; none if there is none.
func (r *Reader) baseRows(ctx context.Context, f *table.BaseFile, o basefile.ReadOptions) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		if f == nil {
			return
		}
		file, err := r.Store.Open(ctx, f.Path)
		if err != nil {
			yield(nil, fmt.Errorf("open base file: %w", err))
			return
		}
		b, err := basefile.Open(ctx, file, f.Path, r.Alloc)
		if err != nil {
			yield(nil, err)
			return
		}
		defer b.Close()
		columns := o.Schema
		if o.Schema, err = r.asWritten(columns, f.Instant); err != nil {
			yield(nil, err)
			return
		}
		if o.Schema == columns {
			for batch, err := range b.Read(ctx, o) {
				if !yield(batch, err) || err != nil {
					return
				}
			}
			return
		}
		o.Keep = nil // it asks for columns by the names of now
		for batch, err := range b.Read(ctx, o) {
			if err != nil {
				yield(nil, err)
				return
			}
			named := columns.Relabel(batch)
			more := yield(named, nil)
			named.Release()
			if !more {
				return
			}
		}
	}
}

// asWritten is the schema of columns in a file of an instant; columns itself when they had
// the names of now.
func (r *Reader) asWritten(columns *schema.Schema, instant string) (*schema.Schema, error) {
	if r.History == nil {
		return columns, nil
	}
	return r.History.AsWritten(columns, instant)
}

// logExpansion is how much larger rows are in columns than in a log block, at most.
const logExpansion = 4

// merged merges the logs with the base file. It returns an error only while yield may still be
// called.
func (r *Reader) merged(ctx context.Context, q Request, yield func(arrow.RecordBatch, error) bool) error {
	return r.passes(ctx, q, func(p *pass) (bool, error) {
		p.yield = yield
		return p.merge(ctx)
	})
}

// passes reads the logs in as many passes as their size asks for, and does something with the
// entries of each.
func (r *Reader) passes(ctx context.Context, q Request, then func(*pass) (goOn bool, err error)) error {
	if !r.MetaFields && r.Keys == nil {
		return fmt.Errorf("log files of a table without meta fields: %w", base.ErrUnsupported)
	}
	if r.NoRules != nil {
		return r.NoRules
	}
	needed, err := r.needed(q)
	if err != nil {
		return err
	}
	logs, err := r.openLogs(ctx, q)
	defer logs.close()
	if err != nil {
		return err
	}
	shards := 1
	if r.LogMemory > 0 {
		shards = int(logs.bytes*logExpansion/r.LogMemory) + 1
	}
	seed := maphash.MakeSeed()
	for shard := range shards {
		p := pass{reader: r, request: q, needed: needed, blocks: logs.blocks}
		p.reducer = merge.NewReducer(r.Rules, needed.Arrow(), r.Alloc)
		p.reducer.KeepShard(shard, shards, seed)
		goOn, err := p.run(ctx, then)
		p.reducer.Release()
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}

// ChangedKeys gives the record keys that the log files of a slice have something to say of, in
// portions of so many at most.
func (r *Reader) ChangedKeys(ctx context.Context, q Request, portion int, each func(keys map[string]bool) error) error {
	return r.passes(ctx, q, func(p *pass) (bool, error) {
		keys := map[string]bool{}
		for i := range p.reducer.Len() {
			keys[string(p.reducer.Key(i))] = true
			if len(keys) < portion && i+1 < p.reducer.Len() {
				continue
			}
			if err := each(keys); err != nil {
				return false, err
			}
			clear(keys)
		}
		return true, nil
	})
}

// needed is the schema to read: the wanted columns and those that merging looks at.
func (r *Reader) needed(q Request) (*schema.Schema, error) {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if _, _, ok := r.Table.Field(name); ok && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, f := range q.Columns.Fields() {
		add(f.Name)
	}
	for _, name := range r.stored().Columns() {
		add(name)
	}
	for _, name := range r.Rules.Ordering {
		add(name)
	}
	add(schema.IsDeleted)
	add(schema.MetaOperation)
	if r.Rules.DeleteField != "" {
		add(r.Rules.DeleteField)
	}
	if q.InRange != nil {
		add(schema.MetaCommitTime)
	}
	return r.Table.Project(names)
}

// logs are the opened log files of a slice and the blocks in them that count.
type logs struct {
	files  []storage.File
	blocks []*logfile.Block
	bytes  int64
}

func (l *logs) close() {
	for _, f := range l.files {
		_ = f.Close() // it was only read
	}
}

func (r *Reader) openLogs(ctx context.Context, q Request) (*logs, error) {
	l := &logs{}
	var readers []*logfile.Reader
	for _, log := range q.Slice.Logs {
		if log.Name.CDC {
			continue
		}
		f, err := r.Store.Open(ctx, log.Path)
		if err != nil {
			return l, fmt.Errorf("open log file: %w", err)
		}
		l.files = append(l.files, f)
		readers = append(readers, logfile.NewReader(log.Path, f, f.Size()))
	}
	var err error
	l.blocks, err = logfile.Scan(readers, logfile.ScanOptions{Latest: q.Latest, Valid: r.Valid, InRange: q.InRange})
	for _, b := range l.blocks {
		l.bytes += b.ContentSize()
	}
	return l, err
}

// stored finds the keys of rows.
func (r *Reader) stored() keygen.Stored { return keygen.Stored{Made: r.Keys} }
