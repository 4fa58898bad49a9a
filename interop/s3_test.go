package interop_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/storagetest"
)

// The suite that every store passes, against a real server: at the root of the bucket's subfolders, one a test, and with
// requests that go wrong.
func TestS3Conformance(t *testing.T) {
	s3 := interop.StartS3(t)
	var n atomic.Int64
	suite := func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storage.Store {
			s, err := storage.Open(t.Context(), fmt.Sprintf("%s/conformance/%d", s3.URI, n.Add(1)))
			require.NoError(t, err)
			return s
		})
	}
	t.Run("calm", suite)
	t.Run("disturbed", func(t *testing.T) {
		s3.Disturb(t, disturbance(t, 0.03))
		suite(t)
	})
}

// disturbance lets a part of the requests go wrong, at random: answers are lost, and 409, 429, 500 and 503 are answered.
func disturbance(t *testing.T, part float64) func(*http.Request) string {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(uint64(setting(t, "HUDI_GO_SEED", 1)), 0))
	counts := map[string]int{}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		t.Logf("requests: %v", counts)
	})
	return func(r *http.Request) string {
		mu.Lock()
		defer mu.Unlock()
		fate := ""
		if rng.Float64() < part {
			fates := []string{"lost", "503", "500", "429"}
			if r.Method == http.MethodPut {
				fates = append(fates, "409", "lost", "lost")
			}
			fate = fates[rng.IntN(len(fates))]
		}
		counts[r.Method+" "+fate]++
		return fate
	}
}

const pairsAvro = `{"type":"record","name":"row","fields":[{"name":"id","type":"string"},{"name":"part","type":["null","string"],"default":null},
	{"name":"v","type":["null","string"],"default":null},{"name":"ts","type":["null","long"],"default":null}]}`

// createPairs makes an empty table with hudictl.
func createPairs(t *testing.T, uri, kind string, more ...string) {
	t.Helper()
	schema := filepath.Join(t.TempDir(), "row.avsc")
	require.NoError(t, os.WriteFile(schema, []byte(pairsAvro), 0o600))
	interop.RunHudictl(t, append([]string{"create", uri, "--name", "pairs", "--type", kind, "--keys", "id", "--partition-by", "part",
		"--ordering", "ts", "--schema", schema}, more...)...)
}

