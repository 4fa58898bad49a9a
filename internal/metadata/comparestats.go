package metadata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// compareStats compares what there is of files with the newest files, and statistics of
// partitions with these.
func (s Source) compareStats(ctx context.Context, t *Table) ([]Difference, error) {
	if !s.has(ColumnStats) && !s.has(BloomFilters) {
		return nil, nil
	}
	rows, err := s.Config.RecordSchema(ctx, s.Timeline)
	if errors.Is(err, table.ErrNoSchema) || err == nil && rows == nil {
		return nil, nil // there are no files
	}
	if err != nil {
		return nil, err
	}
	x, err := s.indexed(ctx, rows)
	if err != nil {
		return nil, err
	}
	view := table.NewView(s.Config, s.Timeline, table.StorageLister(s.Store))
	partitions, err := view.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	var out []Difference
	for _, p := range partitions {
		found, err := s.compareStatsOf(ctx, t, view, p, &x)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (s Source) compareStatsOf(ctx context.Context, t *Table, view *table.View, partition string, x *indexed) ([]Difference, error) {
	seen, err := view.SlicesAt(ctx, partition, "")
	if err != nil {
		return nil, err
	}
	var out []Difference
	joined := map[string]*Stats{}
	for _, f := range seen {
		for _, ref := range filesOf(f) {
			if _, isLog := base.ParseLogFileName(ref.Name); isLog && s.Config.SliceLogs() {
				continue // it may have been rolled back, and have none
			}
			if !hasFacts(s.Config, x, ref.Name) {
				continue
			}
			there, err := s.factsOf(ctx, x, ref)
			if err != nil {
				return nil, err
			}
			found, err := s.compareFacts(ctx, t, x, ref, there)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
			for _, of := range there.stats {
				if of == nil {
					continue
				}
				if before := joined[of.Column]; before != nil {
					of = joinStats(before, of)
				}
				joined[of.Column] = of
			}
		}
	}
	if !s.has(PartitionStats) || len(joined) == 0 {
		return out, nil
	}
	known, err := t.PartitionStats(ctx, []string{partition}, x.names())
	if err != nil {
		return nil, err
	}
	for i, name := range x.names() {
		if of := joined[name]; of != nil {
			if what := of.exceeds(known[0][i]); what != "" {
				out = append(out, Difference{base.Join(partition), fmt.Sprintf("%s of column %s in partition_stats", what, name)})
			}
		}
	}
	return out, nil
}

// compareFacts compares what there is of a file with what the file says.
func (s Source) compareFacts(ctx context.Context, t *Table, x *indexed, ref FileRef, there *facts) ([]Difference, error) {
	var out []Difference
	file := base.Join(ref.Partition, ref.Name)
	if x.stats {
		known, err := t.ColumnStats(ctx, ColumnStats, []FileRef{ref}, x.names())
		if err != nil {
			return nil, err
		}
		for i, of := range there.stats {
			if of == nil || known[0][i] == nil && s.Config.Version < definedFrom { // others may index other columns
				continue
			}
			if what := of.differs(known[0][i]); what != "" {
				out = append(out, Difference{file, fmt.Sprintf("%s of column %s in column_stats", what, of.Column)})
			}
		}
	}
	if x.blooms && there.bloom != nil {
		known, err := t.Blooms(ctx, []FileRef{ref})
		switch {
		case err != nil:
			return nil, err
		case known[0] == nil:
			out = append(out, Difference{file, "has no filter in bloom_filters"})
		case !bytes.Equal(known[0].Filter, there.bloom.Filter):
			out = append(out, Difference{file, "has another filter in bloom_filters"})
		}
	}
	return out, nil
}

// differs says in what other statistics of the same rows are wrong, "" for nothing.
func (s *Stats) differs(other *Stats) string {
	if other == nil {
		return "has no statistics"
	}
	other = other.widenedTo(s)
	switch {
	case !reflect.DeepEqual(s.Min, other.Min), !reflect.DeepEqual(s.Max, other.Max):
		return "has other bounds"
	case !reflect.DeepEqual(s.Values, other.Values), !reflect.DeepEqual(s.Nulls, other.Nulls):
		return "has other counts"
	}
	return ""
}

// exceeds says in what the statistics of a partition, of which these are those of its rows, are
// too narrow, "" for nothing. They may be too wide: of rows that are gone.
func (s *Stats) exceeds(of *Stats) string {
	if of == nil {
		return "has no statistics"
	}
	of = of.widenedTo(s)
	outside := func(rows, known *Bound, side int) bool {
		if rows == nil {
			return false
		}
		return known == nil || !reflect.DeepEqual(s.further(known, rows, side), known)
	}
	switch {
	case outside(s.Min, of.Min, -1), outside(s.Max, of.Max, 1):
		return "has bounds that rows exceed"
	case of.Values == nil || of.Nulls == nil || *s.Values > *of.Values || *s.Nulls > *of.Nulls:
		return "has counts that are too small"
	}
	return ""
}
