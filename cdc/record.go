package cdc

import (
	"errors"
	"fmt"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// The headers of the two events that an update of a primary key makes: the create of the new
// key names the old one, the delete of the old key the new one.
const (
	oldKeyHeader = "__debezium.oldkey"
	newKeyHeader = "__debezium.newkey"
)

// Record is one Kafka record. The decoder keeps no reference to its memory.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp time.Time // of the record in Kafka; the decoder goes by the times in the event
	Headers   []Header
	Key       []byte // nil for none
	Value     []byte // nil for a tombstone
}

// Header is one header of a Record.
type Header struct {
	Key   string
	Value []byte
}

// The reasons why a record is refused. Append returns them inside a RecordError.
var (
	// ErrMalformed says that the bytes are not JSON, or not the JSON of a change event.
	ErrMalformed = fmt.Errorf("malformed change event: %w", base.ErrCorrupt)
	// ErrType says that a value does not have the form of its column.
	ErrType = fmt.Errorf("value does not fit its column: %w", base.ErrInvalid)
	// ErrNoKey says that a key column has no value, or the message no key.
	ErrNoKey = fmt.Errorf("no key: %w", base.ErrInvalid)
	// ErrNoSchema says that events carry no schema and none was declared.
	ErrNoSchema = fmt.Errorf("no schema: %w", base.ErrInvalid)
	// ErrNoOrder says that the event has no position in its source.
	ErrNoOrder = fmt.Errorf("no source position: %w", base.ErrInvalid)
	// ErrMoved says that an update changes one of Options.BeforeColumns.
	ErrMoved = fmt.Errorf("the row changes its place: %w", base.ErrUnsupported)
	// ErrTruncate says that the source table was truncated. See Options.Truncate.
	ErrTruncate = errors.New("the source table was truncated")
)

// RecordError says which record was refused, and why. The record was not consumed: stop, or
// go on after Decoder.Skip.
type RecordError struct {
	Topic     string
	Partition int32
	Offset    int64
	Err       error
}

// Error names the record and the reason.
func (e *RecordError) Error() string {
	return fmt.Sprintf("cdc: %s, partition %d, offset %d: %v", e.Topic, e.Partition, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *RecordError) Unwrap() error { return e.Err }

// SchemaChange is the error by which Append says that the source table's columns changed so
// that the rows no longer fit. The record was not consumed. The caller flushes, makes the
// table's new schema (schema.Evolve of the table's and Schema), passes it to
// Decoder.SetSchema, and appends the record again.
type SchemaChange struct {
	// Schema is that of the record's rows, event columns included.
	Schema *schema.Schema
	// Column is the first column that is new or does not fit.
	Column string
}

// Error says which column changed.
func (e *SchemaChange) Error() string {
	return fmt.Sprintf("cdc: the source table's column %q is new or changed its type", e.Column)
}
