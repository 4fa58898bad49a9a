// Package writer performs one write operation on a table, from incoming rows to a
// published instant: keys and partitions, reduction of rows that repeat a key, location
// of keys in file groups, files, commit.
package writer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/mor"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Operation is what a write does with incoming rows.
type Operation string

// The operations, by the names that commit metadata has for them.
const (
	Insert     Operation = timeline.OpInsert     // add rows without a look at keys
	Upsert     Operation = timeline.OpUpsert     // add rows, or replace those with the same key
	BulkInsert Operation = timeline.OpBulkInsert // Insert, streamed, into new files only
	Delete     Operation = timeline.OpDelete     // remove the rows with the incoming keys

	InsertOverwrite      Operation = timeline.OpInsertOverwrite      // replace the partitions of the incoming rows
	InsertOverwriteTable Operation = timeline.OpInsertOverwriteTable // replace all rows
	DeletePartition      Operation = timeline.OpDeletePartition      // remove partitions

	UpsertPrepped Operation = timeline.OpUpsertPrepped // change rows that were read from the table
	DeletePrepped Operation = timeline.OpDeletePrepped // remove rows that were read from the table
)

// Input is a stream of rows.
type Input struct {
	// Schema is that of the rows without meta columns. A boolean column
	// _hoodie_is_deleted that the table does not have marks deletes and is not stored.
	Schema *schema.Schema
	Rows   iter.Seq2[arrow.RecordBatch, error]
}

// Existing is what becomes of rows to insert whose keys are in the table already.
type Existing string

// The policies.
const (
	KeepExisting Existing = ""     // they are inserted a second time, for an insert does not look
	DropExisting Existing = "drop" // they are left out
	FailExisting Existing = "fail" // the write fails
)

// Options say how to write. Zero values of sizes mean real Hudi's defaults.
type Options struct {
	Operation Operation
	// Partitions are the paths of those that DeletePartition removes, in which * stands for any
	// text. Without any the incoming rows tell.
	Partitions []string
	// Combine makes incoming rows of an insert, bulk-insert or overwrite that share a key one. Rows of an upsert
	// always are. Sort has a bulk-insert write the rows of a partition in the order of their keys.
	Combine, Sort bool
	// Existing says what an insert does with rows whose keys are there.
	Existing Existing
	// Partial says that rows have some of the table's columns only: the others keep their values.
	Partial bool
	// Missing says what becomes of columns of the table that rows lack otherwise.
	Missing schema.Missing
	// Extra is added to the commit's extra metadata: checkpoints and the like.
	Extra map[string]string
	// Checks run under the lock before the commit is published.
	Checks []txn.Check

	Codec         string
	TargetBytes   int64 // hoodie.parquet.max.file.size
	SmallBytes    int64 // hoodie.parquet.small.file.limit
	LogBlockBytes int   // hoodie.logfile.data.block.max.size
	// SmallFiles is how many small files of a partition get new rows in a merge-on-read table:
	// hoodie.merge.small.file.group.candidates.limit.
	SmallFiles int
	// SplitRows is the number of rows of a new file, 0 for as many as TargetBytes takes:
	// hoodie.copyonwrite.insert.split.size.
	SplitRows int
	// RowBytes is the size of a stored row as long as it is not known
	// (hoodie.copyonwrite.record.size.estimate), and a write of more than LearnBytes tells it
	// (hoodie.record.size.estimation.threshold).
	RowBytes, LearnBytes int64
	// Stay leaves rows that a global index finds in another partition than theirs in that one:
	// hoodie.simple.index.update.partition.path and hoodie.bloom.index.update.partition.path
	// are false.
	Stay bool
	// Memory bounds what the incoming rows may take while they are brought in order.
	Memory   int64
	SpillDir string
	Alloc    memory.Allocator
}

// Defaults of Options.
const (
	DefaultTargetBytes   = 120 << 20
	DefaultSmallBytes    = 100 << 20
	DefaultLogBlockBytes = 64 << 20
	DefaultMemory        = 256 << 20
	DefaultRowBytes      = 1024
)

