package interop_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// alternateRounds is how many random operations follow the fixed ones.
const alternateRounds = 10

// Both engines take turns on one table, of the version that the engine's release makes and that nobody upgrades: first
// fixed operations with every kind of query after each, then random ones. A failure prints what was done.
//
// HUDI_GO_SEEDS is the number of seeds to try, each with a copy-on-write and a merge-on-read table whose kinds take turns,
// HUDI_GO_SEED the first of them (1). Without them seed 1 is tried with some kinds (shortRun). HUDI_GO_SEED_FILE names a file that gets a line of kind, seed, commit and verdict for each; a run of the same
// commit passes over what has passed.
func TestAlternate(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	first, count := number(t, "HUDI_GO_SEED", 1), number(t, "HUDI_GO_SEEDS", 1)
	all := os.Getenv("HUDI_GO_SEEDS")+os.Getenv("HUDI_GO_SEED") != ""
	log := openSeedLog(t)
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015} {
		t.Run(fmt.Sprintf("v%d", release.TableVersion()), func(t *testing.T) {
			spark := interop.SparkOf(t, release)
			for seed := first; seed < first+count; seed++ {
				for i, s := range shapes {
					s.release = release
					if all && !s.turn(seed) || !all && !slices.Contains(shortRun[release], i) || log.passed(s.String(), seed) {
						continue
					}
					log.note(s.String(), seed, t.Run(fmt.Sprintf("%s/seed=%d", s, seed), func(t *testing.T) {
						a := newAlternation(t, spark, s, uint64(seed))
						a.fixed()
						for range alternateRounds {
							a.round()
						}
					}))
				}
			}
		})
	}
}

func number(t *testing.T, name string, preset int) int {
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// The columns of the tables. Spark's later writes have the delete mark besides, which then becomes a column.
const (
	alternateDDL  = "id long, part string, v string, n int, ts long"
	alternateAvro = `{"type":"record","name":"row","fields":[{"name":"id","type":["null","long"],"default":null},
		{"name":"part","type":["null","string"],"default":null},{"name":"v","type":["null","string"],"default":null},
		{"name":"n","type":["null","int"],"default":null},{"name":"ts","type":["null","long"],"default":null}%s]}`
	alternateKeys = `{"type":"record","name":"row","fields":[{"name":"id","type":["null","long"],"default":null},
		{"name":"part","type":["null","string"],"default":null}]}`
	alternateMark = `,{"name":"_hoodie_is_deleted","type":["null","boolean"],"default":null}`
)

// alternation is a table that both engines work on.
type alternation struct {
	t     *testing.T
	shape shape
	spark *interop.Spark
	ours  ours
	model *model
	rng   *rand.Rand

	history []point
	planned string             // the compaction on the timeline
	marks   bool               // the table has the delete mark as a column
	highest map[modelKey]int64 // greatest ordering value that a key ever had
	nextID  int64
	done    []string // what was done
}

// point is a completed write or, with an empty completion, a scheduled compaction.
type point struct {
	instant, completion string
}

// actor is who does something.
type actor string

const (
	we    actor = "ours"
	other actor = "spark"
)

func newAlternation(t *testing.T, spark *interop.Spark, s shape, seed uint64) *alternation {
	hash := fnv.New64a()
	fmt.Fprint(hash, s)
	a := &alternation{
		t: t, shape: s, spark: spark, rng: rand.New(rand.NewPCG(seed, hash.Sum64())),
		ours:    ours{filepath.Join(t.TempDir(), "alternate"), manual(map[string]string{"hoodie.clean.commits.retained": "3"})},
		highest: map[modelKey]int64{}, nextID: 1,
	}
	if s.sparkFirst && !s.rings { // rings show what the index is
		maps.Copy(a.ours.options, a.options())
	}
	if !s.smallFiles {
		a.ours.options["hoodie.parquet.small.file.limit"] = "0"
	}
	a.model = newModel(s.kind == interop.MOR, s.buckets > 0, func(part string) string {
		return map[string]string{"": "", "plain": part, "hive": "part=" + part}[s.partition]
	})
	a.model.global = s.global()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the table is %s\nto repeat: HUDI_GO_INTEROP=1 HUDI_GO_SEED=%d go test ./interop -run '^%s$'", keep(t, a.ours.path, "hudi-go-alternate-"), seed, t.Name())
			for _, line := range a.done {
				t.Log(line)
			}
		}
	})
	return a
}

