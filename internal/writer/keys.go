package writer

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// followKeys looks at a key of the table where its configuration leaves two forms open:
// releases before and after 1.1 differ in those of the complex generator with one field
// (docs/format/keys.md).
func (w *write) followKeys(ctx context.Context) error {
	if !w.keys.Either() || w.rowKeys.Made != nil { // rows without meta fields have no form of their keys
		return nil
	}
	partitions, err := w.view.Partitions(ctx)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		slices, err := w.view.BaseFilesAt(ctx, p, "")
		if err != nil {
			return err
		}
		for _, s := range slices {
			key, ok, err := w.firstKey(ctx, s.Base)
			if err != nil {
				return fmt.Errorf("write to table %s: key of %s: %w", w.table.Config.Name, s.Base.Path, err)
			}
			if ok {
				w.keys.Follow(key)
				return nil
			}
		}
	}
	return nil
}

// firstKey reads the first record key of a base file; ok is false if it has no rows.
func (w *write) firstKey(ctx context.Context, f *table.BaseFile) (key string, ok bool, err error) {
	column, err := w.full.Project([]string{schema.MetaRecordKey})
	if err != nil {
		return "", false, err
	}
	file, err := w.table.Store.Open(ctx, f.Path)
	if err != nil {
		return "", false, err
	}
	r, err := basefile.Open(ctx, file, f.Path, w.options.Alloc)
	if err != nil {
		return "", false, err
	}
	defer r.Close()
	for batch, err := range r.Read(ctx, basefile.ReadOptions{Schema: column, BatchRows: 1}) {
		if err != nil {
			return "", false, err
		}
		if keys, is := batch.Column(0).(*array.String); is && keys.Len() > 0 && keys.IsValid(0) {
			return strings.Clone(keys.Value(0)), true, nil
		}
	}
	return "", false, nil
}
