package hudi_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// Hudi 0.15.0 stores no payload class in copy-on-write tables, so that the option of each writer says how rows are merged. A class that is
// stored is not to be contradicted.
func TestPayloadClassOfTheWriter(t *testing.T) {
	const payloads = "org.apache.hudi.common.model."
	for _, c := range []struct {
		stored bool
		option string
		want   string
	}{
		{false, "hoodie.datasource.write.payload.class=" + payloads + "OverwriteWithLatestAvroPayload", "late@5"},
		{false, "hoodie.compaction.payload.class=" + payloads + "OverwriteWithLatestAvroPayload", "late@5"},
		{false, "hoodie.datasource.write.payload.class=" + payloads + "DefaultHoodieRecordPayload", "first@7"},
		{false, "", "first@7"},
		{true, "hoodie.datasource.write.payload.class=" + payloads + "OverwriteWithLatestAvroPayload", "first@7"},
	} {
		uri := t.TempDir()
		config := table.NewConfig("people")
		config.Version, config.InitialVersion = 6, 6
		config.Keys, config.Ordering = []string{"id"}, []string{"ts"}
		_, err := hudi.Create(t.Context(), uri, config)
		require.NoError(t, err)
		if !c.stored {
			file := filepath.Join(uri, ".hoodie", "hoodie.properties")
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			without := regexp.MustCompile(`(?m)^hoodie\.compaction\..*\n`).ReplaceAll(text, nil)
			require.NotEqual(t, text, without)
			require.NoError(t, os.WriteFile(file, without, 0o600))
		}
		var options []hudi.Option
		if c.option != "" {
			m := regexp.MustCompile(`(.*)=(.*)`).FindStringSubmatch(c.option)
			options = append(options, hudi.WithProperty(m[1], m[2]))
		}
		tab, err := hudi.Open(t.Context(), uri, options...)
		require.NoError(t, err)
		for _, p := range []person{{1, "first", 7}, {1, "late", 5}} {
			_, err = tab.Write(t.Context(), hudi.Upsert, rows(t, memory.DefaultAllocator, p), hudi.WriteOptions{})
			require.NoError(t, err)
		}
		require.Equal(t, map[string]string{"1": c.want}, read(t, tab, query.Options{}), c.option)
	}
}
