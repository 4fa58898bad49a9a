package merge

import (
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// BatchRows is the greatest number of rows in a batch that a Reducer makes, and what base rows
// should come in that are merged: of several files at a time a merge holds a batch before and
// one after.
const BatchRows = 16 << 10

// Reducer brings many versions of rows down to one entry for each key, and merges the
// entries with the rows of base files. It serves readers (log blocks over a base file),
// writers (an incoming batch that repeats keys; copy-on-write) and compaction alike.
//
// Rows and deletes are added from old to new. Added batches are retained until Release.
// A Reducer is not safe for concurrent use, except that MergeBase and Matched may run
// concurrently.
type Reducer struct {
	rules  Rules
	schema *arrow.Schema
	alloc  memory.Allocator

	keys    *keyTable
	entries []entry
	nodes   []node
	batches []arrow.RecordBatch
	partial *fills // nil when whole rows win
	// columns says that rows which lack whole columns have come.
	columns bool
	// newest is, by entry, the node with the meta columns of Legacy.NewestMeta.
	newest []int32

	shard, shards uint64
	duplicates    bool
	retained      int64
}

// entry is the state of one key: the newest version that counts.
type entry struct {
	order   Value
	head    int32 // first node of the row; meaningless for a delete
	delete  bool
	always  bool   // wins against the base row: it lacks the ordering fields
	matched uint32 // what has been met of the key; set atomically
}

// What a base row with an entry's key has come to, in entry.matched; 0 if none has been seen.
const (
	matchedRow     = 1 // it stays, perhaps with other values
	matchedRemoved = 2
)

// node is one version of a row. In partial updates next is the version that fills what
// this one lacks; -1 ends the chain.
type node struct {
	source, row, next int32
}

// NewReducer makes an empty Reducer for rows of the given columns, which must hold the
// ordering fields and the columns that mark deletes.
func NewReducer(rules Rules, columns *arrow.Schema, alloc memory.Allocator) *Reducer {
	return &Reducer{
		rules:   rules,
		schema:  columns,
		alloc:   alloc,
		keys:    newKeyTable(maphash.MakeSeed()),
		partial: newFills(rules, columns),
		shards:  1,
	}
}

// KeepShard makes the Reducer deal only with the keys of one of several shards, and leave
// every other row out of its results, so that a slice whose logs do not fit in memory is
// merged in several passes. Seed is the same for all passes.
func (r *Reducer) KeepShard(shard, shards int, seed maphash.Seed) {
	r.shard, r.shards = uint64(shard), uint64(shards)
	r.keys = newKeyTable(seed)
}

// KeepDuplicates makes every added row an entry of its own, as inserting without a look
// at keys asks for.
func (r *Reducer) KeepDuplicates() { r.duplicates = true }

// mine tells whether a key with this hash belongs to the shard. The table uses the low
// half of the hash, the shard the high half.
func (r *Reducer) mine(h uint64) bool { return r.shards == 1 || (h>>32)%r.shards == r.shard }

// Release gives up the added batches.
func (r *Reducer) Release() {
	for _, b := range r.batches {
		b.Release()
	}
	r.batches = nil
}

// Bytes estimates the memory that the Reducer holds.
func (r *Reducer) Bytes() int64 {
	const entrySize, nodeSize = 40, 12
	return r.retained + r.keys.bytes() + entrySize*int64(cap(r.entries)) + nodeSize*int64(cap(r.nodes))
}

// AddRows adds the rows of a batch, newer than all before; keys holds their record keys.
// Rows that carry a delete mark become deletes.
func (r *Reducer) AddRows(batch arrow.RecordBatch, keys *array.String) error {
	if batch.NumRows() == 0 {
		return nil
	}
	return r.addOwn(batch, keys, nil)
}

// AddPartial is AddRows for rows that have some of the columns only, those that present
// tells; the others take their values from older versions. Rows without the ordering fields
// win, and keep the ordering value of the row that they change.
func (r *Reducer) AddPartial(batch arrow.RecordBatch, keys *array.String, present func(column string) bool) error {
	if batch.NumRows() == 0 {
		return nil
	}
	r.lackColumns()
	return r.addOwn(batch, keys, present)
}

// lackColumns makes ready for rows that have some of the columns only.
func (r *Reducer) lackColumns() {
	if r.columns {
		return
	}
	if r.partial == nil {
		r.partial = newColumnFills(r.rules, r.schema, len(r.batches))
	}
	r.partial.allowColumns()
	r.columns = true
}

func (r *Reducer) addOwn(batch arrow.RecordBatch, keys *array.String, present func(string) bool) error {
	if r.shards == 1 {
		return r.addRows(batch, keys, nil, present)
	}
	batch, keys, err := r.ownRows(batch, keys)
	if err != nil {
		return err
	}
	defer batch.Release()
	defer keys.Release()
	return r.addRows(batch, keys, nil, present)
}

// AddChanges is AddRows with a delete mark beside the rows: those for which deleted is
// true are deletes. present, if not nil, makes it AddPartial in the same way.
func (r *Reducer) AddChanges(batch arrow.RecordBatch, keys *array.String, deleted *array.Boolean, present func(column string) bool) error {
	if present != nil {
		r.lackColumns()
	}
	return r.addRows(batch, keys, deleted, present)
}

// ownRows copies the rows that belong to the shard, so that the others are not retained.
func (r *Reducer) ownRows(batch arrow.RecordBatch, keys *array.String) (arrow.RecordBatch, *array.String, error) {
	var picks []Pick
	for row := range int(batch.NumRows()) {
		if keys.IsNull(row) || r.mine(r.keys.hashOf(keys.Value(row))) {
			picks = append(picks, Pick{0, int32(row)})
		}
	}
	own, err := TakeRows(r.alloc, batch, picks)
	if err != nil {
		return nil, nil, err
	}
	ownKeys, err := Interleave(r.alloc, keys.DataType(), []arrow.Array{keys}, picks)
	if err != nil {
		own.Release()
		return nil, nil, err
	}
	return own, ownKeys.(*array.String), nil
}

func (r *Reducer) addRows(batch arrow.RecordBatch, keys *array.String, marks *array.Boolean, present func(string) bool) error {
	order, err := r.rules.OrderingOf(batch)
	if err != nil {
		return err
	}
	deleted, err := r.rules.Deletes(batch)
	if err != nil {
		return err
	}
	source := int32(len(r.batches))
	batch.Retain()
	r.batches = append(r.batches, batch)
	r.retained += batchBytes(batch)
	if r.partial != nil {
		r.partial.addSource(batch, present)
	}
	inherits := present != nil && len(r.rules.Ordering) > 0 && !slices.ContainsFunc(r.rules.Ordering, present)
	for row := range int(batch.NumRows()) {
		if keys.IsNull(row) {
			return fmt.Errorf("merge: row %d has no record key: %w", row, base.ErrInvalid)
		}
		key := keys.Value(row)
		gone := deleted != nil && deleted(row) || marks != nil && marks.IsValid(row) && marks.Value(row)
		r.addRow(key, r.keys.hashOf(key), order(row), source, int32(row), gone, inherits)
	}
	return nil
}

func (r *Reducer) addRow(key string, h uint64, order Value, source, row int32, isDelete, inherits bool) {
	i := -1
	if !r.duplicates {
		i = r.keys.find(key, h)
	}
	if i < 0 {
		if r.duplicates {
			r.keys.append(key)
		} else {
			r.keys.add(key, h)
		}
		r.entries = append(r.entries, entry{order: order, head: -1, delete: isDelete, always: inherits})
		if !isDelete {
			r.entries[len(r.entries)-1].head = r.newNode(source, row, -1)
		}
		r.note(len(r.entries)-1, -1)
		return
	}
	e := &r.entries[i]
	switch wins := inherits || r.rules.wins(inLog, order, e.order, isDelete, e.delete); {
	case !wins:
		if !isDelete && !e.delete {
			r.addLate(i, source, row)
		}
		return
	case isDelete:
		e.order, e.delete = order, true
	case e.delete || e.head < 0:
		r.takeOrder(e, order, inherits)
		e.delete = false
		e.head = r.newNode(source, row, -1)
	default:
		r.takeOrder(e, order, inherits)
		if r.fillsInLog() && r.partial.incomplete(source, row) {
			e.head = r.newNode(source, row, r.partial.skipUseless(r.nodes, source, row, e.head))
		} else {
			r.nodes[e.head] = node{source, row, -1}
		}
	}
	r.note(i, -1)
}

// addLate adds a row that loses against the entry's row: it may still fill that row.
func (r *Reducer) addLate(entry int, source, row int32) {
	last := r.entries[entry].head
	switch {
	case r.fillsInLog() && r.fillsFromLate() && r.partial.incomplete(r.nodes[last].source, r.nodes[last].row):
		for r.nodes[last].next >= 0 {
			last = r.nodes[last].next
		}
		r.nodes[last].next = r.newNode(source, row, -1)
		r.note(entry, r.nodes[last].next)
	case r.rules.Legacy.NewestMeta:
		r.note(entry, r.newNode(source, row, -1))
	}
}

// takeOrder gives an entry the ordering value of the row that takes its place.
func (r *Reducer) takeOrder(e *entry, order Value, inherits bool) {
	switch {
	case !inherits:
		e.order, e.always = order, false
	case e.delete:
		e.order, e.always = order, true
	}
}

// note remembers the node that has the meta columns of an entry; -1 is the winner's own.
func (r *Reducer) note(entry int, at int32) {
	if !r.rules.Legacy.NewestMeta {
		return
	}
	if entry == len(r.newest) {
		r.newest = append(r.newest, at)
	}
	r.newest[entry] = at
}

// newestOf is the node with the meta columns of an entry's row.
func (r *Reducer) newestOf(entry int) int32 {
	if r.rules.Legacy.NewestMeta && r.newest[entry] >= 0 {
		return r.newest[entry]
	}
	return r.entries[entry].head
}

// fillsInLog says whether rows of a log fill each other, fillsFromLate whether a row that
// wins against a newer one is filled from it. Both hold where whole columns are missing.
func (r *Reducer) fillsInLog() bool {
	return r.partial != nil && (r.columns || !r.rules.Legacy.WholeLog)
}

func (r *Reducer) fillsFromLate() bool {
	return r.partial != nil && (r.columns || !r.rules.Legacy.LateLost)
}

func (r *Reducer) newNode(source, row, next int32) int32 {
	r.nodes = append(r.nodes, node{source, row, next})
	return int32(len(r.nodes) - 1)
}

// AddDelete adds an entry of a delete block, newer than all before.
func (r *Reducer) AddDelete(key string, order Value) {
	h := r.keys.hashOf(key)
	if !r.mine(h) {
		return
	}
	kept := order
	if r.rules.Legacy.FinalDeletes {
		kept = Value{}
	}
	i := r.keys.find(key, h)
	if i < 0 {
		r.keys.add(key, h)
		r.entries = append(r.entries, entry{order: kept, head: -1, delete: true})
		r.note(len(r.entries)-1, -1)
		return
	}
	if e := &r.entries[i]; r.rules.deleteWins(order, e.order, e.delete) {
		e.order, e.delete = kept, true
	}
}

// Len is the number of keys, deletes included. Entries are numbered from 0 in the order in
// which their keys first came.
func (r *Reducer) Len() int { return len(r.entries) }

// Key is the record key of an entry, valid until the next addition.
func (r *Reducer) Key(i int) []byte { return r.keys.key(i) }

// Find returns the entry of a key, or -1.
func (r *Reducer) Find(key string) int { return r.keys.find(key, r.keys.hashOf(key)) }

// IsDelete tells whether an entry is a delete.
func (r *Reducer) IsDelete(i int) bool { return r.entries[i].delete }

// Ordering is the ordering value of an entry.
func (r *Reducer) Ordering(i int) Value { return r.entries[i].order }

// Row is where the newest version of an entry's row is: a batch, valid until Release, and a row
// of it. Columns that partial updates fill may have other values in the entry's row.
func (r *Reducer) Row(i int) (batch arrow.RecordBatch, row int) {
	n := r.nodes[r.entries[i].head]
	return r.batches[n.source], int(n.row)
}

// Wins tells whether an entry wins against a stored row with an ordering value.
func (r *Reducer) Wins(i int, stored Value) bool {
	e := &r.entries[i]
	return e.always || r.rules.wins(withRow, e.order, stored, e.delete, false)
}

// Matched tells whether MergeBase has met the entry's key in a base file.
func (r *Reducer) Matched(i int) bool { return atomic.LoadUint32(&r.entries[i].matched) != 0 }

// Removed reports whether the entry, a delete, has removed a base row.
func (r *Reducer) Removed(i int) bool {
	return atomic.LoadUint32(&r.entries[i].matched) == matchedRemoved
}

// Take makes a batch of the rows of the given entries, which are not deletes. The caller
// releases it.
func (r *Reducer) Take(entries []int32) (arrow.RecordBatch, error) {
	rows := make([]mergedRow, len(entries))
	for i, e := range entries {
		rows[i] = mergedRow{head: r.entries[e].head, base: -1, meta: r.newestOf(int(e))}
	}
	return r.build(nil, presence{}, rows)
}

// TakeAll yields the rows of the given entries, which are not deletes. A batch is valid
// until the next step.
func (r *Reducer) TakeAll(entries []int32) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for part := range slices.Chunk(entries, BatchRows) {
			batch, err := r.Take(part)
			if err != nil {
				yield(nil, err)
				return
			}
			more := yield(batch, nil)
			batch.Release()
			if !more {
				return
			}
		}
	}
}

