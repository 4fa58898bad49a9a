package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/schema"
)

// The model: rows as Go values, and conditions evaluated on them one by one with SQL's
// three-valued logic, with none of the package's conversions, kernels or rewritings.

const modelSchema = `{"type":"record","name":"r","fields":[
 {"name":"b","type":["null","boolean"],"default":null},
 {"name":"i","type":["null","int"],"default":null},
 {"name":"j","type":["null","int"],"default":null},
 {"name":"l","type":["null","long"],"default":null},
 {"name":"f","type":["null","float"],"default":null},
 {"name":"d","type":["null","double"],"default":null},
 {"name":"e","type":["null","double"],"default":null},
 {"name":"dec","type":["null",{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}],"default":null},
 {"name":"s","type":["null","string"],"default":null},
 {"name":"t","type":["null","string"],"default":null},
 {"name":"bin","type":["null","bytes"],"default":null},
 {"name":"fx","type":["null",{"type":"fixed","name":"two","size":2}],"default":null},
 {"name":"dt","type":["null",{"type":"int","logicalType":"date"}],"default":null},
 {"name":"tm","type":["null",{"type":"int","logicalType":"time-millis"}],"default":null},
 {"name":"tu","type":["null",{"type":"long","logicalType":"time-micros"}],"default":null},
 {"name":"tsm","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
 {"name":"tsu","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
 {"name":"lts","type":["null",{"type":"long","logicalType":"local-timestamp-micros"}],"default":null},
 {"name":"en","type":["null",{"type":"enum","name":"color","symbols":["a","b","ab"]}],"default":null},
 {"name":"st","type":["null",{"type":"record","name":"inner","fields":[
   {"name":"x","type":["null","long"],"default":null},
   {"name":"s","type":["null","string"],"default":null}]}],"default":null}
]}`

// A cell is nil or bool, int64 (also dates and times in the column's unit), float64 (floats
// widened), *big.Rat (decimals), or string (also binary).
type modelRow map[string]any

var (
	ints   = rapid.SampledFrom([]int64{-3, -2, -1, 0, 1, 2, 3, math.MaxInt32, math.MinInt32})
	floats = rapid.SampledFrom([]float64{-2, math.Copysign(0, -1), 0, 0.5, 1.5, 2, math.NaN(), math.Inf(1), math.Inf(-1), float64(float32(0.1))})
	texts  = rapid.SampledFrom([]string{"", "a", "b", "ab", "ba", "aab", "é", "aé", "a%", "b_"})
	pairs2 = rapid.SampledFrom([]string{"\x00\x00", "\x00\x01", "\x01\x00", "\xff\x00"})
	micros = rapid.SampledFrom([]int64{-1, 0, 1, 999, 1000, 86_400_000_000, -86_400_000_000, 1_500_000})
)

// leaves are the columns that can be compared, with the generators of their cells and literals.
var leaves = []struct {
	name string
	cell func(*rapid.T) any
	lits *rapid.Generator[literalNode]
}{
	{"b", cellOf(rapid.Bool()), literals(litTrue, "", litFalse, "")},
	{"i", cellOf(ints), numbers},
	{"j", cellOf(ints), numbers},
	{"l", cellOf(ints), numbers},
	{"f", func(t *rapid.T) any { return float64(float32(floats.Draw(t, "f"))) }, floatLiterals},
	{"d", cellOf(floats), floatLiterals},
	{"e", cellOf(floats), floatLiterals},
	{"dec", func(t *rapid.T) any { return big.NewRat(rapid.Int64Range(-300, 300).Draw(t, "dec"), 100) }, numbers},
	{"s", cellOf(texts), textLiterals},
	{"t", cellOf(texts), textLiterals},
	{"bin", cellOf(pairs2), byteLiterals},
	{"fx", cellOf(pairs2), byteLiterals},
	{"dt", cellOf(rapid.Int64Range(-2, 2)), moments},
	{"tm", cellOf(rapid.Int64Range(0, 3)), clocks},
	{"tu", cellOf(rapid.Int64Range(0, 3000)), clocks},
	{"tsm", func(t *rapid.T) any { return floorDiv(micros.Draw(t, "tsm"), 1000) }, moments},
	{"tsu", cellOf(micros), moments},
	{"lts", cellOf(micros), moments},
	{"en", cellOf(rapid.SampledFrom([]string{"a", "b", "ab"})), textLiterals},
	{"st.x", cellOf(ints), numbers},
	{"st.s", cellOf(texts), textLiterals},
}

