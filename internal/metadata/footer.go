package metadata

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/hudi-go/hudi-go/internal/base"
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
	defer f.Close()
	r, err := file.NewParquetReader(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		return fail(fmt.Errorf("%w: %w", err, base.ErrCorrupt))
	}
	defer r.Close()
	out := make([]*Stats, len(columns))
	for i, c := range columns {
		at := r.MetaData().Schema.ColumnIndexByName(c.name)
		if at < 0 {
			continue
		}
		s := &Stats{File: ref.Name, Column: c.name, Values: new(int64), Nulls: new(int64)}
		if version >= 9 {
			s.Type = &ValueType{Ordinal: c.ordinal}
		}
		for g := range r.MetaData().RowGroups {
			chunk, err := r.MetaData().RowGroup(g).ColumnChunk(at)
			if err != nil {
				return fail(err)
			}
			if err := s.addChunk(chunk, c.typ, version); err != nil {
				return fail(fmt.Errorf("column %s: %w", c.name, err))
			}
		}
		out[i] = s
	}
	return out, nil
}

// addChunk adds the statistics of a column in a row group.
func (s *Stats) addChunk(chunk *metadata.ColumnChunkMetaData, t *schema.Type, version int) error {
	*s.Values += chunk.NumValues()
	s.Size += chunk.TotalCompressedSize()
	s.UncompressedSize += chunk.TotalUncompressedSize()
	stats, err := chunk.Statistics()
	if err != nil {
		return err
	}
	if stats == nil || stats.NullCount() < chunk.NumValues() && !bounded(stats) {
		*s.Nulls += chunk.NumValues() // bounds with nulls prove nothing
		return nil
	}
	*s.Nulls += stats.NullCount()
	if !stats.HasMinMax() {
		return nil
	}
	low, high := bounds(stats, t, version)
	if low == nil || high == nil {
		return fmt.Errorf("a %s in the file for the type %s: %w", stats.Type(), t, base.ErrUnsupported)
	}
	s.Min, s.Max = further(s.Min, low, -1), further(s.Max, high, 1)
	return nil
}

// bounded tells whether statistics bound the values. Writers leave out a bound that is too long,
// and arrow-go takes one bound for both: a least value that is empty is a bound then, a greatest is not.
func bounded(stats metadata.TypedStatistics) bool {
	text, ok := stats.(*metadata.ByteArrayStatistics)
	return stats.HasMinMax() && (!ok || len(text.Max()) > 0)
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

// bounds wraps the least and greatest value of a column chunk, nil for what does not fit the
// type.
func bounds(stats metadata.TypedStatistics, t *schema.Type, version int) (low, high *Bound) {
	switch s := stats.(type) {
	case *metadata.BooleanStatistics:
		wrap := func(v bool) *Bound { return &Bound{Boolean: &Wrapped[bool]{v}} }
		return wrap(s.Min()), wrap(s.Max())
	case *metadata.Int32Statistics:
		wrap := func(v int32) *Bound { return &Bound{Int: &Wrapped[int32]{v}} }
		if t.Logical == schema.Date && version < 9 {
			wrap = func(v int32) *Bound { return &Bound{Date: &Wrapped[int32]{v}} }
		}
		if t.Kind == schema.Long { // of a file from before the column was widened
			wrap = func(v int32) *Bound { return &Bound{Long: &Wrapped[int64]{int64(v)}} }
		}
		return wrap(s.Min()), wrap(s.Max())
	case *metadata.Int64Statistics:
		wrap := func(v int64) *Bound { return &Bound{Long: &Wrapped[int64]{v}} }
		return wrap(s.Min()), wrap(s.Max())
	case *metadata.Float32Statistics:
		wrap := func(v float32) *Bound { return &Bound{Float: &Wrapped[float32]{v}} }
		return wrap(s.Min()), wrap(s.Max())
	case *metadata.Float64Statistics:
		wrap := func(v float64) *Bound { return &Bound{Double: &Wrapped[float64]{v}} }
		return wrap(s.Min()), wrap(s.Max())
	case *metadata.ByteArrayStatistics:
		if t.Kind != schema.String {
			return nil, nil
		}
		wrap := func(v []byte) *Bound { return &Bound{String: &Wrapped[string]{string(v)}} }
		return wrap(s.Min()), wrap(s.Max())
	}
	return nil, nil
}
