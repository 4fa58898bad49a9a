package workload

import (
	"fmt"
	"strings"
)

// DumpSQL is the query whose lines are a table's rows as JSON objects, in the encodings that Kind names.
func (t Table) DumpSQL() string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.dump() + ` as "` + c.Name + `"`
	}
	return fmt.Sprintf("select row_to_json(x) from (select %s from %s.%s order by %s) x",
		strings.Join(columns, ", "), Schema, t.Name, strings.Join(t.Keys, ", "))
}

func (c Column) dump() string {
	if c.sql != "" {
		return c.sql
	}
	switch c.Kind {
	case Decimal, Number:
		if c.Array {
			return c.Name + "::text[]"
		}
		return c.Name + "::text"
	case Bytes:
		return "translate(encode(" + c.Name + ", 'base64'), E'\\n', '')"
	case Time:
		return "(extract(epoch from " + c.Name + ") * 1000000)::bigint"
	case Interval:
		parts := ""
		for _, p := range []struct{ field, days string }{{"year", "365.25"}, {"month", "30.4375"}, {"day", "1"}} {
			parts += fmt.Sprintf("extract(%s from %s) * %s * 86400 + ", p.field, c.Name, p.days)
		}
		for _, p := range []struct{ field, seconds string }{{"hour", "3600"}, {"minute", "60"}, {"second", "1"}} {
			parts += fmt.Sprintf("extract(%s from %s) * %s + ", p.field, c.Name, p.seconds)
		}
		return "((" + strings.TrimSuffix(parts, " + ") + ") * 1000000)::bigint"
	default:
		return c.Name
	}
}
