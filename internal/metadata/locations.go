package metadata

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/table"
)

// Locations returns where the record index has the records of keys; keys without a record
// are left out. An index of the keys of each partition wraps base.ErrUnsupported.
func (t *Table) Locations(ctx context.Context, keys []string) (map[string]Location, error) {
	groups, err := t.recordGroups(ctx, "")
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 || partitionedGroup(groups[0]) {
		return nil, fmt.Errorf("metadata: %s has a record index by partitions: %w", t.store.URI(), base.ErrUnsupported)
	}
	out := make(map[string]Location, len(keys))
	key := func(i int) []byte { return []byte(keys[i]) }
	err = t.eachLocation(ctx, groups, len(keys), key, func(i int, l *Location) error {
		out[keys[i]] = *l
		return nil
	})
	return out, err
}

// EachPlace calls found with the file groups of those of n keys that the record index has; one
// call at a time, in no order. The keys are those of a partition of the table; an index for all
// partitions may have them in another. Each block of the index is read once, and little is held
// besides the keys' numbers.
func (t *Table) EachPlace(ctx context.Context, partition string, n int, key func(i int) []byte, found func(i int, at table.GroupID) error) error {
	groups, err := t.recordGroups(ctx, partition)
	if err != nil || len(groups) == 0 {
		return err // the index has not seen the partition yet
	}
	ids := map[Location]table.GroupID{} // many keys have few places
	return t.eachLocation(ctx, groups, n, key, func(i int, l *Location) error {
		at := *l
		at.Instant = 0
		id, ok := ids[at]
		if !ok {
			id = table.GroupID{Partition: l.Partition, FileID: l.FileID()}
			ids[at] = id
		}
		return found(i, id)
	})
}

// recordGroups are the groups of the record index, of a partitioned one those of a partition of
// the table.
func (t *Table) recordGroups(ctx context.Context, partition string) ([]*group, error) {
	groups, err := t.partition(ctx, RecordIndex)
	if err != nil || len(groups) == 0 || !partitionedGroup(groups[0]) {
		return groups, err
	}
	var own []*group
	for _, g := range groups {
		if of, partitioned, _, ok := parseRecordFileID(g.slice.FileID); ok && partitioned && of == partition {
			own = append(own, g)
		}
	}
	return own, nil
}

func partitionedGroup(g *group) bool {
	_, partitioned, _, _ := parseRecordFileID(g.slice.FileID)
	return partitioned
}

// locationsHeld is how many places are held at a time in each group that is read.
const locationsHeld = 16 << 10

func (t *Table) eachLocation(ctx context.Context, groups []*group, n int, key func(i int) []byte, found func(i int, l *Location) error) error {
	byGroup := make([][]int32, len(groups))
	for i := range n {
		g := groupOf(string(key(i)), len(groups))
		byGroup[g] = append(byGroup[g], int32(i))
	}
	var mu sync.Mutex // while found is called
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for g, wanted := range byGroup {
		if len(wanted) == 0 {
			continue
		}
		work.Go(func() error {
			slices.SortFunc(wanted, func(a, b int32) int { return bytes.Compare(key(int(a)), key(int(b))) })
			for some := range slices.Chunk(wanted, locationsHeld) {
				recs, err := t.recordsOf(ctx, groups[g], some, key)
				if err != nil {
					return err
				}
				mu.Lock()
				for _, i := range some {
					if l := recs[string(key(int(i)))]; l != nil && err == nil {
						err = found(int(i), l)
					}
				}
				mu.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return work.Wait()
}

// recordsOf looks some keys, which are sorted, up in a group.
func (t *Table) recordsOf(ctx context.Context, g *group, some []int32, key func(i int) []byte) (map[string]*Location, error) {
	keys := make([][]byte, len(some))
	for j, i := range some {
		keys[j] = key(int(i))
	}
	recs := make(map[string]*Record, len(some))
	err := t.collect(ctx, g, recs, len(some), func(f *hfile.Reader) iter.Seq2[hfile.Entry, error] { return f.Lookup(ctx, keys) })
	if err != nil {
		return nil, err
	}
	out := make(map[string]*Location, len(recs))
	for key, rec := range recs {
		if rec.Location == nil {
			return nil, fmt.Errorf("metadata: %s: the record index has no location for %q: %w", t.store.URI(), key, base.ErrCorrupt)
		}
		out[key] = rec.Location
	}
	return out, nil
}
