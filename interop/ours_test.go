package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// ours is a table as hudi-go sees it. Every call opens it anew, as another process would.
type ours struct {
	path    string
	options map[string]string
}

// manual leaves all table services to the test.
func manual(more map[string]string) map[string]string {
	all := map[string]string{"hoodie.compact.inline": "false", "hoodie.clean.automatic": "false"}
	maps.Copy(all, more)
	return all
}

func (o ours) open(t testing.TB) *hudi.Table {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { alloc.AssertSize(t, 0) })
	tab, err := hudi.Open(t.Context(), o.path, hudi.WithAllocator(alloc), hudi.WithProperties(o.options))
	require.NoError(t, err)
	return tab
}

func (o ours) create(t testing.TB, c table.Config) {
	t.Helper()
	_, err := hudi.Create(t.Context(), o.path, c, hudi.WithProperties(o.options))
	require.NoError(t, err)
}

// newOurs makes a table of ours with the columns id, part and ts, which both engines write to.
func newOurs(t testing.TB, release interop.Release, name string, typ table.Type, avro string, options map[string]string, set func(c *table.Config)) ours {
	t.Helper()
	o := ours{filepath.Join(t.TempDir(), name), manual(options)}
	c := table.NewConfig(name)
	c.Type, c.Version, c.InitialVersion = typ, release.TableVersion(), release.TableVersion()
	c.Keys, c.Ordering, c.PartitionBy = []string{"id"}, []string{"ts"}, []string{"part"}
	c.CreateSchema = avro
	if set != nil {
		set(&c)
	}
	o.create(t, c)
	return o
}

// setBuckets gives a table a bucket index, and Spark's writes the options for it; 0 leaves both as they are.
func setBuckets(c *table.Config, options map[string]string, n int) {
	if n > 0 {
		c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: n}
		options["hoodie.index.type"], options["hoodie.bucket.index.num.buckets"] = "BUCKET", fmt.Sprint(n)
	}
}

// rowsOf are rows given as objects in the encoding of hudictl's jsonl.
func rowsOf(t testing.TB, s *schema.Schema, list ...map[string]any) (iter.Seq2[arrow.RecordBatch, error], error) {
	t.Helper()
	var text bytes.Buffer
	for _, row := range list {
		require.NoError(t, json.NewEncoder(&text).Encode(row))
	}
	_, batches, err := rowio.Read(t.Context(), &text, rowio.JSONL, rowio.ReadOptions{Schema: s, Alloc: memory.DefaultAllocator})
	return batches, err
}

// write writes rows given as rowsOf has them.
func (o ours) write(t testing.TB, op hudi.Operation, s *schema.Schema, rows []map[string]any) hudi.Commit {
	t.Helper()
	batches, err := rowsOf(t, s, rows...)
	require.NoError(t, err)
	commit, err := o.open(t).Write(t.Context(), op, hudi.Rows{Schema: s, Batches: batches}, hudi.WriteOptions{})
	require.NoError(t, err)
	return commit
}

func (o ours) read(t testing.TB, q query.Options) []map[string]any {
	t.Helper()
	rows, err := o.tryRead(t, q)
	require.NoError(t, err)
	return rows
}

func (o ours) tryRead(t testing.TB, q query.Options) ([]map[string]any, error) {
	t.Helper()
	plan, err := o.open(t).Query(t.Context(), q)
	if err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	w, err := rowio.NewWriter(&lines, rowio.JSONL, plan.Schema, rowio.WriteOptions{Alloc: memory.DefaultAllocator})
	require.NoError(t, err)
	for batch, err := range plan.Rows(t.Context()) {
		if err != nil {
			return nil, err
		}
		require.NoError(t, w.Write(batch))
	}
	require.NoError(t, w.Close())
	rows, err := interop.ReadJSONL(&lines)
	require.NoError(t, err)
	return rows, nil
}

// lines are rows as sorted text, one line each, for comparing and for showing.
func lines(rows []map[string]any) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		text, err := json.Marshal(row) // sorts the names
		if err != nil {
			panic(err)
		}
		out[i] = string(text)
	}
	slices.Sort(out)
	return out
}

// difference tells in what two sets of lines differ, "" in nothing.
func difference(wantName string, want []string, gotName string, got []string) string {
	count := map[string]int{}
	for _, line := range want {
		count[line]++
	}
	for _, line := range got {
		count[line]--
	}
	var b strings.Builder
	for _, line := range slices.Sorted(maps.Keys(count)) {
		switch n := count[line]; {
		case n > 0:
			fmt.Fprintf(&b, "  only in %s (%d): %.2000s\n", wantName, n, line)
		case n < 0:
			fmt.Fprintf(&b, "  only in %s (%d): %.2000s\n", gotName, -n, line)
		}
	}
	return b.String()
}
