package avroarrow

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// op says how a value is encoded in the record and where it goes in a column.
type op uint8

const (
	opBool         op = iota // one byte ↔ storeBit
	opInt                    // number of up to 32 bits ↔ store32
	opLong                   // number ↔ store64
	opFloat                  // 4 bytes ↔ store32
	opDouble                 // 8 bytes ↔ store64
	opBytes                  // length and bytes ↔ storeText
	opEnum                   // symbol number ↔ storeText
	opFixed                  // size bytes ↔ storeFixed
	opDecimal                // length and bytes of a number ↔ storeDecimal
	opFixedDecimal           // size bytes of a number ↔ storeDecimal
	opList                   // blocks of counted elements, or of keys with values ↔ storeList
	opRecord                 // fields one after the other ↔ storeStruct
	opSkip                   // values that the reader does not want, see pass
)

// secondBranch is the zig-zag number of the second branch of a union; that of the first is 0.
const secondBranch = 2

// node is one value in the order of the record's bytes.
type node struct {
	op    op
	union bool // the value is in a union with null
	null  byte // zig-zag number of the null branch
	// required: the writer may have null here, the reader does not allow it.
	required bool
	size     int // opFixed, opFixedDecimal: bytes
	min      int // opList: least bytes of an element
	col      *column
	kids     []node // opRecord, opSkip: fields; opList: the element, or key and value
	symbols  [][]byte
	name     string // path of the column, for messages
}

// compiler makes decoder programs.
type compiler struct {
	alloc memory.Allocator
	void  *column // takes what is skipped
}

// record compiles the fields of a record and makes the reader's columns.
func (c *compiler) record(w, r *schema.Type, path string) ([]node, []*column, error) {
	places := make(map[string]int, len(r.Fields))
	for i := range r.Fields {
		places[r.Fields[i].Name] = i
	}
	nodes := make([]node, 0, len(w.Fields))
	cols := make([]*column, len(r.Fields))
	for _, f := range w.Fields {
		i, wanted := places[f.Name]
		if !wanted {
			n, err := skip(f.Type, join(path, f.Name))
			if err != nil {
				return nil, nil, err
			}
			if last := len(nodes) - 1; last < 0 || nodes[last].op != opSkip {
				nodes = append(nodes, node{op: opSkip, col: c.void})
			}
			last := &nodes[len(nodes)-1]
			last.kids = append(last.kids, n)
			continue
		}
		n, err := c.value(f.Type, r.Fields[i].Type, join(path, f.Name))
		if err != nil {
			return nil, nil, err
		}
		cols[i] = n.col
		nodes = append(nodes, n)
	}
	for i := range cols {
		if cols[i] == nil {
			var err error
			if cols[i], err = c.missing(&r.Fields[i], path); err != nil {
				return nil, nil, err
			}
		}
	}
	return nodes, cols, nil
}

// missing makes the column of a field that the writer does not have.
func (c *compiler) missing(f *schema.Field, path string) (*column, error) {
	dt, err := f.Type.Arrow()
	if err != nil {
		return nil, err
	}
	col := &column{dt: dt, missing: f, alloc: c.alloc}
	value, err := col.fill(1) // fails here rather than with every batch
	if err != nil {
		return nil, fmt.Errorf("avroarrow: column %s: %w", join(path, f.Name), err)
	}
	value.Release()
	return col, nil
}

// value compiles a value that the reader wants, and makes its column.
func (c *compiler) value(w, r *schema.Type, path string) (node, error) {
	n, err := leaf(w, path)
	if err != nil {
		return n, err
	}
	n.required = w.Nullable && !r.Nullable
	dt, err := r.Arrow()
	if err != nil {
		return n, err
	}
	n.col = &column{dt: dt, nullable: r.Nullable, alloc: c.alloc, width: w.Size}
	switch {
	case w.Kind == schema.Record && r.Kind == schema.Record:
		n.col.store = storeStruct
		n.kids, n.col.kids, err = c.record(w, r, path)
	case w.Kind == schema.Array && r.Kind == schema.Array, w.Kind == schema.Map && r.Kind == schema.Map:
		n.col.store = storeList
		n.kids, n.col.kids, err = c.elements(w, r, path)
	default:
		n.op, n.col.store, err = c.scalar(n, w, path)
	}
	return n, err
}

