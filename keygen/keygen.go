// Package keygen makes the record key and the partition path of rows, as Hudi's key
// generators do (docs/format/keys.md).
package keygen

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// What stands for null and empty values in keys of several fields.
const (
	nullKey  = "__null__"
	emptyKey = "__empty__"
)

// Generator makes the keys and partition paths of a table's rows.
type Generator struct {
	keys       []string // fields
	named      bool     // keys are written field:value
	either     bool     // or without the field, as the table's other keys are
	partitions []string // fields
	hive       bool
	encode     bool
	slash      bool // a date 2026-01-31 is the folders 2026/01/31
	timed      *timed
	times      []bool // which partition fields are times
}

// New makes the generator that a table's configuration names. A generator of the user's
// wraps ErrUnsupported, a field that the schema lacks wraps ErrInvalid.
func New(c *table.Config, s *schema.Schema) (*Generator, error) {
	kind := kindOf(c)
	g := &Generator{keys: c.Keys, partitions: c.PartitionBy, hive: c.HiveStyle, encode: c.URLEncode, slash: c.SlashDates && len(c.PartitionBy) == 1}
	switch kind {
	case simple, timestamp:
		if len(g.keys) > 1 || len(g.partitions) != 1 {
			return nil, fmt.Errorf("keygen: the %s generator takes one key and one partition field, the table has %d and %d: %w", strings.ToLower(kind), len(g.keys), len(g.partitions), base.ErrInvalid)
		}
		if kind == timestamp {
			g.times = []bool{true}
		}
	case custom:
		if len(c.PartitionKinds) != len(c.PartitionBy) {
			return nil, fmt.Errorf("keygen: table %s has the custom generator, and its properties do not tell the kinds of its partition fields (as field:simple, field:timestamp): %w", c.Name, base.ErrUnsupported)
		}
		g.named = len(g.keys) > 1
		for i, kind := range c.PartitionKinds {
			if kind != simple && kind != timestamp {
				return nil, fmt.Errorf("keygen: partition field %s of table %s is of the kind %s, which is none of %s and %s: %w", c.PartitionBy[i], c.Name, kind, simple, timestamp, base.ErrInvalid)
			}
			g.times = append(g.times, kind == timestamp)
		}
	case complexKeys:
		// With one key field releases differ; a version 9 table always has the field's name.
		g.named = len(g.keys) > 1 || c.Version >= 9
		g.either = !g.named && len(g.keys) > 0
	case nonPartitioned:
		g.partitions = nil
		g.named = len(g.keys) > 1
	case globalDelete:
		g.partitions = nil
		g.named = true
	default:
		return nil, fmt.Errorf("keygen: table %s uses the key generator %q: %w", c.Name, c.KeyGen, base.ErrUnsupported)
	}
	if slices.Contains(g.times, true) {
		var err error
		if g.timed, err = newTimed(c); err != nil {
			return nil, err
		}
	}
	for _, name := range append(append([]string(nil), g.keys...), g.partitions...) {
		top, _, _ := strings.Cut(name, ".")
		if _, _, ok := s.Field(top); !ok {
			return nil, fmt.Errorf("keygen: the schema has no field %q, which the table's keys or partitions need: %w", name, base.ErrInvalid)
		}
	}
	return g, nil
}

// NewKeys makes a generator of record keys alone, which readers of tables without meta fields
// need; it knows the keys of every generator of Hudi's that makes them of columns. Generated
// keys, and generators of the user's, wrap ErrUnsupported.
func NewKeys(c *table.Config, s *schema.Schema) (*Generator, error) {
	keysOnly := *c
	keysOnly.PartitionBy = nil
	switch kind := kindOf(c); kind {
	case complexKeys, nonPartitioned, globalDelete:
	case simple, timestamp, custom:
		keysOnly.KeyGen = nonPartitioned
	default:
		return nil, fmt.Errorf("keygen: table %s uses the key generator %q: %w", c.Name, c.KeyGen, base.ErrUnsupported)
	}
	if len(c.Keys) == 0 {
		return nil, fmt.Errorf("keygen: table %s has no record key fields: generated keys cannot be made again: %w", c.Name, base.ErrUnsupported)
	}
	return New(&keysOnly, s)
}

// The kinds of generators, as hoodie.table.keygenerator.type names them.
const (
	simple         = "SIMPLE"
	complexKeys    = "COMPLEX"
	nonPartitioned = "NON_PARTITION"
	globalDelete   = "GLOBAL_DELETE"
	timestamp      = "TIMESTAMP"
	custom         = "CUSTOM"
)

// kindOf reads the configured type or class, or derives the kind from the fields.
func kindOf(c *table.Config) string {
	kind := c.KeyGen
	if at := strings.LastIndexByte(kind, '.'); at >= 0 {
		class := strings.TrimSuffix(strings.TrimSuffix(kind[at+1:], "KeyGenerator"), "Avro")
		switch class {
		case "Simple":
			return simple
		case "Complex":
			return complexKeys
		case "Nonpartitioned":
			return nonPartitioned
		case "GlobalDelete":
			return globalDelete
		case "TimestampBased":
			return timestamp
		case "Custom":
			return custom
		}
		return kind
	}
	if kind = strings.TrimSuffix(kind, "_AVRO"); kind != "" {
		return kind
	}
	switch {
	case len(c.PartitionBy) == 0:
		return nonPartitioned
	case len(c.PartitionBy) == 1 && len(c.Keys) == 1:
		return simple
	}
	return complexKeys
}

