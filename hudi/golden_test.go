package hudi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// goldenRow is a row of a golden table: its key, when it was written, and all its data columns.
type goldenRow struct{ key, written, data string }

// goldenRows reads a table. The batches are the caller's to release.
func goldenRows(t *testing.T, tab *hudi.Table, alloc memory.Allocator) (map[string]goldenRow, []arrow.RecordBatch) {
	t.Helper()
	s, err := tab.Schema(t.Context())
	require.NoError(t, err)
	var names []string
	for _, f := range s.WithMeta().Fields() {
		names = append(names, f.Name)
	}
	plan, err := tab.Query(t.Context(), query.Options{Columns: names})
	require.NoError(t, err)
	rows := map[string]goldenRow{}
	var batches []arrow.RecordBatch
	for batch, err := range plan.Rows(t.Context()) {
		require.NoError(t, err)
		batch.Retain()
		batches = append(batches, batch)
		column := func(name string) *array.String {
			return batch.Column(batch.Schema().FieldIndices(name)[0]).(*array.String)
		}
		var text bytes.Buffer
		w, err := rowio.NewWriter(&text, rowio.JSONL, plan.Schema.WithoutMeta(), rowio.WriteOptions{Alloc: alloc})
		require.NoError(t, err)
		data := withoutMeta(batch)
		require.NoError(t, w.Write(data))
		data.Release()
		require.NoError(t, w.Close())
		for i, line := range strings.Split(strings.TrimSpace(text.String()), "\n") {
			key := column(schema.MetaPartitionPath).Value(i) + "/" + column(schema.MetaRecordKey).Value(i)
			rows[key] = goldenRow{key, strings.Clone(column(schema.MetaCommitTime).Value(i)), line}
		}
	}
	return rows, batches
}

// withoutMeta leaves the data columns of a batch.
func withoutMeta(batch arrow.RecordBatch) arrow.RecordBatch {
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range batch.Schema().Fields() {
		if !strings.HasPrefix(f.Name, "_hoodie_") || f.Name == schema.IsDeleted {
			fields, columns = append(fields, f), append(columns, batch.Column(i))
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, batch.NumRows())
}

// TestContinueGolden writes to the golden tables, as another engine's users would: rows that
// are there once more, a delete, the services, a rollback. Nothing else may change.
func TestContinueGolden(t *testing.T) {
	written := 0
	defer func() { require.Greater(t, written, 20, "tables that were not skipped") }()
	for _, name := range goldentest.Cases(t) {
		t.Run(name, func(t *testing.T) {
			alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer alloc.AssertSize(t, 0)
			tab := openGolden(t, name, alloc)
			if strings.Contains(name, "_rules_") {
				t.Skip("late rows that have won by a payload class's rules lose against the base file when they are written again")
			}
			if !tab.Config().MetaFields {
				t.Skip("rows without keys")
			}
			if len(tab.Config().Keys) == 0 {
				t.Skip("its keys are generated, so that rows cannot be written again")
			}
			if _, err := tab.Query(t.Context(), query.Options{}); errors.Is(err, hudi.ErrUnsupported) {
				t.Skip(err)
			}
			before, batches := goldenRows(t, tab, alloc)
			defer func() {
				for _, b := range batches {
					b.Release()
				}
			}()
			if len(before) == 0 {
				t.Skip("the table has no rows")
			}
			first := batches[0].NewSlice(0, 1)
			defer first.Release()
			s, err := tab.Schema(t.Context())
			require.NoError(t, err)
			rows := func(list ...arrow.RecordBatch) hudi.Rows {
				return hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
					for _, b := range list {
						data := withoutMeta(b)
						more := yield(data, nil)
						data.Release()
						if !more {
							return
						}
					}
				}}
			}
			upsert, err := tab.Write(t.Context(), hudi.Upsert, rows(batches...), hudi.WriteOptions{})
			if errors.Is(err, hudi.ErrUnsupported) || strings.Contains(name, "consistent_hashing") && errors.Is(err, hudi.ErrInvalid) {
				t.Skip(err)
			}
			require.NoError(t, err)
			written++
			rewritten := maps.Clone(before)
			for key, r := range rewritten {
				r.written = upsert.Instant
				rewritten[key] = r
			}
			requireRows(t, rewritten, tab, alloc)
			_, err = tab.Write(t.Context(), hudi.Delete, rows(first), hudi.WriteOptions{})
			require.NoError(t, err)
			path, key := first.Column(3).(*array.String).Value(0), first.Column(2).(*array.String).Value(0)
			without := maps.Clone(rewritten)
			delete(without, path+"/"+key)
			requireRows(t, without, tab, alloc)
			require.NoError(t, rollbackLast(nil).do(t.Context(), tab))
			requireRows(t, rewritten, tab, alloc)
			if tab.Config().Type == table.MOR {
				_, err = tab.Compact(t.Context())
				require.NoError(t, err)
				requireRows(t, rewritten, tab, alloc)
			}
			require.NoError(t, clean().do(t.Context(), tab))
			requireRows(t, rewritten, tab, alloc)
		})
	}
}

