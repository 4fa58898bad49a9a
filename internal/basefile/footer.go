package basefile

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/storage"
)

const (
	parquetMagic = "PAR1"
	pairsField   = 5             // of FileMetaData: key_value_metadata
	emptyPairs   = compactStruct // the head of a list of no structs
	trailer      = 8             // the length of the metadata and the magic number, at the end
	tailRead     = 64 << 10      // is read at once at the end of a file: it has most footers
)

// footerFile is a Parquet file whose footer is in memory, without its key-value pairs. Those
// hold the bloom filter, which is longer than all else by far, and would be copied by
// everything that parses the footer.
type footerFile struct {
	storage.File
	at    int64  // where the footer begins
	tail  []byte // the footer without the pairs, to the end of the file
	pairs []keyValue
}

// metadata is the footer without the pairs.
func (f *footerFile) metadata() []byte { return f.tail[:len(f.tail)-trailer] }

type keyValue struct{ key, value []byte }

// openFooter reads the footer of a file of that many bytes.
func openFooter(f storage.File) (*footerFile, error) {
	size := f.Size()
	if size < minParquet {
		return nil, fmt.Errorf("%d bytes are no Parquet file", size)
	}
	first := int64(tailRead)
	if e, ok := f.(*fileEnd); ok {
		first = int64(len(e.end))
	}
	end, err := readTail(f, min(size, first))
	if err != nil {
		return nil, err
	}
	if string(end[len(end)-4:]) != parquetMagic {
		return nil, fmt.Errorf("the last bytes are %q, not %q", end[len(end)-4:], parquetMagic)
	}
	n := int64(binary.LittleEndian.Uint32(end[len(end)-trailer:]))
	if n > size-minParquet {
		return nil, fmt.Errorf("a footer of %d bytes in a file of %d", n, size)
	}
	if n+trailer > int64(len(end)) {
		if end, err = readTail(f, n+trailer); err != nil {
			return nil, err
		}
	}
	metadata := end[int64(len(end))-trailer-n : len(end)-trailer]
	out := &footerFile{File: f, at: size - trailer - n}
	from, to, err := out.readPairs(metadata)
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if from == to {
		out.tail = end[int64(len(end))-trailer-n:]
		return out, nil
	}
	out.tail = append(out.tail, metadata[:from]...)
	out.tail = append(out.tail, emptyPairs)
	out.tail = append(out.tail, metadata[to:]...)
	out.tail = binary.LittleEndian.AppendUint32(out.tail, uint32(len(out.tail)))
	out.tail = append(out.tail, parquetMagic...)
	return out, nil
}

// readTail reads the last n bytes.
func readTail(f storage.File, n int64) ([]byte, error) {
	b := make([]byte, n)
	if got, err := (source{f}).ReadAt(b, f.Size()-n); got < len(b) {
		return nil, err
	}
	return b, nil
}

// Size is that of the file as it is read: without the pairs.
func (f *footerFile) Size() int64 { return f.at + int64(len(f.tail)) }

// ReadAt implements io.ReaderAt.
func (f *footerFile) ReadAt(p []byte, off int64) (n int, err error) {
	if off < f.at {
		n, err = source{f.File}.ReadAt(p[:min(int64(len(p)), f.at-off)], off)
		if n == len(p) || off+int64(n) < f.at {
			return n, err
		}
	}
	if off+int64(n) >= f.Size() {
		return n, io.EOF
	}
	n += copy(p[n:], f.tail[off+int64(n)-f.at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// find returns the value of a key, nil if there is none; of repeated keys the last.
func (f *footerFile) find(key string) *string {
	if value := f.bytes(key); value != nil {
		text := string(value)
		return &text
	}
	return nil
}

// bytes is find without a copy.
func (f *footerFile) bytes(key string) []byte {
	for i := len(f.pairs) - 1; i >= 0; i-- {
		if string(f.pairs[i].key) == key {
			return f.pairs[i].value
		}
	}
	return nil
}

// readPairs reads the key-value pairs and says where their list lies in the metadata.
func (f *footerFile) readPairs(metadata []byte) (from, to int, err error) {
	c := compact{b: metadata}
	for field := 0; ; {
		kind := c.field(&field)
		switch {
		case c.err != nil:
			return 0, 0, c.err
		case kind == 0:
			return from, to, nil
		case field == pairsField && kind == compactList:
			from = c.at
			for range c.list() {
				f.pairs = append(f.pairs, c.pair())
				if c.err != nil {
					return 0, 0, c.err
				}
			}
			to = c.at
		default:
			c.skip(kind, 0)
		}
	}
}

// pair reads a KeyValue: field 1 is the key, field 2 the value.
func (c *compact) pair() (p keyValue) {
	for field := 0; c.err == nil; {
		switch kind := c.field(&field); {
		case kind == 0:
			return p
		case kind == compactBinary && field == 1:
			p.key = c.bytes(c.varint())
		case kind == compactBinary && field == 2:
			p.value = c.bytes(c.varint())
		default:
			c.skip(kind, 0)
		}
	}
	return p
}

// OpenFooter opens a file of that size for what its footer says alone; footer are its last bytes,
// from the footer on (Summary.Footer).
func OpenFooter(ctx context.Context, footer []byte, size int64, name string, alloc memory.Allocator) (*Reader, error) {
	return Open(ctx, &fileEnd{footer, size}, name, alloc)
}

// fileEnd is a file of which only the end is at hand.
type fileEnd struct {
	end  []byte
	size int64
}

func (f *fileEnd) Size() int64  { return f.size }
func (f *fileEnd) Close() error { return nil }

func (f *fileEnd) ReadAt(p []byte, off int64) (int, error) {
	at := off - (f.size - int64(len(f.end)))
	if at < 0 {
		return 0, fmt.Errorf("of the bytes before %d nothing is at hand", f.size-int64(len(f.end)))
	}
	n := copy(p, f.end[min(at, int64(len(f.end))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
