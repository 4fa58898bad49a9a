package basefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	pq "github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// foreignFile writes a file of one row group that our writer would not make.
func foreignFile(t *testing.T, columns pq.FieldList, write ...func(w file.ColumnChunkWriter)) []byte {
	root, err := pq.NewGroupNode("spark_schema", parquet.Repetitions.Required, columns, -1)
	require.NoError(t, err)
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root)
	g, err := w.AppendRowGroupChecked()
	require.NoError(t, err)
	for _, f := range write {
		c, err := g.NextColumn()
		require.NoError(t, err)
		f(c)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func leaf(t *testing.T, name string, rep parquet.Repetition, logical pq.LogicalType, physical parquet.Type, length int) pq.Node {
	n, err := pq.NewPrimitiveNodeLogical(name, rep, logical, physical, length, -1)
	require.NoError(t, err)
	return n
}

func group(t *testing.T, name string, rep parquet.Repetition, logical pq.LogicalType, fields ...pq.Node) pq.Node {
	if logical.IsNone() {
		return pq.MustGroup(pq.NewGroupNode(name, rep, fields, -1))
	}
	n, err := pq.NewGroupNodeLogical(name, rep, fields, logical, -1)
	require.NoError(t, err)
	return n
}

var (
	none     = pq.NoLogicalType{}
	optional = parquet.Repetitions.Optional
	repeated = parquet.Repetitions.Repeated
	required = parquet.Repetitions.Required
)

func writeInt32(values []int32, def, rep []int16) func(file.ColumnChunkWriter) {
	return func(w file.ColumnChunkWriter) {
		if _, err := w.(*file.Int32ColumnChunkWriter).WriteBatch(values, def, rep); err != nil {
			panic(err)
		}
	}
}

func recordOf(fields string) string {
	return `{"type":"record","name":"r","fields":[` + fields + `]}`
}

func TestForeignLists(t *testing.T) {
	list := pq.NewListLogicalType()
	optionalList := func(name string, child pq.Node) pq.Node { return group(t, name, optional, list, child) }
	int32s := func(name string, rep parquet.Repetition) pq.Node {
		return leaf(t, name, rep, none, parquet.Types.Int32, -1)
	}
	for _, c := range []struct {
		name, items, want string
		node              pq.Node
		write             []func(file.ColumnChunkWriter)
	}{
		{
			name: "two levels", items: `"int"`, want: `[[1,2],[],(null)]`,
			node:  optionalList("a", int32s("array", repeated)),
			write: []func(file.ColumnChunkWriter){writeInt32([]int32{1, 2}, []int16{2, 2, 1, 0}, []int16{0, 1, 0, 0})},
		},
		{
			name: "bag.array", items: `["null","int"]`, want: `[[1,null],[],null]`,
			node:  optionalList("a", group(t, "bag", repeated, none, int32s("array", optional))),
			write: []func(file.ColumnChunkWriter){writeInt32([]int32{1}, []int16{3, 2, 1, 0}, []int16{0, 1, 0, 0})},
		},
		{
			name: "two levels of lists", items: `{"type":"array","items":"int"}`, want: `[[[1,2],[]],[[3]],null]`,
			node:  optionalList("a", group(t, "array", repeated, list, int32s("array", repeated))),
			write: []func(file.ColumnChunkWriter){writeInt32([]int32{1, 2, 3}, []int16{3, 3, 2, 3, 0}, []int16{0, 2, 1, 0, 0})},
		},
		{
			name: "two levels of records", items: `{"type":"record","name":"e","fields":[{"name":"x","type":["null","int"]},{"name":"y","type":"int"}]}`,
			want: `[[{"x":1,"y":5},{"x":null,"y":6}],[],null]`,
			node: optionalList("a", group(t, "array", repeated, none, int32s("x", optional), int32s("y", required))),
			write: []func(file.ColumnChunkWriter){
				writeInt32([]int32{1}, []int16{3, 2, 1, 0}, []int16{0, 1, 0, 0}),
				writeInt32([]int32{5, 6}, []int16{2, 2, 1, 0}, []int16{0, 1, 0, 0}),
			},
		},
		{
			name: "two levels of records of one field", items: `{"type":"record","name":"e","fields":[{"name":"x","type":["null","int"]}]}`,
			want:  `[[{"x":1},{"x":null}],[],null]`,
			node:  optionalList("a", group(t, "array", repeated, none, int32s("x", optional))),
			write: []func(file.ColumnChunkWriter){writeInt32([]int32{1}, []int16{3, 2, 1, 0}, []int16{0, 1, 0, 0})},
		},
		{
			name: "two levels of lists of records", items: `{"type":"array","items":{"type":"record","name":"e","fields":[{"name":"x","type":["null","int"]}]}}`,
			want: `[[[{"x":1},{"x":null}],[]],[],null]`,
			node: optionalList("a", group(t, "array", repeated, list, group(t, "array", repeated, none, int32s("x", optional)))),
			write: []func(file.ColumnChunkWriter){
				writeInt32([]int32{1}, []int16{4, 3, 2, 1, 0}, []int16{0, 2, 1, 0, 0}),
			},
		},
		{
			name: "three levels in two", items: `{"type":"array","items":["null","int"]}`, want: `[[[1,null],[]],[],null]`,
			node: optionalList("a", group(t, "array", repeated, list, group(t, "list", repeated, none, int32s("element", optional)))),
			write: []func(file.ColumnChunkWriter){
				writeInt32([]int32{1}, []int16{4, 3, 2, 1, 0}, []int16{0, 2, 1, 0, 0}),
			},
		},
		{
			name: "two levels of maps", items: `{"type":"map","values":["null","int"]}`, want: `[[[{"key":"k","value":1},{"key":"z","value":null}],[]],[],null]`,
			node: optionalList("a", group(t, "array", repeated, pq.MapLogicalType{}, group(t, "key_value", repeated, none,
				leaf(t, "key", required, pq.StringLogicalType{}, parquet.Types.ByteArray, -1), int32s("value", optional)))),
			write: []func(file.ColumnChunkWriter){
				func(w file.ColumnChunkWriter) {
					_, err := w.(*file.ByteArrayColumnChunkWriter).WriteBatch([]parquet.ByteArray{[]byte("k"), []byte("z")}, []int16{3, 3, 2, 1, 0}, []int16{0, 2, 1, 0, 0})
					require.NoError(t, err)
				},
				writeInt32([]int32{1}, []int16{4, 3, 2, 1, 0}, []int16{0, 2, 1, 0, 0}),
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			alloc := checked(t)
			r := openBytes(t, foreignFile(t, pq.FieldList{c.node}, c.write...), alloc)
			s := parse(t, recordOf(`{"name":"a","type":["null",{"type":"array","items":`+c.items+`}]}`))
			got := readAll(t, r, alloc, ReadOptions{Schema: s})
			text, err := got.Column(0).MarshalJSON()
			require.NoError(t, err)
			want := bytes.ReplaceAll([]byte(c.want), []byte("(null)"), []byte("null"))
			require.JSONEq(t, string(want), string(text))
			own, err := r.Schema()
			require.NoError(t, err)
			require.Equal(t, arrow.LIST, own.Arrow().Field(0).Type.ID())
		})
	}
}

// julian is the Parquet INT96 form of a time.
func julian(day uint32, nanos uint64) (v parquet.Int96) {
	binary.LittleEndian.PutUint64(v[:], nanos)
	binary.LittleEndian.PutUint32(v[8:], day)
	return v
}

func TestForeignTypes(t *testing.T) {
	alloc := checked(t)
	flba := func(v int8) parquet.FixedLenByteArray { return parquet.FixedLenByteArray{byte(v >> 7), byte(v)} }
	data := foreignFile(t, pq.FieldList{
		leaf(t, "t96", optional, none, parquet.Types.Int96, -1),
		leaf(t, "d32", required, pq.NewDecimalLogicalType(9, 2), parquet.Types.Int32, -1),
		leaf(t, "d64", required, pq.NewDecimalLogicalType(18, 2), parquet.Types.Int64, -1),
		leaf(t, "dba", required, pq.NewDecimalLogicalType(20, 2), parquet.Types.ByteArray, -1),
		leaf(t, "dfl", required, pq.NewDecimalLogicalType(4, 2), parquet.Types.FixedLenByteArray, 2),
		leaf(t, "en", required, pq.EnumLogicalType{}, parquet.Types.ByteArray, -1),
		leaf(t, "ts", required, pq.NewTimestampLogicalType(true, pq.TimeUnitMillis), parquet.Types.Int64, -1),
		leaf(t, "tm", required, pq.NewTimeLogicalType(true, pq.TimeUnitMicros), parquet.Types.Int64, -1),
		leaf(t, "raw", required, none, parquet.Types.Int64, -1),
	},
		func(w file.ColumnChunkWriter) {
			_, err := w.(*file.Int96ColumnChunkWriter).WriteBatch([]parquet.Int96{julian(2440588, 1500)}, []int16{1, 0}, nil)
			require.NoError(t, err)
		},
		writeInt32([]int32{-125, 250}, nil, nil),
		func(w file.ColumnChunkWriter) {
			w.(*file.Int64ColumnChunkWriter).WriteBatch([]int64{-125, 250}, nil, nil)
		},
		func(w file.ColumnChunkWriter) {
			w.(*file.ByteArrayColumnChunkWriter).WriteBatch([]parquet.ByteArray{{0x83}, {0, 250}}, nil, nil)
		},
		func(w file.ColumnChunkWriter) {
			w.(*file.FixedLenByteArrayColumnChunkWriter).WriteBatch([]parquet.FixedLenByteArray{flba(-125), flba(125)}, nil, nil)
		},
		func(w file.ColumnChunkWriter) {
			w.(*file.ByteArrayColumnChunkWriter).WriteBatch([]parquet.ByteArray{[]byte("A"), []byte("B")}, nil, nil)
		},
		func(w file.ColumnChunkWriter) { w.(*file.Int64ColumnChunkWriter).WriteBatch([]int64{-1, 2}, nil, nil) },
		func(w file.ColumnChunkWriter) { w.(*file.Int64ColumnChunkWriter).WriteBatch([]int64{1, 2}, nil, nil) },
		func(w file.ColumnChunkWriter) { w.(*file.Int64ColumnChunkWriter).WriteBatch([]int64{1, 2}, nil, nil) },
	)
	s := parse(t, recordOf(`
		{"name":"t96","type":["null",{"type":"long","logicalType":"timestamp-micros"}]},
		{"name":"d32","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
		{"name":"d64","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},
		{"name":"dba","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":2}},
		{"name":"dfl","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":4}},
		{"name":"en","type":{"type":"enum","name":"x","symbols":["A","B"]}},
		{"name":"ts","type":{"type":"long","logicalType":"timestamp-micros"}},
		{"name":"tm","type":{"type":"long","logicalType":"time-micros"}},
		{"name":"raw","type":{"type":"long","logicalType":"time-micros"}},
		{"name":"absent","type":["null","int"]},
		{"name":"preset","type":"int","default":7}`))
	r := openBytes(t, data, alloc)
	got := readAll(t, r, alloc, ReadOptions{Schema: s})
	want := rowsOf(t, alloc, s,
		`{"t96":1,"d32":"-1.25","d64":"-1.25","dba":"-1.25","dfl":"-1.25","en":"A","ts":-1000,"tm":1,"raw":1,"preset":7}`,
		`{"d32":"2.50","d64":"2.50","dba":"2.50","dfl":"1.25","en":"B","ts":2000,"tm":2,"raw":2,"preset":7}`)
	require.True(t, array.RecordEqual(want, got), "%v\n%v", want, got)

	g := &r.RowGroups()[0]
	for _, c := range []struct {
		column    string
		low, high any
		nulls     int64
	}{
		{"d32", decimal128.FromI64(-125), decimal128.FromI64(250), 0},
		{"d64", decimal128.FromI64(-125), decimal128.FromI64(250), 0},
		{"dfl", decimal128.FromI64(-12500), decimal128.FromI64(12500), 0},
		{"en", "A", "B", 0},
		{"ts", int64(-1000), int64(2000), 0},
		{"tm", int64(1), int64(2), 0},
		{"raw", int64(1), int64(2), 0},
	} {
		f, _, _ := s.Field(c.column)
		low, high, nulls, rows, ok := g.Range(c.column, f.Type)
		require.True(t, ok, c.column)
		require.Equal(t, []any{c.low, c.high, c.nulls, int64(2)}, []any{low, high, nulls, rows}, c.column)
	}
	for _, column := range []string{"t96", "absent"} {
		f, _, _ := s.Field(column)
		_, _, _, _, ok := g.Range(column, f.Type)
		require.False(t, ok, column)
	}
}

func TestRanges(t *testing.T) {
	alloc := checked(t)
	s := parse(t, allTypes)
	data, _ := writeFile(t, WriterOptions{Schema: s, RowGroupRows: 3}, rowsOf(t, alloc, s, allRows...))
	r := openBytes(t, data, alloc)
	first, last := &r.RowGroups()[0], &r.RowGroups()[1]
	require.EqualValues(t, 3, last.First)
	for _, c := range []struct {
		column, avro string
		low, high    any
		nulls        int64
	}{
		{"id", `"long"`, int64(math.MinInt64), int64(math.MaxInt64), 0},
		{"b", `"boolean"`, false, true, 1},
		{"i", `"int"`, int64(math.MinInt32), int64(math.MaxInt32), 1},
		{"i", `"long"`, int64(math.MinInt32), int64(math.MaxInt32), 1},
		{"f", `"float"`, -float64(math.MaxFloat32), float64(math.MaxFloat32), 1},
		{"d", `"double"`, -math.MaxFloat64, math.MaxFloat64, 1},
		{"s", `"string"`, "", "ünï ☃ 😀", 1},
		{"y", `"bytes"`, []byte{}, []byte{0, 255}, 1},
		{"day", `{"type":"int","logicalType":"date"}`, int64(-719162), int64(2932896), 1},
		{"ts3", `{"type":"long","logicalType":"timestamp-millis"}`, int64(-12219206399999), int64(253402300799999), 1},
		{"ts3", `{"type":"long","logicalType":"timestamp-micros"}`, int64(-12219206399999000), int64(253402300799999000), 1},
		{"ts6", `{"type":"long","logicalType":"timestamp-millis"}`, int64(-2208988800000), int64(253402300799999), 1},
		{"d5", `{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}`, decimal128.FromI64(-99999), decimal128.FromI64(99999), 1},
		{"d5", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":4}`, decimal128.FromI64(-9999900), decimal128.FromI64(9999900), 1},
		{"st.n", `"int"`, int64(1), int64(1), 2},
	} {
		field, err := schema.Parse(recordOf(`{"name":"x","type":` + c.avro + `}`))
		require.NoError(t, err)
		low, high, nulls, rows, ok := first.Range(c.column, field.Fields()[0].Type)
		require.True(t, ok, c.column)
		require.Equal(t, []any{c.low, c.high, c.nulls, int64(3)}, []any{low, high, nulls, rows}, c.column)
	}
	for column, avro := range map[string]string{"i": `"string"`, "s": `"int"`, "a": `"int"`, "a.list.element": `"int"`, "f": `"double"`, "d38": `"long"`, "nowhere": `"int"`} {
		field, err := schema.Parse(recordOf(`{"name":"x","type":` + avro + `}`))
		require.NoError(t, err)
		_, _, _, _, ok := first.Range(column, field.Fields()[0].Type)
		require.False(t, ok, column)
	}
	f, _, _ := s.Field("_hoodie_operation")
	require.Nil(t, f.Type)
	nullsOnly := rowsOf(t, alloc, s, allRows[0])
	data, _ = writeFile(t, WriterOptions{Schema: s}, nullsOnly)
	l, _, _ := s.Field("l")
	low, high, nulls, rows, ok := openBytes(t, data, alloc).RowGroups()[0].Range("l", l.Type)
	require.True(t, ok)
	require.Equal(t, []any{nil, nil, int64(1), int64(1)}, []any{low, high, nulls, rows})
}

func TestReadPicksRowGroupsColumnsAndBatches(t *testing.T) {
	alloc := checked(t)
	s := parse(t, allTypes)
	data, _ := writeFile(t, WriterOptions{Schema: s, RowGroupRows: 2}, rowsOf(t, alloc, s, allRows...))
	r := openBytes(t, data, alloc)
	some, err := s.Project([]string{"st", "id"})
	require.NoError(t, err)
	var seen []int64
	for b, err := range r.Read(t.Context(), ReadOptions{Schema: some, BatchRows: 1, Keep: func(g Statistics) bool { return g.(*RowGroup).First == 2 }}) {
		require.NoError(t, err)
		require.EqualValues(t, 1, b.NumRows())
		require.True(t, some.Arrow().Equal(b.Schema()))
		seen = append(seen, b.Column(1).(*array.Int64).Value(0))
	}
	require.Equal(t, []int64{math.MinInt64, 7}, seen)

	elsewhere := parse(t, recordOf(`{"name":"other","type":["null","int"]}`))
	got := readAll(t, r, alloc, ReadOptions{Schema: elsewhere})
	require.EqualValues(t, 4, got.NumRows())
	require.Equal(t, 4, got.Column(0).NullN())

	for range r.Read(t.Context(), ReadOptions{Schema: s, BatchRows: 1}) {
		break // nothing leaks
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range r.Read(ctx, ReadOptions{Schema: s}) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestReadRefusesWhatCannotBePromoted(t *testing.T) {
	alloc := checked(t)
	s := parse(t, allTypes)
	data, _ := writeFile(t, WriterOptions{Schema: s}, rowsOf(t, alloc, s, allRows...))
	r := openBytes(t, data, alloc)
	for _, avro := range []string{`{"name":"s","type":["null","int"]}`, `{"name":"l","type":"long"}`, `{"name":"new","type":"long"}`} {
		for _, err := range r.Read(t.Context(), ReadOptions{Schema: parse(t, recordOf(avro))}) {
			require.ErrorIs(t, err, base.ErrInvalid)
		}
	}
}

// brokenFile fails one read.
type brokenFile struct {
	memFile
	reads int
}

var errStore = errors.New("the store is gone")

func (f *brokenFile) ReadAt(p []byte, off int64) (int, error) {
	if f.reads--; f.reads == -1 {
		return 0, errStore
	}
	return f.memFile.ReadAt(p, off)
}

func TestStoreErrorsAreNoCorruption(t *testing.T) {
	alloc := checked(t)
	s := parse(t, allTypes)
	data, _ := writeFile(t, WriterOptions{Schema: s}, rowsOf(t, alloc, s, allRows...))
	for reads := range 40 {
		f := &brokenFile{memFile: memFile{Reader: bytes.NewReader(data)}, reads: reads}
		r, err := Open(t.Context(), f, "x", alloc)
		if err == nil {
			for _, e := range r.Read(t.Context(), ReadOptions{Schema: s}) {
				err = e
			}
			require.NoError(t, r.Close())
		}
		require.True(t, f.closed)
		if f.reads < 0 {
			require.ErrorIs(t, err, errStore, reads)
			require.NotErrorIs(t, err, base.ErrCorrupt, reads)
		}
	}
}

// readFile reads everything in a file and returns the first error.
func readFile(ctx context.Context, data []byte) error {
	r, err := Open(ctx, &memFile{Reader: bytes.NewReader(data)}, "x", memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := r.Bloom(); err != nil {
		return err
	}
	own, err := r.Schema()
	if err != nil {
		return err
	}
	for _, f := range own.Fields() {
		r.RowGroups()[0].Range(f.Name, f.Type)
	}
	for _, err := range r.Read(ctx, ReadOptions{Schema: own}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// hostileBase is a small file with every structure in it.
func hostileBase(t testing.TB) []byte {
	s := parse(t, recordOf(`
		{"name":"_hoodie_record_key","type":["null","string"]},
		{"name":"s","type":["null","string"]},
		{"name":"d","type":["null",{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}]},
		{"name":"a","type":["null",{"type":"array","items":["null",{"type":"map","values":["null","int"]}]}]},
		{"name":"st","type":["null",{"type":"record","name":"st","fields":[{"name":"b","type":["null","boolean"]}]}]}`))
	rows := rowsOf(t, memory.DefaultAllocator, s,
		`{"s":"x","d":"1.00","a":[[{"key":"k","value":1}],null],"st":{"b":true}}`, `{"s":"x"}`, `{"s":"x","a":[],"st":{"b":null}}`, `{"s":"x","a":[[]]}`)
	data, _ := writeFile(t, WriterOptions{Schema: s, Codec: "uncompressed", RowGroupRows: 4}, rows)
	return data
}

func TestHostileFiles(t *testing.T) {
	data := hostileBase(t)
	require.NoError(t, readFile(t.Context(), data))
	for n := 0; n < len(data); n += 7 {
		require.ErrorIs(t, readFile(t.Context(), data[:n]), base.ErrCorrupt, "cut to %d", n)
	}
	for _, length := range []uint32{0, 1, uint32(len(data)), math.MaxInt32, math.MaxUint32} {
		broken := bytes.Clone(data)
		binary.LittleEndian.PutUint32(broken[len(broken)-8:], length)
		require.ErrorIs(t, readFile(t.Context(), broken), base.ErrCorrupt, length)
	}
	for i := range data {
		broken := bytes.Clone(data)
		broken[i] ^= 1 << (i % 8)
		if i%3 == 0 {
			broken[i] = 0xFF
		}
		_ = readFile(t.Context(), broken) // many are other rows; none may panic
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(hostileBase(f))
	f.Fuzz(func(t *testing.T, data []byte) { _ = readFile(context.Background(), data) })
}
