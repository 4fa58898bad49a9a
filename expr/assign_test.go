package expr

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

const assignSchema = `{"type":"record","name":"r","fields":[
	{"name":"i","type":["null","int"],"default":null},
	{"name":"l","type":["null","long"],"default":null},
	{"name":"f","type":["null","float"],"default":null},
	{"name":"d","type":["null","double"],"default":null},
	{"name":"m","type":["null",{"type":"fixed","name":"m_fixed","size":5,"logicalType":"decimal","precision":10,"scale":2}],"default":null},
	{"name":"s","type":["null","string"],"default":null},
	{"name":"t","type":["null","string"],"default":null},
	{"name":"day","type":["null",{"type":"int","logicalType":"date"}],"default":null},
	{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
	{"name":"b","type":["null","boolean"],"default":null},
	{"name":"must","type":"string"},
	{"name":"list","type":["null",{"type":"array","items":["null","int"]}],"default":null}]}`

// assignRows are a row with values, a row with others and a row of nulls.
const assignRows = `[
	{"i":2147483647,"l":40,"f":1.5,"d":2.5,"m":"1.25","s":" Ab ","t":"x","day":"2026-01-31","at":"2026-01-31T10:20:30.123456Z","b":true,"must":"m","list":[1]},
	{"i":3,"l":9223372036854775807,"f":0,"d":0,"m":"-99999999.99","s":"é","t":"y","day":"1969-12-31","at":"1969-12-31T23:59:59Z","b":false,"must":"n","list":[]},
	{"i":null,"l":null,"f":null,"d":null,"m":null,"s":null,"t":null,"day":null,"at":null,"b":null,"must":"o","list":null}]`

// assign applies one assignment and shows the column as JSON.
func assign(t *testing.T, text string) (string, error) {
	t.Helper()
	s, err := schema.Parse(assignSchema)
	require.NoError(t, err)
	a, err := ParseAssignment(text)
	if err != nil {
		return "", err
	}
	again, err := ParseAssignment(a.String())
	require.NoError(t, err, a.String())
	require.Equal(t, a.String(), again.String())
	setter, err := BindAssignments([]Assignment{a}, s)
	if err != nil {
		return "", err
	}
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	batch, _, err := array.RecordFromJSON(alloc, s.Arrow(), strings.NewReader(assignRows))
	require.NoError(t, err)
	defer batch.Release()
	out, err := setter.Apply(batch, alloc)
	if err != nil {
		return "", err
	}
	defer out.Release()
	require.True(t, out.Schema().Equal(batch.Schema()))
	at := out.Schema().FieldIndices(setter.Columns()[0])[0]
	require.True(t, arrow.TypeEqual(out.Schema().Field(at).Type, out.Column(at).DataType()))
	for i := range out.Columns() {
		if i != at {
			require.True(t, array.Equal(batch.Column(i), out.Column(i)), out.Schema().Field(i).Name)
		}
	}
	shown := make([]string, out.NumRows())
	for row := range shown {
		shown[row] = out.Column(at).ValueStr(row)
	}
	return strings.Join(shown, " "), nil
}

