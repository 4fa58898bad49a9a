package table

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/timeline"
)

// listing is a Lister over names, by partition.
type listing map[string][]string

func (l listing) Partitions(context.Context) ([]string, error) { return nil, nil }

func (l listing) Files(_ context.Context, partition string) ([]storage.Entry, error) {
	var out []storage.Entry
	for _, name := range l[partition] {
		out = append(out, storage.Entry{Path: base.Join(partition, name), Name: name, Size: 1})
	}
	return out, nil
}

// world builds a view of a table from the names of its timeline files and data files.
type world struct {
	t       *testing.T
	version int
	store   *mem.Store
	files   listing
}

func newWorld(t *testing.T, version int) *world {
	return &world{t: t, version: version, store: mem.New(clock), files: listing{}}
}

func (w *world) config() *Config { return &Config{Version: w.version, BaseFormat: Parquet} }

func (w *world) instants(names ...string) *world {
	for _, n := range names {
		w.content(n, nil)
	}
	return w
}

func (w *world) content(name string, data []byte) *world {
	require.NoError(w.t, w.store.Put(w.t.Context(), base.Join(w.config().TimelineDir(), name), data))
	return w
}

// compaction plans the compaction of file groups.
func (w *world) compaction(time string, fileIDs ...string) *world {
	plan := &timeline.CompactionPlan{Version: 2}
	for _, id := range fileIDs {
		plan.Operations = append(plan.Operations, timeline.CompactionOperation{FileID: id, Partition: "p"})
	}
	data, err := plan.Encode(w.config().Layout())
	require.NoError(w.t, err)
	return w.content(time+".compaction.requested", data)
}

// data adds data files: base files are b<group><instant>, logs l<group><time>.
func (w *world) data(short ...string) *world {
	for _, s := range short {
		group, at := s[1:2], s[2:]
		name := fmt.Sprintf("%s_0-0-0_%s.parquet", group, at)
		if s[0] == 'l' {
			name = fmt.Sprintf(".%s_%s.log.1_0-0-0", group, at)
		}
		w.files["p"] = append(w.files["p"], name)
	}
	return w
}

func (w *world) view() *View {
	c := w.config()
	tl, err := c.Timeline(w.t.Context(), w.store, time.UTC)
	require.NoError(w.t, err)
	return NewView(c, tl, w.files)
}

// show renders slices as group@instant: base logs.
func show(s []FileSlice) string {
	var out []string
	for _, s := range s {
		one := s.FileID + "@" + s.BaseInstant + ":"
		if s.Base != nil {
			one += " b" + s.Base.Instant
		}
		for _, l := range s.Logs {
			one += " l" + l.Name.Time
		}
		out = append(out, one)
	}
	return strings.Join(out, "; ")
}

