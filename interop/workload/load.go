package workload

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
)

// Dump returns the rows that the database holds now, by table name, in one snapshot a table.
func (d *Database) Dump(t testing.TB, lab *interop.Lab) map[string][]map[string]any {
	t.Helper()
	out := map[string][]map[string]any{}
	for _, table := range d.Tables() {
		rows, err := interop.ReadJSONL(strings.NewReader(strings.Join(lab.Query(t, d.DumpSQL(table)), "\n")))
		require.NoError(t, err)
		out[table.Name] = rows
	}
	return out
}
