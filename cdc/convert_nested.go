package cdc

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// compileNested is compile for lists, maps and structs.
func compileNested(w *wire, dst array.Builder, opt Wire) converter {
	elem := w.elem
	if w.kind == wireDeclared {
		elem = w
	}
	switch dst := dst.(type) {
	case *array.ListBuilder:
		if w.kind != wireArray && w.kind != wireDeclared {
			return nil
		}
		if c := compile(elem, dst.ValueBuilder(), opt); c != nil {
			return &listColumn{b: dst, elem: c, values: dst.ValueBuilder()}
		}
	case *array.MapBuilder:
		if w.kind != wireMap && w.kind != wireDeclared {
			return nil
		}
		if c := compile(elem, dst.ItemBuilder(), opt); c != nil {
			return &mapColumn{b: dst, keys: dst.KeyBuilder().(*array.StringBuilder), item: c, items: dst.ItemBuilder()}
		}
	case *array.StructBuilder:
		if w.kind != wireStruct && w.kind != wireDeclared {
			return nil
		}
		return compileStruct(w, dst, opt)
	}
	return nil
}

func compileStruct(w *wire, dst *array.StructBuilder, opt Wire) converter {
	t := dst.Type().(*arrow.StructType)
	names := make([]string, t.NumFields())
	c := &structColumn{b: dst, fields: make([]converter, len(names)), vals: make([]value, len(names))}
	for i := range names {
		names[i] = t.Field(i).Name
		if w.kind == wireDeclared {
			c.fields[i] = compile(w, dst.FieldBuilder(i), opt)
		}
	}
	for _, f := range w.fields {
		i, ok := t.FieldIdx(columnName(f.name))
		if !ok {
			return nil
		}
		if c.fields[i] = compile(&f.wire, dst.FieldBuilder(i), opt); c.fields[i] == nil {
			return nil
		}
	}
	c.shape = newShape(names...)
	return c
}

// listColumn takes arrays. An element out of range becomes null.
type listColumn struct {
	b      *array.ListBuilder
	values array.Builder
	elem   converter
}

func (c *listColumn) append(b []byte, v value) verdict {
	if b[v.start] != '[' {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(true)
	worst := stored
	for i := space(b, v.start+1); b[i] != ']'; {
		end, flags := skipValue(b, i, 0)
		worst = max(worst, appendElem(b, value{start: i, end: end, flags: flags}, c.elem, c.values))
		if i = space(b, end); b[i] == ',' {
			i = space(b, i+1)
		}
	}
	return worst
}

func appendElem(b []byte, v value, c converter, dst array.Builder) verdict {
	if c == nil || v.null(b) {
		dst.AppendNull()
		return stored
	}
	return c.append(b, v)
}

// mapColumn takes objects, keeping every pair.
type mapColumn struct {
	b     *array.MapBuilder
	keys  *array.StringBuilder
	items array.Builder
	item  converter
	buf   []byte
}

func (c *mapColumn) append(b []byte, v value) verdict {
	if b[v.start] != '{' {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(true)
	worst := stored
	for i := space(b, v.start+1); b[i] != '}'; {
		end, flags := scanString(b, i+1)
		key, ok := unquote(b, value{start: i, end: end, flags: flags}, &c.buf)
		if !ok {
			worst = mismatch
		}
		c.keys.BinaryBuilder.Append(key)
		i = space(b, space(b, end)+1)
		end, flags = skipValue(b, i, 0)
		worst = max(worst, appendElem(b, value{start: i, end: end, flags: flags}, c.item, c.items))
		if i = space(b, end); b[i] == ',' {
			i = space(b, i+1)
		}
	}
	return worst
}

// structColumn takes objects; fields that the column does not have are dropped.
type structColumn struct {
	b      *array.StructBuilder
	shape  *shape
	vals   []value
	fields []converter // nil: the events do not have the field
}

func (c *structColumn) append(b []byte, v value) verdict {
	if b[v.start] != '{' || c.shape.read(b, v.start, 0, c.vals) < 0 {
		c.b.AppendNull()
		return mismatch
	}
	c.b.Append(true)
	worst := stored
	for i, f := range c.fields {
		worst = max(worst, appendElem(b, c.vals[i], f, c.b.FieldBuilder(i)))
	}
	return worst
}
