package hudi_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/local"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// op is one operation of a scenario, on a table and on the model of it.
type op struct {
	name  string
	do    func(ctx context.Context, tab *hudi.Table) error
	model func(m *model)
}

func write(o hudi.Operation, list ...rec) op {
	return op{
		name: string(o),
		do: func(ctx context.Context, tab *hudi.Table) error {
			_, err := tab.Write(ctx, o, input(memory.DefaultAllocator, 2, list), hudi.WriteOptions{})
			return err
		},
		model: func(m *model) { m.apply(o, list) },
	}
}

// dropPartition deletes a partition by its path.
func dropPartition(path string, list ...rec) op {
	return op{
		name: "delete-partition by path",
		do: func(ctx context.Context, tab *hudi.Table) error {
			_, err := tab.Write(ctx, hudi.DeletePartition, hudi.Rows{}, hudi.WriteOptions{Partitions: []string{path}})
			return err
		},
		model: func(m *model) { m.apply(hudi.DeletePartition, list) },
	}
}

func schedule() op {
	return op{
		name: "schedule",
		do: func(ctx context.Context, tab *hudi.Table) error {
			_, err := tab.ScheduleCompaction(ctx, 0)
			return err
		},
		model: func(m *model) { m.schedule() },
	}
}

// execute executes every compaction that is pending.
func execute() op {
	return op{
		name: "execute",
		do: func(ctx context.Context, tab *hudi.Table) error {
			tl, err := tab.Timeline(ctx)
			if err != nil {
				return err
			}
			for _, i := range tl.Pending() {
				if i.Action == timeline.Compaction {
					if _, err := tab.ExecuteCompaction(ctx, i.Time); err != nil {
						return err
					}
				}
			}
			return nil
		},
		model: func(m *model) { m.compact() },
	}
}

func compact() op {
	return op{
		name:  "compact",
		do:    func(ctx context.Context, tab *hudi.Table) error { _, err := tab.Compact(ctx); return err },
		model: func(m *model) { m.schedule(); m.compact() },
	}
}

func clean() op {
	return op{
		name:  "clean",
		do:    func(ctx context.Context, tab *hudi.Table) error { _, err := tab.Clean(ctx); return err },
		model: func(*model) {},
	}
}

// rollbackLast undoes the last write; the model of before is the scenario's to give.
func rollbackLast(before *model) op {
	return op{
		name: "rollback",
		do: func(ctx context.Context, tab *hudi.Table) error {
			tl, err := tab.Timeline(ctx)
			if err != nil {
				return err
			}
			last, ok := tl.LastCompletedWrite()
			if !ok {
				return errors.New("nothing to roll back")
			}
			return tab.Rollback(ctx, last.Time)
		},
		model: func(m *model) { *m = *before.clone() },
	}
}

// crashKinds are the layouts under which operations are cut. Those that are not main have
// the scenarios in which they differ.
var crashKinds = []struct {
	kind
	main bool
}{
	{kind{typ: table.COW, partitioned: true}, true},
	{kind{typ: table.COW, buckets: 2}, false},
	{kind{typ: table.MOR}, false},
	{kind{typ: table.MOR, buckets: 2, partitioned: true}, true},
	{kind{typ: table.COW, partitioned: true, metadata: true}, false},
	{kind{typ: table.COW, partitioned: true, metadata: true, stats: true}, true},
	{kind{typ: table.MOR, buckets: 2, partitioned: true, metadata: true}, false},
	{kind{typ: table.MOR, buckets: 2, partitioned: true, metadata: true, stats: true}, true},
	{kind{typ: table.COW, partitioned: true, index: table.IndexGlobalSimple}, false},
	{kind{typ: table.MOR, partitioned: true, index: table.IndexGlobalBloom}, false},
	{kind{typ: table.COW, partitioned: true, metadata: true, records: true}, true},
	{kind{typ: table.MOR, partitioned: true, metadata: true, records: true}, false},
	{kind{typ: table.MOR, partitioned: true, metadata: true, records: true, index: table.IndexRecord, stay: true}, false},
	{kind{typ: table.COW, partitioned: true, metadata: true, records: true, secondary: true}, false},
	{kind{typ: table.MOR, partitioned: true, metadata: true, records: true, index: table.IndexRecord, secondary: true}, false},
	{kind{typ: table.COW, cdc: table.CDCBeforeAfter, metadata: true}, true},
	{kind{typ: table.MOR, buckets: 2, partitioned: true, cdc: table.CDCKeys}, false},
	{kind{typ: table.COW, partitioned: true, bare: true}, false},
}

