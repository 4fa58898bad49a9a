package basefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

func metaSchema(t testing.TB, fields string) *schema.Schema {
	return parse(t, recordOf(fields)).WithMeta()
}

func TestFooter(t *testing.T) {
	alloc := checked(t)
	s := metaSchema(t, `{"name":"id","type":"int"}`)
	var lines []string
	for i := 20; i < 24; i++ {
		lines = append(lines, fmt.Sprintf(`{"_hoodie_record_key":"%d","id":%d}`, i, i))
	}
	lines = append(lines, `{"_hoodie_record_key":"8","id":8}`)
	data, sum := writeFile(t, WriterOptions{Schema: s, Footer: map[string]string{"a.key": "a value"}}, rowsOf(t, alloc, s, lines...))
	require.Equal(t, "20", sum.MinKey)
	require.Equal(t, "8", sum.MaxKey)
	r := openBytes(t, data, alloc)
	low, high, ok := r.KeyRange()
	require.True(t, ok)
	require.Equal(t, []string{"20", "8"}, []string{low, high})
	footer := r.Footer()
	require.Equal(t, s.Avro(), footer["parquet.avro.schema"])
	require.Equal(t, "avro", footer["writer.model.name"])
	require.Equal(t, "DYNAMIC_V0", footer["hoodie_bloom_filter_type_code"])
	require.Equal(t, "a value", footer["a.key"])
	bloom, err := r.Bloom()
	require.NoError(t, err)
	require.True(t, bloom.Contains([]byte("22")))
	require.False(t, bloom.Contains([]byte("9")))
}

func TestNoKeys(t *testing.T) {
	alloc := checked(t)
	s := metaSchema(t, `{"name":"id","type":"int"}`)
	for name, o := range map[string]WriterOptions{
		"no bloom":       {Schema: s, NoBloom: true},
		"no meta fields": {Schema: s.WithoutMeta()},
		"empty keys":     {Schema: s, NoBloom: true},
	} {
		row := `{"id":1}`
		if name == "empty keys" {
			row = `{"_hoodie_record_key":"","id":1}`
		}
		data, sum := writeFile(t, o, rowsOf(t, alloc, o.Schema, row))
		require.Empty(t, sum.MinKey+sum.MaxKey)
		r := openBytes(t, data, alloc)
		_, _, ok := r.KeyRange()
		require.False(t, ok, name)
		bloom, err := r.Bloom()
		require.NoError(t, err)
		require.Nil(t, bloom, name)
	}
}

func TestEmptyFile(t *testing.T) {
	alloc := checked(t)
	s := parse(t, allTypes)
	data, sum := writeFile(t, WriterOptions{Schema: s})
	require.Zero(t, sum.Rows)
	r := openBytes(t, data, alloc)
	require.Zero(t, r.Rows())
	require.Empty(t, r.RowGroups())
	require.Zero(t, readAll(t, r, alloc, ReadOptions{Schema: s}).NumRows())
	own, err := r.Schema()
	require.NoError(t, err)
	require.True(t, s.Equal(own))

	empty := rowsOf(t, alloc, s)
	data, _ = writeFile(t, WriterOptions{Schema: s}, empty, empty)
	require.Zero(t, openBytes(t, data, alloc).Rows())
}

func TestRowGroupLimits(t *testing.T) {
	alloc := checked(t)
	s := parse(t, recordOf(`{"name":"id","type":"int"},{"name":"s","type":["null","string"]}`))
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf(`{"id":%d,"s":"%s"}`, i, strings.Repeat("x", 96)))
	}
	rows := rowsOf(t, alloc, s, lines...)
	sizes := func(o WriterOptions, batches ...arrow.RecordBatch) (n []int64) {
		o.Schema = s
		data, sum := writeFile(t, o, batches...)
		r := openBytes(t, data, alloc)
		for _, g := range r.RowGroups() {
			n = append(n, g.Rows)
		}
		got := readAll(t, r, alloc, ReadOptions{Schema: s})
		require.Equal(t, sum.Rows, got.NumRows())
		for i := range int(got.NumRows()) {
			require.EqualValues(t, i%100, got.Column(0).(*array.Int32).Value(i))
		}
		return n
	}
	require.Equal(t, []int64{100}, sizes(WriterOptions{}, rows))
	require.Equal(t, []int64{30, 30, 30, 30, 30, 30, 20}, sizes(WriterOptions{RowGroupRows: 30}, rows, rows))
	require.Equal(t, []int64{96, 96, 8}, sizes(WriterOptions{RowGroupBytes: 10000}, rows, rows))
	require.Equal(t, []int64{48, 48, 4}, sizes(WriterOptions{RowGroupBytes: 5000}, rows))
}

