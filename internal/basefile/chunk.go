package basefile

import (
	"errors"
	"fmt"
)

// Fields of the structures in a footer (parquet.thrift of the Parquet format).
const (
	footerVersion, footerSchema, footerRows, footerGroups = 1, 2, 3, 4
	footerPairs, footerCreatedBy, footerOrders            = 5, 6, 7
	groupColumns, groupBytes, groupRows, groupOffset      = 1, 2, 3, 5
	groupCompressed, groupOrdinal                         = 6, 7
	chunkPath, chunkOffset, chunkMetaData                 = 1, 2, 3
	chunkOffsetIndex, chunkOffsetIndexLength              = 4, 5
	chunkColumnIndex, chunkColumnIndexLength              = 6, 7
	columnUncompressed, columnCompressed                  = 6, 7
	columnDataPage, columnIndexPage, columnDictionary     = 9, 10, 11
	columnStatistics                                      = 12
	columnBloom, columnBloomLength                        = 14, 15
	statisticsMax, statisticsMin, statisticsNulls         = 1, 2, 3
	statisticsMaxValue, statisticsMinValue                = 5, 6
	indexLocations, locationOffset                        = 1, 1
)

// footerMeta is a footer's metadata. What is copied from it to another file is kept as it is
// encoded, so that nothing is lost of what another engine says.
type footerMeta struct {
	version, schema, createdBy, orders []byte
	groups                             []groupMeta
}

// groupMeta describes a row group.
type groupMeta struct {
	rows   int64
	chunks []chunkMeta
}

// chunkMeta describes a column chunk.
type chunkMeta struct {
	encoded                  []byte // its ColumnChunk
	at                       int64  // where its first page is
	bytes, uncompressed      int64
	columnIndex, offsetIndex place
	stats                    statistics
}

// statistics tells which ones a chunk has. arrow-go does not tell a bound or a number that is
// missing from one that is zero.
type statistics struct{ min, max, nulls bool }

// place is where a structure lies in a file; it is not there if its length is 0.
type place struct{ at, length int64 }

// errForeign says that a chunk is not as others are: in another file, or encrypted.
var errForeign = errors.New("a column chunk that is encrypted or in another file")

// parseFooterMeta reads the metadata of a footer.
func parseFooterMeta(metadata []byte) (*footerMeta, error) {
	m := &footerMeta{}
	c := &compact{b: metadata}
	c.each(func(field int, kind byte) {
		switch {
		case field == footerVersion && kind == compactI32:
			m.version = c.raw(kind)
		case field == footerSchema && kind == compactList:
			m.schema = c.raw(kind)
		case field == footerCreatedBy && kind == compactBinary:
			m.createdBy = c.raw(kind)
		case field == footerOrders && kind == compactList:
			m.orders = c.raw(kind)
		case field == footerGroups && kind == compactList:
			for range c.list() {
				m.groups = append(m.groups, c.group())
			}
		default:
			c.skip(kind, 0)
		}
	})
	if c.err != nil {
		return nil, fmt.Errorf("footer: %w", c.err)
	}
	return m, nil
}

func (c *compact) group() (g groupMeta) {
	c.each(func(field int, kind byte) {
		switch {
		case field == groupColumns && kind == compactList:
			for range c.list() {
				g.chunks = append(g.chunks, c.chunk())
			}
		case field == groupRows && kind == compactI64:
			g.rows = c.number()
		default:
			c.skip(kind, 0)
		}
	})
	return g
}

func (c *compact) chunk() (m chunkMeta) {
	from := c.at
	foreign := false
	c.each(func(field int, kind byte) {
		switch {
		case field == chunkMetaData && kind == compactStruct:
			c.columnMeta(&m)
		case field == chunkOffsetIndex && kind == compactI64:
			m.offsetIndex.at = c.number()
		case field == chunkOffsetIndexLength && kind == compactI32:
			m.offsetIndex.length = c.number()
		case field == chunkColumnIndex && kind == compactI64:
			m.columnIndex.at = c.number()
		case field == chunkColumnIndexLength && kind == compactI32:
			m.columnIndex.length = c.number()
		default:
			foreign = foreign || field == chunkPath || field > chunkColumnIndexLength
			c.skip(kind, 0)
		}
	})
	if foreign && c.err == nil {
		c.err = errForeign
	}
	if c.err == nil {
		m.encoded = c.b[from:c.at]
	}
	return m
}

