package interop_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/pingpong"
	"github.com/hudi-go/hudi-go/interop/randomtable"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// pingPongSteps is how many steps a sequence has.
const pingPongSteps = 20

// TestPingPong has both engines work on random tables (package pingpong), one step by the one and one by the other, and asks both after
// each step: the rows now, with conditions too, those of base files, those as of some instant and those of some range. All answers are the
// model's. Spark's validation and ours find nothing wrong with the metadata table.
//
// HUDI_GO_SEEDS is the number of sequences, HUDI_GO_SEED the first (1), HUDI_GO_SEED_FILE as for TestAlternate. A table with a
// difference is kept, and the test says how it was made. Without them one short sequence runs for each release, and six longer ones with
// HUDI_GO_INTEROP=all.
func TestPingPong(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	seeds, steps := []int{9, 11, 4}, 5 // with metadata tables, two of them merge on read
	switch {
	case os.Getenv("HUDI_GO_SEEDS")+os.Getenv("HUDI_GO_SEED") != "":
		seeds, steps = seedsOf(t), pingPongSteps
	case interop.Whole():
		seeds, steps = seedsOf(t), 8
	}
	log := openSeedLog(t)
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015} {
		t.Run(fmt.Sprintf("v%d", release.TableVersion()), func(t *testing.T) {
			var spark *interop.Spark
			for _, seed := range seeds {
				s := pingpong.New(seed)
				if s.Table.Version != release.TableVersion() || log.passed(s.Name(), seed) {
					continue
				}
				if spark == nil {
					spark = interop.SparkOf(t, release)
				}
				log.note(s.Name(), seed, t.Run(fmt.Sprintf("%s/seed=%d", s.Name(), seed), func(t *testing.T) {
					p := newPingPong(t, spark, s)
					p.create()
					for range steps {
						p.step()
					}
					p.askAll()
					t.Logf("%s: %d questions; known: %v", s, p.asked, p.known)
				}))
			}
		})
	}
}

// seedsOf are those that variables name, 1 to 6 without.
func seedsOf(t *testing.T) []int {
	first := number(t, "HUDI_GO_SEED", 1)
	var out []int
	for seed := first; seed < first+number(t, "HUDI_GO_SEEDS", 6); seed++ {
		out = append(out, seed)
	}
	return out
}

// TestPingPongAlone has us do sequences by ourselves: answers are the model's. It needs no engine.
//
// HUDI_GO_SEEDS and HUDI_GO_SEED as for TestPingPong (6, 1).
func TestPingPongAlone(t *testing.T) {
	for _, seed := range seedsOf(t) {
		s := pingpong.Alone(seed)
		t.Run(fmt.Sprintf("%s/seed=%d", s.Name(), seed), func(t *testing.T) {
			p := newPingPong(t, nil, s)
			p.create()
			for range pingPongSteps {
				p.step()
			}
			p.askAll()
		})
	}
}

// pingPong is a sequence on its way.
type pingPong struct {
	randomRun
	seq   *pingpong.Sequence
	asked int
	known map[string]int // differences that are, by their reasons
	steps int
}

func newPingPong(t *testing.T, spark *interop.Spark, s *pingpong.Sequence) *pingPong {
	p := &pingPong{seq: s, known: map[string]int{}}
	p.t, p.spark, p.table = t, spark, s.Table
	p.ours = ours{filepath.Join(t.TempDir(), "pingpong"), manual(s.Table.Options)}
	p.ours.options["hoodie.clean.commits.retained"] = "4"
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		test, _, _ := strings.Cut(t.Name(), "/")
		t.Logf("%s\nthe table is %s\nto repeat: HUDI_GO_INTEROP=1 HUDI_GO_SEED=%d HUDI_GO_SEEDS=1 go test ./interop -run '^%s$'",
			s, keep(t, p.ours.path, "hudi-go-pingpong-"), s.Seed, test)
		for _, line := range p.done {
			t.Log(line)
		}
	})
	return p
}

