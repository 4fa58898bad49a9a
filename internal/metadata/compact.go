package metadata

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Compact merges a slice into a new base file of its file group. Blocks of instants that are
// completed in the metadata table count; the caller makes sure that each of them is in the
// table too.
func (w *Writer) Compact(ctx context.Context, slice table.FileSlice) (s *timeline.WriteStat, err error) {
	valid, err := w.View.Committed(ctx)
	if err != nil {
		return nil, err
	}
	schema, err := w.schema()
	if err != nil {
		return nil, err
	}
	from := &Table{store: w.Store, config: w.View.Config(), view: w.View, valid: valid}
	defer func() {
		if closing := from.Close(); err == nil {
			err = closing
		}
	}()
	layers, err := from.open(ctx, &group{slice: slice})
	if err != nil {
		return nil, err
	}
	m := &merging{ctx: ctx, partition: slice.Partition, version: w.View.Config().Version, schema: schema, layers: layers}
	s, err = w.baseFile(ctx, slice.Partition, slice.FileID, numberOf(slice.FileID), m.records)
	if err != nil {
		return nil, err
	}
	s.PrevCommit = timeline.NoPrevCommit
	if slice.Base != nil {
		s.PrevCommit = slice.Base.Instant
	}
	s.NumUpdateWrites, s.TotalLogFiles, s.TotalLogFilesCompacted = m.merged, int64(len(slice.Logs)), int64(len(slice.Logs))
	for _, l := range slice.Logs {
		s.TotalLogSizeCompacted += l.Size
	}
	return s, nil
}

// numberOf is the number in a file group's id, which tells the files of an instant apart.
func numberOf(fileID string) int {
	digits := 0
	n, scale := 0, 1
	for i := len(fileID) - len("-0") - 1; i >= 0 && fileID[i] >= '0' && fileID[i] <= '9' && digits < 9; i-- {
		n += int(fileID[i]-'0') * scale
		scale *= 10
		digits++
	}
	return n
}

// merging reads the layers of a slice side by side, in the order of keys.
type merging struct {
	ctx       context.Context
	partition string
	version   int
	schema    string
	layers    []layer
	merged    int64 // records of more than one version
}

// head is the next entry of a layer.
type head struct {
	entry hfile.Entry
	more  bool
	next  func() (hfile.Entry, error, bool)
}

func (h *head) advance() error {
	var err error
	h.entry, err, h.more = h.next()
	return err
}

// records yields the records that the layers stand for.
func (m *merging) records(yield func(entry, error) bool) {
	heads := make([]head, len(m.layers))
	for i, l := range m.layers {
		if l.file == nil {
			continue
		}
		next, stop := iter.Pull2(l.file.All(m.ctx))
		defer stop()
		heads[i].next = next
		if err := heads[i].advance(); err != nil {
			yield(entry{}, err)
			return
		}
	}
	for {
		key, any := least(heads)
		if !any {
			return
		}
		value, err := m.fold(heads, key)
		if err != nil {
			yield(entry{}, fmt.Errorf("metadata: partition %s, key %q: %w", m.partition, key, err))
			return
		}
		if value != nil && !yield(entry{string(key), value}, nil) {
			return
		}
	}
}

// least is the smallest key that is next in any layer.
func least(heads []head) (key []byte, any bool) {
	for _, h := range heads {
		if h.more && (!any || bytes.Compare(h.entry.Key, key) < 0) {
			key, any = h.entry.Key, true
		}
	}
	return key, any
}

// fold makes one of the versions of a key, nil if it is deleted, and goes past them.
func (m *merging) fold(heads []head, key []byte) ([]byte, error) {
	var versions []version
	for i, l := range m.layers {
		if l.deletes[string(key)] {
			versions = versions[:0]
		}
		h := &heads[i]
		if !h.more || !bytes.Equal(h.entry.Key, key) {
			continue
		}
		versions = append(versions, version{l.schema, h.entry.Value})
		if err := h.advance(); err != nil {
			return nil, err
		}
	}
	switch {
	case len(versions) == 0:
		return nil, nil
	case len(versions) == 1 && versions[0].schema == m.schema:
		return versions[0].value, nil
	}
	m.merged++
	if last := versions[len(versions)-1]; OfKeys(m.partition) && last.schema == m.schema {
		return last.value, nil // it replaces those before
	}
	return m.join(versions)
}

// version is a record as a layer has it.
type version struct {
	schema string
	value  []byte
}

func (m *merging) join(versions []version) ([]byte, error) {
	var rec *Record
	for _, v := range versions {
		newer, err := decode(v.schema, v.value)
		if err != nil {
			return nil, err
		}
		rec = merge(rec, newer)
	}
	switch {
	case m.partition == Files:
		return appendFiles(nil, m.version, int64(rec.Type), rec.Files), nil
	case rec.Column != nil:
		return appendStats(nil, m.version, int64(rec.Type), rec.Column)
	case versions[len(versions)-1].schema == m.schema: // the newest has replaced the others
		return versions[len(versions)-1].value, nil
	case rec.Location != nil:
		return appendLocation(nil, m.version, *rec.Location), nil
	case rec.Bloom != nil:
		return appendBloom(nil, m.version, rec.Bloom), nil
	case rec.Secondary != nil:
		return appendSecondary(nil, rec.Secondary.Deleted), nil
	}
	return nil, fmt.Errorf("versions of its records cannot be merged: %w", base.ErrUnsupported)
}
