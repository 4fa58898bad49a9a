package cleaner

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// world is a table put together by hand: instants of two digits, and data files whose
// content nobody reads.
type world struct {
	t     *testing.T
	store *mem.Store
	now   time.Time
}

func newWorld(t *testing.T, typ table.Type) *world {
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.store = mem.New(func() time.Time { return w.now })
	c := table.NewConfig("t")
	c.Type, c.Keys = typ, []string{"id"}
	require.NoError(t, table.Create(t.Context(), w.store, c, func() time.Time { return w.now }))
	return w
}

func (w *world) put(name string, data []byte, err error) *world {
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.Put(w.t.Context(), name, data))
	return w
}

func (w *world) instant(name string, data []byte, err error) *world {
	return w.put(timeline.Layout2.Dir()+"/"+name, data, err)
}

// file makes a data file named as "p/b:group@instant" (base) or "p/l:group@time" (log).
func (w *world) file(short string) string {
	partition, rest, _ := strings.Cut(short, "/")
	w.put(base.Join(partition, base.PartitionMetafile), nil, nil)
	name := nameOf(rest)
	w.put(base.Join(partition, name), nil, nil)
	return base.Join(partition, name)
}

func nameOf(short string) string {
	group, at, _ := strings.Cut(short[2:], "@")
	if short[0] == 'l' {
		return fmt.Sprintf(".%s_%s.log.1_0-0-0", group, at)
	}
	return fmt.Sprintf("%s_0-0-0_%s.parquet", group, at)
}

// commit completes a write that made files. "10" completes at "101", before "11".
func (w *world) commit(at, action string, files ...string) *world {
	m := &timeline.CommitMetadata{PartitionToWriteStats: map[string][]*timeline.WriteStat{}, OperationType: timeline.OpUpsert}
	for _, f := range files {
		p, rest, _ := strings.Cut(f, "/")
		group, _, _ := strings.Cut(rest[2:], "@")
		s := &timeline.WriteStat{FileID: group, Path: w.file(f), PartitionPath: p}
		if rest[0] == 'l' {
			s.LogVersion = 1
		}
		m.PartitionToWriteStats[p] = append(m.PartitionToWriteStats[p], s)
	}
	data, err := m.Encode(timeline.Layout2)
	return w.instant(fmt.Sprintf("%s_%s1.%s", at, at, action), data, err)
}

func (w *world) replace(at, partition string, ids ...string) *world {
	m := &timeline.CommitMetadata{PartitionToReplaceFileIDs: map[string][]string{partition: ids}, OperationType: timeline.OpDeletePartition}
	data, err := m.Encode(timeline.Layout2)
	return w.instant(at+"_"+at+"1.replacecommit", data, err)
}

func (w *world) compaction(at, partition, group, baseInstant string) *world {
	p := &timeline.CompactionPlan{Version: 2, Operations: []timeline.CompactionOperation{{FileID: group, Partition: partition, BaseInstant: baseInstant}}}
	data, err := p.Encode(timeline.Layout2)
	return w.instant(at+".compaction.requested", data, err)
}

func (w *world) savepoint(at, partition string, names ...string) *world {
	m := &timeline.SavepointMetadata{By: "me", Partitions: map[string]timeline.SavepointPartition{partition: {Partition: partition, Files: names}}}
	data, err := m.Encode()
	return w.instant(at+"_991.savepoint", data, err)
}

func (w *world) cleaned(at, earliest string) *world {
	m := &timeline.CleanMetadata{StartTime: at, EarliestCommitToRetain: earliest, Version: 2,
		Partitions: map[string]timeline.CleanPartition{}, Bootstrap: map[string]timeline.CleanPartition{}}
	data, err := m.Encode()
	return w.instant(at+"_"+at+"1.clean", data, err)
}

func (w *world) handle() *table.Handle {
	c, err := table.LoadConfig(w.t.Context(), w.store)
	require.NoError(w.t, err)
	h := table.NewHandle(w.store, c, func() time.Time { return w.now }, slog.New(slog.DiscardHandler))
	h.Zone = time.UTC
	return h
}

func (w *world) plan(retain int) *Removal {
	h := w.handle()
	tl, err := h.Timeline(w.t.Context())
	require.NoError(w.t, err)
	r, err := Plan(w.t.Context(), h.View(tl), Options{Commits: retain})
	require.NoError(w.t, err)
	return r
}

// removes checks what a plan takes, as short names.
func (w *world) removes(retain int, earliest string, short ...string) {
	w.t.Helper()
	r := w.plan(retain)
	if len(short) == 0 {
		require.Nil(w.t, r)
		return
	}
	require.NotNil(w.t, r)
	require.Equal(w.t, earliest, r.Earliest.Time)
	var got, want []string
	for _, files := range r.Files {
		got = append(got, files...)
	}
	for _, s := range short {
		p, rest, _ := strings.Cut(s, "/")
		want = append(want, base.Join(p, nameOf(rest)))
	}
	slices.Sort(got)
	slices.Sort(want)
	require.Equal(w.t, want, got)
	require.Equal(w.t, len(want), r.Count())
}