var (
	numbers       = literals(litNumber, "0", litNumber, "-1", litNumber, "1.5", litNumber, "-1.555", litNumber, "2e0", litNumber, "3000000000", litNumber, "-1e40", litNumber, "1.25", litNumber, "99999999999999999999999")
	floatLiterals = literals(litNumber, "0", litNumber, "1.5", litNumber, "0.1", litNumber, "1e400", litNumber, "-1e400", litString, "NaN", litString, "Infinity", litString, "-Infinity", litNumber, "-2")
	textLiterals  = literals(litString, "", litString, "a", litString, "ab", litString, "b", litString, "it's", litString, "é")
	byteLiterals  = literals(litBytes, "", litBytes, "\x00\x00", litBytes, "\x01", litBytes, "\xff\x00")
	moments       = literals(litDate, "1970-01-01", litString, "1970-01-02", litTimestamp, "1969-12-31 23:59:59.9999995", litString, "1970-01-01T00:00:00.001", litTimestamp, "1970-01-01 12:00", litString, "1970-01-01 00:00:01.5", litString, "1969-12-31 00:00:00.0000001")
	clocks        = literals(litTime, "00:00:00", litString, "00:00:00.001", litTime, "00:00:00.0015", litTime, "00:00:00.0029999", litTime, "23:59")
)

func cellOf[T any](g *rapid.Generator[T]) func(*rapid.T) any {
	return func(t *rapid.T) any { return g.Draw(t, "cell") }
}

