package hudi_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// TestModel runs random operations against a table and against the model of it, which must
// agree after each, now and of every commit that the cleaner has not taken. It makes a few
// tries, more with -rapid.checks, and as many as rapid does when more is asked for.
func TestModel(t *testing.T) {
	t.Parallel()
	if checks := flag.Lookup("rapid.checks"); !everything && !more && checks.Value.String() == checks.DefValue {
		require.NoError(t, checks.Value.Set("15"))
	}
	rapid.Check(t, func(rt *rapid.T) {
		k := kind{typ: table.COW, mode: rapid.SampledFrom([]string{table.EventTimeOrdering, table.CommitTimeOrdering}).Draw(rt, "mode")}
		if rapid.Bool().Draw(rt, "mor") {
			k.typ = table.MOR
		}
		k.version = rapid.SampledFrom([]int{9, 6, 8, 6}).Draw(rt, "version")
		k.buckets = rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(rt, "buckets")
		if k.buckets == 0 {
			k.index = rapid.SampledFrom([]string{"", table.IndexBloom, table.IndexGlobalSimple, table.IndexGlobalBloom, table.IndexRecord}).Draw(rt, "index")
			k.stay = k.global() && rapid.IntRange(0, 3).Draw(rt, "stay") == 0
			k.records = k.index == table.IndexRecord || k.global() && rapid.IntRange(0, 3).Draw(rt, "records") == 0
			k.secondary = k.records && k.version >= 8 && rapid.Bool().Draw(rt, "secondary index")
			// In merge-on-read tables the simple index finds keys that logs have deleted, the record index does not.
			if k.index == "" && k.version == 9 && k.typ == table.COW && rapid.Bool().Draw(rt, "record index by partitions") {
				k.index, k.records = table.IndexPartRecord, true
			}
		}
		if k.partitioned = rapid.Bool().Draw(rt, "partitioned"); k.partitioned {
			k.hive = rapid.Bool().Draw(rt, "hive")
			k.encode = rapid.Bool().Draw(rt, "encode")
		}
		if !k.global() {
			k.cdc = rapid.SampledFrom([]string{"", "", table.CDCKeys, table.CDCBefore, table.CDCBeforeAfter}).Draw(rt, "cdc")
		}
		k.bare = k.cdc == "" && !k.global() && (k.typ == table.COW || k.version == 9) && rapid.IntRange(0, 2).Draw(rt, "bare") == 0
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		defer alloc.AssertSize(rt, 0)
		newSimulation(rt, k, alloc).run(rt)
	})
}

// partsMemory is so little that most writes are done in parts.
const partsMemory = 2400

// simulation is a table and its model, with the past that both remember.
type simulation struct {
	*model
	alloc   memory.Allocator
	clock   *simClock
	store   *mem.Store
	table   *hudi.Table
	reader  *hudi.Table // with little memory, now and then, so that logs are merged in passes
	retain  int
	history []moment
	plans   map[string]*model // by the compactions' instants
	keys    []string
	parts   []*string
}

// moment is the table after a completed write.
type moment struct {
	timeline.Instant
	before, after *model
	service       bool // a compaction
}

func newSimulation(rt *rapid.T, k kind, alloc memory.Allocator) *simulation {
	s := &simulation{model: newModelOf(k), alloc: alloc, clock: &simClock{}, plans: map[string]*model{}}
	s.store = mem.New(s.clock.Now)
	s.retain = rapid.IntRange(1, 3).Draw(rt, "retain")
	s.keys = []string{"a", "b", "c", "d", "e,f", "g:h", "é", "z%"}
	s.parts = []*string{ptr("x"), ptr("y=1"), ptr("50%"), ptr("Zürich"), nil, ptr("")}
	if k.encode {
		s.parts = append(s.parts, ptr("a/b"))
	}
	tab, err := hudi.CreateStore(context.Background(), s.store, k.config(), s.options()...)
	require.NoError(rt, err)
	s.table = tab
	s.reader, err = hudi.OpenStore(context.Background(), s.store, append(s.options(), hudi.WithMemory(rapid.SampledFrom([]int64{1 << 30, 4000}).Draw(rt, "reader's memory")))...)
	require.NoError(rt, err)
	return s
}

