package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage/fault"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// offsets are the keys of a table of append mode.
func (s *sim) offsets() []string {
	return s.query(query.Options{}, func(name string) bool { return name == cdc.KafkaPartition || name == cdc.KafkaOffset })
}

// wantOffsets are those of the records that have a value.
func wantOffsets(records []*kgo.Record) []string {
	next := map[int32]int64{}
	var out []string
	for _, r := range records {
		if r.Value != nil {
			out = append(out, fmt.Sprintf(`{"%s":%d,"%s":%d}`, cdc.KafkaPartition, r.Partition, cdc.KafkaOffset, next[r.Partition]))
		}
		next[r.Partition]++
	}
	slices.Sort(out)
	return out
}

// A run ends after each batch, as if it had died, and the next goes on: no event is lost and
// none comes twice.
func TestResumeAtEveryBatch(t *testing.T) {
	for _, kind := range bothTypes {
		for _, mode := range []cdc.Mode{cdc.Upsert, cdc.Append} {
			t.Run(fmt.Sprint(kind, mode), func(t *testing.T) {
				sim := newSim(t, simPartitions)
				src := newSource(3, sim.topic)
				for range 60 {
					src.change()
				}
				sim.produce(src.sent...)
				runs := 0
				for done := false; !done; runs++ {
					ctx, cancel := context.WithCancel(t.Context())
					_, err := sim.runCtx(ctx, func(o *ingest.Options) {
						o.Type, o.Mode, o.MaxRows = kind, mode, 7
						st := fault.Wrap(sim.store)
						stores.Store(sim.uri, st)
						o.Progress = func(p ingest.Progress) {
							if p.Commits >= 1 && p.Lag > 0 {
								st.Kill()
							}
						}
					})
					cancel()
					stores.Store(sim.uri, sim.store)
					done = err == nil
				}
				require.Greater(t, runs, 1)
				if mode == cdc.Append {
					require.Equal(t, wantOffsets(src.sent), sim.offsets())
				} else {
					require.Equal(t, src.lines(), sim.lines())
				}
			})
		}
	}
}

// A run that is told to stop commits what it has read, and ends without an error. Wherever
// that is, the next goes on from there.
func TestStopAnywhere(t *testing.T) {
	t.Parallel()
	for _, kind := range bothTypes {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			sim := newSim(t, simPartitions)
			src := newSource(4, sim.topic)
			for range 80 {
				src.change()
			}
			rng := rand.New(rand.NewPCG(5, 5))
			sim.produce(src.sent...)
			for range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Duration(rng.IntN(60))*time.Millisecond, cancel)
				_, err := sim.runCtx(ctx, func(o *ingest.Options) {
					o.Type, o.MaxRows, o.Once, o.Interval = kind, 1+rng.IntN(9), false, 20*time.Millisecond
				})
				if !errors.Is(err, context.Canceled) { // before reading began
					require.NoError(t, err)
				}
			}
			sim.must(func(o *ingest.Options) { o.Type = kind })
			require.Equal(t, src.lines(), sim.lines())
		})
	}
}

