package writer

import (
	"context"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/internal/txn"
)

// changeLogs says how the files that this write replaces log what changes, nil in a table
// that logs nothing.
func (w *write) changeLogs() *cow.ChangeLogs {
	c := w.table.Config
	if !c.CDC {
		return nil
	}
	kind := txn.MarkCreate
	if c.SliceLogs() { // release 0.15 rolls no log file back that has another marker
		kind = txn.MarkAppend
	}
	return &cow.ChangeLogs{
		Mode: c.CDCMode, BlockBytes: w.options.LogBlockBytes,
		Announce: func(ctx context.Context, path string) error { return w.txn.Mark(ctx, path, kind) },
	}
}
