package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// String returns the type's Avro schema as JSON text, in the attribute order of Avro for
// Java. The full definition of a named type stands where it is met first.
func (t *Type) String() string { return printType(t) }

func printType(t *Type) string {
	p := printer{seen: make(map[string]bool)}
	p.node(t, "")
	return p.b.String()
}

type printer struct {
	b    strings.Builder
	seen map[string]bool
}

// node prints a type inside the namespace of the enclosing definition.
func (p *printer) node(t *Type, namespace string) {
	if t.Kind == Union {
		p.union(t.Nullable, t.NullLast, t.Branches, namespace)
		return
	}
	if t.Nullable {
		plain := *t
		plain.Nullable, plain.NullLast = false, false
		p.union(true, t.NullLast, []*Type{&plain}, namespace)
		return
	}
	if t.named() && p.seen[t.FullName()] {
		p.text(p.reference(t, namespace))
		return
	}
	if primitive(t.Kind) && t.Logical == NoLogical && len(t.Props) == 0 {
		p.text(t.Kind.String())
		return
	}
	p.b.WriteString(`{"type":`)
	p.text(t.Kind.String())
	if t.named() {
		p.seen[t.FullName()] = true
		p.key("name")
		p.text(t.Name)
		if t.Namespace != namespace {
			p.key("namespace")
			p.text(t.Namespace)
		}
		p.doc(t.Doc, t.Props)
	}
	switch t.Kind {
	case Record:
		p.key("fields")
		p.fields(t)
	case Enum:
		p.key("symbols")
		p.texts(t.Symbols)
	case Fixed:
		p.key("size")
		p.b.WriteString(strconv.Itoa(t.Size))
	case Array:
		p.key("items")
		p.node(t.Elem, namespace)
	case Map:
		p.key("values")
		p.node(t.Elem, namespace)
	}
	if t.Logical != NoLogical {
		p.key("logicalType")
		p.text(t.Logical.String())
	}
	if t.Logical == Decimal {
		p.key("precision")
		p.b.WriteString(strconv.Itoa(t.Precision))
		p.key("scale")
		p.b.WriteString(strconv.Itoa(t.Scale))
	}
	p.props(t.Props, t.named())
	p.b.WriteByte('}')
}

func (p *printer) union(null, last bool, branches []*Type, namespace string) {
	p.b.WriteByte('[')
	sep := ""
	if null && !last {
		p.b.WriteString(`"null"`)
		sep = ","
	}
	for _, t := range branches {
		p.b.WriteString(sep)
		p.node(t, namespace)
		sep = ","
	}
	if null && last {
		p.b.WriteString(sep + `"null"`)
	}
	p.b.WriteByte(']')
}

func (p *printer) fields(record *Type) {
	p.b.WriteByte('[')
	for i, f := range record.Fields {
		if i > 0 {
			p.b.WriteByte(',')
		}
		p.b.WriteString(`{"name":`)
		p.text(f.Name)
		p.key("type")
		p.node(f.Type, record.Namespace)
		p.doc(f.Doc, f.Props)
		if f.Default != nil {
			p.key("default")
			p.b.Write(f.Default)
		}
		if len(f.Aliases) > 0 {
			p.key("aliases")
			p.texts(f.Aliases)
		}
		p.props(f.Props, true)
		p.b.WriteByte('}')
	}
	p.b.WriteByte(']')
}

// reference is the name by which a type that was printed before is found from namespace.
func (p *printer) reference(t *Type, namespace string) string {
	if t.Namespace == namespace && !isKindName(t.Name) {
		return t.Name
	}
	if t.Namespace == "" && p.seen[qualify(namespace, t.Name)] {
		return "." + t.Name
	}
	return t.FullName()
}

func isKindName(name string) bool { return slices.Contains(kindNames[:], name) }

// doc prints documentation; an empty one is kept among the attributes.
func (p *printer) doc(doc string, props map[string]json.RawMessage) {
	if doc != "" {
		p.key("doc")
		p.text(doc)
	} else if raw, ok := props["doc"]; ok {
		p.key("doc")
		p.b.Write(raw)
	}
}

func (p *printer) props(props map[string]json.RawMessage, docDone bool) {
	for _, k := range slices.Sorted(maps.Keys(props)) {
		if k == "doc" && docDone {
			continue
		}
		p.key(k)
		p.b.Write(props[k])
	}
}

func (p *printer) key(k string) {
	p.b.WriteByte(',')
	p.text(k)
	p.b.WriteByte(':')
}

func (p *printer) texts(list []string) {
	p.b.WriteByte('[')
	for i, s := range list {
		if i > 0 {
			p.b.WriteByte(',')
		}
		p.text(s)
	}
	p.b.WriteByte(']')
}

// text prints a JSON string without the HTML escapes of encoding/json.
func (p *printer) text(s string) { p.b.WriteString(quote(s)) }

func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // cannot be: a panic and not an error that no caller could meet
		panic("schema: a string is always valid JSON: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}
