package hudi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// TestStatisticsInStep keeps statistics and filters in step over writes, services and rollbacks, of
// log files too, through compactions of the metadata table.
func TestStatisticsInStep(t *testing.T) {
	eachMetadataKind(t, func(t *testing.T, k kind) {
		if k.typ == table.MOR {
			k.buckets = 2
		}
		m := newMetadataTable(t, k,
			hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "true"), hudi.WithProperty("hoodie.metadata.index.bloom.filter.enable", "true"),
			hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "3"), hudi.WithProperty("hoodie.clean.commits.retained", "2"))
		ask := func() {
			t.Helper()
			rows := m.rows()
			for _, val := range []string{"v1", "v4", "w2", "gone", "nothing"} {
				var want []string
				for _, row := range rows {
					if valueOf(row) == val {
						want = append(want, row)
					}
				}
				got, err := all(t.Context(), m.open(), query.Options{Where: "val = '" + val + "'"})
				require.NoError(t, err)
				require.ElementsMatch(t, want, got, val)
			}
		}
		do := func(o op) { t.Helper(); m.do(o); ask() }
		do(write(hudi.Insert, r("a", "x", "v1", 1), r("b", "x", "v2", 1), r("c", "y", "v3", 1)))
		want := []string{"bloom_filters", "column_stats", "files"}
		if k.version >= 8 {
			want = append(want, "partition_stats")
		}
		require.ElementsMatch(t, want, m.open().Config().MetadataPartitions)
		do(write(hudi.Upsert, r("a", "x", "v4", 2), r("d", "z", "w1", 2)))
		do(write(hudi.Delete, r("b", "x", "", 3)))
		if k.typ == table.MOR {
			do(compact())
		}
		do(write(hudi.Upsert, r("b", "x", "w2", 4)))
		do(clean())
		states := [][]string{m.rows()}
		for i := range 3 {
			do(write(hudi.Upsert, r("a", "x", fmt.Sprint("gone", i), int64(5+i)), r(fmt.Sprint("new", i), "y", "gone", 5)))
			states = append(states, m.rows())
		}
		for i := len(states) - 2; i >= 0; i-- {
			m.undo()
			require.Equal(t, states[i], m.rows())
			ask()
		}
		do(write(hudi.Upsert, r("e", "y", "v4", 9)))
	})
}

// valueOf is the value in the text of a row (rec.String).
func valueOf(row string) string {
	_, value, _ := strings.Cut(row, "=")
	value, _, _ = strings.Cut(value, "@")
	return value
}

// TestStatisticsOfWidenedColumns has files of before and after a column of int became one of long: statistics of the old ones stay as they were
// noted, and count.
func TestStatisticsOfWidenedColumns(t *testing.T) {
	eachMetadataKind(t, func(t *testing.T, k kind) {
		m := newMetadataTable(t, k, hudi.WithProperty("hoodie.metadata.index.column.stats.enable", "true"), hudi.WithProperty("hoodie.parquet.small.file.limit", "0"))
		do := func(of arrow.DataType, id, part string, n int64) {
			t.Helper()
			columns := arrow.NewSchema(append(simArrow.Fields(), arrow.Field{Name: "n", Type: of, Nullable: true}), nil)
			rows, err := schema.FromArrow("sim", columns)
			require.NoError(t, err)
			b := array.NewRecordBuilder(memory.DefaultAllocator, columns)
			defer b.Release()
			for i, v := range []string{id, part, "v"} {
				b.Field(i).(*array.StringBuilder).Append(v)
			}
			b.Field(3).(*array.Int64Builder).Append(n)
			switch c := b.Field(4).(type) {
			case *array.Int32Builder:
				c.Append(int32(n))
			case *array.Int64Builder:
				c.Append(n)
			}
			batch := b.NewRecordBatch()
			defer batch.Release()
			_, err = m.open().Write(t.Context(), hudi.Upsert, hudi.Rows{Schema: rows, Batches: func(yield func(arrow.RecordBatch, error) bool) { yield(batch, nil) }}, hudi.WriteOptions{})
			require.NoError(t, err)
			m.checks()
		}
		do(arrow.PrimitiveTypes.Int32, "a", "x", 1)
		do(arrow.PrimitiveTypes.Int32, "b", "y", 1)
		do(arrow.PrimitiveTypes.Int64, "c", "x", 1<<40)
		do(arrow.PrimitiveTypes.Int64, "a", "x", 2)
		for where, want := range map[string]int{"n = 1": 1, "n >= 2": 2, "n > 9": 1} {
			got, err := all(t.Context(), m.open(), query.Options{Where: where})
			require.NoError(t, err)
			require.Len(t, got, want, where)
		}
	})
}
