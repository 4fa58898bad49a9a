package expr

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

func TestCompare(t *testing.T) {
	ascending := [][]Value{
		{Bool(false), Bool(true)},
		{Int(math.MinInt64), Int(-1), Int(0), Int(math.MaxInt64)},
		{Float(math.Inf(-1)), Float(-1), Float(0), Float(math.MaxFloat64), Float(math.Inf(1)), Float(math.NaN())},
		{String(""), String("a"), String("a\x00"), String("b"), String("é")},
		{Bytes(nil), Bytes([]byte{0}), Bytes([]byte{0xFF})},
		{Decimal(decimal128.FromI64(-101), 2), Decimal(decimal128.FromI64(-1), 0), Decimal(decimal128.GetMaxValue(38).Negate(), 38), Decimal(decimal128.FromI64(5), 1), Decimal(decimal128.FromI64(51), 2), Decimal(decimal128.GetMaxValue(38), 0)},
	}
	for _, list := range ascending {
		for i, a := range list {
			for j, b := range list {
				order, ok := Compare(a, b)
				require.True(t, ok)
				require.Equal(t, i < j, order < 0, "%v %v", a, b)
				require.Equal(t, i == j, order == 0, "%v %v", a, b)
			}
		}
	}
	order, ok := Compare(Float(0), Float(math.Copysign(0, -1)))
	require.True(t, ok)
	require.Zero(t, order)
	for _, pair := range [][2]Value{{Null(), Null()}, {Int(1), Float(1)}, {Null(), Int(1)},
		{Decimal(decimal128.FromI64(1), 0), Decimal(decimal128.FromI64(1), 100)}} {
		_, ok := Compare(pair[0], pair[1])
		require.False(t, ok, "%v %v", pair[0], pair[1])
	}
}

func TestParseValue(t *testing.T) {
	decimal := &schema.Type{Kind: schema.Bytes, Logical: schema.Decimal, Precision: 38, Scale: 2}
	logical := func(k schema.Kind, l schema.Logical) *schema.Type { return &schema.Type{Kind: k, Logical: l} }
	for _, c := range []struct {
		t    *schema.Type
		text string
		want string // of Value.String, or the error
	}{
		{logical(schema.Boolean, 0), "true", "true"},
		{logical(schema.Boolean, 0), "1", `"1" is not a valid boolean`},
		{logical(schema.Int, 0), "-2147483648", "-2147483648"},
		{logical(schema.Int, 0), "2147483648", `"2147483648" does not fit int exactly`},
		{logical(schema.Int, 0), "5.0", "5"},
		{logical(schema.Int, 0), "5.5", `does not fit int exactly`},
		{logical(schema.Long, 0), "9223372036854775807", "9223372036854775807"},
		{logical(schema.Long, 0), "-9223372036854775809", `does not fit long exactly`},
		{logical(schema.Long, 0), "1e999999999999999999", `does not fit long exactly`},
		{logical(schema.Long, 0), "0e999999999999999999", "0"},
		{logical(schema.Long, 0), "1e-999999999999999999", `does not fit long exactly`},
		{logical(schema.Long, 0), "0x10", `"0x10" is not a valid long`},
		{logical(schema.Float, 0), "0.1", "0.10000000149011612"},
		{logical(schema.Double, 0), "NaN", "NaN"},
		{logical(schema.Double, 0), "-Infinity", "-Inf"},
		{logical(schema.Double, 0), "1e400", `does not fit double exactly`},
		{logical(schema.Double, 0), "inf", `"inf" is not a valid double`},
		{decimal, "999999999999999999999999999999999999.99", "999999999999999999999999999999999999.99"},
		{decimal, "-999999999999999999999999999999999999.99", "-999999999999999999999999999999999999.99"},
		{decimal, "1000000000000000000000000000000000000", "does not fit decimal(38,2) exactly"},
		{decimal, "12.5", "12.50"},
		{decimal, "125e-1", "12.50"},
		{decimal, "0.000", "0.00"},
		{decimal, "0.001", "does not fit decimal(38,2) exactly"},
		{decimal, "1.", "1.00"},
		{decimal, "", `"" is not a valid decimal(38,2)`},
		{logical(schema.String, 0), "", "''"},
		{&schema.Type{Kind: schema.Enum, Symbols: []string{"A"}}, "B", `"B" is not one of the enum's symbols ["A"]`},
		{logical(schema.Bytes, 0), "AAH/", "X'0001ff'"},
		{logical(schema.Bytes, 0), "AA", "not base64"},
		{&schema.Type{Kind: schema.Fixed, Size: 2}, "AAH/", "3 bytes given, the column has 2"},
		{&schema.Type{Kind: schema.Fixed, Size: 16, Logical: schema.UUID}, "00112233-4455-6677-8899-aabbccddeeff", "X'00112233445566778899aabbccddeeff'"},
		{&schema.Type{Kind: schema.Fixed, Size: 16, Logical: schema.UUID}, "00112233445566778899aabbccddeeff", "is not a valid uuid"},
		{logical(schema.Int, schema.Date), "1970-01-02", "1"},
		{logical(schema.Int, schema.Date), "1969-12-31", "-1"},
		{logical(schema.Int, schema.Date), "-0001-01-01", "-719893"},
		{logical(schema.Int, schema.Date), "2026-02-29", "is not a valid date"},
		{logical(schema.Int, schema.Date), "2026-01-31 10:00", "does not fit date exactly"},
		{logical(schema.Int, schema.TimeMillis), "00:00:01.5", "1500"},
		{logical(schema.Long, schema.TimeMicros), "23:59:59.999999", "86399999999"},
		{logical(schema.Long, schema.TimeMicros), "24:00:00", "is not a valid time-micros, write 10:20:30.123456"},
		{logical(schema.Long, schema.TimestampMillis), "1970-01-01T00:00:00.001Z", "1"},
		{logical(schema.Long, schema.TimestampMillis), "1970-01-01T00:00:00.0001Z", "does not fit timestamp-millis exactly"},
		{logical(schema.Long, schema.TimestampMicros), "1970-01-01 02:00:00+02:00", "0"},
		{logical(schema.Long, schema.TimestampMicros), "1969-12-31T23:59:59.999999-0000", "-1"},
		{logical(schema.Long, schema.TimestampMicros), "+294247-01-10T04:00:54.775807Z", "9223372036854775807"},
		{logical(schema.Long, schema.TimestampMicros), "+294247-01-10T04:00:54.775808Z", "does not fit timestamp-micros exactly"},
		{logical(schema.Long, schema.TimestampMicros), "-290308-12-21T19:59:05.224192Z", "-9223372036854775808"},
		{logical(schema.Long, schema.TimestampMicros), "-290308-12-21T19:59:05.224191Z", "does not fit timestamp-micros exactly"},
		{logical(schema.Long, schema.TimestampMicros), "tomorrow", "is not a valid timestamp-micros, write 2026-01-31T10:20:30.123456Z"},
		{logical(schema.Long, schema.LocalTimestampMicros), "1970-01-01T00:00:00.000001", "1"},
		{logical(schema.Long, schema.LocalTimestampMicros), "1970-01-01T00:00:00Z", "leave the zone out"},
		{&schema.Type{Kind: schema.Array, Elem: logical(schema.Int, 0)}, "[]", `"[]" is not a valid array`},
	} {
		v, err := ParseValue(c.t, c.text)
		if err != nil {
			require.ErrorContains(t, err, c.want, c.text)
			require.ErrorIs(t, err, base.ErrInvalid)
			continue
		}
		require.Equal(t, c.want, v.String(), c.text)
	}
}

