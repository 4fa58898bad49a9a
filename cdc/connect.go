package cdc

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// connectSchema is a node of a Kafka Connect schema as the JSON converter writes it.
type connectSchema struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Parameters map[string]string `json:"parameters"`
	Field      string            `json:"field"`
	Fields     []connectSchema   `json:"fields"`
	Items      *connectSchema    `json:"items"`
	Keys       *connectSchema    `json:"keys"`
	Values     *connectSchema    `json:"values"`
}

// parseConnect reads a schema and returns the struct that rows have: the schema of the
// envelope's after image. ok is false if it is not the schema of a change event.
func parseConnect(text []byte) (row *connectSchema, ok bool, err error) {
	var envelope connectSchema
	if err := json.Unmarshal(text, &envelope); err != nil {
		return nil, false, fmt.Errorf("embedded schema: %w: %w", err, ErrMalformed)
	}
	for i := range envelope.Fields {
		if f := &envelope.Fields[i]; f.Field == "after" && f.Type == "struct" {
			return f, true, nil
		}
	}
	return nil, false, nil
}

// sourceType is the parameter that has the type in the source, with the connector's setting
// datatype.propagate.source.type or column.propagate.source.type.
const sourceType = "__debezium.source.column.type"

// column returns the type that a column gets and the form in which its values travel.
func (c *connectSchema) column(depth int) (arrow.DataType, wire, error) {
	if depth > maxDepth {
		return nil, wire{}, fmt.Errorf("embedded schema is nested more than %d levels deep: %w", maxDepth, ErrMalformed)
	}
	if w, t, ok := semantic(c.Name, c.Parameters); ok {
		return t, w, nil
	}
	switch c.Type {
	case "boolean":
		return arrow.FixedWidthTypes.Boolean, wire{kind: wireBool}, nil
	case "int8", "int16", "int32":
		return arrow.PrimitiveTypes.Int32, wire{kind: wireInt32}, nil
	case "int64":
		if strings.EqualFold(c.Parameters[sourceType], "bigint unsigned") {
			return unsignedType, wire{kind: wireUnsigned}, nil
		}
		return arrow.PrimitiveTypes.Int64, wire{kind: wireInt64}, nil
	case "float", "float32":
		return arrow.PrimitiveTypes.Float32, wire{kind: wireFloat32}, nil
	case "double", "float64":
		return arrow.PrimitiveTypes.Float64, wire{kind: wireFloat64}, nil
	case "string":
		return arrow.BinaryTypes.String, wire{kind: wireString}, nil
	case "bytes":
		return arrow.BinaryTypes.Binary, wire{kind: wireBytes}, nil
	case "array":
		if c.Items == nil {
			break
		}
		t, w, err := c.Items.column(depth + 1)
		if err != nil {
			return nil, wire{}, err
		}
		return arrow.ListOfField(arrow.Field{Name: "element", Type: t, Nullable: true}), wire{kind: wireArray, elem: &w}, nil
	case "map":
		if c.Keys == nil || c.Values == nil || c.Keys.Type != "string" {
			break
		}
		t, w, err := c.Values.column(depth + 1)
		if err != nil {
			return nil, wire{}, err
		}
		return arrow.MapOf(arrow.BinaryTypes.String, t), wire{kind: wireMap, elem: &w}, nil
	case "struct":
		return c.record(depth)
	}
	return nil, wire{}, fmt.Errorf("embedded schema: field %q has type %q, which has no column type: %w", c.Field, c.Type, ErrMalformed)
}

func (c *connectSchema) record(depth int) (arrow.DataType, wire, error) {
	fields := make([]arrow.Field, 0, len(c.Fields))
	w := wire{kind: wireStruct}
	for i := range c.Fields {
		f := &c.Fields[i]
		t, fw, err := f.column(depth + 1)
		if err != nil {
			return nil, wire{}, err
		}
		fields = append(fields, arrow.Field{Name: columnName(f.Field), Type: t, Nullable: true})
		w.fields = append(w.fields, wireField{name: f.Field, wire: fw})
	}
	return arrow.StructOf(fields...), w, nil
}
