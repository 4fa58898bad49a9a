package basefile

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hudi-go/hudi-go/internal/base"
)

func buildBloom(t testing.TB, fpp float64, keys ...string) *Bloom {
	b, err := NewBloomBuilder(fpp, nil)
	require.NoError(t, err)
	for _, k := range keys {
		b.Add([]byte(k))
	}
	return b.Build()
}

// filter returns a filter of one row for n keys as real Hudi makes it from a configured size.
func filter(dynamic bool, n int, fpp float64, keys ...string) *Bloom {
	row := newBloomRow(n, fpp)
	var x mixed
	for _, k := range keys {
		x.set([]byte(k))
		row.add(&x)
	}
	return &Bloom{dynamic: dynamic, keysPerRow: n, lastKeys: len(keys), rows: []bloomRow{row}}
}

// javaKeys have every tail length, with sign-extended bytes in them.
var javaKeys = []string{"a", "ab", "abc", "abcd", "abcde", "ü", "aü", "abü", "abcü", "☃☃", "x😀", "€uro", "Ünïcode key", "id:1,name:é"}

// The texts are what org.apache.hudi.common.bloom of Hudi 1.2.0 serialises.
func TestBloomIsBitExact(t *testing.T) {
	simple := filter(false, 20, 0.001, javaKeys...)
	require.Equal(t, "/////wAAAAoBAAABIPChVANgGhDQkr8KAqDIzQsmASg9SsQTDJ8OGEkvSwHadRYAHg==", simple.Marshal())
	require.Equal(t, "/////wAAAB8BAAAALGrslJq8BA==", filter(false, 1, 1e-9, "k").Marshal())
	require.Equal(t, BloomSimple, simple.TypeCode())

	lanes := buildBloom(t, 0.001, javaKeys...)
	require.Equal(t, filter(true, len(javaKeys), 0.001, javaKeys...).Marshal(), lanes.Marshal())
	require.Equal(t, BloomDynamic, lanes.TypeCode())
}

func TestBloomOfTheDefaultSize(t *testing.T) {
	text := filter(true, 60000, 1e-9).Marshal()
	require.Len(t, text, 431380)
	require.Equal(t, "/////wAAAB4BACd9PgAA6mAAAAAAAAAAAf////8AAAAeAQAnfT4", text[:len("/////wAAAB4BACd9PgAA6mAAAAAAAAAAAf////8AAAAeAQAnfT4")])
}

func TestParseBloomOfJava(t *testing.T) {
	// 23 keys in two rows of five, the later ones round-robin.
	b, err := ParseBloom("/////wAAAAcBAAAAMAAAAAUAAAASAAAAAv////8AAAAHAQAAADB/7/ft/v//////AAAABwEAAAAwF+b/r1f7", BloomDynamic)
	require.NoError(t, err)
	for i := range 23 {
		require.True(t, b.Contains(fmt.Appendf(nil, "k%dé", i)), i)
	}
	absent := 0
	for i := range 100 {
		if !b.Contains(fmt.Appendf(nil, "other %d", i)) {
			absent++
		}
	}
	require.Equal(t, 54, absent, "of 100; the filter is too full for more")
	require.Equal(t, "/////wAAAAcBAAAAMAAAAAUAAAASAAAAAv////8AAAAHAQAAADB/7/ft/v//////AAAABwEAAAAwF+b/r1f7", b.Marshal())
}

func TestBloomGrows(t *testing.T) {
	keys := make([]string, 2*bloomRowKeys+10)
	for i := range keys {
		keys[i] = fmt.Sprintf("key %d", i)
	}
	made := buildBloom(t, 0, keys...)
	require.Len(t, made.rows, 3)
	b, err := ParseBloom(made.Marshal(), made.TypeCode())
	require.NoError(t, err)
	require.Equal(t, made, b)
	for _, k := range keys {
		require.True(t, b.Contains([]byte(k)), k)
	}
	for i := range 100_000 {
		require.False(t, b.Contains(fmt.Appendf(nil, "other %d", i)))
	}
}

func TestBloomOfNoKeys(t *testing.T) {
	b := buildBloom(t, 0, "")
	require.False(t, b.Contains([]byte("a")))
	require.True(t, b.Contains(nil), "the empty key cannot be in a filter")
	parsed, err := ParseBloom(b.Marshal(), BloomDynamic)
	require.NoError(t, err)
	require.Equal(t, b, parsed)
}

