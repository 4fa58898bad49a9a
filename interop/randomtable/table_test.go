package randomtable

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A seed always gives the same table, ten seeds in a row have all versions and types, and rows have the columns that their schema names.
func TestNew(t *testing.T) {
	kinds := map[string]bool{}
	for seed := 1; seed <= 300; seed++ {
		table := New(seed)
		again := New(seed)
		require.Equal(t, table.String(), again.String())
		require.Equal(t, fmt.Sprint(table.Steps), fmt.Sprint(again.Steps))
		if seed <= 10 {
			kinds[fmt.Sprint(table.Version, table.Kind)] = true
		}
		require.Equal(t, Write, table.Steps[0].Kind)
		for _, s := range table.Steps {
			for _, row := range s.Rows {
				for name := range row {
					require.Contains(t, s.Schema, "`"+name+"`")
				}
				require.Len(t, row, strings.Count(s.Schema, "`")/2)
			}
		}
	}
	require.Len(t, kinds, 6)
}

func TestDecimalsFit(t *testing.T) {
	table := New(1)
	for range 1000 {
		text := decimal(5, 2).value(table.r).(string)
		whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
		require.LessOrEqual(t, len(whole), 3)
		require.Len(t, fraction, 2)
	}
}
