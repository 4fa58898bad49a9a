package keygen_test

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// columns makes a batch of columns of text, with nil for null.
func columns(t *testing.T, alloc memory.Allocator, names []string, rows ...[]any) (arrow.RecordBatch, *schema.Schema) {
	var fields []arrow.Field
	for i, n := range names {
		var dt arrow.DataType = arrow.BinaryTypes.String
		for _, r := range rows {
			if _, ok := r[i].(int); ok {
				dt = arrow.PrimitiveTypes.Int64
			}
		}
		fields = append(fields, arrow.Field{Name: n, Type: dt, Nullable: true})
	}
	a := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(alloc, a)
	defer b.Release()
	for _, r := range rows {
		for i, v := range r {
			switch v := v.(type) {
			case nil:
				b.Field(i).AppendNull()
			case int:
				b.Field(i).(*array.Int64Builder).Append(int64(v))
			case string:
				b.Field(i).(*array.StringBuilder).Append(v)
			}
		}
	}
	s, err := schema.FromArrow("t", a)
	require.NoError(t, err)
	return b.NewRecordBatch(), s
}

func config(keys, partitions []string) *table.Config {
	c := table.NewConfig("t")
	c.Keys, c.PartitionBy = keys, partitions
	return &c
}

func keysOf(t *testing.T, c *table.Config, names []string, rows ...[]any) ([]string, error) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	batch, s := columns(t, alloc, names, rows...)
	defer batch.Release()
	g, err := keygen.New(c, s)
	require.NoError(t, err)
	keys, err := g.Keys(batch, alloc)
	if err != nil {
		return nil, err
	}
	defer keys.Release()
	var out []string
	for i := range keys.Len() {
		out = append(out, string([]byte(keys.Value(i))))
	}
	return out, nil
}

func TestKeys(t *testing.T) {
	names := []string{"id", "name", "p", "q"}
	row := func(id, name any) []any { return []any{id, name, "x", "y"} }
	for _, c := range []struct {
		name    string
		kind    string
		keys    []string
		parts   []string
		version int
		row     []any
		want    string // "" for an error
	}{
		{"simple", "", []string{"id"}, []string{"p"}, 9, row(7, "n"), "7"},
		{"simple has no escapes", "", []string{"name"}, []string{"p"}, 9, row(7, "a:b,c"), "a:b,c"},
		{"simple null", "", []string{"name"}, []string{"p"}, 9, row(7, nil), ""},
		{"simple empty", "", []string{"name"}, []string{"p"}, 9, row(7, ""), ""},
		{"complex with one key, version 9", "COMPLEX", []string{"id"}, []string{"p"}, 9, row(7, "n"), "id:7"},
		{"complex with one key, version 8", "COMPLEX", []string{"id"}, []string{"p"}, 8, row(7, "n"), "7"},
		{"complex by two partition fields", "", []string{"id"}, []string{"p", "q"}, 9, row(7, "n"), "id:7"},
		{"complex by two key fields", "", []string{"id", "name"}, []string{"p"}, 9, row(7, "n"), "id:7,name:n"},
		{"complex null", "", []string{"id", "name"}, []string{"p"}, 9, row(7, nil), "id:7,name:__null__"},
		{"complex empty", "", []string{"id", "name"}, []string{"p"}, 9, row(7, ""), "id:7,name:__empty__"},
		{"complex all null or empty", "", []string{"id", "name"}, []string{"p"}, 9, row(nil, ""), ""},
		{"complex has no escapes", "", []string{"id", "name"}, []string{"p"}, 9, row(7, "c:d,e"), "id:7,name:c:d,e"},
		{"nonpartitioned, one field", "", []string{"id"}, nil, 9, row(7, "n"), "7"},
		{"nonpartitioned, two fields", "", []string{"name", "id"}, nil, 9, row(7, "n"), "name:n,id:7"},
		{"nonpartitioned, partition fields are ignored", "NON_PARTITION", []string{"id"}, []string{"p"}, 9, row(7, "n"), "7"},
		{"global delete", "GLOBAL_DELETE", []string{"id"}, nil, 9, row(7, "n"), "id:7"},
		{"class", "org.apache.hudi.keygen.SimpleKeyGenerator", []string{"id"}, []string{"p"}, 9, row(7, "n"), "7"},
		{"class for Avro", "org.apache.hudi.keygen.ComplexAvroKeyGenerator", []string{"id"}, []string{"p"}, 9, row(7, "n"), "id:7"},
		{"class without partitions", "org.apache.hudi.keygen.NonpartitionedKeyGenerator", []string{"id"}, nil, 9, row(7, "n"), "7"},
		{"type for Avro", "COMPLEX_AVRO", []string{"id"}, []string{"p"}, 9, row(7, "n"), "id:7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := config(c.keys, c.parts)
			k.KeyGen, k.Version = c.kind, c.version
			got, err := keysOf(t, k, names, row(1, "ok"), c.row)
			if c.want == "" {
				require.ErrorIs(t, err, base.ErrInvalid)
				require.ErrorContains(t, err, "row 1")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got[1])
		})
	}
}