func (o Options) withDefaults() Options {
	if o.TargetBytes <= 0 {
		o.TargetBytes = DefaultTargetBytes
	}
	if o.SmallBytes < 0 {
		o.SmallBytes = DefaultSmallBytes
	}
	if o.LogBlockBytes <= 0 {
		o.LogBlockBytes = DefaultLogBlockBytes
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	if o.RowBytes <= 0 {
		o.RowBytes = DefaultRowBytes
	}
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	return o
}

// Result is what a write did. In merge-on-read tables a row that goes to the log of an
// existing file group counts as an update, whether or not its key is there.
type Result struct {
	Instant    string `json:"instant"`
	Completion string `json:"completion"`
	Inserts    int64  `json:"inserts"`
	Updates    int64  `json:"updates"`
	Deletes    int64  `json:"deletes"`
	Files      int    `json:"files"`
	Bytes      int64  `json:"bytes"`
	// Replaced is the number of file groups that were hidden.
	Replaced int `json:"replaced"`
}

// undoTimeout bounds the undoing of a failed write when the caller's context has ended.
const undoTimeout = 30 * time.Second

// Write performs one operation as one instant. On an error that does not wrap
// base.ErrUnknownOutcome the table is as it was before.
func Write(ctx context.Context, h *table.Handle, o Options, in Input) (Result, error) {
	if o.Operation == BulkInsert && o.Existing != KeepExisting {
		return Result{}, fmt.Errorf("bulk-insert into table %s: it does not look for keys that are there; use insert: %w", h.Config.Name, base.ErrUnsupported)
	}
	return perform(ctx, h, o, in, func(ctx context.Context, w *write) ([]*timeline.WriteStat, error) {
		switch {
		case o.Operation.replaces():
			return w.replace(ctx)
		case o.Operation == BulkInsert:
			return w.bulk(ctx)
		}
		return w.staged(ctx)
	})
}

// perform runs an operation, of which files makes the files, from the recovery of what others have left to
// the commit.
func perform(ctx context.Context, h *table.Handle, o Options, in Input, files func(ctx context.Context, w *write) ([]*timeline.WriteStat, error)) (Result, error) {
	o = o.withDefaults()
	if err := writable(h.Config); err != nil {
		return Result{}, err
	}
	if _, err := recovery.Recover(ctx, h); err != nil {
		return Result{}, err
	}
	w := &write{table: h, options: o, input: in}
	tl, err := h.Timeline(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := w.resolve(ctx, tl); err != nil { // before there is an instant to undo
		return Result{}, err
	}
	a, content, err := action(h.Config, o.Operation)
	if err != nil {
		return Result{}, err
	}
	t, err := txn.BeginRows(ctx, h, a, content, w.rows)
	if err != nil {
		return Result{}, err
	}
	result, err := w.run(ctx, t, files)
	if err != nil {
		return Result{}, fail(ctx, h, t, err)
	}
	return result, nil
}

// fail gives a transaction up, and undoes it unless it may have been published.
func fail(ctx context.Context, h *table.Handle, t *txn.Txn, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		cause = errors.Join(cause, err)
	}
	if errors.Is(cause, base.ErrUnknownOutcome) {
		return cause
	}
	if err := recovery.Undo(ctx, h, t.Instant); err != nil {
		h.Log.Warn("failed write not undone; the next writer will do it", "instant", t.Instant, "error", err)
	}
	return cause
}

// writable refuses tables that a write, other than any change, would break.
func writable(c *table.Config) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("write to table %s: %s: %w", c.Name, fmt.Sprintf(format, args...), base.ErrUnsupported)
	}
	switch {
	case c.DropPartitionColumns:
		return refuse("its files lack the partition columns (hoodie.datasource.write.drop.partition.columns)")
	case !c.MetaFields && c.Type == table.MOR && c.Version < 9: // releases 0.15 and 1.0 fail on rows in logs
		return refuse("its rows have no meta fields (hoodie.populate.meta.fields=false), and real Hudi reads logs of such rows from table version 9 on")
	case c.BaseFormat != table.Parquet:
		return refuse("its base files are %s", c.BaseFormat)
	}
	return nil
}

