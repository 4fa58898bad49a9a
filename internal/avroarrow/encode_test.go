package avroarrow

import (
	"encoding/binary"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// drawValue appends a value of type typ as Java would write it.
func drawValue(t *rapid.T, typ *schema.Type, dst []byte) []byte {
	if typ.Nullable {
		null := byte(0)
		if typ.NullLast {
			null = secondBranch
		}
		if rapid.Bool().Draw(t, "null") {
			return append(dst, null)
		}
		dst = append(dst, secondBranch-null)
	}
	bytes := func(n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes") }
	switch typ.Kind {
	case schema.Boolean:
		return append(dst, rapid.ByteRange(0, 1).Draw(t, "boolean"))
	case schema.Int:
		return binary.AppendVarint(dst, int64(rapid.Int32().Draw(t, "int")))
	case schema.Long:
		return binary.AppendVarint(dst, rapid.Int64().Draw(t, "long"))
	case schema.Float:
		return append(dst, bytes(4)...)
	case schema.Double:
		return append(dst, bytes(8)...)
	case schema.Enum:
		return binary.AppendVarint(dst, rapid.Int64Range(0, int64(len(typ.Symbols)-1)).Draw(t, "symbol"))
	case schema.Fixed:
		return append(dst, bytes(typ.Size)...)
	case schema.String:
		s := rapid.String().Draw(t, "string")
		return append(binary.AppendVarint(dst, int64(len(s))), s...)
	case schema.Bytes: // all are decimals here: of the fewest bytes
		b := bytes(rapid.IntRange(1, 16).Draw(t, "size"))
		for len(b) > 1 && (b[0] == 0 || b[0] == 0xFF) && (b[0]^b[1])&0x80 == 0 {
			b = b[1:]
		}
		return append(binary.AppendVarint(dst, int64(len(b))), b...)
	case schema.Array, schema.Map:
		n := rapid.IntRange(0, 3).Draw(t, "elements")
		if n > 0 {
			dst = binary.AppendVarint(dst, int64(n))
		}
		for range n {
			if typ.Kind == schema.Map {
				dst = drawValue(t, &schema.Type{Kind: schema.String}, dst)
			}
			dst = drawValue(t, typ.Elem, dst)
		}
		return append(dst, 0)
	default:
		for _, f := range typ.Fields {
			dst = drawValue(t, f.Type, dst)
		}
		return dst
	}
}

// Any record that Java can write comes back byte by byte, alone and among others, and a
// decoder that reads only some of the columns agrees with one that reads all.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"kinds", "commit"} {
		s, _ := fixture(t, name)
		alloc := checked(t)
		rapid.Check(t, func(t *rapid.T) {
			records := make([][]byte, rapid.IntRange(1, 5).Draw(t, "records"))
			names := rapid.SliceOfDistinct(rapid.SampledFrom(s.Arrow().Fields()), func(f arrow.Field) string { return f.Name }).Draw(t, "columns")
			var columns []string
			for _, f := range names {
				columns = append(columns, f.Name)
			}
			some, err := s.Project(columns)
			require.NoError(t, err)
			all, err := NewDecoder(s, s, alloc)
			require.NoError(t, err)
			part, err := NewDecoder(s, some, alloc)
			require.NoError(t, err)
			for i := range records {
				records[i] = drawValue(t, s.Record(), nil)
				require.NoError(t, all.Append(records[i]))
				require.NoError(t, part.Append(records[i]))
			}
			batch, err := all.Flush()
			require.NoError(t, err)
			defer batch.Release()
			partBatch, err := part.Flush()
			require.NoError(t, err)
			defer partBatch.Release()
			for i, column := range columns {
				_, place, _ := s.Field(column)
				require.True(t, array.ApproxEqual(batch.Column(place), partBatch.Column(i), array.WithNaNsEqual(true)), column)
			}
			e, err := NewEncoder(s, batch.Schema())
			require.NoError(t, err)
			require.NoError(t, e.Bind(batch))
			for i, rec := range records {
				got, err := e.Append(nil, i)
				require.NoError(t, err)
				require.Equal(t, rec, got)
			}
		})
	}
}