func TestSlicesAt(t *testing.T) {
	tests := []struct {
		name string
		w    func(w *world)
		v    int
		at   string
		want string
	}{
		{"uncommitted files are invisible", func(w *world) {
			w.instants("10_11.commit", "20.deltacommit.inflight", "30.commit.requested").data("ba10", "la20", "bb30", "ba30")
		}, 9, "", "a@10: b10"},
		{"dead files of no instant are invisible", func(w *world) {
			w.instants("10_11.commit", "30_31.commit").data("ba10", "la20", "bb20", "ba30")
		}, 9, "", "a@30: b30"},
		{"archived files are visible", func(w *world) {
			w.instants("30_31.commit").data("ba10", "la20", "bb30")
		}, 9, "", "a@10: b10 l20; b@30: b30"},
		{"files undone before the start are not", func(w *world) {
			m := timeline.RollbackMetadata{Instants: []timeline.InstantInfo{{Time: "10", Action: "commit"}}}
			data, _ := m.Encode()
			w.instants("30_31.commit").content("20_21.rollback", data).data("ba10", "bb30")
		}, 9, "", "b@30: b30"},
		{"a compaction that was rolled back may come again", func(w *world) {
			m := timeline.RollbackMetadata{Instants: []timeline.InstantInfo{{Time: "10", Action: "compaction"}}}
			data, _ := m.Encode()
			w.instants("30_31.commit").content("20_21.rollback", data).data("ba10")
		}, 9, "", "a@10: b10"},
		{"a log belongs where its completion says", func(w *world) {
			w.instants("10_11.commit", "20_35.deltacommit", "30_40.commit", "30.compaction.requested", "15_16.deltacommit").
				data("ba10", "la15", "la20", "ba30")
		}, 9, "", "a@30: b30 l20"},
		{"as of a time the later base file does not exist", func(w *world) {
			w.instants("10_11.commit", "20_35.deltacommit", "30_40.commit", "15_16.deltacommit").
				data("ba10", "la15", "la20", "ba30")
		}, 9, "25", "a@10: b10 l15 l20"},
		{"log-only groups start with their first log", func(w *world) {
			w.instants("10_11.deltacommit", "20_21.deltacommit").data("la20", "la10")
		}, 9, "", "a@10: l10 l20"},
		{"a pending compaction is not seen", func(w *world) {
			w.instants("10_11.commit", "15_16.deltacommit", "20.compaction.inflight", "30_31.deltacommit").
				compaction("20", "a").data("ba10", "la15", "la30", "ba20")
		}, 9, "", "a@10: b10 l15 l30"},
		{"nor the log that completed after it was requested", func(w *world) {
			w.instants("10_11.commit", "15_25.deltacommit").compaction("20", "a").data("ba10", "la15")
		}, 9, "", "a@10: b10 l15"},
		{"a pending clustering is not seen", func(w *world) {
			w.instants("10_11.commit", "20.clustering.requested", "20.clustering.inflight").data("ba10", "bb20")
		}, 9, "", "a@10: b10"},
		{"before a slice begins there is none", func(w *world) {
			w.instants("10_11.commit", "20_21.commit").data("ba10", "bb20")
		}, 9, "15", "a@10: b10"},
		{"v6: a log belongs to the slice of its name", func(w *world) {
			w.instants("10.commit", "20.deltacommit", "30.commit").data("ba10", "la10", "ba30", "la30")
		}, 6, "", "a@30: b30 l30"},
		{"v6: a slice of no committed instant is invisible", func(w *world) {
			w.instants("10.commit", "20.deltacommit.inflight", "30.commit").data("ba10", "la20", "bb20")
		}, 6, "", "a@10: b10"},
		{"v6: a pending compaction's slice is merged with the one before", func(w *world) {
			w.instants("10.commit", "20.compaction.inflight", "30.deltacommit").
				compaction("20", "a", "b").data("ba10", "la10", "la20", "bb10", "ba20")
		}, 6, "", "a@10: b10 l10 l20; b@10: b10"},
		{"v6: as of", func(w *world) {
			w.instants("10.commit", "30.commit").data("ba10", "la10", "ba30")
		}, 6, "20", "a@10: b10 l10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.v)
			tt.w(w)
			got, err := w.view().SlicesAt(t.Context(), "p", tt.at)
			require.NoError(t, err)
			require.Equal(t, tt.want, show(got))
		})
	}
}

