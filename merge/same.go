package merge

import (
	"bytes"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// moved lists the rows for which picks name another place than their own in the base rows.
func moved(base int32, picks []Pick) []int32 {
	var rows []int32
	for row, p := range picks {
		if p.Source != base || p.Row != int32(row) {
			rows = append(rows, int32(row))
		}
	}
	return rows
}

// unchanged tells whether a column of base rows has, in the given rows, the values that the picks
// name: no change to the rows has changed the column.
func unchanged(column arrow.Array, sources []arrow.Array, picks []Pick, rows []int32) bool {
	rows, ok := present(column, sources, picks, rows)
	if !ok {
		return false
	}
	switch t := column.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		return sameText(column, sources, picks, rows)
	case *arrow.BooleanType:
		return sameBy(rows, picks, func(row int, p Pick) bool {
			return column.(*array.Boolean).Value(row) == sources[p.Source].(*array.Boolean).Value(int(p.Row))
		})
	case arrow.FixedWidthDataType:
		switch width := t.Bytes(); width {
		case 4:
			return sameFixed[uint32](column, sources, picks, rows)
		case 8:
			return sameFixed[uint64](column, sources, picks, rows)
		case arrow.Decimal128SizeBytes:
			return sameFixed[decimal128.Num](column, sources, picks, rows)
		default:
			value := func(a arrow.Array, i int) []byte {
				at := (a.Data().Offset() + i) * width
				return a.Data().Buffers()[1].Bytes()[at : at+width]
			}
			return sameBy(rows, picks, func(row int, p Pick) bool {
				return bytes.Equal(value(column, row), value(sources[p.Source], int(p.Row)))
			})
		}
	}
	if hasFloats(column.DataType()) { // zeros of both signs are equal to arrow-go
		return len(rows) == 0
	}
	return sameBy(rows, picks, func(row int, p Pick) bool {
		return array.SliceEqual(column, int64(row), int64(row+1), sources[p.Source], int64(p.Row), int64(p.Row+1))
	})
}

// present leaves the rows in which there are values to compare. It is false if a row has a value
// and its pick has none, or the other way round.
func present(column arrow.Array, sources []arrow.Array, picks []Pick, rows []int32) ([]int32, bool) {
	null := func(p Pick) bool { return p.Source < 0 || sources[p.Source].IsNull(int(p.Row)) }
	if column.NullN() == 0 {
		some := slices.ContainsFunc(sources, func(s arrow.Array) bool { return s.Data().NullN() != 0 }) // NullN of the array may count, and keep what it counts
		for _, row := range rows {
			if p := picks[row]; p.Source < 0 || some && null(p) {
				return nil, false
			}
		}
		return rows, true
	}
	kept := make([]int32, 0, len(rows))
	for _, row := range rows {
		switch gone := column.IsNull(int(row)); {
		case gone != null(picks[row]):
			return nil, false
		case !gone:
			kept = append(kept, row)
		}
	}
	return kept, true
}

func sameBy(rows []int32, picks []Pick, same func(row int, p Pick) bool) bool {
	return !slices.ContainsFunc(rows, func(row int32) bool { return !same(int(row), picks[row]) })
}

func sameFixed[T uint32 | uint64 | decimal128.Num](column arrow.Array, sources []arrow.Array, picks []Pick, rows []int32) bool {
	values := func(a arrow.Array) []T {
		if b := a.Data().Buffers()[1]; b != nil {
			return arrow.GetData[T](b.Bytes())[a.Data().Offset():]
		}
		return nil
	}
	own, from := values(column), make([][]T, len(sources))
	for i, s := range sources {
		from[i] = values(s)
	}
	for _, row := range rows {
		if p := picks[row]; own[row] != from[p.Source][p.Row] {
			return false
		}
	}
	return true
}

func sameText(column arrow.Array, sources []arrow.Array, picks []Pick, rows []int32) bool {
	own, from := textOf(column.Data()), make([]text, len(sources))
	for i, s := range sources {
		from[i] = textOf(s.Data())
	}
	for _, row := range rows {
		if p := picks[row]; !bytes.Equal(own.value(row), from[p.Source].value(p.Row)) {
			return false
		}
	}
	return true
}

// text is the values of an array of strings or bytes.
type text struct {
	ends  []int32 // of the values, behind where the first begins
	bytes []byte
}

func textOf(d arrow.ArrayData) (t text) {
	if ends := offsetsOf(d); ends != nil {
		t.ends = ends[d.Offset():]
	}
	if b := d.Buffers()[2]; b != nil {
		t.bytes = b.Bytes()
	}
	return t
}

func (t *text) value(row int32) []byte { return t.bytes[t.ends[row]:t.ends[row+1]] }

// hasFloats tells whether there are floating point numbers in a nested type.
func hasFloats(t arrow.DataType) bool {
	if nested, ok := t.(arrow.NestedType); ok {
		return slices.ContainsFunc(nested.Fields(), func(f arrow.Field) bool { return hasFloats(f.Type) })
	}
	return arrow.IsFloating(t.ID())
}