// commitPairs starts hudictl commit with rows.
func commitPairs(t *testing.T, uri, op string, rows []map[string]any, more ...string) *exec.Cmd {
	t.Helper()
	var lines bytes.Buffer
	for _, row := range rows {
		text, err := json.Marshal(row)
		require.NoError(t, err)
		lines.Write(append(text, '\n'))
	}
	cmd := interop.Hudictl(t, append([]string{"commit", uri, "--op", op, "--input", "jsonl", "-"}, more...)...)
	cmd.Stdin = &lines
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

func mustRun(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	require.NoError(t, cmd.Run(), "%v: %s", cmd.Args, cmd.Stderr)
}

func pair(id int, v string, ts int) map[string]any {
	return map[string]any{"id": fmt.Sprintf("k%03d", id), "part": fmt.Sprintf("p%d", id%3), "v": v, "ts": ts}
}

// pairs is the model: the newest version of each key.
type pairs map[string]map[string]any

func (p pairs) upsert(rows []map[string]any) {
	for _, row := range rows {
		id := row["id"].(string)
		if old, ok := p[id]; !ok || old["ts"].(int) <= row["ts"].(int) {
			p[id] = row
		}
	}
}

func (p pairs) rows() []map[string]any {
	var out []map[string]any
	for _, row := range p {
		out = append(out, row)
	}
	return out
}

// requirePairs compares a table, as hudictl reads it and as Spark reads it or its copy on local disk, with the model.
func requirePairs(t *testing.T, uri string, want pairs) {
	t.Helper()
	wanted := lines(want.rows())
	require.Empty(t, difference("model", wanted, "hudictl", lines(interop.QueryHudictl(t, uri))), uri)
	bySpark := interop.SharedSpark(t).Read(t, interop.Read{Path: interop.OnDisk(t, uri), Encoding: interop.Contract}).Rows
	require.Empty(t, difference("model", wanted, "spark", lines(bySpark)), uri)
}

// The commands on S3, calm and with requests that go wrong.
func TestS3Commands(t *testing.T) {
	s3 := interop.StartS3(t)
	for _, kind := range []string{"cow", "mor"} {
		t.Run(kind, func(t *testing.T) { allCommands(t, s3.URI+"/"+kind, kind) })
	}
	t.Run("disturbed", func(t *testing.T) {
		s3.Disturb(t, disturbance(t, 0.04))
		allCommands(t, "s3a://lab/deep/er/disturbed", "mor")
	})
}

func allCommands(t *testing.T, uri, kind string) {
	createPairs(t, uri, kind)
	require.Error(t, interop.Hudictl(t, "create", uri, "--name", "again", "--keys", "id").Run(), "there is a table")
	want := pairs{}
	upsert := func(rows ...map[string]any) {
		mustRun(t, commitPairs(t, uri, "upsert", rows, "--option", "hoodie.compact.inline=false", "--option", "hoodie.clean.automatic=false"))
		want.upsert(rows)
	}
	var first []map[string]any
	for i := range 60 {
		first = append(first, pair(i, "first", 1))
	}
	upsert(first...)
	requirePairs(t, uri, want)
	for round := range 3 {
		upsert(pair(round, fmt.Sprint("round ", round), 10+round), pair(100+round, "new", 1), pair(30, "late", 0))
	}
	mustRun(t, commitPairs(t, uri, "delete", []map[string]any{{"id": "k005", "part": "p2"}}))
	delete(want, "k005")
	requirePairs(t, uri, want)

	mustRun(t, commitPairs(t, uri, "insert", []map[string]any{pair(999, "mistake", 1)}))
	interop.RunHudictl(t, "rollback", uri)
	requirePairs(t, uri, want)
	if kind == "mor" {
		interop.RunHudictl(t, "compact", uri)
		requirePairs(t, uri, want)
	}
	upsert(pair(1, "after", 50))
	interop.RunHudictl(t, "clean", uri, "--option", "hoodie.clean.commits.retained=1")
	requirePairs(t, uri, want)
	files := interop.RunHudictl(t, "files", uri)
	require.NotEmpty(t, files)
}

// Two hudictl commits on one table at the same moment, as happens by accident: each is done or refused, and the table has
// what was done.
func TestTwoProcesses(t *testing.T) {
	roots := map[string]string{"local": t.TempDir()}
	t.Run("local", func(t *testing.T) { twoProcesses(t, roots["local"]) })
	t.Run("s3", func(t *testing.T) { twoProcesses(t, interop.StartS3(t).URI) })
}

func twoProcesses(t *testing.T, root string) {
	rounds := setting(t, "HUDI_GO_ROUNDS", 6)
	for _, kind := range []string{"cow", "mor"} {
		t.Run(kind, func(t *testing.T) {
			uri := root + "/" + path.Base(t.Name())
			createPairs(t, uri, kind)
			want := pairs{}
			done, refused := 0, 0
			for round := range rounds {
				var cmds []*exec.Cmd
				var sent [][]map[string]any
				for writer := range 2 {
					var rows []map[string]any
					for i := range 20 {
						rows = append(rows, pair((round*7+i)%50, fmt.Sprintf("round %d of writer %d", round, writer), 1+2*round+writer))
					}
					cmd := commitPairs(t, uri, "upsert", rows)
					cmds, sent = append(cmds, cmd), append(sent, rows)
					require.NoError(t, cmd.Start())
				}
				for i, cmd := range cmds {
					err := cmd.Wait()
					var exit *exec.ExitError
					switch {
					case err == nil:
						done++
						want.upsert(sent[i])
					case errors.As(err, &exit):
						require.Contains(t, []int{6, 7}, exit.ExitCode(), "%s", cmd.Stderr)
						refused++
					default:
						t.Fatal(err)
					}
				}
			}
			t.Logf("%s: %d commits done, %d refused", uri, done, refused)
			require.GreaterOrEqual(t, done, rounds)
			requirePairs(t, uri, want)
		})
	}
}

// A writer that is killed while it works holds others up no longer than its lease is valid.
func TestS3KilledWriter(t *testing.T) {
	s3 := interop.StartS3(t)
	uri := s3.URI + "/killed"
	createPairs(t, uri, "cow")
	want := pairs{}
	first := []map[string]any{pair(0, "first", 0), pair(1, "first", 0)}
	mustRun(t, commitPairs(t, uri, "upsert", first))
	want.upsert(first)
	rng := rand.New(rand.NewPCG(uint64(setting(t, "HUDI_GO_SEED", 1)), 1))
	for round := range setting(t, "HUDI_GO_KILLS", 5) {
		doomed := commitPairs(t, uri, "upsert", []map[string]any{pair(round, "doomed", 1)})
		require.NoError(t, doomed.Start())
		time.Sleep(time.Duration(20+rng.IntN(200)) * time.Millisecond)
		_ = doomed.Process.Kill()
		_ = doomed.Wait() // whatever it has done is replaced
		rows := []map[string]any{pair(round, "alive", 2), pair(round+20, "alive", 2)}
		began := time.Now()
		mustRun(t, commitPairs(t, uri, "upsert", rows))
		require.Less(t, time.Since(began), time.Minute)
		want.upsert(rows)
	}
	requirePairs(t, uri, want)
}
