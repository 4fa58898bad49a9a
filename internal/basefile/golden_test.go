package basefile

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// fromPath are the tables whose partition column Spark answers from the folder's name, which
// says something else than the file.
var fromPath = regexp.MustCompile("cow_special_partitions|cow_timestamp_keygen|slash_dates")

// TestGolden reads every base file of the golden tables and compares its rows with those
// that the real engine read from it.
func TestGolden(t *testing.T) {
	files, compared := 0, 0
	for _, name := range goldentest.Cases(t) {
		t.Run(name, func(t *testing.T) {
			want := map[string]map[string]map[string]any{}
			if !fromPath.MatchString(name) {
				want = expectedRows(t, name)
			}
			st := goldentest.Store(t, name)
			for _, p := range parquetFiles(t, st, "") {
				f, err := st.Open(t.Context(), p)
				require.NoError(t, err)
				alloc := checked(t)
				r, err := Open(t.Context(), f, p, alloc)
				require.NoError(t, err)
				files++
				compared += compareFile(t, r, want[path.Base(p)], readAllFile(t, r, alloc))
				require.NoError(t, r.Close())
			}
		})
	}
	require.Greater(t, files, 30)
	require.Greater(t, compared, 100)
}

func expectedRows(t *testing.T, name string) map[string]map[string]map[string]any {
	rows := map[string]map[string]map[string]any{} // file, key
	data, ok := goldentest.Expected(t, name, "snapshot.jsonl")
	if !ok {
		return rows
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for d.More() {
		var row map[string]any
		require.NoError(t, d.Decode(&row))
		file, _ := row[schema.MetaFileName].(string)
		key, _ := row[schema.MetaRecordKey].(string)
		if rows[file] == nil {
			rows[file] = map[string]map[string]any{}
		}
		rows[file][key] = row
	}
	return rows
}

// parquetFiles lists the base files of a table; the metadata table's are not Parquet.
func parquetFiles(t *testing.T, st storage.Store, dir string) (files []string) {
	entries, err := st.List(t.Context(), dir)
	require.NoError(t, err)
	for _, e := range entries {
		if _, ok := base.ParseBaseFileName(e.Name); e.Dir && e.Name != base.MetaFolder {
			files = append(files, parquetFiles(t, st, e.Path)...)
		} else if ok && strings.HasSuffix(e.Name, base.ParquetExt) {
			files = append(files, e.Path)
		}
	}
	return files
}

// readAllFile reads a file with its own schema.
func readAllFile(t *testing.T, r *Reader, alloc memory.Allocator) arrow.RecordBatch {
	s, err := r.Schema()
	require.NoError(t, err)
	return readAll(t, r, alloc, ReadOptions{Schema: s})
}

// compareFile compares a file's rows with the answers that are known and its footer with its
// rows, and returns how many rows had an answer.
func compareFile(t *testing.T, r *Reader, want map[string]map[string]any, got arrow.RecordBatch) int {
	require.Equal(t, r.Rows(), got.NumRows())
	bloom, err := r.Bloom()
	require.NoError(t, err)
	low, high, ranged := r.KeyRange()
	compared := 0
	for i := range int(got.NumRows()) {
		row := map[string]any{}
		for c, f := range got.Schema().Fields() {
			row[f.Name] = answer(got.Column(c), i)
		}
		key, _ := row[schema.MetaRecordKey].(string)
		if bloom != nil {
			require.True(t, bloom.Contains([]byte(key)), "key %q of %s", key, r.name)
		}
		if ranged {
			require.True(t, low <= key && key <= high, "key %q of %s", key, r.name)
		}
		if w, ok := want[key]; ok && key != "" {
			for name, v := range w {
				if g, has := row[name]; has {
					require.Equal(t, decoded(v), g, "column %s of key %q in %s", name, key, r.name)
				}
			}
			compared++
		}
	}
	return compared
}

// answer is a value in the form of the golden tables' snapshot.jsonl.
func answer(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(i)
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Float32:
		return floatAnswer(strconv.FormatFloat(float64(a.Value(i)), 'g', -1, 32))
	case *array.Float64:
		return floatAnswer(strconv.FormatFloat(a.Value(i), 'g', -1, 64))
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return hex.EncodeToString(a.Value(i))
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Date32:
		return a.Value(i).ToTime().Format(time.DateOnly)
	case *array.Timestamp:
		dt := a.DataType().(*arrow.TimestampType)
		layout := "2006-01-02T15:04:05.000000"
		if dt.TimeZone != "" {
			layout += "Z"
		}
		return a.Value(i).ToTime(dt.Unit).Format(layout)
	case *array.Map:
		pairs := []any{}
		for k, end := a.ValueOffsets(i); k < end; k++ {
			pairs = append(pairs, []any{answer(a.Keys(), int(k)), answer(a.Items(), int(k))})
		}
		slices.SortFunc(pairs, func(a, b any) int { return cmp.Compare(a.([]any)[0].(string), b.([]any)[0].(string)) })
		return pairs
	case *array.List:
		list := []any{}
		for k, end := a.ValueOffsets(i); k < end; k++ {
			list = append(list, answer(a.ListValues(), int(k)))
		}
		return list
	case *array.Struct:
		m := map[string]any{}
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			m[f.Name] = answer(a.Field(k), i)
		}
		return m
	}
	return a.ValueStr(i)
}

// floatAnswer is the number with the given shortest form.
func floatAnswer(s string) any {
	switch s {
	case "NaN":
		return s
	case "+Inf":
		return "Infinity"
	case "-Inf":
		return "-Infinity"
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// decoded turns the numbers of an expected value into those that answer returns.
func decoded(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		return floatAnswer(v.String())
	case []any:
		for i := range v {
			v[i] = decoded(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = decoded(v[k])
		}
	}
	return v
}
