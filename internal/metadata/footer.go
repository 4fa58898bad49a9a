package metadata

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// Further ordinals of types (bounds.go).
const (
	typeNull   = 1
	typeFloat  = 5
	typeDouble = 6
)

// statColumn is a column of which statistics are kept, by its path.
type statColumn struct {
	name    string
	typ     *schema.Type
	ordinal int32 // in version 9
}

// statColumns resolves the names of indexed columns in a schema with meta columns. Columns
// that it does not have are left out. A type whose statistics this library does not write as
// real Hudi does wraps base.ErrUnsupported.
func statColumns(s *schema.Schema, names []string) ([]statColumn, error) {
	var out []statColumn
	for _, name := range names {
		t, ok := columnType(s, name)
		if !ok {
			continue
		}
		ordinal, ok := ordinalOf(t)
		if !ok {
			return nil, fmt.Errorf("metadata: statistics of column %q, of type %s, cannot be kept; switch them off with hoodie.metadata.index.column.stats.enable=false: %w", name, t, base.ErrUnsupported)
		}
		out = append(out, statColumn{name, t, ordinal})
	}
	return out, nil
}

func columnType(s *schema.Schema, name string) (*schema.Type, bool) {
	t := s.Record()
	for part := range strings.SplitSeq(name, ".") {
		if t.Kind != schema.Record {
			return nil, false
		}
		f, _, err := t.Lookup(part)
		if err != nil {
			return nil, false
		}
		t = f.Type
	}
	return t, true
}

func ordinalOf(t *schema.Type) (int32, bool) {
	switch t.Logical {
	case schema.NoLogical:
	case schema.Date:
		return typeDate, true
	case schema.TimestampMicros:
		return typeTimestampMicros, true
	case schema.TimestampMillis:
		return typeTimestampMillis, true
	default:
		return 0, false
	}
	switch t.Kind {
	case schema.Boolean:
		return typeBoolean, true
	case schema.Int:
		return typeInt, true
	case schema.Long:
		return typeLong, true
	case schema.Float:
		return typeFloat, true
	case schema.Double:
		return typeDouble, true
	case schema.String:
		return typeString, true
	}
	return 0, false
}

// fileStats reads the statistics of columns from the footer of a Parquet base file, as real
// Hudi does: those of its row groups together. nil stands for a column that the file lacks.
func fileStats(ctx context.Context, st storage.Store, ref FileRef, version int, columns []statColumn) ([]*Stats, error) {
	path := base.Join(ref.Partition, ref.Name)
	fail := func(err error) ([]*Stats, error) {
		return nil, fmt.Errorf("metadata: statistics of %s of %s: %w", path, st.URI(), err)
	}
	f, err := st.Open(ctx, path)
	if err != nil {
		return fail(err)
	}
	r, err := basefile.Open(ctx, f, path, memory.DefaultAllocator)
	if err != nil {
		return fail(err)
	}
	defer r.Close()
	out := make([]*Stats, len(columns))
	groups := r.RowGroups()
	for i, c := range columns {
		for g := range groups {
			chunk, ok := groups[g].Chunk(c.name)
			if !ok {
				break
			}
			if out[i] == nil {
				out[i] = &Stats{File: ref.Name, Column: c.name, Values: new(int64), Nulls: new(int64)}
				if version >= 9 {
					out[i].Type = &ValueType{Ordinal: c.ordinal}
				}
			}
			if err := out[i].addChunk(&groups[g], chunk, c, version); err != nil {
				return fail(fmt.Errorf("column %s: %w", c.name, err))
			}
		}
	}
	return out, nil
}

// addChunk adds the statistics of a column in a row group. Where the file has none, or not both
// bounds, all values count as null: bounds with nulls prove nothing.
func (s *Stats) addChunk(g *basefile.RowGroup, chunk basefile.Chunk, c statColumn, version int) error {
	*s.Values += chunk.Values
	s.Size += chunk.Bytes
	s.UncompressedSize += chunk.Uncompressed
	low, high, nulls, _, ok := g.Range(c.name, c.typ)
	switch {
	case !ok:
		*s.Nulls += chunk.Values
		return nil
	case low == nil: // all are null
		*s.Nulls += nulls
		return nil
	}
	*s.Nulls += nulls
	least, greatest := boundOf(low, c.typ, version), boundOf(high, c.typ, version)
	if least == nil || greatest == nil {
		return fmt.Errorf("a bound %T of the type %s: %w", low, c.typ, base.ErrUnsupported)
	}
	s.Min, s.Max = further(s.Min, least, -1), further(s.Max, greatest, 1)
	return nil
}

// further is the bound that lies further to a side.
func further(a, b *Bound, side int) *Bound {
	if a == nil {
		return b
	}
	if order, ok := a.compare(b); ok && order*side > 0 {
		return a
	}
	return b
}

// boundOf wraps a value of a type, as basefile has it; nil for what statistics are not kept of.
func boundOf(v any, t *schema.Type, version int) *Bound {
	switch v := v.(type) {
	case bool:
		return &Bound{Boolean: &Wrapped[bool]{v}}
	case int64:
		switch {
		case t.Kind == schema.Long:
			return &Bound{Long: &Wrapped[int64]{v}}
		case t.Logical == schema.Date && version < 9:
			return &Bound{Date: &Wrapped[int32]{int32(v)}}
		}
		return &Bound{Int: &Wrapped[int32]{int32(v)}}
	case float64:
		if t.Kind == schema.Float {
			return &Bound{Float: &Wrapped[float32]{float32(v)}}
		}
		return &Bound{Double: &Wrapped[float64]{v}}
	case string:
		return &Bound{String: &Wrapped[string]{v}}
	}
	return nil
}
