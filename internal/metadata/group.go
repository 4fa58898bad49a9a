package metadata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// groups are the file groups that have been opened.
type groups struct {
	mu    sync.Mutex
	parts map[string][]*group
	files []io.Closer
}

func (g *groups) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	for _, f := range g.files {
		errs = append(errs, f.Close())
	}
	g.parts, g.files = nil, nil
	return errors.Join(errs...)
}

// group is a file group: its versions of records, the oldest first.
type group struct {
	slice table.FileSlice

	mu     sync.Mutex
	opened bool
	layers []layer
}

// layer is a base file or a block of a log file.
type layer struct {
	file    *hfile.Reader
	schema  string
	known   bool            // the schema is
	deletes map[string]bool // of a block that deletes
}

func (l *layer) decode(value []byte) (*Record, error) {
	if l.known {
		if rec, ok := decodePlace(value); ok {
			return rec, nil
		}
	}
	return decode(l.schema, value)
}

// partition returns the file groups of a partition of the metadata table in the order of
// their numbers, which is how keys find them. What exists counts, no configuration.
func (t *Table) partition(ctx context.Context, name string) ([]*group, error) {
	if !t.Has(name) {
		return nil, fmt.Errorf("metadata: %s has no complete partition %s: %w", t.store.URI(), name, base.ErrInvalid)
	}
	t.groups.mu.Lock()
	defer t.groups.mu.Unlock()
	if found, ok := t.groups.parts[name]; ok {
		return found, nil
	}
	list, err := t.view.SlicesAt(ctx, name, "")
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if err := t.stands(ctx, name); err != nil {
		return nil, err
	}
	if len(list) == 0 && name != RecordIndex { // a partitioned one begins with none
		return nil, fmt.Errorf("metadata: %s: partition %s has no file groups: %w", t.store.URI(), name, base.ErrCorrupt)
	}
	byNumber(list)
	found := make([]*group, len(list))
	for i, s := range list {
		found[i] = &group{slice: s}
	}
	if t.groups.parts == nil {
		t.groups.parts = map[string][]*group{}
	}
	t.groups.parts[name] = found
	return found, nil
}

// open opens the files of a group, unless they are. After a failure the next call tries again.
func (t *Table) open(ctx context.Context, g *group) ([]layer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened {
		return g.layers, nil
	}
	o := opener{table: t}
	layers, err := o.layers(ctx, g.slice)
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	t.groups.mu.Lock()
	defer t.groups.mu.Unlock()
	t.groups.files = append(t.groups.files, o.files...)
	g.layers, g.opened = layers, true
	return layers, nil
}

// opener opens the files of one group.
type opener struct {
	table *Table
	files []io.Closer
}

