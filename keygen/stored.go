package keygen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Stored finds the record keys of a table's rows. The zero value reads their meta column.
type Stored struct {
	// Made makes the keys of columns, in tables without meta fields.
	Made *Generator
}

// Columns are those of a table's rows that have the keys, or that they are made of.
func (s Stored) Columns() []string {
	if s.Made == nil {
		return []string{schema.MetaRecordKey}
	}
	var names []string
	for _, field := range s.Made.keys {
		top, _, _ := strings.Cut(field, ".")
		if !slices.Contains(names, top) {
			names = append(names, top)
		}
	}
	return names
}

// Of returns the keys of a batch that has the columns. The caller releases them.
func (s Stored) Of(batch arrow.RecordBatch, alloc memory.Allocator) (*array.String, error) {
	if s.Made != nil {
		return s.Made.Keys(batch, alloc)
	}
	at := batch.Schema().FieldIndices(schema.MetaRecordKey)
	if len(at) == 0 {
		return nil, fmt.Errorf("rows have no %s column: %w", schema.MetaRecordKey, base.ErrCorrupt)
	}
	keys, ok := batch.Column(at[0]).(*array.String)
	if !ok {
		return nil, fmt.Errorf("column %s is %s: %w", schema.MetaRecordKey, batch.Column(at[0]).DataType(), base.ErrCorrupt)
	}
	keys.Retain()
	return keys, nil
}
