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

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// reading is a row of the table.
type reading struct {
	Sensor  string    `avro:"sensor"`
	Celsius *float64  `avro:"celsius"` // nil is null
	At      time.Time `avro:"at"`
}

// upsert writes readings as one commit; of two with one sensor the later one counts.
func upsert(ctx context.Context, t *hudi.Table, list iter.Seq[reading]) (hudi.Commit, error) {
	rows, err := hudi.RowsOf(list)
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
			if !yield(reading{fmt.Sprintf("s%05d", i), new(20 + float64(i%10)), noon}) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	second, err := upsert(ctx, t, func(yield func(reading) bool) {
		_ = yield(reading{"s00007", new(99.5), noon.Add(time.Minute)}) &&
			yield(reading{"s00008", new(-5.0), noon.Add(-time.Minute)}) // older than the row that is there
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %d rows, then %d changes\n", first.Inserts, second.Updates)
	for r, err := range hudi.Values[reading](ctx, t, query.Options{Where: "sensor IN ('s00007', 's00008')"}) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s  %.1f °C  %s\n", r.Sensor, *r.Celsius, r.At.Format(time.TimeOnly))
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
