// Package randomtable makes up random Hudi tables: what they are like, and what is done to them one step after another. All of it
// follows from a seed. It runs nothing: interop's TestRandomTables has Spark carry the steps out.
package randomtable

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
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
	// FolderValues tells that the partition columns cannot be had back from the folder's name.
	FolderValues bool
	Ordering     []string
	Options      map[string]string // of every write
	CDC          bool
	Meta         bool // rows have meta columns
	Services     bool // small limits for what services do
	Features     []string
	Steps        []Step

	r      *rand.Rand
	keys   []map[string]any // of all rows that ever were, with their partition columns
	clock  int64            // greatest ordering value so far
	nextID int
}

// Kinds of steps.
const (
	Write = "write" // rows by Spark's datasource
	SQL   = "sql"   // a statement; {table} is the table, {newest} the last write, {saved} the savepoint
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
		r: rand.New(rand.NewPCG(uint64(seed), 0x6875_6469)), Options: map[string]string{}, Meta: true, clock: 1000,
	}
	t.layout()
	t.storage()
	t.merging()
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

// layout chooses columns, keys and partitions.
func (t *Table) layout() {
	t.Columns = []Column{{"id", pick(t.r, typeNamed("string"), typeNamed("int"), typeNamed("bigint"))}}
	t.Keys = []string{"id"}
	if t.chance(25) {
		t.Keys = append(t.Keys, "id2")
		t.Columns = append(t.Columns, Column{"id2", pick(t.r, typeNamed("string"), typeNamed("bigint"))})
	}
	generator := "Simple"
	switch partitions := t.r.IntN(10); {
	case partitions < 3:
		generator = "Nonpartitioned"
	case partitions < 7:
		t.PartitionBy = []string{"part"}
	default:
		t.PartitionBy = []string{"part", "day"}
	}
	for _, name := range t.PartitionBy {
		t.Columns = append(t.Columns, Column{name, typeNamed("string")})
	}
	t.PartitionFields = strings.Join(t.PartitionBy, ",")
	if generator != "Nonpartitioned" && len(t.Keys)+len(t.PartitionBy) > 2 {
		generator = "Complex"
	}
	t.option("datasource.write.keygenerator.class", "org.apache.hudi.keygen."+generator+"KeyGenerator")
	t.feature("%s keys", strings.ToLower(generator))
	if len(t.PartitionBy) > 0 {
		if t.chance(50) {
			t.option("datasource.write.hive_style_partitioning", "true")
			t.feature("hive style")
		}
		if t.chance(50) {
			t.option("datasource.write.partitionpath.urlencode", "true")
			t.feature("url encoding")
		}
	}
	for i := range 2 + t.r.IntN(9) {
		t.Columns = append(t.Columns, Column{fmt.Sprintf("c%d", i), randomType(t.r, 2)})
	}
}

func typeNamed(ddl string) Type {
	return scalarTypes[slices.IndexFunc(scalarTypes, func(t Type) bool { return t.DDL == ddl })]
}

// storage chooses how files are written.
func (t *Table) storage() {
	codec := pick(t.r, "gzip", "snappy", "zstd", "uncompressed")
	t.option("parquet.compression.codec", codec)
	t.feature("%s", codec)
	if t.chance(50) {
		t.option("parquet.small.file.limit", "0")
		t.feature("new files")
	}
	if t.Kind == mor {
		format := pick(t.r, "avro", "parquet")
		t.option("logfile.data.block.format", format)
		t.feature("%s logs", format)
	}
	switch pick(t.r, "BLOOM", "SIMPLE", "BUCKET") {
	case "BUCKET":
		t.option("index.type", "BUCKET")
		t.option("bucket.index.num.buckets", fmt.Sprint(1+t.r.IntN(4)))
		t.feature("bucket index")
	case "SIMPLE":
		t.option("index.type", "SIMPLE")
		t.feature("simple index")
	default:
		t.option("index.type", "BLOOM")
		t.feature("bloom index")
	}
}

// merging chooses how versions of a row become one.
func (t *Table) merging() {
	event := t.chance(60)
	if event {
		t.Ordering = []string{"ts"}
		t.Columns = append(t.Columns, Column{"ts", pick(t.r, typeNamed("bigint"), typeNamed("int"))})
	}
	switch {
	case t.Version == 6 && event:
		t.option("datasource.write.payload.class", "org.apache.hudi.common.model.DefaultHoodieRecordPayload")
	case t.Version == 6:
		t.option("datasource.write.payload.class", "org.apache.hudi.common.model.OverwriteWithLatestAvroPayload")
	case event:
		t.option("write.record.merge.mode", "EVENT_TIME_ORDERING")
	default:
		t.option("write.record.merge.mode", "COMMIT_TIME_ORDERING")
	}
	t.feature("event time %v", event)
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
