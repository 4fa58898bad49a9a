package schema

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Promote brings an array to the type dst along Hudi's promotions (docs/format/types.md),
// recursively, with the fields of structs matched by name. It returns a new reference that
// the caller releases; arrays that have the type already are not copied, and validity bitmaps
// and the buffers of strings are shared where they can be.
//
// Errors wrap base.ErrInvalid: no such promotion, a text that is no date or number, a decimal
// that does not fit, a missing or null value where dst does not allow one.
func Promote(dst arrow.DataType, a arrow.Array, alloc memory.Allocator) (arrow.Array, error) {
	return (&promoter{alloc: alloc}).to(dst, nil, a, "")
}

// promoter holds what all promotions of one batch need.
type promoter struct{ alloc memory.Allocator }

// to promotes a. t, when known, is the Avro type behind dst and gives the defaults of missing
// fields; path names the column in messages.
func (p *promoter) to(dst arrow.DataType, t *Type, a arrow.Array, path string) (arrow.Array, error) {
	if arrow.TypeEqual(dst, a.DataType()) {
		a.Retain()
		return a, nil
	}
	switch src := a.(type) {
	case array.ExtensionArray:
		return p.to(dst, t, src.Storage(), path)
	case *array.Dictionary:
		plain, err := p.plain(src, path)
		if err != nil {
			return nil, err
		}
		defer plain.Release()
		return p.to(dst, t, plain, path)
	case *array.Struct:
		if dst, ok := dst.(*arrow.StructType); ok {
			return p.structs(dst, t, src, path)
		}
	case *array.Map:
		if dst, ok := dst.(*arrow.MapType); ok {
			return p.maps(dst, t, src, path)
		}
	case array.ListLike:
		if dst, ok := dst.(*arrow.ListType); ok {
			return p.lists(dst, t, src, path)
		}
	}
	cast := castTo(dst, a)
	if cast == nil {
		return nil, p.errorf(path, "%s cannot be read as %s: cast it to a type that the table's can take, or change the table's",
			a.DataType(), dst)
	}
	out, err := cast(p)
	if err != nil {
		return nil, p.errorf(path, "%v", err)
	}
	return out, nil
}

func (p *promoter) errorf(path, format string, args ...any) error {
	if path != "" {
		path = "column " + path + ": "
	}
	return fmt.Errorf("schema: %s%s: %w", path, fmt.Sprintf(format, args...), base.ErrInvalid)
}

// structs matches the fields by name.
func (p *promoter) structs(dst *arrow.StructType, t *Type, a *array.Struct, path string) (arrow.Array, error) {
	children := make([]arrow.ArrayData, 0, dst.NumFields())
	defer func() {
		for _, c := range children {
			c.Release()
		}
	}()
	src := a.DataType().(*arrow.StructType)
	for i, f := range dst.Fields() {
		var field *Field
		if t != nil {
			field = &t.Fields[i]
		}
		var child arrow.Array
		var err error
		if j, ok := src.FieldIdx(f.Name); ok {
			child, err = p.field(f, field, a.Field(j), a, path)
		} else {
			child, err = p.missing(f, field, a.Len(), join(path, f.Name))
		}
		if err != nil {
			return nil, err
		}
		child.Data().Retain()
		children = append(children, child.Data())
		child.Release()
	}
	valid := p.validity(a)
	data := array.NewData(dst, a.Len(), []*memory.Buffer{valid}, children, a.NullN(), 0)
	defer data.Release()
	release(valid)
	return array.MakeFromData(data), nil
}

// field promotes a column of a batch, a field of a struct, or the elements of a list or map.
// Rows that parent has as null (parent may be nil) need no value.
func (p *promoter) field(f arrow.Field, field *Field, child, parent arrow.Array, path string) (arrow.Array, error) {
	path = join(path, f.Name)
	var t *Type
	if field != nil {
		t = field.Type
	}
	out, err := p.to(f.Type, t, child, path)
	if err != nil {
		return nil, err
	}
	if !f.Nullable {
		if row := missingValue(out, parent); row >= 0 {
			out.Release()
			return nil, p.errorf(path, "row %d has no value, and the column is not nullable", row)
		}
	}
	return out, nil
}

// missingValue returns the first row that is null in child but not in parent, -1 for none.
func missingValue(child, parent arrow.Array) int {
	if child.NullN() == 0 {
		return -1
	}
	for i := range child.Len() {
		if child.IsNull(i) && (parent == nil || parent.IsValid(i)) {
			return i
		}
	}
	return -1
}

