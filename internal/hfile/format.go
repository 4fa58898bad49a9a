// Package hfile reads and writes HFile version 3: sorted keys with their values, in
// compressed blocks under an index. Hudi keeps its metadata table in such files, alone as
// base files and inside the blocks of log files. docs/format/hfile.md has the byte tables.
//
// A Reader reads the end of a file when it is opened and then only the blocks that hold
// what it is asked for. Files of both of Hudi's writers are read: HBase's (0.15, 1.0) and
// the native one (1.2), whose layout a Writer follows.
package hfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Codec says how the blocks of a file are compressed. The values are those of the format.
type Codec uint32

// The codecs that Hudi's own reader knows. HBase has numbers for others, which are refused.
const (
	GZ   Codec = 1
	None Codec = 2
)

// String is the codec's name for messages.
func (c Codec) String() string {
	switch c {
	case GZ:
		return "gzip"
	case None:
		return "none"
	}
	return fmt.Sprintf("codec %d", uint32(c))
}

const (
	dataMagic  = "DATABLK*"
	metaMagic  = "METABLKc"
	rootMagic  = "IDXROOT2" // the index of data blocks or of the blocks below it, and the index of meta blocks
	innerMagic = "IDXINTE2" // an index block between the root and the leaves
	leafMagic  = "IDXLEAF2" // an index block that names data blocks
	infoMagic  = "FILEINF2"

	trailerMagic = "TRABLK\"$"
	trailerLen   = 4096
	versionLen   = 4 // the end of the trailer: minor version, three bytes of major version
	majorVersion = 3

	magicLen         = len(dataMagic)
	headerLen        = 33
	bytesPerChecksum = 16384
	checksumLen      = 4

	// maxBlock bounds what one block may take when decompressed. Hudi's blocks have a
	// megabyte, or as much as one entry needs.
	maxBlock = 256 << 20
	// maxLevels bounds the depth of the index; HBase needs three for a terabyte.
	maxLevels = 8
)

// The entries of the file info that readers and writers of this package know.
const (
	InfoSchema     = "schema"              // Avro schema of the values, as JSON
	InfoMinKey     = "minRecordKey"        // smallest key, beside a bloom filter
	InfoMaxKey     = "maxRecordKey"        // greatest key, beside a bloom filter
	InfoBloomType  = "bloomFilterTypeCode" // kind of the bloom filter
	infoLastKey    = "hfile.LASTKEY"
	infoAvgKey     = "hfile.AVG_KEY_LEN"
	infoAvgValue   = "hfile.AVG_VALUE_LEN"
	infoCreated    = "hfile.CREATE_TIME_TS"
	infoTags       = "hfile.MAX_TAGS_LEN"
	infoKeyVersion = "KEY_VALUE_VERSION"
	infoMaxMVCC    = "MAX_MEMSTORE_TS_KEY"
)

// MetaBloom is the name of the meta block that holds the bloom filter of a base file.
const MetaBloom = "bloomFilter"

// An entry of a data block is a key of the row, family, time and type, a value, and a
// version. Hudi uses the row alone.
const (
	entryPrefix = 4 + 4     // lengths of key and value
	rowPrefix   = 2         // length of the row
	keySuffix   = 1 + 8 + 1 // no family, the time, the type
	keyType     = 4         // put
	latestTime  = 1<<63 - 1
)

// Entry is a key with its value. They are parts of the block that was read, which nothing
// writes to any more.
type Entry struct {
	Key, Value []byte
}

// ref is an entry of an index: where a block lies, and a key that is greater than every
// key before the block and not greater than any in it.
type ref struct {
	offset int64
	size   int64 // header included
	key    []byte
}

// appendEntry writes an entry of a data block.
func appendEntry(dst, key, value []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(rowPrefix+len(key)+keySuffix))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(append(appendKey(dst, key), value...), 0)
}

// appendKey writes a whole key, also in the index and as the last key: Hudi's native writer
// puts rows alone there, and HBase's reader, which 0.15 and 1.0 use, fails when it looks for
// one of them.
func appendKey(dst, key []byte) []byte {
	dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(key))), key...)
	dst = binary.BigEndian.AppendUint64(append(dst, 0), latestTime)
	return append(dst, keyType)
}

func entryLen(key, value []byte) int {
	return entryPrefix + rowPrefix + len(key) + keySuffix + len(value) + 1
}

// row takes the row out of the key of an index entry, or of the file's last key.
func row(key []byte) ([]byte, bool) {
	if len(key) < rowPrefix {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(key))
	if n > len(key)-rowPrefix {
		return nil, false
	}
	return key[rowPrefix : rowPrefix+n : rowPrefix+n], true
}

// vlong reads Hadoop's number of variable length; n is 0 when it is cut off.
func vlong(b []byte) (v int64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	first := int8(b[0])
	if first >= -112 {
		return int64(first), 1
	}
	negative, size := false, -112-int(first)
	if first < -120 {
		negative, size = true, -120-int(first)
	}
	if len(b) < 1+size {
		return 0, 0
	}
	for _, c := range b[1 : 1+size] {
		v = v<<8 | int64(c)
	}
	if negative {
		v = ^v
	}
	return v, 1 + size
}

// appendVint writes a length as Hadoop's number of variable length.
func appendVint(dst []byte, v int) []byte {
	if v <= 127 {
		return append(dst, byte(v))
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(v))
	skip := 0
	for b[skip] == 0 {
		skip++
	}
	return append(append(dst, byte(-112-(len(b)-skip))), b[skip:]...)
}

// checksums is how many bytes of checksums follow stored data of a length.
func checksums(stored int) int {
	return (headerLen + stored + bytesPerChecksum - 1) / bytesPerChecksum * checksumLen
}

// unpacker decompresses blocks. What that takes is larger than they are, and kept.
type unpacker struct{ zips sync.Pool }

// unpack returns the size bytes that stored holds.
func (u *unpacker) unpack(c Codec, stored io.Reader, size int) ([]byte, error) {
	if c == GZ {
		z, ok := u.zips.Get().(*gzip.Reader)
		if !ok {
			z = new(gzip.Reader)
		}
		defer u.zips.Put(z)
		if err := z.Reset(stored); err != nil {
			return nil, fmt.Errorf("gzip: %w: %w", err, base.ErrCorrupt)
		}
		stored = z
	}
	// The memory grows with what comes, whatever size says.
	const trusted = 1 << 20
	b := bytes.NewBuffer(make([]byte, 0, min(size+bytes.MinRead, trusted)))
	if _, err := b.ReadFrom(io.LimitReader(stored, int64(size)+1)); err != nil {
		return nil, fmt.Errorf("decompress: %w: %w", err, base.ErrCorrupt)
	}
	data := b.Bytes()
	if len(data) != size {
		return nil, fmt.Errorf("the block has %d bytes or more, its header says %d: %w", len(data), size, base.ErrCorrupt)
	}
	return data, nil
}
