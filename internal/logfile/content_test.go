package logfile

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	require.NoError(t, err)
	return b
}

// The bytes are those of the notes: a real v9 delete, and one of each wrapper by hand.
func TestDeleteBytes(t *testing.T) {
	for name, tc := range map[string]struct {
		payload string
		want    []DeleteRecord
	}{
		"none":      {"00", nil},
		"real v9":   {"02 02 04 6b32 02 0e 706172743d7031 04 00 00", []DeleteRecord{{Key: "k2", Partition: "part=p1", HasPartition: true, Ordering: Ordering{Kind: OrderingInt}}}},
		"bare":      {"02 02 02 61 00 00 00", []DeleteRecord{{Key: "a"}}},
		"two":       {"04 02 02 61 00 00 02 02 62 02 00 00 00", []DeleteRecord{{Key: "a"}, {Key: "b", HasPartition: true}}},
		"boolean":   {"02 02 02 61 00 02 01 00", one(Ordering{Kind: OrderingBoolean, Int: 1})},
		"long":      {"02 02 02 61 00 06 05 00", one(Ordering{Kind: OrderingLong, Int: -3})},
		"float":     {"02 02 02 61 00 08 0000c03f 00", one(Ordering{Kind: OrderingFloat, Float: 1.5})},
		"double":    {"02 02 02 61 00 0a 000000000000f83f 00", one(Ordering{Kind: OrderingDouble, Float: 1.5})},
		"bytes":     {"02 02 02 61 00 0c 04 ff00 00", one(Ordering{Kind: OrderingBytes, Bytes: []byte{0xFF, 0}})},
		"string":    {"02 02 02 61 00 0e 04 7879 00", one(Ordering{Kind: OrderingString, Str: "xy"})},
		"date":      {"02 02 02 61 00 10 02 00", one(Ordering{Kind: OrderingDate, Int: 1})},
		"decimal":   {"02 02 02 61 00 12 02 ff 00", one(Ordering{Kind: OrderingDecimal, Bytes: []byte{0xFF}})},
		"time":      {"02 02 02 61 00 14 02 00", one(Ordering{Kind: OrderingTimeMicros, Int: 1})},
		"timestamp": {"02 02 02 61 00 16 02 00", one(Ordering{Kind: OrderingTimestampMicros, Int: 1})},
		"null list": {"02 02 02 61 00 18 00 00", one(Ordering{Kind: OrderingList})},
		"no list":   {"02 02 02 61 00 18 02 00 00", one(Ordering{Kind: OrderingList, List: []Ordering{}})},
		"list": {"02 02 02 61 00 18 02 06 06 05 00 18 02 00 00", one(Ordering{Kind: OrderingList, List: []Ordering{
			{Kind: OrderingLong, Int: -3}, {}, {Kind: OrderingLocalDate, Int: 1}}})},
	} {
		t.Run(name, func(t *testing.T) {
			payload := unhex(t, tc.payload)
			content := append([]byte{0, 0, 0, 3, 0, 0, 0, byte(len(payload))}, payload...)
			got, err := Deletes(content)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			require.Equal(t, content, DeleteContent(tc.want))
		})
	}
	// A block of an array may state its size: count −1, 5 bytes.
	got, err := Deletes(append([]byte{0, 0, 0, 3, 0, 0, 0, 8}, unhex(t, "01 0a 02 02 61 00 00 00")...))
	require.NoError(t, err)
	require.Equal(t, []DeleteRecord{{Key: "a"}}, got)
}

func one(o Ordering) []DeleteRecord { return []DeleteRecord{{Key: "a", Ordering: o}} }

func TestDeleteErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    error
	}{
		"short":            {"000000", base.ErrCorrupt},
		"version 1":        {"00000001 00000000", base.ErrUnsupported},
		"version 9":        {"00000009 00000000", base.ErrUnsupported},
		"length":           {"00000003 00000002 00", base.ErrCorrupt},
		"empty":            {"00000003 00000000", base.ErrCorrupt},
		"no key":           {"00000003 00000005 02 00 00 00 00", base.ErrCorrupt},
		"key branch":       {"00000003 00000005 02 06 00 00 00", base.ErrCorrupt},
		"key cut off":      {"00000003 00000005 02 02 08 61 62", base.ErrCorrupt},
		"negative length":  {"00000003 00000005 02 02 01 61 62", base.ErrCorrupt},
		"ordering branch":  {"00000003 00000008 02 02 02 61 00 1a 00 00", base.ErrCorrupt},
		"wide int":         {"00000003 0000000c 02 02 02 61 00 04 808080808020 00", base.ErrCorrupt},
		"many":             {"00000003 0000000b 808080808080808001 00 00", base.ErrCorrupt},
		"least count":      {"00000003 0000000c ffffffffffffffffff01 02 00", base.ErrCorrupt},
		"trailing":         {"00000003 00000002 00 00", base.ErrCorrupt},
		"list cut off":     {"00000003 00000008 02 02 02 61 00 18 02 7e", base.ErrCorrupt},
		"boolean cut off":  {"00000003 00000006 02 02 02 61 00 02", base.ErrCorrupt},
		"float cut off":    {"00000003 00000008 02 02 02 61 00 08 0000", base.ErrCorrupt},
		"number too long":  {"00000003 0000000b ffffffffffffffffffffff", base.ErrCorrupt},
		"no end of list":   {"00000003 00000006 02 02 02 61 00 00", base.ErrCorrupt},
		"double cut short": {"00000003 00000008 02 02 02 61 00 0a 0000", base.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Deletes(unhex(t, tc.content))
			require.ErrorIs(t, err, tc.want)
		})
	}
}

