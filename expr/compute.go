package expr

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// form is what values are computed in.
type form uint8

const (
	noForm      form = iota // NULL, which takes any
	wholeForm               // int and long
	decimalForm             // decimals, and numbers written with a point
	floatForm               // float and double
	textForm                // strings
)

// computed is a value that is computed: its form, with the digits after the point of decimals,
// and how it is made.
type computed struct {
	form  form
	scale int
	eval  func(r rows) (*vector, error)
}

// vector are computed values, one a row. Of the lists the one of the form is filled.
type vector struct {
	null   []bool // nil: none
	whole  []int64
	nums   []decimal128.Num
	floats []float64
	texts  []string
}

func (v *vector) isNull(row int) bool { return v.null != nil && v.null[row] }

func (f form) String() string {
	return [...]string{"null", "a whole number", "a decimal number", "a floating-point number", "text"}[f]
}

// computed binds a value that is computed.
func (b *binder) computed(n node) (computed, error) {
	switch n := n.(type) {
	case literalNode:
		return b.literalValue(n)
	case columnNode:
		return b.columnValue(n)
	case arithNode:
		left, err := b.computed(n.left)
		if err != nil {
			return computed{}, err
		}
		right, err := b.computed(n.right)
		if err != nil {
			return computed{}, err
		}
		if n.op == "||" {
			return b.joined(n, []computed{left, right})
		}
		return b.arithmetic(n, left, right)
	case callNode:
		args := make([]computed, len(n.args))
		for i, arg := range n.args {
			var err error
			if args[i], err = b.computed(arg); err != nil {
				return computed{}, err
			}
		}
		return b.call(n, args)
	}
	return computed{}, b.fault(n.position(), "a condition is not a value")
}

func (b *binder) literalValue(n literalNode) (computed, error) {
	fixed := func(f form, scale int, fill func(v *vector, n int)) (computed, error) {
		return computed{form: f, scale: scale, eval: func(r rows) (*vector, error) {
			v := &vector{}
			fill(v, r.n)
			return v, nil
		}}, nil
	}
	switch n.kind {
	case litNull:
		return fixed(noForm, 0, func(v *vector, n int) { v.null = slices.Repeat([]bool{true}, n) })
	case litString:
		return fixed(textForm, 0, func(v *vector, rows int) { v.texts = slices.Repeat([]string{n.text}, rows) })
	case litNumber:
		num, ok := parseNumber(n.text)
		if !ok {
			break
		}
		scale := max(-num.exp, 0)
		if strings.ContainsAny(n.text, "eE") || scale > decimalDigits { // as in SQL, an exponent makes a double
			f, err := parseDouble(n.text)
			if err != nil {
				break
			}
			return fixed(floatForm, 0, func(v *vector, rows int) { v.floats = slices.Repeat([]float64{f}, rows) })
		}
		most := decimal128.GetMaxValue(decimalDigits)
		unscaled, side := num.scaled(scale, most.Negate(), most)
		if side != 0 {
			break
		}
		if whole := int64(unscaled.LowBits()); scale == 0 && decimal128.FromI64(whole) == unscaled {
			return fixed(wholeForm, 0, func(v *vector, rows int) { v.whole = slices.Repeat([]int64{whole}, rows) })
		}
		return fixed(decimalForm, scale, func(v *vector, rows int) { v.nums = slices.Repeat([]decimal128.Num{unscaled}, rows) })
	}
	return computed{}, b.fault(n.pos, "%s cannot be computed with; it can be set by itself", literalText(n))
}

func parseDouble(text string) (float64, error) {
	v, _, err := parseFloat(&schema.Type{Kind: schema.Double}, text)
	return v.Float(), err
}

