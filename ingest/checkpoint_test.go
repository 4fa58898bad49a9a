package ingest_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/timeline"
)

// write makes a commit of another engine, without a checkpoint.
func (s *sim) write(extra map[string]string) {
	s.t.Helper()
	tab, err := hudi.Open(s.t.Context(), s.uri)
	require.NoError(s.t, err)
	columns, err := tab.Schema(s.t.Context())
	require.NoError(s.t, err)
	_, err = tab.Write(s.t.Context(), hudi.Insert, hudi.Rows{Schema: columns, Batches: noRows}, hudi.WriteOptions{Extra: extra})
	require.NoError(s.t, err)
}

func (s *sim) timeline() *timeline.Timeline {
	s.t.Helper()
	tab, err := hudi.Open(s.t.Context(), s.uri)
	require.NoError(s.t, err)
	tl, err := tab.Timeline(s.t.Context())
	require.NoError(s.t, err)
	return tl
}

// archive moves all completed writes but the last to the archive, as Spark does (layout 2): a
// file with a row each, which the manifest lists in any order.
func (s *sim) archive() {
	s.t.Helper()
	ctx, tl := s.t.Context(), s.timeline()
	require.Equal(s.t, timeline.Layout2, tl.Layout())
	columns, err := schema.Parse(`{"type":"record","name":"HoodieLSMTimelineInstant","namespace":"org.apache.hudi.avro.model","fields":[` +
		`{"name":"instantTime","type":["null","string"],"default":null},{"name":"completionTime","type":["null","string"],"default":null},` +
		`{"name":"action","type":["null","string"],"default":null},{"name":"metadata","type":["null","bytes"],"default":null},` +
		`{"name":"plan","type":["null","bytes"],"default":null}]}`)
	require.NoError(s.t, err)
	dir := tl.Layout().ArchiveDir()
	var listed []string
	writes := tl.CompletedWrites()
	for _, i := range writes[:len(writes)-1] {
		at := base.Join(tl.Layout().Dir(), i.File)
		content, err := storage.ReadFile(ctx, s.store, at)
		require.NoError(s.t, err)
		b := array.NewRecordBuilder(memory.DefaultAllocator, columns.Arrow())
		for c, text := range []string{i.Time, i.Completion, string(i.Action)} {
			b.Field(c).(*array.StringBuilder).Append(text)
		}
		b.Field(3).(*array.BinaryBuilder).Append(content)
		b.Field(4).AppendNull()
		rows := b.NewRecordBatch()
		var file bytes.Buffer
		w, err := basefile.NewWriter(&file, basefile.WriterOptions{Schema: columns, NoBloom: true})
		require.NoError(s.t, err)
		require.NoError(s.t, w.Write(rows))
		_, err = w.Close()
		require.NoError(s.t, err)
		name := fmt.Sprintf("%s_%s_0.parquet", i.Time, i.Time)
		listed = append(listed, fmt.Sprintf(`{"fileName":%q,"fileLen":%d}`, name, file.Len()))
		require.NoError(s.t, s.store.Put(ctx, base.Join(dir, name), file.Bytes()))
		for _, state := range []timeline.State{timeline.Requested, timeline.Inflight, timeline.Completed} {
			name := tl.Layout().FileName(i.Time, i.Action, state, i.Completion)
			require.NoError(s.t, s.store.Delete(ctx, base.Join(tl.Layout().Dir(), name)))
		}
	}
	slices.Reverse(listed)
	require.NoError(s.t, s.store.Put(ctx, base.Join(dir, "manifest_1"), fmt.Appendf(nil, `{"files":[%s]}`, strings.Join(listed, ","))))
	require.NoError(s.t, s.store.Put(ctx, base.Join(dir, "_version_"), []byte("1")))
}

// Other engines write and archive until the checkpoint is in the archive only. It holds there,
// for the next run and for one that was under way.
func TestCheckpointInArchive(t *testing.T) {
	for _, kind := range bothTypes {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			sim := newSim(t, simPartitions)
			sim.version = 9
			src := newSource(31, sim.topic)
			for range 40 {
				src.change()
			}
			options := func(o *ingest.Options) {
				o.Type, o.Mode, o.MaxRows = kind, cdc.Append, 7
			}
			sim.produce(src.sent[:20]...)
			require.Greater(t, sim.must(options).Commits, int64(1))
			for range 3 {
				sim.write(nil)
			}
			sim.archive()
			require.Len(t, sim.timeline().CompletedWrites(), 1)
			require.Zero(t, sim.must(options).Events, "the table has them")
			sim.produce(src.sent[20:]...)
			sim.must(options)
			require.Equal(t, wantOffsets(src.sent), sim.offsets())
		})
	}
}

// A table that has commits without any checkpoint may have the topic's events already.
func TestNoCheckpoint(t *testing.T) {
	prepare := func(t *testing.T, mode cdc.Mode) (*sim, *source, func(*ingest.Options)) {
		sim := newSim(t, simPartitions)
		src := newSource(32, sim.topic)
		for range 30 {
			src.change()
		}
		options := func(o *ingest.Options) { o.Mode = mode }
		sim.produce(src.sent...)
		sim.must(options)
		tab, err := hudi.Open(t.Context(), sim.uri)
		require.NoError(t, err)
		columns, err := tab.Schema(t.Context())
		require.NoError(t, err)
		config := *tab.Config()
		sim.use(mem.New(time.Now))
		tab, err = hudi.Create(t.Context(), sim.uri, config)
		require.NoError(t, err)
		_, err = tab.Write(t.Context(), hudi.Insert, hudi.Rows{Schema: columns, Batches: noRows}, hudi.WriteOptions{})
		require.NoError(t, err)
		return sim, src, options
	}
	t.Run("append", func(t *testing.T) {
		sim, src, options := prepare(t, cdc.Append)
		_, err := sim.run(options)
		require.ErrorIs(t, err, hudi.ErrInvalid)
		require.ErrorContains(t, err, "--start")
		for _, start := range []string{"last", "elsewhere,0:1", sim.topic, sim.topic + ",0:x"} {
			_, err = sim.run(func(o *ingest.Options) { options(o); o.Start = start })
			require.ErrorIs(t, err, hudi.ErrInvalid, start)
		}
		require.Empty(t, sim.offsets())
		sum := sim.must(func(o *ingest.Options) { options(o); o.Start = ingest.StartFirst })
		require.EqualValues(t, len(src.sent), sum.Events)
		require.Equal(t, wantOffsets(src.sent), sim.offsets())
		require.Zero(t, sim.must(func(o *ingest.Options) { options(o); o.Start = ingest.StartFirst }).Events, "the table's offsets count")
	})
	t.Run("append from offsets", func(t *testing.T) {
		sim, src, options := prepare(t, cdc.Append)
		sim.must(func(o *ingest.Options) { options(o); o.Start = sim.topic + ",0:3,2:5" })
		want := slices.DeleteFunc(wantOffsets(src.sent), func(line string) bool {
			var p, offset int
			_, err := fmt.Sscanf(line, `{"_kafka_partition":%d,"_kafka_offset":%d}`, &p, &offset)
			require.NoError(t, err)
			return p == 0 && offset < 3 || p == 2 && offset < 5
		})
		require.Equal(t, want, sim.offsets())
	})
	t.Run("upsert", func(t *testing.T) {
		sim, src, options := prepare(t, cdc.Upsert)
		sim.must(options)
		require.Equal(t, src.lines(), sim.lines())
	})
}
