package rowio

import (
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/schema"
)

// flushBytes is how much text the writers gather before they hand it on.
const flushBytes = 64 << 10

// jsonWriter writes JSON lines.
type jsonWriter struct {
	w   io.Writer
	enc *RowEncoder
	buf []byte
}

func newJSONWriter(w io.Writer, s *schema.Schema) *jsonWriter {
	return &jsonWriter{w: w, enc: NewRowEncoder(s)}
}

func (j *jsonWriter) Write(batch arrow.RecordBatch) error {
	if err := j.enc.Bind(batch); err != nil {
		return err
	}
	for i := range int(batch.NumRows()) {
		j.buf = append(j.enc.Append(j.buf, i), '\n')
		if len(j.buf) >= flushBytes {
			if err := flush(j.w, &j.buf); err != nil {
				return err
			}
		}
	}
	return flush(j.w, &j.buf)
}

func (j *jsonWriter) Close() error { return nil }

// flush writes the buffer out and empties it.
func flush(w io.Writer, buf *[]byte) error {
	if len(*buf) == 0 {
		return nil
	}
	_, err := w.Write(*buf)
	*buf = (*buf)[:0]
	return err
}