// columnValue reads a column.
func (b *binder) columnValue(n columnNode) (computed, error) {
	c, err := b.column(n)
	if err != nil {
		return computed{}, err
	}
	out := computed{}
	switch {
	case c.typ.Logical == schema.Decimal:
		out.form, out.scale = decimalForm, c.typ.Scale
	case c.typ.Logical != schema.NoLogical:
	case c.typ.Kind == schema.Int, c.typ.Kind == schema.Long:
		out.form = wholeForm
	case c.typ.Kind == schema.Float, c.typ.Kind == schema.Double:
		out.form = floatForm
	case isText(c.typ):
		out.form = textForm
	}
	if out.form == noForm || len(n.path) > 1 {
		return computed{}, b.fault(n.pos, "column %s is %s, which cannot be computed with; one of the same type can be set to it", c.name, typeName(c.typ))
	}
	out.eval = func(r rows) (*vector, error) {
		a, err := r.find(c)
		if err != nil {
			return nil, err
		}
		v := &vector{}
		if a.NullN() > 0 {
			v.null = make([]bool, r.n)
			for row := range v.null {
				v.null[row] = a.IsNull(row)
			}
		}
		switch a := a.Array.(type) {
		case *array.Int32:
			v.whole = widen[int64](a.Int32Values())
		case *array.Int64:
			v.whole = a.Int64Values()
		case *array.Float32:
			v.floats = widen[float64](a.Float32Values())
		case *array.Float64:
			v.floats = a.Float64Values()
		case *array.Decimal128:
			v.nums = a.Values()
		case *array.String:
			v.texts = make([]string, r.n)
			for row := range v.texts {
				v.texts[row] = a.Value(row)
			}
		default:
			return nil, mismatch(c, a)
		}
		return v, nil
	}
	return out, nil
}

func widen[D int64 | float64, S int32 | float32](values []S) []D {
	out := make([]D, len(values))
	for i, v := range values {
		out[i] = D(v)
	}
	return out
}

// arithmetic computes with numbers: in floating point if one of them is, else in decimals if one
// is, else in whole numbers. A division is in floating point, and one by zero gives null, as in
// Spark.
func (b *binder) arithmetic(n arithNode, left, right computed) (computed, error) {
	for _, side := range []computed{left, right} {
		if side.form == textForm {
			return computed{}, b.fault(n.position(), "%s needs numbers, not text; || joins texts", n.op)
		}
	}
	switch {
	case n.op == "/", left.form == floatForm, right.form == floatForm:
		return computed{form: floatForm, eval: pairwise(left.toFloat(), right.toFloat(), withFloats(n.op))}, nil
	case left.form == decimalForm, right.form == decimalForm:
		scale := max(left.scale, right.scale)
		if n.op == "*" {
			scale = left.scale + right.scale
		} else {
			left, right = left.toDecimal(scale), right.toDecimal(scale)
		}
		return computed{form: decimalForm, scale: scale, eval: pairwise(left.toDecimal(left.scale), right.toDecimal(right.scale), withDecimals(n.op))}, nil
	}
	return computed{form: wholeForm, eval: pairwise(left, right, withWholes(n.op))}, nil
}

// pairwise evaluates two values and computes row by row where neither is null. op computes one
// row of the result; false makes it null.
func pairwise(left, right computed, op func(out, l, r *vector, n int) func(row int) (ok bool, err error)) func(r rows) (*vector, error) {
	return func(r rows) (*vector, error) {
		a, err := left.eval(r)
		if err != nil {
			return nil, err
		}
		b, err := right.eval(r)
		if err != nil {
			return nil, err
		}
		out := &vector{}
		one := op(out, a, b, r.n)
		for row := range r.n {
			ok := !a.isNull(row) && !b.isNull(row)
			if ok {
				if ok, err = one(row); err != nil {
					return nil, err
				}
			}
			if !ok {
				if out.null == nil {
					out.null = make([]bool, r.n)
				}
				out.null[row] = true
			}
		}
		return out, nil
	}
}

func withFloats(op string) func(out, l, r *vector, n int) func(row int) (bool, error) {
	return func(out, l, r *vector, n int) func(row int) (bool, error) {
		out.floats = make([]float64, n)
		return func(row int) (bool, error) {
			x, y := l.floats[row], r.floats[row]
			switch op {
			case "+":
				x += y
			case "-":
				x -= y
			case "*":
				x *= y
			default:
				if y == 0 {
					return false, nil
				}
				x /= y
			}
			out.floats[row] = x
			return true, nil
		}
	}
}

