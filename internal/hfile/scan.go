package hfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"sort"
)

// All returns every entry, in the order of keys.
func (f *Reader) All(ctx context.Context) iter.Seq2[Entry, error] {
	return f.while(ctx, nil, func([]byte) bool { return true })
}

// Range returns the entries whose keys are at least from and less than to; a nil to is the
// end of the file.
func (f *Reader) Range(ctx context.Context, from, to []byte) iter.Seq2[Entry, error] {
	return f.while(ctx, from, func(key []byte) bool { return to == nil || bytes.Compare(key, to) < 0 })
}

// Prefix returns the entries whose keys begin with prefix.
func (f *Reader) Prefix(ctx context.Context, prefix []byte) iter.Seq2[Entry, error] {
	return f.while(ctx, prefix, func(key []byte) bool { return bytes.HasPrefix(key, prefix) })
}

// Get returns the value of a key. It reads one data block.
func (f *Reader) Get(ctx context.Context, key []byte) (value []byte, ok bool, err error) {
	for e, err := range f.Lookup(ctx, [][]byte{key}) {
		return e.Value, err == nil, err
	}
	return nil, false, nil
}

// Lookup returns the entries of those of the keys that the file has. The keys must be
// sorted; each block that may hold one is read once, and no other.
func (f *Reader) Lookup(ctx context.Context, keys [][]byte) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c := cursor{f: f}
		for _, key := range keys {
			if f.pastEnd(key) {
				return
			}
			found, err := c.locate(ctx, key)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if found && bytes.Equal(c.entry.Key, key) && !yield(c.entry, nil) {
				return
			}
		}
	}
}

// pastEnd reports whether a key is greater than the file's last one.
func (f *Reader) pastEnd(key []byte) bool {
	last, ok := row(f.info[infoLastKey])
	return ok && bytes.Compare(key, last) > 0
}

func (f *Reader) while(ctx context.Context, from []byte, wanted func(key []byte) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if f.pastEnd(from) {
			return
		}
		c := cursor{f: f}
		found, err := c.locate(ctx, from)
		for ; err == nil; found, err = c.next() {
			if !found {
				if found, err = c.nextBlock(ctx); err != nil || !found {
					break
				}
				continue
			}
			if !wanted(c.entry.Key) || !yield(c.entry, nil) {
				return
			}
		}
		if err != nil {
			yield(Entry{}, err)
		}
	}
}

// cursor is a place in a file: the way from the root index to a data block, and the rest
// of that block.
type cursor struct {
	f     *Reader
	path  []node
	block []byte // the data block
	rest  []byte // what follows entry
	at    int64  // offset of the data block
	entry Entry
}

// node is an index block and the place of the entry that the way goes through.
type node struct {
	offset int64
	refs   []ref
	pos    int
}

func (n *node) ref() ref { return n.refs[n.pos] }

// locate goes to the first entry that is not less than key in the one block that may hold
// key; found is false when that block has none. No key may be less than the one before.
func (c *cursor) locate(ctx context.Context, key []byte) (found bool, err error) {
	if len(c.f.root) == 0 {
		return false, nil
	}
	if c.path == nil {
		c.path = make([]node, c.f.levels)
		c.path[0].refs = c.f.root
		for i := 1; i < len(c.path); i++ {
			c.path[i].offset = -1
		}
	}
	for level := range c.path {
		n := &c.path[level]
		if level > 0 {
			if err := c.enter(ctx, level); err != nil {
				return false, err
			}
		}
		// The last entry not greater than the key; the first block takes all that lie before it.
		n.pos = max(0, sort.Search(len(n.refs), func(i int) bool { return bytes.Compare(n.refs[i].key, key) > 0 })-1)
	}
	if c.block == nil || c.path[len(c.path)-1].ref().offset != c.at {
		if err := c.load(ctx); err != nil {
			return false, err
		}
	} else if c.entry.Key != nil && bytes.Compare(c.entry.Key, key) >= 0 {
		return true, nil
	}
	for {
		if found, err = c.next(); !found || bytes.Compare(c.entry.Key, key) >= 0 {
			return found, err
		}
	}
}

// enter reads the index block of a level that the level above names, unless it is there.
func (c *cursor) enter(ctx context.Context, level int) error {
	r, n := c.path[level-1].ref(), &c.path[level]
	if n.offset == r.offset {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	magic := innerMagic
	if level == len(c.path)-1 {
		magic = leafMagic
	}
	b, err := c.f.block(r, magic)
	if err != nil {
		return err
	}
	n.offset = r.offset
	n.refs, err = c.f.innerIndex(r.offset, b)
	return err
}

// load reads the data block that the path names.
func (c *cursor) load(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := c.path[len(c.path)-1].ref()
	b := c.f.last.Load()
	if b == nil || b.at != r.offset {
		b = &dataBlock{at: r.offset}
		if b.data, err = c.f.block(r, dataMagic); err != nil {
			return err
		}
		c.f.last.Store(b)
	}
	c.block, c.at, c.rest, c.entry = b.data, r.offset, b.data, Entry{}
	return nil
}

// dataBlock is a data block, unpacked. Nobody changes it.
type dataBlock struct {
	at   int64
	data []byte
}

// nextBlock goes to the first entry of the next data block that has one.
func (c *cursor) nextBlock(ctx context.Context) (found bool, err error) {
	for level := len(c.path) - 1; level >= 0; level-- {
		n := &c.path[level]
		if n.pos+1 == len(n.refs) {
			continue
		}
		n.pos++
		for below := level + 1; below < len(c.path); below++ {
			if err := c.enter(ctx, below); err != nil {
				return false, err
			}
			c.path[below].pos = 0
		}
		before := c.at
		if next := c.path[len(c.path)-1].ref().offset; next <= before {
			// Data blocks lie in the order of their keys; an index that turns back would not end.
			return false, c.f.corrupt(next, "data block after that at offset %d", before)
		}
		return true, c.load(ctx)
	}
	return false, nil
}

// next goes to the next entry of the block; found is false at its end.
func (c *cursor) next() (found bool, err error) {
	b := c.rest
	if len(b) == 0 {
		return false, nil
	}
	at := len(c.block) - len(b)
	if len(b) < entryPrefix+rowPrefix {
		return false, c.f.corrupt(c.at, "entry at byte %d of the data block is cut off", at)
	}
	keyLen, valueLen := int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	b = b[entryPrefix:]
	if keyLen > int64(len(b)) || valueLen > int64(len(b))-keyLen {
		return false, c.f.corrupt(c.at, "entry at byte %d of the data block is cut off", at)
	}
	key, ok := row(b[:keyLen])
	if !ok || int64(len(key)+rowPrefix+keySuffix) > keyLen {
		return false, c.f.corrupt(c.at, "key at byte %d of the data block is cut off", at)
	}
	value := b[keyLen : keyLen+valueLen : keyLen+valueLen]
	b = b[keyLen+valueLen:]
	if c.f.mvcc {
		_, n := vlong(b)
		if n == 0 {
			return false, c.f.corrupt(c.at, "entry at byte %d of the data block is cut off", at)
		}
		b = b[n:]
	}
	c.rest, c.entry = b, Entry{key, value}
	return true, nil
}