// write is one operation under way.
type write struct {
	table   *table.Handle
	options Options
	input   Input

	rules   merge.Rules
	rows    *schema.Schema // of the table's rows after this write, without meta columns
	full    *schema.Schema // with them
	keys    *keygen.Generator
	index   index.Index
	buckets *index.Bucket // the index if it is a bucket index, else nil
	rowKeys keygen.Stored // finds the keys of rows that are there
	marked  bool
	part    *partial // nil if rows have all columns
	stages  []*stage
	kept    []arrow.RecordBatch // what the stages were made of
	excess  *mem.Spool          // the input if that is more than can be staged, else nil
	rowHeld int64               // what one of its rows takes when it is staged
	// excessBytes is the size of the excess in memory; rowMore is what a row takes besides.
	excessBytes, rowMore int64

	txn    *txn.Txn
	view   *table.View
	base   *cow.Writer
	logs   *mor.Writer
	tokens atomic.Int64
	seqno  atomic.Int64
	// replaced are the file groups that the write hides, by partition; nil unless it replaces.
	replaced map[string][]string
	// placed is how many new rows file groups have been given, opened the newest file group of each partition: of a
	// write in parts.
	placed map[table.GroupID]int
	opened map[string]table.GroupID

	records *metadata.Records // of the record index, nil if the table has none
	looked  openedIndex
}

// resolve finds out what the write needs to know of the table as a timeline shows it.
func (w *write) resolve(ctx context.Context, tl *timeline.Timeline) error {
	c := w.table.Config
	var err error
	if w.rules, err = merge.RulesOf(c); err != nil {
		return err
	}
	switch history, err := c.History(ctx, w.table.Store, tl, ""); {
	case err != nil:
		return err
	case history != nil:
		return fmt.Errorf("write to table %s: it has a schema history (hoodie.schema.on.read.enable), which cannot be written: %w", c.Name, base.ErrUnsupported)
	}
	stored, err := c.RecordSchema(ctx, tl)
	if err != nil && !errors.Is(err, table.ErrNoSchema) {
		return err
	}
	if w.input.Schema == nil { // partitions are named by their paths, or the rows are the table's own
		if w.input.Schema = stored; stored == nil {
			return fmt.Errorf("write to table %s: it has no rows yet: %w", c.Name, base.ErrInvalid)
		}
	}
	incoming := w.input.Schema.WithoutMeta()
	if incoming, w.marked, err = withoutMark(incoming, stored); err != nil {
		return err
	}
	switch {
	case w.options.Partial:
		err = w.resolvePartial(stored, incoming)
	case stored == nil:
		w.rows = incoming
	case w.options.Operation == Delete, w.options.Operation == DeletePartition: // rows need only their keys, or partitions
		w.rows = stored
	default:
		if w.rows, err = schema.EvolveWith(stored, incoming, w.options.Missing); err != nil {
			err = fmt.Errorf("write to table %s: %w", c.Name, err)
		}
	}
	if err != nil {
		return err
	}
	w.full = w.rows.WithMeta()
	if w.keys, err = keygen.New(c, w.rows); err != nil {
		return err
	}
	if o := w.options.Operation; w.keys.Generated() && (o == Upsert || o == Delete) {
		return fmt.Errorf("%s into table %s: its record keys are generated, so that no row can be found by its columns; use insert, or change rows by a condition: %w",
			strings.ToLower(string(o)), c.Name, base.ErrInvalid)
	}
	if !c.MetaFields {
		if w.keys.Generated() {
			return fmt.Errorf("write to table %s: its rows have no meta fields, which alone can keep generated keys: %w", c.Name, base.ErrUnsupported)
		}
		w.rowKeys.Made = w.keys
	}
	for _, f := range w.rules.Ordering {
		if _, _, ok := w.rows.Field(f); !ok {
			return fmt.Errorf("write to table %s: the rows have no ordering field %q: %w", c.Name, f, base.ErrInvalid)
		}
	}
	return nil
}

// withoutMark drops the delete mark from the schema of incoming rows unless the table
// stores it.
func withoutMark(incoming, stored *schema.Schema) (_ *schema.Schema, marked bool, err error) {
	if _, _, ok := incoming.Field(schema.IsDeleted); !ok {
		return incoming, false, nil
	}
	if stored != nil {
		if _, _, ok := stored.Field(schema.IsDeleted); ok {
			return incoming, true, nil
		}
	}
	var names []string
	for _, f := range incoming.Fields() {
		if f.Name != schema.IsDeleted {
			names = append(names, f.Name)
		}
	}
	incoming, err = incoming.Project(names)
	return incoming, true, err
}

