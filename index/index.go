// Package index finds the file groups that hold record keys. An index only reads; what it
// cannot find is an insert.
package index

import (
	"context"

	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/table"
)

// Index finds the file groups of the record keys of a write.
type Index interface {
	// Global tells whether a key has one row in the table, whatever its partition. A write
	// then asks for all of its keys in one Part.
	Global() bool
	// Assigns tells whether every key has a file group, also a new one, by its text alone.
	// Rows of new keys may go into log files then.
	Assigns() bool
	// Locate answers each part.
	Locate(ctx context.Context, parts []Part) ([]*Located, error)
}

// Part are the changes of a write to one partition; of a global index those to all, and the
// partition means nothing.
type Part struct {
	Partition string
	Changes   *merge.Reducer
}

// Located says where the entries of a Part belong.
type Located struct {
	// Groups are those that entries are in. Others may be among them.
	Groups []Group
	// Of holds, for each entry, its group's place in Groups, or -1 for a key that no group
	// has.
	Of []int32
	// Also are further groups of keys that more than one has, as inserting without a look at
	// keys brings about. What happens to such a key happens to all its rows.
	Also []Place
}

// Place is an entry and a group of it.
type Place struct{ Entry, Group int32 }

// Group is a file group of a partition in its latest slice.
type Group struct {
	table.FileSlice
	New bool // there is nothing of it on storage
}

// Slices are the file slices of a partition as readers see them: the logs of a pending
// compaction stand with the base file that they are merged with.
type Slices func(ctx context.Context, partition string) ([]table.FileSlice, error)
