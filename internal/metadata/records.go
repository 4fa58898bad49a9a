package metadata

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/uuid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/storage"
)

// typeRecord is the type of the record index's records.
const typeRecord = 5

// Records gathers what an instant changes in the record index: where rows have been put, and
// which are gone. It holds keys in little memory, and sorts and encodes them before the table's
// lock is taken, under which finished bytes are written. It is safe for concurrent use; after
// Prepare nothing may be added.
type Records struct {
	version int
	zone    *time.Location
	budget  *mem.Budget

	mu     sync.Mutex
	layout *RecordLayout
	sort   keySorter
	places []place
	ids    map[place]int32

	prepared []*preparedGroup
}

// place is where records lie; without a file group it is where they are gone from.
type place struct{ partition, fileID, instant string }

// recordMemory is the part of a budget that the keys of an instant may take before they are
// sorted in parts, and that finished bytes may.
const recordMemory = 2

// NewRecords begins to gather. zone is that of the table's timeline. The caller closes the result.
func NewRecords(version int, zone *time.Location, layout *RecordLayout, budget *mem.Budget) *Records {
	return &Records{
		version: version, zone: zone, layout: layout, budget: budget, ids: map[place]int32{},
		sort: keySorter{budget: budget, limit: max(budget.Total()/recordMemory, 1<<20)},
	}
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

// Close gives memory and temporary files back.
func (r *Records) Close() error {
	errs := []error{r.sort.close()}
	for _, g := range r.prepared {
		errs = append(errs, g.content.Close())
	}
	r.prepared = nil
	return errors.Join(errs...)
}

// change is what is left of the changes of a key: the last place that it was put to, with the
// record that says so, or none if it is gone. It is valid until the next one.
type change struct {
	group int32
	key   []byte
	at    place
	value []byte
}

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

// preparedGroup is the content of a file of one group of the record index.
type preparedGroup struct {
	recordGroup
	content       *mem.Blob
	puts, deletes int64
}

// PrepareLogs sorts and encodes the changes as the log files of an instant. created is put into
// HFiles.
func (r *Records) PrepareLogs(instant string, created time.Time) error {
	schema, err := recordSchema(r.version)
	if err != nil {
		return err
	}
	p := &logPreparer{
		records: r,
		header:  map[logfile.HeaderKey]string{logfile.HeaderInstant: instant, logfile.HeaderSchema: schema},
		created: created,
	}
	if err := r.prepare(p); err != nil {
		return err
	}
	// A partition of the table that is new gets all of its file groups.
	for _, g := range r.layout.groups {
		if g.begun && !p.seen[g.number] {
			content := mem.NewBlob(r.budget, int64(1<<20))
			r.prepared = append(r.prepared, &preparedGroup{recordGroup: g, content: content})
			if _, err := content.Write(emptyLog(instant)); err != nil {
				return err
			}
		}
	}
	return nil
}

// emptyLog is the log file that a file group begins with.
func emptyLog(instant string) []byte {
	return logfile.AppendBlock(nil, logfile.Delete, map[logfile.HeaderKey]string{logfile.HeaderInstant: instant}, logfile.DeleteContent(nil))
}

// preparer makes the contents of groups, one after the other.
type preparer interface {
	begin(g *preparedGroup) error
	put(key, value []byte) error
	remove(key []byte) error
	end() error
}

func (r *Records) prepare(p preparer) error {
	var now *preparedGroup
	end := func() error {
		if now == nil {
			return nil
		}
		return p.end()
	}
	for c, err := range r.changes(nil) {
		if err != nil {
			return err
		}
		if now == nil || now.number != int(c.group) {
			if err := end(); err != nil {
				return err
			}
			now = &preparedGroup{recordGroup: r.layout.groups[c.group], content: mem.NewBlob(r.budget, r.budget.Total()/recordMemory)}
			r.prepared = append(r.prepared, now)
			if err := p.begin(now); err != nil {
				return err
			}
		}
		if c.value == nil {
			now.deletes++
			err = p.remove(c.key)
		} else {
			now.puts++
			err = p.put(c.key, c.value)
		}
		if err != nil {
			return err
		}
	}
	return end()
}

// The sizes at which a block of a log file ends and the next begins.
const (
	recordBlockBytes = 32 << 20 // as it is stored
	deletesABlock    = 64 << 10
)

// logPreparer makes log files.
type logPreparer struct {
	records *Records
	header  map[logfile.HeaderKey]string
	created time.Time
	seen    map[int]bool

	group   *preparedGroup
	block   bytes.Buffer
	file    *hfile.Writer
	deletes []logfile.DeleteRecord
}

func (p *logPreparer) begin(g *preparedGroup) error {
	if p.seen == nil {
		p.seen = map[int]bool{}
	}
	p.group, p.seen[g.number] = g, true
	return nil
}

func (p *logPreparer) put(key, value []byte) error {
	if p.file == nil {
		p.block.Reset()
		p.file = newRecordFile(&p.block, p.created, p.header[logfile.HeaderSchema])
	}
	if err := p.file.Add(key, value); err != nil {
		return fmt.Errorf("metadata: record index: %w", err)
	}
	if p.file.Size() < recordBlockBytes {
		return nil
	}
	return p.endBlock()
}

func (p *logPreparer) endBlock() error {
	if p.file == nil {
		return nil
	}
	if err := p.file.Close(); err != nil {
		return fmt.Errorf("metadata: record index: %w", err)
	}
	p.file = nil
	_, err := logfile.WriteBlock(p.group.content, logfile.HFileData, p.header, p.block.Bytes())
	return err
}

func (p *logPreparer) remove(key []byte) error {
	p.deletes = append(p.deletes, deleteOf(RecordIndex, string(key)))
	if len(p.deletes) < deletesABlock {
		return nil
	}
	return p.endDeletes()
}

func (p *logPreparer) endDeletes() error {
	if len(p.deletes) == 0 {
		return nil
	}
	_, err := logfile.WriteBlock(p.group.content, logfile.Delete, p.header, logfile.DeleteContent(p.deletes))
	p.deletes = p.deletes[:0]
	return err
}

func (p *logPreparer) end() error { return errors.Join(p.endBlock(), p.endDeletes()) }

// deleteOf is an entry of a block that deletes, of a partition of the metadata table.
func deleteOf(partition, key string) logfile.DeleteRecord {
	return logfile.DeleteRecord{Key: key, Partition: partition, HasPartition: true, Ordering: logfile.Ordering{Kind: logfile.OrderingInt}}
}

// recordDataBlock is the size of the blocks in HFiles of the record index: a look-up unpacks one
// for nearly every key.
const recordDataBlock = 8 << 10

func newRecordFile(w io.Writer, created time.Time, schema string) *hfile.Writer {
	h := hfile.NewWriter(w, hfile.GZ, created)
	h.SetBlockSize(recordDataBlock)
	h.SetInfo(hfile.InfoSchema, []byte(schema))
	return h
}

// PrepareBases sorts and encodes the changes as the base files that a record index begins with.
func (r *Records) PrepareBases(created time.Time) error {
	schema, err := recordSchema(r.version)
	if err != nil {
		return err
	}
	return r.prepare(&basePreparer{created: created, schema: schema})
}

// basePreparer makes base files.
type basePreparer struct {
	created     time.Time
	schema      string
	file        *hfile.Writer
	first, last []byte
}

func (p *basePreparer) begin(g *preparedGroup) error {
	p.file, p.first = newRecordFile(g.content, p.created, p.schema), nil
	return nil
}

func (p *basePreparer) put(key, value []byte) error {
	if p.first == nil {
		p.first = bytes.Clone(key)
	}
	p.last = append(p.last[:0], key...)
	if err := p.file.Add(key, value); err != nil {
		return fmt.Errorf("metadata: record index: %w", err)
	}
	return nil
}

func (p *basePreparer) remove([]byte) error { return nil } // what is not there need not go

func (p *basePreparer) end() error {
	p.file.SetInfo(hfile.InfoMinKey, p.first)
	p.file.SetInfo(hfile.InfoMaxKey, p.last)
	if err := p.file.Close(); err != nil {
		return fmt.Errorf("metadata: record index: %w", err)
	}
	return nil
}

// store writes a prepared content to a file of a store.
func (g *preparedGroup) store(ctx context.Context, st storage.Store, path string) error {
	fail := func(err error) error { return fmt.Errorf("metadata: write %s of %s: %w", path, st.URI(), err) }
	in, err := g.content.Reader()
	if err != nil {
		return fail(err)
	}
	sink, err := st.Create(ctx, path)
	if err != nil {
		return fail(err)
	}
	defer sink.Abort()
	if _, err := io.Copy(sink, in); err != nil {
		return fail(err)
	}
	if err := sink.Close(); err != nil {
		return fail(err)
	}
	return nil
}
