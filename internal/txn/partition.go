package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Partition makes sure that a partition's folder has its metafile, without which other
// engines do not see a partition there. It may be called from several goroutines.
func (t *Txn) Partition(ctx context.Context, path string) error {
	if _, known := t.partitions.Load(path); known {
		return nil
	}
	depth := 0
	if path != "" {
		depth = strings.Count(path, "/") + 1
	}
	content := fmt.Sprintf("#partition metadata\n#%s\ncommitTime=%s\npartitionDepth=%d\n",
		t.table.Clock().UTC().Format("Mon Jan 02 15:04:05 UTC 2006"), t.Instant, depth)
	err := t.table.Store.PutIfAbsent(ctx, base.Join(path, base.PartitionMetafile), []byte(content))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("txn: metafile of partition %q: %w", path, err)
	}
	t.partitions.Store(path, true)
	return nil
}
