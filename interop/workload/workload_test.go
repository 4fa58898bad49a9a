package workload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/interop/workload"
)

func TestMain(m *testing.M) { interop.Main(m) }

func TestSameSeedSameTransactions(t *testing.T) {
	for _, db := range []*workload.Database{workload.PostgreSQL, workload.MariaDB} {
		one, two, other := workload.New(db, 1), workload.New(db, 1), workload.New(db, 2)
		require.Equal(t, one.Start(), two.Start())
		first := one.Batch(500)
		require.Equal(t, first, two.Batch(500))
		require.NotEqual(t, one.Start(), other.Start())
		require.GreaterOrEqual(t, one.Changes, 500)
		for _, kind := range []string{"rollback", "set id = ", "delete from shop.customers", "repeat(", "update shop.all_types"} {
			require.Contains(t, first+one.Batch(2000), kind)
		}
	}
}

func TestCompare(t *testing.T) {
	types := workload.PostgreSQL.TableNamed("all_types")
	row := func(values map[string]any) map[string]any {
		full := map[string]any{}
		for _, c := range types.Columns {
			full[c.Name] = nil
		}
		for k, v := range values {
			full[k] = v
		}
		return full
	}
	one := json.Number("1")
	for _, c := range []struct {
		column    string
		want, got any
	}{
		{"c_num_5_2", "1.50", "1.50"},
		{"c_num", "100.50", "100.5"},
		{"c_num", "100.00", "100"},
		{"c_f8", json.Number("1e+20"), json.Number("100000000000000000000")},
		{"c_f4", "NaN", "NaN"},
		{"c_time", json.Number("86400000000"), "24:00:00.000000"},
		{"c_time", json.Number("45296789000"), "12:34:56.789"},
		{"c_time", json.Number("45296789000"), json.Number("45296789000")}, // Spark has no such type
		{"c_ts3", "2024-02-29T12:34:56.789", "2024-02-29T12:34:56.789000"},
		{"c_tstz", "0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00.000000Z"},
		{"c_varbit", "1010101010101", "VRU="},
		{"c_point", map[string]any{"x": one, "y": one}, map[string]any{"x": one, "y": one, "wkb": "AQ==", "srid": nil}},
		{"a_ts", []any{"2024-01-01T00:00:00.5", nil}, []any{"2024-01-01T00:00:00.500000", nil}},
	} {
		result, err := workload.Compare(types, []map[string]any{row(map[string]any{"id": one, c.column: c.want})},
			[]map[string]any{row(map[string]any{"id": one, c.column: c.got, "_event_lsn": one})})
		require.NoError(t, err)
		require.Empty(t, result.Diffs, c.column)
		require.Equal(t, 1, result.Rows)
	}
	for _, c := range []struct {
		column    string
		want, got any
	}{
		{"c_num_5_2", "1.50", "1.5"},
		{"c_num_5_2", "1.50", json.Number("1.50")},
		{"c_text", "", nil},
		{"c_tstz", "2024-02-29T12:34:56+00:00", "2024-02-29T12:34:56.000000"},
		{"c_ts", "2024-02-29T12:34:56", "2024-02-29T12:34:56.000000Z"},
		{"c_bool", true, json.Number("1")},
		{"a_text", []any{"a", "b"}, []any{"a,b"}},
		{"extra", nil, "x"},
	} {
		got := row(map[string]any{"id": one, c.column: c.got})
		result, err := workload.Compare(types, []map[string]any{row(map[string]any{"id": one, c.column: c.want})}, []map[string]any{got})
		require.NoError(t, err)
		require.Len(t, result.Diffs, 1, c.column)
		require.Contains(t, result.Diffs[0], c.column)
	}

	lost, err := workload.Compare(types, []map[string]any{row(map[string]any{"id": one, "c_ts": "infinity"})},
		[]map[string]any{row(map[string]any{"id": one})})
	require.NoError(t, err)
	require.Empty(t, lost.Diffs)
	require.Len(t, lost.Lost, 1)

	moved, err := workload.Compare(types, []map[string]any{row(map[string]any{"id": one})}, []map[string]any{row(map[string]any{"id": json.Number("2")})})
	require.NoError(t, err)
	require.Len(t, moved.Diffs, 2)
}

