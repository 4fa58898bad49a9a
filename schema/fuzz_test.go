package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzHistory reads the schemas with column numbers of schema-on-read.
func FuzzHistory(f *testing.F) {
	f.Add(first, []byte(`{"schemas":[`+first+`]}`))
	f.Add(first, []byte(`{"schemas":[]}`))
	columns, err := Parse(nowAvro)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, now string, text []byte) {
		current, err := ParseIdentified(now)
		if err != nil {
			return
		}
		h, err := ParseHistory(text, current)
		if err != nil {
			return
		}
		_, _ = h.AsWritten(columns, "20261123092408443")
		_, _ = h.AsWritten(columns, "0")
	})
}
