package basefile

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hudi-go/hudi-go/storage"
)

const (
	parquetMagic = "PAR1"
	trailer      = 8        // the length of the metadata and the magic number, at the end
	tailRead     = 64 << 10 // is read at once at the end of a file: it has most footers
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

type keyValue struct{ key, value []byte }

// openFooter reads the footer of a file of that many bytes.
func openFooter(f storage.File) (*footerFile, error) {
	size := f.Size()
	if size < minParquet {
		return nil, fmt.Errorf("%d bytes are no Parquet file", size)
	}
	end, err := readTail(f, min(size, tailRead))
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
	for i := len(f.pairs) - 1; i >= 0; i-- {
		if string(f.pairs[i].key) == key {
			value := string(f.pairs[i].value)
			return &value
		}
	}
	return nil
}

// Types of Thrift's compact protocol, in which the footer is written.
const (
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactI16    = 4
	compactI32    = 5
	compactI64    = 6
	compactDouble = 7
	compactBinary = 8
	compactList   = 9
	compactSet    = 10
	compactMap    = 11
	compactStruct = 12

	pairsField = 5             // of FileMetaData: key_value_metadata
	emptyPairs = compactStruct // the head of a list of no structs
	maxNesting = 32
)

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

// compact steps through a structure in Thrift's compact protocol. After an error all steps
// do nothing.
type compact struct {
	b   []byte
	at  int
	err error
}

func (c *compact) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("at %d: %s", c.at, fmt.Sprintf(format, args...))
	}
}

func (c *compact) byte() byte {
	if c.err != nil || c.at >= len(c.b) {
		c.fail("the bytes end too early")
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

func (c *compact) varint() uint64 {
	if c.err != nil {
		return 0
	}
	v, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 {
		c.fail("no number")
		return 0
	}
	c.at += n
	return v
}

func (c *compact) bytes(n uint64) []byte {
	if c.err != nil || n > uint64(len(c.b)-c.at) {
		c.fail("%d bytes of %d", n, len(c.b)-c.at)
		return nil
	}
	c.at += int(n)
	return c.b[c.at-int(n) : c.at]
}

// field reads the head of the next field of a struct, given the one before; type 0 ends it.
func (c *compact) field(field *int) (kind byte) {
	head := c.byte()
	if c.err != nil || head == 0 {
		return 0
	}
	if delta := head >> 4; delta > 0 {
		*field += int(delta)
	} else {
		id := c.varint()
		*field = int(id>>1) ^ -int(id&1)
	}
	return head & 0xf
}

// list reads the head of a list of structs.
func (c *compact) list() uint64 {
	n, kind := c.listHead()
	if kind != compactStruct && n > 0 {
		c.fail("a list of type %d", kind)
		return 0
	}
	return n
}

func (c *compact) listHead() (n uint64, kind byte) {
	head := c.byte()
	if n = uint64(head >> 4); n == 15 {
		n = c.varint()
	}
	if n > uint64(len(c.b)-c.at) { // an element takes a byte at least
		c.fail("a list of %d", n)
		return 0, 0
	}
	return n, head & 0xf
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

// skip passes over a value.
func (c *compact) skip(kind byte, depth int) {
	if depth > maxNesting {
		c.fail("structures nest deeper than %d", maxNesting)
	}
	if c.err != nil {
		return
	}
	switch kind {
	case compactTrue, compactFalse: // the type is the value
	case compactByte:
		c.byte()
	case compactI16, compactI32, compactI64:
		c.varint()
	case compactDouble:
		c.bytes(8)
	case compactBinary:
		c.bytes(c.varint())
	case compactList, compactSet:
		n, kind := c.listHead()
		for range n {
			if c.err != nil {
				return
			}
			c.skipElement(kind, depth+1)
		}
	case compactMap:
		n := c.varint()
		if n == 0 {
			return
		}
		kinds := c.byte()
		for range n {
			if c.err != nil {
				return
			}
			c.skipElement(kinds>>4, depth+1)
			c.skipElement(kinds&0xf, depth+1)
		}
	case compactStruct:
		for field := 0; c.err == nil; {
			kind := c.field(&field)
			if kind == 0 {
				return
			}
			c.skip(kind, depth+1)
		}
	default:
		c.fail("a value of type %d", kind)
	}
}

// skipElement passes over an element of a list or map, where a boolean takes a byte.
func (c *compact) skipElement(kind byte, depth int) {
	if kind == compactTrue || kind == compactFalse {
		kind = compactByte
	}
	c.skip(kind, depth)
}
