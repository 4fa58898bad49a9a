// Package local is the store on a local disk. Importing it registers plain paths and the
// scheme file with package storage.
//
// A table's folder may be a symbolic link, and links in it may lead to other places in it.
// Links that lead out of it are refused by all operations; deleting one deletes the link.
//
// Files are written under a temporary name in their own folder, synced, and given their
// name in one step, so that neither a reader nor a crash ever finds part of one.
//
// Engines that use Hadoop's local file system keep a checksum of each file x beside it, in
// .x.crc, and refuse a file whose checksum is not its own. Whenever this store replaces or
// deletes a file it therefore deletes that side file first; a file without one is read
// unchecked. Such a side file that belongs to a file is listed like any other file.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

func init() {
	open := func(_ context.Context, uri string) (storage.Store, error) { return Open(uri) }
	storage.Register("", open)
	storage.Register("file", open)
}

// Options changes how a store on disk works.
type Options struct {
	// NoSync leaves it to the operating system when written bytes and names reach the disk:
	// faster, and safe against the end of the process, but not of the machine.
	NoSync bool
}

// store is a folder on disk.
type store struct {
	root string // absolute
	opts Options
}

// Open opens the store whose root is a folder, given as a path or as a file URI: file:///path
// or file:/path, taken literally, without escapes. The folder need not exist and is not made.
func Open(root string) (storage.Store, error) { return OpenWith(root, Options{}) }

// OpenWith is Open with options.
func OpenWith(root string, opts Options) (storage.Store, error) {
	dir, err := rootDir(root)
	if err != nil {
		return nil, err
	}
	return &store{root: dir, opts: opts}, nil
}

func rootDir(root string) (string, error) {
	p := root
	switch storage.Scheme(root) {
	case "":
	case "file":
		p = strings.TrimPrefix(root[len("file:"):], "//")
		if !strings.HasPrefix(p, "/") {
			return "", fmt.Errorf("local: %q names a host: write file:///path with three slashes: %w", root, base.ErrInvalid)
		}
	default:
		return "", fmt.Errorf("local: %q is not a local path or file URI: %w", root, base.ErrInvalid)
	}
	if p == "" {
		return "", fmt.Errorf(`local: the path is empty: write "." for the current folder: %w`, base.ErrInvalid)
	}
	abs, err := filepath.Abs(filepath.FromSlash(p))
	if err != nil {
		return "", fmt.Errorf("local: %q: %w", root, err)
	}
	return abs, nil
}

// URI implements storage.Store.
func (s *store) URI() string {
	p := filepath.ToSlash(s.root)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return "file://" + p
}

// Capabilities implements storage.Store.
func (s *store) Capabilities() storage.Capabilities {
	return storage.Capabilities{SharedClock: true, FileLock: canLock}
}

// name checks a path by rule and returns where it lies on disk, inside of the root (inside).
func (s *store) name(ctx context.Context, p string, rule func(string) error) (string, error) {
	name, err := s.entryName(ctx, p, rule)
	if err == nil {
		err = s.inside(name)
	}
	return name, err
}

// ownName is name for what is done to the entry of the folder and does not follow it if it is
// a symbolic link.
func (s *store) ownName(ctx context.Context, p string) (string, error) {
	name, err := s.entryName(ctx, p, storage.CheckFile)
	if err == nil {
		err = s.inside(filepath.Dir(name))
	}
	return name, err
}

func (s *store) entryName(ctx context.Context, p string, rule func(string) error) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := rule(p); err != nil {
		return "", err
	}
	if p == "" {
		return s.root, nil
	}
	rel, err := filepath.Localize(p)
	if err != nil {
		return "", fmt.Errorf("local: path %q cannot be a file name on this system: %w", p, fs.ErrInvalid)
	}
	return filepath.Join(s.root, rel), nil
}

// file is an open file.
type file struct {
	*os.File
	size int64
}

func (f *file) Size() int64 { return f.size }

// Open implements storage.Store.
func (s *store) Open(ctx context.Context, p string) (storage.File, error) {
	name, err := s.name(ctx, p, storage.CheckPath)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, absent(err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	if info.IsDir() {
		_ = f.Close() // it was only read
		return nil, &fs.PathError{Op: "open (a folder)", Path: name, Err: fs.ErrNotExist}
	}
	return &file{File: f, size: info.Size()}, nil
}

// Stat implements storage.Store.
func (s *store) Stat(ctx context.Context, p string) (storage.Entry, error) {
	name, err := s.name(ctx, p, storage.CheckPath)
	if err != nil {
		return storage.Entry{}, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return storage.Entry{}, absent(err)
	}
	if info.IsDir() {
		return storage.Entry{}, &fs.PathError{Op: "stat (a folder)", Path: name, Err: fs.ErrNotExist}
	}
	return entry(path.Dir(p), path.Base(p), info), nil
}

// List implements storage.Store. Symbolic links are followed; one that leads nowhere is left
// out, one that leads out of the root is an error: without its files a table would lack rows.
func (s *store) List(ctx context.Context, dir string) ([]storage.Entry, error) {
	name, err := s.name(ctx, dir, storage.CheckPath)
	if err != nil {
		return nil, err
	}
	found, err := os.ReadDir(name)
	if err != nil {
		if errors.Is(absent(err), fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	entries := make([]storage.Entry, 0, len(found))
	for _, e := range found {
		if storage.IsTemp(e.Name()) {
			continue
		}
		info, err := e.Info()
		if link := filepath.Join(name, e.Name()); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if err = s.leads(link); err == nil {
				info, err = os.Stat(link)
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since it was read from the folder
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry(dir, e.Name(), info))
	}
	return entries, nil
}

func entry(dir, name string, info fs.FileInfo) storage.Entry {
	e := storage.Entry{Path: path.Join(dir, name), Name: name}
	if info.IsDir() {
		e.Dir = true
		return e
	}
	e.Size, e.ModTime = info.Size(), info.ModTime()
	return e
}

// absent gives an error that says that an element of a path is a file, not a folder, the
// meaning it has for a store: nothing lies there.
func absent(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && errors.Is(p.Err, syscall.ENOTDIR) {
		return &fs.PathError{Op: p.Op, Path: p.Path, Err: fs.ErrNotExist}
	}
	return err
}
