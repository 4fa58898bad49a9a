package expr

import (
	"math"
	"math/big"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

// TestFilterAndPruningAgainstModel draws rows and a condition. The filter must keep exactly
// the rows for which the model says true, and statistics of the rows must never prune them.
func TestFilterAndPruningAgainstModel(t *testing.T) {
	s := parseSchema(t, modelSchema)
	pruned, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer alloc.AssertSize(t, 0)
		rows := make([]modelRow, rapid.IntRange(0, 20).Draw(t, "rows"))
		for i := range rows {
			rows[i] = drawRow(t)
		}
		root := drawNode(t, 3)

		text := Expr{root: root}.String()
		parsed, err := Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, text, parsed.String())
		bound, err := Bind(parsed, s)
		require.NoError(t, err, text)

		all := modelBatch(t, s, alloc, rows)
		defer all.Release()
		// A slice has offsets that kernels and bitmaps must respect.
		from := rapid.IntRange(0, len(rows)).Draw(t, "from")
		to := rapid.IntRange(from, len(rows)).Draw(t, "to")
		batch := all.NewSlice(int64(from), int64(to))
		defer batch.Release()
		rows = rows[from:to]

		var want []modelRow
		for _, row := range rows {
			if row.evaluate(root) == 1 {
				want = append(want, row)
			}
		}
		got, err := bound.Filter(batch, alloc)
		require.NoError(t, err, text)
		defer got.Release()
		expected := modelBatch(t, s, alloc, want)
		defer expected.Release()
		same := array.RecordApproxEqual(expected, got, array.WithNaNsEqual(true), array.WithAbsTolerance(0))
		require.True(t, same, "%s\nwant %v\ngot %v", text, expected, got)

		if !bound.MayMatch(drawStats(t, rows)) {
			require.Empty(t, want, "pruned by statistics: %s", text)
			pruned++
		} else {
			kept++
		}
		if len(rows) > 0 && rows[0]["s"] != "" {
			single := map[string]string{}
			if v, ok := rows[0]["s"].(string); ok {
				single["s"] = v
			} else {
				single["s"] = "__HIVE_DEFAULT_PARTITION__"
			}
			if !bound.MayMatchPartition(single) {
				require.NotEqual(t, ternary(1), rows[0].evaluate(root), "pruned by partition %v: %s", single, text)
			}
		}
	})
	t.Logf("%d pruned, %d kept", pruned, kept)
	require.Positive(t, pruned)
	require.Positive(t, kept)
}

// modelStats are statistics of rows, some of them withheld or loose.
type modelStats map[string]columnStats

type columnStats struct {
	low, high   Value
	nulls, rows int64
}

func (s modelStats) Range(column string) (low, high Value, nulls, rows int64, ok bool) {
	c, ok := s[column]
	return c.low, c.high, c.nulls, c.rows, ok
}

func drawStats(t *rapid.T, rows []modelRow) modelStats {
	s := modelStats{}
	names := []string{"st"}
	for _, c := range leaves {
		names = append(names, c.name)
	}
	for _, name := range names {
		c := columnStats{rows: int64(len(rows))}
		for _, row := range rows {
			v := valueOf(name, row[name])
			switch {
			case row[name] == nil:
				c.nulls++
			case name == "st" || isNaN(v):
			default:
				if order, ok := Compare(v, c.low); !ok || order < 0 {
					c.low = v
				}
				if order, ok := Compare(v, c.high); !ok || order > 0 {
					c.high = v
				}
			}
		}
		switch rapid.IntRange(0, 9).Draw(t, "withheld") {
		case 0:
			continue
		case 1:
			c.low = Null()
		case 2:
			c.high = Null()
		case 3:
			c.nulls = -1
		case 4:
			c.nulls, c.rows = -1, -1
		case 5:
			if c.low.Kind() == KindString && len(c.low.str) > 1 { // a cut-off prefix bounds from below
				c.low = String(c.low.str[:1])
			}
		case 6:
			if c.low.Kind() == KindFloat {
				c.high = Float(math.NaN())
			}
		}
		s[name] = c
	}
	return s
}

