package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// ParseType reads any Avro schema, not only records, from its JSON text; unions of several
// types have no Arrow form but are types. Errors are those of Parse.
func ParseType(avro string) (*Type, error) {
	p := parser{defs: make(map[string]*Type), open: make(map[string]bool)}
	t, err := p.parse(json.RawMessage(avro), place{}, "")
	if err != nil {
		return nil, err
	}
	c := checker{defs: make(map[string]*Type)}
	return c.check(t, place{})
}

// parser holds the named types seen so far: complete ones, and records whose fields are being
// read.
type parser struct {
	defs map[string]*Type
	open map[string]bool
}

// attributes are those of one JSON object; the parser takes out what it understands.
type attributes map[string]json.RawMessage

func (p *parser) parse(raw json.RawMessage, at place, namespace string) (*Type, error) {
	if at.depth > 2*maxDepth { // A level of the schema may be two here: the union and its branch.
		return nil, at.errorf(base.ErrInvalid, "nested more than %d levels deep", maxDepth)
	}
	switch text := bytes.TrimLeft(raw, " \t\r\n"); {
	case len(text) == 0:
		return nil, at.errorf(base.ErrInvalid, "no type")
	case text[0] == '"':
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, at.errorf(base.ErrInvalid, "%v", err)
		}
		return p.reference(name, at, namespace)
	case text[0] == '[':
		var branches []json.RawMessage
		if err := json.Unmarshal(raw, &branches); err != nil {
			return nil, at.errorf(base.ErrInvalid, "%v", err)
		}
		return p.union(branches, at, namespace)
	case text[0] == '{':
		var a attributes
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, at.errorf(base.ErrInvalid, "%v", err)
		}
		return p.object(a, at, namespace)
	default:
		return nil, at.errorf(base.ErrInvalid, "a type is a name, an object or a list, not %.20s", text)
	}
}

// reference finds a type by name: a primitive one, or one defined before.
func (p *parser) reference(name string, at place, namespace string) (*Type, error) {
	for k, n := range kindNames {
		if n == name && primitive(Kind(k)) {
			return &Type{Kind: Kind(k)}, nil
		}
	}
	full := name
	if !strings.Contains(name, ".") {
		full = qualify(namespace, name)
	}
	full = strings.TrimPrefix(full, ".")
	if !p.open[full] && p.defs[full] == nil && !p.open[name] && p.defs[name] != nil {
		full = name // Avro falls back to the type without namespace.
	}
	if p.open[full] {
		return nil, at.errorf(base.ErrUnsupported, "recursive type %s", full)
	}
	t, ok := p.defs[full]
	if !ok {
		return nil, at.errorf(base.ErrInvalid, "unknown type %q", name)
	}
	return t, nil
}

func primitive(k Kind) bool { return k <= String }

// union reads a union. With one type besides null it is that type, nullable.
func (p *parser) union(branches []json.RawMessage, at place, namespace string) (*Type, error) {
	u := &Type{Kind: Union}
	for i, raw := range branches {
		t, err := p.parse(raw, at.under(), namespace)
		switch {
		case err != nil:
			return nil, err
		case t.Nullable || t.Kind == Union:
			return nil, at.errorf(base.ErrInvalid, "a union inside a union")
		case t.Kind != Null:
			u.Branches = append(u.Branches, t)
		case u.Nullable:
			return nil, at.errorf(base.ErrInvalid, "null is twice in a union")
		case i != 0 && i != len(branches)-1:
			return nil, at.errorf(base.ErrUnsupported, "null in the middle of a union")
		default:
			u.Nullable, u.NullLast = true, i != 0
		}
	}
	if len(u.Branches) != 1 || !u.Nullable {
		return u, nil
	}
	t := *u.Branches[0]
	t.Nullable, t.NullLast = true, u.NullLast
	return &t, nil
}

// object reads a type with attributes.
func (p *parser) object(a attributes, at place, namespace string) (*Type, error) {
	name, err := a.takeString("type", at)
	if err != nil {
		return nil, err
	}
	t := &Type{}
	switch name {
	case "record", "enum", "fixed":
		return p.definition(name, a, at, namespace)
	case "array", "map":
		t.Kind = Array
		part := "items"
		if name == "map" {
			t.Kind, part = Map, "values"
		}
		if t.Elem, err = p.parse(a.take(part), at.under(), namespace); err != nil {
			return nil, err
		}
	default:
		r, err := p.reference(name, at, namespace)
		if err != nil {
			return nil, err
		}
		if !primitive(r.Kind) {
			return r, nil
		}
		t.Kind = r.Kind
	}
	a.finish(t)
	return t, nil
}

