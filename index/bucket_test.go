package index_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// golden are keys of tables that real Hudi 1.2.0 wrote, by the bucket in the id of the file
// that they are in: v9_cow_bucket_index with 4 buckets, v9_mor_log_only with 2.
var golden = map[int]map[int]string{
	4: {
		0: "o000 o004 o008 o011 o015 o019 o022",
		1: "o001 o005 o009 o012 o016 o023",
		2: "o002 o006 o013 o017 o020",
		3: "o003 o007 o010 o014 o018 o021",
	},
	2: {
		0: "o002 o004 o006 o008 o011 o013 o015",
		1: "o003 o005 o007 o009 o010 o012 o014",
	},
}

func TestGoldenBuckets(t *testing.T) {
	for n, buckets := range golden {
		x, err := index.NewBucket(n, []string{"order_id"}, nil)
		require.NoError(t, err)
		for want, keys := range buckets {
			for _, k := range strings.Fields(keys) {
				require.Equal(t, want, x.Of([]byte(k)), "%s of %d", k, n)
			}
		}
	}
}

// javaList is the hash code of a Java list of strings, written down from its definition.
// A nil element is null.
func javaList(values ...any) int {
	h := int32(1)
	for _, v := range values {
		var e int32
		if s, ok := v.(string); ok {
			for _, u := range utf16.Encode([]rune(s)) {
				e = 31*e + int32(u)
			}
		}
		h = 31*h + e
	}
	return int(h & 0x7fffffff)
}

func TestHashFields(t *testing.T) {
	const n = 99_999_989
	for _, c := range []struct {
		fields, hash string
		key          string
		want         []any
	}{
		{"id", "", "abc", []any{"abc"}},
		{"id", "", "a,b", []any{"a,b"}},
		{"id", "", "a:b", []any{"a:b"}},
		{"id", "", "id:7", []any{"id:7"}}, // complex keys of one field are not taken apart
		{"id", "", "x:1,y:2", []any{"x:1,y:2"}},
		{"id", "", "日本\U0001F600", []any{"日本\U0001F600"}},
		{"a,b", "", "a:1,b:2", []any{"1", "2"}},
		{"a,b", "b", "a:1,b:2", []any{"2"}},
		{"a,b", "b,a", "a:1,b:2", []any{"1", "2"}}, // in the order of the key
		{"a,b", "", "a:__null__,b:__empty__", []any{nil, ""}},
		{"a,b", "", "a:null,b:x", []any{"null", "x"}},
		{"a,b", "", "a:,b:x", []any{"", "x"}},
		{"id,id2", "", "id:1,id2:2,2", []any{"1", "2,2"}},
		{"id,id2", "", "id:ab:cd,id2:ef", []any{"ab:cd", "ef"}},
		{"id1,id2,id3", "id2", "id1:1,1,1,id2:,2,2,,id3:3", []any{",2,2,"}},
		{"id1,id2,id3,id4", "", "id1:1,,,id2:2024-10-22 14:11:53.023,id3:,,3,id4:::1:2::4::", []any{"1,,", "2024-10-22 14:11:53.023", ",,3", "::1:2::4::"}},
		{"k1,k2", "", "k1:a,b:c,k2:d", []any{"a", "d"}}, // a value that looks like a field ends early
		{"a,b", "b", "a:x,y,b:c:d", []any{"c:d"}},
	} {
		split := func(s string) []string {
			if s == "" {
				return nil
			}
			return strings.Split(s, ",")
		}
		x, err := index.NewBucket(n, split(c.fields), split(c.hash))
		require.NoError(t, err)
		require.Equal(t, javaList(c.want...)%n, x.Of([]byte(c.key)), "%s by %s", c.key, c.hash)
	}
}

func TestBucketOfAnyKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(rt, "n")
		x, err := index.NewBucket(n, []string{"a", "b"}, nil)
		require.NoError(rt, err)
		key := rapid.StringMatching(`[ab:,_é]{0,12}`).Draw(rt, "key")
		got := x.Of([]byte(key))
		require.GreaterOrEqual(rt, got, 0)
		require.Less(rt, got, n)
		if !strings.Contains(key, ",") || !strings.Contains(key, ":") {
			require.Equal(rt, javaList(key)%n, got)
		}
	})
}

func TestNewBucketRefuses(t *testing.T) {
	_, err := index.NewBucket(0, []string{"a"}, nil)
	require.ErrorIs(t, err, base.ErrInvalid)
	_, err = index.NewBucket(4, []string{"a", "b"}, []string{"c"})
	require.ErrorIs(t, err, base.ErrInvalid)
}

var keyOnly = arrow.NewSchema([]arrow.Field{{Name: schema.MetaRecordKey, Type: arrow.BinaryTypes.String}}, nil)

func reducer(t testing.TB, keys ...string) *merge.Reducer {
	b := array.NewRecordBuilder(memory.DefaultAllocator, keyOnly)
	defer b.Release()
	b.Field(0).(*array.StringBuilder).AppendValues(keys, nil)
	batch := b.NewRecordBatch()
	defer batch.Release()
	r := merge.NewReducer(merge.Rules{}, keyOnly, memory.DefaultAllocator)
	require.NoError(t, r.AddRows(batch, batch.Column(0).(*array.String)))
	return r
}

func TestLocateBuckets(t *testing.T) {
	x, err := index.NewBucket(4, []string{"id"}, nil)
	require.NoError(t, err)
	const uuid = "12345678-90ab-4cde-8f01-234567890abc"
	changes := reducer(t, "o000", "o001", "o004", "o002")
	defer changes.Release()
	old := table.FileSlice{Partition: "p", FileID: base.NewBucketFileID(1, uuid)}
	has := func(slices ...table.FileSlice) index.Slices {
		return func(_ context.Context, partition string) ([]table.FileSlice, error) {
			require.Equal(t, "p", partition)
			return slices, nil
		}
	}
	parts := []index.Part{{Partition: "p", Changes: changes}}
	x.Slices, x.NewUUID = has(old), func() string { return uuid }
	all, err := x.Locate(t.Context(), parts)
	require.NoError(t, err)
	l := all[0]
	require.Len(t, l.Groups, 3)
	require.Equal(t, []int32{1, 0, 1, 2}, l.Of)
	require.Equal(t, index.Group{FileSlice: old}, l.Groups[0])
	require.True(t, l.Groups[1].New)
	require.Equal(t, "00000000-90ab-4cde-8f01-234567890abc-0", l.Groups[1].FileID)
	require.Equal(t, "00000002-90ab-4cde-8f01-234567890abc-0", l.Groups[2].FileID)

	for name, ids := range map[string][]string{
		"no bucket":        {base.NewFileID("abcdef00-90ab-4cde-8f01-234567890abc")},
		"beyond the count": {base.NewBucketFileID(4, uuid)},
	} {
		var slices []table.FileSlice
		for _, id := range ids {
			slices = append(slices, table.FileSlice{FileID: id})
		}
		x.Slices = has(slices...)
		_, err := x.Locate(t.Context(), parts)
		require.ErrorIs(t, err, base.ErrInvalid, name)
	}
	x.Slices = has(old, table.FileSlice{FileID: base.NewBucketFileID(1, "a"+uuid[1:]) + "x"})
	_, err = x.Locate(t.Context(), parts)
	require.ErrorIs(t, err, base.ErrCorrupt)
}
