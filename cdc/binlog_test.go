package cdc

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// mariaValue brings a value as MariaDB's client writes it to the form of the model.
func mariaValue(t testing.TB, column string, v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	switch column {
	case "c_bin", "c_vbin", "c_blob":
		return `\x` + strings.ToLower(text)
	case "c_bit1":
		return text == "1"
	case "c_bit10", "c_bit64":
		length := map[string]int{"c_bit10": 2, "c_bit64": 8}[column]
		out := make([]byte, length)
		for i := range len(text) {
			if text[len(text)-1-i] == '1' {
				out[i/8] |= 1 << (i % 8)
			}
		}
		return `\x` + hex.EncodeToString(out)
	case "c_time", "c_time3", "c_time6":
		sign := int64(1)
		if strings.HasPrefix(text, "-") {
			sign, text = -1, text[1:]
		}
		var h, m, s, micros int64
		clock, fraction, _ := strings.Cut(text, ".")
		_, err := fmt.Sscanf(clock, "%d:%d:%d", &h, &m, &s)
		require.NoError(t, err)
		_, err = fmt.Sscanf((fraction + "000000")[:6], "%d", &micros)
		require.NoError(t, err)
		return sign * ((h*3600+m*60+s)*1_000_000 + micros)
	case "c_dt", "c_dt3", "c_dt6", "c_ts", "c_ts6", "updated_at":
		text = strings.Replace(text, " ", "T", 1)
		if strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		if !strings.HasPrefix(column, "c_dt") {
			text += "Z"
		}
		return text
	}
	return v
}

