package logfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hudi-go/hudi-go/internal/base"
)

// windowSize is how much a Reader reads at a time. One read gets the end of a block
// together with the header of the next, schema included.
const windowSize = 16 << 10

// Reader walks the blocks of one log file. It reads headers, never contents, and needs
// about one read per block. It is not safe for concurrent use; its Blocks are.
type Reader struct {
	name string
	r    io.ReaderAt
	size int64
	pos  int64  // offset of the next block
	head window // around pos
	tail window // around the end of the current block
}

// window is a part of the file held in memory.
type window struct {
	off int64
	buf []byte
}

func (w *window) holds(off, n int64) bool {
	return off >= w.off && off+n <= w.off+int64(len(w.buf))
}

// from is what the window holds from off on.
func (w *window) from(off int64) []byte { return w.buf[off-w.off:] }

// NewReader reads the log file called name, of size bytes, from r. It does no I/O yet.
func NewReader(name string, r io.ReaderAt, size int64) *Reader {
	return &Reader{name: name, r: r, size: size}
}

// Name is the file's name as given to NewReader.
func (r *Reader) Name() string { return r.name }

// Next returns the next block, or io.EOF after the last. A range that an unfinished append
// or a damage left behind comes as a Corrupt block, after which reading goes on. A file
// that does not begin with a block, and a block that is framed well but makes no sense
// inside, are errors that wrap base.ErrCorrupt; a log format or block type that this
// library does not know wraps base.ErrUnsupported. An error repeats on the next call.
func (r *Reader) Next() (*Block, error) {
	left := r.size - r.pos
	if left <= 0 {
		return nil, io.EOF
	}
	if left < magicLen {
		return r.corruptTo(r.size), nil // an append that ended within the magic
	}
	mark, err := r.view(&r.head, r.pos, magicLen)
	if err != nil {
		return nil, err
	}
	if string(mark) != magic {
		// After a whole block this cannot happen: framed checks what follows it.
		return nil, corrupt(r.name, r.pos, "no Hudi log file: want %q, got %q", magic, mark)
	}
	size, whole, err := r.framed()
	if err != nil {
		return nil, err
	}
	if !whole {
		end, err := r.nextMagic(r.pos + magicLen)
		if err != nil {
			return nil, err
		}
		return r.corruptTo(end), nil
	}
	end := r.pos + magicLen + sizeLen + size
	b, err := r.block(end)
	if err != nil {
		return nil, err
	}
	r.pos = end
	if !r.head.holds(end, magicLen) {
		r.head, r.tail = r.tail, r.head
	}
	return b, nil
}

// corruptTo makes the range from the current position to end a Corrupt block.
func (r *Reader) corruptTo(end int64) *Block {
	b := &Block{
		Type: Corrupt, File: r.name, Offset: r.pos, Size: end - r.pos,
		r: r.r, contentOffset: r.pos, contentSize: end - r.pos,
	}
	r.pos = end
	return b
}

// framed reads the size of the block at the current position and tells whether the block
// is whole: inside the file, with an equal trailing length, and followed by another block
// or the end of the file (docs/format/log-files.md, Corrupt blocks). Fewer bytes than a
// magic count as the end, as they do for Java.
func (r *Reader) framed() (size int64, whole bool, err error) {
	start := r.pos + magicLen
	if r.size-start < sizeLen+minBlockSize {
		return 0, false, nil
	}
	b, err := r.view(&r.head, start, sizeLen)
	if err != nil {
		return 0, false, err
	}
	size = int64(binary.BigEndian.Uint64(b))
	if size < minBlockSize || size > r.size-start-sizeLen {
		return 0, false, nil
	}
	from := start + sizeLen + size - sizeLen - footerLen
	n := min(tailLen, r.size-from)
	w := &r.head
	if !w.holds(from, n) {
		w = &r.tail
	}
	b, err = r.view(w, from, n)
	if err != nil {
		return 0, false, err
	}
	trailing, next := int64(binary.BigEndian.Uint64(b[footerLen:])), b[footerLen+sizeLen:]
	whole = trailing == size+magicLen && (int64(len(next)) < magicLen || string(next) == magic)
	return size, whole, nil
}

