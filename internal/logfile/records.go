package logfile

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"

	"github.com/hudi-go/hudi-go/internal/base"
)

const (
	dataVersion   = 3     // of the content of AVRO_DATA and CDC_DATA blocks
	dataPrefixLen = 4 + 4 // version and record count
	lengthLen     = 4     // before each record
)

// Records takes the content of an AvroData or CDCData block apart: one schema-less Avro
// record after the other, in the schema of the block's header. The slices are parts of
// content. A record that runs out of the content, and bytes after the last, end the
// sequence with an error that wraps base.ErrCorrupt.
func Records(content []byte) (iter.Seq2[[]byte, error], error) {
	if len(content) < dataPrefixLen {
		return nil, fmt.Errorf("logfile: data block content of %d bytes is too short: %w", len(content), base.ErrCorrupt)
	}
	// Version 0 had no record count; 1 and 2 differ from 3 only in what Java does around them.
	if v := int32(binary.BigEndian.Uint32(content)); v < 1 || v > dataVersion {
		return nil, fmt.Errorf("logfile: data block content has version %d, only 1 to %d are known: %w", v, dataVersion, base.ErrUnsupported)
	}
	n, rest := binary.BigEndian.Uint32(content[4:]), content[dataPrefixLen:]
	if n > math.MaxInt32 || int(n) > len(rest)/lengthLen {
		return nil, fmt.Errorf("logfile: data block content of %d bytes cannot hold %d records: %w", len(content), n, base.ErrCorrupt)
	}
	return func(yield func([]byte, error) bool) {
		rest := rest
		for i := range n {
			if len(rest) < lengthLen || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-lengthLen) {
				yield(nil, fmt.Errorf("logfile: record %d of %d runs out of the data block: %w", i, n, base.ErrCorrupt))
				return
			}
			end := lengthLen + int(binary.BigEndian.Uint32(rest))
			if !yield(rest[lengthLen:end:end], nil) {
				return
			}
			rest = rest[end:]
		}
		if len(rest) > 0 {
			yield(nil, fmt.Errorf("logfile: %d bytes after the last record of the data block: %w", len(rest), base.ErrCorrupt))
		}
	}, nil
}

// DataBlock gathers the content of an AvroData or CDCData block.
type DataBlock struct {
	content []byte
	records uint32
}

// NewDataBlock starts an empty content.
func NewDataBlock() *DataBlock {
	d := &DataBlock{}
	d.Reset()
	return d
}

// Reset empties the content and keeps its memory.
func (d *DataBlock) Reset() {
	d.content = append(d.content[:0], make([]byte, dataPrefixLen)...)
	binary.BigEndian.PutUint32(d.content, dataVersion)
	d.records = 0
}

// Add appends a copy of one record in schema-less Avro binary.
func (d *DataBlock) Add(rec []byte) {
	d.content = binary.BigEndian.AppendUint32(d.content, uint32(len(rec)))
	d.content = append(d.content, rec...)
	d.records++
}

// Len is the number of records added.
func (d *DataBlock) Len() int { return int(d.records) }

// Size is the number of bytes that Content has.
func (d *DataBlock) Size() int { return len(d.content) }

// Content is the block's content so far. It is valid until the next Add or Reset.
func (d *DataBlock) Content() []byte {
	binary.BigEndian.PutUint32(d.content[4:], d.records)
	return d.content
}
