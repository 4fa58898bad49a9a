package basefile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/schema"
)

// Bounds that are too long for statistics are left out, each by itself. What is left is no bound
// of the rows, in row groups and in pages.
func TestLongBounds(t *testing.T) {
	s := parse(t, recordOf(`{"name":"s","type":["null","string"]}`))
	text := &schema.Type{Kind: schema.String}
	for name, long := range map[string]string{"greatest": strings.Repeat("z", 5000), "least": strings.Repeat("a", 5000)} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for i := range 3000 {
				v := fmt.Sprintf("m%05d", i)
				if i%500 == 7 {
					v = long
				}
				lines = append(lines, fmt.Sprintf(`{"s":%q}`, v))
			}
			data, _ := writeFile(t, WriterOptions{Schema: s, PageBytes: 2000}, rowsOf(t, memory.DefaultAllocator, s, lines...))
			r := openBytes(t, data, memory.DefaultAllocator)
			defer r.Close()
			_, _, _, _, ok := r.RowGroups()[0].Range("s", text)
			require.False(t, ok)
			keep := func(wanted string) func(Statistics) bool {
				return func(s Statistics) bool {
					low, high, _, _, ok := s.Range("s", text)
					return !ok || low == nil || low.(string) <= wanted && wanted <= high.(string)
				}
			}
			for _, wanted := range []string{"m00000", "m01234", "m02999", long} {
				found := false
				for b, err := range r.Read(t.Context(), ReadOptions{Schema: s, Keep: keep(wanted), PageColumns: []string{"s"}}) {
					require.NoError(t, err)
					for i := range int(b.NumRows()) {
						found = found || b.Column(0).ValueStr(i) == wanted
					}
				}
				require.True(t, found, "%.10s", wanted)
			}
		})
	}
}
