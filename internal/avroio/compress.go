package avroio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/hudi-go/hudi-go/internal/base"
)

// The codecs of containers.
const (
	nullCodec    = "null"
	deflateCodec = "deflate"
	snappyCodec  = "snappy"
	zstdCodec    = "zstandard"
)

func unknownCodec(codec string) error {
	return fmt.Errorf("avroio: container codec %q: use null, deflate, snappy or zstandard: %w", codec, base.ErrUnsupported)
}

// decompressor decompresses blocks into a buffer that it uses again.
type decompressor struct {
	codec  string
	limit  int // of the decompressed bytes
	stored []byte
	buf    []byte
	flate  io.ReadCloser
	zstd   *zstd.Decoder
}

func newDecompressor(codec string) (*decompressor, error) {
	switch codec {
	case "", nullCodec, deflateCodec, snappyCodec, zstdCodec:
		return &decompressor{codec: codec, limit: maxBlock}, nil
	}
	return nil, unknownCodec(codec)
}

func (d *decompressor) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}

func (d *decompressor) decompress(stored []byte) (data []byte, err error) {
	switch d.codec {
	case deflateCodec:
		data, err = d.inflate(stored)
	case snappyCodec:
		data, err = d.unsnappy(stored)
	case zstdCodec:
		data, err = d.unzstd(stored)
	default:
		return stored, nil
	}
	if err != nil {
		return nil, corrupt("%s: %v", d.codec, err)
	}
	d.buf = data
	return data, nil
}

func (d *decompressor) inflate(stored []byte) ([]byte, error) {
	if d.flate == nil {
		d.flate = flate.NewReader(bytes.NewReader(stored))
	} else if err := d.flate.(flate.Resetter).Reset(bytes.NewReader(stored), nil); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(d.buf[:0])
	n, err := io.Copy(out, io.LimitReader(d.flate, int64(d.limit)+1))
	if err == nil && n > int64(d.limit) {
		err = errTooLarge
	}
	return out.Bytes(), err
}

// unsnappy: the block ends with the checksum of the decompressed bytes.
func (d *decompressor) unsnappy(stored []byte) ([]byte, error) {
	if len(stored) < crc32.Size {
		return nil, io.ErrUnexpectedEOF
	}
	packed, sum := stored[:len(stored)-crc32.Size], stored[len(stored)-crc32.Size:]
	n, err := snappy.DecodedLen(packed)
	if err != nil {
		return nil, err
	}
	// Snappy's best ratio is below 64 to 1: a copy of 64 bytes takes more than one.
	if n > d.limit || n > 64*len(packed) {
		return nil, errTooLarge
	}
	data, err := snappy.Decode(d.buf[:cap(d.buf)], packed)
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(data) != binary.BigEndian.Uint32(sum) {
		return nil, errChecksum
	}
	return data, nil
}

func (d *decompressor) unzstd(stored []byte) (data []byte, err error) {
	if d.zstd == nil {
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(d.limit)))
		if err != nil {
			return nil, err
		}
	}
	return d.zstd.DecodeAll(stored, d.buf[:0])
}

// compressor returns the stored form of a block; it is valid until the next call.
type compressor func(data []byte) ([]byte, error)

func newCompressor(codec string) (compressor, error) {
	var buf []byte
	switch codec {
	case "", nullCodec:
		return func(data []byte) ([]byte, error) { return data, nil }, nil
	case deflateCodec:
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, flate.DefaultCompression)
		if err != nil {
			return nil, fmt.Errorf("avroio: %w", err)
		}
		return func(data []byte) ([]byte, error) {
			out.Reset()
			w.Reset(&out)
			if _, err := w.Write(data); err != nil {
				return nil, err
			}
			err := w.Close()
			return out.Bytes(), err
		}, nil
	case snappyCodec:
		return func(data []byte) ([]byte, error) {
			buf = snappy.Encode(buf[:cap(buf)], data)
			buf = binary.BigEndian.AppendUint32(buf, crc32.ChecksumIEEE(data))
			return buf, nil
		}, nil
	case zstdCodec:
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("avroio: %w", err)
		}
		return func(data []byte) ([]byte, error) {
			buf = w.EncodeAll(data, buf[:0])
			return buf, nil
		}, nil
	}
	return nil, unknownCodec(codec)
}

var (
	errTooLarge = errors.New("the block decompresses to too many bytes")
	errChecksum = errors.New("the checksum is wrong")
)