// TestPartitions has the folders that real Hudi made of the same values (golden tables
// v9_cow_special_partitions), and others.
func TestPartitions(t *testing.T) {
	for _, c := range []struct {
		value        any
		hive, encode bool
		want         string // "" for an error
	}{
		{"plain", true, true, "p=plain"},
		{"with space", true, true, "p=with space"},
		{"100%", true, true, "p=100%25"},
		{"a=b", true, true, "p=a%3Db"},
		{"x/y", true, true, "p=x%2Fy"},
		{"t:1", true, true, "p=t%3A1"},
		{"zürich ☃", true, true, "p=zürich ☃"},
		{nil, true, true, "p=__HIVE_DEFAULT_PARTITION__"},
		{"", true, true, "p=__HIVE_DEFAULT_PARTITION__"},
		{"a/b c:d=%é", false, true, "a%2Fb c%3Ad%3D%25é"},
		{"a/b c:d=%é", true, false, "p=a/b c:d=%é"},
		{nil, false, false, "__HIVE_DEFAULT_PARTITION__"},
		{7, false, false, "7"},
		{"..", false, false, ""},
		{"..", false, true, ""},
		{"..", true, true, "p=.."},
		{"a/../b", false, false, ""},
		{"a/../b", false, true, "a%2F..%2Fb"},
		{"/a", false, false, ""},
		{"a//b", false, false, ""},
		{"a/", false, false, ""},
		{".", false, false, ""},
		{"s3://b", false, false, ""},
		{".hoodie", false, true, ""},
		{".hoodie/x", false, false, ""},
		{".hoodie", true, true, "p=.hoodie"},
		{".hudi-go-tmp-x", false, true, ""},
		{"\x00", false, false, ""},
		{"\x00\n\x7f", false, true, "%00%0A%7F"},
	} {
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		batch, s := columns(t, alloc, []string{"id", "p"}, []any{"k", c.value})
		k := config([]string{"id"}, []string{"p"})
		k.HiveStyle, k.URLEncode = c.hive, c.encode
		g, err := keygen.New(k, s)
		require.NoError(t, err)
		p, err := g.Partitions(batch)
		batch.Release()
		alloc.AssertSize(t, 0)
		if c.want == "" {
			require.ErrorIs(t, err, base.ErrInvalid, "%q", c.value)
			continue
		}
		require.NoError(t, err, "%q", c.value)
		require.Equal(t, keygen.Partitioned{Paths: []string{c.want}}, p)
	}
}

func TestPartitionsOfSeveralFields(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	batch, s := columns(t, alloc, []string{"id", "p", "q"},
		[]any{"k", "a", 1}, []any{"k", nil, 2}, []any{"k", "a", 1}, []any{"k", "a/b", nil})
	defer batch.Release()
	k := config([]string{"id"}, []string{"p", "q"})
	k.HiveStyle, k.URLEncode = true, true
	g, err := keygen.New(k, s)
	require.NoError(t, err)
	require.Equal(t, []string{"p", "q"}, g.PartitionFields())
	require.Equal(t, []string{"id"}, g.KeyFields())
	p, err := g.Partitions(batch)
	require.NoError(t, err)
	require.Equal(t, keygen.Partitioned{
		Paths: []string{"p=a/q=1", "p=__HIVE_DEFAULT_PARTITION__/q=2", "p=a%2Fb/q=__HIVE_DEFAULT_PARTITION__"},
		Of:    []int32{0, 1, 0, 2},
	}, p)
	g, err = keygen.New(config([]string{"id"}, nil), s)
	require.NoError(t, err)
	p, err = g.Partitions(batch)
	require.NoError(t, err)
	require.Equal(t, keygen.Partitioned{Paths: []string{""}}, p)
}