// Rest yields the rows whose keys no base file had: what the logs or the input insert.
// A batch is valid until the next step.
func (r *Reducer) Rest() iter.Seq2[arrow.RecordBatch, error] {
	var entries []int32
	for i := range r.entries {
		if e := &r.entries[i]; !e.delete && e.matched == 0 {
			entries = append(entries, int32(i))
		}
	}
	return r.TakeAll(entries)
}

// Deletes compiles the test for delete marks in the rows of a batch; nil when the batch
// has none.
func (r *Rules) Deletes(batch arrow.RecordBatch) (func(row int) bool, error) {
	var tests []func(int) bool
	column := func(name string) arrow.Array {
		if at := batch.Schema().FieldIndices(name); len(at) > 0 {
			return batch.Column(at[0])
		}
		return nil
	}
	if flags, ok := column(schema.IsDeleted).(*array.Boolean); ok {
		tests = append(tests, func(row int) bool { return flags.IsValid(row) && flags.Value(row) })
	}
	if ops, ok := column(schema.MetaOperation).(*array.String); ok {
		tests = append(tests, func(row int) bool {
			return ops.IsValid(row) && (ops.Value(row) == "D" || ops.Value(row) == "-U")
		})
	}
	if r.DeleteField != "" {
		switch marks := column(r.DeleteField).(type) {
		case nil:
		case *array.String:
			tests = append(tests, func(row int) bool {
				return marks.IsValid(row) && (marks.Value(row) == r.DeleteMarker || r.Legacy.FoldMarker && strings.EqualFold(marks.Value(row), r.DeleteMarker))
			})
		default:
			return nil, fmt.Errorf("merge: delete field %q is %s, not text: %w", r.DeleteField, marks.DataType(), base.ErrUnsupported)
		}
	}
	switch len(tests) {
	case 0:
		return nil, nil
	case 1:
		return tests[0], nil
	}
	return func(row int) bool {
		for _, test := range tests {
			if test(row) {
				return true
			}
		}
		return false
	}, nil
}

func batchBytes(b arrow.RecordBatch) int64 {
	var n int64
	for _, c := range b.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}
