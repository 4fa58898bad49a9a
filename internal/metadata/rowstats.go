package metadata

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/internal/base"
)

// RowStats gathers the statistics of columns while rows are written to a log file, or read
// from one. Like real Hudi's they have no sizes: those of logs and of Parquet are not comparable.
type RowStats struct {
	of      *indexed
	columns []rowColumn
}

// rowColumn is what is known of one column.
type rowColumn struct {
	path         []string
	values       int64
	nulls        int64
	least, great any // of the types that boundOf takes; nil before the first value
}

func newRowStats(x *indexed) *RowStats {
	r := &RowStats{of: x, columns: make([]rowColumn, len(x.columns))}
	for i, c := range x.columns {
		r.columns[i].path = strings.Split(c.name, ".")
	}
	return r
}

// Add takes rows in. Columns that the batch does not have are passed over.
func (r *RowStats) Add(batch arrow.RecordBatch) error {
	for i := range r.columns {
		c := &r.columns[i]
		at := batch.Schema().FieldIndices(c.path[0])
		if len(at) == 0 {
			continue
		}
		values, hidden, ok := c.leaf(batch.Column(at[0]))
		if !ok {
			continue
		}
		if err := c.add(values, hidden); err != nil {
			return fmt.Errorf("metadata: statistics of column %s: %w", r.of.columns[i].name, err)
		}
	}
	return nil
}

// leaf follows the path to the column's values. hidden are the records around them, whose nulls
// make theirs.
func (c *rowColumn) leaf(a arrow.Array) (values arrow.Array, hidden []arrow.Array, ok bool) {
	for _, name := range c.path[1:] {
		record, is := a.(*array.Struct)
		if !is {
			return nil, nil, false
		}
		at, found := record.DataType().(*arrow.StructType).FieldIdx(name)
		if !found {
			return nil, nil, false
		}
		hidden = append(hidden, record)
		a = record.Field(at)
	}
	return a, hidden, true
}

func (c *rowColumn) add(a arrow.Array, hidden []arrow.Array) error {
	null := a.IsNull
	if len(hidden) > 0 {
		null = func(row int) bool {
			for _, h := range hidden {
				if h.IsNull(row) {
					return true
				}
			}
			return a.IsNull(row)
		}
	} else if a.NullN() == 0 {
		null = nil
	}
	var low, high any
	nulls := 0
	switch a := a.(type) {
	case *array.Boolean:
		low, high, nulls = span(a.Len(), null, func(i int) bool { return a.Value(i) }, compareBools)
	case *array.Int32:
		low, high, nulls = spanOf(a.Int32Values(), null, widen[int32])
	case *array.Date32:
		low, high, nulls = spanOf(a.Date32Values(), null, widen[arrow.Date32])
	case *array.Time32:
		low, high, nulls = spanOf(a.Time32Values(), null, widen[arrow.Time32])
	case *array.Int64:
		low, high, nulls = spanOf(a.Int64Values(), null, widen[int64])
	case *array.Time64:
		low, high, nulls = spanOf(a.Time64Values(), null, widen[arrow.Time64])
	case *array.Timestamp:
		low, high, nulls = spanOf(a.TimestampValues(), null, widen[arrow.Timestamp])
	case *array.Float32:
		low, high, nulls = span(a.Len(), null, func(i int) float64 { return float64(a.Value(i)) }, compareDoubles)
	case *array.Float64:
		low, high, nulls = span(a.Len(), null, a.Value, compareDoubles)
	case *array.String:
		low, high, nulls = span(a.Len(), null, a.Value, strings.Compare)
		low, high = cloned(low), cloned(high)
	case *array.Binary:
		low, high, nulls = span(a.Len(), null, a.Value, compareSigned)
		low, high = cloned(low), cloned(high)
	case *array.FixedSizeBinary:
		low, high, nulls = span(a.Len(), null, a.Value, compareSigned)
		low, high = cloned(low), cloned(high)
	case *array.Decimal128:
		low, high, nulls = span(a.Len(), null, a.Value, decimal128.Num.Cmp)
	default:
		return fmt.Errorf("of type %s: %w", a.DataType(), base.ErrUnsupported)
	}
	c.values += int64(a.Len())
	c.nulls += int64(nulls)
	if low != nil {
		c.least, c.great = outermost(c.least, low, -1), outermost(c.great, high, 1)
	}
	return nil
}

