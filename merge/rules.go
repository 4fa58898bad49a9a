// Package merge decides how two versions of a row become one: which of them wins, what a
// delete removes, and which columns a partial update takes from the loser. It is the only
// place that knows; readers, writers and compaction all call it (docs/format/merging.md).
package merge

import (
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// Mode says what decides between two versions of a row.
type Mode uint8

const (
	// CommitTime lets the later write win.
	CommitTime Mode = iota
	// EventTime lets the greater ordering value win, and the later write when they are equal.
	EventTime
)

// Partial says which columns of a winning row are filled from the losing one.
type Partial uint8

const (
	// Whole rows win.
	Whole Partial = iota
	// FillNulls takes the loser's value for columns that are null (their default) in the winner.
	FillNulls
	// FillUnavailable takes the loser's value for text and bytes that equal Rules.Unavailable.
	FillUnavailable
)

// Rules are a table's merge semantics.
type Rules struct {
	Mode     Mode
	Ordering []string // ordering fields, the first has most weight

	Partial     Partial
	Unavailable string // the marker of FillUnavailable

	// A row whose DeleteField has the text DeleteMarker is a delete. Both are empty or neither.
	DeleteField  string
	DeleteMarker string
}

// Names of merge properties below hoodie.record.merge.property.
const (
	propDeleteField  = "hoodie.payload.delete.field"
	propDeleteMarker = "hoodie.payload.delete.marker"
	propUnavailable  = "hoodie.write.partial.update.unavailable.value"

	defaultUnavailable = "__debezium_unavailable_value"
)

// RulesOf reads a table's merge semantics from its configuration. Semantics that only Java
// code of the user's defines wrap ErrUnsupported.
func RulesOf(c *table.Config) (Rules, error) {
	r := Rules{
		Ordering:     c.Ordering,
		DeleteField:  c.MergeProps[propDeleteField],
		DeleteMarker: c.MergeProps[propDeleteMarker],
	}
	switch c.MergeMode {
	case table.CommitTimeOrdering:
		r.Mode = CommitTime
	case table.EventTimeOrdering:
		r.Mode = EventTime
	default:
		return r, fmt.Errorf("merge: table %s merges by %s with payload class %q, strategy %q: %w",
			c.Name, c.MergeMode, c.PayloadClass, c.StrategyID, base.ErrUnsupported)
	}
	switch c.PartialUpdate {
	case "":
	case table.IgnoreDefaults:
		r.Partial = FillNulls
	case table.FillUnavailable:
		r.Partial = FillUnavailable
		if r.Unavailable = c.MergeProps[propUnavailable]; r.Unavailable == "" {
			r.Unavailable = defaultUnavailable
		}
	default:
		return r, fmt.Errorf("merge: partial update mode %q: %w", c.PartialUpdate, base.ErrUnsupported)
	}
	if (r.DeleteField == "") != (r.DeleteMarker == "") {
		return r, fmt.Errorf("merge: %s and %s must be set together: %w", propDeleteField, propDeleteMarker, base.ErrInvalid)
	}
	return r, nil
}

// wins says whether a newer row takes the place of an older version. Either may be a delete.
func (r *Rules) wins(newer, older Value, newerDelete, olderDelete bool) bool {
	if r.Mode == CommitTime {
		return true
	}
	if newerDelete && newer.IsDefault() || olderDelete && older.IsDefault() {
		return true
	}
	return Compare(newer, older) >= 0
}

// deleteWins is wins for an entry of a delete block against what earlier log blocks left.
// It differs from wins in two points that real Hudi has: an unconditional delete that is
// already there stays, and values of different types let the delete win.
func (r *Rules) deleteWins(deleted, older Value, olderDelete bool) bool {
	if r.Mode == CommitTime {
		return true
	}
	if olderDelete && older.IsDefault() {
		return false
	}
	return deleted.IsDefault() || !sameClass(deleted, older) || Compare(older, deleted) <= 0
}
