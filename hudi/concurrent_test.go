package hudi_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// gate is a store that stops before the first call that its test picks, until it is opened.
type gate struct {
	*intercept.Store
	reached chan struct{}
	open    chan struct{}
}

func newGate(st storage.Store, at func(c *intercept.Call) bool) *gate {
	g := &gate{reached: make(chan struct{}), open: make(chan struct{})}
	var once sync.Once
	g.Store = intercept.Wrap(st, func(c *intercept.Call, next func() error) error {
		if at(c) {
			once.Do(func() {
				close(g.reached)
				<-g.open
			})
		}
		return next()
	})
	return g
}

// atData picks the making of a data file: the writer has begun, and read what it reads.
func atData(c *intercept.Call) bool {
	_, isBase := base.ParseBaseFileName(c.Path[strings.LastIndexByte(c.Path, '/')+1:])
	_, isLog := base.ParseLogFileName(c.Path[strings.LastIndexByte(c.Path, '/')+1:])
	return c.Op == intercept.Create && (isBase || isLog)
}

// atEnd picks the second time that the table's lock is taken for good: publication. A
// writer without anything to recover takes it once before, to begin.
func atEnd() func(c *intercept.Call) bool {
	n := 0
	return func(c *intercept.Call) bool {
		if c.Op == intercept.Lock && strings.HasSuffix(c.Path, "hudi-go.flock") {
			n++
		}
		return n == 2
	}
}

// shared is a table for several writers.
type shared struct {
	kind  kind
	clock *simClock
	store *mem.Store
	more  []hudi.Option
}

func newShared(t *testing.T, k kind, before ...op) *shared {
	s := &shared{kind: k, clock: &simClock{}}
	s.store = mem.New(s.clock.Now)
	tab, err := hudi.CreateStore(t.Context(), s.store, k.config(), s.options()...)
	require.NoError(t, err)
	for _, o := range before {
		require.NoError(t, o.do(t.Context(), tab))
	}
	return s
}

func (s *shared) options() []hudi.Option { return quiet(s.clock, memory.DefaultAllocator, s.more...) }

func (s *shared) handle(t testing.TB, st storage.Store) *hudi.Table {
	tab, err := hudi.OpenStore(t.Context(), st, s.options()...)
	require.NoError(t, err)
	return tab
}

// beside runs one operation until it reaches the gate, then others to their end, then the
// first to its end, whose error it returns.
func (s *shared) beside(t *testing.T, slow op, at func(*intercept.Call) bool, fast ...op) error {
	g := newGate(s.store, at)
	done := make(chan error, 1)
	tab := s.handle(t, g)
	go func() { done <- slow.do(context.WithoutCancel(t.Context()), tab) }()
	select {
	case <-g.reached:
	case err := <-done:
		t.Fatalf("ended before the gate: %v", err)
	}
	for _, o := range fast {
		require.NoError(t, o.do(t.Context(), s.handle(t, s.store)), o.name)
	}
	close(g.open)
	return <-done
}

func (s *shared) snapshot(t *testing.T) []string {
	seen, err := all(t.Context(), s.handle(t, s.store), query.Options{})
	require.NoError(t, err)
	return seen
}

// is compares the table with the model of operations done one after the other.
func (s *shared) is(t *testing.T, serial ...op) {
	t.Helper()
	m := newModelOf(s.kind)
	for _, o := range serial {
		o.model(m)
	}
	require.Equal(t, m.snapshot(), s.snapshot(t))
}

// tidy lets the next writer come, and looks for what nobody needs.
func (s *shared) tidy(t *testing.T) {
	t.Helper()
	tab := s.handle(t, s.store)
	_, err := tab.Recover(t.Context())
	require.NoError(t, err)
	require.NoError(t, tidy(t.Context(), s.store, tab))
}

