package expr

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// functions are those of one text.
var functions = map[string]func(string) string{
	"UPPER": strings.ToUpper, "LOWER": strings.ToLower, "TRIM": func(s string) string { return strings.Trim(s, " ") },
}

func (b *binder) call(n callNode, args []computed) (computed, error) {
	if f, ok := functions[n.name]; ok {
		if len(args) != 1 || args[0].form != textForm && args[0].form != noForm {
			return computed{}, b.fault(n.pos, "%s takes one text", n.name)
		}
		return computed{form: textForm, eval: args[0].convert(func(out, v *vector, n int) func(row int) error {
			out.texts = make([]string, n)
			return func(row int) error { out.texts[row] = f(v.texts[row]); return nil }
		})}, nil
	}
	switch n.name {
	case "CONCAT":
		return b.joined(n, args)
	case "COALESCE":
		return b.coalesce(n, args)
	}
	return computed{}, b.fault(n.pos, "there is no function %s: use COALESCE, CONCAT, UPPER, LOWER or TRIM", n.name)
}

// joined joins texts; with a null among them the result is null.
func (b *binder) joined(n node, args []computed) (computed, error) {
	for _, a := range args {
		if a.form != textForm && a.form != noForm {
			return computed{}, b.fault(n.position(), "only texts can be joined, not %s", a.form)
		}
	}
	return computed{form: textForm, eval: func(r rows) (*vector, error) {
		out := &vector{texts: make([]string, r.n), null: make([]bool, r.n)}
		for _, a := range args {
			v, err := a.eval(r)
			if err != nil {
				return nil, err
			}
			for row := range r.n {
				if v.isNull(row) {
					out.null[row] = true
				} else if !out.null[row] {
					out.texts[row] += v.texts[row]
				}
			}
		}
		return out, nil
	}}, nil
}

// coalesce takes the first value that is not null.
func (b *binder) coalesce(n callNode, args []computed) (computed, error) {
	to := computed{}
	for _, a := range args {
		mixed := (a.form == textForm) != (to.form == textForm)
		if a.form != noForm && to.form != noForm && mixed {
			return computed{}, b.fault(n.pos, "the values of COALESCE are text and numbers")
		}
		if a.form > to.form {
			to.form = a.form
		}
		to.scale = max(to.scale, a.scale)
	}
	for i, a := range args {
		switch {
		case a.form == noForm:
		case to.form == floatForm:
			args[i] = a.toFloat()
		case to.form == decimalForm:
			args[i] = a.toDecimal(to.scale)
		}
	}
	to.eval = func(r rows) (*vector, error) {
		out := &vector{
			null: slices.Repeat([]bool{true}, r.n), whole: make([]int64, r.n), nums: make([]decimal128.Num, r.n),
			floats: make([]float64, r.n), texts: make([]string, r.n),
		}
		for _, a := range args {
			v, err := a.eval(r)
			if err != nil {
				return nil, err
			}
			for row := range r.n {
				if !out.null[row] || v.isNull(row) {
					continue
				}
				out.null[row] = false
				switch to.form {
				case wholeForm:
					out.whole[row] = v.whole[row]
				case decimalForm:
					out.nums[row] = v.nums[row]
				case floatForm:
					out.floats[row] = v.floats[row]
				case textForm:
					out.texts[row] = v.texts[row]
				}
			}
		}
		return out, nil
	}
	return to, nil
}
