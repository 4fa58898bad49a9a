// Package storage is the smallest file system that a Hudi table needs. Everything that
// touches a table's bytes goes through a Store, so that faults, crashes and recordings
// can be put between, and every store is held to one conformance suite (storagetest).
//
// Paths are slash-separated and relative to the store's root, which is the table's base
// folder; "" is the root itself. A path never leaves the root: "..", absolute paths and
// empty segments are refused with an error that wraps fs.ErrInvalid. The root itself and
// names that begin with TempPrefix can be neither written nor deleted.
//
// A store either applies an operation wholly or not at all. An error leaves the outcome
// unknown unless it wraps fs.ErrNotExist, fs.ErrExist or fs.ErrInvalid: a caller that must
// know reads back (see PutIfAbsent).
package storage

import (
	"context"
	"io"
	"time"
)

// Entry describes a file or folder. Folders have neither size nor a time, and on object
// stores exist as long as a file lies below them.
type Entry struct {
	Path    string // relative to the store's root
	Name    string // last element of Path
	Size    int64
	ModTime time.Time
	Dir     bool
}

// File is an open file for reading. ReadAt may be called from several goroutines.
type File interface {
	io.ReaderAt
	io.Closer
	// Size is the file's length in bytes when it was opened.
	Size() int64
}

// Writer receives a file's content. Nothing is visible under the file's name until Close
// has returned nil; then the whole file is, and it survives a crash of the machine.
// Exactly one of Close and Abort ends a Writer; Abort leaves nothing behind and may be
// called after Close, when it does nothing.
type Writer interface {
	io.Writer
	Close() error
	Abort() error
}

// Capabilities says what a store can do beyond the interface, so that callers decide
// once and not by trying.
type Capabilities struct {
	// SharedClock is set when every writer of the store lives on this machine, so that
	// clock skew between writers need not be waited for.
	SharedClock bool
	// CompareAndSwap is set when the store implements Swapper.
	CompareAndSwap bool
	// FileLock is set when the store implements Locker.
	FileLock bool
}

// Store is a file system rooted at a table's base folder. It is safe for concurrent use.
type Store interface {
	// URI names the root for messages, for example file:///data/trips.
	URI() string
	Capabilities() Capabilities

	// Open opens a file for reading. A missing file wraps fs.ErrNotExist.
	Open(ctx context.Context, path string) (File, error)
	// Stat describes a file. A missing file, or a folder, wraps fs.ErrNotExist.
	Stat(ctx context.Context, path string) (Entry, error)
	// List returns the entries directly in a folder, sorted by name. A missing folder has
	// none. Temporary files of unfinished writes are not listed.
	List(ctx context.Context, dir string) ([]Entry, error)

	// Put writes a whole file, replacing what was there in one step.
	Put(ctx context.Context, path string, data []byte) error
	// PutIfAbsent writes a whole file unless one exists, which wraps fs.ErrExist. Of two
	// callers exactly one succeeds. A caller that gets another error and must know reads
	// the file back and compares.
	PutIfAbsent(ctx context.Context, path string, data []byte) error
	// Create opens a file for writing as a stream; it replaces what was there at Close.
	Create(ctx context.Context, path string) (Writer, error)

	// Delete removes a file. A missing file is no error.
	Delete(ctx context.Context, path string) error
	// DeleteDir removes a folder and everything below it. A missing folder is no error.
	// It is not one step: a crash may leave some of the files.
	DeleteDir(ctx context.Context, dir string) error
	// MakeDir makes an empty folder where the store has folders, and does nothing elsewhere.
	MakeDir(ctx context.Context, dir string) error
}

// Swapper is implemented by stores that can replace a file only if it still has the
// content a caller has seen (ETag, generation).
type Swapper interface {
	// Get returns a file's content and the version that Swap wants.
	Get(ctx context.Context, path string) (data []byte, version string, err error)
	// Swap replaces a file that still has the given version ("" = must be absent) and
	// returns the new one. A lost race wraps fs.ErrExist.
	Swap(ctx context.Context, path string, data []byte, version string) (string, error)
}

// Locker is implemented by stores with advisory file locks (local disk).
type Locker interface {
	// Lock takes the exclusive lock of a file, made if absent, and holds it until release
	// is called or the process dies. It returns when ctx ends, wrapping its error.
	Lock(ctx context.Context, path string) (release func() error, err error)
}

// Sweeper is implemented by stores in which a process that is killed leaves parts of its
// unfinished writes behind, unseen but taking room.
type Sweeper interface {
	// Sweep removes such parts from a folder, not from those below it, as far as their
	// writers are dead.
	Sweep(ctx context.Context, dir string) error
}

// ReadFile reads a whole file into memory.
func ReadFile(ctx context.Context, s Store, path string) ([]byte, error) {
	f, err := s.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, f.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, f.Size()), data); err != nil {
		return nil, err
	}
	return data, nil
}
