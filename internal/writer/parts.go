package writer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// placeColumn is what rows have behind their own columns when they are divided by file groups: twice the number of
// their job, and one more if their key is new there.
const placeColumn = "place"

// divides tells whether more input than can be staged at a time is written in parts. Rows of the other kinds of writes
// depend on rows of other keys or partitions, or have no key yet.
func (w *write) divides() bool {
	o := w.options.Operation
	return w.excess == nil && (o == Upsert || o == Delete || o == Insert && !w.repeats()) && !w.global() && w.part == nil && !w.keys.Generated()
}

func (w *write) tooMuch(mend string) error {
	return fmt.Errorf("write to table %s: the input needs more than the %d MiB that staging may take: raise --memory%s: %w",
		w.table.Config.Name, w.options.Memory>>20, mend, base.ErrInvalid)
}

// moveOut moves the staged input to disk, where the rest of it is going to follow.
func (w *write) moveOut() error {
	if !w.divides() {
		return w.tooMuch(", write it in parts, or load it with bulk-insert, which streams")
	}
	var rows int64
	for _, batch := range w.kept {
		rows += batch.NumRows()
	}
	w.rowHeld = max(w.held()/max(rows, 1), 1)
	w.placed, w.opened = map[table.GroupID]int{}, map[string]table.GroupID{}
	excess := w.spill(w.kept[0].Schema())
	for _, batch := range w.kept {
		if err := excess.Append(batch); err != nil {
			return errors.Join(err, excess.Close())
		}
	}
	w.releaseStages()
	w.excess = excess
	return nil
}

// spill makes a spool whose batches are all on disk.
func (w *write) spill(schema *arrow.Schema) *mem.Spool {
	return mem.NewSpool(mem.NewBudget(0, w.options.SpillDir), schema, 0, w.options.Alloc)
}

// partRows is how many rows a part has: half of what may be staged, for they are not of one size.
func (w *write) partRows() int { return int(max(w.options.Memory/2/w.rowHeld, 1)) }

// division is the work of a write whose input is on disk. It is divided twice, for a part of it at a time is in memory:
// by keys, so that each key's rows come together and the key is located; then by file groups, each of which is written once.
type division struct {
	*write
	parts  int
	byKey  []*mem.Spool
	groups []*mem.Spool // with placeColumn
	schema *arrow.Schema

	jobs   []*job // without entries
	number map[table.GroupID]int32
	staged []stagedRows
}

type stagedRows struct {
	stage *stage
	rows  arrow.RecordBatch
}

// inParts writes what is in w.excess.
func (w *write) inParts(ctx context.Context) (stats []*timeline.WriteStat, err error) {
	d := &division{write: w, parts: int(w.excess.Rows())/w.partRows() + 1, number: map[table.GroupID]int32{}}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.divideByKey(ctx); err != nil {
		return nil, err
	}
	for _, part := range d.byKey {
		if err := d.divideByGroup(ctx, part); err != nil {
			return nil, err
		}
	}
	if err := w.start(ctx, d.jobs); err != nil {
		return nil, err
	}
	for _, part := range d.groups {
		jobs, err := d.assemble(ctx, part)
		if err != nil {
			return nil, err
		}
		done, err := w.perform(ctx, jobs)
		if err != nil {
			return nil, err
		}
		stats = append(stats, done...)
		w.releaseStages()
	}
	return stats, nil
}

func (d *division) close() error {
	d.drop()
	all := slices.Concat(d.byKey, d.groups, []*mem.Spool{d.excess})
	var errs []error
	for _, s := range all {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// drop gives up what is staged.
func (d *division) drop() {
	d.releaseStages()
	for _, s := range d.staged {
		s.rows.Release()
	}
	d.staged = nil
}

func (d *division) divideByKey(ctx context.Context) error {
	seed := maphash.MakeSeed()
	picks := make([][]merge.Pick, d.parts)
	for batch, err := range d.excess.All() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if d.byKey == nil {
			for range d.parts {
				d.byKey = append(d.byKey, d.spill(batch.Schema()))
			}
		}
		keys, err := d.recordKeys(batch)
		if err != nil {
			return err
		}
		for row := range keys.Len() {
			part := maphash.String(seed, keys.Value(row)) % uint64(d.parts)
			picks[part] = append(picks[part], merge.Pick{Row: int32(row)})
		}
		keys.Release()
		for part := range picks {
			if err := d.append(d.byKey[part], batch, picks[part], nil); err != nil {
				return err
			}
			picks[part] = picks[part][:0]
		}
	}
	return d.excess.Close()
}

// append puts some rows of a batch into a spool, with their places if there are any.
func (d *division) append(to *mem.Spool, batch arrow.RecordBatch, picks []merge.Pick, places []int32) error {
	if len(picks) == 0 {
		return nil
	}
	rows, err := merge.TakeRows(d.options.Alloc, batch, picks)
	if err != nil {
		return err
	}
	defer rows.Release()
	if places == nil {
		return to.Append(rows)
	}
	b := array.NewInt32Builder(d.options.Alloc)
	defer b.Release()
	b.AppendValues(places, nil)
	column := b.NewArray()
	defer column.Release()
	placed := array.NewRecordBatch(d.schema, append(slices.Clone(rows.Columns()), column), rows.NumRows())
	defer placed.Release()
	return to.Append(placed)
}

// divideByGroup locates the keys of a part, and puts its rows where the other parts' rows of the same file groups are. A
// row whose key several file groups have goes to each of them, one that changes nothing to none.
func (d *division) divideByGroup(ctx context.Context, part *mem.Spool) error {
	defer d.drop()
	byPath := map[string]*stage{}
	for batch, err := range part.All() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if d.groups == nil {
			d.schema = arrow.NewSchema(append(batch.Schema().Fields(), arrow.Field{Name: placeColumn, Type: arrow.PrimitiveTypes.Int32}), nil)
			for range d.parts {
				d.groups = append(d.groups, d.spill(d.schema))
			}
		}
		err := d.stageBatch(byPath, batch, func(s *stage, rows arrow.RecordBatch) error {
			rows.Retain()
			d.staged = append(d.staged, stagedRows{s, rows})
			return d.addRows(s, rows)
		})
		if err == nil && d.held() > d.options.Memory {
			err = d.tooMuch(", or write it in parts; too many of its rows have one key")
		}
		if err != nil {
			return err
		}
	}
	if err := part.Close(); err != nil {
		return err
	}
	jobs, err := d.planned(ctx)
	if err != nil {
		return err
	}
	places := d.places(jobs)
	for _, s := range d.staged {
		if err := d.distribute(s.rows, s.stage, places[s.stage]); err != nil {
			return err
		}
	}
	return nil
}