// TestValues renders every type that can be a key, as Java does.
func TestValues(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	for _, c := range []struct {
		dt   arrow.DataType
		fill func(b array.Builder)
		want string
	}{
		{arrow.BinaryTypes.String, func(b array.Builder) { b.(*array.StringBuilder).Append("é") }, "é"},
		{arrow.PrimitiveTypes.Int32, func(b array.Builder) { b.(*array.Int32Builder).Append(math.MinInt32) }, "-2147483648"},
		{arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.(*array.Int64Builder).Append(math.MaxInt64) }, "9223372036854775807"},
		{arrow.FixedWidthTypes.Boolean, func(b array.Builder) { b.(*array.BooleanBuilder).Append(true) }, "true"},
		{arrow.FixedWidthTypes.Date32, func(b array.Builder) { b.(*array.Date32Builder).Append(-1) }, "1969-12-31"},
		{arrow.FixedWidthTypes.Timestamp_us, func(b array.Builder) { b.(*array.TimestampBuilder).Append(1700000000000001) }, "1700000000000001"},
		{&arrow.TimestampType{Unit: arrow.Millisecond}, func(b array.Builder) { b.(*array.TimestampBuilder).Append(1700000000001) }, "1700000000001"},
		{arrow.FixedWidthTypes.Time32ms, func(b array.Builder) { b.(*array.Time32Builder).Append(5) }, "5"},
		{arrow.FixedWidthTypes.Time64us, func(b array.Builder) { b.(*array.Time64Builder).Append(6) }, "6"},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, func(b array.Builder) { b.(*array.Decimal128Builder).Append(decimal128.FromI64(-150)) }, "-1.50"},
		{&arrow.Decimal128Type{Precision: 10, Scale: 0}, func(b array.Builder) { b.(*array.Decimal128Builder).Append(decimal128.FromI64(100)) }, "100"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(1) }, "1.0"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(1e7) }, "1.0E7"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(9999999.5) }, "9999999.5"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(0.001) }, "0.001"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(0.00012) }, "1.2E-4"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(-1.5e300) }, "-1.5E300"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(math.Copysign(0, -1)) }, "-0.0"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(math.NaN()) }, "NaN"},
		{arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(math.Inf(-1)) }, "-Infinity"},
		{arrow.PrimitiveTypes.Float32, func(b array.Builder) { b.(*array.Float32Builder).Append(0.1) }, "0.1"},
		{arrow.PrimitiveTypes.Float32, func(b array.Builder) { b.(*array.Float32Builder).Append(1e10) }, "1.0E10"},
	} {
		a := arrow.NewSchema([]arrow.Field{{Name: "k", Type: c.dt, Nullable: true}}, nil)
		b := array.NewRecordBuilder(alloc, a)
		c.fill(b.Field(0))
		batch := b.NewRecordBatch()
		b.Release()
		s, err := schema.FromArrow("t", a)
		require.NoError(t, err)
		g, err := keygen.New(config([]string{"k"}, nil), s)
		require.NoError(t, err)
		keys, err := g.Keys(batch, alloc)
		require.NoError(t, err)
		require.Equal(t, c.want, keys.Value(0), c.dt)
		keys.Release()
		batch.Release()
	}
}

// TestNested reads fields of records, whose record may be null, and sliced batches.
func TestNested(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	a := arrow.NewSchema([]arrow.Field{
		{Name: "r", Nullable: true, Type: arrow.StructOf(arrow.Field{Name: "k", Type: arrow.BinaryTypes.String, Nullable: true})},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(alloc, a)
	defer b.Release()
	for i, k := range []string{"skipped", "x", "null", "y"} {
		sb := b.Field(0).(*array.StructBuilder)
		if k == "null" {
			sb.AppendNull()
		} else {
			sb.Append(true)
			sb.FieldBuilder(0).(*array.StringBuilder).Append(k)
		}
		b.Field(1).(*array.Int64Builder).Append(int64(i))
	}
	whole := b.NewRecordBatch()
	defer whole.Release()
	batch := whole.NewSlice(1, 4)
	defer batch.Release()
	s, err := schema.FromArrow("t", a)
	require.NoError(t, err)
	g, err := keygen.New(config([]string{"r.k", "n"}, nil), s)
	require.NoError(t, err)
	keys, err := g.Keys(batch, alloc)
	require.NoError(t, err)
	defer keys.Release()
	require.Equal(t, "r.k:x,n:1", keys.Value(0))
	require.Equal(t, "r.k:__null__,n:2", keys.Value(1))
	require.Equal(t, "r.k:y,n:3", keys.Value(2))
}

func TestRefused(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	batch, s := columns(t, alloc, []string{"id", "p"}, []any{"k", "v"})
	defer batch.Release()
	for kind, want := range map[string]error{
		"TIMESTAMP": base.ErrInvalid, "CUSTOM": base.ErrUnsupported, "com.acme.Keys": base.ErrUnsupported,
	} {
		c := config([]string{"id"}, []string{"p"})
		c.KeyGen = kind
		_, err := keygen.New(c, s)
		require.ErrorIs(t, err, want, kind)
	}
	_, err := keygen.NewKeys(config(nil, nil), s)
	require.ErrorIs(t, err, base.ErrUnsupported, "generated keys")
	_, err = keygen.New(config([]string{"nope"}, nil), s)
	require.ErrorIs(t, err, base.ErrInvalid)
	c := config([]string{"id", "p"}, []string{"p"})
	c.KeyGen = "SIMPLE"
	_, err = keygen.New(c, s)
	require.ErrorIs(t, err, base.ErrInvalid)
}
