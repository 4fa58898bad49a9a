package rowio

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/schema"
)

// decoder appends values to the builder of one column, or of what is nested in it.
type decoder interface {
	// decode appends the value that comes next, which is of the given kind and not null.
	decode(s *scanner, kind tokenKind) error
	// text appends the value of a CSV cell, which is not empty.
	text(cell string) error
	// null appends a null, or says that the column has none.
	null() error
}

// columnError is an error of the value of a column, with the path to it.
type columnError struct {
	path string
	err  error
}

func (e *columnError) Error() string { return fmt.Sprintf("column %s: %v", e.path, e.err) }
func (e *columnError) Unwrap() error { return e.err }

// inColumn puts the name of a column or field before the path of an error.
func inColumn(name string, err error) error {
	if err == nil {
		return nil
	}
	var inner *columnError
	if errors.As(err, &inner) {
		return &columnError{path: name + "." + inner.path, err: inner.err}
	}
	return &columnError{path: name, err: err}
}

// decodeValue appends the value that comes next.
func decodeValue(s *scanner, d decoder) error {
	kind, err := s.peek()
	if err != nil {
		return err
	}
	if kind == tokNull {
		if _, err := s.word(); err != nil {
			return err
		}
		return d.null()
	}
	return d.decode(s, kind)
}

// newDecoder makes the decoder of a type into its builder.
func newDecoder(t *schema.Type, b array.Builder, ignoreUnknown bool) decoder {
	base := target{typ: t, builder: b}
	switch t.Kind {
	case schema.Array:
		list := b.(*array.ListBuilder)
		return &listDecoder{target: base, list: list, elem: newDecoder(t.Elem, list.ValueBuilder(), ignoreUnknown)}
	case schema.Map:
		m := b.(*array.MapBuilder)
		return &mapDecoder{target: base, m: m, keys: m.KeyBuilder().(*array.StringBuilder), items: newDecoder(t.Elem, m.ItemBuilder(), ignoreUnknown)}
	case schema.Record:
		st := b.(*array.StructBuilder)
		return &structDecoder{target: base, st: st, fields: newFields(t, st.FieldBuilder, ignoreUnknown)}
	}
	return &scalarDecoder{target: base, accepts: accepted(t), add: adder(t, b)}
}

// target is where a decoder appends, and the type of what it appends.
type target struct {
	typ     *schema.Type
	builder array.Builder
}

func (t target) null() error {
	if !t.typ.Nullable {
		return fmt.Errorf("null, and the column cannot be null")
	}
	t.builder.AppendNull()
	return nil
}

func (t target) wrong(kind tokenKind) error {
	hint := ""
	switch t.typ.Kind {
	case schema.String, schema.Enum, schema.Bytes, schema.Fixed:
		hint = ": write it in quotes"
	}
	if t.typ.Logical != schema.NoLogical && t.typ.Logical != schema.Decimal {
		return fmt.Errorf("%s, and the column is a %s, which is written as a string", kind, t.typ.Logical)
	}
	return fmt.Errorf("%s, and the column is of type %s%s", kind, t.typ.Kind, hint)
}

// nested appends the JSON text of a CSV cell.
func nested(d decoder, cell string) error {
	s := scanner{buf: []byte(cell)}
	if err := decodeValue(&s, d); err != nil {
		return err
	}
	return s.end()
}

// scalarDecoder appends values without parts, by their text.
type scalarDecoder struct {
	target
	accepts []tokenKind
	add     func(text string) error
}

// accepted are the JSON values that may stand for the type.
func accepted(t *schema.Type) []tokenKind {
	switch {
	case t.Logical == schema.Decimal:
		return []tokenKind{tokString, tokNumber}
	case t.Logical != schema.NoLogical:
		return []tokenKind{tokString}
	}
	switch t.Kind {
	case schema.Boolean:
		return []tokenKind{tokBool}
	case schema.Int, schema.Long:
		return []tokenKind{tokNumber}
	case schema.Float, schema.Double:
		return []tokenKind{tokNumber, tokString}
	}
	return []tokenKind{tokString}
}

func (d *scalarDecoder) decode(s *scanner, kind tokenKind) (err error) {
	if !slices.Contains(d.accepts, kind) {
		return d.wrong(kind)
	}
	var text string
	switch kind {
	case tokString:
		text, err = s.str()
		if err == nil && (d.typ.Kind == schema.Float || d.typ.Kind == schema.Double) && text != "NaN" && text != "Infinity" && text != "-Infinity" {
			return d.wrong(kind)
		}
	case tokNumber:
		text, err = s.number()
	default:
		text, err = s.word()
	}
	if err != nil {
		return err
	}
	return d.add(text)
}

func (d *scalarDecoder) text(cell string) error { return d.add(cell) }