// TestReplayMariaDB replays what Debezium sent of MariaDB's tables, with schemas and without.
func TestReplayMariaDB(t *testing.T) {
	for _, c := range []struct {
		table, declared string
		skip            []string // as requireFinal has it
		look            func(t *testing.T, m *model, counts Counts, s *schema.Schema)
	}{
		{table: "customers", declared: "my_customers", look: func(t *testing.T, m *model, counts Counts, s *schema.Schema) {
			require.Equal(t, []string{"id"}, m.keys)
			require.EqualValues(t, 4, counts.Snapshots)
			require.EqualValues(t, 3, counts.Tombstones)
			f, _, _ := s.Field("_event_order")
			require.Equal(t, schema.Long, f.Type.Kind)
			require.Equal(t, int64(1)<<36|18498, m.order["201"]) // the update of the key 101
		}},
		{table: "orders", declared: "orders"},
		{table: "inc", declared: "inc", look: func(t *testing.T, m *model, counts Counts, _ *schema.Schema) {
			require.EqualValues(t, 20, counts.Snapshots) // ten incremental ones, which have the position of their chunk
			require.Greater(t, m.order["3"], int64(1)<<36|31730)
		}},
		// A renamed column is a new one, and rows that were not touched since lack it.
		{table: "evolve", declared: "evolve", skip: []string{"renamed@1", "renamed@6"}},
		// A bigint unsigned wraps and a point's text is PostgreSQL's; looked at below.
		{table: "all_types", declared: "my_all_types", skip: []string{"c_biu", "c_pt"}, look: func(t *testing.T, m *model, counts Counts, s *schema.Schema) {
			require.Zero(t, counts.OutOfRange)
			row := m.live["1"]
			require.Equal(t, int64(-1), row["c_biu"])
			require.Equal(t, map[string]any{"x": 1.5, "y": -2.0, "wkb": `\x0101000000000000000000f83f00000000000000c0`, "srid": nil}, row["c_pt"])
			require.Equal(t, int64(4294967295), row["c_iu"])
			require.Equal(t, int64(-3020399000000), row["c_time6"])
			require.Equal(t, int64(2024), row["c_year"])
			require.Equal(t, "x,z", row["c_set"])
			zero := m.last["2"] // zero dates: null, but 1970 for timestamps
			require.Nil(t, zero["c_date"])
			require.Nil(t, zero["c_dt"])
			require.Equal(t, "1970-01-01T00:00:00Z", zero["c_ts"])
			require.Empty(t, zero["c_enum"])
			require.NotNil(t, zero["c_enum"])
			require.Equal(t, "null", zero["c_json"])
			for _, f := range s.Fields() {
				require.Equal(t, f.Name != "id", f.Type.Nullable, f.Name)
			}
		}},
	} {
		for _, prefix := range []string{"myjs", "myj"} {
			t.Run(prefix+" "+c.table, func(t *testing.T) {
				opt := Options{}
				if prefix == "myj" {
					opt.Schema = declared(t, c.declared)
				}
				m, counts, s := replay(t, topicRecords(t, prefix, prefix+".inventory."+c.table), opt)
				m.requireFinal(t, "maria."+c.table, c.skip...)
				if c.look != nil {
					c.look(t, m, counts, s)
				}
			})
		}
	}
	t.Run("trunc1", func(t *testing.T) {
		records := topicRecords(t, "myjs", "myjs.inventory.trunc1")
		m, counts, _ := replay(t, records, Options{Truncate: TruncateIgnore})
		require.EqualValues(t, 1, counts.Truncates)
		require.Len(t, m.live, 3)
		d, err := NewDecoder(Options{Topic: records[0].Topic})
		require.NoError(t, err)
		defer d.Release()
		for _, r := range records[:2] {
			require.NoError(t, d.Append(r))
		}
		require.ErrorIs(t, d.Append(records[2]), ErrTruncate)
	})
	t.Run("without a primary key", func(t *testing.T) {
		records := topicRecords(t, "myjs", "myjs.inventory.nopk")
		d, err := NewDecoder(Options{Topic: records[0].Topic})
		require.NoError(t, err)
		defer d.Release()
		require.ErrorIs(t, d.Append(records[0]), ErrNoKey)
		log, err := NewDecoder(Options{Topic: records[0].Topic, Mode: Append})
		require.NoError(t, err)
		defer log.Release()
		for _, r := range records {
			require.NoError(t, log.Append(r))
		}
		rows := allRows(flush(t, log))
		require.Len(t, rows, 7)
		require.Equal(t, "d", rows[6][EventOp])
		require.Equal(t, int64(2), rows[6]["a"]) // the before image is whole
		require.Equal(t, int64(1)<<36|23420, rows[6]["_event_order"])
	})
	t.Run("other topics", func(t *testing.T) {
		for _, prefix := range []string{"myjs", "myj"} {
			d, err := NewDecoder(Options{})
			require.NoError(t, err)
			defer d.Release()
			for _, topic := range []string{prefix, prefix + ".transaction"} {
				for _, r := range topicRecords(t, prefix, topic) {
					require.NoError(t, d.Append(r))
				}
			}
			require.EqualValues(t, 40, flush(t, d).Counts.Other)
		}
		d := newTestDecoder(t, Options{})
		err := d.Append(topicRecords(t, "myfj", "myfj.inventory.customers")[0])
		require.ErrorIs(t, err, ErrMalformed)
		require.ErrorContains(t, err, "flattened")
	})
}

// binlogRecord makes a record of docs. source has JSON fields of the source block.
func binlogRecord(offset int64, op, source string, id int) Record {
	key, image := fmt.Sprintf(`{"id":%d}`, id), fmt.Sprintf(`{"id":%d,"v":"%d"}`, id, offset)
	before, after := "null", image
	if op == "d" {
		before, after = image, "null"
	}
	return Record{Topic: "s.d.docs", Offset: offset, Key: []byte(key), Value: fmt.Appendf(nil,
		`{"before":%s,"after":%s,"source":{"connector":"mysql","ts_ms":%d,%s},"op":"%s","ts_ms":7}`, before, after, 1000+offset, source, op)}
}

func at(file string, pos, server int, gtid string) string {
	quoted := "null"
	if gtid != "" {
		quoted = `"` + gtid + `"`
	}
	return fmt.Sprintf(`"snapshot":"false","server_id":%d,"gtid":%s,"file":"%s","pos":%d,"row":0`, server, quoted, file, pos)
}

