package pingpong

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/interop/randomtable"
)

// Condition is a condition of a query, in SQL that both engines take.
type Condition struct {
	Where string
	keeps func(row map[string]any) bool
}

// Of are the rows that meet the condition.
func (c Condition) Of(rows []map[string]any) []map[string]any {
	var out []map[string]any
	for _, row := range rows {
		if c.keeps(row) {
			out = append(out, row)
		}
	}
	return out
}

// Conditions makes up some conditions: on the key, on the partition, and on columns.
func (s *Sequence) Conditions(r *rand.Rand) []Condition {
	var out []Condition
	if keys := s.Model.sorted(); len(keys) > 0 {
		out = append(out, equals(s.Table.Column("id"), s.Model.keys[pick(r, keys...)].columns["id"]))
	}
	var rows []map[string]any
	for _, key := range s.Model.sorted() {
		if row := s.Model.rows[key]; row != nil {
			rows = append(rows, row.Values)
		}
	}
	if len(rows) == 0 {
		return out
	}
	if len(s.Table.PartitionBy) > 0 && r.IntN(2) == 0 {
		c := s.Table.Column(s.Table.PartitionBy[0])
		if v := pick(r, rows...)[c.Name]; v != nil && c.Type.DDL == "string" {
			out = append(out, equals(c, v))
		}
	}
	free := slices.DeleteFunc(s.Table.Free(), func(c randomtable.Column) bool {
		return !slices.Contains([]string{"int", "bigint", "string", "date"}, c.Type.DDL)
	})
	if len(free) == 0 {
		return out
	}
	c := pick(r, free...)
	v := pick(r, rows...)[c.Name]
	switch text := fmt.Sprint(v); {
	case v == nil:
		return append(out, Condition{c.Name + " IS NULL", func(row map[string]any) bool { return row[c.Name] == nil }})
	case strings.ContainsAny(text, "'\\\"\n"):
		return out
	}
	return append(out, equals(c, v))
}

func equals(c randomtable.Column, v any) Condition {
	text := fmt.Sprint(v)
	where := text
	switch c.Type.DDL {
	case "string":
		where = "'" + text + "'"
	case "date":
		where = "DATE '" + text + "'"
	}
	return Condition{c.Name + " = " + where, func(row map[string]any) bool { return row[c.Name] != nil && fmt.Sprint(row[c.Name]) == text }}
}