// The workload through the lab: replaying the topics gives the keys that PostgreSQL has in the end.
func TestWorkloadThroughTheLab(t *testing.T) {
	lab := interop.StartLab(t, interop.PostgreSQL)
	g := workload.New(workload.PostgreSQL, 7)
	lab.Exec(t, g.Start())
	lab.Capture(t, "js", "w", workload.Schema)
	for range 4 {
		lab.Exec(t, g.Batch(1000))
	}
	topics := workload.PostgreSQL.Topics("w")
	lab.WaitCaptured(t, "w", 2*time.Minute, topics...)

	dump := workload.PostgreSQL.Dump(t, lab)
	seen := replay(t, lab, topics)
	for _, table := range workload.PostgreSQL.Tables() {
		want := map[string]bool{}
		for _, row := range dump[table.Name] {
			want[keyOf(table, row)] = true
		}
		require.Equal(t, want, seen.keys["w."+workload.Schema+"."+table.Name], table.Name)
		self, err := workload.Compare(table, dump[table.Name], asContract(table, dump[table.Name]))
		require.NoError(t, err)
		require.Empty(t, self.Diffs)
		require.Equal(t, len(dump[table.Name]), self.Rows)
	}
	require.NotZero(t, seen.placeholders, "no event without its TOASTed value")
	require.NotZero(t, seen.rekeyedPlaceholders, "no key change without its TOASTed value")
	require.Len(t, seen.deltas, 16, "r, c, u, d of four tables")
}

type replayed struct {
	keys                              map[string]map[string]bool // live keys by topic
	deltas                            map[string]int             // events by topic and operation
	placeholders, rekeyedPlaceholders int
}

func replay(t *testing.T, lab *interop.Lab, topics []string) replayed {
	t.Helper()
	r := replayed{keys: map[string]map[string]bool{}, deltas: map[string]int{}}
	var left int64
	for _, topic := range topics {
		r.keys[topic] = map[string]bool{}
		left += lab.WaitRecords(t, topic, 0, time.Minute)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(lab.Brokers), kgo.ConsumeTopics(topics...))
	require.NoError(t, err)
	defer client.Close()
	for left > 0 {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			left--
			r.apply(t, record)
		})
	}
	return r
}

func (r *replayed) apply(t *testing.T, record *kgo.Record) {
	if record.Value == nil {
		return
	}
	var key struct{ Payload map[string]any }
	var value struct{ Payload struct{ Op string } }
	require.NoError(t, json.Unmarshal(record.Value, &value))
	d := json.NewDecoder(bytes.NewReader(record.Key))
	d.UseNumber()
	require.NoError(t, d.Decode(&key))
	table := workload.PostgreSQL.TableNamed(record.Topic[strings.LastIndex(record.Topic, ".")+1:])
	r.deltas[record.Topic+" "+value.Payload.Op]++
	if value.Payload.Op == "d" {
		delete(r.keys[record.Topic], keyOf(table, key.Payload))
		return
	}
	r.keys[record.Topic][keyOf(table, key.Payload)] = true
	if bytes.Contains(record.Value, []byte(`"__debezium_unavailable_value"`)) {
		r.placeholders++
		for _, header := range record.Headers {
			if header.Key == "__debezium.oldkey" {
				r.rekeyedPlaceholders++
			}
		}
	}
}

func keyOf(table workload.Table, row map[string]any) string {
	parts := make([]string, len(table.Keys))
	for i, k := range table.Keys {
		parts[i] = row[k].(json.Number).String()
	}
	return strings.Join(parts, ",")
}

// asContract turns a dump into what hudictl would print where the two encodings differ.
func asContract(table workload.Table, rows []map[string]any) []map[string]any {
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		out[i] = map[string]any{}
		for _, c := range table.Columns {
			value := row[c.Name]
			if text, ok := value.(string); ok {
				switch c.Kind {
				case workload.Bits:
					value = reversedBits(text)
				case workload.Instant:
					value = strings.Replace(text, "+00:00", "Z", 1)
				}
			}
			out[i][c.Name] = value
		}
	}
	return out
}

func reversedBits(text string) string {
	n := (len(text) + 7) / 8
	text = strings.Repeat("0", n*8-len(text)) + text
	out := make([]byte, n)
	for i := range n {
		for _, bit := range text[i*8 : i*8+8] {
			out[n-1-i] = out[n-1-i]<<1 | byte(bit-'0')
		}
	}
	return base64.StdEncoding.EncodeToString(out)
}