func TestBytesGrows(t *testing.T) {
	alloc := checked(t)
	s := parse(t, recordOf(`{"name":"id","type":"int"}`))
	rows := rowsOf(t, alloc, s, `{"id":1}`, `{"id":2}`)
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterOptions{Schema: s, RowGroupRows: 3})
	require.NoError(t, err)
	last := int64(-1)
	for range 5 {
		require.Greater(t, w.Bytes(), last)
		last = w.Bytes()
		require.NoError(t, w.Write(rows))
	}
	require.EqualValues(t, 10, w.Rows())
	w.Abort()
	require.Error(t, w.Write(rows))
	_, err = w.Close()
	require.Error(t, err)
}

func TestWriterRefuses(t *testing.T) {
	alloc := checked(t)
	s := parse(t, recordOf(`{"name":"id","type":"int"}`))
	_, err := NewWriter(&bytes.Buffer{}, WriterOptions{Schema: s, Codec: "lzo"})
	require.ErrorIs(t, err, base.ErrInvalid)
	_, err = NewWriter(&bytes.Buffer{}, WriterOptions{Schema: s.WithMeta(), BloomFPP: 3})
	require.ErrorIs(t, err, base.ErrInvalid)
	_, err = NewWriter(&bytes.Buffer{}, WriterOptions{Schema: parse(t, recordOf(`{"name":"e","type":{"type":"record","name":"e","fields":[]}}`))})
	require.ErrorIs(t, err, base.ErrUnsupported)

	dec := decimalColumn(t, alloc, decimal128.FromI64(1000))
	for _, c := range []struct{ avro, rows string }{
		{`{"name":"id","type":"long"}`, `{"id":1}`},
		{`{"name":"other","type":"int"}`, `{"other":1}`},
		{`{"name":"id","type":"int"},{"name":"more","type":"int"}`, `{"id":1,"more":2}`},
	} {
		requireWriteError(t, s, rowsOf(t, alloc, parse(t, recordOf(c.avro)), c.rows))
	}
	requireWriteError(t, s, rowsOf(t, alloc, parse(t, recordOf(`{"name":"id","type":["null","int"]}`)), `{"id":null}`))
	requireWriteError(t, parse(t, recordOf(`{"name":"a","type":{"type":"array","items":"int"}}`)),
		nullsIn(t, rowsOf(t, alloc, parse(t, recordOf(`{"name":"a","type":{"type":"array","items":["null","int"]}}`)), `{"a":[1,null]}`)))
	requireWriteError(t, parse(t, recordOf(`{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":3,"scale":0}}`)), dec)
	requireWriteError(t, parse(t, recordOf(`{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":3,"scale":0}}`)),
		decimalColumn(t, alloc, decimal128.New(math.MinInt64, 0)))
}

// requireWriteError writes a batch that does not fit the schema.
func requireWriteError(t *testing.T, s *schema.Schema, b arrow.RecordBatch) {
	t.Helper()
	w, err := NewWriter(&bytes.Buffer{}, WriterOptions{Schema: s})
	require.NoError(t, err)
	defer w.Abort()
	err = w.Write(b)
	if err == nil {
		_, err = w.Close()
	}
	require.ErrorIs(t, err, base.ErrInvalid)
	require.Equal(t, err, w.Write(b), "the first error stays")
}

// nullsIn gives a list column the type of one without nulls, which its values are not.
func nullsIn(t *testing.T, b arrow.RecordBatch) arrow.RecordBatch {
	data := b.Column(0).Data()
	dt := arrow.ListOfField(arrow.Field{Name: schema.ListElement, Type: arrow.PrimitiveTypes.Int32})
	data = array.NewData(dt, data.Len(), data.Buffers(), data.Children(), 0, 0)
	defer data.Release()
	list := array.MakeFromData(data)
	defer list.Release()
	out := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "a", Type: dt}}, nil), []arrow.Array{list}, 1)
	t.Cleanup(out.Release)
	return out
}

