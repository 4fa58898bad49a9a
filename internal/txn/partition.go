package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Partition makes sure that a partition's folder has its metafile, without which other
// engines do not see a partition there. It may be called from several goroutines. A folder
// inside of another partition, or around one, wraps base.ErrInvalid: nobody looks for
// partitions below a partition.
func (t *Txn) Partition(ctx context.Context, partition string) error {
	if _, known := t.partitions.Load(partition); known {
		return nil
	}
	there, err := t.isPartition(ctx, partition)
	if err == nil && !there {
		err = t.newPartition(ctx, partition)
	}
	if err != nil {
		return fmt.Errorf("txn: metafile of partition %q: %w", partition, err)
	}
	t.partitions.Store(partition, true)
	return nil
}

func (t *Txn) newPartition(ctx context.Context, partition string) error {
	depth := 0
	if partition != "" {
		depth = strings.Count(partition, "/") + 1
		if err := t.apart(ctx, partition); err != nil {
			return err
		}
	}
	content := fmt.Sprintf("#partition metadata\n#%s\ncommitTime=%s\npartitionDepth=%d\n",
		t.table.Clock().UTC().Format("Mon Jan 02 15:04:05 UTC 2006"), t.Instant, depth)
	err := t.table.Store.PutIfAbsent(ctx, base.Join(partition, base.PartitionMetafile), []byte(content))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// isPartition tells whether a folder has a metafile.
func (t *Txn) isPartition(ctx context.Context, dir string) (bool, error) {
	_, err := t.table.Store.Stat(ctx, base.Join(dir, base.PartitionMetafile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// apart makes sure that no partition lies above or below a new one.
func (t *Txn) apart(ctx context.Context, partition string) error {
	clash := func(other string) error {
		return fmt.Errorf("the table has a partition %q; one inside of the other would not be found: give the values the same number of slashes, or set hoodie.datasource.write.partitionpath.urlencode on a new table: %w",
			other, base.ErrInvalid)
	}
	for dir := partition; dir != ""; {
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
		there, err := t.isPartition(ctx, dir)
		if err != nil {
			return err
		}
		if there {
			return clash(dir)
		}
	}
	return t.nothingBelow(ctx, partition, clash)
}

func (t *Txn) nothingBelow(ctx context.Context, dir string, clash func(string) error) error {
	entries, err := t.table.Store.List(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Dir {
			continue
		}
		there, err := t.isPartition(ctx, e.Path)
		if err != nil {
			return err
		}
		if there {
			return clash(e.Path)
		}
		if err := t.nothingBelow(ctx, e.Path, clash); err != nil {
			return err
		}
	}
	return nil
}
