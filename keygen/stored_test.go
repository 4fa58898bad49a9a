package keygen

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Keys that are parts of one column need it once.
func TestStoredColumns(t *testing.T) {
	require.Equal(t, []string{"a", "b"}, Stored{Made: &Generator{keys: []string{"a.x", "a.y", "b"}}}.Columns())
}
