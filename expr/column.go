package expr

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// class is the physical form of a column's values, which chooses the kernel.
type class uint8

const (
	nestedClass class = iota // lists, maps, structs: no order
	boolClass
	int32Class
	int64Class
	float32Class
	float64Class
	decimalClass
	textClass  // utf8 and binary
	fixedClass // fixed_size_binary
)

// column is a resolved column, or a field within struct columns.
type column struct {
	name string   // the path joined by points
	path []string // as the schema spells it
	typ  *schema.Type
}

func (c column) class() class {
	if c.typ.Logical == schema.Decimal {
		return decimalClass
	}
	switch c.typ.Kind {
	case schema.Boolean:
		return boolClass
	case schema.Int:
		return int32Class
	case schema.Long:
		return int64Class
	case schema.Float:
		return float32Class
	case schema.Double:
		return float64Class
	case schema.String, schema.Enum, schema.Bytes:
		return textClass
	case schema.Fixed:
		return fixedClass
	}
	return nestedClass
}

// rows are what a predicate is evaluated on.
type rows struct {
	batch arrow.RecordBatch
	n     int
}

// scratch makes a bitmap for the rows.
func (r rows) scratch() []byte { return make([]byte, bitutil.BytesForBits(int64(r.n))) }

// values is a column of a batch: the array, and the structs around it from the outside in.
type values struct {
	arrow.Array
	parents []*array.Struct
}

// find locates the column in the batch and checks its type.
func (r rows) find(c column) (v values, err error) {
	indices := r.batch.Schema().FieldIndices(c.path[0])
	if len(indices) != 1 {
		return v, fmt.Errorf("expr: the rows have %d columns named %q: read the columns that Bound.Columns gives: %w", len(indices), c.path[0], base.ErrInvalid)
	}
	v.Array = r.batch.Column(indices[0])
	for _, name := range c.path[1:] {
		parent, ok := v.Array.(*array.Struct)
		if !ok {
			return v, mismatch(c, v.Array)
		}
		i, ok := parent.DataType().(*arrow.StructType).FieldIdx(name)
		if !ok {
			return v, mismatch(c, v.Array)
		}
		v.parents, v.Array = append(v.parents, parent), parent.Field(i)
	}
	want, err := c.typ.Arrow()
	if err != nil {
		return v, err
	}
	if c.class() != nestedClass && !arrow.TypeEqual(want, v.DataType()) {
		return v, mismatch(c, v.Array)
	}
	return v, nil
}

func mismatch(c column, got arrow.Array) error {
	return fmt.Errorf("expr: column %s is %s in the schema, and the rows hold %s: bind the condition to the schema of the rows: %w",
		c.name, typeName(c.typ), got.DataType(), base.ErrInvalid)
}

// clearNulls clears the bits of the rows whose value is null.
func (v values) clearNulls(dst []byte) {
	for _, p := range v.parents {
		clearNulls(dst, p)
	}
	clearNulls(dst, v.Array)
}

func clearNulls(dst []byte, a arrow.Array) {
	switch {
	case a.DataType().ID() == arrow.NULL:
		clear(dst)
	case a.NullN() > 0:
		bitutil.BitmapAnd(dst, a.NullBitmapBytes(), 0, int64(a.Data().Offset()), dst, 0, int64(a.Len()))
	}
}

// fill sets every bit to v.
func fill(dst []byte, v bool) {
	b := byte(0)
	if v {
		b = 0xFF
	}
	for i := range dst {
		dst[i] = b
	}
}

// invert flips every bit.
func invert(dst []byte) {
	for i := range dst {
		dst[i] = ^dst[i]
	}
}
