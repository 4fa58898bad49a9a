// Package goldentest gives tests the golden tables: small tables written by the real
// engines, with what those engines read back (testdata/golden/README.md).
package goldentest

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage/mem"
)

// Dir is the folder of the golden tables: testdata/golden of this repository, or the
// folder that the environment variable HUDI_GOLDEN names.
func Dir() string {
	if dir := os.Getenv("HUDI_GOLDEN"); dir != "" {
		return dir
	}
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "testdata", "golden")
}

// Cases returns the names of all golden tables in Dir, sorted.
func Cases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Dir(), "*.zip"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no golden tables in %s", Dir())
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".zip")
	}
	return files
}

// Unpack unpacks a golden table to a temporary folder and returns the table's path.
func Unpack(t testing.TB, name string) string {
	t.Helper()
	root := t.TempDir()
	each(t, name, func(path string, modified time.Time, data []byte) {
		target := filepath.Join(root, filepath.FromSlash(path))
		if data == nil {
			require.NoError(t, os.MkdirAll(target, 0o755))
			return
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o755))
		require.NoError(t, os.WriteFile(target, data, 0o644))
		require.NoError(t, os.Chtimes(target, modified, modified))
	})
	return root
}

// Store loads a golden table into memory.
func Store(t testing.TB, name string) *mem.Store {
	t.Helper()
	var now time.Time
	st := mem.New(func() time.Time { return now })
	each(t, name, func(path string, modified time.Time, data []byte) {
		if data != nil {
			now = modified
			require.NoError(t, st.Put(t.Context(), path, data))
		}
	})
	now = time.Now()
	return st
}

// each calls visit for every file and folder of a golden table, with paths relative to
// the table. data is nil for folders.
func each(t testing.TB, name string, visit func(path string, modified time.Time, data []byte)) {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join(Dir(), name+".zip"))
	require.NoError(t, err)
	defer z.Close()
	for _, f := range z.File {
		path, ok := strings.CutPrefix(f.Name, name+"/")
		require.True(t, ok, "entry %s of %s.zip is not of the table", f.Name, name)
		if path == "" {
			continue
		}
		if strings.HasSuffix(path, "/") {
			visit(strings.TrimSuffix(path, "/"), f.Modified, nil)
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		visit(path, f.Modified, append([]byte{}, data...))
	}
}

// Expected reads the bytes of one of a golden table's expected files. ok is false when
// the case has no such file.
func Expected(t testing.TB, name, file string) (data []byte, ok bool) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Dir(), name+".expected", file))
	if os.IsNotExist(err) {
		return nil, false
	}
	require.NoError(t, err)
	return data, true
}

// ExpectedJSON reads one of a golden table's expected JSON files into v.
func ExpectedJSON(t testing.TB, name, file string, v any) {
	t.Helper()
	data, ok := Expected(t, name, file)
	require.True(t, ok, "golden table %s has no %s", name, file)
	require.NoError(t, json.Unmarshal(data, v))
}
