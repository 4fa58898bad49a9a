package rowio

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
)

// TestGoldenEncoding reads a base file that Spark wrote and compares the JSON of its rows with
// what Spark read back, which differs only in maps (pairs) and binary (hexadecimal).
func TestGoldenEncoding(t *testing.T) {
	const name = "v9_all_types_cow"
	data, newest := []byte(nil), ""
	archive, err := zip.OpenReader(filepath.Join(goldentest.Dir(), name+".zip"))
	require.NoError(t, err)
	defer archive.Close()
	for _, f := range archive.File {
		base, ok := strings.CutSuffix(f.Name, ".parquet")
		if instant := base[strings.LastIndex(base, "_")+1:]; ok && instant > newest {
			r, err := f.Open()
			require.NoError(t, err)
			data, err = io.ReadAll(r)
			require.NoError(t, err)
			newest = instant
		}
	}
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	s, batch := readAll(t, bytes.NewReader(data), Parquet, ReadOptions{Table: "t", Alloc: alloc})
	defer batch.Release()
	got := decodeRows(t, encode(t, JSONL, s, alloc, batch))

	text, err := os.ReadFile(filepath.Join(goldentest.Dir(), name+".expected", "snapshot.jsonl"))
	require.NoError(t, err)
	want := decodeRows(t, text)
	require.Len(t, got, len(want))
	for key, row := range want {
		for column, v := range row {
			require.True(t, sameCell(v, got[key][column]), "%s of %s: want %v, got %v", column, key, v, got[key][column])
		}
	}
}

func decodeRows(t *testing.T, text []byte) map[string]map[string]any {
	rows := map[string]map[string]any{}
	for l := range bytes.Lines(text) {
		d := json.NewDecoder(bytes.NewReader(l))
		d.UseNumber()
		var row map[string]any
		require.NoError(t, d.Decode(&row), string(l))
		rows[row["_hoodie_record_key"].(string)] = row
	}
	return rows
}

func sameCell(want, got any) bool {
	switch w := want.(type) {
	case json.Number:
		g, ok := got.(json.Number)
		a, _ := w.Float64()
		b, _ := g.Float64()
		return ok && (w == g || a == b && strings.ContainsAny(string(w), ".eE"))
	case string:
		g, ok := got.(string)
		raw, err := base64.StdEncoding.DecodeString(g)
		return ok && (w == g || err == nil && hex.EncodeToString(raw) == w)
	case []any:
		if g, ok := got.(map[string]any); ok { // a map
			for _, pair := range w {
				if p := pair.([]any); !sameCell(p[1], g[p[0].(string)]) {
					return false
				}
			}
			return len(w) == len(g)
		}
		g, ok := got.([]any)
		for i := range w {
			if !ok || i >= len(g) || !sameCell(w[i], g[i]) {
				return false
			}
		}
		return ok && len(g) == len(w)
	case map[string]any:
		g, ok := got.(map[string]any)
		for k := range w {
			if !ok || !sameCell(w[k], g[k]) {
				return false
			}
		}
		return ok && len(g) == len(w)
	}
	return want == got
}

func TestColumnarConform(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	from := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"n","type":"int"},{"name":"extra","type":"string"}]}`)
	to := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"s","type":["null","string"],"default":null},{"name":"n","type":"long"}]}`)
	b := array.NewRecordBuilder(alloc, from.Arrow())
	defer b.Release()
	b.Field(0).(*array.Int32Builder).Append(5)
	b.Field(1).(*array.StringBuilder).Append("x")
	batch := b.NewRecordBatch()
	defer batch.Release()

	var file bytes.Buffer
	w, err := ipc.NewFileWriter(&file, ipc.WithSchema(from.Arrow()), ipc.WithAllocator(alloc))
	require.NoError(t, err)
	require.NoError(t, w.Write(batch))
	require.NoError(t, w.Close())
	for name, c := range map[string]struct {
		format Format
		data   []byte
	}{
		"parquet":      {Parquet, encode(t, Parquet, from, alloc, batch)},
		"arrow stream": {Arrow, encode(t, Arrow, from, alloc, batch)},
		"arrow file":   {Arrow, file.Bytes()},
	} {
		_, got := readAll(t, bytes.NewReader(c.data), c.format, ReadOptions{Schema: to, IgnoreUnknown: true, Alloc: alloc})
		require.Equal(t, `{"s":null,"n":5}`+"\n", string(encode(t, JSONL, to, alloc, got)), name)
		got.Release()

		_, _, err := Read(context.Background(), bytes.NewReader(c.data), c.format, ReadOptions{Name: "f", Schema: to, Alloc: alloc})
		require.ErrorContains(t, err, `rowio: f: schema: no column "extra"`, name)
		require.ErrorIs(t, err, base.ErrInvalid)
	}
	_, _, err = Read(context.Background(), io.MultiReader(bytes.NewReader(file.Bytes())), Parquet, ReadOptions{Alloc: alloc})
	require.ErrorContains(t, err, "give a file, not a pipe")
}

// TestDamagedFiles cuts good files and flips their bytes: reading gives rows or an error, never
// a panic. Arrow is only cut: arrow-go allocates what its metadata declares.
func TestDamagedFiles(t *testing.T) {
	s := parseSchema(t, allTypes)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer b.Release()
	b.Field(0).AppendEmptyValue()
	for _, f := range b.Fields()[1:] {
		f.AppendNull()
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, f := range []Format{Parquet, Arrow, Avro} {
		good := avroContainer(t, s, batch)
		if f != Avro {
			good = encode(t, f, s, memory.DefaultAllocator, batch)
		}
		try := func(data []byte) {
			_, rows, err := Read(context.Background(), bytes.NewReader(data), f, ReadOptions{Schema: s, IgnoreUnknown: true, Alloc: memory.DefaultAllocator})
			if err == nil {
				rows(func(arrow.RecordBatch, error) bool { return true })
			}
		}
		for i := 0; i < len(good); i += 1 + len(good)/300 {
			try(good[:i])
			if f != Arrow {
				bad := bytes.Clone(good)
				bad[i] ^= 0x5A
				try(bad)
			}
		}
	}
}
