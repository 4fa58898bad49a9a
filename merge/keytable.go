package merge

import "hash/maphash"

// keyTable maps record keys to the numbers 0, 1, 2, … in the order of their first
// appearance. Keys lie in one arena, so that a million of them are no million objects.
type keyTable struct {
	seed maphash.Seed
	// slots hold half of a key's hash above its number + 1, so that a look-up which finds
	// nothing reads nothing else; 0 is free; length is a power of two.
	slots []uint64
	end   []uint32 // where each key ends in the arena
	arena []byte
}

func newKeyTable(seed maphash.Seed) *keyTable {
	return &keyTable{seed: seed, slots: make([]uint64, 64)}
}

func (t *keyTable) key(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = t.end[i-1]
	}
	return t.arena[start:t.end[i]]
}

func (t *keyTable) bytes() int64 {
	return int64(cap(t.slots)*8 + cap(t.end)*4 + cap(t.arena))
}

func (t *keyTable) hashOf(key string) uint64 { return maphash.String(t.seed, key) }

// find returns the number of a key whose hash is h, or -1.
func (t *keyTable) find(key string, h uint64) int {
	mask := uint32(len(t.slots) - 1)
	for at := uint32(h) & mask; ; at = (at + 1) & mask {
		slot := t.slots[at]
		if slot == 0 {
			return -1
		}
		if i := int(uint32(slot)) - 1; uint32(slot>>32) == uint32(h) && string(t.key(i)) == key {
			return i
		}
	}
}

// add appends a key that is not in the table and returns its number.
func (t *keyTable) add(key string, h uint64) int {
	if 4*(len(t.end)+1) > 3*len(t.slots) {
		t.grow()
	}
	t.append(key)
	t.place(h<<32 | uint64(len(t.end)))
	return len(t.end) - 1
}

// append adds a key that will not be looked for, and may be there already.
func (t *keyTable) append(key string) {
	t.arena = append(t.arena, key...)
	t.end = append(t.end, uint32(len(t.arena)))
}

func (t *keyTable) place(slot uint64) {
	mask := uint32(len(t.slots) - 1)
	at := uint32(slot>>32) & mask
	for t.slots[at] != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = slot
}

func (t *keyTable) grow() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	for _, slot := range old {
		if slot != 0 {
			t.place(slot)
		}
	}
}
