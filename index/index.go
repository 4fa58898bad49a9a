// Package index finds the file group that holds a record key. An index only reads; what
// it cannot find is an insert.
package index

import (
	"context"
	"fmt"
	"iter"
	"runtime"

	"github.com/apache/arrow-go/v18/arrow"
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

// Simple locates keys by reading the key column of every latest base file of a partition.
type Simple struct {
	Store storage.Store
	Alloc memory.Allocator
	// Logs yields columns of the rows of a slice as its logs have them that were written by
	// instants up to latest, "" for all; nil for a table that has no log files.
	Logs func(ctx context.Context, s table.FileSlice, latest string, columns *schema.Schema) iter.Seq2[arrow.RecordBatch, error]
	// Completion is the completion time of a completed write.
	Completion func(instant string) (string, bool)
}

// Locate looks the entries' keys up in the base files of a partition's slices, in which
// the logs of a pending compaction stand with the base file that they are merged with.
func (x *Simple) Locate(ctx context.Context, slices []table.FileSlice, changes *merge.Reducer) (*Located, error) {
	keyColumn, err := schema.New(&schema.Type{Kind: schema.Record, Name: "key", Fields: []schema.Field{
		{Name: schema.MetaRecordKey, Type: &schema.Type{Kind: schema.String, Nullable: true}},
	}})
	if err != nil {
		return nil, err
	}
	l := &Located{Of: make([]int32, changes.Len())}
	wanted := keyRange(changes)
	hits := make([][]int32, len(slices))
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range slices {
		l.Groups = append(l.Groups, Group{FileSlice: s})
		work.Go(func() (err error) {
			hits[i], err = x.find(wctx, s, keyColumn, changes, wanted)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	for i := range l.Of {
		l.Of[i] = -1
	}
	also := map[Place]bool{}
	for i, entries := range hits {
		for _, e := range entries {
			at := Place{e, int32(i)}
			switch {
			case l.Of[e] < 0:
				l.Of[e] = at.Group
			case l.Of[e] != at.Group && !also[at]:
				also[at] = true
				l.Also = append(l.Also, at)
			}
		}
	}
	return l, nil
}

// find returns the entries whose keys a slice has.
func (x *Simple) find(ctx context.Context, s table.FileSlice, keyColumn *schema.Schema, changes *merge.Reducer, wanted span) ([]int32, error) {
	var hits []int32
	if s.Base != nil {
		var err error
		if hits, err = x.inBase(ctx, s.Base, keyColumn, changes, wanted); err != nil {
			return nil, fmt.Errorf("index: keys of %s: %w", s.Base.Path, err)
		}
	}
	var latest string
	if s.Logs, latest = x.ownKeys(s); len(s.Logs) == 0 {
		return hits, nil
	}
	s.Base = nil
	for batch, err := range x.Logs(ctx, s, latest, keyColumn) {
		if err == nil {
			hits, err = lookUp(hits, batch, changes)
		}
		if err != nil {
			return nil, fmt.Errorf("index: keys in the logs of file group %s: %w", s.FileID, err)
		}
	}
	return hits, nil
}

// ownKeys are the logs of a slice that may have keys which its base file lacks, and the
// latest instant that may have written such a key. Logs only
// hold keys that their writer found in the base file; but one that wrote beside a
// compaction found them in the base file before it, and the compaction may have removed
// them. Slices without a base file are other engines' work. The names of logs of table
// version 6 do not tell who wrote them, and all have to be asked.
func (x *Simple) ownKeys(s table.FileSlice) (logs []table.LogFile, latest string) {
	if x.Logs == nil || s.Base == nil {
		return s.Logs, ""
	}
	done, ok := x.Completion(s.Base.Instant)
	if !ok {
		return nil, "" // archived, and so are all that wrote beside it
	}
	for _, f := range s.Logs {
		if f.Name.Time < done {
			logs = append(logs, f)
		}
	}
	return logs, done
}

// span is a range of keys in the order of their bytes, which is that of Parquet's statistics.
type span struct{ low, high string }

func keyRange(changes *merge.Reducer) (s span) {
	for i := range changes.Len() {
		switch k := changes.Key(i); {
		case i == 0:
			s = span{string(k), string(k)}
		case string(k) < s.low:
			s.low = string(k)
		case string(k) > s.high:
			s.high = string(k)
		}
	}
	return s
}

// mayHave reports whether rows of a base file may have a key of the range.
func (s span) mayHave(g basefile.Statistics) bool {
	low, high, _, _, ok := g.Range(schema.MetaRecordKey, &schema.Type{Kind: schema.String})
	if !ok || low == nil {
		return true
	}
	return low.(string) <= s.high && high.(string) >= s.low
}

// inBase returns the entries whose keys a base file has.
func (x *Simple) inBase(ctx context.Context, f *table.BaseFile, keyColumn *schema.Schema, changes *merge.Reducer, wanted span) ([]int32, error) {
	file, err := x.Store.Open(ctx, f.Path)
	if err != nil {
		return nil, err
	}
	r, err := basefile.Open(ctx, file, f.Path, x.Alloc)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var hits []int32
	for batch, err := range r.Read(ctx, basefile.ReadOptions{Schema: keyColumn, Keep: wanted.mayHave}) {
		if err == nil {
			hits, err = lookUp(hits, batch, changes)
		}
		if err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// lookUp adds the entries whose keys are in the first column of a batch.
func lookUp(hits []int32, batch arrow.RecordBatch, changes *merge.Reducer) ([]int32, error) {
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
	return hits, nil
}
