package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// resolve fills in values that the source did not send because they did not change, where
// the table's own merging cannot: in columns that are neither text nor bytes, and in rows
// whose key changed, as the value lies under the old key. The value is taken from an older
// row of the batch, which may come behind in it if the keys are in different partitions,
// else from the table, in which an old row that is deleted by now is looked up at earlier
// commits. What is found nowhere stays as it came.
func (s *sink) resolve(ctx context.Context, b *batch) error {
	if s.options.Mode != cdc.Upsert {
		return nil
	}
	if err := s.fillLate(ctx, b); err != nil || len(b.Unavailable) == 0 {
		return err
	}
	r := &resolver{sink: s, batch: b}
	defer r.release()
	if err := r.collect(); err != nil || len(r.needs) == 0 {
		return err
	}
	if err := r.index(); err != nil {
		return err
	}
	if err := r.fromTable(ctx); err != nil {
		return err
	}
	return r.apply()
}

// place is a row: of a batch, or behind the batches a row of the table.
type place struct{ batch, row int }

// version is a row with a key of interest.
type version struct {
	place
	order int64
	live  bool // no delete
}

type resolver struct {
	sink  *sink
	batch *batch
	keys  *keygen.Generator

	lacking map[cdc.Cell]bool // cells without a value
	needs   []cdc.Cell        // those of them to fill here
	keyOf   map[place]string  // of rows with cells to fill
	oldKey  map[place]string  // of rows whose key changed

	versions map[string][]version // by key, those of the batch by ordering value
	stored   []arrow.RecordBatch  // rows of the table
	inTable  map[string][]place   // by key, the newest first
}

func (r *resolver) release() {
	for _, b := range r.stored {
		b.Release()
	}
}

// collect finds the cells that are to be filled here, and the keys to look for.
func (r *resolver) collect() error {
	changed := map[place]int{}
	for _, c := range r.batch.KeyChanges {
		if !c.Gone {
			changed[place{c.Batch, c.Row}] = c.OtherKey
		}
	}
	fields := r.batch.schema.Fields()
	r.lacking = map[cdc.Cell]bool{}
	for _, cell := range r.batch.Unavailable {
		r.lacking[cell] = true
		_, moved := changed[place{cell.Batch, cell.Row}]
		kind := fields[cell.Column].Type.Kind
		if moved || kind != schema.String && kind != schema.Bytes {
			r.needs = append(r.needs, cell)
		}
	}
	if len(r.needs) == 0 {
		return nil
	}
	if err := r.generator(); err != nil {
		return err
	}
	r.keyOf, r.oldKey, r.versions = map[place]string{}, map[place]string{}, map[string][]version{}
	if r.batch.OtherKeys != nil {
		old, err := r.keys.Keys(r.batch.OtherKeys, r.sink.options.Alloc)
		if err != nil {
			return err
		}
		defer old.Release()
		for at, i := range changed {
			r.oldKey[at] = strings.Clone(old.Value(i))
			r.versions[r.oldKey[at]] = nil
		}
	}
	return nil
}

func (r *resolver) generator() (err error) {
	r.keys, err = keygen.New(r.batch.table.Config(), r.batch.schema)
	return err
}

