package cdc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

const docsSchema = `{"type":"record","name":"docs","fields":[{"name":"id","type":"long"},{"name":"v","type":["null","string"]},
 {"name":"day","type":["null",{"type":"int","logicalType":"date"}]},{"name":"raw","type":["null","bytes"]},{"name":"list","type":["null",{"type":"array","items":["null","long"]}]}]}`

// newTestDecoder makes a decoder of docs whose memory is checked at the end of the test.
func newTestDecoder(t *testing.T, opt Options) *Decoder {
	if opt.Schema == nil {
		s, err := schema.Parse(docsSchema)
		require.NoError(t, err)
		opt.Schema = s
	}
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	opt.Alloc = alloc
	d, err := NewDecoder(opt)
	require.NoError(t, err)
	t.Cleanup(func() {
		d.Release()
		alloc.AssertSize(t, 0)
	})
	return d
}

func flush(t *testing.T, d *Decoder) *Batch {
	b := d.Flush()
	t.Cleanup(b.Release)
	return b
}

// event makes a record; before, after and lsn are JSON.
func changeRecord(offset int64, op, key, before, after, lsn string) Record {
	r := Record{Topic: "s.p.docs", Offset: offset, Value: fmt.Appendf(nil,
		`{"before":%s,"after":%s,"source":{"connector":"postgresql","ts_ms":%d,"snapshot":"%s","lsn":%s},"op":"%s","ts_ms":7}`,
		before, after, 1000+offset, map[bool]string{true: "incremental", false: "false"}[lsn == "null"], lsn, op)}
	if key != "" {
		r.Key = []byte(key)
	}
	return r
}

func allRows(b *Batch) []map[string]any {
	var rows []map[string]any
	for _, batch := range b.Rows {
		for i := range int(batch.NumRows()) {
			rows = append(rows, rowOf(batch, i))
		}
	}
	return rows
}

func TestRows(t *testing.T) {
	d := newTestDecoder(t, Options{})
	require.Nil(t, d.Schema())
	require.NoError(t, d.Append(changeRecord(5, "c", `{"id":1}`, "null", `{"id":1,"v":"a\nb","day":19782,"raw":"AP8=","list":[1,null]}`, "100")))
	require.NoError(t, d.Append(changeRecord(6, "u", `{"id":1}`, "null", `{"id":1,"v":null}`, "110")))
	require.NoError(t, d.Append(changeRecord(7, "d", `{"id":1}`, `{"id":1,"v":"","day":0}`, "null", "120")))
	require.NoError(t, d.Append(Record{Topic: "s.p.docs", Offset: 8, Key: []byte(`{"id":1}`)}))
	require.Equal(t, []string{"id"}, d.Keys())
	require.Equal(t, "_event_lsn", d.OrderColumn())
	require.Equal(t, 3, d.Rows())
	require.Positive(t, d.Bytes())
	b := flush(t, d)
	require.Zero(t, d.Rows())
	require.Zero(t, d.Bytes())
	require.Equal(t, []map[string]any{
		{"id": int64(1), "v": "a\nb", "day": "2024-02-29", "raw": `\x00ff`, "list": []any{int64(1), nil}, "_event_lsn": int64(100), schema.IsDeleted: false},
		{"id": int64(1), "v": nil, "day": nil, "raw": nil, "list": nil, "_event_lsn": int64(110), schema.IsDeleted: false},
		{"id": int64(1), "v": nil, "day": nil, "raw": nil, "list": nil, "_event_lsn": int64(120), schema.IsDeleted: true},
	}, allRows(b))
	require.True(t, b.Rows[0].Schema().Equal(d.Schema().Arrow()))
	require.Equal(t, Counts{Creates: 1, Updates: 1, Deletes: 1, Tombstones: 1}, b.Counts)
	require.EqualValues(t, 3, b.Counts.Rows())
	require.Equal(t, []Range{{Topic: "s.p.docs", First: 5, Next: 9, Time: 1007, Order: 120}}, b.Ranges)
	empty := flush(t, d)
	require.Empty(t, empty.Rows)
	require.Empty(t, empty.Ranges)
}

