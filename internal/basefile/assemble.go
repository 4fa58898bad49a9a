package basefile

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
)

// assembly is a Parquet file that is put together from column chunks of others: of row groups
// that were encoded in memory, and of the file that this one replaces.
type assembly struct {
	out     *sink
	rows    int64
	groups  [][]byte // encoded
	pending []placedChunk
	end     []byte // the footer, once it is written
}

// placedChunk is a chunk in the file. Its indexes follow after the last row group, and so does
// the rest of its row group's description.
type placedChunk struct {
	meta        *chunkMeta
	group       int
	by          int64 // how far it was moved
	columnIndex []byte
	offsetIndex []byte
}

// chunkSource is a column chunk and the file that it is in.
type chunkSource struct {
	file io.ReaderAt
	meta *chunkMeta
}

// copyBuffer is how much of a chunk is in memory at a time.
const copyBuffer = 4 << 20

// begin writes the magic number, once.
func (a *assembly) begin() error {
	if a.out.n > 0 {
		return nil
	}
	_, err := a.out.Write([]byte(parquetMagic))
	return err
}

// append adds a row group.
func (a *assembly) append(ctx context.Context, rows int64, chunks []chunkSource) error {
	if len(a.groups) == math.MaxInt16 {
		return fmt.Errorf("basefile: more than %d row groups: %w", math.MaxInt16, base.ErrUnsupported)
	}
	if err := a.begin(); err != nil {
		return err
	}
	group := compactStructure{last: groupColumns}
	var bytes, uncompressed int64
	from := a.out.n
	for _, c := range chunks {
		p := placedChunk{meta: c.meta, group: len(a.groups), by: a.out.n - c.meta.at}
		if err := a.copy(ctx, c); err != nil {
			return err
		}
		var err error
		if p.columnIndex, err = readPlace(c.file, c.meta.columnIndex); err != nil {
			return err
		}
		if p.offsetIndex, err = readPlace(c.file, c.meta.offsetIndex); err != nil {
			return err
		}
		if len(p.offsetIndex) > 0 {
			if p.offsetIndex, err = movedOffsets(p.offsetIndex, p.by); err != nil {
				return err
			}
		}
		bytes += c.meta.bytes
		uncompressed += c.meta.uncompressed
		a.pending = append(a.pending, p)
	}
	group.number(groupBytes, compactI64, uncompressed)
	group.number(groupRows, compactI64, rows)
	group.number(groupOffset, compactI64, from)
	group.number(groupCompressed, compactI64, bytes)
	group.number(groupOrdinal, compactI16, int64(len(a.groups)))
	a.groups = append(a.groups, group.end())
	a.rows += rows
	return nil
}

func (a *assembly) copy(ctx context.Context, c chunkSource) error {
	if whole, ok := c.file.(encodedFile); ok {
		_, err := a.out.Write(whole[c.meta.at : c.meta.at+c.meta.bytes])
		return err
	}
	buffer := make([]byte, min(c.meta.bytes, copyBuffer))
	for at := int64(0); at < c.meta.bytes; {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := buffer[:min(c.meta.bytes-at, copyBuffer)]
		if n, err := c.file.ReadAt(part, c.meta.at+at); n < len(part) {
			return fmt.Errorf("basefile: copy %d bytes at %d: %w", len(part), c.meta.at+at, err)
		}
		if _, err := a.out.Write(part); err != nil {
			return err
		}
		at += int64(len(part))
	}
	return nil
}

func readPlace(f io.ReaderAt, p place) ([]byte, error) {
	if p.length == 0 {
		return nil, nil
	}
	b := make([]byte, p.length)
	if n, err := f.ReadAt(b, p.at); n < len(b) {
		return nil, fmt.Errorf("basefile: read %d bytes at %d: %w", len(b), p.at, err)
	}
	return b, nil
}

// finish writes the indexes and the footer. The template is the metadata of a file of the same
// schema, by the same writer.
func (a *assembly) finish(template *footerMeta, pairs map[string]string) error {
	if err := a.begin(); err != nil {
		return err
	}
	columnIndexes, offsetIndexes := make([]place, len(a.pending)), make([]place, len(a.pending))
	for i, p := range a.pending {
		columnIndexes[i] = place{a.out.n, int64(len(p.columnIndex))}
		if _, err := a.out.Write(p.columnIndex); err != nil {
			return err
		}
	}
	for i, p := range a.pending {
		offsetIndexes[i] = place{a.out.n, int64(len(p.offsetIndex))}
		if _, err := a.out.Write(p.offsetIndex); err != nil {
			return err
		}
	}
	groups := appendListHead(nil, len(a.groups), compactStruct)
	for at, g := 0, 0; g < len(a.groups); g++ {
		from := at
		for at < len(a.pending) && a.pending[at].group == g {
			at++
		}
		list := appendListHead(nil, at-from, compactStruct)
		for i := from; i < at; i++ {
			p := a.pending[i]
			list = append(list, p.meta.moved(p.by, columnIndexes[i], offsetIndexes[i])...)
		}
		// The columns are the first field, before those that are encoded already.
		var columns compactStructure
		columns.field(groupColumns, compactList, list)
		groups = append(groups, columns.b...)
		groups = append(groups, a.groups[g]...)
	}
	var meta compactStructure
	meta.field(footerVersion, compactI32, template.version)
	meta.field(footerSchema, compactList, template.schema)
	meta.number(footerRows, compactI64, a.rows)
	meta.field(footerGroups, compactList, groups)
	meta.field(footerPairs, compactList, encodePairs(pairs))
	meta.field(footerCreatedBy, compactBinary, template.createdBy)
	if template.orders != nil {
		meta.field(footerOrders, compactList, template.orders)
	}
	footer := meta.end()
	length := len(footer)
	footer = binary.LittleEndian.AppendUint32(footer, uint32(length))
	a.end = append(footer, parquetMagic...)
	_, err := a.out.Write(a.end)
	return err
}

// encodePairs makes the list of key-value pairs, in the order of the keys.
func encodePairs(pairs map[string]string) []byte {
	list := appendListHead(nil, len(pairs), compactStruct)
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		var pair compactStructure
		pair.field(1, compactBinary, appendBinary(nil, key))
		pair.field(2, compactBinary, appendBinary(nil, pairs[key]))
		list = append(list, pair.end()...)
	}
	return list
}
