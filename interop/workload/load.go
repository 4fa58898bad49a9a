package workload

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
)

// Dump returns the rows that PostgreSQL holds now, by table name, in one snapshot a table.
func Dump(t testing.TB, lab *interop.Lab) map[string][]map[string]any {
	t.Helper()
	out := map[string][]map[string]any{}
	for _, table := range Tables() {
		rows, err := interop.ReadJSONL(strings.NewReader(strings.Join(lab.Query(t, table.DumpSQL()), "\n")))
		require.NoError(t, err)
		out[table.Name] = rows
	}
	return out
}

// Topics are the topics of the source tables under a connector's prefix.
func Topics(prefix string) []string {
	var topics []string
	for _, table := range Tables() {
		topics = append(topics, prefix+"."+Schema+"."+table.Name)
	}
	return topics
}
