package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Evolve decides what schema a table has after rows of the schema incoming are written to it
// (docs/format/types.md). Columns of the table stay, in their order and with their
// nullability; int, long, float and double widen to the incoming column's type; incoming
// columns that the table does not have are added at the end and must be nullable or have a
// default, because older rows lack them. All this holds in nested records too. Meta columns
// of incoming do not count.
//
// The result is table itself when nothing changes. An incoming type that the column cannot
// take gives an error that wraps base.ErrInvalid, names the column and says how to mend it.
// That a row lacks a value of a column that is not nullable is Conform's to find.
func Evolve(table, incoming *Schema) (*Schema, error) {
	return EvolveWith(table, incoming, KeepMissing)
}

// Missing says what becomes of the table's columns, and of the fields of its records, that
// incoming rows lack.
type Missing uint8

const (
	// KeepMissing keeps them; rows have their default or null there.
	KeepMissing Missing = iota
	// RefuseMissing makes them an error, as real Hudi does if it is not told otherwise.
	RefuseMissing
	// DropMissing takes them out of the table.
	DropMissing
)

// EvolveWith is Evolve with a choice of what becomes of columns that incoming does not have.
func EvolveWith(table, incoming *Schema, missing Missing) (*Schema, error) {
	e := evolver{missing}
	record, err := e.evolve(table.record, incoming.WithoutMeta().record, place{})
	if err != nil {
		return nil, err
	}
	if record == table.record {
		return table, nil
	}
	return New(record)
}

// evolver evolves types.
type evolver struct{ missing Missing }

// evolve returns t when it can take in as it is.
func (e evolver) evolve(t, in *Type, at place) (*Type, error) {
	switch {
	case t.Kind == Record && in.Kind == Record:
		return e.record(t, in, at)
	case t.Kind == in.Kind && (t.Kind == Array || t.Kind == Map):
		elem, err := e.evolve(t.Elem, in.Elem, place{path: join(at.path, ListElement), record: at.record, field: at.field})
		if err != nil || elem == t.Elem {
			return t, err
		}
		wider := *t
		wider.Elem = elem
		return &wider, nil
	case t.takes(in):
		return t, nil
	case t.Logical == NoLogical && in.Logical == NoLogical && Int <= t.Kind && t.Kind < in.Kind && in.Kind <= Double:
		wider := *t
		wider.Kind = in.Kind
		return &wider, nil
	}
	return nil, at.errorf(base.ErrInvalid, "the table has %s, the rows have %s: cast the rows to %s, or write them to a column of another name",
		t.describe(), in.describe(), t.describe())
}

func (e evolver) record(t, in *Type, at place) (*Type, error) {
	fields := t.Fields
	changed := false
	set := func(i int, f Field) {
		if !changed {
			fields, changed = slices.Clone(fields), true
		}
		if i == len(fields) {
			fields = append(fields, f)
		} else {
			fields[i] = f
		}
	}
	for _, f := range in.Fields {
		inside := at.in(t, f.Name)
		i := slices.IndexFunc(t.Fields, func(o Field) bool { return o.Name == f.Name })
		if i >= 0 {
			ft, err := e.evolve(t.Fields[i].Type, f.Type, inside)
			if err != nil {
				return nil, err
			}
			if ft != t.Fields[i].Type {
				old := t.Fields[i]
				old.Type = ft
				set(i, old)
			}
			continue
		}
		if err := addable(f, t, inside); err != nil {
			return nil, err
		}
		set(len(fields), f)
	}
	kept, err := e.kept(fields, in, at)
	if err != nil {
		return nil, err
	}
	if !changed && len(kept) == len(t.Fields) {
		return t, nil
	}
	wider := *t
	wider.Fields = kept
	return &wider, nil
}

// kept are the fields that stay in a record.
func (e evolver) kept(fields []Field, in *Type, at place) ([]Field, error) {
	if e.missing == KeepMissing {
		return fields, nil
	}
	var kept []Field
	for _, f := range fields {
		there := slices.ContainsFunc(in.Fields, func(o Field) bool { return o.Name == f.Name })
		if !there && e.missing == RefuseMissing {
			return nil, place{path: join(at.path, f.Name)}.errorf(base.ErrInvalid,
				"the table has it and the rows do not: give it, write some columns only (--partial), or set hoodie.write.set.null.for.missing.columns=true for nulls")
		}
		if there {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

// addable says whether a new column may come to the record t.
func addable(f Field, t *Type, at place) error {
	for _, o := range t.Fields {
		if strings.EqualFold(o.Name, f.Name) {
			return at.errorf(base.ErrInvalid, "the table has the column %q, which Spark takes for the same: rename the rows' column", o.Name)
		}
	}
	if !f.Type.Nullable && (f.Default == nil || isNull(f.Default)) {
		return at.errorf(base.ErrInvalid, "a new column must be nullable or have a default, because the rows in the table lack it: declare it nullable")
	}
	return nil
}

// takes reports whether every value of the type in becomes a value of t by Promote, without
// loss apart from the precision of long in float and double.
func (t *Type) takes(in *Type) bool {
	if t.Kind == in.Kind && t.Logical == in.Logical && t.Logical != Decimal {
		return t.Kind != Fixed && t.Kind != Enum || t.Size == in.Size && containsAll(t.Symbols, in.Symbols)
	}
	switch t.Logical {
	case NoLogical:
	case Decimal:
		digits, scale := t.Precision-t.Scale, t.Scale
		switch {
		case in.Logical == Decimal:
			return digits >= in.Precision-in.Scale && scale >= in.Scale
		case in.Logical == NoLogical && in.Kind == Int:
			return digits >= maxIntDigits
		case in.Logical == NoLogical && in.Kind == Long:
			return digits >= maxLongDigits
		}
		return false
	case TimeMicros:
		return in.Logical == TimeMillis
	case TimestampMicros:
		return in.Logical == TimestampMillis
	case LocalTimestampMicros:
		return in.Logical == LocalTimestampMillis
	case UUID:
		return t.Kind == in.Kind && t.Size == in.Size && in.Logical == NoLogical
	default:
		return false
	}
	plain := in.Logical == NoLogical
	switch t.Kind {
	case Long, Float, Double:
		return plain && Int <= in.Kind && in.Kind < t.Kind
	case String:
		return plain && (Int <= in.Kind && in.Kind <= Bytes || in.Kind == Enum) ||
			in.Logical == Date || in.Logical == Decimal || in.Logical == UUID && in.Kind == String
	case Bytes:
		return in.Kind == String
	case Fixed:
		return t.Size == in.Size && in.Logical == UUID
	case Enum:
		return plain && in.Kind == String // As Arrow rows have it; the values are checked when they are encoded.
	}
	return false
}

const (
	maxIntDigits  = 10
	maxLongDigits = 19
)

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// describe names the type in messages.
func (t *Type) describe() string {
	switch {
	case t.Logical == Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case t.Logical != NoLogical:
		return t.Logical.String()
	}
	return t.Kind.String()
}
