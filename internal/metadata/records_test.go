package metadata

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/storage"
)

// The record index's records are the bytes that real Hudi writes.
func TestPlacesAreThoseOfRealHudi(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		if !m.Has(RecordIndex) {
			t.Skip("it has no record index")
		}
		records := 0
		eachHFile(t, st, RecordIndex, func(h *hfile.Reader) {
			for e, err := range h.All(t.Context()) {
				require.NoError(t, err)
				rec, err := decode(h.Schema(), e.Value)
				require.NoError(t, err)
				l := rec.Location
				require.NotNil(t, l)
				at := base.FormatInstant(time.UnixMilli(l.Instant), time.UTC)
				ours, err := locate(place{l.Partition, l.FileID(), at}, time.UTC)
				require.NoError(t, err)
				require.Equal(t, *l, ours)
				require.Equal(t, e.Value, appendLocation(nil, m.config.Version, ours))
				require.True(t, known(h.Schema()))
				fast, ok := decodePlace(e.Value)
				require.True(t, ok)
				require.Equal(t, rec, fast)
				for n := range e.Value[:len(e.Value)-2] {
					_, ok := decodePlace(e.Value[:n])
					require.False(t, ok && n < 20)
				}
				records++
			}
		})
		require.Greater(t, records, 3)
	})
}

func TestPlacesOfFileIDs(t *testing.T) {
	const id = "0f3a0001-17f8-4c19-8240-cf1ebe9a974e"
	for fileID, encoding := range map[string]int32{
		id: 0, id + "-0": 0, id + "-17": 0, id + "-": 1, id + "--1": 1, id + "-x": 1, id + "x0": 1,
		"0F3A0001-17f8-4c19-8240-cf1ebe9a974e-0": 1, "group-1": 1, "ü": 1,
	} {
		l, err := locate(place{"p", fileID, "20260301000000000"}, time.UTC)
		require.NoError(t, err)
		require.Equal(t, encoding, l.Encoding, fileID)
		require.Equal(t, fileID, l.FileID())
	}
	_, err := locate(place{"p", id, "yesterday"}, time.UTC)
	require.ErrorIs(t, err, base.ErrInvalid)
}

func TestRecordFileIDs(t *testing.T) {
	require.Equal(t, "record-index-0003-0", recordFileID(false, "p", 3))
	for partition, id := range map[string]string{
		"":                  "record-index--0000-0",
		"eu":                "record-index-eu-0000-0",
		"day=2026-01-02":    "record-index-day%3D2026%2D01%2D02-0000-0",
		"a_b/c":             "record-index-a%5Fb%2Fc-0000-0",
		"region=süd%20west": "record-index-region%3Dsüd%2520west-0000-0",
	} {
		require.Equal(t, id, recordFileID(true, partition, 0))
		p, partitioned, number, ok := parseRecordFileID(id)
		require.True(t, ok, id)
		require.True(t, partitioned)
		require.Zero(t, number)
		require.Equal(t, partition, p)
	}
	for _, id := range []string{"record-index-", "record-index-0000-1", "record-index-x-0", "files-0000-0", "record-index-a-b-0000-0"} {
		_, _, _, ok := parseRecordFileID(id)
		require.False(t, ok, id)
	}
}

func TestEstimateGroups(t *testing.T) {
	require.Equal(t, 10, EstimateGroups(0, false, 0, 0))
	require.Equal(t, 10, EstimateGroups(111_000_000, false, 0, 0))
	require.Equal(t, 18, EstimateGroups(210_000_000, false, 0, 0))
	require.Equal(t, 10_000, EstimateGroups(1<<50, false, 0, 0))
	require.Equal(t, 3, EstimateGroups(1<<40, false, 3, 3))
	require.Equal(t, 1, EstimateGroups(0, true, 0, 0))
	require.Equal(t, 10, EstimateGroups(1<<40, true, 0, 0))
	require.Equal(t, 20_000, EstimateGroups(0, false, 20_000, 0))
}

func keyArray(t *testing.T, keys ...string) *array.String {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(keys, nil)
	a := b.NewStringArray()
	t.Cleanup(a.Release)
	return a
}

