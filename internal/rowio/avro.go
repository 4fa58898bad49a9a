package rowio

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// readAvro reads an Avro object container.
func readAvro(r io.Reader, o ReadOptions) (*schema.Schema, iter.Seq2[arrow.RecordBatch, error], error) {
	text, blocks, err := avroio.Containers(r)
	if err != nil {
		return nil, nil, err
	}
	writer, err := schema.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	to := writer
	if o.Schema != nil {
		if to, err = o.target(writer.Arrow()); err != nil {
			return nil, nil, err
		}
	}
	d, err := avroarrow.NewDecoder(writer, to, o.Alloc)
	if err != nil {
		return nil, nil, err
	}
	return to, func(yield func(arrow.RecordBatch, error) bool) {
		defer d.Release()
		a := avroRows{decoder: d, writer: writer.Record(), yield: yield}
		for _, f := range to.Arrow().Fields() {
			a.width += fixedWidth(f.Type)
		}
		for block, err := range blocks {
			if err != nil {
				yield(nil, fmt.Errorf("after row %d: %w", a.row, err))
				return
			}
			if !a.block(block) {
				return
			}
		}
		a.flush()
	}, nil
}

// avroRows gathers the records of blocks in batches of bounded size.
type avroRows struct {
	decoder *avroarrow.Decoder
	writer  *schema.Type
	yield   func(arrow.RecordBatch, error) bool
	width   int // the least bytes of a row
	bytes   int
	row     int64
}

// block decodes a block. It is false when the iteration is over.
func (a *avroRows) block(b avroio.Block) bool {
	data := b.Data
	for range b.Count {
		a.row++
		n, err := recordSize(a.writer, data)
		if err == nil {
			err = a.decoder.Append(data[:n])
		}
		if err != nil {
			a.yield(nil, fmt.Errorf("row %d: %w", a.row, err))
			return false
		}
		data = data[n:]
		a.bytes += n + a.width
		if a.decoder.Rows() >= maxBatchRows || a.bytes >= maxBatchBytes/2 {
			if !a.flush() {
				return false
			}
		}
	}
	if len(data) > 0 {
		a.yield(nil, fmt.Errorf("after row %d: %d bytes follow the last record of a block: %w", a.row, len(data), base.ErrCorrupt))
		return false
	}
	return true
}

// flush yields the rows that are pending.
func (a *avroRows) flush() bool {
	if a.decoder.Rows() == 0 {
		return true
	}
	a.bytes = 0
	batch, err := a.decoder.Flush()
	if err != nil {
		a.yield(nil, fmt.Errorf("before row %d: %w", a.row+1, err))
		return false
	}
	defer batch.Release()
	return a.yield(batch, nil)
}

// recordSize finds the end of the record that data begins with: a container stores only how
// many there are.
func recordSize(t *schema.Type, data []byte) (int, error) {
	c := avroCursor{data: data}
	c.skip(t)
	if c.failed {
		return 0, fmt.Errorf("the record is cut off or damaged: %w", base.ErrCorrupt)
	}
	return c.pos, nil
}

// avroCursor goes over Avro values. After a failure it stands still.
type avroCursor struct {
	data   []byte
	pos    int
	failed bool
}

func (c *avroCursor) skip(t *schema.Type) {
	if t.Nullable {
		branch := c.long()
		null := int64(0)
		if t.NullLast {
			null = 1
		}
		if branch == null {
			return
		}
		c.failed = c.failed || branch != 1-null
	}
	switch t.Kind {
	case schema.Boolean:
		c.forward(1)
	case schema.Int, schema.Long, schema.Enum:
		c.long()
	case schema.Float:
		c.forward(4)
	case schema.Double:
		c.forward(8)
	case schema.Bytes, schema.String:
		c.forward(c.long())
	case schema.Fixed:
		c.forward(int64(t.Size))
	case schema.Record:
		for i := range t.Fields {
			c.skip(t.Fields[i].Type)
		}
	case schema.Array, schema.Map:
		c.blocks(t)
	}
}

// blocks goes over the items of an array or map. A negative count is followed by a size.
func (c *avroCursor) blocks(t *schema.Type) {
	for !c.failed {
		n := c.long()
		if n == 0 {
			return
		}
		if n < 0 {
			c.forward(c.long())
			continue
		}
		for ; n > 0 && !c.failed; n-- {
			before := c.pos
			if t.Kind == schema.Map {
				c.forward(c.long())
			}
			c.skip(t.Elem)
			if c.pos == before { // items without bytes: all are alike
				break
			}
		}
	}
}

func (c *avroCursor) long() int64 {
	v, n := binary.Varint(c.data[c.pos:])
	if n <= 0 || c.failed {
		c.failed = true
		return 0
	}
	c.pos += n
	return v
}

func (c *avroCursor) forward(n int64) {
	if n < 0 || n > int64(len(c.data)-c.pos) || c.failed {
		c.failed = true
		return
	}
	c.pos += int(n)
}
