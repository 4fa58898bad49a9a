package ingest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/ingest"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
	"github.com/hudi-go/hudi-go/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// simPartitions is the number of partitions of the topics of these tests.
const simPartitions = 3

// row is a row of the source. A value that is marked as long lies out of line, so that an
// update which does not change it does not send it.
type row struct {
	v, raw   string
	list     []int
	n        int
	longV    bool
	longRaw  bool
	longList bool
}

// source is a table in PostgreSQL, and what Debezium sends of its changes.
type source struct {
	rng   *rand.Rand
	topic string
	lsn   int64
	rows  map[int64]row
	reuse bool    // keys of rows that are gone are taken again
	plain bool    // no value lies out of line
	free  []int64 // keys that had a row
	next  int64
	sent  []*kgo.Record // in the order of the source
	n     int           // for values that differ
}

func newSource(seed uint64, topic string) *source {
	return &source{rng: rand.New(rand.NewPCG(seed, 7)), topic: topic, lsn: 1000, reuse: true, rows: map[int64]row{}, next: 1}
}

// simFields is the Connect schema of a row, to which tests add.
const simFields = `{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"v"},` +
	`{"type":"bytes","optional":true,"field":"raw"},{"type":"array","items":{"type":"int32","optional":true},"optional":true,"field":"list"},` +
	`{"type":"int32","optional":true,"field":"n"}`

// envelope is an event with its schema; fields are those of a row.
func envelope(fields, op, before, after string, lsn int64, snapshot bool) []byte {
	return fmt.Appendf(nil, `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[%s],"optional":true,"field":"before"},`+
		`{"type":"struct","fields":[%s],"optional":true,"field":"after"}],"optional":false,"name":"t.Envelope"},`+
		`"payload":{"before":%s,"after":%s,"source":{"connector":"postgresql","ts_ms":%d,"snapshot":"%t","lsn":%d},"op":"%s","ts_ms":%d}}`,
		fields, fields, before, after, lsn, snapshot, lsn, op, lsn)
}

func keyJSON(id int64) []byte { return fmt.Appendf(nil, `{"schema":{},"payload":{"id":%d}}`, id) }

func (s *source) send(id int64, value []byte, headers ...kgo.RecordHeader) {
	p := id % simPartitions
	s.sent = append(s.sent, &kgo.Record{
		Topic: s.topic, Partition: int32(p), Key: keyJSON(id), Value: value, Headers: headers, Timestamp: time.UnixMilli(1_700_000_000_000 + s.lsn),
	})
}

func (r row) json(id int64, unchanged bool) string {
	text := func(s string) string { t, _ := json.Marshal(s); return string(t) }
	v, raw := text(r.v), text(base64.StdEncoding.EncodeToString([]byte(r.raw)))
	list, _ := json.Marshal(r.list)
	values := map[string]string{"v": v, "raw": raw, "list": string(list)}
	if unchanged {
		if r.longV {
			values["v"] = text(cdc.DefaultPlaceholder)
		}
		if r.longRaw {
			values["raw"] = text(base64.StdEncoding.EncodeToString([]byte(cdc.DefaultPlaceholder)))
		}
		if r.longList {
			var bytes []string
			for _, c := range []byte(cdc.DefaultPlaceholder) {
				bytes = append(bytes, fmt.Sprint(int8(c)))
			}
			values["list"] = "[" + strings.Join(bytes, ",") + "]"
		}
	}
	return fmt.Sprintf(`{"id":%d,"v":%s,"raw":%s,"list":%s,"n":%d}`, id, values["v"], values["raw"], values["list"], r.n)
}

func (s *source) fresh() row {
	s.n++
	r := row{v: fmt.Sprint("v", s.n), raw: fmt.Sprint("r", s.n), list: []int{s.n, 1}, n: s.n}
	if !s.plain {
		r.longV, r.longRaw, r.longList = s.rng.IntN(2) > 0, s.rng.IntN(2) > 0, s.rng.IntN(2) > 0
	}
	return r
}

func (s *source) step() int64 { s.lsn += 50; return s.lsn }

func (s *source) insert(id int64) {
	r := s.fresh()
	s.rows[id] = r
	s.send(id, envelope(simFields, "c", "null", r.json(id, false), s.step(), false))
}

// update changes n, and v now and then.
func (s *source) update(id int64) {
	r := s.rows[id]
	s.n++
	r.n = s.n
	after := r.json(id, true)
	if s.rng.IntN(4) == 0 {
		changed := s.fresh()
		r.v, r.longV = changed.v, changed.longV
		sent := r
		sent.longV = false
		after = sent.json(id, true)
	}
	s.rows[id] = r
	s.send(id, envelope(simFields, "u", "null", after, s.step(), false))
}

func (s *source) remove(id int64) {
	delete(s.rows, id)
	s.free = append(s.free, id)
	s.send(id, envelope(simFields, "d", fmt.Sprintf(`{"id":%d,"v":"","raw":"","list":null,"n":0}`, id), "null", s.step(), false))
	s.send(id, nil)
}

// rekey changes a key, as the connector tells it: a delete with a tombstone, and a create that
// has the same position.
func (s *source) rekey(from, to int64) {
	r := s.rows[from]
	delete(s.rows, from)
	s.free = append(s.free, from)
	s.n++
	r.n = s.n
	s.rows[to] = r
	lsn := s.step()
	gone := kgo.RecordHeader{Key: "__debezium.newkey", Value: keyJSON(to)}
	s.send(from, envelope(simFields, "d", fmt.Sprintf(`{"id":%d,"v":"","raw":"","list":null,"n":0}`, from), "null", lsn, false), gone)
	s.send(from, nil, gone)
	s.send(to, envelope(simFields, "c", "null", r.json(to, true), lsn, false), kgo.RecordHeader{Key: "__debezium.oldkey", Value: keyJSON(from)})
}

