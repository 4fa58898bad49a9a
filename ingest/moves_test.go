package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/table"
)

// seeds are how many random histories a test tries; HUDI_GO_SEEDS asks for more.
func seeds(t *testing.T, preset int) int {
	if text := os.Getenv("HUDI_GO_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
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
