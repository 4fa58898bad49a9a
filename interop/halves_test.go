package interop_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// both is a table that both engines write, with the rows that it must have.
type both struct {
	t       *testing.T
	spark   *interop.Spark
	ours    ours
	kind    string
	options map[string]string // of Spark's writes
	rows    map[int]map[string]any
	step    int
}

const bothSchema = `{"type":"record","name":"both_record","namespace":"hoodie.both","fields":[
	{"name":"id","type":["null","long"],"default":null},{"name":"part","type":["null","string"],"default":null},
	{"name":"v","type":["null","string"],"default":null},{"name":"n","type":["null","int"],"default":null},
	{"name":"ts","type":["null","long"],"default":null}]}`

// newBoth makes a table of ours.
func newBoth(t *testing.T, release interop.Release, kind string, buckets int, set func(c *table.Config)) *both {
	b := &both{
		t: t, spark: interop.SparkOf(t, release), kind: kind, rows: map[int]map[string]any{},
		options: map[string]string{"hoodie.datasource.write.payload.class": "org.apache.hudi.common.model.DefaultHoodieRecordPayload"},
	}
	b.ours = newOurs(t, release, "both", table.Type(kind), bothSchema, nil, func(c *table.Config) {
		setBuckets(c, b.options, buckets)
		set(c)
	})
	return b
}

// row is what a step writes of a key.
func (b *both) row(id int) map[string]any {
	return map[string]any{"id": id, "part": fmt.Sprintf("p%d", id%2), "v": fmt.Sprintf("ü%d/%d", id, b.step), "n": 100*b.step + id, "ts": 1000 * b.step}
}

// write writes some columns of rows, all if none are named, in the name of one engine, and compares.
func (b *both) write(who actor, op string, ids []int, columns ...string) {
	b.t.Helper()
	b.step++
	var list []map[string]any
	for _, id := range ids {
		row := b.row(id)
		if len(columns) > 0 {
			maps.DeleteFunc(row, func(name string, _ any) bool { return !slices.Contains(columns, name) })
		}
		list = append(list, row)
		switch old := b.rows[id]; {
		case op == "delete":
			delete(b.rows, id)
		case old == nil:
			b.rows[id] = map[string]any{"id": nil, "part": nil, "v": nil, "n": nil, "ts": nil}
			maps.Copy(b.rows[id], row)
		default:
			b.rows[id] = maps.Clone(old)
			maps.Copy(b.rows[id], row)
		}
	}
	if who == we {
		b.writeOurs(hudi.Operation(op), list, columns)
	} else {
		b.spark.Write(b.t, interop.Write{
			Path: b.ours.path, Name: "both", Op: op, Schema: "id long, part string, v string, n int, ts long", Rows: list, Options: b.options,
		})
	}
	b.check("%s %s of %d rows %v", who, op, len(ids), columns)
}

func (b *both) writeOurs(op hudi.Operation, list []map[string]any, columns []string) {
	b.t.Helper()
	s, err := schema.Parse(bothSchema)
	require.NoError(b.t, err)
	if len(columns) > 0 {
		s, err = s.Project(columns)
		require.NoError(b.t, err)
	}
	batches, err := rowsOf(b.t, s, list...)
	require.NoError(b.t, err)
	_, err = b.ours.open(b.t).Write(b.t.Context(), op, hudi.Rows{Schema: s, Batches: batches}, hudi.WriteOptions{Partial: len(columns) > 0})
	require.NoError(b.t, err)
}

func (b *both) compact(who actor) {
	b.t.Helper()
	if b.kind == interop.COW {
		return
	}
	if who == we {
		_, err := b.ours.open(b.t).Compact(b.t.Context())
		require.NoError(b.t, err)
	} else {
		b.spark.Compact(b.t, b.ours.path, "scheduleAndExecute", b.options)
	}
	b.check("compaction by %s", who)
}

func (b *both) check(format string, args ...any) {
	b.t.Helper()
	step := fmt.Sprintf(format, args...)
	want := lines(slices.Collect(maps.Values(b.rows)))
	require.Empty(b.t, difference("the model", want, "ours", lines(b.ours.read(b.t, query.Options{}))), step)
	theirs := b.spark.Read(b.t, interop.Read{Path: b.ours.path, Encoding: interop.Contract})
	require.Empty(b.t, difference("the model", want, "Spark", lines(theirs.Rows)), step)
}

func ids(first, last int) (list []int) {
	for id := first; id < last; id++ {
		list = append(list, id)
	}
	return list
}

// combination is a table to try.
type combination struct {
	release interop.Release
	kind    string
	buckets int
	long    bool // with HUDI_GO_INTEROP=all only
}

func (c combination) String() string {
	return fmt.Sprintf("v%d/%s/buckets=%d", c.release.TableVersion(), c.kind, c.buckets)
}

func eachCombination(t *testing.T, list []combination, f func(t *testing.T, c combination)) {
	for _, c := range list {
		if !c.long || interop.Whole() {
			t.Run(c.String(), func(t *testing.T) { f(t, c) })
		}
	}
}

// Tables whose rows carry no keys, written by both engines in turns.
func TestWithoutMetaFields(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	eachCombination(t, []combination{
		{interop.Hudi120, interop.COW, 0, true},
		{interop.Hudi120, interop.MOR, 0, false},
		{interop.Hudi120, interop.MOR, 2, true},
		{interop.Hudi102, interop.COW, 0, true},
		{interop.Hudi015, interop.COW, 0, true},
	}, func(t *testing.T, c combination) {
		b := newBoth(t, c.release, c.kind, c.buckets, func(c *table.Config) { c.MetaFields = false })
		b.options["hoodie.populate.meta.fields"] = "false"
		b.write(we, "insert", ids(0, 12))
		b.write(we, "upsert", ids(4, 16))
		b.write(other, "upsert", ids(2, 8))
		b.write(we, "delete", ids(6, 9))
		b.compact(we)
		b.write(we, "upsert", ids(8, 18))
		b.write(other, "delete", ids(0, 2))
		b.compact(other)
		b.write(we, "upsert", ids(0, 4))
	})
}

// Rows with some columns, of keys that are there, that are new, and that were deleted; with the ordering column and without.
func TestPartialRows(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	eachCombination(t, []combination{
		{interop.Hudi120, interop.COW, 0, true},
		{interop.Hudi120, interop.MOR, 0, true},
		{interop.Hudi120, interop.MOR, 2, false},
		{interop.Hudi102, interop.MOR, 0, true},
		{interop.Hudi102, interop.MOR, 2, true},
		{interop.Hudi015, interop.MOR, 0, true},
	}, func(t *testing.T, c combination) {
		b := newBoth(t, c.release, c.kind, c.buckets, func(*table.Config) {})
		b.write(we, "insert", ids(0, 12))
		b.write(we, "upsert", ids(2, 8), "id", "part", "v", "ts")
		b.write(we, "upsert", ids(6, 14), "id", "part", "n", "ts") // two are new
		b.write(other, "upsert", ids(4, 6))
		b.write(we, "delete", ids(3, 5))
		b.write(we, "upsert", ids(3, 6), "id", "part", "v", "ts") // two are new again
		b.compact(other)
		b.write(we, "upsert", ids(0, 3), "id", "part", "n")
		b.write(we, "upsert", ids(0, 14), "id", "part", "v", "ts")
		b.compact(we)
		b.write(other, "upsert", ids(0, 16))
	})
}
