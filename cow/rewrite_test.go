package cow_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// TestRewrite rewrites a file of many row groups again and again, with random changes, and
// compares it with a model.
func TestRewrite(t *testing.T) {
	for seed := range uint64(30) {
		rewriteSeed(t, seed)
	}
}

type storedRow struct {
	v  string
	ts int64
}

func rewriteSeed(t *testing.T, seed uint64) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, alloc)
	w.RowGroupRows, w.Parallel = 20, 1+r.IntN(2)
	model, order := map[string]storedRow{}, []string(nil)
	next := 0
	newKeys := func(n int) (keys []string) {
		for range n {
			keys = append(keys, fmt.Sprintf("k%05d", next))
			next++
		}
		order = append(order, keys...)
		return keys
	}
	first := newKeys(100 + r.IntN(300))
	for _, k := range first {
		model[k] = storedRow{"old", 5}
	}
	stat, err := w.Create(t.Context(), "p", "f-0", w.rows(func() arrow.RecordBatch { return w.batch("old", 5, first...) }))
	require.NoError(t, err)
	for generation := range 6 {
		changes := merge.NewReducer(rules, w.Schema.Arrow(), alloc)
		add := func(v string, ts int64, keys ...string) {
			b := w.batch(v, ts, keys...)
			defer b.Release()
			require.NoError(t, changes.AddRows(b, b.Column(2).(*array.String)))
			for _, k := range keys {
				model[k] = storedRow{v, ts}
			}
		}
		apply := r.IntN(6) > 0
		if apply {
			for range r.IntN(6) {
				switch k := order[r.IntN(len(order))]; {
				case r.IntN(8) == 0:
					changes.AddDelete(k, merge.Value{})
					delete(model, k)
				case model[k].v != "": // present
					add(fmt.Sprint("v", generation), model[k].ts+int64(r.IntN(2)), k)
				}
			}
		}
		if r.IntN(3) == 0 {
			add("new", 5, newKeys(r.IntN(30))...)
		}
		var entries []int32
		for i := range changes.Len() {
			entries = append(entries, int32(i))
		}
		stat, err = w.Merge(t.Context(), table.FileSlice{Partition: "p", FileID: "f-0", Base: &table.BaseFile{Path: stat.Path}}, changes, apply, entries)
		changes.Release()
		require.NoError(t, err)
		order = slices.DeleteFunc(order, func(k string) bool { return model[k].v == "" })
		var want []string
		for _, k := range order {
			want = append(want, k+"="+model[k].v)
		}
		require.Equal(t, want, w.read(stat), "seed %d, generation %d", seed, generation)
	}
}

// TestRewriteDoesNotReadWhatStays damages pages: a rewrite that needs none of them does not
// notice, and has them in the new file as they are.
func TestRewriteDoesNotReadWhatStays(t *testing.T) {
	const keyColumn, nameColumn, vColumn, tsColumn = 2, 4, 5, 6
	for _, test := range []struct {
		name          string
		group, column int
		fails         bool
	}{
		{"a group without changes", 0, vColumn, false},
		{"its keys", 0, keyColumn, false},
		{"its file names", 0, nameColumn, false},
		{"a group with changes", 1, vColumn, true},
		{"an unchanged column beside them", 1, tsColumn, true}, // values are compared
	} {
		t.Run(test.name, func(t *testing.T) {
			alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer alloc.AssertSize(t, 0)
			w := newWorld(t, alloc)
			w.RowGroupRows, w.Codec = 20, "zstd"
			var keys []string
			for i := range 60 {
				keys = append(keys, fmt.Sprintf("k%02d", i))
			}
			old, err := w.Create(t.Context(), "p", "f-0", w.rows(func() arrow.RecordBatch { return w.batch("old", 5, keys...) }))
			require.NoError(t, err)
			damaged := w.damage(old, test.group, test.column)

			changes := merge.NewReducer(rules, w.Schema.Arrow(), alloc)
			defer changes.Release()
			b := w.batch("new", 5, "k25")
			require.NoError(t, changes.AddRows(b, b.Column(2).(*array.String)))
			b.Release()
			slice := table.FileSlice{Partition: "p", FileID: "f-0", Base: &table.BaseFile{Path: old.Path}}
			stat, err := w.Merge(t.Context(), slice, changes, true, []int32{0})
			if test.fails {
				require.ErrorIs(t, err, base.ErrCorrupt)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.column != nameColumn, bytes.Contains(w.content(stat.Path), damaged))
		})
	}
}

func (w *world) content(path string) []byte {
	f, err := w.store.Open(w.t.Context(), path)
	require.NoError(w.t, err)
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	require.NoError(w.t, err)
	return b
}

// damage overwrites the pages of a column chunk, and returns what is there now.
func (w *world) damage(stat *timeline.WriteStat, group, column int) []byte {
	data := w.content(stat.Path)
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(w.t, err)
	m := f.Metadata().RowGroups[group].Columns[column].MetaData
	from := m.DataPageOffset
	if m.DictionaryPageOffset > 0 {
		from = min(from, m.DictionaryPageOffset)
	}
	chunk := data[from : from+m.TotalCompressedSize]
	for i := range chunk {
		chunk[i] = byte(0xA0 + i%7)
	}
	require.NoError(w.t, w.store.Delete(w.t.Context(), stat.Path))
	out, err := w.store.Create(w.t.Context(), stat.Path)
	require.NoError(w.t, err)
	_, err = out.Write(data)
	require.NoError(w.t, err)
	require.NoError(w.t, out.Close())
	return chunk
}