func requireRows(t *testing.T, want map[string]goldenRow, tab *hudi.Table, alloc memory.Allocator) {
	t.Helper()
	got, batches := goldenRows(t, tab, alloc)
	for _, b := range batches {
		b.Release()
	}
	require.Equal(t, want, got)
}

// TestWriteBesideClustering writes while a clustering of Hudi 0.15 is pending: new rows pass
// the groups of its plan by, and rows in these are refused until it is done.
func TestWriteBesideClustering(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	st := goldentest.Store(t, "v6_cow_clustering")
	for _, f := range []string{"20261123091416595.replacecommit", "20261123091438453.commit", "20261123091438453.inflight", "20261123091438453.commit.requested"} {
		require.NoError(t, st.Delete(t.Context(), ".hoodie/"+f))
	}
	tab, err := hudi.OpenStore(t.Context(), st, hudi.WithAllocator(alloc), hudi.WithZone(time.UTC))
	require.NoError(t, err)
	before, batches := goldenRows(t, tab, alloc)
	s, err := tab.Schema(t.Context())
	require.NoError(t, err)
	in := hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		for _, b := range batches {
			data := withoutMeta(b)
			more := yield(data, nil)
			data.Release()
			if !more {
				return
			}
		}
	}}
	for _, o := range []hudi.Operation{hudi.Upsert, hudi.Delete} {
		_, err = tab.Write(t.Context(), o, in, hudi.WriteOptions{})
		require.ErrorIs(t, err, hudi.ErrConflict)
		require.ErrorContains(t, err, "pending clustering 20261123091416595")
		require.ErrorContains(t, err, "run_clustering")
		requireRows(t, before, tab, alloc)
	}
	res, err := tab.Write(t.Context(), hudi.Insert, in, hudi.WriteOptions{})
	require.NoError(t, err)
	for _, b := range batches {
		b.Release()
	}
	require.EqualValues(t, len(before), res.Inserts)
	require.Zero(t, res.Updates)
}

// openGolden opens a copy of a golden table with the index that its engine was told, which
// Spark does not store.
func openGolden(t *testing.T, name string, alloc memory.Allocator) *hudi.Table {
	t.Helper()
	return openGoldenStore(t, name, goldentest.Store(t, name), alloc)
}

func openGoldenStore(t *testing.T, name string, st storage.Store, alloc memory.Allocator) *hudi.Table {
	t.Helper()
	opts := []hudi.Option{
		hudi.WithAllocator(alloc), hudi.WithZone(time.UTC),
		hudi.WithProperty("hoodie.compact.inline", "false"), hudi.WithProperty("hoodie.clean.automatic", "false"),
	}
	data, ok := goldentest.Expected(t, name, "table.json")
	require.True(t, ok)
	var made struct {
		Options map[string]string `json:"write_options"`
	}
	require.NoError(t, json.Unmarshal(data, &made))
	if strings.HasSuffix(name, "_custom_keygen") { // its writers are told
		for key, value := range map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yyyy-MM-dd HH:mm:ss", "output.dateformat": "yyyy-MM-dd"} {
			opts = append(opts, hudi.WithProperty("hoodie.keygen.timebased."+key, value))
		}
	}
	for key, value := range made.Options {
		if key == "hoodie.index.type" && value == "BUCKET" || strings.HasPrefix(key, "hoodie.bucket.index.") {
			opts = append(opts, hudi.WithProperty(key, value))
		}
	}
	tab, err := hudi.OpenStore(t.Context(), st, opts...)
	require.NoError(t, err)
	return tab
}
