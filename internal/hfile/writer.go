package hfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hudi-go/hudi-go/internal/base"
)

// blockSize is where a data block ends. Hudi's own default of a megabyte makes its native
// reader lose entries in some cases.
const blockSize = 64 << 10

// comparator names the order of keys; readers of HBase load the class of that name.
const comparator = "org.apache.hudi.io.storage.HoodieHBaseKVComparator"

// Writer writes an HFile as a stream, in the layout of Hudi's native writer, which the
// readers of every release take. After an error all further calls return it.
type Writer struct {
	w       io.Writer
	codec   Codec
	created time.Time
	size    int // where a data block ends

	off   int64 // of what is written next
	block []byte
	first []byte // key of the block's first entry
	last  []byte
	index []ref
	meta  map[string][]byte
	info  map[string][]byte

	zip    *gzip.Writer // one for all blocks: it is larger than they are
	zipped bytes.Buffer

	entries, keyBytes, valueBytes int64
	plain                         int64 // bytes of data blocks before compression
	err                           error
}

// NewWriter starts a file. The time is put into the file info.
func NewWriter(w io.Writer, codec Codec, created time.Time) *Writer {
	return &Writer{w: w, codec: codec, created: created, size: blockSize, meta: map[string][]byte{}, info: map[string][]byte{}}
}

// SetBlockSize says where data blocks end from now on, 64 KiB unless it does. A look-up reads
// a whole block.
func (w *Writer) SetBlockSize(bytes int) { w.size = bytes }

// Add appends an entry. Keys must be greater than the ones before and have less than
// 32 KiB; other keys wrap base.ErrInvalid. The bytes are copied.
func (w *Writer) Add(key, value []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case len(key) > math.MaxInt16-rowPrefix-keySuffix:
		w.err = fmt.Errorf("hfile: a key of %d bytes: %w", len(key), base.ErrInvalid)
	case len(value) > maxBlock-blockSize:
		w.err = fmt.Errorf("hfile: a value of %d bytes for key %q: %w", len(value), key, base.ErrInvalid)
	case w.entries > 0 && bytes.Compare(key, w.last) <= 0:
		w.err = fmt.Errorf("hfile: key %q after %q: %w", key, w.last, base.ErrInvalid)
	}
	if w.err != nil {
		return w.err
	}
	if len(w.block) > 0 && len(w.block)+entryLen(key, value) > w.size {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if len(w.block) == 0 {
		w.first = bytes.Clone(key)
	}
	w.block = appendEntry(w.block, key, value)
	w.last = append(w.last[:0], key...)
	w.entries++
	w.keyBytes += int64(len(key)) // as the native writer counts; HBase counts what surrounds the row
	w.valueBytes += int64(len(value))
	return nil
}

// SetInfo puts an entry into the file info.
func (w *Writer) SetInfo(key string, value []byte) { w.info[key] = value }

// SetMeta gives the file a meta block.
func (w *Writer) SetMeta(name string, content []byte) { w.meta[name] = content }

// Size is the number of bytes written, after Close those of the file.
func (w *Writer) Size() int64 { return w.off }

// flush writes the data block that has been gathered.
func (w *Writer) flush() error {
	previous := int64(-1)
	if len(w.index) > 0 {
		previous = w.index[len(w.index)-1].offset
	}
	r := w.put(dataMagic, previous, w.block)
	r.key = w.first
	w.index = append(w.index, r)
	w.plain += int64(len(w.block))
	w.block = w.block[:0]
	return w.err
}

