package cdc

import (
	"math"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestConvert(t *testing.T) {
	decimal := &arrow.Decimal128Type{Precision: 10, Scale: 2}
	var (
		auto   = wire{}
		b64    = wire{kind: wireDecimal, prec: 5, scale: 1}
		millis = wire{kind: wireTimestamp, unit: TimeMillis}
		nanos  = wire{kind: wireTimestamp, unit: TimeNanos}
	)
	type bad verdict
	for _, c := range []struct {
		w    wire
		t    arrow.DataType
		opt  Wire
		json string
		want any
	}{
		{auto, arrow.FixedWidthTypes.Boolean, Wire{}, `true`, true},
		{auto, arrow.FixedWidthTypes.Boolean, Wire{}, `1`, bad(mismatch)},
		{auto, arrow.PrimitiveTypes.Int32, Wire{}, `-2147483648`, int64(-2147483648)},
		{auto, arrow.PrimitiveTypes.Int32, Wire{}, `2147483648`, bad(mismatch)},
		{auto, arrow.PrimitiveTypes.Int64, Wire{}, `9223372036854775807`, int64(9223372036854775807)},
		{auto, arrow.PrimitiveTypes.Int64, Wire{}, `9223372036854775808`, bad(mismatch)},
		{auto, arrow.PrimitiveTypes.Int64, Wire{}, `1.0`, bad(mismatch)},
		{auto, arrow.PrimitiveTypes.Float64, Wire{}, `-1.5e3`, -1500.0},
		{auto, arrow.PrimitiveTypes.Float64, Wire{}, `1e400`, bad(outOfRange)},
		{auto, arrow.PrimitiveTypes.Float64, Wire{}, `"1"`, bad(mismatch)},
		{auto, arrow.PrimitiveTypes.Float64, Wire{}, `true`, bad(mismatch)},
		{auto, arrow.PrimitiveTypes.Float32, Wire{}, `1e39`, bad(outOfRange)},
		{auto, arrow.BinaryTypes.String, Wire{}, `{"a": 1}`, `{"a": 1}`},
		{auto, arrow.BinaryTypes.String, Wire{}, `1.50`, `1.50`},
		{auto, arrow.BinaryTypes.Binary, Wire{}, `"AP8="`, `\x00ff`},
		{auto, arrow.BinaryTypes.Binary, Wire{}, `"00ff"`, `\xd347df`}, // hexadecimal digits are base64 too: the form must be declared
		{auto, arrow.BinaryTypes.Binary, Wire{Binary: BinaryHex}, `"00ff"`, `\x00ff`},
		{auto, arrow.BinaryTypes.Binary, Wire{Binary: BinaryBase64URL}, `"_-8="`, `\xffef`},
		{auto, arrow.BinaryTypes.Binary, Wire{}, `5`, bad(mismatch)},

		{auto, decimal, Wire{}, `"MDk="`, "123.45"},
		{auto, decimal, Wire{}, `"/w=="`, "-0.01"},
		{auto, decimal, Wire{}, `"123.45"`, bad(mismatch)},
		{auto, decimal, Wire{}, `""`, bad(mismatch)},
		{auto, decimal, Wire{}, `"AlQL5AA="`, bad(outOfRange)}, // 10^10 / 100
		{auto, decimal, Wire{}, `123.4`, "123.40"},
		{auto, decimal, Wire{}, `1.5E3`, "1500.00"},
		{auto, decimal, Wire{}, `1e-3`, bad(outOfRange)},
		{auto, decimal, Wire{}, `1e999999999`, bad(outOfRange)},
		{auto, decimal, Wire{}, `{"scale":0,"value":"BQ=="}`, "5.00"},
		{auto, decimal, Wire{}, `{"scale":-2,"value":"BQ=="}`, "500.00"},
		{auto, decimal, Wire{}, `{"scale":4,"value":"BQ=="}`, bad(outOfRange)},
		{auto, decimal, Wire{}, `{"scale":4}`, bad(mismatch)},
		{auto, decimal, Wire{Decimal: DecimalText}, `"1234"`, "1234.00"},
		{auto, decimal, Wire{Decimal: DecimalText}, `"-0.5"`, "-0.50"},
		{auto, decimal, Wire{Decimal: DecimalText}, `"NaN"`, bad(outOfRange)},
		{auto, decimal, Wire{Decimal: DecimalText}, `"abc"`, bad(mismatch)},
		{auto, decimal, Wire{Decimal: DecimalText}, `"99999999.99"`, "99999999.99"},
		{auto, decimal, Wire{Decimal: DecimalText}, `"100000000"`, bad(outOfRange)},
		{auto, decimal, Wire{Decimal: DecimalText}, `"0.001"`, bad(outOfRange)},
		{b64, decimal, Wire{}, `"MDk="`, "1234.50"},
		{wire{kind: wireInt64}, &arrow.Decimal128Type{Precision: 20, Scale: 1}, Wire{}, `-7`, "-7.0"},
		{wire{kind: wireVarDecimal}, arrow.BinaryTypes.String, Wire{}, `{"scale":9,"value":"XODppWAV/sWq36MorjmBFQ=="}`, "123456789012345678901234567890.123456789"},
		{wire{kind: wireVarDecimal}, arrow.BinaryTypes.String, Wire{}, `{"scale":3,"value":"/w=="}`, "-0.001"},
		{wire{kind: wireVarDecimal}, arrow.BinaryTypes.String, Wire{}, `{"scale":-2,"value":"BQ=="}`, "500"},
		{wire{kind: wireVarDecimal}, arrow.BinaryTypes.String, Wire{}, `{"scale":2,"value":"AA=="}`, "0.00"},
		{wire{kind: wireVarDecimal}, arrow.BinaryTypes.String, Wire{}, `{"scale":99999,"value":"AQ=="}`, bad(outOfRange)},
		{wire{kind: wireDecimal, prec: 65, scale: 2}, arrow.BinaryTypes.String, Wire{}, `"MDk="`, "123.45"},
		{wire{kind: wireDate}, arrow.BinaryTypes.String, Wire{}, `19782`, "2024-02-29"},
		{wire{kind: wireBytes}, arrow.BinaryTypes.String, Wire{}, `"YWI="`, "ab"},
		{wire{kind: wireString}, arrow.BinaryTypes.Binary, Wire{}, `"ab"`, `\x6162`},

		{auto, arrow.FixedWidthTypes.Date32, Wire{}, `-719162`, "0001-01-01"},
		{auto, arrow.FixedWidthTypes.Date32, Wire{}, `-719163`, bad(outOfRange)},
		{auto, arrow.FixedWidthTypes.Date32, Wire{}, `2932896`, "9999-12-31"},
		{auto, arrow.FixedWidthTypes.Date32, Wire{}, `2932897`, bad(outOfRange)},
		{auto, arrow.FixedWidthTypes.Date32, Wire{}, `"2024-02-29Z"`, "2024-02-29"},
		{auto, arrow.FixedWidthTypes.Date32, Wire{}, `"2023-02-29"`, bad(mismatch)},
		{auto, arrow.FixedWidthTypes.Date32, Wire{}, `"-5877611-06-21Z"`, bad(outOfRange)},
		{auto, localMicros, Wire{}, `-1`, "1969-12-31T23:59:59.999999"},
		{auto, localMicros, Wire{}, `9223372036825200000`, bad(outOfRange)},
		{auto, localMicros, Wire{}, `253402300799999999`, "9999-12-31T23:59:59.999999"},
		{auto, localMicros, Wire{Time: TimeMillis}, `-1`, "1969-12-31T23:59:59.999"},
		{auto, localMicros, Wire{Time: TimeMillis}, `9223372036854775807`, bad(outOfRange)},
		{auto, localMicros, Wire{}, `"+294247-01-10T04:00:25.2Z"`, bad(outOfRange)},
		{auto, localMicros, Wire{}, `"2024-02-29 12:34:56.123456789"`, "2024-02-29T12:34:56.123456"},
		{auto, utcMillis, Wire{Time: TimeMicros}, `-1`, "1969-12-31T23:59:59.999Z"},
		{auto, utcMillis, Wire{}, `1709210096123`, "2024-02-29T12:34:56.123Z"},
		{millis, localMicros, Wire{}, `1709210096123`, "2024-02-29T12:34:56.123"},
		{nanos, localMicros, Wire{}, `-1`, "1969-12-31T23:59:59.999999"},
		{auto, utcMicros, Wire{}, `"2024-02-29T12:34:56.5+05:30"`, "2024-02-29T07:04:56.5Z"},
		{auto, utcMicros, Wire{}, `"0001-01-01T00:00:00.000000Z"`, "0001-01-01T00:00:00Z"},
		{auto, utcMicros, Wire{}, `"-0044-03-15T00:00:00Z"`, bad(outOfRange)},
		{auto, utcMicros, Wire{}, `"-infinity"`, bad(outOfRange)},
		{auto, utcMicros, Wire{}, `"today"`, bad(mismatch)},
		{auto, arrow.FixedWidthTypes.Time64us, Wire{}, `86399999999`, "23:59:59.999999"},
		{auto, arrow.FixedWidthTypes.Time64us, Wire{}, `86400000000`, bad(outOfRange)},
		{auto, arrow.FixedWidthTypes.Time64us, Wire{}, `-1`, bad(outOfRange)},
		{auto, arrow.FixedWidthTypes.Time64us, Wire{}, `"12:34:56.789Z"`, "12:34:56.789"},
		{auto, arrow.FixedWidthTypes.Time64us, Wire{}, `"24:00:00"`, bad(outOfRange)},
		{auto, arrow.FixedWidthTypes.Time64us, Wire{}, `"25:00:00"`, bad(mismatch)},
		{auto, arrow.FixedWidthTypes.Time32ms, Wire{}, `45296789`, "12:34:56.789"},
		{wire{kind: wireTime, unit: TimeMillis}, arrow.PrimitiveTypes.Int64, Wire{}, `-3`, int64(-3000)},

		{auto, arrow.ListOf(decimal), Wire{}, `[ "MDk=", null ,5]`, []any{"123.45", nil, "5.00"}},
		{auto, arrow.ListOf(decimal), Wire{}, `[1e-9]`, bad(outOfRange)},
		{auto, arrow.ListOf(decimal), Wire{}, `{}`, bad(mismatch)},
		{auto, arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32)), Wire{}, `[[1],[],null]`, []any{[]any{int64(1)}, []any{}, nil}},
		{
			auto, arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64}, arrow.Field{Name: "y", Type: arrow.BinaryTypes.String}), Wire{},
			`{"y":"a","z":[1],"x":2}`, map[string]any{"x": 2.0, "y": "a"},
		},
		{auto, arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64}), Wire{}, `[]`, bad(mismatch)},
	} {
		b := array.NewBuilder(memory.DefaultAllocator, c.t)
		conv := compile(&c.w, b, c.opt)
		require.NotNil(t, conv, "%v to %s", c.w, c.t)
		end, flags := skipValue([]byte(c.json), 0, 0)
		require.Equal(t, len(c.json), end)
		verdict := conv.append([]byte(c.json), value{end: end, flags: flags})
		require.Equal(t, 1, b.Len())
		a := b.NewArray()
		if want, ok := c.want.(bad); ok {
			require.Equal(t, want, bad(verdict), "%s as %s", c.json, c.t)
		} else {
			require.Equal(t, stored, verdict, "%s as %s", c.json, c.t)
			require.Equal(t, c.want, plain(a, 0), "%s as %s", c.json, c.t)
		}
		a.Release()
		b.Release()
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct {
		w wire
		t arrow.DataType
	}{
		{wire{kind: wireInt64}, arrow.PrimitiveTypes.Int32},
		{wire{kind: wireFloat64}, arrow.PrimitiveTypes.Float32},
		{wire{kind: wireString}, arrow.PrimitiveTypes.Int64},
		{wire{kind: wireTimestamp, unit: TimeMicros}, utcMillis},
		{wire{kind: wireTimestamp, unit: TimeMicros}, arrow.PrimitiveTypes.Int64},
		{wire{kind: wireDecimal, prec: 12, scale: 2}, &arrow.Decimal128Type{Precision: 11, Scale: 2}},
		{wire{kind: wireDecimal, prec: 12, scale: 3}, &arrow.Decimal128Type{Precision: 14, Scale: 2}},
		{wire{kind: wireInt64}, &arrow.Decimal128Type{Precision: 18}},
		{wire{kind: wireString}, &arrow.Decimal128Type{Precision: 18}},
		{wire{kind: wireUnsigned}, &arrow.Decimal128Type{Precision: 19}},
		{wire{kind: wireUnsigned}, arrow.PrimitiveTypes.Int64},
		{wire{kind: wireArray, elem: &wire{kind: wireInt64}}, arrow.ListOf(arrow.PrimitiveTypes.Int32)},
		{wire{kind: wireStruct, fields: []wireField{{name: "new"}}}, arrow.StructOf(arrow.Field{Name: "old", Type: arrow.PrimitiveTypes.Int32})},
		{wire{kind: wireMap, elem: &wire{kind: wireString}}, arrow.ListOf(arrow.BinaryTypes.String)},
	} {
		b := array.NewBuilder(memory.DefaultAllocator, c.t)
		require.Nil(t, compile(&c.w, b, Wire{}), "%v to %s", c.w, c.t)
		b.Release()
	}
}

