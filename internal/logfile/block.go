// Package logfile reads and writes Hudi log files: the append-only files beside the base
// files of a merge-on-read table, which hold inserts, updates, deletes and rollback marks
// as a sequence of blocks. docs/format/log-files.md has the byte tables.
//
// A Reader walks the blocks of one file and reads only their headers; Scan picks, from
// all log files of a file slice, the blocks that a query must apply, in order; Records
// and Deletes take a block's content apart. AppendBlock, DataBlock and DeleteContent are
// the way back.
package logfile

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/hudi-go/hudi-go/internal/base"
)

// BlockType says what a block carries. The values are those of the file format.
type BlockType int32

// The block types of log format version 1.
const (
	Command     BlockType = iota // a mark without content; the only command is a rollback
	Delete                       // keys of deleted records, see Deletes
	Corrupt                      // never written: a byte range that is no whole block
	AvroData                     // records in Avro binary, see Records
	HFileData                    // records in an embedded HFile (metadata table)
	ParquetData                  // records in an embedded Parquet file
	CDCData                      // change log records of a .cdc file, laid out as AvroData
)

var blockNames = [...]string{"command", "delete", "corrupt", "avro data", "hfile data", "parquet data", "cdc data"}

// String names the type for messages.
func (t BlockType) String() string {
	if t >= 0 && int(t) < len(blockNames) {
		return blockNames[t]
	}
	return "block type " + strconv.Itoa(int(t))
}

// HeaderKey names an entry of a block's header. The values are those of the file format.
type HeaderKey int32

// The header keys. Tables of version 6 use only the first five.
const (
	HeaderInstant       HeaderKey = iota // instant that wrote the block
	HeaderTarget                         // instant that a command rolls back
	HeaderSchema                         // Avro schema of the records, as JSON
	HeaderCommand                        // kind of command: CommandRollback
	HeaderCompacted                      // comma-separated instants whose blocks a log compaction replaced
	HeaderPositions                      // row positions in the base file, base64 of a 64-bit roaring bitmap
	HeaderIdentifier                     // unused by every release since 0.15
	HeaderPartial                        // "true" if the records hold only the changed columns
	HeaderPositionsBase                  // instant of the base file that HeaderPositions counts in
)

// CommandRollback is the value of HeaderCommand in a rollback block.
const CommandRollback = "0"

const (
	magic          = "#HUDI#"
	formatVersion  = 1
	magicLen       = int64(len(magic))
	sizeLen        = 8                                         // the block size after the magic, the content length, the trailing length
	footerLen      = 4                                         // an empty footer map; no footer keys exist
	tailLen        = footerLen + sizeLen + magicLen            // end of a block and the magic of the next
	minBlockSize   = 4 + 4 + 4 + sizeLen + footerLen + sizeLen // version, type, empty header, content length, footer, trailing length
	headerEntryLen = 4 + 4                                     // key and length of a header entry
)

// Block is one block of a log file. Its content stays in the file until Content is called,
// so a Block is good for as long as the io.ReaderAt of its Reader is.
type Block struct {
	Type   BlockType
	Header map[HeaderKey]string // nil for Corrupt
	File   string               // name that NewReader was given
	Offset int64                // of the block's magic in the file
	Size   int64                // bytes from the magic to the end of the trailing length; the whole range for Corrupt

	r             io.ReaderAt
	contentOffset int64
	contentSize   int64
}

// Instant is the instant that wrote the block, "" if the header does not say.
func (b *Block) Instant() string { return b.Header[HeaderInstant] }

// Schema is the Avro schema that the block's records were written with, "" if the header has none.
func (b *Block) Schema() string { return b.Header[HeaderSchema] }

// ContentSize is the number of bytes that Content will return.
func (b *Block) ContentSize() int64 { return b.contentSize }

// Content reads the block's content into new memory; for Corrupt the bytes of the range.
// It may be called from several goroutines.
func (b *Block) Content(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	content := make([]byte, b.contentSize)
	if err := readFull(b.r, content, b.contentOffset); err != nil {
		return nil, fmt.Errorf("logfile: %s: read content of %s block at offset %d: %w", b.File, b.Type, b.Offset, err)
	}
	return content, nil
}

// readFull fills p from offset off. It exists because io.ReaderAt may return io.EOF
// together with a full read.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == io.EOF || err == nil:
		return io.ErrUnexpectedEOF
	}
	return err
}

func corrupt(file string, offset int64, format string, args ...any) error {
	return fmt.Errorf("logfile: %s: block at offset %d: %s: %w", file, offset, fmt.Sprintf(format, args...), base.ErrCorrupt)
}
