package ingest

import (
	"fmt"
	"slices"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
)

// An update of a key reaches the topic as two records: the delete of the old key and the
// create of the new one. They may lie in different partitions and so come in any order, with
// commits in between. Values that the source did not send with the new row are those that the
// old row had before its delete; they are known when the delete has been met, not earlier, for
// until then updates of the old row may be on their way.
//
// The delete comes first: the old row is put under the new key, as a version that is older
// than the new row, before it goes. The new row is filled from it.
//
// The new row comes first: it waits in the table without the values, and is filled when the
// delete comes.
//
// Which halves have come is part of the checkpoint, so that it is as certain as the rows.

// Came is an update of a key whose new row has come and the delete of the old row has not.
type Came struct {
	Old      string `json:"o"` // the old row's record key
	Position int64  `json:"p"` // of the update in the source
	At       int64  `json:"a"` // when it was noted, in seconds since 1970
	// To is the record key of the row in the table that lacks the old row's values in the columns
	// Lacks: that of the new row, or, if its key has changed again, a later one. "" for none.
	To    string   `json:"t,omitempty"`
	Lacks []string `json:"c,omitempty"`
}

// Gone is an update of a key of which the delete has come and the new row has not.
type Gone struct {
	New      string `json:"n"` // the new row's record key
	Position int64  `json:"p"`
	At       int64  `json:"a"`
}

// moveID names an update of a key: by the old key or by the new one.
type moveID struct {
	key      string
	position int64
}

// The other half of an update of a key never comes if the topic does not have it any more:
// because it was deleted by retention, or compacted away. A half that has waited for long,
// and that all partitions have passed, is given up; as is the oldest of too many.
const (
	moveAge  = 15 * time.Minute
	maxMoves = 10_000
)

// expire gives up halves whose other half cannot be expected any more.
func (s *sink) expire(b *batch) {
	passed := b.passed
	before := s.options.Clock().Add(-moveAge).Unix()
	over := func(list, i int, at, position int64) bool {
		return list-i > maxMoves || at < before && position < passed
	}
	n := len(b.to.Came)
	i := -1
	b.to.Came = slices.DeleteFunc(b.to.Came, func(c Came) bool {
		i++
		if !over(n, i, c.At, c.Position) {
			return false
		}
		if len(c.Lacks) > 0 {
			s.options.Log.Warn("values that the source left out are not to be had: the topic does not say that the old row has gone",
				"key", c.To, "columns", c.Lacks, "old key", c.Old)
		}
		return true
	})
	n, i = len(b.to.Gone), -1
	b.to.Gone = slices.DeleteFunc(b.to.Gone, func(g Gone) bool {
		i++
		return over(n, i, g.At, g.Position)
	})
}

// changes reads the batch's halves of updates of keys.
func (r *resolver) changes() error {
	if len(r.batch.KeyChanges) == 0 {
		return nil
	}
	other, err := r.keys.Keys(r.batch.OtherKeys, r.sink.options.Alloc)
	if err != nil {
		return err
	}
	defer other.Release()
	for _, c := range r.batch.KeyChanges {
		if c.OtherKey >= other.Len() {
			return fmt.Errorf("ingest: key change of row %d has no other key: %w", c.Row, base.ErrCorrupt)
		}
		key := string([]byte(other.Value(c.OtherKey)))
		r.change[place{c.Batch, c.Row}] = change{other: key, otherRow: c.OtherKey, position: c.Position, gone: c.Gone}
		r.involved[key] = true
	}
	return nil
}

// pair notes where the halves are, when the rows' own keys are known.
func (r *resolver) pair() {
	for at, c := range r.change {
		if c.gone {
			r.goneAt[moveID{r.keyOf[at], c.position}] = at
		} else {
			r.cameAt[moveID{c.other, c.position}] = at
		}
	}
}

