package metadata

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Difference is a file or partition on which the metadata table and the folders disagree.
type Difference struct {
	Path string // relative to the table
	What string
}

// Compare compares the listing of the metadata table with the folders, and the statistics that
// are kept in step with the files, nothing if there is none. Files in folders count if their write is completed; a log file of version 6, whose
// name does not tell its write, does while no write is pending.
func Compare(ctx context.Context, st storage.Store, c *table.Config, tl *timeline.Timeline) ([]Difference, error) {
	t, err := Open(ctx, st, c, tl)
	if errors.Is(err, ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer t.Close()
	folders := table.StorageLister(st)
	written, err := counted(ctx, c, table.NewView(c, tl, folders))
	if err != nil {
		return nil, err
	}
	_, pending := tl.FirstPendingWrite()
	// settled tells whether nobody may be writing to a file: a pending write may go on with a log
	// file of version 6.
	settled := func(name string) bool {
		_, isLog := base.ParseLogFileName(name)
		return !(isLog && c.SliceLogs() && pending)
	}
	counts := func(name string) bool { return written(name) && settled(name) }
	listed, err := t.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	there, err := folders.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	var out []Difference
	partitions := slices.Compact(slices.Sorted(slices.Values(slices.Concat(listed, there))))
	for _, p := range partitions {
		found, err := comparePartition(ctx, t, folders, p, settled, counts)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) > 0 { // of files that are gone or cut nothing else can be said
		return out, nil
	}
	return Source{Store: st, Config: c, Timeline: tl}.compareStats(ctx, t)
}

func comparePartition(ctx context.Context, t *Table, folders table.Lister, p string, settled, counts func(name string) bool) ([]Difference, error) {
	listed, err := t.Files(ctx, p)
	if err != nil {
		return nil, err
	}
	there, err := folders.Files(ctx, p)
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64, len(there))
	for _, e := range there {
		sizes[e.Name] = e.Size
	}
	var out []Difference
	known := make(map[string]bool, len(listed))
	for _, e := range listed {
		known[e.Name] = true
		size, ok := sizes[e.Name]
		switch {
		case !ok:
			out = append(out, Difference{e.Path, "is in the metadata table and not in the folder"})
		case size != e.Size && settled(e.Name):
			out = append(out, Difference{e.Path, fmt.Sprintf("has %d bytes, %d in the metadata table", size, e.Size)})
		}
	}
	for _, e := range there {
		if !known[e.Name] && counts(e.Name) {
			out = append(out, Difference{path.Join(p, e.Name), "is of a completed write and not in the metadata table"})
		}
	}
	return out, nil
}
