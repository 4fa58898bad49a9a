package table

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestParseProperties(t *testing.T) {
	for in, want := range map[string]map[string]string{
		"":                            {},
		"# c\n! c\n\n  \n":            {},
		"a=b":                         {"a": "b"},
		"a = b ":                      {"a": "b "},
		"a:b\r\nc d\re=\n":            {"a": "b", "c": "d", "e": ""},
		"a":                           {"a": ""},
		"=v":                          {"": "v"},
		"a\\:b\\ c\\=d=e\\:f=g":       {"a:b c=d": "e:f=g"},
		"a=b\\\n   c\\\n\nd=e":        {"a": "bc", "d": "e"},
		"a=b\\\\\nc=d":                {"a": "b\\", "c": "d"},
		"a=\\u00e9\\uD83D\\uDE00":     {"a": "é😀"},
		"a=\\uD83D":                   {"a": "\uFFFD"},
		"a=\xe9":                      {"a": "é"},
		"a=\\t\\n\\r\\f\\q\\":         {"a": "\t\n\r\fq"},
		"a=1\na=2":                    {"a": "2"},
		"  a=1\n\tb=2":                {"a": "1", "b": "2"},
		"x={\"type\"\\:\"record\"}\n": {"x": `{"type":"record"}`},
		"k\\#1=\\#v\nm\\!=\\!":        {"k#1": "#v", "m!": "!"},
		"last=v\\":                    {"last": "v"},
		"a\t \f:\t b":                 {"a": "b"},
	} {
		p, err := ParseProperties([]byte(in))
		require.NoError(t, err, in)
		require.Equal(t, want, p.values, in)
	}
	for _, bad := range []string{"a=\\u12", "a=\\u12G4", "\\uZZZZ=b"} {
		_, err := ParseProperties([]byte(bad))
		require.ErrorIs(t, err, base.ErrCorrupt, bad)
	}
}

func TestPropertiesAsJavaWritesThem(t *testing.T) {
	p := NewProperties()
	p.Set("k 1", " v = é\n")
	p.Set("schema", `{"a":1}`)
	require.Equal(t, "#one\n#two\nk\\ 1=\\ v \\= \\u00E9\\n\nschema={\"a\"\\:1}\n", string(p.Bytes("one", "two")))
}

func TestPropertiesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewProperties()
		for k, v := range rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "properties") {
			p.Set(k, v)
		}
		again, err := ParseProperties(p.Bytes("comment"))
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

func FuzzParseProperties(f *testing.F) {
	for _, s := range []string{"a=b\\\n c", "\\u0041=\\uD83D\\uDE00", "a\\", "=", "#x\n!y"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProperties(data)
		if err != nil {
			require.ErrorIs(t, err, base.ErrCorrupt)
			return
		}
		again, err := ParseProperties(p.Bytes())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}
