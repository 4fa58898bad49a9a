package query_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/record"
)

// askedOf are the folders listed and the files asked for in the partitions of a table.
func askedOf(ops []record.Op) (listed, stated []string) {
	for _, o := range ops {
		switch {
		case strings.HasPrefix(o.Path, base.MetaFolder):
		case o.Kind == intercept.List:
			listed = append(listed, o.Path)
		case o.Kind == intercept.Stat:
			stated = append(stated, o.Path)
		}
	}
	return listed, stated
}

// Tables with a metadata table are planned without a look at their folders, in every view.
func TestPlanningListsNoFolders(t *testing.T) {
	tables := 0
	for _, name := range goldentest.Cases(t) {
		s := source(t, name, memory.DefaultAllocator)
		if !slices.Contains(s.Config.MetadataPartitions, metadata.Files) {
			continue
		}
		tables++
		rec := record.Wrap(s.Store)
		s.Store = rec
		for _, o := range []query.Options{{}, {View: query.ReadOptimized}, {View: query.Incremental, Begin: "000"}} {
			rec.Reset()
			p, err := query.NewPlan(t.Context(), s, o)
			require.NoError(t, err)
			require.NotEmpty(t, p.Tasks)
			listed, stated := askedOf(rec.Ops())
			require.Empty(t, listed, "%s %s", name, o.View)
			require.Empty(t, stated, "%s %s", name, o.View)
		}
	}
	require.GreaterOrEqual(t, tables, 4)
}

// Planning changes lists the folders once, and asks for none of the log files in them.
func TestPlanningChangesAsksForNoLogs(t *testing.T) {
	s := source(t, "v9_cdc_mor_before_after", memory.DefaultAllocator)
	rec := record.Wrap(s.Store)
	s.Store = rec
	p, err := query.NewPlan(t.Context(), s, query.Options{View: query.CDC, Begin: "000"})
	require.NoError(t, err)
	require.Greater(t, len(p.Tasks), 2)
	listed, stated := askedOf(rec.Ops())
	require.Len(t, listed, len(slices.Compact(slices.Sorted(slices.Values(listed)))))
	for _, path := range stated {
		require.NotContains(t, path, ".log.")
	}
}