func TestIncrementalSnapshotOrder(t *testing.T) {
	d := newTestDecoder(t, Options{Seed: map[string]map[int32]int64{"s.p.docs": {0: 500}}})
	row := func(offset int64, op, lsn string, partition int32) {
		r := changeRecord(offset, op, `{"id":1}`, "null", `{"id":1}`, lsn)
		r.Partition = partition
		require.NoError(t, d.Append(r))
	}
	row(0, "r", "null", 0) // the seed
	row(1, "u", "700", 0)
	row(2, "u", "650", 0) // of a transaction that committed later
	row(3, "r", "null", 0)
	row(4, "u", "690", 0) // must not lose against the row before
	row(5, "u", "710", 0)
	row(0, "r", "null", 1)
	var orders []int64
	b := flush(t, d)
	for _, r := range allRows(b) {
		orders = append(orders, r["_event_lsn"].(int64))
	}
	require.Equal(t, []int64{500, 700, 650, 700, 700, 710, 0}, orders)
	require.EqualValues(t, 710, b.Ranges[0].Order)
}

func TestUnavailable(t *testing.T) {
	d := newTestDecoder(t, Options{Keys: []string{"id"}})
	marker := DefaultPlaceholder
	encoded := base64.StdEncoding.EncodeToString([]byte(marker))
	ints := strings.ReplaceAll(strings.Trim(fmt.Sprint([]byte(marker)), "[]"), " ", ",")
	require.NoError(t, d.Append(changeRecord(0, "u", `{"id":1}`, "null", `{"id":1,"v":"x","day":1}`, "1")))
	require.NoError(t, d.Append(changeRecord(1, "u", `{"id":1}`, "null", `{"id":1,"v":"`+marker+`","day":"`+marker+`","raw":"`+encoded+`","list":[`+ints+`]}`, "2")))
	changed := changeRecord(2, "c", `{"id":2}`, "null", `{"id":2,"v":"`+marker+`"}`, "3")
	changed.Headers = []Header{{Key: "other", Value: []byte("x")}, {Key: "__debezium.oldkey", Value: []byte(`{"id":1}`)}}
	require.NoError(t, d.Append(changed))
	changed = changeRecord(3, "c", `{"id":4}`, "null", `{"id":4}`, "4")
	changed.Headers = []Header{{Key: "__debezium.oldkey", Value: []byte(`{"id":"?"}`)}}
	require.ErrorIs(t, d.Append(changed), ErrType)
	changed.Headers[0].Value = []byte(`{"schema":{},"payload":{"id":3}}`)
	require.NoError(t, d.Append(changed))
	b := flush(t, d)
	require.Equal(t, []Cell{{0, 1, 1}, {0, 1, 2}, {0, 1, 3}, {0, 1, 4}, {0, 2, 1}}, b.Unavailable)
	rows := allRows(b)
	require.Equal(t, marker, rows[1]["v"])
	require.Equal(t, fmt.Sprintf(`\x%x`, marker), rows[1]["raw"])
	require.Nil(t, rows[1]["day"])
	require.Nil(t, rows[1]["list"])
	require.Len(t, b.KeyChanges, 2)
	first, second := b.KeyChanges[0], b.KeyChanges[1]
	require.True(t, first.Unavailable)
	require.False(t, second.Unavailable)
	require.Equal(t, 2, first.Row)
	require.Equal(t, int64(1), rowOf(b.OtherKeys, first.OtherKey)["id"])
	require.Equal(t, int64(3), rowOf(b.OtherKeys, second.OtherKey)["id"])
}

