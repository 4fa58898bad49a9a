package metadata

import (
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
)

// footerFacts takes from the footer of a Parquet base file what the metadata table has of it.
// Statistics are those of its row groups together, as in real Hudi.
func (x *indexed) footerFacts(r *basefile.Reader, name string) (*facts, error) {
	f := &facts{stats: make([]*Stats, len(x.columns))}
	groups := r.RowGroups()
	for i := range x.columns {
		c := &x.columns[i]
		for g := range groups {
			chunk, ok := groups[g].Chunk(c.name)
			if !ok {
				break
			}
			if f.stats[i] == nil {
				f.stats[i] = c.stats(name, x.version)
			}
			if err := f.stats[i].addChunk(&groups[g], chunk, c, x.version); err != nil {
				return nil, fmt.Errorf("column %s: %w", c.name, err)
			}
		}
	}
	if !x.blooms {
		return f, nil
	}
	if text, code, ok := r.BloomText(); ok {
		f.bloom = &BloomFilter{Type: code, Filter: []byte(text)}
	}
	return f, nil
}

// addChunk adds the statistics of a column in a row group. Where the file has none, or not both
// bounds, all values count as null: bounds with nulls prove nothing.
func (s *Stats) addChunk(g *basefile.RowGroup, chunk basefile.Chunk, c *statColumn, version int) error {
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
	s.Min, s.Max = s.further(s.Min, least, -1), s.further(s.Max, greatest, 1)
	return nil
}

// further is the bound of the column that lies further to a side.
func (s *Stats) further(a, b *Bound, side int) *Bound {
	if a == nil {
		return b
	}
	if order, ok := s.Type.compare(a, b); ok && order*side > 0 {
		return a
	}
	return b
}