func (a *alternation) log(format string, args ...any) {
	a.done = append(a.done, fmt.Sprintf(format, args...))
}

// create makes the table, by a first write when Spark does it.
func (a *alternation) create() {
	var rows []modelChange
	for range 24 {
		rows = append(rows, a.fresh())
	}
	if a.shape.sparkFirst {
		a.write(other, "insert", rows)
		return
	}
	c := table.NewConfig("alternate")
	c.Type = table.Type(a.shape.kind)
	c.Version = a.shape.release.TableVersion()
	c.InitialVersion = c.Version
	c.Keys, c.Ordering = []string{"id"}, []string{"ts"}
	c.CreateSchema = fmt.Sprintf(alternateAvro, "")
	if a.shape.partition != "" {
		c.PartitionBy = []string{"part"}
		c.HiveStyle = a.shape.partition == "hive"
	}
	c.Index = table.IndexConfig{Kind: a.shape.index}
	if a.shape.buckets > 0 {
		c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: a.shape.buckets, Consistent: a.shape.rings}
	}
	a.ours.create(a.t, c)
	a.check()
	a.write(we, "insert", rows)
}

// fixed is a script: ours from nothing to a compaction, Spark's turn, ours again.
func (a *alternation) fixed() {
	a.create()
	a.checkAll()
	a.write(we, "upsert", a.changes(12, false))
	a.checkAll()
	a.write(we, "delete", a.victims(4, we))
	a.checkAll()
	a.compact(we)
	a.checkAll()

	a.write(other, "upsert", a.changes(8, false))
	a.check()
	a.marks = true
	a.write(other, "upsert", a.changes(8, true))
	a.checkAll()
	a.write(other, "delete", a.victims(3, other))
	a.checkAll()
	a.compact(other)
	a.checkAll()

	a.write(we, "upsert", a.changes(8, true))
	a.write(we, "insert", []modelChange{a.fresh(), a.fresh()})
	a.checkAll()
	if a.shape.kind == interop.MOR { // one plans and the other carries out, with a write in between
		for _, turn := range [][2]actor{{we, other}, {other, we}} {
			a.schedule(turn[0])
			a.write(turn[1], "upsert", a.changes(8, true))
			a.checkAll()
			a.execute(turn[1])
			a.write(turn[0], "upsert", a.changes(4, true))
			a.checkAll()
		}
	}
	for _, p := range a.history {
		a.checkPast(p)
	}
	a.checkRange("000", "")
}

// round is one random operation and a look at the table.
func (a *alternation) round() {
	who := []actor{we, other}[a.rng.IntN(2)]
	switch p := a.rng.IntN(100); {
	case p < 50:
		a.write(who, "upsert", a.changes(1+a.rng.IntN(12), true))
	case p < 60:
		a.write(who, "insert", []modelChange{a.fresh(), a.fresh(), a.fresh()})
	case p < 75:
		a.write(who, "delete", a.victims(1+a.rng.IntN(4), who))
	case p < 80:
		a.clean()
	case a.shape.kind == interop.COW:
		a.write(who, "upsert", a.changes(3, true))
	case a.planned != "":
		a.execute(who)
	case p < 90:
		a.schedule(who)
	default:
		a.compact(who)
	}
	a.check()
	switch p := a.rng.IntN(3); {
	case p == 0:
		a.checkPast(a.history[a.rng.IntN(len(a.history))])
	case p == 1 && a.shape.kind == interop.MOR:
		a.checkReadOptimized()
	default:
		ends := a.bounds()
		i := a.rng.IntN(len(ends) - 1)
		a.checkRange(ends[i], ends[i+1+a.rng.IntN(len(ends)-i-1)])
	}
}

