package logfile

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
)

// An HFile inside a block is read in place. Blocks of real Hudi are read by internal/metadata.
func TestHFileBlock(t *testing.T) {
	var content bytes.Buffer
	w := hfile.NewWriter(&content, hfile.GZ, time.UnixMilli(0))
	require.NoError(t, w.Add([]byte("k"), []byte("v")))
	require.NoError(t, w.Close())
	header := map[HeaderKey]string{HeaderInstant: "20260101000000000", HeaderSchema: `"string"`}
	data := AppendBlock(nil, Command, map[HeaderKey]string{HeaderInstant: "1"}, nil)
	data = AppendBlock(data, HFileData, header, content.Bytes())
	blocks := all(t, open("x.log", data))
	require.Len(t, blocks, 2)
	f, err := blocks[1].HFile()
	require.NoError(t, err)
	value, ok, err := f.Get(t.Context(), []byte("k"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "v", string(value))
	_, err = blocks[0].HFile()
	require.ErrorIs(t, err, base.ErrInvalid)

	damaged := bytes.Clone(data)
	copy(damaged[bytes.Index(damaged, []byte("TRABLK")):], "XXXXXX")
	_, err = all(t, open("x.log", damaged))[1].HFile()
	require.ErrorIs(t, err, base.ErrCorrupt)
}
