package metadata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/storage"
)

// OfKeys tells whether a partition is an index with records for the rows of the table. What
// changes in it is sorted and encoded before the table's lock is taken, and of the versions of a
// record the newest counts.
func OfKeys(partition string) bool {
	return partition == RecordIndex || strings.HasPrefix(partition, SecondaryIndex)
}

// sortedIndex sorts what an instant changes in an index OfKeys, and holds the finished files.
type sortedIndex struct {
	version int
	budget  *mem.Budget
	layout  *KeyLayout
	sort    keySorter

	prepared []*preparedGroup
}

// sortMemory is the part of a budget that the keys of an instant may take before they are
// sorted in parts, and that finished bytes may.
const sortMemory = 2

func newSortedIndex(version int, layout *KeyLayout, budget *mem.Budget) sortedIndex {
	return sortedIndex{
		version: version, layout: layout, budget: budget,
		sort: keySorter{budget: budget, limit: max(budget.Total()/sortMemory, 1<<20)},
	}
}

// Close gives memory and temporary files back.
func (x *sortedIndex) Close() error {
	errs := []error{x.sort.close()}
	for _, g := range x.prepared {
		errs = append(errs, g.content.Close())
	}
	x.prepared = nil
	return errors.Join(errs...)
}

// change is what is left of the changes of a key: the record that it has now, or none if it is
// gone. It is valid until the next one.
type change struct {
	group int32
	key   []byte
	at    place // of a record index
	value []byte
}

// preparedGroup is the content of a file of one group.
type preparedGroup struct {
	keyGroup
	content       *mem.Blob
	puts, deletes int64
}

// prepareLogs encodes changes as the log files of an instant.
func (x *sortedIndex) prepareLogs(all iter.Seq2[change, error], instant string, created time.Time) error {
	schema, err := recordSchema(x.version)
	if err != nil {
		return err
	}
	p := &logPreparer{
		partition: x.layout.index,
		header:    map[logfile.HeaderKey]string{logfile.HeaderInstant: instant, logfile.HeaderSchema: schema},
		created:   created,
	}
	if err := x.prepare(all, p); err != nil {
		return err
	}
	// A partition of the table that is new gets all of its file groups.
	for _, g := range x.layout.groups {
		if g.begun && !p.seen[g.number] {
			content := mem.NewBlob(x.budget, int64(1<<20))
			x.prepared = append(x.prepared, &preparedGroup{keyGroup: g, content: content})
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

// prepare makes contents of changes, which come by group and key.
func (x *sortedIndex) prepare(all iter.Seq2[change, error], p preparer) error {
	var now *preparedGroup
	end := func() error {
		if now == nil {
			return nil
		}
		return p.end()
	}
	for c, err := range all {
		if err != nil {
			return err
		}
		if now == nil || now.number != int(c.group) {
			if err := end(); err != nil {
				return err
			}
			now = &preparedGroup{keyGroup: x.layout.groups[c.group], content: mem.NewBlob(x.budget, x.budget.Total()/sortMemory)}
			x.prepared = append(x.prepared, now)
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
	partition string
	header    map[logfile.HeaderKey]string
	created   time.Time
	seen      map[int]bool

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
		return fmt.Errorf("metadata: write an index: %w", err)
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
		return fmt.Errorf("metadata: write an index: %w", err)
	}
	p.file = nil
	_, err := logfile.WriteBlock(p.group.content, logfile.HFileData, p.header, p.block.Bytes())
	return err
}

func (p *logPreparer) remove(key []byte) error {
	p.deletes = append(p.deletes, deleteOf(p.partition, string(key)))
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

// recordDataBlock is the size of the blocks in HFiles of indexes of keys: a look-up unpacks one
// for nearly every key.
const recordDataBlock = 8 << 10

func newRecordFile(w io.Writer, created time.Time, schema string) *hfile.Writer {
	h := hfile.NewWriter(w, hfile.GZ, created)
	h.SetBlockSize(recordDataBlock)
	h.SetInfo(hfile.InfoSchema, []byte(schema))
	return h
}

// prepareBases encodes changes as the base files that an index begins with.
func (x *sortedIndex) prepareBases(all iter.Seq2[change, error], created time.Time) error {
	schema, err := recordSchema(x.version)
	if err != nil {
		return err
	}
	return x.prepare(all, &basePreparer{created: created, schema: schema})
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
		return fmt.Errorf("metadata: write an index: %w", err)
	}
	return nil
}

func (p *basePreparer) remove([]byte) error { return nil } // what is not there need not go

func (p *basePreparer) end() error {
	p.file.SetInfo(hfile.InfoMinKey, p.first)
	p.file.SetInfo(hfile.InfoMaxKey, p.last)
	if err := p.file.Close(); err != nil {
		return fmt.Errorf("metadata: write an index: %w", err)
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
