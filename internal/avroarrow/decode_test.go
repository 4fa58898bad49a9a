package avroarrow

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// record makes a schema of fields "name type", type being JSON or a bare name; a type that
// ends with ? is nullable, with ?? nullable with null as second branch.
func record(t testing.TB, fields ...string) *schema.Schema {
	t.Helper()
	var list []string
	for _, f := range fields {
		name, typ, _ := strings.Cut(f, " ")
		typ, rest, _ := strings.Cut(typ, " default ")
		if rest != "" {
			rest = `,"default":` + rest
		}
		bare := strings.TrimRight(typ, "?")
		full := bare
		if !strings.ContainsAny(bare, `{[`) {
			full = `"` + bare + `"`
		}
		switch len(typ) - len(bare) {
		case 1:
			full = `["null",` + full + `]`
		case 2:
			full = `[` + full + `,"null"]`
		}
		list = append(list, fmt.Sprintf(`{"name":%q,"type":%s%s}`, name, full, rest))
	}
	return parse(t, `{"type":"record","name":"r","fields":[`+strings.Join(list, ",")+`]}`)
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	require.NoError(t, err)
	return b
}

const (
	date    = `{"type":"int","logicalType":"date"}`
	millis  = `{"type":"long","logicalType":"timestamp-millis"}`
	micros  = `{"type":"long","logicalType":"timestamp-micros"}`
	localMs = `{"type":"long","logicalType":"local-timestamp-millis"}`
	localUs = `{"type":"long","logicalType":"local-timestamp-micros"}`
	color   = `{"type":"enum","name":"color","symbols":["RED","GREEN"]}`
)

func fixedDecimal(size, precision, scale int) string {
	return fmt.Sprintf(`{"type":"fixed","name":"d%d","size":%d,"logicalType":"decimal","precision":%d,"scale":%d}`, size, size, precision, scale)
}

func bytesDecimal(precision, scale int) string {
	return fmt.Sprintf(`{"type":"bytes","logicalType":"decimal","precision":%d,"scale":%d}`, precision, scale)
}

func float64Bytes(v float64) string {
	return hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
}

func float32Bytes(v float32) string {
	return hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

// One column, written with one type and read with another.
func TestResolution(t *testing.T) {
	for name, tc := range map[string]struct {
		writer, reader, record string
		want                   string
	}{
		"same":                      {"int", "int", "05", "-3"},
		"nullable":                  {"int?", "int?", "02 05", "-3"},
		"null":                      {"int?", "int?", "00", "(null)"},
		"null last":                 {"int??", "int?", "00 05", "-3"},
		"null last null":            {"int??", "int?", "02", "(null)"},
		"to nullable":               {"int", "int??", "05", "-3"},
		"from nullable":             {"int?", "int", "02 05", "-3"},
		"int to long":               {"int?", "long?", "02 05", "-3"},
		"int to float":              {"int", "float", "05", "-3"},
		"int to double":             {"int", "double", "05", "-3"},
		"int to string":             {"int", "string", "05", `"-3"`},
		"long to double":            {"long?", "double?", "02 05", "-3"},
		"long to string":            {"long", "string", "05", `"-3"`},
		"float to double as text":   {"float", "double", float32Bytes(1.1), "1.1"},
		"float to string":           {"float", "string", float32Bytes(1.1), `"1.1"`},
		"double to string":          {"double", "string", float64Bytes(1e10), `"1.0E10"`},
		"string to bytes":           {"string", "bytes", "04 6162", `"ab"`},
		"bytes to string":           {"bytes", "string", "04 6162", `"ab"`},
		"enum":                      {color, "string", "02", `"GREEN"`},
		"enum of other order":       {color, `{"type":"enum","name":"color","symbols":["GREEN","RED"]}`, "00", `"RED"`},
		"decimal of bytes":          {bytesDecimal(5, 2), fixedDecimal(3, 5, 2), "04 ff38", "-200"},
		"decimal of more digits":    {fixedDecimal(2, 4, 2), bytesDecimal(10, 2), "ff38", "-200"},
		"decimal of greater scale":  {fixedDecimal(2, 4, 2), bytesDecimal(10, 3), "ff38", "-2000"},
		"date":                      {"int", date, "02", "1970-01-02"},
		"millis to micros":          {millis, micros, "02", "1970-01-01T00:00:00.001Z"},
		"micros that are millis":    {micros, millis, "02", "1970-01-01T00:00:00.001Z"},
		"local millis to micros":    {localMs, localUs, "02", "1970-01-01T00:00:00.001"},
		"local micros, really ms":   {localUs, localMs, "02", "1970-01-01T00:00:00.001"},
		"long to timestamp":         {"long", micros, "02", "1970-01-01T00:00:00.000001Z"},
		"list of promoted elements": {`{"type":"array","items":"int"}`, `{"type":"array","items":["null","long"]}`, "04 02 04 00", "[1,2]"},
		"list in blocks":            {`{"type":"array","items":"int"}`, `{"type":"array","items":"int"}`, "02 02 03 04 04 06 00", "[1,2,3]"},
		"map":                       {`{"type":"map","values":"float"}`, `{"type":"map","values":"double"}`, "02 02 61" + float32Bytes(1.1) + "00", `{"a":1.1}`},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := record(t, "c "+tc.writer), record(t, "c "+tc.reader)
			batch := decode(t, w, r, unhex(t, tc.record))
			a := batch.Column(0)
			switch a := a.(type) {
			case *array.Decimal128:
				require.Equal(t, tc.want, a.Value(0).BigInt().String())
			case *array.List, *array.Map:
				require.JSONEq(t, tc.want, asJSON(t, a))
			case *array.Binary:
				require.Equal(t, tc.want, fmt.Sprintf("%q", a.Value(0)))
			case *array.String:
				require.Equal(t, tc.want, fmt.Sprintf("%q", a.Value(0)))
			default:
				require.Equal(t, tc.want, a.ValueStr(0))
			}
		})
	}
}

