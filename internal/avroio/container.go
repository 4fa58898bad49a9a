package avroio

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/hudi-go/hudi-go/internal/base"
)

const (
	magic    = "Obj\x01"
	syncSize = 16

	schemaKey = "avro.schema"
	codecKey  = "avro.codec"

	// maxBlock bounds a block, stored and decompressed, and a value of the header.
	maxBlock = 1 << 28
	// maxHeaderEntries bounds the metadata; real files have two or three entries.
	maxHeaderEntries = 1 << 10
)

// Block is a run of records as a container stores them: Count records one after the other,
// decompressed. Data is valid until the next step of the iteration.
type Block struct {
	Count int64
	Data  []byte
}

// Containers reads a container's header and returns the schema of its records and its
// blocks, which can be iterated once. Codecs are null, deflate, snappy and zstandard. Errors
// wrap base.ErrCorrupt for bytes that break the format, base.ErrUnsupported for other codecs,
// or are r's own.
func Containers(r io.Reader) (schemaJSON string, blocks iter.Seq2[Block, error], err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	meta, sync, err := readHeader(in)
	if err != nil {
		return "", nil, fmt.Errorf("avroio: container header: %w", err)
	}
	schema, ok := meta[schemaKey]
	if !ok {
		return "", nil, fmt.Errorf("avroio: the container has no schema: %w", base.ErrCorrupt)
	}
	codec := string(meta[codecKey])
	d, err := newDecompressor(codec)
	if err != nil {
		return "", nil, err
	}
	return string(schema), func(yield func(Block, error) bool) {
		defer d.close()
		for number := 0; ; number++ {
			block, err := readBlock(in, d, sync)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Block{}, fmt.Errorf("avroio: container block %d: %w", number, err))
				return
			}
			if !yield(block, nil) {
				return
			}
		}
	}, nil
}

func readHeader(in *bufio.Reader) (meta map[string][]byte, sync [syncSize]byte, err error) {
	var head [len(magic)]byte
	if _, err := io.ReadFull(in, head[:]); err != nil || string(head[:]) != magic {
		return nil, sync, broken(err, "this is no Avro container")
	}
	meta = make(map[string][]byte)
	for {
		n, err := readLong(in)
		if err != nil {
			return nil, sync, broken(err, "cut off")
		}
		if n == 0 {
			break
		}
		if n < 0 {
			n = -n
			if _, err := readLong(in); err != nil {
				return nil, sync, broken(err, "cut off")
			}
		}
		if n < 0 || n+int64(len(meta)) > maxHeaderEntries {
			return nil, sync, corrupt("more than %d entries of metadata", maxHeaderEntries)
		}
		for range n {
			key, err := readSized(in, nil)
			if err != nil {
				return nil, sync, err
			}
			value, err := readSized(in, nil)
			if err != nil {
				return nil, sync, err
			}
			meta[string(key)] = value
		}
	}
	if _, err := io.ReadFull(in, sync[:]); err != nil {
		return nil, sync, broken(err, "cut off")
	}
	return meta, sync, nil
}

// readBlock returns io.EOF, and nothing else, at the end of the container.
func readBlock(in *bufio.Reader, d *decompressor, sync [syncSize]byte) (Block, error) {
	if _, err := in.Peek(1); err != nil {
		return Block{}, err
	}
	count, err := readLong(in)
	if err != nil || count < 0 {
		return Block{}, broken(err, "no count of records")
	}
	if d.stored, err = readSized(in, d.stored); err != nil {
		return Block{}, err
	}
	var end [syncSize]byte
	if _, err := io.ReadFull(in, end[:]); err != nil || end != sync {
		return Block{}, broken(err, "the sync marker is missing")
	}
	data, err := d.decompress(d.stored)
	if err != nil {
		return Block{}, err
	}
	return Block{Count: count, Data: data}, nil
}

// readSized reads a length and that many bytes into buf. Memory grows with what is there,
// not with what is declared.
func readSized(in *bufio.Reader, buf []byte) ([]byte, error) {
	n, err := readLong(in)
	if err != nil {
		return nil, broken(err, "cut off")
	}
	if n < 0 || n > maxBlock {
		return nil, corrupt("a length of %d bytes, at most %d are read", n, maxBlock)
	}
	if n <= int64(cap(buf)) {
		buf = buf[:n]
		_, err = io.ReadFull(in, buf)
		return buf, asCorrupt(err)
	}
	b := bytes.NewBuffer(buf[:0])
	if _, err = io.CopyN(b, in, n); err != nil {
		return nil, broken(err, "cut off")
	}
	return b.Bytes(), nil
}

// readLong reads a number. (binary.ReadVarint has no error of its own for one that is too long.)
func readLong(in *bufio.Reader) (int64, error) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(v>>1) ^ -int64(v&1), nil
		}
	}
	return 0, corrupt("a number is too long")
}

// broken is the error of a format that is not kept, or r's own error if there was one.
func broken(err error, message string) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return corrupt("%s", message)
	}
	return err
}

func asCorrupt(err error) error {
	if err == nil {
		return nil
	}
	return broken(err, "cut off")
}

// ContainerWriter writes a container block by block.
type ContainerWriter struct {
	w     io.Writer
	c     compressor
	sync  [syncSize]byte
	block []byte
}

// NewContainerWriter writes a container's header to w. codec is null (or empty), deflate,
// snappy or zstandard; the error for any other wraps base.ErrUnsupported. Other errors are w's.
func NewContainerWriter(w io.Writer, schemaJSON, codec string) (*ContainerWriter, error) {
	var sync [syncSize]byte
	if _, err := rand.Read(sync[:]); err != nil {
		return nil, fmt.Errorf("avroio: sync marker: %w", err)
	}
	return newContainerWriter(w, schemaJSON, codec, sync)
}

func newContainerWriter(w io.Writer, schemaJSON, codec string, sync [syncSize]byte) (*ContainerWriter, error) {
	c, err := newCompressor(codec)
	if err != nil {
		return nil, err
	}
	// Real Hudi leaves the codec out when there is none.
	head := []byte(magic)
	if codec == "" || codec == nullCodec {
		head = binary.AppendVarint(head, 1)
	} else {
		head = binary.AppendVarint(head, 2)
		head = appendBytes(head, codecKey)
		head = appendBytes(head, codec)
	}
	head = appendBytes(head, schemaKey)
	head = appendBytes(head, schemaJSON)
	head = append(head, 0)
	head = append(head, sync[:]...)
	if _, err := w.Write(head); err != nil {
		return nil, fmt.Errorf("avroio: writing the container header: %w", err)
	}
	return &ContainerWriter{w: w, c: c, sync: sync}, nil
}

// WriteBlock writes count encoded records. Readers refuse blocks of more than 256 MiB.
func (w *ContainerWriter) WriteBlock(count int64, data []byte) error {
	stored, err := w.c(data)
	if err != nil {
		return fmt.Errorf("avroio: compressing a block: %w", err)
	}
	if len(data) > maxBlock || len(stored) > maxBlock {
		return fmt.Errorf("avroio: a block of %d bytes, at most %d are allowed: %w", len(data), maxBlock, base.ErrInvalid)
	}
	w.block = binary.AppendVarint(w.block[:0], count)
	w.block = appendBytes(w.block, stored)
	w.block = append(w.block, w.sync[:]...)
	if _, err := w.w.Write(w.block); err != nil {
		return fmt.Errorf("avroio: writing a block: %w", err)
	}
	return nil
}
