package cow

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// ChangeLogs says how a writer logs what changes in the files that it replaces, as tables
// with hoodie.table.cdc.enabled ask for (docs/format/log-files.md).
type ChangeLogs struct {
	// Mode says what of a change is logged: table.CDCKeys, CDCBefore or CDCBeforeAfter.
	Mode string
	// BlockBytes is the size at which a block ends and the next begins.
	BlockBytes int
	// Announce is called before a file is made: it puts the file's marker.
	Announce func(ctx context.Context, path string) error
}

// The kinds of changes, as logs name them.
const (
	opInsert = "i"
	opUpdate = "u"
	opDelete = "d"
)

// changeLog is the log beside one base file: what its rows are, seen from those of the file
// that it replaces. Records are made of rows that are encoded in place, with what the log
// has around them put in front of each.
type changeLog struct {
	writer *Writer
	mode   string
	path   string
	sink   storage.Writer
	header map[logfile.HeaderKey]string
	block  *logfile.DataBlock
	limit  int
	// before and after encode the images of a change; they are nil if logs have no images.
	before, after *avroarrow.Encoder

	record []byte
	bytes  int64
	closed bool
}

// openChanges opens the log of a base file.
func (w *Writer) openChanges(ctx context.Context, partition, fileID, token string) (*changeLog, error) {
	name := base.LogFileName{FileID: fileID, Time: w.Instant, Version: 1, Token: token, CDC: true}
	l := &changeLog{
		writer: w, mode: w.Changes.Mode, path: base.Join(partition, name.String()), block: logfile.NewDataBlock(), limit: w.Changes.BlockBytes,
	}
	row := w.Schema.WithoutMeta()
	text, err := changeSchema(l.mode, row)
	if err != nil {
		return nil, fmt.Errorf("cow: change log %s: %w", l.path, err)
	}
	l.header = map[logfile.HeaderKey]string{logfile.HeaderInstant: w.Instant, logfile.HeaderSchema: text}
	if l.mode != table.CDCKeys {
		if l.before, err = avroarrow.NewEncoder(row, w.Schema.Arrow()); err != nil {
			return nil, err
		}
	}
	if l.mode == table.CDCBeforeAfter {
		if l.after, err = avroarrow.NewEncoder(row, w.Schema.Arrow()); err != nil {
			return nil, err
		}
	}
	if err := w.Changes.Announce(ctx, l.path); err != nil {
		return nil, err
	}
	if l.sink, err = w.Store.Create(ctx, l.path); err != nil {
		return nil, fmt.Errorf("cow: create %s: %w", l.path, err)
	}
	return l, nil
}

// keysSchema is the schema of logs without images. The nulls come second here.
const keysSchema = `{"type":"record","name":"Record","fields":[{"name":"op","type":["string","null"]},{"name":"record_key","type":["string","null"]}]}`

// changeSchema is the schema of the records of a change log.
func changeSchema(mode string, row *schema.Schema) (string, error) {
	if mode == table.CDCKeys {
		return keysSchema, nil
	}
	null, doc := json.RawMessage("null"), map[string]json.RawMessage{"doc": json.RawMessage(`""`)}
	field := func(name string, t *schema.Type) schema.Field {
		return schema.Field{Name: name, Type: t, Default: null, Props: doc}
	}
	text := &schema.Type{Kind: schema.String, Nullable: true}
	image := *row.Record()
	image.Nullable = true
	record := &schema.Type{Kind: schema.Record, Name: "CDC", Namespace: image.Namespace, Props: doc}
	switch mode {
	case table.CDCBefore:
		record.Fields = []schema.Field{field("op", text), field("record_key", text), field("before", &image)}
	case table.CDCBeforeAfter:
		record.Fields = []schema.Field{field("op", text), field("ts_ms", text), field("before", &image), field("after", &image)}
	default:
		return "", fmt.Errorf("hoodie.table.cdc.supplemental.logging.mode is %q: %w", mode, base.ErrUnsupported)
	}
	s, err := schema.New(record)
	if err != nil {
		return "", err
	}
	return s.Avro(), nil
}

// change is a row of the old file that changed: its place in a batch and in what it became,
// -1 for a row that is gone.
type change struct{ before, after int }

// merged logs what merging changed in rows of the old file.
func (l *changeLog) merged(old, now arrow.RecordBatch, keys *array.String, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	if err := l.bind(old, now); err != nil {
		return err
	}
	for _, c := range changes {
		op := opUpdate
		if c.after < 0 {
			op = opDelete
		}
		if err := l.add(op, keys.Value(c.before), c); err != nil {
			return err
		}
	}
	return nil
}

// inserted logs rows that the old file did not have.
func (l *changeLog) inserted(rows arrow.RecordBatch, keys *array.String) error {
	if err := l.bind(rows, rows); err != nil {
		return err
	}
	for row := range keys.Len() {
		if err := l.add(opInsert, keys.Value(row), change{-1, row}); err != nil {
			return err
		}
	}
	return nil
}

func (l *changeLog) bind(before, after arrow.RecordBatch) error {
	if l.before != nil {
		if err := l.before.Bind(before); err != nil {
			return err
		}
	}
	if l.after != nil {
		return l.after.Bind(after)
	}
	return nil
}

// add adds a record.
func (l *changeLog) add(op, key string, c change) (err error) {
	const first, second = 0, 2 // branches of a union, as Avro writes their numbers
	text := func(branch byte, s string) {
		l.record = binary.AppendVarint(append(l.record, branch), int64(len(s)))
		l.record = append(l.record, s...)
	}
	image := func(e *avroarrow.Encoder, row int) {
		switch {
		case err != nil:
		case row < 0:
			l.record = append(l.record, first)
		default:
			l.record, err = e.Append(append(l.record, second), row)
		}
	}
	l.record = l.record[:0]
	switch l.mode {
	case table.CDCKeys:
		text(first, op)
		text(first, key)
	case table.CDCBefore:
		text(second, op)
		text(second, key)
		image(l.before, c.before)
	default:
		text(second, op)
		text(second, l.writer.Instant)
		image(l.before, c.before)
		image(l.after, c.after)
	}
	if err != nil {
		return err
	}
	l.block.Add(l.record)
	if l.block.Size() >= l.limit {
		return l.flush()
	}
	return nil
}

func (l *changeLog) flush() error {
	n, err := logfile.WriteBlock(l.sink, logfile.CDCData, l.header, l.block.Content())
	l.bytes += n
	l.block.Reset()
	return err
}

// close makes the log visible. One of no change has a block all the same: that a file has a
// log says that its writer knew of change logs.
func (l *changeLog) close() error {
	l.closed = true
	var err error
	if l.block.Len() > 0 || l.bytes == 0 {
		err = l.flush()
	}
	if err == nil {
		err = l.sink.Close()
	} else {
		err = errors.Join(err, l.sink.Abort())
	}
	if err != nil {
		return fmt.Errorf("cow: finish %s: %w", l.path, err)
	}
	return nil
}

// abort gives the log up unless it was closed.
func (l *changeLog) abort() {
	if l != nil && !l.closed {
		l.closed = true
		_ = l.sink.Abort() // the error that led here is the one to tell
	}
}
