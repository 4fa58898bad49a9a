package rowio

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// encoder writes the values of one column, or of what is nested in it.
type encoder interface {
	// bind gives the encoder the array that its next values are in.
	bind(a arrow.Array)
	isNull(i int) bool
	// appendJSON writes value i, or null, as JSON.
	appendJSON(dst []byte, i int) []byte
	// appendText writes value i, which is not null, for CSV and people.
	appendText(dst []byte, i int) []byte
}

// newEncoder makes the encoder of a type of a schema. All types that a schema.Schema can
// hold have one.
func newEncoder(t *schema.Type) encoder {
	switch t.Logical {
	case schema.Decimal:
		return quoted(func(dst []byte, a *array.Decimal128, i int) []byte { return appendDecimal(dst, a.Value(i), t.Scale) })
	case schema.Date:
		return quoted(func(dst []byte, a *array.Date32, i int) []byte { return appendDate(dst, int64(a.Value(i))) })
	case schema.TimeMillis:
		return quoted(func(dst []byte, a *array.Time32, i int) []byte {
			return appendClock(dst, int64(a.Value(i)), millisPerSecond)
		})
	case schema.TimeMicros:
		return quoted(func(dst []byte, a *array.Time64, i int) []byte {
			return appendClock(dst, int64(a.Value(i)), microsPerSecond)
		})
	case schema.TimestampMillis, schema.LocalTimestampMillis:
		return timestamps(millisPerSecond, t.Logical == schema.TimestampMillis)
	case schema.TimestampMicros, schema.LocalTimestampMicros:
		return timestamps(microsPerSecond, t.Logical == schema.TimestampMicros)
	case schema.UUID:
		if t.Kind == schema.Fixed {
			return quoted(func(dst []byte, a *array.FixedSizeBinary, i int) []byte { return appendUUID(dst, a.Value(i)) })
		}
	}
	switch t.Kind {
	case schema.Boolean:
		return plain(func(dst []byte, a *array.Boolean, i int) []byte { return strconv.AppendBool(dst, a.Value(i)) })
	case schema.Int:
		return plain(func(dst []byte, a *array.Int32, i int) []byte { return strconv.AppendInt(dst, int64(a.Value(i)), 10) })
	case schema.Long:
		return plain(func(dst []byte, a *array.Int64, i int) []byte { return strconv.AppendInt(dst, a.Value(i), 10) })
	case schema.Float:
		return floats(func(a *array.Float32, i int) float64 { return float64(a.Value(i)) }, 32)
	case schema.Double:
		return floats((*array.Float64).Value, 64)
	case schema.Bytes:
		return quoted(func(dst []byte, a *array.Binary, i int) []byte {
			return base64.StdEncoding.AppendEncode(dst, a.Value(i))
		})
	case schema.Fixed:
		return quoted(func(dst []byte, a *array.FixedSizeBinary, i int) []byte {
			return base64.StdEncoding.AppendEncode(dst, a.Value(i))
		})
	case schema.Array:
		return &lists{elem: newEncoder(t.Elem)}
	case schema.Map:
		return &maps{items: newEncoder(t.Elem)}
	case schema.Record:
		return newStructs(t)
	}
	return &leaf[*array.String]{ // string, enum, uuid
		json: func(dst []byte, a *array.String, i int) []byte { return appendQuoted(dst, a.Value(i)) },
		text: func(dst []byte, a *array.String, i int) []byte { return append(dst, a.Value(i)...) },
	}
}

// leaf encodes arrays of a type without parts.
type leaf[A arrow.Array] struct {
	arr        A
	json, text func(dst []byte, a A, i int) []byte
}

func (l *leaf[A]) bind(a arrow.Array) { l.arr = a.(A) }
func (l *leaf[A]) isNull(i int) bool  { return l.arr.IsNull(i) }

func (l *leaf[A]) appendJSON(dst []byte, i int) []byte {
	if l.arr.IsNull(i) {
		return append(dst, "null"...)
	}
	return l.json(dst, l.arr, i)
}

func (l *leaf[A]) appendText(dst []byte, i int) []byte { return l.text(dst, l.arr, i) }

// plain encodes values whose text is JSON as it is.
func plain[A arrow.Array](text func(dst []byte, a A, i int) []byte) encoder {
	return &leaf[A]{json: text, text: text}
}

// quoted encodes values whose text needs only quotes around it in JSON.
func quoted[A arrow.Array](text func(dst []byte, a A, i int) []byte) encoder {
	return &leaf[A]{text: text, json: func(dst []byte, a A, i int) []byte {
		dst = append(dst, '"')
		dst = text(dst, a, i)
		return append(dst, '"')
	}}
}

func timestamps(unitsPerSecond int64, zone bool) encoder {
	return quoted(func(dst []byte, a *array.Timestamp, i int) []byte {
		dst = appendTimestamp(dst, int64(a.Value(i)), unitsPerSecond)
		if zone {
			dst = append(dst, 'Z')
		}
		return dst
	})
}