// versionsOf are the table versions under which a scenario is cut: one, another for each
// scenario and kind, unless everything is asked for.
func versionsOf(k, scenario int) []int {
	all := table.Versions()
	if everything {
		return all
	}
	at := (k + scenario) % len(all)
	return all[at : at+1]
}

// eachScenario calls f with the scenarios that run, by kind and version.
func eachScenario(wanted func(k, s bool) bool, f func(k kind, name string, s scenario)) {
	for at, k := range crashKinds {
		for i, name := range slices.Sorted(maps.Keys(scenarios(k.kind))) {
			for _, version := range versionsOf(at, i) {
				k.version = version
				if s, ok := scenarios(k.kind)[name]; ok && wanted(k.main, s.everywhere) {
					f(k.kind, name, s)
				}
			}
		}
	}
}

// everything asks for the whole enumeration, which takes minutes: every layout and version,
// every scenario, and death before calls that change nothing, though that leaves the disk as
// death before the call ahead of them does.
var everything = os.Getenv("HUDI_GO_CRASH") == "all"

// more asks for some of it, as CI does.
var more = os.Getenv("HUDI_GO_CRASH") == "more"

// scenario is an operation to cut at every storage call, after some that go well.
type scenario struct {
	before []op
	// dead, if set, is an operation whose process died just before it was completed.
	dead *op
	cut  op
	// service says that the operation changes nothing that readers see.
	service bool
	// everywhere says that the scenario is cut under every layout.
	everywhere bool
	options    []hudi.Option
}

var (
	first  = write(hudi.Insert, r("a", "x", "a1", 1), r("b", "x", "b1", 1), r("c", "y", "c1", 1))
	second = write(hudi.Upsert, r("a", "x", "a2", 2), r("c", "y", "late", 0), r("d", "y", "d2", 2))
	third  = write(hudi.Delete, r("b", "x", "", 3), r("d", "y", "", 3))
	after  = write(hudi.Upsert, r("a", "x", "a9", 9), r("b", "x", "b9", 9), r("e", "y", "e9", 9))
)