// fresh is a row with a new key.
func (a *alternation) fresh() modelChange {
	key := modelKey{a.part(), a.nextID}
	a.nextID++
	return a.change(key, 100+a.rng.Int64N(10), false)
}

func (a *alternation) part() string {
	if a.shape.partition == "" {
		return "x"
	}
	return []string{"p1", "p 2"}[a.rng.IntN(2)] // the blank: paths are not escaped
}

func (a *alternation) change(key modelKey, ts int64, deleted bool) modelChange {
	a.highest[a.known(key)] = max(a.highest[a.known(key)], ts)
	c := modelChange{key, modelRow{v: fmt.Sprintf("é%d", a.rng.IntN(1000)), ts: ts, deleted: deleted}}
	if a.rng.IntN(3) > 0 {
		c.n = a.rng.Int64N(1000)
	}
	return c
}

// known is a key as what is known of it is kept: with a global index whatever its partition.
func (a *alternation) known(key modelKey) modelKey {
	if a.shape.global() {
		key.part = ""
	}
	return key
}

// row is the row of a key now, nil for none.
func (a *alternation) row(key modelKey) *modelRow {
	if a.shape.global() {
		_, row := a.model.home(key.id)
		return row
	}
	return a.model.get(key)
}

// changes are rows for an upsert: of new and of known keys, newer, equal and late, now and then two of one key.
func (a *alternation) changes(n int, deletes bool) []modelChange {
	var out []modelChange
	for len(out) < n {
		if a.rng.IntN(5) == 0 {
			out = append(out, a.fresh())
			continue
		}
		key, ok := a.pick(len(out) == 0)
		if !ok {
			continue
		}
		twice := 1
		if a.rng.IntN(10) == 0 {
			twice = 2
		}
		for range twice {
			if deletes && a.rng.IntN(5) == 0 {
				out = append(out, a.change(key, a.deleteTime(key), true))
			} else {
				out = append(out, a.change(key, a.time(key), false))
			}
		}
	}
	return out
}

// pick chooses a key that is known, dead or alive.
func (a *alternation) pick(alive bool) (modelKey, bool) {
	keys := slices.SortedFunc(maps.Keys(a.highest), func(x, y modelKey) int { return int(x.id - y.id) })
	key := keys[a.rng.IntN(len(keys))]
	if a.shape.global() { // the row moves every other time
		key.part = a.part()
	}
	dead := a.row(key) == nil
	if dead && !a.shape.global() && a.planned != "" && a.shape.buckets == 0 {
		// A writer with the simple index, ours as well as Spark, finds the deleted key in the old base file and puts the
		// new row into the log; the compaction removes the key from the base file, and the next write does not find it.
		return key, false
	}
	return key, !dead || !alive
}

// deleteTime is an ordering value for a delete.
func (a *alternation) deleteTime(key modelKey) int64 {
	if a.shape.blindDeletes() {
		return a.highest[a.known(key)] + a.rng.Int64N(3)
	}
	return a.time(key)
}

// time is an ordering value for a change of a key.
func (a *alternation) time(key modelKey) int64 {
	now := a.row(key)
	if now == nil && (!a.shape.exact() || a.shape.blindDeletes()) {
		// whether a delete is remembered depends on where it went, and in which version
		return a.highest[a.known(key)] + a.rng.Int64N(3)
	}
	at := a.highest[a.known(key)]
	if now != nil {
		at = now.ts
	}
	return at + []int64{0, 0, -1, -2, -3, 1, 1, 2, 3, 4}[a.rng.IntN(10)]
}

// victims are keys to delete. Spark's delete operation heeds no ordering value; ours does if there is one.
func (a *alternation) victims(n int, who actor) []modelChange {
	var out []modelChange
	unconditional := who == other || a.rng.IntN(2) == 0
	for len(out) < n {
		key, ok := a.pick(false)
		if !ok || slices.ContainsFunc(out, func(c modelChange) bool { return a.known(c.key) == a.known(key) }) {
			continue
		}
		c := a.change(key, a.deleteTime(key), true)
		c.unconditional = unconditional
		out = append(out, c)
	}
	return out
}

