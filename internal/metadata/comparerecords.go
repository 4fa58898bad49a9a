package metadata

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// RecordLayout reads how the record index lies in its file groups.
func (t *Table) RecordLayout(ctx context.Context) (*KeyLayout, error) {
	list, err := t.slices(ctx, RecordIndex)
	if err != nil {
		return nil, err
	}
	partitioned, err := RecordsPartitioned(ctx, t.root, t.config)
	if err != nil {
		return nil, err
	}
	return layoutOf(list, partitioned, 1)
}

// slices are the newest slices of a partition in the order of their numbers.
func (t *Table) slices(ctx context.Context, partition string) ([]table.FileSlice, error) {
	groups, err := t.partition(ctx, partition)
	list := make([]table.FileSlice, len(groups))
	for i, g := range groups {
		list[i] = g.slice
	}
	return list, err
}

// fewDifferences is how many keys of each kind of difference are told; the others are counted.
const fewDifferences = 10

// recordDifferences are what a comparison of an index of keys finds.
type recordDifferences struct {
	out    []Difference
	counts map[string]int
}

func (d *recordDifferences) add(kind, path, what string, args ...any) {
	if d.counts == nil {
		d.counts = map[string]int{}
	}
	if d.counts[kind]++; d.counts[kind] <= fewDifferences {
		d.out = append(d.out, Difference{path, fmt.Sprintf(what, args...)})
	}
}

// recordFolder is the path by which differences of the record index as such are told.
const recordFolder = Folder + "/" + RecordIndex

// Compare compares the places that have been gathered, of all rows of a table and routed as its
// record index is, with that index. It counts what it does not list.
func (r *Records) Compare(ctx context.Context, t *Table) ([]Difference, error) {
	d := &recordDifferences{}
	var several []byte // the last key with several rows
	rows := r.changes(func(key []byte) { several = bytes.Clone(key) })
	err := t.beside(ctx, RecordIndex, rows, func(e *entry, row *change) error {
		if e == nil {
			d.missing(*row, several)
			return nil
		}
		return d.compare(*e, row, several)
	})
	if err != nil {
		return nil, err
	}
	return d.all(recordFolder), nil
}

// all are the differences, with the numbers of those that are not told.
func (d *recordDifferences) all(folder string) []Difference {
	for _, kind := range sortedKeys(d.counts) {
		if rest := d.counts[kind] - fewDifferences; rest > 0 {
			d.out = append(d.out, Difference{folder, fmt.Sprintf("%d more keys %s", rest, kind)})
		}
	}
	return d.out
}

// beside goes through an index and what its rows should be, both by group and key, and calls each
// with both of a key, or with one where there is no other.
func (t *Table) beside(ctx context.Context, index string, should iter.Seq2[change, error], each func(e *entry, row *change) error) error {
	groups, err := t.partition(ctx, index)
	if err != nil {
		return err
	}
	rows, stop := iter.Pull2(should)
	defer stop()
	row, err, more := rows()
	if err != nil {
		return err
	}
	next := func(e *entry) error {
		if err := each(e, &row); err != nil {
			return err
		}
		row, err, more = rows()
		return err
	}
	for n := 0; n < len(groups) || more; n++ {
		var records iter.Seq2[entry, error] = func(func(entry, error) bool) {}
		if n < len(groups) {
			merged, err := t.merging(ctx, groups[n])
			if err != nil {
				return err
			}
			records = merged.records
		}
		for e, err := range records {
			if err != nil {
				return err
			}
			for more && int(row.group) == n && string(row.key) < e.key {
				if err := next(nil); err != nil {
					return err
				}
			}
			if more && int(row.group) == n && string(row.key) == e.key {
				err = next(&e)
			} else {
				err = each(&e, nil)
			}
			if err != nil {
				return err
			}
		}
		for more && int(row.group) == n {
			if err := next(nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// The kinds of differences.
const (
	rowsWithoutPlace = "of rows are not in the record index"
	placesWithoutRow = "are in the record index and have no row"
	otherPlaces      = "lie in another file group than the record index says"
	severalRows      = "have several rows"
)

func (d *recordDifferences) missing(row change, several []byte) {
	d.repeated(row, several)
	d.add(rowsWithoutPlace, row.at.partition+"/"+row.at.fileID, "key %q of a row is not in the record index", row.key)
}

func (d *recordDifferences) repeated(row change, several []byte) bool {
	if !bytes.Equal(row.key, several) {
		return false
	}
	d.add(severalRows, row.at.partition+"/"+row.at.fileID, "key %q has several rows, of which the record index can name one", row.key)
	return true
}

func (d *recordDifferences) compare(e entry, row *change, several []byte) error {
	rec, ok := decodePlace(e.value)
	if !ok {
		return fmt.Errorf("metadata: record index, key %q: not the record of a place: %w", e.key, base.ErrCorrupt)
	}
	l := rec.Location
	switch {
	case row == nil:
		d.add(placesWithoutRow, recordFolder, "key %q is in the record index, in file group %s of partition %q, and has no row", e.key, l.FileID(), l.Partition)
	case d.repeated(*row, several):
	case l.Partition != row.at.partition || l.FileID() != row.at.fileID:
		d.add(otherPlaces, row.at.partition+"/"+row.at.fileID, "key %q is in file group %s of partition %q by the record index", e.key, l.FileID(), l.Partition)
	}
	return nil
}

// merging reads the records that a group stands for, in the schema of the table's version.
func (t *Table) merging(ctx context.Context, g *group) (*merging, error) {
	layers, err := t.open(ctx, g)
	if err != nil {
		return nil, err
	}
	schema, err := recordSchema(t.config.Version)
	if err != nil {
		return nil, err
	}
	return &merging{ctx: ctx, partition: g.slice.Partition, version: t.config.Version, schema: schema, layers: layers}, nil
}