// A stop drains: everything that was read is in the table afterwards.
func TestStopDrains(t *testing.T) {
	sim := newSim(t, 1)
	src := newSource(6, sim.topic)
	for range 20 {
		src.insert(src.target())
	}
	for _, r := range src.sent {
		r.Partition = 0
	}
	sim.produce(src.sent...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sum, err := sim.runCtx(ctx, func(o *ingest.Options) {
		o.Once, o.Interval = false, time.Hour
		o.Progress = func(p ingest.Progress) {
			if p.Events == 20 {
				require.Zero(t, p.Commits)
				cancel()
			}
		}
	})
	require.NoError(t, err)
	require.EqualValues(t, 1, sum.Commits)
	require.EqualValues(t, 20, sum.Committed)
	require.Zero(t, sum.Lag)
	require.Equal(t, src.lines(), sim.lines())
}

// stride is how many storage calls apart the faults of a test are; HUDI_GO_CRASH=all tries every call, which takes
// minutes, and HUDI_GO_CRASH=more some, as CI does.
func stride(preset int) int {
	switch os.Getenv("HUDI_GO_CRASH") {
	case "all":
		return 1
	case "more":
		return max(1, preset/4)
	}
	return preset
}

// The process dies before or after every storage call of a small ingest, and is started
// again.
func TestDieAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, kind := range bothTypes {
		for _, mode := range []cdc.Mode{cdc.Upsert, cdc.Append} {
			t.Run(fmt.Sprint(kind, mode), func(t *testing.T) {
				t.Parallel() // much of it is waiting for a store that is dead
				sim := newSim(t, simPartitions)
				src := newSource(8, sim.topic)
				for range 30 {
					src.change()
				}
				sim.produce(src.sent...)
				options := func(o *ingest.Options) {
					o.Type, o.Mode, o.MaxRows = kind, mode, 12
					o.Properties["hoodie.compact.inline.max.delta.commits"] = "2"
				}
				step := stride(97)
				for _, rule := range []func(int) fault.Rule{fault.DieBefore, fault.DieAfter} {
					for n := 1 + rand.IntN(step); ; n += step {
						disk := mem.New(time.Now)
						sim.store = disk
						st := fault.Wrap(disk, rule(n).Only(fault.Mutating))
						stores.Store(sim.uri, st)
						_, err := sim.run(options)
						stores.Store(sim.uri, disk)
						if !st.Tripped() {
							require.NoError(t, err)
							break
						}
						sim.must(options)
						if mode == cdc.Append {
							require.Equal(t, wantOffsets(src.sent), sim.offsets(), "call %d", n)
						} else {
							require.Equal(t, src.lines(), sim.lines(), "call %d", n)
						}
					}
				}
			})
		}
	}
}

// Storage calls fail, or succeed without anybody hearing of it, and the ingester goes on or
// ends; the next run makes it right.
func TestFailAtEveryCall(t *testing.T) {
	t.Parallel()
	sim := newSim(t, simPartitions)
	src := newSource(9, sim.topic)
	for range 30 {
		src.change()
	}
	sim.produce(src.sent...)
	options := func(o *ingest.Options) { o.MaxRows, o.Mode = 12, cdc.Append }
	step := stride(41)
	for _, rule := range []func(int, error) fault.Rule{fault.FailBefore, fault.FailAfter} {
		for n := 1 + rand.IntN(step); ; n += step {
			disk := mem.New(time.Now)
			sim.store = disk
			st := fault.Wrap(disk, rule(n, nil).Only(fault.Mutating))
			stores.Store(sim.uri, st)
			_, err := sim.run(options)
			stores.Store(sim.uri, disk)
			if !st.Tripped() {
				require.NoError(t, err)
				break
			}
			sim.must(options)
			require.Equal(t, wantOffsets(src.sent), sim.offsets(), "call %d", n)
		}
	}
}

// Two ingesters at work on one table: one loses with a conflict, nothing is twice.
func TestTwoIngesters(t *testing.T) {
	t.Parallel()
	sim := newSim(t, simPartitions)
	src := newSource(10, sim.topic)
	for range 40 {
		src.change()
	}
	sim.produce(src.sent[:10]...)
	append10 := func(o *ingest.Options) { o.Mode, o.MaxRows = cdc.Append, 5 }
	sim.must(append10)
	var other atomic.Bool
	_, err := sim.runCtx(t.Context(), func(o *ingest.Options) {
		append10(o)
		o.Once, o.Interval = false, 50*time.Millisecond
		o.Progress = func(ingest.Progress) {
			if other.CompareAndSwap(false, true) {
				sim.produce(src.sent[10:]...)
				sim.must(append10)
			}
		}
	})
	require.ErrorIs(t, err, hudi.ErrConflict)
	require.ErrorContains(t, err, "another ingester")
	require.Equal(t, wantOffsets(src.sent), sim.offsets())
}

