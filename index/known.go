package index

import (
	"context"
	"errors"
	"fmt"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// filesAsked is from how many base files on the metadata table is asked before they are opened.
const filesAsked = 8

// without tells, by a slice's place, which base files have none of the keys by the statistics
// in the metadata table; nil if there are none. Its bloom_filters are those of the footers, and
// take as long to read.
func (x *Lookup) without(ctx context.Context, keys *keys, slices []table.FileSlice) (out map[int]bool, err error) {
	if !x.Filters || len(slices) < filesAsked {
		return nil, nil
	}
	meta, err := metadata.Open(ctx, x.Store, x.Config, x.Timeline)
	if errors.Is(err, metadata.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer func() { err = errors.Join(err, meta.Close()) }()
	if !meta.Has(metadata.ColumnStats) {
		return nil, nil
	}
	var files []metadata.FileRef
	var at []int
	for i, s := range slices {
		if s.Base != nil {
			files, at = append(files, metadata.FileRef{Partition: s.Partition, Name: s.Base.Name}), append(at, i)
		}
	}
	stats, err := meta.ColumnStats(ctx, metadata.ColumnStats, files, []string{schema.MetaRecordKey})
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	var ranges []keyRange
	total := int64(0)
	for _, line := range stats {
		r := rangeOf(line[0])
		ranges = append(ranges, r)
		total += r.rows
	}
	out = map[int]bool{}
	for i, r := range ranges {
		if r.known {
			out[at[i]] = !keys.someBetween(r.low, r.high, keys.few(total))
		}
	}
	return out, nil
}

// keyRange says between which bounds the keys of a file lie.
type keyRange struct {
	low, high string
	rows      int64
	known     bool
}

func rangeOf(s *metadata.Stats) (r keyRange) {
	if s == nil {
		return r
	}
	low, high, _, rows, ok := s.Range(&schema.Type{Kind: schema.String})
	if !ok || low.Kind() != expr.KindString || high.Kind() != expr.KindString {
		return r
	}
	return keyRange{low.Text(), high.Text(), rows, true}
}
