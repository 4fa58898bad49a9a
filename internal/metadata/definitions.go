package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
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

// definitionV2 is the version of definitions whose indexes are as version 9 of tables has them.
const definitionV2 = "V2"

// byValue tells whether the keys of a value lie in one file group of a secondary index.
func (d *Definition) byValue() bool { return d.Version == definitionV2 }

// OfColumn tells whether a secondary index is of a column as it is.
func (d *Definition) OfColumn() bool {
	return len(d.Fields) == 1 && (d.Function == "" || d.Function == secondaryFunction) && !strings.Contains(d.Fields[0], ".")
}

// Indexable makes sure that a secondary index can be of its column, given the schema of the table's rows.
func (d Definition) Indexable(rows *schema.Schema) error {
	if !d.OfColumn() {
		return fmt.Errorf("it is not of one column as it is: %w", base.ErrUnsupported)
	}
	f, _, ok := rows.Field(d.Fields[0])
	switch {
	case !ok:
		return fmt.Errorf("there is no column %s: %w", d.Fields[0], base.ErrInvalid)
	case !HasText(f.Type):
		return fmt.Errorf("column %s is no string, int or long, and releases of Hudi differ in the keys of others: %w", d.Fields[0], base.ErrUnsupported)
	}
	return nil
}

// Equal tells whether two definitions say the same.
func (d *Definition) Equal(o *Definition) bool {
	return d.Name == o.Name && d.Type == o.Type && d.Function == o.Function && d.Version == o.Version &&
		slices.Equal(d.Fields, o.Fields) && maps.Equal(d.Options, o.Options)
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
	for partition, d := range file.Definitions {
		if d.Name != partition {
			d.Name = partition // which tells the index from others
			file.Definitions[partition] = d
		}
	}
	return file.Definitions, nil
}
