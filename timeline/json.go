package timeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/hudi-go/hudi-go/internal/base"
)

// jsonField is a property of a struct in JSON. Its name is that of the Avro schema. It is
// null while the field at gate is zero, and with omit (tag layout1:"omit") left out then:
// for what the releases that write JSON do not know or only give to some objects.
type jsonField struct {
	index, gate int
	gated, omit bool
	name        string
}

var jsonFields sync.Map // reflect.Type → []jsonField

// fieldsOf returns the properties of a struct type in their order.
func fieldsOf(t reflect.Type) []jsonField {
	if f, ok := jsonFields.Load(t); ok {
		return f.([]jsonField)
	}
	var fields []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("avro"), ",")
		if name == "" {
			continue
		}
		omit := f.Tag.Get("layout1") == "omit"
		j := jsonField{index: i, gate: i, gated: omit || option != "", omit: omit, name: name}
		if other, ok := strings.CutPrefix(option, "omitempty="); ok {
			gate, _ := t.FieldByName(other)
			j.gate = gate.Index[0]
		}
		fields = append(fields, j)
	}
	jsonFields.Store(t, fields)
	return fields
}

// unknown holds the JSON properties of an object that its struct has no field for.
type unknown map[string]json.RawMessage

// keeper is a struct that keeps unknown JSON properties.
type keeper interface{ kept() *unknown }

func (m *CommitMetadata) kept() *unknown { return &m.unknown }
func (s *WriteStat) kept() *unknown      { return &s.unknown }
func (s *RuntimeStats) kept() *unknown   { return &s.unknown }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// isNil reports whether v is a nil map, slice or pointer.
func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Pointer:
		return v.IsNil()
	}
	return false
}

// encodeJSON renders a pointer to a tagged struct as the Jackson library's pretty printer
// does: two blanks of indent for objects, " : " after names, arrays on one line.
func encodeJSON(v any) []byte {
	p := printer{}
	p.value(reflect.ValueOf(v))
	return p.buf.Bytes()
}

type printer struct {
	buf   bytes.Buffer
	depth int
}

// member is a name and value of a JSON object about to be printed.
type member struct {
	name  string
	value reflect.Value
}

func (p *printer) value(v reflect.Value) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || isNil(v) {
		p.buf.WriteString("null")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p.value(v.Elem())
	case reflect.Struct:
		p.object(members(v))
	case reflect.Map:
		var list []member
		for _, k := range v.MapKeys() {
			list = append(list, member{k.String(), v.MapIndex(k)})
		}
		slices.SortFunc(list, func(a, b member) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
		p.object(list)
	case reflect.Slice:
		p.buf.WriteString("[ ")
		for i := range v.Len() {
			if i > 0 {
				p.buf.WriteString(", ")
			}
			p.value(v.Index(i))
		}
		if v.Len() > 0 {
			p.buf.WriteByte(' ')
		}
		p.buf.WriteByte(']')
	default:
		p.scalar(v.Interface())
	}
}

func (p *printer) object(list []member) {
	if len(list) == 0 {
		p.buf.WriteString("{ }")
		return
	}
	p.buf.WriteByte('{')
	p.depth++
	for i, m := range list {
		if i > 0 {
			p.buf.WriteByte(',')
		}
		p.newline()
		p.scalar(m.name)
		p.buf.WriteString(" : ")
		p.value(m.value)
	}
	p.depth--
	p.newline()
	p.buf.WriteByte('}')
}

func (p *printer) newline() {
	p.buf.WriteByte('\n')
	for range p.depth {
		p.buf.WriteString("  ")
	}
}

// scalar prints a string, number or boolean. Non-finite floats, which JSON
// has not, are printed as strings.
func (p *printer) scalar(v any) {
	e := json.NewEncoder(&p.buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		p.scalar(fmt.Sprint(v))
		return
	}
	p.buf.Truncate(p.buf.Len() - 1) // the encoder's newline
}

// members lists the properties that a struct has in JSON: its fields in their order, then
// the unknown ones.
func members(v reflect.Value) []member {
	if !v.CanAddr() {
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		v = c
	}
	var list []member
	for _, f := range fieldsOf(v.Type()) {
		switch zero := f.gated && v.Field(f.gate).IsZero(); {
		case zero && f.omit:
		case zero:
			list = append(list, member{name: f.name})
		default:
			list = append(list, member{f.name, v.Field(f.index)})
		}
	}
	if k, ok := v.Addr().Interface().(keeper); ok {
		for _, name := range sortedKeys(*k.kept()) {
			d := json.NewDecoder(bytes.NewReader((*k.kept())[name]))
			d.UseNumber()
			var any any
			if err := d.Decode(&any); err == nil {
				list = append(list, member{name, reflect.ValueOf(any)})
			}
		}
	}
	return list
}

// decodeJSON reads JSON into a pointer to a tagged struct.
func decodeJSON(data []byte, v any) error {
	if err := jsonValue(data, reflect.ValueOf(v).Elem()); err != nil {
		return fmt.Errorf("timeline: JSON metadata: %w: %w", err, base.ErrCorrupt)
	}
	return nil
}

var jsonNull = []byte("null")

func jsonValue(raw json.RawMessage, v reflect.Value) error {
	if bytes.Equal(bytes.TrimSpace(raw), jsonNull) {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return jsonValue(raw, v.Elem())
	case reflect.Struct:
		return jsonStruct(raw, v)
	case reflect.Map:
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		v.Set(reflect.MakeMapWithSize(v.Type(), len(m)))
		for name, r := range m {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := jsonValue(r, e); err != nil {
				return fmt.Errorf("%q: %w", name, err)
			}
			v.SetMapIndex(reflect.ValueOf(name), e)
		}
		return nil
	case reflect.Slice:
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, r := range list {
			if err := jsonValue(r, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return json.Unmarshal(raw, v.Addr().Interface())
}

func jsonStruct(raw json.RawMessage, v reflect.Value) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	for _, f := range fieldsOf(v.Type()) {
		r, ok := m[f.name]
		if !ok {
			continue
		}
		delete(m, f.name)
		if err := jsonValue(r, v.Field(f.index)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if k, ok := v.Addr().Interface().(keeper); ok && len(m) > 0 {
		*k.kept() = m
	}
	return nil
}
