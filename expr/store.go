package expr

import (
	"fmt"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/arrow/scalar"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// evaluation makes the new values of a column.
type evaluation func(r rows, alloc memory.Allocator) (arrow.Array, error)

// assign makes the evaluation of a value for a column.
func (b *binder) assign(f schema.Field, dt arrow.DataType, n node) (evaluation, error) {
	switch n := n.(type) {
	case literalNode:
		return b.constant(f, dt, n)
	case columnNode:
		c, err := b.column(n)
		if err != nil {
			return nil, err
		}
		same, err := c.typ.Arrow()
		if err == nil && arrow.TypeEqual(same, dt) {
			return func(r rows, _ memory.Allocator) (arrow.Array, error) {
				v, err := r.find(c)
				if err != nil {
					return nil, err
				}
				if len(v.parents) > 0 {
					return nil, fmt.Errorf("field %s of a record: %w", c.name, base.ErrUnsupported)
				}
				v.Retain()
				return v.Array, nil
			}, nil
		}
	}
	c, err := b.computed(n)
	if err != nil {
		return nil, err
	}
	store, ok := c.store(f.Type, dt)
	if !ok {
		return nil, b.fault(n.position(), "column %s is %s, and the value is %s", f.Name, typeName(f.Type), c.form)
	}
	return func(r rows, alloc memory.Allocator) (arrow.Array, error) {
		v, err := c.eval(r)
		if err != nil {
			return nil, err
		}
		return store(v, r.n, alloc)
	}, nil
}

// constant makes the evaluation of a literal.
func (b *binder) constant(f schema.Field, dt arrow.DataType, n literalNode) (evaluation, error) {
	if n.kind == litNull {
		if !f.Type.Nullable {
			return nil, b.fault(n.pos, "column %s takes no nulls", f.Name)
		}
		return func(r rows, alloc memory.Allocator) (arrow.Array, error) {
			return array.MakeArrayOfNull(alloc, dt, r.n), nil
		}, nil
	}
	v, side, err := typed(f.Type, n)
	if err == nil && side != 0 {
		err = fmt.Errorf("%s does not fit %s exactly", literalText(n), typeName(f.Type))
	}
	if err != nil {
		return nil, b.fault(n.pos, "column %s: %v", f.Name, err)
	}
	s, err := scalarOf(v, dt)
	if err != nil {
		return nil, b.fault(n.pos, "column %s: %v", f.Name, err)
	}
	return func(r rows, alloc memory.Allocator) (arrow.Array, error) {
		return scalar.MakeArrayFromScalar(s, r.n, alloc)
	}, nil
}

func scalarOf(v Value, dt arrow.DataType) (scalar.Scalar, error) {
	switch dt := dt.(type) {
	case *arrow.BooleanType:
		return scalar.NewBooleanScalar(v.Bool()), nil
	case *arrow.Int32Type:
		return scalar.NewInt32Scalar(int32(v.Int())), nil
	case *arrow.Int64Type:
		return scalar.NewInt64Scalar(v.Int()), nil
	case *arrow.Float32Type:
		return scalar.NewFloat32Scalar(float32(v.Float())), nil
	case *arrow.Float64Type:
		return scalar.NewFloat64Scalar(v.Float()), nil
	case *arrow.Decimal128Type:
		num, _ := v.Decimal()
		return scalar.NewDecimal128Scalar(num, dt), nil
	case *arrow.StringType:
		return scalar.NewStringScalar(v.Text()), nil
	case *arrow.BinaryType:
		return scalar.NewBinaryScalar(memory.NewBufferBytes([]byte(v.Text())), dt), nil
	case *arrow.FixedSizeBinaryType:
		return scalar.NewFixedSizeBinaryScalar(memory.NewBufferBytes([]byte(v.Text())), dt), nil
	case *arrow.Date32Type:
		return scalar.NewDate32Scalar(arrow.Date32(v.Int())), nil
	case *arrow.Time32Type:
		return scalar.NewTime32Scalar(arrow.Time32(v.Int()), dt), nil
	case *arrow.Time64Type:
		return scalar.NewTime64Scalar(arrow.Time64(v.Int()), dt), nil
	case *arrow.TimestampType:
		return scalar.NewTimestampScalar(arrow.Timestamp(v.Int()), dt), nil
	}
	return nil, fmt.Errorf("a literal of type %s: %w", dt, base.ErrUnsupported)
}

// store makes the array of a column of computed values; ok is false for other types of columns.
func (c computed) store(t *schema.Type, dt arrow.DataType) (_ func(v *vector, n int, alloc memory.Allocator) (arrow.Array, error), ok bool) {
	switch dt := dt.(type) {
	case *arrow.Int32Type, *arrow.Int64Type:
		if t.Logical != schema.NoLogical || c.form != wholeForm && c.form != noForm {
			return nil, false
		}
		lo, hi := intRange(t.Kind)
		return func(v *vector, n int, alloc memory.Allocator) (arrow.Array, error) {
			return build(v, n, array.NewBuilder(alloc, dt), func(b array.Builder, row int) error {
				x := v.whole[row]
				if x < lo || x > hi {
					return fmt.Errorf("%d does not fit %s: %w", x, typeName(t), base.ErrInvalid)
				}
				switch b := b.(type) {
				case *array.Int32Builder:
					b.Append(int32(x))
				case *array.Int64Builder:
					b.Append(x)
				}
				return nil
			})
		}, true
	case *arrow.Float32Type, *arrow.Float64Type:
		if c.form == textForm {
			return nil, false
		}
		return func(v *vector, n int, alloc memory.Allocator) (arrow.Array, error) {
			return build(v, n, array.NewBuilder(alloc, dt), func(b array.Builder, row int) error {
				x := c.float(v, row)
				switch b := b.(type) {
				case *array.Float32Builder:
					b.Append(float32(x))
				case *array.Float64Builder:
					b.Append(x)
				}
				return nil
			})
		}, true
	case *arrow.Decimal128Type:
		if c.form == textForm || c.form == floatForm {
			return nil, false
		}
		return func(v *vector, n int, alloc memory.Allocator) (arrow.Array, error) {
			return build(v, n, array.NewBuilder(alloc, dt), func(b array.Builder, row int) error {
				x, err := c.decimal(v, row, t)
				if err != nil {
					return err
				}
				b.(*array.Decimal128Builder).Append(x)
				return nil
			})
		}, true
	case *arrow.StringType:
		if t.Kind != schema.String || c.form != textForm && c.form != noForm {
			return nil, false
		}
		return func(v *vector, n int, alloc memory.Allocator) (arrow.Array, error) {
			return build(v, n, array.NewBuilder(alloc, dt), func(b array.Builder, row int) error {
				b.(*array.StringBuilder).Append(v.texts[row])
				return nil
			})
		}, true
	}
	return nil, false
}

// build fills a builder, which it releases, with nulls where they are.
func build(v *vector, n int, b array.Builder, add func(b array.Builder, row int) error) (arrow.Array, error) {
	defer b.Release()
	b.Reserve(n)
	for row := range n {
		if v.isNull(row) {
			b.AppendNull()
			continue
		}
		if err := add(b, row); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}

func (c computed) float(v *vector, row int) float64 {
	switch c.form {
	case wholeForm:
		return float64(v.whole[row])
	case decimalForm:
		return v.nums[row].ToFloat64(int32(c.scale))
	}
	return v.floats[row]
}

// decimal brings a number to the digits of a column, rounded half up as Spark rounds.
func (c computed) decimal(v *vector, row int, t *schema.Type) (decimal128.Num, error) {
	x := new(big.Int)
	if c.form == wholeForm {
		x.SetInt64(v.whole[row])
	} else {
		x = v.nums[row].BigInt()
	}
	if more := t.Scale - c.scale; more >= 0 {
		x.Mul(x, pow10(more))
	} else {
		factor := pow10(-more)
		rest := new(big.Int)
		sign := int64(x.Sign())
		x.QuoRem(x, factor, rest)
		if rest.Abs(rest).Lsh(rest, 1).Cmp(factor) >= 0 {
			x.Add(x, big.NewInt(sign))
		}
	}
	out, fits := narrow(x, t.Precision)
	if !fits {
		return out, fmt.Errorf("the value does not fit %s: %w", typeName(t), base.ErrInvalid)
	}
	return out, nil
}
