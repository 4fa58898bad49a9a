package rowio

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestCSV(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"id","type":"string"},{"name":"n","type":["null","long"],"default":null},
	 {"name":"s","type":["null","string"],"default":null},{"name":"arr","type":["null",{"type":"array","items":["null","double"]}],"default":null},
	 {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null}]}`)
	text := "\ufeffn,id,arr,s\r\n1,a,\"[1.5,null,\"\"NaN\"\"]\",\" x, \"\"y\"\"\r\nz\"\r\n\r\n,,,\r\n3,c,,\"\""
	_, batch := readAll(t, strings.NewReader(text), CSV, ReadOptions{Schema: s, Alloc: memory.DefaultAllocator})
	defer batch.Release()
	require.Equal(t, `{"id":"a","n":1,"s":" x, \"y\"\r\nz","arr":[1.5,null,"NaN"],"at":null}
{"id":"","n":null,"s":null,"arr":null,"at":null}
{"id":"c","n":3,"s":"","arr":null,"at":null}
`, string(encode(t, JSONL, s, memory.DefaultAllocator, batch)))
	require.Equal(t, "id,n,s,arr,at\na,1,\" x, \"\"y\"\"\r\nz\",\"[1.5,null,\"\"NaN\"\"]\",\n\"\",,,,\nc,3,\"\",,\n",
		string(encode(t, CSV, s, memory.DefaultAllocator, batch)))
	require.Equal(t, "id,n,s,arr,at\n", string(encode(t, CSV, s, memory.DefaultAllocator)))
}

func TestCSVErrors(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"id","type":"string"},{"name":"n","type":["null","int"],"default":null},
	 {"name":"arr","type":["null",{"type":"array","items":"int"}],"default":null}]}`)
	for text, want := range map[string]string{
		"":                         "the file is empty",
		"id,m\n":                   `line 1: schema: no column "m"`,
		"id,id\n":                  `line 1: the header has column "id" twice`,
		"id,n\na,x\n":              `line 2: column n: "x" is not a valid int`,
		"id,n\na,\"1\n":            "line 2: cell 2: the quote is not closed",
		"id,n\n\"a\"b,1\n":         "line 2: cell 1: a quote must enclose the whole cell",
		"id,n\na\"b,1\n":           "line 2: cell 1: a quote must enclose the whole cell",
		"id,n\n\"a\nb\",1\nc\n":    "line 4: 1 cells, and the header has 2",
		"n\n1\n":                   "line 2: column id: null, and the column cannot be null",
		"id,arr\na,[1\n":           "line 2: column arr: broken JSON",
		"id,arr\na,\"[1,null]\"\n": "line 2: column arr.element: null, and the column cannot be null",
		"id\n\"" + strings.Repeat("x", maxLine+2): "line 2: the record is longer than 16 MiB, is a quote not closed?",
	} {
		_, rows, err := Read(context.Background(), strings.NewReader(text), CSV, ReadOptions{Name: "a.csv", Schema: s, Alloc: memory.DefaultAllocator})
		if err == nil {
			for _, e := range rows {
				err = e
			}
		}
		require.ErrorContains(t, err, "rowio: a.csv: "+want)
		require.ErrorIs(t, err, base.ErrInvalid)
	}
}

func TestInferCSV(t *testing.T) {
	text := "id,n,x,ok,zip,mixed,empty\na,1,1,true,007,1,\nb,-2,2.5,false,123,x,\n"
	s, batch := readAll(t, strings.NewReader(text), CSV, ReadOptions{Table: "t", Alloc: memory.DefaultAllocator})
	defer batch.Release()
	for name, want := range map[string]arrow.Type{"id": arrow.STRING, "n": arrow.INT64, "x": arrow.FLOAT64, "ok": arrow.BOOL, "zip": arrow.STRING, "mixed": arrow.STRING, "empty": arrow.STRING} {
		_, i, ok := s.Field(name)
		require.True(t, ok)
		require.Equal(t, want, s.Arrow().Field(i).Type.ID(), name)
	}
	require.Equal(t, text, string(encode(t, CSV, s, memory.DefaultAllocator, batch)))
}

func TestTable(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"id","type":"string"},{"name":"amount","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}],"default":null},
	 {"name":"note","type":["null","string"],"default":null}]}`)
	_, batch := readAll(t, strings.NewReader(`{"id":"ä","amount":1.5,"note":"two\nlines \u001b[31m"}
{"id":"trip-000001","amount":"-1234.25"}
{"id":"b","note":"`+strings.Repeat("long ", 40)+`"}`), JSONL, ReadOptions{Schema: s, Alloc: memory.DefaultAllocator})
	defer batch.Release()
	var out bytes.Buffer
	w, err := NewWriter(&out, Table, s, WriteOptions{Width: 40})
	require.NoError(t, err)
	require.NoError(t, w.Write(batch))
	require.NoError(t, w.Close())
	require.Equal(t, ""+
		"id             amount  note\n"+
		"───────────  ────────  ─────────────────\n"+
		"ä                1.50  two\\nlines �[31m\n"+
		"trip-000001  -1234.25  NULL\n"+
		"b                NULL  long long long l…\n"+
		"(3 rows)\n", out.String())

	out.Reset()
	w, err = NewWriter(&out, Table, s, WriteOptions{})
	require.NoError(t, err)
	one := batch.NewSlice(0, 1)
	defer one.Release()
	for range tableSample + 5 { // beyond the sample, lines are written at once
		require.NoError(t, w.Write(one))
	}
	require.NoError(t, w.Close())
	require.Equal(t, tableSample+5+3, strings.Count(out.String(), "\n"))
	require.True(t, strings.HasSuffix(out.String(), "(1005 rows)\n"))

	out.Reset()
	w, err = NewWriter(&out, Table, s, WriteOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, "id  amount  note\n──  ──────  ────\n(0 rows)\n", out.String())
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("id,s,l\na,\"x\"\"\r\n\",1\n"))
	f.Add([]byte("id\n\"\"\n"))
	s := parseSchema(f, allTypes)
	f.Fuzz(func(t *testing.T, data []byte) {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(t, 0)
		for _, o := range []ReadOptions{{Schema: s, Alloc: alloc}, {Table: "t", Alloc: alloc}} {
			own, rows, err := Read(context.Background(), bytes.NewReader(data), CSV, o)
			if err != nil {
				continue
			}
			for batch, err := range rows {
				if err != nil {
					require.ErrorIs(t, err, base.ErrInvalid)
					break
				}
				text := encode(t, CSV, own, alloc, batch)
				_, again := readAll(t, bytes.NewReader(text), CSV, ReadOptions{Schema: own, Alloc: alloc})
				require.Equal(t, string(text), string(encode(t, CSV, own, alloc, again)))
				again.Release()
			}
		}
	})
}

func TestFormats(t *testing.T) {
	for name, want := range map[string]Format{"a.jsonl": JSONL, "dir.csv/a.NDJSON": JSONL, "a.csv": CSV, "a.avro": Avro, "a.parquet": Parquet, "a.arrows": Arrow, "a": ""} {
		f, ok := FormatOf(name)
		require.Equal(t, want, f, name)
		require.Equal(t, want != "", ok, name)
	}
	require.True(t, Parquet.Typed())
	require.False(t, CSV.Typed())
}
