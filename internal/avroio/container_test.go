package avroio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

const rowSchema = `{"type":"record","name":"row","fields":[{"name":"id","type":"string"}]}`

func container(t *testing.T, codec string, blocks ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewContainerWriter(&out, rowSchema, codec)
	require.NoError(t, err)
	for i, b := range blocks {
		require.NoError(t, w.WriteBlock(int64(i+1), b))
	}
	return out.Bytes()
}

// read returns copies of all blocks.
func read(r io.Reader) (blocks []Block, err error) {
	_, seq, err := Containers(r)
	if err != nil {
		return nil, err
	}
	for b, err := range seq {
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, Block{b.Count, bytes.Clone(b.Data)})
	}
	return blocks, nil
}

func TestContainerCodecs(t *testing.T) {
	one, two := bytes.Repeat([]byte("block one "), 30000), []byte("two")
	for _, codec := range []string{"", "null", "deflate", "snappy", "zstandard"} {
		t.Run(codec, func(t *testing.T) {
			data := container(t, codec, one, two, one)
			schemaJSON, err := ContainerSchema(data)
			require.NoError(t, err)
			require.Equal(t, rowSchema, schemaJSON)
			got, err := read(iotest.HalfReader(bytes.NewReader(data)))
			require.NoError(t, err)
			require.Equal(t, []Block{{1, one}, {2, two}, {3, one}}, got)

			got, err = read(bytes.NewReader(container(t, codec)))
			require.NoError(t, err)
			require.Empty(t, got)

			for cut := range len(data) - 1 {
				if cut > 200 && cut < len(data)-200 {
					continue
				}
				blocks, err := read(bytes.NewReader(data[:cut]))
				if err == nil {
					require.Less(t, len(blocks), 3) // cut between blocks
				} else {
					require.ErrorIs(t, err, base.ErrCorrupt)
				}
			}
		})
	}
}

func TestContainerStops(t *testing.T) {
	_, blocks, err := Containers(bytes.NewReader(container(t, "zstandard", []byte("a"), []byte("b"))))
	require.NoError(t, err)
	for b := range blocks {
		require.Equal(t, int64(1), b.Count)
		break
	}
}

func TestContainerErrors(t *testing.T) {
	good := container(t, "snappy", []byte("some rows"))
	header := len(container(t, "snappy"))
	change := func(at int, b byte) []byte {
		bad := bytes.Clone(good)
		bad[at] ^= b
		return bad
	}
	long := func(n int64) []byte { return binary.AppendVarint(nil, n) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, data := range map[string][]byte{
		"empty":            {},
		"magic":            change(3, 1),
		"sync marker":      change(len(good)-1, 1),
		"checksum":         change(len(good)-syncSize-1, 1),
		"packed":           change(header+2, 0x7f),
		"no schema":        join([]byte(magic), []byte{0}, make([]byte, syncSize)),
		"long key":         join([]byte(magic), long(1), long(1<<40)),
		"negative length":  join([]byte(magic), long(1), long(-5)),
		"many entries":     join([]byte(magic), long(1<<40)),
		"least entries":    join([]byte(magic), long(-1<<63), long(0)),
		"long block":       join(good[:header], long(1), long(1<<40)),
		"cut block":        join(good[:header], long(1), long(maxBlock)),
		"negative count":   join(good[:header], long(-1), long(0)),
		"snappy too short": join(good[:header], long(1), long(1), []byte{0}, good[len(good)-syncSize:]),
		"snappy bomb":      join(good[:header], long(1), long(9), []byte{0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0}, good[len(good)-syncSize:]),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(bytes.NewReader(data))
			require.ErrorIs(t, err, base.ErrCorrupt)
			require.ErrorIs(t, ReadContainer(data, &struct{}{}), base.ErrCorrupt)
		})
	}
	require.ErrorIs(t, ReadContainer(container(t, ""), &struct{}{}), base.ErrCorrupt, "no record")

	broken := errors.New("disk is broken")
	_, err := read(io.MultiReader(bytes.NewReader(good[:header+3]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	_, err = read(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)

	_, err = NewContainerWriter(io.Discard, rowSchema, "bzip2")
	require.ErrorIs(t, err, base.ErrUnsupported)
	bzip := bytes.Replace(good, []byte("\x0csnappy"), []byte("\x0abzip2"), 1)
	_, err = read(bytes.NewReader(bzip))
	require.ErrorIs(t, err, base.ErrUnsupported)
}

func TestCompressedBombs(t *testing.T) {
	const limit = 1 << 20
	for _, codec := range []string{"deflate", "snappy", "zstandard"} {
		t.Run(codec, func(t *testing.T) {
			c, err := newCompressor(codec)
			require.NoError(t, err)
			packed, err := c(make([]byte, limit+1))
			require.NoError(t, err)
			d, err := newDecompressor(codec)
			require.NoError(t, err)
			defer d.close()
			d.limit = limit
			_, err = d.decompress(packed)
			require.ErrorIs(t, err, base.ErrCorrupt)
		})
	}
}

type failingWriter struct{ after int }

func (w *failingWriter) Write(b []byte) (int, error) {
	if w.after--; w.after < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestContainerWriterErrors(t *testing.T) {
	_, err := NewContainerWriter(&failingWriter{}, rowSchema, "")
	require.ErrorIs(t, err, io.ErrShortWrite)
	w, err := NewContainerWriter(&failingWriter{after: 1}, rowSchema, "")
	require.NoError(t, err)
	require.ErrorIs(t, w.WriteBlock(1, []byte("a")), io.ErrShortWrite)
	w, err = NewContainerWriter(io.Discard, rowSchema, "")
	require.NoError(t, err)
	require.ErrorIs(t, w.WriteBlock(1, make([]byte, maxBlock+1)), base.ErrInvalid)
}

func FuzzContainer(f *testing.F) {
	for _, codec := range []string{"null", "deflate", "snappy", "zstandard"} {
		var out bytes.Buffer
		w, err := NewContainerWriter(&out, rowSchema, codec)
		require.NoError(f, err)
		require.NoError(f, w.WriteBlock(2, []byte("\x02a\x02b")))
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = read(bytes.NewReader(data))
		_ = ReadContainer(data, &struct{}{})
	})
}
