package query_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

func source(t *testing.T, name string, alloc memory.Allocator) query.Source {
	t.Helper()
	return sourceOf(t, goldentest.Store(t, name), alloc)
}

func sourceOf(t *testing.T, st storage.Store, alloc memory.Allocator) query.Source {
	t.Helper()
	c, err := table.LoadConfig(t.Context(), st)
	require.NoError(t, err)
	tl, err := c.Timeline(t.Context(), st, time.UTC)
	require.NoError(t, err)
	return query.Source{Store: st, Config: c, Timeline: tl, Now: time.Now, Alloc: alloc, Memory: 64 << 20, Parallel: 2}
}

// answer is the sorted rows of a plan, in JSON lines.
func answer(t *testing.T, p *query.Plan, alloc memory.Allocator) []string {
	t.Helper()
	var text bytes.Buffer
	w, err := rowio.NewWriter(&text, rowio.JSONL, p.Schema, rowio.WriteOptions{Alloc: alloc})
	require.NoError(t, err)
	for batch, err := range p.Rows(t.Context()) {
		require.NoError(t, err)
		require.NoError(t, w.Write(batch))
	}
	require.NoError(t, w.Close())
	return slices.Sorted(strings.Lines(text.String()))
}

// literal is a value of a column as conditions write it, "" for types that they are not made of.
func literal(a arrow.Array, row int) string {
	text := a.ValueStr(row)
	switch a := a.(type) {
	case *array.String:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case *array.Int32, *array.Int64, *array.Boolean, *array.Decimal128:
		return text
	case *array.Float64:
		return strconv.FormatFloat(a.Value(row), 'g', -1, 64)
	case *array.Date32:
		return "DATE '" + text + "'"
	case *array.Timestamp:
		return "TIMESTAMP '" + a.Value(row).ToTime(a.DataType().(*arrow.TimestampType).Unit).Format("2006-01-02T15:04:05.000000Z") + "'"
	}
	return ""
}

// conditions are made of the values of the rows of a plan.
func conditions(t *testing.T, p *query.Plan) (out []string) {
	t.Helper()
	values := map[string]map[string]bool{}
	for batch, err := range p.Rows(t.Context()) {
		require.NoError(t, err)
		for i, f := range batch.Schema().Fields() {
			if values[f.Name] == nil {
				values[f.Name] = map[string]bool{}
			}
			for row := range int(batch.NumRows()) {
				if a := batch.Column(i); a.IsValid(row) {
					values[f.Name][literal(a, row)] = true
				}
			}
		}
	}
	var some []string // one comparison a column
	for _, column := range slices.Sorted(maps.Keys(values)) {
		out = append(out, column+" IS NULL", column+" IS NOT NULL")
		list := slices.Sorted(maps.Keys(values[column]))
		if len(list) == 0 || list[0] == "" {
			continue
		}
		for i, v := range list {
			if i%(len(list)/3+1) > 0 {
				continue
			}
			other := list[(i*7+3)%len(list)]
			for _, op := range []string{"=", "<", "<=", ">", ">=", "<>"} {
				out = append(out, column+" "+op+" "+v)
			}
			out = append(out, fmt.Sprintf("%s IN (%s, %s)", column, v, other), fmt.Sprintf("%s NOT IN (%s, %s)", column, v, other),
				fmt.Sprintf("%s BETWEEN %s AND %s", column, v, other), fmt.Sprintf("%s = %s OR %s = %s", column, v, column, other))
		}
		if strings.HasPrefix(list[0], "'") {
			out = append(out, column+" = 'nothing of the kind'", column+" > 'zzz'", column+" < ' '", column+" LIKE "+list[0][:2]+"%'")
		}
		some = append(some, column+" = "+list[len(list)/2])
	}
	for i, a := range some {
		b := some[(i+1)%len(some)]
		out = append(out, a+" AND "+b, a+" OR "+b, "NOT ("+a+" AND "+b+")", "("+a+" OR "+b+") AND "+some[(i+2)%len(some)])
	}
	return out
}