func allKinds(t *testing.T, f func(t *testing.T, k kind)) {
	for _, typ := range []table.Type{table.COW, table.MOR} {
		for _, buckets := range []int{0, 2} {
			k := kind{typ: typ, buckets: buckets, partitioned: true}
			t.Run(k.String(), func(t *testing.T) { t.Parallel(); f(t, k) })
		}
	}
}

func TestDisjointPartitions(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x", "1", 1), r("a", "y", "1", 1))
		slow := write(hudi.Upsert, r("a", "x", "slow", 2), r("new", "x", "slow", 2))
		fast := write(hudi.Upsert, r("a", "y", "fast", 2), r("new", "y", "fast", 2))
		for _, at := range []func(*intercept.Call) bool{atData, atEnd()} {
			s := newShared(t, k, start)
			require.NoError(t, s.beside(t, slow, at, fast))
			s.is(t, start, fast, slow)
			s.tidy(t)
		}
	})
}

func TestSameGroup(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "x", "1", 1))
		for name, slow := range map[string]op{
			"upsert": write(hudi.Upsert, r("a", "x", "slow", 2)),
			"delete": write(hudi.Delete, r("a", "x", "", 2)),
		} {
			fast := write(hudi.Upsert, r("a", "x", "fast", 3), r("b", "x", "fast", 3))
			for _, at := range []func(*intercept.Call) bool{atData, atEnd()} {
				s := newShared(t, k, start)
				require.ErrorIs(t, s.beside(t, slow, at, fast), hudi.ErrConflict, name)
				s.is(t, start, fast)
				s.tidy(t)
				// Trying again works.
				require.NoError(t, slow.do(t.Context(), s.handle(t, s.store)))
				s.is(t, start, fast, slow)
			}
		}
	})
}

// TestSameNewKey has two writers that both find a key missing. With a bucket index they
// open one bucket under two names; with the simple index they open two file groups.
func TestSameNewKey(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("b", "y", "1", 1))
		slow, fast := write(hudi.Upsert, r("a", "x", "slow", 2)), write(hudi.Upsert, r("a", "x", "fast", 3))
		s := newShared(t, k, start)
		require.ErrorIs(t, s.beside(t, slow, atData, fast), hudi.ErrConflict)
		s.is(t, start, fast)
		s.tidy(t)
		require.NoError(t, slow.do(t.Context(), s.handle(t, s.store)))
		s.is(t, start, fast, slow)
	})
}

// TestRowsThatMoveBeside has two writers that bring one key to two partitions, or move its row:
// only one of them can stand.
func TestRowsThatMoveBeside(t *testing.T) {
	for _, typ := range []table.Type{table.COW, table.MOR} {
		k := kind{typ: typ, partitioned: true, index: table.IndexGlobalBloom}
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1))
			for name, both := range map[string][2]op{
				"new key":          {write(hudi.Upsert, r("n", "x", "slow", 2)), write(hudi.Upsert, r("n", "y", "fast", 3))},
				"moves":            {write(hudi.Upsert, r("a", "y", "slow", 2)), write(hudi.Upsert, r("a", "z", "fast", 3))},
				"move and update":  {write(hudi.Upsert, r("a", "y", "slow", 2)), write(hudi.Upsert, r("a", "x", "fast", 3))},
				"delete and move":  {write(hudi.Delete, r("a", "y", "", 4)), write(hudi.Upsert, r("a", "z", "fast", 3))},
				"move to a victim": {write(hudi.Upsert, r("a", "y", "slow", 2)), write(hudi.Delete, r("a", "", "", 9))},
			} {
				slow, fast := both[0], both[1]
				s := newShared(t, k, start)
				require.ErrorIs(t, s.beside(t, slow, atData, fast), hudi.ErrConflict, name)
				s.is(t, start, fast)
				s.tidy(t)
				require.NoError(t, slow.do(t.Context(), s.handle(t, s.store)))
				s.is(t, start, fast, slow)
			}
		})
	}
}

