package index

import (
	"context"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// Record locates keys by the record index of the metadata table: Hudi's kinds RECORD_INDEX or
// GLOBAL_RECORD_LEVEL_INDEX, and RECORD_LEVEL_INDEX for one by partitions. It reads no data files.
type Record struct {
	// Find calls found with the file groups of those of n keys that the record index has, one call
	// at a time; the keys are those of a partition, which a global index does not ask for.
	Find func(ctx context.Context, partition string, n int, key func(i int) []byte, found func(i int, at table.GroupID) error) error
	// Ahead tells whether the index has more than the write can see.
	Ahead  func() bool
	Slices Slices
	// Partitioned says that the index has the keys of each partition.
	Partitioned bool
}

// Global implements Index.
func (x *Record) Global() bool { return !x.Partitioned }

// Assigns implements Index.
func (x *Record) Assigns() bool { return false }

// Locate implements Index. A place in a file group that the write does not see is of a write that
// completed after this one began, and wraps base.ErrConflict; else the index is wrong.
func (x *Record) Locate(ctx context.Context, parts []Part) ([]*Located, error) {
	out := make([]*Located, len(parts))
	known := map[string]map[table.GroupID]table.FileSlice{} // by partition
	for i, part := range parts {
		l := newLocated(part.Changes.Len(), nil)
		out[i] = l
		at := map[table.GroupID]int32{}
		err := x.Find(ctx, part.Partition, part.Changes.Len(), part.Changes.Key, func(e int, id table.GroupID) error {
			g, ok := at[id]
			if !ok {
				slice, err := x.slice(ctx, known, id)
				if err != nil {
					return err
				}
				g = int32(len(l.Groups))
				at[id] = g
				l.Groups = append(l.Groups, Group{FileSlice: slice})
			}
			l.Of[e] = g
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// slice is the newest one of a file group.
func (x *Record) slice(ctx context.Context, known map[string]map[table.GroupID]table.FileSlice, id table.GroupID) (table.FileSlice, error) {
	groups, ok := known[id.Partition]
	if !ok {
		list, err := x.Slices(ctx, id.Partition)
		if err != nil {
			return table.FileSlice{}, err
		}
		groups = make(map[table.GroupID]table.FileSlice, len(list))
		for _, s := range list {
			groups[table.GroupID{Partition: s.Partition, FileID: s.FileID}] = s
		}
		known[id.Partition] = groups
	}
	s, ok := groups[id]
	switch {
	case ok:
		return s, nil
	case x.Ahead():
		return s, fmt.Errorf("index: a write has completed since this one began, which brought a key of it to file group %s; try again: %w", id.FileID, base.ErrConflict)
	}
	return s, fmt.Errorf("index: the record index names file group %s of partition %q, which the table does not have; hudictl check says more, and hudictl index drop and create make it anew: %w", id.FileID, id.Partition, base.ErrCorrupt)
}