func literals(kindsAndTexts ...any) *rapid.Generator[literalNode] {
	var list []literalNode
	for i := 0; i < len(kindsAndTexts); i += 2 {
		list = append(list, literalNode{kind: kindsAndTexts[i].(literalKind), text: kindsAndTexts[i+1].(string)})
	}
	return rapid.SampledFrom(list)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// drawRow makes a row; a null struct has null fields.
func drawRow(t *rapid.T) modelRow {
	row := modelRow{"st": true}
	if rapid.IntRange(0, 4).Draw(t, "null struct") == 0 {
		row["st"] = nil
	}
	for _, c := range leaves {
		if rapid.IntRange(0, 4).Draw(t, "null") > 0 && (!strings.HasPrefix(c.name, "st.") || row["st"] != nil) {
			row[c.name] = c.cell(t)
		}
	}
	return row
}

// drawNode makes a condition of any shape.
func drawNode(t *rapid.T, depth int) node {
	choice := rapid.IntRange(0, 9).Draw(t, "shape")
	if depth == 0 {
		choice %= 7
	}
	leaf := rapid.SampledFrom(leaves).Draw(t, "column")
	c := columnNode{path: strings.Split(leaf.name, ".")}
	lit := func() literalNode {
		if rapid.IntRange(0, 9).Draw(t, "null literal") == 0 {
			return literalNode{kind: litNull}
		}
		return leaf.lits.Draw(t, "literal")
	}
	op := compareOp(rapid.IntRange(0, 5).Draw(t, "op"))
	switch choice {
	case 0:
		return compareNode{op: op, left: lit(), right: c}
	case 1, 2:
		return compareNode{op: op, left: c, right: lit()}
	case 3:
		n := inNode{column: c, negate: rapid.Bool().Draw(t, "not in")}
		for range rapid.IntRange(1, 4).Draw(t, "list") {
			n.list = append(n.list, lit())
		}
		return n
	case 4:
		return likeNode{column: columnNode{path: []string{rapid.SampledFrom([]string{"s", "t", "en"}).Draw(t, "text")}},
			pattern: rapid.SampledFrom([]string{"", "%", "a%", "%b", "a_", "_", "%a%b%", "a!%", "é%", "_b%", "ab", "%_%_"}).Draw(t, "pattern"),
			escape:  '!', negate: rapid.Bool().Draw(t, "not like")}
	case 5:
		if rapid.Bool().Draw(t, "struct") {
			c.path = []string{"st"}
		}
		return nullNode{column: c, negate: rapid.Bool().Draw(t, "not null")}
	case 6:
		switch rapid.IntRange(0, 5).Draw(t, "other") {
		case 0:
			return columnNode{path: []string{"b"}}
		case 1:
			return literalNode{kind: rapid.SampledFrom([]literalKind{litTrue, litFalse, litNull}).Draw(t, "constant")}
		case 2:
			return compareNode{op: op, left: columnNode{path: []string{"i"}}, right: columnNode{path: []string{"j"}}}
		case 3:
			return compareNode{op: op, left: columnNode{path: []string{"d"}}, right: columnNode{path: []string{"e"}}}
		}
		return compareNode{op: op, left: columnNode{path: []string{"s"}}, right: columnNode{path: []string{"t"}}}
	case 7:
		return notNode{arg: drawNode(t, depth-1)}
	}
	n := logicNode{or: choice == 8}
	for range rapid.IntRange(2, 3).Draw(t, "args") {
		n.args = append(n.args, drawNode(t, depth-1))
	}
	return n
}

// ternary is SQL's truth: -1 false, 0 unknown, 1 true.
type ternary int

func of(b bool) ternary { return ternary(2*truth(b) - 1) }

// evaluate is the model's meaning of a condition.
func (row modelRow) evaluate(n node) ternary {
	switch n := n.(type) {
	case notNode:
		return -row.evaluate(n.arg)
	case logicNode:
		result := of(!n.or)
		for _, arg := range n.args {
			if v := row.evaluate(arg); n.or {
				result = max(result, v)
			} else {
				result = min(result, v)
			}
		}
		return result
	case compareNode:
		return row.compare(n)
	case inNode:
		result := of(false)
		for _, lit := range n.list {
			result = max(result, row.compare(compareNode{op: opEQ, left: n.column, right: lit}))
		}
		if n.negate {
			return -result
		}
		return result
	case likeNode:
		v := row[n.column.path[0]]
		if v == nil {
			return 0
		}
		return of(likeModel(v.(string), n.pattern) != n.negate)
	case nullNode:
		return of((row[strings.Join(n.column.path, ".")] == nil) != n.negate)
	case columnNode:
		if v := row[n.path[0]]; v != nil {
			return of(v.(bool))
		}
		return 0
	case literalNode:
		return map[literalKind]ternary{litTrue: 1, litFalse: -1, litNull: 0}[n.kind]
	}
	panic("unknown node")
}

func (row modelRow) compare(n compareNode) ternary {
	var name string
	for _, side := range []node{n.left, n.right} {
		if c, ok := side.(columnNode); ok {
			name = strings.Join(c.path, ".")
		}
	}
	left, right := row.operand(n.left, name), row.operand(n.right, name)
	if left == nil || right == nil {
		return 0
	}
	return of(n.op.holds(orderModel(left, right)))
}

// operand is the value of one side: text, a float, or an exact rational number, into which
// all other types are mapped.
func (row modelRow) operand(n node, column string) any {
	perSecond := map[string]int64{"tm": 1e3, "tu": 1e6, "tsm": 1e3, "tsu": 1e6, "lts": 1e6}
	if c, ok := n.(columnNode); ok {
		v := row[strings.Join(c.path, ".")]
		switch v := v.(type) {
		case bool:
			return big.NewRat(int64(truth(v)), 1)
		case int64:
			if column == "dt" {
				return big.NewRat(v*86400, 1)
			}
			if unit, ok := perSecond[column]; ok {
				return big.NewRat(v, unit)
			}
			return big.NewRat(v, 1)
		}
		return v
	}
	lit := n.(literalNode)
	switch lit.kind {
	case litNull:
		return nil
	case litTrue, litFalse:
		return big.NewRat(int64(truth(lit.kind == litTrue)), 1)
	}
	switch column {
	case "f":
		f, _ := strconv.ParseFloat(lit.text, 32)
		return clampModel(lit.text, f)
	case "d", "e":
		f, _ := strconv.ParseFloat(lit.text, 64)
		return clampModel(lit.text, f)
	case "s", "t", "en", "st.s", "bin", "fx":
		return lit.text
	case "dt", "tsm", "tsu", "lts", "tm", "tu":
		for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "15:04:05", "15:04"} {
			if at, err := time.Parse(layout, lit.text); err == nil {
				if strings.HasPrefix(layout, "15") {
					at = at.AddDate(1970, 0, 0)
				}
				return new(big.Rat).Add(big.NewRat(at.Unix(), 1), big.NewRat(int64(at.Nanosecond()), 1e9))
			}
		}
		panic("bad time " + lit.text)
	}
	r, ok := new(big.Rat).SetString(lit.text)
	if !ok {
		panic("bad number " + lit.text)
	}
	return r
}

