package interop_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

type instant struct{ requested, completed, action string }

var completedName = regexp.MustCompile(`^(\d{17})_(\d{17})\.(commit|deltacommit|replacecommit)$`)

// timelineOf lists the completed writes of a version 9 table, oldest first, without any of our code.
func timelineOf(t testing.TB, table string) []instant {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(table, ".hoodie", "timeline"))
	require.NoError(t, err)
	var out []instant
	for _, e := range entries {
		if m := completedName.FindStringSubmatch(e.Name()); m != nil {
			out = append(out, instant{m[1], m[2], m[3]})
		}
	}
	return out
}
