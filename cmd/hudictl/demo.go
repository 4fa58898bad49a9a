package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/internal/recorded"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo [FOLDER]",
		Short: "Show the main job on recorded data: a Debezium topic becomes Hudi tables",
		Long: "Show the main job on recorded data, with nothing but this binary: a Kafka broker inside the\n" +
			"process plays topics that were recorded from PostgreSQL and Debezium, which are brought into\n" +
			"tables, compacted and queried. FOLDER (default ./hudi-demo) is made and must be empty.",
		Example: "  hudictl demo\n  hudictl demo /tmp/demo",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			folder := "hudi-demo"
			if len(args) == 1 {
				folder = args[0]
			}
			return a.demo(c.Context(), folder)
		},
	}
}

// demoTables are the recorded topics that the demo plays, and what kind of table each
// becomes.
var demoTables = []struct {
	name string
	kind table.Type
	flag string
}{
	{"customers", table.MOR, "mor"},
	{"orders", table.COW, "cow"},
}

// demoPartitions is how many partitions each topic of the demo has.
const demoPartitions = 3

func (a *app) demo(ctx context.Context, folder string) error {
	if entries, err := os.ReadDir(folder); err == nil && len(entries) > 0 {
		return usagef("folder %s is not empty; name another, or remove it", folder)
	}
	var names []string
	for _, t := range demoTables {
		names = append(names, t.name)
	}
	broker, err := recorded.Broker(demoPartitions, names...)
	if err != nil {
		return err
	}
	defer broker.Close()
	d := &demo{app: a, folder: folder, brokers: broker.ListenAddrs()}
	d.say("A Kafka broker runs inside this process at %v.", d.brokers)
	d.say("It plays change events that Debezium recorded from a real PostgreSQL.")
	for _, t := range demoTables {
		if err := d.show(ctx, t.name, t.kind, t.flag); err != nil {
			return err
		}
	}
	d.say("")
	d.say("The tables are in %s. They are real Hudi tables: open them with Spark, or go on here:", folder)
	d.say("  hudictl timeline %s", filepath.Join(folder, demoTables[0].name))
	d.say("  hudictl query %s --where \"balance > 5\"", filepath.Join(folder, demoTables[0].name))
	d.say("Against your own Kafka:")
	d.say("  hudictl ingest ./TABLE --brokers HOST:9092 --topic PREFIX.SCHEMA.TABLE")
	return nil
}

// demo is a demonstration under way.
type demo struct {
	app     *app
	folder  string
	brokers []string
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.app.out, format+"\n", args...)
}

// show brings one topic into a table in two parts, as if the second came later.
func (d *demo) show(ctx context.Context, name string, kind table.Type, flag string) error {
	records, err := recorded.Records(name)
	if err != nil {
		return err
	}
	uri, topic := filepath.Join(d.folder, name), recorded.Prefix+name
	d.say("\n== %s: topic %s into a table of type %s", name, topic, flag)
	var first string
	half := len(records) / 2
	for i, part := range [][2]int{{0, half}, {half, len(records)}} {
		if err := recorded.Produce(ctx, d.brokers, records[part[0]:part[1]]); err != nil {
			return err
		}
		d.say("$ hudictl ingest %s --brokers BROKER --topic %s --type %s --once", uri, topic, flag)
		sum, err := ingest.Run(ctx, ingest.Options{
			Brokers: d.brokers, Topics: []string{topic}, Table: uri, Type: kind, Once: true,
			Memory: int64(d.app.globals.memory), Log: d.app.logger(),
		})
		if err != nil {
			return err
		}
		d.say("  %d events in commit %s", sum.Events, sum.Instant)
		if i == 0 {
			first = sum.Instant
		}
	}
	t, err := d.app.open(ctx, uri)
	if err != nil {
		return err
	}
	if kind == table.MOR {
		d.say("$ hudictl compact %s", uri)
		done, err := t.Compact(ctx)
		if err != nil {
			return err
		}
		for _, r := range done {
			d.say("  %d rows in %d file groups, commit %s", r.Rows, r.Groups, r.Instant)
		}
	}
	return d.queries(ctx, t, uri, first)
}

// queries shows the table now, and what has changed since its first commit.
func (d *demo) queries(ctx context.Context, t *hudi.Table, uri, first string) error {
	d.say("$ hudictl query %s", uri)
	if err := d.print(ctx, t, query.Options{}); err != nil {
		return err
	}
	tl, err := t.Timeline(ctx)
	if err != nil {
		return err
	}
	since, _ := tl.CompletionOf(first)
	d.say("$ hudictl query %s --view incremental --begin %s", uri, since)
	if err := d.print(ctx, t, query.Options{View: query.Incremental, Begin: since}); err != nil {
		return err
	}
	d.say("$ hudictl query %s --as-of %s", uri, first)
	return d.print(ctx, t, query.Options{AsOf: first})
}

func (d *demo) print(ctx context.Context, t *hudi.Table, o query.Options) error {
	plan, err := t.Query(ctx, o)
	if err != nil {
		return err
	}
	w, err := rowio.NewWriter(d.app.out, rowio.Table, plan.Schema, rowio.WriteOptions{})
	if err != nil {
		return err
	}
	for batch, err := range plan.Rows(ctx) {
		if err == nil {
			err = w.Write(batch)
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}
