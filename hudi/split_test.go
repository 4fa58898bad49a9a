package hudi_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
)

// jsonLines are the sorted rows of plans.
func jsonLines(t *testing.T, alloc memory.Allocator, plans ...*query.Plan) []string {
	t.Helper()
	var text bytes.Buffer
	for _, plan := range plans {
		w, err := rowio.NewWriter(&text, rowio.JSONL, plan.Schema, rowio.WriteOptions{Alloc: alloc})
		require.NoError(t, err)
		for batch, err := range plan.Rows(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, w.Write(batch))
		}
		require.NoError(t, w.Close())
	}
	return slices.Sorted(strings.Lines(text.String()))
}

// TestSplits cuts queries of the golden tables into splits, lets somebody write to the table, and reads the splits with
// another handle of it: together they have the rows of the whole plan.
func TestSplits(t *testing.T) {
	many, written := 0, 0
	for _, name := range goldentest.Cases(t) {
		t.Run(name, func(t *testing.T) {
			alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer alloc.AssertSize(t, 0)
			st := goldentest.Store(t, name)
			tab := openGoldenStore(t, name, st, alloc)
			var want [][]string
			var splits [][][]byte
			for _, o := range []query.Options{
				{Meta: true}, {View: query.ReadOptimized}, {View: query.Incremental, Begin: "000", Meta: true},
				{View: query.CDC, Begin: "000", Columns: []string{"after", "op"}, Where: "op <> 'd'"},
			} {
				plan, err := tab.Query(t.Context(), o)
				if errors.Is(err, hudi.ErrInvalid) || errors.Is(err, hudi.ErrUnsupported) || errors.Is(err, hudi.ErrCleaned) {
					continue
				}
				require.NoError(t, err)
				want = append(want, jsonLines(t, alloc, plan))
				var parts [][]byte
				for _, task := range plan.Tasks {
					part, err := plan.Split(task)
					require.NoError(t, err)
					parts = append(parts, part)
				}
				splits = append(splits, parts)
				many += len(parts)
			}
			if len(want) > 0 && len(want[0]) > 0 && tab.Config().MetaFields {
				_, batches := goldenRows(t, tab, alloc)
				s, err := tab.Schema(t.Context())
				require.NoError(t, err)
				_, err = tab.Write(t.Context(), hudi.Delete, hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
					data := withoutMeta(batches[0])
					defer data.Release()
					yield(data, nil)
				}}, hudi.WriteOptions{})
				if err == nil {
					written++
				}
				for _, b := range batches {
					b.Release()
				}
			}
			other := openGoldenStore(t, name, st, alloc)
			for i, parts := range splits {
				var plans []*query.Plan
				for _, part := range parts {
					plan, err := other.OpenSplit(t.Context(), part)
					require.NoError(t, err)
					plans = append(plans, plan)
				}
				require.Equal(t, want[i], jsonLines(t, alloc, plans...), "%s", parts)
			}
		})
	}
	require.Greater(t, many, 100)
	require.Greater(t, written, 20)
}

func TestSplitsThatAreNone(t *testing.T) {
	tab := openGolden(t, "v9_cow_nonpart_crud", memory.DefaultAllocator)
	plan, err := tab.Query(t.Context(), query.Options{})
	require.NoError(t, err)
	split, err := plan.Split(plan.Tasks[0])
	require.NoError(t, err)
	for text, kind := range map[string]error{
		"":   hudi.ErrInvalid,
		"{}": hudi.ErrInvalid,
		strings.Replace(string(split), `"View":""`, `"View":"cdc"`, 1):           hudi.ErrInvalid,
		strings.Replace(string(split), `"slice":`, `"changes":{},"slice":`, 1):   hudi.ErrInvalid,
		strings.Replace(string(split), `"path":"`, `"path":"../`, 1):             hudi.ErrCorrupt,
		strings.Replace(string(split), `"path":"`, `"path":"s3://elsewhere/`, 1): hudi.ErrCorrupt,
		strings.Replace(string(split), `-0_0-`, `-`, 1):                          hudi.ErrInvalid,
	} {
		_, err = tab.OpenSplit(t.Context(), []byte(text))
		require.ErrorIs(t, err, kind, text)
	}
}
