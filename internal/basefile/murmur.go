package basefile

import "encoding/binary"

// Hudi's bloom filters hash with MurmurHash2 of 32 bits as Hadoop implements it: the bytes
// of the tail are sign-extended and taken in big-endian order. The k positions of a key come from a chain in which each
// hash is the seed of the next. The key's part of a hash does not depend on the seed, so it
// is computed once (mix) and a link of the chain costs little more than one multiplication
// per four bytes (docs/format/base-files.md).
const (
	murmurM     = 0x5bd1e995
	murmurShift = 24
)

// mixed is a key's seed-independent part.
type mixed struct {
	words []uint32 // one per whole block of four bytes
	tail  uint32
	size  uint32 // key length in bytes
}

func (x *mixed) set(key []byte) {
	x.words, x.tail, x.size = x.words[:0], 0, uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * murmurM
		k ^= k >> murmurShift
		x.words = append(x.words, k*murmurM)
	}
	for _, c := range key {
		x.tail = x.tail<<8 ^ uint32(int8(c))
	}
}

func (x *mixed) hash(seed uint32) uint32 {
	h := seed ^ x.size
	for _, w := range x.words {
		h = h*murmurM ^ w
	}
	if x.size%4 != 0 {
		h = (h ^ x.tail) * murmurM
	}
	return murmurFinish(h)
}

func murmurFinish(h uint32) uint32 {
	h ^= h >> 13
	h *= murmurM
	return h ^ h>>15
}

// lanes is the number of keys whose chains advance together: one chain waits for its
// multiplications, four of them fill the wait.
const lanes = 4

// hashLanes advances the chains of four keys of one length by one link.
func hashLanes(x *[lanes]mixed, h *[lanes]uint32) {
	size := x[0].size
	h0, h1, h2, h3 := h[0]^size, h[1]^size, h[2]^size, h[3]^size
	w0 := x[0].words
	w1, w2, w3 := x[1].words[:len(w0)], x[2].words[:len(w0)], x[3].words[:len(w0)]
	for i, w := range w0 {
		h0 = h0*murmurM ^ w
		h1 = h1*murmurM ^ w1[i]
		h2 = h2*murmurM ^ w2[i]
		h3 = h3*murmurM ^ w3[i]
	}
	if size%4 != 0 {
		h0 = (h0 ^ x[0].tail) * murmurM
		h1 = (h1 ^ x[1].tail) * murmurM
		h2 = (h2 ^ x[2].tail) * murmurM
		h3 = (h3 ^ x[3].tail) * murmurM
	}
	h[0], h[1], h[2], h[3] = murmurFinish(h0), murmurFinish(h1), murmurFinish(h2), murmurFinish(h3)
}