// create makes the empty table when we are the one who does. Spark makes one with its first write.
func (p *pingPong) create() {
	p.t.Helper()
	if p.seq.Creator != pingpong.Ours {
		return
	}
	t := p.table
	c := table.NewConfig(p.name())
	c.Type, c.Version, c.InitialVersion = table.Type(t.Kind), t.Version, t.Version
	c.Keys, c.PartitionBy, c.Ordering = t.Keys, t.PartitionBy, t.Ordering
	c.HiveStyle, c.URLEncode, c.MetaFields = t.HiveStyle(), t.Encoded(), t.MetaFields()
	if t.CDC {
		c.CDC, c.CDCMode = true, t.Option("table.cdc.supplemental.logging.mode")
	}
	c.PayloadClass, c.MergeMode = t.Option("datasource.write.payload.class"), t.Option("write.record.merge.mode")
	if t.Option("index.type") == table.IndexBucket {
		n, err := strconv.Atoi(t.Option("bucket.index.num.buckets"))
		require.NoError(p.t, err)
		c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: n}
	}
	c.CreateSchema = p.schema(t.Columns).Avro()
	p.ours.create(p.t, c)
}

func (p *pingPong) name() string { return fmt.Sprintf("pingpong%d", p.table.Seed) }

func (p *pingPong) schema(columns []randomtable.Column) *schema.Schema {
	p.t.Helper()
	s, err := schema.FromArrow(p.name(), randomtable.ArrowSchema(columns))
	require.NoError(p.t, err)
	return s
}

// step has the next step done, and asks.
func (p *pingPong) step() {
	p.t.Helper()
	step := p.seq.Next()
	p.done = append(p.done, step.String())
	line := &p.done[len(p.done)-1]
	before := p.completed()
	plans := p.plans()
	require.NoError(p.t, p.do(step), "%s", step)
	var fresh []instant
	for _, found := range p.completed() {
		if !slices.Contains(before, found) {
			fresh = append(fresh, found)
			*line += fmt.Sprintf("\n    %s %s %s", found.requested, found.completed, found.action)
		}
	}
	p.applied(step, fresh, plans)
	p.ask()
}

// applied tells the model what the step has left on the timeline.
func (p *pingPong) applied(step pingpong.Step, fresh []instant, plans []string) {
	p.t.Helper()
	slices.SortFunc(fresh, func(a, b instant) int { return strings.Compare(a.requested, b.requested) })
	var at pingpong.Instant
	switch step.Do {
	case pingpong.Schedule:
		for _, plan := range p.plans() {
			if !slices.Contains(plans, plan) {
				at.Requested = plan
			}
		}
	case pingpong.Write, pingpong.Amend, pingpong.Execute:
		require.NotEmpty(p.t, fresh, "%s left nothing on the timeline", step)
		fallthrough
	default:
		if len(fresh) > 0 {
			at, fresh = pingpong.Instant{Requested: fresh[0].requested, Completed: fresh[0].completed}, fresh[1:]
		}
	}
	p.seq.Done(step, at)
	for _, i := range fresh {
		p.seq.Model.Served(pingpong.Instant{Requested: i.requested, Completed: i.completed})
	}
}

func (p *pingPong) do(step pingpong.Step) error {
	if step.Who == pingpong.Ours {
		return p.weDo(step)
	}
	return p.sparkDoes(step)
}

var ourOperations = map[string]hudi.Operation{
	"insert": hudi.Insert, "upsert": hudi.Upsert, "bulk_insert": hudi.BulkInsert, "delete": hudi.Delete,
	"insert_overwrite": hudi.InsertOverwrite, "insert_overwrite_table": hudi.InsertOverwriteTable, "delete_partition": hudi.DeletePartition,
}

