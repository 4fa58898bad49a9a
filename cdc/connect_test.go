package cdc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
)

// embed wraps an event in its schema; fields are those of the rows.
func embed(fields, payload string) []byte {
	row := fmt.Sprintf(`{"type":"struct","fields":[%s],"optional":true,"name":"s.p.t.Value","field":`, fields)
	return fmt.Appendf(nil, `{"schema":{"type":"struct","fields":[%s"before"},%s"after"},{"type":"struct","fields":[{"type":"int64","optional":true,"field":"lsn"}],"field":"source"},`+
		`{"type":"string","optional":false,"field":"op"}],"optional":false,"name":"s.p.t.Envelope","version":1},"payload":%s}`, row, row, payload)
}

func TestConnectTypes(t *testing.T) {
	connect := func(name string) string { return "org.apache.kafka.connect.data." + name }
	iod := func(name string) string { return "io.debezium." + name }
	for _, c := range []struct{ physical, name, params, json, kind, want string }{
		{`"int8"`, "", "", `1`, "int", `1`},
		{`"int16"`, iod("time.Year"), "", `2024`, "int", `2024`},
		{`"int64"`, "", "", `1`, "long", `1`},
		{`"float"`, "", "", `"NaN"`, "float", `NaN`},
		{`"double"`, "", "", `1.5`, "double", `1.5`},
		{`"boolean"`, "", "", `true`, "boolean", `true`},
		{`"bytes"`, iod("data.Bits"), `"length":"8"`, `"gQ=="`, "bytes", `\x81`},
		{`"bytes"`, connect("Decimal"), `"scale":"2","connect.decimal.precision":"12"`, `"BBo="`, "decimal(12,2)", `10.50`},
		{`"bytes"`, connect("Decimal"), `"scale":"2"`, `"BBo="`, "decimal(19,2)", `10.50`},
		{`"bytes"`, connect("Decimal"), `"scale":"30","connect.decimal.precision":"65"`, `"BBo="`, "string", `0.000000000000000000000000001050`},
		{`"int32"`, connect("Date"), "", `19782`, "date", `2024-02-29`},
		{`"int32"`, iod("time.Date"), "", `19782`, "date", `2024-02-29`},
		{`"string"`, iod("time.IsoDate"), "", `"2024-02-29Z"`, "date", `2024-02-29`},
		{`"int32"`, iod("time.Time"), "", `1000`, "long", `1000000`},
		{`"int64"`, iod("time.MicroTime"), "", `-3020399000000`, "long", `-3020399000000`},
		{`"int64"`, iod("time.NanoTime"), "", `1500`, "long", `1`},
		{`"int32"`, connect("Time"), "", `1000`, "time-millis", `00:00:01`},
		{`"string"`, iod("time.IsoTime"), "", `"23:59:59.999999Z"`, "time-micros", `23:59:59.999999`},
		{`"int64"`, iod("time.Timestamp"), "", `1`, "local-timestamp-micros", `1970-01-01T00:00:00.001`},
		{`"int64"`, iod("time.MicroTimestamp"), "", `1`, "local-timestamp-micros", `1970-01-01T00:00:00.000001`},
		{`"int64"`, iod("time.NanoTimestamp"), "", `1000`, "local-timestamp-micros", `1970-01-01T00:00:00.000001`},
		{`"string"`, iod("time.IsoTimestamp"), "", `"2024-02-29T12:34:56Z"`, "local-timestamp-micros", `2024-02-29T12:34:56`},
		{`"int64"`, connect("Timestamp"), "", `1`, "timestamp-millis", `1970-01-01T00:00:00.001Z`},
		{`"string"`, iod("time.ZonedTimestamp"), "", `"2024-02-29T12:34:56Z"`, "timestamp-micros", `2024-02-29T12:34:56Z`},
		{`"string"`, iod("time.ZonedTime"), "", `"10:34:56Z"`, "string", `10:34:56Z`},
		{`"string"`, iod("data.Uuid"), "", `"a"`, "string", `a`},
		{`"string"`, iod("data.Enum"), `"allowed":"a,b"`, `"a"`, "string", `a`},
		{`"int64"`, iod("time.MicroDuration"), "", `5`, "long", `5`},
		{`"array","items":{"type":"int32","optional":true}`, "", "", `[1,null]`, "array", `[1 <nil>]`},
		{`"array","items":{"type":"array","items":{"type":"string"}}`, "", "", `[["a"]]`, "array", `[[a]]`},
		{`"struct","fields":[{"type":"int32","field":"scale"},{"type":"bytes","field":"value"}]`, iod("data.VariableScaleDecimal"), "", `{"scale":1,"value":"BQ=="}`, "string", `0.5`},
		{`"struct","fields":[{"type":"double","field":"x"},{"type":"bytes","field":"w kb"}]`, iod("data.geometry.Point"), "", `{"x":1,"w kb":"AA=="}`, "record", `map[w_kb:\x00 x:1]`},
	} {
		field := fmt.Sprintf(`{"type":"int32","optional":false,"default":0,"field":"id"},{"type":%s,"optional":true,"name":"%s","version":1,"parameters":{%s},"field":"c"}`, c.physical, c.name, c.params)
		d, err := NewDecoder(Options{Topic: "s.p.t"})
		require.NoError(t, err)
		value := embed(field, `{"before":null,"after":{"id":1,"c":`+c.json+`},"source":{"connector":"postgresql","lsn":1},"op":"c"}`)
		require.NoError(t, d.Append(Record{Key: []byte(`{"id":1}`), Value: value}), "%s %s", c.physical, c.name)
		f, _, ok := d.Schema().Field("c")
		require.True(t, ok)
		kind := f.Type.Kind.String()
		switch {
		case f.Type.Logical == schema.Decimal:
			kind = fmt.Sprintf("decimal(%d,%d)", f.Type.Precision, f.Type.Scale)
		case f.Type.Logical != schema.NoLogical:
			kind = f.Type.Logical.String()
		}
		require.Equal(t, c.kind, kind, "%s %s", c.physical, c.name)
		b := d.Flush()
		require.Equal(t, c.want, fmt.Sprint(rowOf(b.Rows[0], 0)["c"]), "%s %s", c.physical, c.name)
		b.Release()
		d.Release()
	}
}

