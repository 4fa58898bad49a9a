package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
)

func newIndex(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "index list|create|drop TABLE",
		Short: "List, make or drop the indexes of a table's metadata table",
		Long: "List, make or drop the indexes of a table's metadata table. Writes keep those that are there in\n" +
			"step, and make or drop them too, for example with\n" +
			"--option hoodie.metadata.global.record.level.index.enable=true or false.",
		Example: "  hudictl index create ./trips record_index\n" +
			"  hudictl index list ./trips",
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newIndexList(a), newIndexCreate(a), newIndexDrop(a))
	return c
}

func newIndexList(a *app) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:     "list TABLE",
		Short:   "List the indexes of a table's metadata table",
		Example: "  hudictl index list ./trips --output json",
		Args:    tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			found, err := t.Indexes(c.Context())
			if err != nil {
				return err
			}
			return printList(a, a.listOutput(output), found, []string{"name", "columns", "file groups", "bytes", "state"}, func(i hudi.Index) []string {
				state := "ready"
				if i.Building {
					state = "building"
				}
				of := strings.Join(i.Of, ",")
				if i.Partitioned {
					of = "keys of each partition"
				}
				return []string{i.Name, of, fmt.Sprint(i.FileGroups), fmt.Sprint(i.Bytes), state}
			})
		},
	}
	choiceVar(c.Flags(), &output, "output", "", "how to print (table on a terminal, else json)", []string{outputTable, outputJSON})
	return c
}

// The kinds of indexes that can be made.
const (
	recordIndex    = "record_index"
	secondaryIndex = "secondary_index"
)

func newIndexCreate(a *app) *cobra.Command {
	var o hudi.RecordIndexOptions
	var columns []string
	var name string
	c := &cobra.Command{
		Use:   "create TABLE KIND",
		Short: "Give a table an index, and a metadata table if it has none",
		Long: "Give a table an index, and a metadata table if it has none. The kind is\n" +
			"  record_index     where the row of each key is; with --partitioned, from table version 9 on, a key is\n" +
			"                   unique within its partition only\n" +
			"  secondary_index  which rows have a value in a column (--columns), a string, int or long; from table\n" +
			"                   version 8 on. A table without a record index gets that too",
		Example: "  hudictl index create ./trips record_index\n" +
			"  hudictl index create ./trips record_index --partitioned --file-groups 4\n" +
			"  hudictl index create ./trips secondary_index --columns rider --name by_rider",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			kind := strings.ReplaceAll(args[1], "-", "_")
			switch {
			case kind != recordIndex && kind != secondaryIndex:
				return usagef("index kind %q: use %s or %s", args[1], recordIndex, secondaryIndex)
			case o.FileGroups < 0:
				return usagef("--file-groups %d: want a number from 1 on", o.FileGroups)
			case kind == secondaryIndex && len(columns) != 1:
				return usagef("a secondary index is of one column: name it with --columns")
			case kind == secondaryIndex && o.Partitioned:
				return usagef("--partitioned is for a %s", recordIndex)
			case kind == recordIndex && (len(columns) > 0 || name != ""):
				return usagef("--columns and --name are for a %s", secondaryIndex)
			}
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			if kind == secondaryIndex {
				made, err := t.CreateSecondaryIndex(c.Context(), hudi.SecondaryIndexOptions{Column: columns[0], Name: name, FileGroups: o.FileGroups})
				if err != nil {
					return err
				}
				return a.told(t, "has the index "+made)
			}
			if err := t.CreateRecordIndex(c.Context(), o); err != nil {
				return err
			}
			return a.told(t, "has a record index")
		},
	}
	c.Flags().BoolVar(&o.Partitioned, "partitioned", false, "keys are unique within their partitions only")
	c.Flags().StringSliceVar(&columns, "columns", nil, "the column that a secondary index is of")
	c.Flags().StringVar(&name, "name", "", "what follows secondary_index_ in its name (default: the column)")
	c.Flags().IntVar(&o.FileGroups, "file-groups", 0, "file groups of the index, or of each partition (default: as real Hudi, by the number of rows)")
	return c
}

func newIndexDrop(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "drop TABLE NAME",
		Short:   "Take an index of a table's metadata table away",
		Long:    "Take an index of a table's metadata table away, by the name that 'hudictl index list' prints.",
		Example: "  hudictl index drop ./trips record_index",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := t.DropIndex(c.Context(), args[1]); err != nil {
				return err
			}
			return a.told(t, "has no index "+args[1])
		},
	}
}
