package query

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// listed is a listing of the table, from the metadata table if there is one, that remembers the
// partitions it was asked for. It is a table.Lister.
type listed struct {
	table.Lister
	store storage.Store
	meta  *metadata.Table // the Lister, if it is one

	mu   sync.Mutex
	seen map[string]map[string]storage.Entry // by partition and name
}

// list opens the listing; done closes it.
func (p *Plan) list(ctx context.Context) (l *listed, done func(), err error) {
	l = &listed{store: p.source.Store, seen: map[string]map[string]storage.Entry{}}
	if l.Lister, done, err = metadata.Lister(ctx, p.source.Store, p.source.Config, p.source.Timeline); err != nil {
		return nil, nil, err
	}
	l.meta, _ = l.Lister.(*metadata.Table)
	return l, done, nil
}

func (l *listed) Files(ctx context.Context, partition string) ([]storage.Entry, error) {
	entries, err := l.Lister.Files(ctx, partition)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]storage.Entry, len(entries))
	for _, e := range entries {
		byName[e.Name] = e
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[partition] = byName
	return entries, nil
}

// find returns a file; one that is not there wraps fs.ErrNotExist. The store is asked for it when
// its partition is not listed yet, and listing it would list a folder.
func (l *listed) find(ctx context.Context, at string) (storage.Entry, error) {
	partition := path.Dir(at)
	if partition == "." {
		partition = ""
	}
	files := l.known(partition)
	if files == nil {
		if l.meta == nil {
			return l.store.Stat(ctx, at)
		}
		if _, err := l.Files(ctx, partition); err != nil {
			return storage.Entry{}, err
		}
		files = l.known(partition)
	}
	e, ok := files[path.Base(at)]
	if !ok {
		return storage.Entry{}, fmt.Errorf("%s is not in the listing: %w", at, fs.ErrNotExist)
	}
	return e, nil
}

func (l *listed) known(partition string) map[string]storage.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[partition]
}
