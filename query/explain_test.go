package query_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/query"
)

// Of slices with logs the key and the ordering field are read too, and the logs.
func TestExplainCountsWhatMergingReads(t *testing.T) {
	s := source(t, "v9_mor_avro_logs", memory.DefaultAllocator)
	bytes := func(o query.Options) (sum int64, slices []query.SliceExplanation) {
		o.Columns = []string{"amount"}
		p, err := query.NewPlan(t.Context(), s, o)
		require.NoError(t, err)
		e, err := p.Explain(t.Context())
		require.NoError(t, err)
		for _, s := range e.Slices {
			sum += s.Bytes
		}
		return sum, e.Slices
	}
	var merged, alone int64
	all, slices := bytes(query.Options{})
	base, _ := bytes(query.Options{View: query.ReadOptimized})
	for _, x := range slices {
		for _, l := range x.LogFiles {
			e, err := s.Store.Stat(t.Context(), l)
			require.NoError(t, err)
			merged += e.Size
		}
		if x.BaseFile == "" {
			continue
		}
		f, err := s.Store.Open(t.Context(), x.BaseFile)
		require.NoError(t, err)
		r, err := basefile.Open(t.Context(), f, x.BaseFile, memory.DefaultAllocator)
		require.NoError(t, err)
		columns := []string{"amount"}
		alone += r.RowGroups()[0].ColumnBytes(columns)
		if len(x.LogFiles) > 0 {
			columns = append(columns, "_hoodie_record_key", "ts")
		}
		merged += r.RowGroups()[0].ColumnBytes(columns)
		require.NoError(t, r.Close())
	}
	require.Greater(t, merged, alone)
	require.Equal(t, merged, all)
	require.Equal(t, alone, base)
}
