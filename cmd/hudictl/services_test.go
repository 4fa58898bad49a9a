package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// updates makes commits that each update one row.
func updates(t *testing.T, uri string, from, to int, flags ...string) {
	t.Helper()
	for i := from; i <= to; i++ {
		ok(t, fmt.Sprintf(`{"id":1,"city":"Oslo","ts":%d}`, i), append([]string{"commit", uri}, flags...)...)
	}
}

func TestCompact(t *testing.T) {
	uri := newTrips(t, "--type", "mor")
	require.Equal(t, "nothing to compact\n", ok(t, "", "compact", uri))
	require.Empty(t, ok(t, "", "compact", uri, "--output", "json"))
	updates(t, uri, 1, 2, "--option", "hoodie.compact.inline=false")

	plan := objects(t, ok(t, "", "compact", uri, "--dry-run", "--output", "json"))
	require.Len(t, plan, 1)
	require.Equal(t, "Oslo", plan[0]["partition"])
	require.Len(t, plan[0]["logFiles"], 1)
	require.Contains(t, ok(t, "", "compact", uri, "--dry-run"), "PARTITION")

	scheduled := objects(t, ok(t, "", "compact", uri, "--schedule-only", "--output", "json"))
	instant := scheduled[0]["instant"].(string)
	require.Equal(t, "nothing to schedule\n", ok(t, "", "compact", uri, "--schedule-only"))
	require.Contains(t, ok(t, "", "timeline", uri), fmt.Sprintf(`{"requested":%q,"completed":null,"action":"compaction","state":"requested"}`, instant))
	require.Contains(t, ok(t, "", "timeline", uri, instant), `"operations":[{"baseInstantTime"`, "a pending instant's content is its plan")

	require.Contains(t, ok(t, "", "compact", uri, "--instant", instant), "compacted 1 file group in commit "+instant+": 1 row, ")
	require.Contains(t, ok(t, "", "timeline", uri), `"action":"commit","state":"completed"`)
	require.Contains(t, ok(t, "", "query", uri, "--view", "read-optimized"), `"ts":2`)
}

func TestClean(t *testing.T) {
	uri := newTrips(t)
	updates(t, uri, 1, 4, "--option", "hoodie.clean.automatic=false")
	require.Equal(t, "nothing to clean\n", ok(t, "", "clean", uri), "ten commits are kept")
	keep := []string{"--option", "hoodie.clean.commits.retained=1"}
	require.Len(t, linesOf(ok(t, "", "files", uri, "--all")), 4)

	plan := objects(t, ok(t, "", append([]string{"clean", uri, "--dry-run", "--output", "json"}, keep...)...))
	files := plan[0]["files"].([]any)
	require.NotEmpty(t, files)
	require.Contains(t, ok(t, "", append([]string{"clean", uri, "--dry-run"}, keep...)...), files[0].(string)+"\n")

	instant := objects(t, ok(t, "", append([]string{"clean", uri, "--schedule-only", "--output", "json"}, keep...)...))[0]["instant"].(string)
	done := objects(t, ok(t, "", "clean", uri, "--output", "json"))
	require.Equal(t, instant, done[0]["instant"])
	require.EqualValues(t, len(files), done[0]["files"])
	require.Len(t, linesOf(ok(t, "", "files", uri, "--all")), 4-len(files))

	first := objects(t, ok(t, "", "timeline", uri))[0]["requested"].(string)
	r := hudictl("", "query", uri, "--as-of", first)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "Cleaner cleaned up the timestamp of interest")
}

func TestRollback(t *testing.T) {
	uri := newTrips(t)
	updates(t, uri, 1, 3)
	list := objects(t, ok(t, "", "timeline", uri))
	last := list[2]["requested"].(string)
	require.Equal(t, "rolled back commit "+last+"\n", ok(t, "", "rollback", uri))
	require.Contains(t, ok(t, "", "query", uri), `"ts":2`)

	second := list[1]["requested"].(string)
	done := objects(t, ok(t, "", "rollback", uri, second, "--output", "json"))[0]
	require.Equal(t, []any{second, "commit"}, []any{done["rolledBack"], done["action"]})
	require.Contains(t, ok(t, "", "timeline", uri), fmt.Sprintf(`{"requested":%q,"completed":%q,"action":"rollback","state":"completed"}`, done["instant"], done["completion"]))
	require.Contains(t, ok(t, "", "query", uri), `"ts":1`)
}

func TestTimeline(t *testing.T) {
	uri := newTrips(t)
	require.Empty(t, ok(t, "", "timeline", uri, "--archived"))
	instant := strings.TrimSpace(ok(t, oslo, "commit", uri))
	lines := objects(t, ok(t, "", "timeline", uri, "--output", "json"))
	require.Len(t, lines, 1)
	require.Equal(t, map[string]any{"requested": instant, "completed": lines[0]["completed"], "action": "commit", "state": "completed"}, lines[0])
	require.Equal(t, fmt.Sprintf("REQUESTED          COMPLETED          ACTION  STATE\n%s  %s  commit  completed\n", instant, lines[0]["completed"]),
		ok(t, "", "timeline", uri, "--output", "table"))
	content := objects(t, ok(t, "", "timeline", uri, instant))
	require.Len(t, content, 1)
	require.Contains(t, content[0]["partitionToWriteStats"], "Oslo")
	require.Contains(t, ok(t, "", "timeline", uri, instant, "--output", "table"), "\n  \"operationType\" : \"UPSERT\"", "indented for people")
}

func TestFiles(t *testing.T) {
	uri := newTrips(t, "--type", "mor")
	require.Empty(t, ok(t, "", "files", uri))
	updates(t, uri, 1, 2)
	lines := objects(t, ok(t, "", "files", uri))
	require.Len(t, lines, 1)
	require.Equal(t, "Oslo", lines[0]["partition"])
	require.Contains(t, lines[0]["baseFile"], lines[0]["fileId"].(string)+"_")
	require.Len(t, lines[0]["logFiles"], 1)
	require.Positive(t, lines[0]["logBytes"])
	require.Contains(t, ok(t, "", "files", uri, "--output", "table"), "PARTITION  FILE ID")
}
