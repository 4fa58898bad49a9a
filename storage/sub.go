package storage

import (
	"context"
	"path"
	"strings"
)

// Sub returns the part of a store below a folder as a store of its own: what the metadata
// table is to its table. Locks and swaps are the whole table's and are not passed on.
func Sub(s Store, dir string) Store { return &sub{s, dir} }

type sub struct {
	inner Store
	dir   string
}

func (s *sub) path(p string) string { return path.Join(s.dir, p) }

// file keeps a path from leaving the folder before the two are joined.
func (s *sub) file(p string) (string, error) {
	if err := CheckFile(p); err != nil {
		return "", err
	}
	return s.path(p), nil
}

func (s *sub) URI() string { return strings.TrimSuffix(s.inner.URI(), "/") + "/" + s.dir }

func (s *sub) Capabilities() Capabilities {
	return Capabilities{SharedClock: s.inner.Capabilities().SharedClock}
}

func (s *sub) Open(ctx context.Context, p string) (File, error) {
	if err := CheckPath(p); err != nil {
		return nil, err
	}
	return s.inner.Open(ctx, s.path(p))
}

func (s *sub) Stat(ctx context.Context, p string) (Entry, error) {
	if err := CheckPath(p); err != nil {
		return Entry{}, err
	}
	e, err := s.inner.Stat(ctx, s.path(p))
	return s.below(e), err
}

func (s *sub) List(ctx context.Context, dir string) ([]Entry, error) {
	if err := CheckPath(dir); err != nil {
		return nil, err
	}
	entries, err := s.inner.List(ctx, s.path(dir))
	for i, e := range entries {
		entries[i] = s.below(e)
	}
	return entries, err
}

// below makes an entry's path relative to the folder.
func (s *sub) below(e Entry) Entry {
	e.Path = strings.TrimPrefix(e.Path, s.dir+"/")
	return e
}

func (s *sub) Put(ctx context.Context, p string, data []byte) error {
	p, err := s.file(p)
	if err != nil {
		return err
	}
	return s.inner.Put(ctx, p, data)
}

func (s *sub) PutIfAbsent(ctx context.Context, p string, data []byte) error {
	p, err := s.file(p)
	if err != nil {
		return err
	}
	return s.inner.PutIfAbsent(ctx, p, data)
}

func (s *sub) Create(ctx context.Context, p string) (Writer, error) {
	p, err := s.file(p)
	if err != nil {
		return nil, err
	}
	return s.inner.Create(ctx, p)
}

func (s *sub) Delete(ctx context.Context, p string) error {
	p, err := s.file(p)
	if err != nil {
		return err
	}
	return s.inner.Delete(ctx, p)
}

func (s *sub) DeleteDir(ctx context.Context, dir string) error {
	dir, err := s.file(dir)
	if err != nil {
		return err
	}
	return s.inner.DeleteDir(ctx, dir)
}

func (s *sub) MakeDir(ctx context.Context, dir string) error {
	if err := CheckPath(dir); err != nil {
		return err
	}
	return s.inner.MakeDir(ctx, s.path(dir))
}
