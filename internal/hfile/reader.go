package hfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hudi-go/hudi-go/internal/base"
)

// tailLen is how much of a file's end is read at once: of most files it is all that Open
// needs, and of small ones all there is.
const tailLen = 64 << 10

// Reader is an open HFile. It is safe for concurrent use.
type Reader struct {
	unpacker
	name    string
	r       io.ReaderAt
	codec   Codec
	entries int64
	levels  int // of the index of data blocks
	root    []ref
	meta    []ref // the keys are names
	info    map[string][]byte
	end     int64 // of the blocks that the indexes name
	mvcc    bool  // a version follows each value
	tail    []byte
	tailOff int64
	// last is the data block that was read last: one look-up after another is for a neighbour.
	last atomic.Pointer[dataBlock]
}

// Open reads the end of a file: trailer, file info and root index. The name is for errors,
// which wrap base.ErrCorrupt when the bytes break the format, base.ErrUnsupported for what
// Hudi never writes, and otherwise the error of r.
func Open(name string, r io.ReaderAt, size int64) (*Reader, error) {
	f := &Reader{name: name, r: r}
	if size < trailerLen {
		return nil, f.corrupt(0, "%d bytes are too few for a trailer", size)
	}
	f.tailOff = max(0, size-tailLen)
	tail := make([]byte, size-f.tailOff)
	if err := f.readAt(tail, f.tailOff); err != nil {
		return nil, err
	}
	f.tail = tail
	t, err := f.trailer(size - trailerLen)
	if err != nil {
		return nil, err
	}
	if err := f.load(t, size-trailerLen); err != nil {
		return nil, err
	}
	f.tail = nil
	if size <= tailLen { // a small file is held whole
		f.tail = tail
	}
	return f, nil
}

// Len is the number of entries, as the trailer says it.
func (f *Reader) Len() int64 { return f.entries }

// Codec is how the blocks are compressed.
func (f *Reader) Codec() Codec { return f.codec }

// Info returns an entry of the file info.
func (f *Reader) Info(key string) (value []byte, ok bool) {
	value, ok = f.info[key]
	return value, ok
}

// InfoKeys are the names of the entries of the file info, sorted.
func (f *Reader) InfoKeys() []string { return slices.Sorted(maps.Keys(f.info)) }

// LastKey is the greatest key of the file, nil if it has none.
func (f *Reader) LastKey() []byte {
	last, _ := row(f.info[infoLastKey])
	return last
}

// MetaNames are the names of the meta blocks, in their order.
func (f *Reader) MetaNames() []string {
	var names []string
	for _, m := range f.meta {
		names = append(names, string(m.key))
	}
	return names
}

// Schema is the Avro schema of the values as JSON, "" if the file does not say.
func (f *Reader) Schema() string { return string(f.info[InfoSchema]) }

// Meta reads the content of a meta block; ok is false if the file has none of the name.
func (f *Reader) Meta(name string) (content []byte, ok bool, err error) {
	for _, m := range f.meta {
		if string(m.key) == name {
			content, err = f.block(m, metaMagic)
			return content, err == nil, err
		}
	}
	return nil, false, nil
}

// trailer is what the end of a file says.
type trailer struct {
	info, load        int64
	indexed, meta     uint64
	entries           uint64
	levels, codecCode uint64
}

func (f *Reader) trailer(offset int64) (t trailer, err error) {
	b := f.tail[offset-f.tailOff:]
	if string(b[:magicLen]) != trailerMagic {
		return t, f.corrupt(offset, "no trailer; is it an HFile?")
	}
	if v := binary.BigEndian.Uint32(b[len(b)-versionLen:]) & 0xffffff; v != majorVersion {
		return t, fmt.Errorf("hfile: %s: HFile version %d, only %d is known: %w", f.name, v, majorVersion, base.ErrUnsupported)
	}
	message, n := protowire.ConsumeBytes(b[magicLen : len(b)-versionLen])
	if n < 0 {
		return t, f.corrupt(offset, "trailer: %v", protowire.ParseError(n))
	}
	t.codecCode, t.levels = uint64(None), 1
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return t, f.corrupt(offset, "trailer: %v", protowire.ParseError(n))
		}
		message = message[n:]
		if typ != protowire.VarintType {
			if n = protowire.ConsumeFieldValue(num, typ, message); n < 0 {
				return t, f.corrupt(offset, "trailer: %v", protowire.ParseError(n))
			}
			message = message[n:]
			continue
		}
		v, n := protowire.ConsumeVarint(message)
		if n < 0 {
			return t, f.corrupt(offset, "trailer: %v", protowire.ParseError(n))
		}
		message = message[n:]
		switch num {
		case 1:
			t.info = int64(v)
		case 2:
			t.load = int64(v)
		case 5:
			t.indexed = v
		case 6:
			t.meta = v
		case 7:
			t.entries = v
		case 8:
			t.levels = v
		case 12:
			t.codecCode = v
		}
	}
	switch {
	case t.load < 0 || t.info < t.load || t.info > offset-headerLen:
		return t, f.corrupt(offset, "trailer: index at %d and file info at %d do not lie in the file", t.load, t.info)
	case t.levels < 1 || t.levels > maxLevels:
		return t, f.corrupt(offset, "trailer: index of %d levels", t.levels)
	case Codec(t.codecCode) != GZ && Codec(t.codecCode) != None:
		return t, fmt.Errorf("hfile: %s: compression %d, Hudi has gzip (1) and none (2): %w", f.name, t.codecCode, base.ErrUnsupported)
	case t.entries > uint64(1)<<62:
		return t, f.corrupt(offset, "trailer: %d entries", t.entries)
	}
	return t, nil
}

