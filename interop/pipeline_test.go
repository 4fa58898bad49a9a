package interop_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/workload"
)

// PostgreSQL changes while hudictl ingests every table into one COW and one MOR table; in the end hudictl and Spark both
// return the rows that PostgreSQL holds. HUDI_GO_CHANGES sets how many changes are made.
func TestPipeline(t *testing.T) {
	changes := 3000
	if text := os.Getenv("HUDI_GO_CHANGES"); text != "" {
		var err error
		changes, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	spark := interop.SharedSpark(t)
	interop.RunHudictl(t, "version") // it builds: before anything heavy
	lab := interop.StartLab(t)
	g := workload.New(11)
	lab.Exec(t, g.Start())
	lab.Capture(t, "js", "live", workload.Schema)
	topics := workload.Topics("live")
	lab.WaitCaptured(t, "live", 2*time.Minute, topics...)

	root := t.TempDir()
	var running []*ingester
	for _, topic := range topics {
		for _, tableType := range []string{"cow", "mor"} {
			i := &ingester{args: []string{"ingest", filepath.Join(root, topic+"."+tableType), "--brokers", lab.Brokers,
				"--topic", topic, "--type", tableType, "--progress", "none"}}
			i.start(t)
			running = append(running, i)
		}
	}
	for before := g.Changes; g.Changes < before+changes; {
		lab.Exec(t, g.Batch(min(1000, changes)))
	}
	lab.WaitCaptured(t, "live", 5*time.Minute, topics...)
	for _, i := range running {
		i.stop(t)
		interop.RunHudictl(t, append(i.args, "--once")...) // what was still to come
	}

	dump := workload.Dump(t, lab)
	for _, i := range running {
		path := i.args[1]
		table := workload.TableNamed(strings.Split(filepath.Base(path), ".")[2])
		out := filepath.Join(t.TempDir(), "rows.jsonl")
		spark.Read(t, interop.Read{Path: path, Out: out, Encoding: interop.Contract})
		bySpark, err := interop.ReadJSONLFile(out)
		require.NoError(t, err)
		for engine, rows := range map[string][]map[string]any{"hudictl": interop.QueryHudictl(t, path), "spark": bySpark} {
			result, err := workload.Compare(table, dump[table.Name], rows)
			require.NoError(t, err)
			t.Logf("%s, %s: %d rows equal, lost upstream: %v", filepath.Base(path), engine, result.Rows, result.Lost)
			if len(result.Diffs) > 0 {
				t.Errorf("%s, %s: %d differences:\n%s", filepath.Base(path), engine, len(result.Diffs),
					strings.Join(result.Diffs[:min(20, len(result.Diffs))], "\n"))
			}
		}
	}
}

// ingester is a running hudictl ingest.
type ingester struct {
	args   []string
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

func (i *ingester) start(t *testing.T) {
	t.Helper()
	i.cmd = interop.Hudictl(t, i.args...)
	i.cmd.Stderr = &i.stderr
	require.NoError(t, i.cmd.Start())
	t.Cleanup(func() { _ = i.cmd.Process.Kill() })
}

// stop asks it to leave, as an operator would; it must do so by itself, and without an error.
func (i *ingester) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, i.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, i.cmd.Wait(), "%v: %s", i.args, &i.stderr)
}
