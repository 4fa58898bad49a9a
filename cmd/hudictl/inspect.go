package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

func newInspect(a *app) *cobra.Command {
	var rows bool
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Dump a file of a table",
		Long: "Dump a file of a table as JSON: a log file (one line a block), a base file (its footer; an HFile's info and\n" +
			"meta blocks), an instant (its whole content), an archive or its manifest, properties. With --rows the rows of a\n" +
			"log or base file; of an HFile the entries, in metadata tables with their records.",
		Example: "  hudictl inspect ./trips/oslo/.7f3c1f2e-0_20260131102030123.log.1_0-1-1\n" +
			"  hudictl inspect --rows ./trips/oslo/7f3c1f2e-0_0-1-1_20260131102030123.parquet",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.inspect(c.Context(), args[0], rows)
		},
	}
	c.Flags().BoolVar(&rows, "rows", false, "the rows of a log or base file, one JSON object a line")
	return c
}

// inspection is one file to look at.
type inspection struct {
	*app
	store storage.Store // of its folder
	name  string
	file  storage.File
	rows  bool
	out   *bufio.Writer
}

func (a *app) inspect(ctx context.Context, uri string, rows bool) error {
	folder, name := path.Split(uri)
	if folder == "" {
		folder = "."
	}
	st, err := storage.Open(ctx, folder)
	if err != nil {
		return err
	}
	i := &inspection{app: a, store: st, name: name, rows: rows, out: bufio.NewWriter(a.out)}
	if i.file, err = st.Open(ctx, name); err != nil {
		return fmt.Errorf("inspect %s: %w", uri, err)
	}
	defer i.file.Close()
	if err := i.run(ctx, path.Base(path.Clean(folder))); err != nil {
		return fmt.Errorf("inspect %s: %w", uri, err)
	}
	return i.out.Flush()
}

// run looks at the file by what its name says that it is.
func (i *inspection) run(ctx context.Context, folder string) error {
	layout := timeline.Layout1
	if folder == path.Base(timeline.Layout2.Dir()) {
		layout = timeline.Layout2
	}
	_, isLog := base.ParseLogFileName(i.name)
	_, isInstant := layout.ParseFileName(i.name)
	switch {
	case isLog, strings.HasPrefix(i.name, ".") && strings.Contains(i.name, "_.archive."):
		return i.log(ctx)
	case strings.HasSuffix(i.name, base.ParquetExt):
		return i.parquet(ctx)
	case strings.HasSuffix(i.name, ".hfile"):
		return i.hfile(ctx)
	case isInstant:
		return i.instant(ctx, layout)
	case strings.HasSuffix(i.name, ".properties"), i.name == ".hoodie_partition_metadata":
		return i.properties(ctx)
	case strings.HasSuffix(i.name, ".schemacommit"), strings.HasPrefix(i.name, "manifest_"): // JSON as it is
		data, err := storage.ReadFile(ctx, i.store, i.name)
		if err != nil {
			return err
		}
		return printJSON(i.out, json.RawMessage(data))
	}
	return fmt.Errorf("the name is none of a log file, a base file, an instant, an archive or a properties file of Hudi's: %w", base.ErrUnsupported)
}

// blockLine is a block of a log file.
type blockLine struct {
	Offset  int64             `json:"offset"`
	Bytes   int64             `json:"bytes"`
	Type    string            `json:"type"`
	Instant string            `json:"instant,omitempty"`
	Records *int              `json:"records,omitempty"`
	Header  map[string]string `json:"header,omitempty"`
}

var headerNames = map[logfile.HeaderKey]string{
	logfile.HeaderTarget: "target", logfile.HeaderSchema: "schema", logfile.HeaderCommand: "command", logfile.HeaderCompacted: "compactedInstants",
	logfile.HeaderPositions: "positions", logfile.HeaderIdentifier: "identifier", logfile.HeaderPartial: "partial",
	logfile.HeaderPositionsBase: "positionsBaseInstant",
}

func (i *inspection) log(ctx context.Context) error {
	r := logfile.NewReader(i.name, i.file, i.file.Size())
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && i.rows {
			err = i.blockRows(ctx, b)
		} else if err == nil {
			err = i.block(ctx, b)
		}
		if err != nil {
			return err
		}
	}
}

func (i *inspection) block(ctx context.Context, b *logfile.Block) error {
	line := blockLine{Offset: b.Offset, Bytes: b.Size, Type: b.Type.String(), Instant: b.Instant(), Header: map[string]string{}}
	for key, value := range b.Header {
		if name := headerNames[key]; name != "" {
			line.Header[name] = value
		}
	}
	n, err := recordsIn(ctx, b)
	if err != nil {
		return err
	}
	if n >= 0 {
		line.Records = &n
	}
	return printJSON(i.out, line)
}

