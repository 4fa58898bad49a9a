package table

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// Lister finds a table's partitions and files: by listing the store, or from the metadata
// table. It may name files that no completed write made; the view leaves them out.
type Lister interface {
	// Partitions returns the partition paths, sorted; "" is that of a table without
	// partitions.
	Partitions(ctx context.Context) ([]string, error)
	// Files returns the files directly in a partition.
	Files(ctx context.Context, partition string) ([]storage.Entry, error)
}

// listers bounds how many folders are listed at a time.
const listers = 16

// StorageLister lists folders of the store. A folder is a partition when it has a
// .hoodie_partition_metadata file of any format; below one no others are looked for.
// What finding the partitions has shown of their files is not asked for again.
func StorageLister(st storage.Store) Lister {
	return &storageLister{store: st, seen: map[string][]storage.Entry{}}
}

// maxSeen bounds the entries that a lister holds.
const maxSeen = 1 << 16

type storageLister struct {
	store storage.Store

	mu   sync.Mutex
	seen map[string][]storage.Entry // by partition, until it is asked for
	held int                        // entries in seen
}

func (l *storageLister) Files(ctx context.Context, partition string) ([]storage.Entry, error) {
	entries, ok := l.take(partition)
	if !ok {
		var err error
		if entries, err = l.store.List(ctx, partition); err != nil {
			return nil, fmt.Errorf("table: list partition %q of %s: %w", partition, l.store.URI(), err)
		}
	}
	return slices.DeleteFunc(entries, func(e storage.Entry) bool { return e.Dir }), nil
}

func (l *storageLister) take(partition string) ([]storage.Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries, ok := l.seen[partition]
	delete(l.seen, partition)
	l.held -= len(entries)
	return entries, ok
}

func (l *storageLister) keep(partition string, entries []storage.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held+len(entries) > maxSeen {
		return
	}
	l.held += len(entries) - len(l.seen[partition])
	l.seen[partition] = entries
}

// Partitions walks the folders level by level, the folders of a level side by side.
func (l *storageLister) Partitions(ctx context.Context) ([]string, error) {
	var found []string
	for level := []string{""}; len(level) > 0; {
		var (
			mu   sync.Mutex
			next []string
		)
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(listers)
		for _, dir := range level {
			g.Go(func() error {
				entries, err := l.store.List(ctx, dir)
				if err != nil {
					return fmt.Errorf("table: list %q of %s: %w", dir, l.store.URI(), err)
				}
				mu.Lock()
				defer mu.Unlock()
				if slices.ContainsFunc(entries, isMetafile) {
					found = append(found, dir)
					l.keep(dir, entries)
					return nil
				}
				for _, e := range entries {
					if e.Dir && e.Path != base.MetaFolder {
						next = append(next, e.Path)
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
		level = next
	}
	slices.Sort(found)
	return found, nil
}

func isMetafile(e storage.Entry) bool {
	return !e.Dir && strings.HasPrefix(e.Name, base.PartitionMetafile)
}
