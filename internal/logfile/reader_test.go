package logfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

func block(instant, content string) []byte {
	return AppendBlock(nil, AvroData, map[HeaderKey]string{HeaderInstant: instant, HeaderSchema: `"x"`}, []byte(content))
}

// outline renders what a file holds: contents of blocks, corrupt ranges as <length>.
func outline(t testing.TB, data []byte) string {
	t.Helper()
	var parts []string
	for _, b := range all(t, open("f", data)) {
		content, err := b.Content(context.Background())
		require.NoError(t, err)
		if b.Type == Corrupt {
			require.Equal(t, data[b.Offset:b.Offset+b.Size], content)
			parts = append(parts, "<"+string(content[:min(8, len(content))])+">")
			continue
		}
		parts = append(parts, string(content))
	}
	return strings.Join(parts, " ")
}

func TestCorruptBlocks(t *testing.T) {
	a, b, c := block("1", "a"), block("2", "bb"), block("3", "ccc")
	changed := func(in []byte, at int, to byte) []byte {
		out := bytes.Clone(in)
		out[at] = to
		return out
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"whole":                              {join(a, b, c), "a bb ccc"},
		"empty":                              {nil, ""},
		"cut within the magic":               {join(a, b[:3]), "a <#HU>"},
		"cut within the size":                {join(a, b[:10]), "a <#HUDI#\x00\x00>"},
		"cut within the content":             {join(a, b[:len(b)-20]), "a <#HUDI#\x00\x00>"},
		"cut before the last byte":           {join(a, b[:len(b)-1]), "a <#HUDI#\x00\x00>"},
		"cut and continued":                  {join(a, b[:len(b)-20], c), "a <#HUDI#\x00\x00> ccc"},
		"size too great":                     {join(a, changed(b, 7, 1), c), "a <#HUDI#\x00\x01> ccc"},
		"size negative":                      {join(a, changed(b, 6, 0x80), c), "a <#HUDI#\x80\x00> ccc"},
		"size too small":                     {join(a, changed(b, 13, 1), c), "a <#HUDI#\x00\x00> ccc"},
		"trailing length differs":            {join(a, changed(b, len(b)-1, 1), c), "a <#HUDI#\x00\x00> ccc"},
		"not followed by a magic":            {join(a, b, []byte("garbage"), c), "a <#HUDI#\x00\x00> ccc"},
		"followed by less than a magic":      {join(a, b, []byte("gar")), "a bb <gar>"},
		"a magic inside of the torn content": {join(a, block("2", "x#HUDI#yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")[:80], c), "a <#HUDI#\x00\x00> <#HUDI#yy> ccc"},
		"torn twice":                         {join(b[:20], b[:20], c), "<#HUDI#\x00\x00> <#HUDI#\x00\x00> ccc"},
		"long gap":                           {join(a, b[:20], bytes.Repeat([]byte("#HUDI-"), windowSize), c), "a <#HUDI#\x00\x00> ccc"},
		"gap that ends with a window":        {join(b[:20], bytes.Repeat([]byte("-"), windowSize-20-3), c), "<#HUDI#\x00\x00> ccc"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, outline(t, tc.data))
		})
	}
}

func TestReaderErrors(t *testing.T) {
	whole := block("1", "abc")
	at := func(i int, b byte) []byte {
		out := bytes.Clone(whole)
		out[i] = b
		return out
	}
	const version, typ, count, length = 17, 21, 25, 33
	for name, tc := range map[string]struct {
		data []byte
		want error
		text string
	}{
		"no log file":            {[]byte("PAR1 is no log"), base.ErrCorrupt, "no Hudi log file"},
		"old format":             {at(version, 0), base.ErrUnsupported, "log format version 0"},
		"unknown type":           {at(typ, 9), base.ErrUnsupported, "block type 9"},
		"corrupt type":           {at(typ, byte(Corrupt)), base.ErrCorrupt, "never written"},
		"too many headers":       {at(count-3, 0x7F), base.ErrCorrupt, "header entries"},
		"negative headers":       {at(count-3, 0xFF), base.ErrCorrupt, "header entries"},
		"more headers than room": {at(count, 3), base.ErrCorrupt, ""},
		"header too long":        {at(length-2, 9), base.ErrCorrupt, "header value"},
		"content too long":       {at(len(whole)-12-3-1, 9), base.ErrCorrupt, "content of 9 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open("f.log", tc.data)
			_, err := r.Next()
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.text)
			_, again := r.Next()
			require.Equal(t, err, again)
		})
	}
}

