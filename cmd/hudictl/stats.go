package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

func newStats(a *app) *cobra.Command {
	var output string
	var rows bool
	c := &cobra.Command{
		Use:   "stats TABLE",
		Short: "Show figures of a table",
		Long: "Show how large a table is: its partitions, the files that a snapshot query reads, those that are kept for\n" +
			"earlier ones, and its timeline. With --rows also the rows of its base files, whose footers are read.",
		Example: "  hudictl stats ./trips\n" +
			"  hudictl stats ./trips --rows --output json",
		Args: tableArg,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.open(c.Context(), args[0])
			if err != nil {
				return err
			}
			s, err := statsOf(c.Context(), t)
			if err == nil && rows {
				err = s.count(c.Context(), t)
			}
			if err != nil {
				return fmt.Errorf("stats %s: %w", t.URI(), err)
			}
			return a.printStats(s, a.listOutput(output))
		},
	}
	c.Flags().BoolVar(&rows, "rows", false, "count the rows in base files")
	choiceVar(c.Flags(), &output, "output", "", "how to print (table on a terminal, else json)", []string{outputTable, outputJSON})
	return c
}

// tableStats are figures of a table.
type tableStats struct {
	Name         string `json:"name"`
	Type         string `json:"type"`
	Version      int    `json:"version"`
	Partitions   int    `json:"partitions"`
	FileGroups   int    `json:"fileGroups"`
	BaseFiles    int    `json:"baseFiles"`
	BaseBytes    int64  `json:"baseBytes"`
	LogFiles     int    `json:"logFiles"`
	LogBytes     int64  `json:"logBytes"`
	BaseRows     *int64 `json:"baseRows,omitempty"`
	OlderFiles   int    `json:"olderFiles"` // of earlier slices and replaced groups
	OlderBytes   int64  `json:"olderBytes"`
	Instants     int    `json:"instants"`
	Pending      int    `json:"pending"`
	LastWrite    string `json:"lastWrite"`    // instant, "" for none
	LastComplete string `json:"lastComplete"` // its completion
}

func statsOf(ctx context.Context, t *hudi.Table) (*tableStats, error) {
	c := t.Config()
	s := &tableStats{Name: c.Name, Type: string(c.Type), Version: c.Version}
	view, err := t.View(ctx)
	if err != nil {
		return nil, err
	}
	tl := view.Timeline()
	s.Instants, s.Pending = len(tl.Instants()), len(tl.Pending())
	if last, ok := tl.LastCompletedWrite(); ok {
		s.LastWrite, s.LastComplete = last.Time, last.Completion
	}
	partitions, err := view.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	s.Partitions = len(partitions)
	for _, p := range partitions {
		now, err := view.SlicesAt(ctx, p, "")
		if err != nil {
			return nil, err
		}
		groups, err := view.Groups(ctx, p)
		if err != nil {
			return nil, err
		}
		current := map[string]bool{}
		for _, slice := range now {
			s.FileGroups++
			s.BaseFiles += eachFile(slice, false, func(path string, size int64) { s.BaseBytes += size; current[path] = true })
			s.LogFiles += eachFile(slice, true, func(path string, size int64) { s.LogBytes += size; current[path] = true })
		}
		older := func(path string, size int64) {
			if !current[path] {
				s.OlderFiles++
				s.OlderBytes += size
			}
		}
		for _, g := range groups {
			for _, slice := range g.Slices {
				eachFile(slice, false, older)
				eachFile(slice, true, older)
			}
		}
	}
	return s, nil
}

// eachFile calls f with the base file or the log files of a slice, and returns their number.
func eachFile(s table.FileSlice, logs bool, f func(path string, size int64)) int {
	if logs {
		for _, l := range s.Logs {
			f(l.Path, l.Size)
		}
		return len(s.Logs)
	}
	if s.Base == nil {
		return 0
	}
	f(s.Base.Path, s.Base.Size)
	return 1
}

// count adds the rows of the base files.
func (s *tableStats) count(ctx context.Context, t *hudi.Table) error {
	rows := int64(0)
	if s.FileGroups > 0 {
		plan, err := t.Query(ctx, query.Options{})
		if err != nil {
			return err
		}
		e, err := plan.Explain(ctx)
		if err != nil {
			return err
		}
		for _, slice := range e.Slices {
			rows += slice.Rows
		}
	}
	s.BaseRows = &rows
	return nil
}

func (a *app) printStats(s *tableStats, format string) error {
	if format == outputJSON {
		return printJSON(a.out, s)
	}
	files := func(n int, bytes int64) string {
		return fmt.Sprintf("%s, %s", plural(int64(n), "file", "files"), humanBytes(bytes))
	}
	lines := [][2]string{
		{"table", fmt.Sprintf("%s, %s, version %d", s.Name, s.Type, s.Version)},
		{"partitions", fmt.Sprint(s.Partitions)},
		{"file groups", fmt.Sprint(s.FileGroups)},
		{"base files", files(s.BaseFiles, s.BaseBytes)},
		{"log files", files(s.LogFiles, s.LogBytes)},
		{"older", files(s.OlderFiles, s.OlderBytes)},
		{"timeline", fmt.Sprintf("%s, %d pending", plural(int64(s.Instants), "instant", "instants"), s.Pending)},
		{"last write", s.LastWrite},
	}
	if s.BaseRows != nil {
		lines = append(lines, [2]string{"rows in base files", fmt.Sprint(*s.BaseRows)})
	}
	for _, l := range lines {
		if _, err := fmt.Fprintf(a.out, "%-19s %s\n", l[0], l[1]); err != nil {
			return err
		}
	}
	return nil
}
