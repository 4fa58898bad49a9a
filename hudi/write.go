package hudi

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/conf"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/internal/writer"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Operation is what a write does with incoming rows.
type Operation string

// The operations.
const (
	// Insert adds rows without a look at their keys. In tables with a bucket index it is
	// Upsert, since a bucket has a key once.
	Insert Operation = "insert"
	// Upsert adds rows, and replaces or merges those with the same key.
	Upsert Operation = "upsert"
	// BulkInsert is Insert for large loads: it streams, into new files only.
	BulkInsert Operation = "bulk-insert"
	// Delete removes the rows with the incoming keys. Rows need only the key and partition
	// columns; with the ordering columns a delete wins only if it is not older.
	Delete Operation = "delete"
	// InsertOverwrite replaces the partitions that the incoming rows belong to: what they held is
	// hidden, and only these rows are there. The others stay as they are.
	InsertOverwrite Operation = "insert-overwrite"
	// InsertOverwriteTable replaces all rows of the table. Without rows it empties it.
	InsertOverwriteTable Operation = "insert-overwrite-table"
	// DeletePartition removes the partitions that WriteOptions.Partitions name or, without any,
	// those of the incoming rows, which need only the partition columns.
	DeletePartition Operation = "delete-partition"
)

// Rows are incoming rows.
type Rows struct {
	// Schema is that of the rows. New nullable columns are added to the table, numbers
	// widened. A boolean column _hoodie_is_deleted marks deletes.
	Schema *schema.Schema
	// Batches is read once. A batch is retained as long as it is needed, and its buffers must
	// not change before Write returns.
	Batches iter.Seq2[arrow.RecordBatch, error]
}

// WriteOptions change a write.
type WriteOptions struct {
	// Partial says that the rows of an upsert have some of the table's columns only, those of
	// Rows.Schema, the key and partition columns among them. Rows that the table has keep their
	// values in the other columns; new ones get nulls there. Without it rows must have all
	// columns, unless an option of real Hudi's says otherwise (docs/format/types.md).
	Partial bool
	// Extra is added to the commit's metadata, for example a checkpoint.
	Extra map[string]string
	// Partitions are the paths of the partitions that DeletePartition removes, in which * stands
	// for any text (hoodie.datasource.write.partitions.to.delete). There are no rows then.
	Partitions []string
	// Check runs under the table's lock, with the timeline as it is when the write is about
	// to be published. An error makes the write fail.
	Check func(ctx context.Context, tl *timeline.Timeline) error
}

// Commit is what a write did. In merge-on-read tables a row that goes to the log of an
// existing file group counts as an update, whether or not its key is there.
type Commit struct {
	Instant    string `json:"instant"`
	Completion string `json:"completion"`
	Inserts    int64  `json:"inserts"`
	Updates    int64  `json:"updates"`
	Deletes    int64  `json:"deletes"`
	Files      int    `json:"files"`
	Bytes      int64  `json:"bytes"`
	// Replaced is the number of file groups that the commit has hidden.
	Replaced int `json:"replaced"`
}

var operations = map[Operation]writer.Operation{
	Insert: writer.Insert, Upsert: writer.Upsert, BulkInsert: writer.BulkInsert, Delete: writer.Delete,
	InsertOverwrite: writer.InsertOverwrite, InsertOverwriteTable: writer.InsertOverwriteTable, DeletePartition: writer.DeletePartition,
}

// Write performs one operation as one commit, then the table services that are due. On an
// error that does not wrap ErrUnknownOutcome the table is as it was before.
func (t *Table) Write(ctx context.Context, op Operation, rows Rows, o WriteOptions) (Commit, error) {
	w, err := t.writerOptions()
	if err != nil {
		return Commit{}, err
	}
	var ok bool
	if w.Operation, ok = operations[op]; !ok {
		return Commit{}, unknownOperation(op)
	}
	if w.Partitions, err = t.doomed(op, o); err != nil {
		return Commit{}, err
	}
	if rows.Schema != nil && len(w.Partitions) > 0 {
		return Commit{}, fmt.Errorf("delete partitions of %s: paths and rows both name them: leave one out: %w", t.URI(), base.ErrInvalid)
	}
	if rows.Schema == nil && len(w.Partitions) == 0 {
		return Commit{}, fmt.Errorf("write to %s: the rows have no schema: %w", t.URI(), base.ErrInvalid)
	}
	t.writeOptions(ctx, &w, o)
	t.serveMetadata(ctx)
	r, err := writer.Write(ctx, t.handle, w, writer.Input{Schema: rows.Schema, Rows: rows.Batches})
	if err != nil {
		return Commit{}, err
	}
	t.serve(ctx)
	return Commit(r), nil
}

// writeOptions hands on what every kind of write can be told.
func (t *Table) writeOptions(ctx context.Context, w *writer.Options, o WriteOptions) {
	w.Extra, w.Partial = o.Extra, o.Partial
	if o.Check != nil {
		w.Checks = []txn.Check{func(now *timeline.Timeline) error { return o.Check(ctx, now) }}
	}
}