func (p *pingPong) weDo(step pingpong.Step) error {
	ctx := p.t.Context()
	if step.Do == pingpong.Crash {
		return os.Remove(p.completedFile(p.newest()))
	}
	tab := p.ours.open(p.t)
	var err error
	switch step.Do {
	case pingpong.Write:
		if partition, ok := step.Options["hoodie.datasource.write.partitions.to.delete"]; ok {
			_, err = tab.Write(ctx, ourOperations[step.Op], hudi.Rows{}, hudi.WriteOptions{Partitions: []string{partition}})
			return err
		}
		s := p.schema(step.Columns)
		batches, err := rowsOf(p.t, s, step.Rows...)
		require.NoError(p.t, err)
		_, err = tab.Write(ctx, ourOperations[step.Op], hudi.Rows{Schema: s, Batches: batches}, hudi.WriteOptions{})
		return err
	case pingpong.Amend:
		if step.Set == "" {
			_, err = tab.DeleteWhere(ctx, step.Where, hudi.WriteOptions{})
		} else {
			_, err = tab.UpdateWhere(ctx, []string{step.Set}, step.Where, hudi.WriteOptions{})
		}
	case pingpong.Schedule:
		_, err = tab.ScheduleCompaction(ctx, 0)
	case pingpong.Execute:
		_, err = tab.ExecuteCompaction(ctx, step.Plan)
	case pingpong.Compact:
		_, err = tab.Compact(ctx)
	case pingpong.Clean:
		_, err = tab.Clean(ctx)
	case pingpong.Rollback:
		err = tab.Rollback(ctx, p.newest().requested)
	case pingpong.Recover:
		err = p.recover()
	case pingpong.Metadata:
		if len(tab.Config().MetadataPartitions) == 0 {
			return nil
		}
		if err = tab.DropMetadata(ctx); err == nil {
			err = p.ours.open(p.t).InitMetadata(ctx)
		}
	default:
		err = fmt.Errorf("nobody has said how we do %q", step.Do)
	}
	return err
}

func (p *pingPong) sparkDoes(step pingpong.Step) error {
	options := maps.Clone(p.table.Options)
	maps.Copy(options, step.Options)
	switch step.Do {
	case pingpong.Write:
		return p.spark.Call(struct {
			Cmd string `json:"cmd"`
			interop.Write
		}{"write", interop.Write{
			Path: p.ours.path, Name: p.name(), Op: step.Op, Type: p.table.Kind, Keys: strings.Join(p.table.Keys, ","),
			PartitionBy: p.table.PartitionFields, Ordering: strings.Join(p.table.Ordering, ","), Schema: randomtable.DDLOf(step.Columns),
			Rows: step.Rows, Options: options,
		}}, nil)
	case pingpong.Amend:
		step.Statement = "DELETE FROM {table} WHERE " + step.Where
		if step.Set != "" {
			step.Statement = fmt.Sprintf("UPDATE {table} SET %s WHERE %s", step.Set, step.Where)
		}
		fallthrough
	case pingpong.SQL:
		statement := strings.NewReplacer("{table}", p.name(), "{newest}", p.newest().requested).Replace(step.Statement)
		command := map[string]any{"cmd": "sql", "statement": statement, "tables": map[string]string{p.name(): p.ours.path}, "options": options}
		if step.Rows != nil {
			command["views"] = map[string]any{"rows": map[string]any{"schema": randomtable.DDLOf(step.Columns), "rows": step.Rows}}
		}
		return p.spark.Call(command, nil)
	case pingpong.Schedule, pingpong.Execute, pingpong.Compact:
		op := map[string]string{pingpong.Schedule: "schedule", pingpong.Execute: "execute", pingpong.Compact: "scheduleAndExecute"}[step.Do]
		options["hoodie.compact.inline.max.delta.commits"] = "1"
		options["hoodie.datasource.write.recordkey.field"] = strings.Join(p.table.Keys, ",") // which a table with buckets does not tell procedures
		options["hoodie.write.table.version"] = strconv.Itoa(p.table.Version)
		return p.compactor().Call(map[string]any{"cmd": "compact", "path": p.ours.path, "op": op, "options": options}, nil)
	}
	return fmt.Errorf("nobody has said how Spark does %q", step.Do)
}

// recover undoes what died, without waiting for the dead.
func (p *pingPong) recover() error {
	hasty := ours{p.ours.path, maps.Clone(p.ours.options)}
	hasty.options["hoodie.client.heartbeat.interval_in_ms"] = "1"
	_, err := hasty.open(p.t).Recover(p.t.Context())
	return err
}

// compactor is the engine that carries compactions out: not Hudi 1.0.2, which fails on deletes without ordering values.
func (p *pingPong) compactor() *interop.Spark {
	if p.spark.Release == interop.Hudi102 {
		return interop.SharedSpark(p.t)
	}
	return p.spark
}

// plans are the instants of all compactions.
func (p *pingPong) plans() []string {
	if _, err := os.Stat(p.ours.path); err != nil {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(timelineDir(p.ours.path), "*.compaction.requested"))
	require.NoError(p.t, err)
	for i, f := range files {
		files[i] = filepath.Base(f)[:17]
	}
	return files
}
