package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/internal/base"
)

// AppendDefault appends the value that rows without the field have: its default, or null. b
// is a builder of the field's Arrow type. Errors wrap base.ErrInvalid: the field has no
// default and is not nullable, or the default is no value of its type.
func (f Field) AppendDefault(b array.Builder) error {
	if f.Default == nil {
		if !f.Type.Nullable {
			return fmt.Errorf("schema: column %s is missing, and it is neither nullable nor has it a default: %w", f.Name, base.ErrInvalid)
		}
		b.AppendNull()
		return nil
	}
	if err := appendJSON(b, f.Type, f.Default); err != nil {
		return fmt.Errorf("schema: column %s: default %.60s: %w: %w", f.Name, f.Default, err, base.ErrInvalid)
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// appendJSON appends a value in Avro's JSON encoding of defaults.
func appendJSON(b array.Builder, t *Type, raw json.RawMessage) error {
	if isNull(raw) {
		if !t.Nullable {
			return fmt.Errorf("null is no %s", t.Kind)
		}
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		return decode(raw, b.Append)
	case *array.Int32Builder:
		return decode(raw, b.Append)
	case *array.Date32Builder:
		return decode(raw, b.Append)
	case *array.Time32Builder:
		return decode(raw, b.Append)
	case *array.Int64Builder:
		return decode(raw, b.Append)
	case *array.Time64Builder:
		return decode(raw, b.Append)
	case *array.TimestampBuilder:
		return decode(raw, b.Append)
	case *array.Float32Builder:
		return decode(raw, b.Append)
	case *array.Float64Builder:
		return decode(raw, b.Append)
	case *array.StringBuilder:
		return decode(raw, b.Append)
	case *array.BinaryBuilder:
		v, err := decodeBytes(raw)
		if err == nil {
			b.Append(v)
		}
		return err
	case *array.FixedSizeBinaryBuilder:
		v, err := decodeBytes(raw)
		if err == nil && len(v) != t.Size {
			err = fmt.Errorf("%d bytes instead of %d", len(v), t.Size)
		}
		if err == nil {
			b.Append(v)
		}
		return err
	case *array.Decimal128Builder:
		v, err := decodeBytes(raw)
		if err != nil {
			return err
		}
		n := signed(v)
		if !fitsDigits(n, t.Precision) {
			return fmt.Errorf("more than %d digits", t.Precision)
		}
		b.Append(decimal128.FromBigInt(n))
		return nil
	case *array.MapBuilder:
		return appendJSONMap(b, t, raw)
	case *array.ListBuilder:
		return appendJSONList(b, t, raw)
	case *array.StructBuilder:
		return appendJSONRecord(b, t, raw)
	}
	return fmt.Errorf("no defaults of type %s", b.Type())
}

func decode[T any](raw json.RawMessage, add func(T)) error {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	add(v)
	return nil
}

// decodeBytes reads bytes written as a string whose characters are the bytes.
func decodeBytes(raw json.RawMessage) ([]byte, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			return nil, fmt.Errorf("%q is no byte", r)
		}
		b = append(b, byte(r))
	}
	return b, nil
}

// signed reads a big-endian number in two's complement.
func signed(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func appendJSONList(b *array.ListBuilder, t *Type, raw json.RawMessage) error {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	b.Append(true)
	for _, item := range items {
		if err := appendJSON(b.ValueBuilder(), t.Elem, item); err != nil {
			return err
		}
	}
	return nil
}

func appendJSONMap(b *array.MapBuilder, t *Type, raw json.RawMessage) error {
	var items map[string]json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	b.Append(true)
	for _, k := range slices.Sorted(maps.Keys(items)) {
		b.KeyBuilder().(*array.StringBuilder).Append(k)
		if err := appendJSON(b.ItemBuilder(), t.Elem, items[k]); err != nil {
			return err
		}
	}
	return nil
}

// appendJSONRecord takes fields that the default leaves out from their own defaults.
func appendJSONRecord(b *array.StructBuilder, t *Type, raw json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	b.Append(true)
	for i, f := range t.Fields {
		if v, ok := fields[f.Name]; ok {
			f.Default = v
		}
		if err := f.AppendDefault(b.FieldBuilder(i)); err != nil {
			return err
		}
	}
	return nil
}
