package avroarrow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
)

// appendFields appends the values of a program in row.
func appendFields(program []source, dst []byte, row int) ([]byte, error) {
	var err error
	for i := range program {
		s := &program[i]
		at := s.base + row
		if s.absent || s.valid != nil && s.valid[at>>3]&(1<<(at&7)) == 0 {
			if !s.union {
				return nil, s.errorf("null, which the schema does not allow")
			}
			dst = append(dst, s.null)
			continue
		}
		if s.union {
			dst = append(dst, secondBranch-s.null)
		}
		switch s.op {
		case opLong:
			dst = appendNumber(dst, int64(s.w64[at]))
		case opBytes:
			value := s.data[s.w32[at]:s.w32[at+1]]
			dst = append(appendNumber(dst, int64(len(value))), value...)
		case opInt:
			dst = appendNumber(dst, int64(int32(s.w32[at])))
		case opDouble:
			dst = binary.LittleEndian.AppendUint64(dst, s.w64[at])
		case opFloat:
			dst = binary.LittleEndian.AppendUint32(dst, s.w32[at])
		case opBool:
			dst = append(dst, s.data[at>>3]>>(at&7)&1)
		case opFixed:
			dst = append(dst, s.data[at*s.size:(at+1)*s.size]...)
		case opDecimal, opFixedDecimal:
			dst, err = s.appendDecimal(dst, at)
		case opEnum:
			dst, err = s.appendEnum(dst, at)
		case opRecord:
			dst, err = appendFields(s.kids, dst, row)
		case opList:
			dst, err = s.appendList(dst, at)
		}
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendNumber appends a zig-zag number.
func appendNumber(dst []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	if u < 0x80 {
		return append(dst, byte(u))
	}
	return binary.AppendUvarint(dst, u)
}

// appendDecimal appends a two's complement number, big-endian: of size bytes, or after its
// length of as few as it needs, like Java.
func (s *source) appendDecimal(dst []byte, at int) ([]byte, error) {
	lo, hi := s.w64[2*at], s.w64[2*at+1]
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	sign := byte(int64(hi) >> 63)
	skip := 0
	for skip < len(b)-1 && b[skip] == sign && (b[skip+1]^sign)&0x80 == 0 {
		skip++
	}
	value := b[skip:]
	if s.op == opDecimal {
		return append(append(dst, byte(2*len(value))), value...), nil
	}
	if len(value) > s.size {
		return nil, s.errorf("a decimal needs %d bytes, the schema gives it %d", len(value), s.size)
	}
	for range s.size - len(value) {
		dst = append(dst, sign)
	}
	return append(dst, value...), nil
}

// appendEnum appends the number of a symbol.
func (s *source) appendEnum(dst []byte, at int) ([]byte, error) {
	text := s.data[s.w32[at]:s.w32[at+1]]
	i, ok := slices.BinarySearchFunc(s.symbols, text, func(s symbol, text []byte) int { return bytes.Compare(s.text, text) })
	if !ok {
		return nil, s.errorf("%q is no symbol of the enum", text)
	}
	return appendNumber(dst, s.symbols[i].number), nil
}

// appendList appends the elements of an array or map in one block, like Java.
func (s *source) appendList(dst []byte, at int) ([]byte, error) {
	from, to := int(s.w32[at]), int(s.w32[at+1])
	if to > from {
		dst = appendNumber(dst, int64(to-from))
	}
	for i := from; i < to; i++ {
		var err error
		if dst, err = appendFields(s.kids, dst, i); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

func (s *source) errorf(format string, args ...any) error {
	return fmt.Errorf("avroarrow: column %s: %s: %w", s.name, fmt.Sprintf(format, args...), base.ErrInvalid)
}
