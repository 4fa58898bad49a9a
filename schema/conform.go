package schema

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Conform brings a batch to a schema: columns are matched by name and promoted (Promote),
// columns that the batch does not have get their default or null, columns that the schema
// does not have are dropped. It returns a new reference that the caller releases; columns
// that need no change are not copied. Errors wrap base.ErrInvalid and name the column.
func Conform(batch arrow.RecordBatch, to *Schema, alloc memory.Allocator) (arrow.RecordBatch, error) {
	if batch.Schema().Equal(to.arrow) {
		batch.Retain()
		return batch, nil
	}
	p := &promoter{alloc: alloc}
	columns := make([]arrow.Array, 0, to.arrow.NumFields())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range to.arrow.Fields() {
		c, err := p.column(batch, f, &to.record.Fields[i])
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return array.NewRecordBatch(to.arrow, columns, batch.NumRows()), nil
}

func (p *promoter) column(batch arrow.RecordBatch, f arrow.Field, field *Field) (arrow.Array, error) {
	found := batch.Schema().FieldIndices(f.Name)
	switch len(found) {
	case 0:
		return p.missing(f, field, int(batch.NumRows()), f.Name)
	case 1:
		return p.field(f, field, batch.Column(found[0]), nil, "")
	}
	return nil, p.errorf(f.Name, "the rows have %d columns of that name: rename all but one", len(found))
}
