package schema

import (
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func checked(t *testing.T) *memory.CheckedAllocator {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { alloc.AssertSize(t, 0) })
	return alloc
}

// fromJSON makes an array of a JSON list.
func fromJSON(t *testing.T, alloc memory.Allocator, dt arrow.DataType, text string) arrow.Array {
	t.Helper()
	a, _, err := array.FromJSON(alloc, dt, strings.NewReader(text))
	require.NoError(t, err)
	t.Cleanup(a.Release)
	return a
}

func decimalType(p, s int32) arrow.DataType { return &arrow.Decimal128Type{Precision: p, Scale: s} }

var (
	micros      = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: UTC}
	millis      = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: UTC}
	localMicros = &arrow.TimestampType{Unit: arrow.Microsecond}
)

func TestPromote(t *testing.T) {
	structOf := func(fields ...arrow.Field) arrow.DataType { return arrow.StructOf(fields...) }
	f := func(name string, dt arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: dt, Nullable: true}
	}
	i32, i64, f64, utf8, bin := arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary
	f32, date := arrow.PrimitiveTypes.Float32, arrow.FixedWidthTypes.Date32
	for name, c := range map[string]struct {
		from, to arrow.DataType
		in, out  string
	}{
		"int8 to int":         {arrow.PrimitiveTypes.Int8, i32, `[-128, null, 127]`, `[-128, null, 127]`},
		"uint32 to long":      {arrow.PrimitiveTypes.Uint32, i64, `[4294967295, null]`, `[4294967295, null]`},
		"int to long":         {i32, i64, `[1, null, -3]`, `[1, null, -3]`},
		"int to float":        {i32, f32, `[1, null, 16777217]`, `[1, null, 16777216]`},
		"int to double":       {i32, f64, `[1, null, -3]`, `[1, null, -3]`},
		"int to string":       {i32, utf8, `[1, null, -3]`, `["1", null, "-3"]`},
		"int to decimal":      {i32, decimalType(5, 2), `[1, null, -999]`, `["1.00", null, "-999.00"]`},
		"int to date":         {i32, date, `[0, null, 1]`, `["1970-01-01", null, "1970-01-02"]`},
		"long to float":       {i64, f32, `[1, null]`, `[1, null]`},
		"long to double":      {i64, f64, `[9007199254740993, null]`, `[9007199254740992, null]`},
		"long to string":      {i64, utf8, `[-9223372036854775808, null]`, `["-9223372036854775808", null]`},
		"long to timestamp":   {i64, micros, `[1, null]`, `["1970-01-01T00:00:00.000001Z", null]`},
		"half to float":       {arrow.FixedWidthTypes.Float16, f32, `[1.5, null]`, `[1.5, null]`},
		"half to double":      {arrow.FixedWidthTypes.Float16, f64, `[1.5, null]`, `[1.5, null]`},
		"float to double":     {f32, f64, `[1.1, null, 16777216]`, `[1.1, null, 16777216]`},
		"float to string":     {f32, utf8, `[1.1, null, 1e10]`, `["1.1", null, "1.0E10"]`},
		"float to decimal":    {f32, decimalType(4, 1), `[1.25, null, -1.25]`, `["1.3", null, "-1.3"]`},
		"double to string":    {f64, utf8, `[1.1, null, 100]`, `["1.1", null, "100.0"]`},
		"double to decimal":   {f64, decimalType(4, 1), `[0.05, null, -1e-9]`, `["0.1", null, "0.0"]`},
		"string to bytes":     {utf8, bin, `["a", null]`, `["YQ==", null]`},
		"bytes to string":     {bin, utf8, `["YQ==", null, ""]`, `["a", null, ""]`},
		"bytes to fixed":      {bin, &arrow.FixedSizeBinaryType{ByteWidth: 2}, `["AAE=", null, "//8="]`, `["AAE=", null, "//8="]`},
		"no UTF-8":            {bin, utf8, `["Yf8=", null]`, `["a\ufffd", null]`},
		"large string":        {arrow.BinaryTypes.LargeString, utf8, `["a", null]`, `["a", null]`},
		"string view":         {arrow.BinaryTypes.StringView, utf8, `["a", null]`, `["a", null]`},
		"large bytes":         {arrow.BinaryTypes.LargeBinary, utf8, `["YQ==", null]`, `["a", null]`},
		"bytes view":          {arrow.BinaryTypes.BinaryView, bin, `["YQ==", null]`, `["YQ==", null]`},
		"string to date":      {utf8, date, `["2024-02-29", null, "1969-1-1"]`, `["2024-02-29", null, "1969-01-01"]`},
		"string to decimal":   {utf8, decimalType(5, 2), `["-1.5", null, "12e1"]`, `["-1.50", null, "120.00"]`},
		"date to string":      {date, utf8, `["2024-02-29", null]`, `["2024-02-29", null]`},
		"date to int":         {date, i32, `["1970-01-03", null]`, `[2, null]`},
		"date64 to date":      {arrow.FixedWidthTypes.Date64, date, `["1969-12-31", null]`, `["1969-12-31", null]`},
		"decimal wider":       {decimalType(5, 2), decimalType(10, 2), `["1.23", null]`, `["1.23", null]`},
		"decimal scale":       {decimalType(5, 2), decimalType(10, 4), `["-1.23", null]`, `["-1.2300", null]`},
		"decimal narrower":    {decimalType(5, 2), decimalType(3, 1), `["-1.20", null]`, `["-1.2", null]`},
		"decimal32":           {&arrow.Decimal32Type{Precision: 5, Scale: 2}, decimalType(5, 2), `["-1.23", null]`, `["-1.23", null]`},
		"decimal64":           {&arrow.Decimal64Type{Precision: 5, Scale: 2}, decimalType(5, 2), `["-1.23", null]`, `["-1.23", null]`},
		"decimal256":          {&arrow.Decimal256Type{Precision: 5, Scale: 2}, decimalType(5, 2), `["-1.23", null]`, `["-1.23", null]`},
		"decimal to string":   {decimalType(5, 2), utf8, `["-1.20", null, "0.05"]`, `["-1.20", null, "0.05"]`},
		"seconds to millis":   {arrow.FixedWidthTypes.Timestamp_s, millis, `["1970-01-01T00:00:01Z", null]`, `["1970-01-01T00:00:01Z", null]`},
		"nanos to micros":     {arrow.FixedWidthTypes.Timestamp_ns, micros, `["1969-12-31T23:59:59.999999999Z", null]`, `["1969-12-31T23:59:59.999999Z", null]`},
		"millis to micros":    {millis, micros, `["1969-12-31T23:59:59.999Z", null]`, `["1969-12-31T23:59:59.999Z", null]`},
		"micros to millis":    {micros, millis, `["1969-12-31T23:59:59.9995Z", null]`, `["1969-12-31T23:59:59.999Z", null]`},
		"zone":                {localMicros, micros, `["2024-01-02T03:04:05", null]`, `["2024-01-02T03:04:05Z", null]`},
		"timestamp to long":   {micros, i64, `["1970-01-01T00:00:01Z", null]`, `[1000000, null]`},
		"time seconds":        {arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time32ms, `["00:00:01", null]`, `["00:00:01", null]`},
		"time millis, micros": {arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64us, `["00:00:01.5", null]`, `["00:00:01.5", null]`},
		"time nanos":          {arrow.FixedWidthTypes.Time64ns, arrow.FixedWidthTypes.Time64us, `["00:00:00.0000015", null]`, `["00:00:00.000001", null]`},
		"dictionary": {&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: utf8}, utf8,
			`["b", null, "a", "b"]`, `["b", null, "a", "b"]`},
		"list":            {arrow.ListOf(i32), arrow.ListOf(i64), `[[1, null], null, [], [3]]`, `[[1, null], null, [], [3]]`},
		"large list":      {arrow.LargeListOf(i32), arrow.ListOf(i32), `[[1, null], null, [], [3]]`, `[[1, null], null, [], [3]]`},
		"fixed size list": {arrow.FixedSizeListOf(2, i32), arrow.ListOf(f64), `[[1, null], [2, 3]]`, `[[1, null], [2, 3]]`},
		"list elements":   {arrow.ListOf(i32), arrow.ListOfNonNullable(i32), `[[1], null, [], [3]]`, `[[1], null, [], [3]]`},
		"map": {arrow.MapOf(utf8, i32), arrow.MapOf(utf8, i64),
			`[[{"key": "a", "value": 1}, {"key": "b", "value": null}], null, []]`, `[[{"key": "a", "value": 1}, {"key": "b", "value": null}], null, []]`},
		"struct": {structOf(f("a", i32), f("b", utf8), f("c", f32)), structOf(f("c", f64), f("d", arrow.ListOf(i32)), f("a", i64)),
			`[{"a": 1, "b": "x", "c": 1.1}, null, {"a": null, "b": "y", "c": null}]`, `[{"c": 1.1, "d": null, "a": 1}, null, {"c": null, "d": null, "a": null}]`},
		"deep": {arrow.ListOf(structOf(f("m", arrow.MapOf(utf8, arrow.ListOf(i32))))), arrow.ListOf(structOf(f("m", arrow.MapOf(utf8, arrow.ListOf(utf8))))),
			`[[{"m": [{"key": "a", "value": [1, null]}]}, null], null]`, `[[{"m": [{"key": "a", "value": ["1", null]}]}, null], null]`},
		"required inside null": {structOf(f("a", i32)), structOf(arrow.Field{Name: "a", Type: i32}), `[{"a": 1}, null]`, `[{"a": 1}, null]`},
	} {
		t.Run(name, func(t *testing.T) {
			alloc := checked(t)
			in, want := fromJSON(t, alloc, c.from, c.in), fromJSON(t, alloc, c.to, c.out)
			got, err := Promote(c.to, in, alloc)
			require.NoError(t, err)
			defer got.Release()
			require.True(t, arrow.TypeEqual(c.to, got.DataType()))
			require.True(t, array.Equal(want, got), "want %s\ngot  %s", want, got)

			// Every part of the array promotes to that part of the result.
			for i := range in.Len() + 1 {
				for j := i; j <= in.Len(); j++ {
					part := array.NewSlice(in, int64(i), int64(j))
					got, err := Promote(c.to, part, alloc)
					part.Release()
					require.NoError(t, err)
					wantPart := array.NewSlice(want, int64(i), int64(j))
					require.True(t, array.Equal(wantPart, got), "[%d:%d] want %s\ngot  %s", i, j, wantPart, got)
					wantPart.Release()
					got.Release()
				}
			}

			same, err := Promote(c.to, got, alloc)
			require.NoError(t, err)
			require.Same(t, got, same)
			same.Release()
		})
	}
}

