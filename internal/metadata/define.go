package metadata

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
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
	if c.Version < definedFrom {
		return nil // nothing says it there
	}
	version := "" // version 8 does not say
	if c.Version >= valueTypes {
		version = definitionV2
	}
	return define(ctx, st, c, clock, Definition{
		Name: ColumnStats, Type: ColumnStats, Function: ColumnStats, Fields: columns, Options: map[string]string{}, Version: version,
	})
}

// optionPartitioned is the index option of a record index with file groups of their own for each
// partition of the table.
const optionPartitioned = "isPartitioned"

// DefineRecordIndex notes what the record index is like, which tables before version 9 do not
// say. The caller holds the table's lock.
func DefineRecordIndex(ctx context.Context, st storage.Store, c *table.Config, partitioned bool, clock func() time.Time) error {
	const since = 9
	if c.Version < since {
		return nil
	}
	return define(ctx, st, c, clock, Definition{
		Name: RecordIndex, Type: RecordIndex, Fields: []string{}, Version: "V1",
		Options: map[string]string{optionPartitioned: strconv.FormatBool(partitioned)},
	})
}

// RecordsPartitioned tells whether the record index has file groups for each partition of the
// table.
func RecordsPartitioned(ctx context.Context, st storage.Store, c *table.Config) (bool, error) {
	all, err := Definitions(ctx, st, c)
	return all[RecordIndex].Options[optionPartitioned] == "true", err
}

// The type and the function of secondary indexes in their definitions.
const (
	secondaryType     = "secondary_index"
	secondaryFunction = "identity"
)

// NewSecondaryDefinition says of which column a secondary index is, in a table of a version. Its
// name is the partition's, or what follows in that.
func NewSecondaryDefinition(version int, name, column string) Definition {
	d := Definition{
		Name: SecondaryIndex + strings.TrimPrefix(name, SecondaryIndex), Type: secondaryType, Function: secondaryFunction,
		Fields: []string{column}, Options: map[string]string{},
	}
	if version >= valueTypes {
		d.Version = definitionV2
	}
	return d
}

// DefineSecondary notes what a secondary index is of. The caller holds the table's lock.
func DefineSecondary(ctx context.Context, st storage.Store, c *table.Config, d Definition, clock func() time.Time) error {
	return define(ctx, st, c, clock, d)
}

// define gives a table the definition of an index, and the property that names the file of definitions.
func define(ctx context.Context, st storage.Store, c *table.Config, clock func() time.Time, d Definition) error {
	all, err := Definitions(ctx, st, c)
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string]Definition{}
	}
	all[d.Name] = d
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