func asJSON(t testing.TB, a arrow.Array) string {
	if m, ok := a.(*array.Map); ok {
		return fmt.Sprintf("{%q:%s}", m.Keys().ValueStr(0), m.Items().ValueStr(0))
	}
	b, err := a.MarshalJSON()
	require.NoError(t, err)
	return strings.TrimSuffix(strings.TrimPrefix(string(b), "["), "]")
}

// Fields come and go, change their order, and are missing with and without a default.
func TestRecordResolution(t *testing.T) {
	inner := `{"type":"record","name":"i","fields":[{"name":"gone","type":{"type":"array","items":"string"}},{"name":"x","type":"int"}]}`
	innerNew := `{"type":"record","name":"i","fields":[{"name":"x","type":"long"},{"name":"y","type":["null","string"],"default":null},{"name":"z","type":"int","default":7}]}`
	w := record(t, "a int", "skip double", "s "+inner+"?", `l {"type":"array","items":`+inner+`}`, "b string")
	r := record(t, "b string", "new long?", "s "+innerNew+"?", `l {"type":"array","items":`+strings.ReplaceAll(innerNew, `"i"`, `"j"`)+`}`, "text string default \"né\"", "a int")
	batch := decode(t, w, r,
		unhex(t, "02"+float64Bytes(1)+"02 02 02 61 00 04"+"04 00 02 00 04 00"+"02 62"),
		unhex(t, "04"+float64Bytes(1)+"00"+"00"+"02 63"))
	b, err := batch.MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `[
		{"b":"b","new":null,"s":{"x":2,"y":null,"z":7},"l":[{"x":1,"y":null,"z":7},{"x":2,"y":null,"z":7}],"text":"né","a":1},
		{"b":"c","new":null,"s":null,"l":[],"text":"né","a":2}]`, string(b))
}

