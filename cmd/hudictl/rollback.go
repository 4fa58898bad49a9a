package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/timeline"
)

func newRollback(a *app) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "rollback TABLE [INSTANT]",
		Short: "Undo a write",
		Long: "Undo a write: the latest completed one, or the instant that is named, which must be the latest\n" +
			"completed or one that is pending and whose writer is not at work any more.",
		Example: "  hudictl rollback ./trips\n" +
			"  hudictl rollback ./trips 20260131102030123",
		Args: tableAndInstant,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			done, err := rollback(c.Context(), t, args[1:])
			if err != nil {
				return err
			}
			return a.printResult(output, done, "rolled back %s %s", done.Action, done.Undone)
		},
	}
	choiceVar(c.Flags(), &output, "output", outputText, "how to print what was done", []string{outputText, outputJSON})
	return c
}

// rolledBack is what a rollback did: its own instant, and the write that it has undone.
type rolledBack struct {
	Instant    string          `json:"instant"`
	Completion string          `json:"completion"`
	Undone     string          `json:"rolledBack"`
	Action     timeline.Action `json:"action"`
}

func rollback(ctx context.Context, t *hudi.Table, instant []string) (rolledBack, error) {
	tl, err := t.Timeline(ctx)
	if err != nil {
		return rolledBack{}, err
	}
	target, ok := tl.LastCompletedWrite()
	if len(instant) > 0 {
		target, ok = writeAt(tl, instant[0])
	}
	switch {
	case !ok && len(instant) > 0:
		return rolledBack{}, fmt.Errorf("roll back %s: no write %s is on the active timeline; hudictl timeline lists them", t.URI(), instant[0])
	case !ok:
		return rolledBack{}, fmt.Errorf("roll back %s: no write has completed", t.URI())
	}
	if err := t.Rollback(ctx, target.Time); err != nil {
		return rolledBack{}, err
	}
	if tl, err = tl.Reload(ctx); err != nil {
		return rolledBack{}, err
	}
	done := rolledBack{Undone: target.Time, Action: target.Action}
	for _, i := range slices.Backward(tl.Completed()) {
		if i.Action == timeline.Rollback {
			done.Instant, done.Completion = i.Time, i.Completion
			break
		}
	}
	return done, nil
}

// writeAt finds the write of a requested time.
func writeAt(tl *timeline.Timeline, instant string) (timeline.Instant, bool) {
	writes := tl.Writes()
	at := slices.IndexFunc(writes, func(i timeline.Instant) bool { return i.Time == instant })
	if at < 0 {
		return timeline.Instant{}, false
	}
	return writes[at], true
}
