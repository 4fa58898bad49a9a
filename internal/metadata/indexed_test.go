package metadata

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// TestIndexable names the columns of a new table's statistics. Tables of Hudi 1.0.2 have decimals
// among them (hoodie.metadata.index.column.stats.enable as it is preset).
func TestIndexable(t *testing.T) {
	rows, err := schema.Parse(`{"type":"record","name":"t","fields":[{"name":"id","type":"string"},{"name":"raw","type":"bytes"},
		{"name":"cost","type":{"type":"fixed","name":"fixed","size":6,"logicalType":"decimal","precision":12,"scale":3}},
		{"name":"tags","type":{"type":"array","items":"string"}},{"name":"ts","type":"long"}]}`)
	require.NoError(t, err)
	meta := []string{schema.MetaCommitTime, schema.MetaPartitionPath, schema.MetaRecordKey}
	for version, want := range map[int][]string{8: {"id", "cost", "ts"}, 9: {"id", "raw", "cost", "ts"}} {
		c := table.NewConfig("t")
		c.Version = version
		require.Equal(t, append(meta[:len(meta):len(meta)], want...), Indexable(&c, rows), "version %d", version)
	}
}