// counting counts reads and the bytes read; it fails from read number failAt on.
type counting struct {
	io.ReaderAt
	reads, failAt int
	bytes         int64
}

var errRead = errors.New("read failed")

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	c.bytes += int64(len(p))
	if c.failAt > 0 && c.reads >= c.failAt {
		return 0, errRead
	}
	return c.ReaderAt.ReadAt(p, off)
}

func TestReaderSkipsContents(t *testing.T) {
	var data []byte
	const blocks = 10
	for range blocks {
		data = append(data, block("1", strings.Repeat("x", 1<<20))...)
	}
	c := &counting{ReaderAt: bytes.NewReader(data)}
	require.Len(t, all(t, NewReader("f", c, int64(len(data)))), blocks)
	require.LessOrEqual(t, c.reads, blocks+1)
	require.LessOrEqual(t, c.bytes, int64((blocks+1)*windowSize))

	small := bytes.Repeat(block("1", "x"), 100)
	c = &counting{ReaderAt: bytes.NewReader(small)}
	require.Len(t, all(t, NewReader("f", c, int64(len(small)))), 100)
	require.LessOrEqual(t, c.reads, 3)
}

func TestReaderReadErrors(t *testing.T) {
	data := append(block("1", strings.Repeat("x", 1<<17)), block("2", "y")...)
	for failAt := 1; failAt <= 2; failAt++ {
		r := NewReader("f", &counting{ReaderAt: bytes.NewReader(data), failAt: failAt}, int64(len(data)))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		require.ErrorIs(t, err, errRead)
		require.NotErrorIs(t, err, base.ErrCorrupt)
	}
	// A file that is shorter than its size said.
	_, err := NewReader("f", bytes.NewReader(data[:10]), 100).Next()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	b, err := open("f", data).Next()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.Content(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.MapOfN(rapid.Map(rapid.Int32Range(0, 8), func(k int32) HeaderKey { return HeaderKey(k) }), rapid.String(), 0, 9).Draw(t, "header")
		typ := rapid.SampledFrom([]BlockType{Command, Delete, AvroData, HFileData, ParquetData, CDCData}).Draw(t, "type")
		content := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		data := AppendBlock([]byte{}, typ, header, content)
		r := open("f", data)
		b, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, typ, b.Type)
		require.Equal(t, header, b.Header)
		require.Equal(t, int64(len(data)), b.Size)
		got, err := b.Content(context.Background())
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, got))
		_, err = r.Next()
		require.Equal(t, io.EOF, err)
	})
}

func FuzzReader(f *testing.F) {
	for _, data := range golden(f) {
		if len(data) < 8<<10 {
			f.Add(data)
		}
	}
	f.Add(append(block("1", "a")[:30], block("2", "b")...))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := open("f", data)
		var end int64
		for {
			b, err := r.Next()
			if err != nil {
				break
			}
			require.Equal(t, end, b.Offset)
			require.Positive(t, b.Size)
			end += b.Size
			require.LessOrEqual(t, end, int64(len(data)))
			content, err := b.Content(t.Context())
			require.NoError(t, err)
			switch b.Type {
			case AvroData, CDCData:
				if records, err := Records(content); err == nil {
					for range records {
					}
				}
			case Delete:
				_, _ = Deletes(content)
			}
		}
		_, _ = Scan([]*Reader{open("f", data)}, ScanOptions{Latest: "2"})
	})
}
