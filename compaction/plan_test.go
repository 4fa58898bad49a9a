package compaction

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// world is a table put together by hand, with instants of two digits; "10" completes at
// "101", before "11".
type world struct {
	t     *testing.T
	store *mem.Store
}

func newWorld(t *testing.T, typ table.Type) *world {
	clock := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	w := &world{t, mem.New(clock)}
	c := table.NewConfig("t")
	c.Type, c.Keys = typ, []string{"id"}
	require.NoError(t, table.Create(t.Context(), w.store, c, clock))
	return w
}

func (w *world) instant(name string, data []byte, err error) *world {
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.Put(w.t.Context(), timeline.Layout2.Dir()+"/"+name, data))
	return w
}

// commit completes a write with data files named "p/b:group@instant" (base) or
// "p/l:group@time" (log), each of so many bytes.
func (w *world) commit(at, action string, size int, files ...string) *world {
	m := &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{}}
	for _, f := range files {
		w.file(f, size)
	}
	data, err := m.Encode(timeline.Layout2)
	return w.instant(fmt.Sprintf("%s_%s1.%s", at, at, action), data, err)
}

func (w *world) file(short string, size int) {
	p, rest, _ := strings.Cut(short, "/")
	require.NoError(w.t, w.store.Put(w.t.Context(), base.Join(p, base.PartitionMetafile), nil))
	require.NoError(w.t, w.store.Put(w.t.Context(), base.Join(p, nameOf(rest)), make([]byte, size)))
}

func nameOf(short string) string {
	group, at, _ := strings.Cut(short[2:], "@")
	if short[0] == 'l' {
		return fmt.Sprintf(".%s_%s.log.1_0-0-0", group, at)
	}
	return fmt.Sprintf("%s_0-0-0_%s.parquet", group, at)
}

func (w *world) planned(at string, groups ...string) *world {
	p := &timeline.CompactionPlan{Version: 2}
	for _, g := range groups {
		p.Operations = append(p.Operations, timeline.CompactionOperation{FileID: g, Partition: "p", BaseInstant: "10"})
	}
	data, err := p.Encode(timeline.Layout2)
	return w.instant(at+".compaction.requested", data, err)
}

func (w *world) clustering(at string, groups ...string) *world {
	r := &timeline.RequestedReplace{Plan: &timeline.ClusteringPlan{InputGroups: []timeline.ClusteringGroup{{}}}}
	for _, g := range groups {
		r.Plan.InputGroups[0].Slices = append(r.Plan.InputGroups[0].Slices, timeline.SliceInfo{FileID: g, Partition: "p"})
	}
	data, err := r.Encode()
	return w.instant(at+".clustering.requested", data, err)
}

func (w *world) timeline() (*table.Config, *timeline.Timeline) {
	c, err := table.LoadConfig(w.t.Context(), w.store)
	require.NoError(w.t, err)
	tl, err := c.Timeline(w.t.Context(), w.store, time.UTC)
	require.NoError(w.t, err)
	return c, tl
}

// plan renders a plan as "group@base instant: base file, logs; …".
func (w *world) plan(o Options) string {
	c, tl := w.timeline()
	p, err := Plan(w.t.Context(), table.NewView(c, tl, table.StorageLister(w.store)), o)
	require.NoError(w.t, err)
	if p == nil {
		return ""
	}
	var out []string
	for _, op := range p.Operations {
		require.NotEmpty(w.t, op.Metrics)
		out = append(out, fmt.Sprintf("%s/%s@%s: %s %s", op.Partition, op.FileID, op.BaseInstant, op.DataFile, strings.Join(op.DeltaFiles, " ")))
	}
	return strings.Join(out, "; ")
}

