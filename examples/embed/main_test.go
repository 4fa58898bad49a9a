package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, t.TempDir()))
	require.Contains(t, out.String(), "wrote 10000 rows, then 2 changes\n")
	require.Contains(t, out.String(), "s00007  99.5 °C  12:01:00\n")
	require.Contains(t, out.String(), "s00008  28.0 °C  12:00:00\n")
}
