package interop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// TestRollback undoes writes of both engines to merge-on-read tables of every version, by us and by the engine of the
// version: completed ones, and ones whose completed file is gone, as if the writer had died just before. After each the
// table is as it was before the write, for both.
func TestRollback(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	for _, release := range []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015} {
		t.Run(fmt.Sprintf("v%d", release.TableVersion()), func(t *testing.T) {
			r := &rollbacks{t: t, spark: interop.SparkOf(t, release), rows: map[string]string{}}
			r.ours = ours{filepath.Join(t.TempDir(), "rollbacks"), manual(map[string]string{"hoodie.parquet.small.file.limit": "0"})}
			c := table.NewConfig("rollbacks")
			c.Type, c.Keys, c.Ordering = table.MOR, []string{"id"}, []string{"ts"}
			c.Version = release.TableVersion()
			c.InitialVersion = c.Version
			c.CreateSchema = fmt.Sprintf(alternateAvro, "")
			r.ours.create(t, c)
			r.keep(we, "insert", 0, 20)
			r.keep(other, "upsert", 0, 8)
			r.keep(we, "upsert", 4, 12)

			before := r.last()
			r.write(we, "upsert", 0, 6)
			require.NoError(t, r.ours.open(t).Rollback(t.Context(), r.last()))
			require.Equal(t, before, r.last())
			r.check()

			// A write that died is undone by the next writer, whichever that is.
			for _, turn := range [][2]actor{{we, we}, {other, we}, {we, other}} {
				r.write(turn[0], "upsert", 2, 9)
				r.die()
				r.check()
				if turn[1] == we { // as its writes do, without waiting for the dead
					hasty := ours{r.ours.path, manual(map[string]string{"hoodie.client.heartbeat.interval_in_ms": "1"})}
					done, err := hasty.open(t).Recover(t.Context())
					require.NoError(t, err)
					require.Len(t, done, 1)
					r.check()
				}
				r.keep(turn[1], "upsert", 10, 14)
				r.keep(we, "upsert", 3, 5)
			}
			_, err := r.ours.open(t).Compact(t.Context())
			require.NoError(t, err)
			r.check()
			r.keep(other, "upsert", 0, 20)
		})
	}
}

// rollbacks is a table and the rows that it must have.
type rollbacks struct {
	t     *testing.T
	spark *interop.Spark
	ours  ours
	rows  map[string]string // values by key
	ts    int64
}

// write writes the rows with ids from the first up to the last.
func (r *rollbacks) write(who actor, op string, first, last int) map[string]string {
	r.t.Helper()
	r.ts++
	written := map[string]string{}
	var rows []map[string]any
	for id := first; id < last; id++ {
		v := fmt.Sprintf("%s%d", who, r.ts)
		rows = append(rows, map[string]any{"id": id, "part": "x", "v": v, "n": 1, "ts": r.ts})
		written[fmt.Sprint(id)] = v
	}
	if who == we {
		s, err := schema.Parse(fmt.Sprintf(alternateAvro, ""))
		require.NoError(r.t, err)
		r.ours.write(r.t, hudi.Operation(op), s, rows)
		return written
	}
	options := map[string]string{"hoodie.index.type": "SIMPLE", "hoodie.parquet.small.file.limit": "0"}
	if r.spark.Release == interop.Hudi015 {
		options["hoodie.datasource.write.payload.class"] = "org.apache.hudi.common.model.DefaultHoodieRecordPayload"
	}
	r.spark.Write(r.t, interop.Write{Path: r.ours.path, Name: "rollbacks", Op: op, Schema: alternateDDL, Rows: rows, Options: options})
	return written
}

// keep is a write that stays.
func (r *rollbacks) keep(who actor, op string, first, last int) {
	r.t.Helper()
	for id, v := range r.write(who, op, first, last) {
		r.rows[id] = v
	}
	r.check()
}

func (r *rollbacks) last() string {
	all := timelineOf(r.t, r.ours.path)
	return all[len(all)-1].requested
}

// die takes the last write's completed file away.
func (r *rollbacks) die() {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(timelineDir(r.ours.path), r.last()+"*deltacommit"))
	require.NoError(r.t, err)
	require.Len(r.t, files, 1)
	require.NoError(r.t, os.Remove(files[0]))
}

func (r *rollbacks) check() {
	r.t.Helper()
	var want []map[string]any
	for id, v := range r.rows {
		want = append(want, map[string]any{"_hoodie_record_key": id, "v": v})
	}
	columns := []string{"_hoodie_record_key", "v"}
	expected := lines(want)
	require.Equal(r.t, expected, lines(r.ours.read(r.t, query.Options{Columns: columns})), "ours")
	reader := r.spark
	if r.spark.Release == interop.Hudi015 && r.rolledBackBySpark() {
		reader = interop.SharedSpark(r.t) // 0.15 does not see what follows its own rollback blocks
	}
	require.Equal(r.t, expected, lines(reader.Read(r.t, interop.Read{Path: r.ours.path, Columns: columns, Encoding: interop.Contract}).Rows), "Spark")
}

// rolledBackBySpark tells whether the newest rollback is later than the newest write, as 0.15 makes them.
func (r *rollbacks) rolledBackBySpark() bool {
	files, err := filepath.Glob(filepath.Join(timelineDir(r.ours.path), "*.rollback"))
	require.NoError(r.t, err)
	return slices.ContainsFunc(files, func(f string) bool { return filepath.Base(f)[:17] > r.last() })
}