// write performs a write and applies it to the model.
func (a *alternation) write(who actor, op string, changes []modelChange) {
	a.t.Helper()
	mark := a.marks && op != "delete"
	var rows []map[string]any
	for _, c := range changes {
		row := map[string]any{"id": c.key.id, "part": c.key.part, "v": c.v, "n": c.n, "ts": c.ts}
		mark = mark || c.deleted && op == "upsert"
		if op == "upsert" {
			row["_hoodie_is_deleted"] = c.deleted
		}
		rows = append(rows, row)
	}
	if !mark {
		for _, row := range rows {
			delete(row, "_hoodie_is_deleted")
		}
	}
	text, err := json.Marshal(rows)
	require.NoError(a.t, err)
	a.log("%s %s: %s", who, op, text)
	before := a.completed()
	if who == we {
		avro := fmt.Sprintf(alternateAvro, "")
		switch {
		case mark:
			avro = fmt.Sprintf(alternateAvro, alternateMark)
		case op == "delete" && changes[0].unconditional:
			avro = alternateKeys
			for _, row := range rows {
				maps.DeleteFunc(row, func(column string, _ any) bool { return column != "id" && column != "part" })
			}
		}
		s, err := schema.Parse(avro)
		require.NoError(a.t, err)
		a.ours.write(a.t, hudi.Operation(op), s, rows)
	} else {
		w := interop.Write{Path: a.ours.path, Name: "alternate", Op: op, Schema: alternateDDL, Rows: rows, Options: a.options()}
		if mark {
			w.Schema += ", _hoodie_is_deleted boolean"
		}
		if len(before) == 0 {
			w.Type, w.Keys, w.Ordering = a.shape.kind, "id", "ts"
			if a.shape.partition != "" {
				w.PartitionBy = "part"
				w.Options["hoodie.datasource.write.hive_style_partitioning"] = strconv.FormatBool(a.shape.partition == "hive")
			}
		}
		a.spark.Write(a.t, w)
	}
	i := a.newest(before)
	a.model.touches = func(elsewhere, deleted bool) bool {
		if deleted {
			return who == other && a.shape.release == interop.Hudi120
		}
		return who == other && (elsewhere || a.shape.kind == interop.MOR)
	}
	a.model.write(i, changes, who == other && len(before) == 0 && !a.shape.rings)
	a.history = append(a.history, point{i.requested, i.completed})
}

// options are what Spark must be told in every write. The index is a property of our tables, and none of Spark's own.
func (a *alternation) options() map[string]string {
	o := map[string]string{}
	if a.shape.buckets == 0 {
		o["hoodie.index.type"] = a.shape.kindOfIndex() // Spark's default is bloom, which finds the same as simple and takes longer
	} else if a.shape.sparkFirst {
		o["hoodie.index.type"] = "BUCKET"
		o["hoodie.bucket.index.num.buckets"] = strconv.Itoa(a.shape.buckets)
		if a.shape.rings {
			o["hoodie.index.bucket.engine"] = "CONSISTENT_HASHING"
		}
	}
	if !a.shape.smallFiles {
		o["hoodie.parquet.small.file.limit"] = "0"
	}
	if a.shape.release == interop.Hudi015 { // each writer says how to merge, and Spark's default is commit time
		o["hoodie.datasource.write.payload.class"] = "org.apache.hudi.common.model.DefaultHoodieRecordPayload"
	}
	return o
}

func (a *alternation) completed() []instant {
	if _, err := os.Stat(a.ours.path); err != nil {
		return nil
	}
	return timelineOf(a.t, a.ours.path)
}

