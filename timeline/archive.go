package timeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// Archived reports whether instants have left the active timeline for the archive.
func (t *Timeline) Archived(ctx context.Context) (bool, error) {
	dir := base.Join(t.dir, "history")
	if t.layout == Layout1 {
		dir = base.Join(t.dir, "archived")
	}
	entries, err := t.store.List(ctx, dir)
	if err != nil {
		return false, fmt.Errorf("timeline: list %s of %s: %w", dir, t.store.URI(), err)
	}
	return slices.ContainsFunc(entries, func(e storage.Entry) bool { return !e.Dir }), nil
}
