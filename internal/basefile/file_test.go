package basefile

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// memFile is a storage.File of bytes.
type memFile struct {
	*bytes.Reader
	closed bool
}

func (f *memFile) Close() error { f.closed = true; return nil }

func openBytes(t testing.TB, data []byte, alloc memory.Allocator) *Reader {
	r, err := Open(context.Background(), &memFile{Reader: bytes.NewReader(data)}, "f.parquet", alloc)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

var _ storage.File = (*memFile)(nil)

func checked(t testing.TB) *memory.CheckedAllocator {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { alloc.AssertSize(t, 0) })
	return alloc
}

func parse(t testing.TB, avro string) *schema.Schema {
	s, err := schema.Parse(avro)
	require.NoError(t, err)
	return s
}

// rowsOf makes a batch of JSON rows, one a line.
func rowsOf(t testing.TB, alloc memory.Allocator, s *schema.Schema, lines ...string) arrow.RecordBatch {
	b, _, err := array.RecordFromJSON(alloc, s.Arrow(), strings.NewReader("["+strings.Join(lines, ",")+"]"))
	require.NoError(t, err)
	t.Cleanup(b.Release)
	return b
}

// writeFile writes batches and returns the file.
func writeFile(t testing.TB, o WriterOptions, batches ...arrow.RecordBatch) ([]byte, Summary) {
	var out bytes.Buffer
	w, err := NewWriter(&out, o)
	require.NoError(t, err)
	for _, b := range batches {
		require.NoError(t, w.Write(b))
	}
	sum, err := w.Close()
	require.NoError(t, err)
	require.EqualValues(t, out.Len(), sum.Bytes)
	return out.Bytes(), sum
}

// readAll reads every row as one batch.
func readAll(t testing.TB, r *Reader, alloc memory.Allocator, o ReadOptions) arrow.RecordBatch {
	var batches []arrow.RecordBatch
	for b, err := range r.Read(context.Background(), o) {
		require.NoError(t, err)
		b.Retain()
		batches = append(batches, b)
	}
	columns := make([]arrow.Array, o.Schema.Arrow().NumFields())
	var n int64
	for i := range columns {
		parts := make([]arrow.Array, len(batches))
		for k, b := range batches {
			parts[k] = b.Column(i)
		}
		if len(parts) == 0 {
			columns[i] = array.MakeArrayOfNull(alloc, o.Schema.Arrow().Field(i).Type, 0)
			continue
		}
		var err error
		columns[i], err = array.Concatenate(parts, alloc)
		require.NoError(t, err)
	}
	for _, b := range batches {
		n += b.NumRows()
		b.Release()
	}
	out := array.NewRecordBatch(o.Schema.Arrow(), columns, n)
	for _, c := range columns {
		c.Release()
	}
	t.Cleanup(out.Release)
	return out
}

const allTypes = `{"type":"record","name":"t_record","namespace":"hoodie.t","fields":[
 {"name":"_hoodie_commit_time","type":["null","string"],"default":null},
 {"name":"_hoodie_commit_seqno","type":["null","string"],"default":null},
 {"name":"_hoodie_record_key","type":["null","string"],"default":null},
 {"name":"_hoodie_partition_path","type":["null","string"],"default":null},
 {"name":"_hoodie_file_name","type":["null","string"],"default":null},
 {"name":"id","type":"long"},
 {"name":"b","type":["null","boolean"],"default":null},
 {"name":"i","type":["null","int"],"default":null},
 {"name":"l","type":["null","long"],"default":null},
 {"name":"f","type":["null","float"],"default":null},
 {"name":"d","type":["null","double"],"default":null},
 {"name":"s","type":["null","string"],"default":null},
 {"name":"y","type":["null","bytes"],"default":null},
 {"name":"fx","type":["null",{"type":"fixed","name":"fx","size":3}],"default":null},
 {"name":"en","type":["null",{"type":"enum","name":"en","symbols":["A","B"]}],"default":null},
 {"name":"d5","type":["null",{"type":"fixed","name":"fixed","namespace":"hoodie.t.t_record.d5","size":3,"logicalType":"decimal","precision":5,"scale":2}],"default":null},
 {"name":"d18","type":["null",{"type":"bytes","logicalType":"decimal","precision":18,"scale":6}],"default":null},
 {"name":"d38","type":["null",{"type":"fixed","name":"fixed","namespace":"hoodie.t.t_record.d38","size":16,"logicalType":"decimal","precision":38,"scale":10}],"default":null},
 {"name":"day","type":["null",{"type":"int","logicalType":"date"}],"default":null},
 {"name":"t3","type":["null",{"type":"int","logicalType":"time-millis"}],"default":null},
 {"name":"t6","type":["null",{"type":"long","logicalType":"time-micros"}],"default":null},
 {"name":"ts3","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
 {"name":"ts6","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
 {"name":"lt3","type":["null",{"type":"long","logicalType":"local-timestamp-millis"}],"default":null},
 {"name":"lt6","type":["null",{"type":"long","logicalType":"local-timestamp-micros"}],"default":null},
 {"name":"u","type":["null",{"type":"string","logicalType":"uuid"}],"default":null},
 {"name":"a","type":["null",{"type":"array","items":["null","int"]}],"default":null},
 {"name":"aa","type":["null",{"type":"array","items":["null",{"type":"array","items":["null","string"]}]}],"default":null},
 {"name":"as","type":["null",{"type":"array","items":["null",{"type":"record","name":"e","fields":[
   {"name":"x","type":["null","int"]},{"name":"p","type":["null",{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}]}]}]}],"default":null},
 {"name":"m","type":["null",{"type":"map","values":["null","int"]}],"default":null},
 {"name":"ma","type":["null",{"type":"map","values":["null",{"type":"array","items":["null","long"]}]}],"default":null},
 {"name":"st","type":["null",{"type":"record","name":"st","fields":[
   {"name":"n","type":["null","int"]},{"name":"req","type":"string"},
   {"name":"in","type":["null",{"type":"record","name":"inn","fields":[{"name":"when","type":["null",{"type":"long","logicalType":"timestamp-micros"}]}]}]}]}],"default":null}
]}`