func TestAssign(t *testing.T) {
	for text, want := range map[string]string{
		"i = 7":                        "7 7 7",
		"I = -7":                       "-7 -7 -7", // names in any case, as in conditions
		"i = NULL":                     "(null) (null) (null)",
		"b = TRUE":                     "true true true",
		"s = 'it''s'":                  "it's it's it's",
		"must = 'x'":                   "x x x",
		"day = '2026-02-28'":           "2026-02-28 2026-02-28 2026-02-28",
		"day = DATE '2026-02-28'":      "2026-02-28 2026-02-28 2026-02-28",
		"m = 1.5":                      "1.5 1.5 1.5",
		"d = 1e3":                      "1000 1000 1000",
		"f = 1":                        "1 1 1",
		"s = t":                        "x y (null)",
		"t = s || '-' || t":            " Ab -x é-y (null)",
		"t = CONCAT(UPPER(s), t)":      " AB x Éy (null)",
		"t = trim(s)":                  "Ab é (null)",
		"t = lower(trim(s))":           "ab é (null)",
		"s = COALESCE(s, 'none')":      " Ab  é none",
		"i = COALESCE(i, 0)":           "2147483647 3 0",
		"d = COALESCE(d, i, 7)":        "2.5 0 7",
		"l = i + 1":                    "2147483648 4 (null)",
		"l = (i - 1) * 2 + 1":          "4294967293 5 (null)",
		"l = i - 1 - 1":                "2147483645 1 (null)",
		"l = i - (1 - 1)":              "2147483647 3 (null)",
		"l = i -1":                     "2147483646 2 (null)",
		"d = d / f":                    "1.6666666666666667 (null) (null)", // by zero: null, as in Spark
		"d = 1 / 4":                    "0.25 0.25 0.25",
		"d = i * 0.5":                  "1.0737418235e+09 1.5 (null)",
		"f = f * 2":                    "3 0 (null)",
		"m = m + 1":                    "2.25 -99999998.99 (null)",
		"at = at":                      "2026-01-31T10:20:30.123456 1969-12-31T23:59:59 (null)",
		"list = list":                  "[1] [] (null)",
		"i = \"l\" - l + 5":            "5 5 (null)",
		"l = -9223372036854775808":     "-9223372036854775808 -9223372036854775808 -9223372036854775808",
		"l = -9223372036854775808 * 1": "-9223372036854775808 -9223372036854775808 -9223372036854775808",
	} {
		got, err := assign(t, text)
		require.NoError(t, err, text)
		got = strings.NewReplacer("Z", "", "+00:00", "").Replace(got)
		require.Equal(t, want, got, text)
	}
}

func TestAssignRounds(t *testing.T) {
	for text, want := range map[string]string{
		"m = COALESCE(NULL, 0.005)":        "0.01 0.01 0.01",
		"m = COALESCE(NULL, -0.005)":       "-0.01 -0.01 -0.01",
		"m = COALESCE(NULL, 0.0049999)":    "0 0 0",
		"m = COALESCE(NULL, 99999999.994)": "99999999.99 99999999.99 99999999.99",
		"m = (m - m) + 1.005":              "1.01 1.01 (null)",
	} {
		got, err := assign(t, text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestAssignFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "position 1: expected column = value",
		"i":                              "expected = after the column",
		"i = ":                           "expected a value",
		"i = 1 2":                        "position 7: expected an operator or the end",
		"i = (1":                         "expected ) to close the ( at position 5",
		"i = 1 +":                        "expected a value",
		"i = 1 / 2":                      "column i is int, and the value is a floating-point number",
		"i = 1.5":                        "does not fit int exactly",
		"i = i * 1.5":                    "column i is int, and the value is a decimal number",
		"i = 'x'":                        "column i: 'x' cannot be compared", // as conditions say it
		"i = i + 'x'":                    "+ needs numbers, not text",
		"s = i":                          "column s is string, and the value is a whole number",
		"s = s || i":                     "only texts can be joined, not a whole number",
		"must = NULL":                    "column must takes no nulls",
		"must = s":                       "the value is null, and the column takes none",
		"nope = 1":                       "no column \"nope\"",
		"i = nope":                       "no column \"nope\"",
		"i = i + 1":                      "2147483648 does not fit int",
		"l = l + 1":                      "9223372036854775807 + 1: the result is too large",
		"l = l * 2":                      "9223372036854775807 * 2: the result is too large",
		"l = 0 - 9223372036854775807 -2": "the result is too large",
		"i.x = 1":                        "a field within a column cannot be set",
		"i = ABS(i)":                     "there is no function ABS",
		"s = UPPER(s, t)":                "UPPER takes one text",
		"i = COALESCE(i, s)":             "the values of COALESCE are text and numbers",
		"day = day + 1":                  "column day is date, which cannot be computed with",
		"list = 1":                       "list",
		"m = 1.005":                      "does not fit decimal(10,2) exactly",
		"m = i":                          "the value does not fit decimal(10,2)",
		"m = m * 2.005":                  "the value does not fit decimal(10,2)",
	} {
		_, err := assign(t, text)
		require.ErrorContains(t, err, want, text)
		require.ErrorIs(t, err, base.ErrInvalid, text)
	}
	a, err := ParseAssignment("i = 1")
	require.NoError(t, err)
	s, err := schema.Parse(assignSchema)
	require.NoError(t, err)
	_, err = BindAssignments([]Assignment{a, a}, s)
	require.ErrorContains(t, err, "column i is set twice")
}