// TestManyWriters has writers that try until they succeed: none of their rows is lost, and
// every state in between was that of some order.
func TestManyWriters(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		s := newShared(t, k, write(hudi.Insert, r("a", "x", "start", 0)))
		const writers, rounds = 3, 4
		var group sync.WaitGroup
		errs := make(chan error, writers)
		for w := range writers {
			tab := s.handle(t, s.store)
			group.Go(func() {
				for round := range rounds {
					// "a" is everybody's, and only ever grows.
					o := write(hudi.Upsert, r(fmt.Sprint("w", w, "-", round), "x", "v", 1), r("a", "x", fmt.Sprint(w), int64(round+1)))
					err := o.do(t.Context(), tab)
					for errors.Is(err, hudi.ErrConflict) {
						err = o.do(t.Context(), tab)
					}
					if err != nil {
						errs <- err
						return
					}
				}
			})
		}
		group.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		seen := s.snapshot(t)
		require.Len(t, seen, writers*rounds+1)
		require.True(t, strings.HasSuffix(seen[0], fmt.Sprint("@", rounds)), seen[0])
		if k.typ == table.MOR {
			require.NoError(t, compact().do(t.Context(), s.handle(t, s.store)))
			require.Equal(t, seen, s.snapshot(t))
		}
		s.tidy(t)
	})
}

func TestWriteBesideCompaction(t *testing.T) {
	for _, buckets := range []int{0, 2} {
		k := kind{typ: table.MOR, buckets: buckets}
		t.Run(k.String(), func(t *testing.T) {
			start := []op{
				write(hudi.Insert, r("a", "", "1", 1), r("b", "", "1", 1), r("c", "", "1", 1)),
				write(hudi.Upsert, r("a", "", "2", 2)), write(hudi.Delete, r("b", "", "", 2)),
			}
			during := write(hudi.Upsert, r("a", "", "3", 3), r("c", "", "3", 3), r("d", "", "3", 3), r("b", "", "3", 3))

			t.Run("upsert while a compaction is executed", func(t *testing.T) {
				s := newShared(t, k, append(slices.Clone(start), schedule())...)
				require.NoError(t, s.beside(t, execute(), atData, during))
				s.is(t, append(slices.Clone(start), schedule(), during, execute())...)
				more := write(hudi.Upsert, r("b", "", "4", 4), r("a", "", "4", 4))
				require.NoError(t, more.do(t.Context(), s.handle(t, s.store)))
				s.is(t, append(slices.Clone(start), schedule(), during, execute(), more)...)
				require.NoError(t, compact().do(t.Context(), s.handle(t, s.store)))
				s.is(t, append(slices.Clone(start), schedule(), during, execute(), more, compact())...)
				s.tidy(t)
			})
			t.Run("compaction planned and executed while an upsert is at work", func(t *testing.T) {
				s := newShared(t, k, start...)
				updates := write(hudi.Upsert, r("a", "", "3", 3), r("c", "", "3", 3))
				require.NoError(t, s.beside(t, updates, atData, schedule(), execute()))
				s.is(t, append(slices.Clone(start), schedule(), execute(), updates)...)
				require.NoError(t, compact().do(t.Context(), s.handle(t, s.store)))
				s.is(t, append(slices.Clone(start), schedule(), execute(), updates, compact())...)
				s.tidy(t)
			})
			t.Run("compaction executed between planning and publication of an upsert", func(t *testing.T) {
				s := newShared(t, k, append(slices.Clone(start), schedule())...)
				require.NoError(t, s.beside(t, during, atEnd(), execute()))
				s.is(t, append(slices.Clone(start), schedule(), during, execute())...)
				s.tidy(t)
			})
		})
	}
}

