package table

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/timeline"
)

// historyDir has a file for each change of the schema of a table with schema-on-read, each
// with the whole history up to it.
const (
	historyDir = base.MetaFolder + "/.schema"
	historyExt = ".schemacommit"
)

// History returns what the table's columns were called in older files, for the names that
// they have as of the requested time at ("" for now). It is nil for tables without
// schema-on-read, whose columns are found by name.
func (c *Config) History(ctx context.Context, st storage.Store, tl *timeline.Timeline, at string) (*schema.History, error) {
	m, err := schemaCommit(ctx, tl, at, false)
	if err != nil || m == nil || m.ExtraMetadata[timeline.IdentifiedSchemaKey] == "" {
		return nil, err
	}
	now, err := schema.ParseIdentified(m.ExtraMetadata[timeline.IdentifiedSchemaKey])
	if err != nil {
		return nil, fmt.Errorf("table: %s: %w", c.Name, err)
	}
	entries, err := st.List(ctx, historyDir)
	if err != nil {
		return nil, fmt.Errorf("table: list %s of %s: %w", historyDir, st.URI(), err)
	}
	for _, e := range slices.Backward(entries) { // by name, and so by time
		stamp, ok := strings.CutSuffix(e.Name, historyExt)
		time, _, _ := strings.Cut(stamp, "_")
		if !ok || e.Size == 0 || !base.IsDigits(time) || !tl.ContainsOrBefore(time) {
			continue
		}
		data, err := storage.ReadFile(ctx, st, e.Path)
		if err != nil {
			return nil, fmt.Errorf("table: schema history %s of %s: %w", e.Path, st.URI(), err)
		}
		h, err := schema.ParseHistory(data, now)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", e.Path, st.URI(), err)
		}
		return h, nil
	}
	return nil, nil
}
