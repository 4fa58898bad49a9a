package merge

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// metaPrefix is what the columns that Hudi adds begin with; partial updates never fill them.
const metaPrefix = "_hoodie_"

// fills answers, in a partial update, which columns of which versions have a value of
// their own and which are filled from another version.
type fills struct {
	rules    Rules
	fillable []bool // by column

	sources []presence
}

// presence answers for the rows of one batch.
type presence struct {
	columns []func(row int32) bool // by column: has a value of its own; nil = always
	lacking func(row int32) bool   // some fillable column has none
}

func newFills(rules Rules, columns *arrow.Schema) *fills {
	if rules.Partial == Whole {
		return nil
	}
	f := &fills{rules: rules, fillable: make([]bool, columns.NumFields())}
	for i, field := range columns.Fields() {
		if strings.HasPrefix(field.Name, metaPrefix) {
			continue
		}
		id := field.Type.ID()
		f.fillable[i] = rules.Partial == FillNulls || id == arrow.STRING || id == arrow.BINARY
	}
	return f
}

// inspect compiles the tests of one batch.
func (f *fills) inspect(batch arrow.RecordBatch) presence {
	columns := make([]func(int32) bool, batch.NumCols())
	var tests []func(int32) bool
	for c, fillable := range f.fillable {
		if !fillable {
			continue
		}
		if columns[c] = f.available(batch.Column(c)); columns[c] != nil {
			tests = append(tests, columns[c])
		}
	}
	return presence{columns, func(row int32) bool {
		for _, has := range tests {
			if !has(row) {
				return true
			}
		}
		return false
	}}
}

// available compiles the test whether a row of a column has a value of its own, nil when
// every row has.
func (f *fills) available(col arrow.Array) func(row int32) bool {
	if f.rules.Partial == FillNulls {
		if col.NullN() == 0 {
			return nil
		}
		return func(row int32) bool { return col.IsValid(int(row)) }
	}
	marker := f.rules.Unavailable
	switch a := col.(type) {
	case *array.String:
		return func(row int32) bool { return a.IsNull(int(row)) || a.Value(int(row)) != marker }
	case *array.Binary:
		return func(row int32) bool { return a.IsNull(int(row)) || a.ValueString(int(row)) != marker }
	}
	return nil
}

func (f *fills) addSource(batch arrow.RecordBatch) {
	f.sources = append(f.sources, f.inspect(batch))
}

func (f *fills) incomplete(source, row int32) bool { return f.sources[source].lacking(row) }

func (p presence) has(c int, row int32) bool { return p.columns[c] == nil || p.columns[c](row) }

// skipUseless returns the first version of a chain that gives a column which the row
// lacks, so that a key that is updated a million times has no chain of a million links.
func (f *fills) skipUseless(nodes []node, source, row, head int32) int32 {
	for at := head; at >= 0; at = nodes[at].next {
		for c, fillable := range f.fillable {
			if fillable && !f.sources[source].has(c, row) && f.sources[nodes[at].source].has(c, nodes[at].row) {
				return at
			}
		}
	}
	return -1
}
