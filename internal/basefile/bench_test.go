package basefile

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
)

const (
	benchRows  = 1_000_000
	benchBatch = 64 << 10
)

const lineitem = `
	{"name":"id","type":["null","long"]},{"name":"l_orderkey","type":["null","long"]},{"name":"l_partkey","type":["null","long"]},
	{"name":"l_suppkey","type":["null","long"]},{"name":"l_linenumber","type":["null","int"]},{"name":"l_quantity","type":["null","int"]},
	{"name":"l_extendedprice","type":["null",{"type":"bytes","logicalType":"decimal","precision":15,"scale":2}]},
	{"name":"l_discount","type":["null","double"]},{"name":"l_tax","type":["null","double"]},
	{"name":"l_returnflag","type":["null","string"]},{"name":"l_linestatus","type":["null","string"]},
	{"name":"l_shipdate","type":["null",{"type":"int","logicalType":"date"}]},{"name":"l_commitdate","type":["null",{"type":"int","logicalType":"date"}]},
	{"name":"l_receiptdate","type":["null",{"type":"int","logicalType":"date"}]},
	{"name":"l_shipinstruct","type":["null","string"]},{"name":"l_shipmode","type":["null","string"]},
	{"name":"l_comment","type":["null","string"]},{"name":"ts","type":["null",{"type":"long","logicalType":"timestamp-micros"}]}`

var words = []string{"carefully", "furiously", "quickly", "slyly", "deposits", "requests", "accounts", "packages", "pending", "final", "ironic", "express", "among", "the", "above", "sleep", "haggle", "nag", "blithely", "regular"}

// lineitems makes the rows of a benchmark, with the meta columns that come first in s if it
// has them.
func lineitems(b *testing.B, s *schema.Schema) []arrow.RecordBatch {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(v ...string) string { return v[rng.IntN(len(v))] }
	var out []arrow.RecordBatch
	for from := 0; from < benchRows; from += benchBatch {
		rb := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
		for i := from; i < min(from+benchBatch, benchRows); i++ {
			c := 0
			add := func(v any) {
				switch f := rb.Field(c).(type) {
				case *array.Int64Builder:
					f.Append(v.(int64))
				case *array.Int32Builder:
					f.Append(int32(v.(int64)))
				case *array.Float64Builder:
					f.Append(v.(float64))
				case *array.StringBuilder:
					f.Append(v.(string))
				case *array.Date32Builder:
					f.Append(arrow.Date32(v.(int64)))
				case *array.TimestampBuilder:
					f.Append(arrow.Timestamp(v.(int64)))
				case *array.Decimal128Builder:
					f.Append(decimal128.FromI64(v.(int64)))
				}
				c++
			}
			if s.HasMeta() {
				add("20260101000000000")
				add(fmt.Sprintf("20260101000000000_0_%d", i))
				add(fmt.Sprintf("%08d-7f3a-4c21-9d50-%012d", rng.Uint32()%100000000, i))
				add("")
				add("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-0_0-1-1_20260101000000000.parquet")
			}
			add(int64(i))
			add(int64(i / 4 * 8))
			add(rng.Int64N(200000))
			add(rng.Int64N(10000))
			add(int64(i%7 + 1))
			add(rng.Int64N(50) + 1)
			add(rng.Int64N(10_000_000) + 90_000)
			add(float64(rng.Int64N(11)) / 100)
			add(float64(rng.Int64N(9)) / 100)
			add(pick("A", "N", "R"))
			add(pick("O", "F"))
			ship := 8000 + rng.Int64N(2526)
			add(ship)
			add(ship + rng.Int64N(60) - 30)
			add(ship + rng.Int64N(30))
			add(pick("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"))
			add(pick("REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"))
			add(pick(words...) + " " + pick(words...) + " " + pick(words...) + " " + pick(words...))
			add(int64(1734000000000000) + int64(i)*137)
		}
		out = append(out, rb.NewRecordBatch())
		rb.Release()
	}
	return out
}

// cpuSeconds reports the processor time of a benchmark, which a busy machine does not stretch.
func cpuSeconds(b *testing.B) func() {
	cpu := func() time.Duration {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	from := cpu()
	return func() { b.ReportMetric((cpu()-from).Seconds()/float64(b.N), "cpu-s/op") }
}

func benchSchema(b *testing.B, meta bool) *schema.Schema {
	s := parse(b, recordOf(lineitem))
	if meta {
		s = s.WithMeta()
	}
	return s
}

func BenchmarkWrite(b *testing.B) {
	for _, meta := range []bool{false, true} {
		s := benchSchema(b, meta)
		rows := lineitems(b, s)
		for _, o := range []WriterOptions{{Codec: "zstd"}, {Codec: "snappy"}, {Codec: "zstd", Parallel: 2}} {
			o.Schema = s
			b.Run(fmt.Sprintf("meta=%v/%s/parallel=%d", meta, o.Codec, o.Parallel), func(b *testing.B) {
				b.ReportAllocs()
				defer cpuSeconds(b)()
				var size int64
				for range b.N {
					w, err := NewWriter(io.Discard, o)
					require.NoError(b, err)
					for _, r := range rows {
						require.NoError(b, w.Write(r))
					}
					sum, err := w.Close()
					require.NoError(b, err)
					size = sum.Bytes
				}
				b.ReportMetric(float64(size)/1e6, "MB")
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	s := benchSchema(b, false)
	var file bytes.Buffer
	w, err := NewWriter(&file, WriterOptions{Schema: s})
	require.NoError(b, err)
	for _, r := range lineitems(b, s) {
		require.NoError(b, w.Write(r))
	}
	_, err = w.Close()
	require.NoError(b, err)
	three, err := s.Project([]string{"id", "l_quantity", "ts"})
	require.NoError(b, err)
	for name, want := range map[string]*schema.Schema{"all": s, "three": three} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			defer cpuSeconds(b)()
			for range b.N {
				r := openBytes(b, file.Bytes(), memory.DefaultAllocator)
				rows := int64(0)
				for batch, err := range r.Read(b.Context(), ReadOptions{Schema: want}) {
					require.NoError(b, err)
					rows += batch.NumRows()
				}
				require.EqualValues(b, benchRows, rows)
			}
		})
	}
}