// index finds the batch's versions of the rows that can fill, or are filled.
func (r *resolver) index() error {
	needed := map[place]bool{}
	for _, c := range r.needs {
		needed[place{c.Batch, c.Row}] = true
	}
	_, markAt, _ := r.batch.schema.Field(schema.IsDeleted)
	_, orderAt, ok := r.batch.schema.Field(r.batch.table.Config().Ordering[0])
	if !ok {
		return fmt.Errorf("ingest: rows lack the ordering column %s: %w", r.batch.table.Config().Ordering[0], base.ErrInvalid)
	}
	all := make([]*array.String, len(r.batch.Rows))
	for i, rows := range r.batch.Rows {
		var err error
		if all[i], err = r.keys.Keys(rows, r.sink.options.Alloc); err != nil {
			return err
		}
		defer all[i].Release()
		for row := range all[i].Len() {
			if needed[place{i, row}] {
				key := strings.Clone(all[i].Value(row))
				r.keyOf[place{i, row}] = key
				r.versions[key] = nil
			}
		}
	}
	for i, rows := range r.batch.Rows {
		marks, _ := rows.Column(markAt).(*array.Boolean)
		orders, ok := rows.Column(orderAt).(*array.Int64)
		if !ok {
			return fmt.Errorf("ingest: the ordering column is %s, not long: %w", rows.Column(orderAt).DataType(), base.ErrInvalid)
		}
		for row := range all[i].Len() {
			key := all[i].Value(row)
			if _, want := r.versions[key]; want {
				key = strings.Clone(key)
				r.keyOf[place{i, row}] = key
				r.versions[key] = append(r.versions[key], version{place{i, row}, orders.Value(row), marks == nil || !marks.Value(row)})
			}
		}
	}
	for _, list := range r.versions {
		slices.SortStableFunc(list, func(a, b version) int { return int(min(max(a.order-b.order, -1), 1)) })
	}
	return nil
}

// value finds where a cell's value is: in the cell itself, in an older version of the row
// in the batch, or in the table. ok is false when it is not known (yet).
func (r *resolver) value(at place, column int) (from place, ok bool) {
	if !r.lacking[cdc.Cell{Batch: at.batch, Row: at.row, Column: column}] {
		return at, true
	}
	key := r.keyOf[at]
	older, found := r.olderThan(key, at)
	if found && older.live {
		return r.value(older.place, column)
	}
	if old, moved := r.oldKey[at]; moved {
		if older, found := r.before(old, at); found {
			return r.value(older.place, column)
		}
		return r.fromStored(old)
	}
	if found { // deleted before: there is nothing to fill from
		return place{}, false
	}
	return r.fromStored(key)
}

func (r *resolver) fromStored(key string) (place, bool) {
	if list := r.inTable[key]; len(list) > 0 {
		return list[0], true
	}
	return place{}, false
}

// olderThan is the version of a key just before the one at a place.
func (r *resolver) olderThan(key string, at place) (version, bool) {
	list := r.versions[key]
	i := slices.IndexFunc(list, func(v version) bool { return v.place == at })
	if i <= 0 {
		return version{}, false
	}
	return list[i-1], true
}

// before is the last live version of an old key before the row at a place took another.
func (r *resolver) before(old string, at place) (version, bool) {
	list := r.versions[r.keyOf[at]]
	i := slices.IndexFunc(list, func(v version) bool { return v.place == at })
	for _, v := range slices.Backward(r.versions[old]) {
		if v.live && i >= 0 && v.order < list[i].order {
			return v, true
		}
	}
	return version{}, false
}

// lookBack is how many commits are searched for a row that is deleted by now.
const lookBack = 20

// fromTable reads the rows that the batch does not have.
func (r *resolver) fromTable(ctx context.Context) error {
	r.inTable = map[string][]place{}
	tl, err := r.batch.table.Timeline(ctx)
	if err != nil {
		return err
	}
	if err := r.lookUp(ctx, "", r.missing()); err != nil {
		return err
	}
	searched := 0
	for _, i := range slices.Backward(tl.CompletedWrites()) {
		keys := r.missing()
		if len(keys) == 0 || searched == lookBack {
			break
		}
		if i.Action == timeline.Commit && r.batch.table.Config().Type == table.MOR {
			continue // a compaction: it changes nothing
		}
		searched++
		err := r.lookUp(ctx, i.Time, keys)
		if errors.Is(err, base.ErrCleaned) || errors.Is(err, base.ErrInvalid) {
			break // that far back nothing can be read any more
		}
		if err != nil {
			return err
		}
	}
	for _, key := range r.missing() {
		r.sink.options.Log.Warn("a value that the source left out is not in the table either", "key", key)
	}
	return nil
}