func scenarios(k kind) map[string]scenario {
	if k.secondary && k.version == 6 {
		return nil // which has no such indexes
	}
	withBefore := newModelOf(k)
	for _, o := range []op{first, second} {
		o.model(withBefore)
	}
	old := []op{first, second, third} // leaves files that no query needs
	if k.typ == table.MOR {
		old = []op{first, second, compact(), third, compact()}
	}
	s := map[string]scenario{
		"first insert": {cut: first},
		"insert":       {before: []op{write(hudi.Insert, r("z", "x", "z1", 1))}, cut: first},
		"bulk-insert":  {cut: write(hudi.BulkInsert, r("a", "x", "a1", 1), r("b", "x", "b1", 1), r("c", "y", "c1", 1))},
		"upsert":       {before: []op{first}, cut: second},
		"upsert with deletes": {everywhere: true, before: []op{first}, cut: write(hudi.Upsert,
			r("a", "x", "", 2).del(), r("b", "x", "b2", 2), r("c", "y", "", 0).del(), r("f", "y", "f2", 2))},
		"delete":              {before: []op{first, second}, cut: third},
		"rollback of a write": {everywhere: true, before: []op{first, second, third}, cut: rollbackLast(withBefore)},
		"clean": {
			before:  old,
			cut:     clean(),
			service: true,
			options: []hudi.Option{hudi.WithProperty("hoodie.clean.commits.retained", "1")},
		},
	}
	overwrite := write(hudi.InsertOverwrite, r("b", "x", "b7", 0), r("h", "x", "h7", 7))
	s["insert-overwrite"] = scenario{everywhere: true, before: []op{first, second}, cut: overwrite}
	s["insert-overwrite-table"] = scenario{before: []op{first, second}, cut: write(hudi.InsertOverwriteTable, r("c", "y", "c7", 0), r("h", "y", "h7", 7))}
	s["insert-overwrite-table without rows"] = scenario{before: []op{first, second}, cut: write(hudi.InsertOverwriteTable)}
	s["rollback of an insert-overwrite"] = scenario{before: []op{first, second, overwrite}, cut: rollbackLast(withBefore)}
	s["upsert after a dead insert-overwrite"] = scenario{before: []op{first, second}, dead: &overwrite, cut: third}
	s["clean of replaced file groups"] = scenario{
		before: []op{first, overwrite, third}, cut: clean(), service: true,
		options: []hudi.Option{hudi.WithProperty("hoodie.clean.commits.retained", "1")},
	}
	if !k.bare { // whose rows cannot be found again
		s["update where"] = scenario{everywhere: true, before: []op{first, second}, cut: updateWhere("val = val || '!'", "ts = 2", r("a", "x", "a2!", 2), r("d", "y", "d2!", 2))}
		s["delete where"] = scenario{before: []op{first, second}, cut: deleteWhere("ts = 2", r("a", "x", "", 0), r("d", "y", "", 0))}
	}
	if k.partitioned {
		drop := dropPartition("x", r("", "x", "", 0))
		s["delete-partition"] = scenario{before: []op{first, second}, cut: drop}
		s["upsert after a dead delete-partition"] = scenario{before: []op{first, second}, dead: &drop, cut: third}
	}
	s["upsert after a dead upsert"] = scenario{before: []op{first}, dead: &second, cut: third}
	back := rollbackLast(withBefore)
	s["upsert after a dead rollback"] = scenario{before: []op{first, second, third}, dead: &back, cut: write(hudi.Upsert, r("g", "x", "g3", 3))}
	sweep := clean()
	s["clean after a dead clean"] = scenario{
		before: old, dead: &sweep, cut: clean(), service: true,
		options: []hudi.Option{hudi.WithProperty("hoodie.clean.commits.retained", "1")},
	}
	if k.global() {
		s["upsert that moves rows"] = scenario{everywhere: true, before: []op{first, second}, cut: write(hudi.Upsert,
			r("a", "y", "a3", 3), r("b", "y", "late", 0), r("c", "x", "c3", 3), r("d", "x", "", 3).del(), r("f", "y", "f3", 3))}
	}
	if k.metadata {
		s["upsert with services of the metadata table"] = scenario{
			everywhere: true, before: []op{first, second, third, write(hudi.Upsert, r("c", "y", "c4", 4))}, cut: write(hudi.Upsert, r("b", "x", "b5", 5)),
			options: []hudi.Option{
				hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "1"), hudi.WithProperty("hoodie.clean.commits.retained", "1"),
			},
		}
	}
	if k.typ == table.MOR {
		again := execute()
		s["execute compaction after a dead execution"] = scenario{before: []op{first, second, third, schedule()}, dead: &again, cut: execute(), service: true}
		s["schedule compaction"] = scenario{before: []op{first, second, third}, cut: schedule(), service: true}
		s["execute compaction"] = scenario{everywhere: true, before: []op{first, second, third, schedule()}, cut: execute(), service: true}
		s["delete beside a planned compaction"] = scenario{everywhere: true, before: []op{first, second, schedule()}, cut: third}
		s["insert-overwrite beside a planned compaction"] = scenario{before: []op{first, second, schedule()}, cut: overwrite}
		s["delete with services"] = scenario{
			before: []op{first, second}, cut: third,
			options: []hudi.Option{
				hudi.WithProperty("hoodie.compact.inline", "true"), hudi.WithProperty("hoodie.compact.inline.max.delta.commits", "1"),
				hudi.WithProperty("hoodie.clean.automatic", "true"), hudi.WithProperty("hoodie.clean.commits.retained", "1"),
			},
		}
	}
	indexScenarios(k, withBefore, s)
	return s
}

func newModelOf(k kind) *model {
	return newModel(k, func(id string) int {
		x, err := index.NewBucket(max(k.buckets, 1), []string{"id"}, nil)
		if err != nil {
			panic(err)
		}
		return x.Of([]byte(id))
	})
}

// TestCrash cuts operations at every storage call: the process dies before or after it, or
// the call's acknowledgement is lost, or it fails. After each a reader sees the state
// before or after, and the next writer leaves the table as if nothing had happened.
func TestCrash(t *testing.T) {
	t.Parallel()
	wanted := func(main, everywhere bool) bool {
		return everything || main && everywhere || !testing.Short() && (main || everywhere)
	}
	eachScenario(wanted, func(k kind, name string, s scenario) {
		t.Run(k.String()+"/"+name, func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, k, s, mem.New)
			c.enumerate(t, fates, sample(19), func() disk { return c.disk.Clone() })
		})
	})
}

// TestCrashOnDisk is TestCrash on local disk.
func TestCrashOnDisk(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the store in memory is enough for the short mode")
	}
	wanted := func(main, everywhere bool) bool { return everything || main && everywhere }
	eachScenario(wanted, func(k kind, name string, s scenario) {
		t.Run(k.String()+"/"+name, func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, k, s, mem.New)
			c.enumerate(t, fates[:2], sample(31), func() disk { return newLocalDisk(t, c.disk) })
		})
	})
}

