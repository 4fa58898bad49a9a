package writer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// hasRings tells whether the table has a bucket index with consistent hashing. Tables of real
// Hudi do not say it; their rings do.
func (w *write) hasRings(ctx context.Context) (bool, error) {
	c := w.table.Config
	if c.Index.Consistent {
		return true, nil
	}
	if _, stored := c.Property("hoodie.index.type"); stored || c.Index.Kind == "" && c.Type != table.MOR {
		return false, nil
	}
	rings, err := index.HasRings(ctx, w.table.Store)
	if err != nil {
		return false, fmt.Errorf("write to table %s: %w", c.Name, err)
	}
	return rings, nil
}

func (w *write) chooseRings() error {
	c := w.table.Config
	switch {
	case c.Type != table.MOR:
		return fmt.Errorf("write to table %s: consistent hashing is for tables that merge on read: %w", c.Name, base.ErrInvalid)
	case w.options.Operation == BulkInsert, w.options.Operation == InsertOverwrite, w.options.Operation == InsertOverwriteTable:
		return fmt.Errorf("%s into table %s: it has a bucket index with consistent hashing; use upsert: %w", w.options.Operation, c.Name, base.ErrUnsupported)
	}
	x, err := index.NewConsistent(w.keys.KeyFields(), c.Index.HashField)
	if err != nil {
		return err
	}
	x.Slices, x.Ring = w.slices, w.ring
	w.index = x
	return nil
}

// visible refuses jobs on file groups that were replaced: a ring goes on to name them, and nobody
// would see the rows. (Real Hudi writes them.)
func (w *write) visible(ctx context.Context, jobs []*job) error {
	if _, rings := w.index.(*index.Consistent); !rings {
		return nil
	}
	replaced, err := w.view.ReplacedAt(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if at, ok := replaced[j.id()]; ok {
			return fmt.Errorf("write to table %s: the buckets of partition %q have file group %s, which %s has replaced, so that no reader would see rows in it: write them to another partition: %w",
				w.table.Config.Name, j.group.Partition, j.group.FileID, at, base.ErrUnsupported)
		}
	}
	return nil
}

// keepsGroups refuses to hide all file groups of a partition whose ring would go on to name them.
func (w *write) keepsGroups(ctx context.Context) error {
	rings, err := w.hasRings(ctx)
	if err != nil || !rings {
		return err
	}
	return fmt.Errorf("%s of table %s: its buckets (consistent hashing) would keep the file groups that it hides, and later rows in them would be lost; delete the rows by a condition: %w", w.options.Operation, w.table.Config.Name, base.ErrUnsupported)
}

// ring loads the ring of a partition, or makes the first. Whoever makes it makes the same, so
// that it stays when the write fails.
func (w *write) ring(ctx context.Context, partition string) (*index.Ring, error) {
	committed, err := w.view.Committed(ctx)
	if err != nil {
		return nil, err
	}
	r, err := index.LoadRing(ctx, w.table.Store, partition, committed)
	if err != nil || r != nil {
		return r, err
	}
	n, err := w.ringSize(ctx, committed)
	if err != nil {
		return nil, err
	}
	if r, err = index.NewRing(partition, n); err != nil {
		return nil, err
	}
	switch err := w.table.Store.PutIfAbsent(ctx, index.RingPath(partition), r.Encode()); {
	case errors.Is(err, fs.ErrExist): // another writer's, perhaps with another number of nodes
		return index.LoadRing(ctx, w.table.Store, partition, committed)
	case err != nil:
		return nil, fmt.Errorf("write to table %s: ring of partition %q: %w", w.table.Config.Name, partition, err)
	}
	return r, nil
}

// ringSize is the number of nodes in the ring of a new partition: as given, or as in another.
func (w *write) ringSize(ctx context.Context, committed func(string) bool) (int, error) {
	c := w.table.Config
	if c.Index.Buckets > 0 {
		return c.Index.Buckets, nil
	}
	partitions, err := w.view.Partitions(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range partitions {
		r, err := index.LoadRing(ctx, w.table.Store, p, committed)
		if err != nil {
			return 0, err
		}
		if r != nil {
			return r.Buckets, nil
		}
	}
	return 0, fmt.Errorf("write to table %s: set hoodie.bucket.index.num.buckets to the number of buckets of a new partition: %w", c.Name, base.ErrInvalid)
}