func TestPlan(t *testing.T) {
	const big = 3 * mega
	for _, c := range []struct {
		name  string
		world func(w *world) *world
		o     Options
		want  string
	}{
		{"nothing", func(w *world) *world { return w }, Options{}, ""},
		{"base files alone", func(w *world) *world { return w.commit("10", "deltacommit", 1, "p/b:g@10") }, Options{}, ""},
		{"a base file and its logs, by time", func(w *world) *world {
			return w.commit("10", "deltacommit", 1, "p/b:g@10").commit("12", "deltacommit", 1, "p/l:g@12").commit("11", "deltacommit", 1, "p/l:g@11")
		}, Options{}, "p/g@10: g_0-0-0_10.parquet .g_11.log.1_0-0-0 .g_12.log.1_0-0-0"},
		{"logs alone", func(w *world) *world {
			return w.commit("10", "deltacommit", 1, "p/l:g@10").commit("11", "deltacommit", 1, "p/l:g@11")
		}, Options{}, "p/g@10:  .g_10.log.1_0-0-0 .g_11.log.1_0-0-0"},
		{"logs of writes that are not completed stay out", func(w *world) *world {
			w.file("p/l:g@11", 1)
			return w.commit("10", "deltacommit", 1, "p/b:g@10").instant("11.deltacommit.inflight", nil, nil).
				commit("12", "deltacommit", 1, "p/l:g@12")
		}, Options{}, "p/g@10: g_0-0-0_10.parquet .g_12.log.1_0-0-0"},
		{"groups that a plan has already stay out", func(w *world) *world {
			return w.commit("10", "deltacommit", 1, "p/b:g@10", "p/b:h@10").commit("11", "deltacommit", 1, "p/l:g@11", "p/l:h@11").planned("12", "g").
				commit("13", "deltacommit", 1, "p/l:g@13")
		}, Options{}, "p/h@10: h_0-0-0_10.parquet .h_11.log.1_0-0-0"},
		{"groups that a clustering is going to replace stay out", func(w *world) *world {
			return w.commit("10", "deltacommit", 1, "p/b:g@10", "p/b:h@10").commit("11", "deltacommit", 1, "p/l:g@11", "p/l:h@11").clustering("12", "h")
		}, Options{}, "p/g@10: g_0-0-0_10.parquet .g_11.log.1_0-0-0"},
		{"the slice after a compaction", func(w *world) *world {
			return w.commit("10", "deltacommit", 1, "p/b:g@10").commit("11", "deltacommit", 1, "p/l:g@11").planned("12", "g").
				commit("12", "commit", 1, "p/b:g@12").commit("13", "deltacommit", 1, "p/l:g@13")
		}, Options{}, "p/g@12: g_0-0-0_12.parquet .g_13.log.1_0-0-0"},
		{"partitions with the longest logs first, as far as the I/O reaches", func(w *world) *world {
			return w.commit("10", "deltacommit", 1, "p/b:g@10", "q/b:h@10", "r/b:i@10").
				commit("11", "deltacommit", 1, "p/l:g@11").commit("12", "deltacommit", big, "q/l:h@12").commit("13", "deltacommit", 2*big, "r/l:i@13")
		}, Options{TargetIO: 7}, "r/i@10: i_0-0-0_10.parquet .i_13.log.1_0-0-0; q/h@10: h_0-0-0_10.parquet .h_12.log.1_0-0-0"},
		{"at least one, whatever it takes", func(w *world) *world {
			return w.commit("10", "deltacommit", 1, "p/b:g@10").commit("11", "deltacommit", big, "p/l:g@11")
		}, Options{TargetIO: 1}, "p/g@10: g_0-0-0_10.parquet .g_11.log.1_0-0-0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, c.world(newWorld(t, table.MOR)).plan(c.o))
		})
	}
}

func TestPlanOfCopyOnWrite(t *testing.T) {
	w := newWorld(t, table.COW)
	c, tl := w.timeline()
	_, err := Plan(t.Context(), table.NewView(c, tl, table.StorageLister(w.store)), Options{})
	require.Error(t, err)
}

func TestDue(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(w *world) *world
		after int
		want  bool
	}{
		{"nothing yet", func(w *world) *world { return w }, 0, false},
		{"nothing but inserts into base files", func(w *world) *world { return w.commit("10", "deltacommit", 1) }, 0, true},
		{"too few", func(w *world) *world { return w.commit("10", "deltacommit", 1) }, 2, false},
		{"enough", func(w *world) *world { return w.commit("10", "deltacommit", 1).commit("11", "deltacommit", 1) }, 2, true},
		{"pending ones do not count", func(w *world) *world {
			return w.commit("10", "deltacommit", 1).instant("11.deltacommit.inflight", nil, nil)
		}, 2, false},
		{"counted from the last plan", func(w *world) *world {
			return w.commit("10", "deltacommit", 1).planned("11", "g").commit("12", "deltacommit", 1)
		}, 2, false},
		{"done or not", func(w *world) *world {
			return w.commit("10", "deltacommit", 1).planned("11", "g").commit("11", "commit", 1).commit("12", "deltacommit", 1)
		}, 2, false},
		{"by completion: one that was requested before the plan and completed after it", func(w *world) *world {
			return w.planned("11", "g").instant("10_12.deltacommit", emptyCommit(), nil).commit("13", "deltacommit", 1)
		}, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, tl := c.world(newWorld(t, table.MOR)).timeline()
			got, err := Due(t.Context(), tl, Options{DeltaCommits: c.after})
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func emptyCommit() []byte {
	data, err := (&timeline.CommitMetadata{}).Encode(timeline.Layout2)
	if err != nil {
		panic(err)
	}
	return data
}

// TestHostileOperation reads plans that name what is no data file of the table.
func TestHostileOperation(t *testing.T) {
	for _, op := range []timeline.CompactionOperation{
		{Partition: "p", FileID: "g", DataFile: "../../etc/passwd"},
		{Partition: "..", FileID: "g", DataFile: nameOf("b:g@10")},
		{Partition: "/etc", FileID: "g", DataFile: nameOf("b:g@10")},
		{Partition: "s3://x", FileID: "g", DataFile: nameOf("b:g@10")},
		{Partition: "p", FileID: "g", DeltaFiles: []string{".hoodie"}},
		{Partition: "a/../../b", FileID: "g", DeltaFiles: []string{nameOf("l:g@10")}},
	} {
		_, err := sliceOf(op)
		require.ErrorIs(t, err, base.ErrCorrupt, "%v", op)
	}
	s, err := sliceOf(timeline.CompactionOperation{
		Partition: "p", FileID: "g", BaseInstant: "10",
		DataFile: "/elsewhere/p/" + nameOf("b:g@10"), DeltaFiles: []string{nameOf("l:g@11")},
	})
	require.NoError(t, err)
	require.Equal(t, "p/"+nameOf("b:g@10"), s.Base.Path)
	require.Equal(t, "p/"+nameOf("l:g@11"), s.Logs[0].Path)
}
