package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"536870912": 512 << 20, "512MiB": 512 << 20, "512 mib": 512 << 20, "1GiB": 1 << 30, "2TiB": 2 << 40, "3KiB": 3 << 10,
		"1GB": 1e9, "500MB": 500e6, "7kB": 7000, "9B": 9,
	} {
		var b byteSize
		require.NoError(t, b.Set(text), text)
		require.EqualValues(t, want, b, text)
		var again byteSize
		require.NoError(t, again.Set(b.String()))
		require.Equal(t, b, again)
	}
	for _, text := range []string{"", "0", "-1", "MiB", "1.5GiB", "10 apples", "9999999999GiB"} {
		var b byteSize
		require.Error(t, b.Set(text), text)
	}
	size := byteSize(1 << 30)
	require.Equal(t, "1GiB", size.String())
}

func TestHumanBytes(t *testing.T) {
	require.Equal(t, "512 B", humanBytes(512))
	require.Equal(t, "1.5 KiB", humanBytes(1536))
	require.Equal(t, "2.0 GiB", humanBytes(2<<30))
}

func TestProperties(t *testing.T) {
	p := properties{}
	require.NoError(t, p.Set("hoodie.b=x=y,z"))
	require.NoError(t, p.Set("hoodie.a="))
	require.Equal(t, properties{"hoodie.a": "", "hoodie.b": "x=y,z"}, p)
	require.Equal(t, "hoodie.a= hoodie.b=x=y,z", p.String())
	require.Error(t, p.Set("=x"))
}

func TestAlternatives(t *testing.T) {
	require.Equal(t, "a", alternatives([]string{"a"}))
	require.Equal(t, "a or b", alternatives([]string{"a", "b"}))
	require.Equal(t, "a, b or c", alternatives([]string{"a", "b", "c"}))
}

func TestProgress(t *testing.T) {
	say := func(time.Duration) (string, any) { return "3 rows", map[string]int{"rows": 3} }
	for name, c := range map[string]struct {
		mode     string
		terminal bool
		quiet    bool
		want     string
	}{
		"auto":             {mode: progressAuto, want: "3 rows\n"},
		"auto on terminal": {mode: progressAuto, terminal: true, want: "\r\x1b[K3 rows\r\x1b[K"},
		"plain":            {mode: progressPlain, terminal: true, want: "3 rows\n"},
		"json":             {mode: progressJSON, want: "{\"rows\":3}\n"},
		"none":             {mode: progressNone, terminal: true},
		"quiet":            {mode: progressJSON, quiet: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{streams: streams{err: &out, errTerminal: c.terminal}, globals: globals{progress: c.mode, quiet: c.quiet}}
			p := a.progress()
			p.tell(say)
			require.Empty(t, out.String(), "nothing is told of what is done at once")
			p.next = p.begun
			p.tell(say)
			p.tell(say)
			p.end()
			p.end()
			require.Equal(t, c.want, out.String())
		})
	}
}
