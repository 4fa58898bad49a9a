package query

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
)

// partitionMayMatch tells whether rows of a partition can meet the condition, as far as
// its path says, and notes it if they cannot. Paths of key generators that transform the value say nothing.
func (p *Plan) partitionMayMatch(path string) bool {
	c := p.source.Config
	if p.where == nil || len(c.PartitionBy) == 0 || len(c.PartitionKinds) > 0 || c.SlashDates || strings.Contains(c.KeyGen, "TIMESTAMP") {
		return true
	}
	parts := strings.Split(path, "/")
	if len(parts) != len(c.PartitionBy) {
		return true
	}
	values := map[string]string{}
	for i, field := range c.PartitionBy {
		value := parts[i]
		if rest, ok := strings.CutPrefix(value, field+"="); ok && c.HiveStyle {
			value = rest
		}
		if c.URLEncode {
			value = base.UnescapePartition(value)
		}
		values[field] = value
	}
	return p.where.MayMatchPartition(values) || !p.skipPartition(path, byPath)
}

// rowStats shows the statistics of rows of a base file to a condition.
type rowStats struct {
	rows  basefile.Statistics
	table *schema.Schema
}

func (s rowStats) Range(column string) (low, high expr.Value, nulls, rows int64, ok bool) {
	f, at, found := s.table.Field(column)
	if !found {
		return // a field of a record: its record may be null, and files differ in naming it
	}
	lo, hi, nulls, rows, ok := s.rows.Range(column, f.Type)
	dt := s.table.Arrow().Field(at).Type
	return statValue(lo, dt), statValue(hi, dt), nulls, rows, ok
}

func statValue(v any, dt arrow.DataType) expr.Value {
	switch v := v.(type) {
	case bool:
		return expr.Bool(v)
	case int64:
		return expr.Int(v)
	case float64:
		return expr.Float(v)
	case string:
		return expr.String(v)
	case []byte:
		return expr.Bytes(v)
	case decimal128.Num:
		if d, ok := dt.(*arrow.Decimal128Type); ok {
			return expr.Decimal(v, d.Scale)
		}
	}
	return expr.Null()
}
