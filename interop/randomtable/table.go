// Package randomtable makes up random Hudi tables: what they are like, and what is done to them one step after another. All of it
// follows from a seed. It runs nothing: interop's TestRandomTables has Spark carry the steps out.
package randomtable

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
)

// Table types as Spark's writer names them.
const (
	cow = "COPY_ON_WRITE"
	mor = "MERGE_ON_READ"
)

// Column is a column of a table.
type Column struct {
	Name string
	Type Type
}

// Table is a made-up table.
type Table struct {
	Seed    int
	Version int    // table version: 6, 8 or 9
	Kind    string // COPY_ON_WRITE or MERGE_ON_READ
	Columns []Column
	Keys    []string
	// PartitionBy are the columns of the partition path, as the table's columns; Spark takes them from the writer in the
	// form of PartitionFields.
	PartitionBy     []string
	PartitionFields string
	Ordering        []string
	Options         map[string]string // of every write
	CDC             bool
	Metadata        bool     // there is a metadata table
	OnRead          bool     // columns change by schema-on-read
	Partial         bool     // log blocks may have some columns only
	Conditions      []string // that snapshots are asked with
	Statements      []string // of SQL, over {table}
	Features        []string
	Steps           []Step

	r             *rand.Rand
	keys          []map[string]any // of all rows that ever were, with their partition columns
	clock         int64            // greatest ordering value so far
	nextID        int
	bucket        bool   // it has the bucket index
	hive, encoded bool   // partition paths are
	generator     string // of keys
	meta          bool   // rows have meta columns
	timed         bool   // a partition column is a time, which its folder has in another form
	recordIndex   bool
	folders       map[string][]any // values of partition columns
	cleans        bool
	partials      bool   // statements may write some columns only
	planned       string // a service that waits to be carried out
	saved         bool
	added         int // columns
}

// Kinds of steps.
const (
	Write = "write" // rows by Spark's datasource
	SQL   = "sql"   // a statement; {table} is its name, {newest} the last write, {saved} the savepoint
	Crash = "crash" // the last write's completed file vanishes
)

// Step is one thing that is done to a table.
type Step struct {
	Kind      string
	Op        string           // of a write
	Schema    string           // of a write's rows: Spark's DDL
	Rows      []map[string]any // in the encoding of hudictl's jsonl; the rows of the view {rows} of a statement
	Options   map[string]string
	Statement string
	// Saves tells that the step makes a savepoint of the last write.
	Saves bool
}

// String is one line.
func (s Step) String() string {
	switch s.Kind {
	case Write:
		return fmt.Sprintf("%s of %d rows (%s) %v", s.Op, len(s.Rows), s.Schema, s.Options)
	case SQL:
		return fmt.Sprintf("%s %v", s.Statement, s.Options)
	}
	return s.Kind
}

// New makes up the table of a seed. Seeds that follow each other have other versions and types.
func New(seed int) *Table {
	t := &Table{
		Seed: seed, Version: []int{9, 6, 8}[seed%3], Kind: []string{cow, mor}[seed/3%2],
		r: rand.New(rand.NewPCG(uint64(seed), 0x6875_6469)), Options: map[string]string{}, meta: true, clock: 1000,
	}
	t.layout()
	t.merging()
	t.storage()
	t.steps()
	return t
}

func (t *Table) chance(percent int) bool { return t.r.IntN(100) < percent }

func (t *Table) feature(format string, args ...any) {
	t.Features = append(t.Features, fmt.Sprintf(format, args...))
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

func (t *Table) option(name, value string) { t.Options["hoodie."+name] = value }

func (t *Table) String() string {
	return fmt.Sprintf("seed %d: v%d %s, keys %v, partitions %q, ordering %v, %s", t.Seed, t.Version, t.Kind, t.Keys, t.PartitionFields,
		t.Ordering, strings.Join(t.Features, ", "))
}

// DDL are the columns as Spark's DDL.
func (t *Table) DDL() string { return ddl(t.Columns) }

func ddl(columns []Column) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = "`" + c.Name + "` " + c.Type.DDL
	}
	return strings.Join(out, ", ")
}

// with is options and more of them.
func with(options map[string]string, more ...string) map[string]string {
	out := maps.Clone(options)
	if out == nil {
		out = map[string]string{}
	}
	for i := 0; i < len(more); i += 2 {
		out["hoodie."+more[i]] = more[i+1]
	}
	return out
}
