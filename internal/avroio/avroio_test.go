package avroio

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

// The structs mirror parts of Hudi's own records, in the shapes that codecs allow.
type commitMetadata struct {
	PartitionToWriteStats map[string][]writeStat `avro:"partitionToWriteStats"`
	ExtraMetadata         map[string]string      `avro:"extraMetadata"`
	Version               *int                   `avro:"version"`
	OperationType         string                 `avro:"operationType"`
}

type writeStat struct {
	FileID    string   `avro:"fileId"`
	Path      *string  `avro:"path"`
	NumWrites int64    `avro:"numWrites"`
	TempPath  *string  `avro:"tempPath"`
	LogFiles  []string `avro:"logFiles"`
}

type rollbackPlan struct {
	Instant struct {
		CommitTime string `avro:"commitTime"`
		Action     string `avro:"action"`
	} `avro:"instantToRollback"`
	Requests []rollbackRequest `avro:"RollbackRequests"`
	Version  *int32            `avro:"version"`
}

type rollbackRequest struct {
	PartitionPath       string           `avro:"partitionPath"`
	FileID              *string          `avro:"fileId"`
	LatestBaseInstant   *string          `avro:"latestBaseInstant"`
	FilesToBeDeleted    []string         `avro:"filesToBeDeleted"`
	LogBlocksToBeDelete map[string]int64 `avro:"logBlocksToBeDeleted"`
}

func golden(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func TestReadCommitOfRealHudi(t *testing.T) {
	var m commitMetadata
	require.NoError(t, ReadContainer(golden(t, "v9.deltacommit"), &m))
	require.Equal(t, "INSERT", m.OperationType)
	require.Nil(t, m.Version)
	require.Contains(t, m.ExtraMetadata["schema"], `"name":"v9_all_types_mor_record"`)
	require.Len(t, m.PartitionToWriteStats, 1)
	stat := m.PartitionToWriteStats[""][0]
	require.NotEmpty(t, stat.FileID)
	require.True(t, strings.HasPrefix(*stat.Path, stat.FileID))
	require.Positive(t, stat.NumWrites)
	require.Nil(t, stat.TempPath)
	require.Nil(t, stat.LogFiles)
}

// A file of real Hudi is written again to the same bytes, but for the marker that Java draws.
func TestWriteAsRealHudi(t *testing.T) {
	data := golden(t, "v6.rollback.requested")
	var plan rollbackPlan
	require.NoError(t, ReadContainer(data, &plan))
	schemaJSON, err := ContainerSchema(data)
	require.NoError(t, err)

	again, err := WriteContainer(schemaJSON, &plan)
	require.NoError(t, err)
	require.Len(t, again, len(data))
	marker := func(b []byte) []byte { return b[len(b)-syncSize:] }
	require.Equal(t, data, bytes.ReplaceAll(again, marker(again), marker(data)))

	third, err := WriteContainer(schemaJSON, plan)
	require.NoError(t, err)
	require.Equal(t, again, third)
}

const allSchema = `{"type":"record","name":"all","fields":[
	{"name":"skipped","type":["null",{"type":"map","values":{"type":"array","items":["int","string","null"]}}],"default":null},
	{"name":"bool","type":"boolean"},
	{"name":"int","type":"int"},
	{"name":"long","type":["long","null"]},
	{"name":"float","type":"float"},
	{"name":"double","type":["null","double"]},
	{"name":"bytes","type":["null","bytes"]},
	{"name":"string","type":{"type":"string","avro.java.string":"String"}},
	{"name":"fixed","type":{"type":"fixed","name":"four","size":4}},
	{"name":"enum","type":{"type":"enum","name":"colour","symbols":["RED","GREEN"]}},
	{"name":"list","type":{"type":"array","items":["null","long"]}},
	{"name":"map","type":["null",{"type":"map","values":"string"}]},
	{"name":"choice","type":["null","int",{"type":"record","name":"N","namespace":"some.where","fields":[{"name":"value","type":"long"}]},
		"string",{"type":"array","items":["null","some.where.N","double"]}],"default":null},
	{"name":"sure","type":["some.where.N","boolean"]},
	{"name":"next","type":["null","all"],"default":null}]}`

type embedded struct {
	Bool bool  `avro:"bool"`
	Int  int32 `avro:"int"`
}

type all struct {
	embedded
	Long   *int64            `avro:"long"`
	Float  float32           `avro:"float"`
	Double float64           `avro:"double"`
	Bytes  []byte            `avro:"bytes"`
	String string            `avro:"string"`
	Fixed  []byte            `avro:"fixed"`
	Enum   string            `avro:"enum"`
	List   []*int64          `avro:"list"`
	Map    map[string]string `avro:"map"`
	Choice *choice           `avro:"choice"`
	Sure   choice            `avro:"sure"`
	Next   *all              `avro:"next"`
	Other  string
}

// choice is a union of several types.
type choice struct {
	Int  *int32 `avro:"int"`
	Long *struct {
		Value int64 `avro:"value"`
	} `avro:"N"`
	Bool *bool      `avro:"boolean"`
	List *[]*choice `avro:"array"`
}

func drawN(t *rapid.T) *choice {
	c := &choice{Long: new(struct {
		Value int64 `avro:"value"`
	})}
	c.Long.Value = rapid.Int64().Draw(t, "n")
	return c
}

func drawChoice(t *rapid.T) *choice {
	switch rapid.IntRange(0, 3).Draw(t, "choice") {
	case 0:
		return nil
	case 1:
		return &choice{Int: rapid.Ptr(rapid.Int32(), false).Draw(t, "int")}
	case 2:
		return drawN(t)
	}
	return &choice{List: &[]*choice{nil, drawN(t)}}
}

func drawAll(t *rapid.T, depth int) *all {
	a := &all{
		embedded: embedded{rapid.Bool().Draw(t, "bool"), rapid.Int32().Draw(t, "int")},
		Long:     rapid.Ptr(rapid.Int64(), true).Draw(t, "long"),
		Float:    rapid.Float32().Draw(t, "float"),
		Double:   rapid.Float64().Draw(t, "double"),
		String:   rapid.String().Draw(t, "string"),
		Fixed:    rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "fixed"),
		Enum:     rapid.SampledFrom([]string{"RED", "GREEN"}).Draw(t, "enum"),
		List:     rapid.SliceOf(rapid.Ptr(rapid.Int64(), true)).Draw(t, "list"),
	}
	a.Choice, a.Sure = drawChoice(t), *drawN(t)
	if rapid.Bool().Draw(t, "has bytes") {
		a.Bytes = rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
	}
	if rapid.Bool().Draw(t, "has map") {
		a.Map = rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "map")
	}
	if depth > 0 && rapid.Bool().Draw(t, "has next") {
		a.Next = drawAll(t, depth-1)
	}
	return a
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawAll(t, 3)
		data, err := Marshal(allSchema, want)
		require.NoError(t, err)
		again, err := Marshal(allSchema, want)
		require.NoError(t, err)
		require.Equal(t, data, again)

		got := all{Other: "left alone"}
		rest, err := Unmarshal(allSchema, append(data, "rest"...), &got)
		require.NoError(t, err)
		require.Equal(t, "rest", string(rest))
		require.Equal(t, "left alone", got.Other)
		got.Other = ""
		require.Equal(t, *want, got)

		rest, err = Unmarshal(allSchema, data, &struct{}{})
		require.NoError(t, err)
		require.Empty(t, rest)
	})
}

