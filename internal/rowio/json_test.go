package rowio

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// TestJSONEncoding holds the encoding of docs/contract.md, byte for byte.
func TestJSONEncoding(t *testing.T) {
	lines := []string{
		`{"id":"a","b":true,"i":-5,"l":9223372036854775807,"f":0.1,"d":1e+21,"dec":"12.5000000000","small":"-0.05","whole":"99999999999999999999",` +
			`"s":"é☃ \"q\"\\ \n\u0001<&>","bin":"AAH/","fx":"AAEC","u":"00112233-4455-6677-8899-aabbccddeeff","us":"U","dt":"2026-01-31","tm":"10:20:30.123000","tu":"10:20:30.123456",` +
			`"tsm":"2026-01-31T10:20:30.123000Z","tsu":"1969-12-31T23:59:59.999999Z","lsm":"2026-01-31T10:20:30.123000","lsu":"2026-01-31T10:20:30.123456","en":"RED",` +
			`"arr":[1,null,3],"m":{"k":1.5,"\"":null},"st":{"x":null,"list":[{"y":"z","at":"1970-01-01T00:00:00.000000Z"}]}}`,
		`{"id":"","b":false,"i":0,"l":0,"f":"NaN","d":"-Infinity","dec":"0.0000000000","small":"0.00","whole":"0","s":"","bin":"","fx":"AAAA",` +
			`"u":"00000000-0000-0000-0000-000000000000","us":"","dt":"0000-12-31","tm":"00:00:00.000000","tu":"23:59:59.999999","tsm":"+292278994-08-17T07:12:55.807000Z",` +
			`"tsu":"-290308-12-21T19:59:05.224192Z","lsm":"0001-01-01T00:00:00.000000","lsu":"9999-12-31T23:59:59.999999","en":"GREEN","arr":[],"m":{},"st":{"x":1,"list":[]}}`,
		`{"id":"n","b":null,"i":null,"l":null,"f":null,"d":null,"dec":null,"small":null,"whole":null,"s":null,"bin":null,"fx":null,"u":null,"us":null,"dt":null,"tm":null,` +
			`"tu":null,"tsm":null,"tsu":null,"lsm":null,"lsu":null,"en":null,"arr":null,"m":null,"st":null}`,
	}
	text := strings.Join(lines, "\n") + "\n"
	s := parseSchema(t, allTypes)
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	// A reader that gives one byte at a time proves the line splitting.
	_, batch := readAll(t, iotest.OneByteReader(strings.NewReader(text)), JSONL, ReadOptions{Schema: s, Alloc: alloc})
	defer batch.Release()
	require.Equal(t, text, string(encode(t, JSONL, s, alloc, batch)))
}

func TestAppendFloat(t *testing.T) {
	for want, v := range map[string]float64{"0": 0, "-0": math.Copysign(0, -1), "1": 1, "100000000000000000000": 1e20, "1e+21": 1e21, "0.000001": 1e-6, "1e-7": 1e-7, "1.5e-100": 1.5e-100, "5e-324": 5e-324} {
		require.Equal(t, want, string(appendFloat(nil, v, 64)))
	}
	require.Equal(t, "3.4028235e+38", string(appendFloat(nil, math.MaxFloat32, 32)))
	require.Equal(t, "16777216", string(appendFloat(nil, 16777216, 32)))
}

func TestAppendDecimal(t *testing.T) {
	for want, c := range map[string]struct {
		n     decimal128.Num
		scale int
	}{
		"0":                                      {decimal128.FromI64(0), 0},
		"0.000":                                  {decimal128.FromI64(0), 3},
		"-0.001":                                 {decimal128.FromI64(-1), 3},
		"-12.5":                                  {decimal128.FromI64(-125), 1},
		"99999999999999999999999999999999999999": {decimal128.GetMaxValue(38), 0},
		"-0.99999999999999999999999999999999999999": {decimal128.GetMaxValue(38).Negate(), 38},
		"18446744073709551616.0":                    {decimal128.New(10, 0), 1},
	} {
		require.Equal(t, want, string(appendDecimal(nil, c.n, c.scale)))
	}
}