// gathered are the changes of records as text.
func gathered(t *testing.T, r *Records, several func([]byte)) (out []string) {
	for c, err := range r.changes(several) {
		require.NoError(t, err)
		out = append(out, fmt.Sprintf("%d %s %s/%s", c.group, c.key, c.at.partition, c.at.fileID))
	}
	return out
}

// Changes come in the order of groups and keys, one for each key, whether they fit in memory or not.
func TestRecordsAreSorted(t *testing.T) {
	const instant = "20260301000000000"
	for _, limit := range []int64{1 << 20, 200, 1} {
		layout := NewRecordLayout(false, 0)
		layout.Begin("", 3)
		r := NewRecords(9, time.UTC, layout, mem.NewBudget(1<<20, t.TempDir()))
		r.sort.limit = limit
		want := map[string]string{}
		random := rand.New(rand.NewPCG(1, uint64(limit)))
		puts := map[string]bool{}
		twice := map[string]bool{}
		for range 2000 {
			key := fmt.Sprint("k", random.IntN(400))
			if random.IntN(3) == 0 {
				require.NoError(t, r.Delete("p", key))
				if !puts[key] {
					want[key] = "p/"
				}
				continue
			}
			id := fmt.Sprint("f", random.IntN(3))
			require.NoError(t, r.Put("p", id, instant, keyArray(t, key)))
			twice[key] = twice[key] || puts[key]
			puts[key], want[key] = true, "p/"+id
		}
		require.EqualValues(t, 2000, r.Len())
		if limit == 1 {
			require.Len(t, r.sort.runs, 1999)
		}
		var lines []string
		for key, at := range want {
			lines = append(lines, fmt.Sprintf("%d %s %s", groupOf(key, 3), key, at))
		}
		slices.Sort(lines)
		repeated := map[string]bool{}
		require.Equal(t, lines, gathered(t, r, func(key []byte) { repeated[string(key)] = true }))
		for key, is := range twice {
			require.Equal(t, is, repeated[key])
		}
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
	}
}

// A key without text cannot be in a record index.
func TestRecordsNeedKeys(t *testing.T) {
	layout := NewRecordLayout(false, 0)
	layout.Begin("", 1)
	r := NewRecords(9, time.UTC, layout, mem.NewBudget(1<<20, t.TempDir()))
	require.ErrorIs(t, r.PutKey("p", "f", "20260301000000000", ""), base.ErrInvalid)
	require.NoError(t, r.Close())
}

// A partition of the table that comes later gets its file groups in a partitioned index, also
// those that no key lies in.
func TestRecordsOfNewPartitions(t *testing.T) {
	layout := NewRecordLayout(true, 4)
	layout.Begin("a", 2)
	r := NewRecords(9, time.UTC, layout, mem.NewBudget(1<<20, t.TempDir()))
	defer r.Close()
	require.NoError(t, r.PutKey("a", "f", "20260301000000000", "k"))
	require.NoError(t, r.PutKey("b", "f", "20260301000000000", "k"))
	require.NoError(t, r.Delete("b", "gone"))
	require.NoError(t, r.PrepareLogs("20260301000000000", time.UnixMilli(0)))
	var ids []string
	for _, g := range r.prepared {
		ids = append(ids, fmt.Sprint(g.fileID, " ", g.puts, " ", g.deletes, " ", g.begun))
	}
	slices.Sort(ids)
	k, gone := groupOf("k", 4), groupOf("gone", 4)
	want := []string{fmt.Sprintf("record-index-a-%04d-0 1 0 false", groupOf("k", 2))}
	for n := range 4 {
		puts, deletes := 0, 0
		if n == k {
			puts++
		}
		if n == gone {
			deletes++
		}
		want = append(want, fmt.Sprintf("record-index-b-%04d-0 %d %d true", n, puts, deletes))
	}
	require.Equal(t, want, ids)
}

func TestJavaHash(t *testing.T) {
	for text, hash := range map[string]int32{"": 0, "a": 97, "hello": 99162322, "polygenelubricants": -2147483648, "ü": 252, "😀": 1772899} {
		require.Equal(t, hash, javaHash(text), text)
	}
	require.Equal(t, 2147483648%7, groupOf("polygenelubricants", 7))
}
