package schema

import "encoding/json"

// Kind is the Avro type of a value. Unions with null are not a kind: they are Type.Nullable.
type Kind uint8

// The kinds of Avro.
const (
	Null Kind = iota
	Boolean
	Int
	Long
	Float
	Double
	Bytes
	String
	Fixed
	Enum
	Array
	Map
	Record
	// Union is a union of two or more types besides null.
	Union
)

// Logical is the logical type that refines a kind.
type Logical uint8

// The logical types that Hudi tables use.
const (
	NoLogical            Logical = iota
	Decimal                      // Bytes or Fixed
	Date                         // Int, days
	TimeMillis                   // Int
	TimeMicros                   // Long
	TimestampMillis              // Long, UTC
	TimestampMicros              // Long, UTC
	LocalTimestampMillis         // Long
	LocalTimestampMicros         // Long
	UUID                         // String, or Fixed of 16 bytes
)

// Type is one node of an Avro schema. Types are immutable once they are part of a Schema.
type Type struct {
	Kind    Kind
	Logical Logical

	// Nullable says that the value is in a union with null; NullLast that null is the
	// union's second branch ([X,"null"]), as in schemas that Spark SQL writes.
	Nullable bool
	NullLast bool

	Precision, Scale int // Decimal
	Size             int // Fixed, bytes

	Name, Namespace string   // Record, Enum, Fixed
	Doc             string   // Record, Enum, Fixed
	Symbols         []string // Enum
	Fields          []Field  // Record
	Elem            *Type    // Array: items; Map: values
	Branches        []*Type  // Union, without null

	// Props are the attributes that have no field here, kept for the round trip.
	Props map[string]json.RawMessage
}

// Field is a named part of a record.
type Field struct {
	Name string
	Type *Type
	Doc  string
	// Default is the JSON default, nil for none ("null" is a default).
	Default json.RawMessage
	Aliases []string
	Props   map[string]json.RawMessage
}
