package interop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/randomtable"
)

// TestRandomTables has Spark make random tables (package randomtable) and asks Spark and us every question of each: the rows now, those of
// base files, those as of every instant, those of ranges between any two writes that follow each other, and what changed.
//
// HUDI_GO_SEEDS is the number of tables (10), HUDI_GO_SEED the first (1), HUDI_GO_SEED_FILE as for TestAlternate. A table with a difference
// is kept, and the test says how it was made.
func TestRandomTables(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	first, count := number(t, "HUDI_GO_SEED", 1), number(t, "HUDI_GO_SEEDS", 10)
	log := openSeedLog(t)
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015} {
		t.Run(fmt.Sprintf("v%d", release.TableVersion()), func(t *testing.T) {
			var spark *interop.Spark
			for seed := first; seed < first+count; seed++ {
				table := randomtable.New(seed)
				kind := fmt.Sprintf("random-v%d-%s", table.Version, map[string]string{interop.COW: "cow", interop.MOR: "mor"}[table.Kind])
				if table.Version != release.TableVersion() || log.passed(kind, seed) {
					continue
				}
				if spark == nil {
					spark = interop.SparkOf(t, release)
				}
				log.note(kind, seed, t.Run(fmt.Sprintf("%s/seed=%d", kind, seed), func(t *testing.T) {
					r := newRandomRun(t, spark, table)
					r.make()
					r.ask()
				}))
			}
		})
	}
}

// randomRun is a table on its way.
type randomRun struct {
	t     *testing.T
	spark *interop.Spark
	table *randomtable.Table
	ours  ours

	writes []instant // that were ever completed, in the order of their completion
	saved  string    // the savepoint
	done   []string  // what was done
	failed int       // steps that Spark failed at
}

func newRandomRun(t *testing.T, spark *interop.Spark, table *randomtable.Table) *randomRun {
	r := &randomRun{t: t, spark: spark, table: table, ours: ours{path: filepath.Join(t.TempDir(), "random")}}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		t.Logf("%s\nthe table is %s\nto repeat: HUDI_GO_INTEROP=1 HUDI_GO_SEED=%d HUDI_GO_SEEDS=1 go test ./interop -run '^TestRandomTables$'",
			table, keep(t, r.ours.path, "hudi-go-random-"), table.Seed)
		for _, line := range r.done {
			t.Log(line)
		}
	})
	return r
}

// make has Spark carry the steps out. A step that Spark refuses or fails at is part of the table's history, but the first.
func (r *randomRun) make() {
	r.t.Helper()
	for i, step := range r.table.Steps {
		err := r.step(step)
		line := step.String()
		if err != nil {
			var engine *interop.EngineError
			require.ErrorAs(r.t, err, &engine)
			if i == 0 {
				r.t.Fatalf("the engine cannot make the table: %v", err)
			}
			line += "\n    fails: " + engine.Text
			r.failed++
		}
		for _, found := range r.completed() {
			if !slices.Contains(r.writes, found) {
				r.writes = append(r.writes, found)
				line += fmt.Sprintf("\n    %s %s %s", found.requested, found.completed, found.action)
			}
		}
		r.done = append(r.done, line)
	}
}

func (r *randomRun) step(s randomtable.Step) error {
	options := map[string]string{}
	for _, o := range []map[string]string{r.table.Options, s.Options} {
		for name, value := range o {
			options[name] = value
		}
	}
	switch s.Kind {
	case randomtable.Crash:
		if newest := r.newest(); newest.action == "commit" || newest.action == "deltacommit" { // of others Spark finds nothing to undo
			return os.Remove(r.completedFile(newest))
		}
		return nil
	case randomtable.SQL:
		statement := strings.NewReplacer("{table}", r.name(), "{newest}", r.newest().requested, "{saved}", r.saved).Replace(s.Statement)
		command := map[string]any{"cmd": "sql", "statement": statement, "tables": map[string]string{r.name(): r.ours.path}, "options": options}
		if s.Rows != nil { // of a MERGE INTO
			command["views"] = map[string]any{"rows": map[string]any{"schema": s.Schema, "rows": s.Rows}}
		}
		if s.Saves {
			r.saved = r.newest().requested
		}
		return r.spark.Call(command, nil)
	}
	return r.spark.Call(struct {
		Cmd string `json:"cmd"`
		interop.Write
	}{"write", interop.Write{
		Path: r.ours.path, Name: r.name(), Op: s.Op, Type: r.table.Kind, Keys: strings.Join(r.table.Keys, ","),
		PartitionBy: r.table.PartitionFields, Ordering: strings.Join(r.table.Ordering, ","), Schema: s.Schema, Rows: s.Rows, Options: options,
	}}, nil)
}

// name is the table's.
func (r *randomRun) name() string { return fmt.Sprintf("random%d", r.table.Seed) }

func (r *randomRun) completed() []instant {
	if _, err := os.Stat(timelineDir(r.ours.path)); err != nil {
		return nil
	}
	return timelineOf(r.t, r.ours.path)
}

func (r *randomRun) newest() instant {
	all := r.completed()
	if len(all) == 0 {
		return instant{}
	}
	return all[len(all)-1]
}

func (r *randomRun) completedFile(i instant) string {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(timelineDir(r.ours.path), i.requested+"*."+i.action))
	require.NoError(r.t, err)
	require.Len(r.t, files, 1)
	return files[0]
}

// keep saves a table from the end of the test, with the times of its files, which are times of completion in version 6.
func keep(t *testing.T, table, pattern string) string {
	to, err := os.MkdirTemp("", pattern)
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(to, os.DirFS(table)))
	require.NoError(t, filepath.WalkDir(table, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		below, err := filepath.Rel(table, path)
		if err != nil {
			return err
		}
		return os.Chtimes(filepath.Join(to, below), info.ModTime(), info.ModTime())
	}))
	return to
}
