package schema

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/base"
)

// ListElement is the name of the child of every list in Arrow form.
const ListElement = "element"

// UTC is the time zone of timestamps that are points in time.
const UTC = "UTC"

// Arrow returns the Arrow form of the type; whether it is nullable is said by the field that
// has it. The error wraps base.ErrUnsupported for types without an Arrow form.
func (t *Type) Arrow() (arrow.DataType, error) { return arrowType(t, "") }

func arrowFields(record *Type, path string) ([]arrow.Field, error) {
	fields := make([]arrow.Field, len(record.Fields))
	for i, f := range record.Fields {
		dt, err := arrowType(f.Type, join(path, f.Name))
		if err != nil {
			return nil, err
		}
		fields[i] = arrow.Field{Name: f.Name, Type: dt, Nullable: f.Type.Nullable}
	}
	return fields, nil
}

func arrowType(t *Type, path string) (arrow.DataType, error) {
	switch t.Kind {
	case Boolean:
		return arrow.FixedWidthTypes.Boolean, nil
	case Int:
		switch t.Logical {
		case Date:
			return arrow.FixedWidthTypes.Date32, nil
		case TimeMillis:
			return arrow.FixedWidthTypes.Time32ms, nil
		}
		return arrow.PrimitiveTypes.Int32, nil
	case Long:
		return arrowLong(t.Logical), nil
	case Float:
		return arrow.PrimitiveTypes.Float32, nil
	case Double:
		return arrow.PrimitiveTypes.Float64, nil
	case String, Enum:
		return arrow.BinaryTypes.String, nil
	case Bytes, Fixed:
		if t.Logical == Decimal {
			if t.Precision > MaxPrecision {
				return nil, unsupported(path, fmt.Sprintf("decimal of %d digits, at most %d are", t.Precision, MaxPrecision))
			}
			return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}, nil
		}
		if t.Kind == Fixed {
			return &arrow.FixedSizeBinaryType{ByteWidth: t.Size}, nil
		}
		return arrow.BinaryTypes.Binary, nil
	case Array:
		elem, err := arrowType(t.Elem, join(path, ListElement))
		if err != nil {
			return nil, err
		}
		return arrow.ListOfField(arrow.Field{Name: ListElement, Type: elem, Nullable: t.Elem.Nullable}), nil
	case Map:
		value, err := arrowType(t.Elem, join(path, "value"))
		if err != nil {
			return nil, err
		}
		m := arrow.MapOf(arrow.BinaryTypes.String, value)
		m.SetItemNullable(t.Elem.Nullable)
		return m, nil
	case Record:
		fields, err := arrowFields(t, path)
		if err != nil {
			return nil, err
		}
		return arrow.StructOf(fields...), nil
	case Union:
		return nil, unsupported(path, "union of several types")
	}
	return nil, unsupported(path, "type "+t.Kind.String())
}

func arrowLong(l Logical) arrow.DataType {
	switch l {
	case TimeMicros:
		return arrow.FixedWidthTypes.Time64us
	case TimestampMillis:
		return &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: UTC}
	case TimestampMicros:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: UTC}
	case LocalTimestampMillis:
		return &arrow.TimestampType{Unit: arrow.Millisecond}
	case LocalTimestampMicros:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	}
	return arrow.PrimitiveTypes.Int64
}

func unsupported(path, what string) error {
	if path == "" {
		return fmt.Errorf("schema: %s: %w", what, base.ErrUnsupported)
	}
	return fmt.Errorf("schema: column %s: %s: %w", path, what, base.ErrUnsupported)
}
