package hudi

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
)

// structRows is how many structs go into one batch.
const structRows = 4096

// RowsOf makes rows of structs, which are taken one after the other while they are written.
// The exported fields of T are the columns, under the names in their avro tags:
//
//	type Reading struct {
//		Sensor string    `avro:"sensor"`
//		Value  *float64  `avro:"value"`           // nil is null
//		At     time.Time `avro:"at"`              // a timestamp of microseconds
//		Day    time.Time `avro:"day" hudi:"date"` // a date
//		Note   string    `avro:"-"`               // no column
//	}
//
// Numbers, texts, bytes, slices, maps with texts as keys, and structs are columns as well; a
// pointer to any of them makes a column with nulls. Other types give an error that wraps
// ErrInvalid; decimals are written as Arrow batches.
func RowsOf[T any](list iter.Seq[T]) (Rows, error) {
	s, err := schemaOf[T]()
	if err != nil {
		return Rows{}, err
	}
	return Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		fail := func(err error) { yield(nil, fmt.Errorf("hudi: rows of %T: %w", *new(T), err)) }
		codec, err := avroio.NewStructs(s.Avro())
		if err != nil {
			fail(err)
			return
		}
		d, err := avroarrow.NewDecoder(s, s, memory.DefaultAllocator)
		if err != nil {
			fail(err)
			return
		}
		defer d.Release()
		flush := func() bool {
			batch, err := d.Flush()
			if err != nil {
				fail(err)
				return false
			}
			defer batch.Release()
			return yield(batch, nil)
		}
		for v := range list {
			record, err := codec.Encode(&v)
			if err == nil {
				err = d.Append(record)
			}
			if err != nil {
				fail(err)
				return
			}
			if d.Rows() == structRows && !flush() {
				return
			}
		}
		if d.Rows() > 0 {
			flush()
		}
	}}, nil
}

// Values answers a query with structs, whose fields are columns as RowsOf has them: those
// columns are asked for, whatever the options say. A null in a column whose field is no pointer
// is an error that wraps ErrInvalid.
func Values[T any](ctx context.Context, t *Table, o query.Options) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		fail := func(err error) { yield(*new(T), fmt.Errorf("hudi: %s as %T: %w", t.URI(), *new(T), err)) }
		s, err := schemaOf[T]()
		if err != nil {
			yield(*new(T), err)
			return
		}
		o.Columns = nil
		for _, f := range s.Fields() {
			o.Columns = append(o.Columns, f.Name)
		}
		codec, err := avroio.NewStructs(s.Avro())
		if err != nil {
			fail(err)
			return
		}
		plan, err := t.Query(ctx, o)
		if err != nil {
			fail(err)
			return
		}
		for batch, err := range plan.Rows(ctx) {
			if err != nil {
				fail(err)
				return
			}
			list, err := valuesOf[T](batch, s, codec)
			if err != nil {
				fail(err)
				return
			}
			for _, v := range list {
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}

func valuesOf[T any](batch arrow.RecordBatch, s *schema.Schema, codec *avroio.Structs) ([]T, error) {
	batch, err := schema.Conform(batch, s, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	defer batch.Release()
	e, err := avroarrow.NewEncoder(s, batch.Schema())
	if err == nil {
		err = e.Bind(batch)
	}
	if err != nil {
		return nil, err
	}
	out := make([]T, batch.NumRows())
	var record []byte
	for row := range out {
		if record, err = e.Append(record[:0], row); err == nil {
			err = codec.Decode(record, &out[row])
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// schemaOf is the schema of rows that are structs.
func schemaOf[T any]() (*schema.Schema, error) {
	t := reflect.TypeFor[T]()
	fields, err := structFields(t, 0)
	var s *schema.Schema
	if err == nil {
		s, err = schema.FromArrow("rows", arrow.NewSchema(fields, nil))
	}
	if err != nil {
		return nil, fmt.Errorf("hudi: rows of %v: %w", t, err)
	}
	return s, nil
}

// maxStructs is how deep structs may be within each other, which those that hold themselves
// are endlessly.
const maxStructs = 32

func structFields(t reflect.Type, depth int) (fields []arrow.Field, err error) {
	if t.Kind() != reflect.Struct || depth > maxStructs {
		return nil, fmt.Errorf("%v is no struct of columns: %w", t, base.ErrInvalid)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("avro")
		if name == "" {
			name = f.Name
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		column := arrow.Field{Name: name, Nullable: f.Type.Kind() == reflect.Pointer}
		if column.Type, err = fieldType(f.Type, f.Tag.Get("hudi"), depth); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		fields = append(fields, column)
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%v has no exported fields: %w", t, base.ErrInvalid)
	}
	return fields, nil
}

var scalars = map[reflect.Kind]arrow.DataType{
	reflect.Bool: arrow.FixedWidthTypes.Boolean, reflect.String: arrow.BinaryTypes.String,
	reflect.Int8: arrow.PrimitiveTypes.Int32, reflect.Int16: arrow.PrimitiveTypes.Int32, reflect.Int32: arrow.PrimitiveTypes.Int32,
	reflect.Uint8: arrow.PrimitiveTypes.Int32, reflect.Uint16: arrow.PrimitiveTypes.Int32, reflect.Uint32: arrow.PrimitiveTypes.Int64,
	reflect.Int: arrow.PrimitiveTypes.Int64, reflect.Int64: arrow.PrimitiveTypes.Int64,
	reflect.Float32: arrow.PrimitiveTypes.Float32, reflect.Float64: arrow.PrimitiveTypes.Float64,
}

// fieldType is the type of a column, or of what is in it; tag is the field's hudi tag.
func fieldType(t reflect.Type, tag string, depth int) (arrow.DataType, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Time]() {
		switch tag {
		case "date":
			return arrow.FixedWidthTypes.Date32, nil
		case "":
			return arrow.FixedWidthTypes.Timestamp_us, nil
		}
		return nil, fmt.Errorf("a time is a timestamp, or with the tag hudi:\"date\" a date, and no %q: %w", tag, base.ErrInvalid)
	}
	if tag != "" {
		return nil, fmt.Errorf("the tag hudi:%q is for times, not for %v: %w", tag, t, base.ErrInvalid)
	}
	switch t.Kind() {
	case reflect.Struct:
		fields, err := structFields(t, depth+1)
		return arrow.StructOf(fields...), err
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return arrow.BinaryTypes.Binary, nil
		}
		elem, err := fieldType(t.Elem(), "", depth+1)
		return arrow.ListOfField(arrow.Field{Name: "item", Type: elem, Nullable: t.Elem().Kind() == reflect.Pointer}), err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("keys of a map are strings: %w", base.ErrInvalid)
		}
		elem, err := fieldType(t.Elem(), "", depth+1)
		return arrow.MapOfFields(arrow.Field{Name: "key", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "value", Type: elem, Nullable: t.Elem().Kind() == reflect.Pointer}), err
	}
	if dt, ok := scalars[t.Kind()]; ok {
		return dt, nil
	}
	return nil, fmt.Errorf("%v cannot be a column: %w", t, base.ErrInvalid)
}
