package hfile_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hudi-go/hudi-go/internal/hfile"
)

// FuzzOpen takes files as they are: of HBase and of 1.2's own writer, and one of ours.
func FuzzOpen(f *testing.F) {
	const small = 7 << 10
	for _, data := range golden(f) {
		if len(data) < small {
			f.Add(data)
		}
	}
	f.Add(write(f, hfile.None, numbered(3), big))
	f.Fuzz(func(t *testing.T, data []byte) { exercise(t, data) })
}

// FuzzBlocks puts the trailer, nearly all of which is padding, around its message, and has
// blocks that are not compressed, so that what is changed is what is read.
func FuzzBlocks(f *testing.F) {
	const trailerLen, magicLen = 4096, 8
	for _, data := range [][]byte{
		write(f, hfile.None, nil, big), write(f, hfile.None, numbered(3), big), deep(f, write(f, hfile.None, numbered(2000), big), 3),
	} {
		at := len(data) - trailerLen
		message, n := protowire.ConsumeBytes(data[at+magicLen:])
		if n < 0 {
			f.Fatal("no message in the trailer")
		}
		f.Add(data[:at], message)
	}
	f.Fuzz(func(t *testing.T, blocks, message []byte) {
		trailer := make([]byte, trailerLen)
		copy(trailer, protowire.AppendBytes([]byte("TRABLK\"$"), message))
		trailer[trailerLen-1] = 3
		exercise(t, append(blocks[:len(blocks):len(blocks)], trailer...))
	})
}
