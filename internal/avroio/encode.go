package avroio

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/hamba/avro/v2"

	"github.com/hudi-go/hudi-go/internal/base"
)

// encode appends the value v.
func (c *codec) encode(dst []byte, v reflect.Value) ([]byte, error) {
	switch c.kind {
	case avro.Record:
		return c.encodeRecord(dst, v)
	case avro.Union:
		return c.encodeUnion(dst, v)
	case avro.Array:
		return c.encodeArray(dst, v)
	case avro.Map:
		return c.encodeMap(dst, v)
	case avro.Boolean:
		if v.Bool() {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case avro.Int, avro.Long:
		if n := v.Int(); c.kind == avro.Int && n != int64(int32(n)) {
			return nil, fmt.Errorf("%d does not fit an Avro int: %w", n, base.ErrInvalid)
		}
		return binary.AppendVarint(dst, v.Int()), nil
	case avro.Float:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v.Float()))), nil
	case avro.Double:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float())), nil
	case avro.String:
		return appendBytes(dst, v.String()), nil
	case avro.Bytes:
		return appendBytes(dst, v.Bytes()), nil
	case avro.Fixed:
		if v.Len() != c.size {
			return nil, fmt.Errorf("%d bytes for an Avro fixed of %d: %w", v.Len(), c.size, base.ErrInvalid)
		}
		return append(dst, v.Bytes()...), nil
	case avro.Enum:
		i := slices.Index(c.symbols, v.String())
		if i < 0 {
			return nil, fmt.Errorf("%q is none of the enum's symbols %v: %w", v.String(), c.symbols, base.ErrInvalid)
		}
		return binary.AppendVarint(dst, int64(i)), nil
	}
	return dst, nil
}

func appendBytes[T string | []byte](dst []byte, b T) []byte {
	dst = binary.AppendVarint(dst, int64(len(b)))
	return append(dst, b...)
}

func (c *codec) encodeRecord(dst []byte, v reflect.Value) ([]byte, error) {
	if c.elem != nil {
		if v.IsNil() {
			return nil, fmt.Errorf("a nil %s, which the schema does not allow: %w", c.target, base.ErrInvalid)
		}
		return c.elem.encodeRecord(dst, v.Elem())
	}
	var err error
	for _, f := range c.fields {
		null := len(f.gate) > 0 && v.FieldByIndex(f.gate).IsZero()
		if len(f.index) > 0 && !null {
			dst, err = f.codec.encode(dst, v.FieldByIndex(f.index))
		} else {
			dst, err = f.codec.encodeAbsent(dst)
		}
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", c.name, f.name, err)
		}
	}
	return dst, nil
}

// encodeAbsent appends the null of a field that the struct does not have, or leaves out.
func (c *codec) encodeAbsent(dst []byte) ([]byte, error) {
	switch {
	case c.kind == avro.Null:
		return dst, nil
	case c.kind == avro.Union && c.null >= 0:
		return binary.AppendVarint(dst, int64(c.null)), nil
	}
	return nil, fmt.Errorf("the struct has no such field, and it is not nullable: %w", base.ErrInvalid)
}

func (c *codec) encodeUnion(dst []byte, v reflect.Value) ([]byte, error) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if v.IsNil() {
			return c.encodeAbsent(dst)
		}
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if c.choices != nil {
		return c.encodeChoice(dst, v)
	}
	value := slices.IndexFunc(c.branches, func(b *codec) bool { return b != nil })
	return c.branches[value].encode(binary.AppendVarint(dst, int64(value)), v)
}

// encodeChoice appends the field that is not nil of the struct for a union of several types.
func (c *codec) encodeChoice(dst []byte, v reflect.Value) ([]byte, error) {
	for i, index := range c.choices {
		if len(index) == 0 {
			continue
		}
		if p := v.FieldByIndex(index); !p.IsNil() {
			return c.branches[i].encode(binary.AppendVarint(dst, int64(i)), p.Elem())
		}
	}
	return c.encodeAbsent(dst)
}

func (c *codec) encodeArray(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Len() > 0 {
		dst = binary.AppendVarint(dst, int64(v.Len()))
	}
	var err error
	for i := range v.Len() {
		if dst, err = c.elem.encode(dst, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

func (c *codec) encodeMap(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Len() > 0 {
		dst = binary.AppendVarint(dst, int64(v.Len()))
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	var err error
	for _, k := range keys {
		dst = appendBytes(dst, k.String())
		if dst, err = c.elem.encode(dst, v.MapIndex(k)); err != nil {
			return nil, fmt.Errorf("[%s]: %w", k.String(), err)
		}
	}
	return append(dst, 0), nil
}