func TestJSONLenient(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[
	 {"name":"n","type":"long"},{"name":"dec","type":["null",{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}],"default":null},
	 {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"s","type":["null","string"],"default":null}]}`)
	text := "\ufeff" + `  { "s" : "\u00e9\ud83d\ude00\ud800x\/" , "n" : 5e0, "other": [{"x": [1, "a", null, true]}] } ` + "\r\n\n \n" +
		`{"at":"2026-01-31 10:20:30+02:00","dec":1.5,"n":-0}`
	_, batch := readAll(t, strings.NewReader(text), JSONL, ReadOptions{Schema: s, IgnoreUnknown: true, Alloc: memory.DefaultAllocator})
	defer batch.Release()
	require.Equal(t, `{"n":5,"dec":null,"at":null,"s":"é😀`+"\ufffd"+`x/"}`+"\n"+`{"n":0,"dec":"1.50","at":"2026-01-31T08:20:30.000000Z","s":null}`+"\n",
		string(encode(t, JSONL, s, memory.DefaultAllocator, batch)))
}

func TestJSONErrors(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"n","type":"int"},
	 {"name":"dec","type":["null",{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}],"default":null},
	 {"name":"dt","type":["null",{"type":"int","logicalType":"date"}],"default":null},
	 {"name":"s","type":["null","string"],"default":null},
	 {"name":"bin","type":["null","bytes"],"default":null},
	 {"name":"d","type":["null","double"],"default":null},
	 {"name":"arr","type":["null",{"type":"array","items":"long"}],"default":null},
	 {"name":"st","type":["null",{"type":"record","name":"q","fields":[{"name":"x","type":{"type":"map","values":"int"}}]}],"default":null}]}`)
	for text, want := range map[string]string{
		`{"n":3000000000}`:              `column n: "3000000000" does not fit int exactly`,
		`{"n":1.5}`:                     `column n: "1.5" does not fit int exactly`,
		`{"n":"1"}`:                     `column n: a string, and the column is of type int`,
		`{"n":null}`:                    `column n: null, and the column cannot be null`,
		`{}`:                            `column n: missing, and the column cannot be null`,
		`{"n":1,"n":2}`:                 `column n: the object has it twice`,
		`{"n":1,"ss":""}`:               `schema: no column "ss", did you mean "s"?`,
		`{"n":1,"dec":1.005}`:           `column dec: "1.005" does not fit decimal(5,2) exactly`,
		`{"n":1,"dec":"1000"}`:          `column dec: "1000" does not fit decimal(5,2) exactly`,
		`{"n":1,"dt":17000}`:            `column dt: a number, and the column is a date, which is written as a string`,
		`{"n":1,"dt":"31.01.2026"}`:     `column dt: "31.01.2026" is not a valid date, write 2026-01-31`,
		`{"n":1,"s":5}`:                 `column s: a number, and the column is of type string: write it in quotes`,
		`{"n":1,"bin":"!"}`:             `column bin: the text is not base64`,
		`{"n":1,"d":"1.5"}`:             `column d: a string, and the column is of type double`,
		`{"n":1,"d":1e999}`:             `column d: "1e999" does not fit double exactly`,
		`{"n":1,"arr":[1,null]}`:        `column arr.element: null, and the column cannot be null`,
		`{"n":1,"arr":{}}`:              `column arr: an object, and the column is of type array`,
		`{"n":1,"st":{"x":{"k":1e10}}}`: `column st.x.value: "1e10" does not fit int exactly`,
		`{"n":1,"st":{"y":1}}`:          `column st: schema: no column "y"`,
		`[1]`:                           `broken JSON: expected an object at byte 1, found '['`,
		`{"n":1`:                        `broken JSON: expected a comma or }, found the end`,
		`{"n":1}}`:                      `broken JSON: expected the end of the line at byte 8, found '}'`,
		`{"n":01}`:                      `broken JSON: expected a comma or } at byte 7, found '1'`,
		`{"n":1.}`:                      `expected a digit`,
		`{"n":-}`:                       `expected a digit`,
		`{"n":nul}`:                     `expected true, false or null`,
		`{"n"1}`:                        `expected a colon`,
		`{n:1}`:                         `expected a "`,
		`{"n":1,"s":"\x"}`:              `expected an escape`,
		`{"n":1,"s":"\u12"}`:            `expected four hexadecimal digits`,
		"{\"n\":1,\"s\":\"\t\"}":        `expected no control character in a string`,
		`{"n":1,"s":"`:                  `expected a " that ends the string, found the end`,
		`{"n":1,"s":}`:                  `expected a value`,
	} {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		_, rows, err := Read(context.Background(), strings.NewReader("{\"n\":7}\n\n"+text+"\n{\"n\":8}"), JSONL, ReadOptions{Name: "trips.jsonl", Schema: s, Alloc: alloc})
		require.NoError(t, err)
		for _, e := range rows {
			err = e
		}
		require.ErrorContains(t, err, "rowio: trips.jsonl: line 3: ", text)
		require.ErrorContains(t, err, want, text)
		require.ErrorIs(t, err, base.ErrInvalid, text)
		alloc.AssertSize(t, 0)
	}
}