func drawOrdering(t *rapid.T, list bool) Ordering {
	last := OrderingTimestampMicros
	if list {
		last = OrderingList
	}
	o := Ordering{Kind: OrderingKind(rapid.IntRange(0, int(last)).Draw(t, "kind"))}
	switch o.Kind {
	case OrderingBoolean:
		o.Int = rapid.Int64Range(0, 1).Draw(t, "boolean")
	case OrderingInt, OrderingDate:
		o.Int = int64(rapid.Int32().Draw(t, "int"))
	case OrderingLong, OrderingTimeMicros, OrderingTimestampMicros:
		o.Int = rapid.Int64().Draw(t, "long")
	case OrderingFloat:
		o.Float = float64(rapid.Float32().Draw(t, "float"))
	case OrderingDouble:
		o.Float = rapid.Float64().Draw(t, "double")
	case OrderingBytes, OrderingDecimal:
		o.Bytes = rapid.SliceOfN(rapid.Byte(), 1, -1).Draw(t, "bytes")
	case OrderingString:
		o.Str = rapid.String().Draw(t, "string")
	case OrderingList:
		o.List = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Ordering { return drawOrdering(t, false) }), 1, 4).Draw(t, "list")
	}
	return o
}

func TestDeleteRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) DeleteRecord {
			d := DeleteRecord{Key: rapid.String().Draw(t, "key"), HasPartition: rapid.Bool().Draw(t, "has"), Ordering: drawOrdering(t, true)}
			if d.HasPartition {
				d.Partition = rapid.String().Draw(t, "partition")
			}
			return d
		}), 1, 20).Draw(t, "deletes")
		got, err := Deletes(DeleteContent(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// What the format has no place for is written as the nearest thing.
func TestDeleteContentLimits(t *testing.T) {
	got, err := Deletes(DeleteContent(one(Ordering{Kind: OrderingLocalDate, Int: 5})))
	require.NoError(t, err)
	require.Equal(t, one(Ordering{Kind: OrderingDate, Int: 5}), got)
	got, err = Deletes(DeleteContent(one(Ordering{Kind: OrderingList, List: []Ordering{{Kind: OrderingList}}})))
	require.NoError(t, err)
	require.Equal(t, one(Ordering{Kind: OrderingList, List: []Ordering{{}}}), got)
}

func FuzzDeletes(f *testing.F) {
	for name, data := range golden(f) {
		for _, b := range all(f, open(name, data)) {
			if b.Type == Delete {
				content, err := b.Content(f.Context())
				require.NoError(f, err)
				f.Add(content)
			}
		}
	}
	f.Add(DeleteContent(one(Ordering{Kind: OrderingList, List: []Ordering{{Kind: OrderingLong, Int: math.MinInt64}, {Kind: OrderingString, Str: "x"}}})))
	f.Fuzz(func(t *testing.T, content []byte) {
		deletes, err := Deletes(content)
		if err != nil {
			return
		}
		_, err = Deletes(DeleteContent(deletes))
		require.NoError(t, err)
	})
}

func TestRecords(t *testing.T) {
	d := NewDataBlock()
	require.Equal(t, unhex(t, "00000003 00000000"), d.Content())
	d.Add([]byte("ab"))
	d.Add(nil)
	d.Add([]byte("c"))
	require.Equal(t, 3, d.Len())
	content := d.Content()
	require.Equal(t, unhex(t, "00000003 00000003 00000002 6162 00000000 00000001 63"), content)
	require.Equal(t, len(content), d.Size())
	for range 2 { // a sequence can be read again
		records, err := Records(content)
		require.NoError(t, err)
		var got []string
		for rec, err := range records {
			require.NoError(t, err)
			got = append(got, string(rec))
			if len(got) == 2 {
				break
			}
		}
		require.Equal(t, []string{"ab", ""}, got)
	}
	d.Reset()
	require.Equal(t, unhex(t, "00000003 00000000"), d.Content())
}

func TestRecordErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    error
	}{
		"short":      {"00000003 0000", base.ErrCorrupt},
		"version 0":  {"00000000 00000000", base.ErrUnsupported},
		"version 4":  {"00000004 00000000", base.ErrUnsupported},
		"many":       {"00000003 7fffffff 00000000", base.ErrCorrupt},
		"negative":   {"00000003 ffffffff 00000000", base.ErrCorrupt},
		"cut off":    {"00000003 00000001 00000002 61", base.ErrCorrupt},
		"second cut": {"00000003 00000002 00000004 00000000", base.ErrCorrupt},
		"trailing":   {"00000003 00000001 00000001 61 00", base.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			records, err := Records(unhex(t, tc.content))
			if err == nil {
				for _, err = range records {
				}
			}
			require.ErrorIs(t, err, tc.want)
		})
	}
}
