package cow

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/merge"
)

const (
	// keptBytes is the compressed size from which on a row group with few rows is kept.
	keptBytes = basefile.DefaultRowGroupBytes / 32
	// heldBytes is how many rows of a row group are held to find out which of its columns have
	// changed. Other engines make larger ones; those are made anew.
	heldBytes = 2 * basefile.DefaultRowGroupBytes
	// nameRows is how often the file's name is in memory.
	nameRows = merge.BatchRows
)

// rewrite writes the rows of a base file into the next one of its group, with changes merged
// in. What the changes leave as it is, is copied in its encoded form: whole row groups, and in
// others the columns of which no value changes. Only the column of the file's name is new
// everywhere.
type rewrite struct {
	w       *Writer
	f       *file
	old     *basefile.Reader
	changes *merge.Reducer
	entries []int32 // of the changes that may be in the file; none if the rows stay as they are
	copies  []bool  // columns that can be copied
	stats   merge.Stats
}

// small tells whether a row group is put together with its neighbours instead of kept: each
// write adds one for its inserts.
func (x *rewrite) small(g *basefile.RowGroup) bool {
	return g.Rows < int64(cmp.Or(x.w.RowGroupRows, basefile.DefaultRowGroupRows)/4) && g.Bytes < keptBytes
}

func (x *rewrite) run(ctx context.Context) (merge.Stats, error) {
	if x.copies = x.f.rows.Copies(x.old); x.copies != nil && x.f.nameAt >= 0 {
		x.copies[x.f.nameAt] = false
	}
	groups := slices.DeleteFunc(slices.Clone(x.old.RowGroups()), func(g basefile.RowGroup) bool { return g.Rows == 0 })
	changed, err := x.changed(ctx, groups)
	for i := 0; i < len(groups) && err == nil; {
		if !changed[i] {
			err = x.keep(ctx, &groups[i])
			i++
			continue
		}
		from := i
		for i < len(groups) && changed[i] {
			i++
		}
		err = x.merge(ctx, groups[from:i])
	}
	return x.stats, err
}

