package fileslice

import (
	"context"
	"fmt"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/merge"
	"github.com/hudi-go/hudi-go/schema"
)

// pass merges the logs and the base file of a slice once, for all keys or one shard.
type pass struct {
	reader  *Reader
	request Request
	needed  *schema.Schema
	blocks  []*logfile.Block
	reducer *merge.Reducer
	yield   func(arrow.RecordBatch, error) bool

	decoder *avroarrow.Decoder // of the last writer schema seen
	writer  string
	// written is needed under the names that the blocks of the instant have.
	written *schema.Schema
	instant string
}

// run reads the logs. goOn is false when the consumer of what follows wants no more.
func (p *pass) run(ctx context.Context, then func(*pass) (bool, error)) (goOn bool, err error) {
	defer func() {
		if p.decoder != nil {
			p.decoder.Release()
		}
	}()
	for _, b := range p.blocks {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if err := p.add(ctx, b); err != nil {
			return false, fmt.Errorf("%s at %d: %w", b.File, b.Offset, err)
		}
	}
	return then(p)
}

// merge yields the merged rows.
func (p *pass) merge(ctx context.Context) (goOn bool, err error) {
	for batch, err := range p.reader.baseRows(ctx, p.request.Slice.Base, basefile.ReadOptions{Schema: p.needed, BatchRows: merge.BatchRows, Parallel: p.request.Parallel}) {
		if err != nil {
			return false, err
		}
		goOn, err := p.mergeBase(batch)
		if err != nil || !goOn {
			return false, err
		}
	}
	for batch, err := range p.reducer.Rest() {
		if err != nil {
			return false, err
		}
		goOn, err := p.emit(batch)
		if err != nil || !goOn {
			return false, err
		}
	}
	return true, nil
}

// add puts a block's records into the reducer.
func (p *pass) add(ctx context.Context, b *logfile.Block) error {
	content, err := b.Content(ctx)
	if err != nil {
		return err
	}
	switch b.Type {
	case logfile.AvroData:
		return p.addAvro(b, content)
	case logfile.Delete:
		deletes, err := logfile.Deletes(content)
		if err != nil {
			return err
		}
		o := OrderingsOf(p.reader.Table, p.reader.Rules.Ordering)
		for _, d := range deletes {
			p.reducer.AddDelete(d.Key, o.value(d.Ordering))
		}
		return nil
	case logfile.ParquetData:
		return p.addParquet(ctx, b, content)
	}
	return fmt.Errorf("log block of type %s: %w", b.Type, base.ErrUnsupported)
}

// asWritten finds the names that the needed columns have in a block.
func (p *pass) asWritten(b *logfile.Block) error {
	if p.written != nil && (p.reader.History == nil || p.instant == b.Instant()) {
		return nil
	}
	var err error
	p.instant = b.Instant()
	p.written, err = p.reader.asWritten(p.needed, p.instant)
	return err
}