// TestSkipping asks many questions of every golden table with a metadata table, with its indexes and without. The
// answers are the same, and each index passes something over.
func TestSkipping(t *testing.T) {
	reasons := map[string]int{}
	for _, name := range goldentest.Cases(t) {
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		with := source(t, name, alloc)
		if !slices.Contains(with.Config.MetadataPartitions, metadata.ColumnStats) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			defer alloc.AssertSize(t, 0)
			askAll(t, with, 2, reasons)
			// Without the record index the filters of the keys have their turn.
			fewer := *with.Config
			fewer.MetadataPartitions = slices.DeleteFunc(slices.Clone(fewer.MetadataPartitions), func(p string) bool {
				return p != metadata.Files && p != metadata.BloomFilters
			})
			with.Config = &fewer
			askAll(t, with, 6, reasons)
		})
	}
	for _, index := range []string{"partition_stats", "column_stats", "record_index", "secondary_index_by_customer", "bloom_filters"} {
		require.NotZero(t, reasons[index], "%s: %v", index, reasons)
	}
}

// TestSkippingSlicesWithLogs asks a merge-on-read table that Spark has made with all indexes, as TestSkippingSparkTables of
// the interop suite makes it: updates, late ones, deletes and keys that come back, in logs.
func TestSkippingSlicesWithLogs(t *testing.T) {
	st := mem.New(time.Now)
	z, err := zip.OpenReader("testdata/v9_indexed_mor.zip")
	require.NoError(t, err)
	defer z.Close()
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, st.Put(t.Context(), f.Name, data))
	}
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	with, reasons := sourceOf(t, st, alloc), map[string]int{}
	askAll(t, with, 6, reasons)
	for _, index := range []string{"partition_stats", "column_stats", "record_index", "secondary_index_by_s"} {
		require.NotZero(t, reasons[index], "%s: %v", index, reasons)
	}
	// The record index has lost k06, which was deleted and written again.
	p, err := query.NewPlan(t.Context(), with, query.Options{Where: "id = 'k06'", Columns: []string{"id", "n"}})
	require.NoError(t, err)
	require.Equal(t, []string{`{"id":"k06","n":2006}` + "\n"}, answer(t, p, alloc))
}

// askAll asks every so manyth question.
func askAll(t *testing.T, with query.Source, every int, reasons map[string]int) {
	without := with
	without.Unindexed = true
	all, err := query.NewPlan(t.Context(), without, query.Options{Meta: true})
	require.NoError(t, err)
	asked := conditions(t, all)
	require.Greater(t, len(asked), 150)
	views := []query.Options{{}, {View: query.ReadOptimized}}
	for _, w := range with.Timeline.CompletedWrites() {
		views = append(views, query.Options{AsOf: w.Time})
	}
	for i, where := range asked {
		if i%every > 0 {
			continue
		}
		for j, o := range views {
			if j > 0 && (i+j)%7 > 0 {
				continue
			}
			o.Where, o.Meta = where, true
			want, err := query.NewPlan(t.Context(), without, o)
			require.NoError(t, err)
			got, err := query.NewPlan(t.Context(), with, o)
			require.NoError(t, err)
			require.Equal(t, answer(t, want, with.Alloc), answer(t, got, with.Alloc), "%s of %+v", where, o)
			if j == 0 {
				require.Len(t, got.Tasks, len(all.Tasks)-skipped(all, got), where)
			}
			for _, s := range got.Skipped {
				reasons[indexOf(s.Reason)]++
			}
			for _, s := range got.SkippedSlices {
				reasons[indexOf(s.Reason)]++
			}
		}
	}
	// A plan without a condition that is given one leaves out the same.
	plain, err := query.NewPlan(t.Context(), with, query.Options{})
	require.NoError(t, err)
	var columns []string
	for _, f := range plain.Schema.Fields() {
		columns = append(columns, f.Name)
	}
	for i, where := range asked {
		if i%5 > 0 || strings.Contains(where, "_hoodie_") {
			continue
		}
		planned, err := query.NewPlan(t.Context(), with, query.Options{Where: where})
		require.NoError(t, err)
		narrow, err := plain.Narrow(t.Context(), columns, where)
		require.NoError(t, err)
		require.Equal(t, planned.Skipped, narrow.Skipped, where)
		require.Equal(t, planned.SkippedSlices, narrow.SkippedSlices, where)
		require.Len(t, narrow.Tasks, len(planned.Tasks), where)
	}
}

func indexOf(reason string) string {
	index, _, _ := strings.Cut(reason, ":")
	return index
}

// skipped counts the slices of all that a plan says it passes over.
func skipped(all, p *query.Plan) int {
	n := len(p.SkippedSlices)
	for _, s := range p.Skipped {
		for _, t := range all.Tasks {
			if t.Slice.Partition == s.Partition {
				n++
			}
		}
	}
	return n
}
