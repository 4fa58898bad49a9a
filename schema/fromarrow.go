package schema

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/base"
)

// FromArrow makes the schema of a table from rows, with the names that real Hudi gives:
// record <table>_record in namespace hoodie.<table>, records of columns in the namespace of
// their record, decimals and other fixed types named "fixed" in the namespace
// <record>.<column>. Nullable columns are ["null", X] with default null.
//
// Arrow types that a table cannot have become the next wider one that it can, and nanoseconds
// become microseconds (docs/format/types.md); Conform converts the rows. All other types, and
// column names that are not Avro's, give an error that wraps base.ErrInvalid.
func FromArrow(table string, s *arrow.Schema) (*Schema, error) {
	if table == "" {
		return nil, fmt.Errorf("schema: a table needs a name: %w", base.ErrInvalid)
	}
	name, namespace := RecordName(table)
	record := &Type{Kind: Record, Name: name, Namespace: namespace}
	fields, err := avroFields(s.Fields(), record, place{})
	if err != nil {
		return nil, err
	}
	record.Fields = fields
	return New(record)
}

// OfRows makes the schema of rows that are not those of a table: the answer to a question, with
// columns of any names. It is FromArrow otherwise; the Avro text of the schema may not be
// readable.
func OfRows(s *arrow.Schema) (*Schema, error) {
	record := &Type{Kind: Record, Name: "rows"}
	var err error
	if record.Fields, err = avroFields(s.Fields(), record, place{}); err != nil {
		return nil, err
	}
	fields, err := arrowFields(record, "")
	if err != nil {
		return nil, err
	}
	out := &Schema{record: record, index: make(map[string]int, len(fields)), arrow: arrow.NewSchema(fields, nil), avro: printType(record)}
	for i, f := range record.Fields {
		out.index[f.Name] = i
	}
	return out, nil
}

// avroFields converts the fields of a record.
func avroFields(fields []arrow.Field, record *Type, at place) ([]Field, error) {
	if at.depth > maxDepth {
		return nil, at.errorf(base.ErrInvalid, "nested more than %d levels deep", maxDepth)
	}
	out := make([]Field, len(fields))
	for i, f := range fields {
		if at.path == "" && slices.Contains(MetaColumns(), f.Name) {
			out[i] = metaField(f.Name)
			continue
		}
		t, err := avroType(f.Type, f.Nullable, at.in(record, f.Name))
		if err != nil {
			return nil, err
		}
		out[i] = Field{Name: f.Name, Type: t}
		if f.Nullable {
			out[i].Default = json.RawMessage("null")
		}
	}
	return out, nil
}

// avroType converts the type of a field, or of the elements of its list or map.
func avroType(dt arrow.DataType, nullable bool, at place) (*Type, error) {
	t := &Type{Nullable: nullable}
	switch dt := dt.(type) {
	case *arrow.BooleanType:
		t.Kind = Boolean
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Uint8Type, *arrow.Uint16Type:
		t.Kind = Int
	case *arrow.Int64Type, *arrow.Uint32Type:
		t.Kind = Long
	case *arrow.Float16Type, *arrow.Float32Type:
		t.Kind = Float
	case *arrow.Float64Type:
		t.Kind = Double
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		t.Kind = String
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType:
		t.Kind = Bytes
	case *arrow.FixedSizeBinaryType:
		fixed(t, dt.ByteWidth, at)
	case arrow.DecimalType:
		if dt.GetPrecision() > MaxPrecision || dt.GetScale() < 0 || dt.GetScale() > dt.GetPrecision() {
			return nil, at.errorf(base.ErrInvalid, "decimal(%d,%d): cast it to at most %d digits with 0 to as many of them after the point",
				dt.GetPrecision(), dt.GetScale(), MaxPrecision)
		}
		fixed(t, DecimalSize(int(dt.GetPrecision())), at)
		t.Logical, t.Precision, t.Scale = Decimal, int(dt.GetPrecision()), int(dt.GetScale())
	case *arrow.Date32Type, *arrow.Date64Type:
		t.Kind, t.Logical = Int, Date
	case *arrow.Time32Type:
		t.Kind, t.Logical = Int, TimeMillis
	case *arrow.Time64Type:
		t.Kind, t.Logical = Long, TimeMicros
	case *arrow.TimestampType:
		t.Kind, t.Logical = Long, timestamp(dt)
	case *arrow.DictionaryType:
		return avroType(dt.ValueType, nullable, at)
	case arrow.ExtensionType:
		return avroType(dt.StorageType(), nullable, at)
	case *arrow.MapType:
		if id := dt.KeyType().ID(); id != arrow.STRING && id != arrow.LARGE_STRING && id != arrow.STRING_VIEW {
			return nil, at.errorf(base.ErrInvalid, "a map's keys are strings, not %s: cast them", dt.KeyType())
		}
		t.Kind = Map
		return t, element(t, dt.ItemField(), at)
	case *arrow.StructType:
		t.Kind, t.Name, t.Namespace = Record, at.field, at.record
		var err error
		t.Fields, err = avroFields(dt.Fields(), t, at)
		return t, err
	case *arrow.ListType:
		t.Kind = Array
		return t, element(t, dt.ElemField(), at)
	case *arrow.LargeListType:
		t.Kind = Array
		return t, element(t, dt.ElemField(), at)
	case *arrow.FixedSizeListType:
		t.Kind = Array
		return t, element(t, dt.ElemField(), at)
	default:
		return nil, at.errorf(base.ErrInvalid, "a table cannot store the Arrow type %s: cast the column", dt)
	}
	return t, nil
}

func element(t *Type, f arrow.Field, at place) (err error) {
	at.path = join(at.path, ListElement)
	if at.depth++; at.depth > maxDepth {
		return at.errorf(base.ErrInvalid, "nested more than %d levels deep", maxDepth)
	}
	t.Elem, err = avroType(f.Type, f.Nullable, at)
	return err
}

func fixed(t *Type, size int, at place) {
	t.Kind, t.Size, t.Name, t.Namespace = Fixed, size, "fixed", qualify(at.record, at.field)
}

func timestamp(dt *arrow.TimestampType) Logical {
	millis := dt.Unit == arrow.Second || dt.Unit == arrow.Millisecond
	switch {
	case dt.TimeZone != "" && millis:
		return TimestampMillis
	case dt.TimeZone != "":
		return TimestampMicros
	case millis:
		return LocalTimestampMillis
	}
	return LocalTimestampMicros
}