func TestRefusedRecords(t *testing.T) {
	good := changeRecord(0, "c", `{"id":1}`, "null", `{"id":1}`, "1")
	for name, c := range map[string]struct {
		rec  Record
		want error
	}{
		"broken":        {Record{Topic: "t", Partition: 3, Offset: 9, Key: good.Key, Value: good.Value[:40]}, ErrMalformed},
		"trailing":      {Record{Key: good.Key, Value: append(append([]byte{}, good.Value...), 'x')}, ErrMalformed},
		"no op":         {Record{Key: good.Key, Value: []byte(`{"id":1,"__deleted":"false"}`)}, ErrMalformed},
		"odd op":        {changeRecord(1, "z", `{"id":1}`, "null", `{"id":1}`, "1"), ErrMalformed},
		"long op":       {changeRecord(1, "cc", `{"id":1}`, "null", `{"id":1}`, "1"), ErrMalformed},
		"no after":      {changeRecord(1, "c", `{"id":1}`, "null", `null`, "1"), ErrMalformed},
		"after text":    {changeRecord(1, "c", `{"id":1}`, "null", `"x"`, "1"), ErrMalformed},
		"type":          {changeRecord(1, "c", `{"id":1}`, "null", `{"id":1,"v":"x","day":"x"}`, "1"), ErrType},
		"list type":     {changeRecord(1, "c", `{"id":1}`, "null", `{"id":1,"list":[1,"x"]}`, "1"), ErrType},
		"utf8":          {changeRecord(1, "c", `{"id":1}`, "null", "{\"id\":1,\"v\":\"\xff\"}", "1"), ErrType},
		"key type":      {changeRecord(1, "c", `{"id":1}`, "null", `{"id":"1"}`, "1"), ErrType},
		"null key":      {changeRecord(1, "c", `{"id":1}`, "null", `{"id":null}`, "1"), ErrNoKey},
		"no key":        {changeRecord(1, "c", "", "null", `{"id":1}`, "1"), ErrNoKey},
		"delete key":    {changeRecord(1, "d", `{"no":1}`, `{"id":1}`, `null`, "1"), ErrNoKey},
		"no lsn":        {Record{Key: good.Key, Value: []byte(`{"after":{"id":1},"source":{"connector":"postgresql"},"op":"c"}`)}, ErrNoOrder},
		"no source":     {Record{Key: good.Key, Value: []byte(`{"after":{"id":1},"op":"c"}`)}, ErrMalformed},
		"truncate":      {changeRecord(1, "t", "", "null", "null", "1"), ErrTruncate},
		"text key":      {changeRecord(1, "d", `"1"`, "null", "null", "1"), ErrMalformed},
		"wrapped scrap": {Record{Key: good.Key, Value: []byte(`{"schema":{"type":"struct","fields":[]},"payload":{"op":"c","after":{"id":1},"source":{"lsn":1}}}`)}, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			d := newTestDecoder(t, Options{})
			require.NoError(t, d.Append(good))
			err := d.Append(c.rec)
			require.ErrorIs(t, err, c.want)
			var at *RecordError
			require.ErrorAs(t, err, &at)
			require.Equal(t, c.rec.Offset, at.Offset)
			d.Skip(c.rec)
			again := good
			again.Offset = 2
			require.NoError(t, d.Append(again))
			b := flush(t, d)
			require.Len(t, allRows(b), 2)
			require.EqualValues(t, 1, b.Counts.Skipped)
			require.Empty(t, b.Unavailable)
		})
	}
}

func TestFirstRecordRefused(t *testing.T) {
	d, err := NewDecoder(Options{})
	require.NoError(t, err)
	require.ErrorIs(t, d.Append(changeRecord(1, "c", "", "null", `{"id":1}`, "1")), ErrNoKey)
	require.ErrorIs(t, d.Append(changeRecord(1, "c", `{"id":1}`, "null", `{"id":1}`, "1")), ErrNoSchema)
	d, err = NewDecoder(Options{})
	require.NoError(t, err)
	mongo := Record{Key: []byte(`{"id":1}`), Value: []byte(`{"after":"{}","source":{"connector":"mongodb"},"op":"c"}`)}
	require.ErrorIs(t, d.Append(mongo), ErrMalformed)
	mongo.Value = []byte(`{"after":{},"source":{"connector":"mongodb"},"op":"c"}`)
	require.ErrorIs(t, d.Append(mongo), base.ErrUnsupported)
}