func order(file, pos int64) int64 { return file<<36 | pos }

func TestBinlogOrder(t *testing.T) {
	const a, b = "9dc1e3fa-0b8a-11ee-a23c-0242ac120002:", "b6a4e3fa-0b8a-11ee-a23c-0242ac120003:"
	type step struct {
		op, source string
		want       int64
	}
	logs := map[string]int64{ // where another log is seen
		"another server, without GTIDs": 1, "another server, which has written the first server's transactions": 1, "MariaDB's GTIDs": 1,
		"a transaction above 4 GiB, where positions of events begin anew": 1,
	}
	for name, steps := range map[string][]step{
		"file numbers are numbers": {
			{"c", at("binlog.999999", 9, 1, ""), order(999999, 9)},
			{"u", at("binlog.1000000", 4, 1, ""), order(1000000, 4)},
			{"u", at("a.b-bin.1000001", 1<<36-1, 1, ""), order(1000001, 1<<36-1)},
		},
		"sent twice: positions count": {
			{"c", at("b.000002", 100, 1, a+"5"), order(2, 100)},
			{"u", at("b.000002", 200, 1, a+"6"), order(2, 200)},
			{"u", at("b.000002", 100, 1, a+"5"), order(2, 100)},
			{"u", at("b.000002", 200, 1, a+"6"), order(2, 200)},
		},
		"sent twice, without GTIDs": {
			{"c", at("b.000002", 100, 1, ""), order(2, 100)},
			{"u", at("b.000001", 900, 1, ""), order(1, 900)},
		},
		"rows of snapshots without a position": {
			{"c", at("b.000002", 100, 1, ""), order(2, 100)},
			{"r", `"snapshot":"incremental","server_id":0,"gtid":null,"file":null,"pos":null`, order(2, 100)},
			{"u", at("b.000002", 40, 1, ""), order(2, 100)},
			{"r", `"snapshot":"true","server_id":0,"gtid":null,"file":"","pos":0`, order(2, 100)},
			{"u", at("b.000002", 300, 1, ""), order(2, 300)},
		},
		"another server, without GTIDs": {
			{"c", at("b.000007", 100, 1, ""), order(7, 100)},
			{"u", at("b.000002", 40, 2, ""), order(7, 100)},
			{"u", at("b.000002", 30, 2, ""), order(7, 100)},
			{"u", at("b.000007", 101, 2, ""), order(7, 101)},
		},
		"another server, which has written the first server's transactions": {
			{"c", at("b.000007", 100, 1, a+"99"), order(7, 100)},
			{"u", at("r.000001", 500, 1, a+"100"), order(7, 100)},
			{"u", at("r.000001", 600, 2, b+"1"), order(7, 100)},
			{"u", at("r.000001", 700, 2, b+"2"), order(7, 100)},
			{"u", at("r.000008", 4, 2, b+"3"), order(8, 4)},
			{"u", at("r.000007", 4, 2, b+"2"), order(7, 100)}, // sent twice
		},
		"MariaDB's GTIDs": {
			{"c", at("b.000007", 100, 1, "0-1-99"), order(7, 100)},
			{"u", at("r.000001", 500, 1, "0-1-100"), order(7, 100)},
			{"u", at("r.000001", 600, 2, "0-2-101"), order(7, 100)},
		},
		"a transaction above 4 GiB, where positions of events begin anew": {
			{"c", at("b.000007", 4_294_967_000, 1, a+"99"), order(7, 4_294_967_000)},
			{"u", at("b.000007", 100, 1, a+"99"), order(7, 4_294_967_000)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newTestDecoder(t, Options{})
			var want, got []int64
			for i, s := range steps {
				require.NoError(t, d.Append(binlogRecord(int64(i), s.op, s.source, 1)))
				want = append(want, s.want)
			}
			require.Equal(t, "_event_order", d.OrderColumn())
			b := flush(t, d)
			for _, r := range allRows(b) {
				got = append(got, r["_event_order"].(int64))
			}
			require.Equal(t, want, got)
			require.Equal(t, logs[name], b.Counts.Logs)
		})
	}
}

