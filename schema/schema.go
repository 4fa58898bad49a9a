// Package schema is the type system of a table. The Avro schema is the truth: it has what
// Arrow and Parquet cannot say (enums, the order of unions, defaults, names). The Arrow form
// is derived from it (docs/format/types.md). The package also says which schema a table gets
// when columns arrive that it does not have (Evolve), and brings rows to a schema (Conform).
package schema

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/base"
)

// The meta columns that Hudi puts before a table's own (docs/format/types.md).
const (
	MetaCommitTime    = "_hoodie_commit_time"
	MetaCommitSeqno   = "_hoodie_commit_seqno"
	MetaRecordKey     = "_hoodie_record_key"
	MetaPartitionPath = "_hoodie_partition_path"
	MetaFileName      = "_hoodie_file_name"
	// MetaOperation follows the five in tables that keep each row's operation.
	MetaOperation = "_hoodie_operation"
	// IsDeleted is an ordinary boolean column by which incoming rows say that they delete.
	IsDeleted = "_hoodie_is_deleted"
)

// MetaColumns returns the names of the five meta columns that every table has, in their order.
func MetaColumns() []string {
	return []string{MetaCommitTime, MetaCommitSeqno, MetaRecordKey, MetaPartitionPath, MetaFileName}
}

// Schema is a record schema together with its Arrow form. It is immutable and safe for
// concurrent use.
type Schema struct {
	record *Type
	index  map[string]int
	arrow  *arrow.Schema
	avro   string
}

// Parse reads an Avro record schema from its JSON text. Named references are resolved.
// Errors wrap base.ErrInvalid for text that is no Avro schema, and base.ErrUnsupported for
// valid schemas without an Arrow form: recursive types, unions of several types, columns of
// type null, decimals of more than 38 digits.
func Parse(avro string) (*Schema, error) {
	t, err := ParseType(avro)
	if err != nil {
		return nil, err
	}
	return New(t)
}

// New makes a Schema of a record type, which must not be changed afterwards. Two different
// types of one full name are told apart by giving the later one the namespace
// <record>.<field>, as real Hudi names them. Errors are those of Parse.
func New(record *Type) (*Schema, error) {
	if record == nil || record.Kind != Record || record.Nullable {
		return nil, fmt.Errorf("schema: the schema of a table must be an Avro record: %w", base.ErrInvalid)
	}
	c := checker{defs: make(map[string]*Type)}
	record, err := c.check(record, place{})
	if err != nil {
		return nil, err
	}
	fields, err := arrowFields(record, "")
	if err != nil {
		return nil, err
	}
	s := &Schema{
		record: record,
		index:  make(map[string]int, len(fields)),
		arrow:  arrow.NewSchema(fields, nil),
		avro:   printType(record),
	}
	for i := range record.Fields {
		s.index[record.Fields[i].Name] = i
	}
	return s, nil
}

// Avro returns the schema's JSON text. The text of a schema is always the same, and Parse
// reads it back to the same schema.
func (s *Schema) Avro() string { return s.avro }

// String is Avro.
func (s *Schema) String() string { return s.avro }

// Record returns the schema as a type. It must not be changed.
func (s *Schema) Record() *Type { return s.record }

// Fields returns the columns in order. They must not be changed.
func (s *Schema) Fields() []Field { return s.record.Fields }

// Arrow returns the Arrow form, without any metadata.
func (s *Schema) Arrow() *arrow.Schema { return s.arrow }

// Field returns the column of that name and its position.
func (s *Schema) Field(name string) (f Field, index int, ok bool) {
	i, ok := s.index[name]
	if !ok {
		return Field{}, -1, false
	}
	return s.record.Fields[i], i, true
}

// Lookup is Field with an error, wrapping base.ErrInvalid, that proposes the nearest column.
func (s *Schema) Lookup(name string) (f Field, index int, err error) { return s.record.Lookup(name) }