// Either reports whether keys are written field:value in some tables with this configuration
// and without the field in others, so that Follow must be told a key of the table.
func (g *Generator) Either() bool { return g.either }

// Follow writes keys as a key of the table's is written.
func (g *Generator) Follow(key string) {
	g.named, g.either = g.either && strings.HasPrefix(key, g.keys[0]+":"), false
}

// Generated reports whether the table has no record key fields, so that the writer numbers its rows and the
// number is the key. Keys must not be asked for then.
func (g *Generator) Generated() bool { return len(g.keys) == 0 }

// KeyFields are the names of the record key fields.
func (g *Generator) KeyFields() []string { return g.keys }

// PartitionFields are the names of the partition fields, none for an unpartitioned table.
func (g *Generator) PartitionFields() []string { return g.partitions }

// Keys makes the record keys of a batch. The caller releases them. A row without a key is
// an error that wraps ErrInvalid and names the field and the row.
func (g *Generator) Keys(batch arrow.RecordBatch, alloc memory.Allocator) (*array.String, error) {
	columns, err := texts(batch, g.keys)
	if err != nil {
		return nil, err
	}
	b := array.NewStringBuilder(alloc)
	defer b.Release()
	b.Reserve(int(batch.NumRows()))
	var key []byte
	for row := range int(batch.NumRows()) {
		key = key[:0]
		present := false
		for i, c := range columns {
			if i > 0 {
				key = append(key, ',')
			}
			if g.named {
				key = append(append(key, g.keys[i]...), ':')
			}
			start := len(key)
			var ok bool
			key, ok = c.append(key, row)
			switch {
			case ok && len(key) > start:
				present = true
			case !g.named:
			case ok:
				key = append(key, emptyKey...)
			default:
				key = append(key, nullKey...)
			}
		}
		if !present {
			return nil, fmt.Errorf("keygen: row %d of the batch has no value in the record key %s: %w", row, strings.Join(g.keys, ","), base.ErrInvalid)
		}
		b.BinaryBuilder.Append(key)
	}
	return b.NewStringArray(), nil
}

// Partitioned says which partition each row of a batch belongs to.
type Partitioned struct {
	// Paths are the distinct partition paths, in the order of their first row.
	Paths []string
	// Of holds, for each row, its place in Paths; nil when all rows have Paths[0].
	Of []int32
}

// Partitions makes the partition paths of a batch, as they are on storage.
func (g *Generator) Partitions(batch arrow.RecordBatch) (Partitioned, error) {
	if len(g.partitions) == 0 {
		return Partitioned{Paths: []string{""}}, nil
	}
	columns, err := g.folders(batch)
	if err != nil {
		return Partitioned{}, err
	}
	p := Partitioned{Of: make([]int32, batch.NumRows())}
	seen := map[string]int32{}
	var path, value []byte
	for row := range int(batch.NumRows()) {
		path = path[:0]
		for i, c := range columns {
			if i > 0 {
				path = append(path, '/')
			}
			if g.hive {
				path = append(append(path, g.partitions[i]...), '=')
			}
			value, _ = c.append(value[:0], row)
			switch {
			case len(value) == 0:
				path = append(path, base.DefaultPartition...)
			case g.encode:
				path = append(path, base.EscapePartition(string(value))...)
			case g.slash:
				path = append(path, bytes.ReplaceAll(value, []byte("-"), []byte("/"))...)
			default:
				path = append(path, value...)
			}
		}
		id, ok := seen[string(path)]
		if !ok {
			id = int32(len(p.Paths))
			if err := checkPath(string(path)); err != nil {
				return Partitioned{}, fmt.Errorf("keygen: partition of row %d: %w", row, err)
			}
			seen[string(path)] = id
			p.Paths = append(p.Paths, string(path))
		}
		p.Of[row] = id
	}
	if len(p.Paths) == 1 {
		p.Of = nil
	}
	return p, nil
}

// folders renders the values of the partition fields.
func (g *Generator) folders(batch arrow.RecordBatch) ([]text, error) {
	if g.timed == nil {
		return texts(batch, g.partitions)
	}
	out := make([]text, len(g.partitions))
	for i, name := range g.partitions {
		of := textOf
		if g.times[i] {
			of = g.timed.text
		}
		var err error
		if out[i], err = of(batch, name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkPath refuses partition paths that are no folder of the table's own: those that leave
// it, that are written in more than one way, and those in which nobody looks for rows: the
// folder of the timeline, and names of temporary files.
func checkPath(path string) error {
	clean, err := base.CleanRelative(path)
	top, _, _ := strings.Cut(path, "/")
	temp := slices.ContainsFunc(strings.Split(path, "/"), storage.IsTemp)
	if err != nil || clean != path || top == base.MetaFolder || temp {
		return fmt.Errorf("%q cannot be a folder of the table; set hoodie.datasource.write.partitionpath.urlencode or hive_style_partitioning for such values: %w", path, base.ErrInvalid)
	}
	return nil
}
