package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var build = sync.OnceValues(func() (string, error) {
	if binary := os.Getenv("HUDICTL"); binary != "" {
		return binary, nil
	}
	binary := filepath.Join(CacheDir(), "bin", "hudictl")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/hudictl")
	cmd.Dir = filepath.Dir(sourceDir())
	_, err := output(cmd)
	return binary, err
})

// Hudictl is a hudictl command of this checkout, built once a test binary; $HUDICTL names another binary to test.
func Hudictl(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := build()
	require.NoError(t, err)
	return exec.Command(binary, args...)
}

// RunHudictl runs a command to its end and returns what it printed.
func RunHudictl(t testing.TB, args ...string) string {
	t.Helper()
	out, err := output(Hudictl(t, args...))
	require.NoError(t, err)
	return out
}

// QueryHudictl is the rows of hudictl query.
func QueryHudictl(t testing.TB, table string, args ...string) []map[string]any {
	t.Helper()
	out := RunHudictl(t, append([]string{"query", table, "--output", "jsonl", "--quiet"}, args...)...)
	rows, err := ReadJSONL(strings.NewReader(out))
	require.NoError(t, err)
	return rows
}
