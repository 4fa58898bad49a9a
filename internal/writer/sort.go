package writer

import (
	"container/heap"
	"iter"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/merge"
)

// sorter brings rows in the order of their last column, which is text; equal ones stay in the order in which
// they came. Rows that do not fit into memory become sorted runs on disk, which are merged.
type sorter struct {
	schema *arrow.Schema
	budget *mem.Budget
	alloc  memory.Allocator

	pending []arrow.RecordBatch
	held    int64
	runs    []*mem.Spool
}

// runRows is how many rows a batch of a run has: one of each run is in memory while runs are merged.
const runRows = 1024

// add takes a reference to a batch.
func (s *sorter) add(batch arrow.RecordBatch) error {
	size := mem.BatchSize(batch)
	if !s.budget.Reserve(size) {
		if err := s.flush(); err != nil {
			return err
		}
		if !s.budget.Reserve(size) { // larger than all there is: it is a run of its own
			size = 0
		}
	}
	batch.Retain()
	s.pending = append(s.pending, batch)
	if s.held += size; size == 0 {
		return s.flush()
	}
	return nil
}

// flush makes a run of what is in memory.
func (s *sorter) flush() error {
	if len(s.pending) == 0 {
		return nil
	}
	run := mem.NewSpool(s.budget, s.schema, 0, s.alloc)
	s.runs = append(s.runs, run)
	for batch, err := range s.sorted(runRows) {
		if err == nil {
			err = run.Append(batch)
		}
		if err != nil {
			return err
		}
	}
	s.drop()
	return nil
}

func (s *sorter) drop() {
	for _, b := range s.pending {
		b.Release()
	}
	s.pending = nil
	s.budget.Release(s.held)
	s.held = 0
}

// sorted yields what is in memory.
func (s *sorter) sorted(size int) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		var picks []merge.Pick
		orders := make([]*array.String, len(s.pending))
		for i, b := range s.pending {
			orders[i] = orderOf(b)
			for row := range int32(b.NumRows()) {
				picks = append(picks, merge.Pick{Source: int32(i), Row: row})
			}
		}
		slices.SortStableFunc(picks, func(a, b merge.Pick) int {
			return strings.Compare(orders[a.Source].Value(int(a.Row)), orders[b.Source].Value(int(b.Row)))
		})
		for part := range slices.Chunk(picks, size) {
			if !s.emit(s.pending, part, yield) {
				return
			}
		}
	}
}

func orderOf(b arrow.RecordBatch) *array.String {
	return b.Column(int(b.NumCols()) - 1).(*array.String)
}

// emit yields the picked rows of batches. It is false when there is to be no more.
func (s *sorter) emit(from []arrow.RecordBatch, picks []merge.Pick, yield func(arrow.RecordBatch, error) bool) bool {
	if len(picks) == 0 {
		return true
	}
	batch, err := s.take(from, picks)
	if err != nil {
		yield(nil, err)
		return false
	}
	defer batch.Release()
	return yield(batch, nil)
}

func (s *sorter) take(from []arrow.RecordBatch, picks []merge.Pick) (arrow.RecordBatch, error) {
	return merge.Gather(s.alloc, s.schema, from, picks)
}

// rows yields everything in order. A batch is valid until the next step.
func (s *sorter) rows() iter.Seq2[arrow.RecordBatch, error] {
	if len(s.runs) == 0 {
		return s.sorted(merge.BatchRows)
	}
	return func(yield func(arrow.RecordBatch, error) bool) {
		if err := s.flush(); err != nil {
			yield(nil, err)
			return
		}
		m := &merging{sorter: s}
		defer m.close()
		for i, run := range s.runs {
			next, stop := iter.Pull2(run.All())
			c := &cursor{run: i, next: next, stop: stop}
			m.all = append(m.all, c)
			if more, err := m.load(c); err != nil {
				yield(nil, err)
				return
			} else if more {
				m.cursors = append(m.cursors, c)
			}
		}
		m.run(yield)
	}
}

// close gives up memory and files.
func (s *sorter) close() error {
	s.drop()
	var first error
	for _, r := range s.runs {
		if err := r.Close(); first == nil {
			first = err
		}
	}
	s.runs = nil
	return first
}

// cursor is a place in a run.
type cursor struct {
	run    int // the older comes first among equals
	next   func() (arrow.RecordBatch, error, bool)
	stop   func()
	batch  arrow.RecordBatch
	order  *array.String
	row    int
	source int32 // of the batch among the sources of what is being made
}

// merging is the merging of runs: a heap of cursors, and the batches of which the next rows are made.
type merging struct {
	*sorter
	all     []*cursor
	cursors []*cursor
	sources []arrow.RecordBatch
	picks   []merge.Pick
}

func (m *merging) Len() int { return len(m.cursors) }
func (m *merging) Less(i, j int) bool {
	a, b := m.cursors[i], m.cursors[j]
	if order := strings.Compare(a.order.Value(a.row), b.order.Value(b.row)); order != 0 {
		return order < 0
	}
	return a.run < b.run
}
func (m *merging) Swap(i, j int) { m.cursors[i], m.cursors[j] = m.cursors[j], m.cursors[i] }
func (m *merging) Push(x any)    { m.cursors = append(m.cursors, x.(*cursor)) }
func (m *merging) Pop() any {
	last := m.cursors[len(m.cursors)-1]
	m.cursors = m.cursors[:len(m.cursors)-1]
	return last
}

// load puts a cursor on the next batch of its run. It is false at the end.
func (m *merging) load(c *cursor) (bool, error) {
	batch, err, ok := c.next()
	if !ok || err != nil {
		c.batch = nil
		return false, err
	}
	batch.Retain()
	c.batch, c.order, c.row, c.source = batch, orderOf(batch), 0, int32(len(m.sources))
	m.sources = append(m.sources, batch)
	return true, nil
}

func (m *merging) run(yield func(arrow.RecordBatch, error) bool) {
	heap.Init(m)
	for len(m.cursors) > 0 {
		c := m.cursors[0]
		m.picks = append(m.picks, merge.Pick{Source: c.source, Row: int32(c.row)})
		if c.row++; c.row == c.order.Len() {
			more, err := m.load(c)
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				heap.Pop(m)
			}
		}
		if len(m.cursors) > 0 {
			heap.Fix(m, 0)
		}
		if len(m.picks) == merge.BatchRows {
			if !m.emit(m.sources, m.picks, yield) {
				return
			}
			m.renew()
		}
	}
	m.emit(m.sources, m.picks, yield)
}

// renew keeps the batches that cursors are on.
func (m *merging) renew() {
	var kept []arrow.RecordBatch
	for _, c := range m.cursors {
		c.batch.Retain()
		c.source = int32(len(kept))
		kept = append(kept, c.batch)
	}
	for _, b := range m.sources {
		b.Release()
	}
	m.sources, m.picks = kept, m.picks[:0]
}

func (m *merging) close() {
	for _, b := range m.sources {
		b.Release()
	}
	for _, c := range m.all {
		c.stop()
	}
}
