package metadata

import (
	"context"
	"fmt"
	"reflect"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// compareStats compares the statistics that are kept in step with the footers of the newest
// base files.
func (s Source) compareStats(ctx context.Context, t *Table) ([]Difference, error) {
	if !s.has(ColumnStats) || !Keeps(s.Config, ColumnStats) {
		return nil, nil
	}
	rows, err := s.Config.RecordSchema(ctx, s.Timeline)
	if err != nil {
		return nil, err
	}
	names, err := s.indexed(ctx)
	if err != nil {
		return nil, err
	}
	columns, err := statColumns(rows.WithMeta(), names)
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
		found, err := s.compareStatsOf(ctx, t, view, p, columns)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (s Source) compareStatsOf(ctx context.Context, t *Table, view *table.View, partition string, columns []statColumn) ([]Difference, error) {
	latest, err := view.Latest(ctx, partition)
	if err != nil {
		return nil, err
	}
	var out []Difference
	joined := map[string]*Stats{}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	for _, f := range latest {
		if f.Base == nil {
			continue
		}
		ref := FileRef{partition, f.Base.Name}
		there, err := fileStats(ctx, s.Store, ref, s.Config.Version, columns)
		if err != nil {
			return nil, err
		}
		known, err := t.ColumnStats(ctx, ColumnStats, []FileRef{ref}, names)
		if err != nil {
			return nil, err
		}
		for i, of := range there {
			if of == nil {
				continue
			}
			if what := of.differs(known[0][i]); what != "" {
				out = append(out, Difference{f.Base.Path, fmt.Sprintf("%s of column %s in column_stats", what, of.Column)})
			}
			if before := joined[of.Column]; before != nil {
				of = joinStats(before, of)
			}
			joined[of.Column] = of
		}
	}
	if !s.has(PartitionStats) || len(joined) == 0 {
		return out, nil
	}
	known, err := t.PartitionStats(ctx, []string{partition}, names)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if of := joined[name]; of != nil {
			if what := of.differs(known[0][i]); what != "" {
				out = append(out, Difference{base.Join(partition), fmt.Sprintf("%s of column %s in partition_stats", what, name)})
			}
		}
	}
	return out, nil
}

// differs says in what other statistics of the same rows are wrong, "" for nothing.
func (s *Stats) differs(other *Stats) string {
	switch {
	case other == nil:
		return "has no statistics"
	case !reflect.DeepEqual(s.Min, other.Min), !reflect.DeepEqual(s.Max, other.Max):
		return "has other bounds"
	case !reflect.DeepEqual(s.Values, other.Values), !reflect.DeepEqual(s.Nulls, other.Nulls):
		return "has other counts"
	}
	return ""
}