func decimalColumn(t *testing.T, alloc memory.Allocator, v decimal128.Num) arrow.RecordBatch {
	b := array.NewDecimal128Builder(alloc, &arrow.Decimal128Type{Precision: 3})
	defer b.Release()
	b.Append(v)
	column := b.NewArray()
	defer column.Release()
	out := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "d", Type: column.DataType()}}, nil), []arrow.Array{column}, 1)
	t.Cleanup(out.Release)
	return out
}

type failingWriter struct{ left int }

var errDisk = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestWriteErrorsComeOut(t *testing.T) {
	s := parse(t, allTypes)
	rows := rowsOf(t, memory.DefaultAllocator, s, allRows...)
	size := len(first(writeFile(t, WriterOptions{Schema: s, RowGroupRows: 2}, rows)))
	for left := 0; left < size; left += 97 {
		w, err := NewWriter(&failingWriter{left: left}, WriterOptions{Schema: s, RowGroupRows: 2, Parallel: 2})
		require.NoError(t, err)
		err = w.Write(rows)
		if err == nil {
			_, err = w.Close()
		}
		require.ErrorIs(t, err, errDisk, left)
		w.Abort()
	}
}

func first[A, B any](a A, _ B) A { return a }

func TestEncodings(t *testing.T) {
	alloc := checked(t)
	s := metaSchema(t, `{"name":"few","type":["null","string"]},{"name":"many","type":"long"},{"name":"a","type":{"type":"array","items":["null","long"]}}`)
	var lines []string
	for i := range 3000 {
		lines = append(lines, fmt.Sprintf(`{"_hoodie_commit_time":"t","_hoodie_record_key":"key %d","few":"%d","many":%d,"a":[%d]}`, i, i%5, i*7919, i%3))
	}
	data, _ := writeFile(t, WriterOptions{Schema: s, PageBytes: 4096}, rowsOf(t, alloc, s, lines...))
	r := openBytes(t, data, alloc)
	meta := r.file.MetaData()
	dictionary := map[string]bool{}
	for i := range meta.Schema.NumColumns() {
		c, err := meta.RowGroup(0).ColumnChunk(i)
		require.NoError(t, err)
		dictionary[meta.Schema.Column(i).Path()] = c.HasDictionaryPage()
		require.NotNil(t, c.GetColumnIndexLocation())
		for _, e := range c.Encodings() {
			require.Contains(t, []parquet.Encoding{parquet.Encodings.Plain, parquet.Encodings.PlainDict, parquet.Encodings.RLE}, e)
		}
	}
	require.False(t, dictionary["_hoodie_record_key"])
	require.False(t, dictionary["many"])
	require.True(t, dictionary["_hoodie_commit_time"])
	require.True(t, dictionary["few"])
	require.True(t, dictionary["a.list.element"])
}

func TestNaN(t *testing.T) {
	alloc := checked(t)
	s := parse(t, recordOf(`{"name":"d","type":["null","double"]},{"name":"f","type":"float"},{"name":"a","type":{"type":"array","items":"double"}},
		{"name":"st","type":["null",{"type":"record","name":"st","fields":[{"name":"d","type":["null","double"]}]}]}`))
	b := array.NewRecordBuilder(alloc, s.Arrow())
	defer b.Release()
	st := b.Field(3).(*array.StructBuilder)
	for i := range 5000 {
		v := float64(i % 10)
		if i == 3000 {
			v = math.NaN()
		}
		if i%3 == 1 {
			b.Field(0).AppendNull()
			st.AppendNull()
		} else {
			b.Field(0).(*array.Float64Builder).Append(v)
			st.Append(true)
			st.FieldBuilder(0).(*array.Float64Builder).Append(v)
		}
		b.Field(1).(*array.Float32Builder).Append(float32(v))
		b.Field(2).(*array.ListBuilder).Append(true)
		b.Field(2).(*array.ListBuilder).ValueBuilder().(*array.Float64Builder).AppendValues([]float64{v, v}, nil)
	}
	rows := b.NewRecordBatch()
	defer rows.Release()
	data, _ := writeFile(t, WriterOptions{Schema: s, RowGroupRows: 2000, PageBytes: 2000}, rows)
	r := openBytes(t, data, alloc)
	got := readAll(t, r, alloc, ReadOptions{Schema: s})
	require.True(t, array.RecordApproxEqual(rows, got, array.WithNaNsEqual(true)))
	for i, want := range [][]any{{0.0, 9.0}, {math.Inf(-1), math.Inf(1)}, {0.0, 9.0}} {
		for column, kind := range map[string]schema.Kind{"d": schema.Double, "f": schema.Float, "st.d": schema.Double} {
			low, high, _, _, ok := r.RowGroups()[i].Range(column, &schema.Type{Kind: kind})
			require.True(t, ok)
			require.Equal(t, want, []any{low, high}, "%s of row group %d", column, i)
		}
	}
}