func TestStructsThatDoNotFit(t *testing.T) {
	record := func(fields string) string { return `{"type":"record","name":"r","fields":[` + fields + `]}` }
	a := func(typ string) string { return record(`{"name":"a","type":` + typ + `}`) }
	for name, c := range map[string]struct {
		schema string
		v      any
	}{
		"no schema":     {`{"type":`, &struct{}{}},
		"no record":     {`"string"`, &struct{}{}},
		"no struct":     {a(`"int"`), new(int)},
		"missing field": {a(`"int"`), &struct{}{}},
		"wrong kind": {a(`"int"`), &struct {
			A string `avro:"a"`
		}{}},
		"unsigned": {a(`"int"`), &struct {
			A uint32 `avro:"a"`
		}{}},
		"pointer, no null": {a(`"int"`), &struct {
			A *int `avro:"a"`
		}{}},
		"several types": {a(`["null","int","string"]`), &struct {
			A *int `avro:"a"`
		}{}},
		"no pointer in choice": {a(`["null","int","string"]`), &struct {
			A struct {
				Int int `avro:"int"`
			} `avro:"a"`
		}{}},
		"no choice": {a(`["int","string"]`), &struct {
			A choice `avro:"a"`
		}{}},
		"wrong choice": {a(`["boolean","string"]`), &struct {
			A choice `avro:"a"`
		}{choice{Int: new(int32)}}},
		"int too great": {a(`"int"`), &struct {
			A int64 `avro:"a"`
		}{1 << 31}},
		"fixed too short": {a(`{"type":"fixed","name":"f","size":2}`), &struct {
			A []byte `avro:"a"`
		}{[]byte{1}}},
		"no such symbol": {a(`{"type":"enum","name":"f","symbols":["X"]}`), &struct {
			A string `avro:"a"`
		}{"Y"}},
		"in an array": {a(`{"type":"array","items":"int"}`), &struct {
			A []int64 `avro:"a"`
		}{[]int64{1 << 40}}},
		"in a map": {a(`{"type":"map","values":"int"}`), &struct {
			A map[string]int64 `avro:"a"`
		}{map[string]int64{"k": 1 << 40}}},
		"array into struct": {a(`{"type":"array","items":"int"}`), &struct {
			A struct{} `avro:"a"`
		}{}},
		"map of int keys": {a(`{"type":"map","values":"int"}`), &struct {
			A map[int]int `avro:"a"`
		}{}},
		"record into slice": {a(record("")), &struct {
			A []int `avro:"a"`
		}{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Marshal(c.schema, c.v)
			require.ErrorIs(t, err, base.ErrInvalid)
		})
	}
	var small struct {
		A int8 `avro:"a"`
	}
	_, err := Unmarshal(a(`"long"`), []byte{0x80, 0x02}, &small)
	require.ErrorIs(t, err, base.ErrCorrupt)
	_, err = Unmarshal(a(`"long"`), []byte{2}, small)
	require.ErrorIs(t, err, base.ErrInvalid)
}

