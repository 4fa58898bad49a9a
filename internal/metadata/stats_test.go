package metadata

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"path"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// goldenStats is a line of what real Hudi reads of a metadata table.
type goldenStats struct {
	Key    string `json:"key"`
	Column *struct {
		File    string                     `json:"fileName"`
		Column  string                     `json:"columnName"`
		Min     map[string]json.RawMessage `json:"minValue"`
		Max     map[string]json.RawMessage `json:"maxValue"`
		Values  *int64                     `json:"valueCount"`
		Nulls   *int64                     `json:"nullCount"`
		Size    int64                      `json:"totalSize"`
		Raw     int64                      `json:"totalUncompressedSize"`
		Deleted bool                       `json:"isDeleted"`
		Tight   bool                       `json:"isTightBound"`
	} `json:"ColumnStatsMetadata"`
	Bloom *struct {
		Type    string `json:"type"`
		Instant string `json:"timestamp"`
		Filter  string `json:"bloomFilter"`
		Deleted bool   `json:"isDeleted"`
	} `json:"BloomFilterMetadata"`
}

// goldenBound is a bound as its one member that is set has it.
func goldenBound(t *testing.T, members map[string]json.RawMessage) string {
	for _, m := range members {
		var v *struct {
			Value json.RawMessage `json:"value"`
		}
		require.NoError(t, json.Unmarshal(m, &v))
		if v != nil {
			return strings.TrimSuffix(strings.Trim(string(v.Value), `"`), ".0") // of doubles
		}
	}
	return ""
}

func (b *Bound) text() string {
	if b == nil {
		return ""
	}
	if n, kind := b.integer(); kind != noInteger {
		return fmt.Sprint(n)
	}
	switch {
	case b.Boolean != nil:
		return fmt.Sprint(b.Boolean.Value)
	case b.Double != nil:
		return fmt.Sprint(b.Double.Value)
	}
	return b.String.Value
}

// Statistics and filters are those that real Hudi reads. An expression's have the keys of its
// column's.
func TestStatsOfRealHudi(t *testing.T) {
	compared := map[string]int{}
	each(t, func(t *testing.T, name string, _ storage.Store, m *Table) {
		var want, got []string
		for _, line := range lines[goldenStats](t, name, "metadata_table.jsonl") {
			if c := line.Column; c != nil {
				want = append(want, fmt.Sprint(line.Key, c.File, c.Column, goldenBound(t, c.Min), goldenBound(t, c.Max), *c.Values, *c.Nulls, c.Size, c.Raw, c.Deleted, c.Tight))
			} else if b := line.Bloom; b != nil {
				want = append(want, fmt.Sprint(line.Key, b.Type, b.Instant, b.Filter, b.Deleted))
			}
		}
		for _, index := range m.config.MetadataPartitions {
			all, err := m.prefix(t.Context(), index, "", math.MaxInt)
			require.NoError(t, err)
			kind, _, _ := strings.Cut(index, "_by_")
			for key, rec := range all {
				if c := rec.Column; c != nil {
					got = append(got, fmt.Sprint(key, c.File, c.Column, c.Min.text(), c.Max.text(), *c.Values, *c.Nulls, c.Size, c.UncompressedSize, c.Deleted, c.Tight))
					require.Equal(t, m.config.Version == 9, c.Type != nil)
					compared[kind]++
				} else if b := rec.Bloom; b != nil {
					got = append(got, fmt.Sprint(key, b.Type, b.Instant, fmt.Sprintf("%x", b.Filter), b.Deleted))
					compared[kind]++
				}
			}
		}
		require.ElementsMatch(t, want, got)
	})
	for _, index := range []string{ColumnStats, PartitionStats, BloomFilters, "expr_index"} {
		require.NotZero(t, compared[index], index)
	}
}

// The statistics and filters of base files are what their footers say.
func TestStatsOfFooters(t *testing.T) {
	columnsSeen, bloomsSeen := 0, 0
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		partitions, err := m.Partitions(t.Context())
		require.NoError(t, err)
		for _, p := range partitions {
			files, err := m.Files(t.Context(), p)
			require.NoError(t, err)
			for _, f := range files {
				c, b := compareFooter(t, st, m, p, f.Path)
				columnsSeen, bloomsSeen = columnsSeen+c, bloomsSeen+b
			}
		}
		for _, p := range partitions {
			comparePartitionStats(t, m, p)
		}
	})
	require.Greater(t, columnsSeen, 100)
	require.NotZero(t, bloomsSeen)
}

