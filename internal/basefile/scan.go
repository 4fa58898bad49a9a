package basefile

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/schema"
)

// groupScan reads the batches of one row group: flat columns from their pages, which is
// several times faster, the others through arrow-go.
type groupScan struct {
	r        *Reader
	p        projection
	group    *RowGroup
	fields   []arrow.Field        // of the file that are read
	flat     []*pageColumn        // by field; nil for those of records
	records  pqarrow.RecordReader // nil if all are flat
	selected *selection
	todo     []rowSpan // of the selection, what is left
	rows     int64     // read
	limit    int64     // rows of a batch, at most
	parallel int
}

func (r *Reader) newGroupScan(ctx context.Context, g *RowGroup, p projection, o ReadOptions) (*groupScan, error) {
	s := &groupScan{r: r, p: p, group: g, limit: g.batchRows(p.leaves, o.BatchRows), parallel: max(o.Parallel, 1)}
	if err := r.guard(func() error { return s.open(ctx, o) }); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *groupScan) open(ctx context.Context, o ReadOptions) (err error) {
	if s.selected, err = s.r.selectRows(ctx, s.group, s.p, o); err != nil {
		return err
	}
	if s.todo = slices.Clone(s.selected.spans); len(s.todo) == 0 {
		return nil
	}
	nested, err := s.openFlat(ctx)
	if err != nil || len(nested) == 0 {
		return err
	}
	fr := *s.r.arrow
	fr.Props.BatchSize = s.limit
	if s.records, err = fr.GetRecordReader(ctx, nested, []int{s.group.index}); err != nil {
		return s.r.failed(err)
	}
	return nil
}

// openFlat opens the flat columns and returns the leaves of the others.
func (s *groupScan) openFlat(ctx context.Context) (nested []int, err error) {
	file, err := s.r.pages()
	if err != nil {
		return nil, err
	}
	columns := s.r.file.MetaData().Schema
	var leaves []int // of the flat ones
	for _, leaf := range s.p.leaves {
		root := columns.Root().FieldIndexByField(columns.ColumnRoot(leaf))
		field := s.r.arrow.Manifest.Fields[root]
		if n := len(s.fields); n > 0 && s.fields[n-1].Name == field.Field.Name && !field.IsLeaf() {
			nested = append(nested, leaf)
			continue
		}
		s.fields = append(s.fields, *field.Field)
		form, width := formOf(columns.Column(leaf), field.Field.Type)
		if !field.IsLeaf() || form == 0 || !s.r.alike(s.group.index, leaf) {
			nested = append(nested, leaf)
			s.flat = append(s.flat, nil)
			continue
		}
		leaves = append(leaves, leaf)
		s.flat = append(s.flat, &pageColumn{name: field.Field.Name, form: form, width: width})
	}
	chunks, err := s.r.fetch(ctx, s.group, leaves, s.selected)
	if err != nil {
		return nil, err
	}
	group := file.RowGroups()[s.group.index].ColumnChunks()
	for _, c := range s.flat {
		if c == nil {
			continue
		}
		c.pages = group[leaves[0]].(*parquet.FileColumnChunk).PagesFrom(chunks)
		c.where = s.selected.pages[leaves[0]]
		leaves = leaves[1:]
		if c.form != formText {
			continue
		}
		if err := c.openDictionary(); err != nil {
			return nil, s.r.failed(fmt.Errorf("column %s: dictionary: %w", c.name, err))
		}
		if len(nested) > 0 { // arrow-go makes batches of equal size
			s.limit = max(1, min(s.limit, int64(maxBatchBytes/max(c.longest, 1))))
		}
	}
	return nested, nil
}

// alike tells whether a chunk is compressed as that of the first row group, as parquet-go
// supposes of all.
func (r *Reader) alike(group, leaf int) bool {
	first, _ := r.codec(0, leaf)
	codec, ok := r.codec(group, leaf)
	return ok && codec == first
}

func (s *groupScan) close() {
	for _, c := range s.flat {
		if c != nil && c.pages != nil {
			_ = c.close() // it was only read
		}
	}
	if s.records != nil {
		s.records.Release()
	}
}

// next returns the next batch in the wanted schema, io.EOF after the last.
func (s *groupScan) next() (arrow.RecordBatch, error) {
	if len(s.todo) == 0 {
		return nil, io.EOF
	}
	span := &s.todo[0]
	left := span.to - span.from
	var batch arrow.RecordBatch
	err := s.r.guard(func() (err error) {
		if err = s.seek(span.from); err == nil {
			batch, err = s.read(min(left, s.limit))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	defer batch.Release()
	s.rows += batch.NumRows()
	if batch.NumRows() > left {
		return nil, s.r.corrupt("row group %d has more than its %d rows", s.group.index, s.group.Rows)
	}
	if span.from += batch.NumRows(); span.from == span.to {
		s.todo = s.todo[1:]
	}
	out, err := schema.Conform(batch, s.p.schema, s.r.alloc)
	if err != nil {
		return nil, fmt.Errorf("basefile: %s: %w", s.r.name, err)
	}
	return out, nil
}

// seek goes to a row, which is not before the next one.
func (s *groupScan) seek(row int64) error {
	for _, c := range s.flat {
		if c == nil {
			continue
		}
		if err := c.seek(row); err != nil {
			return s.r.failed(fmt.Errorf("row group %d: %w", s.group.index, err))
		}
	}
	return nil
}

// read returns the next batch of the file's own columns.
func (s *groupScan) read(rows int64) (arrow.RecordBatch, error) {
	var nested arrow.RecordBatch
	if s.records != nil {
		var err error
		if nested, err = s.readNested(); err != nil {
			return nil, err
		}
		rows = nested.NumRows()
	} else {
		for _, c := range s.flat {
			var err error
			if rows, err = c.fit(rows); err != nil {
				return nil, s.r.failed(fmt.Errorf("row group %d: %w", s.group.index, err))
			}
		}
	}
	columns := make([]arrow.Array, len(s.fields))
	defer func() {
		for i, c := range columns {
			if s.flat[i] != nil && c != nil {
				c.Release()
			}
		}
	}()
	var g errgroup.Group
	g.SetLimit(s.parallel)
	next := 0 // of the nested ones
	for i, c := range s.flat {
		if c == nil {
			columns[i] = nested.Column(next)
			next++
			continue
		}
		g.Go(func() error {
			return s.r.guard(func() (err error) {
				if columns[i], err = c.read(int(rows), s.fields[i].Type, s.r.alloc); err != nil {
					return s.r.failed(fmt.Errorf("row group %d: %w", s.group.index, err))
				}
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return array.NewRecordBatch(arrow.NewSchema(s.fields, nil), columns, rows), nil
}

// readNested returns the next batch of the columns that arrow-go reads, valid until the next.
func (s *groupScan) readNested() (arrow.RecordBatch, error) {
	if !s.records.Next() {
		if err := s.records.Err(); err != nil {
			return nil, s.r.failed(err)
		}
		return nil, s.r.corrupt("row group %d ends after %d of %d rows", s.group.index, s.rows, s.group.Rows)
	}
	batch := s.records.RecordBatch()
	if err := array.ValidateRecord(batch); err != nil { // levels that contradict each other
		return nil, s.r.corrupt("row group %d: %v", s.group.index, err)
	}
	return batch, nil
}