func (s *simulation) options() []hudi.Option {
	moves := fmt.Sprint(!s.kind.stay)
	var records []hudi.Option
	if s.kind.records {
		records = append(withRecordIndex(s.kind.index == table.IndexPartRecord, 2), hudi.WithProperty("hoodie.metadata.enable", "true"),
			hudi.WithProperty("hoodie.metadata.compact.max.delta.commits", "3"), hudi.WithProperty("hoodie.record.index.update.partition.path", moves))
	}
	return append(records, quiet(s.clock, s.alloc,
		hudi.WithProperty("hoodie.simple.index.update.partition.path", moves), hudi.WithProperty("hoodie.bloom.index.update.partition.path", moves),
		hudi.WithProperty("hoodie.clean.commits.retained", fmt.Sprint(s.retain)),
		// Files of a few hundred bytes count as small, larger ones do not: both ways are taken.
		hudi.WithProperty("hoodie.parquet.small.file.limit", "2200"))...)
}

func (s *simulation) run(rt *rapid.T) {
	rt.Repeat(map[string]func(*rapid.T){
		"insert":  func(rt *rapid.T) { s.insert(rt) },
		"upsert":  func(rt *rapid.T) { s.change(rt, hudi.Upsert) },
		"upsert ": func(rt *rapid.T) { s.change(rt, hudi.Upsert) }, // more often than others
		"delete":  func(rt *rapid.T) { s.change(rt, hudi.Delete) },
		"replace": func(rt *rapid.T) { s.replace(rt) },
		"schedule": func(rt *rapid.T) {
			if s.kind.typ == table.COW || s.planned != nil {
				rt.Skip()
			}
			instant, err := s.table.ScheduleCompaction(rt.Context(), 0)
			require.NoError(rt, err)
			s.plan = instant
			due := s.model.schedule()
			if s.table.Config().SliceLogs() && instant != "" {
				due = true // logs of writes that were rolled back are there
			}
			require.Equal(rt, due, instant != "", "something to compact")
			if !due {
				s.planned = nil
			}
			s.plans[instant] = s.model.clone()
		},
		"execute": func(rt *rapid.T) {
			if s.planned == nil {
				rt.Skip()
			}
			before := s.model.clone()
			unchanged := s.nothingOnTop()
			require.NoError(rt, execute().do(rt.Context(), s.table))
			s.model.compact()
			if unchanged {
				require.Equal(rt, before.snapshot(), s.snapshot(), "a compaction without writes beside it changes nothing")
			}
			s.remember(rt, before, true)
		},
		"clean": func(rt *rapid.T) {
			_, err := s.table.Clean(rt.Context())
			require.NoError(rt, err)
		},
		"rollback": func(rt *rapid.T) { s.rollback(rt) },
		"reopen": func(rt *rapid.T) {
			tab, err := hudi.OpenStore(rt.Context(), s.store, s.options()...)
			require.NoError(rt, err)
			s.table = tab
		},
		"": func(rt *rapid.T) { s.check(rt) },
	})
	if len(s.history) > 0 {
		s.checkAll(rt)
	}
	require.NoError(rt, clean().do(rt.Context(), s.table))
	if s.planned != nil {
		require.NoError(rt, execute().do(rt.Context(), s.table))
	}
	require.NoError(rt, tidy(rt.Context(), s.store, s.table))
}

// nothingOnTop tells whether no versions were written since the compaction was scheduled.
func (s *simulation) nothingOnTop() bool {
	for name, c := range s.cells {
		if len(c.logs) != s.planned[name] {
			return false
		}
	}
	return true
}

func (s *simulation) rec(rt *rapid.T) rec {
	r := rec{
		id:   rapid.SampledFrom(s.keys).Draw(rt, "id"),
		part: rapid.SampledFrom(s.parts).Draw(rt, "part"),
		val:  rapid.StringN(0, 3, 6).Draw(rt, "val"),
	}
	// Few values, so that ties and late rows are frequent; sometimes null.
	if n := rapid.Int64Range(-1, 5).Draw(rt, "ts"); n >= 0 {
		r.ts = &n
	}
	return r
}

