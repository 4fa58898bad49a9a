package avroio

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hamba/avro/v2"

	"github.com/hudi-go/hudi-go/internal/base"
)

// codec converts between one Avro type and one Go type. A codec without a Go type skips.
// It is immutable once compiled.
type codec struct {
	kind    avro.Type
	name    string       // of a record, for messages
	target  reflect.Type // nil to skip
	size    int          // fixed
	symbols []string     // enum
	elem    *codec       // array, map; of a record that goes into a pointer, the record
	fields  []field      // record
	// A union: one codec for each branch, nil for null.
	branches []*codec
	null     int // index of the null branch, -1 for none
	// Of a union of several types: the struct's field for each branch, empty for none.
	choices [][]int
}

// field is a field of a record. index is empty when the struct has no such field. gate, if
// not empty, is the struct's field whose zero value makes this one null.
type field struct {
	name  string
	index []int
	gate  []int
	codec *codec
}

// compiler remembers the codecs of records, so that each is compiled once and a recursive
// schema ends.
type compiler struct {
	records map[recordKey]*codec
}

type recordKey struct {
	name   string
	target reflect.Type
}

func compile(s avro.Schema, target reflect.Type) (*codec, error) {
	if s.Type() != avro.Record {
		return nil, fmt.Errorf("the schema is a %s, not a record: %w", s.Type(), base.ErrInvalid)
	}
	c := compiler{records: make(map[recordKey]*codec)}
	return c.compile(s, target)
}

func (c *compiler) compile(s avro.Schema, target reflect.Type) (*codec, error) {
	if ref, ok := s.(*avro.RefSchema); ok {
		s = ref.Schema()
	}
	n := &codec{kind: s.Type(), target: target}
	fits := target == nil
	var err error
	switch s := s.(type) {
	case *avro.RecordSchema:
		if fits || target.Kind() != reflect.Pointer {
			return c.record(s, target)
		}
		fits = true
		n.elem, err = c.record(s, target.Elem())
	case *avro.UnionSchema:
		return c.union(s, target)
	case *avro.ArraySchema:
		var elem reflect.Type
		if !fits && target.Kind() == reflect.Slice {
			elem, fits = target.Elem(), true
		}
		n.elem, err = c.compile(s.Items(), elem)
	case *avro.MapSchema:
		var elem reflect.Type
		if !fits && target.Kind() == reflect.Map && target.Key().Kind() == reflect.String {
			elem, fits = target.Elem(), true
		}
		n.elem, err = c.compile(s.Values(), elem)
	case *avro.EnumSchema:
		n.symbols = s.Symbols()
		fits = fits || target.Kind() == reflect.String
	case *avro.FixedSchema:
		n.size = s.Size()
		fits = fits || isBytes(target)
	default:
		fits = fits || primitiveFits(s.Type(), target)
	}
	if err != nil {
		return nil, err
	}
	if !fits {
		return nil, fmt.Errorf("an Avro %s does not go into a Go %s: %w", s.Type(), target, base.ErrInvalid)
	}
	return n, nil
}

func primitiveFits(t avro.Type, target reflect.Type) bool {
	switch t {
	case avro.Boolean:
		return target.Kind() == reflect.Bool
	case avro.Int, avro.Long:
		return reflect.Int <= target.Kind() && target.Kind() <= reflect.Int64
	case avro.Float, avro.Double:
		return target.Kind() == reflect.Float32 || target.Kind() == reflect.Float64
	case avro.String:
		return target.Kind() == reflect.String
	case avro.Bytes:
		return isBytes(target)
	}
	return false
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func (c *compiler) record(s *avro.RecordSchema, target reflect.Type) (*codec, error) {
	key := recordKey{s.FullName(), target}
	if n, ok := c.records[key]; ok {
		return n, nil
	}
	if target != nil && target.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the Avro record %s does not go into a Go %s: %w", s.Name(), target, base.ErrInvalid)
	}
	n := &codec{kind: avro.Record, name: s.Name(), target: target}
	c.records[key] = n
	byTag := make(map[string]reflect.StructField)
	gates := make(map[string][]int)
	if target != nil {
		for _, f := range reflect.VisibleFields(target) {
			name, option, _ := strings.Cut(f.Tag.Get("avro"), ",")
			if name == "" || !f.IsExported() {
				continue
			}
			byTag[name] = f
			gate, err := gateOf(target, f, option)
			if err != nil {
				return nil, err
			}
			gates[name] = gate
		}
	}
	for _, f := range s.Fields() {
		var elem reflect.Type
		to, ok := byTag[f.Name()]
		if ok {
			elem = to.Type
		}
		fc, err := c.compile(f.Type(), elem)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", s.Name(), f.Name(), err)
		}
		n.fields = append(n.fields, field{name: f.Name(), index: to.Index, gate: gates[f.Name()], codec: fc})
	}
	return n, nil
}