// block parses the block at the current position, which ends at end.
func (r *Reader) block(end int64) (*Block, error) {
	const fixed = 4 + 4
	limit := end - sizeLen - footerLen
	p := r.pos + magicLen + sizeLen
	v, err := r.view(&r.head, p, fixed)
	if err != nil {
		return nil, err
	}
	version, typ := int32(binary.BigEndian.Uint32(v)), BlockType(binary.BigEndian.Uint32(v[4:]))
	if version != formatVersion {
		return nil, fmt.Errorf("logfile: %s: block at offset %d has log format version %d, only %d is known: %w",
			r.name, r.pos, version, formatVersion, base.ErrUnsupported)
	}
	if typ < Command || typ > CDCData {
		return nil, fmt.Errorf("logfile: %s: block at offset %d is of unknown %s: %w", r.name, r.pos, typ, base.ErrUnsupported)
	}
	if typ == Corrupt {
		return nil, corrupt(r.name, r.pos, "type %s is never written", typ)
	}
	header, p, err := r.header(p+fixed, limit-sizeLen)
	if err != nil {
		return nil, err
	}
	if v, err = r.view(&r.head, p, sizeLen); err != nil {
		return nil, err
	}
	p += sizeLen
	content := int64(binary.BigEndian.Uint64(v))
	if content < 0 || content > limit-p {
		return nil, corrupt(r.name, r.pos, "content of %d bytes does not fit into the block", content)
	}
	return &Block{
		Type: typ, Header: header, File: r.name, Offset: r.pos, Size: end - r.pos,
		r: r.r, contentOffset: p, contentSize: content,
	}, nil
}

// header reads the header map at p, which must end by limit, and returns what follows it.
func (r *Reader) header(p, limit int64) (map[HeaderKey]string, int64, error) {
	v, err := r.view(&r.head, p, 4)
	if err != nil {
		return nil, 0, err
	}
	p += 4
	n := int64(int32(binary.BigEndian.Uint32(v)))
	if n < 0 || n > (limit-p)/headerEntryLen {
		return nil, 0, corrupt(r.name, r.pos, "%d header entries do not fit into the block", n)
	}
	header := make(map[HeaderKey]string)
	for range n {
		if limit-p < headerEntryLen {
			return nil, 0, corrupt(r.name, r.pos, "header runs out of the block")
		}
		if v, err = r.view(&r.head, p, headerEntryLen); err != nil {
			return nil, 0, err
		}
		p += headerEntryLen
		key, length := HeaderKey(binary.BigEndian.Uint32(v)), int64(int32(binary.BigEndian.Uint32(v[4:])))
		if length < 0 || length > limit-p {
			return nil, 0, corrupt(r.name, r.pos, "header value of %d bytes does not fit into the block", length)
		}
		if v, err = r.view(&r.head, p, length); err != nil {
			return nil, 0, err
		}
		header[key] = string(v)
		p += length
	}
	return header, p, nil
}

// nextMagic finds the next magic at or after from, or the end of the file.
func (r *Reader) nextMagic(from int64) (int64, error) {
	for r.size-from >= magicLen {
		if _, err := r.view(&r.head, from, magicLen); err != nil {
			return 0, err
		}
		held := r.head.from(from)
		if i := bytes.Index(held, []byte(magic)); i >= 0 {
			return from + int64(i), nil
		}
		from += int64(len(held)) - magicLen + 1
	}
	return r.size, nil
}

// view returns n bytes of the file at off, which the caller has checked to lie inside it.
// They are valid until the window's next move.
func (r *Reader) view(w *window, off, n int64) ([]byte, error) {
	if !w.holds(off, n) {
		want := min(max(n, windowSize), r.size-off)
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.off, w.buf = off, w.buf[:want]
		if err := readFull(r.r, w.buf, off); err != nil {
			w.buf = w.buf[:0]
			return nil, fmt.Errorf("logfile: %s: read %d bytes at offset %d: %w", r.name, want, off, err)
		}
	}
	return w.from(off)[:n], nil
}
