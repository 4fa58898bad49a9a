package mem

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestBudget(t *testing.T) {
	b := NewBudget(100, "spill")
	require.Equal(t, int64(100), b.Total())
	require.Equal(t, "spill", b.SpillDir())
	require.True(t, b.Reserve(60))
	require.False(t, b.Reserve(41))
	require.True(t, b.Reserve(40))
	require.False(t, b.Reserve(1))
	require.True(t, b.Reserve(0))
	b.Release(60)
	require.Equal(t, int64(40), b.Used())
	require.False(t, b.Reserve(math.MaxInt64), "no overflow")
	require.Panics(t, func() { b.Release(41) })
	require.Equal(t, os.TempDir(), NewBudget(1, "").SpillDir())
}

func TestBudgetConcurrent(t *testing.T) {
	const total = 1000
	b := NewBudget(total, "")
	var mu sync.Mutex
	held := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if !b.Reserve(300) {
					continue
				}
				mu.Lock()
				if held += 300; held > total {
					t.Error("more reserved than there is")
				}
				mu.Unlock()
				mu.Lock()
				held -= 300
				mu.Unlock()
				b.Release(300)
			}
		})
	}
	wg.Wait()
	require.Zero(t, b.Used())
}

func TestCgroupLimit(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"not Linux": {fstest.MapFS{}, math.MaxInt64},
		"v2, no limit": {fstest.MapFS{
			"proc/self/cgroup": file("0::/a\n"), "sys/fs/cgroup/a/memory.max": file("max\n"),
		}, math.MaxInt64},
		"v2": {fstest.MapFS{
			"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("104857600\n"),
		}, 100 << 20},
		"v2, the group above is smaller": {fstest.MapFS{
			"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("5000\n"),
		}, 5000},
		"v2 in a container": {fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("5000\n"),
		}, 5000},
		"v1": {fstest.MapFS{
			"proc/self/cgroup": file("9:name=systemd:/\n4:cpu,memory:/a\n0::/\n"), "sys/fs/cgroup/memory/a/memory.limit_in_bytes": file("7000\n"),
		}, 7000},
		"v1 in a container": {fstest.MapFS{
			"proc/self/cgroup": file("4:memory:/docker/1234\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("7000\n"),
		}, 7000},
		"hostile": {fstest.MapFS{
			"proc/self/cgroup": file("x\n0::/../../..\n4:memory:\n"), "sys/fs/cgroup/memory.max": file("-1"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("99999999999999999999999"),
		}, math.MaxInt64},
	} {
		require.Equal(t, c.want, cgroupLimit(c.files), name)
	}
	require.LessOrEqual(t, DefaultBytes(), int64(512<<20))
	require.Positive(t, DefaultBytes())
	require.Equal(t, 1, Workers(10, 100))
	require.Equal(t, 1, Workers(199, 100))
	require.Equal(t, min(2, runtime.GOMAXPROCS(0)), Workers(200, 100))
	require.Equal(t, runtime.GOMAXPROCS(0), Workers(1<<40, 100))
}

func TestSetGoLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	debug.SetMemoryLimit(math.MaxInt64)
	require.Equal(t, int64(math.MaxInt64), SetGoLimit(NewBudget(10<<30, "")))
	require.Equal(t, int64(9<<30), debug.SetMemoryLimit(-1))
	SetGoLimit(NewBudget(20<<30, ""))
	require.Equal(t, int64(9<<30), debug.SetMemoryLimit(-1), "a lower limit stays")
}
