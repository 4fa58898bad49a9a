package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// propDefinitions names the file of the index definitions, below the table.
const propDefinitions = "hoodie.table.index.defs.path"

// Definition says what an index is of.
type Definition struct {
	Name     string            `json:"indexName"`
	Type     string            `json:"indexType"`
	Function string            `json:"indexFunction"`
	Fields   []string          `json:"sourceFields"`
	Options  map[string]string `json:"indexOptions"`
	Version  string            `json:"version,omitempty"`
}

// Definitions reads what the indexes of a table are of, by the partitions of its metadata
// table; nothing in tables that define none.
func Definitions(ctx context.Context, st storage.Store, c *table.Config) (map[string]Definition, error) {
	at, ok := c.Property(propDefinitions)
	if !ok || at == "" {
		return nil, nil
	}
	at, err := base.CleanRelative(at)
	if err != nil {
		return nil, fmt.Errorf("metadata: %s: %w", propDefinitions, err)
	}
	data, err := storage.ReadFile(ctx, st, at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: index definitions: %w", err)
	}
	var file struct {
		Definitions map[string]Definition `json:"indexDefinitions"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("metadata: index definitions in %s of %s: %w: %w", at, st.URI(), err, base.ErrCorrupt)
	}
	return file.Definitions, nil
}