// TestCrashOnObjects is TestCrash on a store that can do what object stores can: locks are
// leases, and that a writer is dead shows only when its heartbeat is old.
func TestCrashOnObjects(t *testing.T) {
	t.Parallel()
	wanted := func(main, everywhere bool) bool { return everything || main && everywhere }
	eachScenario(wanted, func(k kind, name string, s scenario) {
		t.Run(k.String()+"/"+name, func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, k, s, mem.NewObjects)
			c.enumerate(t, append(slices.Clone(fates), outage), sample(61), func() disk { return c.disk.Clone() })
		})
	})
}

// disk is a store that outlives the process.
type disk interface {
	storage.Store
	storage.Locker
}

// crash is a scenario made ready: the disk before it, and what readers must see.
type crash struct {
	kind     kind
	scenario scenario
	clock    *simClock
	disk     *mem.Store
	old, new *model
}

// options are those of the scenario's writer.
func (c *crash) options() []hudi.Option { return append(c.plain(), c.scenario.options...) }

// plain are the options of any other process. The clocks of all are one.
func (c *crash) plain() []hudi.Option {
	o := quiet(c.clock, memory.DefaultAllocator, hudi.WithProperty("hoodie.time.generator.max_expected_clock_skew_ms", "0"))
	if c.kind.records {
		o = append(o, withRecordIndex(false, 2)...)
	}
	for name, on := range map[string]bool{"enable": c.kind.metadata, "index.column.stats.enable": c.kind.stats, "index.bloom.filter.enable": c.kind.stats} {
		o = append(o, hudi.WithProperty("hoodie.metadata."+name, fmt.Sprint(on)))
	}
	return o
}

// lifetime is longer than leases are valid and than a writer without a heartbeat is held
// for alive.
const lifetime = 3 * time.Hour

// pass lets the time pass after which a store without file locks shows that a writer is dead.
func (c *crash) pass() {
	if !c.disk.Capabilities().FileLock {
		c.clock.Advance(lifetime)
	}
}

func newCrash(t *testing.T, k kind, s scenario, make func(clock func() time.Time) *mem.Store) *crash {
	c := &crash{kind: k, scenario: s, clock: &simClock{}}
	c.disk = make(c.clock.Now)
	c.old = newModelOf(k)
	tab, err := hudi.CreateStore(t.Context(), c.disk, k.config(), c.plain()...)
	require.NoError(t, err)
	for _, o := range s.before {
		require.NoError(t, o.do(t.Context(), tab), o.name)
		o.model(c.old)
	}
	if s.dead != nil {
		c.die(t)
		c.pass()
	}
	c.new = c.old.clone()
	s.cut.model(c.new)
	seen, err := all(t.Context(), tab, query.Options{})
	require.NoError(t, err)
	require.Equal(t, c.old.snapshot(), seen, "before the operation")
	// The operation by itself does what the model says.
	whole, err := hudi.OpenStore(t.Context(), c.disk.Clone(), c.options()...)
	require.NoError(t, err)
	require.NoError(t, s.cut.do(t.Context(), whole))
	seen, err = all(t.Context(), whole, query.Options{})
	require.NoError(t, err)
	require.Equal(t, c.new.snapshot(), seen, "after the operation")
	return c
}

// leaseFile is the lock of stores that have no file locks.
const leaseFile = ".hoodie/.locks/table_lock.json"

