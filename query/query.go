// Package query answers questions of a table: its rows now, at an earlier time, or what
// has changed in between. A query is planned from the timeline and a listing, and the
// plan's tasks, one file slice each, are then read side by side (docs/format/queries.md).
package query

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// View is what a query sees of a table.
type View string

// The views.
const (
	Snapshot      View = "snapshot"       // the rows of the table
	ReadOptimized View = "read-optimized" // the rows of base files, without logs
	Incremental   View = "incremental"    // rows that writes in a range have written
	CDC           View = "cdc"            // what writes in a range have changed: op, ts, before, after
)

// Options are a question.
type Options struct {
	View View
	// AsOf asks for the table as it was at an instant: a requested time of 14 or 17
	// digits, a date, a time in RFC 3339 or "2006-01-02 15:04:05[.000]", or a duration
	// before now such as "-15m". "" is now.
	AsOf string
	// Begin (exclusive) and End (inclusive) bound an incremental or CDC query: completion times,
	// or requested times in table version 6. A Begin of "000" or "earliest" is the start;
	// an End of "" is now. Neither asks for the last write only.
	Begin, End string
	// Columns are the columns wanted, all when there are none. Meta adds the meta columns in
	// front of all columns.
	Columns []string
	Meta    bool
	// Where is a condition on the rows, "" for none.
	Where string
	// Limit is the greatest number of rows, 0 for all.
	Limit int64
}

// Source is a table to ask.
type Source struct {
	Store    storage.Store
	Config   *table.Config
	Timeline *timeline.Timeline
	Now      func() time.Time
	Alloc    memory.Allocator
	// Memory is what a query may take, Parallel how many slices are read at a time.
	Memory   int64
	Parallel int
	// Unindexed answers without the indexes of the metadata table and without buckets, as if
	// they proved nothing: for tables whose indexes are in doubt.
	Unindexed bool
}

// Plan is how a query will be answered. It can be read many times.
type Plan struct {
	// Schema is that of the answer.
	Schema *schema.Schema
	// Instant is the latest instant that the answer may contain, "" for an empty table.
	Instant string
	Tasks   []Task
	// Skipped are the partitions that need not be read because of the condition, SkippedSlices
	// the file slices in other partitions.
	Skipped       []SkippedPartition
	SkippedSlices []SkippedSlice

	limit   int64
	source  Source
	reader  *fileslice.Reader
	columns *schema.Schema // to read: those of Schema and of the condition
	where   *expr.Bound
	inRange func(instant string) bool
	image   *schema.Schema // of before and after, of a CDC query
	asked   asked
}

// asked is the question as far as it was resolved, for whoever reads a part of the plan.
type asked struct {
	options Options
	rows    *schema.Schema // of the table, without meta columns
	at      string         // instant of the names of columns, "" before the first write
	writes  []string       // instants in the range of an incremental query
}

// Task is one file slice to read, or the changes of one write in a file group.
type Task struct {
	Slice   table.FileSlice
	changes *changes
}

// NewPlan plans a query.
func NewPlan(ctx context.Context, s Source, o Options) (*Plan, error) {
	p := &Plan{limit: o.Limit, source: s}
	var err error
	switch o.View {
	case Snapshot, ReadOptimized, "":
		err = p.planAt(ctx, o)
	case Incremental:
		err = p.planIncremental(ctx, o)
	case CDC:
		err = p.planChanges(ctx, o)
	default:
		err = fmt.Errorf("view %q: use snapshot, read-optimized, incremental or cdc: %w", o.View, base.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", s.Store.URI(), err)
	}
	return p, nil
}

// planAt plans a snapshot or read-optimized query, now or as of a time.
func (p *Plan) planAt(ctx context.Context, o Options) error {
	if o.Begin != "" || o.End != "" {
		return fmt.Errorf("begin and end belong to the incremental and the cdc view: %w", base.ErrInvalid)
	}
	at, err := p.instant(ctx, o.AsOf)
	if err != nil {
		return err
	}
	p.Instant = at
	if err := p.shape(ctx, o, o.AsOf != ""); err != nil {
		return err
	}
	if at == "" {
		return nil
	}
	files, done, err := p.list(ctx)
	if err != nil {
		return err
	}
	defer done()
	view := table.NewView(p.source.Config, p.source.Timeline, files.Lister)
	if p.reader.Valid, err = view.Committed(ctx); err != nil {
		return err
	}
	partitions, err := view.Partitions(ctx)
	if err != nil {
		return err
	}
	skip, err := p.newSkipper(ctx, files.meta)
	if err != nil {
		return err
	}
	if partitions, err = skip.partitions(ctx, partitions); err != nil {
		return err
	}
	visible := view.SlicesAt
	if o.View == ReadOptimized {
		visible = view.BaseFilesAt
	}
	for _, path := range partitions {
		slices, err := visible(ctx, path, at)
		if err != nil {
			return err
		}
		for _, s := range slices {
			p.Tasks = append(p.Tasks, Task{Slice: s})
		}
	}
	p.Tasks, err = skip.tasks(ctx, p.Tasks)
	return err
}

// instant resolves AsOf to a requested time, and for now to that of the last completed
// write.
func (p *Plan) instant(ctx context.Context, asOf string) (string, error) {
	tl := p.source.Timeline
	if asOf == "" {
		last, ok := tl.LastCompletedWrite()
		if !ok {
			return "", nil
		}
		return last.Time, nil
	}
	at, err := ParseTime(asOf, p.source.Now(), tl.Location())
	if err != nil {
		return "", err
	}
	for _, i := range tl.Writes() {
		if !i.Done() && i.Action != timeline.Clustering && i.Action != timeline.Compaction && i.Action != timeline.LogCompaction && at >= i.Time {
			return "", fmt.Errorf("as of %s: Time travel's timestamp must be earlier than the first incomplete commit timestamp, %s: %w", at, i.Time, base.ErrInvalid)
		}
	}
	kept, err := retained(ctx, tl)
	if err != nil {
		return "", err
	}
	if at < kept {
		return "", fmt.Errorf("as of %s: Cleaner cleaned up the timestamp of interest, files are kept from %s on: %w", at, kept, base.ErrCleaned)
	}
	return at, nil
}

// retained is the earliest instant that the last clean kept whole, "" without a clean.
func retained(ctx context.Context, tl *timeline.Timeline) (string, error) {
	all := tl.Completed()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Action != timeline.Clean {
			continue
		}
		meta, err := tl.CleanMetadata(ctx, all[i].Time)
		if err != nil {
			return "", err
		}
		if meta.EarliestCommitToRetain != "" {
			return meta.EarliestCommitToRetain, nil
		}
		if first := tl.CompletedWrites(); len(first) > 0 {
			return first[0].Time, nil // keeping versions: nothing is whole before
		}
	}
	return "", nil
}