func TestOffsetsLost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	prepare := func(t *testing.T) (*sim, *source, *kadm.Client) {
		sim := newSim(t, simPartitions)
		src := newSource(11, sim.topic)
		for range 60 {
			src.change()
		}
		sim.produce(src.sent[:50]...)
		sim.must(nil)
		client, err := kgo.NewClient(kgo.SeedBrokers(sim.cluster.ListenAddrs()...))
		require.NoError(t, err)
		t.Cleanup(client.Close)
		return sim, src, kadm.NewClient(client)
	}
	t.Run("retention", func(t *testing.T) {
		sim, src, admin := prepare(t)
		sim.produce(src.sent[50:]...)
		var p1 int64
		for _, r := range src.sent {
			if r.Partition == 1 {
				p1++
			}
		}
		deleted := kadm.Offsets{}
		deleted.Add(kadm.Offset{Topic: sim.topic, Partition: 1, At: p1})
		_, err := admin.DeleteRecords(ctx, deleted)
		require.NoError(t, err)
		_, err = sim.run(nil)
		require.ErrorIs(t, err, hudi.ErrOffsetLost)
		require.ErrorContains(t, err, "partition 1")
		require.ErrorContains(t, err, fmt.Sprintf("Kafka begins at %d", p1))
		require.ErrorContains(t, err, "events are lost")
	})
	t.Run("made anew", func(t *testing.T) {
		sim, _, admin := prepare(t)
		_, err := admin.DeleteTopic(ctx, sim.topic)
		require.NoError(t, err)
		_, err = admin.CreateTopic(ctx, simPartitions, 1, nil, sim.topic)
		require.NoError(t, err)
		_, err = sim.run(nil)
		require.ErrorIs(t, err, hudi.ErrOffsetLost)
		require.ErrorContains(t, err, "made anew")
	})
	t.Run("no topic", func(t *testing.T) {
		sim, _, admin := prepare(t)
		_, err := admin.DeleteTopic(ctx, sim.topic)
		require.NoError(t, err)
		_, err = sim.run(nil)
		require.ErrorContains(t, err, "does not exist")
	})
	t.Run("while reading", func(t *testing.T) {
		sim, src, admin := prepare(t)
		sim.produce(src.sent[50:]...)
		once := false
		_, err := sim.run(func(o *ingest.Options) {
			o.Once = false
			o.Progress = func(ingest.Progress) {
				if once {
					return
				}
				once = true
				_, err := admin.DeleteTopic(ctx, sim.topic)
				require.NoError(t, err)
				_, err = admin.CreateTopic(ctx, simPartitions, 1, nil, sim.topic)
				require.NoError(t, err)
			}
		})
		require.ErrorIs(t, err, hudi.ErrOffsetLost)
		require.ErrorContains(t, err, "made anew")
	})
	t.Run("another cluster", func(t *testing.T) {
		sim, _, _ := prepare(t)
		tab, err := hudi.Open(ctx, sim.uri)
		require.NoError(t, err)
		tl, err := tab.Timeline(ctx)
		require.NoError(t, err)
		last, _ := tl.LastCompletedWrite()
		meta, err := tl.CommitMetadata(ctx, last)
		require.NoError(t, err)
		var c ingest.Checkpoint
		require.NoError(t, json.Unmarshal([]byte(meta.ExtraMetadata["hudictl.checkpoint"]), &c))
		require.NotEmpty(t, c.Cluster)
		c.Cluster = "elsewhere"
		text, err := json.Marshal(c)
		require.NoError(t, err)
		columns, err := tab.Schema(ctx)
		require.NoError(t, err)
		_, err = tab.Write(ctx, hudi.Upsert, hudi.Rows{Schema: columns, Batches: noRows}, hudi.WriteOptions{Extra: map[string]string{"hudictl.checkpoint": string(text)}})
		require.NoError(t, err)
		_, err = sim.run(nil)
		require.ErrorIs(t, err, hudi.ErrOffsetLost)
	})
}

// New partitions are read from their first offset on.
func TestPartitionsAdded(t *testing.T) {
	sim := newSim(t, 1)
	src := newSource(12, sim.topic)
	for range 10 {
		src.insert(src.target())
	}
	var later []*kgo.Record
	for _, r := range src.sent {
		if r.Partition == 0 {
			sim.produce(r)
		} else {
			later = append(later, r)
		}
	}
	sim.must(nil)
	client, err := kgo.NewClient(kgo.SeedBrokers(sim.cluster.ListenAddrs()...))
	require.NoError(t, err)
	defer client.Close()
	_, err = kadm.NewClient(client).CreatePartitions(t.Context(), simPartitions-1, sim.topic)
	require.NoError(t, err)
	sim.produce(later...)
	sim.must(nil)
	require.Equal(t, src.lines(), sim.lines())
}

