package metadata

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/uuid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
)

// typeRecord is the type of the record index's records.
const typeRecord = 5

// Records gathers what an instant changes in the record index: where rows have been put, and
// which are gone. It holds keys in little memory, and sorts and encodes them before the table's
// lock is taken, under which finished bytes are written. It is safe for concurrent use; after
// Prepare nothing may be added.
type Records struct {
	sortedIndex
	zone *time.Location

	mu     sync.Mutex
	places []place
	ids    map[place]int32
}

// place is where records lie; without a file group it is where they are gone from.
type place struct{ partition, fileID, instant string }

// NewRecords begins to gather. zone is that of the table's timeline. The caller closes the result.
func NewRecords(version int, zone *time.Location, layout *KeyLayout, budget *mem.Budget) *Records {
	return &Records{sortedIndex: newSortedIndex(version, layout, budget), zone: zone, ids: map[place]int32{}}
}

// Put notes rows that an instant has put into a file group. Of several places of a key the one
// that was noted last counts.
func (r *Records) Put(partition, fileID, instant string, keys *array.String) error {
	return r.add(place{partition, fileID, instant}, keys.Len(), keys.Value)
}

// PutKey is Put for one row.
func (r *Records) PutKey(partition, fileID, instant, key string) error {
	return r.add(place{partition, fileID, instant}, 1, func(int) string { return key })
}

// Delete notes that a partition of the table has no row with a key any more. A place that the
// same instant has put the key to stands.
func (r *Records) Delete(partition, key string) error {
	return r.add(place{partition: partition}, 1, func(int) string { return key })
}

func (r *Records) add(p place, n int, key func(int) string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, known := r.ids[p]
	if !known {
		id = int32(len(r.places))
		r.ids[p] = id
		r.places = append(r.places, p)
	}
	for i := range n {
		k := key(i)
		if k == "" { // rows without meta fields have none
			return fmt.Errorf("metadata: a row of partition %q has no record key for the record index: %w", p.partition, base.ErrInvalid)
		}
		if err := r.sort.add(r.layout.route(p.partition, k), id, k); err != nil {
			return err
		}
	}
	return nil
}

// Len is how many changes have been noted.
func (r *Records) Len() int64 { return r.sort.count }

// Partitioned tells whether the index has file groups for each partition of the table.
func (r *Records) Partitioned() bool { return r.layout.Partitioned }

// changes yields one change for each key, by group and key. several, if it is not nil, is called
// before the change of a key that has been put to several places.
func (r *Records) changes(several func(key []byte)) iter.Seq2[change, error] {
	return func(yield func(change, error) bool) {
		values, err := r.values()
		if err != nil {
			yield(change{}, err)
			return
		}
		last := keyed{group: -1}
		emit := func() bool {
			return last.group < 0 || yield(change{last.group, last.key, r.places[last.place], values[last.place]}, nil)
		}
		for k, err := range r.sort.all() {
			if err != nil {
				yield(change{}, err)
				return
			}
			if k.group == last.group && bytes.Equal(k.key, last.key) {
				if values[k.place] == nil {
					continue
				}
				if values[last.place] != nil && several != nil {
					several(k.key)
				}
				last.place = k.place
				continue
			}
			if !emit() {
				return
			}
			last.group, last.place, last.key = k.group, k.place, append(last.key[:0], k.key...)
		}
		emit()
	}
}

// values are the records of the places, nil for one that rows are gone from.
func (r *Records) values() ([][]byte, error) {
	values := make([][]byte, len(r.places))
	for i, p := range r.places {
		if p.fileID == "" {
			continue
		}
		l, err := locate(p, r.zone)
		if err != nil {
			return nil, err
		}
		values[i] = appendLocation(nil, r.version, l)
	}
	return values, nil
}

// locate makes the location of a place.
func locate(p place, zone *time.Location) (Location, error) {
	at, err := base.ParseInstant(p.instant, zone)
	if err != nil {
		return Location{}, fmt.Errorf("metadata: record index: %w", err)
	}
	l := Location{Partition: p.partition, Instant: at.UnixMilli(), Index: -1}
	if id, index, ok := uuidOf(p.fileID); ok {
		l.High, l.Low, l.Index = int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:])), index
	} else {
		l.High, l.Low, l.Raw, l.Encoding = -1, -1, p.fileID, 1
	}
	return l, nil
}

// uuidOf takes a file id apart that is a UUID in small letters, perhaps with "-" and a number
// after it; the number is -1 if there is none.
func uuidOf(fileID string) (id uuid.UUID, index int32, ok bool) {
	const uuidLen = 36
	text, index := fileID, int32(-1)
	if len(fileID) > uuidLen {
		if fileID[uuidLen] != '-' {
			return id, index, false
		}
		text = fileID[:uuidLen]
		n, err := strconv.ParseUint(fileID[uuidLen+1:], 10, 31)
		if err != nil {
			return id, index, false
		}
		index = int32(n)
	}
	if len(text) != uuidLen || strings.ToLower(text) != text {
		return id, index, false
	}
	id, err := uuid.Parse(text)
	return id, index, err == nil
}

// appendLocation appends a record of the record index.
func appendLocation(dst []byte, version int, l Location) []byte {
	dst = append(appendHead(dst, "", typeRecord), null, null, null, branch)
	dst = appendText(append(dst, branch), l.Partition)
	dst = binary.AppendVarint(append(dst, branch), l.High)
	dst = binary.AppendVarint(append(dst, branch), l.Low)
	dst = binary.AppendVarint(append(dst, branch), int64(l.Index))
	dst = appendText(append(dst, branch), l.Raw)
	dst = binary.AppendVarint(append(dst, branch), l.Instant)
	dst = binary.AppendVarint(dst, int64(l.Encoding))
	if version >= 8 {
		dst = append(dst, null, null) // position, SecondaryIndexMetadata
	}
	return dst
}

// PrepareLogs sorts and encodes the changes as the log files of an instant. created is put into
// HFiles.
func (r *Records) PrepareLogs(instant string, created time.Time) error {
	return r.prepareLogs(r.changes(nil), instant, created)
}

// PrepareBases sorts and encodes the changes as the base files that a record index begins with.
func (r *Records) PrepareBases(created time.Time) error {
	return r.prepareBases(r.changes(nil), created)
}
