package keygen_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/schema"
)

// TestTimed has folders as Spark made them (interop's TestTimedPartitions), and further patterns.
func TestTimed(t *testing.T) {
	for name, k := range map[string]struct {
		options map[string]string
		column  func(alloc memory.Allocator) arrow.Array
		want    []string
	}{
		"milliseconds": {
			map[string]string{"timestamp.type": "EPOCHMILLISECONDS", "output.dateformat": "yyyy-MM-dd"},
			longs(1_767_225_599_999, 0, -1, -86_400_001, nil, 253_402_300_799_000),
			[]string{"2025-12-31", "1970-01-01", "1969-12-31", "1969-12-30", "1970-01-01", "9999-12-31"},
		},
		"seconds": {
			map[string]string{"timestamp.type": "UNIX_TIMESTAMP", "output.dateformat": "yyyy/MM/dd", "output.timezone": "Asia/Tokyo"},
			longs(1_767_225_599, 0, nil), []string{"2026/01/01", "1970/01/01", "1970/01/01"},
		},
		"hours": {
			map[string]string{"timestamp.type": "SCALAR", "timestamp.scalar.time.unit": "hours", "output.dateformat": "'week' xx-ww e EEE, MMM dd hh a kk K", "timezone": "America/New_York"},
			longs(490_000, 1, nil), []string{"week 25-48 1 Mon, Nov 24 11 AM 11 11", "week 70-01 3 Wed, Dec 31 08 PM 20 8", "week 70-01 3 Wed, Dec 31 08 PM 20 8"},
		},
		"texts": {
			map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd HH:mm:ss", "output.dateformat": "yyyyMMddHHmm"},
			texts("2026-01-31T23:30:00+0530", "2026-01-31T23:30:00Z", "2026-01-31 23:30:00", nil), []string{"202601312330", "202601312330", "202601312330", "197001010000"},
		},
		"texts of zones": {
			map[string]string{"timestamp.type": "MIXED", "input.dateformat": "d.M.yy H:m;yyyy/MM/dd HH", "input.dateformat.list.delimiter.regex": ";",
				"output.dateformat": "yyyy-MM-dd HH.mm.ss.SSSS Z", "input.timezone": "Europe/Oslo", "output.timezone": "Asia/Tokyo"},
			texts("31.1.26 1:5", "2026/7/1 23", nil), []string{"2026-01-31 09.05.00.0000 +0900", "2026-07-02 06.00.00.0000 +0900", "1970-01-01 09.00.00.0000 +0900"},
		},
		"names": {
			map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "MMM d yyyy hh a", "output.dateformat": "''EEEE'' D MMMM yy"},
			texts("jan 1 2026 12 am", "December 31 1949 12 PM"), []string{"'Thursday' 1 January 26", "'Saturday' 365 December 49"},
		},
		"hours of half a day alone, no year": {
			map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "dd.MM. hh:mm", "output.dateformat": "yyyy-MM-dd HH"},
			texts("29.02. 12:30", "01.03. 01:30"), []string{"2000-02-29 00", "2000-03-01 01"},
		},
		"two digits": {
			map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yy", "output.dateformat": "yyyy"},
			texts("45", "60"), []string{"2045", "1960"},
		},
		"digits side by side": {
			map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yyyyMMddHHmmssSSS", "output.dateformat": "yyyy-DDD HH:mm:ss.S ZZ"},
			texts("20240229235958765"), []string{"2024-060 23:59:58.7 +00:00"},
		},
		"microseconds are cut towards zero": {
			map[string]string{"timestamp.type": "EPOCHMICROSECONDS", "output.dateformat": "yyyy-MM-dd-HH-mm-ss-SSS"},
			longs(-1, 1_769_903_999_999_999), []string{"1970-01-01-00-00-00-000", "2026-01-31-23-59-59-999"},
		},
		"days as decimals": {
			map[string]string{"timestamp.type": "SCALAR", "timestamp.scalar.time.unit": "DAYS", "output.dateformat": "yyyy-DDD"},
			func(alloc memory.Allocator) arrow.Array {
				b := array.NewDecimal128Builder(alloc, &arrow.Decimal128Type{Precision: 10, Scale: 2})
				defer b.Release()
				b.AppendValues([]decimal128.Num{decimal128.FromI64(2_048_499), decimal128.FromI64(-100)}, nil)
				return b.NewArray()
			},
			[]string{"2026-031", "1969-365"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			paths, err := timedFolders(t, k.options, k.column)
			require.NoError(t, err)
			require.Equal(t, k.want, paths)
		})
	}
}

