package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
)

func newCheck(a *app) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "check TABLE",
		Short: "Compare a table's metadata table with its folders",
		Long: "Compare the files that the table's metadata table names with those in its folders, and list the\n" +
			"differences. Exits with 5 when there are any.",
		Example: "  hudictl check ./trips\n" +
			"  hudictl check ./trips --output json",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.check(c.Context(), t, output)
		},
	}
	choiceVar(c.Flags(), &output, "output", "", "how to print (table on a terminal, else json)", []string{outputTable, outputJSON})
	return c
}

func (a *app) check(ctx context.Context, t *hudi.Table, output string) error {
	problems, err := t.Check(ctx)
	if err != nil {
		return err
	}
	err = printList(a, a.listOutput(output), problems, []string{"path", "problem"}, func(p hudi.Problem) []string {
		return []string{p.Path, p.Problem}
	})
	if err != nil || len(problems) == 0 {
		return err
	}
	return kindError{fmt.Errorf("%s: %s in the metadata table; make it anew with hudictl metadata drop, then init",
		t.URI(), plural(int64(len(problems)), "difference", "differences")), errFound}
}
