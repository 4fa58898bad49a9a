package txn_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is an empty table and its clock, which stands still unless it is moved.
type world struct {
	t     *testing.T
	store *mem.Store
	ms    atomic.Int64
}

func (w *world) now() time.Time { return epoch.Add(time.Duration(w.ms.Load()) * time.Millisecond) }

func (w *world) advance(d time.Duration) { w.ms.Add(d.Milliseconds()) }

func newWorld(t *testing.T) *world {
	w := &world{t: t}
	w.store = mem.New(w.now)
	c := table.NewConfig("t")
	c.Keys = []string{"id"}
	require.NoError(t, table.Create(t.Context(), w.store, c, w.now))
	return w
}

func (w *world) handle(st storage.Store) *table.Handle {
	c, err := table.LoadConfig(w.t.Context(), st)
	require.NoError(w.t, err)
	h := table.NewHandle(st, c, w.now, slog.New(slog.DiscardHandler))
	h.Zone, h.Beat, h.Skew = time.UTC, time.Hour, 0
	return h
}

func (w *world) begin(h *table.Handle) *txn.Txn {
	x, err := txn.Begin(w.t.Context(), h, timeline.Commit, nil)
	require.NoError(w.t, err)
	return x
}

func (w *world) put(path string, data ...byte) {
	require.NoError(w.t, w.store.Put(w.t.Context(), path, data))
}

func empty() *timeline.CommitMetadata { return &timeline.CommitMetadata{} }

// TestTimesIncrease has instants that begin and complete within one millisecond, and a
// clock that goes back.
func TestTimesIncrease(t *testing.T) {
	w := newWorld(t)
	h := w.handle(w.store)
	last := ""
	for i := range 20 {
		if i == 10 {
			w.advance(-time.Hour)
		}
		x := w.begin(h)
		require.Greater(t, x.Instant, last)
		require.NoError(t, x.Start(t.Context(), nil))
		done, err := x.Commit(t.Context(), empty())
		require.NoError(t, err)
		require.Greater(t, done, x.Instant)
		last = done
	}
}

// TestLocalClockTooFarBehind is for tables whose times are in the zone of their writers.
func TestLocalClockTooFarBehind(t *testing.T) {
	w := newWorld(t)
	h := w.handle(w.store)
	h.Config.UTC = false
	w.put(timeline.Layout2.Dir() + "/" + base.FormatInstant(epoch.Add(9*time.Minute), time.UTC) + ".commit.requested")
	w.begin(h)
	w.put(timeline.Layout2.Dir() + "/" + base.FormatInstant(epoch.Add(11*time.Minute), time.UTC) + ".commit.requested")
	_, err := txn.Begin(t.Context(), h, timeline.Commit, nil)
	require.ErrorIs(t, err, base.ErrInvalid)
	h.Config.UTC = true
	w.begin(h)
}

// TestUnknownRequest loses the acknowledgement of the requested file: the time is given up.
func TestUnknownRequest(t *testing.T) {
	w := newWorld(t)
	lost := 0
	st := intercept.Wrap(w.store, func(c *intercept.Call, next func() error) error {
		err := next()
		if c.Op == intercept.PutIfAbsent && strings.HasSuffix(c.Path, ".commit.requested") && lost < 2 {
			lost++
			return errors.New("connection reset")
		}
		return err
	})
	h := w.handle(st)
	x := w.begin(h)
	require.Equal(t, 2, lost)
	tl, err := h.Timeline(t.Context())
	require.NoError(t, err)
	require.Len(t, tl.Pending(), 3)
	require.Equal(t, x.Instant, tl.Pending()[2].Time)
	for _, i := range tl.Pending()[:2] {
		alive, err := txn.Alive(t.Context(), h, i.Time, time.UTC)
		require.NoError(t, err)
		require.False(t, alive, "nobody is at work on the times that were given up")
	}
	alive, err := txn.Alive(t.Context(), h, x.Instant, time.UTC)
	require.NoError(t, err)
	require.True(t, alive)
}