// doomed are the partitions that a write names by their paths.
func (t *Table) doomed(op Operation, o WriteOptions) ([]string, error) {
	paths := o.Partitions
	switch {
	case op != DeletePartition && len(paths) > 0:
		return nil, fmt.Errorf("%s into %s: partitions are named to delete them (%s): %w", op, t.URI(), DeletePartition, base.ErrInvalid)
	case op == DeletePartition && len(paths) == 0:
		if text := t.options.props.Get(conf.PartitionsToDelete); text != "" {
			paths = strings.Split(text, ",")
		}
	}
	return paths, nil
}

func (t *Table) writerOptions() (writer.Options, error) {
	props := t.options.props
	o := writer.Options{
		Codec: strings.ToLower(props.Get(conf.Codec)), Memory: t.options.memory / 2, SpillDir: t.options.spillDir, Alloc: t.options.alloc,
	}
	var block, small int64
	var err error
	for _, n := range []struct {
		to   *int64
		from func() (int64, error)
	}{
		{&o.TargetBytes, func() (int64, error) { return props.Int(conf.MaxFileSize) }},
		{&o.SmallBytes, func() (int64, error) { return props.Int(conf.SmallFileLimit) }},
		{&small, func() (int64, error) { return props.Int(conf.SmallFileCount) }},
		{&o.RowBytes, func() (int64, error) { return props.Int(conf.RecordSize) }},
		{&block, func() (int64, error) { return props.Int(conf.LogBlockSize) }},
	} {
		if *n.to, err = n.from(); err != nil {
			return o, err
		}
	}
	o.SmallFiles, o.LogBlockBytes = int(small), int(block)
	share, err := props.Float(conf.RecordSizeLearn)
	if err != nil {
		return o, err
	}
	o.LearnBytes = int64(share * float64(o.SmallBytes))
	switch auto, err := props.Bool(conf.InsertAutoSplit); {
	case err != nil:
		return o, err
	case !auto:
		rows, err := props.Int(conf.InsertSplitSize)
		if err != nil {
			return o, err
		}
		o.SplitRows = int(rows)
	}
	if err := t.insertOptions(&o); err != nil {
		return o, err
	}
	if o.Stay, err = t.stays(); err != nil {
		return o, err
	}
	o.Missing, err = missingColumns(props)
	return o, err
}

// stays tells whether rows stay in their partition when a change has another, with a global
// index.
func (t *Table) stays() (bool, error) {
	moves, err := true, error(nil)
	switch t.handle.Config.Index.Kind {
	case table.IndexGlobalSimple:
		moves, err = t.options.props.Bool(conf.SimpleIndexMoves)
	case table.IndexRecord, table.IndexGlobalRecord:
		moves, err = t.options.props.Bool(conf.RecordIndexMoves)
	case table.IndexGlobalBloom:
		moves, err = t.options.props.Bool(conf.BloomIndexMoves)
	}
	return !moves, err
}

// insertOptions are those of inserts of all kinds.
func (t *Table) insertOptions(o *writer.Options) (err error) {
	props := t.options.props
	if o.Combine, err = props.Bool(conf.CombineInsert); err != nil {
		return err
	}
	drop, err := props.Bool(conf.DropDuplicates)
	if err != nil {
		return err
	}
	switch policy := strings.ToLower(props.Get(conf.DuplicatePolicy)); {
	case drop, policy == "drop": // a key comes once then
		o.Existing, o.Combine = writer.DropExisting, true
	case policy == "fail":
		o.Existing, o.Combine = writer.FailExisting, true
	case policy != "none":
		return fmt.Errorf("option hoodie.datasource.write.insert.dup.policy=%q: use none, drop or fail: %w", policy, base.ErrInvalid)
	}
	switch mode := strings.ToUpper(props.Get(conf.BulkInsertSort)); mode {
	case "NONE", "PARTITION_PATH_REPARTITION", "PARTITION_PATH_REPARTITION_AND_SORT": // rows of a partition always come together
	case "GLOBAL_SORT", "PARTITION_SORT": // there is one task, so that both are the same
		o.Sort = true
	default:
		return fmt.Errorf("option hoodie.bulkinsert.sort.mode=%q: use NONE, GLOBAL_SORT or PARTITION_SORT: %w", mode, base.ErrInvalid)
	}
	return nil
}

// missingColumns says what becomes of columns that rows lack, by the options that real Hudi
// has for it, in the order in which it asks for them.
func missingColumns(props conf.Options) (schema.Missing, error) {
	reconcile, err := props.Bool(conf.ReconcileSchema)
	if err != nil {
		return 0, err
	}
	drop, err := props.Bool(conf.DropMissing)
	if err != nil {
		return 0, err
	}
	validate, err := props.Bool(conf.ValidateSchema)
	if err != nil {
		return 0, err
	}
	null, err := props.Bool(conf.SetNullForMissing)
	if err != nil {
		return 0, err
	}
	switch {
	case reconcile:
		return schema.KeepMissing, nil
	case drop:
		return schema.DropMissing, nil
	case null && !validate:
		return schema.KeepMissing, nil
	}
	return schema.RefuseMissing, nil
}