// Records that make no rows are no reason for a commit, until the end of the run.
func TestNothingToWrite(t *testing.T) {
	sim := newSim(t, 1)
	sim.produce(&kgo.Record{Topic: sim.topic, Key: keyJSON(1)}, &kgo.Record{Topic: sim.topic, Key: keyJSON(2)})
	sum := sim.must(nil)
	require.EqualValues(t, 2, sum.Counts.Tombstones)
	require.Zero(t, sum.Commits, "there is no table yet")
	src := newSource(13, sim.topic)
	src.insert(3)
	sim.produce(src.sent...)
	sum = sim.must(nil)
	require.EqualValues(t, 1, sum.Commits)
	require.EqualValues(t, 3, sum.Events, "the tombstones again")
	sim.produce(&kgo.Record{Topic: sim.topic, Key: keyJSON(1)})
	sum = sim.must(nil)
	require.EqualValues(t, 1, sum.Commits, "where the topic ends is known by the end of the run")
	require.Zero(t, sum.Lag)
	sum = sim.must(nil)
	require.Zero(t, sum.Events)
	require.Zero(t, sum.Commits)
	require.Equal(t, src.lines(), sim.lines())

	sim.produce(&kgo.Record{Topic: sim.topic, Key: keyJSON(1)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := sim.runCtx(ctx, func(o *ingest.Options) {
		o.Once, o.Interval = false, 20*time.Millisecond
		o.Progress = func(p ingest.Progress) {
			if p.Events > 0 && p.Lag == 0 {
				require.Zero(t, p.Commits, "nothing lags behind, though nothing was committed")
				cancel()
			}
		}
	})
	require.NoError(t, err)
}

// event is an event of one row with other columns than simFields.
func event(topic string, fields, after string, id, lsn int64) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: keyJSON(id), Value: envelope(fields, "c", "null", after, lsn, false)}
}

func TestColumnsChange(t *testing.T) {
	const (
		first  = `{"type":"int64","optional":false,"field":"id"},{"type":"int32","optional":true,"field":"n"}`
		wider  = `{"type":"int64","optional":false,"field":"id"},{"type":"int64","optional":true,"field":"n"}`
		more   = wider + `,{"type":"string","optional":true,"field":"v"}`
		broken = `{"type":"int64","optional":false,"field":"id"},{"type":"array","items":{"type":"int32"},"optional":true,"field":"n"}`
	)
	for _, kind := range bothTypes {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			sim := newSim(t, 1)
			options := func(o *ingest.Options) { o.Type = kind }
			sim.produce(
				event(sim.topic, first, `{"id":1,"n":1}`, 1, 10),
				event(sim.topic, wider, `{"id":2,"n":5000000000}`, 2, 20),
				event(sim.topic, more, `{"id":3,"n":6000000000,"v":"x"}`, 3, 30),
				event(sim.topic, first, `{"id":4,"n":4}`, 4, 40), // of an old writer
			)
			sum := sim.must(options)
			require.EqualValues(t, 4, sum.Events)
			want := []string{
				`{"id":1,"n":1,"v":null}`, `{"id":2,"n":5000000000,"v":null}`, `{"id":3,"n":6000000000,"v":"x"}`, `{"id":4,"n":4,"v":null}`,
			}
			require.Equal(t, want, sim.lines())
			sim.produce(event(sim.topic, more, `{"id":5,"n":1,"v":"y"}`, 5, 50), event(sim.topic, broken, `{"id":6,"n":[1]}`, 6, 60))
			_, err := sim.run(options)
			require.ErrorIs(t, err, hudi.ErrInvalid)
			for _, text := range []string{"partition 0", "offset 5", "column n"} {
				require.ErrorContains(t, err, text)
			}
			require.Equal(t, append(want, `{"id":5,"n":1,"v":"y"}`), sim.lines(), "what came before is in the table")
		})
	}
}

func TestTruncate(t *testing.T) {
	sim := newSim(t, 1)
	src := newSource(14, sim.topic)
	src.insert(3)
	sim.produce(src.sent...)
	sim.produce(&kgo.Record{Topic: sim.topic, Value: envelope(simFields, "t", "null", "null", 5000, false)})
	_, err := sim.run(nil)
	require.ErrorIs(t, err, cdc.ErrTruncate)
	require.ErrorContains(t, err, "offset 1")
	require.Equal(t, src.lines(), sim.lines())
	sum := sim.must(func(o *ingest.Options) { o.Truncate = cdc.TruncateIgnore })
	require.EqualValues(t, 1, sum.Counts.Truncates)
	require.Equal(t, src.lines(), sim.lines())
}

