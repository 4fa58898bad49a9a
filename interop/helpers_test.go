package interop_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type instant struct{ requested, completed, action string }

var completedName = regexp.MustCompile(`^(\d{17})(?:_(\d{17}))?\.(commit|deltacommit|replacecommit)$`)

// timelineDir is the folder of a table's timeline: in version 6 it is .hoodie itself.
func timelineDir(table string) string {
	dir := filepath.Join(table, ".hoodie", "timeline")
	if _, err := os.Stat(dir); err != nil {
		return filepath.Dir(dir)
	}
	return dir
}

// timelineOf lists the completed writes of a table, oldest first, without any of our code. In version 6 the time of the
// file is the completion time.
func timelineOf(t testing.TB, table string) []instant {
	t.Helper()
	entries, err := os.ReadDir(timelineDir(table))
	require.NoError(t, err)
	var out []instant
	for _, e := range entries {
		m := completedName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if m[2] == "" {
			info, err := e.Info()
			require.NoError(t, err)
			m[2] = strings.Replace(info.ModTime().UTC().Format("20060102150405.000"), ".", "", 1)
		}
		out = append(out, instant{m[1], m[2], m[3]})
	}
	return out
}
