// Package mem is a store in memory, for tests and simulations. It behaves like an object
// store (folders exist as long as a file lies below them) with compare-and-swap, that also
// has file locks unless it is made without. Its time is the caller's.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hudi-go/hudi-go/storage"
)

// Store is a store in memory. The zero value is not ready; see New.
type Store struct {
	clock func() time.Time
	can   storage.Capabilities

	mu    sync.RWMutex
	files map[string]object
	// writes counts the writes so far; each names the version that it made.
	writes int64
	// locks holds a token for each path that was ever locked while the lock is free.
	locks map[string]chan struct{}
}

// object is a file's content, never changed in place, so that readers and clones share it.
type object struct {
	data     []byte
	modified time.Time
	version  int64
}

var (
	_ storage.Store   = (*Store)(nil)
	_ storage.Locker  = (*Store)(nil)
	_ storage.Swapper = (*Store)(nil)
)

// New returns an empty store that stamps files with the clock's time.
func New(clock func() time.Time) *Store {
	return newStore(clock, storage.Capabilities{SharedClock: true, CompareAndSwap: true, FileLock: true})
}

// NewObjects is New for a store that can only do what object stores can: it has no file
// locks, and its writers may be anywhere.
func NewObjects(clock func() time.Time) *Store {
	return newStore(clock, storage.Capabilities{CompareAndSwap: true})
}

func newStore(clock func() time.Time, can storage.Capabilities) *Store {
	return &Store{clock: clock, can: can, files: map[string]object{}, locks: map[string]chan struct{}{}}
}

// Clone returns a store with the same files, as a disk looks after a crash: writes that
// were not closed are gone and no lock is held. The two do not affect each other.
func (s *Store) Clone() *Store {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return &Store{clock: s.clock, can: s.can, files: maps.Clone(s.files), writes: s.writes, locks: map[string]chan struct{}{}}
}

// URI implements storage.Store.
func (s *Store) URI() string { return "mem://" }

// Capabilities implements storage.Store.
func (s *Store) Capabilities() storage.Capabilities { return s.can }

// Open implements storage.Store. The open file keeps its content when the name gets another.
func (s *Store) Open(ctx context.Context, p string) (storage.File, error) {
	o, err := s.get(ctx, "open", p)
	if err != nil {
		return nil, err
	}
	return &file{Reader: bytes.NewReader(o.data)}, nil
}

// Stat implements storage.Store.
func (s *Store) Stat(ctx context.Context, p string) (storage.Entry, error) {
	o, err := s.get(ctx, "stat", p)
	if err != nil {
		return storage.Entry{}, err
	}
	return o.entry(p), nil
}

func (s *Store) get(ctx context.Context, op, p string) (object, error) {
	if err := check(ctx, p, storage.CheckPath); err != nil {
		return object{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.files[p]
	if !ok {
		return o, &fs.PathError{Op: op, Path: s.URI() + p, Err: fs.ErrNotExist}
	}
	return o, nil
}

func (o object) entry(p string) storage.Entry {
	return storage.Entry{Path: p, Name: path.Base(p), Size: int64(len(o.data)), ModTime: o.modified}
}

// List implements storage.Store.
func (s *Store) List(ctx context.Context, dir string) ([]storage.Entry, error) {
	if err := check(ctx, dir, storage.CheckPath); err != nil {
		return nil, err
	}
	prefix := ""
	if dir != "" {
		prefix = dir + "/"
	}
	folders := map[string]struct{}{}
	var entries []storage.Entry
	s.mu.RLock()
	defer s.mu.RUnlock()
	for p, o := range s.files {
		below, ok := strings.CutPrefix(p, prefix)
		if !ok {
			continue
		}
		if name, _, deeper := strings.Cut(below, "/"); !deeper {
			entries = append(entries, o.entry(p))
		} else if _, seen := folders[name]; !seen {
			folders[name] = struct{}{}
			entries = append(entries, storage.Entry{Path: prefix + name, Name: name, Dir: true})
		}
	}
	slices.SortFunc(entries, func(a, b storage.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// Put implements storage.Store.
func (s *Store) Put(ctx context.Context, p string, data []byte) error {
	if err := check(ctx, p, storage.CheckFile); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(p, bytes.Clone(data))
	return nil
}

// PutIfAbsent implements storage.Store.
func (s *Store) PutIfAbsent(ctx context.Context, p string, data []byte) error {
	_, err := s.Swap(ctx, p, data, "")
	return err
}

// set stores content that the store owns. The caller holds the lock.
func (s *Store) set(p string, data []byte) object {
	s.writes++
	o := object{data: data, modified: s.clock(), version: s.writes}
	s.files[p] = o
	return o
}

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, p string) error {
	if err := check(ctx, p, storage.CheckFile); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, p)
	return nil
}

// DeleteDir implements storage.Store.
func (s *Store) DeleteDir(ctx context.Context, dir string) error {
	if err := check(ctx, dir, storage.CheckFile); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.files, func(p string, _ object) bool { return strings.HasPrefix(p, dir+"/") })
	return nil
}

// MakeDir implements storage.Store; it only checks the path.
func (s *Store) MakeDir(ctx context.Context, dir string) error {
	return check(ctx, dir, storage.CheckPath)
}

// Get implements storage.Swapper.
func (s *Store) Get(ctx context.Context, p string) ([]byte, string, error) {
	o, err := s.get(ctx, "get", p)
	if err != nil {
		return nil, "", err
	}
	return bytes.Clone(o.data), o.tag(), nil
}

// Swap implements storage.Swapper.
func (s *Store) Swap(ctx context.Context, p string, data []byte, version string) (string, error) {
	if err := check(ctx, p, storage.CheckFile); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.files[p]; ok != (version != "") || (ok && o.tag() != version) {
		return "", &fs.PathError{Op: "put", Path: s.URI() + p, Err: fs.ErrExist}
	}
	return s.set(p, bytes.Clone(data)).tag(), nil
}

func (o object) tag() string { return strconv.FormatInt(o.version, 10) }

// Lock implements storage.Locker.
func (s *Store) Lock(ctx context.Context, p string) (func() error, error) {
	if err := check(ctx, p, storage.CheckFile); err != nil {
		return nil, err
	}
	free := s.lock(p)
	select {
	case <-free:
	case <-ctx.Done():
		return nil, fmt.Errorf("storage: lock %s%s: %w", s.URI(), p, ctx.Err())
	}
	return sync.OnceValue(func() error {
		free <- struct{}{}
		return nil
	}), nil
}

func (s *Store) lock(p string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.files[p]; !ok {
		s.set(p, nil)
	}
	free, ok := s.locks[p]
	if !ok {
		free = make(chan struct{}, 1)
		free <- struct{}{}
		s.locks[p] = free
	}
	return free
}

func check(ctx context.Context, p string, rule func(string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return rule(p)
}
