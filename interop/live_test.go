package interop_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/workload"
)

// customersAvro declares the columns of shop.customers for a topic without schemas; %s is what a boolean is sent as.
const customersAvro = `{"type":"record","name":"customers","fields":[{"name":"id","type":"long"},
	{"name":"name","type":["null","string"],"default":null},{"name":"email","type":["null","string"],"default":null},
	{"name":"city","type":["null","string"],"default":null},
	{"name":"credit","type":["null",{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}],"default":null},
	{"name":"vip","type":["null","%s"],"default":null},
	{"name":"created_at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
	{"name":"updated_at","type":["null",{"type":"long","logicalType":"local-timestamp-micros"}],"default":null}]}`

// PostgreSQL changes from before the connector's snapshot on, while hudictl ingests four source tables into a
// copy-on-write and a merge-on-read table each, four processes at a time: two source tables in the first half, the others
// in the second. In the end hudictl and Spark both return the rows that PostgreSQL holds. HUDI_GO_CHANGES (5000) is the
// number of rows that change, HUDI_GO_SEED (1) makes other changes. The tables are of versions 6, 8 and 9 in turn, or all of
// HUDI_GO_TABLE_VERSION.
func TestLive(t *testing.T) {
	live(t, startOrigin(t, workload.PostgreSQL, setting(t, "HUDI_GO_SEED", 1)), t.TempDir(), 5000)
}

// The same from PostgreSQL onto S3, with fewer changes (2000), and then kill -9 as in TestKill, twice for each table.
func TestLiveS3(t *testing.T) {
	s3, seed := interop.StartS3(t), setting(t, "HUDI_GO_SEED", 1)
	from := startOrigin(t, workload.PostgreSQL, seed)
	live(t, from, s3.URI+"/live", 2000)
	t.Run("killed", func(t *testing.T) { killed(t, from, s3.URI+"/killed", rand.New(rand.NewPCG(uint64(seed), 0)), 2, 800) })
}

// The same from MariaDB, with fewer changes (2000), and then kill -9 as in TestKill, twice for each table.
func TestMariaDB(t *testing.T) {
	seed := setting(t, "HUDI_GO_SEED", 1)
	from := startOrigin(t, workload.MariaDB, seed)
	live(t, from, t.TempDir(), 2000)
	t.Run("killed", func(t *testing.T) { killed(t, from, t.TempDir(), rand.New(rand.NewPCG(uint64(seed), 0)), 2, 1500) })
}