// recordsIn counts the records of a block, -1 if its type has none to count.
func recordsIn(ctx context.Context, b *logfile.Block) (int, error) {
	switch b.Type {
	case logfile.AvroData, logfile.CDCData, logfile.Delete:
	case logfile.HFileData:
		f, err := b.HFile()
		if err != nil {
			return 0, err
		}
		return int(f.Len()), nil
	default:
		return -1, nil
	}
	content, err := b.Content(ctx)
	if err != nil {
		return 0, err
	}
	if b.Type == logfile.Delete {
		deletes, err := logfile.Deletes(content)
		return len(deletes), err
	}
	records, err := logfile.Records(content)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, err := range records {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// deleteLine is an entry of a delete block.
type deleteLine struct {
	Delete   string `json:"delete"` // the record key
	Ordering any    `json:"ordering"`
}

// orderingValue is an ordering value as JSON has it: dates and times are numbers, decimals the
// base64 of their bytes.
func orderingValue(o logfile.Ordering) any {
	switch o.Kind {
	case logfile.OrderingNone:
		return nil
	case logfile.OrderingBoolean:
		return o.Int != 0
	case logfile.OrderingFloat, logfile.OrderingDouble:
		return o.Float
	case logfile.OrderingBytes, logfile.OrderingDecimal:
		return o.Bytes
	case logfile.OrderingString:
		return o.Str
	case logfile.OrderingList:
		list := []any{}
		for _, v := range o.List {
			list = append(list, orderingValue(v))
		}
		return list
	}
	return o.Int
}

// blockRows writes the records of a block.
func (i *inspection) blockRows(ctx context.Context, b *logfile.Block) error {
	switch b.Type {
	case logfile.AvroData, logfile.CDCData, logfile.Delete, logfile.ParquetData:
	case logfile.HFileData:
		f, err := b.HFile()
		if err != nil {
			return err
		}
		return i.entries(ctx, f, b.Schema())
	default:
		return nil
	}
	content, err := b.Content(ctx)
	if err != nil {
		return err
	}
	switch b.Type {
	case logfile.ParquetData:
		r, err := basefile.OpenBytes(ctx, content, i.name, memory.DefaultAllocator)
		if err != nil {
			return err
		}
		return i.parquetRows(ctx, r)
	case logfile.Delete:
		deletes, err := logfile.Deletes(content)
		if err != nil {
			return err
		}
		for _, d := range deletes {
			if err := printJSON(i.out, deleteLine{d.Key, orderingValue(d.Ordering)}); err != nil {
				return err
			}
		}
		return nil
	}
	records, err := logfile.Records(content)
	if err != nil {
		return err
	}
	written, err := schema.Parse(b.Schema())
	if err != nil {
		return err
	}
	decoder, err := avroarrow.NewDecoder(written, written, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer decoder.Release()
	for rec, err := range records {
		if err == nil {
			err = decoder.Append(rec)
		}
		if err != nil {
			return err
		}
	}
	if decoder.Rows() == 0 {
		return nil
	}
	batch, err := decoder.Flush()
	if err != nil {
		return err
	}
	defer batch.Release()
	return i.printBatches(written, func(yield func(arrow.RecordBatch, error) bool) { yield(batch, nil) })
}

func (i *inspection) printBatches(s *schema.Schema, batches func(func(arrow.RecordBatch, error) bool)) error {
	w, err := rowio.NewWriter(i.out, rowio.JSONL, s, rowio.WriteOptions{Alloc: memory.DefaultAllocator})
	if err != nil {
		return err
	}
	for batch, err := range batches {
		if err == nil {
			err = w.Write(batch)
		}
		if err != nil {
			_ = w.Close() // the first error counts
			return err
		}
	}
	return w.Close()
}

// groupLine is a row group of a base file.
type groupLine struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

func (i *inspection) parquet(ctx context.Context) error {
	r, err := basefile.Open(ctx, i.file, i.name, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	if i.rows {
		return i.parquetRows(ctx, r)
	}
	line := struct {
		Rows      int64             `json:"rows"`
		Bytes     int64             `json:"bytes"`
		Schema    json.RawMessage   `json:"schema"`
		MinKey    *string           `json:"minRecordKey"`
		MaxKey    *string           `json:"maxRecordKey"`
		Bloom     string            `json:"bloomFilter,omitempty"`
		RowGroups []groupLine       `json:"rowGroups"`
		Footer    map[string]string `json:"footer"`
	}{Rows: r.Rows(), Bytes: i.file.Size(), RowGroups: []groupLine{}, Footer: r.Footer()}
	s, err := r.Schema()
	if err != nil {
		return err
	}
	line.Schema = json.RawMessage(s.Avro())
	if low, high, ok := r.KeyRange(); ok {
		line.MinKey, line.MaxKey = &low, &high
	}
	for _, g := range r.RowGroups() {
		line.RowGroups = append(line.RowGroups, groupLine{g.Rows, g.Bytes})
	}
	bloom, err := r.Bloom()
	if err != nil {
		return err
	}
	if bloom != nil {
		line.Bloom = bloom.TypeCode()
	}
	const long = 256 // a filter's text is of no use here
	for key, value := range line.Footer {
		if len(value) > long && strings.HasSuffix(key, "bloomfilter") {
			line.Footer[key] = fmt.Sprintf("(%d characters)", len(value))
		}
	}
	return printJSON(i.out, line)
}

func (i *inspection) parquetRows(ctx context.Context, r *basefile.Reader) error {
	s, err := r.Schema()
	if err != nil {
		return err
	}
	return i.printBatches(s, r.Read(ctx, basefile.ReadOptions{Schema: s}))
}

func (i *inspection) instant(ctx context.Context, layout timeline.Layout) error {
	tl, err := timeline.LoadDir(ctx, i.store, "", "", layout, time.UTC)
	if err != nil {
		return err
	}
	of, _ := layout.ParseFileName(i.name)
	text, err := tl.Document(ctx, of)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(i.out, "%s\n", text)
	return err
}

func (i *inspection) properties(ctx context.Context) error {
	data, err := storage.ReadFile(ctx, i.store, i.name)
	if err != nil {
		return err
	}
	p, err := table.ParseProperties(data)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, key := range p.Keys() {
		values[key], _ = p.Get(key)
	}
	return printJSON(i.out, values)
}