// TestInsertMeetsCompaction has an insert that is about to fill a small base file up while
// somebody appends to that group and plans its compaction: the new base file would hide
// what the compaction makes.
func TestInsertMeetsCompaction(t *testing.T) {
	start := write(hudi.Insert, r("a", "", "1", 1), r("b", "", "1", 1))
	insert := write(hudi.Insert, r("c", "", "1", 1))
	update := write(hudi.Upsert, r("a", "", "2", 2))
	for name, fast := range map[string][]op{
		"logs only":           {update},
		"planned":             {update, schedule()},
		"planned and done":    {update, schedule(), execute()},
		"other base file too": {write(hudi.Insert, r("d", "", "1", 1)), update},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShared(t, kind{typ: table.MOR}, start)
			require.ErrorIs(t, s.beside(t, insert, atData, fast...), hudi.ErrConflict)
			s.is(t, append([]op{start}, fast...)...)
			if name == "planned" {
				require.NoError(t, execute().do(t.Context(), s.handle(t, s.store)))
			}
			s.tidy(t)
		})
	}
}

// TestTwoExecutions has two processes that take up one plan.
func TestTwoExecutions(t *testing.T) {
	before := []op{write(hudi.Insert, r("a", "", "1", 1)), write(hudi.Upsert, r("a", "", "2", 2)), schedule()}
	inflight := func(c *intercept.Call) bool {
		return c.Op == intercept.PutIfAbsent && strings.HasSuffix(c.Path, ".inflight")
	}
	for name, at := range map[string]func(*intercept.Call) bool{"before it is inflight": inflight, "at work": atData} {
		t.Run(name, func(t *testing.T) {
			s := newShared(t, kind{typ: table.MOR, buckets: 1}, before...)
			second := op{name: "second", do: func(ctx context.Context, tab *hudi.Table) error {
				began := time.Now()
				if err := execute().do(ctx, tab); !errors.Is(err, hudi.ErrConflict) {
					return fmt.Errorf("want a conflict, have %w", err)
				}
				if took := time.Since(began); took > 10*time.Second {
					return fmt.Errorf("waited %s for the other", took)
				}
				return nil
			}}
			require.NoError(t, s.beside(t, execute(), at, second))
			s.is(t, append(slices.Clone(before), execute())...)
			s.tidy(t)
		})
	}
}

// unlocked hides that a store has locks for writers, so that heartbeats alone tell who
// lives. The table's lock works all the same.
type unlocked struct{ *mem.Store }

func (u unlocked) Lock(ctx context.Context, path string) (func() error, error) {
	if strings.HasSuffix(path, "hudi-go.flock") {
		return u.Store.Lock(ctx, path)
	}
	return func() error { return nil }, nil
}

func (u unlocked) Stat(ctx context.Context, path string) (storage.Entry, error) {
	if strings.HasPrefix(path, ".hoodie/.locks/hudi-go-") {
		path += ".hidden"
	}
	return u.Store.Stat(ctx, path)
}

// TestPausedWriter stops a writer for so long that others take it for dead and undo its
// instant. When it goes on it must not publish, nor leave files.
func TestPausedWriter(t *testing.T) {
	start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1))
	slow := write(hudi.Upsert, r("a", "x", "slow", 9), r("b", "y", "slow", 9), r("n", "z", "slow", 9))
	fast := write(hudi.Upsert, r("a", "x", "fast", 2))
	allKinds(t, func(t *testing.T, k kind) {
		for name, at := range map[string]func(*intercept.Call) bool{"before its files": atData, "before publication": atEnd()} {
			t.Run(name, func(t *testing.T) {
				s := newShared(t, k, start)
				later := op{name: "later", do: func(ctx context.Context, _ *hudi.Table) error {
					s.clock.Advance(3 * time.Hour) // beats come every hour, and have not come
					return fast.do(ctx, s.handle(t, unlocked{s.store}))
				}}
				g := newGate(unlocked{s.store}, at)
				done := make(chan error, 1)
				tab := s.handle(t, g)
				go func() { done <- slow.do(context.WithoutCancel(t.Context()), tab) }()
				<-g.reached
				require.NoError(t, later.do(t.Context(), nil))
				s.is(t, start, fast)
				close(g.open)
				require.ErrorIs(t, <-done, hudi.ErrConflict)
				s.is(t, start, fast)
				s.tidy(t)
			})
		}
	})
}

