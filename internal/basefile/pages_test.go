package basefile

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/schema"
)

// flatTypes are the Arrow types that are read by pages, and how a value of each is drawn.
var flatTypes = []struct {
	t      arrow.DataType
	append func(b array.Builder, n int64)
}{
	{arrow.FixedWidthTypes.Boolean, func(b array.Builder, n int64) { b.(*array.BooleanBuilder).Append(n%2 == 1) }},
	{arrow.PrimitiveTypes.Int32, func(b array.Builder, n int64) { b.(*array.Int32Builder).Append(int32(n)) }},
	{arrow.PrimitiveTypes.Int64, func(b array.Builder, n int64) { b.(*array.Int64Builder).Append(n << 20) }},
	{arrow.PrimitiveTypes.Float32, func(b array.Builder, n int64) { b.(*array.Float32Builder).Append(float32(n) / 3) }},
	{arrow.PrimitiveTypes.Float64, func(b array.Builder, n int64) { b.(*array.Float64Builder).Append(float64(n) / 3) }},
	{arrow.FixedWidthTypes.Date32, func(b array.Builder, n int64) { b.(*array.Date32Builder).Append(arrow.Date32(n)) }},
	{&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, func(b array.Builder, n int64) {
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(n))
	}},
	{&arrow.Decimal128Type{Precision: 9, Scale: 2}, appendDecimal},
	{&arrow.Decimal128Type{Precision: 30, Scale: 2}, appendDecimal},
	{arrow.BinaryTypes.String, func(b array.Builder, n int64) { b.(*array.StringBuilder).Append(text(n)) }},
	{arrow.BinaryTypes.Binary, func(b array.Builder, n int64) { b.(*array.BinaryBuilder).Append([]byte(text(n))) }},
	{&arrow.FixedSizeBinaryType{ByteWidth: 5}, func(b array.Builder, n int64) {
		b.(*array.FixedSizeBinaryBuilder).Append(fmt.Appendf(nil, "%05d", n%100000)[:5])
	}},
}

func appendDecimal(b array.Builder, n int64) {
	b.(*array.Decimal128Builder).Append(decimal128.FromI64(n))
}

// text is empty for some numbers and long for others.
func text(n int64) string {
	return string(bytes.Repeat([]byte{byte('a' + n%7)}, int(n%11)))
}

// TestPagesAgreeWithArrowGo reads files of all encodings, page versions and sizes by pages
// and compares the rows with those that arrow-go reads.
func TestPagesAgreeWithArrowGo(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(r, 0)
		batch := drawFlat(r, alloc)
		defer batch.Release()
		data := arrowGoFile(r, batch)
		want := arrowGoRead(r, data, memory.DefaultAllocator) // it leaks in delta encodings
		defer want.Release()

		s, err := schema.FromArrow("t", batch.Schema())
		require.NoError(r, err)
		f, err := Open(t.Context(), &memFile{Reader: bytes.NewReader(data)}, "f", alloc)
		require.NoError(r, err)
		o := ReadOptions{
			Schema: s, BatchRows: rapid.IntRange(1, 100).Draw(r, "batch"), Parallel: rapid.IntRange(1, 3).Draw(r, "parallel"),
		}
		at := int64(0)
		for got, err := range f.Read(t.Context(), o) {
			require.NoError(r, err)
			for i, c := range got.Columns() {
				part := array.NewSlice(want.Column(i), at, at+got.NumRows())
				require.True(r, array.Equal(part, c), "rows from %d of %s:\nwant %v\ngot  %v", at, got.ColumnName(i), part, c)
				part.Release()
			}
			at += got.NumRows()
		}
		require.Equal(r, batch.NumRows(), at)
		require.NoError(r, f.Close())
	})
}

// drawFlat draws the rows of a table with some of the flat types.
func drawFlat(r *rapid.T, alloc memory.Allocator) arrow.RecordBatch {
	rows := rapid.IntRange(0, 300).Draw(r, "rows")
	values := rapid.Int64Range(1, 1000).Draw(r, "values")
	fields := make([]arrow.Field, len(flatTypes))
	for i, f := range flatTypes {
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Type: f.t, Nullable: rapid.Bool().Draw(r, "nullable")}
	}
	b := array.NewRecordBuilder(alloc, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, f := range flatTypes {
		nulls := 0
		if fields[i].Nullable {
			nulls = rapid.SampledFrom([]int{0, 10, 50, 100}).Draw(r, "nulls")
		}
		seed := rapid.Int64Range(0, 1<<20).Draw(r, "seed")
		for range rows {
			seed = (seed*6364136223846793005 + 1442695040888963407) & (1<<62 - 1)
			if int(seed>>33%100) < nulls {
				b.Field(i).AppendNull()
			} else {
				f.append(b.Field(i), seed>>20%values)
			}
		}
	}
	return b.NewRecordBatch()
}

