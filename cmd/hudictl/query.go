package main

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
)

// queryFlags are the flags of query.
type queryFlags struct {
	query.Options
	view    string
	sql     string
	output  string
	explain bool
}

func newQuery(a *app) *cobra.Command {
	var f queryFlags
	c := &cobra.Command{
		Use:   "query TABLE",
		Short: "Read rows of a table",
		Long: "Read rows of a table: now, as of an instant (--as-of), or those that the writes of a range\n" +
			"have written (--view incremental, after --begin up to --end; 000 is the start). In tables that log\n" +
			"changes --view cdc has what the writes changed: op (i, u, d), ts, before and after.",
		Example: "  hudictl query ./trips --where \"city = 'Oslo' AND fare > 10\" --columns id,fare\n" +
			"  hudictl query ./trips --as-of -15m --output parquet > trips.parquet\n" +
			"  hudictl query ./trips --view incremental --begin 20260131102030123",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(a); err != nil {
				return err
			}
			return a.query(c.Context(), args[0], f)
		},
	}
	c.Flags().SortFlags = false
	choiceVar(c.Flags(), &f.view, "view", string(query.Snapshot), "what to see of the table",
		[]string{string(query.Snapshot), string(query.ReadOptimized), string(query.Incremental), string(query.CDC)})
	c.Flags().StringVar(&f.AsOf, "as-of", "", "`time` to travel to: an instant, a date, 2006-01-02T15:04:05Z, or -15m")
	c.Flags().StringVar(&f.Begin, "begin", "", "`time` after which an incremental range starts: a completion time")
	c.Flags().StringVar(&f.End, "end", "", "`time` up to which an incremental range goes (default now)")
	c.Flags().StringSliceVar(&f.Columns, "columns", nil, "`columns` to read (default all)")
	c.Flags().StringVar(&f.Where, "where", "", "`condition` on the rows, as in SQL")
	c.Flags().Int64Var(&f.Limit, "limit", 0, "greatest `number` of rows (default all)")
	c.Flags().BoolVar(&f.Meta, "meta", false, "with the _hoodie_ columns")
	c.Flags().StringVar(&f.sql, "sql", "", "`statement` of SQL over the rows, which are the table t")
	c.Flags().BoolVar(&f.explain, "explain", false, "tell what would be read and what passed over, and why; no rows")
	choiceVar(c.Flags(), &f.output, "output", "", "format of the rows (table on a terminal, else jsonl)",
		rowFormats)
	return c
}

// check finds what cannot be, and resolves the defaults.
func (f *queryFlags) check(a *app) error {
	f.View = query.View(f.view)
	ranged := f.View == query.Incremental || f.View == query.CDC
	switch {
	case f.sql != "" && (f.Where != "" || len(f.Columns) > 0 || f.Limit != 0 || f.explain):
		return usagef("--sql does not go with --where, --columns, --limit and --explain: say it in the statement")
	case ranged && f.AsOf != "":
		return usagef("--as-of does not go with --view %s: give --end", f.view)
	case !ranged && (f.Begin != "" || f.End != ""):
		return usagef("--begin and --end need --view incremental or cdc")
	case f.Limit < 0:
		return usagef("--limit %d is negative", f.Limit)
	}
	if f.AsOf != "" {
		if _, err := query.ParseTime(f.AsOf, time.Now(), time.UTC); err != nil {
			return usagef("--as-of: %w", err)
		}
	}
	for flag, text := range map[string]string{"begin": f.Begin, "end": f.End} {
		if _, err := query.ParseBound(text, time.Now(), time.UTC); err != nil {
			return usagef("--%s: %w", flag, err)
		}
	}
	if f.Where != "" {
		if _, err := expr.Parse(f.Where); err != nil {
			return usagef("--where: %w", err)
		}
	}
	var err error
	if f.output, err = a.rowOutput(f.output); err != nil {
		return err
	}
	if f.explain && f.output != outputTable && f.output != string(rowio.JSONL) {
		return usagef("--explain has --output table or jsonl, not %s", f.output)
	}
	return nil
}

func (a *app) query(ctx context.Context, uri string, f queryFlags) error {
	if f.sql != "" {
		return a.querySQL(ctx, uri, f)
	}
	t, err := a.open(ctx, uri)
	if err != nil {
		return err
	}
	plan, err := t.Query(ctx, f.Options)
	if err != nil {
		return err
	}
	if f.explain {
		e, err := plan.Explain(ctx)
		if err != nil {
			return err
		}
		return a.printExplanation(e, f.output)
	}
	if err := a.printRows(ctx, plan, rowio.Format(f.output)); err != nil {
		return fmt.Errorf("query %s: %w", t.URI(), err)
	}
	return nil
}

// querySQL runs statements over a view of a table, which has the name t and its own.
func (a *app) querySQL(ctx context.Context, uri string, f queryFlags) error {
	s, err := a.openSQL(1)
	if err != nil {
		return err
	}
	defer s.close()
	s.output = rowio.Format(f.output)
	t, err := s.open(ctx, uri)
	if err != nil {
		return err
	}
	for _, name := range []string{t.Config().Name, "t"} {
		if err := s.add(name, t, f.Options); err != nil {
			return err
		}
	}
	return s.runAll(ctx, f.sql)
}

// printRows writes the answer of a query.
func (a *app) printRows(ctx context.Context, plan *query.Plan, format rowio.Format) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	w, err := rowio.NewWriter(out, format, plan.Schema, rowio.WriteOptions{Width: a.width, Alloc: memory.DefaultAllocator})
	if err != nil {
		return err
	}
	for batch, err := range plan.Rows(ctx) {
		if err == nil {
			err = w.Write(batch)
		}
		if err != nil {
			_ = w.Close() // the first error counts
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Flush()
}
