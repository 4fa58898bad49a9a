package main

import (
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
	case parts[0] == "cdc" && len(parts) == 3:
		return []string{"--view", "cdc", "--begin", parts[1], "--end", parts[2]}
	case stem == "read_optimized":
		return []string{"--view", "read-optimized"}
	case strings.HasPrefix(stem, "snapshot"):
		return []string{"--view", "snapshot"}
	}
	return nil
}

// Every question about the golden tables is answered as real Hudi answers it, the names of
// files and the sequence numbers of rows aside.
func TestGoldenQueries(t *testing.T) {
	for _, name := range goldentest.Cases(t) {
		files, err := filepath.Glob(filepath.Join(goldentest.Dir(), name+".expected", "*.jsonl"))
		require.NoError(t, err)
		var about struct {
			Partitions string `json:"partition_fields"`
		}
		goldentest.ExpectedJSON(t, name, "table.json", &about)
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
				goldentest.RequireRows(t, string(text), got, about.Partitions)
			})
		}
	}
}

// What every engine refuses is refused, in one line.
func TestGoldenRefusals(t *testing.T) {
	refused := 0
	for _, name := range goldentest.Cases(t) {
		var about struct {
			Problems []struct{ File, Error string }
		}
		goldentest.ExpectedJSON(t, name, "table.json", &about)
		for _, p := range about.Problems {
			if !slices.ContainsFunc([]string{"Cleaner cleaned up the timestamp", "not supported when meta fields are disabled", "Time travel's timestamp",
				"Path not found during incremental query"}, func(text string) bool { return strings.Contains(p.Error, text) }) {
				continue // a defect of the engine
			}
			stem := strings.TrimSuffix(p.File, ".jsonl")
			t.Run(name+"/"+stem, func(t *testing.T) {
				r := hudictl("", append([]string{"query", goldentest.Unpack(t, name)}, goldenFlags(stem)...)...)
				require.Equal(t, exitFailed, r.code, r.stderr)
				require.Len(t, linesOf(r.stderr), 1)
				refused++
			})
		}
	}
	require.NotZero(t, refused)
}

func TestGoldenTimelines(t *testing.T) {
	for _, name := range goldentest.Cases(t) {
		t.Run(name, func(t *testing.T) {
			var want []struct {
				Action, State, Timeline string
				Requested               string `json:"requested_time"`
				Completed               string `json:"completion_time"`
			}
			goldentest.ExpectedJSON(t, name, "timeline.json", &want)
			uri := goldentest.Unpack(t, name)
			var active, all []string
			for _, w := range want {
				if w.Timeline == "archived" && w.State != "COMPLETED" { // one line an instant here
					continue
				}
				completed := strings.ReplaceAll(fmt.Sprintf("%q", w.Completed), `""`, "null")
				line := fmt.Sprintf(`{"requested":%q,"completed":%s,"action":%q,"state":%q}`, w.Requested, completed, w.Action, strings.ToLower(w.State))
				all = append(all, line)
				if w.Timeline == "active" {
					active = append(active, line)
				}
				require.NotEmpty(t, ok(t, "", "timeline", uri, w.Requested))
			}
			listed := func(flags ...string) []string {
				return linesOf(ok(t, "", append([]string{"timeline", uri}, flags...)...))
			}
			if strings.HasPrefix(name, "v6_") { // completion times are those of files
				require.Len(t, listed(), len(active))
				require.Len(t, listed("--archived"), len(all))
				return
			}
			slices.Sort(active)
			slices.Sort(all)
			require.Equal(t, strings.Join(active, "\n"), strings.Join(listed(), "\n"))
			require.Equal(t, strings.Join(all, "\n"), strings.Join(listed("--archived"), "\n"))
		})
	}
}