// arrowGoFile writes a file as any engine may have.
func arrowGoFile(r *rapid.T, batch arrow.RecordBatch) []byte {
	props := []parquet.WriterProperty{
		parquet.WithDictionaryDefault(rapid.Bool().Draw(r, "dictionary")),
		parquet.WithDataPageVersion(rapid.SampledFrom([]parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2}).Draw(r, "version")),
		parquet.WithDataPageSize(rapid.Int64Range(1, 2000).Draw(r, "page")),
		parquet.WithBatchSize(rapid.Int64Range(1, 100).Draw(r, "step")),
		parquet.WithMaxRowGroupLength(rapid.Int64Range(50, 400).Draw(r, "group")),
		parquet.WithCompression(rapid.SampledFrom([]compress.Compression{
			compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Lz4Raw,
		}).Draw(r, "codec")),
	}
	for i, f := range batch.Schema().Fields() {
		if f.Nullable { // arrow-go cannot read pages of nulls only in other encodings
			continue
		}
		encodings := []parquet.Encoding{parquet.Encodings.Plain}
		switch f.Type.ID() {
		case arrow.INT32, arrow.INT64, arrow.DATE32, arrow.TIMESTAMP:
			encodings = append(encodings, parquet.Encodings.DeltaBinaryPacked)
		case arrow.STRING, arrow.BINARY:
			encodings = append(encodings, parquet.Encodings.DeltaByteArray, parquet.Encodings.DeltaLengthByteArray)
		}
		props = append(props, parquet.WithEncodingFor(f.Name, rapid.SampledFrom(encodings).Draw(r, fmt.Sprint("encoding", i))))
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(batch.Schema(), &out, parquet.NewWriterProperties(props...), pqarrow.DefaultWriterProps())
	require.NoError(r, err)
	require.NoError(r, w.Write(batch))
	require.NoError(r, w.Close())
	return out.Bytes()
}

// arrowGoRead reads all rows as one batch.
func arrowGoRead(r *rapid.T, data []byte, alloc memory.Allocator) arrow.RecordBatch {
	tbl, err := pqarrow.ReadTable(r.Context(), bytes.NewReader(data), parquet.NewReaderProperties(memory.DefaultAllocator), pqarrow.ArrowReadProperties{}, alloc)
	require.NoError(r, err)
	defer tbl.Release()
	columns := make([]arrow.Array, tbl.NumCols())
	for i := range columns {
		columns[i], err = array.Concatenate(tbl.Column(i).Data().Chunks(), alloc)
		require.NoError(r, err)
		defer columns[i].Release()
	}
	return array.NewRecordBatch(tbl.Schema(), slices.Clone(columns), tbl.NumRows())
}

// TestLongTextInADictionary has one long value in nearly every row, beside a thousand short
// ones: batches are cut by what their rows take and not by what the dictionary takes.
func TestLongTextInADictionary(t *testing.T) {
	const rows = 5000
	alloc := checked(t)
	long := string(bytes.Repeat([]byte("x"), 100_000))
	b := array.NewRecordBuilder(alloc, arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil))
	defer b.Release()
	for i := range rows {
		switch {
		case i%5 == 1:
			b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(i))
		case i%5 == 2:
			b.Field(0).AppendNull()
		default:
			b.Field(0).(*array.StringBuilder).Append(long)
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(batch.Schema(), &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(batch))
	require.NoError(t, w.Close())

	s, err := schema.FromArrow("t", batch.Schema())
	require.NoError(t, err)
	at := 0
	for got, err := range openBytes(t, out.Bytes(), alloc).Read(t.Context(), ReadOptions{Schema: s}) {
		require.NoError(t, err)
		require.Less(t, batchBytes(got), int64(maxBatchBytes+maxBatchBytes/4))
		part := array.NewSlice(batch.Column(0), int64(at), int64(at)+got.NumRows())
		require.True(t, array.Equal(part, got.Column(0)))
		part.Release()
		at += int(got.NumRows())
	}
	require.Equal(t, rows, at)
}