func compareFooter(t *testing.T, st storage.Store, m *Table, partition, file string) (columnsSeen, bloomsSeen int) {
	alloc := memory.DefaultAllocator
	in, err := st.Open(t.Context(), file)
	require.NoError(t, err)
	r, err := basefile.Open(t.Context(), in, file, alloc)
	require.NoError(t, err)
	defer r.Close()
	s, err := r.Schema()
	require.NoError(t, err)
	ref := FileRef{partition, path.Base(file)}
	var columns []string
	for _, f := range s.Fields() {
		columns = append(columns, f.Name)
	}
	stats, err := m.ColumnStats(t.Context(), ColumnStats, []FileRef{ref, {partition, "no such file"}}, columns)
	require.NoError(t, err)
	require.Equal(t, make([]*Stats, len(columns)), stats[1])
	require.Len(t, r.RowGroups(), 1)
	for i, f := range s.Fields() {
		got := stats[0][i]
		if got == nil {
			continue
		}
		low, high, nulls, rows, ok := r.RowGroups()[0].Range(f.Name, f.Type)
		require.True(t, ok)
		require.Equal(t, rows, *got.Values)
		require.Equal(t, nulls, *got.Nulls)
		if f.Type.Kind == schema.Double {
			require.Equal(t, low, got.Min.Double.Value)
			require.Equal(t, high, got.Max.Double.Value)
			_, _, _, _, ok := got.Range(f.Type)
			require.False(t, ok)
		} else {
			require.Equal(t, fmt.Sprint(low), plain(got.value(got.Min, f.Type)))
			require.Equal(t, fmt.Sprint(high), plain(got.value(got.Max, f.Type)))
		}
		columnsSeen++
	}
	require.NotZero(t, columnsSeen)
	if !m.Has(BloomFilters) {
		return columnsSeen, 0
	}
	blooms, err := m.Blooms(t.Context(), []FileRef{ref, {partition, "no such file"}})
	require.NoError(t, err)
	require.Nil(t, blooms[1])
	footer, err := r.Bloom()
	require.NoError(t, err)
	require.Equal(t, footer.Marshal(), string(blooms[0].Filter))
	require.Equal(t, footer.TypeCode(), blooms[0].Type)
	return columnsSeen, 1
}

func plain(v expr.Value) string {
	if v.Kind() == expr.KindString {
		return v.Text()
	}
	return v.String()
}

// A partition's statistics bound those of its newest files and count their rows.
func comparePartitionStats(t *testing.T, m *Table, partition string) {
	if !m.Has(PartitionStats) {
		return
	}
	columns := []string{"_hoodie_record_key", "customer", "ts", "no such column"}
	got, err := m.PartitionStats(t.Context(), []string{partition, "no such partition"}, columns)
	require.NoError(t, err)
	require.Equal(t, make([]*Stats, len(columns)), got[1])
	require.Nil(t, got[0][3])
	files, err := m.Files(t.Context(), partition)
	require.NoError(t, err)
	newest := FileRef{Partition: partition}
	for _, f := range files { // one file group; its name ends with the instant
		if end := func(s string) string { return s[strings.LastIndexByte(s, '_')+1:] }; newest.Name == "" || end(f.Name) > end(newest.Name) {
			newest.Name = f.Name
		}
	}
	want, err := m.ColumnStats(t.Context(), ColumnStats, []FileRef{newest}, columns)
	require.NoError(t, err)
	for i := range columns[:3] {
		require.Equal(t, want[0][i].Min, got[0][i].Min)
		require.Equal(t, want[0][i].Max, got[0][i].Max)
		require.Equal(t, want[0][i].Values, got[0][i].Values)
		require.Equal(t, want[0][i].Nulls, got[0][i].Nulls)
		require.True(t, got[0][i].Tight)
	}
}

func TestDefinitions(t *testing.T) {
	defined := 0
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		got, err := Definitions(t.Context(), st, m.config)
		require.NoError(t, err)
		require.Equal(t, m.config.Version > 6, got != nil)
		for _, index := range m.config.MetadataPartitions {
			if !strings.HasPrefix(index, ExpressionIndex) {
				continue
			}
			defined++
			require.Equal(t, []string{"ts"}, got[index].Fields)
			require.Equal(t, "from_unixtime", got[index].Function)
			require.Equal(t, "yyyy-MM-dd", got[index].Options["format"])
		}
	})
	require.NotZero(t, defined)
}

func boxed[T any](v T) *Wrapped[T] { return &Wrapped[T]{v} }

func count(n int64) *int64 { return &n }

func numbers(low, high, values, nulls int64) *Stats {
	return &Stats{Min: &Bound{Long: boxed(low)}, Max: &Bound{Long: boxed(high)}, Values: count(values), Nulls: count(nulls)}
}