// adder returns the function that appends the text of a value to a builder.
func adder(t *schema.Type, b array.Builder) func(text string) error {
	switch b := b.(type) {
	case *array.StringBuilder:
		if t.Kind == schema.String {
			return func(text string) error {
				b.Append(text)
				return nil
			}
		}
		return parsing(t, func(v expr.Value) { b.Append(v.Text()) })
	case *array.BooleanBuilder:
		return parsing(t, func(v expr.Value) { b.Append(v.Bool()) })
	case *array.Int32Builder:
		return parsing(t, func(v expr.Value) { b.Append(int32(v.Int())) })
	case *array.Int64Builder:
		return parsing(t, func(v expr.Value) { b.Append(v.Int()) })
	case *array.Float32Builder:
		return parsing(t, func(v expr.Value) { b.Append(float32(v.Float())) })
	case *array.Float64Builder:
		return parsing(t, func(v expr.Value) { b.Append(v.Float()) })
	case *array.Decimal128Builder:
		return parsing(t, func(v expr.Value) {
			unscaled, _ := v.Decimal()
			b.Append(unscaled)
		})
	case *array.BinaryBuilder:
		return parsing(t, func(v expr.Value) { b.AppendString(v.Text()) })
	case *array.FixedSizeBinaryBuilder:
		return parsing(t, func(v expr.Value) { b.Append([]byte(v.Text())) })
	case *array.Date32Builder:
		return parsing(t, func(v expr.Value) { b.Append(arrow.Date32(v.Int())) })
	case *array.Time32Builder:
		return parsing(t, func(v expr.Value) { b.Append(arrow.Time32(v.Int())) })
	case *array.Time64Builder:
		return parsing(t, func(v expr.Value) { b.Append(arrow.Time64(v.Int())) })
	}
	ts := b.(*array.TimestampBuilder)
	return parsing(t, func(v expr.Value) { ts.Append(arrow.Timestamp(v.Int())) })
}

func parsing(t *schema.Type, add func(v expr.Value)) func(text string) error {
	return func(text string) error {
		v, err := expr.ParseValue(t, text)
		if err == nil {
			add(v)
		}
		return err
	}
}

type listDecoder struct {
	target
	list *array.ListBuilder
	elem decoder
}

func (d *listDecoder) text(cell string) error { return nested(d, cell) }

func (d *listDecoder) decode(s *scanner, kind tokenKind) error {
	if kind != tokArray {
		return d.wrong(kind)
	}
	d.list.Append(true)
	return s.elements(func() error { return inColumn("element", decodeValue(s, d.elem)) })
}

type mapDecoder struct {
	target
	m     *array.MapBuilder
	keys  *array.StringBuilder
	items decoder
}

func (d *mapDecoder) text(cell string) error { return nested(d, cell) }

func (d *mapDecoder) decode(s *scanner, kind tokenKind) error {
	if kind != tokObject {
		return d.wrong(kind)
	}
	d.m.Append(true)
	return s.members(func(name string) error {
		d.keys.Append(name)
		return inColumn("value", decodeValue(s, d.items))
	})
}

type structDecoder struct {
	target
	st     *array.StructBuilder
	fields *fields
}

func (d *structDecoder) text(cell string) error { return nested(d, cell) }

func (d *structDecoder) decode(s *scanner, kind tokenKind) error {
	if kind != tokObject {
		return d.wrong(kind)
	}
	d.st.Append(true)
	return d.fields.decode(s)
}

// fields decodes objects into the builders of a record's fields.
type fields struct {
	typ           *schema.Type
	decoders      []decoder
	index         map[string]int
	ignoreUnknown bool
	// seen holds the number of the last object that had the field.
	seen   []uint64
	object uint64
}

func newFields(t *schema.Type, builder func(i int) array.Builder, ignoreUnknown bool) *fields {
	f := &fields{typ: t, index: make(map[string]int), ignoreUnknown: ignoreUnknown, seen: make([]uint64, len(t.Fields))}
	for i, field := range t.Fields {
		f.index[field.Name] = i
		f.decoders = append(f.decoders, newDecoder(field.Type, builder(i), ignoreUnknown))
	}
	return f
}

// decode appends one object; fields that it has not are null.
func (f *fields) decode(s *scanner) error {
	f.object++
	next := 0 // fields mostly come in order
	err := s.members(func(name string) error {
		i := next
		if i >= len(f.decoders) || f.typ.Fields[i].Name != name {
			var ok bool
			if i, ok = f.index[name]; !ok {
				return f.unknown(s, name)
			}
		}
		if f.seen[i] == f.object {
			return inColumn(f.typ.Fields[i].Name, fmt.Errorf("the object has it twice"))
		}
		f.seen[i] = f.object
		next = i + 1
		return inColumn(f.typ.Fields[i].Name, decodeValue(s, f.decoders[i]))
	})
	if err != nil {
		return err
	}
	for i, d := range f.decoders {
		if f.seen[i] == f.object {
			continue
		}
		if d.null() != nil {
			return inColumn(f.typ.Fields[i].Name, fmt.Errorf("missing, and the column cannot be null"))
		}
	}
	return nil
}

func (f *fields) unknown(s *scanner, name string) error {
	if f.ignoreUnknown {
		return s.skip()
	}
	_, _, err := f.typ.Lookup(name)
	return err
}
