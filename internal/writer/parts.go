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

func (w *write) tooMuch(limit int64, mend string) error {
	return fmt.Errorf("write to table %s: the input needs more than the %d MiB that staging may take: raise --memory%s: %w",
		w.table.Config.Name, limit>>20, mend, base.ErrInvalid)
}

// moveOut moves the staged input to disk, where the rest of it is going to follow.
func (w *write) moveOut() error {
	if !w.divides() {
		return w.tooMuch(w.options.Memory, ", write it in parts, or load it with bulk-insert, which streams")
	}
	var rows, size int64
	for _, batch := range w.kept {
		rows += batch.NumRows()
		size += mem.BatchSize(batch)
	}
	w.excessBytes, w.rowMore = size, max(w.held()-size, 0)/max(rows, 1)
	w.placed, w.opened = map[table.GroupID]int{}, map[string]table.GroupID{}
	excess := w.spill(w.input.Schema.Arrow())
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

// maxParts bounds the files that are open, each of which has a buffer.
const maxParts = 256

// partRows is how many rows a part has: half of what may be staged, for they are not of one size.
func (w *write) partRows() int { return int(max(w.options.Memory/2/w.rowHeld, 1)) }

// division is the work of a write whose input is on disk. It is divided twice, for a part of it at a time is in memory:
// by keys, so that each key's rows come together and the key is located; then by file groups, each of which is written once.
type division struct {
	*write
	parts  int
	byKey  []*mem.Spool
	groups []*mem.Spool // with placeColumn

	incoming, placed *arrow.Schema // of rows, and of those with placeColumn

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
	w.rowHeld = max(w.excessBytes/w.excess.Rows()+w.rowMore, 1)
	d := &division{
		write: w, parts: min(int(w.excess.Rows())/w.partRows()+1, maxParts), number: map[table.GroupID]int32{}, incoming: w.input.Schema.Arrow(),
	}
	d.placed = arrow.NewSchema(append(d.incoming.Fields(), arrow.Field{Name: placeColumn, Type: arrow.PrimitiveTypes.Int32}), nil)
	d.byKey, d.groups = d.spools(d.incoming), d.spools(d.placed)
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
	o := &dealer{division: d, to: d.byKey}
	defer o.drop()
	for batch, err := range d.excess.All() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		keys, err := d.recordKeys(batch)
		if err != nil {
			return err
		}
		o.add(batch)
		for row := range keys.Len() {
			o.deal(int(maphash.String(seed, keys.Value(row))%uint64(d.parts)), row)
		}
		keys.Release()
		if o.rows >= d.partRows()/dealtPart {
			if err := o.flush(); err != nil {
				return err
			}
		}
	}
	if err := o.flush(); err != nil {
		return err
	}
	return d.excess.Close()
}

func (d *division) spools(schema *arrow.Schema) []*mem.Spool {
	out := make([]*mem.Spool, d.parts)
	for i := range out {
		out[i] = d.spill(schema)
	}
	return out
}

// dealtPart is the part of what a part has that is held to be dealt out: in batches of few rows, columns would weigh
// more than what is in them.
const dealtPart = 4

// dealer deals rows of batches out to spools.
type dealer struct {
	*division
	to     []*mem.Spool
	from   []arrow.RecordBatch
	rows   int
	picks  [][]merge.Pick
	places [][]int32 // the last column, if it is not in the batches
}

// add takes a reference to a batch, whose rows are dealt next.
func (o *dealer) add(batch arrow.RecordBatch) {
	batch.Retain()
	o.from = append(o.from, batch)
	o.rows += int(batch.NumRows())
	if o.picks == nil {
		o.picks, o.places = make([][]merge.Pick, o.parts), make([][]int32, o.parts)
	}
}

func (o *dealer) deal(part, row int) {
	o.picks[part] = append(o.picks[part], merge.Pick{Source: int32(len(o.from) - 1), Row: int32(row)})
}

// flush passes on what has been dealt.
func (o *dealer) flush() error {
	for part, picks := range o.picks {
		for at := 0; at < len(picks); at += merge.BatchRows {
			end := min(at+merge.BatchRows, len(picks))
			if err := o.pass(o.to[part], picks[at:end], o.places[part][min(at, len(o.places[part])):min(end, len(o.places[part]))]); err != nil {
				return err
			}
		}
	}
	o.drop()
	return nil
}

func (o *dealer) pass(to *mem.Spool, picks []merge.Pick, places []int32) error {
	rows, err := merge.Gather(o.options.Alloc, o.incoming, o.from, picks)
	if err != nil {
		return err
	}
	defer rows.Release()
	if len(places) == 0 {
		return to.Append(rows)
	}
	b := array.NewInt32Builder(o.options.Alloc)
	defer b.Release()
	b.AppendValues(places, nil)
	column := b.NewArray()
	defer column.Release()
	placed := array.NewRecordBatch(o.placed, append(slices.Clone(rows.Columns()), column), rows.NumRows())
	defer placed.Release()
	return to.Append(placed)
}

func (o *dealer) drop() {
	for _, batch := range o.from {
		batch.Release()
	}
	o.from, o.rows, o.picks, o.places = nil, 0, nil, nil
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
		err := d.stageBatch(byPath, batch, func(s *stage, rows arrow.RecordBatch) error {
			rows.Retain()
			d.staged = append(d.staged, stagedRows{s, rows})
			return d.addRows(s, rows)
		})
		if err == nil && d.held() > d.options.Memory {
			err = d.tooMuch(d.options.Memory, ", or write it in parts; too many of its rows have one key, or are far larger than others")
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
	o := &dealer{division: d, to: d.groups}
	defer o.drop()
	for _, s := range d.staged {
		o.add(s.rows)
		if err := o.distribute(s.stage, places[s.stage]); err != nil {
			return err
		}
	}
	return o.flush()
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

// distribute deals the rows of the last batch, which are a stage's, to the parts in which their file groups are.
func (o *dealer) distribute(s *stage, of [][]int32) error {
	keys, err := o.recordKeys(o.from[len(o.from)-1])
	if err != nil {
		return err
	}
	defer keys.Release()
	for row := range keys.Len() {
		for _, place := range of[s.changes.Find(keys.Value(row))] {
			part := int(place>>1) % o.parts
			o.deal(part, row)
			o.places[part] = append(o.places[part], place)
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
			rows := array.NewRecordBatch(d.incoming, placed.Columns()[:last], placed.NumRows())
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
		if limit := 2 * d.options.Memory; err == nil && d.held() > limit {
			err = d.tooMuch(limit, ", or write it in parts; too many of its rows belong to one file group")
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
