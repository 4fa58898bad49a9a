package rowio

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/schema"
)

const allTypes = `{"type":"record","name":"r","namespace":"n","fields":[
 {"name":"id","type":"string"},
 {"name":"b","type":["null","boolean"],"default":null},
 {"name":"i","type":["null","int"],"default":null},
 {"name":"l","type":["null","long"],"default":null},
 {"name":"f","type":["null","float"],"default":null},
 {"name":"d","type":["null","double"],"default":null},
 {"name":"dec","type":["null",{"type":"fixed","name":"dec_t","size":16,"logicalType":"decimal","precision":38,"scale":10}],"default":null},
 {"name":"small","type":["null",{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}],"default":null},
 {"name":"whole","type":["null",{"type":"bytes","logicalType":"decimal","precision":20,"scale":0}],"default":null},
 {"name":"s","type":["null","string"],"default":null},
 {"name":"bin","type":["null","bytes"],"default":null},
 {"name":"fx","type":["null",{"type":"fixed","name":"three","size":3}],"default":null},
 {"name":"u","type":["null",{"type":"fixed","name":"uuid_t","size":16,"logicalType":"uuid"}],"default":null},
 {"name":"us","type":["null",{"type":"string","logicalType":"uuid"}],"default":null},
 {"name":"dt","type":["null",{"type":"int","logicalType":"date"}],"default":null},
 {"name":"tm","type":["null",{"type":"int","logicalType":"time-millis"}],"default":null},
 {"name":"tu","type":["null",{"type":"long","logicalType":"time-micros"}],"default":null},
 {"name":"tsm","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
 {"name":"tsu","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
 {"name":"lsm","type":["null",{"type":"long","logicalType":"local-timestamp-millis"}],"default":null},
 {"name":"lsu","type":["null",{"type":"long","logicalType":"local-timestamp-micros"}],"default":null},
 {"name":"en","type":["null",{"type":"enum","name":"color","symbols":["RED","GREEN"]}],"default":null},
 {"name":"arr","type":["null",{"type":"array","items":["null","long"]}],"default":null},
 {"name":"m","type":["null",{"type":"map","values":["null","double"]}],"default":null},
 {"name":"st","type":["null",{"type":"record","name":"inner","fields":[
   {"name":"x","type":["null","int"],"default":null},
   {"name":"list","type":{"type":"array","items":{"type":"record","name":"leaf","fields":[{"name":"y","type":["null","string"],"default":null},
     {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null}]}}}]}],"default":null}
]}`

func parseSchema(tb testing.TB, avro string) *schema.Schema {
	tb.Helper()
	s, err := schema.Parse(avro)
	require.NoError(tb, err)
	return s
}

// drawBatch makes rows of random values, extreme ones among them.
func drawBatch(t *rapid.T, s *schema.Schema, alloc memory.Allocator, rows int) arrow.RecordBatch {
	b := array.NewRecordBuilder(alloc, s.Arrow())
	defer b.Release()
	for range rows {
		for i, f := range s.Fields() {
			drawValue(t, f.Type, b.Field(i))
		}
	}
	return b.NewRecordBatch()
}

