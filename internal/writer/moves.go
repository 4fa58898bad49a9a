package writer

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// routes say where the changes of a write go whose keys were looked for in all partitions. A row
// that is in another partition than the change of it moves there if the change wins: it is
// deleted where it is, without an ordering value, and what the two are merged to is new where it
// comes. A delete goes to where the row is (docs/format/indexes.md).
type routes struct {
	*write
	all    *stage
	groups []index.Group
	into   []route // by group
	path   int     // the column of the partitions that rows came with
	fresh  byPartition
	merged map[string]*stage // rows that were merged before they move, by partition
}

// route is what goes into a file group.
type route struct {
	stays  []int32 // changes of its partition's rows, and deletes
	comes  []int32 // changes that have another partition, and are written to this one
	gone   []int32 // entries whose rows leave
	movers []int32 // entries whose rows leave if the change wins
}

// byPartition are entries by partition, in the order in which the partitions were met.
type byPartition struct {
	paths   []string
	entries map[string][]int32
}

func (b *byPartition) add(path string, e int32) {
	if b.entries == nil {
		b.entries = map[string][]int32{}
	}
	if _, ok := b.entries[path]; !ok {
		b.paths = append(b.paths, path)
	}
	b.entries[path] = append(b.entries[path], e)
}

// route makes the jobs of a stage that has the changes to all partitions.
func (w *write) route(ctx context.Context, all *stage, located *index.Located, clustering map[table.GroupID]string) ([]*job, error) {
	_, path, _ := w.full.Field(schema.MetaPartitionPath)
	r := &routes{write: w, all: all, groups: located.Groups, into: make([]route, len(located.Groups)), path: path, merged: map[string]*stage{}}
	if err := r.sort(located); err != nil {
		return nil, err
	}
	if err := r.move(ctx); err != nil {
		return nil, err
	}
	var jobs []*job
	for g := range r.into {
		j, err := r.job(g)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	jobs = worthwhile(jobs)
	var err error
	for _, path := range r.fresh.paths {
		if jobs, err = w.placeInserts(ctx, all, path, jobs, r.fresh.entries[path], clustering); err != nil {
			return nil, err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.merged)) {
		s := r.merged[path]
		if jobs, err = w.placeInserts(ctx, s, path, jobs, entriesOf(s.changes), clustering); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// sort says where each entry goes, as far as its row does not have to be asked.
func (r *routes) sort(located *index.Located) error {
	also := map[int32][]int32{}
	for _, p := range located.Also {
		also[p.Entry] = append(also[p.Entry], p.Group)
	}
	var places []int32
	for e, at := range located.Of {
		places = places[:0]
		if at >= 0 {
			places = append(append(places, at), also[int32(e)]...)
		}
		if err := r.place(int32(e), places); err != nil {
			return err
		}
	}
	return nil
}

// place says where an entry goes whose key some groups have: as a rule one, or none.
func (r *routes) place(e int32, groups []int32) error {
	if r.all.changes.IsDelete(int(e)) {
		for _, g := range groups {
			r.into[g].stays = append(r.into[g].stays, e)
		}
		return nil
	}
	own, err := r.partition(e)
	if err != nil {
		return err
	}
	settled := false
	for _, g := range groups {
		settled = settled || r.groups[g].Partition == own
	}
	if len(groups) == 0 {
		r.fresh.add(own, e)
	}
	for _, g := range groups {
		to := &r.into[g]
		switch {
		case r.groups[g].Partition == own:
			to.stays = append(to.stays, e)
		case r.options.Stay:
			to.comes = append(to.comes, e)
		case settled: // another row of the key, of which there must be one
			to.gone = append(to.gone, e)
		default:
			to.movers = append(to.movers, e)
			settled = true
		}
	}
	return nil
}

// partition is the one that the rows of an entry came with.
func (r *routes) partition(e int32) (string, error) {
	batch, row := r.all.changes.Row(int(e))
	paths, ok := batch.Column(r.path).(*array.String)
	if !ok {
		return "", fmt.Errorf("column %s is %s: %w", schema.MetaPartitionPath, batch.Column(r.path).DataType(), base.ErrCorrupt)
	}
	return paths.Value(row), nil
}

// move decides about the entries whose rows are in another partition.
func (r *routes) move(ctx context.Context) error {
	for g := range r.into {
		to := &r.into[g]
		if r.rules.Mode == merge.CommitTime && r.rules.Partial == merge.Whole { // the later change wins
			to.gone = append(to.gone, to.movers...)
			for _, e := range to.movers {
				if err := r.freshAs(e); err != nil {
					return err
				}
			}
			to.movers = nil
		}
	}
	stored, err := r.stored(ctx)
	if err != nil {
		return err
	}
	results := make([]*moved, len(r.into))
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for g := range r.into {
		if len(r.into[g].movers) > 0 {
			work.Go(func() (err error) {
				results[g], err = r.compare(wctx, stored, g)
				return err
			})
		}
	}
	defer func() {
		for _, m := range results {
			m.release()
		}
	}()
	if err := work.Wait(); err != nil {
		return err
	}
	for g, m := range results {
		if m == nil {
			continue
		}
		if err := r.apply(g, m); err != nil {
			return fmt.Errorf("rows that leave file group %s in partition %q: %w", r.groups[g].FileID, r.groups[g].Partition, err)
		}
	}
	return nil
}

func (r *routes) freshAs(e int32) error {
	own, err := r.partition(e)
	if err == nil {
		r.fresh.add(own, e)
	}
	return err
}

// moved is what became of the movers of a group.
type moved struct {
	wins   []int32             // their rows leave
	met    map[int32]bool      // have a row in the group
	merged []arrow.RecordBatch // rows that the stored ones and the changes make together
	of     [][]int32           // their entries
}

func (m *moved) release() {
	if m == nil {
		return
	}
	for _, b := range m.merged {
		b.Release()
	}
}

// compare reads the stored rows of a group's movers.
func (r *routes) compare(ctx context.Context, stored *fileslice.Reader, g int) (*moved, error) {
	m := &moved{met: map[int32]bool{}}
	moves := make(map[int32]bool, len(r.into[g].movers))
	keys := make([][]byte, 0, len(r.into[g].movers))
	for _, e := range r.into[g].movers {
		moves[e] = true
		keys = append(keys, r.all.changes.Key(int(e)))
	}
	columns := r.full
	if r.rules.Partial == merge.Whole {
		var err error
		if columns, err = r.full.Project(append([]string{schema.MetaRecordKey}, r.rules.Ordering...)); err != nil {
			return nil, err
		}
	}
	q := fileslice.Request{
		Slice: r.groups[g].FileSlice, Columns: columns,
		Keep: basefile.NewKeySet(keys).MayBeIn, PageColumns: []string{schema.MetaRecordKey},
	}
	for batch, err := range stored.Read(ctx, q) {
		if err == nil {
			err = r.compareRows(batch, moves, m)
		}
		if err != nil {
			m.release()
			return nil, err
		}
	}
	return m, nil
}

func (r *routes) compareRows(batch arrow.RecordBatch, moves map[int32]bool, m *moved) error {
	keys, err := r.rowKeys.Of(batch, r.options.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	order, err := r.rules.OrderingOf(batch)
	if err != nil {
		return err
	}
	var picks []merge.Pick
	var entries []int32
	for row := range keys.Len() {
		e := r.all.changes.Find(keys.Value(row))
		if e < 0 || !moves[int32(e)] {
			continue
		}
		m.met[int32(e)] = true
		switch {
		case r.rules.Partial != merge.Whole:
			picks, entries = append(picks, merge.Pick{Row: int32(row)}), append(entries, int32(e))
		case r.all.changes.Wins(e, order(row)):
			m.wins = append(m.wins, int32(e))
		}
	}
	if len(picks) == 0 {
		return nil
	}
	rows, err := merge.TakeRows(r.options.Alloc, batch, picks)
	if err != nil {
		return err
	}
	defer rows.Release()
	picked, err := r.rowKeys.Of(rows, r.options.Alloc)
	if err != nil {
		return err
	}
	defer picked.Release()
	merged, _, err := r.all.changes.MergeBase(rows, picked)
	if err != nil {
		return err
	}
	m.merged, m.of = append(m.merged, merged), append(m.of, entries)
	return nil
}

// apply sends the movers of a group where they go. One that loses against the stored row changes
// nothing.
func (r *routes) apply(g int, m *moved) error {
	to := &r.into[g]
	for _, e := range to.movers {
		if !m.met[e] {
			if err := r.freshAs(e); err != nil {
				return err
			}
		}
	}
	to.gone = append(to.gone, m.wins...)
	for _, e := range m.wins {
		if err := r.freshAs(e); err != nil {
			return err
		}
	}
	_, time, _ := r.full.Field(schema.MetaCommitTime)
	for i, batch := range m.merged {
		p, err := r.keys.Partitions(batch)
		if err != nil {
			return err
		}
		leave := map[string][]merge.Pick{}
		for row, e := range m.of[i] {
			path := p.Paths[0]
			if p.Of != nil {
				path = p.Paths[p.Of[row]]
			}
			// A stored row that has won stays, whatever its columns say: it may have stayed before.
			if times, ok := batch.Column(time).(*array.String); path == r.groups[g].Partition || ok && times.Value(row) != r.txn.Instant {
				to.comes = append(to.comes, e)
				continue
			}
			to.gone = append(to.gone, e)
			leave[path] = append(leave[path], merge.Pick{Row: int32(row)})
		}
		for path, picks := range leave {
			if err := r.addMerged(path, batch, picks); err != nil {
				return err
			}
		}
	}
	return nil
}

// addMerged adds merged rows to those that are new in a partition.
func (r *routes) addMerged(path string, batch arrow.RecordBatch, picks []merge.Pick) error {
	rows, err := merge.TakeRows(r.options.Alloc, batch, picks)
	if err != nil {
		return err
	}
	defer rows.Release()
	s := r.merged[path]
	if s == nil {
		s = r.newStage(path)
		r.merged[path] = s
	}
	return r.placeRows(s, rows)
}

// placeRows adds rows with all their columns to the stage of a partition.
func (r *routes) placeRows(s *stage, rows arrow.RecordBatch) error {
	path := r.constant(s.partition, int(rows.NumRows()))
	defer path.Release()
	columns := append([]arrow.Array(nil), rows.Columns()...)
	columns[r.path] = path
	placed := array.NewRecordBatch(rows.Schema(), columns, rows.NumRows())
	defer placed.Release()
	return r.addStored(placed, s.changes)
}

// job is the work on a group. What goes into a group that rows leave, or that rows of another
// partition come to, has a stage of its own.
func (r *routes) job(g int) (*job, error) {
	to := r.into[g]
	if len(to.comes)+len(to.gone) == 0 {
		j := newJob(r.all, r.groups[g])
		j.updates = to.stays
		return j, nil
	}
	s := r.newStage(r.groups[g].Partition)
	var live []int32
	for _, e := range to.stays {
		if r.all.changes.IsDelete(int(e)) {
			s.changes.AddDelete(string(r.all.changes.Key(int(e))), r.all.changes.Ordering(int(e)))
		} else {
			live = append(live, e)
		}
	}
	for rows, err := range r.all.changes.TakeAll(append(live, to.comes...)) {
		if err == nil {
			err = r.placeRows(s, rows)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, e := range to.gone {
		s.changes.AddDelete(string(r.all.changes.Key(int(e))), merge.Value{})
	}
	j := newJob(s, r.groups[g])
	j.updates = entriesOf(s.changes)
	return j, nil
}

// entriesOf are all entries of a reducer.
func entriesOf(changes *merge.Reducer) []int32 {
	out := make([]int32, changes.Len())
	for i := range out {
		out[i] = int32(i)
	}
	return out
}