// gateOf reads the option of a field's tag: omitempty, or omitempty= and the name of another
// field of the struct.
func gateOf(target reflect.Type, f reflect.StructField, option string) ([]int, error) {
	if option == "" {
		return nil, nil
	}
	if option == "omitempty" {
		return f.Index, nil
	}
	if other, ok := strings.CutPrefix(option, "omitempty="); ok {
		if gate, ok := target.FieldByName(other); ok {
			return gate.Index, nil
		}
	}
	return nil, fmt.Errorf("%s.%s: unknown option %q of its tag: %w", target, f.Name, option, base.ErrInvalid)
}

// union: one type besides null goes into a pointer to that type or into the type itself,
// several types into a struct, or a pointer to one, with a field for each.
func (c *compiler) union(s *avro.UnionSchema, target reflect.Type) (*codec, error) {
	n := &codec{kind: avro.Union, target: target, null: slices.IndexFunc(s.Types(), func(b avro.Schema) bool { return b.Type() == avro.Null })}
	to := target
	if to != nil && to.Kind() == reflect.Pointer {
		to = to.Elem()
	}
	values := len(s.Types())
	if n.null >= 0 {
		values--
	}
	if to != nil && values > 1 {
		return n, c.choices(n, s, to)
	}
	if to != nil && values == 0 {
		return nil, fmt.Errorf("a union of nothing but null does not go into a Go %s: %w", target, base.ErrInvalid)
	}
	for i, branch := range s.Types() {
		var b *codec
		if i != n.null {
			var err error
			if b, err = c.compile(branch, to); err != nil {
				return nil, err
			}
		}
		n.branches = append(n.branches, b)
	}
	return n, nil
}

// choices compiles the branches of a union of several types for the fields of a struct,
// which are pointers: the one that is not nil is the value.
func (c *compiler) choices(n *codec, s *avro.UnionSchema, to reflect.Type) error {
	if to.Kind() != reflect.Struct {
		return fmt.Errorf("a union of several types does not go into a Go %s: %w", to, base.ErrInvalid)
	}
	byTag := make(map[string]reflect.StructField)
	for _, f := range reflect.VisibleFields(to) {
		if f.Tag.Get("avro") == "" || !f.IsExported() {
			continue
		}
		if f.Type.Kind() != reflect.Pointer {
			return fmt.Errorf("%s.%s stands for a type of a union and is no pointer: %w", to, f.Name, base.ErrInvalid)
		}
		byTag[f.Tag.Get("avro")] = f
	}
	for i, branch := range s.Types() {
		var b *codec
		f := byTag[branchName(branch)]
		if i != n.null {
			elem := f.Type // nil for a branch without a field, which is skipped
			if elem != nil {
				elem = elem.Elem()
			}
			var err error
			if b, err = c.compile(branch, elem); err != nil {
				return err
			}
		}
		n.branches = append(n.branches, b)
		n.choices = append(n.choices, f.Index)
	}
	return nil
}

// branchName is the name of a type in a union: without its namespace where it has a name.
func branchName(s avro.Schema) string {
	if ref, ok := s.(*avro.RefSchema); ok {
		s = ref.Schema()
	}
	if named, ok := s.(avro.NamedSchema); ok {
		return named.Name()
	}
	return string(s.Type())
}