// beyond is a number that no float equals, just short of an infinity.
type beyond int

func clampModel(text string, f float64) any {
	if math.IsInf(f, 0) && !strings.HasSuffix(text, "Infinity") {
		return beyond(math.Copysign(1, f))
	}
	return f
}

func orderModel(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case *big.Rat:
		return a.Cmp(b.(*big.Rat))
	case beyond:
		return -orderModel(b, a)
	case float64:
		if limit, ok := b.(beyond); ok {
			switch {
			case math.IsNaN(a), math.IsInf(a, 1):
				return 1
			case math.IsInf(a, -1):
				return -1
			}
			return -int(limit)
		}
		switch b := b.(float64); {
		case math.IsNaN(a) && math.IsNaN(b):
			return 0
		case math.IsNaN(a):
			return 1
		case math.IsNaN(b), a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	panic("unknown operand")
}

// likeModel matches by trying everything; ! is the escape.
func likeModel(s, pattern string) bool {
	if pattern == "" {
		return s == ""
	}
	p := []rune(pattern)
	rest := string(p[1:])
	switch {
	case p[0] == '%':
		for i := range len(s) + 1 {
			if likeModel(s[i:], rest) {
				return true
			}
		}
		return false
	case p[0] == '!':
		p, rest = p[1:], string(p[2:])
	case p[0] == '_' && s != "":
		return likeModel(string([]rune(s)[1:]), rest)
	}
	return strings.HasPrefix(s, string(p[0])) && likeModel(s[len(string(p[0])):], rest)
}

// modelBatch builds the rows as Arrow.
func modelBatch(tb require.TestingT, s *schema.Schema, alloc memory.Allocator, list []modelRow) arrow.RecordBatch {
	b := array.NewRecordBuilder(alloc, s.Arrow())
	defer b.Release()
	for _, row := range list {
		for i, f := range s.Arrow().Fields() {
			appendCell(tb, b.Field(i), row, f.Name)
		}
	}
	return b.NewRecordBatch()
}

func appendCell(tb require.TestingT, b array.Builder, row modelRow, name string) {
	v := row[name]
	if v == nil {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int32Builder:
		b.Append(int32(v.(int64)))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Float32Builder:
		b.Append(float32(v.(float64)))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.Decimal128Builder:
		b.Append(unscaled(v.(*big.Rat)))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.BinaryBuilder:
		b.Append([]byte(v.(string)))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(v.(string)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(int64)))
	case *array.Time32Builder:
		b.Append(arrow.Time32(v.(int64)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v.(int64)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	case *array.StructBuilder:
		b.Append(true)
		appendCell(tb, b.FieldBuilder(0), row, "st.x")
		appendCell(tb, b.FieldBuilder(1), row, "st.s")
	default:
		require.Fail(tb, "no builder", "%T", b)
	}
}

func unscaled(r *big.Rat) decimal128.Num {
	return decimal128.FromBigInt(new(big.Rat).Mul(r, big.NewRat(100, 1)).Num())
}

func parseSchema(tb testing.TB, avro string) *schema.Schema {
	tb.Helper()
	s, err := schema.Parse(avro)
	require.NoError(tb, err)
	return s
}