func TestNoKey(t *testing.T) {
	sim := newSim(t, 1)
	rec := event(sim.topic, simFields, `{"id":1,"v":"x","raw":null,"list":null,"n":1}`, 1, 10)
	rec.Key = nil
	sim.produce(rec)
	_, err := sim.run(nil)
	require.ErrorIs(t, err, cdc.ErrNoKey)
	sim.must(func(o *ingest.Options) { o.Keys = []string{"id"} })
	require.Equal(t, []string{`{"id":1,"v":"x","raw":null,"list":null,"n":1}`}, sim.lines())
}

// The last offset of a transactional topic is no record, and records of transactions that
// were given up are not for us.
func TestTransactions(t *testing.T) {
	sim := newSim(t, 1)
	src := newSource(15, sim.topic)
	client, err := kgo.NewClient(kgo.SeedBrokers(sim.cluster.ListenAddrs()...), kgo.TransactionalID("connect"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	for i := range 3 {
		require.NoError(t, client.BeginTransaction())
		commit := kgo.TryCommit
		if i == 1 {
			commit = kgo.TryAbort
			require.NoError(t, client.ProduceSync(t.Context(), event(sim.topic, simFields, `{"id":99,"v":"no","raw":null,"list":null,"n":1}`, 99, 1)).FirstErr())
		} else {
			src.sent = nil
			src.insert(int64(3 * (i + 1)))
			require.NoError(t, client.ProduceSync(t.Context(), src.sent...).FirstErr())
		}
		require.NoError(t, client.EndTransaction(t.Context(), commit))
	}
	began := time.Now()
	sum := sim.must(nil)
	require.Less(t, time.Since(began), 10*time.Second, "the run ends at once")
	require.Zero(t, sum.Lag)
	require.Equal(t, src.lines(), sim.lines())
	sum = sim.must(nil)
	require.Zero(t, sum.Commits)
	t.Logf("%+v", sum)
}

// A change of a transaction that was under way when the snapshot was taken has a position
// before the snapshot's, and comes after it.
func TestTransactionUnderSnapshot(t *testing.T) {
	sim := newSim(t, 1)
	snapshot := &kgo.Record{Topic: sim.topic, Key: keyJSON(1), Value: envelope(simFields, "r", "null", `{"id":1,"v":"old","raw":null,"list":null,"n":1}`, 500, true)}
	update := &kgo.Record{Topic: sim.topic, Key: keyJSON(1), Value: envelope(simFields, "u", "null", `{"id":1,"v":"new","raw":null,"list":null,"n":2}`, 400, false)}
	sim.produce(snapshot)
	sim.must(nil)
	sim.produce(update)
	sim.must(nil)
	require.Equal(t, []string{`{"id":1,"v":"new","raw":null,"list":null,"n":2}`}, sim.lines())
}

func TestPartitionedTable(t *testing.T) {
	for _, kind := range bothTypes {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			sim := newSim(t, 1)
			options := func(o *ingest.Options) { o.Type, o.PartitionBy = kind, []string{"v"} }
			change := func(op, before, after string, id, lsn int64) *kgo.Record {
				return &kgo.Record{Topic: sim.topic, Key: keyJSON(id), Value: envelope(simFields, op, before, after, lsn, false)}
			}
			one, two, three := `{"id":1,"v":"a","raw":null,"list":null,"n":1}`, `{"id":2,"v":"b","raw":null,"list":null,"n":2}`, `{"id":3,"v":"a","raw":null,"list":null,"n":3}`
			sim.produce(change("c", "null", one, 1, 10), change("c", "null", two, 2, 20), change("c", "null", three, 3, 30))
			sim.must(options)
			// What the source says of a row that it deletes is made up, unless it has REPLICA IDENTITY FULL.
			sim.produce(change("d", `{"id":1,"v":"","raw":null,"list":null,"n":0}`, "null", 1, 40), change("d", two, "null", 2, 50),
				change("d", `{"id":77,"v":null,"raw":null,"list":null,"n":null}`, "null", 77, 60))
			sim.must(options)
			require.Equal(t, []string{three}, sim.lines())
			tab, err := hudi.Open(t.Context(), sim.uri)
			require.NoError(t, err)
			view, err := tab.View(t.Context())
			require.NoError(t, err)
			partitions, err := view.Partitions(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"a", "b"}, partitions, "no folder for deletes")
			// A row and its delete in one batch.
			four := strings.ReplaceAll(one, `"id":1`, `"id":4`)
			sim.produce(change("c", "null", four, 4, 70), change("d", `{"id":4,"v":"","raw":null,"list":null,"n":0}`, "null", 4, 80))
			sim.must(options)
			require.Equal(t, []string{three}, sim.lines())
		})
	}
}

