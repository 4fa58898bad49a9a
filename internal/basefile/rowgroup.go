package basefile

import (
	"bytes"
	"math"
	"math/big"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	pq "github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/hudi-go/hudi-go/schema"
)

// RowGroup is a part of a base file that can be read by itself.
type RowGroup struct {
	First int64 // number of its first row in the file
	Rows  int64
	Bytes int64 // compressed, of all columns

	index int
	file  *Reader
}

// batchRows is how many rows a batch of some columns has, given the most that the caller wants.
func (g *RowGroup) batchRows(leaves []int, limit int) int64 {
	rows := int64(maxBatchRows)
	if limit > 0 {
		rows = min(rows, int64(limit))
	}
	var bytes int64
	meta := g.file.file.MetaData().RowGroup(g.index)
	for _, i := range leaves {
		if c, err := meta.ColumnChunk(i); err == nil {
			bytes += max(0, min(c.TotalUncompressedSize(), math.MaxInt32))
		}
	}
	if bytes > maxBatchBytes && g.Rows > 0 {
		rows = min(rows, g.Rows*maxBatchBytes/bytes)
	}
	return max(rows, 1)
}

// ColumnBytes is the compressed size of some of the file's columns, each with all fields of its
// records. Names that the file does not have count nothing.
func (g *RowGroup) ColumnBytes(columns []string) int64 {
	return g.columnBytes(columns, (*metadata.ColumnChunkMetaData).TotalCompressedSize)
}

func (g *RowGroup) columnBytes(columns []string, of func(*metadata.ColumnChunkMetaData) int64) (bytes int64) {
	meta := g.file.file.MetaData()
	for i := range meta.Schema.NumColumns() {
		if c, err := meta.RowGroup(g.index).ColumnChunk(i); err == nil && slices.Contains(columns, meta.Schema.Column(i).ColumnPath()[0]) {
			bytes += of(c)
		}
	}
	return bytes
}

// UncompressedBytes is ColumnBytes before compression; values in dictionaries count little.
func (g *RowGroup) UncompressedBytes(columns []string) int64 {
	return g.columnBytes(columns, (*metadata.ColumnChunkMetaData).TotalUncompressedSize)
}

// Chunk describes the values of one leaf column in a row group: how many there are, nulls
// included, and their sizes in the file.
type Chunk struct{ Values, Bytes, Uncompressed int64 }

// Chunk describes a column, or a record's field in dotted notation; ok is false if the file
// does not have it.
func (g *RowGroup) Chunk(column string) (c Chunk, ok bool) {
	meta := g.file.file.MetaData()
	i := meta.Schema.ColumnIndexByName(column)
	if i < 0 {
		return Chunk{}, false
	}
	m, err := meta.RowGroup(g.index).ColumnChunk(i)
	if err != nil {
		return Chunk{}, false
	}
	return Chunk{m.NumValues(), m.TotalCompressedSize(), m.TotalUncompressedSize()}, true
}

// Range returns the least and the greatest value of a column, or of a record's field in
// dotted notation, as values of the type t that the column is read as:
//
//	boolean → bool; string and enum → string; bytes and fixed → []byte
//	int and long, with dates, times and timestamps in the unit of t → int64
//	float and double → float64; decimal → decimal128.Num at the scale of t
//
// Both may be bounds that no row has (Parquet truncates long ones), and both are nil when
// all values are null. ok is false if the file has no usable statistics, also when the file's
// type is another than t and reading it so does not keep the order.
func (g *RowGroup) Range(column string, t *schema.Type) (low, high any, nulls, rows int64, ok bool) {
	err := g.file.guard(func() error {
		low, high, nulls, ok = g.statistics(column, t)
		return nil
	})
	if err != nil || !ok {
		return nil, nil, 0, 0, false
	}
	return low, high, nulls, g.Rows, true
}

func (g *RowGroup) statistics(column string, t *schema.Type) (low, high any, nulls int64, ok bool) {
	meta := g.file.file.MetaData()
	i := meta.Schema.ColumnIndexByName(column)
	if i < 0 || meta.Schema.Column(i).MaxRepetitionLevel() > 0 {
		return nil, nil, 0, false
	}
	chunk, err := meta.RowGroup(g.index).ColumnChunk(i)
	if err != nil {
		return nil, nil, 0, false
	}
	footer, err := g.file.footerMeta()
	if err != nil {
		return nil, nil, 0, false
	}
	there := footer.groups[g.index].chunks[i].stats
	stats, err := chunk.Statistics()
	if err != nil || stats == nil || !there.nulls {
		return nil, nil, 0, false
	}
	nulls = stats.NullCount()
	if nulls == g.Rows {
		return nil, nil, nulls, true
	}
	if !there.min || !there.max {
		return nil, nil, 0, false
	}
	c := meta.Schema.Column(i)
	rawLow, rawHigh := bounds(stats)
	low, high = statValue(rawLow, c, t), statValue(rawHigh, c, t)
	return low, high, nulls, low != nil && high != nil
}

