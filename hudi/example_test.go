package hudi_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

// check stands for what a program does about errors.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// trips makes rows of JSON, as a program makes them of whatever it has.
func trips(json string) hudi.Rows {
	columns := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "city", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "fare", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil)
	s, err := schema.FromArrow("trips", columns)
	check(err)
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, columns, strings.NewReader(json))
	check(err)
	return hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) { yield(batch, nil) }}
}

// newTrips makes an empty table in memory. A program names a folder instead:
// hudi.Create(ctx, "/data/trips", c).
func newTrips(ctx context.Context) *hudi.Table {
	c := table.NewConfig("trips")
	c.Type = table.MOR
	c.Keys = []string{"id"}
	c.Ordering = []string{"ts"}
	clock := new(simClock)
	t, err := hudi.CreateStore(ctx, mem.New(clock.Now), c, hudi.WithClock(clock.Now))
	check(err)
	return t
}

// show prints the answer of a query, in the order of its text.
func show(ctx context.Context, t *hudi.Table, o query.Options) {
	plan, err := t.Query(ctx, o)
	check(err)
	var lines []string
	for batch, err := range plan.Rows(ctx) {
		check(err)
		for row := range int(batch.NumRows()) {
			var cells []string
			for i, c := range batch.Columns() {
				cells = append(cells, batch.ColumnName(i)+"="+c.ValueStr(row))
			}
			lines = append(lines, strings.Join(cells, " "))
		}
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
}

// A table is created, filled, and asked.
func Example() {
	ctx := context.Background()
	t := newTrips(ctx)
	done, err := t.Write(ctx, hudi.Insert, trips(`[
		{"id": 1, "city": "oslo", "fare": 12.5, "ts": 1},
		{"id": 2, "city": "bergen", "fare": 8, "ts": 1}
	]`), hudi.WriteOptions{})
	check(err)
	fmt.Println(done.Inserts, "inserted")
	show(ctx, t, query.Options{Columns: []string{"id", "fare"}, Where: "city = 'oslo'"})
	// Output:
	// 2 inserted
	// id=1 fare=12.5
}

// An upsert replaces rows by their keys, unless what is there has a greater ordering value.
func ExampleTable_Write() {
	ctx := context.Background()
	t := newTrips(ctx)
	for _, rows := range []string{
		`[{"id": 1, "fare": 10, "ts": 5}, {"id": 2, "fare": 20, "ts": 5}]`,
		`[{"id": 1, "fare": 11, "ts": 6}, {"id": 2, "fare": 21, "ts": 4}, {"id": 3, "fare": 30, "ts": 6}]`,
	} {
		_, err := t.Write(ctx, hudi.Upsert, trips(rows), hudi.WriteOptions{})
		check(err)
	}
	show(ctx, t, query.Options{Columns: []string{"id", "fare", "ts"}})
	// Output:
	// id=1 fare=11 ts=6
	// id=2 fare=20 ts=5
	// id=3 fare=30 ts=6
}

// The table as it was, and what has changed since.
func ExampleTable_Query() {
	ctx := context.Background()
	t := newTrips(ctx)
	first, err := t.Write(ctx, hudi.Insert, trips(`[{"id": 1, "fare": 10, "ts": 1}, {"id": 2, "fare": 20, "ts": 1}]`), hudi.WriteOptions{})
	check(err)
	_, err = t.Write(ctx, hudi.Upsert, trips(`[{"id": 2, "fare": 22, "ts": 2}]`), hudi.WriteOptions{})
	check(err)
	columns := []string{"id", "fare"}
	fmt.Println("now:")
	show(ctx, t, query.Options{Columns: columns})
	fmt.Println("as of the first commit:")
	show(ctx, t, query.Options{Columns: columns, AsOf: first.Instant})
	fmt.Println("changed since:")
	show(ctx, t, query.Options{Columns: columns, View: query.Incremental, Begin: first.Completion})
	// Output:
	// now:
	// id=1 fare=10
	// id=2 fare=22
	// as of the first commit:
	// id=1 fare=10
	// id=2 fare=20
	// changed since:
	// id=2 fare=22
}

// Compaction merges the log files of a merge-on-read table into base files. Readers see the
// same rows before and after.
func ExampleTable_Compact() {
	ctx := context.Background()
	t := newTrips(ctx)
	for _, rows := range []string{`[{"id": 1, "fare": 10, "ts": 1}]`, `[{"id": 1, "fare": 11, "ts": 2}]`} {
		_, err := t.Write(ctx, hudi.Upsert, trips(rows), hudi.WriteOptions{})
		check(err)
	}
	show(ctx, t, query.Options{Columns: []string{"id", "fare"}, View: query.ReadOptimized})
	done, err := t.Compact(ctx)
	check(err)
	fmt.Println(done[0].Groups, "file group compacted")
	show(ctx, t, query.Options{Columns: []string{"id", "fare"}, View: query.ReadOptimized})
	// Output:
	// id=1 fare=10
	// 1 file group compacted
	// id=1 fare=11
}

// A scan is spread over workers, which may be other processes: each gets a split as text.
func ExampleTable_OpenSplit() {
	ctx := context.Background()
	t := newTrips(ctx)
	_, err := t.Write(ctx, hudi.Insert, trips(`[{"id": 1, "city": "oslo", "fare": 12.5, "ts": 1}, {"id": 2, "city": "bergen", "fare": 8, "ts": 1}]`), hudi.WriteOptions{})
	check(err)
	plan, err := t.Query(ctx, query.Options{Where: "fare > 10"})
	check(err)
	var splits [][]byte
	for _, task := range plan.Tasks {
		split, err := plan.Split(task)
		check(err)
		splits = append(splits, split)
	}

	rows := int64(0)
	for _, split := range splits { // each in its own process
		part, err := t.OpenSplit(ctx, split)
		check(err)
		for batch, err := range part.Rows(ctx) {
			check(err)
			rows += batch.NumRows()
		}
	}
	fmt.Println(rows, "row")
	// Output: 1 row
}