func (p *pass) addAvro(b *logfile.Block, content []byte) error {
	written := p.written
	if err := p.asWritten(b); err != nil {
		return err
	}
	if p.decoder == nil || p.writer != b.Schema() || written != p.written {
		writer, err := schema.Parse(b.Schema())
		if err != nil {
			return err
		}
		if p.decoder != nil {
			p.decoder.Release()
		}
		p.decoder, err = avroarrow.NewDecoder(writer, p.written, p.reader.Alloc)
		if err != nil {
			return err
		}
		p.writer = b.Schema()
	}
	records, err := logfile.Records(content)
	if err != nil {
		return err
	}
	batches := p.decoded(records)
	if p.request.Parallel > 1 {
		batches = basefile.Ahead(batches)
	}
	for batch, err := range batches {
		if err == nil {
			err = p.addRows(b, batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decoded yields the records of a block as batches, each valid until the next step.
func (p *pass) decoded(records iter.Seq2[[]byte, error]) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		flush := func() bool {
			batch, err := p.decoder.Flush()
			if err != nil {
				yield(nil, err)
				return false
			}
			defer batch.Release()
			return yield(batch, nil)
		}
		for rec, err := range records {
			if err == nil {
				err = p.decoder.Append(rec)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if p.decoder.Rows() == merge.BatchRows && !flush() {
				return
			}
		}
		if p.decoder.Rows() > 0 {
			flush()
		}
	}
}

// addRows adds rows of the block to the entries.
func (p *pass) addRows(b *logfile.Block, batch arrow.RecordBatch) error {
	if p.written != p.needed {
		batch = p.needed.Relabel(batch)
		defer batch.Release()
	}
	keys, err := p.reader.stored().Of(batch, p.reader.Alloc)
	if err != nil {
		return err
	}
	defer keys.Release()
	if b.Header[logfile.HeaderPartial] != "true" {
		return p.reducer.AddRows(batch, keys)
	}
	writer, err := schema.Parse(b.Schema())
	if err != nil {
		return err
	}
	return p.reducer.AddPartial(batch, keys, func(column string) bool {
		_, at, ok := p.needed.Field(column)
		if ok {
			_, _, ok = writer.Field(p.written.Fields()[at].Name)
		}
		return ok
	})
}

func (p *pass) addParquet(ctx context.Context, b *logfile.Block, content []byte) error {
	r, err := basefile.OpenBytes(ctx, content, b.File, p.reader.Alloc)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := p.asWritten(b); err != nil {
		return err
	}
	for batch, err := range r.Read(ctx, basefile.ReadOptions{Schema: p.written}) {
		if err != nil {
			return err
		}
		if err := p.addRows(b, batch); err != nil {
			return err
		}
	}
	return nil
}

// mergeBase merges a batch of base rows.
func (p *pass) mergeBase(batch arrow.RecordBatch) (goOn bool, err error) {
	if p.request.InRange != nil && !p.request.WholeBase {
		kept, err := p.inRange(batch)
		if err != nil {
			return false, err
		}
		defer kept.Release()
		batch = kept
	}
	keys, err := p.reader.stored().Of(batch, p.reader.Alloc)
	if err != nil {
		return false, err
	}
	defer keys.Release()
	out, _, err := p.reducer.MergeBase(batch, keys)
	if err != nil {
		return false, err
	}
	defer out.Release()
	return p.emit(out)
}

// emit hands the wanted columns of merged rows to the consumer.
func (p *pass) emit(batch arrow.RecordBatch) (goOn bool, err error) {
	if batch.NumRows() == 0 {
		return true, nil
	}
	if p.request.InRange != nil {
		kept, err := p.inRange(batch)
		if err != nil {
			return false, err
		}
		defer kept.Release()
		batch = kept
	}
	columns := make([]arrow.Array, 0, len(p.request.Columns.Fields()))
	for _, f := range p.request.Columns.Fields() {
		_, at, ok := p.needed.Field(f.Name)
		if !ok {
			return false, fmt.Errorf("column %q is not in the table: %w", f.Name, base.ErrInvalid)
		}
		columns = append(columns, batch.Column(at))
	}
	out := array.NewRecordBatch(p.request.Columns.Arrow(), columns, batch.NumRows())
	defer out.Release()
	return p.yield(out, nil), nil
}

// inRange keeps the rows that the wanted instants wrote. The caller releases the result.
func (p *pass) inRange(batch arrow.RecordBatch) (arrow.RecordBatch, error) {
	_, at, ok := p.needed.Field(schema.MetaCommitTime)
	times, isText := batch.Column(at).(*array.String)
	if !ok || !isText {
		return nil, fmt.Errorf("rows have no %s: %w", schema.MetaCommitTime, base.ErrCorrupt)
	}
	var keep []merge.Pick
	for row := range times.Len() {
		if times.IsValid(row) && p.request.InRange(times.Value(row)) {
			keep = append(keep, merge.Pick{Row: int32(row)})
		}
	}
	if len(keep) == int(batch.NumRows()) {
		batch.Retain()
		return batch, nil
	}
	return merge.TakeRows(p.reader.Alloc, batch, keep)
}