var errOverflow = fmt.Errorf("the result is too large: %w", base.ErrInvalid)

func withWholes(op string) func(out, l, r *vector, n int) func(row int) (bool, error) {
	return func(out, l, r *vector, n int) func(row int) (bool, error) {
		out.whole = make([]int64, n)
		return func(row int) (bool, error) {
			x, y := l.whole[row], r.whole[row]
			var v int64
			var fits bool
			switch op {
			case "+":
				v = x + y
				fits = (v > x) == (y > 0)
			case "-":
				v = x - y
				fits = (v < x) == (y > 0)
			default:
				v, fits = product(x, y)
			}
			if !fits {
				return false, fmt.Errorf("%d %s %d: %w", x, op, y, errOverflow)
			}
			out.whole[row] = v
			return true, nil
		}
	}
}

// product multiplies; fits is false when the product has more than 64 bits.
func product(x, y int64) (v int64, fits bool) {
	negative := (x < 0) != (y < 0)
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	switch {
	case hi != 0, !negative && lo > math.MaxInt64, negative && lo > 1<<63:
		return 0, false
	case negative:
		return -int64(lo), true
	}
	return int64(lo), true
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func withDecimals(op string) func(out, l, r *vector, n int) func(row int) (bool, error) {
	return func(out, l, r *vector, n int) func(row int) (bool, error) {
		out.nums = make([]decimal128.Num, n)
		return func(row int) (bool, error) {
			x, y := l.nums[row].BigInt(), r.nums[row].BigInt()
			switch op {
			case "+":
				x.Add(x, y)
			case "-":
				x.Sub(x, y)
			default:
				x.Mul(x, y)
			}
			var fits bool
			out.nums[row], fits = narrow(x, decimalDigits)
			if !fits {
				return false, errOverflow
			}
			return true, nil
		}
	}
}

// narrow is a number of at most so many digits.
func narrow(x *big.Int, digits int) (decimal128.Num, bool) {
	if x.CmpAbs(pow10(digits)) >= 0 {
		return decimal128.Num{}, false
	}
	return decimal128.FromBigInt(x), true
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// toFloat turns numbers into floating point.
func (c computed) toFloat() computed {
	if c.form == floatForm {
		return c
	}
	return computed{form: floatForm, eval: c.convert(func(out, v *vector, n int) func(row int) error {
		out.floats = make([]float64, n)
		return func(row int) error {
			if c.form == wholeForm {
				out.floats[row] = float64(v.whole[row])
			} else {
				out.floats[row] = v.nums[row].ToFloat64(int32(c.scale))
			}
			return nil
		}
	})}
}

// toDecimal turns whole numbers and decimals into decimals with at least as many digits after the
// point.
func (c computed) toDecimal(scale int) computed {
	if c.form == decimalForm && c.scale == scale {
		return c
	}
	factor := pow10(scale - c.scale)
	return computed{form: decimalForm, scale: scale, eval: c.convert(func(out, v *vector, n int) func(row int) error {
		out.nums = make([]decimal128.Num, n)
		return func(row int) error {
			var x *big.Int
			if c.form == wholeForm {
				x = big.NewInt(v.whole[row])
			} else {
				x = v.nums[row].BigInt()
			}
			var fits bool
			if out.nums[row], fits = narrow(x.Mul(x, factor), decimalDigits); !fits {
				return errOverflow
			}
			return nil
		}
	})}
}

// convert evaluates and converts row by row what is not null.
func (c computed) convert(to func(out, v *vector, n int) func(row int) error) func(r rows) (*vector, error) {
	return func(r rows) (*vector, error) {
		v, err := c.eval(r)
		if err != nil {
			return nil, err
		}
		out := &vector{null: v.null}
		one := to(out, v, r.n)
		for row := range r.n {
			if v.isNull(row) {
				continue
			}
			if err := one(row); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}
