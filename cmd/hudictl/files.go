package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/table"
)

func newFiles(a *app) *cobra.Command {
	var all bool
	var output string
	c := &cobra.Command{
		Use:   "files TABLE",
		Short: "List a table's file slices",
		Long:  "List the file slices that a snapshot query reads, or with --all every slice that is still there.",
		Example: "  hudictl files ./trips\n" +
			"  hudictl files ./trips --all --output json",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			view, done, err := t.ReaderView(c.Context())
			if err != nil {
				return err
			}
			defer done()
			lines, err := sliceLines(c.Context(), view, all)
			if err != nil {
				return err
			}
			return a.printSlices(lines, a.listOutput(output))
		},
	}
	c.Flags().BoolVar(&all, "all", false, "with older slices and replaced file groups")
	choiceVar(c.Flags(), &output, "output", "", "how to print (table on a terminal, else json)", []string{outputTable, outputJSON})
	return c
}

// sliceLine is a file slice in the list.
type sliceLine struct {
	Partition   string   `json:"partition"`
	FileID      string   `json:"fileId"`
	BaseInstant string   `json:"baseInstant"`
	BaseFile    *string  `json:"baseFile"`
	BaseBytes   int64    `json:"baseBytes"`
	LogFiles    []string `json:"logFiles"`
	LogBytes    int64    `json:"logBytes"`
	ReplacedAt  string   `json:"replacedAt,omitempty"`
}

func newSliceLine(s table.FileSlice) sliceLine {
	l := sliceLine{Partition: s.Partition, FileID: s.FileID, BaseInstant: s.BaseInstant, LogFiles: []string{}}
	if s.Base != nil {
		l.BaseFile, l.BaseBytes = &s.Base.Name, s.Base.Size
	}
	for _, f := range s.Logs {
		l.LogFiles = append(l.LogFiles, f.Name.String())
		l.LogBytes += f.Size
	}
	return l
}

// sliceLines collects the slices that readers see now, or all.
func sliceLines(ctx context.Context, v *table.View, all bool) ([]sliceLine, error) {
	partitions, err := v.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	var lines []sliceLine
	for _, p := range partitions {
		if !all {
			visible, err := v.SlicesAt(ctx, p, "")
			if err != nil {
				return nil, err
			}
			for _, s := range visible {
				lines = append(lines, newSliceLine(s))
			}
			continue
		}
		groups, err := v.Groups(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			for _, s := range g.Slices {
				l := newSliceLine(s)
				l.ReplacedAt = g.ReplacedAt
				lines = append(lines, l)
			}
		}
	}
	return lines, nil
}

func (a *app) printSlices(lines []sliceLine, format string) error {
	columns := []string{"partition", "file id", "base instant", "base size", "logs", "log size"}
	return printList(a, format, lines, columns, func(l sliceLine) []string {
		base := "-"
		if l.BaseFile != nil {
			base = humanBytes(l.BaseBytes)
		}
		return []string{l.Partition, l.FileID, l.BaseInstant, base, fmt.Sprint(len(l.LogFiles)), humanBytes(l.LogBytes)}
	})
}
