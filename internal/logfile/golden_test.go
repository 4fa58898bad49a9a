package logfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/avroarrow"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// golden returns the log files of real Hudi in testdata/golden.zip by their path, which
// begins with the table's name.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader("testdata/golden.zip")
	require.NoError(t, err)
	defer z.Close()
	files := make(map[string][]byte)
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		files[f.Name] = data
	}
	require.NotEmpty(t, files)
	return files
}

// slice returns readers of the files below a folder, in log file order, without .cdc files.
func slice(t testing.TB, files map[string][]byte, folder string) []*Reader {
	t.Helper()
	type named struct {
		path string
		name base.LogFileName
	}
	var list []named
	for p := range files {
		if n, ok := base.ParseLogFileName(path.Base(p)); ok && path.Dir(p) == folder && !n.CDC {
			list = append(list, named{p, n})
		}
	}
	require.NotEmpty(t, list)
	slices.SortFunc(list, func(a, b named) int { return a.name.Compare(b.name) })
	var readers []*Reader
	for _, f := range list {
		readers = append(readers, open(f.path, files[f.path]))
	}
	return readers
}

func open(name string, data []byte) *Reader {
	return NewReader(name, bytes.NewReader(data), int64(len(data)))
}

// all reads every block; the file must end without an error.
func all(t testing.TB, r *Reader) []*Block {
	t.Helper()
	var blocks []*Block
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return blocks
		}
		require.NoError(t, err)
		blocks = append(blocks, b)
	}
}

// sortHeader brings the header entries of a whole block into ascending key order, which is
// the only thing in which real files differ from ours.
func sortHeader(block []byte) []byte {
	const first = len(magic) + sizeLen + 4 + 4 + 4
	n := binary.BigEndian.Uint32(block[first-4:])
	entries := make([][]byte, n)
	p := first
	for i := range entries {
		end := p + headerEntryLen + int(binary.BigEndian.Uint32(block[p+4:]))
		entries[i] = block[p:end]
		p = end
	}
	slices.SortFunc(entries, func(a, b []byte) int { return bytes.Compare(a[:4], b[:4]) })
	return slices.Concat(append(append([][]byte{block[:first]}, entries...), block[p:])...)
}

// Every block of every real file is written again to the same bytes, content included.
func TestGoldenRewrite(t *testing.T) {
	seen := make(map[BlockType]int)
	for name, data := range golden(t) {
		var end int64
		for _, b := range all(t, open(name, data)) {
			require.Equal(t, end, b.Offset, name)
			end += b.Size
			seen[b.Type]++
			content, err := b.Content(t.Context())
			require.NoError(t, err)
			require.Len(t, content, int(b.ContentSize()))

			want := sortHeader(data[b.Offset:end])
			require.Equal(t, want, AppendBlock(nil, b.Type, b.Header, content), "%s at %d", name, b.Offset)
			require.Equal(t, content, rewriteContent(t, b.Type, content), "%s at %d", name, b.Offset)
			var w bytes.Buffer
			n, err := WriteBlock(&w, b.Type, b.Header, content)
			require.NoError(t, err)
			require.Equal(t, b.Size, n)
			require.Equal(t, want, w.Bytes())
		}
		require.Equal(t, int64(len(data)), end, name)
	}
	for _, typ := range []BlockType{Command, Delete, AvroData, HFileData, ParquetData, CDCData} {
		require.Positive(t, seen[typ], "no golden file has a %s block", typ)
	}
	require.Zero(t, seen[Corrupt])
}

// rewriteContent takes a content apart and puts it together again.
func rewriteContent(t *testing.T, typ BlockType, content []byte) []byte {
	switch typ {
	case AvroData, CDCData:
		d := NewDataBlock()
		records, err := Records(content)
		require.NoError(t, err)
		for rec, err := range records {
			require.NoError(t, err)
			d.Add(rec)
		}
		require.Equal(t, len(content), d.Size())
		require.Equal(t, int(binary.BigEndian.Uint32(content[4:])), d.Len())
		return d.Content()
	case Delete:
		deletes, err := Deletes(content)
		require.NoError(t, err)
		return DeleteContent(deletes)
	}
	return content
}

func TestGoldenDelete(t *testing.T) {
	var got []DeleteRecord
	for _, r := range slice(t, golden(t), "v9_debezium_postgres_mor") {
		for _, b := range all(t, r) {
			if b.Type == Delete {
				content, err := b.Content(t.Context())
				require.NoError(t, err)
				deletes, err := Deletes(content)
				require.NoError(t, err)
				got = append(got, deletes...)
			}
		}
	}
	require.NotEmpty(t, got)
	for _, d := range got {
		require.NotEmpty(t, d.Key)
		require.True(t, d.HasPartition)
		require.Contains(t, []OrderingKind{OrderingInt, OrderingLong}, d.Ordering.Kind)
	}
}

// instants names the blocks of a scan, each by its instant.
func instants(blocks []*Block) string {
	var list []string
	for _, b := range blocks {
		list = append(list, b.Instant())
	}
	return strings.Join(list, " ")
}