// definition reads a named type.
func (p *parser) definition(kind string, a attributes, at place, namespace string) (*Type, error) {
	t := &Type{}
	name, err := a.takeString("name", at)
	if err != nil {
		return nil, err
	}
	t.Namespace = namespace
	if _, ok := a["namespace"]; ok {
		if t.Namespace, err = a.takeString("namespace", at); err != nil {
			return nil, err
		}
	}
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		name, t.Namespace = name[dot+1:], name[:dot]
	}
	t.Name = name
	if t.Doc, err = a.takeDoc(at); err != nil {
		return nil, err
	}
	full := t.FullName()
	if p.open[full] {
		return nil, at.errorf(base.ErrInvalid, "type %s is defined inside itself", full)
	}
	switch kind {
	case "record":
		t.Kind = Record
		p.open[full] = true
		t.Fields, err = p.fields(a.take("fields"), t, at)
		delete(p.open, full)
	case "enum":
		t.Kind = Enum
		err = a.takeInto("symbols", &t.Symbols, at)
	case "fixed":
		t.Kind = Fixed
		err = a.takeInto("size", &t.Size, at)
	}
	if err != nil {
		return nil, err
	}
	a.finish(t)
	if other, ok := p.defs[full]; ok && !sameDefinition(t, other) {
		return nil, at.errorf(base.ErrInvalid, "type %s is defined twice", full)
	}
	p.defs[full] = t
	return t, nil
}

func (p *parser) fields(raw json.RawMessage, record *Type, at place) ([]Field, error) {
	var list []attributes
	if raw == nil || json.Unmarshal(raw, &list) != nil {
		return nil, at.errorf(base.ErrInvalid, "record %s has no list of fields", record.Name)
	}
	fields := make([]Field, 0, len(list))
	for _, a := range list {
		var f Field
		var err error
		if f.Name, err = a.takeString("name", at); err != nil {
			return nil, err
		}
		in := at.in(record, f.Name)
		if f.Doc, err = a.takeDoc(in); err != nil {
			return nil, err
		}
		if f.Type, err = p.parse(a.take("type"), in, record.Namespace); err != nil {
			return nil, err
		}
		if _, ok := a["aliases"]; ok {
			if err = a.takeInto("aliases", &f.Aliases, in); err != nil {
				return nil, err
			}
		}
		f.Default = compact(a.take("default"))
		f.Props = a.rest()
		fields = append(fields, f)
	}
	return fields, nil
}

// finish reads the logical type and keeps what remains. A logical type that Avro does not
// know or that does not fit stays an attribute, as Avro demands.
func (a attributes) finish(t *Type) {
	defer func() { t.Props = a.rest() }()
	var name string
	if json.Unmarshal(a["logicalType"], &name) != nil {
		return
	}
	refined := Type{Kind: t.Kind, Size: t.Size, Logical: logicalNamed(name)}
	if refined.Logical == Decimal {
		if json.Unmarshal(a["precision"], &refined.Precision) != nil {
			return
		}
		if raw, ok := a["scale"]; ok && json.Unmarshal(raw, &refined.Scale) != nil {
			return
		}
	}
	if refined.Logical == NoLogical || !refined.Logical.fits(&refined) {
		return
	}
	delete(a, "logicalType")
	if refined.Logical == Decimal {
		delete(a, "precision")
		delete(a, "scale")
	}
	t.Logical, t.Precision, t.Scale = refined.Logical, refined.Precision, refined.Scale
}

func (a attributes) take(key string) json.RawMessage {
	raw := a[key]
	delete(a, key)
	return raw
}

func (a attributes) takeInto(key string, v any, at place) error {
	raw := a.take(key)
	if raw == nil {
		return at.errorf(base.ErrInvalid, "attribute %q is missing", key)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return at.errorf(base.ErrInvalid, "attribute %q: %v", key, err)
	}
	return nil
}

func (a attributes) takeString(key string, at place) (s string, err error) {
	return s, a.takeInto(key, &s, at)
}

// takeDoc reads the documentation. An empty one, which Hudi's meta columns have, stays an
// attribute so that it is printed again.
func (a attributes) takeDoc(at place) (doc string, err error) {
	raw, ok := a["doc"]
	if !ok {
		return "", nil
	}
	if len(raw) < len(`"x"`) || raw[0] != '"' {
		return "", nil
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return "", at.errorf(base.ErrInvalid, "doc: %v", err)
	}
	delete(a, "doc")
	return doc, nil
}

// rest returns the attributes that nobody took, nil for none.
func (a attributes) rest() map[string]json.RawMessage {
	if len(a) == 0 {
		return nil
	}
	m := maps.Clone(a)
	for k, v := range m {
		m[k] = compact(v)
	}
	return m
}

// compact removes the white space of valid JSON text. Text that is not valid is a programming
// error and panics: all of it comes from a parser.
func compact(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		panic(fmt.Sprintf("schema: compacting JSON that was parsed before: %v", err))
	}
	return b.Bytes()
}