// live keeps the tables below root, a folder or URI.
func live(t *testing.T, from *origin, root string, changes int) {
	t.Helper()
	changes = setting(t, "HUDI_GO_CHANGES", changes)
	g := from.g
	// work makes changes up to a part of all.
	work := func(part float64) error {
		for float64(g.Changes) < part*float64(changes) {
			if err := from.TryExec(g.Batch(250)); err != nil {
				return err
			}
		}
		return nil
	}
	snapshotted := make(chan error, 1)
	go func() { snapshotted <- work(0.2) }() // the snapshot shall see transactions under way
	from.Capture(t, "js", "live", workload.Schema)
	from.Capture(t, "j", "plain", workload.Schema, `table.include.list=shop\.customers,lab\.marker`)
	require.NoError(t, <-snapshotted)
	topics := from.db.Topics("live")
	for _, topic := range topics {
		from.WaitRecords(t, topic, 1, 2*time.Minute)
	}
	t.Logf("%d of %d rows changed, the snapshot is taken", g.Changes, changes)

	var feeds []*feed
	for _, half := range []struct {
		sources []string
		until   float64
	}{{[]string{"orders", "all_types"}, 0.6}, {[]string{"customers", "items"}, 1}} {
		var running []*feed
		for _, source := range half.sources {
			for _, kind := range []string{"cow", "mor"} {
				f := newFeed(from, root, "live", source, kind, "--interval", "1s", "--option", "hoodie.compact.inline.max.delta.commits=3",
					"--table-version", version(t, len(feeds)+len(running)))
				if source == "items" && kind == "cow" {
					f.args = append(f.args, "--index", "simple")
				}
				f.start(t)
				running = append(running, f)
			}
		}
		from.Snapshot(t, workload.Schema+".items") // while rows change; other tables have times that PostgreSQL's snapshots shift
		require.NoError(t, work(half.until))
		for _, f := range running {
			f.stop(t)
		}
		feeds = append(feeds, running...)
		t.Logf("%d of %d rows changed", g.Changes, changes)
	}
	finish(t, from)
	from.WaitCaptured(t, "live", 10*time.Minute, topics...)

	began := time.Now()
	for group := range slices.Chunk(feeds, 4) {
		for _, f := range group {
			f.start(t)
		}
		for _, f := range group {
			f.catchUp(t, from, 5*time.Minute)
			f.stop(t)
			f.requireEnds(t, from)
		}
	}
	t.Logf("all tables have reached the ends of their topics %s after the last change", time.Since(began).Round(time.Second))

	requireIncremental(t, from, "live."+workload.Schema+".items")
	plain := plainFeed(t, from, root)
	plain.start(t, "--once")
	require.Zero(t, plain.wait(t, 5*time.Minute), plain.stderr)
	plain.requireEnds(t, from)

	want := from.db.Dump(t, from.Lab)
	spark := interop.SharedSpark(t)
	lost := map[string][]string{} // by reason
	for _, f := range append(feeds, plain) {
		if strings.HasSuffix(f.path, "-mor") && f != plain && !compacted(t, f) { // too few batches on a fast machine
			interop.RunHudictl(t, "compact", f.path)
			require.True(t, compacted(t, f), "%s was never compacted", f)
		}
		for _, line := range f.compare(t, spark, want) {
			reason := line[strings.LastIndex(line, " (Debezium")+1:]
			if !slices.Contains(lost[reason], line) {
				lost[reason] = append(lost[reason], line)
			}
		}
	}
	for reason, lines := range lost {
		t.Logf("lost upstream: %d values %s, such as %s", len(lines), reason, strings.TrimSuffix(lines[0], reason))
	}
}

// compacted tells whether a merge-on-read table has a compaction that is done.
func compacted(t *testing.T, f *feed) bool {
	t.Helper()
	return slices.ContainsFunc(timelineOf(t, interop.OnDisk(t, f.path)), func(i instant) bool { return i.action == "commit" })
}

// requireIncremental makes sure that a topic has rows of an incremental snapshot.
func requireIncremental(t *testing.T, from *origin, topic string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(from.Brokers), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer client.Close()
	for left := from.WaitRecords(t, topic, 1, time.Minute); left > 0; {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		for it := fetches.RecordIter(); !it.Done(); left-- {
			if strings.Contains(string(it.Next().Value), `"snapshot":"incremental"`) {
				return
			}
		}
	}
	t.Fatalf("%s has no incremental snapshot", topic)
}

// plainFeed ingests a topic without schemas, with the columns declared.
func plainFeed(t *testing.T, from *origin, root string) *feed {
	t.Helper()
	from.WaitCaptured(t, "plain", 5*time.Minute, "plain.shop.customers")
	proposed := interop.RunHudictl(t, "ingest", "plan", "--brokers", from.Brokers, "--topic", "plain.shop.customers")
	for _, name := range []string{"id", "credit", "created_at"} {
		require.Contains(t, proposed, `"name":"`+name+`"`)
	}
	file := filepath.Join(t.TempDir(), "customers.avsc")
	boolean := map[*workload.Database]string{workload.PostgreSQL: "boolean", workload.MariaDB: "int"}[from.db]
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, customersAvro, boolean), 0o600))
	return newFeed(from, root, "plain", "customers", "mor", "--schema", file)
}