func (c *compact) columnMeta(m *chunkMeta) {
	var data, dictionary int64
	c.each(func(field int, kind byte) {
		if field == columnStatistics && kind == compactStruct {
			m.stats = c.statistics()
			return
		}
		if kind != compactI64 {
			c.skip(kind, 0)
			return
		}
		switch v := c.number(); field {
		case columnUncompressed:
			m.uncompressed = v
		case columnCompressed:
			m.bytes = v
		case columnDataPage:
			data = v
		case columnDictionary:
			dictionary = v
		}
	})
	m.at = data
	if dictionary > 0 {
		m.at = min(m.at, dictionary)
	}
}

func (c *compact) statistics() (s statistics) {
	c.each(func(field int, kind byte) {
		switch field {
		case statisticsMin, statisticsMinValue:
			s.min = s.min || kind == compactBinary
		case statisticsMax, statisticsMaxValue:
			s.max = s.max || kind == compactBinary
		case statisticsNulls:
			s.nulls = kind == compactI64
		}
		c.skip(kind, 0)
	})
	return s
}

// moved is the encoded chunk when it lies by some bytes further on, with its indexes at other
// places. Parquet's own bloom filters stay behind.
func (m *chunkMeta) moved(by int64, columnIndex, offsetIndex place) []byte {
	c := &compact{b: m.encoded}
	var out compactStructure
	c.each(func(field int, kind byte) {
		switch {
		case field == chunkOffset && kind == compactI64:
			v := c.number()
			if v != 0 {
				v += by
			}
			out.number(field, kind, v)
		case field == chunkMetaData && kind == compactStruct:
			out.field(field, kind, movedColumn(c, by))
		default: // the indexes
			c.skip(kind, 0)
		}
	})
	if offsetIndex.length > 0 {
		out.number(chunkOffsetIndex, compactI64, offsetIndex.at)
		out.number(chunkOffsetIndexLength, compactI32, offsetIndex.length)
	}
	if columnIndex.length > 0 {
		out.number(chunkColumnIndex, compactI64, columnIndex.at)
		out.number(chunkColumnIndexLength, compactI32, columnIndex.length)
	}
	return out.end()
}

func movedColumn(c *compact, by int64) []byte {
	var out compactStructure
	c.each(func(field int, kind byte) {
		page := field == columnDataPage || field == columnIndexPage || field == columnDictionary
		switch {
		case page && kind == compactI64:
			v := c.number()
			if v > 0 {
				v += by
			}
			out.number(field, kind, v)
		case field == columnBloom || field == columnBloomLength:
			c.skip(kind, 0)
		default:
			out.field(field, kind, c.raw(kind))
		}
	})
	return out.end()
}

// movedOffsets is an OffsetIndex whose pages lie by some bytes further on.
func movedOffsets(index []byte, by int64) ([]byte, error) {
	c := &compact{b: index}
	var out compactStructure
	c.each(func(field int, kind byte) {
		if field != indexLocations || kind != compactList {
			out.field(field, kind, c.raw(kind))
			return
		}
		n := c.list()
		list := appendListHead(nil, int(n), compactStruct)
		for range n {
			var page compactStructure
			c.each(func(field int, kind byte) {
				if field == locationOffset && kind == compactI64 {
					page.number(field, kind, c.number()+by)
				} else {
					page.field(field, kind, c.raw(kind))
				}
			})
			list = append(list, page.end()...)
		}
		out.field(field, kind, list)
	})
	if c.err != nil {
		return nil, fmt.Errorf("offset index: %w", c.err)
	}
	return out.end(), nil
}
