package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

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

// Keys change all the time, with values that the source does not send again, in chains and
// circles; and the partitions are ingested in any order, one far ahead of the others. In the
// end the table has the source's rows.
func TestKeyChangesAcrossPartitions(t *testing.T) {
	for seed := range seeds(t, 12) {
		for _, kind := range bothTypes {
			t.Run(fmt.Sprint(kind, "/", seed), func(t *testing.T) {
				sim := newSim(t, simPartitions)
				src := newSource(uint64(seed), sim.topic)
				rng := rand.New(rand.NewPCG(uint64(seed), 99))
				for range 20 + rng.IntN(60) {
					src.change()
				}
				for left := true; left; {
					left = false
					p := rng.IntN(simPartitions)
					n := min(1+rng.IntN(25), len(src.sent[p]))
					sim.produce(src.sent[p][:n]...)
					src.sent[p] = src.sent[p][n:]
					for _, q := range src.sent {
						left = left || len(q) > 0
					}
					sim.must(func(o *ingest.Options) {
						o.Type, o.MaxRows = kind, 1+rng.IntN(20)
						if seed%2 == 0 {
							o.Index = table.IndexConfig{Kind: table.IndexSimple}
						}
					})
				}
				require.Equal(t, src.lines(), sim.lines())
			})
		}
	}
}
