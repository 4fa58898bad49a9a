package metadata

import (
	"context"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// List returns the files of completed writes that are in a table's folders: what the
// metadata table of a table begins with. Log files of version 6 do not tell their writes;
// all count, so no write may be pending.
func List(ctx context.Context, st storage.Store, c *table.Config, tl *timeline.Timeline) (FileChanges, error) {
	folders := table.StorageLister(st)
	counts, err := counted(ctx, c, table.NewView(c, tl, folders))
	if err != nil {
		return nil, err
	}
	partitions, err := folders.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	out := FileChanges{}
	for _, p := range partitions {
		there, err := folders.Files(ctx, p)
		if err != nil {
			return nil, err
		}
		files := out.of(p)
		for _, e := range there {
			if e.Size > 0 && counts(e.Name) {
				files[e.Name] = FileState{Size: e.Size}
			}
		}
	}
	return out, nil
}

// counted returns a test whether a file name is that of a data file of a completed write.
func counted(ctx context.Context, c *table.Config, v *table.View) (func(name string) bool, error) {
	committed, err := v.Committed(ctx)
	if err != nil {
		return nil, err
	}
	return func(name string) bool {
		if n, ok := base.ParseBaseFileName(name); ok && n.Ext == c.BaseExt() {
			return committed(n.Instant)
		}
		n, ok := base.ParseLogFileName(name)
		return ok && committed(n.Time)
	}, nil
}
