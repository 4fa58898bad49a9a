package ingest_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// binlog makes the records of a source those of MySQL, as they come.
type binlog struct {
	*source
	server, file int
	base         int64 // where the open file began
	written      int   // records of the source that are in sent
	gtids        bool
	sent         []*kgo.Record
}

var lsnBlock = regexp.MustCompile(`"connector":"postgresql","ts_ms":(\d+),"snapshot":"(\w+)","lsn":(\d+)`)

// write turns what the source has sent since into events of the log.
func (b *binlog) write(snapshot string) {
	for _, r := range b.source.sent[b.written:] {
		var lsn int64
		if m := lsnBlock.FindSubmatch(r.Value); m != nil { // no tombstone
			lsn, _ = strconv.ParseInt(string(m[3]), 10, 64)
		}
		place := fmt.Sprintf(`"file":"mysql-bin.%06d","pos":%d`, b.file, lsn-b.base)
		gtid := "null"
		if b.gtids {
			gtid = fmt.Sprintf(`"3e11fa47-71ca-11e1-9e33-c80aa9429562:%d"`, lsn)
		}
		if snapshot == "incremental" && b.rng.IntN(2) == 0 {
			place = `"file":null,"pos":null`
		}
		r.Value = lsnBlock.ReplaceAll(r.Value, fmt.Appendf(nil, `"connector":"mysql","ts_ms":$1,"snapshot":"%s","server_id":%d,"gtid":%s,%s`, snapshot, b.server, gtid, place))
		b.sent = append(b.sent, r)
	}
	b.written = len(b.source.sent)
}

func (b *binlog) step() {
	switch p := b.rng.IntN(100); {
	case p < 4: // the next file
		b.file, b.base = b.file+1, b.lsn
	case p < 7: // a failover to a server that counts on its own, and may send the old one's transactions
		b.file, b.base = 1+b.rng.IntN(20), b.lsn
		if b.server++; b.gtids && b.rng.IntN(2) == 0 {
			b.server--
		}
	case p < 11: // the connector is started again, and sends the last records twice
		for _, r := range slices.Clone(b.sent[max(0, len(b.sent)-b.rng.IntN(12)):]) {
			again := *r
			b.sent = append(b.sent, &again)
		}
		return
	case p < 20: // a chunk of an incremental snapshot
		for _, id := range slices.Sorted(maps.Keys(b.rows)) {
			if b.rng.IntN(3) == 0 {
				b.send(id, envelope(simFields, "r", "null", b.rows[id].json(id, false), b.lsn, true))
			}
		}
		b.write("incremental")
		return
	}
	b.change()
	b.write("false")
}

// A log of MySQL with several rows a file, failovers, records sent twice and incremental snapshots between the changes,
// read in pieces by a run each: in the end the table is the source's.
func TestBinlog(t *testing.T) {
	t.Parallel()
	for _, kind := range bothTypes {
		for seed := range uint64(seeds(t, 6)) {
			t.Run(fmt.Sprint(kind, seed), func(t *testing.T) {
				sim := newSim(t, simPartitions)
				b := &binlog{source: newSource(seed, sim.topic), server: 1, file: 999_998, gtids: seed%2 == 0}
				b.plain = true
				rng := rand.New(rand.NewPCG(seed, 1))
				produced := 0
				for range 150 {
					b.step()
					if rng.IntN(40) == 0 {
						sim.produce(b.sent[produced:]...)
						produced = len(b.sent)
						sim.must(func(o *ingest.Options) { o.Type, o.MaxRows = kind, 1+rng.IntN(30) })
						require.Equal(t, b.lines(), sim.lines())
					}
				}
				sim.produce(b.sent[produced:]...)
				sim.must(func(o *ingest.Options) { o.Type = kind })
				require.Equal(t, b.lines(), sim.lines())
			})
		}
	}
}