func TestRequestNeverAnswered(t *testing.T) {
	w := newWorld(t)
	st := fault.Wrap(w.store)
	always := intercept.Wrap(st, func(c *intercept.Call, next func() error) error {
		if c.Op == intercept.PutIfAbsent && strings.HasSuffix(c.Path, ".commit.requested") {
			return errors.New("time-out")
		}
		return next()
	})
	_, err := txn.Begin(t.Context(), w.handle(always), timeline.Commit, nil)
	require.ErrorIs(t, err, base.ErrConflict)
}

func TestRestoreRefusesWrites(t *testing.T) {
	w := newWorld(t)
	w.put(timeline.Layout2.Dir() + "/20250101000000000.restore.inflight")
	_, err := txn.Begin(t.Context(), w.handle(w.store), timeline.Commit, nil)
	require.ErrorIs(t, err, base.ErrConflict)
	require.ErrorContains(t, err, "restore")
}

// TestUnknownPublication never answers to the completed file.
func TestUnknownPublication(t *testing.T) {
	for _, happens := range []bool{false, true} {
		w := newWorld(t)
		puts := map[string]bool{}
		var down atomic.Bool
		st := intercept.Wrap(w.store, func(c *intercept.Call, next func() error) error {
			if strings.HasSuffix(c.Path, ".commit") && c.Op == intercept.PutIfAbsent {
				puts[c.Path+string(c.Data)] = true
				down.Store(true)
				if happens {
					_ = next()
				}
			}
			if down.Load() && strings.HasPrefix(c.Path, timeline.Layout2.Dir()) {
				return errors.New("unreachable")
			}
			return next()
		})
		x := w.begin(w.handle(st))
		require.NoError(t, x.Start(t.Context(), nil))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := x.Commit(ctx, empty())
		require.ErrorIs(t, err, base.ErrUnknownOutcome)
		require.Len(t, puts, 1, "one name, and one content")
		require.NoError(t, x.Close(t.Context()))
	}
}

// TestPublicationRecovers answers late: the same file is put again, or found.
func TestPublicationRecovers(t *testing.T) {
	for _, happens := range []bool{false, true} {
		w := newWorld(t)
		n := 0
		st := intercept.Wrap(w.store, func(c *intercept.Call, next func() error) error {
			if strings.HasSuffix(c.Path, ".commit") {
				if n++; n <= 2 { // the put, and reading it back
					if happens && c.Op == intercept.PutIfAbsent {
						_ = next()
					}
					return errors.New("unreachable")
				}
			}
			return next()
		})
		h := w.handle(st)
		x := w.begin(h)
		require.NoError(t, x.Start(t.Context(), nil))
		done, err := x.Commit(t.Context(), empty())
		require.NoError(t, err)
		tl, err := h.Timeline(t.Context())
		require.NoError(t, err)
		i, ok := tl.Find(x.Instant, timeline.Commit)
		require.True(t, ok)
		require.Equal(t, done, i.Completion)
		require.Len(t, tl.Completed(), 1)
	}
}

// TestUndoneMeanwhile has the instant rolled back, or about to be.
func TestUndoneMeanwhile(t *testing.T) {
	dir := timeline.Layout2.Dir() + "/"
	for name, undo := range map[string]func(w *world, instant string){
		"inflight gone": func(w *world, instant string) {
			require.NoError(w.t, w.store.Delete(w.t.Context(), dir+instant+".inflight"))
		},
		"all gone": func(w *world, instant string) {
			require.NoError(w.t, w.store.Delete(w.t.Context(), dir+instant+".inflight"))
			require.NoError(w.t, w.store.Delete(w.t.Context(), dir+instant+".commit.requested"))
		},
		"rollback planned": func(w *world, instant string) {
			p := &timeline.RollbackPlan{Instant: &timeline.InstantInfo{Time: instant, Action: "commit"}, Version: 1}
			data, err := p.Encode()
			require.NoError(w.t, err)
			w.put(dir+"20991231000000000.rollback.requested", data...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.handle(w.store)
			x := w.begin(h)
			require.NoError(t, x.Start(t.Context(), nil))
			undo(w, x.Instant)
			_, err := x.Commit(t.Context(), empty())
			require.ErrorIs(t, err, base.ErrConflict)
			tl, err := h.Timeline(t.Context())
			require.NoError(t, err)
			require.Empty(t, tl.Completed())
		})
	}
}

