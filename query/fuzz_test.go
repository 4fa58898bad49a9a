package query_test

import (
	"errors"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

func FuzzParseBound(f *testing.F) {
	for _, s := range []string{"", "000", "earliest", "20261123084339295", "-15m", "2026-11-23", "2026-11-23T08:43:39.295Z", "2026-11-23 08:43"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bound, err := query.ParseBound(text, time.UnixMilli(0), time.UTC)
		if err != nil {
			require.ErrorIs(t, err, base.ErrInvalid)
			return
		}
		require.True(t, bound == "" || base.IsDigits(bound) || bound[0] == '-', "%q became %q", text, bound)
	})
}

// FuzzOpenSplit opens splits of a table of each kind, and of the view with changes, and reads
// those that are accepted.
func FuzzOpenSplit(f *testing.F) {
	names := []string{"v9_mor_compaction_pending", "v9_cdc_mor_before_after"}
	var sources []query.Source
	for i, name := range names {
		st := goldentest.Store(f, name)
		c, err := table.LoadConfig(f.Context(), st)
		require.NoError(f, err)
		tl, err := c.Timeline(f.Context(), st, time.UTC)
		require.NoError(f, err)
		s := query.Source{Store: st, Config: c, Timeline: tl, Now: time.Now, Alloc: memory.DefaultAllocator, Memory: 1 << 24, Parallel: 1}
		sources = append(sources, s)
		for _, o := range []query.Options{{}, {View: query.Incremental, Begin: "earliest"}, {View: query.CDC, Begin: "earliest"}} {
			plan, err := query.NewPlan(f.Context(), s, o)
			if err != nil {
				continue // no change log
			}
			split, err := plan.Split(plan.Tasks[0])
			require.NoError(f, err)
			f.Add(byte(i), split)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, split []byte) {
		plan, err := query.OpenSplit(t.Context(), sources[int(which)%len(sources)], split)
		if err != nil {
			require.True(t, errors.Is(err, base.ErrCorrupt) || errors.Is(err, base.ErrInvalid) || errors.Is(err, base.ErrUnsupported), err)
			return
		}
		for _, err := range plan.Rows(t.Context()) {
			if err != nil {
				break
			}
		}
	})
}
