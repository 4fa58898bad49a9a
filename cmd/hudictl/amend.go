package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
)

// amendFlags are the flags of delete and update.
type amendFlags struct {
	where  string
	all    bool
	set    []string
	dryRun bool
	output string
}

func newDelete(a *app) *cobra.Command {
	var f amendFlags
	c := &cobra.Command{
		Use:   "delete TABLE",
		Short: "Delete the rows that meet a condition",
		Long: "Delete the rows that meet a condition, as one commit, and print its instant.\n" +
			"To delete rows by their keys use 'hudictl commit --op delete', whole partitions --op delete-partition.",
		Example: "  hudictl delete ./trips --where \"city = 'Oslo' AND fare < 10\"\n" +
			"  hudictl delete ./trips --where \"day < DATE '2026-01-01'\" --dry-run",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			return a.amend(c.Context(), args[0], "delete", f, func(t *hudi.Table) (hudi.Commit, error) {
				return t.DeleteWhere(c.Context(), f.where, hudi.WriteOptions{})
			})
		},
	}
	f.register(c)
	return c
}

func newUpdate(a *app) *cobra.Command {
	var f amendFlags
	c := &cobra.Command{
		Use:   "update TABLE",
		Short: "Give columns of the rows that meet a condition new values",
		Long: "Give columns of the rows that meet a condition new values, as one commit, and print its instant.\n" +
			"A value is a literal, a column, or made of them with + - * / || ( ), COALESCE, CONCAT, UPPER, LOWER and TRIM.\n" +
			"The columns of the record key and of the partition cannot be set. A row whose ordering value becomes smaller stays as it was.",
		Example: "  hudictl update ./trips --set \"fare = fare * 1.1\" --set \"note = 'raised'\" --where \"city = 'Oslo'\"\n" +
			"  hudictl update ./trips --set \"note = NULL\" --all",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			if len(f.set) == 0 {
				return usagef("which columns? --set \"column = value\"")
			}
			return a.amend(c.Context(), args[0], "update", f, func(t *hudi.Table) (hudi.Commit, error) {
				return t.UpdateWhere(c.Context(), f.set, f.where, hudi.WriteOptions{})
			})
		},
	}
	c.Flags().StringArrayVar(&f.set, "set", nil, "`column = value` (repeatable)")
	f.register(c)
	return c
}

func (f *amendFlags) register(c *cobra.Command) {
	c.Flags().SortFlags = false
	c.Flags().StringVar(&f.where, "where", "", "`condition` that the rows meet")
	c.Flags().BoolVar(&f.all, "all", false, "all rows")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say how many rows it would be, and change nothing")
	choiceVar(c.Flags(), &f.output, "output", outputText, "the instant, or the commit's statistics", []string{outputText, outputJSON})
}

func (a *app) amend(ctx context.Context, uri, what string, f amendFlags, do func(t *hudi.Table) (hudi.Commit, error)) error {
	switch {
	case f.where == "" && !f.all:
		return usagef("which rows? --where CONDITION, or --all")
	case f.where != "" && f.all:
		return usagef("--where and --all exclude each other")
	}
	t, err := a.open(ctx, uri)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.countMatches(ctx, t, what, f)
	}
	done, err := do(t)
	if err != nil {
		return err
	}
	return a.printResult(f.output, done, "%s", done.Instant)
}

// matches is what a delete or an update would change.
type matches struct {
	Rows   int64 `json:"rows"`
	Groups int   `json:"fileGroups"`
}

// countMatches tells how many rows meet the condition, and in how many file groups they are.
func (a *app) countMatches(ctx context.Context, t *hudi.Table, what string, f amendFlags) error {
	plan, err := t.Query(ctx, query.Options{Where: f.where, Columns: []string{schema.MetaRecordKey}})
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, t.URI(), err)
	}
	var m matches
	for _, task := range plan.Tasks {
		before := m.Rows
		for batch, err := range plan.Task(ctx, task) {
			if err != nil {
				return fmt.Errorf("%s %s: %w", what, t.URI(), err)
			}
			m.Rows += batch.NumRows()
		}
		if m.Rows > before {
			m.Groups++
		}
	}
	return a.printResult(f.output, m, "would %s %s in %s", what, plural(m.Rows, "row", "rows"), plural(int64(m.Groups), "file group", "file groups"))
}
