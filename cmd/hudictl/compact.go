package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/compaction"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/timeline"
)

func newCompact(a *app) *cobra.Command {
	var f serviceFlags
	c := &cobra.Command{
		Use:   "compact TABLE",
		Short: "Merge the log files of a merge-on-read table into base files",
		Long: "Merge the log files of a merge-on-read table into base files: schedule a compaction of all\n" +
			"that have some, and execute it and those that were scheduled before.",
		Example: "  hudictl compact ./trips\n" +
			"  hudictl compact ./trips --schedule-only",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := f.open(c.Context(), a, args[0])
			if err != nil {
				return err
			}
			return a.compact(c.Context(), t, f)
		},
	}
	f.register(c.Flags())
	return c
}

func (a *app) compact(ctx context.Context, t *hudi.Table, f serviceFlags) error {
	switch {
	case f.dryRun:
		plan, err := t.PlanCompaction(ctx)
		if err != nil {
			return err
		}
		return a.printCompactionPlan(f.output, plan)
	case f.scheduleOnly:
		instant, err := t.ScheduleCompaction(ctx, 0)
		return a.printScheduled(f.output, instant, err)
	case f.instant != "":
		r, err := t.ExecuteCompaction(ctx, f.instant)
		if err != nil {
			return err
		}
		return a.printCompacted(f.output, r)
	}
	done, err := t.Compact(ctx)
	if err == nil && len(done) == 0 {
		return a.printNothing(f.output, "nothing to compact")
	}
	for _, r := range done {
		if err := a.printCompacted(f.output, r); err != nil {
			return err
		}
	}
	return partly(len(done), err)
}

func (a *app) printCompacted(format string, r compaction.Result) error {
	return a.printResult(format, r, "compacted %s in commit %s: %s, %s",
		plural(int64(r.Groups), "file group", "file groups"), r.Instant, plural(r.Rows, "row", "rows"), humanBytes(r.Bytes))
}

// plannedGroup is a file group that a compaction would merge.
type plannedGroup struct {
	Partition   string   `json:"partition"`
	FileID      string   `json:"fileId"`
	BaseInstant string   `json:"baseInstant"`
	BaseFile    string   `json:"baseFile,omitempty"`
	LogFiles    []string `json:"logFiles"`
	LogBytes    int64    `json:"logBytes"`
}

func (a *app) printCompactionPlan(format string, plan *timeline.CompactionPlan) error {
	if plan == nil {
		return a.printNothing(format, "nothing to compact")
	}
	var groups []plannedGroup
	for _, op := range plan.Operations {
		groups = append(groups, plannedGroup{
			Partition: op.Partition, FileID: op.FileID, BaseInstant: op.BaseInstant, BaseFile: op.DataFile,
			LogFiles: op.DeltaFiles, LogBytes: int64(op.Metrics[timeline.MetricLogFilesSize]),
		})
	}
	columns := []string{"partition", "file id", "base instant", "logs", "log bytes"}
	return printList(a, format, groups, columns, func(g plannedGroup) []string {
		return []string{g.Partition, g.FileID, g.BaseInstant, fmt.Sprint(len(g.LogFiles)), humanBytes(g.LogBytes)}
	})
}