// Close writes what follows the data: meta blocks, indexes, file info and trailer. It does
// not close the underlying writer.
func (w *Writer) Close() error {
	if w.err == nil && len(w.block) > 0 {
		w.err = w.flush()
	}
	firstData, lastData := int64(-1), int64(-1)
	if n := len(w.index); n > 0 {
		firstData, lastData = w.index[0].offset, w.index[n-1].offset
	}
	var names []byte
	for _, name := range slices.Sorted(maps.Keys(w.meta)) {
		r := w.put(metaMagic, -1, w.meta[name])
		names = append(appendVint(appendRef(names, r), len(name)), name...)
	}
	load := w.off
	var root []byte
	for _, r := range w.index {
		root = appendKey(appendVint(appendRef(root, r), rowPrefix+len(r.key)+keySuffix), r.key)
	}
	w.put(rootMagic, -1, root)
	w.put(rootMagic, -1, names)
	info := w.off
	w.put(infoMagic, -1, w.fileInfo())
	w.write(w.trailer([...]field{
		{1, info}, {2, load}, {3, w.plain}, {4, w.plain}, {5, int64(len(w.index))}, {6, int64(len(w.meta))},
		{7, w.entries}, {8, 1}, {9, firstData}, {10, lastData},
	}))
	return w.err
}

func appendRef(dst []byte, r ref) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, uint64(r.offset)), uint32(r.size))
}

// fileInfo is the content of the file info block, its entries in the order of keys.
func (w *Writer) fileInfo() []byte {
	mean := func(total int64) []byte {
		return binary.BigEndian.AppendUint32(nil, uint32(total/max(w.entries, 1)))
	}
	w.info[infoAvgKey] = mean(w.keyBytes)
	w.info[infoAvgValue] = mean(w.valueBytes)
	w.info[infoCreated] = binary.BigEndian.AppendUint64(nil, uint64(w.created.UnixMilli()))
	w.info[infoKeyVersion] = binary.BigEndian.AppendUint32(nil, 1)
	w.info[infoMaxMVCC] = make([]byte, 8)
	if w.entries > 0 { // HBase fails on an empty one
		w.info[infoLastKey] = appendKey(nil, w.last)
	}
	var pairs []byte
	for _, key := range slices.Sorted(maps.Keys(w.info)) {
		pair := appendBytes(appendBytes(nil, 1, []byte(key)), 2, w.info[key])
		pairs = appendBytes(pairs, 1, pair)
	}
	return protowire.AppendBytes([]byte("PBUF"), pairs)
}

func appendBytes(dst []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, n, protowire.BytesType), v)
}

// field is a number of the trailer.
type field struct {
	number protowire.Number
	value  int64
}

func (w *Writer) trailer(fields [10]field) []byte {
	var message []byte
	for _, f := range fields {
		message = protowire.AppendVarint(protowire.AppendTag(message, f.number, protowire.VarintType), uint64(f.value))
	}
	message = appendBytes(message, 11, []byte(comparator))
	message = protowire.AppendVarint(protowire.AppendTag(message, 12, protowire.VarintType), uint64(w.codec))
	t := make([]byte, trailerLen)
	copy(t, protowire.AppendBytes([]byte(trailerMagic), message))
	binary.BigEndian.PutUint32(t[trailerLen-versionLen:], majorVersion)
	return t
}

// put writes a block and says where it lies. The checksums are of type none and zero.
func (w *Writer) put(magic string, previous int64, data []byte) ref {
	stored := data
	if w.codec == GZ {
		stored = w.compress(data)
	}
	sums := checksums(len(stored))
	b := make([]byte, 0, headerLen+len(stored)+sums)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(stored)+sums))
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	b = binary.BigEndian.AppendUint64(b, uint64(previous))
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, bytesPerChecksum)
	b = binary.BigEndian.AppendUint32(b, uint32(headerLen+len(stored)))
	b = append(append(b, stored...), make([]byte, sums)...)
	r := ref{offset: w.off, size: int64(len(b))}
	w.write(b)
	return r
}

// compress returns data compressed; the result is good until the next call.
func (w *Writer) compress(data []byte) []byte {
	w.zipped.Reset()
	if w.zip == nil {
		w.zip = gzip.NewWriter(&w.zipped)
	} else {
		w.zip.Reset(&w.zipped)
	}
	_, err := w.zip.Write(data)
	if err == nil {
		err = w.zip.Close()
	}
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("hfile: compress: %w", err)
	}
	return w.zipped.Bytes()
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	w.off += int64(n)
	if err != nil {
		w.err = fmt.Errorf("hfile: write: %w", err)
	}
}
