package interop

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Table types as Spark's writer names them.
const (
	COW = "COPY_ON_WRITE"
	MOR = "MERGE_ON_READ"
)

// Encodings of rows: see spark/typedjson.py.
const (
	Golden   = "golden"   // the golden tables' typed JSON: binary in hex, maps as pairs
	Contract = "contract" // hudictl query --output jsonl
)

// Release is a release of Hudi, each of which writes a table version of its own.
type Release string

// The releases.
const (
	Hudi015 Release = "0.15.0"
	Hudi102 Release = "1.0.2"
	Hudi120 Release = "1.2.0"
)

// TableVersion is the version of the tables that the release makes.
func (r Release) TableVersion() int {
	return map[Release]int{Hudi015: 6, Hudi102: 8, Hudi120: 9}[r]
}

// jars is the folder of the release's bundle: see setup.sh.
func (r Release) jars() string {
	name := "hudi-spark"
	if r != Hudi120 {
		name += "-" + string(r)
	}
	return filepath.Join(CacheDir(), "lab", "jars", name)
}

// Spark is a running Spark session with Hudi (interop/spark/server.py). One command runs at a time; methods are safe for
// concurrent use. Methods that take a testing.TB end the test on an error; Call returns it.
type Spark struct {
	Version string // of Spark
	Release Release

	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	scratch string
}

// sessions are those of the test binary, one of each release.
var sessions = map[Release]func() (*Spark, error){Hudi015: session(Hudi015), Hudi102: session(Hudi102), Hudi120: session(Hudi120)}

func session(r Release) func() (*Spark, error) {
	return sync.OnceValues(func() (*Spark, error) {
		s, err := startSpark(r)
		if err == nil {
			stopAtEnd(s.stop)
		}
		return s, err
	})
}

// SharedSpark is SparkOf the newest release.
func SharedSpark(t testing.TB) *Spark {
	t.Helper()
	return SparkOf(t, Hudi120)
}

// SparkOf is the test binary's one Spark session with a release of Hudi, started by the first test that needs it (some 5
// seconds, and its first commands are slow) and ended by Main. The JVM also ends by itself when the test binary dies.
func SparkOf(t testing.TB, r Release) *Spark {
	t.Helper()
	Need(t, EngineSpark)
	s, err := sessions[r]()
	if err != nil {
		t.Fatalf("interop: start Spark with Hudi %s: %v", r, err)
	}
	return s
}

func startSpark(r Release) (*Spark, error) {
	bundles, err := filepath.Glob(filepath.Join(r.jars(), "hudi-spark*-bundle_*.jar"))
	if err != nil {
		return nil, err
	}
	if len(bundles) != 1 {
		return nil, fmt.Errorf("want one Hudi bundle, found %v", bundles)
	}
	scratch, err := os.MkdirTemp("", "hudi-go-spark-")
	if err != nil {
		return nil, err
	}
	s := &Spark{Release: r, scratch: scratch}
	if err := s.launch(bundles[0]); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *Spark) launch(bundle string) error {
	log, err := os.Create(filepath.Join(s.scratch, "stderr.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(filepath.Join(CacheDir(), "venv", "bin", "python"), filepath.Join(sourceDir(), "spark", "server.py"),
		"--jar", bundle, "--scratch", s.scratch, "--table-version", strconv.Itoa(s.Release.TableVersion()))
	if os.Getenv("HUDI_GO_SEEDS") != "" {
		s.cmd.Args = append(s.cmd.Args, "--long")
	}
	s.cmd.Dir = s.scratch
	s.cmd.Env = append(os.Environ(), "TZ=UTC", "SPARK_LOCAL_IP=127.0.0.1", "PYTHONDONTWRITEBYTECODE=1")
	s.cmd.Stderr = log
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = bufio.NewReaderSize(out, 1<<20)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	var greeting struct{ Spark string }
	if err := s.answer(&greeting); err != nil {
		return err
	}
	s.Version = greeting.Spark
	return nil
}

// stop ends the session: its standard input closes, and it has 20 seconds to leave.
func (s *Spark) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.in.Close()
		timer := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Kill() })
		_ = s.cmd.Wait()
		timer.Stop()
	}
	_ = os.RemoveAll(s.scratch)
}