func TestPlan(t *testing.T) {
	four := func(w *world) *world {
		return w.commit("10", "commit", "p/b:g@10").commit("20", "commit", "p/b:g@20").commit("30", "commit", "p/b:g@30").commit("40", "commit", "p/b:g@40")
	}
	for _, c := range []struct {
		name     string
		typ      table.Type
		world    func(w *world) *world
		retain   int
		earliest string
		want     []string
	}{
		{"keeps everything while there are no more commits than to retain", table.COW, four, 4, "", nil},
		{"keeps the slice that readers of the earliest commit's predecessor see", table.COW, four, 3, "", nil},
		{"removes the slices before that", table.COW, four, 2, "30", []string{"p/b:g@10"}},
		{"with one commit to retain", table.COW, four, 1, "40", []string{"p/b:g@10", "p/b:g@20"}},
		{"a group's newest slice stays, however old", table.COW, func(w *world) *world {
			return w.commit("10", "commit", "p/b:old@10").commit("20", "commit", "p/b:g@20").commit("30", "commit", "p/b:g@30").commit("40", "commit", "p/b:g@40")
		}, 1, "40", []string{"p/b:g@20"}},
		{"logs go with their base file", table.MOR, func(w *world) *world {
			return w.commit("10", "deltacommit", "p/b:g@10").commit("20", "deltacommit", "p/l:g@20").
				commit("30", "commit", "p/b:g@30").commit("40", "deltacommit", "p/l:g@40").
				commit("50", "commit", "p/b:g@50").commit("60", "deltacommit", "p/l:g@60")
		}, 2, "50", []string{"p/b:g@10", "p/l:g@20"}},
		{"a slice of logs only", table.MOR, func(w *world) *world {
			return w.commit("10", "deltacommit", "p/l:g@10").commit("20", "deltacommit", "p/l:g@20").
				commit("30", "commit", "p/b:g@30").commit("40", "commit", "p/b:g@40").commit("50", "commit", "p/b:g@50")
		}, 1, "50", []string{"p/b:g@30", "p/l:g@10", "p/l:g@20"}},
		{"a pending write moves the earliest back before itself", table.COW, func(w *world) *world {
			return four(w).instant("25.commit.requested", nil, nil)
		}, 1, "20", nil},
		{"as far as there is anything before it", table.COW, func(w *world) *world {
			return four(w).instant("35.commit.requested", nil, nil)
		}, 1, "30", []string{"p/b:g@10"}},
		{"a pending write before all others keeps everything", table.COW, func(w *world) *world {
			return four(w).instant("05.commit.requested", nil, nil)
		}, 1, "", nil},
		{"a pending write after the earliest does not matter", table.COW, func(w *world) *world {
			return four(w).instant("45.commit.requested", nil, nil)
		}, 1, "40", []string{"p/b:g@10", "p/b:g@20"}},
		{"slices that a pending compaction builds upon stay", table.MOR, func(w *world) *world {
			return w.commit("10", "commit", "p/b:g@10").commit("20", "deltacommit", "p/l:g@20").compaction("25", "p", "g", "10").
				commit("30", "deltacommit", "p/l:g@30", "p/b:h@30").commit("40", "deltacommit", "p/b:h@40").commit("50", "deltacommit", "p/b:h@50")
		}, 1, "20", nil},
		{"and of other groups go", table.MOR, func(w *world) *world {
			return w.commit("10", "deltacommit", "p/b:g@10", "p/b:h@10").commit("20", "deltacommit", "p/b:h@20").commit("30", "deltacommit", "p/b:h@30").
				compaction("35", "p", "g", "10").commit("40", "deltacommit", "p/b:h@40")
		}, 1, "30", []string{"p/b:h@10"}},
		{"what a savepoint holds stays", table.COW, func(w *world) *world {
			return four(w).savepoint("10", "p", nameOf("b:g@10"))
		}, 1, "40", []string{"p/b:g@20"}},
		{"replaced groups go once no reader may see them", table.COW, func(w *world) *world {
			return w.commit("10", "commit", "p/b:g@10").replace("20", "p", "g").commit("30", "commit", "p/b:h@30").commit("40", "commit", "p/b:h@40")
		}, 1, "40", []string{"p/b:g@10"}},
		{"and not before", table.COW, func(w *world) *world {
			return w.commit("10", "commit", "p/b:g@10").commit("15", "commit", "p/b:h@15").commit("20", "commit", "p/b:h@20").replace("30", "p", "g").commit("40", "commit", "p/b:h@40")
		}, 2, "30", []string{"p/b:h@15"}},
		{"files of writes that are not completed are not the cleaner's", table.COW, func(w *world) *world {
			w.file("p/b:g@15")
			return four(w)
		}, 1, "40", []string{"p/b:g@10", "p/b:g@20"}},
		{"after a clean only partitions that were written since are looked at", table.COW, func(w *world) *world {
			return w.commit("10", "commit", "p/b:g@10", "q/b:h@10").commit("20", "commit", "q/b:h@20").commit("30", "commit", "p/b:g@30").
				cleaned("35", "30").commit("40", "commit", "p/b:g@40").commit("50", "commit", "p/b:g@50")
		}, 1, "50", []string{"p/b:g@10", "p/b:g@30"}},
		{"unless there is a savepoint, which may have held files of others", table.COW, func(w *world) *world {
			return w.commit("10", "commit", "p/b:g@10", "q/b:h@10").commit("20", "commit", "q/b:h@20").commit("25", "commit", "q/b:h@25").commit("30", "commit", "p/b:g@30").
				cleaned("35", "30").commit("40", "commit", "p/b:g@40").commit("50", "commit", "p/b:g@50").savepoint("40", "p", nameOf("b:g@30"))
		}, 1, "50", []string{"p/b:g@10", "q/b:h@10", "q/b:h@20"}[:3]},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.world(newWorld(t, c.typ))
			w.removes(c.retain, c.earliest, c.want...)
		})
	}
}