func TestHostileRecords(t *testing.T) {
	self := `{"type":"record","name":"self","fields":[{"name":"a","type":"self"}]}`
	field := func(typ string) string {
		return `{"type":"record","name":"r","fields":[{"name":"a","type":` + typ + `}]}`
	}
	huge := []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}
	least := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}
	for name, c := range map[string]struct {
		schema string
		data   []byte
	}{
		"no data":         {field(`"int"`), nil},
		"endless number":  {field(`"long"`), bytes.Repeat([]byte{0xff}, 20)},
		"int of 64 bits":  {field(`"int"`), huge},
		"boolean":         {field(`"boolean"`), []byte{2}},
		"short float":     {field(`"float"`), []byte{2}},
		"short double":    {field(`"double"`), []byte{2}},
		"long string":     {field(`"string"`), huge},
		"negative string": {field(`"string"`), []byte{1}},
		"long bytes":      {field(`"bytes"`), huge},
		"short fixed":     {field(`{"type":"fixed","name":"f","size":1000000000}`), []byte{1}},
		"symbol":          {field(`{"type":"enum","name":"f","symbols":["X"]}`), []byte{2}},
		"branch":          {field(`["null","int"]`), []byte{4}},
		"negative branch": {field(`["null","int"]`), []byte{1}},
		"array count":     {field(`{"type":"array","items":"null"}`), huge},
		"least count":     {field(`{"type":"array","items":"null"}`), least},
		"array cut off":   {field(`{"type":"array","items":"int"}`), []byte{4, 2}},
		"no block size":   {field(`{"type":"array","items":"int"}`), []byte{1}},
		"map key":         {field(`{"type":"map","values":"int"}`), append([]byte{2}, huge...)},
		"map value":       {field(`{"type":"map","values":"int"}`), []byte{2, 2, 'k'}},
		"endless nesting": {self, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Unmarshal(c.schema, c.data, &struct{}{})
			require.ErrorIs(t, err, base.ErrCorrupt)
		})
	}
}

// A type of a union without a field leaves the others nil.
func TestUnknownChoice(t *testing.T) {
	schema := `{"type":"record","name":"r","fields":[{"name":"a","type":["null","int","string"]},{"name":"b","type":"int"}]}`
	v := struct {
		A *choice `avro:"a"`
		B int     `avro:"b"`
	}{A: &choice{Int: new(int32)}}
	_, err := Unmarshal(schema, []byte{4, 2, 'x', 14}, &v)
	require.NoError(t, err)
	require.Equal(t, &choice{}, v.A)
	require.Equal(t, 7, v.B)
}

func TestBlockSizesAreSkipped(t *testing.T) {
	schema := `{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"array","items":"int"}}]}`
	var v struct {
		A []int `avro:"a"`
	}
	rest, err := Unmarshal(schema, []byte{3, 4, 2, 4, 2, 6, 0}, &v)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.Equal(t, []int{1, 2, 3}, v.A)
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(allSchema, []byte{0, 1, 2})
	f.Add(`{"type":"record","name":"r","fields":[{"name":"a","type":["null","r"]}]}`, []byte{2, 2, 0})
	f.Fuzz(func(t *testing.T, schema string, data []byte) {
		_, _ = Unmarshal(schema, data, &all{})
		_, _ = Unmarshal(schema, data, &struct{}{})
	})
}