func TestConnectRefused(t *testing.T) {
	for _, field := range []string{
		`{"type":"int128","field":"c"}`, `{"type":"array","field":"c"}`, `{"type":"map","keys":{"type":"int32"},"values":{"type":"int32"},"field":"c"}`,
		`{"type":5,"field":"c"}`, strings.Repeat(`{"type":"array","items":`, 50) + `{"type":"int32"}` + strings.Repeat("}", 50),
	} {
		d, err := NewDecoder(Options{})
		require.NoError(t, err)
		require.Error(t, d.Append(Record{Key: []byte(`{"c":1}`), Value: embed(field, `{"after":{"c":1},"source":{"connector":"postgresql","lsn":1},"op":"c"}`)}), field)
		require.Nil(t, d.Schema())
	}
}

// A payload that does not keep to its schema is an error or ignored, never a panic.
func TestPayloadBesideSchema(t *testing.T) {
	wide := `{"type":"int32","field":"id"},{"type":"string","field":"v"}`
	d, err := NewDecoder(Options{})
	require.NoError(t, err)
	defer d.Release()
	add := func(fields, payload string) error {
		return d.Append(Record{Key: []byte(`{"id":1}`), Value: embed(fields, payload), Headers: []Header{{Key: oldKeyHeader, Value: []byte(`{"id":1}`)}}})
	}
	const source = `"source":{"connector":"postgresql","lsn":1}`
	require.NoError(t, add(wide, `{"after":{"id":1,"v":"x"},"op":"c",`+source+`}`))
	require.NoError(t, add(`{"type":"int32","field":"id"}`, `{"after":{"id":1,"v":"x"},"op":"c",`+source+`}`))
	require.ErrorIs(t, add(`{"type":"string","field":"v"}`, `{"after":{"id":1,"v":"x"},"op":"c",`+source+`}`), ErrNoKey)
	require.ErrorIs(t, add(`{"type":"string","field":"v"}`, `{"after":null,"op":"d",`+source+`}`), ErrNoKey)
	require.ErrorIs(t, add(wide, `{"after":{"id":1,"v":[]},"op":"c","source":[]}`), ErrMalformed)
	swapped := []byte(`{"payload":{"after":{"id":3,"v":"y"},"op":"c",` + source + `},"schema":{"type":"struct","fields":[{"type":"struct","fields":[` + wide + `],"field":"after"}]}}`)
	require.NoError(t, d.Append(Record{Key: []byte(`{"id":1}`), Value: swapped}))
	b := d.Flush()
	defer b.Release()
	rows := allRows(b)
	require.Len(t, rows, 3)
	require.Nil(t, rows[1]["v"])
	require.Equal(t, "y", rows[2]["v"])
}