func drawValue(t *rapid.T, typ *schema.Type, b array.Builder) {
	if typ.Nullable && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
		b.AppendNull()
		return
	}
	long := func(low, high int64) int64 { return rapid.Int64Range(low, high).Draw(t, "long") }
	const day = int64(86_400_000_000)
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(rapid.Bool().Draw(t, "bool"))
	case *array.Int32Builder:
		b.Append(rapid.Int32().Draw(t, "int"))
	case *array.Int64Builder:
		b.Append(rapid.Int64().Draw(t, "long"))
	case *array.Float32Builder:
		b.Append(rapid.OneOf(rapid.Float32(), rapid.SampledFrom([]float32{float32(math.NaN()), float32(math.Inf(1)), 0.1, math.SmallestNonzeroFloat32})).Draw(t, "float"))
	case *array.Float64Builder:
		b.Append(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(-1), 1e21, 1e-7, 1e20, math.MaxFloat64})).Draw(t, "double"))
	case *array.Decimal128Builder:
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(typ.Precision)), nil)
		n := new(big.Int).SetUint64(rapid.Uint64().Draw(t, "high"))
		n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(rapid.Uint64().Draw(t, "low")))
		n.Rem(n, limit)
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		b.Append(decimal128.FromBigInt(n))
	case *array.StringBuilder:
		switch {
		case typ.Kind == schema.Enum:
			b.Append(rapid.SampledFrom(typ.Symbols).Draw(t, "symbol"))
		default:
			b.Append(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " a ", "a,\"b\"\r\n", "\x00\x1f\x7f", "é☃😀\u2028<>&"})).Draw(t, "string"))
		}
	case *array.BinaryBuilder:
		b.Append(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case *array.FixedSizeBinaryBuilder:
		b.Append(rapid.SliceOfN(rapid.Byte(), typ.Size, typ.Size).Draw(t, "fixed"))
	case *array.Date32Builder:
		b.Append(arrow.Date32(rapid.Int32().Draw(t, "date")))
	case *array.Time32Builder:
		b.Append(arrow.Time32(long(0, day/1000-1)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(long(0, day-1)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(rapid.Int64().Draw(t, "timestamp")))
	case *array.ListBuilder:
		b.Append(true)
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			drawValue(t, typ.Elem, b.ValueBuilder())
		}
	case *array.MapBuilder:
		b.Append(true)
		for _, k := range rapid.SliceOfNDistinct(rapid.String(), 0, 3, rapid.ID).Draw(t, "keys") {
			b.KeyBuilder().(*array.StringBuilder).Append(k)
			drawValue(t, typ.Elem, b.ItemBuilder())
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range typ.Fields {
			drawValue(t, f.Type, b.FieldBuilder(i))
		}
	default:
		t.Fatalf("no generator for %T", b)
	}
}

func encode(tb require.TestingT, f Format, s *schema.Schema, alloc memory.Allocator, batches ...arrow.RecordBatch) []byte {
	var out bytes.Buffer
	w, err := NewWriter(&out, f, s, WriteOptions{Alloc: alloc})
	require.NoError(tb, err)
	for _, b := range batches {
		require.NoError(tb, w.Write(b))
	}
	require.NoError(tb, w.Close())
	return out.Bytes()
}

// readAll returns the rows as one batch, which the caller releases.
func readAll(tb require.TestingT, r io.Reader, f Format, o ReadOptions) (*schema.Schema, arrow.RecordBatch) {
	s, rows, err := Read(context.Background(), r, f, o)
	require.NoError(tb, err)
	return s, collect(tb, s, rows, o.Alloc)
}

func collect(tb require.TestingT, s *schema.Schema, rows iter.Seq2[arrow.RecordBatch, error], alloc memory.Allocator) arrow.RecordBatch {
	var all []arrow.RecordBatch
	for b, err := range rows {
		require.NoError(tb, err)
		b.Retain()
		all = append(all, b)
	}
	columns := make([]arrow.Array, s.Arrow().NumFields())
	n := int64(0)
	for _, b := range all {
		n += b.NumRows()
	}
	for i, f := range s.Arrow().Fields() {
		parts := make([]arrow.Array, len(all))
		for j, b := range all {
			parts[j] = b.Column(i)
		}
		var err error
		if len(parts) == 0 {
			columns[i] = array.MakeArrayOfNull(alloc, f.Type, 0)
		} else if columns[i], err = array.Concatenate(parts, alloc); err != nil {
			require.NoError(tb, err)
		}
	}
	for _, b := range all {
		b.Release()
	}
	batch := array.NewRecordBatch(s.Arrow(), columns, n)
	for _, c := range columns {
		c.Release()
	}
	return batch
}

func requireEqual(tb require.TestingT, want, got arrow.RecordBatch) {
	if !array.RecordApproxEqual(want, got, array.WithNaNsEqual(true), array.WithAbsTolerance(0)) {
		for i := range int(want.NumCols()) {
			w, g := want.Column(i), got.Column(i)
			require.True(tb, array.ApproxEqual(w, g, array.WithNaNsEqual(true), array.WithAbsTolerance(0)), "column %s\nwant %v\ngot  %v", want.ColumnName(i), w, g)
		}
		require.Equal(tb, want.Schema().String(), got.Schema().String())
	}
}

// TestRoundTrip writes random rows in each format that can be read again.
func TestRoundTrip(t *testing.T) {
	s := parseSchema(t, allTypes)
	for _, f := range []Format{JSONL, CSV, Avro, Parquet, Arrow} {
		t.Run(string(f), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
				defer alloc.AssertSize(t, 0)
				batch := drawBatch(t, s, alloc, rapid.IntRange(0, 8).Draw(t, "rows"))
				defer batch.Release()
				cut := int64(rapid.IntRange(0, int(batch.NumRows())).Draw(t, "cut"))
				head, tail := batch.NewSlice(0, cut), batch.NewSlice(cut, batch.NumRows())
				defer head.Release()
				defer tail.Release()

				var data []byte
				if f == Avro {
					data = avroContainer(t, s, head, tail)
				} else {
					data = encode(t, f, s, alloc, head, tail)
				}
				_, got := readAll(t, bytes.NewReader(data), f, ReadOptions{Schema: s, Alloc: alloc})
				defer got.Release()
				requireEqual(t, batch, got)
			})
		})
	}
}

