// Command embed shows hudi-go inside a program: Go values are written to a table, some are
// changed, and all are read back.
//
//	go run ./examples/embed [FOLDER]
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// reading is a row of the table.
type reading struct {
	Sensor  string
	Celsius float64
	At      time.Time
}

// columns are those of a reading.
var columns = arrow.NewSchema([]arrow.Field{
	{Name: "sensor", Type: arrow.BinaryTypes.String},
	{Name: "celsius", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
}, nil)

// batchRows is how many readings go into one Arrow batch.
const batchRows = 4096

// rowsOf makes rows of readings, which may come from anywhere, one after the other.
func rowsOf(readings iter.Seq[reading]) (hudi.Rows, error) {
	s, err := schema.FromArrow("readings", columns)
	if err != nil {
		return hudi.Rows{}, err
	}
	return hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, columns)
		defer b.Release()
		flush := func() bool {
			batch := b.NewRecordBatch()
			defer batch.Release()
			return yield(batch, nil)
		}
		n := 0
		for r := range readings {
			b.Field(0).(*array.StringBuilder).Append(r.Sensor)
			b.Field(1).(*array.Float64Builder).Append(r.Celsius)
			b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(r.At.UnixMicro()))
			if n++; n%batchRows == 0 && !flush() {
				return
			}
		}
		if n%batchRows != 0 {
			flush()
		}
	}}, nil
}

// readings reads the answer of a query that has the columns of a reading.
func readings(ctx context.Context, t *hudi.Table, o query.Options) iter.Seq2[reading, error] {
	return func(yield func(reading, error) bool) {
		plan, err := t.Query(ctx, o)
		if err != nil {
			yield(reading{}, err)
			return
		}
		for batch, err := range plan.Rows(ctx) {
			if err != nil {
				yield(reading{}, err)
				return
			}
			sensor, celsius, at := batch.Column(0).(*array.String), batch.Column(1).(*array.Float64), batch.Column(2).(*array.Timestamp)
			for row := range int(batch.NumRows()) {
				r := reading{sensor.Value(row), celsius.Value(row), time.UnixMicro(int64(at.Value(row))).UTC()}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// upsert writes readings as one commit; of two with one sensor the later one counts.
func upsert(ctx context.Context, t *hudi.Table, list iter.Seq[reading]) (hudi.Commit, error) {
	rows, err := rowsOf(list)
	if err != nil {
		return hudi.Commit{}, err
	}
	return t.Write(ctx, hudi.Upsert, rows, hudi.WriteOptions{})
}

// run makes the table in a folder, and tells to out what is in it.
func run(ctx context.Context, out io.Writer, folder string) error {
	c := table.NewConfig("readings")
	c.Type = table.MOR
	c.Keys = []string{"sensor"}
	c.Ordering = []string{"at"}
	t, err := hudi.Create(ctx, folder, c, hudi.WithMemory(128<<20))
	if err != nil {
		return err
	}
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	first, err := upsert(ctx, t, func(yield func(reading) bool) {
		for i := range 10_000 {
			if !yield(reading{fmt.Sprintf("s%05d", i), 20 + float64(i%10), noon}) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	second, err := upsert(ctx, t, func(yield func(reading) bool) {
		_ = yield(reading{"s00007", 99.5, noon.Add(time.Minute)}) &&
			yield(reading{"s00008", -5, noon.Add(-time.Minute)}) // older than the row that is there
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %d rows, then %d changes\n", first.Inserts, second.Updates)
	for r, err := range readings(ctx, t, query.Options{Where: "sensor IN ('s00007', 's00008')"}) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s  %.1f °C  %s\n", r.Sensor, r.Celsius, r.At.Format(time.TimeOnly))
	}
	return nil
}

func main() {
	folder, err := "", error(nil)
	if len(os.Args) > 1 {
		folder = os.Args[1]
	} else {
		folder, err = os.MkdirTemp("", "readings-")
	}
	if err == nil {
		err = run(context.Background(), os.Stdout, folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("the table is in", folder)
}
