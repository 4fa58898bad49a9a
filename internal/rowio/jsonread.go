package rowio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

const (
	// maxLine bounds a line of JSON and a record of CSV.
	maxLine = maxBatchBytes
	// The first rows, of which a schema is inferred, are bounded by both.
	inferRows  = 1000
	inferBytes = 8 << 20
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// lines cuts a stream into lines that are not blank.
type lines struct {
	r      *bufio.Reader
	number int
	long   []byte // a line that is longer than r's buffer
	ahead  []line // lines to be read again
	err    error  // what ended ahead
}

type line struct {
	number int
	text   []byte
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next line, valid until the one after it, or io.EOF.
func (l *lines) next() (line, error) {
	if len(l.ahead) > 0 {
		first := l.ahead[0]
		l.ahead = l.ahead[1:]
		return first, nil
	}
	if l.err != nil {
		return line{}, l.err
	}
	for {
		text, err := l.raw()
		l.number++
		if l.number == 1 {
			text = bytes.TrimPrefix(text, byteOrderMark)
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return line{l.number, text}, nil
		}
		if err != nil {
			return line{}, err
		}
	}
}

// raw returns the next line with its end. The error of the last line comes with the line, and
// again with the empty line after it.
func (l *lines) raw() ([]byte, error) {
	text, err := l.r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	l.long = l.long[:0]
	for {
		if len(l.long)+len(text) > maxLine {
			return nil, fmt.Errorf("line %d is longer than %d MiB: %w", l.number+1, maxLine>>20, base.ErrInvalid)
		}
		l.long = append(l.long, text...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.long, err
		}
		text, err = l.r.ReadSlice('\n')
	}
}

// at says in which line an error is, and that it is one of the content.
func (l line) at(err error) error {
	if errors.Is(err, base.ErrInvalid) {
		return fmt.Errorf("line %d: %w", l.number, err)
	}
	return fmt.Errorf("line %d: %w: %w", l.number, err, base.ErrInvalid)
}

// readJSON reads JSON lines.
func readJSON(r io.Reader, o ReadOptions) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	in := newLines(r)
	if o.Schema == nil {
		s, err := inferJSON(in, o.Table)
		if err != nil {
			return nil, nil, err
		}
		o.Schema = s
	}
	return o.Schema, func(yield func(arrow.RecordBatch, error) bool) {
		b := newBatches(o)
		defer b.release()
		var scan scanner
		for {
			l, err := in.next()
			if errors.Is(err, io.EOF) {
				b.flush(yield)
				return
			}
			if err == nil {
				scan.reset(l.text)
				if err = b.fields.decode(&scan); err == nil {
					err = scan.end()
				}
				if err != nil {
					err = l.at(err)
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !b.added(len(l.text), yield) {
				return
			}
		}
	}, nil
}

// batches gathers decoded rows in batches of bounded size.
type batches struct {
	builder *array.RecordBuilder
	fields  *fields
	width   int // the least bytes of a row
	rows    int
	bytes   int
}

func newBatches(o ReadOptions) *batches {
	b := &batches{builder: array.NewRecordBuilder(o.Alloc, o.Schema.Arrow())}
	b.fields = newFields(o.Schema.Record(), b.builder.Field, o.IgnoreUnknown)
	for _, f := range o.Schema.Arrow().Fields() {
		b.width += fixedWidth(f.Type)
	}
	return b
}

// fixedWidth is what each value of a type takes, whatever it is.
func fixedWidth(t arrow.DataType) int {
	switch t := t.(type) {
	case *arrow.StructType:
		n := 1
		for _, f := range t.Fields() {
			n += fixedWidth(f.Type)
		}
		return n
	case arrow.FixedWidthDataType:
		return t.Bytes() + 1
	}
	return arrow.Int32SizeBytes + 1
}

// added counts a row that came from text of the given size, and yields the batch when it is
// full. It is false when the consumer wants no more.
func (b *batches) added(size int, yield func(arrow.RecordBatch, error) bool) bool {
	b.rows++
	b.bytes += size + b.width
	if b.rows < maxBatchRows && b.bytes < maxBatchBytes/2 {
		return true
	}
	return b.flush(yield)
}

// flush yields the rows that are pending.
func (b *batches) flush(yield func(arrow.RecordBatch, error) bool) bool {
	if b.rows == 0 {
		return true
	}
	b.rows, b.bytes = 0, 0
	batch := b.builder.NewRecordBatch()
	defer batch.Release()
	return yield(batch, nil)
}

func (b *batches) release() { b.builder.Release() }
