package query

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// The columns of the CDC view. before and after are rows of the table, or null.
const (
	colOp     = "op" // i, u or d
	colTime   = "ts" // the instant of the write
	colBefore = "before"
	colAfter  = "after"
)

// changes is what one write did to one file group.
type changes struct {
	instant string
	kind    changeKind
	// logs are the change logs of the write, for logged.
	logs []string
	// before and after are the group's slices before and after the write, as far as they are
	// needed; the files of the write alone for created.
	before, after table.FileSlice
	// written are the log files of the write, for compared.
	written []table.LogFile
}

// changeKind is how the changes become known (docs/format/queries.md, change data).
type changeKind uint8

const (
	logged   changeKind = iota // the write left a change log
	created                    // all rows of the base file are new
	emptied                    // all rows are gone
	compared                   // each key in the new log files is compared with the slice before
)

// planChanges plans the changes that the writes of a range have made, in the order of the writes.
func (p *Plan) planChanges(ctx context.Context, o Options) error {
	c := p.source.Config
	switch {
	case o.AsOf != "":
		return fmt.Errorf("as-of belongs to the snapshot view; a cdc query ends at --end: %w", base.ErrInvalid)
	case !c.CDC:
		return fmt.Errorf("the table logs no changes (hoodie.table.cdc.enabled is false), the incremental view has the rows that were written: %w", base.ErrInvalid)
	case !c.MetaFields:
		return fmt.Errorf("cdc queries are not supported when meta fields are disabled: the rows have no keys to compare: %w", base.ErrInvalid)
	}
	writes, err := p.writesIn(ctx, o.Begin, o.End)
	if err != nil {
		return err
	}
	for _, w := range writes {
		p.Instant = max(p.Instant, w.Time)
	}
	if err := p.shapeChanges(ctx, o); err != nil {
		return err
	}
	slices.SortStableFunc(writes, func(a, b write) int { return cmp.Compare(p.when(a.Instant), p.when(b.Instant)) })
	files, done, err := p.list(ctx)
	if err != nil {
		return err
	}
	defer done()
	view := table.NewView(c, p.source.Timeline, files)
	if p.reader.Valid, err = view.Committed(ctx); err != nil {
		return err
	}
	pl := &changePlanner{plan: p, view: view, files: files, seen: map[seenKey]map[string]table.FileSlice{}}
	for _, w := range writes {
		if err := pl.add(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// shapeChanges sets the schemas and the condition up.
func (p *Plan) shapeChanges(ctx context.Context, o Options) error {
	if err := p.shape(ctx, Options{Meta: o.Meta}, false); err != nil {
		return err
	}
	return p.bindChanges(o)
}

// bindChanges makes the columns of the view out of those of the table, and binds columns and
// condition to them.
func (p *Plan) bindChanges(o Options) error {
	if p.reader.History != nil {
		return fmt.Errorf("cdc queries of a table whose columns were renamed or dropped (schema-on-read): %w", base.ErrUnsupported)
	}
	p.asked.options = o
	p.image = p.Schema
	text, row := &schema.Type{Kind: schema.String}, *p.image.Record()
	row.Nullable = true
	null := json.RawMessage("null")
	all, err := schema.New(&schema.Type{Kind: schema.Record, Name: "change", Fields: []schema.Field{
		{Name: colOp, Type: text}, {Name: colTime, Type: text},
		{Name: colBefore, Type: &row, Default: null}, {Name: colAfter, Type: &row, Default: null},
	}})
	if err != nil {
		return err
	}
	p.Schema, p.columns = all, all
	if len(o.Columns) > 0 {
		if p.Schema, err = all.Project(o.Columns); err != nil {
			return err
		}
	}
	if o.Where != "" {
		e, err := expr.Parse(o.Where)
		if err != nil {
			return err
		}
		if p.where, err = expr.Bind(e, all); err != nil {
			return err
		}
	}
	return nil
}

// changePlanner makes the tasks of a CDC query.
type changePlanner struct {
	plan  *Plan
	view  *table.View
	files *listed
	seen  map[seenKey]map[string]table.FileSlice // slices by file id
}

type seenKey struct{ partition, at string }

// add plans a write: first the file groups that it replaced, then those that it wrote.
func (pl *changePlanner) add(ctx context.Context, w write) error {
	clear(pl.seen) // other writes ask for other times
	switch w.Commit.OperationType {
	case timeline.OpCluster, timeline.OpCompact, timeline.OpLogCompact, timeline.OpIndex, timeline.OpAlterSchema:
		return nil // the same rows in other files
	}
	for _, partition := range slices.Sorted(maps.Keys(w.Commit.PartitionToReplaceFileIDs)) {
		for _, id := range slices.Sorted(slices.Values(w.Commit.PartitionToReplaceFileIDs[partition])) {
			before, ok, err := pl.slice(ctx, table.GroupID{Partition: partition, FileID: id}, justBefore(w.Time))
			if err != nil {
				return err
			}
			if !ok {
				return removedErr(w.Time, partition, id)
			}
			pl.task(&changes{instant: w.Time, kind: emptied, before: before})
		}
	}
	groups := map[table.GroupID][]*timeline.WriteStat{}
	for _, s := range w.Commit.Stats() {
		if s.Path != "" {
			id := table.GroupID{Partition: s.PartitionPath, FileID: s.FileID}
			groups[id] = append(groups[id], s)
		}
	}
	byName := func(a, b table.GroupID) int {
		return cmp.Or(strings.Compare(a.Partition, b.Partition), strings.Compare(a.FileID, b.FileID))
	}
	for _, id := range slices.SortedFunc(maps.Keys(groups), byName) {
		if err := pl.group(ctx, w.Time, id, groups[id]); err != nil {
			return err
		}
	}
	return nil
}

func (pl *changePlanner) task(c *changes) {
	pl.plan.Tasks = append(pl.plan.Tasks, Task{Slice: c.after, changes: c})
}

// group plans what a write did to one file group.
func (pl *changePlanner) group(ctx context.Context, instant string, id table.GroupID, stats []*timeline.WriteStat) error {
	c := &changes{instant: instant}
	var file *timeline.WriteStat // the base file
	for _, s := range stats {
		for _, path := range slices.Sorted(maps.Keys(s.CDCStats)) {
			at, err := base.CleanRelative(path)
			if err != nil {
				return err
			}
			c.logs = append(c.logs, at)
		}
		if !s.IsLog() {
			file = s
		}
	}
	// Rows of a new group that are marked as deleted are counted, and are nowhere.
	inserts := file != nil && file.NumUpdateWrites == 0 && file.NumWrites == file.NumInserts &&
		(file.NumDeletes == 0 || file.PrevCommit == timeline.NoPrevCommit)
	switch {
	case len(c.logs) > 0:
		c.kind = logged
	case file == nil:
		c.kind = compared
	case inserts:
		c.kind = created
	case file.NumWrites == 0 && file.NumDeletes > 0:
		c.kind = emptied
	default:
		return fmt.Errorf("write %s of file group %s in partition %q left no change log (there should be a .cdc file): its writer does not know of hoodie.table.cdc.enabled: %w",
			instant, id.FileID, id.Partition, base.ErrCorrupt)
	}
	var err error
	if file != nil && c.kind != emptied {
		f, err := pl.files.baseFile(ctx, file)
		if err != nil {
			return err
		}
		c.after = table.FileSlice{Partition: id.Partition, FileID: id.FileID, BaseInstant: f.Instant, Base: f}
	}
	// The complete change log says everything.
	if c.kind == created || c.kind == logged && pl.plan.source.Config.CDCMode == table.CDCBeforeAfter {
		pl.task(c)
		return nil
	}
	var found bool
	if c.before, found, err = pl.slice(ctx, id, justBefore(instant)); err != nil {
		return err
	}
	if file != nil && file.PrevCommit != timeline.NoPrevCommit && (!found || c.before.Base != nil && c.before.Base.Instant != file.PrevCommit) {
		return removedErr(instant, id.Partition, id.FileID)
	}
	if file == nil {
		if err := pl.compare(ctx, c, id, stats); err != nil {
			return err
		}
	}
	pl.task(c)
	return nil
}

// compare completes the plan of a write that made log files and no change log.
func (pl *changePlanner) compare(ctx context.Context, c *changes, id table.GroupID, stats []*timeline.WriteStat) error {
	for _, s := range stats {
		names := append([]string{s.BaseFile}, s.LogFiles...)
		for _, name := range names {
			if name == "" || strings.HasSuffix(name, base.CDCSuffix) {
				continue
			}
			_, err := pl.files.find(ctx, base.Join(id.Partition, name))
			if errors.Is(err, fs.ErrNotExist) {
				return removedErr(c.instant, id.Partition, id.FileID)
			}
			if err != nil {
				return err
			}
		}
	}
	var found bool
	var err error
	if c.after, found, err = pl.slice(ctx, id, c.instant); err != nil {
		return err
	}
	if !found {
		return removedErr(c.instant, id.Partition, id.FileID)
	}
	for _, s := range stats {
		i := slices.IndexFunc(c.after.Logs, func(l table.LogFile) bool { return l.Path == s.Path })
		if i < 0 {
			return removedErr(c.instant, id.Partition, id.FileID)
		}
		c.written = append(c.written, c.after.Logs[i])
	}
	return nil
}

// slice is a file group as readers see it as of a time.
func (pl *changePlanner) slice(ctx context.Context, id table.GroupID, at string) (table.FileSlice, bool, error) {
	key := seenKey{id.Partition, at}
	if pl.seen[key] == nil {
		visible, err := pl.view.SlicesAt(ctx, id.Partition, at)
		if err != nil {
			return table.FileSlice{}, false, err
		}
		byID := map[string]table.FileSlice{}
		for _, s := range visible {
			byID[s.FileID] = s
		}
		pl.seen[key] = byID
	}
	s, ok := pl.seen[key][id.FileID]
	return s, ok, nil
}

// justBefore is a time that lies behind all instants before the given one, and before it.
func justBefore(instant string) string {
	last := len(instant) - 1
	return instant[:last] + string(rune(instant[last]-1)) + "~"
}

func removedErr(instant, partition, fileID string) error {
	return fmt.Errorf("cdc: files of file group %s in partition %q before write %s were removed by the cleaner; begin the range later, or keep more commits: %w",
		fileID, partition, instant, base.ErrCleaned)
}
