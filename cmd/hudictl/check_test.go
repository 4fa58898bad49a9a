package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
)

func TestCheck(t *testing.T) {
	dir := goldentest.Unpack(t, "v9_mdt_full")
	require.Empty(t, ok(t, "", "check", dir))
	files, err := filepath.Glob(filepath.Join(dir, "region=eu", "*.parquet"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	require.NoError(t, os.Remove(files[0]))
	r := hudictl("", "check", dir)
	require.Equal(t, 5, r.code)
	found := objects(t, r.stdout)
	require.Len(t, found, 1)
	require.Equal(t, "region=eu/"+filepath.Base(files[0]), found[0]["path"])
	require.Len(t, linesOf(r.stderr), 1)
	require.Contains(t, r.stderr, "1 difference in the metadata table")
}
