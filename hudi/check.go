package hudi

import (
	"context"
	"errors"
	"slices"

	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/recordindex"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/table"
)

// Problem is something wrong that a check has found.
type Problem struct {
	Path    string `json:"path"` // of the file, relative to the table
	Problem string `json:"problem"`
}

// Check compares the files that the metadata table names with those in the table's folders, and
// its indexes with what they are of: for a record index the keys of all rows are read, for a secondary
// index its column too. A table
// without a metadata table has no problems of that kind.
func (t *Table) Check(ctx context.Context) ([]Problem, error) {
	tl, err := t.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	found, err := metadata.Compare(ctx, t.handle.Store, t.Config(), tl)
	if err != nil {
		return nil, err
	}
	hasRecords := slices.Contains(t.Config().MetadataPartitions, metadata.RecordIndex)
	hasSecondary := len(metadata.SecondaryIndexes(t.Config())) > 0
	if len(found) == 0 && (hasRecords || hasSecondary) {
		rows, err := t.Config().RecordSchema(ctx, tl)
		if err != nil && !errors.Is(err, table.ErrNoSchema) {
			return nil, err
		}
		s := recordindex.Source{
			Store: t.handle.Store, Config: t.Config(), Timeline: tl, Rows: rows, Budget: mem.NewBudget(t.options.memory/2, t.options.spillDir),
		}
		if hasRecords {
			if found, err = s.Compare(ctx); err != nil {
				return nil, err
			}
		}
		if hasSecondary && len(found) == 0 {
			if found, err = s.CompareSecondary(ctx); err != nil {
				return nil, err
			}
		}
	}
	problems := make([]Problem, len(found))
	for i, d := range found {
		problems[i] = Problem{d.Path, d.What}
	}
	return problems, nil
}

// InitMetadata gives the table a metadata table, with a listing of its files and the indexes
// that options ask for, which writers keep in step from then on. A table that has one wraps ErrInvalid; open the table again to
// read by it.
func (t *Table) InitMetadata(ctx context.Context) error {
	if _, err := recovery.Recover(ctx, t.handle); err != nil {
		return err
	}
	return txn.InitMetadata(ctx, t.handle)
}

// DropMetadata takes the metadata table away. The table's rows are as they were.
func (t *Table) DropMetadata(ctx context.Context) error {
	return txn.DropMetadata(ctx, t.handle)
}
