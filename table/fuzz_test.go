package table

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/timeline"
)

// FuzzConfig resolves the properties of tables. Those that are accepted name folders of the
// table, and can be written back.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"v6_mdt_full", "v8_mdt_secondary_cow", "v9_mdt_full", "v9_cdc_cow_keys", "v9_mor_custom_keygen", "v6_rules_mysql_mor"} {
		data, err := storage.ReadFile(f.Context(), goldentest.Store(f, name), propertiesPath)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProperties(data)
		if err != nil {
			require.ErrorIs(t, err, base.ErrCorrupt)
			return
		}
		c, err := configOf(p)
		if err != nil {
			require.True(t, errors.Is(err, base.ErrCorrupt) || errors.Is(err, base.ErrUnsupported), err)
			return
		}
		for _, dir := range []string{c.TimelineDir(), c.ArchiveDir()} {
			require.NoError(t, storage.CheckPath(dir))
		}
		require.Contains(t, []timeline.Layout{timeline.Layout1, timeline.Layout2}, c.Layout())
		c.Location(time.UTC)
		_, err = c.Changed(c)
		require.NoError(t, err)
	})
}
