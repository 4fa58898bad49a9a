package interop_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// What docs/compat.md says of Spark, so that we see when it is no longer true.

// A key that was deleted before a compaction was planned and is written again before it is carried out has its row in a log
// alone. Our index looks there; Spark's does not, and makes a second row of the key. Both engines then read both rows.
func TestSparkRepeatsAKeyThatOnlyALogHas(t *testing.T) {
	spark := interop.SharedSpark(t)
	s, err := schema.Parse(fmt.Sprintf(alternateAvro, ""))
	require.NoError(t, err)
	row := func(ts int) map[string]any {
		return map[string]any{"id": 1, "part": "x", "v": "v", "n": nil, "ts": ts}
	}
	for _, who := range []actor{we, other} {
		o := ours{filepath.Join(t.TempDir(), string(who)), manual(nil)}
		c := table.NewConfig("repeated")
		c.Type, c.Keys, c.Ordering = table.MOR, []string{"id"}, []string{"ts"}
		o.create(t, c)
		o.write(t, hudi.Insert, s, []map[string]any{row(1)})
		o.write(t, hudi.Delete, s, []map[string]any{row(2)})
		plan, err := o.open(t).ScheduleCompaction(t.Context(), 0)
		require.NoError(t, err)
		o.write(t, hudi.Upsert, s, []map[string]any{row(3)})
		_, err = o.open(t).ExecuteCompaction(t.Context(), plan)
		require.NoError(t, err)

		want := lines([]map[string]any{row(4)})
		if who == we {
			o.write(t, hudi.Upsert, s, []map[string]any{row(4)})
		} else {
			want = lines([]map[string]any{row(3), row(4)})
			spark.Write(t, interop.Write{Path: o.path, Name: "repeated", Schema: alternateDDL, Rows: []map[string]any{row(4)},
				Options: map[string]string{"hoodie.index.type": "SIMPLE"}})
		}
		require.Equal(t, want, lines(o.read(t, query.Options{})), who)
		require.Equal(t, want, lines(spark.Read(t, interop.Read{Path: o.path}).Rows), who)
	}
}

// The integer 0 is what real Hudi writes for no ordering value, so that a delete with an ordering value of 0 in an int column
// is unconditional, in both engines and in both kinds of tables.
func TestDeleteWithTheInteger0IsUnconditional(t *testing.T) {
	spark := interop.SharedSpark(t)
	s, err := schema.Parse(`{"type":"record","name":"row","fields":[{"name":"id","type":["null","long"],"default":null},
		{"name":"o","type":["null","int"],"default":null}]}`)
	require.NoError(t, err)
	row := func(id, at int) map[string]any { return map[string]any{"id": id, "o": at} }
	for _, kind := range []table.Type{table.COW, table.MOR} {
		o := ours{filepath.Join(t.TempDir(), string(kind)), manual(nil)}
		c := table.NewConfig("zero")
		c.Type, c.Keys, c.Ordering = kind, []string{"id"}, []string{"o"}
		o.create(t, c)
		o.write(t, hudi.Insert, s, []map[string]any{row(1, 5), row(2, 5), row(3, 5), row(4, 5)})
		o.write(t, hudi.Delete, s, []map[string]any{row(1, 0), row(2, 1)})
		spark.Write(t, interop.Write{Path: o.path, Name: "zero", Schema: "id long, o int, _hoodie_is_deleted boolean",
			Rows:    []map[string]any{with(row(3, 0), map[string]any{"_hoodie_is_deleted": true}), with(row(4, 1), map[string]any{"_hoodie_is_deleted": true})},
			Options: map[string]string{"hoodie.index.type": "SIMPLE"}})
		want := lines([]map[string]any{row(2, 5), row(4, 5)})
		require.Equal(t, want, lines(o.read(t, query.Options{Columns: []string{"id", "o"}})), kind)
		require.Equal(t, want, lines(spark.Read(t, interop.Read{Path: o.path, Columns: []string{"id", "o"}}).Rows), kind)
	}
}
