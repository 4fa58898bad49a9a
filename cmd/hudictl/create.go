package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// createFlags are the flags of create.
type createFlags struct {
	name        string
	kind        string
	keys        []string
	partitionBy []string
	ordering    []string
	schema      string
	hiveStyle   bool
	noKeys      bool
	version     int
	index       string
}

// tableTypes are the values of --type.
var tableTypes = map[string]table.Type{"cow": table.COW, "mor": table.MOR}

func newCreate(a *app) *cobra.Command {
	var f createFlags
	c := &cobra.Command{
		Use:   "create TABLE --name N --type cow|mor --keys a,b",
		Short: "Make an empty table",
		Long:  "Make an empty table. --option takes table and write properties of real Hudi.",
		Example: "  hudictl create ./trips --name trips --type cow --keys id\n" +
			"  hudictl create ./trips --name trips --type mor --keys id --partition-by city --ordering ts --schema trips.avsc --index bucket:4",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			config, err := f.config(a.globals.options)
			if err != nil {
				return err
			}
			return a.create(c.Context(), args[0], config)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&f.name, "name", "", "`name` of the table")
	choiceVar(c.Flags(), &f.kind, "type", "cow", "copy on write, or merge on read", []string{"cow", "mor"})
	c.Flags().StringSliceVar(&f.keys, "keys", nil, "`columns` that identify a row")
	c.Flags().BoolVar(&f.noKeys, "no-keys", false, "rows get generated keys, so that they can be inserted, and changed by conditions alone")
	c.Flags().StringSliceVar(&f.partitionBy, "partition-by", nil, "`columns` whose values name the folders; column:timestamp for times (hoodie.keygen.timebased.*), column:simple beside it")
	c.Flags().StringSliceVar(&f.ordering, "ordering", nil, "`columns` that say which version of a row is newer")
	c.Flags().StringVar(&f.schema, "schema", "", "`file` with the Avro schema of the rows (default that of the first commit)")
	c.Flags().BoolVar(&f.hiveStyle, "hive-style", false, "folders named column=value")
	c.Flags().IntVar(&f.version, "table-version", table.CurrentVersion, "`version` of the table's format: "+versionHelp)
	c.Flags().StringVar(&f.index, "index", "", "`kind` of look-up by which writers find rows: simple, bloom, global-simple, global-bloom or bucket:N")
	return c
}

// config makes the configuration of the table.
func (f *createFlags) config(options map[string]string) (table.Config, error) {
	c := table.NewConfig(f.name)
	c.Version, c.InitialVersion = f.version, f.version
	c.Type = tableTypes[f.kind]
	c.Keys, c.Ordering, c.HiveStyle = f.keys, f.ordering, f.hiveStyle
	c.SetPartitionFields(f.partitionBy)
	var err error
	if f.index != "" {
		if c.Index, err = parseIndex(f.index); err != nil {
			return c, err
		}
	}
	if f.schema != "" {
		if c.CreateSchema, err = readSchema(f.schema); err != nil {
			return c, err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		if err := c.SetProperty(key, options[key]); err != nil {
			return c, usagef("--option: %w", err)
		}
	}
	switch {
	case c.Name == "":
		return c, usagef("a table needs a name: give --name")
	case len(c.Keys) == 0 && !f.noKeys:
		return c, usagef("a table needs record keys: give --keys with the columns that identify a row, or --no-keys")
	case len(c.Keys) > 0 && f.noKeys:
		return c, usagef("--keys and --no-keys exclude each other")
	}
	return c, checkVersion(c.Version)
}

// versionHelp says which releases of Hudi read which version.
const versionHelp = "9 (Hudi 1.1 and later), 8 (1.0 and later) or 6 (0.14 and later)"

func checkVersion(version int) error {
	if !slices.Contains(table.Versions(), version) {
		return usagef("--table-version %d: use one of %v", version, table.Versions())
	}
	return nil
}

// parseIndex reads --index.
func parseIndex(text string) (table.IndexConfig, error) {
	index, err := table.ParseIndex(text, 0, "")
	if err != nil {
		return index, usagef("--index: %w", err)
	}
	return index, nil
}

// readSchema reads an Avro schema from a file.
func readSchema(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--schema: %w", err)
	}
	s, err := schema.Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("--schema %s: %w", file, err)
	}
	return s.WithoutMeta().Avro(), nil
}

func (a *app) create(ctx context.Context, uri string, c table.Config) error {
	t, err := hudi.Create(ctx, uri, c, a.tableOptions()...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "created %s\n", t.URI())
	return err
}
