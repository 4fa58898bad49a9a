package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// ingestFlags are the flags of ingest.
type ingestFlags struct {
	file             string
	brokers, topics  []string
	registry, format string
	kind, op         string
	version          int
	name             string
	schema           string
	acceptInferred   bool
	keys, partitions []string
	index            string
	start            string
	once             bool
	truncate         string
	placeholder      string
	rows             int
	bytes            byteSize
	interval         time.Duration
	output           string
}

// formatDebeziumJSON is the only format of messages that is read so far.
const formatDebeziumJSON = "debezium-json"

func newIngest(a *app) *cobra.Command {
	var f ingestFlags
	c := &cobra.Command{
		Use:   "ingest TABLE --brokers B --topic T | -f PIPELINE",
		Short: "Bring change events from Kafka into a table",
		Long: "Bring the change events of Debezium topics into a table, exactly once, until it is stopped (or\n" +
			"with --once up to where the topics end now). The table is made when it is absent.",
		Example: "  hudictl ingest ./orders --brokers localhost:9092 --topic shop.public.orders\n" +
			"  hudictl ingest ./orders --brokers localhost:9092 --topic shop.public.orders --type cow --once\n" +
			"  hudictl ingest -f pipeline.yaml",
		Args: func(c *cobra.Command, args []string) error {
			if f.file != "" && len(args) == 0 {
				return nil
			}
			return tableArg(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.file != "" {
				runs, err := a.readPipeline(f.file, c.Flags())
				if err != nil {
					return err
				}
				return a.ingestAll(c.Context(), runs)
			}
			o, err := f.options(a, args[0])
			if err != nil {
				return err
			}
			return a.ingest(c.Context(), o, f)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVarP(&f.file, "file", "f", "", "pipeline of several tables, as YAML: these flags by name, under 'tables' those of each")
	f.registerOn(c.Flags())
	c.AddCommand(newIngestPlan(a))
	return c
}

func (f *ingestFlags) registerOn(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.brokers, "brokers", nil, "addresses of Kafka brokers")
	flags.StringSliceVar(&f.topics, "topic", nil, "topic to read (repeatable, for sharded sources of one table)")
	flags.StringVar(&f.registry, "registry", "", "URL of a schema registry, for Avro")
	choiceVar(flags, &f.format, "format", formatDebeziumJSON, "form of the messages", []string{formatDebeziumJSON}, "debezium-avro", "json", "avro")
	choiceVar(flags, &f.kind, "type", "mor", "copy on write or merge on read, for a new table", []string{"cow", "mor"})
	flags.IntVar(&f.version, "table-version", table.CurrentVersion, "version of the format of a new table: "+versionHelp)
	choiceVar(flags, &f.op, "op", "upsert", "keep the table equal to its source, or keep every event as a row", []string{"upsert", "append"})
	flags.StringVar(&f.name, "name", "", "name of a new table (default the last part of the topic's name)")
	flags.StringVar(&f.schema, "schema", "", "Avro schema of the source's columns, for topics without schemas")
	flags.BoolVar(&f.acceptInferred, "accept-inferred", false, "take the column types that 'ingest plan' proposes, for topics without schemas")
	flags.StringSliceVar(&f.keys, "keys", nil, "columns that identify a row (default the fields of the message key)")
	flags.StringSliceVar(&f.partitions, "partition-by", nil, "columns whose values name the folders of a new table")
	flags.StringVar(&f.index, "index", "", "how writers find rows (default bucket:4)")
	flags.StringVar(&f.start, "start", "", "where to begin in a table that has no offsets: first, or topic,partition:offset,… (default first; needed to append to a table with commits)")
	flags.BoolVar(&f.once, "once", false, "end at the offsets that are the topics' ends now")
	choiceVar(flags, &f.truncate, "truncate", "error", "what to do when the source table is truncated", []string{"error", "ignore"})
	flags.StringVar(&f.placeholder, "unavailable-value", cdc.DefaultPlaceholder, "the connector's unavailable.value.placeholder")
	flags.IntVar(&f.rows, "batch-rows", ingest.DefaultMaxRows, "rows at which a commit is made")
	flags.Var(&f.bytes, "batch-bytes", "rows in memory at which a commit is made (default an eighth of --memory)")
	flags.DurationVar(&f.interval, "interval", ingest.DefaultInterval, "time after its first event at which a commit is made")
	choiceVar(flags, &f.output, "output", "text", "form of the summary", []string{"text", "json"})
}

// options turns the flags into a run of the library.
func (f *ingestFlags) options(a *app, uri string) (ingest.Options, error) {
	o := ingest.Options{
		Brokers: f.brokers, Topics: f.topics, Table: uri, Name: f.name, Type: tableTypes[f.kind],
		Version: f.version, Keys: f.keys, PartitionBy: f.partitions, Start: f.start, Once: f.once, Placeholder: f.placeholder,
		MaxRows: f.rows, MaxBytes: int64(f.bytes), Interval: f.interval,
		Properties: a.globals.options, Memory: int64(a.globals.memory), SpillDir: a.globals.spillDir, Log: a.logger(),
	}
	switch {
	case len(f.brokers) == 0 || len(f.topics) == 0:
		return o, usagef("say where to read: give --brokers and --topic")
	case f.format != formatDebeziumJSON:
		return o, unsupportedf("--format %s; the messages must be Debezium JSON", f.format)
	case f.registry != "":
		return o, unsupportedf("--registry; the messages must be Debezium JSON")
	}
	if err := checkVersion(f.version); err != nil {
		return o, err
	}
	if f.op == "append" {
		o.Mode = cdc.Append
	}
	if f.truncate == "ignore" {
		o.Truncate = cdc.TruncateIgnore
	}
	var err error
	if f.index != "" {
		if o.Index, err = parseIndex(f.index); err != nil {
			return o, err
		}
	}
	if f.schema != "" {
		text, err := readSchema(f.schema)
		if err != nil {
			return o, err
		}
		if o.Schema, err = schema.Parse(text); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (a *app) ingest(ctx context.Context, o ingest.Options, f ingestFlags) error {
	if f.acceptInferred && o.Schema == nil {
		proposal, err := ingest.Propose(ctx, o)
		if err != nil {
			return err
		}
		o.Schema = proposal.Schema
	}
	shown := a.progress()
	o.Progress = func(p ingest.Progress) {
		shown.tell(func(since time.Duration) (string, any) {
			return fmt.Sprintf("%s: %d events, %.0f/s, lag %d, %d commits, last %s",
				o.Table, p.Events, rate(p.Events, since), p.Lag, p.Commits, orNone(p.Instant)), p
		})
	}
	sum, err := ingest.Run(ctx, o)
	shown.end()
	if err != nil {
		return err
	}
	if sum.Counts.OutOfRange > 0 {
		a.logger().Warn("values that no engine can hold were stored as null", "count", sum.Counts.OutOfRange, "first", sum.OutOfRange)
	}
	return a.printResult(f.output, sum, "%d events in %s (%.0f/s): %d snapshot rows, %d inserts, %d updates, %d deletes; %d commits, last %s",
		sum.Events, sum.Elapsed.Round(time.Millisecond), rate(sum.Events, sum.Elapsed),
		sum.Counts.Snapshots, sum.Counts.Creates, sum.Counts.Updates, sum.Counts.Deletes, sum.Commits, orNone(sum.Instant))
}

func rate(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

func orNone(instant string) string {
	if instant == "" {
		return "none"
	}
	return instant
}

func newIngestPlan(a *app) *cobra.Command {
	var f ingestFlags
	c := &cobra.Command{
		Use:   "plan --brokers B --topic T",
		Short: "Propose column types for a topic without schemas",
		Long: "Propose column types for a topic whose messages carry no schema, from its first events, as an\n" +
			"Avro schema for --schema. Look it over: plain JSON does not tell decimals, dates or sizes.",
		Example: "  hudictl ingest plan --brokers localhost:9092 --topic shop.public.orders > orders.avsc",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := f.options(a, "-")
			if err != nil {
				return err
			}
			p, err := ingest.Propose(c.Context(), o)
			if err != nil {
				return err
			}
			for _, r := range p.Remarks {
				fmt.Fprintf(a.err, "%s: %s\n", r.Column, r.Text)
			}
			_, err = fmt.Fprintln(a.out, p.Schema.Avro())
			return err
		},
	}
	c.Flags().SortFlags = false
	f.registerOn(c.Flags())
	return c
}
