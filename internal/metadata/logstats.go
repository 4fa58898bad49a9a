package metadata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// logStatsRows is how many rows of a log file are decoded at a time.
const logStatsRows = 8 << 10

// logStats reads the rows of a log file, of whatever writer, for the statistics of columns: each
// version of a row counts, as nothing is merged.
func (x *indexed) logStats(ctx context.Context, st storage.Store, file string) ([]*Stats, error) {
	f, err := st.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows := newRowStats(x)
	in := logfile.NewReader(file, f, f.Size())
	for {
		b, err := in.Next()
		if errors.Is(err, io.EOF) {
			return rows.Stats(path.Base(file))
		}
		if err != nil {
			return nil, err
		}
		if err := rows.addBlock(ctx, b); err != nil {
			return nil, fmt.Errorf("block at offset %d: %w", b.Offset, err)
		}
	}
}

func (r *RowStats) addBlock(ctx context.Context, b *logfile.Block) error {
	switch b.Type {
	case logfile.AvroData, logfile.ParquetData:
	case logfile.Delete, logfile.Command, logfile.Corrupt:
		return nil
	default:
		return fmt.Errorf("log block of type %s: %w", b.Type, base.ErrUnsupported)
	}
	written, err := schema.Parse(b.Schema())
	if err != nil {
		return err
	}
	wanted, err := r.wanted(written)
	if err != nil {
		return err
	}
	content, err := b.Content(ctx)
	if err != nil {
		return err
	}
	if b.Type == logfile.ParquetData {
		return r.addParquet(ctx, b.File, content, wanted)
	}
	return r.addAvro(content, written, wanted)
}

// wanted is the schema of the columns that are indexed and that a block has, in the types of
// the table.
func (r *RowStats) wanted(written *schema.Schema) (*schema.Schema, error) {
	var names []string
	for _, c := range r.columns {
		if _, _, ok := written.Field(c.path[0]); ok && !slices.Contains(names, c.path[0]) {
			names = append(names, c.path[0])
		}
	}
	return r.of.rows.Project(names)
}

func (r *RowStats) addAvro(content []byte, written, wanted *schema.Schema) error {
	d, err := avroarrow.NewDecoder(written, wanted, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer d.Release()
	records, err := logfile.Records(content)
	if err != nil {
		return err
	}
	for rec, err := range records {
		if err == nil {
			err = d.Append(rec)
		}
		if err == nil && d.Rows() == logStatsRows {
			err = r.flush(d)
		}
		if err != nil {
			return err
		}
	}
	if d.Rows() == 0 {
		return nil
	}
	return r.flush(d)
}

func (r *RowStats) flush(d *avroarrow.Decoder) error {
	batch, err := d.Flush()
	if err != nil {
		return err
	}
	defer batch.Release()
	return r.Add(batch)
}

func (r *RowStats) addParquet(ctx context.Context, name string, content []byte, wanted *schema.Schema) error {
	f, err := basefile.OpenBytes(ctx, content, name, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer f.Close()
	for batch, err := range f.Read(ctx, basefile.ReadOptions{Schema: wanted}) {
		if err != nil {
			return err
		}
		if err := r.Add(batch); err != nil {
			return err
		}
	}
	return nil
}
