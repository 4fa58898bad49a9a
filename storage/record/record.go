// Package record keeps a list of the operations on a store, for tests that count reads or
// compare plans with deeds, and to show that a dry run wrote nothing.
package record

import (
	"slices"
	"sync"

	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/intercept"
)

// Op is one finished operation. A stream is a Create and a Close that has the size of the
// whole; its Writes are not listed. Size is that of the bytes written or asked for, and for
// an Open that of the file.
type Op struct {
	Kind intercept.Op
	Path string
	Size int64
	Err  error
}

// Store records the operations on another store in the order in which they ended.
type Store struct {
	*intercept.Store
	mu  sync.Mutex
	ops []Op
}

// Wrap returns a recording store on top of s.
func Wrap(s storage.Store) *Store {
	r := &Store{}
	r.Store = intercept.Wrap(s, r.around)
	return r
}

func (r *Store) around(c *intercept.Call, next func() error) error {
	err := next()
	if c.Op == intercept.Write {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, Op{Kind: c.Op, Path: c.Path, Size: c.Size, Err: err})
	return err
}

// Ops returns a copy of the list.
func (r *Store) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ops)
}

// Mutations returns those operations that could change what is stored.
func (r *Store) Mutations() []Op {
	return slices.DeleteFunc(r.Ops(), func(o Op) bool { return !o.Kind.Mutates() })
}

// Reset empties the list.
func (r *Store) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = nil
}