// early are the deletes of the batch whose new rows have not come.
func (r *resolver) early() []place {
	var out []place
	for id, at := range r.goneAt {
		_, here := r.cameAt[id]
		_, earlier := r.came[id]
		if !here && !earlier {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, place.compare)
	return out
}

// put is a row that is added to the batch.
type put struct {
	row   place         // gives the columns, but for those in cells
	cells map[int]place // by column
	// A row under a new key has that key from row otherKey of OtherKeys, and is older than what
	// happened at before.
	moved    bool
	otherKey int
	before   int64
}

// fills are the rows that wait in the table and can be filled now.
func (r *resolver) fills() []put {
	var out []put
	for id, c := range r.came {
		gone, now := r.goneAt[id]
		if !now || c.To == "" {
			continue
		}
		if list := r.versions[c.To]; len(list) > 0 {
			continue // the batch's own rows are filled, or dead
		}
		waiting, ok := r.inTable(c.To)
		if !ok {
			continue
		}
		p := put{row: waiting, cells: map[int]place{}}
		for _, name := range c.Lacks {
			column, ok := r.columns[name]
			if !ok {
				continue
			}
			from := r.beforeGone(gone, column)
			switch from.what {
			case found:
				p.cells[column] = from.at
			case waits:
				r.lack(from.root, c.To, name)
			case nowhere:
				r.nothing(c.To)
			}
		}
		if len(p.cells) > 0 {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b put) int { return a.row.compare(b.row) })
	return out
}

// moves are the rows to put under new keys, ahead of the rows that come there.
func (r *resolver) moves() []put {
	var out []put
	for _, at := range r.early() {
		c := r.change[at]
		if r.reached(c.other, c.position) {
			continue // a replay: the new row came long ago
		}
		r.gone = append(r.gone, Gone{New: c.other, Position: c.position, At: r.now})
		from, ok := r.rowBefore(at)
		if !ok || r.orderOf(from) > r.orderOf(at) {
			continue // there is no old row
		}
		p := put{row: from, cells: map[int]place{}, moved: true, otherKey: c.otherRow, before: c.position}
		for column, f := range r.batch.schema.Fields() {
			if v := r.beforeGone(at, column); v.what == found {
				p.cells[column] = v.at
			} else if v.what == waits {
				r.lack(v.root, c.other, f.Name)
			}
		}
		out = append(out, p)
	}
	return out
}

// reached tells whether a row under a key is as new as a position.
func (r *resolver) reached(key string, position int64) bool {
	if list := r.versions[key]; len(list) > 0 && list[len(list)-1].order >= position {
		return true
	}
	at, ok := r.inTable(key)
	return ok && r.orderOf(at) >= position
}

// lack notes that the row of a key lacks a value of the old row of an update that is not
// complete.
func (r *resolver) lack(root moveID, to, column string) {
	l := r.lacks[root]
	if l == nil || l.To != to {
		l = &Came{To: to}
		r.lacks[root] = l
	}
	if !slices.Contains(l.Lacks, column) {
		l.Lacks = append(l.Lacks, column)
	}
}

// settle says what the checkpoint has to say of updates of keys after the batch.
func (r *resolver) settle() ([]Came, []Gone) {
	for key, list := range r.versions {
		last := list[len(list)-1]
		if !last.live {
			continue
		}
		for _, column := range r.cellsOf[last.place] {
			switch v := r.value(key, len(list)-1, column); v.what {
			case waits:
				r.lack(v.root, key, r.batch.schema.Fields()[column].Name)
			case nowhere:
				r.nothing(key)
			}
		}
	}
	var came []Came
	for _, c := range r.sink.stored.Came {
		id := moveID{c.Old, c.Position}
		if _, now := r.goneAt[id]; now {
			continue
		}
		if len(r.versions[c.To]) > 0 { // what the batch's row lacks is among the new ones
			c.To, c.Lacks = "", nil
		}
		if l := r.lacks[id]; l != nil {
			c.To, c.Lacks = l.To, l.Lacks
		}
		came = append(came, c)
	}
	known := map[moveID]bool{}
	for _, c := range came {
		known[moveID{c.Old, c.Position}] = true
	}
	var fresh []Came
	met := map[moveID]bool{}
	for id, at := range r.cameAt {
		byNew := moveID{r.keyOf[at], id.position}
		met[byNew] = true
		_, here := r.goneAt[id]
		if here || known[id] || r.goneBefore[byNew] {
			continue
		}
		c := Came{Old: id.key, Position: id.position, At: r.now}
		if l := r.lacks[id]; l != nil {
			c.To, c.Lacks = l.To, l.Lacks
		}
		fresh = append(fresh, c)
	}
	slices.SortFunc(fresh, func(a, b Came) int { return int(min(max(a.Position-b.Position, -1), 1)) })
	var gone []Gone
	for _, g := range slices.Concat(r.sink.stored.Gone, r.gone) {
		if !met[moveID{g.New, g.Position}] {
			gone = append(gone, g)
		}
	}
	return append(came, fresh...), gone
}
