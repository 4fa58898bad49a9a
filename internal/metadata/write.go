package metadata

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// layout is how a partition begins: what its file ids begin with, and into how many file
// groups its keys go.
type layout struct {
	prefix string
	groups int
}

// layouts are the partitions that can begin here, with real Hudi's numbers.
var layouts = map[string]layout{
	Files:          {"files-", 1},
	ColumnStats:    {"col-stats-", 2},
	PartitionStats: {"partition-stats-", 1},
	BloomFilters:   {"bloom-filters-", 4},
}

// Writer makes the files of one instant of a metadata table. It makes no timeline calls:
// it returns write statistics.
type Writer struct {
	Store storage.Store // of the metadata table
	// View shows the metadata table's files.
	View    *table.View
	Instant string
	// Created is put into HFiles; for equal bytes it is a function of the instant.
	Created time.Time
	// Again says that the instant was begun before: in version 6 a log file that it made is
	// replaced, unless a rollback block lies upon it.
	Again bool
}

func (w *Writer) schema() (string, error) { return recordSchema(w.View.Config().Version) }

// groups returns the newest slices of a partition's file groups in the order of their
// numbers.
func (w *Writer) groups(ctx context.Context, partition string) ([]table.FileSlice, error) {
	found, err := w.View.Latest(ctx, partition)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("metadata: %s: partition %s has no file groups: %w", w.Store.URI(), partition, base.ErrCorrupt)
	}
	byNumber(found)
	return found, nil
}

// Plan returns the file groups that an update is going to write to, as the inflight file of
// a delta commit has them.
func (w *Writer) Plan(ctx context.Context, u *Update) (map[string][]*timeline.WriteStat, error) {
	plan := map[string][]*timeline.WriteStat{}
	if err := w.planSorted(ctx, u, plan); err != nil {
		return nil, err
	}
	for _, partition := range sortedKeys(u.parts) {
		groups, err := w.groups(ctx, partition)
		if err != nil {
			return nil, err
		}
		for number, c := range u.parts[partition].split(len(groups)) {
			if n := int64(len(c.puts)); n+int64(len(c.deletes)) > 0 {
				plan[partition] = append(plan[partition], &timeline.WriteStat{
					FileID: groups[number].FileID, PrevCommit: groups[number].BaseInstant, NumUpdateWrites: n,
				})
			}
		}
	}
	return plan, nil
}

// Logs writes the records of an update to log files, one for each file group that gets
// any. Files that an earlier try of the same instant has made are replaced.
func (w *Writer) Logs(ctx context.Context, u *Update) (map[string][]*timeline.WriteStat, error) {
	schema, err := w.schema()
	if err != nil {
		return nil, err
	}
	stats := map[string][]*timeline.WriteStat{}
	if err := w.sortedLogs(ctx, u, stats); err != nil {
		return nil, err
	}
	work, ctx := errgroup.WithContext(ctx)
	for _, partition := range sortedKeys(u.parts) {
		groups, err := w.groups(ctx, partition)
		if err != nil {
			return nil, errors.Join(err, work.Wait())
		}
		for number, c := range u.parts[partition].split(len(groups)) {
			if len(c.puts)+len(c.deletes) == 0 {
				continue
			}
			s := w.stat(groups[number], number)
			stats[partition] = append(stats[partition], s)
			work.Go(func() error { return w.log(ctx, s, schema, c) })
		}
	}
	return stats, work.Wait()
}

// log writes one log file.
func (w *Writer) log(ctx context.Context, s *timeline.WriteStat, schema string, c changes) error {
	data, err := w.blocks(schema, s.PartitionPath, c)
	if err != nil {
		return err
	}
	s.NumWrites, s.NumUpdateWrites, s.NumDeletes = int64(len(c.puts)), int64(len(c.puts)), int64(len(c.deletes))
	s.TotalWriteBytes, s.FileSizeInBytes = int64(len(data)), int64(len(data))
	if err := w.Store.Put(ctx, s.Path, data); err != nil {
		return fmt.Errorf("metadata: put %s of %s: %w", s.Path, w.Store.URI(), err)
	}
	return nil
}