func (s *simulation) insert(rt *rapid.T) {
	var list []rec
	seen := map[string]bool{}
	for range rapid.IntRange(1, 4).Draw(rt, "rows") {
		r := s.rec(rt)
		r.id += fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "suffix"))
		// With a simple index an insert repeats keys that are there: another test's subject.
		if name := s.model.path(r) + "/" + r.id; s.kind.buckets == 0 {
			if s.kind.global() {
				name = r.id
			}
			if seen[name] || s.model.known(r) {
				continue
			}
			seen[name] = true
		}
		list = append(list, r)
		if !slices.Contains(s.keys, r.id) {
			s.keys = append(s.keys, r.id)
		}
	}
	if len(list) == 0 {
		rt.Skip()
	}
	s.write(rt, hudi.Insert, list)
}

// replace hides partitions, or everything.
func (s *simulation) replace(rt *rapid.T) {
	o := rapid.SampledFrom([]hudi.Operation{hudi.InsertOverwrite, hudi.InsertOverwriteTable, hudi.DeletePartition}).Draw(rt, "replacing")
	if o == hudi.DeletePartition && !s.kind.partitioned || s.kind.global() { // an overwrite does not look for keys elsewhere
		rt.Skip()
	}
	var list []rec
	seen := map[string]bool{}
	for range rapid.IntRange(0, 4).Draw(rt, "rows") {
		r := s.rec(rt)
		if name := s.model.path(r) + "/" + r.id; !seen[name] {
			seen[name] = true
			list = append(list, r)
		}
	}
	before := s.model.clone()
	_, err := s.table.Write(rt.Context(), o, input(s.alloc, rapid.IntRange(1, 3).Draw(rt, "batch"), list), hudi.WriteOptions{})
	if o == hudi.DeletePartition && slices.ContainsFunc(list, func(r rec) bool { return s.plannedIn(rt, s.model.path(r)) }) {
		require.ErrorIs(rt, err, hudi.ErrConflict)
		return
	}
	require.NoError(rt, err)
	s.model.apply(o, list)
	s.remember(rt, before, false)
}

// plannedIn tells whether a pending compaction has file groups of a partition in its plan: those with logs,
// and be it logs of which a rollback has left nothing.
func (s *simulation) plannedIn(rt *rapid.T, path string) bool {
	tl, err := s.table.Timeline(rt.Context())
	require.NoError(rt, err)
	for _, i := range tl.Pending() {
		if i.Action != timeline.Compaction {
			continue
		}
		plan, err := tl.CompactionPlan(rt.Context(), i.Time)
		require.NoError(rt, err)
		for _, o := range plan.Operations {
			_, name, hive := strings.Cut(o.Partition, "=")
			if !hive || !s.kind.hive {
				name = o.Partition
			}
			if s.kind.encode {
				name, err = url.PathUnescape(name)
				require.NoError(rt, err)
			}
			if name == path {
				return true
			}
		}
	}
	return false
}

func (s *simulation) change(rt *rapid.T, o hudi.Operation) {
	var list []rec
	for range rapid.IntRange(1, 6).Draw(rt, "rows") {
		r := s.rec(rt)
		r.gone = o == hudi.Upsert && rapid.IntRange(0, 5).Draw(rt, "gone") == 0
		list = append(list, r)
	}
	s.write(rt, o, list)
}

func (s *simulation) write(rt *rapid.T, o hudi.Operation, list []rec) {
	before := s.model.clone()
	batch := rapid.IntRange(1, 3).Draw(rt, "batch")
	err := hudi.ErrInvalid
	if rapid.Bool().Draw(rt, "in parts") { // unless it fits, or rows of one key or file group do not
		small, openErr := hudi.OpenStore(context.Background(), s.store, append(s.options(), hudi.WithMemory(partsMemory))...)
		require.NoError(rt, openErr)
		if _, err = small.Write(rt.Context(), o, input(s.alloc, batch, list), hudi.WriteOptions{}); err != nil {
			require.ErrorIs(rt, err, hudi.ErrInvalid)
			require.ErrorContains(rt, err, "--memory")
		}
	}
	if err != nil {
		_, err = s.table.Write(rt.Context(), o, input(s.alloc, batch, list), hudi.WriteOptions{})
	}
	require.NoError(rt, err)
	s.model.apply(o, list)
	s.remember(rt, before, false)
	if s.kind.records {
		tab, err := hudi.OpenStore(context.Background(), s.store, s.options()...)
		require.NoError(rt, err)
		if s.kind.secondary && !slices.Contains(tab.Config().MetadataPartitions, "secondary_index_val") {
			_, err := tab.CreateSecondaryIndex(context.Background(), hudi.SecondaryIndexOptions{Column: "val", FileGroups: 2})
			require.NoError(rt, err)
			tab, err = hudi.OpenStore(context.Background(), s.store, s.options()...)
			require.NoError(rt, err)
		}
		problems, err := tab.Check(context.Background())
		require.NoError(rt, err)
		if s.kind.version == 6 && s.kind.typ == table.MOR {
			// A late delete beside a pending compaction takes the row away once that is done (merge.Legacy.FinalDeletes), and
			// the index keeps the key, which does no harm.
			problems = slices.DeleteFunc(problems, func(p hudi.Problem) bool { return strings.HasSuffix(p.Problem, "has no row") })
		}
		require.Empty(rt, problems)
	}
}