// places are those of the entries of each stage, in the write's jobs, to which those of a part are added.
func (d *division) places(jobs []*job) map[*stage][][]int32 {
	out := map[*stage][][]int32{}
	for _, s := range d.stages {
		out[s] = make([][]int32, s.changes.Len())
	}
	for _, j := range jobs {
		at := d.numberOf(j)
		of := out[j.stage]
		for kind, entries := range [2][]int32{j.updates, j.inserts} {
			for _, e := range entries {
				of[e] = append(of[e], at<<1|int32(kind))
			}
			d.jobs[at].further[kind] += int64(len(entries))
		}
	}
	return out
}

// numberOf is the number of a job among those of the write. Each part gives a new bucket another id, of which the first counts.
func (d *division) numberOf(j *job) int32 {
	id := j.id()
	if bucket, ok := base.BucketOf(id.FileID); ok && j.group.New && d.buckets != nil {
		id.FileID = fmt.Sprint(bucket)
	}
	at, ok := d.number[id]
	if !ok {
		at = int32(len(d.jobs))
		d.number[id] = at
		d.jobs = append(d.jobs, &job{group: j.group, top: j.top})
	}
	return at
}

func (d *division) distribute(rows arrow.RecordBatch, s *stage, of [][]int32) error {
	keys, err := d.recordKeys(rows)
	if err != nil {
		return err
	}
	defer keys.Release()
	picks, places := make([][]merge.Pick, d.parts), make([][]int32, d.parts)
	for row := range keys.Len() {
		for _, place := range of[s.changes.Find(keys.Value(row))] {
			part := int(place>>1) % d.parts
			picks[part] = append(picks[part], merge.Pick{Row: int32(row)})
			places[part] = append(places[part], place)
		}
	}
	for part := range picks {
		if err := d.append(d.groups[part], rows, picks[part], places[part]); err != nil {
			return err
		}
	}
	return nil
}

// assemble stages the rows of some file groups, and gives their jobs their entries.
func (d *division) assemble(ctx context.Context, part *mem.Spool) ([]*job, error) {
	byPath := map[string]*stage{}
	var jobs []*job
	byNumber := map[int32]*job{}
	for batch, err := range part.All() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		err := d.stageBatch(byPath, batch, func(s *stage, placed arrow.RecordBatch) error {
			last := int(placed.NumCols()) - 1
			rows := array.NewRecordBatch(d.byKeySchema(), placed.Columns()[:last], placed.NumRows())
			defer rows.Release()
			if err := d.addRows(s, rows); err != nil {
				return err
			}
			keys, err := d.recordKeys(rows)
			if err != nil {
				return err
			}
			defer keys.Release()
			places := placed.Column(last).(*array.Int32)
			for row := range keys.Len() {
				place := places.Value(row)
				j := byNumber[place>>1]
				if j == nil {
					of := d.jobs[place>>1]
					j = &job{stage: s, group: of.group, top: of.top}
					byNumber[place>>1] = j
					jobs = append(jobs, j)
				}
				entries := &j.updates
				if place&1 == 1 {
					entries = &j.inserts
				}
				*entries = append(*entries, int32(s.changes.Find(keys.Value(row))))
			}
			return nil
		})
		if err == nil && d.held() > 2*d.options.Memory {
			err = d.tooMuch(", or write it in parts; too many of its rows belong to one file group")
		}
		if err != nil {
			return nil, err
		}
	}
	for _, j := range jobs { // rows that share a key have one entry
		for _, entries := range []*[]int32{&j.updates, &j.inserts} {
			slices.Sort(*entries)
			*entries = slices.Compact(*entries)
		}
	}
	return jobs, part.Close()
}

// byKeySchema is that of incoming rows.
func (d *division) byKeySchema() *arrow.Schema {
	return arrow.NewSchema(d.schema.Fields()[:d.schema.NumFields()-1], nil)
}
