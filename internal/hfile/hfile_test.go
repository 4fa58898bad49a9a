package hfile_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
)

func write(t require.TestingT, codec hfile.Codec, keys []string, value func(key string) []byte) []byte {
	var out bytes.Buffer
	w := hfile.NewWriter(&out, codec, time.UnixMilli(1))
	for _, k := range keys {
		require.NoError(t, w.Add([]byte(k), value(k)))
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// counter counts the reads and bytes that a Reader asks for.
type counter struct {
	io.ReaderAt
	reads int
	bytes int
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	c.bytes += len(p)
	return c.ReaderAt.ReadAt(p, off)
}

func numbered(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("key-%06d", 2*i))
	}
	return keys
}

func big(key string) []byte { return bytes.Repeat([]byte(key), 20) }

// A look-up reads the block of the key and nothing else; sorted look-ups read each block once.
func TestReadsOnlyWhatItNeeds(t *testing.T) {
	keys := numbered(20000)
	data := write(t, hfile.None, keys, big)
	c := &counter{ReaderAt: bytes.NewReader(data)}
	f, err := hfile.Open("x", c, int64(len(data)))
	require.NoError(t, err)
	require.Equal(t, 1, c.reads)
	c.reads, c.bytes = 0, 0
	for _, key := range []string{"key-012346", "key-012347", "key-000000", "key-039998"} {
		value, ok, err := f.Get(t.Context(), []byte(key))
		require.NoError(t, err)
		require.Equal(t, (key[9]-'0')%2 == 0, ok, key)
		if ok {
			require.Equal(t, big(key), value)
		}
	}
	require.LessOrEqual(t, c.reads, 4)
	require.LessOrEqual(t, c.bytes, 4*66<<10)

	_, ok, err := f.Get(t.Context(), []byte("zzz"))
	require.NoError(t, err)
	require.False(t, ok)
	require.LessOrEqual(t, c.reads, 4, "a key after the last needs no block")

	c.reads = 0
	var sorted [][]byte
	for i := 10000; i < 10500; i++ {
		sorted = append(sorted, fmt.Appendf(nil, "key-%06d", i))
	}
	found := 0
	for _, err := range f.Lookup(t.Context(), sorted) {
		require.NoError(t, err)
		found++
	}
	require.Equal(t, 250, found)
	require.LessOrEqual(t, c.reads, 3)

	// So do look-ups of one key after another.
	c.reads = 0
	for _, key := range sorted {
		_, _, err := f.Get(t.Context(), key)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, c.reads, 3)
}

// Whatever is written comes back: whole, by key, by range and by prefix.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfNDistinct(rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é")), 0, 6, -1), 0, 60, rapid.ID).Draw(t, "keys")
		slices.Sort(set)
		codec := rapid.SampledFrom([]hfile.Codec{hfile.GZ, hfile.None}).Draw(t, "codec")
		size := rapid.SampledFrom([]int{0, 10, 9000, 70000}).Draw(t, "size")
		value := func(key string) []byte { return append(make([]byte, size), key...) }
		data := write(t, codec, set, value)
		f, err := hfile.Open("x", bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		from := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é")), 0, 3, -1).Draw(t, "from")
		to := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00é")), 0, 3, -1).Draw(t, "to")
		var whole, inRange, inPrefix []string
		for _, k := range set {
			whole = append(whole, k)
			if k >= from && k < to {
				inRange = append(inRange, k)
			}
			if len(k) >= len(from) && k[:len(from)] == from {
				inPrefix = append(inPrefix, k)
			}
		}
		ctx := context.Background()
		check := func(want []string, seq func(yield func(hfile.Entry, error) bool)) {
			var got []string
			for e, err := range seq {
				require.NoError(t, err)
				require.Equal(t, value(string(e.Key)), e.Value)
				got = append(got, string(e.Key))
			}
			require.Equal(t, want, got)
		}
		check(whole, f.All(ctx))
		check(inRange, f.Range(ctx, []byte(from), []byte(to)))
		check(inPrefix, f.Prefix(ctx, []byte(from)))
		_, ok, err := f.Get(ctx, []byte(to))
		require.NoError(t, err)
		require.Equal(t, slices.Contains(set, to), ok)
	})
}

func TestWriterRefuses(t *testing.T) {
	w := hfile.NewWriter(io.Discard, hfile.GZ, time.UnixMilli(1))
	require.NoError(t, w.Add([]byte("b"), nil))
	require.ErrorIs(t, w.Add([]byte("b"), nil), base.ErrInvalid)
	require.ErrorIs(t, w.Close(), base.ErrInvalid)
	w = hfile.NewWriter(io.Discard, hfile.GZ, time.UnixMilli(1))
	require.ErrorIs(t, w.Add(make([]byte, 1<<15), nil), base.ErrInvalid)
}

