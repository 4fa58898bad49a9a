package interop_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// TestGeneratedKeys has both engines write a table that we made and whose rows have no keys of their own: equal rows stay
// two, each with a key, and conditions find rows of either.
func TestGeneratedKeys(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	eachKind(t, func(t *testing.T, spark *interop.Spark, c table.Config) {
		o := ours{filepath.Join(t.TempDir(), "keyless"), manual(map[string]string{"hoodie.parquet.small.file.limit": "0"})}
		c.Keys, c.Ordering = nil, nil
		o.create(t, c)
		k := keyless{t: t, spark: spark, ours: o}
		k.insert(we, 3, 1, 1)
		k.is(3)
		k.insert(other, 4, 2, 2)
		k.is(6)
		_, err := o.open(t).UpdateWhere(t.Context(), []string{"v = 'set'"}, "n < 3", hudi.WriteOptions{})
		require.NoError(t, err)
		k.is(6)
		k.sql("UPDATE keyless SET n = n + 10 WHERE v = 'set'")
		k.is(6)
		require.Len(t, o.read(t, query.Options{Where: "n IN (11, 12) AND v = 'set'"}), 4)
		k.sql("DELETE FROM keyless WHERE n = 12")
		k.is(4)
		_, err = o.open(t).DeleteWhere(t.Context(), "n = 11", hudi.WriteOptions{})
		require.NoError(t, err)
		k.is(2)
	})
}

// eachKind calls f with a table of each kind and release, with one without HUDI_GO_INTEROP=all.
func eachKind(t *testing.T, f func(t *testing.T, spark *interop.Spark, c table.Config)) {
	releases := []interop.Release{interop.Hudi120, interop.Hudi102, interop.Hudi015}
	types := []table.Type{table.MOR, table.COW}
	if !interop.Whole() {
		releases, types = releases[:1], types[:1]
	}
	for _, release := range releases {
		spark := interop.SparkOf(t, release)
		for _, typ := range types {
			t.Run(fmt.Sprintf("v%d %s", release.TableVersion(), typ), func(t *testing.T) {
				c := table.NewConfig("keyless")
				c.Type, c.Version, c.InitialVersion = typ, release.TableVersion(), release.TableVersion()
				c.CreateSchema = fmt.Sprintf(alternateAvro, "")
				f(t, spark, c)
			})
		}
	}
}

type keyless struct {
	t     *testing.T
	spark *interop.Spark
	ours  ours
}

// insert inserts rows with these values of n, which may be equal.
func (k keyless) insert(who actor, n ...int) {
	k.t.Helper()
	var rows []map[string]any
	for _, v := range n {
		rows = append(rows, map[string]any{"id": 7, "part": "p", "v": string(who), "n": v, "ts": 1})
	}
	if who == we {
		s, err := schema.Parse(fmt.Sprintf(alternateAvro, ""))
		require.NoError(k.t, err)
		k.ours.write(k.t, hudi.Insert, s, rows)
		return
	}
	k.spark.Write(k.t, interop.Write{Path: k.ours.path, Name: "keyless", Op: "insert", Schema: alternateDDL, Rows: rows,
		Options: map[string]string{"hoodie.parquet.small.file.limit": "0"}})
}

func (k keyless) sql(statement string) {
	k.t.Helper()
	k.spark.SQL(k.t, statement, map[string]string{"keyless": k.ours.path}, map[string]string{"hoodie.parquet.small.file.limit": "0"})
}

// is checks that both engines see the same rows, so many, with keys of their own.
func (k keyless) is(n int) {
	k.t.Helper()
	mine := k.ours.read(k.t, query.Options{Meta: true})
	theirs := k.spark.Read(k.t, interop.Read{Path: k.ours.path, Meta: true}).Rows
	require.Equal(k.t, "", difference("ours", lines(bare(mine)), "Spark", lines(bare(theirs))))
	for _, rows := range [][]map[string]any{mine, theirs} {
		keys := map[string]bool{}
		for _, row := range rows {
			keys[row["_hoodie_record_key"].(string)] = true
		}
		require.Len(k.t, keys, len(rows))
	}
	require.Len(k.t, mine, n)
}

// bare are rows as both encode them: their key, and their values.
func bare(rows []map[string]any) []map[string]any {
	out := make([]map[string]any, len(rows))
	for i, row := range rows {
		out[i] = map[string]any{}
		for _, c := range []string{"_hoodie_record_key", "id", "v", "n"} {
			out[i][c] = fmt.Sprint(row[c])
		}
	}
	return out
}
