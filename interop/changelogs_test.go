package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// We and Spark write in turns to tables that log changes. Of each write both engines' CDC views say the same: the difference
// between what Spark shows of the table before and after it.
func TestChangeLogs(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	modes := map[string]string{interop.COW: table.CDCBefore, interop.MOR: table.CDCBeforeAfter}
	eachCombination(t, []combination{
		{interop.Hudi120, interop.COW, 0, true},
		{interop.Hudi120, interop.COW, 1, false},
		{interop.Hudi120, interop.MOR, 2, false},
		{interop.Hudi120, interop.MOR, 0, true},
		{interop.Hudi102, interop.COW, 1, true},
		{interop.Hudi102, interop.MOR, 2, true},
		{interop.Hudi015, interop.COW, 0, true},
		{interop.Hudi015, interop.MOR, 0, true},
	}, func(t *testing.T, c combination) {
		mode := modes[c.kind]
		switch c.buckets {
		case 1:
			mode = table.CDCBeforeAfter
		case 2:
			mode = table.CDCKeys
		}
		d := &changeDriver{t: t, spark: interop.SparkOf(t, c.release), kind: c.kind, old: c.release == interop.Hudi015}
		d.options = map[string]string{"hoodie.datasource.write.payload.class": "org.apache.hudi.common.model.DefaultHoodieRecordPayload"}
		d.ours = newOurs(t, c.release, "changes", table.Type(c.kind), changesSchema, nil, func(config *table.Config) {
			config.CDC, config.CDCMode = true, mode
			setBuckets(config, d.options, c.buckets)
		})

		d.ourWrite(hudi.Insert, 0, 20, 100)
		d.ourWrite(hudi.Upsert, 4, 12, 200)
		d.write("upsert", 0, 8, 150)                               // late for some
		deletedAt := 0                                             // unconditional
		if c.release == interop.Hudi102 && c.kind == interop.MOR { // which 1.0.2 fails on (docs/compat.md)
			deletedAt = 300
		}
		d.ourWrite(hudi.Delete, 6, 9, deletedAt)
		d.ourWrite(hudi.Upsert, 5, 26, 400)
		d.ourWrite(hudi.Upsert, 4, 6, 10) // late, nothing changes
		d.write("upsert", 10, 14, 500)
		d.ourMarked(0, 26) // every row of one partition
		d.write("upsert", 1, 4, 700)
		d.ourWrite(hudi.Insert, 30, 33, 800)
		d.checkBoth()
	})
}

const changesSchema = `{"type":"record","name":"changes_record","namespace":"hoodie.changes","fields":[
	{"name":"id","type":["null","long"],"default":null},{"name":"part","type":["null","string"],"default":null},
	{"name":"v","type":["null","string"],"default":null},{"name":"ts","type":["null","long"],"default":null}]}`

func (d *changeDriver) ourWrite(op hudi.Operation, first, last, ts int) {
	d.t.Helper()
	s, err := schema.Parse(changesSchema)
	require.NoError(d.t, err)
	var rows []map[string]any
	for id := first; id < last; id++ {
		row := map[string]any{"id": id, "part": fmt.Sprintf("p%d", id%2), "v": fmt.Sprint("ü", ts, id), "ts": ts}
		if ts == 0 {
			row["ts"] = nil // unconditional
		}
		rows = append(rows, row)
	}
	d.ours.write(d.t, op, s, rows)
	d.noted(string(op))
}

// ourMarked deletes every second row by its delete mark.
func (d *changeDriver) ourMarked(first, last int) {
	d.t.Helper()
	s, err := schema.Parse(strings.TrimSuffix(strings.TrimSpace(changesSchema), "]}") + `,{"name":"_hoodie_is_deleted","type":["null","boolean"],"default":null}]}`)
	require.NoError(d.t, err)
	var rows []map[string]any
	for id := first; id < last; id += 2 {
		rows = append(rows, map[string]any{"id": id, "part": "p0", "v": "gone", "ts": 600, "_hoodie_is_deleted": true})
	}
	d.ours.write(d.t, hudi.Upsert, s, rows)
	d.noted("upsert")
}

// checkBoth asks both engines for the changes of each write.
func (d *changeDriver) checkBoth() {
	d.t.Helper()
	d.check()
	begin := "000"
	for i, s := range d.steps {
		end := s.completed
		if d.old {
			end = s.requested
		}
		before := map[string]map[string]any{}
		if i > 0 {
			before = d.steps[i-1].rows
		}
		read := interop.Read{Path: d.ours.path}.Incremental(begin, end).Changes()
		if d.spark.Release == interop.Hudi102 {
			read = read.FromInclusive()
		}
		got := d.spark.Read(d.t, read)
		for _, row := range got.Rows {
			row["ts"] = row["ts_ms"]
			delete(row, "ts_ms")
			for _, name := range []string{"before", "after"} {
				if text, ok := row[name].(string); ok {
					image, err := interop.DecodeRow([]byte(text))
					require.NoError(d.t, err)
					row[name] = plain(image)
				}
			}
		}
		require.Empty(d.t, difference("the snapshots", lines(changesOf(s, before)), "Spark's view", lines(got.Rows)), "write %d, %s of %s", i, s.op, s.requested)
		begin = end
	}
}