func TestIgnoredRecords(t *testing.T) {
	d := newTestDecoder(t, Options{})
	for i, v := range []string{
		`{"status":"BEGIN","id":"763:26758296","event_count":null,"data_collections":null,"ts_ms":1795424320738}`,
		`{"source":{"connector":"mysql"},"databaseName":"inventory","ddl":"DROP TABLE x","tableChanges":[],"ts_ms":1}`,
		`{"ts_ms":1795424546802}`,
		`{"schema":{"type":"struct","fields":[]},"payload":{"ts_ms":1795424546802}}`,
		`{"op":"m","ts_ms":1,"source":{"connector":"postgresql","lsn":1},"message":{"prefix":"x","content":"AA=="}}`,
		`{"schema":null,"payload":null}`, `null`,
	} {
		require.NoError(t, d.Append(Record{Topic: "s.p.docs", Offset: int64(i), Value: []byte(v)}), v)
	}
	require.NoError(t, d.Append(Record{Topic: "__debezium-heartbeat.s", Value: []byte(`anything`)}))
	b := flush(t, d)
	require.Empty(t, b.Rows)
	require.Equal(t, Counts{Other: 5, Messages: 1, Tombstones: 2}, b.Counts)
	require.Len(t, b.Ranges, 2)
}

func TestDeleteFromBefore(t *testing.T) {
	d := newTestDecoder(t, Options{Keys: []string{"id"}, BeforeColumns: []string{"day"}})
	require.NoError(t, d.Append(changeRecord(0, "d", `{"id":1}`, `{"id":1,"v":"x","day":3}`, "null", "1")))
	require.NoError(t, d.Append(changeRecord(1, "d", "", `{"id":2,"v":"x","day":4}`, "null", "2")))
	rows := allRows(flush(t, d))
	require.Equal(t, "1970-01-04", rows[0]["day"])
	require.Nil(t, rows[0]["v"])
	require.Equal(t, int64(2), rows[1]["id"])
}

func TestAppendMode(t *testing.T) {
	records := topicRecords(t, "pgjs", "pgjs.inventory.nopk")
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	d, err := NewDecoder(Options{Mode: Append, Alloc: alloc})
	require.NoError(t, err)
	defer d.Release()
	for _, r := range append(records, topicRecords(t, "pgjs", "pgjs.inventory.trunc1")[2]) {
		err := d.Append(r)
		var changed *SchemaChange
		if errors.As(err, &changed) {
			require.Equal(t, "id", changed.Column)
			continue
		}
		require.NoError(t, err)
	}
	b := d.Flush()
	defer b.Release()
	rows := allRows(b)
	require.Len(t, rows, 7)
	require.Equal(t, map[string]any{"a": int64(2), "b": nil, "_event_op": "d", "_event_lsn": rows[6]["_event_lsn"], "_event_ts_ms": rows[6]["_event_ts_ms"],
		"_kafka_topic": "pgjs.inventory.nopk", "_kafka_partition": int64(0), "_kafka_offset": int64(6)}, rows[6])
	require.EqualValues(t, 1, b.Counts.Deletes)
	f, _, _ := d.Schema().Field("a")
	require.True(t, f.Type.Nullable)
	f, _, _ = d.Schema().Field(KafkaOffset)
	require.False(t, f.Type.Nullable)
}

func TestSchemaChange(t *testing.T) {
	records := topicRecords(t, "pgjs", "pgjs.inventory.evolve")
	d, err := NewDecoder(Options{Topic: records[0].Topic})
	require.NoError(t, err)
	defer d.Release()
	for _, r := range records[:3] {
		require.NoError(t, d.Append(r))
	}
	var changed *SchemaChange
	require.ErrorAs(t, d.Append(records[3]), &changed)
	require.Equal(t, "extra", changed.Column)
	require.Error(t, d.SetSchema(changed.Schema)) // rows are waiting
	b := d.Flush()
	defer b.Release()
	require.Len(t, allRows(b), 3)
	require.EqualValues(t, 3, b.Ranges[0].Next)
	require.ErrorAs(t, d.Append(records[3]), &changed)
	require.NoError(t, d.SetSchema(d.Schema()))
	require.ErrorIs(t, d.Append(records[3]), ErrType) // it does not help
	require.NoError(t, d.SetSchema(changed.Schema))
	require.NoError(t, d.Append(records[3]))
	after := d.Flush()
	defer after.Release()
	require.Equal(t, "e4", allRows(after)[0]["extra"])
}

