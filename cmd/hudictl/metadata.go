package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
)

func newMetadata(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "metadata init|check|drop TABLE",
		Short: "Make, check or drop a table's metadata table",
		Long: "Make, check or drop a table's metadata table, in which writers keep the listing of its files, so\n" +
			"that readers need not list folders, and statistics by which they pass files over. Writes keep one\n" +
			"that is there in step; with --option hoodie.metadata.enable=true they make one, and with false they\n" +
			"drop it.",
		Example: "  hudictl metadata init ./trips\n" +
			"  hudictl metadata check ./trips",
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newMetadataInit(a),
		newMetadataCheck(a),
		newMetadataDrop(a),
	)
	return c
}

func newMetadataInit(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "init TABLE",
		Short:   "Give a table a metadata table with the listing of its files",
		Example: "  hudictl metadata init ./trips",
		Args:    tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := t.InitMetadata(c.Context()); err != nil {
				return err
			}
			return a.told(t, "has a metadata table")
		},
	}
}

func newMetadataCheck(a *app) *cobra.Command {
	c := newCheck(a)
	c.Example = "  hudictl metadata check ./trips"
	return c
}

func newMetadataDrop(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "drop TABLE",
		Short:   "Take a table's metadata table away; its rows stay as they are",
		Example: "  hudictl metadata drop ./trips",
		Args:    tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := t.DropMetadata(c.Context()); err != nil {
				return err
			}
			return a.told(t, "has no metadata table")
		},
	}
}

// told says what has become of a table.
func (a *app) told(t *hudi.Table, what string) error {
	_, err := fmt.Fprintf(a.out, "%s %s\n", t.URI(), what)
	return err
}
