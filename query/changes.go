package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// colKey is the column of change logs that have not both images.
const colKey = "record_key"

// errEnough ends reading when the consumer wants no more.
var errEnough = errors.New("enough")

// changeRows yields the changes of one task.
func (p *Plan) readChanges(ctx context.Context, t Task) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		c := &changeReader{plan: p, changes: t.changes, yield: yield}
		if err := c.read(ctx); err != nil && !errors.Is(err, errEnough) {
			of := c.after
			if of.FileID == "" {
				of = c.before
			}
			yield(nil, fmt.Errorf("changes of write %s in file group %s of partition %q: %w", c.instant, of.FileID, of.Partition, err))
		}
	}
}

// changeReader reads the changes of one write in one file group.
type changeReader struct {
	*changes
	plan  *Plan
	yield func(arrow.RecordBatch, error) bool
}

func (c *changeReader) read(ctx context.Context) error {
	switch c.kind {
	case created:
		return c.whole(ctx, "i", c.after, c.instant)
	case emptied:
		return c.whole(ctx, "d", c.before, justBefore(c.instant))
	case compared:
		return c.compare(ctx)
	}
	for _, path := range c.logs {
		if err := c.readLog(ctx, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func (c *changeReader) request(s table.FileSlice, latest string) fileslice.Request {
	return fileslice.Request{Slice: s, Columns: c.plan.reader.Table, Latest: latest, Parallel: c.plan.source.Parallel}
}

// whole yields all rows of a slice as inserted or deleted.
func (c *changeReader) whole(ctx context.Context, op string, s table.FileSlice, latest string) error {
	for batch, err := range c.plan.reader.Read(ctx, c.request(s, latest)) {
		if err != nil {
			return err
		}
		rows := &changeRows{sources: []arrow.RecordBatch{batch}}
		for row := range int32(batch.NumRows()) {
			before, after := nowhere, merge.Pick{Row: row}
			if op == "d" {
				before, after = after, before
			}
			rows.add(op, before, after)
		}
		if err := c.emit(rows, nil); err != nil {
			return err
		}
	}
	return nil
}

// nowhere is the image that is not there.
var nowhere = merge.Pick{Source: -1}

// changeRows are changes on their way out: images are rows of the sources, which are of the table
// with meta columns.
type changeRows struct {
	sources       []arrow.RecordBatch
	ops           []string
	before, after []merge.Pick
}

func (r *changeRows) add(op string, before, after merge.Pick) {
	r.ops, r.before, r.after = append(r.ops, op), append(r.before, before), append(r.after, after)
}

// emit yields changes, with the old images in before if that is not nil.
func (c *changeReader) emit(r *changeRows, before arrow.Array) error {
	if len(r.ops) == 0 {
		return nil
	}
	dt := c.plan.columns.Arrow().Field(2).Type
	sources := make([]arrow.Array, len(r.sources))
	defer func() {
		for _, s := range sources {
			if s != nil {
				s.Release()
			}
		}
	}()
	for i, s := range r.sources {
		sources[i] = c.imagesOf(s)
	}
	alloc := c.plan.source.Alloc
	if before == nil {
		var err error
		if before, err = merge.Interleave(alloc, dt, sources, r.before); err != nil {
			return err
		}
		defer before.Release()
	}
	after, err := merge.Interleave(alloc, dt, sources, r.after)
	if err != nil {
		return err
	}
	defer after.Release()
	ops := array.NewStringBuilder(alloc)
	defer ops.Release()
	ops.AppendValues(r.ops, nil)
	op := ops.NewArray()
	defer op.Release()
	return c.send(op, before, after)
}

// imagesOf makes a column of the rows of a batch of the table. The caller releases it.
func (c *changeReader) imagesOf(rows arrow.RecordBatch) arrow.Array {
	var children []arrow.ArrayData
	for _, f := range c.plan.image.Fields() {
		_, at, _ := c.plan.reader.Table.Field(f.Name)
		children = append(children, rows.Column(at).Data())
	}
	data := array.NewData(c.plan.columns.Arrow().Field(2).Type, int(rows.NumRows()), []*memory.Buffer{nil}, children, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// send yields a batch of the CDC view.
func (c *changeReader) send(op, before, after arrow.Array) error {
	times := array.NewStringBuilder(c.plan.source.Alloc)
	defer times.Release()
	for range op.Len() {
		times.Append(c.instant)
	}
	ts := times.NewArray()
	defer ts.Release()
	batch := array.NewRecordBatch(c.plan.columns.Arrow(), []arrow.Array{op, ts, before, after}, int64(op.Len()))
	defer batch.Release()
	if !c.yield(batch, nil) {
		return errEnough
	}
	return nil
}

// readLog yields the changes of a change log.
func (c *changeReader) readLog(ctx context.Context, path string) error {
	f, err := c.plan.source.Store.Open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := logfile.NewReader(path, f, f.Size())
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if b.Type != logfile.CDCData || b.Instant() != c.instant {
			continue
		}
		if err := c.readBlock(ctx, b); err != nil {
			return fmt.Errorf("block at %d: %w", b.Offset, err)
		}
	}
}

func (c *changeReader) readBlock(ctx context.Context, b *logfile.Block) error {
	writer, err := schema.Parse(b.Schema())
	if err != nil {
		return err
	}
	reader, err := c.logSchema()
	if err != nil {
		return err
	}
	decoder, err := avroarrow.NewDecoder(writer, reader, c.plan.source.Alloc)
	if err != nil {
		return err
	}
	defer decoder.Release()
	content, err := b.Content(ctx)
	if err != nil {
		return err
	}
	records, err := logfile.Records(content)
	if err != nil {
		return err
	}
	flush := func() error {
		if decoder.Rows() == 0 {
			return nil
		}
		batch, err := decoder.Flush()
		if err != nil {
			return err
		}
		defer batch.Release()
		_, _, hasBefore := writer.Field(colBefore)
		_, _, hasAfter := writer.Field(colAfter)
		if hasBefore && hasAfter {
			return c.send(batch.Column(0), batch.Column(2), batch.Column(3))
		}
		return c.complete(ctx, batch, hasBefore)
	}
	for rec, err := range records {
		if err == nil {
			err = decoder.Append(rec)
		}
		if err == nil && decoder.Rows() == c.portion() {
			err = flush()
		}
		if err != nil {
			return err
		}
	}
	return flush()
}

// logSchema is what is read of change logs: the columns of the view with the record key instead
// of the time.
func (c *changeReader) logSchema() (*schema.Schema, error) {
	fields := slices.Clone(c.plan.columns.Fields())
	text := &schema.Type{Kind: schema.String, Nullable: true}
	fields[0] = schema.Field{Name: colOp, Type: text, Default: []byte("null")}
	fields[1] = schema.Field{Name: colKey, Type: text, Default: []byte("null")}
	return schema.New(&schema.Type{Kind: schema.Record, Name: "change", Fields: fields})
}

// portion is how many changes are looked up at a time, so that their images fit into the memory.
func (c *changeReader) portion() int {
	const most, least, expansion, imagesHeld = merge.BatchRows, 256, 8, 2
	rows := int64(most)
	f := c.after.Base
	if f == nil {
		f = c.before.Base
	}
	if f != nil && f.Size > 0 {
		// a row is not known to be smaller than a 1024th of a file of few rows
		rows = c.plan.source.Memory / 4 / imagesHeld / max(1, f.Size*expansion/most)
	}
	return int(min(max(rows, least), most))
}

// complete finds the images that a change log left out: the new ones in the base file that the
// write made, the old ones in the slice before it.
func (c *changeReader) complete(ctx context.Context, log arrow.RecordBatch, hasBefore bool) error {
	ops, ok := log.Column(0).(*array.String)
	keys, isText := log.Column(1).(*array.String)
	if !ok || !isText {
		return fmt.Errorf("change log without operations and keys: %w", base.ErrCorrupt)
	}
	old, fresh := map[string]bool{}, map[string]bool{}
	for row := range ops.Len() {
		if op := ops.Value(row); op != "d" {
			fresh[keys.Value(row)] = true
		}
		if op := ops.Value(row); op != "i" && !hasBefore {
			old[keys.Value(row)] = true
		}
	}
	after, err := c.lookUp(ctx, c.after, c.instant, fresh)
	if err != nil {
		return err
	}
	defer after.release()
	before, err := c.lookUp(ctx, c.before, justBefore(c.instant), old)
	if err != nil {
		return err
	}
	defer before.release()
	rows := &changeRows{sources: slices.Concat(after.rows, before.rows)}
	for row := range ops.Len() {
		key := keys.Value(row)
		b, a := before.pick(key, len(after.rows)), after.pick(key, 0)
		op := ops.Value(row)
		if op != "d" && a == nowhere || op != "i" && !hasBefore && b == nowhere {
			return fmt.Errorf("the change log has key %q, and the files have not: %w", key, base.ErrCorrupt)
		}
		rows.add(op, b, a)
	}
	if hasBefore {
		return c.emit(rows, log.Column(2))
	}
	return c.emit(rows, nil)
}

// compare yields what the log files of a write changed.
func (c *changeReader) compare(ctx context.Context) error {
	only, err := c.plan.reader.Table.Project([]string{schema.MetaRecordKey})
	if err != nil {
		return err
	}
	logs := c.request(table.FileSlice{Partition: c.after.Partition, FileID: c.after.FileID, Logs: c.written}, c.instant)
	logs.Columns = only
	return c.plan.reader.ChangedKeys(ctx, logs, c.portion(), func(keys map[string]bool) error {
		after, err := c.lookUp(ctx, c.after, c.instant, keys)
		if err != nil {
			return err
		}
		defer after.release()
		before, err := c.lookUp(ctx, c.before, justBefore(c.instant), keys)
		if err != nil {
			return err
		}
		defer before.release()
		rows := &changeRows{sources: slices.Concat(after.rows, before.rows)}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			b, a := before.pick(key, len(after.rows)), after.pick(key, 0)
			switch {
			case b == nowhere && a == nowhere:
			case b == nowhere:
				rows.add("i", b, a)
			case a == nowhere:
				rows.add("d", b, a)
			case !sameRow(rows.sources[b.Source], int(b.Row), rows.sources[a.Source], int(a.Row)):
				rows.add("u", b, a)
			}
		}
		return c.emit(rows, nil)
	})
}

// sameRow compares two rows with their meta columns: an update that lost changes nothing.
func sameRow(x arrow.RecordBatch, i int, y arrow.RecordBatch, j int) bool {
	for c := range x.Columns() {
		one, other := array.NewSlice(x.Column(c), int64(i), int64(i+1)), array.NewSlice(y.Column(c), int64(j), int64(j+1))
		same := array.ApproxEqual(one, other, array.WithNaNsEqual(true), array.WithAbsTolerance(0))
		one.Release()
		other.Release()
		if !same {
			return false
		}
	}
	return true
}

// images are rows of the table by key.
type images struct {
	rows []arrow.RecordBatch
	at   map[string]merge.Pick
}

func (m *images) release() {
	for _, b := range m.rows {
		b.Release()
	}
}

// pick is the row of a key where the rows come after so many other sources.
func (m *images) pick(key string, shift int) merge.Pick {
	p, ok := m.at[key]
	if !ok {
		return nowhere
	}
	p.Source += int32(shift)
	return p
}

// lookUp reads the rows of some keys out of a slice.
func (c *changeReader) lookUp(ctx context.Context, s table.FileSlice, latest string, keys map[string]bool) (*images, error) {
	m := &images{at: map[string]merge.Pick{}}
	if len(keys) == 0 || s.Empty() {
		return m, nil
	}
	_, keyAt, _ := c.plan.reader.Table.Field(schema.MetaRecordKey)
	for batch, err := range c.plan.reader.Read(ctx, c.request(s, latest)) {
		if err != nil {
			m.release()
			return nil, err
		}
		column, ok := batch.Column(keyAt).(*array.String)
		if !ok {
			m.release()
			return nil, fmt.Errorf("record keys are %s: %w", batch.Column(keyAt).DataType(), base.ErrCorrupt)
		}
		var picks []merge.Pick
		for row := range column.Len() {
			if key := column.Value(row); keys[key] {
				m.at[string([]byte(key))] = merge.Pick{Source: int32(len(m.rows)), Row: int32(len(picks))}
				picks = append(picks, merge.Pick{Row: int32(row)})
			}
		}
		if len(picks) == 0 {
			continue
		}
		kept, err := merge.TakeRows(c.plan.source.Alloc, batch, picks)
		if err != nil {
			m.release()
			return nil, err
		}
		m.rows = append(m.rows, kept)
	}
	return m, nil
}