func avroContainer(t require.TestingT, s *schema.Schema, batches ...arrow.RecordBatch) []byte {
	var out bytes.Buffer
	w, err := avroio.NewContainerWriter(&out, s.Avro(), "deflate")
	require.NoError(t, err)
	e, err := avroarrow.NewEncoder(s, s.Arrow())
	require.NoError(t, err)
	for _, b := range batches {
		require.NoError(t, e.Bind(b))
		var data []byte
		for row := range int(b.NumRows()) {
			data, err = e.Append(data, row)
			require.NoError(t, err)
		}
		require.NoError(t, w.WriteBlock(b.NumRows(), data))
	}
	return out.Bytes()
}

// TestRoundTripInferred reads Parquet and Arrow with the schema of the file.
func TestRoundTripInferred(t *testing.T) {
	s := parseSchema(t, allTypes)
	for _, f := range []Format{Parquet, Arrow} {
		rapid.Check(t, func(t *rapid.T) {
			alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer alloc.AssertSize(t, 0)
			batch := drawBatch(t, s, alloc, 5)
			defer batch.Release()
			data := encode(t, f, s, alloc, batch)
			own, got := readAll(t, bytes.NewReader(data), f, ReadOptions{Table: "trips", Alloc: alloc})
			defer got.Release()
			require.Equal(t, "trips_record", own.Record().Name)
			requireEqual(t, batch, got)
		})
	}
}

// TestBatchesAreBounded reads more rows and bytes than one batch may have.
func TestBatchesAreBounded(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"n","type":"long"},{"name":"s","type":"string"}]}`)
	const n = 150_000
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	b := array.NewRecordBuilder(alloc, s.Arrow())
	defer b.Release()
	text := strings.Repeat("x", 400)
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.StringBuilder).Append(text)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, f := range []Format{JSONL, CSV, Parquet, Arrow} {
		data := encode(t, f, s, alloc, batch)
		_, rows, err := Read(context.Background(), bytes.NewReader(data), f, ReadOptions{Schema: s, Alloc: alloc})
		require.NoError(t, err)
		next := int64(0)
		for b, err := range rows {
			require.NoError(t, err)
			require.LessOrEqual(t, b.NumRows(), int64(maxBatchRows), f)
			require.LessOrEqual(t, b.NumRows()*410, int64(maxBatchBytes), f)
			require.Equal(t, next, b.Column(0).(*array.Int64).Value(0), fmt.Sprint(f))
			next += b.NumRows()
		}
		require.EqualValues(t, n, next, f)
		_, rows, err = Read(context.Background(), bytes.NewReader(data), f, ReadOptions{Schema: s, Alloc: alloc})
		require.NoError(t, err)
		for range rows { // left early: nothing may leak
			break
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	s := parseSchema(b, `{"type":"record","name":"r","fields":[{"name":"id","type":"string"},{"name":"n","type":"long"},
	 {"name":"x","type":["null","double"],"default":null},{"name":"dec","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
	 {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}}]}`)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer builder.Release()
	for i := range 10_000 {
		builder.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("trip-%08d", i))
		builder.Field(1).(*array.Int64Builder).Append(int64(i) * 7919)
		builder.Field(2).(*array.Float64Builder).Append(float64(i) / 7)
		builder.Field(3).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(i)))
		builder.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(i)*1_234_567))
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	data := encode(b, JSONL, s, memory.DefaultAllocator, batch)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			w, _ := NewWriter(io.Discard, JSONL, s, WriteOptions{})
			if err := w.Write(batch); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			_, rows, err := Read(context.Background(), bytes.NewReader(data), JSONL, ReadOptions{Schema: s, Alloc: memory.DefaultAllocator})
			require.NoError(b, err)
			for _, err := range rows {
				require.NoError(b, err)
			}
		}
	})
}
