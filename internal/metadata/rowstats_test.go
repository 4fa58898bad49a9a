package metadata

import (
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage/mem"
)

const statTypes = `{"type":"record","name":"r","fields":[
	{"name":"id","type":"string"},
	{"name":"b","type":["null","boolean"]},
	{"name":"i","type":["null","int"]},
	{"name":"l","type":["null","long"]},
	{"name":"f","type":["null","float"]},
	{"name":"d","type":["null","double"]},
	{"name":"s","type":["null","string"]},
	{"name":"raw","type":["null","bytes"]},
	{"name":"fix","type":["null",{"type":"fixed","name":"f2","size":2}]},
	{"name":"cost","type":["null",{"type":"bytes","logicalType":"decimal","precision":12,"scale":3}]},
	{"name":"dt","type":["null",{"type":"int","logicalType":"date"}]},
	{"name":"tm","type":["null",{"type":"long","logicalType":"time-micros"}]},
	{"name":"ts","type":["null",{"type":"long","logicalType":"timestamp-micros"}]},
	{"name":"lts","type":["null",{"type":"long","logicalType":"local-timestamp-millis"}]},
	{"name":"in","type":["null",{"type":"record","name":"in","fields":[{"name":"n","type":["null","int"]}]}]},
	{"name":"list","type":["null",{"type":"array","items":"int"}]}]}`

var statNames = []string{
	"_hoodie_record_key", "b", "i", "l", "f", "d", "s", "raw", "fix", "cost", "dt", "tm", "ts", "lts", "in.n", "list", "no such column",
}

func statRows(t *testing.T, s *schema.Schema) arrow.RecordBatch {
	full := s.WithMeta()
	b := array.NewRecordBuilder(memory.DefaultAllocator, full.Arrow())
	defer b.Release()
	lines := `{"_hoodie_record_key":"k1","id":"1","b":true,"i":-3,"l":5,"f":1.5,"d":-0.5,"s":"b","raw":"gAE=","fix":"AQI=","cost":"-1.125","dt":"2026-01-02","tm":"00:00:01.000002","ts":"2026-01-01T00:00:00.000001Z","lts":"2026-01-01T00:00:00.001","in":{"n":4}}
{"_hoodie_record_key":"k2","id":"2","b":false,"i":7,"l":null,"f":2.5,"d":2.5,"s":"a","raw":"fwE=","fix":"/wI=","cost":"20.5","dt":"1969-01-02","tm":"00:00:00.000002","ts":"1969-01-01T00:00:00.000001Z","lts":"2025-01-01T00:00:00.001","in":null}
{"_hoodie_record_key":"k3","id":"3","in":{"n":null}}`
	for line := range linesOf(lines) {
		require.NoError(t, b.UnmarshalJSON([]byte(line)))
	}
	return b.NewRecordBatch()
}

func linesOf(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i <= len(text); i++ {
			if i == len(text) || text[i] == '\n' {
				if !yield(text[start:i]) {
					return
				}
				start = i + 1
			}
		}
	}
}

// Statistics of rows are those of a log file that has them, and but for the sizes those of a
// base file.
func TestRowStats(t *testing.T) {
	s, err := schema.Parse(statTypes)
	require.NoError(t, err)
	rows := statRows(t, s)
	defer rows.Release()
	for _, version := range []int{6, 8, 9} {
		t.Run(fmt.Sprint("v", version), func(t *testing.T) {
			x := withColumns(s, statNames, version)
			require.Len(t, x.columns, len(statNames)-2) // no list, no such column
			gathered := newRowStats(&x)
			require.NoError(t, gathered.Add(rows))
			want, err := gathered.Stats("file")
			require.NoError(t, err)
			for i, c := range want {
				require.EqualValues(t, 3, *c.Values, c.Column)
				require.NotNil(t, c.Min, c.Column)
				require.Equal(t, version >= 9, c.Type != nil)
				value, err := appendStats(nil, version, typeColumnStats, c)
				require.NoError(t, err)
				text, err := recordSchema(version)
				require.NoError(t, err)
				back, err := decode(text, value)
				require.NoError(t, err)
				require.Equal(t, c, back.Column, x.columns[i].name)
			}
			by := map[string]*Stats{}
			for _, c := range want {
				by[c.Column] = c
			}
			require.EqualValues(t, 2, *by["l"].Nulls)
			require.EqualValues(t, 2, *by["in.n"].Nulls)
			require.EqualValues(t, 4, by["in.n"].Max.Int.Value)
			require.Equal(t, []byte{0x80, 1}, by["raw"].Min.Bytes.Value, "signed")
			require.Equal(t, []byte{0x7f, 1}, by["raw"].Max.Bytes.Value)
			low := by["cost"].Min
			if version < 9 {
				scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(12), nil)
				require.Equal(t, new(big.Int).Mul(big.NewInt(-1125), scale), twosComplement(low.Decimal.Value))
				require.NotNil(t, by["dt"].Min.Date)
			} else {
				require.Equal(t, big.NewInt(-1125), twosComplement(low.Bytes.Value))
				require.Equal(t, ValueType{typeDecimal, "12,3"}, *by["cost"].Type)
				require.NotNil(t, by["dt"].Min.Int)
			}

			st := mem.New(func() time.Time { return time.Time{} })
			require.NoError(t, st.Put(t.Context(), "log", logOf(t, s.WithMeta(), rows)))
			logged, err := x.logStats(t.Context(), st, "log")
			require.NoError(t, err)
			for _, c := range logged {
				c.File = "file"
			}
			require.Equal(t, want, logged)

			footer := fileOf(t, s.WithMeta(), rows, &x)
			for i, c := range footer.stats {
				if c.Column == "raw" || c.Column == "fix" { // Parquet's order of bytes is another
					continue
				}
				c.Size, c.UncompressedSize = 0, 0
				require.Equal(t, want[i], c)
			}
		})
	}
}