func TestNewDecoderErrors(t *testing.T) {
	for name, tc := range map[string]struct{ writer, reader string }{
		"no promotion":            {"c string", "c int"},
		"narrower":                {"c long", "c int"},
		"list to map":             {`c {"type":"array","items":"int"}`, `c {"type":"map","values":"int"}`},
		"record to string":        {`c {"type":"record","name":"x","fields":[]}`, "c string"},
		"fixed of other size":     {`c {"type":"fixed","name":"f","size":2}`, `c {"type":"fixed","name":"f","size":3}`},
		"missing and not null":    {"c int", "d int"},
		"default of other type":   {"c int", `d int default "x"`},
		"missing inside a record": {`c {"type":"record","name":"x","fields":[]}`, `c {"type":"record","name":"x","fields":[{"name":"y","type":"int"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewDecoder(record(t, tc.writer), record(t, tc.reader), checked(t))
			require.ErrorIs(t, err, base.ErrInvalid)
			require.ErrorContains(t, err, "column ")
		})
	}
}

// A record that fails leaves no trace, whatever it had decoded before.
func TestAppendErrors(t *testing.T) {
	fields := []string{
		"a int?", "s string", "b boolean", "e " + color, "d " + bytesDecimal(38, 0),
		`l {"type":"array","items":["null","long"]}`, `f {"type":"fixed","name":"x","size":2}`, "y double", "z float?",
	}
	const (
		a, s, b, e, d, l, f = "02 05", "04 6162", "01", "02", "02 07", "04 02 06 00 00", "0102"
	)
	y, z := float64Bytes(1.5), "02"+float32Bytes(2.5)
	good := a + s + b + e + d + l + f + y + z
	w := record(t, fields...)
	required := record(t, append([]string{"a int"}, fields[1:]...)...)
	few := record(t, "y double")
	none := record(t)
	for name, tc := range map[string]struct {
		record string
		want   error
	}{
		"trailing bytes":    {good + "00", base.ErrCorrupt},
		"union branch":      {"04 05" + good[5:], base.ErrCorrupt},
		"wide int":          {"02 8080808010" + good[5:], base.ErrCorrupt},
		"negative length":   {a + "03", base.ErrCorrupt},
		"length too great":  {a + "feffffffffffffffff01 61", base.ErrCorrupt},
		"number too long":   {"02 ffffffffffffffffffff01" + good[5:], base.ErrCorrupt},
		"boolean":           {a + s + "02" + e + d + l + f + y + z, base.ErrCorrupt},
		"symbol":            {a + s + b + "04" + d + l + f + y + z, base.ErrCorrupt},
		"negative symbol":   {a + s + b + "01" + d + l + f + y + z, base.ErrCorrupt},
		"decimal too long":  {a + s + b + e + "22" + strings.Repeat("7f", 17) + l + f + y + z, base.ErrCorrupt},
		"empty decimal":     {a + s + b + e + "00" + l + f + y + z, base.ErrCorrupt},
		"elements":          {a + s + b + e + d + "feffffff0f" + f + y + z, base.ErrCorrupt},
		"least block count": {a + s + b + e + d + "ffffffffffffffffff01 02" + f + y + z, base.ErrCorrupt},
		"block size":        {a + s + b + e + d + "01 01" + f + y + z, base.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			dec, err := NewDecoder(w, w, checked(t))
			require.NoError(t, err)
			defer dec.Release()
			require.NoError(t, dec.Append(unhex(t, good)))
			require.ErrorIs(t, dec.Append(unhex(t, tc.record)), tc.want)
			require.NoError(t, dec.Append(unhex(t, "00"+good[5:])))
			require.Equal(t, 2, dec.Rows())
			batch, err := dec.Flush()
			require.NoError(t, err)
			defer batch.Release()
			requireEncodes(t, w, batch, [][]byte{unhex(t, good), unhex(t, "00"+good[5:])})
		})
	}
	whole := unhex(t, good)
	for _, reader := range []*schema.Schema{w, few, none} {
		dec, err := NewDecoder(w, reader, checked(t))
		require.NoError(t, err)
		for n := range whole {
			require.ErrorIs(t, dec.Append(whole[:n]), base.ErrCorrupt, "cut to %d", n)
		}
		require.NoError(t, dec.Append(whole))
		require.ErrorIs(t, dec.Append(append(whole[:len(whole):len(whole)], 0)), base.ErrCorrupt)
		dec.Release()
	}
	dec, err := NewDecoder(w, required, checked(t))
	require.NoError(t, err)
	defer dec.Release()
	err = dec.Append(unhex(t, "00"+good[5:]))
	require.ErrorIs(t, err, base.ErrInvalid)
	require.ErrorContains(t, err, "column a: null")
}

// Elements that take no bytes are bounded.
func TestEmptyElements(t *testing.T) {
	w := record(t, `l {"type":"array","items":{"type":"record","name":"x","fields":[]}}`)
	for _, reader := range []*schema.Schema{w, record(t)} {
		dec, err := NewDecoder(w, reader, checked(t))
		require.NoError(t, err)
		defer dec.Release()
		require.NoError(t, dec.Append(unhex(t, "06 04 00")))
		require.ErrorIs(t, dec.Append(unhex(t, "8080808010 00")), base.ErrCorrupt)
		many := binary.AppendVarint(nil, maxEmpty)
		require.ErrorIs(t, dec.Append(append(append(many, many...), 0)), base.ErrCorrupt)
	}
}

func TestPromotionFailsAtFlush(t *testing.T) {
	dec, err := NewDecoder(record(t, "a int", "c string"), record(t, "a int", "c "+date), checked(t))
	require.NoError(t, err)
	defer dec.Release()
	require.NoError(t, dec.Append(unhex(t, "02 02 78")))
	_, err = dec.Flush()
	require.ErrorIs(t, err, base.ErrInvalid)
	require.ErrorContains(t, err, "column c")
	require.Zero(t, dec.Rows())
	require.NoError(t, dec.Append(append([]byte{2, 20}, "1970-01-02"...)))
	batch, err := dec.Flush()
	require.NoError(t, err)
	defer batch.Release()
	require.Equal(t, "1970-01-02", batch.Column(1).ValueStr(0))
}

func TestFlushEmpty(t *testing.T) {
	s, records := fixture(t, "all_types")
	dec, err := NewDecoder(s, s, checked(t))
	require.NoError(t, err)
	defer dec.Release()
	for range 2 {
		batch, err := dec.Flush()
		require.NoError(t, err)
		require.Zero(t, batch.NumRows())
		batch.Release()
		for range 100 { // more than the first capacity
			for _, rec := range records {
				require.NoError(t, dec.Append(rec))
			}
		}
		batch, err = dec.Flush()
		require.NoError(t, err)
		require.Equal(t, int64(100*len(records)), batch.NumRows())
		requireEncodes(t, s, batch, records)
		batch.Release()
	}
	require.NoError(t, dec.Append(records[0])) // Release must free it
}

func TestDecodeAllocations(t *testing.T) {
	s := parse(t, lineitem)
	dec, err := NewDecoder(s, s, memory.DefaultAllocator)
	require.NoError(t, err)
	defer dec.Release()
	records := lineitems(1 << 12)
	i := 0
	allocs := testing.AllocsPerRun(1<<12-1, func() {
		require.NoError(t, dec.Append(records[i]))
		i++
	})
	require.Zero(t, allocs)
}

func TestNumber(t *testing.T) {
	for _, v := range []int64{0, -1, 1, 63, -64, 64, 8191, -8193, 1 << 20, 1 << 27, 1 << 34, 1 << 41, 1 << 48, 1<<55 - 1, -1 << 55, 1 << 55, 1 << 62, math.MaxInt64, math.MinInt64} {
		b := binary.AppendVarint(nil, v)
		require.Equal(t, b, appendNumber(nil, v))
		for _, rest := range []int{0, 1, 20} {
			for _, fill := range []byte{0, 0xFF} {
				in := append([]byte{9}, b...)
				for range rest {
					in = append(in, fill)
				}
				got, next := number(in, 1)
				require.Equal(t, v, got)
				require.Equal(t, 1+len(b), next)
			}
		}
		for n := range b {
			_, next := number(b[:n], 0)
			require.Equal(t, -1, next)
		}
	}
	_, next := number(unhex(t, "ffffffffffffffffff02 00000000"), 0)
	require.Equal(t, -1, next)
	_, next = number([]byte{0}, -1)
	require.Equal(t, -1, next)
}

func FuzzDecode(f *testing.F) {
	names := []string{"all_types", "kinds", "commit"}
	schemas := make([]*schema.Schema, len(names))
	for i, name := range names {
		s, records := fixture(f, name)
		schemas[i] = s
		for _, rec := range records {
			f.Add(byte(i), rec)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, rec []byte) {
		s := schemas[int(which)%len(schemas)]
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		defer alloc.AssertSize(t, 0)
		dec, err := NewDecoder(s, s, alloc)
		require.NoError(t, err)
		defer dec.Release()
		var projected []string
		for i, field := range s.Fields() {
			if i%3 == 1 {
				projected = append(projected, field.Name)
			}
		}
		part, err := s.Project(projected)
		require.NoError(t, err)
		skipping, err := NewDecoder(s, part, alloc)
		require.NoError(t, err)
		defer skipping.Release()
		_ = skipping.Append(rec)
		if dec.Append(rec) != nil {
			return
		}
		batch, err := dec.Flush()
		require.NoError(t, err)
		defer batch.Release()
		// What was decoded is encoded to the same value, if not to the same bytes.
		e, err := NewEncoder(s, batch.Schema())
		require.NoError(t, err)
		require.NoError(t, e.Bind(batch))
		again, err := e.Append(nil, 0)
		require.NoError(t, err)
		require.NoError(t, dec.Append(again))
		second, err := dec.Flush()
		require.NoError(t, err)
		defer second.Release()
		require.True(t, array.RecordApproxEqual(batch, second, array.WithNaNsEqual(true)))
	})
}