// Partitions have marks of their own, and go on where an earlier decoder stopped: nothing gets
// less than that, in whatever log it counts.
func TestBinlogSeed(t *testing.T) {
	d := newTestDecoder(t, Options{Seed: map[string]map[int32]int64{"s.d.docs": {0: order(7, 100)}, "other": {1: order(9, 9)}}})
	first, second := binlogRecord(1, "u", at("b.000001", 4, 2, ""), 1), binlogRecord(1, "u", at("b.000001", 5, 2, ""), 2)
	second.Partition = 1
	require.NoError(t, d.Append(first))
	require.NoError(t, d.Append(second))
	rows := allRows(flush(t, d))
	require.Equal(t, order(7, 100), rows[0]["_event_order"])
	require.Equal(t, order(1, 5), rows[1]["_event_order"])
}

// TestBinlogModel sends the log of a server and its successors, in which every event changes one row, with parts sent
// twice as a connector does that is started again. At the end each row is as its last event left it.
func TestBinlogModel(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 11))
		withGTID := seed%2 == 0
		var log []Record
		last := map[int]int64{} // by row: the offset of its last event when first sent
		file, pos, server, number := 1+rng.IntN(50), 4, 1, 1
		n := int64(0)
		for range 200 {
			switch p := rng.IntN(100); {
			case p < 3: // a failover; without GTIDs the connector reads only what the new server wrote itself
				file, pos = 1+rng.IntN(50), 4
				if server++; withGTID && rng.IntN(2) == 0 {
					server--
				}
			case p < 10:
				file, pos = file+1, 4
			case p < 15 && len(log) > 0: // sent twice, from some point to the end
				from := max(0, len(log)-1-rng.IntN(10))
				for _, r := range slices.Clone(log[from:]) {
					r.Offset = n
					log = append(log, r)
					n++
				}
				continue
			}
			id := rng.IntN(8)
			gtid := ""
			if withGTID {
				gtid = fmt.Sprintf("0-%d-%d", server, number)
			}
			r := binlogRecord(n, "u", at(fmt.Sprintf("b.%06d", file), pos, server, gtid), id)
			log = append(log, r)
			last[id] = n
			pos += 1 + rng.IntN(1000)
			number++
			n++
		}
		d := newTestDecoder(t, Options{})
		for _, r := range log {
			require.NoError(t, d.Append(r))
		}
		rows := allRows(flush(t, d))
		slices.SortStableFunc(rows, func(a, b map[string]any) int {
			return cmp.Compare(a["_event_order"].(int64), b["_event_order"].(int64))
		})
		got := map[int]string{}
		for _, r := range rows {
			got[int(r["id"].(int64))] = r["v"].(string)
		}
		for id, offset := range last {
			require.Equal(t, fmt.Sprint(offset), got[id], "seed %d, row %d", seed, id)
		}
	}
}

func TestBinlogRefused(t *testing.T) {
	for source, want := range map[string]error{
		`"snapshot":"false","server_id":1,"gtid":null,"file":null,"pos":100`:                               ErrNoOrder,
		`"snapshot":"false","server_id":1,"gtid":null,"pos":100`:                                           ErrNoOrder,
		`"snapshot":"false","server_id":1,"gtid":null,"file":"","pos":100`:                                 ErrNoOrder,
		`"snapshot":"false","server_id":1,"gtid":null,"file":"b.000001"`:                                   ErrNoOrder,
		`"snapshot":"false","server_id":1,"gtid":null,"file":"binlog","pos":4`:                             ErrNoOrder,
		`"snapshot":"false","server_id":1,"gtid":null,"file":"b.00x1","pos":4`:                             ErrNoOrder,
		`"snapshot":"false","server_id":1,"gtid":null,"file":"b.000001","pos":-1`:                          ErrNoOrder,
		fmt.Sprintf(`"snapshot":"false","server_id":1,"gtid":null,"file":"b.000001","pos":%d`, 1<<36):      base.ErrUnsupported,
		fmt.Sprintf(`"snapshot":"false","server_id":1,"gtid":null,"file":"b.%d","pos":4`, maxBinlogFile+1): base.ErrUnsupported,
	} {
		d := newTestDecoder(t, Options{})
		require.ErrorIs(t, d.Append(binlogRecord(1, "c", source, 1)), want, source)
	}
	postgresTable, err := schema.Parse(strings.Replace(docsSchema, `{"name":"list"`, `{"name":"_event_lsn","type":["null","long"]},{"name":"list"`, 1))
	require.NoError(t, err)
	d := newTestDecoder(t, Options{Schema: postgresTable})
	err = d.Append(binlogRecord(1, "c", at("b.000001", 4, 1, ""), 1))
	require.ErrorIs(t, err, base.ErrInvalid)
	require.ErrorContains(t, err, "_event_lsn")
}

