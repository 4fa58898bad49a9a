package basefile

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/stretchr/testify/require"
)

// No page of any kind of column has more rows than asked for, in whatever batches they come and
// whatever is null.
func TestPagesHaveLimitedRows(t *testing.T) {
	const limit, rows = 100, 950
	s := parse(t, recordOf(`{"name":"plain","type":"long"},
		{"name":"some","type":["null","int"],"default":null},
		{"name":"word","type":["null","string"],"default":null},
		{"name":"text","type":["null","string"],"default":null},
		{"name":"list","type":{"type":"array","items":"string"}}`))
	var lines []string
	for i := range rows {
		some, word := "null", "null"
		if i/150%2 == 0 { // whole pages of nulls
			some, word = strconv.Itoa(i%3), strconv.Quote("w"+strconv.Itoa(i%3))
		}
		lines = append(lines, `{"plain":`+strconv.Itoa(i*7919)+`,"some":`+some+`,"word":`+word+`,"text":"text `+strconv.Itoa(i)+`","list":["a","b"]}`)
	}
	all, _, err := array.RecordFromJSON(memory.DefaultAllocator, s.Arrow(), strings.NewReader("["+strings.Join(lines, ",")+"]"))
	require.NoError(t, err)
	defer all.Release()
	first, rest := all.NewSlice(0, 130), all.NewSlice(130, rows)
	defer first.Release()
	defer rest.Release()
	data, _ := writeFile(t, WriterOptions{Schema: s, PageRows: limit}, first, rest)
	r, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	group := r.RowGroup(0)
	pages, err := r.GetPageIndexReader().RowGroup(0)
	require.NoError(t, err)
	for c := range group.NumColumns() {
		name := group.MetaData().Schema.Column(c).Path()
		offsets, err := pages.GetOffsetIndex(c)
		require.NoError(t, err)
		locations := offsets.GetPageLocations()
		for k, l := range locations {
			end := group.NumRows()
			if k+1 < len(locations) {
				end = locations[k+1].FirstRowIndex
			}
			require.Less(t, l.FirstRowIndex, end, name)
			require.LessOrEqual(t, end-l.FirstRowIndex, int64(limit), name)
		}
	}
}