func (o *opener) close() error {
	var errs []error
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func (o *opener) layers(ctx context.Context, s table.FileSlice) ([]layer, error) {
	t := o.table
	var layers []layer
	if s.Base != nil {
		f, err := o.open(ctx, s.Base.Path)
		if err != nil {
			return nil, err
		}
		h, err := hfile.Open(s.Base.Path, f, f.Size())
		if err != nil {
			return nil, fmt.Errorf("metadata: %s: %w", t.store.URI(), err)
		}
		layers = append(layers, layer{file: h, schema: h.Schema(), known: known(h.Schema())})
	}
	var logs []*logfile.Reader
	for _, l := range s.Logs {
		f, err := o.open(ctx, l.Path)
		if err != nil {
			return nil, err
		}
		logs = append(logs, logfile.NewReader(l.Path, f, f.Size()))
	}
	blocks, err := logfile.Scan(logs, logfile.ScanOptions{InRange: t.valid})
	if err != nil {
		return nil, fmt.Errorf("metadata: %s: %w", t.store.URI(), err)
	}
	for _, b := range blocks {
		l, err := blockLayer(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("metadata: %s: %w", t.store.URI(), err)
		}
		layers = append(layers, l)
	}
	return layers, nil
}

func (o *opener) open(ctx context.Context, path string) (storage.File, error) {
	f, err := o.table.store.Open(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		partition, _, _ := strings.Cut(path, "/")
		if dropped := o.table.stands(ctx, partition); dropped != nil {
			err = dropped
		}
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: open %s of %s: %w", path, o.table.store.URI(), err)
	}
	o.files = append(o.files, f)
	return f, nil
}

func blockLayer(ctx context.Context, b *logfile.Block) (layer, error) {
	if b.Type != logfile.Delete {
		h, err := b.HFile()
		return layer{file: h, schema: b.Schema(), known: known(b.Schema())}, err
	}
	content, err := b.Content(ctx)
	if err != nil {
		return layer{}, err
	}
	records, err := logfile.Deletes(content)
	if err != nil {
		return layer{}, fmt.Errorf("%s: block at offset %d: %w", b.File, b.Offset, err)
	}
	deletes := make(map[string]bool, len(records))
	for _, r := range records {
		deletes[r.Key] = true
	}
	return layer{deletes: deletes}, nil
}

// get returns the record of one key, nil if there is none.
func (t *Table) get(ctx context.Context, partition, key string) (*Record, error) {
	recs, err := t.lookup(ctx, partition, []string{key})
	return recs[key], err
}

// lookup returns the records of those of the keys that a partition has.
func (t *Table) lookup(ctx context.Context, partition string, keys []string) (map[string]*Record, error) {
	all, err := t.partition(ctx, partition)
	if err != nil {
		return nil, err
	}
	return t.lookupIn(ctx, all, keys)
}

// lookupIn returns the records of those of the keys that some groups have, over which keys are
// spread by their hash. It reads the groups, and in them the blocks, that the keys lie in.
func (t *Table) lookupIn(ctx context.Context, all []*group, keys []string) (map[string]*Record, error) {
	byGroup := make([][][]byte, len(all))
	for _, key := range keys {
		n := groupOf(key, len(all))
		byGroup[n] = append(byGroup[n], []byte(key))
	}
	found := make([]map[string]*Record, len(all))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for n, wanted := range byGroup {
		if len(wanted) == 0 {
			continue
		}
		work.Go(func() error {
			slices.SortFunc(wanted, bytes.Compare)
			found[n] = make(map[string]*Record, len(wanted))
			return t.collect(ctx, all[n], found[n], len(wanted), func(f *hfile.Reader) iter.Seq2[hfile.Entry, error] { return f.Lookup(ctx, wanted) })
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	out := make(map[string]*Record, len(keys))
	for _, some := range found {
		maps.Copy(out, some)
	}
	return out, nil
}

// prefix returns the records of all keys with a prefix, limit at most. They may lie in any group.
func (t *Table) prefix(ctx context.Context, partition, prefix string, limit int) (map[string]*Record, error) {
	all, err := t.partition(ctx, partition)
	if err != nil {
		return nil, err
	}
	out := map[string]*Record{}
	for _, g := range all {
		err := t.collect(ctx, g, out, limit, func(f *hfile.Reader) iter.Seq2[hfile.Entry, error] { return f.Prefix(ctx, []byte(prefix)) })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// collect merges the versions of the records that pick finds in the files of a group into out,
// which may have limit at most.
func (t *Table) collect(ctx context.Context, g *group, out map[string]*Record, limit int, pick func(*hfile.Reader) iter.Seq2[hfile.Entry, error]) error {
	layers, err := t.open(ctx, g)
	if err != nil {
		return err
	}
	for _, l := range layers {
		if len(l.deletes) > len(out) {
			maps.DeleteFunc(out, func(key string, _ *Record) bool { return l.deletes[key] })
		} else {
			for key := range l.deletes {
				delete(out, key)
			}
		}
		if l.file == nil {
			continue
		}
		for e, err := range pick(l.file) {
			if err != nil {
				return fmt.Errorf("metadata: %s: %w", t.store.URI(), err)
			}
			rec, err := l.decode(e.Value)
			if err != nil {
				return fmt.Errorf("metadata: %s: file group %s, key %q: %w", t.store.URI(), g.slice.FileID, e.Key, err)
			}
			out[string(e.Key)] = merge(out[string(e.Key)], rec)
			if len(out) > limit {
				return fmt.Errorf("metadata: %s: more than %d in file group %s: %w", t.store.URI(), limit, g.slice.FileID, ErrMany)
			}
		}
	}
	return nil
}
