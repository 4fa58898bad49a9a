package randomtable

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// layout chooses columns, keys and partitions.
func (t *Table) layout() {
	t.Columns = []Column{{"id", pick(t.r, typeNamed("string"), typeNamed("int"), typeNamed("bigint"))}}
	t.Keys = []string{"id"}
	if t.chance(25) {
		t.Keys = append(t.Keys, "id2")
		t.Columns = append(t.Columns, Column{"id2", pick(t.r, typeNamed("string"), typeNamed("bigint"))})
	}
	t.partitions()
	for i := range 2 + t.r.IntN(9) {
		t.Columns = append(t.Columns, Column{fmt.Sprintf("c%d", i), t.newType()})
	}
}

// named are items and values that have named types in Avro, and all have one name: Spark fails to read files with two.
var named = regexp.MustCompile(`(array<|map<string,)(decimal|struct)`)

// newType is the type of a further column.
func (t *Table) newType() Type {
	for {
		next := randomType(t.r, 2)
		if len(named.FindAllString(ddl(t.Columns)+next.DDL, -1)) < 2 {
			return next
		}
	}
}

// partitions chooses how rows are spread over folders, and the key generator that does it.
func (t *Table) partitions() {
	generator := "Simple"
	switch p := t.r.IntN(20); {
	case p < 6:
		generator = "Nonpartitioned"
	case p < 13:
		t.PartitionBy = []string{"part"}
		if len(t.Keys) > 1 {
			generator = "Complex"
		}
	case p < 16:
		t.PartitionBy, generator = []string{"part", "day"}, "Complex"
	case p < 18 && len(t.Keys) == 1:
		t.PartitionBy, generator = []string{"at"}, "TimestampBased"
	default:
		t.PartitionBy, generator = []string{"part", "at"}, "Custom"
	}
	fields := slices.Clone(t.PartitionBy)
	for i, name := range t.PartitionBy {
		c := Column{name, typeNamed("string")}
		switch {
		case name == "at" && (generator == "Custom" || t.Version == 9):
			c.Type = typeNamed("bigint")
		case name == "at": // older releases read it as text
		case name == "part" && generator != "Custom" && t.chance(25):
			c.Type = pick(t.r, typeNamed("int"), typeNamed("bigint"), typeNamed("date"))
		}
		if generator == "Custom" {
			fields[i] += map[string]string{"part": ":simple", "at": ":timestamp"}[name]
		}
		t.Columns = append(t.Columns, c)
		t.feature("%s %s", name, c.Type.DDL)
	}
	t.generator, t.PartitionFields = generator, strings.Join(fields, ",")
	if slices.Contains(t.PartitionBy, "at") {
		t.timed = true
		kind, formats := "EPOCHMILLISECONDS", []string{"yyyyMMddHH"} // Spark reads the folder as the column's type
		if generator == "TimestampBased" {
			formats = append(formats, "yyyy-MM-dd", "yyyy/MM/dd")
		}
		if t.column("at").Type.DDL == "string" {
			kind = "DATE_STRING"
			t.option("keygen.timebased.input.dateformat", "yyyy-MM-dd")
		}
		t.option("keygen.timebased.timestamp.type", kind)
		t.option("keygen.timebased.output.dateformat", pick(t.r, formats...))
		t.option("keygen.timebased.timezone", "UTC")
	}
	t.option("datasource.write.keygenerator.class", "org.apache.hudi.keygen."+generator+"KeyGenerator")
	t.feature("%s keys", strings.ToLower(generator))
	if len(t.PartitionBy) == 0 {
		return
	}
	if t.chance(50) {
		t.hive = true
		t.option("datasource.write.hive_style_partitioning", "true")
		t.feature("hive style")
	}
	if !t.timed && t.chance(50) { // Spark cannot read encoded times
		t.encoded = true
		t.option("datasource.write.partitionpath.urlencode", "true")
		t.feature("url encoding")
	}
	t.folders = t.partitionValues()
}

// partitionValues are the values of each partition column, few enough for files to have several rows.
func (t *Table) partitionValues() map[string][]any {
	plain := []any{"p1", "p2", "p 3", "é水", nil}
	if t.encoded {
		plain = append(plain, "a=b", "100%", "x/y", "t:1")
	}
	out := map[string][]any{}
	for _, name := range t.PartitionBy {
		var values []any
		c := t.Columns[slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })]
		switch {
		case name == "at" && c.Type.DDL == "string":
			values = []any{"2024-01-31", "1970-01-01", "2025-12-31"}
		case name == "at":
			values = []any{int64(1704067200000), int64(1704070800000), int64(1735689599999), int64(0)}
		case c.Type.DDL == "string":
			values = plain
		case c.Type.DDL == "date":
			values = []any{"2024-01-31", "1969-12-31", "2024-02-29"}
		default:
			values = []any{7, 0, -1, 2024}
		}
		t.r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		out[name] = values[:1+t.r.IntN(3)]
	}
	return out
}

// folder is the path of a row's partition when it is plain: no escapes, no times.
func (t *Table) folder(row map[string]any) (path string, plain bool) {
	var parts []string
	for _, name := range t.PartitionBy {
		value := fmt.Sprint(row[name])
		if name == "at" || row[name] == nil || strings.ContainsAny(value, "=%/: ") {
			return "", false
		}
		if t.hive {
			value = name + "=" + value
		}
		parts = append(parts, value)
	}
	return strings.Join(parts, "/"), len(parts) > 0
}

// fresh are rows with new keys.
func (t *Table) fresh(n int) []map[string]any {
	var out []map[string]any
	for range n {
		key := map[string]any{}
		for _, c := range t.Columns {
			switch {
			case slices.Contains(t.Keys, c.Name):
				key[c.Name] = t.key(c)
			case slices.Contains(t.PartitionBy, c.Name):
				key[c.Name] = pick(t.r, t.folders[c.Name]...)
			}
		}
		t.keys = append(t.keys, key)
		out = append(out, t.row(key))
	}
	return out
}

// key is a value that no other row has in the first key column.
func (t *Table) key(c Column) any {
	t.nextID++
	if c.Type.DDL == "string" {
		return fmt.Sprintf("%s%d", pick(t.r, "k", "é", "a b", "x:"), t.nextID)
	}
	return t.nextID
}