func TestMayMatchPartition(t *testing.T) {
	s := parseSchema(t, modelSchema)
	values := map[string]string{"s": "x", "i": "5", "dt": "2026-01-31", "tsu": "2026-01-31 00:00:00", "dec": "1.50", "t": base.DefaultPartition, "j": base.DefaultPartition, "l": "five"}
	for text, want := range map[string]bool{
		"s = 'x'":                true,
		"s = 'y'":                false,
		"NOT s = 'x'":            false,
		"s IS NULL":              false,
		"i > 5":                  false,
		"i >= 5 AND d = 1":       true,
		"dt = '2026-01-31'":      true,
		"dt < DATE '2026-01-31'": false,
		"tsu < '1999-01-01'":     true, // its zone is unknown
		"dec = 1.5":              true,
		"dec > 1.501":            false,
		"t = ''":                 true,
		"t IS NULL":              true,
		"t = 'x'":                false,
		"j = 1":                  false,
		"j IS NULL":              true,
		"j IS NOT NULL":          false,
		"l = 1":                  true, // the folder proves nothing
	} {
		e, err := Parse(text)
		require.NoError(t, err)
		b, err := Bind(e, s)
		require.NoError(t, err)
		require.Equal(t, want, b.MayMatchPartition(values), text)
	}
}

// TestMayMatchRules follows docs/format/queries.md (pruning), where pruning must happen.
func TestMayMatchRules(t *testing.T) {
	s := parseSchema(t, modelSchema)
	stats := modelStats{
		"i":   {Int(10), Int(20), 0, 5},
		"j":   {Int(7), Int(7), 1, 5},
		"l":   {Null(), Null(), 5, 5},
		"d":   {Float(1), Float(2), 0, 5},
		"s":   {String("car"), String("cat"), 0, 5},
		"t":   {String("d"), String("e"), 0, 5},
		"dec": {Decimal(decimal128.FromI64(1_500_000), 6), Decimal(decimal128.FromI64(2_500_000), 6), 0, 5},
	}
	for text, want := range map[string]bool{
		"i = 9": false, "i = 15": true, "i < 10": false, "i <= 10": true, "i > 20": false, "i >= 20": true,
		"i <> 9": true, "j <> 7": false, "NOT j = 7": false, "j IN (1, 2)": false, "j NOT IN (7, 8)": false,
		"i IN (1, 9, 21)": false, "i IN (1, 12)": true, "i IS NULL": false, "i IS NOT NULL": true,
		"j IS NULL": true, "l = 1": false, "l IS NOT NULL": false, "l <> 1": false,
		"d = 5": false, "d > 5": true /* NaN */, "d < 1": false, "d = 'NaN'": true,
		"s LIKE 'b%'": false, "s LIKE 'cat%'": true, "s LIKE 'ca%'": true, "s NOT LIKE 'ca%'": false, "s LIKE 'cb%'": false, "s NOT LIKE 'car%'": true,
		"s < t": true, "s > t": false, "s = t": false, "dec = 1.5": true, "dec < 1.5": false, "dec > 2.5": false,
		"i = 9 OR j = 7": true, "i = 9 OR j = 8": false, "i = 15 AND j = 8": false, "tsu = '2026-01-01'": true,
	} {
		e, err := Parse(text)
		require.NoError(t, err)
		b, err := Bind(e, s)
		require.NoError(t, err)
		require.Equal(t, want, b.MayMatch(stats), text)
	}
}