// shape resolves schema, columns and condition, and sets the reader up.
func (p *Plan) shape(ctx context.Context, o Options, past bool) error {
	c, tl := p.source.Config, p.source.Timeline
	var rows *schema.Schema
	var err error
	if past {
		rows, err = c.RecordSchemaAt(ctx, tl, p.Instant)
	}
	if !past || errors.Is(err, table.ErrNoSchema) { // before the first write: no rows, of the columns that came
		rows, err = c.RecordSchema(ctx, tl)
	}
	if err != nil {
		return err
	}
	at := ""
	if past {
		at = p.Instant
	}
	if err := p.bind(ctx, o, rows, at); err != nil {
		return err
	}
	if last, ok := tl.LastCompletedWrite(); ok && at == "" {
		p.asked.at = last.Time // "now" as it is now
	}
	return nil
}

// bind sets columns, condition and reader up for rows of a schema.
func (p *Plan) bind(ctx context.Context, o Options, rows *schema.Schema, at string) error {
	c := p.source.Config
	p.asked.options, p.asked.rows, p.asked.at = o, rows, at
	var err error
	full := rows
	if c.MetaFields {
		full = rows.WithMeta()
	}
	p.Schema = rows
	if o.Meta {
		p.Schema = full
	}
	if len(o.Columns) > 0 {
		if p.Schema, err = full.Project(o.Columns); err != nil {
			return err
		}
	}
	p.columns = p.Schema
	if o.Where != "" {
		e, err := expr.Parse(o.Where)
		if err != nil {
			return err
		}
		if p.where, err = expr.Bind(e, full); err != nil {
			return err
		}
		if p.columns, err = withColumns(full, p.Schema, p.where.Columns()); err != nil {
			return err
		}
	}
	p.reader = &fileslice.Reader{
		Store: p.source.Store, Alloc: p.source.Alloc, Table: full, MetaFields: c.MetaFields,
		LogMemory: p.source.Memory / int64(max(1, p.source.Parallel)) / 2,
	}
	if c.DropPartitionColumns {
		p.reader.Folders = c.FolderValues
	}
	// Rules that this library cannot follow are no hindrance where nothing is merged.
	if p.reader.Rules, err = merge.RulesOf(c); errors.Is(err, base.ErrUnsupported) {
		p.reader.NoRules, err = err, nil
	}
	if err != nil {
		return err
	}
	if !c.MetaFields { // keys that cannot be made are no hindrance either
		if p.reader.Keys, err = keygen.NewKeys(c, rows); errors.Is(err, base.ErrUnsupported) {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	p.reader.History, err = c.History(ctx, p.source.Store, p.source.Timeline, at)
	return err
}

// withColumns adds to the wanted columns those that a condition looks at. A field of a
// record is read with the whole record.
func withColumns(full, wanted *schema.Schema, more []string) (*schema.Schema, error) {
	var names []string
	have := map[string]bool{}
	for _, f := range wanted.Fields() {
		names = append(names, f.Name)
		have[f.Name] = true
	}
	for _, name := range more {
		top, _, _ := strings.Cut(name, ".")
		if _, _, ok := full.Field(name); ok {
			top = name
		}
		if !have[top] {
			have[top] = true
			names = append(names, top)
		}
	}
	return full.Project(names)
}