// target is a key without a row: a new one, or one that had a row before.
func (s *source) target() int64 {
	if s.reuse && len(s.free) > 0 && s.rng.IntN(2) == 0 {
		at := s.rng.IntN(len(s.free))
		id := s.free[at]
		if _, taken := s.rows[id]; !taken {
			s.free = slices.Delete(s.free, at, at+1)
			return id
		}
	}
	s.next++
	return s.next
}

func (s *source) any() int64 {
	ids := slices.Sorted(maps.Keys(s.rows))
	return ids[s.rng.IntN(len(ids))]
}

// change makes a random change; many are of keys.
func (s *source) change() {
	switch p := s.rng.IntN(100); {
	case len(s.rows) < 3 || p < 15:
		s.insert(s.target())
	case p < 40:
		s.update(s.any())
	case p < 50:
		s.remove(s.any())
	case p < 90:
		s.rekey(s.any(), s.target())
	default: // two rows swap their keys
		a, b := s.any(), s.any()
		if a == b || !s.reuse {
			return
		}
		s.next++
		away := s.next
		s.rekey(a, away)
		s.rekey(b, a)
		s.rekey(away, b)
	}
}

// lines are the rows as a snapshot query gives them, without the ordering column.
func (s *source) lines() []string {
	var out []string
	for id, r := range s.rows {
		out = append(out, r.json(id, false))
	}
	slices.Sort(out)
	return out
}

// sim is a broker, a topic and a table in memory.
type sim struct {
	version int // of the table: each simulation has the next
	t       *testing.T
	cluster *kfake.Cluster
	topic   string
	uri     string
	store   storage.Store
}

// stores are the tables in memory, by URI. A test may put a store with faults in their place.
var stores sync.Map

func init() {
	storage.Register("sim", func(_ context.Context, uri string) (storage.Store, error) {
		if s, ok := stores.Load(uri); ok {
			return s.(storage.Store), nil
		}
		return nil, fmt.Errorf("no store %s", uri)
	})
}

var simNumber atomic.Int64

func newSim(t *testing.T, partitions int32) *sim {
	t.Helper()
	n := simNumber.Add(1)
	s := &sim{t: t, topic: "db.public.rows", uri: fmt.Sprintf("sim://%d", n)}
	s.version = table.Versions()[int(n)%len(table.Versions())]
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, s.topic))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	s.cluster = cluster
	s.use(mem.New(time.Now))
	return s
}

// use makes a store the table's.
func (s *sim) use(st storage.Store) {
	s.store = st
	stores.Store(s.uri, st)
}

// produce sends records to the partitions that they name.
func (s *sim) produce(records ...*kgo.Record) {
	s.t.Helper()
	if len(records) == 0 {
		return
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(s.t, err)
	defer client.Close()
	require.NoError(s.t, client.ProduceSync(s.t.Context(), records...).FirstErr())
}

func (s *sim) options(change func(*ingest.Options)) ingest.Options {
	o := ingest.Options{
		Brokers: s.cluster.ListenAddrs(), Topics: []string{s.topic}, Table: s.uri, Version: s.version, Once: true,
		Properties: map[string]string{"hoodie.compact.inline.max.delta.commits": "4", "hoodie.clean.commits.retained": "2"},
	}
	if change != nil {
		change(&o)
	}
	return o
}

// run ingests what there is.
func (s *sim) run(change func(*ingest.Options)) (ingest.Summary, error) {
	s.t.Helper()
	return s.runCtx(s.t.Context(), change)
}

func (s *sim) runCtx(ctx context.Context, change func(*ingest.Options)) (ingest.Summary, error) {
	s.t.Helper()
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	o := s.options(change)
	o.Alloc = alloc
	sum, err := ingest.Run(ctx, o)
	if err == nil { // Arrow's Parquet writer does not give up all buffers when it cannot write
		alloc.AssertSize(s.t, 0)
	}
	return sum, err
}

// must ingests what there is.
func (s *sim) must(change func(*ingest.Options)) ingest.Summary {
	s.t.Helper()
	sum, err := s.run(change)
	require.NoError(s.t, err)
	return sum
}

// lines are the table's rows as JSON, sorted, without columns that begin with an underscore.
func (s *sim) lines() []string {
	s.t.Helper()
	return s.query(query.Options{}, func(name string) bool { return !strings.HasPrefix(name, "_") })
}

func (s *sim) query(q query.Options, keep func(column string) bool) []string {
	s.t.Helper()
	tab, err := hudi.Open(s.t.Context(), s.uri)
	require.NoError(s.t, err)
	columns, err := tab.Schema(s.t.Context())
	require.NoError(s.t, err)
	for _, f := range columns.Fields() {
		if keep(f.Name) {
			q.Columns = append(q.Columns, f.Name)
		}
	}
	plan, err := tab.Query(s.t.Context(), q)
	require.NoError(s.t, err)
	var out strings.Builder
	w, err := rowio.NewWriter(&out, "jsonl", plan.Schema, rowio.WriteOptions{})
	require.NoError(s.t, err)
	for batch, err := range plan.Rows(s.t.Context()) {
		require.NoError(s.t, err)
		require.NoError(s.t, w.Write(batch))
	}
	require.NoError(s.t, w.Close())
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.TrimSpace(line))
	}
	slices.Sort(lines)
	return lines
}

// noRows is a write without rows.
func noRows(func(arrow.RecordBatch, error) bool) {}

var bothTypes = []table.Type{table.COW, table.MOR}
