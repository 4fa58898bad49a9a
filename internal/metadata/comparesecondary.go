package metadata

import (
	"bytes"
	"context"
	"fmt"
)

// SecondaryLayout reads how a secondary index lies in its file groups.
func (t *Table) SecondaryLayout(ctx context.Context, d Definition) (*KeyLayout, error) {
	slices, err := t.slices(ctx, d.Name)
	if err != nil {
		return nil, err
	}
	return secondaryLayoutOf(d, slices)
}

// The kinds of differences of secondary indexes.
const (
	rowsWithoutEntry = "of rows are not in the index"
	entriesWithout   = "are in the index, and no row has their value"
)

// Compare compares the rows that have been gathered, all of a table and routed as its secondary
// index is, with that index. It counts what it does not list.
func (s *Secondary) Compare(ctx context.Context, t *Table) ([]Difference, error) {
	d := &recordDifferences{}
	folder := Folder + "/" + s.of.Name
	err := t.beside(ctx, s.of.Name, s.changes(), func(e *entry, row *change) error {
		there, err := s.stands(e)
		if err != nil {
			return fmt.Errorf("metadata: %s, key %q: %w", s.of.Name, e.key, err)
		}
		switch {
		case !there && row != nil:
			d.add(rowsWithoutEntry, folder, "%q, the value of %s and the key of a row, is not in the index", row.key, s.of.Fields)
		case there && row == nil:
			d.add(entriesWithout, folder, "%q is in the index, and no row has that key and value of %s", e.key, s.of.Fields)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.all(folder), nil
}

// stands tells whether there is an entry which says that a row is there. What version 8 has of
// nulls nobody looks at.
func (s *Secondary) stands(e *entry) (bool, error) {
	if e == nil || !s.nulls && len(e.key) > 1 && e.key[0] == null && e.key[1] == '$' {
		return false, nil
	}
	if bytes.Equal(e.value, appendSecondary(nil, false)) {
		return true, nil
	}
	schema, err := recordSchema(s.version)
	if err != nil {
		return false, err
	}
	rec, err := decode(schema, e.value)
	if err != nil {
		return false, err
	}
	return rec.Secondary == nil || !rec.Secondary.Deleted, nil
}