func TestJSONLimits(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"s","type":["null","string"],"default":null}]}`)
	read := func(ctx context.Context, r io.Reader) error {
		_, rows, err := Read(ctx, r, JSONL, ReadOptions{Schema: s, IgnoreUnknown: true, Alloc: memory.DefaultAllocator})
		require.NoError(t, err)
		for _, e := range rows {
			err = errors.Join(err, e)
		}
		return err
	}
	long := `{"s":"` + strings.Repeat("x", maxLine) + `"}`
	require.ErrorContains(t, read(context.Background(), strings.NewReader("{}\n"+long)), "line 2 is longer than 16 MiB")
	require.NoError(t, read(context.Background(), strings.NewReader(`{"s":"`+strings.Repeat("x", 1<<20)+`"}`)))
	deep := `{"z":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`
	require.ErrorContains(t, read(context.Background(), strings.NewReader(deep)), "nested deeper than 100 levels")
	broken := errors.New("broken pipe")
	require.ErrorIs(t, read(context.Background(), io.MultiReader(strings.NewReader("{}\n"), iotest.ErrReader(broken))), broken)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, read(ctx, strings.NewReader("{}")), context.Canceled)
}

func TestInferJSON(t *testing.T) {
	text := `{"id":"a","n":1,"x":1,"ok":true,"none":null,"tags":["p"],"st":{"a":1}}
{"id":null,"n":null,"x":2.5,"tags":[],"st":{"b":{"c":[1.5]}},"late":[null]}
`
	s, batch := readAll(t, strings.NewReader(text), JSONL, ReadOptions{Table: "trips", Alloc: memory.DefaultAllocator})
	defer batch.Release()
	require.Equal(t, "trips_record", s.Record().Name)
	require.Equal(t, `{"id":"a","n":1,"x":1,"ok":true,"none":null,"tags":["p"],"st":{"a":1,"b":null},"late":null}
{"id":null,"n":null,"x":2.5,"ok":null,"none":null,"tags":[],"st":{"a":null,"b":{"c":[1.5]}},"late":[null]}
`, string(encode(t, JSONL, s, memory.DefaultAllocator, batch)))
	for name, want := range map[string]arrow.Type{"id": arrow.STRING, "n": arrow.INT64, "x": arrow.FLOAT64, "ok": arrow.BOOL, "none": arrow.STRING, "tags": arrow.LIST, "st": arrow.STRUCT} {
		_, i, ok := s.Field(name)
		require.True(t, ok)
		require.Equal(t, want, s.Arrow().Field(i).Type.ID(), name)
		require.True(t, s.Arrow().Field(i).Nullable)
	}
	for text, want := range map[string]string{
		"{\"a\":1}\n{\"a\":\"x\"}":                  "line 2: column a: a string here and a whole number before: give a schema",
		"{\"a\":{\"b\":[1]}}\n{\"a\":{\"b\":[{}]}}": "line 2: column a.b.element: an object here and a whole number before",
		`{"a":9223372036854775808}`:                 "line 1: column a: 9223372036854775808 does not fit a long: give a schema",
		`[]`:                                        "line 1: broken JSON: expected an object at byte 1, found '['",
		`{"a b":1}`:                                 `"a b" is no Avro name`,
	} {
		_, _, err := Read(context.Background(), strings.NewReader(text), JSONL, ReadOptions{Table: "t", Alloc: memory.DefaultAllocator})
		require.ErrorContains(t, err, want, text)
		require.ErrorIs(t, err, base.ErrInvalid, text)
	}
}

func TestWriterRefusesOtherRows(t *testing.T) {
	a := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"n","type":"long"}]}`)
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int32}}, nil))
	defer b.Release()
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, f := range []Format{JSONL, CSV, Table, Parquet, Arrow} {
		w, err := NewWriter(io.Discard, f, a, WriteOptions{Alloc: memory.DefaultAllocator})
		require.NoError(t, err)
		require.ErrorContains(t, w.Write(batch), "column 1 of the rows is n int32, and in the schema n int64", f)
		require.NoError(t, w.Close())
	}
	_, err := NewWriter(io.Discard, Avro, a, WriteOptions{})
	require.ErrorIs(t, err, base.ErrInvalid)
	_, _, err = Read(context.Background(), strings.NewReader(""), Table, ReadOptions{})
	require.ErrorIs(t, err, base.ErrInvalid)
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"id":"a","l":1,"dec":"1.5","arr":[1],"m":{"k":0.5},"st":{"list":[{"y":"z"}]}}`))
	f.Add([]byte(`{"id":"\ud800\u00e9","dt":"2026-01-31","tsu":"2026-01-31T10:20:30.123456Z","bin":"AAH/"}`))
	f.Add([]byte("{\"a\":1}\n{\"a\":[null]}"))
	s, err := schema.Parse(allTypes)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(t, 0)
		for _, o := range []ReadOptions{{Schema: s, Alloc: alloc}, {Table: "t", Alloc: alloc}} {
			own, rows, err := Read(context.Background(), strings.NewReader(string(data)), JSONL, o)
			if err != nil {
				continue
			}
			for batch, err := range rows {
				if err != nil {
					require.ErrorIs(t, err, base.ErrInvalid)
					break
				}
				text := encode(t, JSONL, own, alloc, batch)
				_, again := readAll(t, strings.NewReader(string(text)), JSONL, ReadOptions{Schema: own, Alloc: alloc})
				requireEqual(t, batch, again)
				again.Release()
			}
		}
	})
}