// TestLateHeartbeat holds a writer up. It must not publish, not even when it beats again.
func TestLateHeartbeat(t *testing.T) {
	w := newWorld(t)
	x := w.begin(w.handle(w.store))
	require.NoError(t, x.Start(t.Context(), nil))
	w.advance(2*time.Hour - 4*time.Second) // within the margin before it may be taken for dead
	_, err := x.Commit(t.Context(), empty())
	require.ErrorIs(t, err, base.ErrConflict)

	for _, pause := range []time.Duration{0, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			began, slept := time.Now(), false
			now := func() time.Time { return epoch.Add(time.Since(began)) }
			h := w.handle(intercept.Wrap(w.store, func(c *intercept.Call, next func() error) error {
				if strings.HasPrefix(c.Path, ".hoodie/.heartbeat/") && time.Since(began) > time.Minute && !slept {
					slept = true
					time.Sleep(pause)
				}
				return next()
			}))
			h.Clock = now
			x := w.begin(h)
			require.NoError(t, x.Start(t.Context(), nil))
			time.Sleep(10*time.Hour + time.Minute) // it has just been beating again
			_, err := x.Commit(t.Context(), empty())
			if pause == 0 {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, base.ErrConflict)
			require.NoError(t, x.Close(t.Context()))
		})
	}
}

func TestAlive(t *testing.T) {
	w := newWorld(t)
	h := w.handle(w.store)
	alive := func(instant string) bool {
		ok, err := txn.Alive(t.Context(), h, instant, time.UTC)
		require.NoError(t, err)
		return ok
	}
	x := w.begin(h)
	w.advance(24 * time.Hour)
	require.True(t, alive(x.Instant), "a lock is held by a living process, whatever its beats")
	require.NoError(t, x.Close(t.Context()))
	require.False(t, alive(x.Instant))

	// Without a lock file beats count, and without those the instant's own time.
	w.put(".hoodie/.heartbeat/20200101000000000")
	require.True(t, alive("20200101000000000"))
	w.advance(2*time.Hour - time.Millisecond)
	require.True(t, alive("20200101000000000"))
	w.advance(time.Millisecond)
	require.False(t, alive("20200101000000000"))
	require.True(t, alive(base.FormatInstant(w.now().Add(-time.Hour), time.UTC)))
	require.False(t, alive(base.FormatInstant(w.now().Add(-3*time.Hour), time.UTC)))
	ok, err := txn.Beating(t.Context(), h, base.FormatInstant(w.now(), time.UTC))
	require.NoError(t, err)
	require.False(t, ok, "no sign of a writer")
}

// TestGoneSince has completed writes leave the timeline while a transaction is under way. One
// that is archived still stands, which the archives of real Hudi tell.
func TestGoneSince(t *testing.T) {
	for name, ext := range map[string]string{"v6_cow_archived": "", "v9_cow_archived": "9"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.store = goldentest.Store(t, name)
			w.ms.Store(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Sub(epoch).Milliseconds())
			h := w.handle(w.store)
			tl, err := h.Timeline(t.Context())
			require.NoError(t, err)
			archived, err := tl.ArchivedCompletions(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, archived)
			first := tl.CompletedWrites()[0]
			content, err := tl.Content(t.Context(), first)
			require.NoError(t, err)
			for instant, stands := range map[string]bool{slices.Min(slices.Collect(maps.Keys(archived))): true, "20200101000000000": false} {
				file := h.Config.TimelineDir() + "/" + tl.Layout().FileName(instant, timeline.Commit, timeline.Completed, instant+ext)
				w.put(file, content...)
				x := w.begin(h)
				require.NoError(t, x.Start(t.Context(), nil))
				require.NoError(t, w.store.Delete(t.Context(), file))
				_, err = x.Commit(t.Context(), empty())
				if stands {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, base.ErrConflict)
				require.ErrorContains(t, err, instant)
			}
		})
	}
}

