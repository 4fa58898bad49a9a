// Command scan reads some columns of a table through the library, several times in one process, and adds one up: what
// peer_hudi_rs.py does with its library. It prints one JSON line like the benchmark's peers.
//
//	scan -table DIR -columns l_quantity,l_extendedprice,ts -sum l_quantity
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
)

func main() {
	table := flag.String("table", "", "the table's folder")
	columns := flag.String("columns", "", "columns to read, all by default")
	where := flag.String("where", "", "condition")
	sum := flag.String("sum", "l_quantity", "column of 32-bit integers to add up")
	runs := flag.Int("runs", 5, "counted runs, after one that is not")
	flag.Parse()
	if err := run(*table, *columns, *where, *sum, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "scan:", err)
		os.Exit(1)
	}
}

func run(table, columns, where, sum string, runs int) error {
	o := query.Options{Where: where}
	if columns != "" {
		o.Columns = strings.Split(columns, ",")
	}
	var walls, cpus []float64
	var rows int64
	var total int64
	for range runs + 1 {
		cpu, begun := cpuSeconds(), time.Now()
		var err error
		if rows, total, err = scan(table, o, sum); err != nil {
			return err
		}
		walls, cpus = append(walls, time.Since(begun).Seconds()), append(cpus, cpuSeconds()-cpu)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"peer": "hudi-go, in process", "job": "scan", "rows": rows, "runs": runs,
		"seconds": slices.Min(walls[1:]), "seconds_max": slices.Max(walls[1:]), "cpu_seconds": slices.Min(cpus[1:]),
		"first_run_seconds": walls[0], "check": map[string]any{"count": rows, sum: total},
	})
}

// scan opens the table, as a query of its own does, and reads it.
func scan(table string, o query.Options, sum string) (rows int64, total int64, err error) {
	ctx := context.Background()
	t, err := hudi.Open(ctx, table)
	if err != nil {
		return 0, 0, err
	}
	plan, err := t.Query(ctx, o)
	if err != nil {
		return 0, 0, err
	}
	for batch, err := range plan.Rows(ctx) {
		if err != nil {
			return 0, 0, err
		}
		rows += batch.NumRows()
		total += added(batch, sum)
	}
	return rows, total, nil
}

func added(batch arrow.RecordBatch, column string) (total int64) {
	for _, i := range batch.Schema().FieldIndices(column) {
		if values, ok := batch.Column(i).(*array.Int32); ok {
			for k, v := range values.Int32Values() {
				if values.IsValid(k) {
					total += int64(v)
				}
			}
		}
	}
	return total
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
