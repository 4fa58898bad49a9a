package interop_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// turns is a table with a metadata table that both engines write in turns, and the rows that it must have.
type turns struct {
	t       *testing.T
	spark   *interop.Spark
	ours    ours
	typ     table.Type
	options map[string]string // further ones of Spark's writes
	rows    map[int]string
	ts      int64

	own, theirs func() map[string]string // options of each write of ours, of Spark's
	part        func(id int) string      // the partition of a row
	check       func()                   // after each write
}

func newTurns(t *testing.T, spark *interop.Spark, typ table.Type) turns {
	return turns{
		t: t, spark: spark, typ: typ, rows: map[int]string{},
		ours: newOurs(t, spark.Release, "turns", typ, fmt.Sprintf(alternateAvro, ""), map[string]string{
			"hoodie.metadata.enable": "true", "hoodie.parquet.small.file.limit": "0", "hoodie.clean.commits.retained": "2",
		}, nil),
	}
}

// undone has us write rows and take the write back.
func (m *turns) undone(op string, first, last int) {
	m.t.Helper()
	before := maps.Clone(m.rows)
	m.write(we, op, first, last)
	all := timelineOf(m.t, m.ours.path)
	require.NoError(m.t, m.ours.open(m.t).Rollback(m.t.Context(), all[len(all)-1].requested))
	m.rows = before
	m.check()
}

// write writes or deletes the rows with ids from the first up to the last, and checks.
func (m *turns) write(who actor, op string, first, last int) {
	m.t.Helper()
	m.ts++
	var rows []map[string]any
	for id := first; id < last; id++ {
		v := fmt.Sprintf("%s%d", who, m.ts)
		rows = append(rows, map[string]any{"id": id, "part": m.part(id), "v": v, "n": 1, "ts": m.ts})
		if op == "delete" {
			delete(m.rows, id)
		} else {
			m.rows[id] = v
		}
	}
	if who == we {
		s, err := schema.Parse(fmt.Sprintf(alternateAvro, ""))
		require.NoError(m.t, err)
		o := m.ours
		o.options = maps.Clone(o.options)
		maps.Copy(o.options, m.own())
		o.write(m.t, hudi.Operation(op), s, rows)
	} else {
		options := map[string]string{"hoodie.parquet.small.file.limit": "0", "hoodie.metadata.enable": "true"}
		if m.spark.Release == interop.Hudi015 {
			options["hoodie.datasource.write.payload.class"] = "org.apache.hudi.common.model.DefaultHoodieRecordPayload"
		}
		maps.Copy(options, m.theirs())
		maps.Copy(options, m.options)
		m.spark.Write(m.t, interop.Write{Path: m.ours.path, Name: "turns", Op: op, Schema: alternateDDL, Rows: rows, Options: options})
	}
	m.check()
}
