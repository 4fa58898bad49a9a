package avroarrow

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Encoder makes records in schema-less Avro binary of the rows of Arrow batches. It is not
// safe for concurrent use.
type Encoder struct {
	program []source
	arrow   *arrow.Schema
}

// source is one value in the order of the record's bytes and, once bound, the array that it
// comes from.
type source struct {
	op     op
	union  bool // the value is in a union with null
	null   byte // zig-zag number of the null branch
	absent bool // there is no column: always null
	size   int  // opFixed, opFixedDecimal: bytes
	base   int  // row 0 of the array in its buffers

	valid []byte   // nil if nothing is null
	w32   []uint32 // see column
	w64   []uint64
	data  []byte

	kids    []source // opRecord: fields; opList: the element, or key and value
	symbols []symbol // opEnum, sorted by text
	place   int      // of the column in the batch or struct
	dt      arrow.DataType
	name    string // path of the column, for messages
}

// symbol is a symbol of an enum and its number.
type symbol struct {
	text   []byte
	number int64
}

// NewEncoder compiles an encoder that writes with the schema s the rows of batches of the
// schema batch. Columns and the fields of structs are found by name; one that batch does not
// have is null. The error wraps base.ErrInvalid if a column is missing that cannot be null,
// or has another type than s.Arrow: bring batches to s with schema.Conform first.
func NewEncoder(s *schema.Schema, batch *arrow.Schema) (*Encoder, error) {
	program, err := sources(s.Record(), batch.Fields(), "")
	if err != nil {
		return nil, err
	}
	return &Encoder{program: program, arrow: batch}, nil
}

// sources compiles the fields of a record.
func sources(record *schema.Type, columns []arrow.Field, path string) ([]source, error) {
	list := make([]source, 0, len(record.Fields))
	for _, f := range record.Fields {
		name := join(path, f.Name)
		place := slices.IndexFunc(columns, func(c arrow.Field) bool { return c.Name == f.Name })
		if place < 0 {
			if !f.Type.Nullable {
				return nil, fmt.Errorf("avroarrow: column %s is missing in the batch and not nullable: %w", name, base.ErrInvalid)
			}
			s := source{absent: true, union: true, name: name}
			if f.Type.NullLast {
				s.null = secondBranch
			}
			list = append(list, s)
			continue
		}
		s, err := compileSource(f.Type, columns[place].Type, name)
		if err != nil {
			return nil, err
		}
		s.place = place
		list = append(list, s)
	}
	return list, nil
}

// compileSource compiles the value of one column of the type dt.
func compileSource(t *schema.Type, dt arrow.DataType, path string) (source, error) {
	n, err := leaf(t, path)
	if err != nil {
		return source{}, err
	}
	s := source{op: n.op, union: n.union, null: n.null, size: n.size, dt: dt, name: path}
	for i, text := range n.symbols {
		s.symbols = append(s.symbols, symbol{text, int64(i)})
	}
	slices.SortFunc(s.symbols, func(a, b symbol) int { return bytes.Compare(a.text, b.text) })

	switch t.Kind {
	case schema.Record:
		if st, ok := dt.(*arrow.StructType); ok {
			s.kids, err = sources(t, st.Fields(), path)
			return s, err
		}
	case schema.Array:
		if list, ok := dt.(*arrow.ListType); ok {
			elem, err := compileSource(t.Elem, list.Elem(), join(path, "element"))
			s.kids = []source{elem}
			return s, err
		}
	case schema.Map:
		if m, ok := dt.(*arrow.MapType); ok && m.KeyType().ID() == arrow.STRING {
			elem, err := compileSource(t.Elem, m.ItemType(), join(path, "element"))
			s.kids = []source{{op: opBytes, dt: m.KeyType(), name: join(path, "key")}, elem}
			return s, err
		}
	default:
		want, err := t.Arrow()
		if err != nil {
			return s, err
		}
		if arrow.TypeEqual(want, dt) {
			return s, nil
		}
	}
	return s, fmt.Errorf("avroarrow: column %s: %s cannot be written as Avro %s, conform the batch to the schema first: %w", path, dt, t.Kind, base.ErrInvalid)
}

// Bind makes batch the one whose rows Append encodes. The Encoder holds no reference: the
// batch must live until the next Bind or the last Append. A batch of another schema than
// NewEncoder was given is refused with base.ErrInvalid.
func (e *Encoder) Bind(batch arrow.RecordBatch) error {
	if s := batch.Schema(); s != e.arrow && !sameColumns(s, e.arrow) {
		return fmt.Errorf("avroarrow: the batch has the columns %v, the encoder was made for %v: %w", s.Fields(), e.arrow.Fields(), base.ErrInvalid)
	}
	for i := range e.program {
		if s := &e.program[i]; !s.absent {
			s.bind(batch.Column(s.place))
		}
	}
	return nil
}

func sameColumns(a, b *arrow.Schema) bool {
	return slices.EqualFunc(a.Fields(), b.Fields(), func(a, b arrow.Field) bool {
		return a.Name == b.Name && arrow.TypeEqual(a.Type, b.Type)
	})
}

// bind takes the buffers of a, which has the type s.dt.
func (s *source) bind(a arrow.Array) {
	data := a.Data()
	buffer := func(i int) []byte {
		if i >= len(data.Buffers()) || data.Buffers()[i] == nil {
			return nil
		}
		return data.Buffers()[i].Bytes()
	}
	s.base, s.valid = data.Offset(), nil
	if a.NullN() > 0 {
		s.valid = buffer(0)
	}
	switch s.op {
	case opInt, opFloat:
		s.w32 = arrow.Uint32Traits.CastFromBytes(buffer(1))
	case opLong, opDouble, opDecimal, opFixedDecimal:
		s.w64 = arrow.Uint64Traits.CastFromBytes(buffer(1))
	case opBool, opFixed:
		s.data = buffer(1)
	case opBytes, opEnum:
		s.w32, s.data = arrow.Uint32Traits.CastFromBytes(buffer(1)), buffer(2)
	case opRecord:
		for i := range s.kids {
			if k := &s.kids[i]; !k.absent {
				k.bind(a.(*array.Struct).Field(k.place))
			}
		}
	case opList:
		s.w32 = arrow.Uint32Traits.CastFromBytes(buffer(1))
		switch a := a.(type) {
		case *array.Map:
			s.kids[0].bind(a.Keys())
			s.kids[1].bind(a.Items())
		case *array.List:
			s.kids[0].bind(a.ListValues())
		}
	}
}

// Append appends the record of a row of the bound batch to dst. The error wraps
// base.ErrInvalid: a null that the schema does not allow, a decimal that does not fit, a text
// that is no symbol of the enum; dst is returned as it was then.
func (e *Encoder) Append(dst []byte, row int) ([]byte, error) {
	out, err := appendFields(e.program, dst, row)
	if err != nil {
		return dst, err
	}
	return out, nil
}
