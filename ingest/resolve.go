package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// resolve fills in values that the source did not send because they did not change, where
// the table's own merging cannot: in columns that are neither text nor bytes, in tables that
// have no such merging (versions 6 and 8), and in rows whose key changed, as the value lies
// under the old key (moves.go). The value is taken from
// an older row of the batch, which may come behind in it if the keys are in different
// partitions, else from the table. What is found nowhere stays as it came.
func (s *sink) resolve(ctx context.Context, b *batch) error {
	b.to.Came, b.to.Gone = slices.Clone(s.stored.Came), slices.Clone(s.stored.Gone)
	defer s.expire(b)
	if s.options.Mode != cdc.Upsert || len(b.Rows) == 0 {
		return nil
	}
	r := &resolver{sink: s, batch: b, now: s.options.Clock().Unix()}
	defer r.release()
	if !r.begin() {
		return nil
	}
	if err := r.index(); err != nil {
		return err
	}
	for {
		edits, puts := r.evaluate()
		if len(r.want) == 0 {
			b.to.Came, b.to.Gone = r.settled.came, r.settled.gone
			for _, key := range slices.Sorted(maps.Keys(r.missing)) {
				s.options.Log.Warn("a value that the source left out is not in the table either", "key", key)
			}
			return r.apply(edits, puts)
		}
		if err := r.lookUp(ctx, r.reads()); err != nil {
			return err
		}
	}
}

// place is a row: of a batch, or behind the batches a row of the table.
type place struct{ batch, row int }

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.batch, o.batch), cmp.Compare(p.row, o.row))
}

// version is a row with a key of interest.
type version struct {
	place
	order int64
	live  bool // no delete
}

// change is one half of an update of a key.
type change struct {
	other    string // the other half's record key
	otherRow int    // and where it is in OtherKeys
	position int64
	gone     bool // the delete of the old key
}

// resolver works on one batch. It is evaluated as often as it takes to know which rows of
// the table are needed.
type resolver struct {
	sink  *sink
	batch *batch
	now   int64

	keys    *keygen.Generator
	columns map[string]int
	order   int // the ordering column

	cellsOf  map[place][]int      // columns without a value, by row
	needed   map[place]bool       // rows that have such ones and the table cannot fill
	involved map[string]bool      // keys of interest that are known beforehand
	keyOf    map[place]string     // of rows of interest
	versions map[string][]version // by key, by ordering value
	change   map[place]change
	goneAt   map[moveID]place // by old key: the delete
	cameAt   map[moveID]place // by old key: the new row

	came       map[moveID]Came           // by old key, of earlier commits
	goneBefore map[moveID]bool           // by new key, of earlier commits
	lackedBy   map[string]map[int]moveID // by key and column: what a row of the table lacks
	stored     []arrow.RecordBatch       // rows of the table; columns that were not read are null
	looked     map[string]place          // by key, those that are there
	absent     map[string]bool           // keys that are not
	want       map[string]bool           // keys to look up
	lacks      map[moveID]*Came          // by old key
	gone       []Gone                    // new ones
	missing    map[string]bool           // keys of rows with values that are nowhere
	settled    struct {
		came []Came
		gone []Gone
	}
}

func (r *resolver) release() {
	for _, b := range r.stored {
		b.Release()
	}
}

// begin tells whether there is anything to do.
func (r *resolver) begin() bool {
	r.cellsOf, r.needed, r.involved = map[place][]int{}, map[place]bool{}, map[string]bool{}
	fields := r.batch.schema.Fields()
	merges := r.batch.table.Config().PartialUpdate == table.FillUnavailable
	for _, cell := range r.batch.Unavailable {
		at := place{cell.Batch, cell.Row}
		r.cellsOf[at] = append(r.cellsOf[at], cell.Column)
		if kind := fields[cell.Column].Type.Kind; !merges || kind != schema.String && kind != schema.Bytes {
			r.needed[at] = true
		}
	}
	for _, c := range r.batch.KeyChanges {
		r.needed[place{c.Batch, c.Row}] = true
	}
	r.came, r.lackedBy, r.goneBefore = map[moveID]Came{}, map[string]map[int]moveID{}, map[moveID]bool{}
	r.columns = map[string]int{}
	for i, f := range fields {
		r.columns[f.Name] = i
	}
	for _, c := range r.sink.stored.Came {
		id := moveID{c.Old, c.Position}
		r.came[id] = c
		if c.To == "" {
			continue
		}
		r.involved[c.To] = true
		if r.lackedBy[c.To] == nil {
			r.lackedBy[c.To] = map[int]moveID{}
		}
		for _, name := range c.Lacks {
			if column, ok := r.columns[name]; ok {
				r.lackedBy[c.To][column] = id
			}
		}
	}
	for _, g := range r.sink.stored.Gone {
		r.goneBefore[moveID{g.New, g.Position}] = true
	}
	return len(r.needed) > 0 || len(r.involved) > 0
}