// cloned copies a value that lies in the memory of a batch.
func cloned(v any) any {
	switch v := v.(type) {
	case string:
		return strings.Clone(v)
	case []byte:
		return append([]byte{}, v...)
	}
	return v
}

// span finds the least and the greatest of n values, nil if all are null. null is nil if none is.
func span[V any](n int, null func(int) bool, value func(int) V, compare func(a, b V) int) (low, high any, nulls int) {
	var least, great V
	any := false
	for i := range n {
		if null != nil && null(i) {
			nulls++
			continue
		}
		v := value(i)
		switch {
		case !any:
			least, great, any = v, v, true
		case compare(v, least) < 0:
			least = v
		case compare(v, great) > 0:
			great = v
		}
	}
	if !any {
		return nil, nil, nulls
	}
	return least, great, nulls
}

// spanOf is span of whole numbers.
func spanOf[V cmp.Ordered](values []V, null func(int) bool, as func(V) any) (low, high any, nulls int) {
	if null == nil && len(values) > 0 {
		least, great := values[0], values[0]
		for _, v := range values {
			least, great = min(least, v), max(great, v)
		}
		return as(least), as(great), 0
	}
	low, high, nulls = span(len(values), null, func(i int) V { return values[i] }, cmp.Compare[V])
	if low == nil {
		return nil, nil, nulls
	}
	return as(low.(V)), as(high.(V)), nulls
}

func widen[V ~int32 | ~int64](v V) any { return int64(v) }

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareDoubles is the order of Java's Double: negative zero before zero, NaN after all.
func compareDoubles(a, b float64) int {
	switch aNaN, bNaN := math.IsNaN(a), math.IsNaN(b); {
	case aNaN && bNaN:
		return 0
	case aNaN:
		return 1
	case bNaN:
		return -1
	case a == 0 && b == 0:
		return cmp.Compare(math.Copysign(1, a), math.Copysign(1, b))
	}
	return cmp.Compare(a, b)
}

// compareSigned is the order of Java's ByteBuffer.
func compareSigned(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return cmp.Compare(int8(a[i]), int8(b[i]))
		}
	}
	return cmp.Compare(len(a), len(b))
}

// outermost is the value that lies further to a side; v has the type of than, which may be nil.
func outermost(than, v any, side int) any {
	if than == nil {
		return v
	}
	order := 0
	switch a := than.(type) {
	case bool:
		order = compareBools(a, v.(bool))
	case int64:
		order = cmp.Compare(a, v.(int64))
	case float64:
		order = compareDoubles(a, v.(float64))
	case string:
		order = strings.Compare(a, v.(string))
	case []byte:
		order = compareSigned(a, v.([]byte))
	case decimal128.Num:
		order = a.Cmp(v.(decimal128.Num))
	}
	if order*side > 0 {
		return than
	}
	return v
}

// Stats are the statistics of a file of that name. A file without rows has them too, of an
// unknown type: it deletes.
func (r *RowStats) Stats(file string) ([]*Stats, error) {
	out := make([]*Stats, len(r.columns))
	rows := int64(0)
	for _, c := range r.columns {
		rows = max(rows, c.values)
	}
	for i, c := range r.columns {
		if c.values == 0 && rows > 0 {
			continue // the rows do not have the column
		}
		of := &r.of.columns[i]
		s := of.stats(file, r.of.version)
		*s.Values, *s.Nulls = c.values, c.nulls
		if rows == 0 && r.of.version >= valueTypes {
			s.Type = &ValueType{Ordinal: typeNull}
		}
		if c.least != nil {
			s.Min, s.Max = boundOf(c.least, of.typ, r.of.version), boundOf(c.great, of.typ, r.of.version)
			if s.Min == nil || s.Max == nil {
				return nil, fmt.Errorf("metadata: statistics of column %s: a bound %T of the type %s: %w", of.name, c.least, of.typ, base.ErrUnsupported)
			}
		}
		out[i] = s
	}
	return out, nil
}
