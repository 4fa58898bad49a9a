package hudi

import (
	"context"

	"github.com/hudi-go/hudi-go/internal/metadata"
)

// Problem is something wrong that a check has found.
type Problem struct {
	Path    string `json:"path"` // of the file, relative to the table
	Problem string `json:"problem"`
}

// Check compares the files that the metadata table names with those in the table's folders.
// A table without a metadata table has no problems of that kind.
func (t *Table) Check(ctx context.Context) ([]Problem, error) {
	tl, err := t.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	found, err := metadata.Compare(ctx, t.handle.Store, t.Config(), tl)
	if err != nil {
		return nil, err
	}
	problems := make([]Problem, len(found))
	for i, d := range found {
		problems[i] = Problem{d.Path, d.What}
	}
	return problems, nil
}