// index finds the batch's versions of the rows of interest.
func (r *resolver) index() (err error) {
	if r.keys, err = keygen.New(r.batch.table.Config(), r.batch.schema); err != nil {
		return err
	}
	name := r.batch.table.Config().Ordering[0]
	var ok bool
	if r.order, ok = r.columns[name]; !ok {
		return fmt.Errorf("ingest: rows lack the ordering column %s: %w", name, base.ErrInvalid)
	}
	r.change, r.goneAt, r.cameAt = map[place]change{}, map[moveID]place{}, map[moveID]place{}
	r.looked, r.absent = map[string]place{}, map[string]bool{}
	if err := r.changes(); err != nil {
		return err
	}
	all := make([]*array.String, len(r.batch.Rows))
	for i, rows := range r.batch.Rows {
		if all[i], err = r.keys.Keys(rows, r.sink.options.Alloc); err != nil {
			return err
		}
		defer all[i].Release()
	}
	for at := range r.needed {
		r.involved[strings.Clone(all[at.batch].Value(at.row))] = true
	}
	mark := r.columns[schema.IsDeleted]
	r.keyOf, r.versions = map[place]string{}, map[string][]version{}
	for i, rows := range r.batch.Rows {
		marks, _ := rows.Column(mark).(*array.Boolean)
		orders, ok := rows.Column(r.order).(*array.Int64)
		if !ok {
			return fmt.Errorf("ingest: the ordering column is %s, not long: %w", rows.Column(r.order).DataType(), base.ErrInvalid)
		}
		for row := range all[i].Len() {
			key := all[i].Value(row)
			if !r.involved[key] {
				continue
			}
			key = strings.Clone(key)
			r.keyOf[place{i, row}] = key
			r.versions[key] = append(r.versions[key], version{place{i, row}, orders.Value(row), marks == nil || !marks.Value(row)})
		}
	}
	for _, list := range r.versions {
		slices.SortStableFunc(list, func(a, b version) int { return cmp.Compare(a.order, b.order) })
	}
	r.pair()
	return nil
}

// evaluate finds the values of the batch's cells and the rows to add, as far as the table's
// rows are known; want has the keys of those that are not.
func (r *resolver) evaluate() (edits map[cdc.Cell]place, puts []put) {
	r.want, r.lacks, r.gone, r.missing = map[string]bool{}, map[moveID]*Came{}, nil, map[string]bool{}
	edits = map[cdc.Cell]place{}
	for key, list := range r.versions {
		for i, v := range list {
			for _, column := range r.cellsOf[v.place] {
				if from := r.value(key, i, column); from.what == found {
					edits[cdc.Cell{Batch: v.batch, Row: v.row, Column: column}] = from.at
				}
			}
		}
	}
	puts = append(r.fills(), r.moves()...)
	r.settled.came, r.settled.gone = r.settle()
	return edits, puts
}

// origin says where a value is.
type origin struct {
	what what
	at   place
	root moveID // of waits: the update whose old row has it
}

type what uint8

const (
	found   what = iota
	waits        // for the delete of an old row
	nowhere      // it is not known
)

// value finds the value of a column in a version of a key: in the row itself, in an older
// version, under the old key, or in the table.
func (r *resolver) value(key string, i, column int) origin {
	v := r.versions[key][i]
	if !slices.Contains(r.cellsOf[v.place], column) {
		return origin{what: found, at: v.place}
	}
	if c, ok := r.change[v.place]; ok && !c.gone {
		return r.underOld(key, c, column)
	}
	switch {
	case i == 0:
		return r.inStored(key, column)
	case r.versions[key][i-1].live:
		return r.value(key, i-1, column)
	}
	return origin{what: nowhere} // deleted before: there is nothing to fill from
}

// underOld finds a value of a row whose key was another before.
func (r *resolver) underOld(key string, c change, column int) origin {
	id := moveID{c.other, c.position}
	out := origin{what: waits, root: id}
	if gone, here := r.goneAt[id]; here {
		out = r.beforeGone(gone, column)
	} else if r.goneBefore[moveID{key, c.position}] {
		return r.inStored(key, column)
	}
	if out.what == found {
		return out
	}
	// A record that was sent twice: the table has the row, filled.
	if at, ok := r.inTable(key); ok && r.orderOf(at) >= c.position {
		return r.inStored(key, column)
	}
	return out
}

// beforeGone finds the value that a row had before its delete.
func (r *resolver) beforeGone(gone place, column int) origin {
	key := r.keyOf[gone]
	i := r.indexOf(key, gone)
	switch {
	case i > 0 && r.versions[key][i-1].live:
		return r.value(key, i-1, column)
	case i > 0:
		return origin{what: nowhere}
	}
	if at, ok := r.inTable(key); !ok || r.orderOf(at) > r.orderOf(gone) {
		return origin{what: nowhere} // the key has another row by now
	}
	return r.inStored(key, column)
}

