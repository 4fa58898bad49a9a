package cow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// The schemas of change logs have the text that real Hudi gives them.
func TestChangeSchemas(t *testing.T) {
	seen := 0
	for name, mode := range map[string]string{
		"v6_cdc_cow_keys": table.CDCKeys, "v6_cdc_cow_before": table.CDCBefore, "v6_cdc_cow_before_after": table.CDCBeforeAfter, "v8_cdc_cow_before_after": table.CDCBeforeAfter,
		"v9_cdc_cow_keys": table.CDCKeys, "v9_cdc_cow_before": table.CDCBefore, "v9_cdc_cow_before_after": table.CDCBeforeAfter,
	} {
		st := goldentest.Store(t, name)
		entries, err := st.List(t.Context(), "")
		require.NoError(t, err)
		for _, e := range entries {
			if n, ok := base.ParseLogFileName(e.Name); !ok || !n.CDC {
				continue
			}
			for _, b := range blocks(t, st, e.Path) {
				written, err := schema.Parse(b.Schema())
				require.NoError(t, err)
				row := written
				if f, _, ok := written.Field("before"); ok {
					image := *f.Type
					image.Nullable = false
					row, err = schema.New(&image)
					require.NoError(t, err)
				}
				text, err := changeSchema(mode, row)
				require.NoError(t, err)
				if strings.HasPrefix(name, "v6") || strings.HasPrefix(name, "v8") { // the record has no documentation there
					text = strings.Replace(text, `"doc":"","fields"`, `"fields"`, 1)
				}
				require.Equal(t, b.Schema(), text, name)
				seen++
			}
		}
	}
	require.GreaterOrEqual(t, seen, 14)
	row, err := schema.FromArrow("t", arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.BinaryTypes.String}}, nil))
	require.NoError(t, err)
	_, err = changeSchema("SOME", row)
	require.ErrorIs(t, err, base.ErrUnsupported)
}

func blocks(t *testing.T, st storage.Store, path string) (list []*logfile.Block) {
	t.Helper()
	f, err := st.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	r := logfile.NewReader(path, f, f.Size())
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		require.Equal(t, logfile.CDCData, b.Type)
		list = append(list, b)
	}
}

// TestChangeLog writes logs of every mode in blocks of a few records, and reads them.
func TestChangeLog(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	plain, err := schema.FromArrow("t", arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.BinaryTypes.String, Nullable: true}}, nil))
	require.NoError(t, err)
	full := plain.WithMeta()
	batch := func(list ...string) (arrow.RecordBatch, *array.String) {
		b := array.NewRecordBuilder(alloc, full.Arrow())
		defer b.Release()
		for i, v := range list {
			for c := range 5 {
				b.Field(c).(*array.StringBuilder).Append(fmt.Sprint("key", i))
			}
			b.Field(5).(*array.StringBuilder).Append(v)
		}
		rows := b.NewRecordBatch()
		return rows, rows.Column(2).(*array.String)
	}
	for mode, want := range map[string]string{
		table.CDCKeys:        "u key0|d key2|i key0|i key1",
		table.CDCBefore:      "u key0 {a}|d key2 {c}|i key0 -|i key1 -",
		table.CDCBeforeAfter: "u 20260101000000000 {a} {A}|d 20260101000000000 {c} -|i 20260101000000000 - {x}|i 20260101000000000 - {y}",
	} {
		t.Run(mode, func(t *testing.T) {
			st := mem.New(func() time.Time { return time.Time{} })
			var marked []string
			w := &Writer{Store: st, Schema: full, Alloc: alloc, Instant: "20260101000000000", Changes: &ChangeLogs{Mode: mode, BlockBytes: 40, Announce: nil}}
			w.Changes.Announce = func(_ context.Context, path string) error { marked = append(marked, path); return nil }
			l, err := w.openChanges(t.Context(), "p", "f-0", "1-0-0")
			require.NoError(t, err)
			old, keys := batch("a", "b", "c")
			defer old.Release()
			now, _ := batch("A", "b")
			defer now.Release()
			require.NoError(t, l.merged(old, now, keys, []change{{0, 0}, {2, -1}}))
			added, keys := batch("x", "y")
			defer added.Release()
			require.NoError(t, l.inserted(added, keys))
			require.NoError(t, l.close())
			require.Equal(t, []string{"p/.f-0_20260101000000000.log.1_1-0-0.cdc"}, marked)
			e, err := st.Stat(t.Context(), marked[0])
			require.NoError(t, err)
			require.Equal(t, e.Size, l.bytes)

			found := blocks(t, st, marked[0])
			require.Greater(t, len(found), 1)
			var got []string
			for _, b := range found {
				got = append(got, changesIn(t, b, alloc)...)
			}
			require.Equal(t, want, strings.Join(got, "|"))
		})
	}
}

// changesIn are the records of a block as text.
func changesIn(t *testing.T, b *logfile.Block, alloc memory.Allocator) (out []string) {
	t.Helper()
	s, err := schema.Parse(b.Schema())
	require.NoError(t, err)
	d, err := avroarrow.NewDecoder(s, s, alloc)
	require.NoError(t, err)
	defer d.Release()
	content, err := b.Content(t.Context())
	require.NoError(t, err)
	records, err := logfile.Records(content)
	require.NoError(t, err)
	for rec, err := range records {
		require.NoError(t, err)
		require.NoError(t, d.Append(rec))
	}
	rows, err := d.Flush()
	require.NoError(t, err)
	defer rows.Release()
	for row := range int(rows.NumRows()) {
		var parts []string
		for _, c := range rows.Columns() {
			switch c := c.(type) {
			case *array.String:
				parts = append(parts, c.Value(row))
			case *array.Struct:
				if c.IsNull(row) {
					parts = append(parts, "-")
				} else {
					parts = append(parts, "{"+c.Field(0).ValueStr(row)+"}")
				}
			}
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}