func valueOf(column string, cell any) Value {
	switch v := cell.(type) {
	case bool:
		return Bool(v)
	case int64:
		return Int(v)
	case float64:
		return Float(v)
	case *big.Rat:
		return Decimal(unscaled(v), 2)
	case string:
		if column == "bin" || column == "fx" {
			return Bytes([]byte(v))
		}
		return String(v)
	}
	return Null()
}

// TestFilterLargeBatch crosses word and byte boundaries, and takes each way of returning rows.
func TestFilterLargeBatch(t *testing.T) {
	s := parseSchema(t, `{"type":"record","name":"r","fields":[{"name":"n","type":"long"},
	 {"name":"l","type":{"type":"array","items":["null","string"]}},
	 {"name":"m","type":{"type":"map","values":"long"}}]}`)
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer alloc.AssertSize(t, 0)
	const n = 1003
	b := array.NewRecordBuilder(alloc, s.Arrow())
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		list := b.Field(1).(*array.ListBuilder)
		list.Append(true)
		list.ValueBuilder().(*array.StringBuilder).Append("x")
		list.ValueBuilder().AppendNull()
		m := b.Field(2).(*array.MapBuilder)
		m.Append(true)
		m.KeyBuilder().(*array.StringBuilder).Append("k")
		m.ItemBuilder().(*array.Int64Builder).Append(int64(i))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()

	for text, want := range map[string][]int64{
		"n >= 0":                   span(0, n),
		"n < 0":                    nil,
		"n BETWEEN 100 AND 899":    span(100, 900),
		"n BETWEEN 5 AND 7":        span(5, 8),
		"n IN (1002, 7, 500)":      {7, 500, 1002},
		"NOT n BETWEEN 2 AND 1001": {0, 1, 1002},
		"l IS NOT NULL AND m IS NOT NULL AND n = 64": {64},
	} {
		e, err := Parse(text)
		require.NoError(t, err)
		bound, err := Bind(e, s)
		require.NoError(t, err)
		got, err := bound.Filter(batch, alloc)
		require.NoError(t, err, text)
		require.Equal(t, want, int64s(got.Column(0)), text)
		require.Equal(t, len(want), got.Column(1).Len())
		if len(want) == 3 {
			require.Equal(t, `["x",null]`, got.Column(1).(*array.List).ValueStr(1))
		}
		got.Release()
	}
}

func span(from, to int64) (v []int64) {
	for i := from; i < to; i++ {
		v = append(v, i)
	}
	return v
}

func int64s(a arrow.Array) (v []int64) {
	for i := range a.Len() {
		v = append(v, a.(*array.Int64).Value(i))
	}
	return v
}

func BenchmarkFilterSelect(b *testing.B) {
	s := parseSchema(b, `{"type":"record","name":"r","fields":[{"name":"n","type":"long"},{"name":"s","type":"string"}]}`)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	defer builder.Release()
	const n = 64 << 10
	for i := range n {
		builder.Field(0).(*array.Int64Builder).Append(int64(i * 7919 % n))
		builder.Field(1).(*array.StringBuilder).Append([]string{"rider-1", "rider-22", "driver"}[i%3])
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	for _, text := range []string{"n < 1000", "n = 5 OR n > 60000", "s = 'rider-22'", "s LIKE 'rider%'", "n IN (1, 2, 3, 50000)"} {
		b.Run(text, func(b *testing.B) {
			e, err := Parse(text)
			require.NoError(b, err)
			bound, err := Bind(e, s)
			require.NoError(b, err)
			b.SetBytes(n)
			for b.Loop() {
				if _, _, err := bound.Select(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestSelectRefusesOtherRows(t *testing.T) {
	s := parseSchema(t, modelSchema)
	e, err := Parse("l = 1 AND st.x = 2")
	require.NoError(t, err)
	bound, err := Bind(e, s)
	require.NoError(t, err)
	narrow := arrow.NewSchema([]arrow.Field{{Name: "l", Type: arrow.PrimitiveTypes.Int32}}, nil)
	for want, fields := range map[string]*arrow.Schema{
		"column l is long in the schema, and the rows hold int32": narrow,
		`the rows have 0 columns named "l"`:                       arrow.NewSchema(nil, nil),
	} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, fields)
		batch := b.NewRecordBatch()
		_, err := bound.Filter(batch, memory.DefaultAllocator)
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, base.ErrInvalid)
		batch.Release()
		b.Release()
	}
}
