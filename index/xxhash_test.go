package index

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestXXHash32(t *testing.T) {
	for text, want := range map[string]uint32{
		"": 0x02CC5D05, "a": 0x550D7456, "abc": 0x32D153FF,
		"Nobody inspects the spammish repetition": 0xE2293B2F,
	} {
		require.Equal(t, want, xxHash32([]byte(text)), text)
	}
}
