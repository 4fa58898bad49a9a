// Package index finds the file group that holds a record key. An index only reads; what
// it cannot find is an insert.
package index

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// Located says where the entries of a Reducer belong.
type Located struct {
	Groups []Group
	// Of holds, for each entry, its group's place in Groups, or -1 for a key that no group
	// has.
	Of []int32
}

// Group is a file group of a partition in its latest slice.
type Group struct {
	table.FileSlice
	New bool // there is nothing of it on storage
}

// Simple locates keys by reading the key column of every latest base file of a partition.
type Simple struct {
	Store storage.Store
	Alloc memory.Allocator
}

// Locate looks the entries' keys up in the base files of a partition's latest slices.
func (x *Simple) Locate(ctx context.Context, slices []table.FileSlice, changes *merge.Reducer) (*Located, error) {
	l := &Located{Of: make([]int32, changes.Len())}
	for i := range l.Of {
		l.Of[i] = -1
	}
	keyColumn, err := schema.New(&schema.Type{Kind: schema.Record, Name: "key", Fields: []schema.Field{
		{Name: schema.MetaRecordKey, Type: &schema.Type{Kind: schema.String, Nullable: true}},
	}})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range slices {
		l.Groups = append(l.Groups, Group{FileSlice: s})
		if s.Base == nil {
			continue
		}
		work.Go(func() error {
			hits, err := x.find(ctx, s.Base, keyColumn, changes)
			if err != nil {
				return fmt.Errorf("index: keys of %s: %w", s.Base.Path, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, e := range hits {
				l.Of[e] = int32(i)
			}
			return nil
		})
	}
	return l, work.Wait()
}

// find returns the entries whose keys a base file has.
func (x *Simple) find(ctx context.Context, f *table.BaseFile, keyColumn *schema.Schema, changes *merge.Reducer) ([]int32, error) {
	file, err := x.Store.Open(ctx, f.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := basefile.Open(ctx, file, f.Path, x.Alloc)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var hits []int32
	for batch, err := range r.Read(ctx, basefile.ReadOptions{Schema: keyColumn}) {
		if err != nil {
			return nil, err
		}
		keys, ok := batch.Column(0).(*array.String)
		if !ok {
			return nil, fmt.Errorf("column %s is %s: %w", schema.MetaRecordKey, batch.Column(0).DataType(), base.ErrCorrupt)
		}
		for row := range keys.Len() {
			if keys.IsNull(row) {
				return nil, fmt.Errorf("row without record key; tables without meta fields cannot be located by key yet: %w", base.ErrUnsupported)
			}
			if e := changes.Find(keys.Value(row)); e >= 0 {
				hits = append(hits, int32(e))
			}
		}
	}
	return hits, nil
}
