package metadata

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
)

// keyed is a key on its way into an index: the file group of the index that it belongs to, and its
// place in the table, or what else is known of it, as a number of the caller's.
type keyed struct {
	group, place int32
	key          []byte
}

// keySorter brings keys into the order of their file groups and, within one, of their bytes,
// which is that of HFiles. Equal keys stay in the order in which they came. What does not fit
// into its memory is sorted in parts, which go to temporary files.
type keySorter struct {
	budget *mem.Budget
	limit  int64 // bytes of keys, and of what is kept for each

	arena []byte
	refs  []keyRef
	runs  []*mem.Blob
	count int64
}

// keyRef is a key in the arena.
type keyRef struct {
	at           int
	size         int32
	group, place int32
}

const keyRefBytes = 24

func (s *keySorter) add(group, place int32, key string) error { return addKey(s, group, place, key) }

func addKey[K string | []byte](s *keySorter, group, place int32, key K) error {
	if int64(len(s.arena)+len(key))+keyRefBytes*int64(len(s.refs)+1) > s.limit && len(s.refs) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.refs = append(s.refs, keyRef{len(s.arena), int32(len(key)), group, place})
	s.arena = append(s.arena, key...)
	s.count++
	return nil
}

func (s *keySorter) key(r keyRef) []byte { return s.arena[r.at : r.at+int(r.size)] }

func (s *keySorter) sort() {
	slices.SortFunc(s.refs, func(a, b keyRef) int {
		if a.group != b.group {
			return cmp.Compare(a.group, b.group)
		}
		if c := bytes.Compare(s.key(a), s.key(b)); c != 0 {
			return c
		}
		return cmp.Compare(a.at, b.at)
	})
}

// spill writes what is in memory to a run: of each key the group, the place, the length and
// the bytes.
func (s *keySorter) spill() error {
	s.sort()
	run := mem.NewBlob(s.budget, 0)
	s.runs = append(s.runs, run)
	var line []byte
	for _, r := range s.refs {
		line = binary.AppendUvarint(line[:0], uint64(r.group))
		line = binary.AppendUvarint(line, uint64(r.place))
		line = binary.AppendUvarint(line, uint64(r.size))
		line = append(line, s.key(r)...)
		if _, err := run.Write(line); err != nil {
			return err
		}
	}
	s.arena, s.refs = s.arena[:0], s.refs[:0]
	return nil
}

// all yields the keys in their order; each is valid until the next step. No more may be added.
func (s *keySorter) all() iter.Seq2[keyed, error] {
	return func(yield func(keyed, error) bool) {
		s.sort()
		sources := make([]*keySource, 0, len(s.runs)+1)
		for _, run := range s.runs {
			in, err := run.Reader()
			if err != nil {
				yield(keyed{}, err)
				return
			}
			r := bufio.NewReaderSize(in, 1<<16)
			sources = append(sources, &keySource{read: func(to *keyed) error { return readKey(r, to) }})
		}
		at := 0
		sources = append(sources, &keySource{read: func(to *keyed) error {
			if at == len(s.refs) {
				return io.EOF
			}
			r := s.refs[at]
			at++
			to.group, to.place, to.key = r.group, r.place, s.key(r)
			return nil
		}})
		err := mergeKeys(sources, func(k keyed) bool { return yield(k, nil) })
		if err != nil {
			yield(keyed{}, err)
		}
	}
}

// keySource is a run being read. next is what it has next.
type keySource struct {
	read func(to *keyed) error // io.EOF at the end
	next keyed
}

// mergeKeys merges sorted sources, of which the earlier ones have the earlier keys, until
// yield says to stop. It returns an error only while yield may still be called.
func mergeKeys(sources []*keySource, yield func(keyed) bool) error {
	advance := func(i int) error {
		err := sources[i].read(&sources[i].next)
		if errors.Is(err, io.EOF) {
			sources = slices.Delete(sources, i, i+1)
			return nil
		}
		return err
	}
	for i := len(sources) - 1; i >= 0; i-- {
		if err := advance(i); err != nil {
			return err
		}
	}
	for len(sources) > 0 {
		least := 0
		for i := 1; i < len(sources); i++ {
			if compareKeyed(sources[i].next, sources[least].next) < 0 {
				least = i
			}
		}
		if !yield(sources[least].next) {
			return nil
		}
		if err := advance(least); err != nil {
			return err
		}
	}
	return nil
}

func compareKeyed(a, b keyed) int {
	return cmp.Or(cmp.Compare(a.group, b.group), bytes.Compare(a.key, b.key))
}

// readKey reads a key of a run; its bytes are valid until the next one is read.
func readKey(r *bufio.Reader, to *keyed) error {
	group, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	place, err := binary.ReadUvarint(r)
	if err != nil {
		return cut(err)
	}
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return cut(err)
	}
	to.group, to.place = int32(group), int32(place)
	to.key = slices.Grow(to.key[:0], int(size))[:size]
	_, err = io.ReadFull(r, to.key)
	return cut(err)
}

func cut(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("metadata: a spill file of keys: %w: %w", err, base.ErrCorrupt)
}

func (s *keySorter) close() error {
	var errs []error
	for _, run := range s.runs {
		errs = append(errs, run.Close())
	}
	s.runs, s.refs, s.arena = nil, nil, nil
	return errors.Join(errs...)
}
