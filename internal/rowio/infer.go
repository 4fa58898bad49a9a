package rowio

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/schema"
)

// shapeKind is what the values of a column have been so far.
type shapeKind uint8

const (
	shapeNull shapeKind = iota
	shapeBool
	shapeLong
	shapeDouble
	shapeString
	shapeList
	shapeStruct
)

// String names the kind in messages.
func (k shapeKind) String() string {
	return [...]string{"null", "a boolean", "a whole number", "a number", "a string", "an array", "an object"}[k]
}

// shape is what was seen of the values of a column. It grows with each value.
type shape struct {
	kind   shapeKind
	elem   *shape
	names  []string // in the order of their first appearance
	fields map[string]*shape
}

var (
	longType   = &schema.Type{Kind: schema.Long}
	doubleType = &schema.Type{Kind: schema.Double}
)

// inferJSON finds the schema of JSON lines from the first ones, which it leaves to be read.
func inferJSON(in *lines, table string) (*schema.Schema, error) {
	root := &shape{}
	var seen []line
	size := 0
	var scan scanner
	for len(seen) < inferRows && size < inferBytes {
		l, err := in.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			in.err = err
			break
		}
		l.text = slices.Clone(l.text)
		seen = append(seen, l)
		size += len(l.text)
		scan.reset(l.text)
		if kind, err := scan.peek(); err == nil && kind != tokObject {
			return nil, l.at(scan.fault("an object"))
		}
		if err := root.observe(&scan); err != nil {
			return nil, l.at(err)
		}
		if err := scan.end(); err != nil {
			return nil, l.at(err)
		}
	}
	in.ahead = seen
	return root.schema(table)
}

// observe widens the shape to hold the value that comes next.
func (sh *shape) observe(s *scanner) error {
	kind, err := s.peek()
	if err != nil {
		return err
	}
	switch kind {
	case tokObject:
		if err := sh.widen(shapeStruct); err != nil {
			return err
		}
		return s.members(func(name string) error {
			name = strings.Clone(name) // the scanner's text does not last
			f, ok := sh.fields[name]
			if !ok {
				f = &shape{}
				sh.names = append(sh.names, name)
				if sh.fields == nil {
					sh.fields = make(map[string]*shape)
				}
				sh.fields[name] = f
			}
			return inColumn(name, f.observe(s))
		})
	case tokArray:
		if err := sh.widen(shapeList); err != nil {
			return err
		}
		if sh.elem == nil {
			sh.elem = &shape{}
		}
		return s.elements(func() error { return inColumn("element", sh.elem.observe(s)) })
	case tokNumber:
		text, err := s.number()
		if err != nil {
			return err
		}
		if _, err := expr.ParseValue(longType, text); err == nil {
			return sh.widen(shapeLong)
		}
		if isWhole(text) {
			return fmt.Errorf("%s does not fit a long: give a schema", text)
		}
		return sh.widen(shapeDouble)
	case tokString:
		_, err = s.str()
		return errors.Join(err, sh.widen(shapeString))
	case tokBool:
		_, err = s.word()
		return errors.Join(err, sh.widen(shapeBool))
	}
	_, err = s.word()
	return err
}

// isWhole reports whether a number is written without point and exponent.
func isWhole(number string) bool {
	for i := range len(number) {
		if c := number[i]; c == '.' || c == 'e' || c == 'E' {
			return false
		}
	}
	return true
}

// widen makes the shape hold values of the kind too.
func (sh *shape) widen(k shapeKind) error {
	switch {
	case sh.kind == k:
	case sh.kind == shapeNull, sh.kind == shapeLong && k == shapeDouble:
		sh.kind = k
	case sh.kind == shapeDouble && k == shapeLong:
	default:
		return fmt.Errorf("%v here and %v before: give a schema", k, sh.kind)
	}
	return nil
}

// schema makes the schema of rows of the shape.
func (sh *shape) schema(table string) (*schema.Schema, error) {
	return schema.FromArrow(table, arrow.NewSchema(sh.arrowFields(), nil))
}

func (sh *shape) arrowFields() []arrow.Field {
	fields := make([]arrow.Field, 0, len(sh.names))
	for _, name := range sh.names {
		fields = append(fields, arrow.Field{Name: name, Type: sh.fields[name].arrow(), Nullable: true})
	}
	return fields
}

// arrow is the type of values of the shape; of nothing but nulls it makes strings.
func (sh *shape) arrow() arrow.DataType {
	switch sh.kind {
	case shapeBool:
		return arrow.FixedWidthTypes.Boolean
	case shapeLong:
		return arrow.PrimitiveTypes.Int64
	case shapeDouble:
		return arrow.PrimitiveTypes.Float64
	case shapeList:
		return arrow.ListOf(sh.elem.arrow())
	case shapeStruct:
		return arrow.StructOf(sh.arrowFields()...)
	}
	return arrow.BinaryTypes.String
}

// observeText widens the shape to hold a CSV cell. What does not fit together is a string.
func (sh *shape) observeText(cell string) {
	if cell == "" {
		return
	}
	kind := shapeString
	if _, err := expr.ParseValue(longType, cell); err == nil && isWhole(cell) {
		kind = shapeLong
	} else if _, err := expr.ParseValue(doubleType, cell); err == nil {
		kind = shapeDouble
	} else if cell == "true" || cell == "false" {
		kind = shapeBool
	}
	// A number that would not be written the same again is a code: 007, +49.
	digits := cell
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if (kind == shapeLong || kind == shapeDouble) && len(digits) > 1 && (digits[0] == '+' || cell[0] == '+' || digits[0] == '0' && digits[1] != '.') {
		kind = shapeString
	}
	if sh.widen(kind) != nil {
		sh.kind = shapeString
	}
}
