package basefile

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	pq "github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// noFieldID is what files of real Hudi have: columns go by name.
const noFieldID = -1

// node is one part of a column of the file with its Parquet levels.
type node struct {
	typ      *schema.Type
	path     string // dotted Parquet path, which names a leaf's column
	def      int16  // definition level of a value that is there
	rep      int16  // repetition level of the node's values
	children []*node
	leaves   []int // file-wide numbers of the leaf columns at or below
}

// layout is the physical form of a schema: the columns that are written and where each
// field's leaves are among them (docs/format/base-files.md).
type layout struct {
	root    *pq.GroupNode
	columns []*node
	leaves  []*node
}

func newLayout(s *schema.Schema) (*layout, error) {
	l := &layout{}
	var nodes pq.FieldList
	for _, f := range s.Fields() {
		n, pn, err := l.build(f.Name, f.Name, f.Type, 0, 0)
		if err != nil {
			return nil, err
		}
		l.columns = append(l.columns, n)
		nodes = append(nodes, pn)
	}
	root, err := pq.NewGroupNode(s.Record().FullName(), parquet.Repetitions.Required, nodes, noFieldID)
	if err != nil {
		return nil, fmt.Errorf("basefile: %w: %w", err, base.ErrUnsupported)
	}
	l.root = root
	return l, nil
}

// of is the layout of some of the columns.
func (l *layout) of(wanted func(column int) bool) *layout {
	out := &layout{}
	var nodes pq.FieldList
	for i, n := range l.columns {
		if !wanted(i) {
			continue
		}
		out.columns = append(out.columns, n.renumbered(len(out.leaves)-n.leaves[0]))
		for _, leaf := range n.leaves {
			out.leaves = append(out.leaves, l.leaves[leaf])
		}
		nodes = append(nodes, l.root.Field(i))
	}
	out.root = pq.MustGroup(pq.NewGroupNode(l.root.Name(), parquet.Repetitions.Required, nodes, noFieldID))
	return out
}

// renumbered is the node with other numbers of its leaves.
func (n *node) renumbered(by int) *node {
	out := *n
	out.leaves, out.children = make([]int, len(n.leaves)), make([]*node, len(n.children))
	for i, leaf := range n.leaves {
		out.leaves[i] = leaf + by
	}
	for i, c := range n.children {
		out.children[i] = c.renumbered(by)
	}
	return &out
}

// build makes the node of a value whose parent is present at the levels def and rep, and the
// Parquet node of it.
func (l *layout) build(name, path string, t *schema.Type, def, rep int16) (*node, pq.Node, error) {
	n := &node{typ: t, path: path, def: def, rep: rep}
	repetition := parquet.Repetitions.Required
	if t.Nullable {
		n.def++
		repetition = parquet.Repetitions.Optional
	}
	from := len(l.leaves)
	pn, err := l.parquetNode(n, name, repetition)
	if err != nil {
		return nil, nil, fmt.Errorf("basefile: column %s: %w", path, err)
	}
	for i := from; i < len(l.leaves); i++ {
		n.leaves = append(n.leaves, i)
	}
	return n, pn, nil
}

func (l *layout) parquetNode(n *node, name string, repetition parquet.Repetition) (pq.Node, error) {
	switch n.typ.Kind {
	case schema.Record:
		return l.record(n, name, repetition)
	case schema.Array:
		elem, pn, err := l.build("element", n.path+".list.element", n.typ.Elem, n.def+1, n.rep+1)
		if err != nil {
			return nil, err
		}
		n.children = []*node{elem}
		return pq.ListOfWithName(name, pn, repetition, noFieldID)
	case schema.Map:
		key, keyNode, err := l.build("key", n.path+".key_value.key", &schema.Type{Kind: schema.String}, n.def+1, n.rep+1)
		if err != nil {
			return nil, err
		}
		value, valueNode, err := l.build("value", n.path+".key_value.value", n.typ.Elem, n.def+1, n.rep+1)
		if err != nil {
			return nil, err
		}
		n.children = []*node{key, value}
		return pq.MapOf(name, keyNode, valueNode, repetition, noFieldID)
	}
	l.leaves = append(l.leaves, n)
	physical, logical, length, err := leafType(n.typ)
	if err != nil {
		return nil, err
	}
	return pq.NewPrimitiveNodeLogical(name, repetition, logical, physical, length, noFieldID)
}

func (l *layout) record(n *node, name string, repetition parquet.Repetition) (pq.Node, error) {
	if len(n.typ.Fields) == 0 {
		return nil, fmt.Errorf("Parquet has no records without fields: %w", base.ErrUnsupported)
	}
	var fields pq.FieldList
	for _, f := range n.typ.Fields {
		child, pn, err := l.build(f.Name, n.path+"."+f.Name, f.Type, n.def, n.rep)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
		fields = append(fields, pn)
	}
	return pq.NewGroupNode(name, repetition, fields, noFieldID)
}

// leafType is the Parquet type of a primitive. Times of day are written as plain integers
// (the Avro schema in the footer says what they are), since Spark refuses files that have
// Parquet's TIME in them; so is the UUID annotation of fixed(16) left out.
func leafType(t *schema.Type) (parquet.Type, pq.LogicalType, int, error) {
	plain := pq.NoLogicalType{}
	switch t.Kind {
	case schema.Boolean:
		return parquet.Types.Boolean, plain, 0, nil
	case schema.Int:
		if t.Logical == schema.Date {
			return parquet.Types.Int32, pq.DateLogicalType{}, 0, nil
		}
		return parquet.Types.Int32, plain, 0, nil
	case schema.Long:
		return parquet.Types.Int64, longType(t.Logical), 0, nil
	case schema.Float:
		return parquet.Types.Float, plain, 0, nil
	case schema.Double:
		return parquet.Types.Double, plain, 0, nil
	case schema.String, schema.Enum:
		return parquet.Types.ByteArray, pq.StringLogicalType{}, 0, nil
	case schema.Bytes, schema.Fixed:
		if t.Logical == schema.Decimal {
			return parquet.Types.FixedLenByteArray, pq.NewDecimalLogicalType(int32(t.Precision), int32(t.Scale)), decimalLength(t), nil
		}
		if t.Kind == schema.Fixed {
			return parquet.Types.FixedLenByteArray, plain, t.Size, nil
		}
		return parquet.Types.ByteArray, plain, 0, nil
	}
	return 0, nil, 0, fmt.Errorf("Parquet has no type for Avro's %s: %w", t.Kind, base.ErrUnsupported)
}

func longType(l schema.Logical) pq.LogicalType {
	switch l {
	case schema.TimestampMillis:
		return pq.NewTimestampLogicalTypeForce(true, pq.TimeUnitMillis)
	case schema.TimestampMicros:
		return pq.NewTimestampLogicalTypeForce(true, pq.TimeUnitMicros)
	case schema.LocalTimestampMillis:
		return pq.NewTimestampLogicalTypeForce(false, pq.TimeUnitMillis)
	case schema.LocalTimestampMicros:
		return pq.NewTimestampLogicalTypeForce(false, pq.TimeUnitMicros)
	}
	return pq.NoLogicalType{}
}

// decimalLength is the stored size: an Avro fixed keeps its own, bytes take the smallest.
func decimalLength(t *schema.Type) int {
	if t.Kind == schema.Fixed {
		return t.Size
	}
	return schema.DecimalSize(t.Precision)
}
