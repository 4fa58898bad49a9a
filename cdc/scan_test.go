package cdc

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// scan reports whether b is one JSON value.
func scan(b []byte) bool {
	end, _ := skipValue(b, space(b, 0), 0)
	return end >= 0 && space(b, end) == len(b)
}

// depth is the nesting of a JSON text.
func depth(b []byte) int {
	deepest, d, inString := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '['):
			d++
			deepest = max(deepest, d)
		case !inString && (c == '}' || c == ']'):
			d--
		}
	}
	return deepest
}

func TestScan(t *testing.T) {
	for _, text := range []string{
		`0`, `-0`, `1.5e+10`, `12345678901234567890123`, `""`, `"a\"b\\\/\b\f\n\r\t\u00e9"`, `[]`, `{}`, ` [ 1 , {"a" : null} ] `,
		`"ééééééé€"`, `true`, `{"a":1,"a":2}`, `"1234567"`, `"12345678"`, `"123456789\""`,
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
	} {
		require.True(t, json.Valid([]byte(text)), text)
		require.True(t, scan([]byte(text)), text)
	}
	for _, text := range []string{
		``, ` `, `01`, `1.`, `.5`, `-`, `+1`, `1e`, `1e+`, `"`, `"abc`, `"a\x"`, `"\u12g4"`, `"\u12"`, "\"a\tb\"", "\"1234567\x01\"", `[1,]`, `[,1]`, `{"a"}`,
		`{"a":}`, `{a:1}`, `{"a":1,}`, `tru`, `truex`, `nul`, `[1 2]`, `{"a":1 "b":2}`, `1 2`, `[}`, `{]`, `'a'`,
	} {
		require.False(t, json.Valid([]byte(text)), text)
		require.False(t, scan([]byte(text)), text)
	}
	require.False(t, scan([]byte(strings.Repeat("[", maxDepth+1)+strings.Repeat("]", maxDepth+1))))
}

func FuzzScan(f *testing.F) {
	for _, r := range orderEvents(2) {
		f.Add(r.Value)
	}
	for _, seed := range []string{`{"a":[1,2.5e-3,"\ud83d\ude00\ud800x",null,true]}`, `"\u0000"`, "\"\x80\"", `[[[[]]]]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		valid := json.Valid(b) && depth(b) <= maxDepth
		require.Equal(t, valid, scan(b))
		if !valid {
			return
		}
		i := space(b, 0)
		if b[i] != '"' {
			return
		}
		var want string
		require.NoError(t, json.Unmarshal(b, &want))
		end, flags := skipValue(b, i, 0)
		var buf []byte
		got, ok := unquote(b, value{start: i, end: end, flags: flags}, &buf)
		if utf8.Valid(b) {
			require.True(t, ok)
			require.Equal(t, want, string(got))
		} else {
			require.False(t, ok)
		}
	})
}

func TestUnquote(t *testing.T) {
	for text, want := range map[string]string{
		`"plain"`: "plain", `"\ud83d\ude00"`: "😀", `"\ud83dx"`: "\ufffdx", `"\ude00"`: "\ufffd", `"\ud83d\ud83d\ude00"`: "\ufffd😀", `"\u00e9\"\\"`: `é"\`,
		`"\ud83d\n"`: "\ufffd\n",
	} {
		end, flags := skipValue([]byte(text), 0, 0)
		var buf []byte
		got, ok := unquote([]byte(text), value{end: end, flags: flags}, &buf)
		require.True(t, ok)
		require.Equal(t, want, string(got))
	}
}

func TestParseInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		got, ok := parseInt(fmt.Append(nil, n))
		require.True(t, ok)
		require.Equal(t, n, got)
	})
	for _, bad := range []string{"", "-", "9223372036854775808", "-9223372036854775809", "12345678901234567890", "1.0", "1e3", "+1", "12a45678", "1234567:"} {
		_, ok := parseInt([]byte(bad))
		require.False(t, ok, bad)
	}
}

func TestDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(rapid.StringMatching(`[0-9]{0,20}`).Draw(t, "digits") + rapid.String().Draw(t, "rest"))
		want := 0
		for want < len(b) && b[want] >= '0' && b[want] <= '9' {
			want++
		}
		require.Equal(t, want, digits(b, 0))
	})
}

// A shape finds the same fields whatever it has learned before.
func TestShape(t *testing.T) {
	fields := []string{"a", "b", "c d", "é"}
	member := rapid.Custom(func(t *rapid.T) string {
		key := rapid.SampledFrom([]string{`"a"`, `"b"`, `"c d"`, `"é"`, `"\u0061"`, `"x"`, `"ab"`}).Draw(t, "key")
		colon := rapid.SampledFrom([]string{":", " : ", ": "}).Draw(t, "colon")
		v := rapid.SampledFrom([]string{`1`, `12`, `"x"`, `"xy"`, `null`, `true`, `[1]`, `{"a":2}`, `"\n"`}).Draw(t, "value")
		return key + colon + v
	})
	s := newShape(fields...)
	rapid.Check(t, func(t *rapid.T) {
		text := "{" + strings.Join(rapid.SliceOfN(member, 0, 6).Draw(t, "members"), ",") + "}"
		b := []byte(text)
		got, want := make([]value, len(fields)), make([]value, len(fields))
		require.Equal(t, len(b), s.read(b, 0, 0, got), text)
		require.Equal(t, len(b), newShape(fields...).read(b, 0, 0, want))
		require.Equal(t, want, got, text)
		var m map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(b, &m))
		for i, f := range fields {
			require.Equal(t, string(m[f]), string(b[got[i].start:got[i].end]), text)
		}
	})
}
