package hudi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// some makes rows of JSON objects that all have the same columns of recs.
func some(t *testing.T, alloc memory.Allocator, objects ...string) hudi.Rows {
	t.Helper()
	var first map[string]any
	require.NoError(t, json.Unmarshal([]byte(objects[0]), &first))
	var fields []arrow.Field
	for _, f := range simArrow.Fields() {
		if _, ok := first[f.Name]; ok {
			fields = append(fields, f)
		}
	}
	if _, ok := first[schema.IsDeleted]; ok {
		fields = append(fields, arrow.Field{Name: schema.IsDeleted, Type: arrow.FixedWidthTypes.Boolean, Nullable: true})
	}
	s, err := schema.FromArrow("sim", arrow.NewSchema(fields, nil))
	require.NoError(t, err)
	return hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		for _, text := range objects {
			batch, _, err := array.RecordFromJSON(alloc, s.Arrow(), strings.NewReader("["+text+"]"))
			more := yield(batch, err)
			if batch != nil {
				batch.Release()
			}
			if !more {
				return
			}
		}
	}}
}

// TestPartialRows writes rows with some columns into tables of every layout: those of rows that are there, of new ones, of
// deleted ones.
func TestPartialRows(t *testing.T) {
	t.Parallel()
	allKinds(t, func(t *testing.T, k kind) {
		for _, version := range table.Versions() {
			k.version = version
			for _, k.mode = range []string{table.EventTimeOrdering, table.CommitTimeOrdering} {
				t.Run(k.String(), func(t *testing.T) { testPartialRows(t, k) })
			}
		}
	})
}

func testPartialRows(t *testing.T, k kind) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	clock := &simClock{}
	st := mem.New(clock.Now)
	tab, err := hudi.CreateStore(t.Context(), st, k.config(), quiet(clock, alloc)...)
	require.NoError(t, err)
	do := func(objects ...string) {
		t.Helper()
		_, err := tab.Write(t.Context(), hudi.Upsert, some(t, alloc, objects...), hudi.WriteOptions{Partial: true})
		require.NoError(t, err)
	}
	is := func(want ...string) {
		t.Helper()
		seen, err := all(t.Context(), tab, query.Options{})
		require.NoError(t, err)
		require.Equal(t, want, seen)
	}
	_, err = tab.Write(t.Context(), hudi.Upsert, some(t, alloc, `{"id":"a","part":"x"}`), hudi.WriteOptions{Partial: true})
	require.ErrorIs(t, err, table.ErrNoSchema)
	_, err = tab.Write(t.Context(), hudi.Insert, input(alloc, 2, []rec{r("a", "x", "1", 5), r("b", "x", "1", 5), r("c", "y", "1", 5)}), hudi.WriteOptions{})
	require.NoError(t, err)

	do(`{"id":"a","part":"x","val":"2","ts":6}`, `{"id":"d","part":"y","val":"new","ts":6}`) // all of the columns
	do(`{"id":"b","part":"x","ts":7}`, `{"id":"b","part":"x","ts":8}`, `{"id":"e","part":"x","ts":7}`)
	is("x/a=2@6", "x/b=1@8", "x/e=@7", "y/c=1@5", "y/d=new@6")
	do(`{"id":"c","part":"y","val":"3"}`, `{"id":"e","part":"x","val":"3"}`) // without the ordering column
	is("x/a=2@6", "x/b=1@8", "x/e=3@7", "y/c=3@5", "y/d=new@6")
	late := map[string]string{table.EventTimeOrdering: "x/a=2@6", table.CommitTimeOrdering: "x/a=2@1"}[k.mode]
	if k.version == 6 && k.typ == table.MOR { // in whose logs ordering values always decide
		late = "x/a=2@6"
	}
	do(`{"id":"a","part":"x","ts":1}`)
	is(late, "x/b=1@8", "x/e=3@7", "y/c=3@5", "y/d=new@6")
	do(`{"id":"b","part":"x","ts":9,"_hoodie_is_deleted":true}`, `{"id":"c","part":"y","ts":9,"_hoodie_is_deleted":false}`)
	is(late, "x/e=3@7", "y/c=3@9", "y/d=new@6")
	do(`{"id":"b","part":"x","ts":10}`) // its other columns went with it
	is(late, "x/b=@10", "x/e=3@7", "y/c=3@9", "y/d=new@6")
	if k.typ == table.MOR {
		require.Equal(t, k.version >= 8, partialBlocks(t, st) > 0, "blocks of such rows")
		require.NoError(t, compact().do(t.Context(), tab))
		is(late, "x/b=@10", "x/e=3@7", "y/c=3@9", "y/d=new@6")
	}

	for _, c := range []struct {
		op   hudi.Operation
		rows string
		want string
	}{
		{hudi.Insert, `{"id":"a","part":"x"}`, "only an upsert"},
		{hudi.Upsert, `{"part":"x","val":"1"}`, `no field "id"`},
	} {
		_, err = tab.Write(t.Context(), c.op, some(t, alloc, c.rows), hudi.WriteOptions{Partial: true})
		require.ErrorIs(t, err, hudi.ErrInvalid)
		require.ErrorContains(t, err, c.want)
	}
}

// partialBlocks counts the log blocks with rows that have some columns.
func partialBlocks(t *testing.T, st storage.Store) (n int) {
	t.Helper()
	require.NoError(t, walkAll(t.Context(), st, "", func(e storage.Entry) error {
		if _, ok := base.ParseLogFileName(e.Name); !ok {
			return nil
		}
		f, err := st.Open(t.Context(), e.Path)
		require.NoError(t, err)
		defer f.Close()
		r := logfile.NewReader(e.Path, f, f.Size())
		for b, err := r.Next(); err == nil; b, err = r.Next() {
			if b.Header[logfile.HeaderPartial] == "true" {
				n++
			}
		}
		return nil
	}))
	return n
}

// Releases 0.15 and 1.0 cannot read rows without meta fields in logs.
func TestLogsWithoutMetaFields(t *testing.T) {
	for _, version := range table.Versions() {
		k := kind{typ: table.MOR, bare: true, version: version}
		clock := &simClock{}
		tab, err := hudi.CreateStore(t.Context(), mem.New(clock.Now), k.config(), quiet(clock, memory.DefaultAllocator)...)
		require.NoError(t, err)
		_, err = tab.Write(t.Context(), hudi.Insert, input(memory.DefaultAllocator, 1, []rec{r("a", "x", "1", 1)}), hudi.WriteOptions{})
		if version < 9 {
			require.ErrorIs(t, err, hudi.ErrUnsupported)
		} else {
			require.NoError(t, err)
		}
	}
}
