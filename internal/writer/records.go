package writer

import (
	"context"
	"fmt"
	"sync"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// recordsPart is the part of a write's memory that the record index gets.
const recordsPart = 4

// beginRecords begins to gather what the write changes in the record index, if the table has one,
// and makes sure that secondary indexes can be kept in step, which Commit does.
// Base files tell it what they get and lose; what logs do to it depends on what is there.
func (w *write) beginRecords(ctx context.Context) error {
	budget := mem.NewBudget(w.options.Memory/recordsPart, w.options.SpillDir)
	if err := w.txn.Secondary(ctx, w.rows, budget); err != nil {
		return err
	}
	var err error
	if w.records, err = w.txn.Records(ctx, budget); err != nil {
		return err
	}
	if w.records == nil {
		return nil
	}
	if w.rowKeys.Made != nil {
		return fmt.Errorf("write to table %s: a record index needs rows with meta fields: %w", w.table.Config.Name, base.ErrUnsupported)
	}
	w.base.Records = w.records
	return nil
}

// openedIndex is the metadata table that is looked up in, if it was.
type openedIndex struct {
	once  sync.Once
	table *metadata.Table
	err   error
}

func (x *openedIndex) close() {
	if x.table != nil {
		_ = x.table.Close() // it was only read
	}
}

// openIndex opens the metadata table as it was when the write began, once.
func (w *write) openIndex(ctx context.Context) (*metadata.Table, error) {
	w.looked.once.Do(func() { w.looked.table, w.looked.err = w.txn.Metadata(ctx) })
	return w.looked.table, w.looked.err
}

// chooseRecords has keys looked for in the record index. A table that has none, or one of the other
// kind, is read as by the simple index, global or not, as real Hudi does.
func (w *write) chooseRecords(ctx context.Context) (found bool, err error) {
	if w.records == nil {
		return false, nil
	}
	partitioned := w.records.Partitioned()
	if partitioned == w.table.Config.Index.Global() {
		return false, nil
	}
	meta, err := w.openIndex(ctx)
	if err != nil {
		return false, err
	}
	w.index = &index.Record{Find: meta.EachPlace, Ahead: meta.Ahead, Slices: w.slices, Partitioned: partitioned}
	return true, nil
}

// noteLog tells the record index what a log file does to a file group: which keys it brings back
// or adds, as a bucket does, and which it deletes. Where that depends on ordering values that are
// stored, the file group is read again with the log on top of it.
func (w *write) noteLog(ctx context.Context, j *job, entries []int32, stat *timeline.WriteStat) error {
	if w.records == nil {
		return nil
	}
	partition, id, changes := j.group.Partition, j.group.FileID, j.stage.changes
	known, err := w.indexed(ctx, j, entries)
	if err != nil {
		return err
	}
	open := map[string]bool{} // keys of which it is not certain that they have a row
	for _, e := range entries {
		key, gone, indexed := string(changes.Key(int(e))), changes.IsDelete(int(e)), known[e]
		switch {
		case indexed != gone: // a row that stays, or none that goes
		case !j.group.New && !w.rules.Certain(changes.Ordering(int(e)), gone):
			open[key] = indexed
		case gone:
			err = w.records.Delete(partition, key)
		default:
			err = w.records.PutKey(partition, id, w.txn.Instant, key)
		}
		if err != nil {
			return err
		}
	}
	if len(open) == 0 {
		return nil
	}
	alive, err := w.alive(ctx, j.group.FileSlice, stat, open)
	if err != nil {
		return fmt.Errorf("record index: %w", err)
	}
	for key, indexed := range open {
		switch {
		case alive[key] && !indexed:
			err = w.records.PutKey(partition, id, w.txn.Instant, key)
		case !alive[key] && indexed:
			err = w.records.Delete(partition, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// indexed are those of a job's entries that the record index has in the job's file group. Entries
// that it has located are.
func (w *write) indexed(ctx context.Context, j *job, entries []int32) (map[int32]bool, error) {
	known := make(map[int32]bool, len(entries))
	if j.group.New {
		return known, nil
	}
	if _, located := w.index.(*index.Record); located {
		for _, e := range entries {
			known[e] = true
		}
		return known, nil
	}
	meta, err := w.openIndex(ctx)
	if err != nil {
		return nil, err
	}
	key := func(i int) []byte { return j.stage.changes.Key(int(entries[i])) }
	err = meta.EachPlace(ctx, j.group.Partition, len(entries), key, func(i int, at table.GroupID) error {
		known[entries[i]] = at == j.id()
		return nil
	})
	return known, err
}

// alive are those of some keys that have rows in a file group with a new log file on top of it.
func (w *write) alive(ctx context.Context, slice table.FileSlice, stat *timeline.WriteStat, wanted map[string]bool) (map[string]bool, error) {
	name, ok := base.ParseLogFileName(stat.LogFiles[0])
	if !ok {
		return nil, fmt.Errorf("%s is not the name of a log file: %w", stat.LogFiles[0], base.ErrCorrupt)
	}
	slice.Logs = append(append([]table.LogFile(nil), slice.Logs...), table.LogFile{Path: stat.Path, Name: name, Size: stat.FileSizeInBytes})
	r, err := w.stored(ctx)
	if err != nil {
		return nil, err
	}
	committed := r.Valid
	r.Valid = func(instant string) bool { return instant == w.txn.Instant || committed(instant) }
	column, err := w.full.Project([]string{schema.MetaRecordKey})
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for batch, err := range r.Read(ctx, fileslice.Request{Slice: slice, Columns: column}) {
		if err != nil {
			return nil, err
		}
		keys, err := w.rowKeys.Of(batch, w.options.Alloc)
		if err != nil {
			return nil, err
		}
		for i := range keys.Len() {
			if _, open := wanted[keys.Value(i)]; open {
				alive[string([]byte(keys.Value(i)))] = true
			}
		}
		keys.Release()
	}
	return alive, nil
}
