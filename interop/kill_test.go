package interop_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/workload"
	"github.com/hudi-go/hudi-go/storage"
)

// hudictl ingest is killed with kill -9 at random moments while PostgreSQL changes, HUDI_GO_KILLS (8) times for each
// table, and started again at once. In the end the tables have what PostgreSQL has, and those of append mode every event
// once. Then ingesters are held with SIGSTOP while others take over. HUDI_GO_SEED (1) chooses other moments. The tables
// are of versions 6, 8 and 9, or all of HUDI_GO_TABLE_VERSION.
func TestKill(t *testing.T) {
	seed := setting(t, "HUDI_GO_SEED", 1)
	from := startOrigin(t, workload.PostgreSQL, seed+100)
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	killed(t, from, t.TempDir(), rng, 8, 5000)
	t.Run("paused", func(t *testing.T) { paused(t, from, rng) })
}

// killed kills ingesters while the database changes, HUDI_GO_KILLS times each, and compares.
func killed(t *testing.T, from *origin, root string, rng *rand.Rand, kills, changes int) {
	t.Helper()
	kills, changes = setting(t, "HUDI_GO_KILLS", kills), setting(t, "HUDI_GO_CHANGES", changes)
	before := from.g.Changes
	from.Capture(t, "js", "kill", workload.Schema)
	for _, topic := range from.db.Topics("kill") {
		from.WaitRecords(t, topic, 1, 2*time.Minute)
	}
	interop.RunHudictl(t, "version") // so that it is built
	always := quick
	if storage.Scheme(root) != "" { // there a heartbeat shows who is dead
		always = append(slices.Clone(quick), "--option", "hoodie.client.heartbeat.interval_in_ms="+strconv.FormatInt(shortBeat.Milliseconds(), 10))
	}
	options := func(n int, more ...string) []string {
		return slices.Concat(always, []string{"--table-version", version(t, n)}, more)
	}
	upserts := []*feed{
		newFeed(from, root, "kill", "orders", "cow", options(0)...),
		newFeed(from, root, "kill", "orders", "mor", options(1)...),
	}
	appends := []*feed{newFeed(from, root, "kill", "items", "cow", options(2, "--op", "append")...)}
	all := append(upserts, appends...)

	work := startWork(from, changes/(kills*2))
	killAll(t, rng, all, kills)
	work.stop(t)
	t.Logf("%d rows changed; the tables: %v", from.g.Changes-before, all)
	if storage.Scheme(root) != "" {
		time.Sleep(3 * shortBeat) // so that the next commits find those dead that were killed
	}
	settle(t, from, all)

	want := from.db.Dump(t, from.Lab)
	spark := interop.SharedSpark(t)
	for _, f := range upserts {
		f.compare(t, spark, want)
	}
	for _, f := range appends {
		requireEveryEvent(t, from, f, spark)
	}
}

// shortBeat is the time between two heartbeats on stores without file locks.
const shortBeat = 5 * time.Second

// quick makes commits follow each other, so that most moments lie in one.
var quick = []string{"--interval", "200ms", "--option", "hoodie.compact.inline.max.delta.commits=3"}

// killAll keeps the ingesters running and kills each of them so often.
func killAll(t *testing.T, rng *rand.Rand, feeds []*feed, kills int) {
	t.Helper()
	type victim struct {
		*feed
		at   time.Time
		life time.Duration
		left int
	}
	var victims []*victim
	revive := func(v *victim) {
		v.start(t)
		v.life = time.Duration(50+rng.IntN(2950)) * time.Millisecond
		v.at = time.Now().Add(v.life)
	}
	for _, f := range feeds {
		v := &victim{feed: f, left: kills}
		revive(v)
		victims = append(victims, v)
	}
	for {
		var next *victim
		for _, v := range victims {
			if v.left > 0 && (next == nil || v.at.Before(next.at)) {
				next = v
			}
		}
		if next == nil {
			break
		}
		time.Sleep(time.Until(next.at))
		next.alive(t)
		next.kill(t)
		next.left--
		at, err := next.offsets(t.Context())
		require.NoError(t, err)
		t.Logf("killed %s after %s, the table is at %v", next, next.life, at)
		revive(next)
	}
}

// settle lets the running ingesters reach the ends, and stops them.
func settle(t *testing.T, from *origin, feeds []*feed) {
	t.Helper()
	finish(t, from)
	from.WaitCaptured(t, "kill", 10*time.Minute, from.db.Topics("kill")...)
	for _, f := range feeds {
		f.catchUp(t, from, 5*time.Minute)
		f.stop(t)
		f.requireEnds(t, from)
		tab, err := hudi.Open(t.Context(), f.path)
		require.NoError(t, err)
		tl, err := tab.Timeline(t.Context())
		require.NoError(t, err)
		require.Empty(t, tl.Pending(), "%s: left behind", f)
	}
}