// changed tells which row groups have to be read.
func (x *rewrite) changed(ctx context.Context, groups []basefile.RowGroup) ([]bool, error) {
	out := make([]bool, len(groups))
	const rowsAChange = 16 // with more changes nearly every row group has some
	if x.copies == nil || rowsAChange*int64(len(x.entries)) > x.old.Rows() {
		for i := range out {
			out[i] = true
		}
		return out, nil
	}
	keys := make([][]byte, len(x.entries))
	for i, e := range x.entries {
		keys[i] = x.changes.Key(int(e))
	}
	wanted := basefile.NewKeySet(keys)
	anew := x.anew()
	for i := range groups {
		g := &groups[i]
		if x.small(g) || g.UncompressedBytes(anew) > heldBytes {
			out[i] = true
			continue
		}
		n := len(keys)
		if x.w.Keys.Made == nil { // made keys have no statistics
			n = wanted.Count(g)
		}
		out[i] = n > 0
		if few := 2*n <= len(groups); n > 0 && few { // so few that it may well have none of them
			var err error
			if out[i], err = x.hasKeys(ctx, g); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// hasKeys reads the keys of a row group to see whether one is to be changed.
func (x *rewrite) hasKeys(ctx context.Context, g *basefile.RowGroup) (bool, error) {
	columns, err := x.w.Schema.Project(x.w.Keys.Columns())
	if err != nil {
		return false, err
	}
	for batch, err := range x.old.Read(ctx, basefile.ReadOptions{Schema: columns, Keep: only(g)}) {
		if err != nil {
			return false, err
		}
		found, err := x.anyChanged(batch)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// anyChanged tells whether a row of a batch is to be changed.
func (x *rewrite) anyChanged(batch arrow.RecordBatch) (bool, error) {
	keys, err := x.w.Keys.Of(batch, x.w.Alloc)
	if err != nil {
		return false, err
	}
	defer keys.Release()
	for i := range keys.Len() {
		if x.changes.Find(keys.Value(i)) >= 0 {
			return true, nil
		}
	}
	return false, nil
}

// only keeps some neighbouring row groups.
func only(groups ...*basefile.RowGroup) func(basefile.Statistics) bool {
	first, last := groups[0].First, groups[len(groups)-1].First
	return func(s basefile.Statistics) bool {
		g, ok := s.(*basefile.RowGroup)
		return ok && g.First >= first && g.First <= last
	}
}

// keep copies a row group. Columns that the old file has in another form, or not at all, are
// read and made anew.
func (x *rewrite) keep(ctx context.Context, g *basefile.RowGroup) error {
	columns := make([][]arrow.Array, len(x.copies))
	defer release(columns)
	if names := x.anew(); len(names) > 0 {
		s, err := x.w.Schema.Project(names)
		if err != nil {
			return err
		}
		for batch, err := range x.old.Read(ctx, basefile.ReadOptions{Schema: s, Keep: only(g), Parallel: x.w.Parallel}) {
			if err != nil {
				return err
			}
			for k, name := range names {
				_, at, _ := x.w.Schema.Field(name)
				batch.Column(k).Retain()
				columns[at] = append(columns[at], batch.Column(k))
			}
		}
	}
	return x.copyGroup(ctx, g, columns)
}

// anew are the columns that are read and encoded even if nothing in them changes.
func (x *rewrite) anew() (names []string) {
	for i, f := range x.w.Schema.Fields() {
		if !x.copies[i] && i != x.f.nameAt {
			names = append(names, f.Name)
		}
	}
	return names
}

// copyGroup hands a row group on, with the name of the file added to the columns that are new.
func (x *rewrite) copyGroup(ctx context.Context, g *basefile.RowGroup, columns [][]arrow.Array) error {
	if x.f.nameAt >= 0 {
		for left := g.Rows; left > 0; left -= nameRows {
			columns[x.f.nameAt] = append(columns[x.f.nameAt], x.f.names(min(left, nameRows)))
		}
	}
	if err := x.f.rows.CopyGroup(ctx, x.old, g, columns); err != nil {
		return fmt.Errorf("cow: write %s: %w", x.f.stat.Path, err)
	}
	return nil
}

func release(columns [][]arrow.Array) {
	for _, pieces := range columns {
		for _, p := range pieces {
			p.Release()
		}
	}
}

// merge reads neighbouring row groups and merges the changes in.
func (x *rewrite) merge(ctx context.Context, groups []basefile.RowGroup) error {
	g := &mergedGroup{x: x}
	defer func() { g.drop() }()
	options := basefile.ReadOptions{
		Schema: x.w.Schema, BatchRows: merge.BatchRows, Parallel: x.w.Parallel, Keep: only(&groups[0], &groups[len(groups)-1]),
	}
	for batch, err := range x.old.Read(ctx, options) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if g.of == nil || g.read == g.of.Rows {
			g.begin(&groups[0])
			groups = groups[1:]
		}
		merged := batch
		if len(x.entries) > 0 {
			if merged, err = x.mergeBatch(batch); err != nil {
				return err
			}
		} else {
			merged.Retain()
		}
		if err := g.add(ctx, batch, merged); err != nil {
			return err
		}
	}
	return nil
}

// mergeBatch merges the changes into rows of the old file, and logs what they change. The
// caller releases the result.
func (x *rewrite) mergeBatch(batch arrow.RecordBatch) (arrow.RecordBatch, error) {
	keys, err := x.w.Keys.Of(batch, x.w.Alloc)
	if err != nil {
		return nil, err
	}
	defer keys.Release()
	var note func(before, after int)
	var changes []change
	if x.f.log != nil {
		note = func(before, after int) { changes = append(changes, change{before, after}) }
	}
	merged, stats, err := x.changes.MergeBaseNoting(batch, keys, note)
	if err != nil {
		return nil, err
	}
	x.stats.Add(stats)
	if err := x.f.log.merged(batch, merged, keys, changes); err != nil {
		merged.Release()
		return nil, fmt.Errorf("%s: %w", x.f.log.path, err)
	}
	return merged, nil
}

// mergedGroup are the merged rows of a row group as far as they are read.
type mergedGroup struct {
	x       *rewrite
	of      *basefile.RowGroup
	read    int64               // rows of the old group
	held    []arrow.RecordBatch // merged
	bytes   int64
	changed []bool // columns with other values than in the old group
	anew    bool   // the group is written without holding it any longer
}

func (g *mergedGroup) begin(of *basefile.RowGroup) {
	*g = mergedGroup{x: g.x, of: of, changed: make([]bool, len(g.x.copies))}
	g.anew = g.x.copies == nil || g.x.small(of)
}

// add takes over the next rows of the group, as they were and as they are now.
func (g *mergedGroup) add(ctx context.Context, old, merged arrow.RecordBatch) error {
	g.read += old.NumRows()
	g.held = append(g.held, merged)
	if !g.anew {
		g.anew = merged.NumRows() != old.NumRows()
		for i, c := range merged.Columns() {
			if c != old.Column(i) {
				g.changed[i] = true
			}
			g.bytes += int64(c.Data().SizeInBytes())
		}
		g.anew = g.anew || g.bytes > heldBytes
	}
	switch {
	case g.anew:
		return g.writeAnew()
	case g.read == g.of.Rows:
		return g.copy(ctx)
	}
	return nil
}

func (g *mergedGroup) writeAnew() error {
	for _, b := range g.held {
		if err := g.x.f.write(b, g.x.f.rows.WriteKnown); err != nil {
			return err
		}
	}
	g.drop()
	return nil
}

// copy writes the group with those of its columns copied that are still the same.
func (g *mergedGroup) copy(ctx context.Context) error {
	columns := make([][]arrow.Array, len(g.changed))
	defer release(columns)
	for i := range columns {
		if i == g.x.f.nameAt || g.x.copies[i] && !g.changed[i] {
			continue
		}
		for _, b := range g.held {
			b.Column(i).Retain()
			columns[i] = append(columns[i], b.Column(i))
		}
	}
	g.drop()
	return g.x.copyGroup(ctx, g.of, columns)
}

func (g *mergedGroup) drop() {
	for _, b := range g.held {
		b.Release()
	}
	g.held = nil
}