func TestJoinOfStats(t *testing.T) {
	joined := func(a, b *Stats) *Stats { return merge(&Record{Column: a}, &Record{Column: b}).Column }
	a, b := numbers(3, 7, 10, 1), numbers(1, 5, 4, 0)
	require.Equal(t, numbers(1, 7, 14, 1), joined(a, b))
	require.Equal(t, numbers(1, 7, 14, 1), joined(b, a))
	tight := numbers(4, 4, 1, 0)
	tight.Tight = true
	require.Same(t, tight, joined(a, tight))
	gone := &Stats{Deleted: true}
	require.Same(t, gone, joined(a, gone))
	require.Same(t, a, joined(gone, a))
	// A side without values says nothing; one with values and without bounds hides them.
	require.Equal(t, numbers(3, 7, 15, 6), joined(a, &Stats{Values: count(5), Nulls: count(5)}))
	hidden := joined(&Stats{Values: count(5), Nulls: count(4)}, a)
	require.Nil(t, hidden.Min)
	require.Nil(t, hidden.Max)
	mixed := joined(a, &Stats{Min: &Bound{String: boxed("x")}, Max: &Bound{String: boxed("x")}, Values: count(1), Nulls: count(0)})
	require.Nil(t, mixed.Min)
	require.Nil(t, joined(a, &Stats{}).Values)
	// Before their column was widened bounds were ints.
	old := &Stats{Min: &Bound{Int: boxed(int32(2))}, Max: &Bound{Int: boxed(int32(5))}, Values: count(10), Nulls: count(1)}
	require.Equal(t, numbers(2, 7, 20, 2), joined(old, a))
	require.Equal(t, numbers(2, 7, 20, 2), joined(a, old))
	require.Empty(t, numbers(2, 5, 10, 1).differs(old))
	require.Empty(t, numbers(3, 4, 10, 1).exceeds(old))
	require.NotEmpty(t, numbers(2, 6, 10, 1).differs(old))
	require.NotEmpty(t, numbers(2, 6, 10, 1).exceeds(old))
	// So too where the rows that came after have nulls alone.
	typed := func(s *Stats, ordinal int32) *Stats {
		out := *s
		out.Type = &ValueType{Ordinal: ordinal}
		return &out
	}
	nulls := typed(&Stats{Values: count(5), Nulls: count(5)}, typeLong)
	require.Equal(t, typed(numbers(2, 5, 15, 6), typeLong), joined(typed(old, typeInt), nulls))
	require.Equal(t, typed(numbers(2, 7, 25, 7), typeLong), joined(joined(typed(old, typeInt), nulls), typed(a, typeLong)))
	day := *old
	day.Type = &ValueType{Ordinal: typeDate}
	require.NotEmpty(t, numbers(2, 5, 10, 1).differs(&day))
}

