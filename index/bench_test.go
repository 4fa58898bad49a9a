package index_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/record"
	"github.com/hudi-go/hudi-go/table"
)

// BenchmarkLookup finds 10,000 keys in a million, in the order of their numbers in four files or in none in sixteen.
func BenchmarkLookup(b *testing.B) {
	const rows, wanted = 1_000_000, 10_000
	rng := rand.New(rand.NewPCG(1, 1))
	key := func(i int) string { return fmt.Sprintf("l_orderkey:%d,l_linenumber:%d", i/4+1, i%4+1) }
	for _, files := range []int{4, 16} {
		w := &world{t: b, store: record.Wrap(mem.New(time.Now)), pageBytes: 256 << 10, groupRows: 64 << 10}
		order := make([]int, rows)
		for i := range order {
			order[i] = i
		}
		if files == 16 {
			rng.Shuffle(rows, func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for f := range files {
			keys := make([]string, rows/files)
			for i := range keys {
				keys[i] = key(order[f*rows/files+i])
			}
			w.file(fmt.Sprint("f", f), true, keys)
		}
		for name, pick := range map[string]func(i int) int{
			"uniform": func(int) int { return rng.IntN(rows) },
			"recent":  func(i int) int { return rows - wanted + i },
			"absent":  func(i int) int { return rows + 2*rng.IntN(rows) },
		} {
			keys := make([]string, wanted)
			for i := range keys {
				keys[i] = key(pick(i))
			}
			changes := reducer(b, keys...)
			for _, filters := range []bool{false, true} {
				b.Run(fmt.Sprintf("files=%d/%s/filters=%v", files, name, filters), func(b *testing.B) {
					lookup(b, w, changes, filters)
				})
			}
			changes.Release()
		}
	}
}

func lookup(b *testing.B, w *world, changes *merge.Reducer, filters bool) {
	x := &index.Lookup{
		Store: w.store, Alloc: memory.DefaultAllocator, Filters: filters,
		Slices: func(context.Context, string) ([]table.FileSlice, error) { return w.slices, nil },
	}
	if filters {
		x.Config = &table.Config{} // without a metadata table
	}
	cpu := func() int64 {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return u.Utime.Nano()
	}
	from := cpu()
	for b.Loop() {
		_, err := x.Locate(b.Context(), []index.Part{{Partition: "p", Changes: changes}})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(cpu()-from)/float64(b.N)/1e6, "cpu-ms/op")
}
