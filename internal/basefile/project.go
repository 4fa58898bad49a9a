package basefile

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	pq "github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/hudi-go/hudi-go/schema"
)

// projection is what a read takes from the file.
type projection struct {
	schema *schema.Schema
	leaves []int // columns of the file, ascending
}

// project finds the columns of s that the file has. Of nested columns everything is read.
func (r *Reader) project(s *schema.Schema) projection {
	p := projection{schema: s}
	columns := r.file.MetaData().Schema
	for i := range columns.NumColumns() {
		if _, _, ok := s.Field(columns.ColumnRoot(i).Name()); ok {
			p.leaves = append(p.leaves, i)
		}
	}
	return p
}

// newManifest maps the Parquet schema to Arrow. A list whose element is itself a list or map
// is, in the two-level form of parquet-avro,
//
//	optional group a (LIST) { repeated group array (LIST) { repeated int32 array; } }
//
// which arrow-go takes for a list of records of one field; here it becomes a list of lists.
func newManifest(s *pq.Schema) (*pqarrow.SchemaManifest, error) {
	m, err := pqarrow.NewSchemaManifest(s, nil, nil)
	if err != nil {
		return nil, err
	}
	for i := range m.Fields {
		mendLists(&m.Fields[i], s.Root().Field(i))
	}
	return m, nil
}

func isList(n pq.Node) bool { return n.LogicalType().Equals(pq.NewListLogicalType()) }
func isMap(n pq.Node) bool  { return n.LogicalType().Equals(pq.MapLogicalType{}) }

// mendLists mends a field whose Parquet node is n.
func mendLists(f *pqarrow.SchemaField, n pq.Node) {
	g, ok := n.(*pq.GroupNode)
	if !ok {
		return
	}
	switch {
	case isList(g):
		mendElement(&f.Children[0], g, g.Field(0))
	case isMap(g) && len(f.Children[0].Children) == 2:
		mendRecord(&f.Children[0], g.Field(0).(*pq.GroupNode))
	case f.Field.Type.ID() == arrow.STRUCT:
		mendRecord(f, g)
	}
	rebuildType(f)
}

func mendRecord(f *pqarrow.SchemaField, g *pq.GroupNode) {
	for i := range f.Children {
		mendLists(&f.Children[i], g.Field(i))
	}
	rebuildType(f)
}

// mendElement mends the element of a list with the given repeated node.
func mendElement(elem *pqarrow.SchemaField, list *pq.GroupNode, repeated pq.Node) {
	g, ok := repeated.(*pq.GroupNode)
	if !ok {
		return
	}
	switch {
	case g.NumFields() == 1 && isList(g):
		*elem = elem.Children[0]
		if isWrapper(g, g.Field(0)) {
			elem.Children[0] = elem.Children[0].Children[0]
		}
		mendElement(&elem.Children[0], g, g.Field(0))
		rebuildType(elem)
	case g.NumFields() == 1 && isMap(g):
		*elem = elem.Children[0]
		mendRecord(&elem.Children[0], g.Field(0).(*pq.GroupNode))
		entry := elem.Children[0].Children
		elem.Field = &arrow.Field{Name: elem.Field.Name, Type: arrow.MapOfFields(*entry[0].Field, *entry[1].Field)}
	case isWrapper(list, g):
		mendLists(elem, g.Field(0))
	default:
		mendRecord(elem, g)
	}
}

// isWrapper reports whether the repeated node of a list is the middle level of three, and not
// the element itself; the names are those of parquet-format's rules for old files.
func isWrapper(list, repeated pq.Node) bool {
	g, ok := repeated.(*pq.GroupNode)
	return ok && g.NumFields() == 1 && !isList(g) && !isMap(g) && g.Name() != "array" && g.Name() != list.Name()+"_tuple"
}

// rebuildType makes the type of a nested field that of its children.
func rebuildType(f *pqarrow.SchemaField) {
	field := *f.Field
	switch field.Type.ID() {
	case arrow.STRUCT:
		fields := make([]arrow.Field, len(f.Children))
		for i, c := range f.Children {
			fields[i] = *c.Field
		}
		field.Type = arrow.StructOf(fields...)
	case arrow.LIST:
		field.Type = arrow.ListOfField(*f.Children[0].Field)
	case arrow.MAP:
		entry := f.Children[0].Children
		field.Type = arrow.MapOfFields(*entry[0].Field, *entry[1].Field)
	}
	f.Field = &field
}