// newest is the one write that has come since.
func (a *alternation) newest(before []instant) instant {
	a.t.Helper()
	var fresh []instant
	for _, i := range a.completed() {
		if !slices.Contains(before, i) {
			fresh = append(fresh, i)
		}
	}
	require.Len(a.t, fresh, 1)
	return fresh[0]
}

// compact plans and carries out a compaction, if the table has logs.
func (a *alternation) compact(who actor) {
	a.t.Helper()
	if a.shape.kind == interop.MOR {
		a.schedule(who)
		a.execute(who)
	}
}

func (a *alternation) schedule(who actor) {
	a.t.Helper()
	if a.planned != "" || !a.model.due() {
		return
	}
	a.log("%s schedules a compaction", who)
	known := a.plans()
	var planned bool
	if who == we {
		instant, err := a.ours.open(a.t).ScheduleCompaction(a.t.Context(), 0)
		require.NoError(a.t, err)
		planned = instant != ""
	} else {
		planned = a.spark.Compact(a.t, a.ours.path, "schedule", nil).Count == 1
	}
	if !planned && !a.shape.exact() {
		return // what the model has in logs went into small base files
	}
	require.True(a.t, planned)
	for _, p := range a.plans() {
		if !slices.Contains(known, p) {
			a.planned = p
			a.history = append(a.history, point{instant: p})
		}
	}
	require.NotEmpty(a.t, a.planned, "no plan on the timeline")
}

// plans are the instants of all compactions.
func (a *alternation) plans() []string {
	files, err := filepath.Glob(filepath.Join(timelineDir(a.ours.path), "*.compaction.requested"))
	require.NoError(a.t, err)
	for i, f := range files {
		files[i] = filepath.Base(f)[:17]
	}
	return files
}

func (a *alternation) execute(who actor) {
	a.t.Helper()
	if a.planned == "" {
		return
	}
	a.log("%s carries the compaction out", who)
	before := a.completed()
	if who == we {
		_, err := a.ours.open(a.t).ExecuteCompaction(a.t.Context(), a.planned)
		require.NoError(a.t, err)
	} else {
		// the procedure's "run" plans anew, and then leaves older plans where they are
		require.Equal(a.t, int64(1), a.compactor().Compact(a.t, a.ours.path, "execute", map[string]string{
			"hoodie.write.table.version": strconv.Itoa(a.shape.release.TableVersion()),
		}).Count)
	}
	i := a.newest(before)
	require.Equal(a.t, a.planned, i.requested)
	a.planned = ""
	a.model.compact(i.requested)
	for k := range a.history {
		if a.history[k].instant == i.requested {
			a.history[k].completion = i.completed
		}
	}
}

// compactor is the engine that carries compactions out: not Hudi 1.0.2, for the reason of theirs.
func (a *alternation) compactor() *interop.Spark {
	if a.shape.release == interop.Hudi102 {
		return interop.SharedSpark(a.t)
	}
	return a.spark
}

func (a *alternation) clean() {
	a.t.Helper()
	results, err := a.ours.open(a.t).Clean(a.t.Context())
	require.NoError(a.t, err)
	a.log("ours cleans: %+v", results)
}

// check compares the table's rows now: the model's, ours and Spark's.
func (a *alternation) check() {
	a.t.Helper()
	a.same("snapshot", a.model.snapshot(), query.Options{}, a.sparkRead())
}

// same asks both engines the same question. want is nil when the model does not know the answer.
func (a *alternation) same(what string, want []string, o query.Options, r interop.Read) {
	a.t.Helper()
	o.Columns = alternateColumns
	mine := lines(a.ours.read(a.t, o))
	theirs := lines(a.theirs(r))
	report := ""
	if want != nil {
		report = difference("the model", want, "ours", mine) + difference("the model", want, "Spark", theirs)
	}
	if report += difference("Spark", theirs, "ours", mine); report != "" {
		a.t.Fatalf("%s after %d operations:\n%s", what, len(a.done), report)
	}
}

