package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/hudi-go/hudi-go/hudi"
)

// serviceFlags are the flags of the table services.
type serviceFlags struct {
	scheduleOnly bool
	dryRun       bool
	instant      string
	output       string
}

func (f *serviceFlags) register(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.BoolVar(&f.scheduleOnly, "schedule-only", false, "put the plan on the timeline for others to execute")
	flags.StringVar(&f.instant, "instant", "", "`instant` of the one scheduled plan to execute")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show the plan and change nothing")
	choiceVar(flags, &f.output, "output", outputText, "how to print what was done", []string{outputText, outputJSON})
}

// open checks the flags and opens the table.
func (f *serviceFlags) open(ctx context.Context, a *app, uri string) (*hudi.Table, error) {
	chosen := 0
	for _, on := range []bool{f.scheduleOnly, f.dryRun, f.instant != ""} {
		if on {
			chosen++
		}
	}
	if chosen > 1 {
		return nil, usagef("--schedule-only, --instant and --dry-run exclude each other")
	}
	return a.open(ctx, uri)
}

// printScheduled tells about a plan that was put on the timeline; "" is none.
func (a *app) printScheduled(format, instant string, err error) error {
	switch {
	case err != nil:
		return err
	case instant == "":
		return a.printNothing(format, "nothing to schedule")
	}
	return a.printResult(format, map[string]string{"instant": instant}, "scheduled %s", instant)
}

// printNothing says to people that there was nothing to do.
func (a *app) printNothing(format, words string) error {
	if format == outputJSON {
		return nil
	}
	_, err := fmt.Fprintln(a.out, words)
	return err
}

// partly marks the error of a service that has done some of its work.
func partly(done int, err error) error {
	if err != nil && done > 0 {
		return kindError{fmt.Errorf("%d done, then: %w", done, err), errPartly}
	}
	return err
}
