package metadata

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// valueTypes is the table version from which on statistics say what their bounds stand for.
const valueTypes = 9

// Further ordinals of types (bounds.go).
const (
	typeNull       = 1
	typeFloat      = 5
	typeDouble     = 6
	typeBytes      = 8
	typeFixed      = 9
	typeUUID       = 11
	typeTimeMillis = 13
	typeTimeMicros = 14
)

// statColumn is a column of which statistics are kept, by its path.
type statColumn struct {
	name string
	typ  *schema.Type
	is   ValueType // in version 9
}

// stats are the statistics of the column in a file that has no rows of it yet.
func (c *statColumn) stats(file string, version int) *Stats {
	s := &Stats{File: file, Column: c.name, Values: new(int64), Nulls: new(int64)}
	if version >= valueTypes {
		is := c.is
		s.Type = &is
	}
	return s
}

// indexed is what a metadata table has of the files of a table besides their names.
type indexed struct {
	version int
	rows    *schema.Schema // of the table, with the meta columns
	columns []statColumn   // with statistics
	stats   bool           // statistics are kept, though perhaps of no column
	blooms  bool           // filters of the keys of base files are
}

// withColumns resolves the names of columns with statistics in the schema of rows. As in real
// Hudi those that it does not have are left out, and those of types without statistics.
func withColumns(rows *schema.Schema, names []string, version int) indexed {
	x := indexed{version: version, rows: rows.WithMeta(), stats: true}
	for _, name := range names {
		t, ok := columnType(x.rows, name)
		if !ok {
			continue
		}
		if is, ok := valueType(t, version); ok {
			x.columns = append(x.columns, statColumn{name, t, is})
		}
	}
	return x
}

// covers tells whether what was gathered for x does for y.
func (x *indexed) covers(y *indexed) bool {
	same := func(a, b statColumn) bool { return a.name == b.name && a.is == b.is }
	return (x.blooms || !y.blooms) && slices.EqualFunc(x.columns, y.columns, same)
}

// names are those of the columns with statistics.
func (x *indexed) names() []string {
	out := make([]string, len(x.columns))
	for i, c := range x.columns {
		out[i] = c.name
	}
	return out
}

func columnType(s *schema.Schema, name string) (*schema.Type, bool) {
	t := s.Record()
	for part := range strings.SplitSeq(name, ".") {
		if t.Kind != schema.Record {
			return nil, false
		}
		f, _, err := t.Lookup(part)
		if err != nil {
			return nil, false
		}
		t = f.Type
	}
	return t, true
}

// wrappedPrecision is the most digits that a decimal may have at wrappedScale before version 9.
const wrappedPrecision = 30

// logicalTypes are the ordinals of logical types but decimals.
var logicalTypes = map[schema.Logical]int32{
	schema.Date: typeDate, schema.TimeMillis: typeTimeMillis, schema.TimeMicros: typeTimeMicros,
	schema.TimestampMillis: typeTimestampMillis, schema.TimestampMicros: typeTimestampMicros,
	schema.LocalTimestampMillis: typeLocalTimestampMillis, schema.LocalTimestampMicros: typeLocalTimestampMicros,
}

var kindTypes = map[schema.Kind]int32{
	schema.Boolean: typeBoolean, schema.Int: typeInt, schema.Long: typeLong, schema.Float: typeFloat, schema.Double: typeDouble,
	schema.String: typeString, schema.Bytes: typeBytes, schema.Fixed: typeFixed,
}

// valueType says what the bounds of a type are; ok is false if it has no statistics.
func valueType(t *schema.Type, version int) (is ValueType, ok bool) {
	switch t.Logical {
	case schema.NoLogical:
		is.Ordinal, ok = kindTypes[t.Kind]
	case schema.Decimal:
		if version < valueTypes && (t.Scale > wrappedScale || t.Precision+wrappedScale-t.Scale > wrappedPrecision) {
			return is, false
		}
		return ValueType{Ordinal: typeDecimal, Info: fmt.Sprintf("%d,%d", t.Precision, t.Scale)}, true
	case schema.UUID:
		return ValueType{Ordinal: typeUUID}, t.Kind == schema.String
	default:
		is.Ordinal, ok = logicalTypes[t.Logical]
	}
	return is, ok
}

