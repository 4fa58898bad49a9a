package logfile

import (
	"encoding/binary"
	"io"
	"maps"
	"slices"
)

// AppendBlock appends a block to dst. Header entries are written in ascending key order,
// which readers do not rely on but which makes equal blocks equal bytes. The content must
// be shorter than 2 GiB, which is all that Java readers take.
func AppendBlock(dst []byte, t BlockType, header map[HeaderKey]string, content []byte) []byte {
	start := len(dst)
	dst = appendHead(dst, t, header, int64(len(content)))
	dst = append(dst, content...)
	return appendTail(dst, int64(len(dst)-start)+footerLen)
}

// WriteBlock writes a block to w without copying its content, and returns the block's size.
func WriteBlock(w io.Writer, t BlockType, header map[HeaderKey]string, content []byte) (int64, error) {
	head := appendHead(nil, t, header, int64(len(content)))
	length := int64(len(head)) + int64(len(content)) + footerLen
	for _, part := range [][]byte{head, content, appendTail(nil, length)} {
		if _, err := w.Write(part); err != nil {
			return 0, err
		}
	}
	return length + sizeLen, nil
}

// appendHead appends everything before a content of the given length.
func appendHead(dst []byte, t BlockType, header map[HeaderKey]string, content int64) []byte {
	size := minBlockSize + content
	for _, v := range header {
		size += headerEntryLen + int64(len(v))
	}
	be := binary.BigEndian
	dst = append(dst, magic...)
	dst = be.AppendUint64(dst, uint64(size))
	dst = be.AppendUint32(dst, formatVersion)
	dst = be.AppendUint32(dst, uint32(t))
	dst = be.AppendUint32(dst, uint32(len(header)))
	for _, k := range slices.Sorted(maps.Keys(header)) {
		dst = be.AppendUint32(dst, uint32(k))
		dst = be.AppendUint32(dst, uint32(len(header[k])))
		dst = append(dst, header[k]...)
	}
	return be.AppendUint64(dst, uint64(content))
}

// appendTail appends the empty footer and the trailing length, which is the block's length
// from its magic to the end of the footer.
func appendTail(dst []byte, length int64) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 0)
	return binary.BigEndian.AppendUint64(dst, uint64(length))
}