// stat names the log file of the instant on top of a slice, as real Hudi describes it.
func (w *Writer) stat(on table.FileSlice, number int) *timeline.WriteStat {
	name := base.LogFileName{FileID: on.FileID, Time: w.Instant, Version: 1, Token: base.WriteToken(number, 0, 0)}
	s := &timeline.WriteStat{FileID: on.FileID, PartitionPath: on.Partition}
	if w.View.Config().SliceLogs() {
		name.Time, name.Token = on.BaseInstant, base.InstantToken(number, w.Instant)
		name.Version = w.version(on, name.Token)
		for _, l := range slices.Backward(on.Logs) {
			if l.Name.Version != name.Version {
				s.LogFiles = append(s.LogFiles, l.Name.String())
			}
		}
		if on.Base != nil {
			s.BaseFile = on.Base.Name
		}
	}
	s.Path = base.Join(on.Partition, name.String())
	s.PrevCommit, s.LogVersion = name.Time, int32(name.Version)
	s.LogFiles = append(s.LogFiles, name.String())
	return s
}

// version is that of the instant's log file, whose write token is known, in table version 6.
func (w *Writer) version(on table.FileSlice, token string) int {
	next, earlier := 1, 0
	for _, l := range on.Logs {
		next = max(next, l.Name.Version+1)
		switch l.Name.Token {
		case token:
			earlier = l.Name.Version
		case base.RollbackToken:
			earlier = 0
		}
	}
	if w.Again && earlier > 0 {
		return earlier
	}
	return next
}

// blocks makes the content of a log file: records, then deletes.
func (w *Writer) blocks(schema, partition string, c changes) ([]byte, error) {
	header := map[logfile.HeaderKey]string{logfile.HeaderInstant: w.Instant, logfile.HeaderSchema: schema}
	var out []byte
	if len(c.puts) > 0 {
		var content bytes.Buffer
		h := hfile.NewWriter(&content, hfile.GZ, w.Created)
		h.SetInfo(hfile.InfoSchema, []byte(schema))
		for _, e := range c.puts {
			if err := h.Add([]byte(e.key), e.value); err != nil {
				return nil, fmt.Errorf("metadata: partition %s: %w", partition, err)
			}
		}
		if err := h.Close(); err != nil {
			return nil, fmt.Errorf("metadata: partition %s: %w", partition, err)
		}
		out = logfile.AppendBlock(out, logfile.HFileData, header, content.Bytes())
	}
	if len(c.deletes) > 0 {
		deletes := make([]logfile.DeleteRecord, len(c.deletes))
		for i, key := range c.deletes {
			deletes[i] = deleteOf(partition, key)
		}
		out = logfile.AppendBlock(out, logfile.Delete, header, logfile.DeleteContent(deletes))
	}
	return out, nil
}

// Begin makes the file groups of a new partition: for each an empty log file, and a base
// file with the records that an update has for it.
func (w *Writer) Begin(ctx context.Context, partition string, u *Update) ([]*timeline.WriteStat, error) {
	l := layouts[partition]
	var stats []*timeline.WriteStat
	for number, c := range u.part(partition).split(l.groups) {
		id := fmt.Sprintf("%s%04d-0", l.prefix, number)
		if err := w.beginGroup(ctx, partition, id); err != nil {
			return nil, err
		}
		if len(c.puts) == 0 {
			continue
		}
		s, err := w.baseFile(ctx, partition, id, number, func(yield func(entry, error) bool) {
			for _, e := range c.puts {
				if !yield(e, nil) {
					return
				}
			}
		})
		if err != nil {
			return nil, err
		}
		s.PrevCommit, s.NumInserts = timeline.NoPrevCommit, s.NumWrites
		stats = append(stats, s)
	}
	return stats, nil
}