func logOf(t *testing.T, s *schema.Schema, rows arrow.RecordBatch) []byte {
	e, err := avroarrow.NewEncoder(s, s.Arrow())
	require.NoError(t, err)
	require.NoError(t, e.Bind(rows))
	block := logfile.NewDataBlock()
	for i := range int(rows.NumRows()) {
		rec, err := e.Append(nil, i)
		require.NoError(t, err)
		block.Add(rec)
	}
	header := map[logfile.HeaderKey]string{logfile.HeaderInstant: "1", logfile.HeaderSchema: s.Avro()}
	return logfile.AppendBlock(logfile.AppendBlock(nil, logfile.AvroData, header, block.Content()), logfile.Delete, header, logfile.DeleteContent(nil))
}

// fileOf writes the rows to a base file and takes what its end says.
func fileOf(t *testing.T, s *schema.Schema, rows arrow.RecordBatch, x *indexed) *facts {
	x.blooms = true
	out := &sizedBuffer{}
	w, err := basefile.NewWriter(out, basefile.WriterOptions{Schema: s, RowGroupRows: 2})
	require.NoError(t, err)
	require.NoError(t, w.Write(rows))
	sum, err := w.Close()
	require.NoError(t, err)
	g := &Gathered{of: *x, files: map[string]*facts{}}
	require.NoError(t, g.Footer(t.Context(), "p/file", sum.Footer, sum.Bytes))
	found := g.get("p/file", x)
	require.NotNil(t, found)
	require.NotNil(t, found.bloom)
	_, err = basefile.ParseBloom(string(found.bloom.Filter), found.bloom.Type)
	require.NoError(t, err)
	other := withColumns(s, statNames[:3], x.version)
	require.Nil(t, g.get("p/file", &other), "of other columns")
	return found
}

type sizedBuffer struct{ n int64 }

func (b *sizedBuffer) Write(p []byte) (int, error) { b.n += int64(len(p)); return len(p), nil }

// A file without rows has statistics of nothing.
func TestRowStatsOfDeletes(t *testing.T) {
	s, err := schema.Parse(statTypes)
	require.NoError(t, err)
	x := withColumns(s, []string{"i"}, 9)
	got, err := newRowStats(&x).Stats("file")
	require.NoError(t, err)
	zero := int64(0)
	require.Equal(t, []*Stats{{File: "file", Column: "i", Values: &zero, Nulls: &zero, Type: &ValueType{Ordinal: typeNull}}}, got)
	one := int64(1)
	before := &Stats{Column: "i", Values: &one, Nulls: &zero, Min: &Bound{Int: &Wrapped[int32]{3}}, Max: &Bound{Int: &Wrapped[int32]{3}}, Type: &ValueType{Ordinal: typeInt}}
	joined := joinStats(before, got[0])
	require.Equal(t, before.Min, joined.Min)
	require.Equal(t, before.Type, joined.Type)
}

func TestOrders(t *testing.T) {
	require.Equal(t, -1, compareDoubles(math.Inf(1), math.NaN()))
	require.Equal(t, 1, compareDoubles(math.NaN(), 1))
	require.Equal(t, -1, compareDoubles(math.Copysign(0, -1), 0))
	require.Equal(t, -1, compareSigned([]byte{0x80}, []byte{0}))
	require.Equal(t, -1, compareSigned([]byte{1}, []byte{1, 0}))
	for _, n := range []int64{0, 1, -1, 127, 128, -128, -129, 255, 256, math.MaxInt64, math.MinInt64} {
		b := minimalBytes(big.NewInt(n))
		require.Zero(t, big.NewInt(n).Cmp(twosComplement(b)), n)
		if len(b) > 1 { // Java's are as short
			require.False(t, b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80, n)
		}
	}
}