func TestBounds(t *testing.T) {
	of := func(kind schema.Kind, logical schema.Logical) *schema.Type {
		return &schema.Type{Kind: kind, Logical: logical, Precision: 20, Scale: 4}
	}
	v9 := func(ordinal int32, info string) *ValueType { return &ValueType{ordinal, info} }
	number := func(n int64) []byte { return big.NewInt(n).FillBytes(make([]byte, 13)) }
	null := expr.Null()
	for i, c := range []struct {
		bound Bound
		typ   *ValueType
		as    *schema.Type
		want  expr.Value
	}{
		{Bound{Int: boxed[int32](-7)}, nil, of(schema.Int, 0), expr.Int(-7)},
		{Bound{Int: boxed[int32](-7)}, v9(typeInt, ""), of(schema.Long, 0), expr.Int(-7)},
		{Bound{Int: boxed[int32](-7)}, nil, of(schema.String, 0), null},
		{Bound{Long: boxed[int64](7)}, v9(typeTimestampMicros, ""), of(schema.Long, 0), null},
		{Bound{Boolean: boxed(true)}, nil, of(schema.Boolean, 0), expr.Bool(true)},
		{Bound{Date: boxed[int32](19000)}, nil, of(schema.Int, schema.Date), expr.Int(19000)},
		{Bound{LocalDate: boxed[int32](19000)}, nil, of(schema.Int, schema.Date), expr.Int(19000)},
		{Bound{Date: boxed[int32](gregorian - 1)}, nil, of(schema.Int, schema.Date), null},
		{Bound{Int: boxed[int32](5)}, v9(typeDate, ""), of(schema.Int, schema.Date), expr.Int(5)},
		{Bound{Int: boxed[int32](5)}, v9(typeInt, ""), of(schema.Int, schema.Date), null},
		{Bound{Long: boxed[int64](1500)}, nil, of(schema.Long, schema.TimestampMicros), expr.Int(1500)},
		{Bound{Long: boxed[int64](1500)}, nil, of(schema.Long, schema.TimestampMillis), null},
		{Bound{TimestampMicros: boxed[int64](-1500)}, nil, of(schema.Long, schema.TimestampMillis), expr.Int(-2)},
		{Bound{Long: boxed[int64](1500)}, v9(typeTimestampMillis, ""), of(schema.Long, schema.TimestampMicros), expr.Int(1500_000)},
		{Bound{Long: boxed[int64](1 << 62)}, v9(typeTimestampMillis, ""), of(schema.Long, schema.TimestampMicros), null},
		{Bound{Long: boxed[int64](1500)}, v9(typeTimestampNanos, ""), of(schema.Long, schema.TimestampMicros), expr.Int(1)},
		{Bound{Long: boxed[int64](1500)}, v9(typeTimestampMicros, ""), of(schema.Long, schema.LocalTimestampMicros), null},
		{Bound{Long: boxed[int64](1500)}, v9(typeLocalTimestampMicros, ""), of(schema.Long, schema.LocalTimestampMicros), expr.Int(1500)},
		{Bound{String: boxed("a\u20ac")}, nil, of(schema.String, 0), expr.String("a\u20ac")},
		{Bound{String: boxed("a\ufffd")}, nil, of(schema.String, 0), null},
		{Bound{String: boxed("\U0001F600")}, v9(typeString, ""), of(schema.String, 0), null},
		{Bound{Bytes: boxed([]byte("x"))}, nil, of(schema.Bytes, 0), null},
		{Bound{Decimal: boxed(number(5e15))}, nil, of(schema.Bytes, schema.Decimal), expr.Decimal(decimal128.FromU64(5e15), 15)},
		{Bound{Bytes: boxed([]byte{0xff})}, v9(typeDecimal, "20,3"), of(schema.Fixed, schema.Decimal), expr.Decimal(decimal128.FromI64(-1), 3)},
		{Bound{Bytes: boxed([]byte{0xff})}, v9(typeDecimal, "20"), of(schema.Fixed, schema.Decimal), null},
		{Bound{Bytes: boxed(make([]byte, 20))}, v9(typeDecimal, "20,3"), of(schema.Fixed, schema.Decimal), expr.Decimal(decimal128.Num{}, 3)},
	} {
		s := &Stats{Min: &c.bound, Max: &c.bound, Values: count(3), Nulls: count(0), Type: c.typ}
		low, high, nulls, rows, ok := s.Range(c.as)
		if ok {
			require.Equal(t, c.want, low, i)
			require.Equal(t, c.want, high, i)
			require.Equal(t, []int64{0, 3}, []int64{nulls, rows}, i)
		} else {
			require.True(t, c.want.IsNull(), i)
		}
		// Where nulls may stand for rows without statistics the bounds prove nothing.
		s.Nulls = count(1)
		_, _, _, _, ok = s.Range(c.as)
		sure := c.as.Logical == schema.Date || c.as.Logical == 0 && c.as.Kind != schema.String && c.as.Kind != schema.Bytes
		require.Equal(t, sure, ok, i)
		// Without a row there is nothing to prove.
		s.Values, s.Nulls = count(0), count(0)
		_, _, _, _, ok = s.Range(c.as)
		require.True(t, ok)
		s.Values = nil
		_, _, _, _, ok = s.Range(c.as)
		require.False(t, ok)
	}
}

// A group whose files could not be opened is opened at the next look-up.
func TestFailedOpenIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		files := list(t, st, Folder+"/files")
		contents := map[string][]byte{}
		for _, f := range files {
			data, err := storage.ReadFile(t.Context(), st, f.Path)
			require.NoError(t, err)
			contents[f.Path] = data
			require.NoError(t, st.Put(t.Context(), f.Path, []byte("#HUDI#")))
		}
		_, err := m.Partitions(t.Context())
		require.Error(t, err)
		for path, data := range contents {
			require.NoError(t, st.Put(t.Context(), path, data))
		}
		partitions, err := m.Partitions(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, partitions)
	})
}

// A metadata table with writes that a picture of the timeline does not have is ahead of it.
func TestAhead(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		require.False(t, m.Ahead())
		last, ok := load(t, st, m.config).LastCompletedWrite()
		require.True(t, ok)
		for _, e := range list(t, st, m.config.TimelineDir()) {
			if strings.HasPrefix(e.Name, last.Time) {
				require.NoError(t, st.Delete(t.Context(), e.Path))
			}
		}
		after := open(t, st, m.config)
		require.True(t, after.Ahead())
		require.NoError(t, after.Close())
	})
}