// TestArchivedLogs: whether a log of an archived write came before or after a base file is for
// the archive to tell, by the completion time.
func TestArchivedLogs(t *testing.T) {
	w := newWorld(t, 9)
	golden := goldentest.Store(t, "v9_cow_archived")
	files, err := golden.List(t.Context(), ".hoodie/timeline/history")
	require.NoError(t, err)
	for _, f := range files {
		data, err := storage.ReadFile(t.Context(), golden, f.Path)
		require.NoError(t, err)
		require.NoError(t, w.store.Put(t.Context(), f.Path, data))
	}
	// The archive has 20261123090231322, completed at 20261123090239116, and 20261123090242153.
	const requested, before, after = "20261123090231322", "20261123090235000", "20261123090240000"
	w.instants("20261124000000000_20261124000000001.deltacommit")
	w.data("ba20261123090000000", "la"+requested, "ba"+before, "bb20261123090000000", "lb"+requested, "bb"+after)
	at := func(at string) string {
		got, err := w.view().SlicesAt(t.Context(), "p", at)
		require.NoError(t, err)
		return show(got)
	}
	require.Equal(t, "a@"+before+": b"+before+" l"+requested+"; b@"+after+": b"+after, at(""), "completed after the one base file, before the other")

	for _, f := range files {
		require.NoError(t, w.store.Delete(t.Context(), f.Path))
	}
	require.Equal(t, "a@"+before+": b"+before+"; b@"+after+": b"+after, at(""), "without an archive the requested time counts")
}

func TestReplacedGroups(t *testing.T) {
	for _, version := range []int{6, 9} {
		w := newWorld(t, version)
		m := timeline.CommitMetadata{PartitionToReplaceFileIDs: map[string][]string{"p": {"a"}, "q": {"b"}}}
		data, err := m.Encode(w.config().Layout())
		require.NoError(t, err)
		if version == 6 {
			w.instants("10.commit").content("20.replacecommit", data)
		} else {
			w.instants("10_11.commit").content("20_25.replacecommit", data)
		}
		v := w.data("ba10", "bb10", "bc20").view()
		ctx := t.Context()
		now, err := v.SlicesAt(ctx, "p", "")
		require.NoError(t, err)
		require.Equal(t, "b@10: b10; c@20: b20", show(now))
		before, err := v.SlicesAt(ctx, "p", "19")
		require.NoError(t, err)
		require.Equal(t, "a@10: b10; b@10: b10", show(before))
		bases, err := v.BaseFilesAt(ctx, "p", "20")
		require.NoError(t, err)
		require.Equal(t, "b@10: b10; c@20: b20", show(bases))
		groups, err := v.Groups(ctx, "p")
		require.NoError(t, err)
		require.Len(t, groups, 3)
		require.Equal(t, "20", groups[0].ReplacedAt)
		require.Empty(t, groups[1].ReplacedAt)
		replaced, err := v.ReplacedAt(ctx)
		require.NoError(t, err)
		require.Equal(t, map[GroupID]string{{"p", "a"}: "20", {"q", "b"}: "20"}, replaced)
	}
}

func TestLatestForWriters(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, 9).instants("10_11.commit", "15_16.deltacommit", "20.compaction.inflight", "30_31.deltacommit", "40.deltacommit.inflight").
		compaction("20", "a").data("ba10", "la15", "la30", "la40", "ba20", "bb10", "lb15", "lc30")
	v := w.view()
	latest, err := v.Latest(ctx, "p")
	require.NoError(t, err)
	require.Equal(t, "a@20: l30; b@10: b10 l15; c@30: l30", show(latest))
	pending, err := v.PendingCompactions(ctx)
	require.NoError(t, err)
	require.Equal(t, "20", pending[GroupID{"p", "a"}].Time)
	bases, err := v.BaseFilesAt(ctx, "p", "")
	require.NoError(t, err)
	require.Equal(t, "a@10: b10; b@10: b10", show(bases))
	groups, err := v.Groups(ctx, "p")
	require.NoError(t, err)
	require.Equal(t, "a@20: l30; a@10: b10 l15", show(groups[0].Slices))
	committed, err := v.Committed(ctx)
	require.NoError(t, err)
	require.True(t, committed("10"))
	require.False(t, committed("40"))

	w = newWorld(t, 6).instants("10.commit", "20.compaction.requested", "30.deltacommit").compaction("20", "a").data("ba10", "la10", "ba20")
	latest, err = w.view().Latest(ctx, "p")
	require.NoError(t, err)
	require.Equal(t, "a@20:", show(latest))
	require.True(t, latest[0].Empty())
}

