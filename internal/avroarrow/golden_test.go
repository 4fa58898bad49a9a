package avroarrow

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
)

func parse(t testing.TB, avro string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(avro)
	require.NoError(t, err)
	return s
}

// fixture reads testdata/<name>.avsc and .records.
func fixture(t testing.TB, name string) (*schema.Schema, [][]byte) {
	t.Helper()
	avro, err := os.ReadFile("testdata/" + name + ".avsc")
	require.NoError(t, err)
	data, err := os.ReadFile("testdata/" + name + ".records")
	require.NoError(t, err)
	var records [][]byte
	for len(data) > 0 {
		end := 4 + int(binary.BigEndian.Uint32(data))
		records = append(records, data[4:end])
		data = data[end:]
	}
	return parse(t, string(avro)), records
}

// checked returns an allocator that must have got everything back when the test ends.
func checked(t testing.TB) memory.Allocator {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { alloc.AssertSize(t, 0) })
	return alloc
}

// decode decodes records into one batch, which the test's end releases.
func decode(t testing.TB, writer, reader *schema.Schema, records ...[]byte) arrow.RecordBatch {
	t.Helper()
	d, err := NewDecoder(writer, reader, checked(t))
	require.NoError(t, err)
	defer d.Release()
	for _, rec := range records {
		require.NoError(t, d.Append(rec))
	}
	require.Equal(t, len(records), d.Rows())
	batch, err := d.Flush()
	require.NoError(t, err)
	t.Cleanup(batch.Release)
	require.Zero(t, d.Rows())
	require.Equal(t, int64(len(records)), batch.NumRows())
	require.True(t, batch.Schema().Equal(reader.Arrow()))
	return batch
}

// requireEncodes checks that rows, from the first on, are encoded to records.
func requireEncodes(t testing.TB, s *schema.Schema, batch arrow.RecordBatch, records [][]byte) {
	t.Helper()
	e, err := NewEncoder(s, batch.Schema())
	require.NoError(t, err)
	require.NoError(t, e.Bind(batch))
	for row, rec := range records {
		got, err := e.Append([]byte("x"), row)
		require.NoError(t, err)
		require.Equal(t, append([]byte("x"), rec...), got, "row %d", row)
	}
}

func TestFixtures(t *testing.T) {
	for _, name := range []string{"all_types", "kinds", "commit"} {
		t.Run(name, func(t *testing.T) {
			s, records := fixture(t, name)
			batch := decode(t, s, s, records...)
			requireEncodes(t, s, batch, records)
			// A batch that is part of another one.
			slice := batch.NewSlice(int64(len(records)/3), int64(len(records)))
			defer slice.Release()
			requireEncodes(t, s, slice, records[len(records)/3:])

			text, err := os.ReadFile("testdata/" + name + ".jsonl")
			if os.IsNotExist(err) {
				return
			}
			require.NoError(t, err)
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			require.Len(t, lines, len(records))
			for row, line := range lines {
				var want map[string]any
				d := json.NewDecoder(strings.NewReader(line))
				d.UseNumber()
				require.NoError(t, d.Decode(&want))
				for i, f := range batch.Schema().Fields() {
					require.Equal(t, want[f.Name], value(t, batch.Column(i), row), "row %d column %s", row, f.Name)
				}
			}
		})
	}
}

// value gives a value the form that golden tables have in JSON: numbers as json.Number,
// special ones as text, maps as sorted pairs.
func value(t testing.TB, a arrow.Array, i int) any {
	t.Helper()
	if a.IsNull(i) {
		return nil
	}
	number := func(v int64) any { return json.Number(strconv.FormatInt(v, 10)) }
	float := func(v float64, bits int) any {
		text := strconv.FormatFloat(v, 'g', -1, bits)
		switch text {
		case "NaN", "+Inf", "-Inf":
			return strings.NewReplacer("+Inf", "Infinity", "Inf", "Infinity").Replace(text)
		}
		text, err := pythonFloat(v, bits)
		require.NoError(t, err)
		return json.Number(text)
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(i)
	case *array.Int32:
		return number(int64(a.Value(i)))
	case *array.Int64:
		return number(a.Value(i))
	case *array.Time32:
		return number(int64(a.Value(i)))
	case *array.Time64:
		return number(int64(a.Value(i)))
	case *array.Float32:
		return float(float64(a.Value(i)), 32)
	case *array.Float64:
		return float(a.Value(i), 64)
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return hex.EncodeToString(a.Value(i))
	case *array.FixedSizeBinary:
		return hex.EncodeToString(a.Value(i))
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Date32:
		return a.Value(i).ToTime().Format(time.DateOnly)
	case *array.Timestamp:
		dt := a.DataType().(*arrow.TimestampType)
		if dt.Unit == arrow.Millisecond {
			return number(int64(a.Value(i)))
		}
		text := a.Value(i).ToTime(dt.Unit).Format("2006-01-02T15:04:05.000000")
		if dt.TimeZone != "" {
			text += "Z"
		}
		return text
	case *array.Map:
		from, to := a.ValueOffsets(i)
		list := []any{}
		for j := from; j < to; j++ {
			list = append(list, []any{value(t, a.Keys(), int(j)), value(t, a.Items(), int(j))})
		}
		slices.SortFunc(list, func(x, y any) int { return strings.Compare(x.([]any)[0].(string), y.([]any)[0].(string)) })
		return list
	case *array.List:
		from, to := a.ValueOffsets(i)
		list := []any{}
		for j := from; j < to; j++ {
			list = append(list, value(t, a.ListValues(), int(j)))
		}
		return list
	case *array.Struct:
		fields := map[string]any{}
		for j, f := range a.DataType().(*arrow.StructType).Fields() {
			fields[f.Name] = value(t, a.Field(j), i)
		}
		return fields
	}
	t.Fatalf("%s", a.DataType())
	return nil
}

// pythonFloat formats like Python's json, which wrote the fixtures.
func pythonFloat(v float64, bits int) (string, error) {
	text := strconv.FormatFloat(v, 'g', -1, bits)
	if e := strings.IndexByte(text, 'e'); e >= 0 {
		exponent, err := strconv.Atoi(text[e+1:])
		if err != nil {
			return "", err
		}
		if exponent < -4 || exponent >= 16 {
			return text, nil
		}
		text = strconv.FormatFloat(v, 'f', -1, bits)
	}
	if !bytes.ContainsAny([]byte(text), ".e") {
		text += ".0"
	}
	return text, nil
}