// block wraps content as a block without compression.
func block(magic string, content []byte) []byte {
	b := append([]byte(magic), make([]byte, 25)...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(content)))
	binary.BigEndian.PutUint32(b[12:], uint32(len(content)))
	binary.BigEndian.PutUint32(b[29:], uint32(33+len(content)))
	return append(b, content...)
}

// deep turns a file without compression into one whose index has three levels, as HBase
// writes them: per leaf and per inner block the given number of entries.
func deep(t require.TestingT, data []byte, fan int) []byte {
	message, n := protowire.ConsumeBytes(data[len(data)-4096+8:])
	require.Positive(t, n)
	fields := map[protowire.Number]uint64{}
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if typ == protowire.VarintType {
			fields[num], _ = protowire.ConsumeVarint(message[n:])
		}
		message = message[n+protowire.ConsumeFieldValue(num, typ, message[n:]):]
	}
	type ref struct {
		at  []byte // offset and size
		key []byte
	}
	var refs []ref
	root := data[fields[2]+33:]
	for range fields[5] {
		length := int(root[12])
		refs = append(refs, ref{root[:12], root[13 : 13+length]})
		root = root[13+length:]
	}
	out := append([]byte{}, data[:fields[2]]...)
	for _, magic := range []string{"IDXLEAF2", "IDXINTE2"} {
		var above []ref
		for len(refs) > 0 {
			part := refs[:min(fan, len(refs))]
			refs = refs[len(part):]
			content := binary.BigEndian.AppendUint32(nil, uint32(len(part)))
			var entries []byte
			for _, r := range part {
				content = binary.BigEndian.AppendUint32(content, uint32(len(entries)))
				entries = append(append(entries, r.at...), r.key...)
			}
			content = append(binary.BigEndian.AppendUint32(content, uint32(len(entries))), entries...)
			b := block(magic, content)
			at := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(len(out))), uint32(len(b)))
			above = append(above, ref{at, part[0].key})
			out = append(out, b...)
		}
		refs = above
	}
	load := len(out)
	var content []byte
	for _, r := range refs {
		content = append(append(append(content, r.at...), byte(len(r.key))), r.key...)
	}
	out = append(append(out, block("IDXROOT2", content)...), block("IDXROOT2", nil)...)
	info := len(out)
	out = append(out, data[fields[1]:len(data)-4096]...)
	var tail []byte
	for num, v := range map[protowire.Number]uint64{1: uint64(info), 2: uint64(load), 5: uint64(len(refs)), 7: fields[7], 8: 3, 12: 2} {
		tail = protowire.AppendVarint(protowire.AppendTag(tail, num, protowire.VarintType), v)
	}
	trailer := make([]byte, 4096)
	copy(trailer, protowire.AppendBytes([]byte("TRABLK\"$"), tail))
	trailer[4095] = 3
	return append(out, trailer...)
}

func TestIndexOfThreeLevels(t *testing.T) {
	keys := numbered(20000)
	data := deep(t, write(t, hfile.None, keys, big), 5)
	c := &counter{ReaderAt: bytes.NewReader(data)}
	f, err := hfile.Open("x", c, int64(len(data)))
	require.NoError(t, err)
	require.Len(t, all(t, f), len(keys))
	c.reads = 0
	value, ok, err := f.Get(t.Context(), []byte("key-012346"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, big("key-012346"), value)
	require.LessOrEqual(t, c.reads, 3)
	var got []string
	for e, err := range f.Range(t.Context(), []byte("key-019991"), []byte("key-020011")) {
		require.NoError(t, err)
		got = append(got, string(e.Key))
	}
	require.Equal(t, keys[9996:10006], got)
}

// Each byte of a small file in turn is damaged: an error of a known kind, or the same
// number of entries as before, and never a panic.
func TestDamage(t *testing.T) {
	data := write(t, hfile.GZ, numbered(3), big)
	for i := range data {
		for _, v := range []byte{0x00, 0x7f, 0xff, data[i] + 1} {
			damaged := bytes.Clone(data)
			damaged[i] = v
			exercise(t, damaged)
		}
	}
	for n := range data {
		exercise(t, data[:n])
	}
}

func exercise(t testing.TB, data []byte) {
	t.Helper()
	known := func(err error) {
		if err != nil && !errors.Is(err, base.ErrCorrupt) && !errors.Is(err, base.ErrUnsupported) {
			t.Fatalf("unexpected error: %v", err)
		}
	}
	f, err := hfile.Open("x", bytes.NewReader(data), int64(len(data)))
	known(err)
	if err != nil {
		return
	}
	for _, err := range f.All(t.Context()) {
		known(err)
	}
	_, _, err = f.Get(t.Context(), []byte("key-000002"))
	known(err)
	_, _, err = f.Meta(hfile.MetaBloom)
	known(err)
}