func TestOtherFilesAreIgnored(t *testing.T) {
	w := newWorld(t, 9).instants("10_11.commit", "20_21.deltacommit").data("ba10", "la20")
	w.files["p"] = append(w.files["p"],
		".hoodie_partition_metadata", ".hoodie_partition_metadata.parquet", ".a_0-0-0_10.parquet.crc",
		"..a_20.log.1_0-0-0.crc", "a_0-0-0_10.parquet.tmp", "a_0-0-0_10.orc", "notes.txt", "a_0-0-0_x.parquet",
		".a_20.log.1_0-0-0.cdc",
	)
	got, err := w.view().SlicesAt(t.Context(), "p", "")
	require.NoError(t, err)
	require.Equal(t, "a@10: b10 l20", show(got))
	require.Len(t, got[0].CDC, 1)
	require.Equal(t, "p/.a_20.log.1_0-0-0.cdc", got[0].CDC[0].Path)
	require.EqualValues(t, 2, got[0].Size())
}

func TestListerFindsPartitions(t *testing.T) {
	st := mem.New(clock)
	for _, f := range []string{
		".hoodie/hoodie.properties", ".hoodie/metadata/files/.hoodie_partition_metadata",
		"a/.hoodie_partition_metadata", "a/x.parquet", "a/below/.hoodie_partition_metadata",
		"b/c/.hoodie_partition_metadata.parquet", "b/d/x.parquet",
	} {
		require.NoError(t, st.Put(t.Context(), f, nil))
	}
	l := StorageLister(st)
	partitions, err := l.Partitions(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b/c"}, partitions)
	files, err := l.Files(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, files, 2)
	require.NoError(t, st.Put(t.Context(), ".hoodie_partition_metadata", nil))
	v := NewView(&Config{Version: 9}, nil, l)
	partitions, err = v.Partitions(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{""}, partitions)
}

func TestRecordSchema(t *testing.T) {
	schemaOf := func(column string) string {
		return `{"type":"record","name":"r","fields":[{"name":"` + column + `","type":"int"}]}`
	}
	commit := func(op, column string) []byte {
		m := timeline.CommitMetadata{OperationType: op, ExtraMetadata: map[string]string{}}
		if column != "" {
			m.ExtraMetadata[timeline.SchemaKey] = schemaOf(column)
		}
		data, err := m.Encode(timeline.Layout2)
		require.NoError(t, err)
		return data
	}
	w := newWorld(t, 9)
	resolve := func(c *Config, at string) string {
		tl, err := c.Timeline(t.Context(), w.store, time.UTC)
		require.NoError(t, err)
		s, err := c.RecordSchemaAt(t.Context(), tl, at)
		if err != nil {
			require.ErrorIs(t, err, base.ErrInvalid)
			return ""
		}
		names := ""
		for _, f := range s.Fields() {
			names += f.Name
		}
		return names
	}
	c := w.config()
	require.Empty(t, resolve(c, ""))
	c.CreateSchema = schemaOf("a")
	require.Equal(t, "a", resolve(c, ""))
	w.content("05_06.commit", commit(timeline.OpCompact, "z"))
	require.Equal(t, "z", resolve(c, ""))
	w.content("10_11.commit", commit(timeline.OpInsert, "b")).content("20_21.commit", commit(timeline.OpUpsert, "c")).
		content("30_31.commit", commit(timeline.OpDelete, "")).content("40_41.commit", commit(timeline.OpCompact, "b")).
		content("50.inflight", commit(timeline.OpUpsert, "x"))
	require.Equal(t, "c", resolve(c, ""))
	require.Equal(t, "b", resolve(c, "15"))
	require.Equal(t, "c", resolve(c, "35"))
	require.Equal(t, "b", resolve(c, "45"), "the compaction's own")
	c.DropPartitionColumns, c.PartitionBy = true, []string{"c", "d"}
	require.Equal(t, "cd", resolve(c, ""))
}