// Call sends one command of server.py and decodes its answer into result (nil: only whether it worked). An exception in the
// engine is an *EngineError.
func (s *Spark) Call(command, result any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		return s.died(err)
	}
	return s.answer(result)
}

func (s *Spark) answer(result any) error {
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return s.died(err)
	}
	var status EngineError
	if err := json.Unmarshal(line, &status); err != nil {
		return fmt.Errorf("answer of Spark: %w", err)
	}
	if !status.OK {
		return &status
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(line, result)
}

func (s *Spark) died(err error) error {
	log, _ := os.ReadFile(filepath.Join(s.scratch, "stderr.log"))
	return fmt.Errorf("the Spark session has ended: %w\n%s", err, tail(string(log)))
}

// EngineError is an exception in the engine.
type EngineError struct {
	OK    bool   `json:"ok"`
	Text  string `json:"error"` // the exception and its causes, one line
	Trace string `json:"trace"`
}

func (e *EngineError) Error() string { return "spark: " + e.Text }

// Read is a query of a Hudi table by path. Options are those of Spark's reader, for instance hoodie.datasource.query.type,
// as.of.instant, hoodie.datasource.read.begin.instanttime.
type Read struct {
	Path     string            `json:"path"`
	Options  map[string]string `json:"options,omitempty"`
	Meta     bool              `json:"meta,omitempty"`    // with the five _hoodie_ columns
	Columns  []string          `json:"columns,omitempty"` // these columns only
	Where    string            `json:"where,omitempty"`
	Out      string            `json:"out,omitempty"`      // write the rows to this file as jsonl instead of returning them
	Encoding string            `json:"encoding,omitempty"` // Golden (default) or Contract
}

// AsOf is the read of the table as it was at the instant.
func (r Read) AsOf(instant string) Read { return r.with("as.of.instant", instant) }

// ReadOptimized is the read of base files only.
func (r Read) ReadOptimized() Read { return r.with("hoodie.datasource.query.type", "read_optimized") }

// Incremental is the read of what was written after begin, up to and including end: completion times of table version 8 and
// later, requested times in version 6. An empty end is the newest.
func (r Read) Incremental(begin, end string) Read {
	r = r.with("hoodie.datasource.query.type", "incremental").with("hoodie.datasource.read.begin.instanttime", begin)
	if end != "" {
		r = r.with("hoodie.datasource.read.end.instanttime", end)
	}
	return r
}

// Changes is an incremental read of what changed, with the rows before and after.
func (r Read) Changes() Read { return r.with("hoodie.datasource.query.incremental.format", "cdc") }

// FromInclusive is an incremental read for Hudi 1.0.2, which takes begin as part of the range.
func (r Read) FromInclusive() Read {
	const begin = "hoodie.datasource.read.begin.instanttime"
	n, err := strconv.ParseInt(r.Options[begin], 10, 64)
	if err != nil || n == 0 {
		return r
	}
	return r.with(begin, strconv.FormatInt(n+1, 10))
}

func (r Read) with(key, value string) Read {
	options := map[string]string{key: value}
	for k, v := range r.Options {
		if k != key {
			options[k] = v
		}
	}
	r.Options = options
	return r
}

// Rows is what a read returned. Numbers are json.Number, so that no digit is lost.
type Rows struct {
	Schema json.RawMessage  // Spark's JSON form of the schema
	Count  int64            // also when the rows went to a file
	Rows   []map[string]any // in no particular order
}