func TestSealing(t *testing.T) {
	d := newTestDecoder(t, Options{})
	big := strings.Repeat("x", 1<<20)
	for i := range 20 {
		require.NoError(t, d.Append(changeRecord(int64(i), "c", `{"id":1}`, "null", `{"id":1,"v":"`+big+`"}`, "1")))
	}
	for i := range maxRows + 5 {
		require.NoError(t, d.Append(changeRecord(int64(20+i), "c", `{"id":1}`, "null", `{"id":1}`, "1")))
	}
	require.Equal(t, maxRows+25, d.Rows())
	require.Greater(t, d.Bytes(), int64(20<<20))
	b := flush(t, d)
	require.Len(t, b.Rows, 3)
	require.EqualValues(t, 16, b.Rows[0].NumRows())
	require.EqualValues(t, maxRows, b.Rows[1].NumRows())
}

func TestUnknownAndOutOfRange(t *testing.T) {
	d := newTestDecoder(t, Options{})
	require.NoError(t, d.Append(changeRecord(0, "c", `{"id":1}`, "null", `{"id":1,"new col":5,"day":-2147472692}`, "1")))
	require.NoError(t, d.Append(changeRecord(1, "c", `{"id":1}`, "null", `{"id":1,"new col":5,"day":"infinity"}`, "1")))
	b := flush(t, d)
	require.Equal(t, []string{"new_col"}, b.Unknown)
	require.EqualValues(t, 2, b.Counts.OutOfRange)
	require.Contains(t, b.OutOfRange, `"day" (date32) cannot hold -2147472692 (s.p.docs, partition 0, offset 0)`)
	require.Equal(t, 2, b.Rows[0].Column(2).(*array.Date32).NullN())
}

func TestOptions(t *testing.T) {
	s, err := schema.Parse(docsSchema)
	require.NoError(t, err)
	for _, opt := range []Options{
		{Mode: 9}, {Keys: []string{"a", "a"}}, {Schema: s, Keys: []string{"no"}}, {Schema: s, BeforeColumns: []string{"no"}},
	} {
		_, err := NewDecoder(opt)
		require.Error(t, err)
	}
}

func TestKeyFields(t *testing.T) {
	for key, want := range map[string][]string{
		"": nil, `{"b":1,"a":{"x":1}}`: {"b", "a"}, `{"schema":{"type":"struct"},"payload":{"id":1}}`: {"id"}, `{"payload":1}`: {"payload"}, `{"my key":1}`: {"my_key"},
	} {
		got, err := KeyFields(Record{Key: []byte(key)})
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, key := range []string{`1`, `"x"`, `{"a":1`, `{} x`, `{"schema":{},"payload":1}`} {
		_, err := KeyFields(Record{Key: []byte(key)})
		require.ErrorIs(t, err, ErrMalformed)
	}
}

func FuzzAppend(f *testing.F) {
	for _, r := range topicRecords(f, "pgjs", "pgjs.inventory.all_types") {
		f.Add(r.Key, r.Value)
	}
	for _, r := range topicRecords(f, "pgj", "pgj.inventory.all_types") {
		f.Add(r.Key, r.Value)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(t, 0)
		for _, opt := range []Options{{Schema: declared(t, "all_types"), Keys: []string{"id"}}, {Mode: Append}, {}} {
			opt.Alloc = alloc
			d, err := NewDecoder(opt)
			require.NoError(t, err)
			for range 2 {
				_ = d.Append(Record{Key: key, Value: value, Headers: []Header{{Key: oldKeyHeader, Value: key}}})
			}
			d.Flush().Release()
			d.Release()
		}
		_, _, _ = Propose([]Record{{Key: key, Value: value}})
	})
}