func TestBloomRate(t *testing.T) {
	for _, fpp := range []float64{-1, 1, 2, 1e-30, math.NaN()} {
		_, err := NewBloomBuilder(fpp, nil)
		require.ErrorIs(t, err, base.ErrInvalid)
	}
}

func TestBloomHasEveryKey(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keys := rapid.SliceOfN(rapid.String(), 0, 50).Draw(r, "keys")
		made := buildBloom(t, rapid.SampledFrom([]float64{1e-9, 0.01, 0.5}).Draw(r, "fpp"), keys...)
		b, err := ParseBloom(made.Marshal(), made.TypeCode())
		require.NoError(r, err)
		for _, k := range keys {
			require.True(r, b.Contains([]byte(k)), "%q", k)
		}
	})
}

// TestCodedBloom asks a filter that is not decoded the same.
func TestCodedBloom(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 100, bloomRowKeys + 5} {
		b, err := NewBloomBuilder(0.01, nil)
		require.NoError(t, err)
		for i := range n {
			b.Add([]byte(fmt.Sprint("key", i)))
		}
		want := b.Build()
		got, err := parseCoded([]byte(want.Marshal()), want.TypeCode())
		require.NoError(t, err)
		for i := range 2*n + 10 {
			key := []byte(fmt.Sprint("key", i))
			require.Equal(t, want.Contains(key), got.Contains(key), "%d of %d", i, n)
		}
	}
	_, err := parseCoded([]byte("no base64 at all"), BloomDynamic)
	require.Error(t, err)
	_, err = parseCoded(nil, "")
	require.ErrorIs(t, err, base.ErrCorrupt)
}

func TestPositionIsTheAbsoluteRemainder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := rapid.Int32().Draw(r, "hash")
		size := rapid.Int32Range(1, math.MaxInt32).Draw(r, "size")
		row := makeBloomRow(uint32(size), 1, nil)
		want := h % size
		if want < 0 {
			want = -want
		}
		require.Equal(r, uint32(want), position(uint32(h), row.size, row.inverse))
	})
}

func TestParseBloomHostile(t *testing.T) {
	good, err := base64.StdEncoding.DecodeString(buildBloom(t, 0.1, "a", "b").Marshal())
	require.NoError(t, err)
	for n := range good {
		_, err := ParseBloom(base64.StdEncoding.EncodeToString(good[:n]), BloomDynamic)
		require.ErrorIs(t, err, base.ErrCorrupt, n)
	}
	change := func(at int, v uint32) string {
		data := append([]byte(nil), good...)
		binary.BigEndian.PutUint32(data[at:], v)
		return base64.StdEncoding.EncodeToString(data)
	}
	for _, c := range []struct {
		name, text, code string
		want             error
	}{
		{"base64", "*", "", base.ErrCorrupt},
		{"type", "", "BLOCKED", base.ErrUnsupported},
		{"unversioned", change(0, 7), BloomDynamic, base.ErrUnsupported},
		{"no hashes", change(4, 0), BloomDynamic, base.ErrCorrupt},
		{"many hashes", change(4, math.MaxUint32), BloomDynamic, base.ErrCorrupt},
		{"no bits", change(9, 0), BloomDynamic, base.ErrCorrupt},
		{"no rows", change(21, 0), BloomDynamic, base.ErrCorrupt},
		{"many rows", change(21, math.MaxUint32), BloomDynamic, base.ErrCorrupt},
		{"row of many bits", change(34, math.MaxInt32), BloomDynamic, base.ErrCorrupt},
	} {
		_, err := ParseBloom(c.text, c.code)
		require.ErrorIs(t, err, c.want, c.name)
	}
}

func FuzzParseBloom(f *testing.F) {
	f.Add(buildBloom(f, 0.1, "a", "b").Marshal(), true)
	f.Add(filter(false, 20, 0.001, javaKeys...).Marshal(), false)
	f.Fuzz(func(t *testing.T, text string, dynamic bool) {
		code := BloomSimple
		if dynamic {
			code = BloomDynamic
		}
		if b, err := ParseBloom(text, code); err == nil {
			b.Contains([]byte("a key"))
		}
	})
}

func BenchmarkBloomAdd(b *testing.B) {
	for _, layout := range []string{"%08d", "id:%d", "0a1b2c3d-4e5f-6071-8293-%012d"} {
		b.Run(fmt.Sprintf(layout, 7), func(b *testing.B) {
			builder, err := NewBloomBuilder(0, nil)
			require.NoError(b, err)
			var key []byte
			for i := range b.N {
				key = fmt.Appendf(key[:0], layout, i)
				builder.Add(key)
			}
			builder.Build()
		})
	}
}