var allRows = []string{
	`{"_hoodie_commit_time":"20260101000000000","_hoodie_commit_seqno":"1","_hoodie_record_key":"null row","_hoodie_partition_path":"","_hoodie_file_name":"f","id":0}`,
	`{"_hoodie_commit_time":"20260101000000000","_hoodie_commit_seqno":"2","_hoodie_record_key":"max","_hoodie_partition_path":"","_hoodie_file_name":"f","id":9223372036854775807,
	  "b":true,"i":2147483647,"l":9223372036854775807,"f":3.4028235e38,"d":1.7976931348623157e308,"s":"ünï ☃ 😀","y":"AP8=","fx":"AQL/","en":"A",
	  "d5":"999.99","d18":"999999999999.999999","d38":"9999999999999999999999999999.9999999999","day":"9999-12-31","t3":"23:59:59.999","t6":"23:59:59.999999",
	  "ts3":253402300799999,"ts6":253402300799999999,"lt3":253402300799999,"lt6":253402300799999999,"u":"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
	  "a":[1,null,-1],"aa":[["x",null],null,[]],"as":[{"x":1,"p":"12345678.90"},null,{"x":null,"p":null}],"m":[{"key":"k","value":1},{"key":"z","value":null}],
	  "ma":[{"key":"k","value":[1,null]},{"key":"e","value":[]},{"key":"n","value":null}],"st":{"n":1,"req":"r","in":{"when":1767323045678901}}}`,
	`{"_hoodie_commit_time":"20260101000000000","_hoodie_commit_seqno":"3","_hoodie_record_key":"min","_hoodie_partition_path":"","_hoodie_file_name":"f","id":-9223372036854775808,
	  "b":false,"i":-2147483648,"l":-9223372036854775808,"f":-3.4028235e38,"d":-1.7976931348623157e308,"s":"","y":"","fx":"AAAA","en":"B",
	  "d5":"-999.99","d18":"-999999999999.999999","d38":"-9999999999999999999999999999.9999999999","day":"0001-01-01","t3":"00:00:00","t6":"00:00:00",
	  "ts3":-12219206399999,"ts6":-2208988799999999,"lt3":-1,"lt6":-1,"u":"",
	  "a":[],"aa":[],"as":[],"m":[],"ma":[],"st":{"n":null,"req":"","in":null}}`,
	`{"_hoodie_commit_time":"20260101000000000","_hoodie_commit_seqno":"4","_hoodie_record_key":"mid","_hoodie_partition_path":"","_hoodie_file_name":"f","id":7,
	  "b":true,"i":0,"l":0,"f":-0.0,"d":0.1,"s":"a\u0000b","y":"AAAA","fx":"f39/","en":"A","d5":"0.01","d18":"-0.000001","d38":"0","day":"1970-01-01","t3":"12:00:00","t6":"12:00:00.5",
	  "ts3":0,"ts6":0,"lt3":0,"lt6":0,"u":"x",
	  "a":[null],"aa":[null],"as":[null],"m":[{"key":"","value":0}],"ma":[],"st":{"n":5,"req":"q","in":{"when":null}}}`,
}

func TestAllTypes(t *testing.T) {
	alloc := checked(t)
	s := parse(t, allTypes)
	rows := rowsOf(t, alloc, s, allRows...)
	for codec := range codecs {
		for _, parallel := range []int{1, 4} {
			t.Run(codec, func(t *testing.T) {
				o := WriterOptions{Schema: s, Codec: codec, RowGroupRows: 3, Parallel: parallel, Alloc: alloc}
				data, sum := writeFile(t, o, rows)
				require.Equal(t, data[len(data)-len(sum.Footer):], sum.Footer)
				sum.Footer = nil
				require.Equal(t, Summary{Rows: 4, Bytes: int64(len(data)), MinKey: "max", MaxKey: "null row"}, sum)
				r := openBytes(t, data, alloc)
				require.EqualValues(t, 4, r.Rows())
				require.Len(t, r.RowGroups(), 2)
				got := readAll(t, r, alloc, ReadOptions{Schema: s})
				require.True(t, array.RecordEqual(rows, got), "%v\n%v", rows, got)
				own, err := r.Schema()
				require.NoError(t, err)
				require.True(t, s.Equal(own))
			})
		}
	}
}
