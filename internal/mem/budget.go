// Package mem bounds the memory that work in progress holds: one budget for the process,
// and batches that go to disk when it is used up.
package mem

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// defaultBytes is the budget where the machine allows it.
const defaultBytes = 512 << 20

// Budget counts the memory, in bytes, that is held on purpose: buffers, hash tables, batches
// that wait. It is an agreement, not an allocator: whoever holds memory reserves it first.
// It is safe for concurrent use.
type Budget struct {
	total    int64
	used     atomic.Int64
	spillDir string
}

// NewBudget returns a budget of total bytes. What does not fit is spilled to files in
// spillDir, made when first needed; "" stands for the system's folder of temporary files.
func NewBudget(total int64, spillDir string) *Budget {
	if spillDir == "" {
		spillDir = os.TempDir()
	}
	return &Budget{total: total, spillDir: spillDir}
}

// DefaultBytes is 512 MiB, or the limit of the process's control group if that is less.
func DefaultBytes() int64 { return min(defaultBytes, cgroupLimit(os.DirFS("/"))) }

// Reserve takes n bytes, if the budget has that much left; else it takes none and returns
// false, and the caller spills, waits or fails.
func (b *Budget) Reserve(n int64) bool {
	for {
		used := b.used.Load()
		if n > b.total-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Release gives back n bytes that were reserved. To give back more than that is a
// programming error and panics.
func (b *Budget) Release(n int64) {
	if left := b.used.Add(-n); left < 0 {
		panic(fmt.Sprintf("mem: %d bytes more released than reserved", -left))
	}
}

// Total is the size of the budget in bytes.
func (b *Budget) Total() int64 { return b.total }

// Used is the number of bytes reserved now.
func (b *Budget) Used() int64 { return b.used.Load() }

// Workers is how many pieces of work may go on at a time that take about so many bytes each:
// as many as there are processors, if the total allows it, and one at least.
func Workers(total, each int64) int {
	return int(max(1, min(int64(runtime.GOMAXPROCS(0)), total/each)))
}

// SpillDir is the folder for what does not fit.
func (b *Budget) SpillDir() string { return b.spillDir }

// SetGoLimit sets the Go runtime's soft memory limit to 90 % of the budget, for commands,
// and returns the limit before. A lower one (GOMEMLIMIT) stays.
func SetGoLimit(b *Budget) (previous int64) {
	previous = debug.SetMemoryLimit(-1)
	limit := b.total / 10 * 9
	if b.total <= 0 {
		limit = math.MaxInt64
	}
	debug.SetMemoryLimit(min(previous, limit))
	return previous
}
