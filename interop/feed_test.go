package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/workload"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// setting is a whole number from the environment.
func setting(t testing.TB, name string, preset int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// version is the version of the n-th table: 6, 8 and 9 in turn, or that of HUDI_GO_TABLE_VERSION.
func version(t testing.TB, n int) string {
	t.Helper()
	return strconv.Itoa(setting(t, "HUDI_GO_TABLE_VERSION", []int{6, 8, 9}[n%3]))
}

// origin is a database that changes, in its lab.
type origin struct {
	*interop.Lab
	db *workload.Database
	g  *workload.Generator
}

// startOrigin starts a lab and makes the tables.
func startOrigin(t testing.TB, db *workload.Database, seed int) *origin {
	t.Helper()
	o := &origin{interop.StartLab(t, db.Source), db, workload.New(db, uint64(seed))}
	o.Exec(t, o.g.Start())
	o.g.Changes = 0
	return o
}

// feed is a hudictl ingest of one topic into one table, as an operator runs it.
type feed struct {
	source workload.Table
	topic  string
	path   string
	args   []string

	cmd    *exec.Cmd
	stderr *syncBuffer
	ended  chan error
	saved  bool // see keepTopic
}

func newFeed(from *origin, root, prefix, source, kind string, more ...string) *feed {
	topic := prefix + "." + workload.Schema + "." + source
	f := &feed{source: from.db.TableNamed(source), topic: topic, path: root + "/" + prefix + "-" + source + "-" + kind}
	f.args = append([]string{"ingest", f.path, "--brokers", from.Brokers, "--topic", topic, "--type", kind}, more...)
	return f
}

func (f *feed) String() string { return filepath.Base(f.path) }

// start starts the process, which dies with the test.
func (f *feed) start(t testing.TB, more ...string) {
	t.Helper()
	f.cmd = interop.Hudictl(t, append(slices.Clone(f.args), more...)...)
	f.stderr = &syncBuffer{}
	f.cmd.Stderr = f.stderr
	require.NoError(t, f.cmd.Start())
	f.ended = make(chan error, 1)
	cmd, ended := f.cmd, f.ended
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() { ended <- cmd.Wait() }()
}

// wait waits for the end and returns the exit code, -1 for a signal.
func (f *feed) wait(t testing.TB, atMost time.Duration) int {
	t.Helper()
	select {
	case err := <-f.ended:
		f.ended <- err
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("%s: %v", f, err)
		}
		return f.cmd.ProcessState.ExitCode()
	case <-time.After(atMost):
		_ = f.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines
		time.Sleep(time.Second)
		t.Fatalf("%s does not end\n%s", f, f.stderr)
		return 0
	}
}

// stop ends it as an operator would: it commits what it has read and leaves without an error.
func (f *feed) stop(t testing.TB) {
	t.Helper()
	require.NoError(t, f.cmd.Process.Signal(syscall.SIGTERM), "%s: %s", f, f.stderr)
	require.Zero(t, f.wait(t, time.Minute), "%s: %s", f, f.stderr)
}

// kill is kill -9.
func (f *feed) kill(t testing.TB) {
	t.Helper()
	require.NoError(t, f.cmd.Process.Kill(), "%s: %s", f, f.stderr)
	require.Equal(t, -1, f.wait(t, time.Minute), "%s: %s", f, f.stderr)
}

// alive fails the test when the process has ended by itself.
func (f *feed) alive(t testing.TB) {
	t.Helper()
	select {
	case err := <-f.ended:
		t.Fatalf("%s has ended: %v\n%s", f, err, f.stderr)
	default:
	}
}

