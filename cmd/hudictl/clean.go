package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/cleaner"
	"github.com/hudi-go/hudi-go/hudi"
)

func newClean(a *app) *cobra.Command {
	var f serviceFlags
	c := &cobra.Command{
		Use:   "clean TABLE",
		Short: "Remove the files that the latest commits do not need",
		Long: "Remove the files that the latest commits do not need. How many stay readable is\n" +
			"hoodie.clean.commits.retained; time travel before them ends.",
		Example: "  hudictl clean ./trips --dry-run\n" +
			"  hudictl clean ./trips --option hoodie.clean.commits.retained=3",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := f.open(c.Context(), a, args[0])
			if err != nil {
				return err
			}
			return a.clean(c.Context(), t, f)
		},
	}
	f.register(c.Flags())
	return c
}

func (a *app) clean(ctx context.Context, t *hudi.Table, f serviceFlags) error {
	switch {
	case f.dryRun:
		plan, err := t.PlanClean(ctx)
		if err != nil {
			return err
		}
		return a.printRemoval(f.output, plan)
	case f.scheduleOnly:
		instant, err := t.ScheduleClean(ctx)
		return a.printScheduled(f.output, instant, err)
	case f.instant != "":
		r, err := t.ExecuteClean(ctx, f.instant)
		if err != nil {
			return err
		}
		return a.printCleaned(f.output, r)
	}
	done, err := t.Clean(ctx)
	if err == nil && len(done) == 0 {
		return a.printNothing(f.output, "nothing to clean")
	}
	for _, r := range done {
		if err := a.printCleaned(f.output, r); err != nil {
			return err
		}
	}
	return partly(len(done), err)
}

func (a *app) printCleaned(format string, r cleaner.Result) error {
	return a.printResult(format, r, "clean %s removed %s; commits from %s on stay readable", r.Instant, plural(int64(r.Files), "file", "files"), r.Earliest)
}

// removal is what a clean would do.
type removal struct {
	Earliest string   `json:"earliestCommitToRetain"`
	Files    []string `json:"files"`
}

// printRemoval shows the plan of a clean: its files and what they add up to.
func (a *app) printRemoval(format string, plan *cleaner.Removal) error {
	if plan == nil {
		return a.printNothing(format, "nothing to clean")
	}
	r := removal{Earliest: plan.Earliest.Time}
	for _, partition := range slices.Sorted(maps.Keys(plan.Files)) {
		r.Files = append(r.Files, slices.Sorted(slices.Values(plan.Files[partition]))...)
	}
	if format != outputJSON {
		for _, file := range r.Files {
			fmt.Fprintln(a.out, file)
		}
	}
	return a.printResult(format, r, "would remove %s; commits from %s on stay readable", plural(int64(len(r.Files)), "file", "files"), r.Earliest)
}
