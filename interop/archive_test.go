package interop_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/table"
)

// TestArchive has us and Spark archive instants of one table in turns. Each reads what the other
// has archived and goes on with it.
func TestArchive(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	if !interop.Whole() {
		t.Skip("archiving is done when it is asked for; HUDI_GO_INTEROP=all runs this")
	}
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102} {
		t.Run(string(release), func(t *testing.T) {
			m := newMetadataTurns(t, interop.SparkOf(t, release), table.MOR)
			m.stats = true
			few := map[string]string{
				"hoodie.archive.automatic": "true", "hoodie.keep.min.commits": "4", "hoodie.keep.max.commits": "5", "hoodie.clean.automatic": "true", "hoodie.clean.commits.retained": "1",
				"hoodie.metadata.compact.max.delta.commits": "3", "hoodie.compact.inline": "true", "hoodie.compact.inline.max.delta.commits": "2",
			}
			for k, v := range few {
				m.ours.options[k] = v
			}
			m.options = few
			m.quiet = true
			for i := range 24 {
				m.write(we, "upsert", i%5, i%5+4)
			}
			m.quiet = false
			m.check()
			ours := m.archived()
			require.NotEmpty(t, ours)
			shown := m.spark.SQL(t, "CALL show_archived_commits(table => 'turns', limit => 1000, start_ts => '20000101000000000', end_ts => '99991231000000000')", map[string]string{"turns": m.ours.path}, nil).Rows
			times := map[string]bool{}
			for _, row := range shown {
				for _, v := range row {
					times[fmt.Sprint(v)] = true
				}
			}
			for _, at := range ours {
				require.True(t, times[at], "Spark does not show %s of %v", at, times)
			}
			for i := range 4 {
				m.write(other, "upsert", i, i+2)
			}
			require.Greater(t, len(m.archived()), len(ours), "Spark has archived more")
			for i := range 6 {
				m.write(we, "upsert", i, i+3)
			}
			m.write(other, "upsert", 1, 3)
		})
	}
}

// archived are the times of the writes in the archive.
func (m *metadataTurns) archived() (out []string) {
	tl, err := m.ours.open(m.t).Timeline(m.t.Context())
	require.NoError(m.t, err)
	writes, err := tl.ArchivedWrites(m.t.Context(), "")
	require.NoError(m.t, err)
	for _, w := range writes {
		out = append(out, w.Time)
	}
	return out
}