// TestMySQLTypes has the forms that the recorded topics do not have.
func TestMySQLTypes(t *testing.T) {
	const kind = `{"type":"int32","optional":false,"field":"id"},` +
		`{"type":"int64","optional":true,"parameters":{"__debezium.source.column.type":"BIGINT UNSIGNED"},"field":"wide"},` +
		`{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"0","connect.decimal.precision":"20"},"field":"precise"},` +
		`{"type":"double","optional":true,"field":"dbl"},{"type":"string","optional":true,"field":"dec_text"},` +
		`{"type":"int64","optional":true,"name":"io.debezium.time.Time","field":"t_ms"},` +
		`{"type":"int64","optional":true,"name":"org.apache.kafka.connect.data.Timestamp","field":"ts_connect"},` +
		`{"type":"int32","optional":true,"name":"org.apache.kafka.connect.data.Time","field":"t_connect"},` +
		`{"type":"string","optional":true,"name":"io.debezium.data.Json","field":"js"},` +
		`{"type":"struct","fields":[{"type":"bytes","optional":false,"field":"wkb"},{"type":"int32","optional":true,"field":"srid"}],"optional":true,"name":"io.debezium.data.geometry.Geometry","field":"geo"},` +
		`{"type":"array","items":{"type":"float","optional":false},"optional":true,"name":"io.debezium.data.FloatVector","field":"vec"}`
	record := func(row string) Record {
		return Record{Topic: "s.d.t", Key: []byte(`{"id":1}`), Value: fmt.Appendf(nil,
			`{"schema":{"type":"struct","fields":[{"type":"struct","fields":[%s],"optional":true,"field":"after"}]},"payload":{"before":null,"after":%s,"source":{"connector":"mysql",%s},"op":"c","ts_ms":7}}`,
			kind, row, at("b.000001", 4, 1, ""))}
	}
	rec := record(`{"id":1,"wide":-1,"precise":"AP//////////","dbl":1.25,"dec_text":"12.50","t_ms":-1000,"ts_connect":1709210096123,"t_connect":86399999,"js":"{\"a\": 1}","geo":{"wkb":"AQE=","srid":4326},"vec":[1.5,2]}`)
	d, err := NewDecoder(Options{Topic: "s.d.t"})
	require.NoError(t, err)
	defer d.Release()
	require.NoError(t, d.Append(rec))
	require.NoError(t, d.Append(record(`{"id":2,"wide":9223372036854775807}`)))
	rows := allRows(flush(t, d))
	for name, want := range map[string]any{
		"wide": "18446744073709551615", "precise": "18446744073709551615", "dbl": 1.25, "dec_text": "12.50", "t_ms": int64(-1_000_000),
		"ts_connect": "2024-02-29T12:34:56.123Z", "t_connect": "23:59:59.999", "js": `{"a": 1}`,
		"geo": map[string]any{"wkb": `\x0101`, "srid": int64(4326)}, "vec": []any{1.5, 2.0},
	} {
		require.Equal(t, want, rows[0][name], name)
	}
	require.Equal(t, "9223372036854775807", rows[1]["wide"])
}
