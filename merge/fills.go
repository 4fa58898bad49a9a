package merge

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/schema"
)

// metaPrefix is what the columns that Hudi adds begin with; partial updates never fill them.
const metaPrefix = "_hoodie_"

// fills answers, in a partial update, which columns of which versions have a value of
// their own and which are filled from another version.
type fills struct {
	rules Rules
	// fillable are the columns that another version may fill, meta those that none may.
	fillable, meta []bool

	sources []presence
}

// presence answers for the rows of one batch.
type presence struct {
	columns []func(row int32) bool // by column: has a value of its own; nil = always
	lacking func(row int32) bool   // some fillable column has none
}

// complete is the presence of batches whose rows have all their values.
func complete(columns int) presence {
	return presence{make([]func(int32) bool, columns), func(int32) bool { return false }}
}

func newFills(rules Rules, columns *arrow.Schema) *fills {
	if rules.Partial == Whole {
		return nil
	}
	f := newFill(rules, columns)
	for i, field := range columns.Fields() {
		id := field.Type.ID()
		f.fillable[i] = !f.meta[i] && (rules.Partial == FillNulls || id == arrow.STRING || id == arrow.BINARY)
	}
	return f
}

func newFill(rules Rules, columns *arrow.Schema) *fills {
	f := &fills{rules: rules, fillable: make([]bool, columns.NumFields()), meta: make([]bool, columns.NumFields())}
	for i, field := range columns.Fields() {
		f.meta[i] = strings.HasPrefix(field.Name, metaPrefix) && field.Name != schema.IsDeleted
	}
	return f
}

// newColumnFills makes the fills of a log in which rows lack whole columns, after sources
// batches of rows that lack none.
func newColumnFills(rules Rules, columns *arrow.Schema, sources int) *fills {
	f := newFill(rules, columns)
	for range sources {
		f.sources = append(f.sources, complete(columns.NumFields()))
	}
	return f
}

// allowColumns lets every column be filled.
func (f *fills) allowColumns() {
	for i := range f.fillable {
		f.fillable[i] = !f.meta[i]
	}
}

// inspect compiles the tests of one batch. present, if not nil, tells the columns that its
// rows have at all.
func (f *fills) inspect(batch arrow.RecordBatch, present func(name string) bool) presence {
	columns := make([]func(int32) bool, batch.NumCols())
	var tests []func(int32) bool
	for c, fillable := range f.fillable {
		if !fillable {
			continue
		}
		if present != nil && !present(batch.ColumnName(c)) {
			columns[c] = func(int32) bool { return false }
		} else {
			columns[c] = f.available(batch.Column(c))
		}
		if columns[c] != nil {
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
	switch f.rules.Partial {
	case Whole:
		return nil
	case FillNulls:
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

func (f *fills) addSource(batch arrow.RecordBatch, present func(name string) bool) {
	f.sources = append(f.sources, f.inspect(batch, present))
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