func TestPromoteExtension(t *testing.T) {
	alloc := checked(t)
	a := fromJSON(t, alloc, extensions.NewUUIDType(), `["00000000-0000-0000-0000-000000000001", null]`)
	got, err := Promote(&arrow.FixedSizeBinaryType{ByteWidth: 16}, a, alloc)
	require.NoError(t, err)
	defer got.Release()
	require.Equal(t, append(make([]byte, 15), 1), got.(*array.FixedSizeBinary).Value(0))
}

func TestPromoteErrors(t *testing.T) {
	i32, utf8 := arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String
	required := func(dt arrow.DataType) arrow.DataType {
		return arrow.StructOf(arrow.Field{Name: "a", Type: dt})
	}
	nullable := func(dt arrow.DataType) arrow.DataType {
		return arrow.StructOf(arrow.Field{Name: "a", Type: dt, Nullable: true})
	}
	for name, c := range map[string]struct {
		from, to arrow.DataType
		in       string
	}{
		"long to int":         {arrow.PrimitiveTypes.Int64, i32, `[1]`},
		"double to float":     {arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float32, `[1]`},
		"double to long":      {arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int64, `[1]`},
		"uint64":              {arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Int64, `[1]`},
		"long to date":        {arrow.PrimitiveTypes.Int64, arrow.FixedWidthTypes.Date32, `[1]`},
		"int to timestamp":    {i32, micros, `[1]`},
		"int to boolean":      {i32, arrow.FixedWidthTypes.Boolean, `[1]`},
		"boolean to string":   {arrow.FixedWidthTypes.Boolean, utf8, `[true]`},
		"string to int":       {utf8, i32, `["1"]`},
		"bytes to date":       {arrow.BinaryTypes.Binary, arrow.FixedWidthTypes.Date32, `["YQ=="]`},
		"bytes too long":      {arrow.BinaryTypes.Binary, &arrow.FixedSizeBinaryType{ByteWidth: 1}, `["AAE="]`},
		"string to fixed":     {utf8, &arrow.FixedSizeBinaryType{ByteWidth: 1}, `["a"]`},
		"bytes to decimal":    {arrow.BinaryTypes.Binary, decimalType(3, 1), `["YQ=="]`},
		"date to timestamp":   {arrow.FixedWidthTypes.Date32, micros, `["2024-01-01"]`},
		"date64 to string":    {arrow.FixedWidthTypes.Date64, utf8, `["2024-01-01"]`},
		"timestamp to time":   {micros, arrow.FixedWidthTypes.Time64us, `["2024-01-01T00:00:00Z"]`},
		"timestamp to string": {micros, utf8, `["2024-01-01T00:00:00Z"]`},
		"timestamp overflow":  {arrow.FixedWidthTypes.Timestamp_s, millis, `[9223372036854775807]`},
		"no date":             {utf8, arrow.FixedWidthTypes.Date32, `["2024-02-30"]`},
		"no number":           {utf8, decimalType(3, 1), `["1.2.3"]`},
		"empty number":        {utf8, decimalType(3, 1), `[""]`},
		"great exponent":      {utf8, decimalType(3, 1), `["1e1000000000"]`},
		"two signs":           {utf8, decimalType(3, 1), `["+-1"]`},
		"decimal too great":   {utf8, decimalType(3, 1), `["100"]`},
		"decimal would round": {utf8, decimalType(3, 1), `["1.25"]`},
		"decimal too narrow":  {decimalType(5, 2), decimalType(3, 1), `["1.23"]`},
		"infinite decimal":    {utf8, decimalType(3, 1), `["Infinity"]`},
		"decimal to int":      {decimalType(5, 2), i32, `["1.00"]`},
		"int into decimal":    {i32, decimalType(3, 1), `[100]`},
		"dictionary":          {&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: i32}, i32, `[1]`},
		"list view":           {arrow.ListViewOf(i32), arrow.ListOf(i32), `[[1]]`},
		"large list view":     {arrow.LargeListViewOf(i32), arrow.ListOf(i32), `[[1]]`},
		"list to struct":      {arrow.ListOf(i32), nullable(i32), `[[1]]`},
		"list elements":       {arrow.ListOf(arrow.PrimitiveTypes.Int64), arrow.ListOf(i32), `[[1]]`},
		"null element":        {arrow.ListOf(i32), arrow.ListOfNonNullable(i32), `[[null]]`},
		"map keys":            {arrow.MapOf(i32, i32), arrow.MapOf(utf8, arrow.PrimitiveTypes.Uint8), `[[{"key": 1, "value": 1}]]`},
		"null in struct":      {nullable(i32), required(i32), `[{"a": 1}, {"a": null}]`},
		"missing in struct":   {arrow.StructOf(), required(i32), `[{}]`},
		"in struct":           {nullable(utf8), nullable(i32), `[{"a": "x"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			alloc := checked(t)
			_, err := Promote(c.to, fromJSON(t, alloc, c.from, c.in), alloc)
			require.ErrorIs(t, err, base.ErrInvalid)
		})
	}
}

func TestJavaFloatText(t *testing.T) {
	for want, v := range map[string]float64{
		"0.0": 0, "-0.0": math.Copysign(0, -1), "1.0": 1, "0.001": 1e-3, "9.999E-4": 9.999e-4, "9999999.0": 9999999,
		"1.0E7": 1e7, "1.2345678E7": 12345678, "-1.0E-5": -1e-5, "4.9E-324": math.SmallestNonzeroFloat64,
		"1.7976931348623157E308": math.MaxFloat64, "2.0E23": 2e23, "NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
	} {
		require.Equal(t, want, string(appendFloat(nil, v, 64)))
	}
	for want, v := range map[string]float32{
		"1.1": 1.1, "3.4028235E38": math.MaxFloat32, "1.4E-45": math.SmallestNonzeroFloat32, "1.6777216E7": 1 << 24,
	} {
		require.Equal(t, want, string(appendFloat(nil, float64(v), 32)))
	}
	require.True(t, math.IsNaN(widenFloat(float32(math.NaN()))))
	require.True(t, math.IsInf(widenFloat(float32(math.Inf(-1))), -1))
	require.Equal(t, 1.1, widenFloat(1.1))
}