// Lookup returns the field of that name of a record, and its position. The error wraps
// base.ErrInvalid and proposes the nearest name.
func (t *Type) Lookup(name string) (f Field, index int, err error) {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return t.Fields[i], i, nil
		}
	}
	if near := nearest(name, t.Fields); near != "" {
		return Field{}, -1, fmt.Errorf("schema: no column %q, did you mean %q? %w", name, near, base.ErrInvalid)
	}
	return Field{}, -1, fmt.Errorf("schema: no column %q: %w", name, base.ErrInvalid)
}

// HasMeta reports whether the first five columns are the meta columns.
func (s *Schema) HasMeta() bool {
	meta := MetaColumns()
	if len(s.record.Fields) < len(meta) {
		return false
	}
	for i, name := range meta {
		if s.record.Fields[i].Name != name {
			return false
		}
	}
	return true
}

// WithMeta returns the schema with the five meta columns in front.
func (s *Schema) WithMeta() *Schema {
	if s.HasMeta() {
		return s
	}
	fields := make([]Field, 0, len(s.record.Fields)+len(MetaColumns()))
	for _, name := range MetaColumns() {
		fields = append(fields, metaField(name))
	}
	for _, f := range s.record.Fields {
		if !slices.Contains(MetaColumns(), f.Name) {
			fields = append(fields, f)
		}
	}
	return s.with(fields)
}

// WithoutMeta returns the schema without the five meta columns and without MetaOperation.
// This is the form that commit metadata carries.
func (s *Schema) WithoutMeta() *Schema {
	fields := make([]Field, 0, len(s.record.Fields))
	for _, f := range s.record.Fields {
		if f.Name != MetaOperation && !slices.Contains(MetaColumns(), f.Name) {
			fields = append(fields, f)
		}
	}
	if len(fields) == len(s.record.Fields) {
		return s
	}
	return s.with(fields)
}

// Project returns the schema of the named columns, in the order of names. The error for an
// unknown or repeated name wraps base.ErrInvalid.
func (s *Schema) Project(names []string) (*Schema, error) {
	fields := make([]Field, 0, len(names))
	for i, name := range names {
		f, _, err := s.Lookup(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("schema: column %q is named twice: %w", name, base.ErrInvalid)
		}
		fields = append(fields, f)
	}
	return s.with(fields), nil
}

// with returns a copy of the schema with other columns, each taken from a valid schema.
func (s *Schema) with(fields []Field) *Schema {
	record := *s.record
	record.Fields = fields
	n := &Schema{
		record: &record,
		index:  make(map[string]int, len(fields)),
		avro:   printType(&record),
	}
	columns := make([]arrow.Field, len(fields))
	for i, f := range fields {
		n.index[f.Name] = i
		if _, j, ok := s.Field(f.Name); ok {
			columns[i] = s.arrow.Field(j)
		} else {
			columns[i] = arrow.Field{Name: f.Name, Type: arrow.BinaryTypes.String, Nullable: true}
		}
	}
	n.arrow = arrow.NewSchema(columns, nil)
	return n
}

// Equal reports whether both schemas have the same columns: names, order, types and
// nullability (the order of unions included) at every level. Equal schemas encode rows to the
// same bytes. Documentation, defaults, aliases, attributes and the names of records do not count.
func (s *Schema) Equal(o *Schema) bool {
	return s == o || s.record.Equal(o.record)
}

// Equal reports whether both types have the same values and the same encoding; see Schema.Equal.
func (t *Type) Equal(o *Type) bool {
	if t == o {
		return true
	}
	if t == nil || o == nil {
		return false
	}
	if t.Kind != o.Kind || t.Logical != o.Logical || t.Nullable != o.Nullable ||
		t.Nullable && t.NullLast != o.NullLast ||
		t.Precision != o.Precision || t.Scale != o.Scale || t.Size != o.Size ||
		!slices.Equal(t.Symbols, o.Symbols) || len(t.Fields) != len(o.Fields) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != o.Fields[i].Name || !t.Fields[i].Type.Equal(o.Fields[i].Type) {
			return false
		}
	}
	return t.Elem.Equal(o.Elem) && slices.EqualFunc(t.Branches, o.Branches, (*Type).Equal)
}
