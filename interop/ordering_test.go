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

// ordered is a type of ordering columns with three values, ascending. A value has one part for each column.
type ordered struct {
	name           string
	avro, spark    []string
	low, mid, high []any
	sparkReadsOnly bool // Spark cannot write to a table with the type
	noSparkDeletes bool // Spark fails on a delete, and its table is as before
}

func orderedBy(name, avro, spark string, low, mid, high any) ordered {
	return ordered{name: name, avro: []string{avro}, spark: []string{spark}, low: []any{low}, mid: []any{mid}, high: []any{high}}
}

func (o ordered) readOnly() ordered {
	o.sparkReadsOnly = true
	return o
}

func (o ordered) deletesFail() ordered {
	o.noSparkDeletes = true
	return o
}

var orderings = []ordered{
	orderedBy("int", `"int"`, "int", -5, 3, 7),
	orderedBy("long", `"long"`, "bigint", -1<<40, 9, 10),
	orderedBy("float", `"float"`, "float", num("-0.5"), num("9.5"), "NaN"),
	orderedBy("double", `"double"`, "double", "-Infinity", num("9.5"), num("1e300")),
	orderedBy("string", `"string"`, "string", "10", "9", "é"),
	orderedBy("date", `{"type":"int","logicalType":"date"}`, "date", "1969-12-31", "1970-01-02", "2026-01-31").deletesFail(),
	orderedBy("tsmicros", `{"type":"long","logicalType":"timestamp-micros"}`, "timestamp",
		"1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000000Z", "2026-01-31T10:20:30.123456Z"),
	orderedBy("tsmillis", `{"type":"long","logicalType":"timestamp-millis"}`, "timestamp",
		"1969-12-31T23:59:59.999000Z", "1970-01-01T00:00:00.000000Z", "2026-01-31T10:20:30.123000Z").readOnly(),
	orderedBy("localmicros", `{"type":"long","logicalType":"local-timestamp-micros"}`, "timestamp_ntz",
		"1969-12-31T23:59:59.999999", "1970-01-01T00:00:00.000000", "2026-01-31T10:20:30.123456"),
	orderedBy("dec5", decimalType("o", 5, 2, 3), "decimal(5,2)", "-9.99", "0.00", "100.01"),
	orderedBy("dec38", decimalType("o", 38, 10, 16), "decimal(38,10)", "-123456789012345.0000000001", "9.0000000000", "10.0000000000"),
	{name: "two", avro: []string{`"long"`, `"int"`}, spark: []string{"bigint", "int"}, low: []any{1, 9}, mid: []any{2, 1}, high: []any{2, 3}},
}

// Event-time order by columns of every type, with deletes that have ordering values, is the same here and in Spark.
func TestOrderingTypes(t *testing.T) {
	for _, c := range orderings {
		t.Run(c.name, func(t *testing.T) {
			spark := interop.SharedSpark(t)
			o := ours{filepath.Join(t.TempDir(), "ordered"), manual(nil)}
			columns, ddl := `{"name":"id","type":"long"},{"name":"v","type":["null","string"],"default":null}`, "id long, v string"
			conf := table.NewConfig("ordered")
			conf.Type, conf.Keys = table.MOR, []string{"id"}
			conf.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: 1}
			for i, avro := range c.avro {
				name := fmt.Sprint("o", i)
				conf.Ordering = append(conf.Ordering, name)
				columns += fmt.Sprintf(`,{"name":%q,"type":["null",%s],"default":null}`, name, avro)
				ddl += ", " + name + " " + c.spark[i]
			}
			s, err := schema.Parse(`{"type":"record","name":"ordered","fields":[` + columns + `]}`)
			require.NoError(t, err)
			o.create(t, conf)
			row := func(id int, v string, at []any) map[string]any {
				r := map[string]any{"id": id, "v": v}
				for i, part := range at {
					r[fmt.Sprint("o", i)] = part
				}
				return r
			}
			check := func(want map[int]string) {
				t.Helper()
				for who, rows := range map[string][]map[string]any{
					"ours":  o.read(t, query.Options{}),
					"Spark": spark.Read(t, interop.Read{Path: o.path, Encoding: interop.Contract}).Rows,
				} {
					got := map[int]string{}
					for _, r := range rows {
						var id int
						_, err := fmt.Sscan(fmt.Sprint(r["id"]), &id)
						require.NoError(t, err)
						got[id] = r["v"].(string)
					}
					require.Equal(t, want, got, who)
				}
			}

			var rows []map[string]any
			for id := 1; id <= 6; id++ {
				rows = append(rows, row(id, "base", c.mid))
			}
			o.write(t, hudi.Insert, s, rows)
			_, err = o.open(t).Compact(t.Context())
			require.NoError(t, err)
			o.write(t, hudi.Upsert, s, []map[string]any{row(1, "late", c.low), row(2, "newer", c.high), row(3, "equal", c.mid)})
			o.write(t, hudi.Delete, s, []map[string]any{row(4, "", c.low), row(5, "", c.mid), row(6, "", c.high)})
			o.write(t, hudi.Upsert, s, []map[string]any{row(6, "after delete", c.mid)})
			check(map[int]string{1: "base", 2: "newer", 3: "equal", 4: "base"})

			if c.sparkReadsOnly {
				return
			}
			marked := []map[string]any{row(1, "", c.low), row(2, "", c.high), row(3, "newest", c.high), row(4, "", c.mid), row(5, "again", c.high)}
			for i, r := range marked {
				r["_hoodie_is_deleted"] = i != 2 && i != 4
			}
			w := interop.Write{Path: o.path, Name: "ordered", Schema: ddl + ", _hoodie_is_deleted boolean", Rows: marked}
			if c.noSparkDeletes {
				err := spark.Call(struct {
					Cmd string `json:"cmd"`
					interop.Write
				}{"write", w}, nil)
				require.ErrorContains(t, err, "UnresolvedUnionException")
				return
			}
			spark.Write(t, w)
			check(map[int]string{1: "base", 3: "newest", 5: "again"})
		})
	}
}
