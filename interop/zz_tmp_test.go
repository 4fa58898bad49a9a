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

func TestZZ(t *testing.T) {
	spark := interop.SharedSpark(t)
	o := ours{filepath.Join(t.TempDir(), "d"), manual(nil)}
	s, err := schema.Parse(fmt.Sprintf(alternateAvro, ""))
	require.NoError(t, err)
	c := table.NewConfig("d")
	c.Type, c.Keys, c.Ordering = table.MOR, []string{"id"}, []string{"ts"}
	o.create(t, c)
	row := func(ts int) []map[string]any { return []map[string]any{{"id": 1, "ts": ts, "v": fmt.Sprint(ts)}} }
	o.write(t, hudi.Insert, s, row(1))
	o.write(t, hudi.Delete, s, row(2))
	i, err := o.open(t).ScheduleCompaction(t.Context(), 0)
	require.NoError(t, err)
	o.write(t, hudi.Upsert, s, row(3))
	_, err = o.open(t).ExecuteCompaction(t.Context(), i)
	require.NoError(t, err)
	fmt.Println("ZZ", lines(o.read(t, query.Options{})))
	spark.Write(t, interop.Write{Path: o.path, Name: "d", Schema: alternateDDL, Rows: row(4), Options: map[string]string{"hoodie.index.type": "SIMPLE"}})
	fmt.Println("ZZ", lines(o.read(t, query.Options{})))
	fmt.Println("ZZ", lines(spark.Read(t, interop.Read{Path: o.path}).Rows))
	// int ordering zero
	for _, kind := range []table.Type{table.COW, table.MOR} {
		o := ours{filepath.Join(t.TempDir(), "d"+string(kind)), manual(nil)}
		s, err := schema.Parse(`{"type":"record","name":"row","fields":[{"name":"id","type":["null","long"],"default":null},{"name":"o","type":["null","int"],"default":null}]}`)
		require.NoError(t, err)
		c := table.NewConfig("d")
		c.Type, c.Keys, c.Ordering = kind, []string{"id"}, []string{"o"}
		o.create(t, c)
		r := func(id int, del bool, at any) map[string]any { return map[string]any{"id": id, "o": at, "_hoodie_is_deleted": del} }
		o.write(t, hudi.Insert, s, []map[string]any{{"id": 1, "o": 5}, {"id": 2, "o": 5}, {"id": 3, "o": -5}, {"id": 4, "o": 5}})
		o.write(t, hudi.Delete, s, []map[string]any{{"id": 1, "o": 0}})
		fmt.Println("ZZ", kind, lines(o.read(t, query.Options{})), lines(spark.Read(t, interop.Read{Path: o.path}).Rows))
		spark.Write(t, interop.Write{Path: o.path, Name: "d", Schema: "id long, o int, _hoodie_is_deleted boolean", Rows: []map[string]any{r(2, true, 0)}, Options: map[string]string{"hoodie.index.type": "SIMPLE"}})
		fmt.Println("ZZ", kind, lines(o.read(t, query.Options{})), lines(spark.Read(t, interop.Read{Path: o.path}).Rows))
		err = spark.Call(struct {
			Cmd string `json:"cmd"`
			interop.Write
		}{"write", interop.Write{Path: o.path, Name: "d", Schema: "id long, o int, _hoodie_is_deleted boolean", Rows: []map[string]any{r(4, false, nil)}, Options: map[string]string{"hoodie.index.type": "SIMPLE"}}}, nil)
		fmt.Println("ZZ", err)
		fmt.Println("ZZ", kind, lines(o.read(t, query.Options{})), lines(spark.Read(t, interop.Read{Path: o.path}).Rows))
	}
}