// requireEveryEvent checks that a table of append mode has every event of its topic once.
func requireEveryEvent(t *testing.T, from *origin, f *feed, spark *interop.Spark) {
	t.Helper()
	want := map[string]int{}
	var left int64
	ends, err := from.Ends(t.Context(), f.topic)
	require.NoError(t, err)
	for _, end := range ends {
		left += end
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(from.Brokers), kgo.ConsumeTopics(f.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer client.Close()
	for left > 0 {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			if r.Value != nil { // a tombstone is no event
				want[fmt.Sprint(r.Partition, "/", r.Offset)]++
			}
		})
	}
	columns := []string{"_kafka_partition", "_kafka_offset"}
	for name, rows := range map[string][]map[string]any{
		"hudictl": interop.QueryHudictl(t, f.path, "--columns", strings.Join(columns, ",")),
		"spark":   spark.Read(t, interop.Read{Path: interop.OnDisk(t, f.path), Columns: columns, Encoding: interop.Contract}).Rows,
	} {
		got := map[string]int{}
		for _, row := range rows {
			got[fmt.Sprint(row[columns[0]], "/", row[columns[1]])]++
		}
		require.Equal(t, want, got, "%s by %s", f, name)
	}
	t.Logf("%s: %d events, each once", f, len(want))
}

// paused holds an ingester at random moments while a second one is started on its table, and lets it go on later: one of
// them has to give up, and the table is right in the end.
func paused(t *testing.T, from *origin, rng *rand.Rand) {
	root := t.TempDir()
	options := append(quick, "--option", "hoodie.write.lock.wait_time_ms=3000")
	var feeds []*feed
	work := startWork(from, 100)
	for range setting(t, "HUDI_GO_PAUSES", 2) {
		for _, kind := range []string{"cow", "mor"} {
			first := newFeed(from, root, "kill", "customers", kind, options...)
			second := newFeed(from, root, "kill", "customers", kind, options...)
			first.start(t)
			require.Eventually(t, func() bool {
				first.alive(t)
				at, err := first.offsets(t.Context())
				return err == nil && len(at) > 0
			}, time.Minute, 100*time.Millisecond, "no commit")
			time.Sleep(time.Duration(rng.IntN(1000)) * time.Millisecond)
			first.alive(t)
			require.NoError(t, first.cmd.Process.Signal(syscall.SIGSTOP))
			second.start(t)
			time.Sleep(time.Duration(2000+rng.IntN(4000)) * time.Millisecond)
			require.NoError(t, first.cmd.Process.Signal(syscall.SIGCONT))

			loser, survivor := first, second
			select {
			case err := <-first.ended:
				first.ended <- err
			case err := <-second.ended:
				second.ended <- err
				loser, survivor = second, first
			case <-time.After(30 * time.Second):
				t.Fatalf("two ingesters at work on %s\n%s\n%s", first, first.stderr, second.stderr)
			}
			code := loser.wait(t, time.Minute)
			require.Contains(t, []int{6, 7}, code, "%s", loser.stderr)
			t.Logf("%s: the %s gave up with exit code %d: %s", first, map[bool]string{true: "first", false: "second"}[loser == first],
				code, strings.TrimSpace(loser.stderr.String()))
			survivor.stop(t)
			if len(feeds) < 2 {
				feeds = append(feeds, first)
			}
		}
	}
	work.stop(t)
	for _, f := range feeds {
		f.start(t)
	}
	settle(t, from, feeds)
	want, spark := from.db.Dump(t, from.Lab), interop.SharedSpark(t)
	for _, f := range feeds {
		f.compare(t, spark, want)
	}
}

// working changes rows in the background.
type working struct {
	quit chan struct{}
	done chan error
}

// startWork changes about so many rows a second until it is stopped.
func startWork(from *origin, rate int) *working {
	w := &working{make(chan struct{}), make(chan error, 1)}
	go func() {
		began, first := time.Now(), from.g.Changes
		for {
			due := int(time.Since(began).Seconds()*float64(rate)) - (from.g.Changes - first)
			if err := from.TryExec(from.g.Batch(max(1, due))); err != nil {
				w.done <- err
				return
			}
			select {
			case <-w.quit:
				w.done <- nil
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return w
}

func (w *working) stop(t *testing.T) {
	t.Helper()
	close(w.quit)
	require.NoError(t, <-w.done)
}