// An event that comes late loses against the stored row, in the batch and in the table.
func TestBinlogLate(t *testing.T) {
	for _, kind := range bothTypes {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			sim := newSim(t, 1)
			event := func(op string, n, file, pos int) *kgo.Record {
				value := envelope(simFields, op, "null", fmt.Sprintf(`{"id":1,"v":"v%d","raw":null,"list":null,"n":%d}`, n, n), 1, false)
				value = lsnBlock.ReplaceAll(value, fmt.Appendf(nil, `"connector":"mariadb","ts_ms":$1,"snapshot":"false","server_id":1,"gtid":null,"file":"b.%d","pos":%d`, file, pos))
				return &kgo.Record{Topic: sim.topic, Key: keyJSON(1), Value: value, Timestamp: time.UnixMilli(1_700_000_000_000)}
			}
			want := func(n int, order int64) {
				t.Helper()
				require.Equal(t, []string{fmt.Sprintf(`{"n":%d,"_event_order":%d}`, n, order)},
					sim.query(query.Options{}, func(name string) bool { return name == "n" || name == "_event_order" }))
			}
			change := func(o *ingest.Options) { o.Type = kind }
			sim.produce(event("c", 1, 10, 100), event("u", 2, 9, 900))
			sim.must(change)
			want(1, 10<<36|100)
			sim.produce(event("u", 3, 10, 100)) // one statement may change a row twice: the later one counts
			sim.must(change)
			want(3, 10<<36|100)
		})
	}
}

// recordedTopic reads a topic of the decoder's recordings and spreads it over partitions by key.
func recordedTopic(t *testing.T, file, topic string, line func([]byte)) (records []*kgo.Record) {
	t.Helper()
	f, err := os.Open("../cdc/testdata/" + file)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if line != nil {
			line(s.Bytes())
			continue
		}
		var r struct {
			Topic      string
			Headers    [][2]string
			Timestamp  int64
			Key, Value []byte
		}
		require.NoError(t, json.Unmarshal(s.Bytes(), &r))
		if r.Topic != topic {
			continue
		}
		rec := &kgo.Record{Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Timestamp)}
		for _, b := range r.Key {
			rec.Partition += int32(b)
		}
		rec.Partition %= simPartitions
		for _, h := range r.Headers {
			var v []byte
			require.NoError(t, json.Unmarshal([]byte(strconv.Quote(h[1])), &v))
			rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h[0], Value: v})
		}
		records = append(records, rec)
	}
	require.NoError(t, s.Err())
	return records
}

// What Debezium sent of MariaDB's tables ends as the tables ended, whatever the batches are.
func TestRecordedMariaDB(t *testing.T) {
	t.Parallel()
	for _, kind := range bothTypes {
		for name, columns := range map[string][]string{
			"customers": {"id", "first_name", "last_name", "email", "balance", "active"},
			"orders":    {"region", "order_no", "customer_id", "placed", "amount", "status"},
			"inc":       {"id", "v"},
		} {
			t.Run(fmt.Sprint(kind, name), func(t *testing.T) {
				var want []string
				recordedTopic(t, "final.ndjson.gz", "", func(line []byte) {
					var r struct {
						Table string
						Row   map[string]json.RawMessage
					}
					require.NoError(t, json.Unmarshal(line, &r))
					if r.Table != "maria."+name {
						return
					}
					var fields []string
					for _, c := range columns {
						fields = append(fields, fmt.Sprintf("%q:%s", c, r.Row[c]))
					}
					want = append(want, "{"+strings.Join(fields, ",")+"}")
				})
				slices.Sort(want)
				sim := newSim(t, simPartitions)
				records := recordedTopic(t, "myjs.ndjson.gz", "myjs.inventory."+name, nil)
				for _, r := range records {
					r.Topic = sim.topic
				}
				for chunk := range slices.Chunk(records, 4) {
					sim.produce(chunk...)
					sim.must(func(o *ingest.Options) { o.Type, o.MaxRows = kind, 3 })
				}
				require.Equal(t, want, sim.query(query.Options{}, func(c string) bool { return slices.Contains(columns, c) }))
			})
		}
	}
}

// The table of one kind of connector does not take events of another.
func TestOtherConnector(t *testing.T) {
	sim := newSim(t, 1)
	src := newSource(1, sim.topic)
	src.insert(simPartitions)
	sim.produce(src.sent...)
	sim.must(nil)
	for _, r := range src.sent {
		r.Value = lsnBlock.ReplaceAll(r.Value, []byte(`"connector":"mysql","ts_ms":$1,"snapshot":"$2","server_id":1,"gtid":null,"file":"b.1","pos":4`))
	}
	sim.produce(src.sent...)
	_, err := sim.run(nil)
	require.ErrorIs(t, err, base.ErrInvalid)
	require.ErrorContains(t, err, "_event_lsn")
	var refused *cdc.RecordError
	require.ErrorAs(t, err, &refused)
	require.EqualValues(t, 1, refused.Offset)
	_, err = sim.run(func(o *ingest.Options) { o.Type = table.COW })
	require.ErrorIs(t, err, base.ErrInvalid)
}