// offsets are where the table stands in its topic, by Hudi Streamer's key of the newest commit.
func (f *feed) offsets(ctx context.Context) (map[int32]int64, error) {
	tab, err := hudi.Open(ctx, f.path)
	if errors.Is(err, hudi.ErrNotTable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tl, err := tab.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range slices.Backward(tl.CompletedWrites()) {
		if tab.Config().Type == table.MOR && i.Action != timeline.DeltaCommit {
			continue
		}
		meta, err := tl.CommitMetadata(ctx, i)
		if err != nil {
			return nil, err
		}
		return parseOffsets(meta.ExtraMetadata["deltastreamer.checkpoint.key"])
	}
	return nil, nil
}

// parseOffsets reads topic,partition:offset,…
func parseOffsets(text string) (map[int32]int64, error) {
	out := map[int32]int64{}
	for _, part := range strings.Split(text, ",")[1:] {
		var p int32
		var offset int64
		if _, err := fmt.Sscanf(part, "%d:%d", &p, &offset); err != nil {
			return nil, fmt.Errorf("checkpoint %q: %w", text, err)
		}
		out[p] = offset
	}
	return out, nil
}

// catchUp waits until the table has everything that the topic has.
func (f *feed) catchUp(t testing.TB, from *origin, atMost time.Duration) {
	t.Helper()
	ends, err := from.Ends(t.Context(), f.topic)
	require.NoError(t, err)
	var at map[int32]int64
	for until := time.Now().Add(atMost); ; time.Sleep(300 * time.Millisecond) {
		f.alive(t)
		now, err := f.offsets(t.Context())
		if err == nil { // a reader may meet a table that is just being made
			at = now
		}
		if maps.Equal(at, ends) {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%s is at %v, the topic ends at %v\n%s", f, at, ends, f.stderr)
		}
	}
}

// requireEnds checks that the table has everything that the topic has.
func (f *feed) requireEnds(t testing.TB, from *origin) {
	t.Helper()
	ends, err := from.Ends(t.Context(), f.topic)
	require.NoError(t, err)
	at, err := f.offsets(t.Context())
	require.NoError(t, err)
	require.Equal(t, ends, at, "%s", f)
}

// compare compares the table, as hudictl and as Spark read it, with what the database has. It returns the values that were
// lost upstream.
func (f *feed) compare(t testing.TB, spark *interop.Spark, want map[string][]map[string]any) []string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "spark.jsonl")
	spark.Read(t, interop.Read{Path: interop.OnDisk(t, f.path), Out: out, Encoding: interop.Contract})
	bySpark, err := interop.ReadJSONLFile(out)
	require.NoError(t, err)
	var lost []string
	for _, engine := range []struct {
		name string
		rows []map[string]any
	}{{"hudictl", interop.QueryHudictl(t, f.path)}, {"spark", bySpark}} {
		result, err := workload.Compare(f.source, want[f.source.Name], engine.rows)
		require.NoError(t, err, "%s, %s", f, engine.name)
		if n := len(result.Diffs); n > 0 {
			t.Errorf("%s by %s: %d differences:\n%s", f, engine.name, n, strings.Join(result.Diffs[:min(n, 20)], "\n"))
			f.keepTopic(t)
		}
		t.Logf("%s by %s: %d rows equal, %d values lost upstream", f, engine.name, result.Rows, len(result.Lost))
		lost = result.Lost
	}
	return lost
}

// keepTopic saves the topic's records, one a line, for whoever looks into a difference.
func (f *feed) keepTopic(t testing.TB) {
	t.Helper()
	if f.saved {
		return
	}
	f.saved = true
	file, err := os.CreateTemp("", "hudi-go-"+f.topic+"-*.txt")
	require.NoError(t, err)
	defer file.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(f.args[3]), kgo.ConsumeTopics(f.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer client.Close()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 {
			break
		}
		fetches.EachRecord(func(r *kgo.Record) {
			value := string(r.Value)
			if at := strings.LastIndex(value, `"payload":`); at > 0 {
				value = value[at:]
			}
			fmt.Fprintf(file, "%d %d %s %s\n", r.Partition, r.Offset, r.Key, value)
		})
	}
	t.Logf("%s: the records are in %s", f.topic, file.Name())
}

// finishes counts, so that keys differ.
var finishes atomic.Int64

// finish makes the last records of every partition inserts, so that the end of a topic is reached with a commit: records
// without rows, as the tombstones behind deletes are, wait for the next one.
func finish(t testing.TB, from *origin) {
	t.Helper()
	from.Exec(t, from.db.Last(int(finishes.Add(1))))
}

// syncBuffer is the end of what a process prints, which may be read while it prints.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.b.String()
	return text[max(0, len(text)-4000):]
}
