package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/internal/mem"
)

// newRoot makes the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:                   "hudictl",
		Short:                 "Work with Apache Hudi tables",
		Long:                  "Work with Apache Hudi tables: make, fill, query and maintain them.\nTABLE is a path or URI: ./trips, /data/trips, file:///data/trips, s3://bucket/trips.",
		DisableFlagsInUseLine: true,
		SilenceErrors:         true,
		SilenceUsage:          true,
		Args:                  noSuchCommand,
		RunE:                  func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRun:      func(*cobra.Command, []string) { a.begin() },
	}
	root.SuggestionsMinimumDistance = 2
	a.globals.register(root.PersistentFlags())
	root.AddCommand(
		newCreate(a),
		newCommit(a),
		newDelete(a),
		newUpdate(a),
		newQuery(a),
		newSQL(a),
		newCompact(a),
		newClean(a),
		newRollback(a),
		newTimeline(a),
		newFiles(a),
		newCheck(a),
		newMetadata(a),
		newIndex(a),
		newStats(a),
		newInspect(a),
		newIngest(a),
		newDemo(a),
		newVersion(a),
	)
	return root
}

// noSuchCommand refuses the arguments of hudictl itself: the first is meant for a command.
func noSuchCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(", did you mean %q?", near[0])
	}
	return fmt.Errorf("there is no command %q%s", args[0], hint)
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	a := &app{streams: s}
	return a.run(ctx, newRoot(a), args)
}

func (a *app) run(ctx context.Context, root *cobra.Command, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			code = a.bug(p, debug.Stack())
		}
	}()
	defer a.end()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	command, err := root.ExecuteContextC(ctx)
	if err != nil && !a.begun {
		// Cobra has found fault with the command line before any command began.
		err = usagef("%w; see '%s --help'", err, command.CommandPath())
	}
	return a.exit(err)
}

// begin puts the global flags into effect. The command line is known to be right then, as
// far as cobra can tell.
func (a *app) begin() {
	a.begun = true
	previous := mem.SetGoLimit(mem.NewBudget(int64(a.globals.memory), a.globals.spillDir))
	a.restore = func() { debug.SetMemoryLimit(previous) }
}

// end undoes begin, for callers that live on.
func (a *app) end() {
	if a.restore != nil {
		a.restore()
	}
}
