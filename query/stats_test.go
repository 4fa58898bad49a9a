package query

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/schema"
)

// The files of a slice are looked at together, and what is not known of one is not known of all.
func TestStatisticsOfFiles(t *testing.T) {
	s, err := schema.Parse(`{"type":"record","name":"r","fields":[{"name":"a","type":["null","long"]},{"name":"b","type":["null","long"]},{"name":"d","type":["null","double"]}]}`)
	require.NoError(t, err)
	s = s.WithMeta()
	columns := []string{schema.MetaRecordKey, "a", "b", "d"}
	number := func(n int64) *metadata.Bound { return &metadata.Bound{Long: &metadata.Wrapped[int64]{Value: n}} }
	of := func(low, high, rows, nulls int64) *metadata.Stats {
		st := &metadata.Stats{Values: &rows, Nulls: &nulls}
		if rows > nulls {
			st.Min, st.Max = number(low), number(high)
		}
		return st
	}
	key := func(rows int64) *metadata.Stats { return of(0, 0, rows, rows) }
	type files = [][]*metadata.Stats
	base := []*metadata.Stats{key(5), of(3, 3, 5, 0), of(9, 9, 5, 0), nil}
	log := []*metadata.Stats{key(2), of(4, 4, 2, 0), of(2, 2, 2, 0), nil}
	deletes := []*metadata.Stats{key(0), of(0, 0, 0, 0), of(0, 0, 0, 0), nil}
	nulls := []*metadata.Stats{key(2), of(0, 0, 2, 2), of(2, 2, 2, 0), nil}
	for _, c := range []struct {
		where string
		files files
		whole bool
		may   bool
	}{
		{"a = 3", files{base}, false, true},
		{"a = 4", files{base}, false, false},
		{"a = 4", files{base, log}, false, true},
		{"a = 5", files{base, log}, false, false},
		{"a = 3 AND b = 2", files{base, log}, false, true}, // a of one version, b of the other
		{"a = 3", files{base, deletes}, false, true},
		{"a = 5", files{base, deletes}, false, false},
		{"a IS NULL", files{base, deletes}, false, false},
		{"a IS NULL", files{base, nulls}, false, true},
		{"a IS NOT NULL", files{nulls}, false, false},
		{"a = 0", files{base, nulls}, false, false},
		{"a = 3", files{deletes}, false, false},
		{"a IS NULL", files{deletes}, false, false},
		{"a = 5", files{base, {key(2), nil, of(2, 2, 2, 0), nil}}, false, true}, // no statistics
		{"a = 5 AND b = 7", files{base, {key(2), nil, of(2, 2, 2, 0), nil}}, false, true},
		{"a = 5 AND b = 10", files{base, {key(2), nil, of(2, 2, 2, 0), nil}}, false, false},
		{"a = 5", files{base, {key(2), of(1, 1, 1, 0), nil, nil}}, false, true},       // of some rows
		{"a = 5", files{base, {nil, of(1, 1, 1, 0), nil, nil}}, false, false},         // keys without statistics
		{"a = 5", files{base, {nil, of(0, 0, 0, 0), nil, nil}}, false, true},          // of no rows, as it says
		{"a = 5", files{{nil, of(1, 1, 1, 0), nil, nil}}, true, true},                 // partitions need the keys
		{"a = 5", files{{key(3), of(1, 1, 3, 0), nil, nil}}, true, false},             //
		{"a = 5", files{{key(9), of(1, 1, 3, 0), nil, nil}}, true, true},              //
		{"d > 1", files{base}, false, true},                                           // not indexed
		{"_hoodie_file_name = 'x'", files{base}, false, true},                         //
		{"a = 5", files{base, {key(2), {Values: new(int64)}, nil, nil}}, false, true}, // counts that are not known
	} {
		e, err := expr.Parse(c.where)
		require.NoError(t, err)
		b, err := expr.Bind(e, s)
		require.NoError(t, err)
		require.Equal(t, c.may, b.MayMatch(&fileStats{table: s, columns: columns, files: c.files, whole: c.whole}), "%s of %v", c.where, c.files)
	}
}

func TestOuterBounds(t *testing.T) {
	text, number, none := expr.String("x"), expr.Int(3), expr.Null()
	for _, c := range []struct {
		a, b expr.Value
		side int
		open bool
		want expr.Value
	}{
		{none, number, -1, false, number},
		{expr.Int(1), number, -1, false, expr.Int(1)},
		{expr.Int(1), number, 1, false, number},
		{number, expr.Int(1), -1, false, expr.Int(1)},
		{number, none, 1, false, none},
		{none, number, 1, true, none},
		{text, number, 1, false, none},
	} {
		got, open := outer(c.a, c.b, c.side, c.open)
		require.Equal(t, c.want, got)
		require.Equal(t, got.IsNull(), open)
	}
}