// begun sets up what depends on the instant.
func (w *write) begun(t *txn.Txn, gathered *metadata.Gathered) {
	w.txn = t
	w.view = w.table.View(t.Timeline())
	worker := func() int { return int(w.tokens.Add(1) - 1) }
	announce := func(ctx context.Context, partition, path string, kind txn.MarkerKind) error {
		if err := t.Partition(ctx, partition); err != nil {
			return err
		}
		return t.Mark(ctx, path, kind)
	}
	w.base = &cow.Writer{
		Store: w.table.Store, Schema: w.full, Keys: w.rowKeys, Alloc: w.options.Alloc, Instant: t.Instant,
		Announce: func(ctx context.Context, partition, path string, update bool) error {
			if update {
				return announce(ctx, partition, path, txn.MarkMerge)
			}
			return announce(ctx, partition, path, txn.MarkCreate)
		},
		Token: func() string { return base.WriteToken(worker(), 0, 0) }, Codec: w.options.Codec,
		TargetBytes: w.options.TargetBytes, Parallel: runtime.GOMAXPROCS(0), Changes: w.changeLogs(), Footer: gathered.Footer,
	}
	w.logs = &mor.Writer{
		Store: w.table.Store, Schema: w.full, Keys: w.rowKeys, Rules: w.rules, Alloc: w.options.Alloc, Instant: t.Instant,
		SliceStats: w.table.Config.CDC,
		Announce: func(ctx context.Context, partition, path string) error {
			return announce(ctx, partition, path, txn.MarkCreate)
		},
		Token: w.base.Token, BlockBytes: w.options.LogBlockBytes, Rows: gathered.Rows,
	}
	if w.part != nil {
		w.logs.Some = w.part.rows.WithMeta()
	}
	if w.table.Config.SliceLogs() {
		w.logs.SliceLogs = true
		w.logs.Announce = func(ctx context.Context, partition, path string) error {
			return announce(ctx, partition, path, txn.MarkAppend)
		}
		w.logs.Token = func() string { return base.InstantToken(worker(), t.Instant) }
	}
}

// run stages, writes and commits.
func (w *write) run(ctx context.Context, t *txn.Txn, files func(ctx context.Context, w *write) ([]*timeline.WriteStat, error)) (Result, error) {
	// Another writer may have changed the columns since they were looked at.
	if err := w.resolve(ctx, t.Timeline()); err != nil {
		return Result{}, err
	}
	gathered, err := t.Gather(ctx, w.rows)
	if err != nil {
		return Result{}, err
	}
	w.begun(t, gathered)
	defer w.looked.close()
	if err := w.followKeys(ctx); err != nil {
		return Result{}, err
	}
	if err := w.beginRecords(ctx); err != nil {
		return Result{}, err
	}
	stats, err := files(ctx, w)
	if err != nil {
		return Result{}, err
	}
	meta := w.metadata(stats)
	completion, err := w.txn.Commit(ctx, meta, w.options.Checks...)
	if err != nil {
		return Result{}, err
	}
	r := Result{Instant: w.txn.Instant, Completion: completion, Files: len(stats)}
	for _, s := range stats {
		r.Inserts += s.NumInserts
		r.Updates += s.NumUpdateWrites
		r.Deletes += s.NumDeletes
		r.Bytes += s.TotalWriteBytes
	}
	for _, ids := range w.replaced {
		r.Replaced += len(ids)
	}
	return r, nil
}

// metadata is the content of the completed file.
func (w *write) metadata(stats []*timeline.WriteStat) *timeline.CommitMetadata {
	m := &timeline.CommitMetadata{
		PartitionToWriteStats: map[string][]*timeline.WriteStat{},
		ExtraMetadata:         map[string]string{timeline.SchemaKey: w.rows.Avro()},
		OperationType:         string(w.options.Operation),

		PartitionToReplaceFileIDs: w.replaced,
	}
	for _, s := range stats {
		m.PartitionToWriteStats[s.PartitionPath] = append(m.PartitionToWriteStats[s.PartitionPath], s)
	}
	for k, v := range w.options.Extra {
		m.ExtraMetadata[k] = v
	}
	return m
}
