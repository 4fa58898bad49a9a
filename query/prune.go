package query

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// partitionMayMatch tells whether rows of a partition can meet the condition, as far as
// its path says, and notes it if they cannot. Paths of key generators that transform the value say nothing.
func (p *Plan) partitionMayMatch(path string) bool {
	c := p.source.Config
	if p.where == nil || len(c.PartitionBy) == 0 || len(c.PartitionKinds) > 0 || c.SlashDates || c.KeyGen == table.KeyGenTimestamp || c.KeyGen == table.KeyGenCustom {
		return true
	}
	values, ok := c.FolderValues(path)
	if !ok {
		return true
	}
	return p.where.MayMatchPartition(values) || !p.skipPartition(path, byPath)
}

// elsewhere are the columns of whose values the files do not tell: those that the partition's path has.
func (p *Plan) elsewhere() []string {
	if c := p.source.Config; c.DropPartitionColumns {
		return c.PartitionBy
	}
	return nil
}

// rowStats shows the statistics of rows of a base file to a condition.
type rowStats struct {
	rows      basefile.Statistics
	table     *schema.Schema
	elsewhere []string // see Plan.elsewhere
}

func (s rowStats) Range(column string) (low, high expr.Value, nulls, rows int64, ok bool) {
	f, at, found := s.table.Field(column)
	if !found || slices.Contains(s.elsewhere, column) {
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