// rowBefore finds the row that a delete removes.
func (r *resolver) rowBefore(gone place) (place, bool) {
	key := r.keyOf[gone]
	if i := r.indexOf(key, gone); i > 0 {
		before := r.versions[key][i-1]
		return before.place, before.live
	}
	return r.inTable(key)
}

func (r *resolver) indexOf(key string, at place) int {
	return slices.IndexFunc(r.versions[key], func(v version) bool { return v.place == at })
}

// inStored finds a value in the table's row.
func (r *resolver) inStored(key string, column int) origin {
	at, ok := r.inTable(key)
	if !ok {
		return origin{what: nowhere}
	}
	if root, lacks := r.lackedBy[key][column]; lacks {
		if gone, here := r.goneAt[root]; here {
			return r.beforeGone(gone, column)
		}
		return origin{what: waits, root: root}
	}
	return origin{what: found, at: at}
}

// inTable finds the table's row with a key. One that was not looked up yet will be.
func (r *resolver) inTable(key string) (place, bool) {
	at, ok := r.looked[key]
	if !ok && !r.absent[key] {
		r.want[key] = true
	}
	return at, ok
}

func (r *resolver) nothing(key string) { r.missing[key] = true }

func (r *resolver) row(at place) arrow.RecordBatch {
	if at.batch < len(r.batch.Rows) {
		return r.batch.Rows[at.batch]
	}
	return r.stored[at.batch-len(r.batch.Rows)]
}

func (r *resolver) orderOf(at place) int64 {
	orders, ok := r.row(at).Column(r.order).(*array.Int64)
	if !ok || orders.IsNull(at.row) {
		return 0
	}
	return orders.Value(at.row)
}

// reads are the columns to look up: those with values that the source left out. Rows are
// needed whole where one may be put under another key or be written again.
func (r *resolver) reads() []int {
	if len(r.change) > 0 || len(r.came) > 0 {
		return slices.Sorted(maps.Values(r.columns))
	}
	out := []int{r.order}
	for at := range r.needed {
		out = append(out, r.cellsOf[at]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lookUp reads columns of the rows of the table that are wanted.
func (r *resolver) lookUp(ctx context.Context, columns []int) error {
	keys := slices.Sorted(maps.Keys(r.want))
	defer func() {
		for _, key := range keys {
			if _, ok := r.looked[key]; !ok {
				r.absent[key] = true
			}
		}
	}()
	have, err := r.batch.table.Schema(ctx)
	if errors.Is(err, table.ErrNoSchema) {
		return nil
	}
	if err != nil {
		return err
	}
	names, wanted := []string{schema.MetaRecordKey}, make([]string, len(columns))
	for i, c := range columns {
		wanted[i] = r.batch.schema.Fields()[c].Name
		if _, _, ok := have.Field(wanted[i]); ok {
			names = append(names, wanted[i])
		}
	}
	read, err := r.batch.schema.Project(wanted)
	if err != nil {
		return err
	}
	quoted := make([]string, len(keys))
	for i, key := range keys {
		quoted[i] = "'" + strings.ReplaceAll(key, "'", "''") + "'"
	}
	plan, err := r.batch.table.Query(ctx, query.Options{
		Columns: names, Where: schema.MetaRecordKey + " IN (" + strings.Join(quoted, ",") + ")",
	})
	if err != nil {
		return err
	}
	for rows, err := range plan.Rows(ctx) {
		if err != nil {
			return err
		}
		if err := r.keep(rows, read); err != nil {
			return err
		}
	}
	return nil
}

// keep holds rows of the table with the columns that read has.
func (r *resolver) keep(rows arrow.RecordBatch, read *schema.Schema) error {
	keys, ok := rows.Column(0).(*array.String)
	if !ok {
		return fmt.Errorf("ingest: record keys are %s: %w", rows.Column(0).DataType(), base.ErrCorrupt)
	}
	conformed, err := schema.Conform(rows, read, r.sink.options.Alloc)
	if err != nil {
		return err
	}
	defer conformed.Release()
	whole := r.batch.schema.Arrow()
	columns := make([]arrow.Array, whole.NumFields())
	for i, f := range whole.Fields() {
		if _, at, ok := read.Field(f.Name); ok {
			columns[i] = conformed.Column(at)
			continue
		}
		columns[i] = array.MakeArrayOfNull(r.sink.options.Alloc, f.Type, keys.Len())
		defer columns[i].Release()
	}
	r.stored = append(r.stored, array.NewRecordBatch(whole, columns, rows.NumRows()))
	for row := range keys.Len() {
		r.looked[strings.Clone(keys.Value(row))] = place{len(r.batch.Rows) + len(r.stored) - 1, row}
	}
	return nil
}
