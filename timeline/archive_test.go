package timeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/storage/mem"
)

func TestArchived(t *testing.T) {
	for layout, file := range map[Layout]string{Layout1: ".hoodie/archived/.commits_.archive.1_1-0-1", Layout2: ".hoodie/timeline/history/manifest_1"} {
		st := mem.New(time.Now)
		tl, err := Load(t.Context(), st, layout, time.UTC)
		require.NoError(t, err)
		archived, err := tl.Archived(t.Context())
		require.NoError(t, err)
		require.False(t, archived)
		require.NoError(t, st.Put(t.Context(), file, []byte("x")))
		archived, err = tl.Archived(t.Context())
		require.NoError(t, err)
		require.True(t, archived)
	}
}