// TestPausedCompaction stops an execution; another takes the plan up under the same
// instant. The first must not publish, though its instant is pending again.
func TestPausedCompaction(t *testing.T) {
	before := []op{write(hudi.Insert, r("a", "", "1", 1)), write(hudi.Upsert, r("a", "", "2", 2)), schedule()}
	s := newShared(t, kind{typ: table.MOR, buckets: 1}, before...)
	first := newGate(unlocked{s.store}, atEnd())
	second := newGate(unlocked{s.store}, atEnd())
	run := func(g *gate) chan error {
		done := make(chan error, 1)
		tab := s.handle(t, g)
		go func() { done <- execute().do(context.WithoutCancel(t.Context()), tab) }()
		<-g.reached
		return done
	}
	paused := run(first)
	s.clock.Advance(3 * time.Hour)
	other := run(second)
	close(first.open)
	require.ErrorIs(t, <-paused, hudi.ErrConflict)
	close(second.open)
	require.NoError(t, <-other)
	s.is(t, append(slices.Clone(before), execute())...)
	s.tidy(t)
}

// TestRollbackBeside undoes the write that another, which is under way, has read: what that
// one writes has the undone rows in it, or lies on top of a base file that is gone.
func TestRollbackBeside(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start, undone := write(hudi.Insert, r("a", "x", "1", 1)), write(hudi.Upsert, r("a", "x", "undone", 2), r("b", "x", "undone", 2))
		for name, slow := range map[string]op{
			"upsert":             write(hudi.Upsert, r("a", "x", "slow", 3)),
			"insert":             write(hudi.Insert, r("n", "x", "slow", 3)),
			"in other partition": write(hudi.Upsert, r("n", "y", "slow", 3)),
		} {
			for _, before := range [][]op{{start}, nil} { // without it the table's first write is undone
				for when, at := range map[string]func(*intercept.Call) bool{"while it writes": atData, "before publication": atEnd()} {
					s := newShared(t, k, append(slices.Clone(before), undone)...)
					err := s.beside(t, slow, at, rollbackLast(nil))
					if !errors.Is(err, fs.ErrNotExist) { // it would have read what is gone
						require.ErrorIs(t, err, hudi.ErrConflict, "%s %s", name, when)
					}
					s.is(t, before...)
					s.tidy(t)
					require.NoError(t, slow.do(t.Context(), s.handle(t, s.store)), "trying again works")
					s.is(t, append(slices.Clone(before), slow)...)
				}
			}
		}
	})
}

