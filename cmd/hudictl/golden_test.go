package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
)

// goldenFlags are the flags that ask the question whose answer is in a file.
func goldenFlags(stem string) []string {
	parts := strings.Split(strings.TrimSuffix(stem, "_by_1_2_0"), "_")
	switch {
	case parts[0] == "as" && len(parts) == 3:
		return []string{"--as-of", parts[2]}
	case parts[0] == "incremental" && len(parts) == 3:
		return []string{"--view", "incremental", "--begin", parts[1], "--end", parts[2]}
	case stem == "read_optimized":
		return []string{"--view", "read-optimized"}
	case strings.HasPrefix(stem, "snapshot"):
		return []string{"--view", "snapshot"}
	}
	return nil
}

// identities are the keys of rows, with the commits that wrote them.
func identities(rows []map[string]any) []string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprint(r["_hoodie_partition_path"], "/", r["_hoodie_record_key"], "@", r["_hoodie_commit_time"]))
	}
	slices.Sort(out)
	return out
}

// Every question about the golden tables finds the rows that real Hudi finds. Values are
// compared by the tests of the packages that read them.
func TestGoldenQueries(t *testing.T) {
	for _, name := range goldentest.Cases(t) {
		files, err := filepath.Glob(filepath.Join(goldentest.Dir(), name+".expected", "*.jsonl"))
		require.NoError(t, err)
		uri := goldentest.Unpack(t, name)
		for _, file := range files {
			stem := strings.TrimSuffix(filepath.Base(file), ".jsonl")
			flags := goldenFlags(stem)
			if flags == nil || slices.Contains(files, filepath.Join(filepath.Dir(file), stem+"_by_1_2_0.jsonl")) {
				continue
			}
			t.Run(name+"/"+stem, func(t *testing.T) {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				got := ok(t, "", append([]string{"query", uri, "--meta"}, flags...)...)
				require.Equal(t, identities(objects(t, string(text))), identities(objects(t, got)))
			})
		}
	}
}

func TestGoldenTimelines(t *testing.T) {
	for _, name := range goldentest.Cases(t) {
		text, found := goldentest.Expected(t, name, "timeline.json")
		if !found {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var want []struct {
				Action, State string
				Requested     string `json:"requested_time"`
				Completed     string `json:"completion_time"`
			}
			require.NoError(t, json.Unmarshal(text, &want))
			uri := goldentest.Unpack(t, name)
			var lines []string
			for _, w := range want {
				completed := strings.ReplaceAll(fmt.Sprintf("%q", w.Completed), `""`, "null")
				lines = append(lines, fmt.Sprintf(`{"requested":%q,"completed":%s,"action":%q,"state":%q}`, w.Requested, completed, w.Action, strings.ToLower(w.State)))
				ok(t, "", "timeline", uri, w.Requested)
			}
			slices.Sort(lines)
			if strings.HasPrefix(name, "v6_") {
				require.Len(t, linesOf(ok(t, "", "timeline", uri)), len(lines), "completion times are those of files")
				return
			}
			require.Equal(t, lines, linesOf(ok(t, "", "timeline", uri)))
		})
	}
}