// load reads the root index, the index of meta blocks and the file info, which lie one
// after the other before the trailer.
func (f *Reader) load(t trailer, end int64) error {
	f.codec, f.entries, f.levels = Codec(t.codecCode), int64(t.entries), int(t.levels)
	f.end = end
	if t.load < f.tailOff {
		f.tail, f.tailOff = make([]byte, end-t.load), t.load
		if err := f.readFile(f.tail, t.load); err != nil {
			return err
		}
	}
	root, size, err := f.blockAt(t.load, rootMagic)
	if err != nil {
		return err
	}
	if f.root, err = f.rootIndex(t.load, root, t.indexed, true); err != nil {
		return err
	}
	metaOff := t.load + size
	if t.meta > 0 || metaOff < t.info {
		names, _, err := f.blockAt(metaOff, rootMagic)
		if err != nil {
			return err
		}
		if f.meta, err = f.rootIndex(metaOff, names, t.meta, false); err != nil {
			return err
		}
	}
	info, _, err := f.blockAt(t.info, infoMagic)
	if err != nil {
		return err
	}
	f.end = t.load
	return f.fileInfo(t.info, info)
}

// rootIndex parses a block of count index entries of the root's form.
func (f *Reader) rootIndex(offset int64, b []byte, count uint64, rows bool) ([]ref, error) {
	const minEntry = 8 + 4 + 1
	if count > uint64(len(b)/minEntry) {
		return nil, f.corrupt(offset, "index of %d bytes cannot hold %d entries", len(b), count)
	}
	refs := make([]ref, 0, count)
	for range count {
		if len(b) < minEntry {
			return nil, f.corrupt(offset, "index entry %d is cut off", len(refs))
		}
		r := ref{offset: int64(binary.BigEndian.Uint64(b)), size: int64(int32(binary.BigEndian.Uint32(b[8:])))}
		length, n := vlong(b[12:])
		b = b[12+n:]
		if n == 0 || length < 0 || length > int64(len(b)) {
			return nil, f.corrupt(offset, "index entry %d is cut off", len(refs))
		}
		r.key, b = b[:length:length], b[length:]
		if rows {
			var ok bool
			if r.key, ok = row(r.key); !ok {
				return nil, f.corrupt(offset, "index entry %d has no row", len(refs))
			}
			if len(refs) > 0 && bytes.Compare(refs[len(refs)-1].key, r.key) > 0 {
				return nil, f.corrupt(offset, "index entry %d is out of order", len(refs))
			}
		}
		refs = append(refs, r)
	}
	return refs, nil
}

// innerIndex parses an index block below the root: a count, the places of the entries and
// of their end, then the entries, whose keys end where the next entry begins.
func (f *Reader) innerIndex(offset int64, b []byte) ([]ref, error) {
	const place, minEntry = 4, 8 + 4
	if len(b) < place {
		return nil, f.corrupt(offset, "index block of %d bytes", len(b))
	}
	count := int64(int32(binary.BigEndian.Uint32(b)))
	if count <= 0 || count > int64(len(b)/(place+minEntry)) {
		return nil, f.corrupt(offset, "index block of %d bytes cannot hold %d entries", len(b), count)
	}
	places, entries := b[place:], b[place*(count+2):]
	refs := make([]ref, 0, count)
	for i := range count {
		from := int64(int32(binary.BigEndian.Uint32(places[i*place:])))
		to := int64(int32(binary.BigEndian.Uint32(places[(i+1)*place:])))
		if from < 0 || to-from < minEntry || to > int64(len(entries)) {
			return nil, f.corrupt(offset, "index entry %d lies outside of its block", i)
		}
		e := entries[from:to]
		key, ok := row(e[minEntry:])
		if !ok || i > 0 && bytes.Compare(refs[i-1].key, key) > 0 {
			return nil, f.corrupt(offset, "index entry %d has no row or is out of order", i)
		}
		refs = append(refs, ref{int64(binary.BigEndian.Uint64(e)), int64(int32(binary.BigEndian.Uint32(e[8:]))), key})
	}
	return refs, nil
}

