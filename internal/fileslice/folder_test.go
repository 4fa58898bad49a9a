package fileslice

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestPathsHaveTheirColumns(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "part", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(alloc, s)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2}, nil)
	b.Field(1).(*array.StringBuilder).AppendValues([]string{"x/y", ""}, []bool{true, false})
	b.Field(2).AppendNulls(2)
	b.Field(3).(*array.Int32Builder).AppendValues([]int32{8, 9}, nil)
	rows := b.NewRecordBatch()
	defer rows.Release()
	r := &Reader{Alloc: alloc}
	got, err := r.placed(rows, map[string]string{"part": "x/y", "day": "1969-12-31", "n": base.DefaultPartition, "other": "z"})
	require.NoError(t, err)
	defer got.Release()
	text, err := got.MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `[{"id":1,"part":"x/y","day":"1969-12-31","n":null},{"id":2,"part":"x/y","day":"1969-12-31","n":null}]`, string(text))

	_, err = r.placed(rows, map[string]string{"n": "seven"})
	require.ErrorIs(t, err, base.ErrCorrupt)
}
