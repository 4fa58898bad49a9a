package basefile

import (
	"github.com/apache/arrow-go/v18/parquet"
	pq "github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/hudi-go/hudi-go/schema"
)

// legacyDates is set in the footer by a Spark that wrote dates before 1582 in the hybrid
// calendar (docs/format/types.md).
const legacyDates = "org.apache.spark.legacyDateTime"

// Plain reports whether every reader of Parquet gets from the file what Read gets: the file
// has all columns of s, none needs to be promoted, and every type is stored in the one form
// that the Parquet format gives it today (no INT96, no lists of two levels, no fixed bytes
// without a meaning).
func (r *Reader) Plain(s *schema.Schema) bool {
	if r.f.find(legacyDates) != nil {
		return false
	}
	return plainFields(r.file.MetaData().Schema.Root(), s.Fields())
}

func plainFields(g *pq.GroupNode, fields []schema.Field) bool {
	for _, f := range fields {
		at := g.FieldIndexByName(f.Name)
		if at < 0 || !plainType(g.Field(at), f.Type) {
			return false
		}
	}
	return true
}

// plainType reports whether a node of the file is the plain form of a type.
func plainType(n pq.Node, t *schema.Type) bool {
	if n.RepetitionType() == parquet.Repetitions.Repeated {
		return false
	}
	if g, ok := n.(*pq.GroupNode); ok {
		switch t.Kind {
		case schema.Record:
			return g.NumFields() == len(t.Fields) && !isList(g) && !isMap(g) && plainRecord(g, t.Fields)
		case schema.Array:
			element := inner(g, isList(g), 1)
			return element != nil && isWrapper(g, element) && plainType(element.Field(0), t.Elem)
		case schema.Map:
			entry := inner(g, isMap(g), 2)
			return entry != nil && isText(entry.Field(0)) && plainType(entry.Field(1), t.Elem)
		}
		return false
	}
	leaf := n.(*pq.PrimitiveNode)
	logical := leaf.LogicalType()
	switch t.Logical {
	case schema.Decimal:
		return logical.Equals(pq.NewDecimalLogicalType(int32(t.Precision), int32(t.Scale)))
	case schema.Date:
		return logical.Equals(pq.DateLogicalType{})
	case schema.TimestampMicros, schema.LocalTimestampMicros:
		return logical.Equals(pq.NewTimestampLogicalType(t.Logical == schema.TimestampMicros, pq.TimeUnitMicros))
	case schema.NoLogical:
	default: // rare ones, which readers take for different types
		return false
	}
	switch t.Kind {
	case schema.Boolean:
		return leaf.PhysicalType() == parquet.Types.Boolean
	case schema.Int:
		return leaf.PhysicalType() == parquet.Types.Int32 && bare(logical)
	case schema.Long:
		return leaf.PhysicalType() == parquet.Types.Int64 && bare(logical)
	case schema.Float:
		return leaf.PhysicalType() == parquet.Types.Float && bare(logical)
	case schema.Double:
		return leaf.PhysicalType() == parquet.Types.Double && bare(logical)
	case schema.Bytes:
		return leaf.PhysicalType() == parquet.Types.ByteArray && bare(logical)
	case schema.String:
		return isText(n)
	}
	return false
}

// plainRecord checks the fields of a record, which must stand in the same order: a record's
// value has it.
func plainRecord(g *pq.GroupNode, fields []schema.Field) bool {
	for i, f := range fields {
		if g.Field(i).Name() != f.Name {
			return false
		}
	}
	return plainFields(g, fields)
}

// inner is the repeated group of a list or map if it has so many fields, else nil.
func inner(g *pq.GroupNode, fits bool, fields int) *pq.GroupNode {
	if !fits || g.NumFields() != 1 {
		return nil
	}
	repeated, ok := g.Field(0).(*pq.GroupNode)
	if !ok || repeated.RepetitionType() != parquet.Repetitions.Repeated || repeated.NumFields() != fields {
		return nil
	}
	return repeated
}

func bare(l pq.LogicalType) bool { return l == nil || l.IsNone() || !l.IsValid() }

func isText(n pq.Node) bool { return n.LogicalType().Equals(pq.StringLogicalType{}) }
