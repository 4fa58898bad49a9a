package cdc

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Options configure a Decoder.
type Options struct {
	// Topic names the record of the schema that events give: by its last part. Records of other
	// topics are accepted too, as long as their columns are those of one table.
	Topic string
	// Schema is the table's: its source columns, with or without the event columns. nil: taken
	// from the first event, which then must carry its schema. It is required for events that
	// carry none; see Wire for what it means there. Columns that such events have and Schema
	// does not are left out and named in Batch.Unknown.
	Schema *schema.Schema
	// Wire says how values are written in events without schemas.
	Wire Wire
	// Keys are the table's key columns. nil: the fields of the first message key.
	Keys []string
	// Mode is Upsert (default) or Append.
	Mode Mode
	// Truncate says what a truncate event does in Upsert mode.
	Truncate TruncatePolicy
	// BeforeColumns are columns that the rows of deletes take from the before image, for example
	// those by which the table is partitioned; updates must not change them. Unless the source
	// table has REPLICA IDENTITY FULL the image of a delete has made-up values, and updates have none.
	BeforeColumns []string
	// Placeholder is the connector's unavailable.value.placeholder; "": DefaultPlaceholder.
	Placeholder string
	// Seed has per topic and Kafka partition the highest ordering value that was written before
	// the first record, 0 for none.
	Seed map[string]map[int32]int64
	// Alloc allocates the rows. nil: memory.DefaultAllocator.
	Alloc memory.Allocator
}

// Mode says what a row of the table is.
type Mode uint8

const (
	// Upsert makes the table the image of the source table: one row a key.
	Upsert Mode = iota
	// Append makes the table the log of the source table: one row an event, truncates included. Its
	// key is (_kafka_topic, _kafka_partition, _kafka_offset); all source columns are nullable.
	// Deletes have the before image as it was sent.
	Append
)

// TruncatePolicy says what to do when the source table was truncated.
type TruncatePolicy uint8

const (
	// TruncateError refuses the event with ErrTruncate.
	TruncateError TruncatePolicy = iota
	// TruncateIgnore counts the event and keeps the rows.
	TruncateIgnore
)

// The columns that rows of Append mode have after those of the source. EventTime is the
// connector's time of processing, in milliseconds.
const (
	EventOp        = "_event_op"
	EventTime      = "_event_ts_ms"
	KafkaTopic     = "_kafka_topic"
	KafkaPartition = "_kafka_partition"
	KafkaOffset    = "_kafka_offset"
)

// DefaultPlaceholder is Debezium's default of unavailable.value.placeholder.
const DefaultPlaceholder = "__debezium_unavailable_value"

func (o Options) withDefaults() (Options, error) {
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	if o.Placeholder == "" {
		o.Placeholder = DefaultPlaceholder
	}
	if o.Mode > Append || o.Truncate > TruncateIgnore || o.Wire.Decimal > DecimalText ||
		o.Wire.Time > TimeNanos || o.Wire.Binary > BinaryHex {
		return o, fmt.Errorf("cdc: unknown mode, policy or wire form: %w", base.ErrInvalid)
	}
	for _, names := range [][]string{o.Keys, o.BeforeColumns} {
		for i, name := range names {
			if slices.Contains(names[:i], name) {
				return o, fmt.Errorf("cdc: column %q is named twice: %w", name, base.ErrInvalid)
			}
			if o.Schema == nil {
				continue
			}
			if _, _, err := o.Schema.Lookup(name); err != nil {
				return o, fmt.Errorf("cdc: %w", err)
			}
		}
	}
	return o, nil
}