func TestGoldenLogCompaction(t *testing.T) {
	files := golden(t)
	for table, want := range map[string]string{
		// The result of the log compaction takes the place of the three blocks before it.
		"v6_mor_log_compaction": "20261123095028750 20261123095029284",
		"v9_mor_log_compaction": "20261123090119817 20261123090126250",
	} {
		blocks, err := Scan(slice(t, files, table), ScanOptions{})
		require.NoError(t, err)
		require.Equal(t, want, instants(blocks), table)
	}
	// As of a time before the log compaction the blocks themselves are read.
	blocks, err := Scan(slice(t, files, "v9_mor_log_compaction"), ScanOptions{Latest: "20261123090113962"})
	require.NoError(t, err)
	require.Equal(t, "20261123090049937 20261123090103263 20261123090113962", instants(blocks))
}

func TestGoldenRollback(t *testing.T) {
	const table = "v6_mor_rollback"
	files := golden(t)
	var target string
	for _, r := range slice(t, files, table) {
		for _, b := range all(t, r) {
			if b.Type == Command {
				require.Equal(t, CommandRollback, b.Header[HeaderCommand])
				target = b.Header[HeaderTarget]
			}
		}
	}
	require.NotEmpty(t, target)
	blocks, err := Scan(slice(t, files, table), ScanOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, blocks)
	require.NotContains(t, instants(blocks), target)
	// The command counts although it is later than the latest instant.
	early, err := Scan(slice(t, files, table), ScanOptions{Latest: target})
	require.NoError(t, err)
	require.NotEmpty(t, early)
	require.NotContains(t, instants(early), target)
}

// Every record of every real Avro block goes into Arrow columns and back to the same bytes.
func TestGoldenRecords(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	records := 0
	for name, data := range golden(t) {
		for _, b := range all(t, open(name, data)) {
			if b.Type != AvroData && b.Type != CDCData {
				continue
			}
			content, err := b.Content(t.Context())
			require.NoError(t, err)
			batch := decode(t, b.Schema(), content, alloc)
			encoded := NewDataBlock()
			encoder, err := avroarrow.NewEncoder(mustParse(t, b.Schema()), batch.Schema())
			require.NoError(t, err)
			require.NoError(t, encoder.Bind(batch))
			for row := range int(batch.NumRows()) {
				rec, err := encoder.Append(nil, row)
				require.NoError(t, err)
				encoded.Add(rec)
			}
			require.Equal(t, content, encoded.Content(), "%s at %d", name, b.Offset)
			records += int(batch.NumRows())
			batch.Release()
		}
	}
	require.Greater(t, records, 500)
}

func mustParse(t testing.TB, avro string) *schema.Schema {
	s, err := schema.Parse(avro)
	require.NoError(t, err)
	return s
}

// decode decodes the records of a block with their own schema.
func decode(t testing.TB, avro string, content []byte, alloc memory.Allocator) arrow.RecordBatch {
	s := mustParse(t, avro)
	d, err := avroarrow.NewDecoder(s, s, alloc)
	require.NoError(t, err)
	defer d.Release()
	records, err := Records(content)
	require.NoError(t, err)
	for rec, err := range records {
		require.NoError(t, err)
		require.NoError(t, d.Append(rec))
	}
	batch, err := d.Flush()
	require.NoError(t, err)
	return batch
}

// Applying the blocks of a table in order gives the rows that Spark's snapshot took from
// logs (testdata/v9_mor_log_only.jsonl): those whose file name is a bare file id.
func TestGoldenSnapshot(t *testing.T) {
	const table = "v9_mor_log_only"
	files := golden(t)
	rows := make(map[string]string) // by key
	folders := make(map[string]bool)
	for p := range files {
		if strings.HasPrefix(p, table+"/") {
			folders[path.Dir(p)] = true
		}
	}
	for folder := range folders {
		blocks, err := Scan(slice(t, files, folder), ScanOptions{})
		require.NoError(t, err)
		for _, b := range blocks {
			content, err := b.Content(t.Context())
			require.NoError(t, err)
			if b.Type == Delete {
				deletes, err := Deletes(content)
				require.NoError(t, err)
				for _, d := range deletes {
					delete(rows, d.Key)
				}
				continue
			}
			batch := decode(t, b.Schema(), content, memory.DefaultAllocator)
			text, err := array.RecordToStructArray(batch).MarshalJSON()
			require.NoError(t, err)
			var list []map[string]any
			require.NoError(t, json.Unmarshal(text, &list))
			for _, row := range list {
				line, err := json.Marshal(row)
				require.NoError(t, err)
				rows[row["_hoodie_record_key"].(string)] = string(line)
			}
		}
	}
	want, err := os.ReadFile("testdata/" + table + ".jsonl")
	require.NoError(t, err)
	fromLogs := 0
	for line := range strings.Lines(string(want)) {
		var row map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &row))
		if !strings.HasSuffix(row["_hoodie_file_name"].(string), ".parquet") {
			require.JSONEq(t, line, rows[row["_hoodie_record_key"].(string)])
			fromLogs++
		}
	}
	require.Len(t, rows, fromLogs)
}
