package avroarrow

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hudi-go/hudi-go/schema"
)

// The record of the project's benchmarks: TPC-H lineitem with meta columns, 23 columns, 258 bytes.
const lineitem = `{"type":"record","name":"r","fields":[
{"name":"_hoodie_commit_time","type":["null","string"],"default":null},{"name":"_hoodie_commit_seqno","type":["null","string"],"default":null},
{"name":"_hoodie_record_key","type":["null","string"],"default":null},{"name":"_hoodie_partition_path","type":["null","string"],"default":null},
{"name":"_hoodie_file_name","type":["null","string"],"default":null},
{"name":"l_orderkey","type":["null","long"],"default":null},{"name":"l_linenumber","type":["null","int"],"default":null},
{"name":"l_partkey","type":["null","long"],"default":null},{"name":"l_suppkey","type":["null","long"],"default":null},
{"name":"l_quantity","type":["null","int"],"default":null},
{"name":"l_extendedprice","type":["null",{"type":"fixed","name":"dec","size":7,"logicalType":"decimal","precision":15,"scale":2}],"default":null},
{"name":"l_discount","type":["null","double"],"default":null},{"name":"l_tax","type":["null","double"],"default":null},
{"name":"l_returnflag","type":["null","string"],"default":null},{"name":"l_linestatus","type":["null","string"],"default":null},
{"name":"l_shipdate","type":["null",{"type":"int","logicalType":"date"}],"default":null},
{"name":"l_commitdate","type":["null",{"type":"int","logicalType":"date"}],"default":null},
{"name":"l_receiptdate","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
{"name":"l_shipinstruct","type":["null","string"],"default":null},{"name":"l_shipmode","type":["null","string"],"default":null},
{"name":"l_comment","type":["null","string"],"default":null},{"name":"ts","type":["null","long"],"default":null},
{"name":"ship_ym","type":["null","string"],"default":null}]}`

// lineitems makes n records, one behind the other in memory as in a log block.
func lineitems(n int) [][]byte {
	records := make([][]byte, n)
	block := make([]byte, 0, n*300)
	for i := range records {
		r := block[len(block):]
		str := func(s string) {
			r = binary.AppendVarint(append(r, 2), int64(len(s)))
			r = append(r, s...)
		}
		num := func(v int64) { r = binary.AppendVarint(append(r, 2), v) }
		str("20261123085012345")
		str(fmt.Sprintf("20261123085012345_0_%d", i))
		str(fmt.Sprintf("l_orderkey:%d,l_linenumber:%d", i/4+1, i%4+1))
		str("")
		str("8a6f2c1e-1111-4222-8333-123456789abc-0")
		num(int64(i/4 + 1))
		num(int64(i%4 + 1))
		num(int64(i * 7 % 200000))
		num(int64(i * 3 % 10000))
		num(int64(i % 50))
		r = append(r, 2, 0, 0, 0, 0, byte(i>>16), byte(i>>8), byte(i))
		for range 2 {
			r = binary.LittleEndian.AppendUint64(append(r, 2), math.Float64bits(float64(i%11)/100))
		}
		str("N")
		str("O")
		num(9000 + int64(i%2000))
		num(9030 + int64(i%2000))
		num(int64(1700000000000000 + i*1000))
		str("DELIVER IN PERSON")
		str("REG AIR")
		str("furiously final requests nag care"[:10+i%24])
		num(1700000000000)
		str("1995-03")
		records[i] = r
		block = block[:len(block)+len(r)]
	}
	return records
}

// perCPUSecond starts the timer and reports, when the returned function is called, records
// per second of CPU time, which other load on the machine disturbs less than wall time.
func perCPUSecond(b *testing.B, records int) func() {
	cpu := func() time.Duration {
		var u unix.Rusage
		require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b.ReportAllocs()
	start := cpu()
	return func() {
		b.ReportMetric(float64(records)*float64(b.N)/(cpu()-start).Seconds(), "records/cpu-s")
	}
}

func BenchmarkDecode(b *testing.B) {
	const batch = 1 << 16
	records := lineitems(batch)
	writer, err := schema.Parse(lineitem)
	require.NoError(b, err)
	for _, bm := range []struct {
		name    string
		columns []string
	}{
		{"all", nil},
		{"4columns", []string{"_hoodie_record_key", "l_orderkey", "l_quantity", "ts"}},
		{"key", []string{"_hoodie_record_key"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			reader := writer
			if bm.columns != nil {
				reader, err = writer.Project(bm.columns)
				require.NoError(b, err)
			}
			d, err := NewDecoder(writer, reader, memory.DefaultAllocator)
			require.NoError(b, err)
			defer d.Release()
			report := perCPUSecond(b, batch)
			for b.Loop() {
				for _, rec := range records {
					if err := d.Append(rec); err != nil {
						b.Fatal(err)
					}
				}
				batch, err := d.Flush()
				if err != nil {
					b.Fatal(err)
				}
				batch.Release()
			}
			report()
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	const rows = 1 << 16
	s, err := schema.Parse(lineitem)
	require.NoError(b, err)
	d, err := NewDecoder(s, s, memory.DefaultAllocator)
	require.NoError(b, err)
	for _, rec := range lineitems(rows) {
		require.NoError(b, d.Append(rec))
	}
	batch, err := d.Flush()
	require.NoError(b, err)
	defer batch.Release()
	e, err := NewEncoder(s, batch.Schema())
	require.NoError(b, err)
	var dst []byte
	report := perCPUSecond(b, rows)
	for b.Loop() {
		if err := e.Bind(batch); err != nil {
			b.Fatal(err)
		}
		for row := range rows {
			if dst, err = e.Append(dst[:0], row); err != nil {
				b.Fatal(err)
			}
		}
	}
	report()
}