// bounds are the least and the greatest value as bool, int64, float32, float64 or bytes; nil
// for other types.
func bounds(stats metadata.TypedStatistics) (low, high any) {
	switch s := stats.(type) {
	case *metadata.BooleanStatistics:
		return s.Min(), s.Max()
	case *metadata.Int32Statistics:
		return int64(s.Min()), int64(s.Max())
	case *metadata.Int64Statistics:
		return s.Min(), s.Max()
	case *metadata.Float32Statistics:
		return s.Min(), s.Max()
	case *metadata.Float64Statistics:
		return s.Min(), s.Max()
	case *metadata.ByteArrayStatistics:
		return []byte(s.Min()), []byte(s.Max())
	case *metadata.FixedLenByteArrayStatistics:
		return []byte(s.Min()), []byte(s.Max())
	}
	return nil, nil
}

// statValue makes a value of the type t of a bound of the column c, nil if there is none.
func statValue(raw any, c *pq.Column, t *schema.Type) any {
	if t.Logical == schema.Decimal {
		return decimalStat(raw, c.LogicalType(), t)
	}
	switch raw := raw.(type) {
	case bool:
		if t.Kind == schema.Boolean {
			return raw
		}
	case int64:
		if t.Kind == schema.Int || t.Kind == schema.Long {
			return integerStat(raw, c.LogicalType(), t.Logical)
		}
	case float32:
		if t.Kind == schema.Float && raw == raw {
			return float64(raw)
		}
	case float64:
		if t.Kind == schema.Double && raw == raw {
			return raw
		}
	case []byte:
		return bytesStat(raw, c.LogicalType(), t.Kind)
	}
	return nil
}

func bytesStat(raw []byte, logical pq.LogicalType, kind schema.Kind) any {
	text := logical.Equals(pq.StringLogicalType{}) || logical.Equals(pq.EnumLogicalType{})
	switch kind {
	case schema.String, schema.Enum:
		if text {
			return string(raw)
		}
	case schema.Bytes, schema.Fixed:
		if text || logical.IsNone() {
			return bytes.Clone(raw)
		}
	}
	return nil
}

// integerStat brings a number to the unit of the logical type to. Going to a coarser unit
// rounds down, as reading does.
func integerStat(v int64, logical pq.LogicalType, to schema.Logical) any {
	switch logical := logical.(type) {
	case pq.DecimalLogicalType:
		return nil
	case pq.IntLogicalType:
		if !logical.IsSigned() {
			return nil
		}
	case pq.TimestampLogicalType:
		return rescale(v, logical.TimeUnit(), to)
	case pq.TimeLogicalType:
		return rescale(v, logical.TimeUnit(), to)
	}
	return v
}

func rescale(v int64, from pq.TimeUnitType, to schema.Logical) any {
	var mul, div int64 = 1, 1
	switch to {
	case schema.TimestampMicros, schema.LocalTimestampMicros, schema.TimeMicros:
		switch from {
		case pq.TimeUnitMillis:
			mul = 1000
		case pq.TimeUnitNanos:
			div = 1000
		}
	case schema.TimestampMillis, schema.LocalTimestampMillis, schema.TimeMillis:
		switch from {
		case pq.TimeUnitMicros:
			div = 1000
		case pq.TimeUnitNanos:
			div = 1000_000
		}
	}
	if v > math.MaxInt64/mul || v < math.MinInt64/mul {
		return nil
	}
	q := v * mul / div
	if v*mul%div < 0 {
		q--
	}
	return q
}

// decimalStat brings an unscaled decimal to the scale of t.
func decimalStat(raw any, logical pq.LogicalType, t *schema.Type) any {
	from, ok := logical.(pq.DecimalLogicalType)
	if !ok || int(from.Scale()) > t.Scale || t.Precision > schema.MaxPrecision {
		return nil
	}
	var v decimal128.Num
	switch raw := raw.(type) {
	case int64:
		v = decimal128.FromI64(raw)
	case []byte:
		if len(raw) == 0 {
			return nil
		}
		n := new(big.Int).SetBytes(raw)
		if raw[0] >= 0x80 { // two's complement
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
		}
		if n.BitLen() > 127 {
			return nil
		}
		v = decimal128.FromBigInt(n)
	default:
		return nil
	}
	up := int32(t.Scale) - from.Scale()
	if !v.FitsInPrecision(schema.MaxPrecision - up) {
		return nil
	}
	return v.IncreaseScaleBy(up)
}
