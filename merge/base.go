package merge

import (
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Stats counts what merging did to base rows.
type Stats struct {
	Updated int64 // replaced, wholly or in part
	Deleted int64 // removed
	Stale   int64 // kept although there was an entry: it lost on the ordering value
}

// Add sums.
func (s *Stats) Add(o Stats) {
	s.Updated += o.Updated
	s.Deleted += o.Deleted
	s.Stale += o.Stale
}

// mergedRow says where a row of the result comes from: a base row, the chain of an entry,
// or both in the order in which they fill each other.
type mergedRow struct {
	head      int32 // chain, -1 for none
	base      int32 // base row, -1 for none
	baseFirst bool  // the base row wins and the chain fills it
	meta      int32 // node with the meta columns, where they are not the winner's (Legacy.NewestMeta)
}

// MergeBase merges the entries into a batch of base rows, which has the Reducer's columns
// and is older than every entry. The result is a new reference that the caller releases;
// it is the batch itself when nothing in it changes, and has the batch's own columns where
// the changes leave the values of all its rows as they were.
func (r *Reducer) MergeBase(batch arrow.RecordBatch, keys *array.String) (arrow.RecordBatch, Stats, error) {
	return r.MergeBaseNoting(batch, keys, nil)
}

// MergeBaseNoting is MergeBase, and tells note, unless it is nil, of each base row that an
// entry changed: its place in the batch and in the result, -1 for a row that is gone.
func (r *Reducer) MergeBaseNoting(batch arrow.RecordBatch, keys *array.String, note func(before, after int)) (arrow.RecordBatch, Stats, error) {
	if note == nil {
		note = func(int, int) {}
	}
	var stats Stats
	order, err := r.rules.OrderingOf(batch)
	if err != nil {
		return nil, stats, err
	}
	var own presence
	if r.partial != nil {
		own = r.partial.inspect(batch, nil)
	}
	n := int(batch.NumRows())
	var rows []mergedRow // nil as long as every row stays
	changed := func(row int) {
		if rows == nil {
			rows = make([]mergedRow, row, n)
			for i := range rows {
				rows[i] = mergedRow{head: -1, base: int32(i)}
			}
		}
	}
	for row := range n {
		key := keys.Value(row)
		h := r.keys.hashOf(key)
		if !r.mine(h) {
			changed(row)
			continue
		}
		i := r.keys.find(key, h)
		if i < 0 {
			if rows != nil {
				rows = append(rows, mergedRow{head: -1, base: int32(row)})
			}
			continue
		}
		e := &r.entries[i]
		wins := r.Wins(i, order(row))
		if wins && e.delete {
			atomic.StoreUint32(&e.matched, matchedRemoved)
		} else {
			atomic.StoreUint32(&e.matched, matchedRow)
		}
		switch {
		case wins && e.delete:
			stats.Deleted++
			changed(row)
			note(row, -1)
		case wins:
			stats.Updated++
			changed(row)
			note(row, len(rows))
			rows = append(rows, mergedRow{head: e.head, base: int32(row), meta: r.newestOf(i)})
		case !e.delete && (r.rules.Legacy.NewestMeta || r.fillsFromLate() && own.lacking(int32(row))):
			if r.rules.Legacy.NewestMeta {
				stats.Updated++ // by its meta columns at least
			} else {
				stats.Stale++
			}
			changed(row)
			note(row, len(rows))
			rows = append(rows, mergedRow{head: e.head, base: int32(row), baseFirst: true, meta: r.newestOf(i)})
		default:
			stats.Stale++
			if rows != nil {
				rows = append(rows, mergedRow{head: -1, base: int32(row)})
			}
		}
	}
	if rows == nil {
		batch.Retain()
		return batch, stats, nil
	}
	out, err := r.build(batch, own, rows)
	return out, stats, err
}

// build makes the batch of the given rows; baseBatch may be nil when none comes from it.
func (r *Reducer) build(baseBatch arrow.RecordBatch, own presence, rows []mergedRow) (arrow.RecordBatch, error) {
	baseSource := int32(len(r.batches))
	whole := make([]Pick, len(rows))
	for i, m := range rows {
		if m.head < 0 || m.baseFirst {
			whole[i] = Pick{baseSource, m.base}
		} else {
			whole[i] = Pick{r.nodes[m.head].source, r.nodes[m.head].row}
		}
	}
	var ofWhole *Selection // made when it is needed
	var changed []int32    // rows that may have other values than in the base batch
	aligned := baseBatch != nil && len(rows) == int(baseBatch.NumRows())
	if aligned {
		changed = moved(baseSource, whole)
	}
	columns := make([]arrow.Array, 0, r.schema.NumFields())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	sources := make([]arrow.Array, len(r.batches)+1)
	for c := range r.schema.NumFields() {
		for i, b := range r.batches {
			sources[i] = b.Column(c)
		}
		if baseBatch != nil {
			sources[baseSource] = baseBatch.Column(c)
		}
		picks, special, differ := whole, true, changed
		switch {
		case r.partial != nil && r.partial.fillable[c]:
			picks = r.filledPicks(c, own, rows, whole)
		case r.partial != nil && r.partial.meta[c] && r.rules.Legacy.NewestMeta:
			picks = r.newestPicks(rows, whole)
		default:
			special = false
		}
		if aligned && special {
			differ = moved(baseSource, picks)
		}
		if aligned && unchanged(sources[baseSource], sources, picks, differ) {
			sources[baseSource].Retain()
			columns = append(columns, sources[baseSource])
			continue
		}
		selected := ofWhole
		switch {
		case special:
			selected = Select(picks)
		case selected == nil:
			ofWhole = Select(whole)
			selected = ofWhole
		}
		column, err := selected.Interleave(r.alloc, r.schema.Field(c).Type, sources)
		if err != nil {
			return nil, err
		}
		columns = append(columns, column)
	}
	return array.NewRecordBatch(r.schema, columns, int64(len(rows))), nil
}

// newestPicks chooses, for a meta column, the newest version that a row is made of.
func (r *Reducer) newestPicks(rows []mergedRow, whole []Pick) []Pick {
	picks := append([]Pick(nil), whole...)
	for i, m := range rows {
		if m.head >= 0 {
			picks[i] = Pick{r.nodes[m.meta].source, r.nodes[m.meta].row}
		}
	}
	return picks
}

// filledPicks chooses, for a column that partial updates may fill, the first version of
// each row that has a value of its own.
func (r *Reducer) filledPicks(c int, own presence, rows []mergedRow, whole []Pick) []Pick {
	picks := append([]Pick(nil), whole...)
	baseSource := int32(len(r.batches))
	for i, m := range rows {
		if m.head < 0 {
			continue
		}
		winner := own
		if whole[i].Source != baseSource {
			winner = r.partial.sources[whole[i].Source]
		}
		if winner.has(c, whole[i].Row) {
			continue
		}
		at := m.head
		if !m.baseFirst {
			at = r.nodes[m.head].next
		}
		for ; at >= 0; at = r.nodes[at].next {
			if v := r.nodes[at]; r.partial.sources[v.source].has(c, v.row) {
				picks[i] = Pick{v.source, v.row}
				break
			}
		}
		if at < 0 && !m.baseFirst && m.base >= 0 {
			picks[i] = Pick{baseSource, m.base}
		}
	}
	return picks
}