// maxColumns is hoodie.metadata.index.column.stats.max.columns.to.index.
const maxColumns = 32

// Indexable returns the columns of which statistics are kept in a table that does not say:
// three meta columns, and the first of its own whose types have statistics. In version 6, where
// nothing says it later either, they are all that have them.
func Indexable(c *table.Config, rows *schema.Schema) []string {
	if c.Version < definedFrom {
		var names []string
		all := rows.WithMeta()
		if !c.MetaFields {
			all = rows.WithoutMeta()
		}
		for _, f := range all.Fields() {
			if _, ok := valueType(f.Type, c.Version); ok {
				names = append(names, f.Name)
			}
		}
		return names
	}
	var names []string
	if c.MetaFields {
		names = []string{schema.MetaCommitTime, schema.MetaPartitionPath, schema.MetaRecordKey}
	}
	limit := len(names) + maxColumns
	for _, f := range rows.WithoutMeta().Fields() {
		if indexedUnasked(f.Type, c.Version) && len(names) < limit {
			names = append(names, f.Name)
		}
	}
	return names
}

// indexedUnasked tells whether a column of a type is indexed without being named. Before
// version 9 real Hudi does not take bytes but decimals.
func indexedUnasked(t *schema.Type, version int) bool {
	_, ok := valueType(t, version)
	return ok && (version >= valueTypes || t.Logical == schema.Decimal || t.Kind != schema.Bytes && t.Kind != schema.Fixed)
}

// boundOf wraps a value of a type, as basefile.RowGroup.Range has it; nil for what has no
// bounds.
func boundOf(v any, t *schema.Type, version int) *Bound {
	switch v := v.(type) {
	case bool:
		return &Bound{Boolean: &Wrapped[bool]{v}}
	case int64:
		switch {
		case t.Kind == schema.Long:
			return &Bound{Long: &Wrapped[int64]{v}}
		case t.Logical == schema.Date && version < valueTypes:
			return &Bound{Date: &Wrapped[int32]{int32(v)}}
		}
		return &Bound{Int: &Wrapped[int32]{int32(v)}}
	case float64:
		if t.Kind == schema.Float {
			return &Bound{Float: &Wrapped[float32]{float32(v)}}
		}
		return &Bound{Double: &Wrapped[float64]{v}}
	case string:
		return &Bound{String: &Wrapped[string]{v}}
	case []byte:
		return &Bound{Bytes: &Wrapped[[]byte]{v}}
	case decimal128.Num:
		n := v.BigInt()
		if version < valueTypes {
			up := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(wrappedScale-t.Scale)), nil)
			return &Bound{Decimal: &Wrapped[[]byte]{minimalBytes(n.Mul(n, up))}}
		}
		return &Bound{Bytes: &Wrapped[[]byte]{minimalBytes(n)}}
	}
	return nil
}

// minimalBytes is the two's complement of a number in as few bytes as hold it, one at least.
func minimalBytes(n *big.Int) []byte {
	if n.Sign() >= 0 {
		b := n.Bytes()
		if len(b) == 0 || b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		return b
	}
	length := new(big.Int).Not(n).BitLen()/8 + 1
	return new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*length))).FillBytes(make([]byte, length))
}

// unindexed is the error for a table that does not say of which columns statistics are kept.
func unindexed(uri string) error {
	return fmt.Errorf("metadata: %s: no index definition says of which columns statistics are kept; drop the index with hoodie.metadata.index.column.stats.enable=false: %w", uri, base.ErrUnsupported)
}
