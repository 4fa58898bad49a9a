package metadata

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/storage"
)

// Statistics are the bytes that real Hudi writes.
func TestStatsAreThoseOfRealHudi(t *testing.T) {
	compared := 0
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		for _, partition := range []string{ColumnStats, PartitionStats} {
			eachHFile(t, st, partition, func(h *hfile.Reader) {
				for e, err := range h.All(t.Context()) {
					require.NoError(t, err)
					rec, err := decode(h.Schema(), e.Value)
					require.NoError(t, err)
					ours, err := appendStats(nil, m.config.Version, int64(rec.Type), rec.Column)
					require.NoError(t, err)
					require.Equal(t, e.Value, ours)
					compared++
				}
			})
		}
	})
	require.Greater(t, compared, 100)
}

// writtenAt returns the records that real Hudi wrote at an instant to a partition.
func writtenAt(t *testing.T, st storage.Store, partition, instant string) map[string]*Record {
	out := map[string]*Record{}
	for _, e := range list(t, st, Folder+"/"+partition) {
		if _, ok := base.ParseLogFileName(e.Name); !ok {
			continue
		}
		data, err := storage.ReadFile(t.Context(), st, e.Path)
		require.NoError(t, err)
		r := logfile.NewReader(e.Path, bytes.NewReader(data), int64(len(data)))
		for b, err := r.Next(); b != nil && err == nil; b, err = r.Next() {
			if b.Type != logfile.HFileData || b.Instant() != instant {
				continue
			}
			h, err := b.HFile()
			require.NoError(t, err)
			for entry, err := range h.All(t.Context()) {
				require.NoError(t, err)
				out[string(entry.Key)], err = decode(h.Schema(), entry.Value)
				require.NoError(t, err)
			}
		}
	}
	return out
}

// The statistics of a table's last commit are made as real Hudi made them, from the footers
// of its files and what the metadata table had before.
func TestStatsOfACommit(t *testing.T) {
	tables := 0
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		if !m.Has(ColumnStats) {
			return
		}
		tables++
		tl := load(t, st, m.config)
		last, ok := tl.LastCompletedWrite()
		require.True(t, ok)
		meta, err := tl.CommitMetadata(t.Context(), last)
		require.NoError(t, err)
		require.NoError(t, st.Delete(t.Context(), tl.Layout().Dir()+"/"+last.File))
		u, err := Source{Store: st, Config: m.config, Timeline: load(t, st, m.config), Instant: last.Time}.Commit(t.Context(), meta, nil)
		require.NoError(t, err)
		schema, err := recordSchema(m.config.Version)
		require.NoError(t, err)
		for _, partition := range []string{Files, ColumnStats, PartitionStats, BloomFilters} {
			if !m.Has(partition) {
				continue
			}
			got := map[string]*Record{}
			for _, e := range u.parts[partition].puts {
				got[e.key], err = decode(schema, e.value)
				require.NoError(t, err)
			}
			require.NotEmpty(t, got)
			require.Equal(t, writtenAt(t, st, partition, last.Time), got, partition)
		}
	})
	require.GreaterOrEqual(t, tables, 2)
}