// missing makes n rows of a column that the source does not have.
func (p *promoter) missing(f arrow.Field, field *Field, n int, path string) (arrow.Array, error) {
	if field == nil || field.Default == nil || isNull(field.Default) {
		if !f.Nullable {
			return nil, p.errorf(path, "the column is missing, and it is neither nullable nor has it a default")
		}
		return array.MakeArrayOfNull(p.alloc, f.Type, n), nil
	}
	b := array.NewBuilder(p.alloc, f.Type)
	defer b.Release()
	b.Reserve(n)
	for range n {
		if err := field.AppendDefault(b); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}

// lists brings any kind of list to the one kind that tables have.
func (p *promoter) lists(dst *arrow.ListType, t *Type, a array.ListLike, path string) (arrow.Array, error) {
	if _, ok := a.(*array.ListView); ok {
		return nil, p.errorf(path, "list views are not read: cast them to lists")
	}
	if _, ok := a.(*array.LargeListView); ok {
		return nil, p.errorf(path, "list views are not read: cast them to lists")
	}
	offsets, from, to, err := p.offsets(a, path)
	if err != nil {
		return nil, err
	}
	defer offsets.Release()
	values := array.NewSlice(a.ListValues(), from, to)
	defer values.Release()
	elem, err := p.field(dst.ElemField(), elemField(t), values, nil, path)
	if err != nil {
		return nil, err
	}
	defer elem.Release()
	valid := p.validity(a)
	data := array.NewData(dst, a.Len(), []*memory.Buffer{valid, offsets}, []arrow.ArrayData{elem.Data()}, a.NullN(), 0)
	defer data.Release()
	release(valid)
	return array.MakeFromData(data), nil
}

func (p *promoter) maps(dst *arrow.MapType, t *Type, a *array.Map, path string) (arrow.Array, error) {
	offsets, from, to, err := p.offsets(a, path)
	if err != nil {
		return nil, err
	}
	defer offsets.Release()
	entries := array.NewSlice(a.ListValues(), from, to).(*array.Struct)
	defer entries.Release()
	keys, err := p.field(dst.KeyField(), nil, entries.Field(0), nil, path)
	if err != nil {
		return nil, err
	}
	defer keys.Release()
	items, err := p.field(dst.ItemField(), elemField(t), entries.Field(1), nil, path)
	if err != nil {
		return nil, err
	}
	defer items.Release()
	pairs := array.NewData(dst.Elem(), entries.Len(), []*memory.Buffer{nil}, []arrow.ArrayData{keys.Data(), items.Data()}, 0, 0)
	defer pairs.Release()
	valid := p.validity(a)
	data := array.NewData(dst, a.Len(), []*memory.Buffer{valid, offsets}, []arrow.ArrayData{pairs}, a.NullN(), 0)
	defer data.Release()
	release(valid)
	return array.MakeFromData(data), nil
}

// elemField gives the elements of a list or map the form of a field.
func elemField(t *Type) *Field {
	if t == nil {
		return nil
	}
	return &Field{Type: t.Elem}
}

// offsets returns a's offsets as 32-bit numbers that begin at zero, and the range of the
// child that they mean. The buffer is shared when it has that form already.
func (p *promoter) offsets(a array.ListLike, path string) (offsets *memory.Buffer, from, to int64, err error) {
	n := a.Len()
	if n > 0 {
		from, _ = a.ValueOffsets(0)
		_, to = a.ValueOffsets(n - 1)
	}
	if to-from > maxOffset {
		return nil, 0, 0, p.errorf(path, "%d elements in one batch, at most %d are possible", to-from, maxOffset)
	}
	if id := a.DataType().ID(); n > 0 && from == 0 && a.Data().Offset() == 0 && (id == arrow.LIST || id == arrow.MAP) {
		offsets = a.Data().Buffers()[1]
		offsets.Retain()
		return offsets, from, to, nil
	}
	offsets = p.buffer((n + 1) * arrow.Int32SizeBytes)
	out := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	out[0] = 0
	for i := range n {
		_, end := a.ValueOffsets(i)
		out[i+1] = int32(end - from)
	}
	return offsets, from, to, nil
}

const maxOffset = 1<<31 - 1

// buffer allocates n bytes.
func (p *promoter) buffer(n int) *memory.Buffer {
	b := memory.NewResizableBuffer(p.alloc)
	b.Resize(n)
	return b
}

// validity returns a's validity bitmap with the first row at bit 0, nil when nothing is null.
// The caller releases it.
func (p *promoter) validity(a arrow.Array) *memory.Buffer {
	if a.NullN() == 0 {
		return nil
	}
	if a.Data().Offset() == 0 {
		b := a.Data().Buffers()[0]
		b.Retain()
		return b
	}
	b := p.buffer(int(bitutil.BytesForBits(int64(a.Len()))))
	b.Bytes()[len(b.Bytes())-1] = 0
	bitutil.CopyBitmap(a.NullBitmapBytes(), a.Data().Offset(), a.Len(), b.Bytes(), 0)
	return b
}

func release(b *memory.Buffer) {
	if b != nil {
		b.Release()
	}
}