// elements compiles what an array or map repeats, and makes the columns of it.
func (c *compiler) elements(w, r *schema.Type, path string) ([]node, []*column, error) {
	var nodes []node
	var cols []*column
	if w.Kind == schema.Map {
		key := &column{store: storeText, dt: arrow.BinaryTypes.String, alloc: c.alloc}
		nodes = append(nodes, node{op: opBytes, name: join(path, "key"), col: key})
		cols = append(cols, key)
	}
	n, err := c.value(w.Elem, r.Elem, join(path, "element"))
	return append(nodes, n), append(cols, n.col), err
}

// scalar decides how a value that is not nested gets into the reader's column n.col: as it
// is, or in the writer's own type, to be promoted when the batch is complete.
func (c *compiler) scalar(n node, w *schema.Type, path string) (op, storage, error) {
	from, err := w.Arrow()
	if err != nil {
		return 0, 0, err
	}
	to := n.col.dt
	switch {
	case arrow.TypeEqual(from, to), mislabelled(from, to):
	case from.ID() == arrow.INT32 && to.ID() == arrow.INT64:
		return opLong, store64, nil
	default:
		none := array.MakeArrayOfNull(c.alloc, from, 0)
		defer none.Release()
		promoted, err := schema.Promote(to, none, c.alloc)
		if err != nil {
			return 0, 0, fmt.Errorf("avroarrow: column %s: %w", path, err)
		}
		promoted.Release()
		n.col.dt, n.col.promote = from, to
	}
	switch n.op {
	case opBool:
		return n.op, storeBit, nil
	case opInt, opFloat:
		return n.op, store32, nil
	case opLong, opDouble:
		return n.op, store64, nil
	case opBytes, opEnum:
		return n.op, storeText, nil
	case opFixed:
		return n.op, storeFixed, nil
	case opDecimal, opFixedDecimal:
		return n.op, storeDecimal, nil
	}
	return 0, 0, unsupported(w, path)
}

// mislabelled tells of a column that old releases labelled as microseconds while the table
// says milliseconds. The values are milliseconds; Hudi 1.1 and later read them so
// (docs/format/log-files.md, Reading with another schema).
func mislabelled(from, to arrow.DataType) bool {
	f, ok1 := from.(*arrow.TimestampType)
	t, ok2 := to.(*arrow.TimestampType)
	return ok1 && ok2 && f.TimeZone == t.TimeZone && f.Unit == arrow.Microsecond && t.Unit == arrow.Millisecond
}

// leaf fills in what the writer's type alone says.
func leaf(w *schema.Type, path string) (node, error) {
	n := node{union: w.Nullable, size: w.Size, name: path}
	if w.NullLast {
		n.null = secondBranch
	}
	switch w.Kind {
	case schema.Boolean:
		n.op = opBool
	case schema.Int:
		n.op = opInt
	case schema.Long:
		n.op = opLong
	case schema.Float:
		n.op = opFloat
	case schema.Double:
		n.op = opDouble
	case schema.String:
		n.op = opBytes
	case schema.Enum:
		n.op = opEnum
		for _, s := range w.Symbols {
			n.symbols = append(n.symbols, []byte(s))
		}
	case schema.Bytes:
		n.op = opBytes
		if w.Logical == schema.Decimal {
			n.op = opDecimal
		}
	case schema.Fixed:
		n.op = opFixed
		if w.Logical == schema.Decimal {
			n.op = opFixedDecimal
		}
	case schema.Array, schema.Map:
		n.op, n.min = opList, least(w.Elem)
		if w.Kind == schema.Map {
			n.min++ // the key's length
		}
	case schema.Record:
		n.op = opRecord
	default:
		return n, unsupported(w, path)
	}
	return n, nil
}

// least is the smallest number of bytes that a value takes.
func least(w *schema.Type) int {
	if w.Nullable {
		return 1
	}
	switch w.Kind {
	case schema.Float:
		return 4
	case schema.Double:
		return 8
	case schema.Fixed:
		return w.Size
	case schema.Record:
		sum := 0
		for _, f := range w.Fields {
			sum += least(f.Type)
		}
		return sum
	}
	return 1
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func unsupported(t *schema.Type, path string) error {
	return fmt.Errorf("avroarrow: column %s: values of Avro type %s have no Arrow form: %w", path, t.Kind, base.ErrUnsupported)
}
