package cdc

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
)

const ordersSchema = `{"type":"record","name":"orders","fields":[
 {"name":"id","type":"long"},
 {"name":"customer_id","type":["null","long"]},
 {"name":"status","type":["null","string"]},
 {"name":"amount","type":["null",{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}]},
 {"name":"city","type":["null","string"]},
 {"name":"note","type":["null","string"]},
 {"name":"qty","type":["null","int"]},
 {"name":"price","type":["null","double"]},
 {"name":"active","type":["null","boolean"]},
 {"name":"created_at","type":["null",{"type":"long","logicalType":"local-timestamp-micros"}]},
 {"name":"updated_at","type":["null",{"type":"long","logicalType":"local-timestamp-micros"}]}]}`

// orderEvents makes change events like those of the project's side-by-side benchmark: 682 bytes
// on average, 95 % inserts and updates.
func orderEvents(n int) []Record {
	const start = 1_700_000_000_000
	words := "furiously quickly carefully slyly blithely ironic final bold regular express pending silent even special unusual packages deposits requests accounts "
	status := []string{"NEW", "PAID", "PACKED", "SHIPPED", "CLOSED"}
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]Record, n)
	for j := range records {
		id, lsn, ms := r.IntN(300_000)+1, 24_000_000+112*j, int64(start+j)
		amount := r.IntN(5_000_000) + 100
		st := r.IntN(5)
		op, before := "u", "null"
		note := r.IntN(30)
		after := fmt.Sprintf(`{"id":%d,"customer_id":%d,"status":"%s","amount":"%d.%02d","city":"city-%d","note":"%s","qty":%d,"price":%v,"active":%v,"created_at":%d,"updated_at":%d}`,
			id, id%50021, status[st], amount/100, amount%100, r.IntN(1000), words[note:note+20+r.IntN(90)], id%97, float64(amount)/100, st < 4, (start-int64(id))*1000, ms*1000)
		if r.IntN(100) < 5 {
			op, after = "d", "null"
			before = fmt.Sprintf(`{"id":%d,"customer_id":0,"status":null,"amount":null,"city":null,"note":null,"qty":0,"price":0.0,"active":false,"created_at":0,"updated_at":0}`, id)
		}
		records[j] = Record{
			Topic: "shop.public.orders", Offset: int64(j), Key: fmt.Appendf(nil, `{"id":%d}`, id),
			Value: fmt.Appendf(nil, `{"before":%s,"after":%s,"source":{"version":"3.1.0.Final","connector":"postgresql","name":"shop","ts_ms":%d,"snapshot":"false","db":"shop",`+
				`"sequence":"[\"%d\",\"%d\"]","ts_us":%d,"ts_ns":%d,"schema":"public","table":"orders","txId":%d,"lsn":%d,"xmin":null},`+
				`"transaction":null,"op":"%s","ts_ms":%d,"ts_us":%d,"ts_ns":%d}`,
				before, after, ms, lsn-112, lsn, ms*1000, ms*1_000_000, 700+j/10, lsn, op, ms+5, (ms+5)*1000, (ms+5)*1_000_000),
		}
	}
	return records
}

func benchDecoder(b *testing.B, records []Record, opt Options) {
	d, err := NewDecoder(opt)
	require.NoError(b, err)
	defer d.Release()
	bytes := 0
	for _, r := range records {
		bytes += len(r.Value)
	}
	b.SetBytes(int64(bytes / len(records)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := d.Append(records[i]); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(records) {
			d.Flush().Release()
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkPlain(b *testing.B) {
	s, err := schema.Parse(ordersSchema)
	require.NoError(b, err)
	benchDecoder(b, orderEvents(100_000), Options{Topic: "shop.public.orders", Schema: s, Wire: Wire{Decimal: DecimalText}})
}

// BenchmarkWithSchema has events of about 3.5 kB, most of it the schema.
func BenchmarkWithSchema(b *testing.B) {
	var fields []string
	for _, f := range [][2]string{
		{"id", `"int64"`}, {"customer_id", `"int64"`}, {"status", `"string"`}, {"amount", `"string"`}, {"city", `"string"`}, {"note", `"string"`}, {"qty", `"int32"`},
		{"price", `"double"`}, {"active", `"boolean"`},
		{"created_at", `"int64","name":"io.debezium.time.MicroTimestamp","version":1`}, {"updated_at", `"int64","name":"io.debezium.time.MicroTimestamp","version":1`},
	} {
		fields = append(fields, fmt.Sprintf(`{"type":%s,"optional":true,"field":"%s"}`, f[1], f[0]))
	}
	records := orderEvents(20_000)
	for i := range records {
		records[i].Value = embed(strings.Join(fields, ","), string(records[i].Value))
	}
	benchDecoder(b, records, Options{Topic: "shop.public.orders"})
}

// BenchmarkRead is the envelope reader alone.
func BenchmarkRead(b *testing.B) {
	s, err := schema.Parse(ordersSchema)
	require.NoError(b, err)
	records := orderEvents(100_000)
	d, err := NewDecoder(Options{Schema: s, Wire: Wire{Decimal: DecimalText}})
	require.NoError(b, err)
	defer d.Release()
	require.NoError(b, d.Append(records[0]))
	b.SetBytes(int64(len(records[0].Value)))
	i := 0
	for b.Loop() {
		if err := d.reader.read(records[i].Value, &d.ev); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(records) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
