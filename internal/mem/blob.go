package mem

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
)

// Blob is a sequence of bytes that is written once and read any number of times. It keeps
// them in memory as far as its limit and the budget allow; the first bytes that do not fit
// move all of them to a temporary file. It belongs to one goroutine.
type Blob struct {
	budget *Budget
	limit  int64

	kept     []byte
	reserved int64
	file     *tempFile
	buffer   *bufio.Writer
	size     int64
}

// NewBlob returns an empty blob that keeps at most limit bytes in memory. The caller closes it.
func NewBlob(b *Budget, limit int64) *Blob { return &Blob{budget: b, limit: limit} }

// Size is the number of bytes written.
func (b *Blob) Size() int64 { return b.size }

// Write appends bytes. After an error the blob is of no use.
func (b *Blob) Write(p []byte) (int, error) {
	if b.file == nil && !b.keep(p) {
		if err := b.spill(); err != nil {
			return 0, err
		}
	}
	if b.file != nil {
		if _, err := b.buffer.Write(p); err != nil {
			return 0, b.file.error("write", err)
		}
	}
	b.size += int64(len(p))
	return len(p), nil
}

// keep holds bytes in memory if they fit. Memory is reserved in steps that double.
func (b *Blob) keep(p []byte) bool {
	const least = 4 << 10
	need := b.size + int64(len(p))
	if need > b.reserved {
		more := max(need, 2*b.reserved, least) - b.reserved
		if need > b.limit || !b.budget.Reserve(more) {
			return false
		}
		b.reserved += more
	}
	b.kept = append(b.kept, p...)
	return true
}

func (b *Blob) spill() error {
	f, err := newTempFile(b.budget.spillDir, "hudi-go-spill-*.bin")
	if err != nil {
		return err
	}
	b.file, b.buffer = f, bufio.NewWriterSize(f.file, 1<<18)
	if _, err := b.buffer.Write(b.kept); err != nil {
		return f.error("write", err)
	}
	b.drop()
	return nil
}

func (b *Blob) drop() {
	b.kept = nil
	b.budget.Release(b.reserved)
	b.reserved = 0
}

// Reader reads the bytes from the beginning, without a buffer of its own; nothing may be
// written while it is in use.
func (b *Blob) Reader() (io.Reader, error) {
	if b.file == nil {
		return bytes.NewReader(b.kept), nil
	}
	if err := b.buffer.Flush(); err != nil {
		return nil, b.file.error("write", err)
	}
	return io.NewSectionReader(b.file.file, 0, b.size), nil
}

// Close gives the memory and the file back. It may be called more than once.
func (b *Blob) Close() error {
	b.drop()
	if b.file == nil {
		return nil
	}
	f := b.file
	b.file = nil
	return f.close()
}

// tempFile is a temporary file. Its name is deleted at once where the system allows that for
// an open file, so that not even a killed process leaves it behind.
type tempFile struct {
	file    *os.File
	name    string
	deleted bool
}

func newTempFile(dir, pattern string) (*tempFile, error) {
	const mend = "choose a spill folder that can be written (--spill-dir) or allow more memory (--memory)"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mem: spill folder: %w: %s", err, mend)
	}
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, fmt.Errorf("mem: spill file: %w: %s", err, mend)
	}
	return &tempFile{f, f.Name(), os.Remove(f.Name()) == nil}, nil
}

func (f *tempFile) error(what string, err error) error {
	return fmt.Errorf("mem: %s spill file %s: %w", what, f.name, err)
}

func (f *tempFile) close() error {
	err := f.file.Close()
	if !f.deleted {
		if removed := os.Remove(f.name); err == nil {
			err = removed
		}
	}
	if err != nil {
		return f.error("close", err)
	}
	return nil
}