// TestColumnsChangeBeside has a writer that knows the old columns only, while another adds
// one: what it rewrote would lack the new values.
func TestColumnsChangeBeside(t *testing.T) {
	wide := arrow.NewSchema(append(simArrow.Fields(), arrow.Field{Name: "extra", Type: arrow.BinaryTypes.String, Nullable: true}), nil)
	ws, err := schema.FromArrow("sim", wide)
	require.NoError(t, err)
	widen := op{name: "widen", do: func(ctx context.Context, tab *hudi.Table) error {
		_, err := tab.Write(ctx, hudi.Upsert, hudi.Rows{Schema: ws, Batches: func(yield func(arrow.RecordBatch, error) bool) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, wide)
			defer b.Release()
			for i, v := range []string{"b", "y", "wide"} {
				b.Field(i).(*array.StringBuilder).Append(v)
			}
			b.Field(3).(*array.Int64Builder).Append(5)
			b.Field(4).(*array.StringBuilder).Append("kept")
			batch := b.NewRecordBatch()
			defer batch.Release()
			yield(batch, nil)
		}}, hudi.WriteOptions{})
		return err
	}}
	start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1))
	narrow := write(hudi.Upsert, r("a", "x", "narrow", 2), r("b", "y", "narrow", 6))
	began := func(c *intercept.Call) bool { // the old columns are known, the instant is not
		return c.Op == intercept.PutIfAbsent && strings.HasSuffix(c.Path, ".requested") || c.Op == intercept.Lock && strings.HasSuffix(c.Path, "hudi-go.flock")
	}
	extra := func(t *testing.T, s *shared) []string {
		plan, err := s.handle(t, s.store).Query(t.Context(), query.Options{Columns: []string{"id", "extra"}})
		require.NoError(t, err)
		var out []string
		for batch, err := range plan.Rows(t.Context()) {
			require.NoError(t, err)
			for i := range int(batch.NumRows()) {
				out = append(out, fmt.Sprint(batch.Column(0).ValueStr(i), "=", batch.Column(1).ValueStr(i)))
			}
		}
		slices.Sort(out)
		return out
	}
	allKinds(t, func(t *testing.T, k kind) {
		t.Run("before it has begun", func(t *testing.T) {
			s := newShared(t, k, start)
			other := write(hudi.Upsert, r("a", "x", "narrow", 2))
			require.NoError(t, s.beside(t, other, began, widen), "it looks again once it has begun")
			require.Equal(t, []string{"a=(null)", "b=kept"}, extra(t, s))
		})
		t.Run("after it has begun", func(t *testing.T) {
			s := newShared(t, k, start)
			require.ErrorIs(t, s.beside(t, narrow, atData, widen), hudi.ErrConflict)
			require.Equal(t, []string{"a=(null)", "b=kept"}, extra(t, s))
			s.tidy(t)
		})
		t.Run("in another file group", func(t *testing.T) {
			s := newShared(t, k, start)
			other := write(hudi.Upsert, r("a", "x", "narrow", 2))
			require.ErrorIs(t, s.beside(t, other, atData, widen), hudi.ErrConflict)
			require.Equal(t, []string{"a=(null)", "b=kept"}, extra(t, s))
			s.tidy(t)
		})
	})
}

// TestReadersBesideWriters makes sure that a reader whose plan is older than a commit still
// gets its answer.
func TestReadersBesideWriters(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x", "1", 1), r("b", "y", "1", 1))
		s := newShared(t, k, start)
		tab := s.handle(t, s.store)
		plan, err := tab.Query(t.Context(), query.Options{})
		require.NoError(t, err)
		require.NoError(t, write(hudi.Upsert, r("a", "x", "2", 2)).do(t.Context(), s.handle(t, s.store)))
		if k.typ == table.MOR {
			require.NoError(t, compact().do(t.Context(), s.handle(t, s.store)))
		}
		n := int64(0)
		for batch, err := range plan.Rows(t.Context()) {
			require.NoError(t, err)
			require.Equal(t, "1", batch.Column(2).ValueStr(0))
			n += batch.NumRows()
		}
		require.EqualValues(t, 2, n)
	})
}

// TestUndoneWriteLeavesNothing fails a write by its own check.
func TestUndoneWriteLeavesNothing(t *testing.T) {
	allKinds(t, func(t *testing.T, k kind) {
		start := write(hudi.Insert, r("a", "x", "1", 1))
		s := newShared(t, k, start)
		refused := errors.New("offsets do not continue")
		tab := s.handle(t, s.store)
		_, err := tab.Write(t.Context(), hudi.Upsert, input(memory.DefaultAllocator, 1, []rec{r("a", "x", "2", 2), r("b", "z", "2", 2)}),
			hudi.WriteOptions{Check: func(context.Context, *timeline.Timeline) error { return refused }})
		require.ErrorIs(t, err, refused)
		s.is(t, start)
		s.tidy(t)
	})
}
