package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

const (
	maxDepth = 64      // levels of a schema, references followed
	maxNodes = 1 << 16 // types of a schema, references followed
)

// RecordName returns the name and namespace of the Avro record of a table's rows. Characters
// that Avro does not allow become two underscores, as in real Hudi.
func RecordName(table string) (name, namespace string) {
	table = sanitize(table)
	return table + "_record", "hoodie." + table
}

func sanitize(name string) string {
	var b strings.Builder
	for i, r := range name {
		if isNameRune(r, i == 0) {
			b.WriteRune(r)
		} else {
			b.WriteString("__")
		}
	}
	return b.String()
}

func isNameRune(r rune, first bool) bool {
	return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || !first && '0' <= r && r <= '9'
}

func isName(s string) bool {
	for i, r := range s {
		if !isNameRune(r, i == 0) {
			return false
		}
	}
	return s != ""
}

// FullName returns the name with its namespace, "" for types that have no name.
func (t *Type) FullName() string { return qualify(t.Namespace, t.Name) }

func qualify(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "." + name
}

// named reports whether the type is one that Avro defines by name.
func (t *Type) named() bool { return t.Kind == Record || t.Kind == Enum || t.Kind == Fixed }

// metaField is a meta column as real Hudi declares it.
func metaField(name string) Field {
	return Field{
		Name:    name,
		Type:    &Type{Kind: String, Nullable: true},
		Default: json.RawMessage("null"),
		Props:   map[string]json.RawMessage{"doc": json.RawMessage(`""`)},
	}
}

// place says where in a schema a type is: the column's path for messages, the full name of
// the record that has it and the field of that record for names.
type place struct {
	path, record, field string
	depth               int
}

func (p place) in(t *Type, f string) place {
	return place{path: join(p.path, f), record: t.FullName(), field: f, depth: p.depth + 1}
}

func (p place) under() place {
	p.depth++
	return p
}

func (p place) errorf(kind error, format string, args ...any) error {
	where := "schema"
	if p.path != "" {
		where = "schema: column " + p.path
	}
	return fmt.Errorf("%s: %s: %w", where, fmt.Sprintf(format, args...), kind)
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

// checker verifies a tree of types and makes names unique. Trees that need no change are
// returned as they are.
type checker struct {
	defs  map[string]*Type
	nodes int
}

func (c *checker) check(t *Type, p place) (*Type, error) {
	if c.nodes++; c.nodes > maxNodes || p.depth > maxDepth {
		return nil, p.errorf(base.ErrInvalid, "nested more than %d levels deep or more than %d types", maxDepth, maxNodes)
	}
	if t == nil {
		return nil, p.errorf(base.ErrInvalid, "no type")
	}
	if err := t.valid(p); err != nil {
		return nil, err
	}
	if t.named() {
		var err error
		if t, err = c.unique(t, p); err != nil {
			return nil, err
		}
	}
	n := *t
	changed := false
	if t.Elem != nil {
		elem, err := c.check(t.Elem, p.under())
		if err != nil {
			return nil, err
		}
		n.Elem, changed = elem, elem != t.Elem
	}
	for i := range t.Fields {
		ft, err := c.check(t.Fields[i].Type, p.in(t, t.Fields[i].Name))
		if err != nil {
			return nil, err
		}
		if ft != t.Fields[i].Type {
			if !changed {
				n.Fields, changed = slices.Clone(t.Fields), true
			}
			n.Fields[i].Type = ft
		}
	}
	for i := range t.Branches {
		branch, err := c.check(t.Branches[i], p.under())
		if err != nil {
			return nil, err
		}
		if branch != t.Branches[i] {
			n.Branches, changed = slices.Clone(n.Branches), true
			n.Branches[i] = branch
		}
	}
	if !changed {
		return t, nil
	}
	return &n, nil
}

// unique returns the type under a full name that no different type of the schema has.
func (c *checker) unique(t *Type, p place) (*Type, error) {
	if other, ok := c.defs[t.FullName()]; ok && !sameDefinition(t, other) {
		n := *t
		n.Namespace = qualify(p.record, p.field)
		t = &n
		if other, ok := c.defs[t.FullName()]; ok && !sameDefinition(t, other) {
			return nil, p.errorf(base.ErrInvalid, "two different types are both named %s", t.FullName())
		}
	}
	c.defs[t.FullName()] = t
	return t, nil
}

// sameDefinition compares two named types apart from their use in a union with null.
func sameDefinition(a, b *Type) bool {
	x, y := *a, *b
	x.Nullable, x.NullLast, y.Nullable, y.NullLast = false, false, false, false
	return reflect.DeepEqual(&x, &y)
}

// valid checks the type itself, not its parts.
func (t *Type) valid(p place) error {
	invalid := func(format string, args ...any) error { return p.errorf(base.ErrInvalid, format, args...) }
	if t.named() && !isName(t.Name) {
		return invalid("%q is no Avro name: use letters, digits and _, no digit first", t.Name)
	}
	if t.named() && t.Namespace == "" && slices.Contains(kindNames[:Fixed], t.Name) {
		return invalid("a type cannot be named %s like a primitive one", t.Name)
	}
	if t.named() && t.Namespace != "" && slices.Contains(strings.Split(t.Namespace, "."), "") {
		return invalid("the namespace %q has an empty part", t.Namespace)
	}
	if !t.Logical.fits(t) {
		return invalid("logical type %s does not fit its Avro type", t.Logical)
	}
	switch t.Kind {
	case Fixed:
		if t.Size < 0 {
			return invalid("fixed of %d bytes", t.Size)
		}
	case Enum:
		seen := make(map[string]bool, len(t.Symbols))
		for _, s := range t.Symbols {
			if !isName(s) || seen[s] {
				return invalid("enum symbol %q is no Avro name or is there twice", s)
			}
			seen[s] = true
		}
	case Array, Map:
		if t.Elem == nil {
			return invalid("array or map without a type of its elements")
		}
	case Record:
		seen := make(map[string]bool, len(t.Fields))
		for _, f := range t.Fields {
			if !isName(f.Name) {
				return invalid("column name %q is no Avro name: rename it to letters, digits and _, no digit first", f.Name)
			}
			if seen[f.Name] {
				return invalid("two columns are named %q", f.Name)
			}
			seen[f.Name] = true
		}
	}
	if t.Kind > Union {
		return invalid("unknown kind %d", t.Kind)
	}
	return nil
}