// theirs asks the engine of the table's version, and Hudi 1.2.0 where 1.0.2 fails on a table of its own: it compares the
// ordering value of an unconditional delete, the int 0, with a long.
func (a *alternation) theirs(r interop.Read) []map[string]any {
	a.t.Helper()
	if a.shape.release != interop.Hudi102 {
		return a.spark.Read(a.t, r).Rows
	}
	var rows interop.Rows
	err := a.spark.Call(struct {
		Cmd string `json:"cmd"`
		interop.Read
	}{"read", r.FromInclusive()}, &rows)
	if err != nil {
		require.ErrorContains(a.t, err, "ClassCastException")
		a.log("Hudi 1.0.2 cannot read the table")
		return interop.SharedSpark(a.t).Read(a.t, r).Rows
	}
	return rows.Rows
}

func (a *alternation) sparkRead() interop.Read {
	return interop.Read{Path: a.ours.path, Columns: alternateColumns, Encoding: interop.Contract}
}

// checkPast compares the table as it was at a point. What a clean has taken both engines refuse to show.
func (a *alternation) checkPast(p point) {
	a.t.Helper()
	if p.completion == "" {
		return
	}
	o := query.Options{AsOf: p.instant}
	if _, err := a.ours.tryRead(a.t, o); errors.Is(err, hudi.ErrCleaned) {
		r := a.sparkRead().AsOf(p.instant)
		err := a.spark.Call(struct {
			Cmd string `json:"cmd"`
			interop.Read
		}{"read", r}, nil)
		require.ErrorContains(a.t, err, "Cleaner cleaned up the timestamp of interest", "as of %s", p.instant)
		return
	}
	a.same("as of "+p.instant, a.model.asOf(p.instant), o, a.sparkRead().AsOf(p.instant))
}

func (a *alternation) checkReadOptimized() {
	a.t.Helper()
	var want []string
	if a.shape.exact() {
		want = a.model.readOptimized()
	}
	a.same("read optimized", want, query.Options{View: query.ReadOptimized}, a.sparkRead().ReadOptimized())
}

// bounds are the times that bound a range of writes whose files are all there. Of other ranges Spark shows what a scan of
// the newest files finds, without the rows that were changed after the range.
func (a *alternation) bounds() []string {
	var out []string
	start := "000"
	for _, p := range a.history {
		if p.completion == "" {
			continue
		}
		if _, err := a.ours.tryRead(a.t, query.Options{AsOf: p.instant}); errors.Is(err, hudi.ErrCleaned) {
			start = ""
			continue
		}
		out = append(out, a.bound(p))
	}
	slices.Sort(out)
	if start != "" {
		out = append([]string{start}, out...)
	}
	return out
}

// bound is the time of a point by which ranges count.
func (a *alternation) bound(p point) string {
	if a.shape.release == interop.Hudi015 {
		return p.instant
	}
	return p.completion
}

// checkRange compares what was written after begin up to end.
func (a *alternation) checkRange(begin, end string) {
	a.t.Helper()
	written := map[string]bool{}
	for _, p := range a.history {
		if p.completion != "" && a.bound(p) > begin && (end == "" || a.bound(p) <= end) {
			written[p.instant] = true
		}
	}
	wanted := func(instant string) bool { return written[instant] }
	want := a.model.incremental(wanted)
	if a.shape.blindDeletes() && !slices.Equal(want, a.model.incrementalWhole(wanted)) {
		return // Hudi 0.15 merges with the base file's rows, or not, by the statistics of their row group
	}
	if !a.shape.exact() {
		want = nil
	}
	a.same(fmt.Sprintf("incremental (%s, %s]", begin, end), want,
		query.Options{View: query.Incremental, Begin: begin, End: end}, a.sparkRead().Incremental(begin, end))
}

// checkAll asks for the rows now, for those of base files, and for those of the last write.
func (a *alternation) checkAll() {
	a.t.Helper()
	a.check()
	if a.shape.kind == interop.MOR {
		a.checkReadOptimized()
	}
	ends := a.bounds()
	a.checkRange(ends[len(ends)-2], ends[len(ends)-1])
}