// missing returns the keys whose rows are still looked for.
func (r *resolver) missing() []string {
	keys := map[string]bool{}
	for _, c := range r.needs {
		at := place{c.Batch, c.Row}
		for {
			if _, ok := r.value(at, c.Column); ok {
				break
			}
			if old, moved := r.oldKey[at]; moved {
				if older, found := r.before(old, at); found {
					at = older.place
					continue
				}
				keys[old] = true
			} else if older, found := r.olderThan(r.keyOf[at], at); found {
				if older.live {
					at = older.place
					continue
				}
			} else {
				keys[r.keyOf[at]] = true
			}
			break
		}
	}
	var out []string
	for key := range keys {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// lookUp reads rows of the table as of an instant, "" for now.
func (r *resolver) lookUp(ctx context.Context, asOf string, keys []string) error {
	have, err := r.batch.table.Schema(ctx)
	if errors.Is(err, table.ErrNoSchema) || len(keys) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	names := []string{schema.MetaRecordKey}
	for _, f := range r.batch.schema.Fields() {
		if _, _, ok := have.Field(f.Name); ok {
			names = append(names, f.Name)
		}
	}
	quoted := make([]string, len(keys))
	for i, key := range keys {
		quoted[i] = "'" + strings.ReplaceAll(key, "'", "''") + "'"
	}
	plan, err := r.batch.table.Query(ctx, query.Options{
		AsOf: asOf, Columns: names, Where: schema.MetaRecordKey + " IN (" + strings.Join(quoted, ",") + ")",
	})
	if err != nil {
		return err
	}
	for found, err := range plan.Rows(ctx) {
		if err != nil {
			return err
		}
		keys, ok := found.Column(0).(*array.String)
		if !ok {
			return fmt.Errorf("ingest: record keys are %s: %w", found.Column(0).DataType(), base.ErrCorrupt)
		}
		rows, err := schema.Conform(found, r.batch.schema, r.sink.options.Alloc)
		if err != nil {
			return err
		}
		r.stored = append(r.stored, rows)
		for row := range keys.Len() {
			key := strings.Clone(keys.Value(row))
			r.inTable[key] = append(r.inTable[key], place{len(r.batch.Rows) + len(r.stored) - 1, row})
		}
	}
	return nil
}

// apply makes the batches anew with the cells filled.
func (r *resolver) apply() error {
	type column struct{ batch, column int }
	changed := map[column]map[int]place{}
	for _, c := range r.needs {
		from, ok := r.value(place{c.Batch, c.Row}, c.Column)
		if !ok {
			continue
		}
		at := column{c.Batch, c.Column}
		if changed[at] == nil {
			changed[at] = map[int]place{}
		}
		changed[at][c.Row] = from
	}
	sources := append(slices.Clone(r.batch.Rows), r.stored...)
	filled := map[column]arrow.Array{}
	defer func() {
		for _, a := range filled {
			a.Release()
		}
	}()
	for at, cells := range changed {
		rows := r.batch.Rows[at.batch]
		picks := make([]merge.Pick, rows.NumRows())
		for row := range picks {
			picks[row] = merge.Pick{Source: int32(at.batch), Row: int32(row)}
			if from, ok := cells[row]; ok {
				picks[row] = merge.Pick{Source: int32(from.batch), Row: int32(from.row)}
			}
		}
		arrays := make([]arrow.Array, len(sources))
		for i, s := range sources {
			arrays[i] = s.Column(at.column)
		}
		a, err := merge.Interleave(r.sink.options.Alloc, rows.Column(at.column).DataType(), arrays, picks)
		if err != nil {
			return err
		}
		filled[at] = a
	}
	for i, rows := range r.batch.Rows {
		columns := slices.Clone(rows.Columns())
		for c := range columns {
			if a, ok := filled[column{i, c}]; ok {
				columns[c] = a
			}
		}
		r.batch.Rows[i] = array.NewRecordBatch(rows.Schema(), columns, rows.NumRows())
		rows.Release()
	}
	return nil
}