// floats encodes numbers, of which JSON has no NaN and infinities: these are strings.
func floats[A arrow.Array](value func(a A, i int) float64, bits int) encoder {
	text := func(dst []byte, a A, i int) []byte { return appendFloat(dst, value(a, i), bits) }
	return &leaf[A]{text: text, json: func(dst []byte, a A, i int) []byte {
		v := value(a, i)
		if v-v != 0 { // only of NaN and the infinities
			dst = append(dst, '"')
			return append(appendFloat(dst, v, bits), '"')
		}
		return appendFloat(dst, v, bits)
	}}
}

type lists struct {
	arr  *array.List
	elem encoder
}

func (l *lists) bind(a arrow.Array) {
	l.arr = a.(*array.List)
	l.elem.bind(l.arr.ListValues())
}

func (l *lists) isNull(i int) bool { return l.arr.IsNull(i) }

func (l *lists) appendJSON(dst []byte, i int) []byte {
	if l.arr.IsNull(i) {
		return append(dst, "null"...)
	}
	return l.appendText(dst, i)
}

func (l *lists) appendText(dst []byte, i int) []byte {
	from, to := l.arr.ValueOffsets(i)
	dst = append(dst, '[')
	for j := from; j < to; j++ {
		if j > from {
			dst = append(dst, ',')
		}
		dst = l.elem.appendJSON(dst, int(j))
	}
	return append(dst, ']')
}

// maps encodes maps as objects: the keys of a schema's maps are strings.
type maps struct {
	arr   *array.Map
	keys  *array.String
	items encoder
}

func (m *maps) bind(a arrow.Array) {
	m.arr = a.(*array.Map)
	m.keys = m.arr.Keys().(*array.String)
	m.items.bind(m.arr.Items())
}

func (m *maps) isNull(i int) bool { return m.arr.IsNull(i) }

func (m *maps) appendJSON(dst []byte, i int) []byte {
	if m.arr.IsNull(i) {
		return append(dst, "null"...)
	}
	return m.appendText(dst, i)
}

func (m *maps) appendText(dst []byte, i int) []byte {
	from, to := m.arr.ValueOffsets(i)
	dst = append(dst, '{')
	for j := from; j < to; j++ {
		if j > from {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, m.keys.Value(int(j)))
		dst = append(dst, ':')
		dst = m.items.appendJSON(dst, int(j))
	}
	return append(dst, '}')
}

type structs struct {
	arr    *array.Struct
	names  [][]byte // {"a": and ,"b": and so on
	fields []encoder
}

func newStructs(t *schema.Type) *structs {
	s := &structs{}
	for i, f := range t.Fields {
		mark := byte(',')
		if i == 0 {
			mark = '{'
		}
		s.names = append(s.names, append(appendQuoted([]byte{mark}, f.Name), ':'))
		s.fields = append(s.fields, newEncoder(f.Type))
	}
	return s
}

func (s *structs) bind(a arrow.Array) {
	s.arr = a.(*array.Struct)
	for i, f := range s.fields {
		f.bind(s.arr.Field(i))
	}
}

func (s *structs) isNull(i int) bool { return s.arr.IsNull(i) }

func (s *structs) appendJSON(dst []byte, i int) []byte {
	if s.arr.IsNull(i) {
		return append(dst, "null"...)
	}
	return s.appendText(dst, i)
}

func (s *structs) appendText(dst []byte, i int) []byte { return s.appendFields(dst, i) }

// appendFields writes an object of row i of the fields.
func (s *structs) appendFields(dst []byte, i int) []byte {
	for j, f := range s.fields {
		dst = append(dst, s.names[j]...)
		dst = f.appendJSON(dst, i)
	}
	if len(s.fields) == 0 {
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

// RowEncoder writes rows of one schema as JSON objects in the encoding of docs/contract.md:
// columns in schema order, nulls included, no line end. It is not safe for concurrent use.
type RowEncoder struct {
	schema *arrow.Schema
	row    *structs
}

// NewRowEncoder makes an encoder of rows of the schema.
func NewRowEncoder(s *schema.Schema) *RowEncoder {
	return &RowEncoder{schema: s.Arrow(), row: newStructs(s.Record())}
}

// Bind gives the encoder the batch whose rows Append writes; the batch must stay valid until
// then. The error, for a batch of another schema, wraps base.ErrInvalid.
func (e *RowEncoder) Bind(batch arrow.RecordBatch) error {
	if err := sameColumns(e.schema, batch.Schema()); err != nil {
		return err
	}
	for i, f := range e.row.fields {
		f.bind(batch.Column(i))
	}
	return nil
}

// Append writes a row of the bound batch.
func (e *RowEncoder) Append(dst []byte, row int) []byte { return e.row.appendFields(dst, row) }

// sameColumns checks that rows have the columns that a writer was made for.
func sameColumns(want, got *arrow.Schema) error {
	if want.NumFields() != got.NumFields() {
		return fmt.Errorf("rowio: the rows have %d columns, and the schema %d: %w", got.NumFields(), want.NumFields(), base.ErrInvalid)
	}
	for i, w := range want.Fields() {
		if g := got.Field(i); w.Name != g.Name || !arrow.TypeEqual(w.Type, g.Type) {
			return fmt.Errorf("rowio: column %d of the rows is %s %s, and in the schema %s %s: %w", i+1, g.Name, g.Type, w.Name, w.Type, base.ErrInvalid)
		}
	}
	return nil
}
