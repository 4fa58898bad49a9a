package merge

import (
	"bytes"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// unchanged tells whether a column of base rows has, row by row, the values that the picks name:
// no change to the rows has changed the column. The sources are those of the picks, the base
// rows among them.
func unchanged(column arrow.Array, base int32, sources []arrow.Array, picks []Pick) bool {
	same := sameBytes(column.DataType())
	for row, p := range picks {
		if p.Source == base && p.Row == int32(row) {
			continue
		}
		if p.Source < 0 {
			if column.IsValid(row) {
				return false
			}
			continue
		}
		from, at := sources[p.Source], int(p.Row)
		if column.IsValid(row) != from.IsValid(at) || column.IsValid(row) && !same(column, row, from, at) {
			return false
		}
	}
	return true
}

// sameBytes compares values that are not null, of a type.
func sameBytes(t arrow.DataType) func(a arrow.Array, i int, b arrow.Array, j int) bool {
	switch t := t.(type) {
	case *arrow.StringType:
		return func(a arrow.Array, i int, b arrow.Array, j int) bool {
			return a.(*array.String).Value(i) == b.(*array.String).Value(j)
		}
	case *arrow.BinaryType:
		return func(a arrow.Array, i int, b arrow.Array, j int) bool {
			return bytes.Equal(a.(*array.Binary).Value(i), b.(*array.Binary).Value(j))
		}
	case *arrow.BooleanType:
		return func(a arrow.Array, i int, b arrow.Array, j int) bool {
			return a.(*array.Boolean).Value(i) == b.(*array.Boolean).Value(j)
		}
	case arrow.FixedWidthDataType:
		width := t.Bytes()
		value := func(a arrow.Array, i int) []byte {
			at := (a.Data().Offset() + i) * width
			return a.Data().Buffers()[1].Bytes()[at : at+width]
		}
		return func(a arrow.Array, i int, b arrow.Array, j int) bool {
			return bytes.Equal(value(a, i), value(b, j))
		}
	}
	if hasFloats(t) { // zeros of both signs are equal to arrow-go
		return func(arrow.Array, int, arrow.Array, int) bool { return false }
	}
	return func(a arrow.Array, i int, b arrow.Array, j int) bool {
		return array.SliceEqual(a, int64(i), int64(i+1), b, int64(j), int64(j+1))
	}
}

// hasFloats tells whether there are floating point numbers in a nested type.
func hasFloats(t arrow.DataType) bool {
	if nested, ok := t.(arrow.NestedType); ok {
		return slices.ContainsFunc(nested.Fields(), func(f arrow.Field) bool { return hasFloats(f.Type) })
	}
	return arrow.IsFloating(t.ID())
}
