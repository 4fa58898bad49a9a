package interop_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
)

// Spark writes tables that log changes. What the CDC view says of each write is the difference between what Spark shows of
// the table before and after it; of a whole range, the changes of its writes one after the other.
func TestChanges(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	for _, c := range []struct {
		release interop.Release
		kind    string
		mode    string
		buckets bool // updates go to logs, of which the change logs say nothing
	}{
		{interop.Hudi120, interop.MOR, "OP_KEY_ONLY", true},
		{interop.Hudi120, interop.MOR, "DATA_BEFORE_AFTER", false},
		{interop.Hudi120, interop.COW, "DATA_BEFORE", false},
		{interop.Hudi015, interop.MOR, "DATA_BEFORE_AFTER", true},
		{interop.Hudi015, interop.COW, "OP_KEY_ONLY", false},
	} {
		name := fmt.Sprintf("v%d/%s/%s/buckets=%v", c.release.TableVersion(), c.kind, c.mode, c.buckets)
		t.Run(name, func(t *testing.T) {
			d := &changeDriver{
				t: t, spark: interop.SparkOf(t, c.release), ours: ours{path: filepath.Join(t.TempDir(), "changes")},
			}
			d.options = map[string]string{
				"hoodie.table.cdc.enabled": "true", "hoodie.table.cdc.supplemental.logging.mode": c.mode, "hoodie.index.type": "SIMPLE",
				"hoodie.datasource.write.payload.class": "org.apache.hudi.common.model.DefaultHoodieRecordPayload",
			}
			if c.buckets {
				d.options["hoodie.index.type"], d.options["hoodie.bucket.index.num.buckets"] = "BUCKET", "2"
			}
			d.kind, d.old = c.kind, c.release == interop.Hudi015
			d.write("insert", 0, 20, 100)
			d.write("upsert", 4, 12, 200)
			d.write("upsert", 0, 8, 150) // late for some
			d.write("delete", 6, 9, 300)
			d.write("upsert", 5, 26, 400)
			if !c.buckets { // Spark's bucket index keeps no other groups for an overwrite in version 6
				d.write("insert_overwrite", 18, 30, 500)
				d.write("upsert", 18, 22, 600)
			}
			d.check()
		})
	}
}

type changeDriver struct {
	t       *testing.T
	spark   *interop.Spark
	ours    ours
	options map[string]string
	kind    string
	old     bool
	steps   []changeStep
}

type changeStep struct {
	instant
	op   string
	rows map[string]map[string]any // after it, by key
}

func (d *changeDriver) write(op string, first, last, ts int) {
	d.t.Helper()
	w := interop.Write{Path: d.ours.path, Name: "changes", Op: op, Schema: "id long, part string, v string, ts long", Options: d.options}
	if len(d.steps) == 0 { // the write makes the table
		w.Type, w.Keys, w.PartitionBy, w.Ordering = d.kind, "id", "part", "ts"
	}
	for id := first; id < last; id++ {
		w.Rows = append(w.Rows, map[string]any{"id": id, "part": fmt.Sprintf("p%d", id%2), "v": fmt.Sprint("é", ts, id), "ts": ts})
	}
	d.spark.Write(d.t, w)
	d.noted(op)
}

// noted takes down what the last write has left.
func (d *changeDriver) noted(op string) {
	d.t.Helper()
	all := timelineOf(d.t, d.ours.path)
	step := changeStep{instant: all[len(all)-1], op: op, rows: map[string]map[string]any{}}
	for _, row := range d.spark.Read(d.t, interop.Read{Path: d.ours.path, Meta: true, Encoding: interop.Contract}).Rows {
		step.rows[fmt.Sprint(row["_hoodie_record_key"])] = row
	}
	d.steps = append(d.steps, step)
}

func (d *changeDriver) check() {
	d.t.Helper()
	var whole []map[string]any
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
		want := changesOf(s, before)
		whole = append(whole, want...)
		got := d.ours.read(d.t, query.Options{View: query.CDC, Begin: begin, End: end})
		require.Empty(d.t, difference("Spark's snapshots", lines(want), "ours", lines(got)), "%s of %s", s.op, s.requested)
		begin = end
	}
	got := d.ours.read(d.t, query.Options{View: query.CDC, Begin: "000"})
	require.Equal(d.t, lines(whole), lines(got))
	var times []string
	for _, row := range got {
		times = append(times, fmt.Sprint(row["ts"]))
	}
	require.True(d.t, slices.IsSorted(times), "in the order of the writes")

	updates := d.ours.read(d.t, query.Options{View: query.CDC, Begin: "000", Where: "op = 'u' AND after.ts >= 400", Columns: []string{"after", "op"}})
	want := slices.DeleteFunc(slices.Clone(whole), func(row map[string]any) bool {
		after, _ := row["after"].(map[string]any)
		return row["op"] != "u" || fmt.Sprint(after["ts"]) < "400"
	})
	require.NotEmpty(d.t, want)
	require.Len(d.t, updates, len(want))
	require.Len(d.t, updates[0], 2)
}

// changesOf is what a step changed.
func changesOf(s changeStep, before map[string]map[string]any) []map[string]any {
	var out []map[string]any
	add := func(op string, before, after map[string]any) {
		out = append(out, map[string]any{"op": op, "ts": s.requested, "before": plain(before), "after": plain(after)})
	}
	keys := maps.Clone(before)
	maps.Copy(keys, s.rows)
	for key := range keys {
		old, was := before[key]
		now, is := s.rows[key]
		overwritten := s.op == "insert_overwrite" && is && now["_hoodie_commit_time"] == s.requested
		switch {
		case was && !is:
			add("d", old, nil)
		case !was && is:
			add("i", nil, now)
		case overwritten: // the rows before went with their files
			add("d", old, nil)
			add("i", nil, now)
		case fmt.Sprint(old["_hoodie_commit_time"]) != fmt.Sprint(now["_hoodie_commit_time"]):
			add("u", old, now)
		}
	}
	return out
}

// plain is a row without meta columns, nil for none.
func plain(row map[string]any) any {
	if row == nil {
		return nil
	}
	out := maps.Clone(row)
	maps.DeleteFunc(out, func(name string, _ any) bool { return strings.HasPrefix(name, "_hoodie_") })
	return out
}
