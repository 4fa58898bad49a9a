// Package ingest brings change events from Kafka topics into a table, exactly once: the
// offsets that a batch ends at are part of the commit that holds its rows, and nowhere
// else. A start reads them from the table; a commit is published only if the table still
// stands where the batch began (docs/ingest.md).
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// Options say what to bring where.
type Options struct {
	Brokers []string
	Topics  []string
	// Table is the path or URI of the table, which is created when absent.
	Table string
	// Mode is Upsert, which makes the table the image of the source table, or Append, which
	// keeps every event as a row.
	Mode cdc.Mode

	// Name, Type, Version, Keys, PartitionBy, Index and Properties describe a table that is
	// created. The defaults: the last part of the topic's name, MOR, table.CurrentVersion, the
	// fields of the message key, no partitions, a bucket index with four buckets.
	Name        string
	Type        table.Type
	Version     int
	Keys        []string
	PartitionBy []string
	Index       table.IndexConfig
	Properties  map[string]string
	// Schema declares the source columns of topics whose events carry no schema, as Wire says
	// how their values are written.
	Schema *schema.Schema
	Wire   cdc.Wire
	// Truncate says what an event does that empties the source table.
	Truncate cdc.TruncatePolicy
	// Placeholder is the connector's unavailable.value.placeholder.
	Placeholder string

	// Start says where reading begins in a table that has no checkpoint: StartFirst, or the
	// offsets to read next in Hudi Streamer's form, topic,partition:offset,…; partitions that it
	// does not name begin at their first. "" is StartFirst, but refused in append mode for a
	// table that has commits: events that it has would come again.
	Start string
	// Once ends the run at the offsets that were the ends of the topics when it began.
	Once bool
	// A batch ends at MaxRows rows, MaxBytes of rows in memory, or Interval after its first
	// record, whichever comes first.
	MaxRows  int
	MaxBytes int64
	Interval time.Duration

	Memory   int64
	SpillDir string
	Clock    func() time.Time
	Log      *slog.Logger
	Alloc    memory.Allocator
	// Progress, if set, is called about once a second and after every commit.
	Progress func(Progress)
	// Kafka adds options of the Kafka client: TLS, SASL.
	Kafka []kgo.Opt
}

// The defaults of Options.
const (
	DefaultMaxRows  = 500_000
	DefaultInterval = 10 * time.Second
	DefaultBuckets  = 4
	// batchShare is the part of the memory that one batch may have: one is written while the
	// next is read, and each has its rows, their keys and their encoded form.
	batchShare = 8
)

// Progress is how far a run has come.
type Progress struct {
	Events    int64 // read, of all kinds
	Committed int64 // of these in the table
	Lag       int64 // records between the table and the topics' ends
	Commits   int64
	Instant   string // of the last commit
	Elapsed   time.Duration
}

// Summary is what a run did.
type Summary struct {
	Progress
	Counts cdc.Counts
	// OutOfRange tells the first value that could not be stored as it was, "" for none.
	OutOfRange string
}

func (o Options) withDefaults() (Options, error) {
	if len(o.Topics) == 0 || len(o.Brokers) == 0 || o.Table == "" {
		return o, fmt.Errorf("ingest: brokers, topics and a table are needed: %w", base.ErrInvalid)
	}
	if o.Memory <= 0 {
		o.Memory = mem.DefaultBytes()
	}
	if o.MaxRows <= 0 {
		o.MaxRows = DefaultMaxRows
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = o.Memory / batchShare
	}
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	if o.Type == "" {
		o.Type = table.MOR
	}
	if o.Version == 0 {
		o.Version = table.CurrentVersion
	}
	if o.Name == "" {
		parts := strings.Split(o.Topics[0], ".")
		o.Name = parts[len(parts)-1]
	}
	if o.Placeholder == "" {
		o.Placeholder = cdc.DefaultPlaceholder
	}
	if o.Index.Kind == "" && o.Mode == cdc.Upsert {
		o.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: DefaultBuckets}
	}
	return o, nil
}

// openTable opens the table; nil when there is none yet.
func (o Options) openTable(ctx context.Context) (*hudi.Table, error) {
	t, err := hudi.Open(ctx, o.Table, o.tableOptions()...)
	if errors.Is(err, base.ErrNotTable) {
		return nil, nil
	}
	return t, err
}

func (o Options) tableOptions() []hudi.Option {
	return []hudi.Option{
		hudi.WithMemory(o.Memory), hudi.WithSpillDir(o.SpillDir), hudi.WithClock(o.Clock),
		hudi.WithLogger(o.Log), hudi.WithAllocator(o.Alloc),
		// The source may have dropped columns, and other writers may have brought some.
		hudi.WithProperty("hoodie.write.set.null.for.missing.columns", "true"), hudi.WithProperties(o.Properties),
	}
}

// createTable makes the table for the rows of a decoder.
func (o Options) createTable(ctx context.Context, d *cdc.Decoder) (*hudi.Table, error) {
	c := table.NewConfig(o.Name)
	c.Type = o.Type
	c.Version, c.InitialVersion = o.Version, o.Version
	c.PartitionBy = o.PartitionBy
	c.Index = o.Index
	if o.Mode == cdc.Append {
		c.Keys = []string{cdc.KafkaTopic, cdc.KafkaPartition, cdc.KafkaOffset}
	} else {
		c.Keys = d.Keys()
		c.Ordering = []string{d.OrderColumn()}
		c.MergeMode = table.EventTimeOrdering
		if c.StoresPartialUpdate() { // else values that the source left out are looked up
			c.PartialUpdate = table.FillUnavailable
			c.MergeProps = map[string]string{table.UnavailableValue: o.Placeholder}
		}
	}
	t, err := hudi.Create(ctx, o.Table, c, o.tableOptions()...)
	if err != nil {
		return nil, fmt.Errorf("ingest: create table for %s: %w", strings.Join(o.Topics, ","), err)
	}
	o.Log.Info("table created", "table", t.URI(), "keys", c.Keys, "type", string(c.Type))
	return t, nil
}