// fileInfo parses the pairs of the file info.
func (f *Reader) fileInfo(offset int64, b []byte) error {
	const prefix = "PBUF"
	b, ok := bytes.CutPrefix(b, []byte(prefix))
	if !ok {
		return f.corrupt(offset, "file info does not begin with %s", prefix)
	}
	message, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return f.corrupt(offset, "file info: %v", protowire.ParseError(n))
	}
	f.info = make(map[string][]byte)
	for len(message) > 0 {
		pair, n := consumeBytes(message, 1)
		if n < 0 {
			return f.corrupt(offset, "file info: %v", protowire.ParseError(n))
		}
		message = message[n:]
		key, n := consumeBytes(pair, 1)
		if n < 0 {
			return f.corrupt(offset, "file info: %v", protowire.ParseError(n))
		}
		value, n := consumeBytes(pair[n:], 2)
		if n < 0 {
			return f.corrupt(offset, "file info: %v", protowire.ParseError(n))
		}
		f.info[string(key)] = value
	}
	if _, tags := f.info[infoTags]; tags {
		return fmt.Errorf("hfile: %s: entries with tags: %w", f.name, base.ErrUnsupported)
	}
	if v := f.info[infoMaxMVCC]; len(v) == 8 && binary.BigEndian.Uint64(v) > 0 {
		return fmt.Errorf("hfile: %s: entries with versions: %w", f.name, base.ErrUnsupported)
	}
	v := f.info[infoKeyVersion]
	f.mvcc = len(v) == 4 && binary.BigEndian.Uint32(v) == 1
	return nil
}

// consumeBytes reads a field of bytes of the given number; n is negative when something
// else stands there.
func consumeBytes(b []byte, want protowire.Number) (v []byte, n int) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return nil, n
	}
	if num != want || typ != protowire.BytesType {
		return nil, -1
	}
	v, m := protowire.ConsumeBytes(b[n:])
	if m < 0 {
		return nil, m
	}
	return v, n + m
}

// blockAt reads a block whose size only its header tells, and returns it with that size.
func (f *Reader) blockAt(offset int64, magic string) (data []byte, size int64, err error) {
	if offset < 0 || offset > f.end-headerLen {
		return nil, 0, f.corrupt(offset, "no room for a block")
	}
	header := make([]byte, headerLen)
	if err := f.readAt(header, offset); err != nil {
		return nil, 0, err
	}
	size = headerLen + int64(int32(binary.BigEndian.Uint32(header[magicLen:])))
	data, err = f.block(ref{offset: offset, size: size}, magic)
	return data, size, err
}

// block reads and decompresses a block.
func (f *Reader) block(r ref, magic string) ([]byte, error) {
	if r.offset < 0 || r.size < headerLen || r.offset > f.end || r.size > f.end-r.offset {
		return nil, f.corrupt(r.offset, "a block of %d bytes does not lie in the file", r.size)
	}
	b := make([]byte, r.size)
	if err := f.readAt(b, r.offset); err != nil {
		return nil, err
	}
	if string(b[:magicLen]) != magic {
		return nil, f.corrupt(r.offset, "block begins with %q, want %q", b[:magicLen], magic)
	}
	plain := int64(int32(binary.BigEndian.Uint32(b[12:])))
	stored := int64(int32(binary.BigEndian.Uint32(b[29:])))
	if stored < headerLen || stored > r.size || plain < 0 || plain > maxBlock {
		return nil, f.corrupt(r.offset, "block of %d bytes says that it stores %d and holds %d", r.size, stored, plain)
	}
	if f.codec == None {
		if plain > stored-headerLen {
			return nil, f.corrupt(r.offset, "block of %d bytes says that it holds %d", r.size, plain)
		}
		return b[headerLen : headerLen+plain : headerLen+plain], nil
	}
	data, err := f.unpack(f.codec, bytes.NewReader(b[headerLen:stored]), int(plain))
	if err != nil {
		return nil, fmt.Errorf("hfile: %s: block at offset %d: %w", f.name, r.offset, err)
	}
	return data, nil
}

// readAt fills p from the tail if that holds it, or else from the file.
func (f *Reader) readAt(p []byte, off int64) error {
	if at := off - f.tailOff; f.tail != nil && at >= 0 && at+int64(len(p)) <= int64(len(f.tail)) {
		copy(p, f.tail[at:])
		return nil
	}
	return f.readFile(p, off)
}

func (f *Reader) readFile(p []byte, off int64) error {
	n, err := f.r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("hfile: %s: read %d bytes at offset %d: %w", f.name, len(p), off, err)
}

func (f *Reader) corrupt(offset int64, format string, args ...any) error {
	return fmt.Errorf("hfile: %s: offset %d: %s: %w", f.name, offset, fmt.Sprintf(format, args...), base.ErrCorrupt)
}