// TestPendingClustering6 has a clustering of Hudi 0.15, whose instant has the name of an
// overwrite, planned before a write begins and while it is at work.
func TestPendingClustering6(t *testing.T) {
	const plan = ".hoodie/20261123091416595.replacecommit.requested"
	for _, planned := range []bool{true, false} {
		for group, clashes := range map[string]bool{"834e634d-e143-4b52-b9be-81dffe8b37a6-0": true, "of-its-own-0": false} {
			w := newWorld(t)
			w.store = goldentest.Store(t, "v6_cow_clustering")
			w.ms.Store(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Sub(epoch).Milliseconds())
			content, err := storage.ReadFile(t.Context(), w.store, plan)
			require.NoError(t, err)
			for _, f := range []string{plan, ".hoodie/20261123091416595.replacecommit.inflight", ".hoodie/20261123091416595.replacecommit", ".hoodie/20261123091438453.commit"} {
				require.NoError(t, w.store.Delete(t.Context(), f))
			}
			if planned {
				w.put(plan, content...)
			}
			x := w.begin(w.handle(w.store))
			require.NoError(t, x.Start(t.Context(), nil))
			w.put(plan, content...)
			_, err = x.Commit(t.Context(), &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{
				"apac": {{FileID: group, Path: "apac/" + group + "_0-0-0_" + x.Instant + ".parquet", PartitionPath: "apac"}},
			}})
			if !clashes {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, base.ErrConflict)
			require.ErrorContains(t, err, "clustering 20261123091416595")
		}
	}
}

func TestMarkers(t *testing.T) {
	w := newWorld(t)
	x := w.begin(w.handle(w.store))
	require.NoError(t, x.Mark(t.Context(), "a=1/b=.marker.x/f-0_0-0-0_1.parquet", txn.MarkCreate))
	require.NoError(t, x.Mark(t.Context(), "g-0_0-0-0_1.parquet", txn.MarkMerge))
	got, err := txn.Marked(t.Context(), w.store, x.Instant)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"a=1/b=.marker.x/f-0_0-0-0_1.parquet", "g-0_0-0-0_1.parquet"}, got)
	traces, err := txn.Traces(t.Context(), w.store)
	require.NoError(t, err)
	require.Equal(t, []string{x.Instant}, traces)
	require.NoError(t, txn.RemoveMarkers(t.Context(), w.store, x.Instant))
	got, err = txn.Marked(t.Context(), w.store, x.Instant)
	require.NoError(t, err)
	require.Empty(t, got)
}

// TestServerMarkers reads markers as Spark's timeline server keeps them.
func TestServerMarkers(t *testing.T) {
	w := newWorld(t)
	dir := ".hoodie/.temp/20260101000000000/"
	w.put(dir+"MARKERS.type", []byte("TIMELINE_SERVER_BASED")...)
	w.put(dir+"MARKERS0", []byte("p/f-0_0-0-0_1.parquet.marker.CREATE\n")...)
	w.put(dir+"MARKERS1", []byte("p/g-0_0-0-0_1.parquet.marker.MERGE\np/.h_1.log.1_0-0-0.marker.CREATE")...)
	got, err := txn.Marked(t.Context(), w.store, "20260101000000000")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"p/f-0_0-0-0_1.parquet", "p/g-0_0-0-0_1.parquet", "p/.h_1.log.1_0-0-0"}, got)
	for _, hostile := range []string{"../x.parquet", "/etc/passwd", "a/../../b", "s3://b/k"} {
		w.put(dir+"MARKERS2", []byte(hostile+".marker.CREATE")...)
		_, err := txn.Marked(t.Context(), w.store, "20260101000000000")
		require.ErrorIs(t, err, base.ErrCorrupt, hostile)
	}
}