// Columns of a batch are found by name; what is missing is null.
func TestEncodeResolution(t *testing.T) {
	from := record(t, "b string", "x int", `s {"type":"record","name":"i","fields":[{"name":"q","type":"int"},{"name":"p","type":"long"}]}?`)
	to := record(t, "a long??", `s {"type":"record","name":"i","fields":[{"name":"p","type":"long"},{"name":"n","type":["null","int"]}]}?`, "b string?", "d double?")
	batch := decode(t, from, from, unhex(t, "02 62 02 02 04 06"), unhex(t, "02 63 02 00"))
	requireEncodes(t, to, batch, [][]byte{unhex(t, "02 02 06 00 02 02 62 00"), unhex(t, "02 00 02 02 63 00")})
}

func TestNewEncoderErrors(t *testing.T) {
	for name, tc := range map[string]struct{ schema, batch string }{
		"missing":        {"a int", "b int"},
		"narrower":       {"a long", "a int"},
		"other unit":     {"a " + millis, "a " + micros},
		"no list":        {`a {"type":"array","items":"int"}`, "a int"},
		"other elements": {`a {"type":"array","items":"int"}`, `a {"type":"array","items":"long"}`},
		"no map":         {`a {"type":"map","values":"int"}`, "a int"},
		"other values":   {`a {"type":"map","values":"int"}`, `a {"type":"map","values":"long"}`},
		"no struct":      {`a {"type":"record","name":"i","fields":[]}`, "a int"},
		"missing inside": {`a {"type":"record","name":"i","fields":[{"name":"x","type":"int"}]}`, `a {"type":"record","name":"i","fields":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewEncoder(record(t, tc.schema), record(t, tc.batch).Arrow())
			require.ErrorIs(t, err, base.ErrInvalid)
			require.ErrorContains(t, err, "column a")
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	// The batch may have null, a greater decimal and any text; the schema may not.
	loose := record(t, "i int?", "d "+bytesDecimal(5, 2)+"?", "e string")
	strict := record(t, "i int", "d "+fixedDecimal(3, 5, 2)+"?", "e "+color)
	encoder := func(batch arrow.RecordBatch) *Encoder {
		e, err := NewEncoder(strict, batch.Schema())
		require.NoError(t, err)
		require.NoError(t, e.Bind(batch))
		return e
	}
	b := array.NewRecordBuilder(checked(t), loose.Arrow())
	defer b.Release()
	b.Field(0).(*array.Int32Builder).AppendValues([]int32{1, 0, 3, 4, 5}, []bool{true, false, true, true, true})
	for _, v := range []int64{-1, 1, 1 << 30, -1 << 23, 1<<23 - 1} {
		b.Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(v))
	}
	b.Field(2).(*array.StringBuilder).AppendValues([]string{"RED", "RED", "RED", "GREEN", "BLUE"}, nil)
	batch := b.NewRecordBatch()
	defer batch.Release()
	e := encoder(batch)
	dst := []byte("x")
	for row, want := range []string{"02 02 ffffff 00", "column i: null", "column d: a decimal needs 4 bytes", "08 02 800000 02", "column e: \"BLUE\""} {
		got, err := e.Append(dst, row)
		if want[0] == 'c' {
			require.ErrorIs(t, err, base.ErrInvalid)
			require.ErrorContains(t, err, want)
			require.Equal(t, dst, got)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, append([]byte("x"), unhex(t, want)...), got)
	}
	other := decode(t, record(t, "i int"), record(t, "i int"), []byte{2})
	require.ErrorIs(t, e.Bind(other), base.ErrInvalid)
}

func TestEncodeAllocations(t *testing.T) {
	s := parse(t, lineitem)
	batch := decode(t, s, s, lineitems(10)...)
	e, err := NewEncoder(s, batch.Schema())
	require.NoError(t, err)
	require.NoError(t, e.Bind(batch))
	dst := make([]byte, 0, 1<<10)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, err = e.Append(dst, 3)
	}))
	require.NoError(t, err)
}