func TestTimedRefused(t *testing.T) {
	for name, k := range map[string]struct {
		options map[string]string
		column  func(alloc memory.Allocator) arrow.Array
		want    error
	}{
		"no type":                        {map[string]string{"output.dateformat": "yyyy"}, longs(1), base.ErrInvalid},
		"no pattern":                     {map[string]string{"timestamp.type": "UNIX_TIMESTAMP"}, longs(1), base.ErrInvalid},
		"unknown letter":                 {map[string]string{"timestamp.type": "UNIX_TIMESTAMP", "output.dateformat": "yyyy G"}, longs(1), base.ErrUnsupported},
		"open quote":                     {map[string]string{"timestamp.type": "UNIX_TIMESTAMP", "output.dateformat": "yyyy 'x"}, longs(1), base.ErrInvalid},
		"unknown unit":                   {map[string]string{"timestamp.type": "SCALAR", "timestamp.scalar.time.unit": "WEEKS", "output.dateformat": "yyyy"}, longs(1), base.ErrInvalid},
		"unknown zone":                   {map[string]string{"timestamp.type": "UNIX_TIMESTAMP", "output.dateformat": "yyyy", "timezone": "Mars"}, longs(1), base.ErrInvalid},
		"text":                           {map[string]string{"timestamp.type": "UNIX_TIMESTAMP", "output.dateformat": "yyyy"}, texts("1"), base.ErrInvalid},
		"number":                         {map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yyyy", "output.dateformat": "yyyy"}, longs(1), base.ErrInvalid},
		"another form":                   {map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yyyy-MM-dd", "output.dateformat": "yyyy"}, texts("2026-01-31 "), base.ErrInvalid},
		"no day":                         {map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yyyy-MM-dd", "output.dateformat": "yyyy"}, texts("2026-02-30"), base.ErrInvalid},
		"years whose century Joda moves": {map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "yy", "output.dateformat": "yyyy"}, texts("46"), base.ErrInvalid},
		"hour of half a day":             {map[string]string{"timestamp.type": "DATE_STRING", "input.dateformat": "hh", "output.dateformat": "HH"}, texts("13"), base.ErrInvalid},
		"no input pattern":               {map[string]string{"timestamp.type": "DATE_STRING", "output.dateformat": "yyyy"}, texts("2026"), base.ErrInvalid},
		"overflow":                       {map[string]string{"timestamp.type": "UNIX_TIMESTAMP", "output.dateformat": "yyyy"}, longs(1 << 62), base.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := timedFolders(t, k.options, k.column)
			require.ErrorIs(t, err, k.want)
		})
	}
}

// timedFolders are the partitions of the rows of a column.
func timedFolders(t *testing.T, options map[string]string, column func(alloc memory.Allocator) arrow.Array) ([]string, error) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	at := column(alloc)
	defer at.Release()
	a := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "at", Type: at.DataType(), Nullable: true}}, nil)
	ids := array.NewStringBuilder(alloc)
	defer ids.Release()
	for range at.Len() {
		ids.Append("k")
	}
	id := ids.NewArray()
	defer id.Release()
	batch := array.NewRecordBatch(a, []arrow.Array{id, at}, int64(at.Len()))
	defer batch.Release()
	s, err := schema.FromArrow("t", a)
	require.NoError(t, err)
	c := config([]string{"id"}, []string{"at"})
	c.KeyGen = "TIMESTAMP"
	named := map[string]string{}
	for name, value := range options {
		named["hoodie.keygen.timebased."+name] = value
	}
	c.KeysBy(named)
	g, err := keygen.New(c, s)
	if err != nil {
		return nil, err
	}
	p, err := g.Partitions(batch)
	if err != nil {
		return nil, err
	}
	out := make([]string, at.Len())
	for row := range out {
		out[row] = p.Paths[0]
		if p.Of != nil {
			out[row] = p.Paths[p.Of[row]]
		}
	}
	return out, nil
}

func longs(values ...any) func(alloc memory.Allocator) arrow.Array {
	return func(alloc memory.Allocator) arrow.Array {
		b := array.NewInt64Builder(alloc)
		defer b.Release()
		for _, v := range values {
			if n, ok := v.(int); ok {
				b.Append(int64(n))
			} else {
				b.AppendNull()
			}
		}
		return b.NewArray()
	}
}

func texts(values ...any) func(alloc memory.Allocator) arrow.Array {
	return func(alloc memory.Allocator) arrow.Array {
		b := array.NewStringBuilder(alloc)
		defer b.Release()
		for _, v := range values {
			if text, ok := v.(string); ok {
				b.Append(text)
			} else {
				b.AppendNull()
			}
		}
		return b.NewArray()
	}
}
