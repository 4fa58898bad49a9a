package schema

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Schemas with numbers: of 10 the first, of 20 with name renamed to full and the record's b to
// bb, of 30 without qty, of 40 with another column called qty.
const (
	first = `{"max_column_id":9,"version_id":10,"type":"record","fields":[{"id":5,"name":"id","optional":true,"type":"string"},` +
		`{"id":6,"name":"name","optional":true,"type":"string"},{"id":7,"name":"qty","optional":true,"type":"int"},` +
		`{"id":8,"name":"list","optional":true,"type":{"type":"array","element_id":9,"element_optional":true,"element":{"type":"record","fields":[` +
		`{"id":10,"name":"a","optional":true,"type":"int"},{"id":11,"name":"b","optional":true,"type":"string"}]}}},` +
		`{"id":12,"name":"map","optional":true,"type":{"type":"map","key_id":13,"key":"string","value_id":14,"value_optional":true,"value":{"type":"record","fields":[` +
		`{"id":15,"name":"x","optional":true,"type":"decimal(10, 2)"}]}}}]}`
)

func versions(t *testing.T) (second, third, fourth string) {
	change := func(text string, pairs ...string) string {
		out := strings.NewReplacer(pairs...).Replace(text)
		require.NotEqual(t, text, out)
		return out
	}
	second = change(first, `"version_id":10`, `"version_id":20`, `"name":"name"`, `"name":"full"`, `"name":"b"`, `"name":"bb"`, `"name":"x"`, `"name":"y"`)
	third = change(second, `"version_id":20`, `"version_id":30`, `{"id":7,"name":"qty","optional":true,"type":"int"},`, ``)
	fourth = change(third, `"version_id":30`, `"version_id":40`, `{"id":8,`, `{"id":16,"name":"qty","optional":true,"type":"long"},{"id":8,`)
	return second, third, fourth
}

const nowAvro = `{"type":"record","name":"t","fields":[{"name":"_hoodie_record_key","type":["null","string"],"default":null},{"name":"id","type":["null","string"],"default":null},` +
	`{"name":"full","type":["null","string"],"default":null},{"name":"qty","type":["null","long"],"default":null},` +
	`{"name":"list","type":["null",{"type":"array","items":["null",{"type":"record","name":"e","fields":[{"name":"a","type":["null","int"],"default":null},{"name":"bb","type":["null","string"],"default":null}]}]}],"default":null},` +
	`{"name":"map","type":["null",{"type":"map","values":["null",{"type":"record","name":"m","fields":[{"name":"y","type":["null",{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}],"default":null}]}]}],"default":null}]}`

func TestAsWritten(t *testing.T) {
	second, third, fourth := versions(t)
	now, err := ParseIdentified(fourth)
	require.NoError(t, err)
	require.Equal(t, fourth, now.Text())
	h, err := ParseHistory([]byte(`{"schemas":[`+strings.Join([]string{fourth, third, second, first}, ",")+`]}`), now)
	require.NoError(t, err)
	require.Same(t, now, h.Now())
	columns, err := Parse(nowAvro)
	require.NoError(t, err)
	at := func(instant string) string {
		s, err := h.AsWritten(columns, instant)
		require.NoError(t, err)
		var names []string
		for _, f := range s.Fields() {
			name := f.Name
			switch f.Type.Kind {
			case Array, Map:
				for _, inner := range f.Type.Elem.Fields {
					name += "." + inner.Name
				}
			}
			names = append(names, name)
		}
		return strings.Join(names, " ")
	}
	require.Equal(t, "_hoodie_record_key id name _hudi_go_absent_16 list.a.b map.x", at("10"))
	require.Equal(t, "_hoodie_record_key id name _hudi_go_absent_16 list.a.b map.x", at("19"), "until the next")
	require.Equal(t, "_hoodie_record_key id name _hudi_go_absent_16 list.a.b map.x", at("5"), "files from before there were numbers")
	require.Equal(t, "_hoodie_record_key id full _hudi_go_absent_16 list.a.bb map.y", at("25"), "a dropped column that came back is another")
	require.Equal(t, "_hoodie_record_key id full _hudi_go_absent_16 list.a.bb map.y", at("30"))
	same, err := h.AsWritten(columns, "45")
	require.NoError(t, err)
	require.Same(t, columns, same)

	// Asked for by the names of an earlier time, as a query of the past does.
	then, err := ParseIdentified(second)
	require.NoError(t, err)
	h, err = ParseHistory([]byte(`{"schemas":[`+strings.Join([]string{fourth, third, second, first}, ",")+`]}`), then)
	require.NoError(t, err)
	require.Equal(t, "_hoodie_record_key id name qty list.a.b map.x", at("10"))
}

func TestRelabel(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	_, _, fourth := versions(t)
	now, err := ParseIdentified(fourth)
	require.NoError(t, err)
	h, err := ParseHistory([]byte(`{"schemas":[`+fourth+`,`+first+`]}`), now)
	require.NoError(t, err)
	columns, err := Parse(nowAvro)
	require.NoError(t, err)
	written, err := h.AsWritten(columns, "10")
	require.NoError(t, err)
	b := array.NewRecordBuilder(alloc, written.Arrow())
	defer b.Release()
	require.NoError(t, b.UnmarshalJSON([]byte(`{"_hoodie_record_key":"k","id":"1","name":"ann","list":[{"a":1,"b":"x"},null],"map":[{"key":"p","value":{"x":"1.50"}}]}`)))
	batch := b.NewRecordBatch()
	defer batch.Release()
	named := columns.Relabel(batch)
	defer named.Release()
	require.True(t, named.Schema().Equal(columns.Arrow()))
	text, err := named.MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `[{"_hoodie_record_key":"k","id":"1","full":"ann","qty":null,"list":[{"a":1,"bb":"x"},null],"map":[{"key":"p","value":{"y":"1.5"}}]}]`, string(text))
	list := named.Column(4).DataType().(*arrow.ListType)
	require.True(t, arrow.TypeEqual(list, columns.Arrow().Field(4).Type))
}

func TestBrokenHistory(t *testing.T) {
	for _, text := range []string{``, `{`, `[]`, `{"type":"set"}`, `{"type":"record","fields":[{"id":1,"name":"a","type":{"type":"set"}}]}`, `{"type":"record","fields":[{"id":1,"name":"a","type":7}]}`} {
		_, err := ParseIdentified(text)
		require.ErrorIs(t, err, base.ErrCorrupt, text)
	}
	now, err := ParseIdentified(first)
	require.NoError(t, err)
	for _, text := range []string{``, `{"schemas":[]}`, `{"schemas":[{"type":"set"}]}`, `{"schemas":7}`} {
		_, err := ParseHistory([]byte(text), now)
		require.ErrorIs(t, err, base.ErrCorrupt, text)
	}
}
