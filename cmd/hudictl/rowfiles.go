package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// standardInput stands for standard input among file names.
const standardInput = "-"

// rowFile is a file of rows.
type rowFile struct {
	name   string
	format rowio.Format
}

// rowFiles are files that are read one after the other, as one stream of rows.
type rowFiles struct {
	files   []rowFile
	stdin   io.Reader
	options rowio.ReadOptions
	current *os.File // the file that is being read
}

// rowFiles resolves the file arguments of a command; none is standard input. format is that
// of all files, "" to go by each one's name.
func (a *app) rowFiles(names []string, format rowio.Format) (*rowFiles, error) {
	if len(names) == 0 {
		if a.inTerminal {
			return nil, usagef("which rows? name files, or pipe rows in")
		}
		names = []string{standardInput}
	}
	in := &rowFiles{stdin: a.in, options: rowio.ReadOptions{Alloc: memory.DefaultAllocator}}
	for _, name := range names {
		f := rowFile{name, format}
		if format == "" {
			known := true
			if f.format = rowio.JSONL; name != standardInput {
				f.format, known = rowio.FormatOf(name)
			}
			if !known {
				return nil, usagef("%s: its name does not say its format: give --input", name)
			}
		}
		in.files = append(in.files, f)
	}
	return in, nil
}

// shape decides which columns are read, for an operation on a table. Files that say their
// types themselves are read as they are, unless only keys are wanted; others get the types
// of the table. A table without a schema takes that of the first file. some, if given, are the
// only columns that are read.
func (in *rowFiles) shape(ctx context.Context, t *hudi.Table, op hudi.Operation, some []string) error {
	in.options.Table = t.Config().Name
	s, err := t.Schema(ctx)
	few := op == hudi.Delete || op == hudi.DeletePartition
	if errors.Is(err, table.ErrNoSchema) && !few {
		return nil
	}
	if err != nil {
		return err
	}
	if few {
		in.options.IgnoreUnknown = true
		if op == hudi.Delete {
			in.options.Schema, err = keyColumns(s, t.Config())
		} else {
			in.options.Schema, err = topColumns(s, t.Config().PartitionBy)
		}
		return err
	}
	if len(some) > 0 {
		if s, err = s.Project(some); err != nil {
			return fmt.Errorf("--partial: %w", err)
		}
		in.options.IgnoreUnknown = true
		in.options.Schema, err = withDeleteMark(s)
		return err
	}
	if slices.ContainsFunc(in.files, func(f rowFile) bool { return !f.format.Typed() }) {
		in.options.Schema, err = withDeleteMark(s)
	}
	return err
}

// keyColumns are the columns that a delete looks at. The ordering columns may be absent.
func keyColumns(s *schema.Schema, c *table.Config) (*schema.Schema, error) {
	keyed, err := topColumns(s, slices.Concat(c.Keys, c.PartitionBy))
	if err != nil {
		return nil, err
	}
	must := len(keyed.Fields())
	keys, err := topColumns(s, slices.Concat(c.Keys, c.PartitionBy, c.Ordering))
	if err != nil {
		return nil, err
	}
	record := *keys.Record()
	record.Fields = slices.Clone(record.Fields)
	for i := must; i < len(record.Fields); i++ {
		record.Fields[i] = nullable(record.Fields[i])
	}
	return schema.New(&record)
}

// topColumns are the columns that hold fields, which may be nested ones.
func topColumns(s *schema.Schema, fields []string) (*schema.Schema, error) {
	var names []string
	for _, f := range fields {
		top, _, _ := strings.Cut(f, ".")
		if !slices.Contains(names, top) {
			names = append(names, top)
		}
	}
	return s.Project(names)
}

// withDeleteMark adds the column that marks deletes, which rows need not have.
func withDeleteMark(s *schema.Schema) (*schema.Schema, error) {
	if _, _, ok := s.Field(schema.IsDeleted); ok {
		return s, nil
	}
	record := *s.Record()
	record.Fields = append(slices.Clone(record.Fields), nullable(schema.Field{Name: schema.IsDeleted, Type: &schema.Type{Kind: schema.Boolean}}))
	return schema.New(&record)
}

// nullable is a column that may also be null, and is when rows lack it.
func nullable(f schema.Field) schema.Field {
	typ := *f.Type
	typ.Nullable, typ.NullLast = true, false
	f.Type, f.Default = &typ, []byte("null")
	return f
}

// open opens the first file, which says what the rows look like if nothing else does. The
// caller closes the files.
func (in *rowFiles) open(ctx context.Context) (hudi.Rows, error) {
	s, rows, err := in.read(ctx, in.files[0])
	if err != nil {
		return hudi.Rows{}, err
	}
	in.options.Schema = s
	return hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		if !forward(rows, yield) {
			return
		}
		for _, f := range in.files[1:] {
			in.close()
			_, rows, err := in.read(ctx, f)
			if err != nil {
				yield(nil, err)
				return
			}
			if !forward(rows, yield) {
				return
			}
		}
	}}, nil
}

// forward yields rows until they end. It is false when the iteration is over.
func forward(rows iter.Seq2[arrow.RecordBatch, error], yield func(arrow.RecordBatch, error) bool) bool {
	for batch, err := range rows {
		if !yield(batch, err) || err != nil {
			return false
		}
	}
	return true
}

// read begins to read a file.
func (in *rowFiles) read(ctx context.Context, f rowFile) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	r, name := in.stdin, "standard input"
	if f.name != standardInput {
		file, err := os.Open(f.name)
		if err != nil {
			return nil, nil, err
		}
		in.current, r, name = file, file, f.name
	}
	if !isFile(r) {
		r = interruptible(ctx, r)
	}
	o := in.options
	o.Name = name
	s, rows, err := rowio.Read(ctx, r, f.format, o)
	if err != nil {
		in.close()
		return nil, nil, err
	}
	return s, rows, nil
}

// isFile tells files from pipes and terminals, which have the methods of files as well.
func isFile(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// interruptible is r until ctx ends, also while r keeps its reader waiting. Then a goroutine
// is left behind that waits on.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	return struct{ io.Reader }{out}
}

// close closes the file that is being read.
func (in *rowFiles) close() {
	if in.current != nil {
		_ = in.current.Close() // it was only read
		in.current = nil
	}
}
