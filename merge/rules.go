// Package merge decides how two versions of a row become one: which of them wins, what a
// delete removes, and which columns a partial update takes from the loser. It is the only
// place that knows; readers, writers and compaction all call it (docs/format/merging.md).
package merge

import (
	"fmt"
	"strings"

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

	Legacy Legacy
}

// Legacy are the points in which the payload classes of table versions 6 and 8 differ from
// the modes and partial updates that version 9 has made of them.
type Legacy struct {
	// OrderedLog: between two rows of a log, or of one write, ordering values decide in
	// commit-time mode too.
	OrderedLog bool
	// OrderedDeletes: where one of two versions is a delete, ordering values decide in
	// commit-time mode too.
	OrderedDeletes bool
	// FinalDeletes: an entry of a delete block that won in the log is unconditional from
	// then on, whatever its ordering value.
	FinalDeletes bool
	// WholeLog: a row of a log is not filled from another of the log, only from the base row.
	WholeLog bool
	// LateLost: a row that wins against a newer one is not filled from it.
	LateLost bool
	// NewestMeta: a row made of several versions has the meta columns of the newest, though
	// an older one won.
	NewestMeta bool
	// Binlog: the ordering field is a text "file.position", and where rows are filled by the
	// class itself both are compared as numbers. Deletes, and the log in version 6, compare
	// the text.
	Binlog bool
	// FoldMarker: upper and lower case of DeleteMarker are the same.
	FoldMarker bool
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
	mode := c.MergeMode
	if c.Version < 9 {
		mode = r.legacy(c, mode)
	}
	switch mode {
	case table.CommitTimeOrdering:
		r.Mode = CommitTime
	case table.EventTimeOrdering:
		r.Mode = EventTime
	default:
		return r, fmt.Errorf("merge: table %s merges by %s with payload class %q, strategy %q, which is Java code: %w",
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

// The payload classes that versions 6 and 8 keep, without their package.
const (
	classPartialUpdate = "PartialUpdateAvroPayload"
	classMySQL         = "debezium.MySqlDebeziumAvroPayload"
)

// legacy sets what versions 6 and 8 do differently, and returns the mode: in version 6 what
// release 0.15 does, in version 8 what 1.0 does.
func (r *Rules) legacy(c *table.Config, mode string) string {
	class := strings.TrimPrefix(c.PayloadClass, "org.apache.hudi.common.model.")
	l := &r.Legacy
	l.FoldMarker = true
	if c.Version < 8 {
		l.OrderedLog, l.FinalDeletes = true, true
		l.WholeLog = class != classPartialUpdate
	} else {
		stored, _ := c.Property("hoodie.record.merge.mode")
		l.OrderedDeletes = stored == table.CustomMerge
	}
	switch class {
	case classPartialUpdate:
		l.NewestMeta = true
	case classMySQL:
		if mode == table.CustomMerge {
			l.Binlog = true
			mode = table.EventTimeOrdering
			if r.DeleteField == "" {
				r.DeleteField, r.DeleteMarker = "_change_operation_type", "d"
			}
		}
		fallthrough
	default:
		l.LateLost = true
	}
	return mode
}

// step is one of the two steps of merging (docs/format/merging.md).
type step uint8

const (
	inLog   step = iota // versions of one log, or of one write
	withRow             // what is left of them, and the row of the base file
)

// ordered says whether ordering values decide.
func (r *Rules) ordered(s step, aDelete bool) bool {
	return r.Mode == EventTime || s == inLog && r.Legacy.OrderedLog || aDelete && r.Legacy.OrderedDeletes
}

// wins says whether a newer row takes the place of an older version. Either may be a delete.
func (r *Rules) wins(s step, newer, older Value, newerDelete, olderDelete bool) bool {
	if !r.ordered(s, newerDelete || olderDelete) {
		return true
	}
	if newerDelete && newer.IsDefault() || olderDelete && older.IsDefault() {
		return true
	}
	if r.Legacy.Binlog && !newerDelete && !olderDelete && !(s == inLog && r.Legacy.OrderedLog) {
		return compareBinlog(newer, older) >= 0
	}
	return Compare(newer, older) >= 0
}

// Certain reports whether a change takes effect whatever is stored: a row, a delete, or nothing.
func (r *Rules) Certain(order Value, isDelete bool) bool {
	return isDelete && order.IsDefault() || !r.ordered(inLog, true) && !r.ordered(withRow, true)
}

// deleteWins is wins for an entry of a delete block against what earlier log blocks left.
// It differs from wins in two points that real Hudi has: an unconditional delete that is
// already there stays, and values of different types let the delete win.
func (r *Rules) deleteWins(deleted, older Value, olderDelete bool) bool {
	if !r.ordered(inLog, true) {
		return true
	}
	if olderDelete && older.IsDefault() {
		return false
	}
	return deleted.IsDefault() || !sameClass(deleted, older) || Compare(older, deleted) <= 0
}
