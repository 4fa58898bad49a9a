package avroarrow

import (
	"encoding/binary"
	"math/bits"
)

// number reads a zig-zag number at p, and returns −1 for next if it is cut off or too long.
// Callers that mostly meet one byte look at it themselves.
func number(in []byte, p int) (v int64, next int) {
	const ends = 0x8080808080808080 // the top bit of each byte is clear in the last one
	if p < 0 || len(in)-p < 8 {
		return numberAtEnd(in, p)
	}
	x := binary.LittleEndian.Uint64(in[p:])
	end := ^x & ends
	if end == 0 {
		return numberAtEnd(in, p)
	}
	n := bits.TrailingZeros64(end) + 1
	// Keep n bits, drop the top bit of each byte, and close the gaps pairwise.
	x &= (1<<(n-1)<<1 - 1) &^ ends
	x = x&0x007F007F007F007F | x&0x7F007F007F007F00>>1
	x = x&0x00003FFF00003FFF | x&0x3FFF00003FFF0000>>2
	x = x&0x000000000FFFFFFF | x&0x0FFFFFFF00000000>>4
	return int64(x>>1) ^ -int64(x&1), p + n/8
}

// numberAtEnd is number byte by byte, for numbers near the end and those of more than 8 bytes.
func numberAtEnd(in []byte, p int) (v int64, next int) {
	if p < 0 || p >= len(in) {
		return 0, -1
	}
	x, n := binary.Uvarint(in[p:])
	if n <= 0 {
		return 0, -1
	}
	return int64(x>>1) ^ -int64(x&1), p + n
}

// block reads the head of a block of an array or map: the number of elements, 0 at the end,
// and the size of the block in bytes, −1 if it is not said. next is −1 on damage.
func block(in []byte, p int) (count, size int64, next int) {
	count, p = number(in, p)
	if p < 0 || count >= 0 {
		return count, -1, p
	}
	count = -count
	size, p = number(in, p)
	if count < 0 || size < 0 {
		return 0, 0, -1
	}
	return count, size, p
}
