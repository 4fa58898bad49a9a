//go:build !cgo || !((linux || darwin) && (amd64 || arm64))

package sql

import (
	"context"
	"fmt"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/schema"
)

// Available reports whether the program was built with SQL.
const Available = false

var errWithout = fmt.Errorf("sql: this program was built without cgo, and DuckDB needs it: build with CGO_ENABLED=1 and a C++ compiler, on Linux or macOS (amd64, arm64): %w", ErrUnsupported)

// DB is a DuckDB with tables; there is none in this program.
type DB struct{}

// Open fails with an error that wraps ErrUnsupported.
func Open(Options) (*DB, error) { return nil, errWithout }

// Close has nothing to close.
func (*DB) Close() error { return nil }

// Add fails.
func (*DB) Add(string, Table) error { return errWithout }

// Prepare fails.
func (*DB) Prepare(context.Context) error { return errWithout }

// Query fails.
func (*DB) Query(context.Context, string) (*Rows, error) { return nil, errWithout }

// Complete knows nothing.
func (*DB) Complete(string) []Suggestion { return nil }

// Progress knows nothing.
func (*DB) Progress() (float64, bool) { return 0, false }

// Rows is an answer.
type Rows struct{}

// Schema is none.
func (*Rows) Schema() *schema.Schema { return nil }

// Batches has none.
func (*Rows) Batches(context.Context) iter.Seq2[arrow.RecordBatch, error] {
	return func(func(arrow.RecordBatch, error) bool) {}
}

// Close has nothing to close.
func (*Rows) Close() {}