func TestMapColumn(t *testing.T) {
	b := array.NewMapBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, false)
	defer b.Release()
	c := compile(&wire{kind: wireMap, elem: &wire{kind: wireInt64}}, b, Wire{})
	text := []byte(`{"a":1, "b\n" : null}`)
	require.Equal(t, stored, c.append(text, value{end: len(text)}))
	require.Equal(t, mismatch, c.append([]byte(`[]`), value{end: 2}))
	a := b.NewMapArray()
	defer a.Release()
	require.Equal(t, 2, a.Len())
	require.Equal(t, "b\n", a.Keys().(*array.String).Value(1))
	require.True(t, a.Items().IsNull(1))
}

func TestParseFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,17})?(e-?[0-9]{1,2})?`).Draw(t, "text")
		want, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		got, verdict := parseFloat([]byte(text), value{end: len(text)}, 64)
		require.Equal(t, stored, verdict)
		require.Equal(t, math.Float64bits(want), math.Float64bits(got))
	})
}

func TestCivilDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int64Range(-1_000_000_000, 1_000_000_000).Draw(t, "days")
		d := arrow.Date32(days).ToTime()
		require.Equal(t, days, civilDays(int64(d.Year()), int64(d.Month()), int64(d.Day())))
		require.LessOrEqual(t, int64(d.Day()), daysIn(int64(d.Year()), int64(d.Month())))
	})
}

func TestColumnName(t *testing.T) {
	for name, want := range map[string]string{"a_1": "a_1", "my col": "my_col", "1st": "_1st", "größe": "gr__e", "": "", "a.b": "a_b"} {
		require.Equal(t, want, columnName(name))
	}
}
