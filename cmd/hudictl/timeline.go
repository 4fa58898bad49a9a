package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/timeline"
)

func newTimeline(a *app) *cobra.Command {
	var archived bool
	var output string
	c := &cobra.Command{
		Use:   "timeline TABLE [INSTANT]",
		Short: "List a table's instants, or show one with its whole content",
		Example: "  hudictl timeline ./trips\n" +
			"  hudictl timeline ./trips 20260131102030123 --output json",
		Args: tableAndInstant,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			tl, err := t.Timeline(c.Context())
			if err != nil {
				return err
			}
			if len(args) > 1 {
				return a.printInstant(c.Context(), t, tl, args[1], a.listOutput(output))
			}
			instants := tl.Instants()
			if archived {
				gone, err := tl.Archived(c.Context())
				if err != nil {
					return err
				}
				instants = append(gone, instants...)
				slices.SortStableFunc(instants, func(a, b timeline.Instant) int { return cmp.Compare(a.Time, b.Time) })
			}
			return a.printTimeline(instants, a.listOutput(output))
		},
	}
	c.Flags().BoolVar(&archived, "archived", false, "with the instants of the archive")
	choiceVar(c.Flags(), &output, "output", "", "how to print (table on a terminal, else json)", []string{outputTable, outputJSON})
	return c
}

// instantLine is an instant in the list.
type instantLine struct {
	Requested string          `json:"requested"`
	Completed *string         `json:"completed"` // null while it is pending
	Action    timeline.Action `json:"action"`
	State     string          `json:"state"`
}

func (a *app) printTimeline(instants []timeline.Instant, format string) error {
	var lines []instantLine
	for _, i := range instants {
		line := instantLine{Requested: i.Time, Action: i.Action, State: i.State.String()}
		if i.Done() {
			line.Completed = &i.Completion
		}
		lines = append(lines, line)
	}
	columns := []string{"requested", "completed", "action", "state"}
	return printList(a, format, lines, columns, func(l instantLine) []string {
		completed := "-"
		if l.Completed != nil {
			completed = *l.Completed
		}
		return []string{l.Requested, completed, string(l.Action), l.State}
	})
}

// content is what the file of an instant says; that of an inflight one, when it says nothing,
// is its plan.
func content(ctx context.Context, tl *timeline.Timeline, i timeline.Instant) ([]byte, error) {
	text, err := tl.Document(ctx, i)
	if err == nil && string(text) == "null" && i.State == timeline.Inflight && tl.Has(i.Time, i.Action, timeline.Requested) {
		i.State = timeline.Requested
		i.File = tl.Layout().FileName(i.Time, i.Action, i.State, "")
		return tl.Document(ctx, i)
	}
	return text, err
}

// contents are what the files of the instants of a requested time say, or what the archive
// keeps of them.
func contents(ctx context.Context, tl *timeline.Timeline, instant string) ([][]byte, error) {
	var out [][]byte
	for _, i := range tl.Select(func(i timeline.Instant) bool { return i.Time == instant }) {
		text, err := content(ctx, tl, i)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	if len(out) > 0 {
		return out, nil
	}
	return tl.ArchivedDocuments(ctx, instant)
}

// printInstant writes the content of the instants of a requested time: on one line, or
// indented for people.
func (a *app) printInstant(ctx context.Context, t *hudi.Table, tl *timeline.Timeline, instant, format string) error {
	found, err := contents(ctx, tl, instant)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("timeline %s: there is no instant %s, active or archived; without an instant the command lists them", t.URI(), instant)
	}
	for _, text := range found {
		if format == outputJSON {
			var line bytes.Buffer
			if err := json.Compact(&line, text); err != nil {
				return fmt.Errorf("timeline %s: instant %s: %w", t.URI(), instant, err)
			}
			text = line.Bytes()
		}
		if _, err := fmt.Fprintf(a.out, "%s\n", text); err != nil {
			return err
		}
	}
	return nil
}
