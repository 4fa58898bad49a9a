package txn

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/table"
)

// dropUnwanted drops what the handle does not want of a table's metadata table, or all of it:
// first the name, so that no reader looks there, then the files. c gets the new properties.
func dropUnwanted(ctx context.Context, h *table.Handle, c *table.Config) error {
	there := slices.Concat(c.MetadataPartitions, c.MetadataInflight())
	unwanted := func(p string) bool {
		return h.Metadata == table.MetadataDrop || metadata.GoesWith(h.MetadataWithout, p)
	}
	if !slices.ContainsFunc(there, unwanted) {
		return nil
	}
	fail := func(err error) error {
		return fmt.Errorf("txn: drop from the metadata table of %s: %w", h.Store.URI(), err)
	}
	stay := slices.DeleteFunc(slices.Clone(c.MetadataPartitions), unwanted)
	if err := c.SetMetadataPartitions(ctx, h.Store, stay, h.Clock); err != nil {
		return fail(err)
	}
	if len(stay) == 0 {
		if err := h.Store.DeleteDir(ctx, metadata.Folder); err != nil {
			return fail(err)
		}
	}
	for _, p := range there {
		if !unwanted(p) {
			continue
		}
		if err := h.Store.DeleteDir(ctx, base.Join(metadata.Folder, p)); err != nil {
			return fail(err)
		}
		if err := metadata.Undefine(ctx, h.Store, c, p); err != nil {
			return fail(err)
		}
	}
	return nil
}