func TestNothingToRetainIsNothingToClean(t *testing.T) {
	w := newWorld(t, table.COW)
	w.removes(1, "")
	w.commit("10", "commit", "p/b:g@10").commit("20", "commit", "p/b:g@20").commit("30", "commit", "p/b:g@30")
	w.removes(0, "")
}

func TestScheduleAndExecute(t *testing.T) {
	w := newWorld(t, table.COW)
	w.commit("11", "commit", "p/b:g@11").commit("12", "commit", "p/b:g@12").commit("13", "commit", "p/b:g@13")
	h := w.handle()
	at, err := Schedule(t.Context(), h, Options{Commits: 1})
	require.NoError(t, err)
	pending, err := Pending(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, []string{at}, pending)
	r, err := Execute(t.Context(), h, at)
	require.NoError(t, err)
	require.Equal(t, Result{Instant: at, Completion: r.Completion, Files: 1, Earliest: "13"}, r)
	_, err = w.store.Stat(t.Context(), base.Join("p", nameOf("b:g@11")))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = w.store.Stat(t.Context(), base.Join("p", nameOf("b:g@12")))
	require.NoError(t, err)
	_, err = Execute(t.Context(), h, at)
	require.ErrorIs(t, err, base.ErrConflict, "done already")
	again, err := Schedule(t.Context(), h, Options{Commits: 1})
	require.NoError(t, err)
	require.Empty(t, again, "nothing is left to remove")
}

// TestHostilePlan executes plans that name what is no data file of the table. Plans are
// files that anybody can write.
func TestHostilePlan(t *testing.T) {
	for _, c := range []struct{ partition, file string }{
		{"", ".hoodie/hoodie.properties"},
		{"p", "hoodie.properties"},
		{"p", base.PartitionMetafile},
		{"..", nameOf("b:g@10")},
		{"p/../..", nameOf("b:g@10")},
		{"/etc", nameOf("b:g@10")},
		{"s3://bucket", nameOf("b:g@10")},
		{"p", "passwd"},
		{"p", ".."},
	} {
		w := newWorld(t, table.COW)
		w.commit("10", "commit", "p/b:g@10")
		p := &timeline.CleanerPlan{
			Policy: policyCommits, Version: planVersion, LegacyFiles: map[string][]string{}, PartitionsToDelete: []string{},
			Files: map[string][]timeline.CleanFile{c.partition: {{Path: "/data/" + c.file}}},
		}
		data, err := p.Encode()
		w.instant("14.clean.requested", data, err)
		before := listing(w)
		_, err = Execute(t.Context(), w.handle(), "14")
		require.ErrorIs(t, err, base.ErrCorrupt, "%v", c)
		for _, f := range before {
			_, err := w.store.Stat(t.Context(), f)
			require.NoError(t, err, "%v deleted %s", c, f)
		}
	}
}

func listing(w *world) []string {
	var out []string
	for _, dir := range []string{"p", ".hoodie"} {
		entries, err := w.store.List(w.t.Context(), dir)
		require.NoError(w.t, err)
		for _, e := range entries {
			if !e.Dir {
				out = append(out, e.Path)
			}
		}
	}
	require.NotEmpty(w.t, out)
	return out
}

// TestPathsInPlans makes sure that a plan of a table that was moved since still works: only
// the names in it count.
func TestPathsInPlans(t *testing.T) {
	w := newWorld(t, table.COW)
	w.commit("11", "commit", "p/b:g@11").commit("12", "commit", "p/b:g@12").commit("13", "commit", "p/b:g@13")
	p := &timeline.CleanerPlan{
		Policy: policyCommits, Version: planVersion, LegacyFiles: map[string][]string{}, PartitionsToDelete: []string{},
		Files: map[string][]timeline.CleanFile{"p": {{Path: path.Join("/elsewhere/p", nameOf("b:g@11"))}}},
	}
	data, err := p.Encode()
	w.instant("14.clean.requested", data, err)
	_, err = Execute(t.Context(), w.handle(), "14")
	require.NoError(t, err)
	_, err = w.store.Stat(t.Context(), base.Join("p", nameOf("b:g@11")))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
