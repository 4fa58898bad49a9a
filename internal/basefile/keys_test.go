package basefile

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKeyFilter writes a file over and over, as updates with a few new and a few deleted keys do. The filter has every
// key, few that are gone, and is made anew now and then.
func TestKeyFilter(t *testing.T) {
	alloc := checked(t)
	s := metaSchema(t, `{"name":"id","type":"int"}`)
	line := func(id int) string { return fmt.Sprintf(`{"_hoodie_record_key":"%d","id":%d}`, id, id) }
	var have []int
	for id := range 500 {
		have = append(have, id)
	}
	lines := func(ids []int) (out []string) {
		for _, id := range ids {
			out = append(out, line(id))
		}
		return out
	}
	data, _ := writeFile(t, WriterOptions{Schema: s}, rowsOf(t, alloc, s, lines(have)...))
	anew := 0
	for round := range 40 {
		r := openBytes(t, data, alloc)
		known := r.KeyFilter()
		if known == nil {
			anew++
		}
		have = slices.Delete(have, round, round+8)
		fresh := []int{1000 + 2*round, 1001 + 2*round}
		var out bytes.Buffer
		w, err := NewWriter(&out, WriterOptions{Schema: s, Known: known})
		require.NoError(t, err)
		require.NoError(t, w.WriteKnown(rowsOf(t, alloc, s, lines(have)...)))
		require.NoError(t, w.Write(rowsOf(t, alloc, s, lines(fresh)...)))
		_, err = w.Close()
		require.NoError(t, err)
		data, have = out.Bytes(), append(have, fresh...)

		bloom, err := openBytes(t, data, alloc).Bloom()
		require.NoError(t, err)
		for _, id := range have {
			require.True(t, bloom.Contains(fmt.Append(nil, id)), "round %d, key %d", round, id)
		}
		gone := 0
		for id := range 500 {
			if !slices.Contains(have, id) && bloom.Contains(fmt.Append(nil, id)) {
				gone++
			}
		}
		require.Less(t, gone, len(have)/2, "round %d", round)
	}
	require.Greater(t, anew, 2)
	require.Less(t, anew, 20)
}

// Filters of another shape are not gone on with.
func TestKeyFilterFits(t *testing.T) {
	require.False(t, filter(false, 100, 1e-9, "a").fits(100), "a simple one")
	require.False(t, filter(true, 60_000, 1e-9, "a").fits(100), "made for many more keys")
	require.True(t, filter(true, 100, 1e-9, "a").fits(100))
}
