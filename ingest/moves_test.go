package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/table"
)

// seeds are how many random histories a test tries: HUDI_GO_SEEDS, or the preset, or fewer unless HUDI_GO_CRASH asks for more.
func seeds(t *testing.T, preset int) int {
	if text := os.Getenv("HUDI_GO_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	if os.Getenv("HUDI_GO_CRASH") == "" {
		return (preset + 2) / 3
	}
	return preset
}

// The keys of these tests change all the time, with values that the source does not send
// again, in chains and circles.
func keyChanges(t *testing.T, preset int, run func(sim *sim, src *source, rng *rand.Rand, options func(*ingest.Options))) {
	for seed := range seeds(t, preset) {
		for _, kind := range bothTypes {
			t.Run(fmt.Sprint(kind, "/", seed), func(t *testing.T) {
				sim := newSim(t, simPartitions)
				src := newSource(uint64(seed), sim.topic)
				rng := rand.New(rand.NewPCG(uint64(seed), 99))
				run(sim, src, rng, func(o *ingest.Options) {
					o.Type, o.MaxRows = kind, 1+rng.IntN(20)
					if seed%2 == 0 {
						o.Index = table.IndexConfig{Kind: table.IndexSimple}
					}
				})
				require.Equal(t, src.lines(), sim.lines())
			})
		}
	}
}

// All is there when the run begins; batches end anywhere.
func TestKeyChangesInBacklog(t *testing.T) {
	t.Parallel()
	keyChanges(t, 4, func(sim *sim, src *source, rng *rand.Rand, options func(*ingest.Options)) {
		for range 100 + rng.IntN(200) {
			src.change()
		}
		sim.produce(src.sent...)
		sim.must(options)
	})
}

// Runs end anywhere, also between the two halves of an update.
func TestKeyChangesBetweenRuns(t *testing.T) {
	t.Parallel()
	keyChanges(t, 4, func(sim *sim, src *source, rng *rand.Rand, options func(*ingest.Options)) {
		for range 20 + rng.IntN(60) {
			src.change()
		}
		for len(src.sent) > 0 {
			n := min(1+rng.IntN(10), len(src.sent))
			sim.produce(src.sent[:n]...)
			src.sent = src.sent[n:]
			sim.must(options)
		}
	})
}

// One partition is far ahead of the others: the halves of updates come long after each other.
// (With keys that are taken again at once, too much happens to one of them in between: a
// topic does not do that, since its partitions grow side by side.)
func TestKeyChangesFarApart(t *testing.T) {
	t.Parallel()
	keyChanges(t, 4, func(sim *sim, src *source, rng *rand.Rand, options func(*ingest.Options)) {
		src.reuse = false
		for range 20 + rng.IntN(60) {
			src.change()
		}
		var sent [simPartitions][]*kgo.Record
		for _, rec := range src.sent {
			sent[rec.Partition] = append(sent[rec.Partition], rec)
		}
		for left := len(src.sent); left > 0; {
			p := rng.IntN(simPartitions)
			n := min(1+rng.IntN(25), len(sent[p]))
			sim.produce(sent[p][:n]...)
			sent[p] = sent[p][n:]
			left -= n
			sim.must(options)
		}
	})
}

// compact removes what compaction of the topic does: everything of keys whose last record is a
// tombstone.
func compact(sent []*kgo.Record) []*kgo.Record {
	last := map[string]*kgo.Record{}
	for _, r := range sent {
		last[string(r.Key)] = r
	}
	var out []*kgo.Record
	for _, r := range sent {
		if last[string(r.Key)].Value != nil {
			out = append(out, r)
		}
	}
	return out
}

// idsAndN are rows without what may have been left out by the source.
func idsAndN(lines []string) []string {
	var out []string
	for _, l := range lines {
		var r struct{ ID, N int64 }
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			panic(err)
		}
		out = append(out, fmt.Sprint(r.ID, " ", r.N))
	}
	return out
}

// A topic that was compacted lacks the deletes of old keys: what waits for them is not held up
// for ever.
func TestHalvesAlone(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{true, false} {
		t.Run(fmt.Sprint("once=", once), func(t *testing.T) {
			sim := newSim(t, simPartitions)
			src := newSource(21, sim.topic)
			src.reuse = false
			for range 150 {
				src.change()
			}
			sent := compact(src.sent)
			require.Less(t, len(sent), len(src.sent))
			sim.produce(sent...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			began := time.Now()
			_, err := sim.runCtx(ctx, func(o *ingest.Options) {
				o.Once, o.Interval = once, time.Second
				o.Clock = func() time.Time { return began.Add(time.Since(began) * 50) } // what waits does not wait so long
				o.Progress = func(p ingest.Progress) {
					if p.Lag == 0 && p.Commits > 0 {
						cancel()
					}
				}
			})
			require.NoError(t, err)
			require.Equal(t, idsAndN(src.lines()), idsAndN(sim.lines()))
			t.Log(time.Since(began))
		})
	}
}
