package metadata

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// Undefine takes an index out of a table's index definitions, if it is there. The caller
// holds the table's lock.
func Undefine(ctx context.Context, st storage.Store, c *table.Config, index string) error {
	all, err := Definitions(ctx, st, c)
	if err != nil {
		return err
	}
	if _, defined := all[index]; !defined {
		return nil
	}
	delete(all, index)
	return putDefinitions(ctx, st, c, all)
}

// definitionsFile is where real Hudi keeps the index definitions.
const definitionsFile = base.MetaFolder + "/.index_defs/index.json"

// DefineColumnStats says of which columns statistics are kept. A table without the property
// for definitions gets it, and c its new values. The caller holds the table's lock.
func DefineColumnStats(ctx context.Context, st storage.Store, c *table.Config, columns []string, clock func() time.Time) error {
	all, err := Definitions(ctx, st, c)
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string]Definition{}
	}
	version := "V2"
	if c.Version < 9 {
		version = "V1"
	}
	all[ColumnStats] = Definition{
		Name: ColumnStats, Type: ColumnStats, Function: ColumnStats, Fields: columns, Options: map[string]string{}, Version: version,
	}
	if at, ok := c.Property(propDefinitions); !ok || at == "" {
		if err := c.Update(ctx, st, map[string]string{propDefinitions: definitionsFile}, nil, clock); err != nil {
			return err
		}
	}
	return putDefinitions(ctx, st, c, all)
}

// putDefinitions replaces the index definitions of a table that has the property for them.
func putDefinitions(ctx context.Context, st storage.Store, c *table.Config, all map[string]Definition) error {
	at, _ := c.Property(propDefinitions)
	at, err := base.CleanRelative(at)
	if err != nil {
		return fmt.Errorf("metadata: %s: %w", propDefinitions, err)
	}
	data, err := json.MarshalIndent(struct {
		Definitions map[string]Definition `json:"indexDefinitions"`
	}{all}, "", "  ")
	if err != nil {
		return fmt.Errorf("metadata: index definitions: %w", err)
	}
	if err := st.Put(ctx, at, data); err != nil {
		return fmt.Errorf("metadata: put index definitions of %s: %w", st.URI(), err)
	}
	return nil
}