// die lets the scenario's dead operation happen up to its completion.
func (c *crash) die(t *testing.T) {
	config := c.kind.config()
	completes := func(call intercept.Call) bool {
		i, ok := config.Layout().ParseFileName(path.Base(call.Path))
		return call.Op == intercept.PutIfAbsent && path.Dir(call.Path) == config.TimelineDir() && ok && i.Done()
	}
	f := fault.Wrap(c.disk, fault.DieBefore(1).Only(completes))
	tab, err := hudi.OpenStore(t.Context(), f, c.options()...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // a dead process does not try again
		for ctx.Err() == nil && !f.Dead() {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	require.Error(t, c.scenario.dead.do(ctx, tab))
	require.True(t, f.Dead())
	if c.scenario.dead.name == "rollback" { // readers see it from its first step on
		c.scenario.dead.model(c.old)
	}
}

// fate is a way in which the n-th call of a scenario goes wrong.
type fate struct {
	name string
	rule func(n int) fault.Rule
	// dies is set when nothing is heard of the process afterwards.
	dies bool
}

// Death after the n-th call that changes something is death before the next that does.
var fates = []fate{
	{"die after mutation", func(n int) fault.Rule { return fault.DieAfter(n).Only(fault.Mutating) }, true},
	{"lose acknowledgement of mutation", func(n int) fault.Rule { return fault.FailAfter(n, nil).Only(fault.Mutating) }, false},
	{"fail call", func(n int) fault.Rule { return fault.FailBefore(n, nil) }, false},
	{"die before call", func(n int) fault.Rule { return fault.DieBefore(n) }, true},
}

// outage is a store that does not answer for a while. What it was told last it has done.
var outage = fate{"lose three answers", func(n int) fault.Rule { return fault.FailAfter(n, nil).Times(3) }, false}

// sample is every how manieth call is cut, beginning with one by chance: the step, unless more
// is asked for.
func sample(step int) int {
	switch {
	case everything:
		return 1
	case more:
		return max(1, step/6)
	}
	return step
}

// enumerate cuts every step-th call.
func (c *crash) enumerate(t *testing.T, fates []fate, step int, fresh func() disk) {
	for _, f := range fates {
		if f.name == "die before call" && !everything {
			continue
		}
		total := 0
		for n := 1 + rand.IntN(step); ; n += step {
			d := fresh()
			tripped, err := c.run(t.Context(), d, f.rule(n), f.dies)
			require.NoErrorf(t, err, "%s %d", f.name, n)
			if !tripped {
				break
			}
			total++
		}
		t.Logf("%s: %d cases", f.name, total)
		require.True(t, total > 0 || step > 1, f.name)
	}
}

// run cuts the scenario once and looks at what is left.
func (c *crash) run(ctx context.Context, d disk, rule fault.Rule, dies bool) (tripped bool, err error) {
	f := fault.Wrap(d, rule)
	// A dead process does not wait and try again.
	living, die := context.WithCancel(ctx)
	defer die()
	looks := 0 // at the lease, one after the other
	st := &mortal{Store: intercept.Wrap(f, func(call *intercept.Call, next func() error) error {
		if looks++; call.Path != leaseFile {
			looks = 0
		} else if looks > 3 { // a lease that the process lost track of: the time until it expires passes
			c.clock.Advance(time.Minute)
		}
		err := next()
		if f.Dead() {
			die()
		}
		return err
	}), fault: f}
	failure := c.cut(living, st)
	f.Kill()
	if err := c.verify(ctx, d, failure, dies || !f.Tripped()); err != nil {
		return true, fmt.Errorf("%w\noperation: %w", err, failure)
	}
	return f.Tripped(), nil
}

// mortal passes locks to the fault store itself, which releases them at death.
type mortal struct {
	*intercept.Store
	fault *fault.Store
}

func (m *mortal) Lock(ctx context.Context, path string) (func() error, error) {
	return m.fault.Lock(ctx, path)
}

func (c *crash) cut(ctx context.Context, st storage.Store) error {
	tab, err := hudi.OpenStore(ctx, st, c.options()...)
	if err != nil {
		return err
	}
	return c.scenario.cut.do(ctx, tab)
}

// verify looks at a disk after the operation has ended with failure.
func (c *crash) verify(ctx context.Context, d disk, failure error, dead bool) error {
	tab, err := hudi.OpenStore(ctx, d, c.plain()...)
	if err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	seen, err := all(ctx, tab, query.Options{})
	if err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	was, is := slices.Equal(seen, c.old.snapshot()), slices.Equal(seen, c.new.snapshot())
	isWrite := !c.scenario.service && c.scenario.cut.name != "rollback"
	switch {
	case !was && !is:
		return fmt.Errorf("reader sees %v: neither the old state %v nor the new one %v", seen, c.old.snapshot(), c.new.snapshot())
	case failure == nil && !is:
		return fmt.Errorf("success reported, and the reader sees the old state %v", seen)
	case failure != nil && is && !was && isWrite && !dead && !errors.Is(failure, hudi.ErrUnknownOutcome):
		return errors.New("failure reported, and the reader sees the new state")
	}
	// The next writer goes on, whichever it was.
	m := c.old.clone()
	if is && !(was && c.scenario.service) {
		m = c.new.clone()
	}
	tl, err := tab.Timeline(ctx)
	if err != nil {
		return err
	}
	for _, i := range tl.Pending() {
		if c.scenario.cut.name == "rollback" && i.Action == timeline.Rollback {
			m = c.new.clone() // decided, and the next writer carries it out
		}
		if c.scenario.cut.name == "schedule" && i.Action == timeline.Compaction {
			m = c.new.clone()
		}
	}
	return c.goOn(ctx, d, m)
}

// goOn lets the next writer write, then the services run, and compares with the model.
func (c *crash) goOn(ctx context.Context, d disk, m *model) error {
	c.pass()
	tab, err := hudi.OpenStore(ctx, d, c.plain()...)
	if err != nil {
		return fmt.Errorf("next writer: %w", err)
	}
	if err := after.do(ctx, tab); err != nil {
		return fmt.Errorf("next writer: %w", err)
	}
	after.model(m)
	if err := same(ctx, tab, m, "after the next write"); err != nil {
		return err
	}
	tl, err := tab.Timeline(ctx)
	if err != nil {
		return err
	}
	for _, i := range tl.Pending() {
		if i.Action != timeline.Compaction && i.Action != timeline.Clean {
			return fmt.Errorf("%s is still pending after the next write", i)
		}
	}
	for _, i := range tl.Pending() {
		o := clean()
		if i.Action == timeline.Compaction {
			o = execute()
			o.model(m)
		}
		if err := o.do(ctx, tab); err != nil {
			return fmt.Errorf("%s by the next process: %w", o.name, err)
		}
		if err := same(ctx, tab, m, "after "+o.name); err != nil {
			return err
		}
	}
	if err := tidy(ctx, d, tab); err != nil {
		return fmt.Errorf("after the next writer and the services: %w", err)
	}
	return c.checked(ctx, d, m)
}

// checked makes sure that the metadata table says what is there.
func (c *crash) checked(ctx context.Context, d disk, m *model) error {
	tab, err := hudi.OpenStore(ctx, d, c.plain()...)
	if err != nil {
		return err
	}
	for partition, wanted := range map[string]bool{
		"files": c.kind.metadata, "column_stats": c.kind.stats, "bloom_filters": c.kind.stats, "partition_stats": c.kind.stats && tab.Config().Version >= 8,
		"record_index": c.kind.records, "secondary_index_val": c.kind.secondary && len(c.scenario.before) > 0,
	} {
		if optional := partition == "secondary_index_val" && !c.kind.secondary; optional {
			continue // perhaps it was begun
		}
		if wanted != slices.Contains(tab.Config().MetadataPartitions, partition) {
			return fmt.Errorf("the table has the metadata partitions %v", tab.Config().MetadataPartitions)
		}
	}
	problems, err := tab.Check(ctx)
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("the check finds %v", problems)
	}
	if err != nil {
		return err
	}
	return same(ctx, tab, m, "with files of the metadata table")
}

func same(ctx context.Context, tab *hudi.Table, m *model, when string) error {
	seen, err := all(ctx, tab, query.Options{})
	if err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	if want := m.snapshot(); !slices.Equal(seen, want) {
		return fmt.Errorf("%s: table has\n%s\nmodel\n%s", when, strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
	tl, err := tab.Timeline(ctx)
	if err != nil {
		return err
	}
	cleaned := slices.ContainsFunc(tl.Instants(), func(i timeline.Instant) bool { return i.Action == timeline.Clean })
	if m.kind.cdc == "" || cleaned { // the files of the first changes are gone
		return nil
	}
	switch replayed, err := replay(ctx, tab, m, query.Options{Begin: "000"}, map[string]string{}); {
	case err != nil:
		return fmt.Errorf("%s: changes: %w", when, err)
	case !slices.Equal(replayed, seen):
		return fmt.Errorf("%s: table has\n%s\nits changes make\n%s", when, strings.Join(seen, "\n"), strings.Join(replayed, "\n"))
	}
	return nil
}

// localDisk is a folder with the files of a store in memory.
type localDisk struct {
	storage.Store
	storage.Locker
}

func newLocalDisk(t *testing.T, from *mem.Store) disk {
	st, err := local.OpenWith(t.TempDir(), local.Options{NoSync: true})
	require.NoError(t, err)
	require.NoError(t, walkAll(t.Context(), from, "", func(e storage.Entry) error {
		data, err := storage.ReadFile(t.Context(), from, e.Path)
		if err != nil {
			return err
		}
		return st.Put(t.Context(), e.Path, data)
	}))
	return localDisk{st, st.(storage.Locker)}
}