// remember keeps the state after a write that has just completed.
func (s *simulation) remember(rt *rapid.T, before *model, service bool) {
	tl, err := s.table.Timeline(rt.Context())
	require.NoError(rt, err)
	all := tl.CompletedWrites()
	require.NotEmpty(rt, all)
	last := all[0]
	for _, i := range all {
		if i.Completion > last.Completion {
			last = i
		}
	}
	s.history = append(s.history, moment{last, before, s.model.clone(), service})
	slices.SortFunc(s.history, func(a, b moment) int { return strings.Compare(a.Time, b.Time) })
}

// earliest is the oldest commit that a clean has kept whole.
func (s *simulation) earliest(rt *rapid.T) string {
	tl, err := s.table.Timeline(rt.Context())
	require.NoError(rt, err)
	at := ""
	for _, i := range tl.Completed() {
		if i.Action == timeline.Clean {
			m, err := tl.CleanMetadata(rt.Context(), i.Time)
			require.NoError(rt, err)
			at = max(at, m.EarliestCommitToRetain)
		}
	}
	return at
}

func (s *simulation) rollback(rt *rapid.T) {
	if len(s.history) == 0 {
		rt.Skip()
	}
	at := len(s.history) - 1
	target := s.history[at]
	err := s.table.Rollback(rt.Context(), target.Time)
	tl, loadErr := s.table.Timeline(rt.Context())
	require.NoError(rt, loadErr)
	var refused []error
	if target.Time < s.earliest(rt) {
		refused = append(refused, hudi.ErrCleaned)
	}
	if slices.ContainsFunc(tl.Pending(), func(i timeline.Instant) bool { return i.Action == timeline.Compaction && i.Time > target.Time }) {
		refused = append(refused, hudi.ErrInvalid)
	}
	if refused != nil {
		require.True(rt, slices.ContainsFunc(refused, func(want error) bool { return errors.Is(err, want) }), "%v", err)
		return
	}
	if s.kind.records && errors.Is(err, hudi.ErrInvalid) {
		require.ErrorContains(rt, err, "a compaction of the metadata table has it in its plan")
		return
	}
	require.NoError(rt, err)
	s.history = s.history[:at]
	if target.service {
		s.model = s.plans[target.Time].clone() // what was written beside it had to go before
		return
	}
	s.model = s.present(target.before)
}

// check compares the present, and a piece of the past.
func (s *simulation) check(rt *rapid.T) {
	ctx := rt.Context()
	seen, err := all(ctx, s.reader, query.Options{})
	require.NoError(rt, err)
	require.Equal(rt, s.snapshot(), seen, "snapshot")
	if len(s.history) == 0 {
		return
	}
	if s.kind.typ == table.MOR {
		seen, err = all(ctx, s.reader, query.Options{View: query.ReadOptimized})
		require.NoError(rt, err)
		require.Equal(rt, s.readOptimized(), seen, "read-optimized")
	}
	at := rapid.IntRange(0, len(s.history)-1).Draw(rt, "moment")
	s.checkMoment(rt, s.history[at], s.earliest(rt))
}