// TestReconcile removes what attempts announced and the result does not have, and refuses
// to touch what is not the instant's own.
func TestReconcile(t *testing.T) {
	w := newWorld(t)
	h := w.handle(w.store)
	x := w.begin(h)
	require.NoError(t, x.Start(t.Context(), nil))
	kept, left := "f-0_0-0-0_"+x.Instant+".parquet", "f-0_1-0-0_"+x.Instant+".parquet"
	for _, f := range []string{kept, left} {
		require.NoError(t, x.Mark(t.Context(), f, txn.MarkCreate))
		w.put(f)
	}
	_, err := x.Commit(t.Context(), &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{
		"": {{FileID: "f-0", Path: kept}},
	}})
	require.NoError(t, err)
	_, err = w.store.Stat(t.Context(), kept)
	require.NoError(t, err)
	_, err = w.store.Stat(t.Context(), left)
	require.Error(t, err)

	x = w.begin(h)
	require.NoError(t, x.Start(t.Context(), nil))
	require.NoError(t, x.Mark(t.Context(), kept, txn.MarkCreate))
	_, err = x.Commit(t.Context(), empty())
	require.ErrorIs(t, err, base.ErrCorrupt)
	_, err = w.store.Stat(t.Context(), kept)
	require.NoError(t, err)
}

func TestNestedPartitions(t *testing.T) {
	w := newWorld(t)
	x := w.begin(w.handle(w.store))
	require.NoError(t, x.Partition(t.Context(), "a/b"))
	require.NoError(t, x.Partition(t.Context(), "a/b"))
	require.NoError(t, x.Partition(t.Context(), "a/c"))
	require.ErrorIs(t, x.Partition(t.Context(), "a"), base.ErrInvalid)
	require.ErrorIs(t, x.Partition(t.Context(), "a/b/c"), base.ErrInvalid)
	require.ErrorIs(t, x.Partition(t.Context(), "a/b/c/d"), base.ErrInvalid)
	require.NoError(t, x.Partition(t.Context(), "ab"))
	text, err := storage.ReadFile(t.Context(), w.store, "a/b/.hoodie_partition_metadata")
	require.NoError(t, err)
	require.Equal(t, "#partition metadata\n#Thu Jan 01 00:00:00 UTC 2026\ncommitTime="+x.Instant+"\npartitionDepth=2\n", string(text))
}

// TestLockedIsExclusive runs steps under the lock side by side.
func TestLockedIsExclusive(t *testing.T) {
	w := newWorld(t)
	inside := 0
	done := make(chan error)
	for range 4 {
		h := w.handle(w.store)
		go func() {
			done <- txn.Locked(context.WithoutCancel(t.Context()), h, func(*timeline.Timeline, *lock.Held) error {
				inside++
				defer func() { inside-- }()
				time.Sleep(time.Millisecond)
				if inside != 1 {
					return errors.New("not alone")
				}
				return nil
			})
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
}

// TestFirstIsOldest has two writers on an empty table: the younger must not be the first to
// complete, or real Hudi would show the files of the older one.
func TestFirstIsOldest(t *testing.T) {
	w := newWorld(t)
	h := w.handle(w.store)
	older, younger := w.begin(h), w.begin(h)
	require.NoError(t, younger.Start(t.Context(), nil))
	requested := w.begin(h) // has no files yet
	require.NoError(t, older.Start(t.Context(), nil))
	_, err := younger.Commit(t.Context(), empty())
	require.ErrorIs(t, err, base.ErrConflict)
	require.ErrorContains(t, err, older.Instant)
	_, err = older.Commit(t.Context(), empty())
	require.NoError(t, err)

	require.NoError(t, requested.Start(t.Context(), nil))
	last := w.begin(h)
	require.NoError(t, last.Start(t.Context(), nil))
	_, err = last.Commit(t.Context(), empty())
	require.NoError(t, err, "beside a write that is under way, after the first")
}