func TestCompareUTF16(t *testing.T) {
	// In Java's order: surrogates, which stand for characters beyond U+FFFF, are below U+E000.
	order := []string{"", "a", "aa", "b", "é", "\u3000", "\ud7ff", "😀", "😁", "\ue000", "\uffff"}
	for i, a := range order {
		for k, b := range order {
			got := compareUTF16([]byte(a), []byte(b))
			require.Equal(t, i < k, got < 0, "%q %q", a, b)
			require.Equal(t, i > k, got > 0, "%q %q", a, b)
		}
	}
}

// nested is a column type with every kind of nesting, and how to draw a value of it.
const nestedAvro = `{"name":"n","type":["null",{"type":"array","items":["null",{"type":"record","name":"e","fields":[
	{"name":"i","type":["null","int"]},
	{"name":"req","type":"long"},
	{"name":"l","type":["null",{"type":"array","items":["null","string"]}]},
	{"name":"m","type":{"type":"map","values":["null",{"type":"array","items":["null","boolean"]}]}}]}]}]}`

func drawNested(r *rapid.T) any {
	null := func(label string) bool { return rapid.IntRange(0, 3).Draw(r, label) == 0 }
	list := func(label string, item func() any) any {
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(r, label) {
			if null("null") {
				out = append(out, nil)
			} else {
				out = append(out, item())
			}
		}
		return out
	}
	if null("column") {
		return nil
	}
	return list("records", func() any {
		m := map[string]any{"req": rapid.Int64().Draw(r, "req"), "m": []any{}}
		if !null("i") {
			m["i"] = rapid.Int32().Draw(r, "i")
		}
		if !null("l") {
			m["l"] = list("strings", func() any { return rapid.SampledFrom([]string{"", "a", "ü"}).Draw(r, "s") })
		}
		for k := range rapid.IntRange(0, 2).Draw(r, "entries") {
			e := map[string]any{"key": fmt.Sprint(k), "value": nil}
			if !null("value") {
				e["value"] = list("booleans", func() any { return rapid.Bool().Draw(r, "b") })
			}
			m["m"] = append(m["m"].([]any), e)
		}
		return m
	})
}

func jsonOf(t *testing.T, b arrow.RecordBatch) string {
	text, err := b.MarshalJSON()
	require.NoError(t, err)
	return string(text)
}

func TestNestedRoundTrip(t *testing.T) {
	s := parse(t, recordOf(nestedAvro))
	rapid.Check(t, func(r *rapid.T) {
		var lines []string
		for range rapid.IntRange(1, 20).Draw(r, "rows") {
			text, err := json.Marshal(map[string]any{"n": drawNested(r)})
			require.NoError(r, err)
			lines = append(lines, string(text))
		}
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		rows, _, err := array.RecordFromJSON(alloc, s.Arrow(), strings.NewReader("["+strings.Join(lines, ",")+"]"))
		require.NoError(r, err)
		from := rapid.Int64Range(0, rows.NumRows()-1).Draw(r, "from")
		part := rows.NewSlice(from, rows.NumRows())
		data, _ := writeFile(t, WriterOptions{Schema: s, RowGroupRows: rapid.IntRange(1, 9).Draw(r, "group"), PageBytes: 8, PageRows: rapid.IntRange(0, 5).Draw(r, "page"), Alloc: alloc}, part)
		file, err := Open(t.Context(), &memFile{Reader: bytes.NewReader(data)}, "f", alloc)
		require.NoError(r, err)
		at := int64(0)
		for b, err := range file.Read(t.Context(), ReadOptions{Schema: s, BatchRows: rapid.IntRange(1, 7).Draw(r, "batch")}) {
			require.NoError(r, err)
			want := part.NewSlice(at, at+b.NumRows())
			require.Equal(r, jsonOf(t, want), jsonOf(t, b)) // what null records have below is no matter
			want.Release()
			at += b.NumRows()
		}
		require.Equal(r, part.NumRows(), at)
		part.Release()
		rows.Release()
		alloc.AssertSize(t, 0)
	})
}
