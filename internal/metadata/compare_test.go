package metadata

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage"
)

// A golden table agrees with its folders; a file that is lost, cut or not listed is named.
func TestCompare(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		compare := func() []Difference {
			found, err := Compare(t.Context(), st, m.config, load(t, st, m.config))
			require.NoError(t, err)
			return found
		}
		require.Empty(t, compare())
		partitions, err := m.Partitions(t.Context())
		require.NoError(t, err)
		files, err := m.Files(t.Context(), partitions[0])
		require.NoError(t, err)
		require.Greater(t, len(files), 1)
		require.NoError(t, st.Put(t.Context(), files[0].Path, []byte("x")))
		data, err := storage.ReadFile(t.Context(), st, files[1].Path)
		require.NoError(t, err)
		require.NoError(t, st.Delete(t.Context(), files[1].Path))
		other := partitions[1] + "/" + files[1].Name
		require.NoError(t, st.Put(t.Context(), other, data))
		var paths []string
		for _, d := range compare() {
			paths = append(paths, d.Path)
		}
		require.ElementsMatch(t, []string{files[0].Path, files[1].Path, other}, paths)
	})
}