func (s *simulation) checkMoment(rt *rapid.T, m moment, earliest string) {
	seen, err := all(rt.Context(), s.reader, query.Options{AsOf: m.Time})
	if m.Time < earliest {
		require.ErrorIs(rt, err, hudi.ErrCleaned)
		return
	}
	require.NoError(rt, err)
	require.Equal(rt, s.asOf(m.Time), seen, "as of %s", m)
}

// checkAll compares everything that can be asked.
func (s *simulation) checkAll(rt *rapid.T) {
	s.check(rt)
	earliest := s.earliest(rt)
	for _, m := range s.history {
		s.checkMoment(rt, m, earliest)
	}
	if !s.kind.bare { // ranges are by the rows' commit times
		s.checkPieces(rt, earliest)
	}
}

// asOf is what readers of an instant see: everything that was requested until then. A
// compaction shows what was there when it was planned.
func (s *simulation) asOf(at string) []string {
	for _, m := range slices.Backward(s.history) {
		if m.Time <= at && !m.service {
			return s.present(m.after).snapshot()
		}
	}
	return []string{}
}

// present is a state of the past as it is now: what came after a compaction's plan and before
// its execution stands upon its result.
func (s *simulation) present(m *model) *model {
	m = m.clone()
	if m.planned != nil && slices.ContainsFunc(s.history, func(c moment) bool { return c.Time == m.plan && c.service }) {
		m.compact()
	}
	return m
}

// checkPieces asks for the rows of each write by itself, and of all together.
func (s *simulation) checkPieces(rt *rapid.T, earliest string) {
	ctx := rt.Context()
	bound := func(m moment) string {
		if s.table.Config().Layout() == timeline.Layout1 {
			return m.Time
		}
		return m.Completion
	}
	inOrder := slices.Clone(s.history)
	slices.SortFunc(inOrder, func(a, b moment) int { return strings.Compare(bound(a), bound(b)) })
	begin := "000"
	for _, m := range inOrder {
		if m.Time >= earliest {
			seen, err := all(ctx, s.reader, query.Options{View: query.Incremental, Begin: begin, End: bound(m)})
			require.NoError(rt, err)
			require.Equal(rt, m.after.written, seen, "written by %s", m)
			s.checkChanges(rt, m, query.Options{Begin: begin, End: bound(m)})
		}
		begin = bound(m)
	}
	if earliest == "" {
		seen, err := all(ctx, s.reader, query.Options{View: query.Incremental, Begin: "earliest"})
		require.NoError(rt, err)
		require.Equal(rt, s.snapshot(), seen, "all pieces together")
	}
}

// checkChanges compares what the CDC view says of a write with the difference that it made. An
// update that changes no value cannot be seen in the model.
func (s *simulation) checkChanges(rt *rapid.T, m moment, o query.Options) {
	if s.kind.cdc == "" {
		return
	}
	list, err := events(rt.Context(), s.reader, s.model, o)
	if s.earliest(rt) != "" && errors.Is(err, hudi.ErrCleaned) { // the base file below a write beside a compaction
		return
	}
	require.NoError(rt, err)
	before, after := s.present(m.before), s.present(m.after)
	if m.Action == timeline.ReplaceCommit { // rows that come back are deleted and inserted
		seen, err := replay(rt.Context(), s.reader, s.model, o, before.rowsByName())
		require.NoError(rt, err)
		require.Equal(rt, after.snapshot(), seen, "changes of %s", m)
		return
	}
	got := []event{}
	for _, e := range list {
		if e.op != "u" || e.before != e.after {
			got = append(got, e)
		}
	}
	want := []event{}
	if !m.service {
		for name, c := range after.cells {
			e := event{op: "u", key: name}
			if was := before.merge(before.cells[name]); was != nil {
				e.before = was.String()
			}
			if is := after.merge(c); is != nil {
				e.after = is.String()
			}
			switch {
			case e.before == e.after:
				continue
			case e.before == "":
				e.op = "i"
			case e.after == "":
				e.op = "d"
			}
			want = append(want, e)
		}
	}
	require.ElementsMatch(rt, want, got, "changes of %s", m)
}

// rowsByName are the rows by partition and key.
func (m *model) rowsByName() map[string]string {
	out := map[string]string{}
	for name, c := range m.cells {
		if r := m.merge(c); r != nil {
			out[name] = r.String()
		}
	}
	return out
}