// beginGroup makes the empty log file that a file group begins with.
func (w *Writer) beginGroup(ctx context.Context, partition, id string) error {
	name := base.LogFileName{FileID: id, Time: w.Instant, Version: 1, Token: base.WriteToken(0, 0, 0)}
	if err := w.Store.Put(ctx, base.Join(partition, name.String()), emptyLog(w.Instant)); err != nil {
		return fmt.Errorf("metadata: begin %s of %s: %w", partition, w.Store.URI(), err)
	}
	return nil
}

// baseFile writes a base file of a file group from records in the order of keys.
func (w *Writer) baseFile(ctx context.Context, partition, id string, number int, records func(yield func(entry, error) bool)) (*timeline.WriteStat, error) {
	name := base.BaseFileName{FileID: id, Token: base.WriteToken(number, 0, 0), Instant: w.Instant, Ext: w.View.Config().BaseExt()}.String()
	s := &timeline.WriteStat{FileID: id, Path: base.Join(partition, name), PartitionPath: partition}
	fail := func(err error) (*timeline.WriteStat, error) {
		return nil, fmt.Errorf("metadata: write %s of %s: %w", s.Path, w.Store.URI(), err)
	}
	schema, err := w.schema()
	if err != nil {
		return nil, err
	}
	sink, err := w.Store.Create(ctx, s.Path)
	if err != nil {
		return fail(err)
	}
	defer sink.Abort()
	h := hfile.NewWriter(sink, hfile.GZ, w.Created)
	var bloom *basefile.BloomBuilder
	if OfKeys(partition) { // its filters would be full, and nobody asks them
		h.SetBlockSize(recordDataBlock)
	} else if bloom, err = basefile.NewBloomBuilder(0, nil); err != nil {
		return fail(err)
	}
	var first, last string
	for e, err := range records {
		if err != nil {
			return nil, err
		}
		key := []byte(e.key)
		if err := h.Add(key, e.value); err != nil {
			return fail(err)
		}
		if bloom != nil {
			bloom.Add(key)
		}
		if s.NumWrites == 0 {
			first = e.key
		}
		last = e.key
		s.NumWrites++
	}
	h.SetInfo(hfile.InfoSchema, []byte(schema))
	if s.NumWrites > 0 {
		if bloom != nil {
			filter := bloom.Build()
			h.SetMeta(hfile.MetaBloom, []byte(filter.Marshal()))
			h.SetInfo(hfile.InfoBloomType, []byte(filter.TypeCode()))
		}
		h.SetInfo(hfile.InfoMinKey, []byte(first))
		h.SetInfo(hfile.InfoMaxKey, []byte(last))
	}
	if err := h.Close(); err != nil {
		return fail(err)
	}
	if err := sink.Close(); err != nil {
		return fail(err)
	}
	s.TotalWriteBytes, s.FileSizeInBytes = h.Size(), h.Size()
	return s, nil
}

// byNumber sorts file groups by their numbers, which have four digits, or more where there
// are so many.
func byNumber(list []table.FileSlice) {
	slices.SortFunc(list, func(a, b table.FileSlice) int {
		return cmp.Or(cmp.Compare(len(a.FileID), len(b.FileID)), cmp.Compare(a.FileID, b.FileID))
	})
}

// CommitMetadata is the content of the completed file of a delta commit, or of a compaction.
func (w *Writer) CommitMetadata(stats map[string][]*timeline.WriteStat, operation string) (*timeline.CommitMetadata, error) {
	schema, err := w.schema()
	if err != nil {
		return nil, err
	}
	return &timeline.CommitMetadata{
		PartitionToWriteStats: stats, OperationType: operation, Compacted: operation == timeline.OpCompact,
		ExtraMetadata: map[string]string{timeline.SchemaKey: withoutMeta(schema)},
	}, nil
}
