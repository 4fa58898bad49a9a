package writer

import (
	"context"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
)

// passOver looks for the rows to insert whose keys are there, in their partition or, with a global index, in any,
// if that is asked for: they are skipped, or the write fails.
func (w *write) passOver(ctx context.Context) error {
	if w.options.Operation != Insert || w.options.Existing == KeepExisting {
		return nil
	}
	x, err := w.lookup(ctx)
	if err != nil {
		return err
	}
	x.Merged = true // a key that logs have is there, one that they delete is not
	located, err := x.Locate(ctx, w.parts())
	if err != nil {
		return err
	}
	for i, s := range w.stages {
		s.skipped = map[int32]bool{}
		for e, at := range located[i].Of {
			switch {
			case at < 0, s.changes.IsDelete(e):
			case w.options.Existing == FailExisting:
				return fmt.Errorf("insert into table %s: the key %q of partition %q is there already (hoodie.datasource.write.insert.dup.policy=fail); use upsert, or the policy drop: %w",
					w.table.Config.Name, s.changes.Key(e), s.partition, base.ErrInvalid)
			default:
				s.skipped[int32(e)] = true
			}
		}
	}
	return nil
}
