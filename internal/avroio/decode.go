package avroio

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"

	"github.com/hamba/avro/v2"

	"github.com/hudi-go/hudi-go/internal/base"
)

// maxDepth bounds the nesting of values, which recursive schemas leave open.
const maxDepth = 128

// reader takes Avro values from the front of data.
type reader struct {
	data  []byte
	depth int
	left  int // values that may still come, see newReader
}

// newReader bounds the number of values by the bytes. Nearly every value takes a byte, but a
// schema of a few records without bytes of their own, each twice in the next, has more values
// than can be counted.
func newReader(data []byte) reader {
	const spare = 1 << 16
	return reader{data: data, left: spare + maxDepth*len(data)}
}

// enter begins a value; leave ends it.
func (r *reader) enter() error {
	r.depth++
	r.left--
	switch {
	case r.depth > maxDepth:
		return corrupt("nested more than %d levels deep", maxDepth)
	case r.left < 0:
		return corrupt("more values than bytes")
	}
	return nil
}

func (r *reader) leave() { r.depth-- }

func corrupt(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, base.ErrCorrupt)...)
}

func (r *reader) long() (int64, error) {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		return 0, corrupt("a number is cut off or too long")
	}
	r.data = r.data[n:]
	return v, nil
}

// take returns the next n bytes of data, which the caller copies.
func (r *reader) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(r.data)) {
		return nil, corrupt("%d bytes are declared, %d are there", n, len(r.data))
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b, nil
}

func (r *reader) bytes() ([]byte, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

// decode reads a value into v, or skips it when the codec has no Go type.
func (c *codec) decode(r *reader, v reflect.Value) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	switch c.kind {
	case avro.Record:
		return c.decodeRecord(r, v)
	case avro.Union:
		return c.decodeUnion(r, v)
	case avro.Array, avro.Map:
		return c.decodeBlocks(r, v)
	case avro.Null:
		return nil
	case avro.Boolean:
		b, err := r.take(1)
		if err != nil {
			return err
		}
		if b[0] > 1 {
			return corrupt("%d is no boolean", b[0])
		}
		if c.target != nil {
			v.SetBool(b[0] == 1)
		}
	case avro.Int, avro.Long:
		n, err := r.long()
		if err != nil {
			return err
		}
		if c.kind == avro.Int && n != int64(int32(n)) {
			return corrupt("%d is no int", n)
		}
		if c.target != nil {
			if v.OverflowInt(n) {
				return corrupt("%d does not fit a Go %s", n, c.target)
			}
			v.SetInt(n)
		}
	case avro.Float:
		b, err := r.take(4)
		if err != nil {
			return err
		}
		if c.target != nil {
			v.SetFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}
	case avro.Double:
		b, err := r.take(8)
		if err != nil {
			return err
		}
		if c.target != nil {
			v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case avro.String:
		b, err := r.bytes()
		if err != nil {
			return err
		}
		if c.target != nil {
			v.SetString(string(b))
		}
	case avro.Bytes:
		b, err := r.bytes()
		if err != nil {
			return err
		}
		c.setBytes(v, b)
	case avro.Fixed:
		b, err := r.take(int64(c.size))
		if err != nil {
			return err
		}
		c.setBytes(v, b)
	case avro.Enum:
		i, err := r.long()
		if err != nil {
			return err
		}
		if i < 0 || i >= int64(len(c.symbols)) {
			return corrupt("%d is no symbol of the enum", i)
		}
		if c.target != nil {
			v.SetString(c.symbols[i])
		}
	}
	return nil
}

// setBytes stores a copy that is not nil, so that empty bytes differ from null.
func (c *codec) setBytes(v reflect.Value, b []byte) {
	if c.target != nil {
		v.SetBytes(append(make([]byte, 0, len(b)), b...))
	}
}

func (c *codec) decodeRecord(r *reader, v reflect.Value) error {
	if c.elem != nil {
		v.Set(reflect.New(c.target.Elem()))
		return c.elem.decodeRecord(r, v.Elem())
	}
	for _, f := range c.fields {
		var to reflect.Value
		if len(f.index) > 0 {
			to = v.FieldByIndex(f.index)
		}
		if err := f.codec.decode(r, to); err != nil {
			return fmt.Errorf("%s.%s: %w", c.name, f.name, err)
		}
	}
	return nil
}

func (c *codec) decodeUnion(r *reader, v reflect.Value) error {
	i, err := r.long()
	if err != nil {
		return err
	}
	if i < 0 || i >= int64(len(c.branches)) {
		return corrupt("%d is no branch of the union", i)
	}
	if int(i) == c.null {
		if c.target != nil {
			v.SetZero()
		}
		return nil
	}
	if c.target != nil && c.target.Kind() == reflect.Pointer {
		v.Set(reflect.New(c.target.Elem()))
		v = v.Elem()
	}
	if c.choices == nil {
		return c.branches[i].decode(r, v)
	}
	v.SetZero()
	var to reflect.Value
	if index := c.choices[i]; len(index) > 0 {
		p := v.FieldByIndex(index)
		p.Set(reflect.New(p.Type().Elem()))
		to = p.Elem()
	}
	return c.branches[i].decode(r, to)
}

// decodeBlocks reads an array or a map: blocks of a count and that many elements.
func (c *codec) decodeBlocks(r *reader, v reflect.Value) error {
	if c.target != nil {
		if c.kind == avro.Map {
			v.Set(reflect.MakeMap(c.target))
		} else {
			v.Set(reflect.MakeSlice(c.target, 0, 0))
		}
	}
	for {
		n, err := r.count()
		if n == 0 || err != nil {
			return err
		}
		for range n {
			var key string
			if c.kind == avro.Map {
				b, err := r.bytes()
				if err != nil {
					return err
				}
				key = string(b)
			}
			if c.target == nil {
				if err := c.elem.decode(r, reflect.Value{}); err != nil {
					return err
				}
				continue
			}
			elem := reflect.New(c.target.Elem()).Elem()
			if err := c.elem.decode(r, elem); err != nil {
				return err
			}
			if c.kind == avro.Map {
				v.SetMapIndex(reflect.ValueOf(key).Convert(c.target.Key()), elem)
			} else {
				v.Set(reflect.Append(v, elem))
			}
		}
	}
}

// count reads the head of a block. There are never more elements than bytes, which bounds
// the work that elements of no size make.
func (r *reader) count() (int64, error) {
	n, err := r.long()
	if err != nil {
		return 0, err
	}
	if n < 0 {
		// A negative count is followed by the block's size in bytes, which only skipping needs.
		if n = -n; n < 0 {
			return 0, corrupt("a block of 2^63 elements")
		}
		if _, err := r.long(); err != nil {
			return 0, err
		}
	}
	if n > int64(len(r.data)) {
		return 0, corrupt("%d elements are declared, %d bytes are there", n, len(r.data))
	}
	return n, nil
}
