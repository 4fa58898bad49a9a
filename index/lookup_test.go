package index_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/storage/record"
	"github.com/hudi-go/hudi-go/table"
)

// world is a store with base files that have keys alone.
type world struct {
	t                    testing.TB
	store                *record.Store
	pageBytes, groupRows int
	slices               []table.FileSlice
	rows                 *schema.Schema
	bytes                int64 // of the base files
}

func (w *world) file(id string, bloom bool, keys []string) {
	columns := arrow.NewSchema([]arrow.Field{{Name: schema.MetaRecordKey, Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	s, err := schema.FromArrow("t", arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil))
	require.NoError(w.t, err)
	s = s.WithMeta()
	w.rows = s
	path := "p/" + id + "_0-0-0_1.parquet"
	sink, err := w.store.Create(w.t.Context(), path)
	require.NoError(w.t, err)
	f, err := basefile.NewWriter(sink, basefile.WriterOptions{Schema: s, NoBloom: !bloom, PageBytes: w.pageBytes, RowGroupRows: w.groupRows})
	require.NoError(w.t, err)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer b.Release()
	_, at, _ := s.Field(columns.Field(0).Name)
	for _, k := range keys {
		for i := range b.Fields() {
			if i == at {
				b.Field(i).(*array.StringBuilder).Append(k)
			} else {
				b.Field(i).AppendNull()
			}
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	require.NoError(w.t, f.Write(batch))
	_, err = f.Close()
	require.NoError(w.t, err)
	require.NoError(w.t, sink.Close())
	e, err := w.store.Stat(w.t.Context(), path)
	require.NoError(w.t, err)
	w.bytes += e.Size
	w.slices = append(w.slices, table.FileSlice{Partition: "p", FileID: id, BaseInstant: "1", Base: &table.BaseFile{Path: path, Name: id + "_0-0-0_1.parquet", Instant: "1", Size: e.Size}})
}

// footer is less than what is read of a file's end if it has a filter, and more than any other read.
const footer = 64 << 10

// locate says in which files keys are, and how many bytes besides filters were read to find out.
func (w *world) locate(filters bool, keys []string) (where map[string][]string, bytes int64) {
	changes := reducer(w.t, keys...)
	defer changes.Release()
	x := &index.Lookup{
		Store: w.store, Alloc: memory.DefaultAllocator, Filters: filters, Table: w.rows,
		Slices: func(context.Context, string) ([]table.FileSlice, error) { return slices.Clone(w.slices), nil },
	}
	w.store.Reset()
	all, err := x.Locate(w.t.Context(), []index.Part{{Partition: "p", Changes: changes}})
	require.NoError(w.t, err)
	for _, o := range w.store.Ops() {
		if o.Kind == intercept.ReadAt && o.Size < footer {
			bytes += o.Size
		}
	}
	where = map[string][]string{}
	put := func(e, g int32) {
		key := string(changes.Key(int(e)))
		where[key] = append(where[key], all[0].Groups[g].FileID)
		slices.Sort(where[key])
	}
	for e, g := range all[0].Of {
		if g >= 0 {
			put(int32(e), g)
		}
	}
	for _, p := range all[0].Also {
		put(p.Entry, p.Group)
	}
	return where, bytes
}

// TestFiltersFindWhatReadingFinds has files in the order of keys and in none, with and without
// filters, small ones, and keys that several files have.
func TestFiltersFindWhatReadingFinds(t *testing.T) {
	w := &world{t: t, store: record.Wrap(mem.New(time.Now)), pageBytes: 8 << 10, groupRows: 10_000}
	rng := rand.New(rand.NewPCG(1, 1))
	key := func(i int) string { return fmt.Sprintf("k%07d-é", i) }
	var sorted, mixed, few []string
	for i := range 40_000 {
		sorted = append(sorted, key(i))
		mixed = append(mixed, key(100_000+2*i))
		if i%1000 == 0 {
			few = append(few, key(2*i))
		}
	}
	rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	w.file("sorted", true, sorted)
	w.file("mixed", true, mixed)
	w.file("bare", false, sorted[20_000:])
	w.file("few", true, few)
	w.file("empty", true, nil)
	for _, n := range []int{1, 3, 40, 300, 5_000} {
		for range 5 {
			var keys []string
			from := rng.IntN(200_000)
			for range n {
				at := rng.IntN(200_000)
				if n%2 == 0 { // close together
					at = from + rng.IntN(2*n)
				}
				keys = append(keys, key(at))
			}
			keys = append(keys, "", "zzz")
			want, all := w.locate(false, keys)
			got, some := w.locate(true, keys)
			require.Equal(t, want, got)
			require.LessOrEqual(t, some, all+w.bytes/20)
		}
	}
	_, all := w.locate(false, sorted[100:200])
	_, some := w.locate(true, sorted[100:200])
	require.Less(t, some, all-4000, "few pages have keys that lie together")
	_, all = w.locate(false, []string{key(100_001), key(150_003)})
	_, some = w.locate(true, []string{key(100_001), key(150_003)})
	require.Less(t, 2*some, all, "the filter knows that the file has none of them")
}
