package avroio

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

const textSchema = `{"type":"record","name":"r","namespace":"n","fields":[
	{"name":"u","type":["null","int",{"type":"record","name":"W","fields":[{"name":"value","type":"string"}]}]},
	{"name":"w","type":["null","W"]},{"name":"b","type":"bytes"},{"name":"f","type":"double"},
	{"name":"a","type":{"type":"array","items":"long"}},{"name":"m","type":{"type":"map","values":"boolean"}},
	{"name":"e","type":{"type":"enum","name":"E","symbols":["x","y"]}},{"name":"x","type":{"type":"fixed","name":"F","size":2}}]}`

var textRecord = []byte("\x04\x04hi" + "\x02\x02\"" + "\x04\x00\xff" + "\x00\x00\x00\x00\x00\x00\xf8\x7f" + "\x04\x02\x03\x00" + "\x02\x02k\x01\x00" + "\x02" + "ab")

func TestTexts(t *testing.T) {
	texts, err := NewTexts(textSchema)
	require.NoError(t, err)
	out, err := texts.Append(nil, textRecord)
	require.NoError(t, err)
	require.Equal(t, `{"u":{"W":{"value":"hi"}},"w":{"value":"\""},"b":"AP8=","f":"NaN","a":[1,-2],"m":{"k":true},"e":"y","x":"YWI="}`, string(out))
	for n := range textRecord {
		_, err := texts.Append(nil, textRecord[:n])
		require.ErrorIs(t, err, base.ErrCorrupt, "cut to %d", n)
	}
	_, err = NewTexts(`{"type":"nothing"}`)
	require.ErrorIs(t, err, base.ErrCorrupt)
}

// TestManyValues: a schema whose records double at each level, and no bytes.
func TestManyValues(t *testing.T) {
	schema := `{"type":"record","name":"r0","fields":[]}`
	for i := range 60 {
		schema = fmt.Sprintf(`{"type":"record","name":"r%d","fields":[{"name":"a","type":%s},{"name":"b","type":"r%d"}]}`, i+1, schema, i)
	}
	_, err := Unmarshal(schema, nil, &struct{}{})
	require.ErrorIs(t, err, base.ErrCorrupt)
	texts, err := NewTexts(schema)
	require.NoError(t, err)
	_, err = texts.Append(nil, nil)
	require.ErrorIs(t, err, base.ErrCorrupt)
}

func FuzzTexts(f *testing.F) {
	f.Add(textSchema, textRecord)
	f.Add(`{"type":"record","name":"r","fields":[{"name":"a","type":["null","r"]}]}`, []byte{2, 2, 0})
	f.Fuzz(func(t *testing.T, schema string, data []byte) {
		texts, err := NewTexts(schema)
		if err != nil {
			return
		}
		out, err := texts.Append(nil, data)
		if err != nil {
			require.ErrorIs(t, err, base.ErrCorrupt)
			return
		}
		require.True(t, json.Valid(out), "%s", out)
	})
}
