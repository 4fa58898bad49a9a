package cdc

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSnapshotOrder(t *testing.T) {
	d := newTestDecoder(t, Options{})
	for i, e := range []struct{ op, lsn string }{
		{"r", "500"}, // of the snapshot
		{"u", "450"}, // of a transaction that was under way
		{"u", "600"},
		{"u", "590"}, // of one that committed later
		{"r", "20"},  // after a failover, positions begin anew
		{"u", "30"},
		{"u", "700"},
	} {
		require.NoError(t, d.Append(changeRecord(int64(i), e.op, `{"id":1}`, "null", `{"id":1}`, e.lsn)))
	}
	var orders []int64
	for _, r := range allRows(flush(t, d)) {
		orders = append(orders, r["_event_lsn"].(int64))
	}
	require.Equal(t, []int64{500, 500, 600, 590, 600, 600, 700}, orders)
}

func TestMoveOf(t *testing.T) {
	gone := changeRecord(1, "d", `{"schema":{},"payload":{"id":1}}`, `{"id":1}`, "null", "9")
	gone.Headers = []Header{{Key: "x", Value: []byte("y")}, {Key: newKeyHeader, Value: []byte(`{"id":2}`)}}
	came := changeRecord(1, "c", `{"id":2}`, "null", `{"id":2}`, "9")
	came.Headers = []Header{{Key: oldKeyHeader, Value: []byte(`{"schema":{},"payload":{"id":1}}`)}}
	want := Move{Old: `{"id":1}`, New: `{"id":2}`}
	m, isGone, ok := MoveOf(gone)
	require.Equal(t, []any{want, true, true}, []any{m, isGone, ok})
	m, isGone, ok = MoveOf(came)
	require.Equal(t, []any{want, false, true}, []any{m, isGone, ok})

	tombstone := gone
	tombstone.Value = nil
	plain := changeRecord(1, "c", `{"id":2}`, "null", `{"id":2}`, "9")
	broken := came
	broken.Headers = []Header{{Key: oldKeyHeader, Value: []byte(`{"id":`)}}
	for _, rec := range []Record{tombstone, plain, broken} {
		_, _, ok = MoveOf(rec)
		require.False(t, ok)
	}
}

func TestPartitionColumnsStay(t *testing.T) {
	d := newTestDecoder(t, Options{BeforeColumns: []string{"v"}})
	require.NoError(t, d.Append(changeRecord(1, "u", `{"id":1}`, "null", `{"id":1,"v":"a"}`, "1")))
	require.NoError(t, d.Append(changeRecord(2, "u", `{"id":1}`, `{"id":1,"v":"a"}`, `{"id":1,"v":"a"}`, "2")))
	require.NoError(t, d.Append(changeRecord(3, "u", `{"id":1}`, `{"id":1,"v":"a"}`, `{"id":1,"v":"__debezium_unavailable_value"}`, "3")))
	err := d.Append(changeRecord(4, "u", `{"id":1}`, `{"id":1,"v":"a"}`, `{"id":1,"v":"b"}`, "4"))
	require.ErrorIs(t, err, ErrMoved)
	require.ErrorContains(t, err, `column "v"`)
	require.Len(t, allRows(flush(t, d)), 3)
}