// UnmarshalJSON keeps numbers as they are written.
func (r *Rows) UnmarshalJSON(data []byte) error {
	var raw struct {
		Schema json.RawMessage   `json:"schema"`
		Count  int64             `json:"count"`
		Rows   []json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	r.Schema, r.Count, r.Rows = raw.Schema, raw.Count, make([]map[string]any, len(raw.Rows))
	for i, text := range raw.Rows {
		row, err := DecodeRow(text)
		if err != nil {
			return err
		}
		r.Rows[i] = row
	}
	return nil
}

// Read runs a query.
func (s *Spark) Read(t testing.TB, r Read) Rows {
	t.Helper()
	return s.rows(t, struct {
		Cmd string `json:"cmd"`
		Read
	}{"read", r})
}

// Answer is what a read of several returned: Problem is the engine's where it failed.
type Answer struct {
	Rows
	Problem *EngineError
}

// UnmarshalJSON takes the answer of one read.
func (a *Answer) UnmarshalJSON(data []byte) error {
	var status EngineError
	if err := json.Unmarshal(data, &status); err != nil {
		return err
	}
	if !status.OK {
		a.Problem = &status
		return nil
	}
	return a.Rows.UnmarshalJSON(data)
}

// Reads runs queries two at a time, and returns their answers in the order of the queries.
func (s *Spark) Reads(t testing.TB, reads []Read) []Answer {
	t.Helper()
	var result struct {
		Answers []Answer `json:"answers"`
	}
	s.must(t, map[string]any{"cmd": "reads", "reads": reads}, &result)
	return result.Answers
}

// ReadParquet reads a Parquet file or folder with Spark's own reader; schema is Spark DDL or empty.
func (s *Spark) ReadParquet(t testing.TB, path, schema string) Rows {
	t.Helper()
	return s.rows(t, map[string]string{"cmd": "parquet", "path": path, "schema": schema})
}

// SQL runs a statement; tables gives table names to paths of Hudi tables, options are set for this statement.
func (s *Spark) SQL(t testing.TB, statement string, tables, options map[string]string) Rows {
	t.Helper()
	return s.rows(t, map[string]any{"cmd": "sql", "statement": statement, "tables": orEmpty(tables), "options": orEmpty(options)})
}

// Compact schedules and runs a compaction, by op: "schedule", "execute" or "scheduleAndExecute". The plan's own condition
// (five delta commits) is set aside unless options say otherwise.
func (s *Spark) Compact(t testing.TB, path, op string, options map[string]string) Rows {
	t.Helper()
	all := map[string]string{"hoodie.compact.inline.max.delta.commits": "1"}
	for k, v := range options {
		all[k] = v
	}
	return s.rows(t, map[string]any{"cmd": "compact", "path": path, "op": op, "options": all})
}

// Checksum is a table's row count and a sum over its rows that does not depend on their order: see server.py.
type Checksum struct {
	Count int64  `json:"count"`
	Sum   string `json:"sum"`
}

// Checksum compares big tables without moving their rows.
func (s *Spark) Checksum(t testing.TB, r Read) Checksum {
	t.Helper()
	var sum Checksum
	s.must(t, struct {
		Cmd string `json:"cmd"`
		Read
	}{"checksum", r}, &sum)
	return sum
}

// Write is one write by Spark's datasource. The first write of a table names its type, keys and ordering; later ones may leave
// them out. Rows come from Rows, from a jsonl file or from a Parquet file. See server.py for the options given by default.
type Write struct {
	Path        string            `json:"path"`
	Name        string            `json:"name"` // hoodie.table.name: the same in every write
	Op          string            `json:"op,omitempty"`
	Type        string            `json:"type,omitempty"`
	Keys        string            `json:"keys,omitempty"`         // comma-separated
	PartitionBy string            `json:"partition_by,omitempty"` // comma-separated
	Ordering    string            `json:"ordering,omitempty"`
	Schema      string            `json:"schema"` // Spark DDL, for instance "id long, amount decimal(10,2)"
	Rows        []map[string]any  `json:"rows,omitempty"`
	JSONL       string            `json:"jsonl,omitempty"`
	Parquet     string            `json:"parquet,omitempty"`
	Options     map[string]string `json:"options,omitempty"`
}

// Write writes; Op defaults to upsert.
func (s *Spark) Write(t testing.TB, w Write) {
	t.Helper()
	s.must(t, struct {
		Cmd string `json:"cmd"`
		Write
	}{"write", w}, nil)
}

// Delete deletes the rows with the given keys.
func (s *Spark) Delete(t testing.TB, w Write) {
	t.Helper()
	w.Op = "delete"
	s.Write(t, w)
}

func (s *Spark) rows(t testing.TB, command any) Rows {
	t.Helper()
	var rows Rows
	s.must(t, command, &rows)
	return rows
}

func (s *Spark) must(t testing.TB, command, result any) {
	t.Helper()
	err := s.Call(command, result)
	var engine *EngineError
	if errors.As(err, &engine) {
		t.Fatalf("%v\n%s", err, engine.Trace)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
