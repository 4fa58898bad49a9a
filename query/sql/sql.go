// Package sql answers SQL over the rows of Hudi tables with DuckDB, in DuckDB's dialect. It
// is the only package that needs cgo: built without it, Open says so. DuckDB is opened for
// SQL and for nothing else.
//
//	db, err := sql.Open(sql.Options{Memory: 256 << 20})
//	defer db.Close()
//	db.Add("trips", func(ctx context.Context) (*query.Plan, error) {
//		return t.Query(ctx, query.Options{})
//	})
//	rows, err := db.Query(ctx, "SELECT city, sum(fare) FROM trips GROUP BY ALL")
//	for batch, err := range rows.Batches(ctx) { … }
//
// File slices without logs on local disk are read by DuckDB itself, from the files that the
// plan names; all other slices stream to it as Arrow, with only the columns that the
// statement needs and without the rows that its conditions exclude. See docs/sql.md.
package sql

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/query"
)

// ErrStatement is wrapped by the errors of statements that DuckDB refuses.
var ErrStatement = base.ErrInvalid

// ErrUnsupported is wrapped by the error of Open in programs that were built without cgo.
var ErrUnsupported = base.ErrUnsupported

// Options say what DuckDB may take.
type Options struct {
	// Memory bounds what DuckDB holds, in bytes; what does not fit goes to SpillDir (""
	// is the system's temporary folder). What the readers of tables hold comes on top:
	// their plans have bounds of their own.
	Memory   int64
	SpillDir string
	// Threads is how many threads DuckDB works with, 0 for as many as Go does.
	Threads int
	// Alloc allocates the Arrow memory of answers; nil is the default allocator.
	Alloc memory.Allocator
}

// Table plans the read of a table: all columns that statements may name, no condition, no
// limit. It is called for each statement that names the table.
type Table func(ctx context.Context) (*query.Plan, error)

// Suggestion is a way to go on with the text of a statement.
type Suggestion struct {
	Text string
	From int // the byte in the text from which on Text replaces it
}

// refused makes the error of a statement.
func refused(format string, args ...any) error {
	return fmt.Errorf("sql: %w: %w", fmt.Errorf(format, args...), ErrStatement)
}