// A row that would have to change its folder is refused, not doubled.
func TestPartitionColumnChanges(t *testing.T) {
	sim := newSim(t, 1)
	sim.produce(&kgo.Record{Topic: sim.topic, Key: keyJSON(1), Value: envelope(simFields, "u",
		`{"id":1,"v":"a","raw":null,"list":null,"n":1}`, `{"id":1,"v":"b","raw":null,"list":null,"n":1}`, 10, false)})
	_, err := sim.run(func(o *ingest.Options) { o.PartitionBy = []string{"v"} })
	require.ErrorIs(t, err, cdc.ErrMoved)
	require.ErrorContains(t, err, `column "v"`)
}

// With a global index it changes its folder, and a delete finds it there.
func TestPartitionColumnChangesWithGlobalIndex(t *testing.T) {
	for _, kind := range bothTypes {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			sim := newSim(t, 1)
			options := func(o *ingest.Options) {
				o.Type, o.PartitionBy, o.Index = kind, []string{"v"}, table.IndexConfig{Kind: table.IndexGlobalBloom}
			}
			row := func(id int, v string) string {
				return fmt.Sprintf(`{"id":%d,"v":%q,"raw":null,"list":null,"n":1}`, id, v)
			}
			change := func(op, after string, id, lsn int64) *kgo.Record {
				return &kgo.Record{Topic: sim.topic, Key: keyJSON(id), Value: envelope(simFields, op, "null", after, lsn, false)}
			}
			sim.produce(change("c", row(1, "a"), 1, 10), change("c", row(2, "a"), 2, 20), change("c", row(3, "b"), 3, 30))
			sim.must(options)
			sim.produce(change("u", row(1, "b"), 1, 40), change("u", row(3, "c"), 3, 50), change("u", row(3, "d"), 3, 60))
			sim.must(options)
			require.ElementsMatch(t, []string{row(1, "b"), row(2, "a"), row(3, "d")}, sim.lines())
			deleted := &kgo.Record{Topic: sim.topic, Key: keyJSON(3), Value: envelope(simFields, "d", `{"id":3,"v":"","raw":null,"list":null,"n":0}`, "null", 70, false)}
			sim.produce(change("u", row(1, "a"), 1, 65), deleted)
			sim.must(options)
			require.ElementsMatch(t, []string{row(1, "a"), row(2, "a")}, sim.lines())
		})
	}
}

func TestStreamerCheckpoint(t *testing.T) {
	sim := newSim(t, simPartitions)
	src := newSource(16, sim.topic)
	for range 30 {
		src.insert(src.target())
	}
	sim.produce(src.sent...)
	sim.must(func(o *ingest.Options) { o.Mode = cdc.Append })
	ctx := context.Background()
	tab, err := hudi.Open(ctx, sim.uri)
	require.NoError(t, err)
	tl, err := tab.Timeline(ctx)
	require.NoError(t, err)
	last, _ := tl.LastCompletedWrite()
	meta, err := tl.CommitMetadata(ctx, last)
	require.NoError(t, err)
	text := meta.ExtraMetadata["deltastreamer.checkpoint.key"]
	require.Regexp(t, `^db\.public\.rows,0:\d+,1:\d+,2:\d+$`, text)
	// Streamer has gone on, under the key of its newer releases.
	columns, err := tab.Schema(ctx)
	require.NoError(t, err)
	_, err = tab.Write(ctx, hudi.Insert, hudi.Rows{Schema: columns, Batches: noRows}, hudi.WriteOptions{Extra: map[string]string{"streamer.checkpoint.key.v2": text}})
	require.NoError(t, err)
	sum := sim.must(func(o *ingest.Options) { o.Mode = cdc.Append })
	require.Zero(t, sum.Events)
}
